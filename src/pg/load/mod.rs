//! A load: one transaction that fills an empty CRM, or applies the diff to our rows.

pub mod apply;
pub mod catalog;
pub mod concurrent_writers;
pub mod constraints;
pub mod delta;
pub mod diff;
pub mod foreign_profiles;
mod keys;
mod lock;
pub mod merges;
pub mod preflight;
mod proof;
pub mod protect;
pub mod rebuild_indexes;
mod report;
mod request;
mod respect;
pub mod rollback;
pub mod rows;
pub mod run_log;
pub mod segments;
pub mod session;
pub mod settled;
pub mod staging;
mod standing;
mod statistics;
mod table_sql;
pub mod target;
pub mod tombstones;
mod written;

pub use proof::prove_datasets;
pub use report::{LoadMode, Report};
pub use request::{Allowed, Input};
pub use standing::{Standing, outcome_of, standing};
use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::interrupt;
use crate::model::Phase;
use crate::pg::compare::{FileRows, TableForm};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::diff::Counts;
use crate::pg::load::diff::TableCounts;
use crate::pg::load::lock::take_lock;
use crate::pg::load::preflight::{Preflight, preflight};
use crate::pg::load::rebuild_indexes::Rebuild;
use crate::pg::load::rows::Datasets;
use crate::pg::load::run_log::{Run, RunNote};
use crate::pg::load::session::Crm;
use crate::pg::load::settled::{FiledSums, Found};
use crate::pg::load::staging::{Copied, Sent, copy_table};
use crate::pg::load::target::{LOADED, Loaded, table};
use crate::pg::loaded;
use crate::pg::quote_identifier as quoted;

/// An open CRM with its preflight, locked against other loaders until it is dropped.
pub struct Loader {
    crm: Crm,
    catalog: Catalog,
    /// The findings of the preflight.
    pub preflight: Preflight,
    dsn: Dsn,
    allow_triggers: bool,
    is_proved: bool,
    /// The last run, if any.
    pub last: Option<Run>,
}

impl Loader {
    /// Connects, takes the lock, and looks at the target.
    pub fn open(dsn: &Dsn, allow_triggers: bool) -> Result<Self> {
        let crm = Crm::open(dsn)?;
        crm.begin()?;
        take_lock(&crm)?;
        let catalog = Catalog::read(&crm)?;
        if !catalog.schema.is_empty() {
            crm.look_in(&catalog.schema)?;
        }
        let preflight = preflight(&catalog, allow_triggers);
        let last = if catalog.may_create_backfill { run_log::last_run(&crm)? } else { None };
        // The operator may be asked now. No transaction stays open meanwhile, so everything is checked again later.
        crm.end()?;
        Ok(Self { crm, catalog, preflight, dsn: dsn.clone(), allow_triggers, is_proved: false, last })
    }

    /// Begins the transaction of a load or rollback: takes the lock, locks the tables unless nothing will be written, and checks
    /// the target again under the locks. Returns the sessions that write.
    pub(super) fn begin(&mut self, is_strict: bool, consumers_stopped: bool, dry_run: bool) -> Result<Vec<String>> {
        self.preflight.check(&self.place(), is_strict)?;
        let crm = &self.crm;
        crm.begin()?;
        take_lock(crm)?;
        if !dry_run {
            concurrent_writers::refuse_sessions(crm, &self.catalog, self.last.as_ref(), consumers_stopped)?;
            concurrent_writers::lock_tables(crm)?;
        }
        let catalog = Catalog::read(crm)?;
        self.is_proved &= catalog == self.catalog;
        self.catalog = catalog;
        self.preflight = preflight(&self.catalog, self.allow_triggers);
        self.preflight.check(&crm.place(), is_strict)?;
        self.last = if self.catalog.may_create_backfill { run_log::last_run(crm)? } else { None };
        // A dry run reports them.
        concurrent_writers::refuse_sessions(crm, &self.catalog, self.last.as_ref(), consumers_stopped || dry_run)
    }

    /// Rolls back the transaction. If the session is lost, the server has done so already.
    pub(super) fn end(&self) {
        let _ = self.crm.end();
    }

    /// Its location.
    pub fn place(&self) -> String {
        self.crm.place()
    }

    /// Rows per exported entity of the last load; empty if they were not recorded.
    pub fn loaded_entities(&self) -> Result<BTreeMap<String, u64>> {
        loaded::read(&self.crm)
    }

    /// Our profiles that belong to none of these tenants.
    pub fn profiles_of_other_tenants(&self, tenants: &[String]) -> Result<u64> {
        let row = self.crm.one(include_str!("../../../sql/crm/count_other_tenants.sql"), &[&tenants])?;
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }

    /// Identity of the database, if the server gives it.
    pub fn identity(&self) -> Option<String> {
        loaded::identity_of_crm(&self.crm)
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.catalog.database
    }

    /// The session, for callers within this module.
    pub(in crate::pg) fn parts(&self) -> (&Crm, &Catalog) {
        (&self.crm, &self.catalog)
    }

    /// The mode of a load, or the reason why it must not proceed.
    pub fn mode(&self, input: &Input<'_>, allowed: Allowed) -> Result<LoadMode> {
        let crm = &self.crm;
        crm.doing("looking at the contents of the CRM");
        let row = crm.one(include_str!("../../../sql/crm/situation.sql"), &[])?;
        let (own, others): (i64, i64) = (row.get("own_profiles"), row.get("other_profiles"));
        let is_empty: bool = row.get("is_empty");
        if others > 0 && own == 0 && !allowed.beside_existing {
            return Err(Fault::new(Exit::Preflight, format!("the CRM holds {others} foreign profiles and none of ours"))
                .at(self.place())
                .help("is this the right database? if foreign profiles are expected: --beside-existing")
                .into());
        }
        let loaded = self.last.as_ref().filter(|run| run.command == "load").and_then(|run| run.phase);
        if let Some(phase) = loaded
            && i32::from(input.phase.number()) < phase
            && !allowed.lower_phase
        {
            return Err(Fault::new(Exit::Preflight, format!("phase {phase} is loaded, this is phase {}", input.phase))
                .at(self.place())
                .help("loading it would remove the rows of later phases; if that is intended: --lower-phase")
                .into());
        }
        self.check_kept_ids(input)?;
        if input.phase >= Phase::SCORES
            && let Some(saved) = input.segments
        {
            segments::refuse_changed(crm, saved)?;
        }
        // Rows that were written or deleted before must be compared row by row, even if the tables are empty.
        let is_new: bool = crm.one(include_str!("../../../sql/crm/is_new.sql"), &[])?.get(0);
        Ok(if is_empty && is_new { LoadMode::FirstLoad } else { LoadMode::ApplyDiff })
    }

    fn check_kept_ids(&self, input: &Input<'_>) -> Result<()> {
        if input.kept_ids.is_empty() {
            return Ok(());
        }
        let statement = include_str!("../../../sql/crm/missing_profiles.sql");
        let missing: i64 = self.crm.one(statement, &[&input.kept_ids])?.get(0);
        if missing == 0 {
            return Ok(());
        }
        let what = format!("{missing} profiles keep ids of an earlier load that this CRM does not hold");
        Err(Fault::new(Exit::Preflight, what)
            .at(self.place())
            .help("the CRM export is from another CRM, or older than a rollback: make export-crm, then stage to load again")
            .into())
    }

    /// Loads the datasets. With `dry_run` it only counts the changes and leaves the CRM as it is.
    pub fn load(&mut self, input: &Input<'_>, allowed: Allowed, dry_run: bool, sent: Sent<'_>) -> Result<Report> {
        let begun = self.begin(allowed.strict, allowed.consumers_stopped, dry_run);
        let proved = begun.and_then(|signs| self.prove_now(input, allowed.strict).map(|()| signs));
        let worked = proved.and_then(|signs| self.inside(input, allowed, dry_run, signs, sent));
        match worked {
            Ok(mut report) if (report.changed || report.noted) && !dry_run => {
                self.commit(input.run_id)?;
                report.notes.extend(self.analyze(&many_changes(&report.counts, input.data)));
                Ok(report)
            }
            other => {
                self.end();
                other
            }
        }
    }

    fn inside(&self, input: &Input<'_>, allowed: Allowed, dry_run: bool, signs: Vec<String>, sent: Sent<'_>) -> Result<Report> {
        let (crm, catalog) = (&self.crm, &self.catalog);
        run_log::create(crm, catalog, &self.preflight)?;
        let mode = self.mode(input, allowed)?;
        let forms = delta::forms(catalog, &self.preflight, input.phase);
        let (settled, totals) = settled::read(crm, catalog, &forms, self.last.as_ref().map(|last| last.started_at.as_str()))?;
        let newer = concurrent_writers::newer_rows(crm, catalog, self.last.as_ref(), &totals)?;
        if !dry_run {
            concurrent_writers::require(crm, &newer, allowed.consumers_stopped)?;
        }
        let notes = signs.into_iter().chain(newer).chain(concurrent_writers::hidden(crm)?).collect();
        let mut report = Report::new(mode, notes);
        staging::stage_refreshes(crm, input.data, input.phase)?;
        match mode {
            LoadMode::FirstLoad => self.fill(input, &forms, allowed.keep_indexes, dry_run, sent, &mut report)?,
            LoadMode::ApplyDiff => {
                let found = Found { forms: &forms, settled: &settled, totals: &totals };
                self.apply_diff(input, allowed, dry_run, sent, &found, &mut report)?;
            }
        }
        if dry_run {
            report.changed = report.counts.values().any(|counts| counts.changes() > 0) || report.new_withdrawals > 0;
            return Ok(report);
        }
        if input.phase >= Phase::SCORES {
            report.segments += segments::update_refreshed(crm, input.run_id, false)?;
        }
        report.withdrawals = staging::add_withdrawals(crm, input.data, input.as_of)?;
        report.noted |= run_log::remember_objects(crm)? > 0;
        let phase = i32::from(input.phase.number());
        let moved = self.last.as_ref().is_none_or(|last| last.command != "load" || last.phase != Some(phase));
        report.changed = report.counts.values().any(|counts| counts.changes() > 0)
            || report.merged + report.segments + report.withdrawals + report.replaced_members + report.new_withdrawals > 0;
        report.noted |= moved;
        let counts = json!(report.counts);
        let note = RunNote {
            id: input.run_id,
            command: "load",
            phase: Some(input.phase),
            as_of: Some(input.as_of),
            inputs: Some(input.inputs),
            counts: &counts,
        };
        if report.changed || report.noted {
            run_log::note_run(crm, &note)?;
            loaded::write(crm, input.data.entities())?;
        }
        if report.changed {
            run_log::note_sync(crm, &note, input.exports)?;
        }
        Ok(report)
    }

    fn fill(
        &self,
        input: &Input<'_>,
        forms: &[TableForm],
        keep_indexes: bool,
        dry_run: bool,
        sent: Sent<'_>,
        report: &mut Report,
    ) -> Result<()> {
        let (crm, catalog) = (&self.crm, &self.catalog);
        let scored = input.phase >= Phase::SCORES;
        let filled = LOADED.iter().filter(|loaded| scored || !loaded.scored);
        if dry_run {
            for loaded in filled {
                let inserted = input.data.rows((loaded.dataset)().stem).unwrap_or(0);
                report.counts.insert(loaded.table, TableCounts { inserted, ..TableCounts::default() });
            }
            return Ok(());
        }
        segments::find_replaced(crm)?;
        if scored {
            report.segments += segments::create_new(crm)?;
        }
        let names: Vec<&str> = LOADED.iter().map(|loaded| loaded.table).collect();
        let rebuild = if keep_indexes { Rebuild::default() } else { Rebuild::of_tables(catalog, &names) };
        rebuild.drop(crm)?;
        let instant: i64 = crm.one("select (extract(epoch from now()) * 1000000)::bigint", &[])?.get(0);
        let filed = std::thread::scope(|scope| {
            // The server is busy with the rows, so the sums of the datasets cost no time.
            let sums = scope.spawn(|| {
                let read = |form| FiledSums::read(&FileRows { data: input.data, form, phase: input.phase });
                forms.iter().map(read).collect::<Result<Vec<FiledSums>>>()
            });
            for loaded in filled {
                crm.doing("copying rows in");
                let plan = self.preflight.plan(loaded.table);
                let stamped = Copied { stamped: Some(instant), only: None };
                let inserted = copy_table(crm, plan, &quoted(loaded.table), input.data, input.phase, stamped, sent)?;
                report.counts.insert(loaded.table, TableCounts { inserted, ..TableCounts::default() });
            }
            sums.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        rebuild.make(crm, |what| sent(what, 0))?;
        report.rebuilt = rebuild.len();
        report.notes.extend(rebuild.notes());
        written::remember_first(crm, catalog, &self.preflight, input.data, input.phase)?;
        tombstones::remember_children_first(crm)?;
        settled::record_first(crm, catalog, forms, filed)?;
        crm.run("delete from backfill.kept")
    }

    fn apply_diff(
        &self,
        input: &Input<'_>,
        allowed: Allowed,
        dry_run: bool,
        sent: Sent<'_>,
        found: &Found<'_>,
        report: &mut Report,
    ) -> Result<()> {
        let (crm, catalog, preflight) = (&self.crm, &self.catalog, &self.preflight);
        segments::find_replaced(crm)?;
        let Found { forms, settled, totals } = found;
        let has_foreign = |name: &str| totals.get(name).is_none_or(|totals| totals.foreign > 0);
        let deltas = delta::find(crm, preflight, input.data, input.phase, forms, settled)?;
        staging::stage(crm, preflight, input.data, input.phase, &deltas, sent)?;
        respect::respect(crm, catalog, preflight, input, allowed, &deltas, report)?;
        protect::keep_scores(crm, preflight, has_foreign(table::ACTIVITY))?;
        protect::keep_referenced(crm, catalog)?;
        protect::keep_withdrawals(crm, preflight, input.phase)?;
        diff::find_overtaken(crm, preflight)?;
        report.flags_lowered = protect::lower_flags(crm, preflight)?;
        report.new_withdrawals += protect::find_lowered(crm)?;
        if has_foreign(table::PROFILE) {
            protect::refuse_foreign_identities(crm, preflight)?;
        }
        protect::release_held(crm, catalog, preflight)?;
        if has_foreign(table::PROFILE) {
            report.foreign_pairs = foreign_profiles::stage_pairs(crm, preflight)?;
        }
        diff::work_out(crm, catalog, preflight, input.phase)?;
        report.counts = diff::count(crm, preflight)?;
        let left = crm.query(include_str!("../../../sql/crm/kept_in_words.sql"), &[])?;
        report.left = left.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect();
        let collisions = Preflight { findings: keys::collisions(crm, catalog, preflight)?, plans: Vec::new() };
        collisions.check(&self.place(), false)?;
        if dry_run {
            return Ok(());
        }
        if input.phase >= Phase::SCORES {
            report.segments += segments::create_new(crm)?;
        }
        let applied = apply::apply(crm, catalog, preflight, input.run_id, &report.counts, totals, allowed.keep_indexes)?;
        report.merged = applied.merged;
        report.replaced_members = applied.replaced_members;
        report.rebuilt = applied.rebuilt;
        report.notes.extend(applied.notes);
        protect::apply_new_withdrawals(crm)?;
        report.noted |= protect::remember_said(crm)? > 0;
        report.noted |= crm.execute(include_str!("../../../sql/crm/remember_records.sql"), &[])? > 0;
        if input.phase < Phase::SCORES {
            let (restored, members) = segments::restore(crm)?;
            report.segments += restored + members;
        }
        crm.doing("listing the kept rows");
        let forgotten = crm.execute(include_str!("../../../sql/crm/forget_kept.sql"), &[])?;
        let listed = crm.execute(include_str!("../../../sql/crm/list_kept.sql"), &[])?;
        report.noted |= forgotten + listed > 0;
        let is_changed = report.counts.values().any(|counts| counts.changes() > 0);
        if is_changed || report.merged + report.replaced_members + report.new_withdrawals > 0 {
            let filed: Vec<&FiledSums> = deltas.iter().map(|delta| &delta.filed).collect();
            let changes = |name: &str| report.counts[name].changes();
            settled::record(crm, catalog, preflight, found, &filed, changes)?;
        }
        Ok(())
    }

    /// Commits. If the answer is lost, a new session checks whether the run is recorded.
    pub(in crate::pg) fn commit(&self, run_id: &str) -> Result<()> {
        self.crm.doing("committing");
        let _held = interrupt::hold("the commit to be confirmed");
        let Err(error) = self.crm.commit() else {
            interrupt::stands("the transaction is committed");
            return Ok(());
        };
        if !self.crm.is_lost() {
            return Err(error);
        }
        match outcome_of(&self.dsn, run_id) {
            Ok(true) => {
                interrupt::stands("the transaction is committed");
                Ok(())
            }
            Ok(false) => Err(error),
            Err(_) => Err(Fault::new(Exit::Unknown, "the connection was lost during the commit: its outcome is not known")
                .at(self.place())
                .help(format!("ask again when the CRM answers: make status (run {run_id})"))
                .help("loading again is safe either way")
                .into()),
        }
    }

    /// Updates the statistics of the planner. Returns a note if the role may not do so.
    pub(in crate::pg) fn analyze(&self, counts: &Counts) -> Option<String> {
        let changed = counts.iter().filter(|(_, counts)| counts.changes() > 0).map(|(name, _)| *name);
        let (allowed, refused): (Vec<&str>, Vec<&str>) = changed.partition(|name| self.catalog.table(name).may_analyze);
        let failed = statistics::make(&self.crm, &self.dsn, allowed);
        let list = failed.into_iter().chain(refused).map(quoted).collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then(|| format!("no statistics were updated for {list}; have the owner run: analyze {list};"))
    }
}

/// The tables of which a tenth changed. After fewer changes the server's own autovacuum decides when to analyze.
fn many_changes(counts: &Counts, data: &dyn Datasets) -> Counts {
    let is_many =
        |name: &str, counts: &TableCounts| counts.changes() * 10 >= data.rows((Loaded::of(name).dataset)().stem).unwrap_or(0);
    counts.iter().filter(|(name, counts)| is_many(name, counts)).map(|(name, counts)| (*name, *counts)).collect()
}
