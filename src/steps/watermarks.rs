//! `watermarks`: prints the instant from which real-time sync must start, per service.

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::model::{Code, Source};
use crate::pg::{Connection, Watermark, watermarks};
use crate::steps::binding;
use crate::store::Folder;

/// Arguments of `watermarks`.
#[derive(clap::Args, Debug, Default)]
pub struct WatermarksArgs {}

/// Prints the watermarks that the last load recorded in the CRM, next to those of the saved exports.
pub fn run(session: &Session, _args: WatermarksArgs) -> Result<StepOutcome> {
    binding::require_unmoved(session)?;
    let loaded = match session.environment.dsn("CRM_DATABASE_URL") {
        Some(dsn) => watermarks(&Connection::open(&dsn, "the CRM")?)?,
        None => Vec::new(),
    };
    let mut text = format!("{:<10} {:<28} {:<28}\n", "service", "start sync at", "saved export");
    let (mut rows, mut standbys) = (Vec::new(), Vec::new());
    for &source in Source::ALL {
        let facts = Folder::find(&session.layout.exports(source))?.map(|folder| folder.manifest.facts).unwrap_or_default();
        let saved = facts.get("watermark").cloned();
        let is_standby = facts.get("is_replica").is_some_and(|is_replica| is_replica == "true");
        if is_standby {
            standbys.push(source.service());
        }
        let noted: Option<&Watermark> = loaded.iter().find(|watermark| watermark.service == source.service());
        let start = noted.map(|watermark| watermark.at.clone());
        let shown = |value: &Option<String>, absent: &str| value.clone().filter(|at| !at.is_empty()).unwrap_or(absent.to_owned());
        text.push_str(&format!(
            "{:<10} {:<28} {:<28}\n",
            source.service(),
            shown(&start, "not loaded"),
            shown(&saved, "none, or from CSV")
        ));
        rows.push(json!({ "service": source.service(), "source": source.code(), "start_at": start, "export": saved, "standby": is_standby }));
    }
    text.push_str("Start each consumer at its instant or before: a transaction that was open during the export may commit rows with older times.\n");
    if !standbys.is_empty() {
        text.push_str(&format!(
            "Exported from a standby: {}. Their watermark is the time of the last transaction that the standby had replayed; what was \
             open on the primary then does not show: start somewhat earlier.\n",
            standbys.join(", ")
        ));
    }
    Ok(StepOutcome::new(text, json!({ "watermarks": rows })))
}
