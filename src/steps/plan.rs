//! `plan`: computes from the saved exports what each phase would insert, update and delete, without a CRM.

use anyhow::{Context, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::row::{RowConverter, SortField};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde_json::{Value, json};
use std::hash::BuildHasher;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::model::{Code, Phase, Uuid};
use crate::pg::load::target::{LOADED, table};
use crate::progress::Progress;
use crate::steps::{binding, consolidate, resolve, score as scoring, stage};
use crate::store::{Folder, Layout, RunLock, scratch};
use crate::tables::{Table, score};

/// Arguments of `plan`.
#[derive(clap::Args, Debug, Default)]
pub struct PlanArgs {}

/// The rows of one table by id, as hashes of their content.
type RowHashes = HashMap<u128, u64, FixedState>;

/// Rows that a phase changes in one table.
#[derive(Clone, Copy, Debug, Default)]
struct PlannedChange {
    inserted: u64,
    updated: u64,
    deleted: u64,
}

/// Runs the phases in turn, each in a temporary folder.
pub fn run(session: &Session, _args: PlanArgs) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, &format!("plan, run {}", session.run_id))?;
    binding::require_any_export(session)?;
    let asked = session.phase.unwrap_or(Phase::LAST);
    let (last, missing) = within_exports(session, asked)?;
    let mut before: Vec<RowHashes> = LOADED.iter().map(|_| RowHashes::default()).collect();
    let mut text = format!(" {:<7} {:<28} {:>11} {:>11} {:>11}\n", "phase", "table", "inserted", "updated", "deleted");
    let mut phases = Vec::new();
    for number in 1..=last.number() {
        let phase = Phase::new(number).context("numbers up to a phase are phases")?;
        let folder = scratch(&session.layout, "plan")?;
        let inner = alone(session, folder.layout.clone(), phase);
        session.progress.line(&format!(" planning phase {phase}"));
        work_out(&inner).map_err(|error| told_of(error, session, &folder.layout, phase))?;
        let mut tables = serde_json::Map::new();
        for (loaded, former) in LOADED.iter().zip(&mut before) {
            let content = read(&folder.layout, loaded.table, (loaded.dataset)().stem, phase)?;
            let change = compare(former, &content);
            *former = content;
            text.push_str(&format!(
                " {:<7} {:<28} {:>11} {:>11} {:>11}\n",
                phase.to_string(),
                loaded.table,
                thousands(change.inserted),
                thousands(change.updated),
                thousands(change.deleted)
            ));
            let counts = json!({ "inserted": change.inserted, "updated": change.updated, "deleted": change.deleted });
            tables.insert(loaded.table.to_owned(), counts);
        }
        phases.push(json!({ "phase": number, "tables": Value::Object(tables) }));
    }
    text.push_str(" Each phase is compared with the one before it, the first with an empty CRM.\n");
    if let Some(missing) = &missing {
        text.push_str(&format!(" ! phases from {} on are not planned: {missing}\n", last.number() + 1));
    }
    Ok(StepOutcome::new(text, json!({ "phases": phases, "not_planned": missing }))
        .next("make phase1, or make backfill; what a load would do to the CRM now: make load ARGS=--dry-run"))
}

/// The last phase with all its exports, and the export that the next one lacks.
fn within_exports(session: &Session, asked: Phase) -> Result<(Phase, Option<String>)> {
    let lacking = |phase: Phase| phase.sources().find(|source| !session.layout.exports(*source).exists());
    let mut last = None;
    for phase in (1..=asked.number()).filter_map(Phase::new) {
        let Some(source) = lacking(phase) else {
            last = Some(phase);
            continue;
        };
        let target = source.code().replace('_', "-");
        let words = format!("{source} is not exported (make export-{target})");
        return match last {
            Some(last) => Ok((last, Some(words))),
            None => Err(Fault::new(Exit::Input, format!("no phase can be planned: {words}"))
                .at(session.layout.exports(source).display().to_string())
                .help("make phase1 exports what it needs; make export makes all exports")
                .into()),
        };
    }
    Ok((last.unwrap_or(asked), None))
}

fn work_out(inner: &Session) -> Result<()> {
    stage::run(inner, stage::StageArgs { brief: true, ..stage::StageArgs::default() })?;
    resolve::run(inner, resolve::ResolveArgs::default())?;
    consolidate::run(inner, consolidate::ConsolidateArgs::default())?;
    scoring::run(inner, scoring::ScoreArgs::default())?;
    Ok(())
}

/// Reports a failure in the temporary folder as one of the phase, because that folder will be removed.
fn told_of(error: anyhow::Error, session: &Session, scratch: &Layout, phase: Phase) -> anyhow::Error {
    let gone = scratch.root().display().to_string();
    match error.downcast::<Fault>() {
        Ok(mut fault) => {
            let root = session.layout.root().display().to_string();
            let told = |text: &String| text.replace(&gone, &root);
            fault.what = format!("phase {phase} cannot be planned: {}", told(&fault.what));
            fault.at = fault.at.as_ref().map(told);
            fault.help = fault.help.iter().map(told).collect();
            fault.into()
        }
        Err(error) => error,
    }
}

fn alone(session: &Session, layout: Layout, phase: Phase) -> Session {
    Session {
        config: session.config.clone(),
        decisions: session.decisions.clone(),
        environment: session.environment.clone(),
        layout,
        as_of: session.as_of,
        phase: Some(phase),
        now: session.now,
        run_id: session.run_id.clone(),
        progress: Progress::silent(),
        verbose: 0,
        json: false,
        quiet: true,
        is_preflight: false,
    }
}

fn read(layout: &Layout, name: &str, stem: &str, phase: Phase) -> Result<RowHashes> {
    let mut content = RowHashes::default();
    let folder = Folder::open(&if name == table::MEMBERSHIP { layout.score() } else { layout.crm() })?;
    for batch in folder.read_stem(stem)? {
        note(&mut content, &batch?)?;
    }
    if name == table::PROFILE && phase >= Phase::SCORES {
        for batch in Folder::open(&layout.score())?.read_stem(score::profiles::Table::STEM)? {
            note(&mut content, &batch?)?;
        }
    }
    Ok(content)
}

/// Adds the content of each row to the hash of its id, so that scores are combined with their profile.
fn note(content: &mut RowHashes, batch: &RecordBatch) -> Result<()> {
    let unreadable = |what: String| Fault::new(Exit::Input, what).help("run the step that wrote it again");
    let ids = batch.column_by_name("id").and_then(|ids| ids.as_string_opt::<i32>());
    let ids = ids.ok_or_else(|| unreadable("a dataset without ids".to_owned()))?;
    let fields = batch.columns().iter().map(|column| SortField::new(column.data_type().clone()));
    let rows = RowConverter::new(fields.collect()).and_then(|converter| converter.convert_columns(batch.columns()));
    let rows = rows.map_err(|error| unreadable(error.to_string()))?;
    let state = FixedState::default();
    for (index, row) in rows.iter().enumerate() {
        let id = Uuid::try_parse(ids.value(index)).map_err(|_| unreadable("an id that is not a UUID".to_owned()))?;
        let hash = state.hash_one(row.as_ref());
        content.entry(id.as_u128()).and_modify(|known| *known = known.rotate_left(1) ^ hash).or_insert(hash);
    }
    debug_assert_eq!(ids.len(), batch.num_rows());
    Ok(())
}

fn compare(former: &RowHashes, now: &RowHashes) -> PlannedChange {
    let mut change = PlannedChange::default();
    for (id, hash) in now {
        match former.get(id) {
            None => change.inserted += 1,
            Some(known) if known != hash => change.updated += 1,
            Some(_) => {}
        }
    }
    change.deleted = former.keys().filter(|id| !now.contains_key(*id)).count() as u64;
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_each_row_once() {
        let content = |rows: &[(u128, u64)]| rows.iter().copied().collect::<RowHashes>();
        let change = compare(&content(&[(1, 10), (2, 20), (3, 30)]), &content(&[(2, 20), (3, 31), (4, 40)]));
        assert_eq!((change.inserted, change.updated, change.deleted), (1, 1, 1));
    }
}
