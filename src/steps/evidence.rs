//! `evidence`: one archive that shows what was migrated and how it was checked, and its check against the data folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::datasets;
use crate::fault::{Exit, Fault};
use crate::model::spreadsheet::Spreadsheet;
use crate::model::{Code as _, Source, thousands};
use crate::steps::{binding, cells, inputs};
use crate::store::{
    FileEntry, Folder, Layout, Manifest, all_run_records, hash_bytes, hash_file, read_archive, read_file, read_json, read_lossy,
    write_archive,
};
use crate::tables::{Table as _, check, dictionary};

/// Arguments of `evidence`.
#[derive(clap::Args, Debug)]
pub struct EvidenceArgs {
    /// The archive to write [default: evidence.tar in the data folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The judged sample of audit; of it, only record keys, evidence and verdicts are archived [default: the one that
    /// audit keeps in data/audit, if there is one]
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
    /// Check an archive: its files against their hashes, and the datasets of the data folder against those in it
    #[arg(long, value_name = "ARCHIVE", conflicts_with_all = ["out", "verdicts"])]
    check: Option<PathBuf>,
}

/// The list of contents in each archive.
const CONTENTS: &str = "contents.json";
/// Version of the list.
const FORMAT: u32 = 1;
/// Columns of the judged sample that say nothing about a person.
const VERDICT_COLUMNS: [&str; 7] = ["a", "b", "linked", "stratum", "bits", "evidence", "verdict"];
/// Steps whose run records are evidence: those that make datasets, load, or prove.
const STEPS: [&str; 13] = [
    "stage",
    "resolve",
    "consolidate",
    "score",
    "load",
    "verify",
    "report",
    "rollback",
    "audit",
    "checklist",
    "watermarks",
    "purge",
    "check-connections",
];

/// What an archive holds, and what it vouches for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveContents {
    format: u32,
    /// Version of the program.
    version: String,
    /// As-of time of the datasets.
    as_of: String,
    phase: Option<u8>,
    /// BLAKE3 of every other file of the archive.
    files: BTreeMap<String, String>,
    /// BLAKE3 of files of which the archive holds only the part without personal values.
    originals: BTreeMap<String, String>,
    /// Every dataset and other file of the data folder: rows, bytes and BLAKE3.
    datasets: BTreeMap<String, FileEntry>,
    /// What is missing or older than the datasets.
    missing: Vec<String>,
}

/// Writes an archive, or checks one.
pub fn run(session: &Session, args: EvidenceArgs) -> Result<StepOutcome> {
    match &args.check {
        Some(path) => check(&session.layout, path),
        None => collect(session, &args),
    }
}

/// The dataset folders, by their place in the data folder.
fn places() -> BTreeSet<String> {
    let stems = datasets::all().into_iter().flat_map(|dataset| dictionary::stems(&dataset, |_, _| true));
    stems.map(|stem| dictionary::folder(&stem)).chain(["report".to_owned()]).collect()
}

fn collect(session: &Session, args: &EvidenceArgs) -> Result<StepOutcome> {
    binding::require_unmoved(session)?;
    let layout = &session.layout;
    let crm = Folder::open(&layout.crm())?;
    let mut contents = ArchiveContents {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: crm.manifest.as_of.clone(),
        phase: crm.manifest.phase,
        files: BTreeMap::new(),
        originals: BTreeMap::new(),
        datasets: BTreeMap::new(),
        missing: Vec::new(),
    };
    let mut files = BTreeMap::new();
    let now = hash_bytes(crm.manifest.content_hash().as_bytes());
    let phase = session.check_phase(crm.manifest.phase, crm.path())?;
    let beyond: Vec<String> =
        Source::ALL.iter().filter(|source| source.phase() > phase).map(|source| format!("exports/{source}")).collect();
    for place in places() {
        let path = layout.root().join(&place);
        let Some(folder) = Folder::find(&path)? else {
            // Without a CRM there is no export of it.
            if place != "exports/crm" && !beyond.contains(&place) {
                contents.missing.push(format!("{place} is not there"));
            }
            continue;
        };
        folder.check()?;
        if ["verify", "report"].contains(&place.as_str()) && folder.manifest.inputs.get("crm") != Some(&now) {
            contents.missing.push(format!("{place} is of other datasets than the current ones"));
        }
        let manifest = read_file(&path.join("manifest.json"))?.context("a folder with a manifest was found")?;
        files.insert(format!("manifests/{place}.json"), manifest);
        let listed = folder.manifest.files.iter();
        contents.datasets.extend(listed.map(|(name, entry)| (format!("{place}/{name}"), entry.clone())));
    }
    checks(layout, &mut files)?;
    settings(session, &mut files, &mut contents)?;
    runs(layout, &mut files)?;
    verdicts(session, args, &mut files, &mut contents)?;
    contents.files = files.iter().map(|(name, bytes)| (name.clone(), hash_bytes(bytes))).collect();
    let mut list = serde_json::to_vec_pretty(&contents).context("a list is plain data")?;
    list.push(b'\n');
    let seal = hash_bytes(&list);
    files.insert(CONTENTS.to_owned(), list);

    let out = args.out.clone().unwrap_or_else(|| layout.root().join("evidence.tar"));
    write_archive(&out, &files)?;
    let mut text = format!(
        "{}: {} files, and the hashes of {} files of {}\n  seal   {seal}\n         write it down elsewhere; it is printed again for an unchanged archive by  crm-backfill evidence --check {}\n",
        out.display(),
        thousands(files.len() as u64),
        thousands(contents.datasets.len() as u64),
        layout.root().display(),
        out.display(),
    );
    contents.missing.iter().for_each(|missing| text.push_str(&format!(" ! {missing}\n")));
    let summary = json!({
        "archive": out.display().to_string(),
        "seal": seal,
        "files": files.len(),
        "datasets": contents.datasets.len(),
        "missing": contents.missing,
    });
    Ok(StepOutcome::new(text, summary).next(format!("crm-backfill {verb} --check {}", out.display(), verb = "evidence")))
}

/// Results of all checks as CSV, the strategy's queries, the report, and the lines closed by hand. None has personal values.
fn checks(layout: &Layout, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let datasets = [
        check::results::Table::dataset(),
        check::proofs::Table::dataset(),
        check::departures::Table::dataset(),
        check::manual_review::Table::dataset(),
    ];
    for dataset in datasets {
        let Some(folder) = Folder::find(&layout.root().join(dictionary::folder(dataset.stem)))? else { continue };
        if !folder.manifest.files.contains_key(&format!("{}.parquet", dataset.stem)) {
            continue;
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(dataset.columns.iter().map(|column| column.name))?;
        for batch in folder.read_stem(dataset.stem)? {
            for row in cells::rows(&batch?, &[])? {
                writer.write_record(row.into_iter().map(|cell| cells::defused(cell.unwrap_or_default())))?;
            }
        }
        files.insert(format!("checks/{}.csv", dataset.stem), writer.into_inner().map_err(|error| error.into_error())?);
    }
    for (name, path) in [
        ("checks/quality.json", layout.verify().join(crate::steps::verify::QUALITY_FILE)),
        ("checks/checklist.json", layout.checklist()),
        ("report/index.html", layout.report().join("index.html")),
        ("report/report.json", layout.report().join("report.json")),
    ] {
        if let Some(bytes) = read_file(&path)? {
            files.insert(name.to_owned(), bytes);
        }
    }
    Ok(())
}

/// The settings in effect, the code maps, decisions and reviews, and the expectations without their contact points.
fn settings(session: &Session, files: &mut BTreeMap<String, Vec<u8>>, contents: &mut ArchiveContents) -> Result<()> {
    let in_effect: Value = serde_json::from_str(&session.config.fingerprint()).context("settings are plain data")?;
    files.insert("settings/settings.json".to_owned(), format!("{in_effect:#}\n").into_bytes());
    for (name, text) in inputs::maps(session)? {
        files.insert(format!("settings/reference/{name}"), text.into_bytes());
    }
    files.insert("settings/reference/nicknames.csv".to_owned(), inputs::nicknames(session)?.into_bytes());
    files.insert("settings/decisions.csv".to_owned(), inputs::decisions(session)?.into_bytes());
    files.insert("settings/reviews.csv".to_owned(), inputs::reviews(session)?.0.into_bytes());
    let (text, expectations) = inputs::expectations(session)?;
    let mut reduced = String::from("line,kind,who\n");
    for expectation in &expectations {
        let who = if expectation.is_of_contact_point() { dictionary::mask(&expectation.who) } else { expectation.who.clone() };
        reduced.push_str(&format!("{},{},{who}\n", expectation.line, expectation.kind));
    }
    contents.originals.insert("expectations.csv".to_owned(), hash_bytes(text.as_bytes()));
    files.insert("settings/expectations.csv".to_owned(), reduced.into_bytes());
    Ok(())
}

/// The records of the runs that made or proved something: when, how long, with which result.
fn runs(layout: &Layout, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for record in all_run_records(layout)? {
        let (step, run) = (record["step"].as_str().unwrap_or_default(), record["run"].as_str().unwrap_or_default());
        if STEPS.contains(&step) || step.starts_with("export-") {
            files.insert(format!("runs/{run}-{step}.json"), format!("{record:#}\n").into_bytes());
        }
    }
    Ok(())
}

/// The judged sample without the values of people.
fn verdicts(
    session: &Session,
    args: &EvidenceArgs,
    files: &mut BTreeMap<String, Vec<u8>>,
    contents: &mut ArchiveContents,
) -> Result<()> {
    let path = args.verdicts.clone().unwrap_or_else(|| session.layout.verdicts());
    let Some(text) = read_lossy(&path)? else {
        if args.verdicts.is_some() {
            return Err(Fault::new(Exit::Usage, "there is no such file").at(path.display().to_string()).into());
        }
        contents.missing.push(format!("no sample was judged: {} does not exist (--verdicts FILE names another)", path.display()));
        return Ok(());
    };
    let wrong =
        |what: String| Fault::new(Exit::Usage, what).at(path.display().to_string()).help("name the sample that audit wrote");
    let sample = Spreadsheet::read(&text).map_err(|error| wrong(error.to_string()))?;
    let sample = sample.ok_or_else(|| wrong("the file is empty".to_owned()))?;
    let mut places = Vec::new();
    for name in VERDICT_COLUMNS {
        places.push(sample.column(name).ok_or_else(|| wrong(format!("line 1: there is no column {name:?}")))?);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(VERDICT_COLUMNS)?;
    for (_, row) in &sample.rows {
        writer.write_record(places.iter().map(|place| row.get(*place).unwrap_or_default()))?;
    }
    files.insert("verdicts/verdicts.csv".to_owned(), writer.into_inner().map_err(|error| error.into_error())?);
    contents.originals.insert("verdicts.csv".to_owned(), hash_bytes(text.as_bytes()));
    Ok(())
}

/// Compares an archive with its own list, and its list with the data folder.
fn check(layout: &Layout, path: &Path) -> Result<StepOutcome> {
    let files = read_archive(path)?;
    let at = || path.display().to_string();
    let list = files.get(CONTENTS).ok_or_else(|| Fault::new(Exit::Input, "the archive has no contents.json").at(at()))?;
    let contents: ArchiveContents = serde_json::from_slice(list)
        .map_err(|error| Fault::new(Exit::Input, format!("contents.json cannot be read: {error}")).at(at()))?;
    if contents.format != FORMAT {
        return Err(Fault::new(Exit::Input, "another version of the program wrote the archive").at(at()).into());
    }
    let mut wrong: Vec<String> = Vec::new();
    let names: BTreeSet<&String> = files.keys().filter(|name| *name != CONTENTS).chain(contents.files.keys()).collect();
    for name in names {
        match (files.get(name).map(|bytes| hash_bytes(bytes)), contents.files.get(name)) {
            (Some(found), Some(listed)) if found == *listed => {}
            (Some(_), Some(_)) => wrong.push(format!("{name} in the archive was changed")),
            (Some(_), None) => wrong.push(format!("{name} in the archive is not listed")),
            (None, _) => wrong.push(format!("{name} is missing in the archive")),
        }
    }
    let in_archive = wrong.len();
    let purged = purged(layout)?;
    let (mut equal, mut gone) = (0_u64, 0_u64);
    for (name, listed) in &contents.datasets {
        let file = layout.root().join(name);
        if file.exists() {
            if hash_file(&file)? == listed.blake3 { equal += 1 } else { wrong.push(format!("{name} of the data folder differs")) }
        } else if purged.get(name).is_some_and(|hash| *hash == listed.blake3) {
            gone += 1;
        } else {
            wrong.push(format!("{name} is not in the data folder"));
        }
    }
    let seal = hash_bytes(list);
    let text = format!(
        "{}   as of {}\n  seal   {seal}\n  {} files in the archive, {in_archive} of them not as listed\n  {} files of {}: {} as listed, {} purged with the listed hash, {} not as listed\n",
        path.display(),
        contents.as_of,
        thousands(contents.files.len() as u64),
        thousands(contents.datasets.len() as u64),
        layout.root().display(),
        thousands(equal),
        thousands(gone),
        thousands((wrong.len() - in_archive) as u64),
    );
    let summary = json!({
        "seal": seal,
        "files": contents.files.len(),
        "datasets": { "listed": contents.datasets.len(), "equal": equal, "purged": gone },
        "wrong": wrong,
    });
    let fault = wrong.first().map(|first| {
        let fault = Fault::new(Exit::Mismatch, format!("{} files are not as listed; the first: {first}", wrong.len())).at(at());
        wrong.iter().skip(1).take(9).fold(fault, |fault, line| fault.help(line.clone()))
    });
    Ok(StepOutcome::new(text, summary).fault(fault))
}

/// The hashes of files that a purge removed, by name.
fn purged(layout: &Layout) -> Result<BTreeMap<String, String>> {
    let Some(tombstone) = read_json(&layout.root().join("purged.json"))? else { return Ok(BTreeMap::new()) };
    let folders: BTreeMap<String, Manifest> = serde_json::from_value(tombstone).unwrap_or_default();
    let files = folders.into_iter().flat_map(|(place, manifest)| {
        manifest.files.into_iter().map(move |(name, entry)| (format!("{place}/{name}"), entry.blake3))
    });
    Ok(files.collect())
}
