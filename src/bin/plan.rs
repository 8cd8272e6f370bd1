//! Says what each phase would insert, update and delete.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "plan",
        "Say what each phase would insert, update and delete, when the phases are run in turn",
        "Works from the saved exports in a folder of its own, which it removes; needs no database and changes nothing.\n\
         What a load would do to the CRM as it is now: load --dry-run.\n\
         Examples:\n  plan\n  plan --phase 3 --json",
        steps::plan::run,
    )
}
