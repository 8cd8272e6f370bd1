//! Tries the rows that load writes itself on the real tables (`SyncLog`, `CustomerSegment`) within a savepoint.

use anyhow::Result;
use serde_json::json;

use crate::fault::Fault;
use crate::model::Phase;
use crate::pg::load::Input;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::{Preflight, PreflightFinding};
use crate::pg::load::run_log::{self, RunNote};
use crate::pg::load::session::{Crm, WHILE};
use crate::pg::load::target::table;
use crate::pg::load::{segments, staging};

/// Tries them. Tables with triggers that would fire are skipped.
pub(super) fn run(crm: &Crm, catalog: &Catalog, preflight: &Preflight, input: &Input<'_>) -> Result<Vec<PreflightFinding>> {
    let mut findings = Vec::new();
    if !catalog.may_create_backfill {
        return Ok(findings);
    }
    let is_quiet =
        |name: &str| catalog.tables.get(name).is_some_and(|info| info.triggers.is_empty() && info.missing_rights.is_empty());
    if is_quiet(table::SYNC_LOG) {
        findings.extend(attempt(crm, table::SYNC_LOG, || {
            let counts = json!({});
            let note = RunNote {
                id: input.run_id,
                command: "load",
                phase: Some(input.phase),
                as_of: Some(input.as_of),
                inputs: Some(input.inputs),
                counts: &counts,
            };
            run_log::note_sync(crm, &note, input.exports).map(|_| ())
        })?);
    }
    if input.phase >= Phase::SCORES && is_quiet(table::SEGMENT) {
        findings.extend(attempt(crm, table::SEGMENT, || {
            run_log::create(crm, catalog, preflight)?;
            staging::stage_refreshes(crm, input.data, input.phase)?;
            segments::create_new(crm)?;
            segments::update_refreshed(crm, input.run_id, true).map(|_| ())
        })?);
    }
    Ok(findings)
}

fn attempt(crm: &Crm, name: &str, trial: impl FnOnce() -> Result<()>) -> Result<Option<PreflightFinding>> {
    crm.run("savepoint trial")?;
    // Deferred constraints are checked now.
    let tried = trial().and_then(|()| crm.run("set constraints all immediate"));
    if crm.is_lost() {
        return tried.map(|()| None);
    }
    crm.run("rollback to savepoint trial; release savepoint trial")?;
    let Err(error) = tried else { return Ok(None) };
    let fault = error.downcast::<Fault>()?;
    let what = fault.what.split(WHILE).next().unwrap_or_default().to_owned();
    Ok(Some(PreflightFinding::refusal(format!("table {name:?} does not take the rows that load writes of its own: {what}"))))
}
