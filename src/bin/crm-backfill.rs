//! The program that contains all commands: `crm-backfill <verb>`.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(steps::programs::ALL, option_env!("CRM_BACKFILL_COMMIT"))
}
