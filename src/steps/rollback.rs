//! `rollback`: removes the backfill's rows from the CRM and records why; in an emergency, empties the CRM's tables.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::pg::load::Loader;
use crate::pg::load::rollback::{Undone, backup, emergency, emergency_plan, rollback};
use crate::steps::confirm;
use crate::steps::load::CRM_URL;
use crate::store::{Folder, RunLock, save_text, set_aside};
use crate::tables::check::{rejects, results};

/// Arguments of `rollback`.
#[derive(clap::Args, Debug, Default)]
pub struct RollbackArgs {
    /// Count what would be deleted and kept, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; required without a terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Proceed although other writers look active (you confirm that consumers are stopped)
    #[arg(long)]
    pub consumers_stopped: bool,
    /// Roll back although triggers of the CRM may fire
    #[arg(long)]
    pub allow_triggers: bool,
    /// The strategy's last resort: empty the CRM's tables, foreign rows included
    #[arg(long)]
    pub emergency: bool,
    /// The database's name, which --emergency requires without a terminal
    #[arg(long, value_name = "DATABASE", requires = "emergency")]
    pub confirm: Option<String>,
}

/// Rolls back.
pub fn run(session: &Session, args: RollbackArgs) -> Result<StepOutcome> {
    if !args.dry_run && !args.emergency {
        confirm::require_answer("rollback deletes the backfill's rows from the CRM", args.yes, "make rollback ARGS=--yes")?;
    }
    let _lock = RunLock::take(&session.layout, &format!("rollback, run {}", session.run_id))?;
    let dsn = crate::steps::database(session, CRM_URL)?;
    let mut loader = Loader::open(&dsn, args.allow_triggers)?;
    if args.emergency {
        return run_emergency(session, &loader, &args);
    }
    session.progress.line(&format!(" target   {}", loader.place()));
    if let Some(last) = &loader.last {
        session.progress.line(&format!(" before   {} of run {}", last.command, last.id));
    }
    if !args.dry_run && !args.yes {
        let planned = rollback(&mut loader, &session.run_id, args.consumers_stopped, true)?;
        session.progress.line(outcome(&planned, &loader.place(), &Value::Null, &[], true).text.trim_end());
        confirm::agree("Remove these rows from this CRM?", args.yes)?;
    }
    let undone = rollback(&mut loader, &session.run_id, args.consumers_stopped, args.dry_run)?;
    for note in &undone.notes {
        session.progress.warn(note);
    }
    let is_idle = undone.sync_log + undone.restored == 0 && !undone.counts.values().any(|counts| counts.changes() > 0);
    if is_idle && !args.dry_run {
        let text = format!(" rollback nothing to do: {} has no rows of the backfill that can be removed\n", loader.place());
        return Ok(StepOutcome::new(text, json!({ "tables": undone.counts, "changed": false })));
    }
    let (why, aside) = if args.dry_run { (Value::Null, Vec::new()) } else { close(session)? };
    Ok(outcome(&undone, &loader.place(), &why, &aside, args.dry_run))
}

/// Moves the datasets to `data/failed`, with the reasons: failed checks and the most frequent rejects.
fn close(session: &Session) -> Result<(Value, Vec<String>)> {
    let layout = &session.layout;
    let why = reasons(session)?;
    let moved = set_aside(layout, &session.run_id, &[layout.crm(), layout.score(), layout.verify()])?;
    let text = serde_json::to_string_pretty(&why)?;
    save_text(&layout.failed().join(&session.run_id).join("why.json"), &format!("{text}\n"))?;
    Ok((why, moved.iter().map(|path| path.display().to_string()).collect()))
}

fn reasons(session: &Session) -> Result<Value> {
    let mut failed = Vec::new();
    if let Some(folder) = Folder::find_readable(&session.layout.verify()).filter(|folder| folder.has::<results::Table>(None)) {
        for batch in folder.read::<results::Table>(None)? {
            let batch = batch?;
            failed.extend(
                batch
                    .rows()
                    .filter(|row| row.state == "FAILED")
                    .map(|row| json!({ "check": row.name, "expected": row.expected, "observed": row.observed })),
            );
        }
    }
    let mut counts: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    if let Some(folder) = Folder::find_readable(&session.layout.stage()).filter(|folder| folder.has::<rejects::Table>(None)) {
        for batch in folder.read::<rejects::Table>(None)? {
            for row in batch?.rows() {
                *counts.entry((row.source.to_string(), row.entity.to_owned(), row.reason.to_owned())).or_default() += 1;
            }
        }
    }
    let mut top: Vec<_> = counts.into_iter().collect();
    top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let top: Vec<Value> = top
        .into_iter()
        .take(20)
        .map(|((source, entity, reason), rows)| json!({ "source": source, "entity": entity, "reason": reason, "rows": rows }))
        .collect();
    Ok(json!({ "format": 1, "run": session.run_id, "failed_checks": failed, "top_rejects": top }))
}

fn outcome(undone: &Undone, place: &str, why: &Value, aside: &[String], dry_run: bool) -> StepOutcome {
    let summary = json!({
        "dry_run": dry_run,
        "tables": undone.counts,
        "restored": undone.restored,
        "sync_log": undone.sync_log,
        "kept": undone.kept.iter().map(|row| json!({ "table": row.table, "id": row.id, "reason": row.reason })).collect::<Vec<_>>(),
        "notes": undone.notes,
        "why": why,
        "set_aside": aside,
    });
    let mut text = format!(" {}  {place}\n", if dry_run { "plan    " } else { "undone  " });
    for (table, counts) in &undone.counts {
        let (deleted, kept) = (thousands(counts.deleted), thousands(counts.kept));
        text.push_str(&format!("   {table:<28} {deleted:>11} deleted {kept:>9} kept\n"));
    }
    if undone.restored > 0 {
        text.push_str(&format!("   {:>12} segment rows restored\n", thousands(undone.restored)));
    }
    for row in undone.kept.iter().take(20) {
        text.push_str(&format!("   kept {} {} ({})\n", row.table, row.id, row.reason));
    }
    if undone.kept.len() > 20 {
        text.push_str(&format!("   and {} more: --json lists all\n", thousands((undone.kept.len() - 20) as u64)));
    }
    for path in aside {
        text.push_str(&format!("   set aside: {path}\n"));
    }
    let next =
        if dry_run { "make rollback" } else { "fix the cause, then make backfill (saved exports), or make backfill FRESH=1" };
    StepOutcome::new(text, summary).next(next)
}

fn run_emergency(session: &Session, loader: &Loader, args: &RollbackArgs) -> Result<StepOutcome> {
    let plan = emergency_plan(loader, args.consumers_stopped || args.dry_run)?;
    let mut text = format!(" emergency rollback of {}\n", loader.place());
    for (table, all, others) in &plan {
        text.push_str(&format!("   {table:<28} {:>11} rows, {:>9} not ours\n", thousands(*all), thousands(*others)));
    }
    let tables: Vec<Value> =
        plan.iter().map(|(table, all, others)| json!({ "table": table, "rows": all, "not_ours": others })).collect();
    if args.dry_run {
        return Ok(StepOutcome::new(text, json!({ "dry_run": true, "tables": tables })));
    }
    session.progress.line(text.trim_end());
    let database = loader.database();
    let answer = match &args.confirm {
        Some(name) => name.clone(),
        None if confirm::is_attended() => {
            confirm::ask(&format!("All these rows will be deleted. Type the database's name ({database}):"))?
        }
        None => String::new(),
    };
    if answer != database {
        return Err(Fault::new(Exit::Preflight, "the database's name was not given: nothing was changed")
            .at(loader.place())
            .help(format!("crm-backfill rollback --emergency --confirm {database}"))
            .into());
    }
    let folder = session.layout.backup().join(&session.run_id);
    let mut saved = Vec::new();
    for (table, lines) in backup(loader)? {
        let path = folder.join(format!("{table}.jsonl"));
        save_text(&path, &lines)?;
        saved.push(path.display().to_string());
    }
    let _held = emergency(loader, &session.run_id)?;
    let (why, aside) = close(session)?;
    text.push_str(&format!(" emptied; segments, members and notes are saved in {}\n", folder.display()));
    let summary = json!({ "emergency": true, "tables": tables, "saved": saved, "why": why, "set_aside": aside });
    Ok(StepOutcome::new(text, summary).next("make backfill"))
}
