//! Compares the recorded inputs of each dataset folder with the current ones, so that outdated folders are not loaded, verified or
//! reported.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Session;
use crate::datasets;
use crate::fault::{Exit, Fault};
use crate::model::{Code, Phase, Source};
use crate::steps::{export, inputs};
use crate::store::{Folder, Layout, Manifest};
use crate::tables::{Table as _, check, dictionary};

/// A dataset folder between the exports and the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Made {
    /// `data/stage`
    Stage,
    /// `data/resolve`
    Resolve,
    /// `data/crm`
    Crm,
    /// `data/score`
    Score,
}

impl Made {
    /// All, in the order of the steps.
    pub const ALL: [Self; 4] = [Self::Stage, Self::Resolve, Self::Crm, Self::Score];

    /// Its location.
    pub fn path(self, layout: &Layout) -> PathBuf {
        match self {
            Self::Stage => layout.stage(),
            Self::Resolve => layout.resolve(),
            Self::Crm => layout.crm(),
            Self::Score => layout.score(),
        }
    }

    /// The make target that creates it.
    fn target(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Resolve => "resolve",
            Self::Crm => "consolidate",
            Self::Score => "score",
        }
    }

    /// The manifest that its step would write now, without files.
    fn now(self, session: &Session, folder: &Folder) -> Result<Manifest> {
        match self {
            Self::Stage => {
                let phase = phase_of(session, folder)?;
                let exports = exports(session, phase)?;
                let (as_of, _) = inputs::as_of(session, &exports)?;
                Ok(inputs::of_stage(session, phase, &as_of, &exports, &inputs::maps(session)?, &inputs::reviews(session)?.0))
            }
            Self::Resolve => {
                let stage = Folder::open(&session.layout.stage())?;
                inputs::of_resolve(session, "resolve", &stage, &inputs::pilot_of(&folder.manifest))
            }
            Self::Crm => inputs::of_consolidate(session),
            Self::Score => {
                let starters = inputs::starters(session, folder.manifest.count(inputs::WITH_STARTERS) == 1)?;
                inputs::of_score(session, &Folder::open(&session.layout.crm())?, starters.as_deref())
            }
        }
    }
}

/// A folder whose inputs have changed.
#[derive(Debug)]
pub struct Moved {
    /// Which.
    pub made: Made,
    /// The changes, in words.
    pub what: Vec<String>,
}

/// Fails if a folder up to this one is missing, incomplete, or was made from other inputs than the current ones.
pub fn require(session: &Session, until: Made) -> Result<()> {
    refuse(session, &moved(session, until)?, until)
}

fn refuse(session: &Session, found: &[Moved], until: Made) -> Result<()> {
    let Some(first) = found.first() else { return Ok(()) };
    let what: Vec<&str> = found.iter().flat_map(|moved| moved.what.iter().map(String::as_str)).collect();
    let mut fault = Fault::new(Exit::Input, what[0]).at(first.made.path(&session.layout).display().to_string());
    for more in &what[1..] {
        fault = fault.help(format!("also: {more}"));
    }
    Err(fault.help(again(first.made, until)).into())
}

/// The command that recreates the folders of these steps.
fn again(from: Made, until: Made) -> String {
    let targets = Made::ALL.into_iter().filter(|made| (from..=until).contains(made)).map(Made::target);
    format!("make {}", targets.collect::<Vec<_>>().join(" "))
}

/// The outdated folders up to this one, in order. A missing folder is an error unless an earlier one is outdated.
pub fn moved(session: &Session, until: Made) -> Result<Vec<Moved>> {
    let mut found: Vec<Moved> = Vec::new();
    for made in Made::ALL.into_iter().filter(|made| *made <= until) {
        let path = made.path(&session.layout);
        let Some(folder) = Folder::find(&path)? else {
            if !found.is_empty() {
                break;
            }
            require_any_export(session)?;
            let fault = Fault::new(Exit::Input, "no complete dataset folder").at(path.display().to_string());
            return Err(fault.help(again(made, until)).into());
        };
        let phase = phase_of(session, &folder)?;
        folder.require(&listed(made, phase))?;
        let what = differences(session, made, &folder, &made.now(session, &folder)?);
        if !what.is_empty() {
            found.push(Moved { made, what });
        }
    }
    Ok(found)
}

/// Fails if an existing folder was made from other inputs than the current ones. Missing folders (loaded from another machine,
/// rolled back, purged) are fine.
pub fn require_unmoved(session: &Session) -> Result<()> {
    let is_there = |made: &Made| made.path(&session.layout).exists();
    match Made::ALL.into_iter().take_while(is_there).last() {
        Some(last) => require(session, last),
        None => Ok(()),
    }
}

/// Fails for a data folder without any export, and says how to begin.
pub fn require_any_export(session: &Session) -> Result<()> {
    let layout = &session.layout;
    if Source::ALL.iter().any(|source| layout.exports(*source).exists()) {
        return Ok(());
    }
    Err(Fault::new(Exit::Input, "nothing is exported yet")
        .at(layout.exports_root().display().to_string())
        .help("make phase1 runs the whole first phase; make export only the exports")
        .into())
}

/// The exports of a phase: complete, with every dataset, made by the current statements and look-back.
pub fn exports(session: &Session, phase: Phase) -> Result<Vec<(Source, Folder)>> {
    require_any_export(session)?;
    let mut folders = Vec::new();
    for source in phase.sources() {
        let folder = Folder::open(&session.layout.exports(source))?;
        let job = export::Job::source(source, &session.layout);
        let mut listed: BTreeSet<String> = job.exports.iter().map(|export| export.dataset.stem.to_owned()).collect();
        if folder.manifest.facts.get("from").is_some_and(|from| from == "csv") {
            listed.insert(check::rejects::Table::STEM.to_owned());
        } else {
            require_same_statements(session, source, &job, &folder)?;
        }
        folder.require(&listed)?;
        folders.push((source, folder));
    }
    Ok(folders)
}

fn require_same_statements(session: &Session, source: Source, job: &export::Job, folder: &Folder) -> Result<()> {
    let mut now = Manifest::default();
    let years = session.config.activities.lookback_years();
    for query in job.queries() {
        now.input(query.file, export::stated(&query.sql, years).as_bytes());
    }
    let names = |from: &Manifest, to: &Manifest| -> Vec<String> {
        from.inputs.iter().filter(|(name, hash)| to.inputs.get(*name) != Some(*hash)).map(|(name, _)| name.clone()).collect()
    };
    let mut changed = names(&now, &folder.manifest);
    changed.extend(names(&folder.manifest, &now));
    changed.sort();
    changed.dedup();
    if changed.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the export of {source} was made by other statements than the current ones: {} (or activities.lookback) changed",
        changed.join(", ")
    );
    let fault = Fault::new(Exit::Input, what).at(folder.path().display().to_string());
    Err(fault.help(format!("make export-{}", source.code().replace('_', "-"))).into())
}

/// Every dataset of a folder in this phase.
fn listed(made: Made, phase: Phase) -> BTreeSet<String> {
    let layer = match made {
        Made::Stage => "stage",
        Made::Resolve => "resolve",
        Made::Crm => "crm",
        Made::Score => "score",
    };
    let sources: Vec<Source> = phase.sources().collect();
    let stems =
        datasets::all().into_iter().flat_map(|dataset| dictionary::stems(&dataset, |_, source| sources.contains(&source)));
    stems.filter(|stem| dictionary::folder(stem) == layer).collect()
}

fn phase_of(session: &Session, folder: &Folder) -> Result<Phase> {
    session.check_phase(folder.manifest.phase, folder.path())
}

fn differences(session: &Session, made: Made, folder: &Folder, now: &Manifest) -> Vec<String> {
    let then = &folder.manifest;
    let mut what = Vec::new();
    if (then.phase, &then.as_of) != (now.phase, &now.as_of) {
        what.push(format!("{} is of another phase or as-of time than its input", folder.path().display()));
    }
    let names: BTreeSet<&String> = then.inputs.keys().chain(now.inputs.keys()).collect();
    let moved = names.into_iter().filter(|name| then.inputs.get(*name) != now.inputs.get(*name));
    what.extend(moved.map(|name| words(session, made, name)));
    what
}

/// Describes a changed input of a folder.
fn words(session: &Session, made: Made, input: &str) -> String {
    let layout = &session.layout;
    let after = match made {
        Made::Stage => "its rows were staged",
        Made::Resolve => "the links were made",
        Made::Crm => "the CRM's rows were made",
        Made::Score => "the scores were made",
    };
    let reference = |file: &str| session.config.resolve(&session.config.paths.reference).join(file).display().to_string();
    let renewed = |folder: PathBuf| format!("{} was recreated since {after}", folder.display());
    match input {
        "settings" => format!("the settings changed since {after}"),
        "nicknames" => format!("{} changed since {after}", reference("nicknames.csv")),
        "reviews" => format!("the reviews of unreadable cells changed since {after}"),
        "expectations" => format!("the expectations of the owner changed since {after}"),
        "decisions" => format!("{} changed since {after}", session.decisions.display()),
        "segments" => format!("the segment definitions in {} changed since {after}", layout.exports_crm().display()),
        "starter_segments" => format!("{} changed since {after}", reference("starter_segments.json")),
        "exports/crm" => format!("the CRM export was renewed since {after}"),
        "stage" => renewed(layout.stage()),
        "resolve" => renewed(layout.resolve()),
        "crm" => renewed(layout.crm()),
        other => match (other.strip_prefix("exports/"), other.strip_prefix("reference/")) {
            (Some(source), _) => format!("the export of {source} was renewed since {after}"),
            (_, Some(file)) => format!("{} changed since {after}", reference(file)),
            _ => format!("{other} changed since {after}"),
        },
    }
}
