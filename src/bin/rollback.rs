//! Removes the backfill from the CRM.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::ROLLBACK, option_env!("CRM_BACKFILL_COMMIT"), steps::rollback::run)
}
