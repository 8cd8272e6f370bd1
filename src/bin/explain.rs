//! Tells why records are one person, or why two are not.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "explain",
        "Tell why records are one person, or why two are not: the links, the evidence in bits, what was refused",
        "Works from files alone; people's values are masked unless --show.\n\
         Examples:\n  explain scl:members:1001\n  explain mca_za:members:7 mca_za:members:8     why these two are one, or not\n  explain somebody@example.com --show",
        steps::explain::run,
    )
}
