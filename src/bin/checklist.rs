//! Prints the strategy's Execution Checklist with state and proof.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("checklist")
}
