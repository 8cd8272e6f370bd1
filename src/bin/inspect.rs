//! Shows what is in the datasets.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::INSPECT, option_env!("CRM_BACKFILL_COMMIT"), steps::inspect::run)
}
