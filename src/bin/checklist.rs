//! Prints the strategy's Execution Checklist with state and proof.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::CHECKLIST, option_env!("CRM_BACKFILL_COMMIT"), steps::checklist::run)
}
