//! Exports MCA v1 South Africa: members, clubs, club memberships and handicaps.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "export-mca-za",
        "Export MCA v1 South Africa to Parquet: members, clubs, club memberships and handicaps, all seen at one instant",
        "Reads MCA_ZA_DATABASE_URL in one read-only transaction, writes data/exports/mca_za. The SQL is in sql/exports/mca_za.\n\
         Examples:\n  export-mca-za\n  export-mca-za --if-missing\n  export-mca-za --csv dumps --encoding windows-1252",
        |session, args: steps::export::Args| steps::export::run(session, Source::McaZa, &args),
    )
}
