//! `load`: loads the datasets of `data/crm` and `data/score` into the CRM, in one transaction.

use std::cell::RefCell;
use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::Fault;
use crate::model::thousands;
use crate::model::{LinkRule, Phase, RecordKey, Timestamp, profile_id};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::{Preflight, PreflightFinding};
use crate::pg::load::rows::{Batches, Datasets};
use crate::pg::load::run_log::ExportMark;
use crate::pg::load::segments::SavedSegment;
use crate::pg::load::session::Crm;
use crate::pg::load::target::LOADED;
use crate::pg::load::{Allowed, Input, Loader, Report, prove_datasets};
use crate::progress::Task;
use crate::sources::crm::{merged_pairs, profile_ids, segments};
use crate::steps::binding::{self, Made};
use crate::steps::confirm;
use crate::steps::expectations::ExpectationResults;
use crate::steps::guards::{self, DATABASE, Shrunk};
use crate::steps::inputs;
use crate::store::{Folder, RunLock, hash_bytes, save_text};
use crate::tables::resolution::links;

/// The variable that names the target.
pub const CRM_URL: &str = "CRM_DATABASE_URL";

/// Arguments of `load`.
#[derive(clap::Args, Debug, Default)]
pub struct LoadArgs {
    /// Count exactly what would be inserted, updated and deleted, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask, even on a terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Proceed although other writers look active (you confirm that consumers are stopped)
    #[arg(long)]
    pub consumers_stopped: bool,
    /// Load into a CRM with foreign profiles
    #[arg(long)]
    pub beside_existing: bool,
    /// Load a lower phase than the last, removing the rows of later phases
    #[arg(long)]
    pub lower_phase: bool,
    /// Load although triggers of the CRM will fire for every row
    #[arg(long)]
    pub allow_triggers: bool,
    /// Load although an entity is empty or lost more than a fifth of its loaded rows, such as teetime.players; may be repeated
    #[arg(long, value_name = "ENTITY", value_delimiter = ',')]
    pub allow_shrink: Vec<String>,
    /// Load although the CRM export was read from another database, such as this CRM's former server
    #[arg(long)]
    pub other_crm: bool,
    /// Fail for warnings, too
    #[arg(long)]
    pub strict: bool,
    /// Keep the indexes of tables that get more rows than they hold: slower, but readers are never blocked
    #[arg(long)]
    pub keep_indexes: bool,
    /// Load rows again that others deleted: all of them, or those with these row ids or record keys (source:entity:id)
    #[arg(long, value_name = "ID", num_args = 0..)]
    pub restore: Option<Vec<String>>,
    /// Load a pilot although profiles of other tenants are loaded, and remove these
    #[arg(long)]
    pub remove_other_tenants: bool,
    /// Load although expectations of the owner are not met
    #[arg(long)]
    pub unmet_expectations: bool,
    /// Accept that others deleted more than a fifth of our rows
    #[arg(long)]
    pub accept_deleted: bool,
}

/// The datasets as files.
struct Saved {
    crm: Folder,
    score: Folder,
    /// Rows of each exported entity.
    entities: Vec<(String, u64)>,
}

impl Saved {
    fn hash(&self) -> String {
        hash_of(&self.crm, &self.score)
    }

    fn folder(&self, stem: &str) -> Option<&Folder> {
        let name = format!("{stem}.parquet");
        [&self.crm, &self.score].into_iter().find(|folder| folder.manifest.files.contains_key(&name))
    }
}

/// Hash of all datasets by content.
pub(super) fn hash_of(crm: &Folder, score: &Folder) -> String {
    let files = crm.manifest.files.iter().chain(&score.manifest.files);
    let lines: Vec<String> = files.map(|(name, file)| format!("{name} {}\n", file.blake3)).collect();
    hash_bytes(lines.concat().as_bytes())
}

impl Datasets for Saved {
    fn rows(&self, stem: &str) -> Option<u64> {
        self.folder(stem).and_then(|folder| folder.manifest.files.get(&format!("{stem}.parquet"))).map(|entry| entry.rows)
    }

    fn content_hash(&self, stem: &str) -> Option<&str> {
        self.folder(stem)
            .and_then(|folder| folder.manifest.files.get(&format!("{stem}.parquet")))
            .map(|entry| entry.blake3.as_str())
    }

    fn batches(&self, stem: &str) -> Result<Batches<'_>> {
        let folder = self.folder(stem).unwrap_or(&self.crm);
        Ok(Box::new(folder.read_stem(stem)?))
    }

    fn entities(&self) -> &[(String, u64)] {
        &self.entities
    }
}

/// Loads the datasets, or only counts the changes.
pub fn run(session: &Session, args: LoadArgs) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, &format!("load, run {}", session.run_id))?;
    guards::check_names(&args.allow_shrink)?;
    binding::require(session, Made::Score)?;
    let saved = open(session)?;
    let phase = session.check_phase(saved.crm.manifest.phase, saved.crm.path())?;
    let as_of = session.check_as_of(&saved.crm.manifest.as_of, saved.crm.path())?;
    let dsn = crate::steps::database(session, CRM_URL)?;
    let exports = export_marks(session, phase)?;
    let CrmExport { kept_ids, merges, segments } = CrmExport::read(session)?;
    let inputs = saved.hash();

    let allowed = Allowed {
        consumers_stopped: args.consumers_stopped,
        beside_existing: args.beside_existing,
        lower_phase: args.lower_phase,
        strict: args.strict,
        keep_indexes: args.keep_indexes,
        accept_deleted: args.accept_deleted,
    };
    let input = Input {
        run_id: &session.run_id,
        phase,
        as_of,
        inputs: &inputs,
        exports: &exports,
        kept_ids: &kept_ids,
        merges: &merges,
        segments: segments.as_deref(),
        restore: args.restore.as_deref(),
        data: &saved,
    };
    let mut loader = Loader::open(&dsn, args.allow_triggers)?;
    guard(session, &mut loader, &saved, phase, &args)?;
    loader.prove(&input)?;
    for finding in loader.preflight.findings.iter().filter(|finding| !finding.refuses) {
        session.progress.warn(&finding.what);
    }
    check(session, &loader.preflight, &loader.place(), args.strict)?;
    announce(session, &loader, &saved, phase, as_of)?;
    if !args.dry_run {
        confirm::agree("Load?", args.yes)?;
    }
    let tasks = Tasks { session, saved: &saved, current: RefCell::new(None) };
    let report = loader.load(&input, allowed, args.dry_run, &|stem, rows| tasks.advance(stem, rows))?;
    tasks.end();
    for note in &report.notes {
        session.progress.warn(note);
    }
    Ok(outcome(&report, phase, &loader.place(), args.dry_run))
}

/// Fails with all problems at once; the ids of all affected rows are written to a file.
fn check(session: &Session, preflight: &Preflight, place: &str, strict: bool) -> Result<()> {
    let Err(error) = preflight.check(place, strict) else { return Ok(()) };
    let rows = preflight.findings.iter().flat_map(|finding| finding.rows.iter().map(move |id| (&finding.what, id)));
    let lines: Vec<String> = rows.map(|(what, id)| format!("{id},\"{}\"\n", what.replace('"', "\"\""))).collect();
    if lines.is_empty() {
        return Err(error);
    }
    let path = session.layout.runs().join(format!("{}-target.csv", session.run_id));
    save_text(&path, &format!("id,finding\n{}", lines.concat()))?;
    let fault = error.downcast::<Fault>()?;
    Err(fault.help(format!("the ids of all {} rows: {}", lines.len(), path.display())).into())
}

/// Checks the datasets of the data folder against a CRM, as load does; `None` without datasets or without a usable CRM.
pub(super) fn prove(
    session: &Session,
    crm: &Crm,
    catalog: &Catalog,
    preflight: &Preflight,
) -> Result<Option<Vec<PreflightFinding>>> {
    if Folder::find(&session.layout.crm())?.is_none() || Folder::find(&session.layout.score())?.is_none() {
        return Ok(None);
    }
    let saved = open(session)?;
    let phase = session.check_phase(saved.crm.manifest.phase, saved.crm.path())?;
    let as_of = session.check_as_of(&saved.crm.manifest.as_of, saved.crm.path())?;
    let exports = export_marks(session, phase)?;
    let inputs = saved.hash();
    let input = Input {
        run_id: &session.run_id,
        phase,
        as_of,
        inputs: &inputs,
        exports: &exports,
        kept_ids: &[],
        merges: &[],
        segments: None,
        restore: None,
        data: &saved,
    };
    prove_datasets(crm, catalog, preflight, &input)
}

fn open(session: &Session) -> Result<Saved> {
    let crm = Folder::open(&session.layout.crm())?;
    let score = Folder::open(&session.layout.score())?;
    let phase = session.check_phase(crm.manifest.phase, crm.path())?;
    let entities = guards::entities(session, phase)?;
    Ok(Saved { crm, score, entities })
}

/// Adds the safety checks to the preflight's findings, so that all problems are reported at once.
fn guard(session: &Session, loader: &mut Loader, saved: &Saved, phase: Phase, args: &LoadArgs) -> Result<()> {
    let mut reasons = Vec::new();
    if let Some(loaded) = loader.last.as_ref().filter(|run| run.command == "load").and_then(|run| run.phase)
        && i32::from(phase.number()) < loaded
        && !args.lower_phase
    {
        reasons.push(format!(
            "phase {loaded} is loaded, this is phase {phase}; it would remove the rows of later phases; if that is intended: \
             --lower-phase"
        ));
    }
    let exported_from =
        Folder::find(&session.layout.exports_crm())?.and_then(|folder| folder.manifest.facts.get(DATABASE).cloned());
    if let (Some(theirs), Some(ours)) = (exported_from, loader.identity())
        && theirs != ours
        && !args.other_crm
    {
        reasons.push(
            "the CRM export was read from another database than this one: make export-crm, then stage to score again; if it is the \
             same CRM on another server: --other-crm"
                .to_owned(),
        );
    }
    let pilot = inputs::pilot(session)?;
    let others = if pilot.is_empty() || args.remove_other_tenants { 0 } else { loader.profiles_of_other_tenants(&pilot)? };
    if others > 0 {
        reasons.push(format!(
            "these are the datasets of a pilot of tenant {}, and {} profiles of other tenants are loaded; it would remove them; if that \
             is intended: --remove-other-tenants",
            pilot.join(" and "),
            thousands(others)
        ));
    }
    let ExpectationResults { unmet, .. } = ExpectationResults::read(&saved.crm)?;
    if let Some(first) = unmet.first().filter(|_| !args.unmet_expectations) {
        reasons.push(format!(
            "{} expectations of the owner are not met; {first}; correct the decisions or expectations.csv, or, to load all the same: \
             --unmet-expectations",
            unmet.len()
        ));
    }
    let shrunk = guards::shrunk(&saved.entities, &loader.loaded_entities()?, &args.allow_shrink);
    reasons.extend(shrunk.iter().map(Shrunk::words));
    loader.preflight.findings.extend(reasons.into_iter().map(PreflightFinding::refusal));
    Ok(())
}

/// The exports of the phase.
fn export_marks(session: &Session, phase: Phase) -> Result<Vec<ExportMark>> {
    let mut marks = Vec::new();
    for source in phase.sources() {
        let folder = Folder::open(&session.layout.exports(source))?;
        marks.push(ExportMark {
            source,
            manifest: folder.manifest.content_hash(),
            watermark: folder.manifest.facts.get("watermark").cloned(),
            as_of: folder.manifest.as_of.clone(),
        });
    }
    Ok(marks)
}

/// What load needs from the CRM export.
#[derive(Default)]
struct CrmExport {
    /// Ids of profiles that stem from an earlier load.
    kept_ids: Vec<String>,
    /// Profiles that were merged.
    merges: Vec<String>,
    /// DYNAMIC segments; `None` if the CRM was never exported.
    segments: Option<Vec<SavedSegment>>,
}

impl CrmExport {
    fn read(session: &Session) -> Result<Self> {
        let Some(folder) = Folder::find(&session.layout.exports_crm())? else { return Ok(Self::default()) };
        let mut loaded = BTreeSet::new();
        for batch in folder.read::<profile_ids::Table>(None)? {
            loaded.extend(batch?.rows().map(|row| row.profile_id.to_owned()));
        }
        let mut kept_ids = Vec::new();
        if !loaded.is_empty() {
            for batch in Folder::open(&session.layout.resolve())?.read::<links::Table>(None)? {
                kept_ids.extend(
                    batch?.rows().filter_map(kept_id).filter(|id| loaded.contains(*id)).map(str::to_owned).collect::<Vec<_>>(),
                );
            }
        }
        let mut merges = BTreeSet::new();
        if folder.has::<merged_pairs::Table>(None) {
            for batch in folder.read::<merged_pairs::Table>(None)? {
                merges.extend(batch?.rows().filter(|row| row.kind == "MERGED").map(|row| row.gone_id.to_owned()));
            }
        }
        let mut segments = Vec::new();
        for batch in folder.read::<segments::Table>(None)? {
            segments.extend(batch?.rows().filter(|row| row.segment_type == "DYNAMIC").map(|row| SavedSegment {
                id: row.id.to_owned(),
                definition: vec![
                    Some(row.name.to_owned()),
                    row.criteria.map(str::to_owned),
                    row.combinator.map(str::to_owned),
                    row.club_id.map(str::to_owned),
                    Some(row.is_active.to_string()),
                    row.deleted_at.map(|at| at.to_string()),
                ],
            }));
        }
        Ok(Self { kept_ids, merges: merges.into_iter().collect(), segments: Some(segments) })
    }
}

/// The profile id of a seed record if it is not derived from it: then it comes from an earlier load.
fn kept_id(link: links::Row<'_>) -> Option<&str> {
    let id = link.profile_id.filter(|_| link.rule == LinkRule::Founder)?;
    let derived = profile_id(RecordKey { source: link.source, id: link.source_id }, 1);
    (derived.to_string() != id).then_some(id)
}

fn announce(session: &Session, loader: &Loader, saved: &Saved, phase: Phase, as_of: Timestamp) -> Result<()> {
    if session.quiet || session.json {
        return Ok(());
    }
    session.progress.line(&format!(" target   {}", loader.place()));
    session.progress.line(&format!(" phase    {phase} ({}), as of {as_of}", phase.title()));
    let pilot = inputs::pilot(session)?;
    if !pilot.is_empty() {
        session.progress.line(&format!(" pilot    tenant {} alone", pilot.join(" and ")));
    }
    if let Some(last) = &loader.last {
        session.progress.line(&format!(" before   {} of run {}", last.command, last.id));
    }
    session.progress.line(" brings");
    for loaded in &LOADED {
        let rows = saved.rows((loaded.dataset)().stem).unwrap_or(0);
        session.progress.line(&format!("   {:<28} {:>12} rows", loaded.table, thousands(rows)));
    }
    Ok(())
}

struct Tasks<'a> {
    session: &'a Session,
    saved: &'a Saved,
    current: RefCell<Option<(String, Task<'a>)>>,
}

impl Tasks<'_> {
    fn advance(&self, stem: &str, rows: u64) {
        if rows == 0 {
            self.end();
            return;
        }
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(name, _)| name != stem) {
            if let Some((_, task)) = current.take() {
                task.finish("");
            }
            *current = Some((stem.to_owned(), self.session.progress.task(stem, self.saved.rows(stem))));
        }
        if let Some((_, task)) = current.as_ref() {
            task.advance(rows);
        }
    }

    fn end(&self) {
        if let Some((_, task)) = self.current.take() {
            task.finish("");
        }
    }
}

fn outcome(report: &Report, phase: Phase, place: &str, dry_run: bool) -> StepOutcome {
    let summary = json!({
        "phase": phase.number(),
        "mode": report.mode.words(),
        "dry_run": dry_run,
        "changed": report.changed,
        "tables": report.counts,
        "merged": report.merged,
        "segments": report.segments,
        "replaced_members": report.replaced_members,
        "withdrawals_remembered": report.withdrawals,
        "flags_lowered": report.flags_lowered,
        "foreign_pairs": report.foreign_pairs,
        "deleted_by_others": report.deleted_by_others,
        "restored": report.restored,
        "new_withdrawals": report.new_withdrawals,
        "left": report.left.iter().map(|(reason, rows)| (reason.clone(), json!(rows))).collect::<serde_json::Map<_, _>>(),
        "rebuilt_indexes_and_keys": report.rebuilt,
        "notes": report.notes,
    });
    if !report.changed {
        let mut text = format!(" load     nothing to do: {}\n", standing(report, phase, place));
        for (count, what) in [(report.deleted_by_others, DELETED), (report.restored, RESTORED)] {
            if count > 0 {
                text.push_str(&format!("   {:>12} {what}\n", thousands(count)));
            }
        }
        return StepOutcome::new(text, summary).next(next(phase));
    }
    let mut text = format!(" {}  {}: {}\n", if dry_run { "plan  " } else { "loaded" }, place, report.mode.words());
    text.push_str(&format!("   {:<28} {:>11} {:>11} {:>11} {:>9} {:>9}\n", "", "inserted", "updated", "deleted", "kept", "held"));
    for (table, counts) in &report.counts {
        text.push_str(&format!(
            "   {table:<28} {:>11} {:>11} {:>11} {:>9} {:>9}\n",
            thousands(counts.inserted),
            thousands(counts.updated),
            thousands(counts.deleted),
            thousands(counts.kept),
            thousands(counts.held_by_other)
        ));
    }
    let mut line = |count: u64, what: &str| {
        if count > 0 {
            text.push_str(&format!("   {:>12} {what}\n", thousands(count)));
        }
    };
    line(report.merged, "profiles kept as MERGED: foreign rows still reference them");
    let held: u64 = report.counts.values().map(|counts| counts.held_by_other).sum();
    line(held, "rows held back, in whole or in one value: a foreign row has their unique key");
    line(report.segments, "segment rows refreshed or restored");
    line(report.replaced_members, "rule memberships of other origin replaced (saved for rollback)");
    line(report.withdrawals, "withdrawals recorded permanently");
    line(report.flags_lowered, "consent flags stay off because of a withdrawal");
    line(report.foreign_pairs, "pairs with foreign profiles in the review queue");
    line(report.new_withdrawals, "rows changed by others to which a later withdrawal applies");
    line(report.deleted_by_others, DELETED);
    line(report.restored, RESTORED);
    line(report.rebuilt as u64, "indexes and keys recreated after the rows");
    if !report.left.is_empty() {
        text.push_str(&format!("   kept as others changed them: {} (select * from backfill.kept)\n", reasons(report)));
    }
    let outcome = StepOutcome::new(text, summary);
    if dry_run { outcome.next("make load") } else { outcome.next(next(phase)) }
}

const DELETED: &str = "rows deleted by others since the last load stay deleted (--restore loads them again)";
const RESTORED: &str = "rows deleted by others loaded again";

/// The state of the CRM if there is nothing to do.
fn standing(report: &Report, phase: Phase, place: &str) -> String {
    if report.left.is_empty() {
        return format!("{place} equals the datasets of phase {phase}");
    }
    format!(
        "all our rows in {place} equal the datasets of phase {phase}, except those kept as others changed them: {}: \
         select * from backfill.kept",
        reasons(report)
    )
}

/// `2 CHANGED, 1 REVIEWED`.
fn reasons(report: &Report) -> String {
    let reasons: Vec<String> = report.left.iter().map(|(reason, rows)| format!("{} {reason}", thousands(*rows))).collect();
    reasons.join(", ")
}

fn next(phase: Phase) -> String {
    format!("make verify PHASE={phase}")
}
