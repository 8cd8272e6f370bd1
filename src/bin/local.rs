//! Starts and stops the private PostgreSQL of the demo.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "local",
        "A private PostgreSQL with an invented population: five source databases and an empty CRM",
        "Everything lies in data/postgres; it listens on loopback only, on a free port, without a password. Never for real data.\n\
         Examples:\n  local up --scale 1 --seed 7\n  eval \"$(local urls)\"\n  local truth\n  local down",
        steps::local::run,
    )
}
