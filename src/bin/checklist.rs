//! Prints the strategy's Execution Checklist with state and proof.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "checklist",
        "Print the strategy's Execution Checklist and rollback plan, each line with its state and proof",
        "Reads the data folder only; needs no database.\n\
         Examples:\n  checklist\n  checklist --done 37 --by \"N. Surname\"",
        steps::checklist::run,
    )
}
