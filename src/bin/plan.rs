//! Shows what each phase would insert, update and delete.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::PLAN, option_env!("CRM_BACKFILL_COMMIT"), steps::plan::run)
}
