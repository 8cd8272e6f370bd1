//! Exports Messaging: contacts, preferences, consent changes and messages.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "export-messaging",
        "Export Messaging to Parquet: contacts, preferences, consent changes and messages, all seen at one instant",
        "Reads MESSAGING_DATABASE_URL in one read-only transaction, writes data/exports/messaging. The SQL is in sql/exports/messaging.\n\
         Examples:\n  export-messaging\n  export-messaging --if-missing\n  export-messaging --csv dumps --encoding windows-1252",
        |session, args: steps::export::Args| steps::export::run(session, Source::Messaging, &args),
    )
}
