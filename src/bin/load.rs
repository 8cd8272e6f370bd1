//! Loads the datasets into the CRM.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "load",
        "Load the datasets of data/crm and data/score into the CRM, in one transaction, all or nothing",
        "An empty CRM is filled; in a CRM with an earlier backfill our rows are made equal to the datasets. Rows of others are never\n\
         changed. Reads CRM_DATABASE_URL. Loading the same datasets again changes nothing.\n\
         Examples:\n  load --dry-run\n  load --yes --consumers-stopped",
        steps::load::run,
    )
}
