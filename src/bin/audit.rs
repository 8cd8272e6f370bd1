//! Draws a sample of links to judge, and reads the verdicts back.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::AUDIT, option_env!("CRM_BACKFILL_COMMIT"), steps::audit::run)
}
