//! Consolidates linked records into the rows of the CRM.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "consolidate",
        "Consolidate linked records into profiles, aliases, consents and the timeline",
        "Reads data/stage and data/resolve, writes data/crm; needs no database. docs/deviations.md has the rules that differ from the\n\
         strategy's code, each with the setting that brings it back.\n\
         Exit 16: an exported row has no outcome, or a row would break a constraint of the CRM; nothing is written then.\n\
         Example:\n  consolidate",
        steps::consolidate::run,
    )
}
