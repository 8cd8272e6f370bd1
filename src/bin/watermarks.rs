//! Prints the instant from which real-time sync must start, per service.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::WATERMARKS, option_env!("CRM_BACKFILL_COMMIT"), steps::watermarks::run)
}
