//! Prints the instant from which real-time sync must start, per service.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("watermarks")
}
