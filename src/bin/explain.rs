//! Explains why records are linked to one person, or why two are not.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("explain")
}
