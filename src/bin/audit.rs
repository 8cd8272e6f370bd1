//! Draws a sample of links to judge, and reads the verdicts back.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("audit")
}
