//! Loads the datasets into the CRM.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("load")
}
