//! Exports what later steps need from the CRM: segments, ids of earlier loads, rejected pairs, withdrawals.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPORT_CRM, option_env!("CRM_BACKFILL_COMMIT"), steps::export_crm::run)
}
