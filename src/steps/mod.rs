//! Glue, one file per binary: read, call pure code, write.

pub mod build;
pub mod check_connections;
pub mod checklist;
pub mod confirm;
pub mod export;
pub mod export_crm;
pub mod inspect;
pub mod load;
#[cfg(feature = "local-postgres")]
pub mod local;
pub mod purge;
pub mod report;
pub mod resolve;
pub mod rollback;
pub mod score;
pub mod stage;
pub mod status;
pub mod verify;
pub mod watermarks;

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::cli::Outcome;
use crate::store::{Folder, Manifest};

/// The folder a step would write, if it is there already and was made of the same things.
pub fn unchanged(target: &Path, manifest: &Manifest) -> Result<Option<Folder>> {
    Ok(Folder::find(target)?.filter(|folder| folder.manifest.same_inputs(manifest)))
}

/// What a step says that has nothing to do.
pub fn nothing_to_do(step: &str, folder: &Folder, next: &str) -> Outcome {
    let text = format!("{step}: nothing to do, {} is made of these inputs already\n", folder.path().display());
    Outcome::new(text, json!({ "unchanged": true, "counts": folder.manifest.counts })).next(next)
}
