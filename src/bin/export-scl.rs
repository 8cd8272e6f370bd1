//! Exports SCL: members, tiers, clubs, sports, club and sport memberships.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "export-scl",
        "Export SCL to Parquet: members, tiers, clubs, sports, club and sport memberships, all seen at one instant",
        "Reads SCL_DATABASE_URL in one read-only transaction, writes data/exports/scl. The SQL is in sql/exports/scl.\n\
         Examples:\n  export-scl\n  export-scl --if-missing\n  export-scl --csv dumps --encoding windows-1252",
        |session, args: steps::export::Args| steps::export::run(session, Source::Scl, &args),
    )
}
