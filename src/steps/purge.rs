//! `purge`: removes personal data from a data folder after the migration, and leaves counts and hashes as proof.

use anyhow::Result;
use clap::Args as ClapArgs;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::model::thousands;
use crate::steps::confirm;
use crate::store::{RunLock, purge_datasets};

/// Arguments of `purge`.
#[derive(Debug, ClapArgs)]
pub struct PurgeArgs {
    /// Remove without asking; required without a terminal
    #[arg(long)]
    yes: bool,
}

/// Runs the step.
pub fn run(session: &Session, args: PurgeArgs) -> Result<StepOutcome> {
    let root = session.layout.root();
    if !args.yes {
        confirm::require_answer("purge removes every dataset, exports included", args.yes, "make purge ARGS=--yes")?;
        session
            .progress
            .line(&format!("every dataset in {} will be removed, exports included; type yes to go on", root.display()));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            return Ok(StepOutcome::new("nothing was removed\n", json!({ "files": 0 })));
        }
    }
    let _lock = RunLock::take(&session.layout, &format!("purge {}", session.run_id))?;
    let purged = purge_datasets(&session.layout)?;
    let mut text = format!(
        "{} files, {} MiB removed; {} holds their names, rows and hashes\n",
        thousands(purged.files),
        thousands(purged.bytes >> 20),
        purged.tombstone.display()
    );
    if purged.linked > 0 {
        text.push_str(&format!(
            " ! {} of them have another name elsewhere (hard links, for example of backup programs) and are still readable there\n",
            thousands(purged.linked)
        ));
    }
    Ok(StepOutcome::new(text, json!({ "files": purged.files, "bytes": purged.bytes, "still_linked": purged.linked })))
}
