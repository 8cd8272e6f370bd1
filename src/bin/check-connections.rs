//! Checks that the six databases are reachable, complete and readable, and says why one is not.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("check-connections")
}
