//! Computes metrics, engagement, churn and segment members.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("score")
}
