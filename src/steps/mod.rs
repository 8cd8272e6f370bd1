//! The steps, one module per verb: they read datasets, call pure code, and write datasets.

pub mod audit;
pub mod binding;
pub mod cells;
pub mod check_connections;
pub mod checklist;
pub mod compare;
pub mod confirm;
pub mod consolidate;
pub mod contact_keys;
pub mod engine;
pub mod evidence;
pub mod expectations;
pub mod explain;
pub mod export;
pub mod export_crm;
pub mod guards;
pub mod inputs;
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

use crate::cli::{Session, StepOutcome};
use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::store::{Folder, Manifest, read_text};

/// The database in a variable. A demo's data folder accepts only the demo's own databases, so that invented and real people never
/// mix.
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

/// Whether a step runs although its folder was made from the same inputs.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
#[group(skip)]
pub struct Again {
    /// Make the folder again even if it was made from these inputs
    #[arg(long)]
    pub force: bool,
}

/// The folder of a step, if it exists, was made from the same inputs, and is undamaged.
pub fn unchanged(session: &Session, target: &Path, manifest: &Manifest, again: Again) -> Result<Option<Folder>> {
    if again.force {
        return Ok(None);
    }
    let damaged = |fault: &Fault| {
        session.progress.warn(format!("{}: {}; it is made again", fault.at.as_deref().unwrap_or("the folder"), fault.what));
    };
    let checked = match Folder::find(target) {
        Ok(None) => return Ok(None),
        Ok(Some(folder)) if !folder.manifest.same_inputs(manifest) => return Ok(None),
        Ok(Some(folder)) => folder.check().map(|()| folder),
        Err(error) => Err(error),
    };
    match checked.map_err(anyhow::Error::downcast::<Fault>) {
        Ok(folder) => Ok(Some(folder)),
        Err(Ok(fault)) if fault.exit == Exit::Input => {
            damaged(&fault);
            Ok(None)
        }
        Err(Ok(fault)) => Err(fault.into()),
        Err(Err(error)) => Err(error),
    }
}

/// The result of a step that has nothing to do.
pub fn nothing_to_do(step: &str, folder: &Folder, next: &str) -> StepOutcome {
    let text = format!("{step}: nothing to do, {} was made from these inputs already\n", folder.path().display());
    StepOutcome::new(text, json!({ "unchanged": true, "counts": folder.manifest.counts })).next(next)
}
