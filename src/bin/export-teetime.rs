//! Exports TeeTime: players, clubs, courses, associations, preferences and bookings.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "export-teetime",
        "Export TeeTime to Parquet: players, clubs, courses, associations, preferences and bookings, all seen at one instant",
        "Reads TEETIME_DATABASE_URL in one read-only transaction, writes data/exports/teetime. The SQL is in sql/exports/teetime.\n\
         Examples:\n  export-teetime\n  export-teetime --if-missing\n  export-teetime --csv dumps --encoding windows-1252",
        |session, args: steps::export::Args| steps::export::run(session, Source::Teetime, &args),
    )
}
