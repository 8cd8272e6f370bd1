//! Consolidates linked records into the rows of the CRM.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("consolidate")
}
