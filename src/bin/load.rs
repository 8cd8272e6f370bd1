//! Loads the datasets into the CRM.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::LOAD, option_env!("CRM_BACKFILL_COMMIT"), steps::load::run)
}
