//! Rollback: deletes exactly our rows from the CRM and restores the foreign rows that we changed; in an emergency, empties its
//! tables.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use crate::fault::{Exit, Fault};
use crate::interrupt::{self, HeldSignal};
use crate::pg::load::Loader;
use crate::pg::load::concurrent_writers;
use crate::pg::load::delta::{self, LoadMemory};
use crate::pg::load::diff::{Counts, TableCounts, foreign_rows, is_foreign_or_kept};
use crate::pg::load::lock::take_lock;
use crate::pg::load::protect;
use crate::pg::load::rebuild_indexes::Rebuild;
use crate::pg::load::respect;
use crate::pg::load::run_log::{self, RunNote};
use crate::pg::load::segments;
use crate::pg::load::session::Crm;
use crate::pg::load::settled::Totals;
use crate::pg::load::target::{LOADED, Loaded, ours, table};
use crate::pg::load::tombstones;
use crate::pg::quote_identifier as quoted;

/// A row of ours that is kept, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// The table.
    pub table: String,
    /// The row.
    pub id: String,
    /// `CHANGED` since we wrote it, or referenced by `FOREIGN_ROWS`.
    pub reason: String,
}

/// The result of a rollback, or of its dry run.
#[derive(Debug)]
pub struct Undone {
    /// Rows deleted and kept, by table.
    pub counts: Counts,
    /// Segments and members restored.
    pub restored: u64,
    /// Our rows that are kept.
    pub kept: Vec<KeptRow>,
    /// `SyncLog` rows deleted.
    pub sync_log: u64,
    /// Notes for the operator.
    pub notes: Vec<String>,
    /// Defers signals from the commit until the datasets are set aside.
    held: Option<HeldSignal>,
}

/// The operation that defers a signal after the commit is sent.
const CLOSING: &str = "the commit and the datasets to be set aside";

/// Rolls back; with `dry_run` it only counts.
pub fn rollback(loader: &mut Loader, run_id: &str, consumers_stopped: bool, dry_run: bool) -> Result<Undone> {
    let begun = loader.begin(false, consumers_stopped, dry_run);
    match begun.and_then(|signs| inside(loader, run_id, signs, consumers_stopped, dry_run)) {
        Ok(mut undone) if !dry_run => {
            undone.held = Some(interrupt::hold(CLOSING));
            loader.commit(run_id)?;
            undone.notes.extend(loader.analyze(&undone.counts));
            Ok(undone)
        }
        other => {
            loader.end();
            other
        }
    }
}

fn inside(loader: &Loader, run_id: &str, mut signs: Vec<String>, consumers_stopped: bool, dry_run: bool) -> Result<Undone> {
    let (crm, catalog) = loader.parts();
    let newer = concurrent_writers::newer_rows(crm, catalog, loader.last.as_ref(), &Totals::new())?;
    if !dry_run {
        concurrent_writers::require(crm, &newer, consumers_stopped)?;
    }
    signs.extend(newer);
    run_log::create(crm, catalog, &loader.preflight)?;
    let noticed = delta::notice(crm, catalog, &loader.preflight)?;
    let memory: Vec<(&'static Loaded, &LoadMemory)> = noticed.iter().map(|(loaded, memory)| (*loaded, memory)).collect();
    respect::remember(crm, run_id, &memory)?;
    crm.run("create temp table load_delete (table_name text, id text) on commit drop")?;
    protect::keep_changed(crm, &memory)?;
    keep_hung_on(loader)?;
    crm.doing("finding our rows");
    for loaded in &LOADED {
        let reviewed = if loaded.table == table::CANDIDATE { include_str!("../../../sql/crm/unless_reviewed.sql") } else { "" };
        crm.run(&format!(
            "insert into load_delete
             select '{name}', t.\"id\"::text from {table} t
             where {ours}
               and not exists (select from load_kept k where k.table_name = '{name}' and k.id = t.\"id\"::text) {reviewed}",
            name = loaded.table,
            table = quoted(loaded.table),
            ours = ours("t"),
        ))?;
    }
    crm.run("analyze load_delete")?;
    let deleted = per_table(crm, "select table_name, count(*) from load_delete group by table_name")?;
    let kept = per_table(crm, "select table_name, count(distinct id) from load_kept group by table_name")?;
    let counts = LOADED.iter().map(|loaded| {
        let of = |rows: &BTreeMap<String, u64>| rows.get(loaded.table).copied().unwrap_or(0);
        (loaded.table, TableCounts { deleted: of(&deleted), kept: of(&kept), ..TableCounts::default() })
    });
    let counts: Counts = counts.collect();
    let kept =
        crm.query("select table_name, id, min(reason) from load_kept group by table_name, id order by table_name, id", &[])?;
    let kept = kept.iter().map(|row| KeptRow { table: row.get(0), id: row.get(1), reason: row.get(2) }).collect();
    let mut undone = Undone {
        counts,
        restored: 0,
        kept,
        sync_log: 0,
        notes: signs.into_iter().chain(concurrent_writers::hidden(crm)?).collect(),
        held: None,
    };
    if !dry_run {
        take_out(loader, run_id, &mut undone)?;
    }
    Ok(undone)
}

fn per_table(crm: &Crm, sql: &str) -> Result<BTreeMap<String, u64>> {
    let rows = crm.query(sql, &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect())
}

/// Keeps profiles that foreign rows, or kept rows of ours, refer to.
fn keep_hung_on(loader: &Loader) -> Result<()> {
    let (crm, catalog) = loader.parts();
    crm.doing("looking for foreign rows on our profiles");
    for reference in catalog.references_to(table::PROFILE) {
        let theirs = is_foreign_or_kept(crm, reference)?;
        let column = quoted(&reference.column);
        crm.run(&format!(
            "insert into load_kept
             select distinct 'CustomerProfile', c.{column}::text, 'FOREIGN_ROWS'
             from {} c join \"CustomerProfile\" t on t.\"id\" = c.{column}
             where {} and {theirs}
               and not exists (select from load_kept k where k.table_name = 'CustomerProfile' and k.id = c.{column}::text)",
            reference.qualified,
            ours("t")
        ))?;
    }
    crm.run("analyze load_kept")
}

fn take_out(loader: &Loader, run_id: &str, undone: &mut Undone) -> Result<()> {
    let (crm, catalog) = loader.parts();
    let mut before = foreign_rows(crm, catalog)?;
    let rebuild = Rebuild::of_references(catalog, table::PROFILE);
    let mut slow: Vec<&str> = rebuild.kept.iter().map(|(name, _)| name.as_str()).collect();
    slow.sort_unstable();
    slow.dedup();
    if !slow.is_empty() {
        let slow = slow.join(", ");
        undone.notes.push(format!("this role does not own {slow}: their keys are checked row by row, which takes longer"));
    }
    rebuild.drop(crm)?;
    crm.doing("deleting our rows");
    crm.run(include_str!("../../../sql/crm/unpoint_merged.sql"))?;
    for loaded in LOADED.iter().rev() {
        crm.run(&format!(
            "delete from {} t using load_delete d where d.table_name = '{}' and d.id = t.\"id\"::text",
            quoted(loaded.table),
            loaded.table
        ))?;
    }
    crm.doing("deleting segments that we made");
    crm.run(include_str!("../../../sql/crm/delete_own_segments.sql"))?;
    rebuild.make(crm, |_| {})?;
    let (restored_segments, members) = segments::restore(crm)?;
    undone.restored = restored_segments + members;
    if let Some(count) = before.get_mut(&quoted(table::MEMBERSHIP)) {
        *count += members;
    }
    crm.doing("deleting our SyncLog rows");
    undone.sync_log = crm.execute(&format!("delete from \"SyncLog\" t where {}", ours("t")), &[])?;
    crm.doing("clearing the record of what was written");
    crm.run(include_str!("../../../sql/crm/forget_written.sql"))?;
    tombstones::forget_children(crm)?;
    crm.run(include_str!("../../../sql/crm/forget_merged.sql"))?;
    crm.run("delete from backfill.kept; delete from backfill.loaded; delete from backfill.settled")?;
    let after = foreign_rows(crm, catalog)?;
    if after != before {
        return Err(Fault::new(Exit::Mismatch, "the rollback would have changed foreign rows")
            .at(crm.place())
            .help("nothing was committed; please report this")
            .into());
    }
    let counts = json!(undone.counts);
    let note = RunNote { id: run_id, command: "rollback", phase: None, as_of: None, inputs: None, counts: &counts };
    run_log::note_run(crm, &note)
}

/// Foreign rows per table that an emergency rollback would delete; fails if it must not proceed.
pub fn emergency_plan(loader: &Loader, consumers_stopped: bool) -> Result<Vec<(String, u64, u64)>> {
    let (crm, catalog) = loader.parts();
    let missing: Vec<&str> = table::ALL.into_iter().filter(|name| !catalog.tables.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(Fault::new(Exit::Preflight, format!("this database is not a CRM: it lacks {}", missing.join(", ")))
            .at(loader.place())
            .help("is this the right database? make check-connections")
            .into());
    }
    let strangers: Vec<&str> = catalog
        .references
        .iter()
        .filter(|reference| !reference.table.as_deref().is_some_and(|name| table::ALL.contains(&name)))
        .map(|reference| reference.qualified.as_str())
        .collect();
    if !strangers.is_empty() {
        return Err(Fault::new(Exit::Preflight, format!("other tables refer to the CRM's: {}", strangers.join(", ")))
            .at(crm.place())
            .help("their rows would refer to nothing; drop those keys first, or use the ordinary rollback")
            .into());
    }
    concurrent_writers::require(crm, &concurrent_writers::writers(crm, catalog, loader.last.as_ref())?, consumers_stopped)?;
    let mut plan = Vec::new();
    for name in table::ALL {
        let all = crm.count(&format!("select count(*) from {}", quoted(name)))?;
        let others = crm.count(&format!("select count(*) from {} t where not {}", quoted(name), ours("t")))?;
        plan.push((name.to_owned(), all, others));
    }
    // The operator is asked now, so no transaction stays open.
    crm.end()?;
    Ok(plan)
}

/// Segments, their members and notes as JSON lines, to be saved before an emergency rollback.
pub fn backup(loader: &Loader) -> Result<Vec<(&'static str, String)>> {
    let (crm, _) = loader.parts();
    crm.doing("saving segments and notes");
    let mut saved = Vec::new();
    for name in [table::SEGMENT, table::MEMBERSHIP, table::NOTE] {
        let rows = crm.query(&format!("select to_jsonb(t)::text from {} t order by t.\"id\"::text", quoted(name)), &[])?;
        let mut lines = String::new();
        for row in rows {
            lines.push_str(row.get(0));
            lines.push('\n');
        }
        saved.push((name, lines));
    }
    crm.end()?;
    Ok(saved)
}

/// Truncates the strategy's tables in one statement; fails if other tables refer to them. Signals are deferred until the result is
/// dropped.
pub fn emergency(loader: &Loader, run_id: &str) -> Result<HeldSignal> {
    let (crm, catalog) = loader.parts();
    crm.doing("emptying the CRM");
    crm.begin()?;
    let work = || -> Result<()> {
        take_lock(crm)?;
        crm.shut_out_readers();
        run_log::create(crm, catalog, &loader.preflight)?;
        let noticed = delta::notice(crm, catalog, &loader.preflight)?;
        let memory: Vec<(&'static Loaded, &LoadMemory)> = noticed.iter().map(|(loaded, memory)| (*loaded, memory)).collect();
        respect::remember(crm, run_id, &memory)?;
        let names: Vec<String> = table::ALL.iter().map(|name| quoted(name)).collect();
        crm.run(&format!("truncate table {} restrict", names.join(", ")))?;
        tombstones::key_children(crm)?;
        crm.run(
            "delete from backfill.written; delete from backfill.before; delete from backfill.kept;
             delete from backfill.merged; delete from backfill.child; delete from backfill.loaded;
             delete from backfill.settled",
        )?;
        let counts = json!({});
        let note = RunNote { id: run_id, command: "emergency", phase: None, as_of: None, inputs: None, counts: &counts };
        run_log::note_run(crm, &note)
    };
    if let Err(error) = work() {
        loader.end();
        return Err(error);
    }
    let held = interrupt::hold(CLOSING);
    loader.commit(run_id)?;
    Ok(held)
}
