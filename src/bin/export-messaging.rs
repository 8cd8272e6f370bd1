//! Exports Messaging: contacts, preferences, consent changes and messages.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPORT_MESSAGING, option_env!("CRM_BACKFILL_COMMIT"), |session, args| {
        steps::export::run(session, Source::Messaging, &args)
    })
}
