//! Shows what is in the datasets.

use std::process::ExitCode;

fn main() -> ExitCode {
    crm_backfill::cli::main(
        "inspect",
        "Show what is in the datasets: which exist, what their columns mean, rows, CSV for a spreadsheet",
        "Examples:\n  inspect\n  inspect stg_scl__people --head 3\n  inspect check__rejects --where reason=PHONE_INVALID\n  inspect res__links --csv links.csv\n  inspect --views",
        crm_backfill::steps::inspect::run,
    )
}
