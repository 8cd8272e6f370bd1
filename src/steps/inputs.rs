//! The inputs of each step, by hash: manifests, settings, reference files, decisions. A step records them, and later steps
//! compare them with the current ones.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use crate::cli::Session;
use crate::fault::{Exit, Fault};
use crate::model::{Expectation, Phase, Reference, Reviews, Source, Timestamp, read_expectations};
use crate::resolve::Nicknames;
use crate::segment::starter;
use crate::sources::crm::segments;
use crate::store::{Folder, Manifest, hash_bytes, read_text};

/// The count in a score manifest that says whether the starter segments were requested.
pub const WITH_STARTERS: &str = "with_starters";
/// The fact in a manifest of `resolve` that names the tenants of a pilot.
const PILOT: &str = "pilot";

/// The one as-of time of all exports.
pub fn as_of(session: &Session, exports: &[(Source, Folder)]) -> Result<(String, Timestamp)> {
    let (_, first) = exports.first().expect("every phase has a source");
    for (source, export) in exports {
        if export.manifest.as_of != first.manifest.as_of {
            let what = format!(
                "the exports have different as-of times: {} is as of {}, {} as of {}",
                exports[0].0, first.manifest.as_of, source, export.manifest.as_of
            );
            return Err(Fault::new(Exit::Input, what)
                .at(export.path().display().to_string())
                .help("export them together: make export FRESH=1")
                .into());
        }
    }
    Ok((first.manifest.as_of.clone(), session.check_as_of(&first.manifest.as_of, first.path())?))
}

/// The code maps of the reference folder; for a missing one the committed map.
pub fn maps(session: &Session) -> Result<Vec<(&'static str, String)>> {
    let folder = session.config.resolve(&session.config.paths.reference);
    Reference::files()
        .map(|(name, committed)| Ok((name, read_text(&folder.join(name))?.unwrap_or_else(|| committed.to_owned()))))
        .collect()
}

/// The inputs of `data/stage`.
pub fn of_stage(
    session: &Session,
    phase: Phase,
    as_of: &str,
    exports: &[(Source, Folder)],
    maps: &[(&str, String)],
    reviews: &str,
) -> Manifest {
    let mut manifest = Manifest::new("stage", as_of, Some(phase.number()));
    for (source, export) in exports {
        manifest.input(format!("exports/{source}"), export.manifest.content_hash().as_bytes());
    }
    for (name, text) in maps {
        manifest.input(format!("reference/{name}"), text.as_bytes());
    }
    let config = &session.config;
    // A change in settings of later steps must not make staging run again.
    let settings = json!({
        "tenants": config.tenants,
        "tenantless": config.identity.tenantless,
        "keyless": config.identity.keyless,
        "act_sources": config.consent.act_sources,
        "max_reject_ratio": config.load.max_reject_ratio,
        "max_unreadable_ratio": config.load.max_unreadable_ratio,
        "max_unreadable_decisive": config.load.max_unreadable_decisive,
        "date_order": config.dates.order,
    });
    manifest.input("settings", settings.to_string().as_bytes());
    manifest.input("reviews", reviews.as_bytes());
    manifest
}

/// A file in which people decide: the setting that names it, and the path that is read. The files beside `backfill.toml` are about
/// real people, so a demo has its own ones in its data folder.
struct OwnerFile<'s> {
    setting: &'s Path,
    read: PathBuf,
}

/// The decisions on pairs, the verdicts on unreadable cells, and the expectations.
fn owner_files(session: &Session) -> [OwnerFile<'_>; 3] {
    let config = &session.config;
    let decisions = OwnerFile { setting: &config.identity.decisions, read: session.decisions.clone() };
    let is_demo = session.decisions != config.resolve(&config.identity.decisions);
    let beside = |setting, name| {
        let read = if is_demo { session.decisions.with_file_name(name) } else { config.resolve(setting) };
        OwnerFile { setting, read }
    };
    [decisions, beside(&config.consent.reviews, "reviews.csv"), beside(&config.identity.expectations, "expectations.csv")]
}

/// Warns of a file beside `backfill.toml`, or in the current folder, that someone wrote in vain, because another one is read.
pub fn warn_of_unread_files(session: &Session) {
    for OwnerFile { setting, read } in owner_files(session) {
        let mut unread = [session.config.resolve(setting), setting.to_path_buf()]
            .into_iter()
            .filter(|path| path.exists() && path.canonicalize().ok() != read.canonicalize().ok());
        if let Some(path) = unread.next() {
            session.progress.warn(format!("{} is not read: this data folder's file is {}", path.display(), read.display()));
        }
    }
}

/// The manual verdicts on unreadable cells, as text and parsed.
pub fn reviews(session: &Session) -> Result<(String, Reviews)> {
    let [_, OwnerFile { read: path, .. }, _] = owner_files(session);
    let text = read_text(&path)?.unwrap_or_default();
    let reviews = Reviews::parse(&text)
        .map_err(|what| Fault::new(Exit::Usage, what).at(path.display().to_string()).help("docs/codes.md has an example"))?;
    Ok((text, reviews))
}

/// What the owner knows of some people, as text and parsed.
pub fn expectations(session: &Session) -> Result<(String, Vec<Expectation>)> {
    let [_, _, OwnerFile { read: path, .. }] = owner_files(session);
    let text = read_text(&path)?.unwrap_or_default();
    let expectations = read_expectations(&text)
        .map_err(|what| Fault::new(Exit::Usage, what).at(path.display().to_string()).help("docs/identity.md has an example"))?;
    Ok((text, expectations))
}

/// The nicknames of the reference folder, else the committed ones.
pub fn nicknames(session: &Session) -> Result<String> {
    let path = session.config.resolve(&session.config.paths.reference).join("nicknames.csv");
    Ok(read_text(&path)?.unwrap_or_else(|| Nicknames::COMMITTED.to_owned()))
}

/// The decisions file; empty if there is none.
pub fn decisions(session: &Session) -> Result<String> {
    Ok(read_text(&session.decisions)?.unwrap_or_default())
}

/// The inputs of `data/resolve`; `step` distinguishes the methods.
pub fn of_resolve(session: &Session, step: &str, stage: &Folder, pilot: &[String]) -> Result<Manifest> {
    let crm = Folder::find(&session.layout.exports_crm())?;
    let mut manifest = Manifest::new(step, &stage.manifest.as_of, stage.manifest.phase);
    manifest.input("stage", stage.manifest.content_hash().as_bytes());
    manifest.input("settings", session.config.fingerprint().as_bytes());
    manifest.input("nicknames", nicknames(session)?.as_bytes());
    manifest.input("decisions", decisions(session)?.as_bytes());
    manifest.input("exports/crm", crm_export(crm.as_ref()).as_bytes());
    if !pilot.is_empty() {
        manifest.input("pilot", pilot.join(",").as_bytes());
        manifest.facts.insert(PILOT.to_owned(), pilot.join(","));
    }
    Ok(manifest)
}

/// The only tenants whose profiles a resolution made; empty without a pilot.
pub fn pilot_of(resolved: &Manifest) -> Vec<String> {
    resolved.facts.get(PILOT).map(|tenants| tenants.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

/// The same for `data/resolve` as it is.
pub fn pilot(session: &Session) -> Result<Vec<String>> {
    Ok(Folder::find(&session.layout.resolve())?.map(|resolved| pilot_of(&resolved.manifest)).unwrap_or_default())
}

/// The inputs of `data/crm`.
pub fn of_consolidate(session: &Session) -> Result<Manifest> {
    let stage = Folder::open(&session.layout.stage())?;
    let resolved = Folder::open(&session.layout.resolve())?;
    let crm = Folder::find(&session.layout.exports_crm())?;
    let mut manifest = Manifest::new("consolidate", &stage.manifest.as_of, stage.manifest.phase);
    manifest.input("reviews", reviews(session)?.0.as_bytes());
    manifest.input("expectations", expectations(session)?.0.as_bytes());
    manifest.input("stage", stage.manifest.content_hash().as_bytes());
    manifest.input("resolve", resolved.manifest.content_hash().as_bytes());
    manifest.input("settings", session.config.fingerprint().as_bytes());
    manifest.input("exports/crm", crm_export(crm.as_ref()).as_bytes());
    Ok(manifest)
}

/// The text of the starter segments, if they are requested.
pub fn starters(session: &Session, are_asked: bool) -> Result<Option<String>> {
    let config = &session.config;
    if !are_asked && !config.scores.starter_segments {
        return Ok(None);
    }
    let path = config.resolve(&config.paths.reference).join("starter_segments.json");
    Ok(Some(read_text(&path)?.unwrap_or_else(|| starter::COMMITTED.to_owned())))
}

/// The inputs of `data/score`.
pub fn of_score(session: &Session, crm: &Folder, starters: Option<&str>) -> Result<Manifest> {
    let mut segment_hash = String::new();
    if let Some(folder) = Folder::find(&session.layout.exports_crm())? {
        segment_hash.clone_from(&folder.entry::<segments::Table>(None)?.blake3);
    }
    let mut manifest = Manifest::new("score", &crm.manifest.as_of, crm.manifest.phase);
    manifest.input("crm", crm.manifest.content_hash().as_bytes());
    manifest.input("settings", session.config.fingerprint().as_bytes());
    manifest.input("segments", segment_hash.as_bytes());
    manifest.input("starter_segments", starters.unwrap_or_default().as_bytes());
    manifest.counts.insert(WITH_STARTERS.to_owned(), i64::from(starters.is_some()));
    Ok(manifest)
}

/// The hash of the CRM export as an input: of its rows, so that exporting the same rows again changes nothing.
fn crm_export(folder: Option<&Folder>) -> String {
    folder.map_or_else(|| hash_bytes(b""), |folder| folder.manifest.files_hash())
}
