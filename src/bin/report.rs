//! Writes the report: one offline page and its numbers.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "report",
        "Write the report: one self-contained page and the same numbers as JSON, free of personal data",
        "Reads the data folder only, writes data/report/index.html and report.json; needs no database.\n\
         Example:\n  report",
        steps::report::run,
    )
}
