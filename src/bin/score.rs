//! Computes metrics, engagement, churn and segment members.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "score",
        "Compute metrics, engagement, churn risk and segment members of every profile, at as_of",
        "Reads data/crm and data/exports/crm, writes data/score; needs no database. docs/scores.md and docs/segments.md have the rules.\n\
         Example:\n  score --starter-segments",
        steps::score::run,
    )
}
