//! Consolidates linked records into the rows of the CRM.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::CONSOLIDATE, option_env!("CRM_BACKFILL_COMMIT"), steps::consolidate::run)
}
