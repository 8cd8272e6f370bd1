//! Brings the exports into one shape.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "stage",
        "Clean the exports: one shape for all sources, a reason for every value that was changed or refused",
        "Reads data/exports, writes data/stage; needs no database. docs/codes.md lists the reasons, data/reference holds the code maps.\n\
         Examples:\n  stage\n  stage --phase 2              only the sources of phases 1 and 2\n  stage --with-values          also the refused rows as CSV",
        steps::stage::run,
    )
}
