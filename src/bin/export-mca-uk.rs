//! Exports MCA v1 United Kingdom: members, clubs and club memberships.

use std::process::ExitCode;

use crm_backfill::model::Source;
use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(&steps::programs::EXPORT_MCA_UK, option_env!("CRM_BACKFILL_COMMIT"), |session, args| {
        steps::export::run(session, Source::McaUk, &args)
    })
}
