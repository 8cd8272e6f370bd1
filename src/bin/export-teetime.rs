//! Exports TeeTime: players, clubs, courses, associations, preferences and bookings.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPORT_TEETIME, option_env!("CRM_BACKFILL_COMMIT"), |session, args| {
        steps::export::run(session, Source::Teetime, &args)
    })
}
