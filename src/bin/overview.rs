//! Shows the last migration on one screen.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::OVERVIEW, option_env!("CRM_BACKFILL_COMMIT"), steps::overview::run)
}
