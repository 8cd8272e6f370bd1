//! Cleans and normalises the exports into one shape.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("stage")
}
