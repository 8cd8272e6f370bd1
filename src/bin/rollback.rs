//! Takes the backfill out of the CRM.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "rollback",
        "Take exactly the rows of the backfill out of the CRM again, in one transaction",
        "Rows that somebody changed since, and profiles that rows of others hang on, stay and are listed. The datasets move to\n\
         data/failed. --emergency empties the CRM's tables, rows of others included, after saving segments and notes.\n\
         Examples:\n  rollback --dry-run\n  rollback --yes --consumers-stopped",
        steps::rollback::run,
    )
}
