//! Print from which instant real-time sync must start, per service.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

fn main() -> ExitCode {
    cli::main(
        "watermarks",
        "Print from which instant real-time sync must start, per service",
        "Reads the CRM's SyncLog, where each load notes it, and the manifests of the saved exports.\nExample:\n  watermarks --json",
        steps::watermarks::run,
    )
}
