//! The loader's own records in the CRM: schema `backfill` and its rows in `SyncLog`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::model::{Phase, Source, Timestamp, derived_id};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
use crate::pg::load::{tombstones, written};

/// The `sourceService` of a run's own row in `SyncLog`.
pub const OURSELVES: &str = "crm-backfill";

/// An export that a load was made from; real-time sync of its source must start at its watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportMark {
    /// The source.
    pub source: Source,
    /// Content hash of the export's manifest.
    pub manifest: String,
    /// Earliest start of a transaction that was open at the snapshot; absent for CSV dumps.
    pub watermark: Option<String>,
    /// Point in time the run is evaluated at.
    pub as_of: String,
}

/// A run as recorded in the CRM.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// `load`, `rollback` or `emergency`.
    pub command: String,
    /// The phase loaded.
    pub phase: Option<i32>,
    /// Point in time the run is evaluated at.
    pub as_of: Option<String>,
    /// Hash of what was loaded.
    pub inputs: Option<String>,
    /// When its transaction began.
    pub started_at: String,
    /// Rows inserted, updated, deleted and kept, per table.
    pub counts: Value,
}

/// Creates what is missing of schema `backfill`.
pub fn create(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    crm.doing("creating schema backfill");
    if !catalog.has_backfill {
        crm.run(include_str!("../../../sql/crm/backfill_schema.sql"))?;
    }
    for statement in [
        include_str!("../../../sql/crm/backfill_run.sql"),
        include_str!("../../../sql/crm/backfill_written.sql"),
        include_str!("../../../sql/crm/backfill_before.sql"),
        include_str!("../../../sql/crm/backfill_withdrawn.sql"),
        include_str!("../../../sql/crm/backfill_withdrawn_lifted.sql"),
        include_str!("../../../sql/crm/backfill_undated.sql"),
        include_str!("../../../sql/crm/backfill_kept.sql"),
        include_str!("../../../sql/crm/backfill_loaded.sql"),
        include_str!("../../../sql/crm/backfill_object.sql"),
        include_str!("../../../sql/crm/backfill_child.sql"),
        include_str!("../../../sql/crm/backfill_record.sql"),
        include_str!("../../../sql/crm/backfill_deleted.sql"),
        include_str!("../../../sql/crm/backfill_merged.sql"),
        include_str!("../../../sql/crm/backfill_decision.sql"),
        include_str!("../../../sql/crm/backfill_settled.sql"),
        include_str!("../../../sql/crm/backfill_owner.sql"),
    ] {
        crm.run(statement)?;
    }
    written::adopt(crm, catalog, preflight)?;
    tombstones::adopt(crm)
}

/// Records the indexes, constraints and columns of the CRM's tables, so that verification detects losses. Returns how many are new,
/// changed or missing since the last record.
pub fn remember_objects(crm: &Crm) -> Result<u64> {
    crm.doing("recording indexes and constraints");
    crm.count(include_str!("../../../sql/crm/remember_objects.sql"))
}

/// Whether schema `backfill` holds its tables.
pub fn exists(crm: &Crm) -> Result<bool> {
    Ok(crm.one("select to_regclass('backfill.run') is not null", &[])?.get(0))
}

/// The last run, if there was any.
pub fn last_run(crm: &Crm) -> Result<Option<Run>> {
    if !exists(crm)? {
        return Ok(None);
    }
    let rows = crm.query(include_str!("../../../sql/crm/last_run.sql"), &[])?;
    Ok(rows.first().map(|row| Run {
        id: row.get("id"),
        command: row.get("command"),
        phase: row.get("phase"),
        as_of: row.get("as_of"),
        inputs: row.get("inputs"),
        started_at: row.get("started_at"),
        counts: serde_json::from_str(row.get("counts")).unwrap_or(Value::Null),
    }))
}

/// Whether a run committed.
pub fn committed(crm: &Crm, run_id: &str) -> Result<bool> {
    if !exists(crm)? {
        return Ok(false);
    }
    Ok(crm.one("select exists (select from backfill.run where id = $1)", &[&run_id])?.get(0))
}

/// The record of a run.
pub struct RunNote<'a> {
    /// Its name.
    pub id: &'a str,
    /// `load`, `rollback` or `emergency`.
    pub command: &'a str,
    /// The phase.
    pub phase: Option<Phase>,
    /// Point in time the run is evaluated at.
    pub as_of: Option<Timestamp>,
    /// Hash of what is loaded.
    pub inputs: Option<&'a str>,
    /// Rows per table.
    pub counts: &'a Value,
}

/// Writes the record of a run, in the transaction that it describes.
pub fn note_run(crm: &Crm, note: &RunNote<'_>) -> Result<()> {
    crm.doing("writing the run's row");
    let phase = note.phase.map(|phase| i32::from(phase.number()));
    let as_of = note.as_of.map(|as_of| as_of.to_string());
    let counts = note.counts.to_string();
    let version = env!("CARGO_PKG_VERSION");
    crm.execute(
        include_str!("../../../sql/crm/insert_run.sql"),
        &[&note.id, &note.command, &phase, &as_of, &note.inputs, &version, &counts],
    )?;
    Ok(())
}

/// Writes a `SyncLog` row for each export and one for the run. Existing rows stay.
pub fn note_sync(crm: &Crm, note: &RunNote<'_>, exports: &[ExportMark]) -> Result<u64> {
    crm.doing("writing SyncLog");
    let row = |service: &str, event: String, payload: Value| {
        json!({
            "id": derived_id("sync_log", &[service, &event]).to_string(),
            "tenantId": "default",
            "sourceService": service,
            "eventType": "backfill.load",
            "eventId": event,
            "eventPayload": payload,
            "status": "SUCCESS",
        })
        .to_string()
    };
    let mut rows: Vec<String> = exports
        .iter()
        .map(|mark| {
            let payload = json!({ "manifest": mark.manifest, "watermark": mark.watermark, "asOf": mark.as_of });
            row(mark.source.service(), format!("backfill:{}:{}", mark.source, mark.manifest), payload)
        })
        .collect();
    let phase = note.phase.map(Phase::number);
    let payload = json!({ "run": note.id, "phase": phase, "inputs": note.inputs, "counts": note.counts });
    rows.push(row(OURSELVES, format!("backfill:run:{}", note.id), payload));
    let mut written = 0;
    for row in &rows {
        written += crm.execute(include_str!("../../../sql/crm/insert_sync_log.sql"), &[row])?;
    }
    Ok(written)
}
