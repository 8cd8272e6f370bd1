//! Computes metrics, engagement, churn and segment members.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::SCORE, option_env!("CRM_BACKFILL_COMMIT"), steps::score::run)
}
