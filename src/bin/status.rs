//! Shows what is exported, staged and loaded.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::STATUS, option_env!("CRM_BACKFILL_COMMIT"), steps::status::run)
}
