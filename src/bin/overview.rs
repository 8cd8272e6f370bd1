//! Shows the last migration on one screen.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("overview")
}
