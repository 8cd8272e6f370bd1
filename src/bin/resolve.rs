//! Finds out who is one person.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "resolve",
        "Decide which records of all sources are one person, and which profile each belongs to",
        "Reads data/stage, data/exports/crm and decisions.csv, writes data/resolve; needs no database. docs/identity.md has the rules.\n\
         Examples:\n  resolve\n  explain scl:members:1001      why somebody is where he is",
        steps::resolve::run,
    )
}
