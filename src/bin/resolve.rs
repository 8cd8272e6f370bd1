//! Links the staged records that belong to one person.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::RESOLVE, option_env!("CRM_BACKFILL_COMMIT"), steps::resolve::run)
}
