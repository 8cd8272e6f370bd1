//! Builds the rows of the CRM out of staged records and links.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "build",
        "Build profiles, aliases, consents and the timeline out of staged records and links",
        "Reads data/stage and data/resolve, writes data/crm; needs no database. docs/departures.md has the rules that differ from the\n\
         strategy's code, each with the setting that brings it back.\n\
         Exit 16: an exported row has no outcome, or a row would break a constraint of the CRM; nothing is written then.\n\
         Example:\n  build",
        steps::build::run,
    )
}
