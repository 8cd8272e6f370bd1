//! Exports MCA v1 South Africa: members, clubs, club memberships and handicaps.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPORT_MCA_ZA, option_env!("CRM_BACKFILL_COMMIT"), |session, args| {
        steps::export::run(session, Source::McaZa, &args)
    })
}
