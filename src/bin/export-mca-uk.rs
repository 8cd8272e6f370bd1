//! Exports MCA v1 United Kingdom: members, clubs and club memberships.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("export-mca-uk")
}
