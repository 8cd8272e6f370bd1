//! Removes people's data from a data folder.

use std::process::ExitCode;

fn main() -> ExitCode {
    crm_backfill::cli::main(
        "purge",
        "Remove every dataset of the data folder, exports included; names, rows and hashes stay in purged.json",
        "Run it when the migration is over and the files are no longer needed. The CRM is not touched.\nExample:\n  purge --yes",
        crm_backfill::steps::purge::run,
    )
}
