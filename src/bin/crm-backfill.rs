//! The one command on the PATH: `crm-backfill <verb>` runs the binary of that name.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::dispatch(steps::programs::ALL, option_env!("CRM_BACKFILL_COMMIT"))
}
