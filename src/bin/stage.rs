//! Cleans and normalises the exports into one shape.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::STAGE, option_env!("CRM_BACKFILL_COMMIT"), steps::stage::run)
}
