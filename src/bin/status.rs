//! Says what is exported, staged and loaded.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "status",
        "Say what is exported, staged and loaded, at which as_of and phase, and whether the last commit is known",
        "Changes nothing and takes no lock. Reads CRM_DATABASE_URL if it is set.\n\
         Examples:\n  status\n  status --offline --json",
        steps::status::run,
    )
}
