//! Exports MCA v1 South Africa: members, clubs, club memberships and handicaps.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("export-mca-za")
}
