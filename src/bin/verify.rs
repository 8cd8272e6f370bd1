//! Verifies the CRM against exports, ledger and datasets.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::VERIFY, option_env!("CRM_BACKFILL_COMMIT"), steps::verify::run)
}
