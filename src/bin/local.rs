//! Starts and stops the private PostgreSQL of the demo.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::LOCAL, option_env!("CRM_BACKFILL_COMMIT"), steps::local::run)
}
