//! Exports what later steps need from the CRM: segments, ids of earlier loads, rejected pairs, withdrawals.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("export-crm")
}
