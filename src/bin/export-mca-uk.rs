//! Exports MCA v1 United Kingdom: members, clubs and club memberships.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "export-mca-uk",
        "Export MCA v1 United Kingdom to Parquet: members, clubs and club memberships, all seen at one instant",
        "Reads MCA_UK_DATABASE_URL in one read-only transaction, writes data/exports/mca_uk. The SQL is in sql/exports/mca_uk.\n\
         Examples:\n  export-mca-uk\n  export-mca-uk --if-missing\n  export-mca-uk --csv dumps --encoding windows-1252",
        |session, args: steps::export::Args| steps::export::run(session, Source::McaUk, &args),
    )
}
