//! Checks that the six databases are reachable, complete and readable, and says why one is not.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::CHECK_CONNECTIONS, option_env!("CRM_BACKFILL_COMMIT"), steps::check_connections::run)
}
