//! `export-crm`: saves what later steps need from the CRM, so that they run offline.

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::sources::crm;
use crate::steps::export::{Job, export_database, outcome, settle_as_of};
use crate::steps::load::CRM_URL;
use crate::store::{Folder, RunLock};

/// Arguments of `export-crm`.
#[derive(clap::Args, Debug, Default)]
pub struct ExportCrmArgs {
    /// Do nothing if an export is saved already
    #[arg(long)]
    pub if_missing: bool,
}

/// Exports segments, ids, rejected pairs and withdrawals. Without a CRM the saved export is kept.
pub fn run(session: &Session, args: ExportCrmArgs) -> Result<StepOutcome> {
    let layout = &session.layout;
    let job = Job {
        code: "crm".to_owned(),
        title: "the CRM".to_owned(),
        variable: CRM_URL,
        exports: crm::exports(),
        counts_first: false,
        target: layout.exports_crm(),
        previous: layout.previous("exports-crm"),
    };
    let _lock = RunLock::take(layout, &format!("export of {}, run {}", job.title, session.run_id))?;
    let saved = Folder::find_readable(&job.target);
    if session.environment.dsn(CRM_URL).is_none() {
        let text = match &saved {
            Some(_) => format!("crm: {CRM_URL} is not set, the saved export is kept\n"),
            None => {
                format!("crm: {CRM_URL} is not set and there is no saved export: no segments, no earlier ids, no withdrawals\n")
            }
        };
        return Ok(StepOutcome::new(text, json!({ "source": "crm", "saved": saved.is_some() })).next("make stage"));
    }
    if args.if_missing && saved.is_some() {
        return Ok(
            StepOutcome::new("crm: the saved export is used\n", json!({ "source": "crm", "saved": true })).next("make stage")
        );
    }
    let as_of = settle_as_of(session, false)?;
    let folder = export_database(session, &job, as_of, None, &|_| Ok(()))?;
    Ok(outcome(&job, &folder).next("make stage"))
}
