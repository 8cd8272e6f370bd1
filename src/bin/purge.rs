//! Removes personal data from a data folder.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::PURGE, option_env!("CRM_BACKFILL_COMMIT"), steps::purge::run)
}
