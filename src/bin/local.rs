//! Starts and stops the private PostgreSQL of the demo.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("local")
}
