//! `status`: shows what is exported, staged and loaded, at which as-of time and phase, and the outcome of the last commit.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::{Code, Source, Timestamp, counted, thousands};
use crate::pg::load::{Standing, outcome_of, standing};
use crate::steps::binding;
use crate::steps::load::CRM_URL;
use crate::store::{Folder, run_records};
use crate::tables::stage::people;

/// Arguments of `status`.
#[derive(clap::Args, Debug, Default)]
pub struct StatusArgs {
    /// Show the data folder only
    #[arg(long)]
    pub offline: bool,
}

/// The state of a folder of the data folder.
#[derive(Serialize)]
#[serde(untagged)]
enum FolderState {
    /// Complete.
    Complete { phase: Option<u8>, as_of: String, rows: u64, age_seconds: Option<i64> },
    /// Damaged; the others are still shown.
    Damaged { error: String },
}

/// The state of the CRM.
#[derive(Serialize)]
#[serde(untagged)]
enum CrmState {
    Reached(Box<CrmStanding>),
    Failed { error: String },
}

/// What the CRM holds, and its last load or rollback.
#[derive(Serialize)]
struct CrmStanding {
    place: String,
    has_tables: bool,
    profiles: u64,
    profiles_of_others: u64,
    last_run: Option<LastRun>,
}

#[derive(Serialize)]
struct LastRun {
    id: String,
    command: String,
    phase: Option<i32>,
    as_of: Option<String>,
    started_at: String,
}

/// Staged people of one source, tenant and rule.
#[derive(Serialize)]
struct StagedCount {
    source: String,
    tenant: String,
    rule: String,
    people: u64,
}

/// The commit whose answer was lost; `committed` is `None` while its outcome is not known.
#[derive(Serialize)]
struct LostCommit {
    run: String,
    committed: Option<bool>,
}

/// The result of `status`: JSON by its fields, text by its `Display`.
#[derive(Serialize)]
struct StatusShown {
    #[serde(serialize_with = "as_map")]
    folders: Vec<(String, Option<FolderState>)>,
    moved: Vec<String>,
    people: Vec<StagedCount>,
    crm: Option<CrmState>,
    commit: Option<LostCommit>,
    /// The make target that continues the migration.
    next: Option<&'static str>,
}

fn as_map<S: Serializer>(folders: &[(String, Option<FolderState>)], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(folders.iter().map(|(name, state)| (name, state)))
}

/// Shows the status; changes nothing and takes no lock.
pub fn run(session: &Session, args: StatusArgs) -> Result<StepOutcome> {
    let dsn = session.environment.dsn(CRM_URL).filter(|_| !args.offline);
    let mut fault = None;
    let crm = dsn.as_ref().map(|dsn| match standing(dsn) {
        Ok(standing) => CrmState::Reached(Box::new(standing.into())),
        // The state of the data folder is still shown.
        Err(error) => {
            let found = error.downcast::<Fault>().unwrap_or_else(|error| Fault::new(Exit::Failed, error.to_string()));
            let error = found.what.clone();
            fault = Some(found);
            CrmState::Failed { error }
        }
    });
    let commit =
        doubtful_run(session)?.map(|run| LostCommit { committed: dsn.as_ref().and_then(|dsn| outcome_of(dsn, &run).ok()), run });
    if commit.as_ref().is_some_and(|commit| commit.committed.is_none()) {
        let lost = Fault::new(Exit::Unknown, "the outcome of the last commit is not known");
        fault = Some(lost.help("ask again when the CRM answers"));
    }
    let folders = folders(session).into_iter().map(|(name, path)| (name, state(session, &path))).collect();
    let mut shown = StatusShown { folders, moved: moved(session), people: people(session)?, crm, commit, next: None };
    shown.next = shown.next_target();
    let outcome = StepOutcome::new(shown.to_string(), serde_json::to_value(&shown)?).fault(fault);
    Ok(match shown.next {
        Some(next) => outcome.next(next),
        None => outcome,
    })
}

/// The folders in the order of the steps.
fn folders(session: &Session) -> Vec<(String, PathBuf)> {
    let layout = &session.layout;
    let exports = Source::ALL.iter().map(|&source| (format!("exports/{}", source.code()), layout.exports(source)));
    let steps = [
        ("exports/crm", layout.exports_crm()),
        ("stage", layout.stage()),
        ("resolve", layout.resolve()),
        ("crm", layout.crm()),
        ("score", layout.score()),
        ("verify", layout.verify()),
        ("report", layout.report()),
    ];
    exports.chain(steps.map(|(name, path)| (name.to_owned(), path))).collect()
}

fn state(session: &Session, path: &Path) -> Option<FolderState> {
    let folder = match Folder::find(path) {
        Ok(found) => found?,
        Err(error) => return Some(FolderState::Damaged { error: error.to_string() }),
    };
    let manifest = &folder.manifest;
    Some(FolderState::Complete {
        phase: manifest.phase,
        as_of: manifest.as_of.clone(),
        rows: manifest.files.values().map(|file| file.rows).sum(),
        age_seconds: Timestamp::parse(&manifest.as_of).map(|as_of| (session.now.0 - as_of.0) / 1_000_000),
    })
}

/// Why the next load would fail: inputs of the datasets that have changed.
fn moved(session: &Session) -> Vec<String> {
    let Err(error) = binding::require_unmoved(session) else { return Vec::new() };
    match error.downcast::<Fault>() {
        Ok(fault) => std::iter::once(fault.what).chain(fault.help).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// Records that a tenant without settings must have before its id is shown.
const FEW: u64 = 3;

/// Staged person records by source, tenant and the rule that gave it.
fn people(session: &Session) -> Result<Vec<StagedCount>> {
    let mut counts = BTreeMap::<_, u64>::new();
    let Some(folder) = Folder::find_readable(&session.layout.stage()) else { return Ok(Vec::new()) };
    for &source in Source::ALL.iter().filter(|source| folder.has::<people::Table>(Some(**source))) {
        for batch in folder.read::<people::Table>(Some(source))? {
            for row in batch?.rows() {
                let tenant = row.tenant_id.unwrap_or("none").to_owned();
                *counts.entry((source.to_string(), tenant, row.tenant_rule.to_string())).or_default() += 1;
            }
        }
    }
    let config = &session.config.tenants;
    let mut shown = BTreeMap::<_, u64>::new();
    for ((source, tenant, rule), people) in counts {
        // In a dump with shifted columns the tenant may be personal data, so rare ones are only counted.
        let is_known = tenant == "none" || tenant == config.default || config.regions.contains_key(&tenant);
        let tenant = if is_known || people >= FEW { tenant } else { "rare (not shown)".to_owned() };
        *shown.entry((source, tenant, rule)).or_default() += people;
    }
    Ok(shown.into_iter().map(|((source, tenant, rule), people)| StagedCount { source, tenant, rule, people }).collect())
}

/// The last load or rollback, if the outcome of its commit is unknown.
fn doubtful_run(session: &Session) -> Result<Option<String>> {
    let mut latest: Option<(String, bool)> = None;
    for step in ["load", "rollback"] {
        let Some(record) = run_records(&session.layout, step)?.into_iter().next() else { continue };
        let record: Value = serde_json::from_str(&record).unwrap_or(Value::Null);
        let Some(run) = record["run"].as_str() else { continue };
        if latest.as_ref().is_none_or(|(known, _)| known.as_str() < run) {
            latest = Some((run.to_owned(), record["exit"] == Exit::Unknown.code()));
        }
    }
    Ok(latest.filter(|(_, doubtful)| *doubtful).map(|(run, _)| run))
}

impl From<Standing> for CrmStanding {
    fn from(standing: Standing) -> Self {
        let last_run = standing.last.map(|run| LastRun {
            id: run.id,
            command: run.command,
            phase: run.phase,
            as_of: run.as_of,
            started_at: run.started_at,
        });
        Self {
            place: standing.place,
            has_tables: standing.has_tables,
            profiles: standing.own_profiles,
            profiles_of_others: standing.other_profiles,
            last_run,
        }
    }
}

impl StatusShown {
    /// The make target that continues the migration; `None` if everything is done, or the CRM's state is not known.
    fn next_target(&self) -> Option<&'static str> {
        let complete = |wanted: &str| match self.folders.iter().find(|(name, _)| name == wanted)?.1.as_ref()? {
            FolderState::Complete { as_of, .. } => Some(as_of.as_str()),
            FolderState::Damaged { .. } => None,
        };
        let is_exported = |source: &Source| complete(&format!("exports/{}", source.code())).is_some();
        if complete("stage").is_none() && !Source::ALL.iter().all(is_exported) {
            return Some("make export");
        }
        let steps = [("stage", "make stage"), ("resolve", "make resolve"), ("crm", "make consolidate"), ("score", "make score")];
        if let Some((_, target)) = steps.iter().find(|(name, _)| complete(name).is_none()) {
            return Some(target);
        }
        if !self.moved.is_empty() {
            return Some("make stage resolve consolidate score");
        }
        let Some(CrmState::Reached(crm)) = &self.crm else { return None };
        let same_time =
            |one: Option<&str>, other: Option<&str>| one.and_then(Timestamp::parse) == other.and_then(Timestamp::parse);
        let is_loaded = |run: &LastRun| run.command == "load" && same_time(run.as_of.as_deref(), complete("score"));
        if !crm.last_run.as_ref().is_some_and(is_loaded) {
            return Some("make load");
        }
        let after = [("verify", "make verify"), ("report", "make report")];
        after.iter().find(|(name, _)| complete(name) != complete("score")).map(|(_, target)| *target)
    }
}

impl Display for StatusShown {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        for (name, state) in &self.folders {
            match state {
                None => writeln!(f, " {name:<20} –")?,
                Some(FolderState::Damaged { error }) => writeln!(f, " {name:<20} ! {error}")?,
                Some(FolderState::Complete { phase, as_of, rows, age_seconds }) => {
                    let phase = match phase {
                        Some(phase) => format!("phase {phase}, "),
                        None if name == "verify" => "preflight, ".to_owned(),
                        None => String::new(),
                    };
                    let age = age_seconds.map_or_else(String::new, |seconds| format!(", {} old", age(seconds)));
                    let held = match name.as_str() {
                        "report" => String::new(),
                        "verify" => format!(", {}", counted(*rows, "finding")),
                        _ => format!(", {}", counted(*rows, "row")),
                    };
                    writeln!(f, " {name:<20} {phase}as of {as_of}{age}{held}")?;
                }
            }
        }
        self.moved.iter().try_for_each(|line| writeln!(f, " ! {line}"))?;
        for StagedCount { source, tenant, rule, people } in &self.people {
            writeln!(f, " people               {:>10} of {source}: tenant {tenant} (tenant rule {rule})", thousands(*people))?;
        }
        match &self.crm {
            None => {}
            Some(CrmState::Failed { error }) => writeln!(f, " CRM                  {error}")?,
            Some(CrmState::Reached(crm)) => write!(f, "{crm}")?,
        }
        let Some(commit) = &self.commit else { return Ok(()) };
        let words = match commit.committed {
            Some(true) => "it committed",
            Some(false) => "it did not commit: the CRM is as it was before",
            None => "still not known",
        };
        writeln!(f, " commit of run {}: {words}", commit.run)
    }
}

impl Display for CrmStanding {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        if !self.has_tables {
            return writeln!(f, " CRM                  {}: the CRM's tables do not exist", self.place);
        }
        let (ours, foreign) = (thousands(self.profiles), thousands(self.profiles_of_others));
        writeln!(f, " CRM                  {}: {ours} of our profiles, {foreign} foreign profiles", self.place)?;
        let Some(run) = &self.last_run else { return writeln!(f, " last run             none") };
        let phase = run.phase.map_or_else(String::new, |phase| format!(" of phase {phase}"));
        let as_of = run.as_of.as_ref().map_or_else(String::new, |as_of| format!(", as of {as_of}"));
        writeln!(f, " last run             {}{phase}{as_of}, at {} ({})", run.command, run.started_at, run.id)
    }
}

/// A length of time in its largest whole unit.
fn age(seconds: i64) -> String {
    match seconds / 60 {
        minutes if minutes < 120 => format!("{minutes} min"),
        minutes if minutes < 48 * 60 => format!("{} h", minutes / 60),
        minutes => counted(minutes / (24 * 60), "day"),
    }
}
