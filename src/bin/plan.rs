//! Shows what each phase would insert, update and delete.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("plan")
}
