//! Explains why records are linked to one person, or why two are not.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPLAIN, option_env!("CRM_BACKFILL_COMMIT"), steps::explain::run)
}
