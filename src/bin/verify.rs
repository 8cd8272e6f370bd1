//! Verifies the CRM against exports, ledger and datasets.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("verify")
}
