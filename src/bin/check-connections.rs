//! Look at the six databases: reachable, complete, readable, or why not.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "check-connections",
        "Look at the six databases: reachable, complete, readable, or why not",
        "Passwords are never shown. Exit 0 when all are ready, 10 when one is not, 14 when one cannot be reached.\nExample:\n  check-connections --strict",
        steps::check_connections::run,
    )
}
