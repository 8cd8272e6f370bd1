//! Verifies the CRM against exports, ledger and datasets.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "verify",
        "Compare what is in the CRM with exports, ledger and datasets, check by check, in one read-only snapshot",
        "Writes data/verify; exit 16 names what differs. docs/checks.md says what each check compares.\n\
         Examples:\n  verify\n  verify --phase 0      only the preflight: connections, schemas, rights, space\n  verify --strict       a check with nothing to compare fails, too",
        steps::verify::run,
    )
}
