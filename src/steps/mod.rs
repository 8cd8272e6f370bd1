//! Glue, one file per binary: read, call pure code, write.

pub mod audit;
pub mod check_connections;
pub mod checklist;
pub mod confirm;
pub mod consolidate;
pub mod explain;
pub mod export;
pub mod export_crm;
pub mod inspect;
pub mod load;
#[cfg(feature = "local-postgres")]
pub mod local;
pub mod overview;
pub mod plan;
pub mod programs;
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

use crate::cli::{Outcome, Session};
use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::store::{Folder, Manifest, read_text};

/// The database in a variable. A demo's data folder takes only the demo's own databases: invented people and real ones never meet.
pub fn database(session: &Session, variable: &str) -> Result<Dsn> {
    let dsn = session.environment.require_dsn(variable)?;
    let layout = &session.layout;
    if read_text(&layout.demo_marker())?.is_none() {
        return Ok(dsn);
    }
    let port = read_text(&layout.root().join("postgres").join("port"))?.unwrap_or_default();
    if dsn.expose().starts_with(&format!("postgres://postgres@127.0.0.1:{}/demo_", port.trim())) {
        return Ok(dsn);
    }
    Err(Fault::new(Exit::Preflight, format!("the data folder is the demo's, {variable} is not"))
        .at(layout.demo_marker().display().to_string())
        .help("use another folder for your own databases: DATA_DIR=…")
        .help("or the demo's databases: eval \"$(target/release/local urls)\"")
        .into())
}

/// The folder a step would write, if it is there already and was made of the same things.
pub fn unchanged(target: &Path, manifest: &Manifest) -> Result<Option<Folder>> {
    Ok(Folder::find(target)?.filter(|folder| folder.manifest.same_inputs(manifest)))
}

/// What a step says that has nothing to do.
pub fn nothing_to_do(step: &str, folder: &Folder, next: &str) -> Outcome {
    let text = format!("{step}: nothing to do, {} is made of these inputs already\n", folder.path().display());
    Outcome::new(text, json!({ "unchanged": true, "counts": folder.manifest.counts })).next(next)
}
