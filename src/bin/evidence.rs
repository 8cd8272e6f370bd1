//! Writes one archive that shows what was migrated and how it was checked.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("evidence")
}
