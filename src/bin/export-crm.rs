//! Exports what the CRM contributes: segments, ids of earlier loads, rejected pairs, withdrawals.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "export-crm",
        "Export what the CRM contributes: segment rules, ids of earlier loads, rejected pairs, withdrawals ever loaded",
        "Reads CRM_DATABASE_URL in one read-only transaction, writes data/exports/crm. Without that variable the saved export\n\
         stands, and the command succeeds.\n\
         Examples:\n  export-crm\n  export-crm --if-missing",
        steps::export_crm::run,
    )
}
