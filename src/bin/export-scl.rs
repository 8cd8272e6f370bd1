//! Exports SCL: members, tiers, clubs, sports, club and sport memberships.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("export-scl")
}
