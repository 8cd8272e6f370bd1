//! The program that contains all commands: `crm-backfill <verb>`.

use std::process::ExitCode;

use crm_backfill::{cli, steps};

/// What `make` says, which looks at every build; otherwise the commit that the build script found when the sources last changed.
const COMMIT: Option<&str> = match option_env!("CRM_BACKFILL_COMMIT") {
    Some(commit) => Some(commit),
    None => option_env!("CRM_BACKFILL_BUILT_FROM"),
};

fn main() -> ExitCode {
    cli::main(steps::programs::ALL, COMMIT)
}
