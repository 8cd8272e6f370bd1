//! Exports SCL: members, tiers, clubs, sports, club and sport memberships.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPORT_SCL, option_env!("CRM_BACKFILL_COMMIT"), |session, args| {
        steps::export::run(session, Source::Scl, &args)
    })
}
