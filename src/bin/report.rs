//! Writes the report: one offline page and its numbers.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::REPORT, option_env!("CRM_BACKFILL_COMMIT"), steps::report::run)
}
