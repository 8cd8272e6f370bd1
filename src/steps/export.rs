//! `export-*`: exports every dataset of one source in one snapshot, from its database or from CSV dumps.

pub mod dumps;
mod to_csv;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use encoding_rs::Encoding;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::interrupt;
use crate::model::{Code, Source, Timestamp, counted, thousands};
use crate::pg::{Connection, ExportQuery, Exported, Snapshot, identity};
use crate::sources::{Export, exports};
use crate::steps::guards;
use crate::store::{Draft, Folder, Layout, Manifest, RunLock, replace_file};

/// Arguments of the five source exporters.
#[derive(clap::Args, Debug, Default)]
pub struct ExportArgs {
    /// Do nothing if an export is saved already
    #[arg(long, conflicts_with = "new_as_of")]
    pub if_missing: bool,
    /// Begin a new set of exports with a new as-of time; the other sources must be exported again, too
    #[arg(long)]
    pub new_as_of: bool,
    /// Export although columns of the tables are missing or have another type than in the saved export
    #[arg(long)]
    pub allow_drift: bool,
    /// Export although another source's export read the same tables of the same database, or the same dumps
    #[arg(long)]
    pub allow_shared: bool,
    /// Instead of exporting, write the saved export as exact CSV dumps (personal data), to be corrected and read with --csv
    #[arg(long, value_name = "DIR", conflicts_with_all = ["if_missing", "new_as_of", "csv"])]
    pub to_csv: Option<PathBuf>,
    /// Options of CSV dumps.
    #[command(flatten)]
    pub dumps: dumps::DumpArgs,
}

/// An export job: datasets, database and folder.
pub struct Job {
    /// Its name in file and folder names: `scl`, `crm`.
    pub code: String,
    /// Its name in messages: `source scl`, `the CRM`.
    pub title: String,
    /// The variable that holds the database's URL.
    pub variable: &'static str,
    /// The datasets.
    pub exports: Vec<Export>,
    /// Whether the server counts the rows first. The statements over the CRM cost more than their rows.
    pub counts_first: bool,
    /// The folder that is replaced.
    pub target: PathBuf,
    /// The folder for its former content.
    pub previous: PathBuf,
}

impl Job {
    /// The export of a source.
    pub fn source(source: Source, layout: &Layout) -> Self {
        let code = source.code();
        Self {
            code: code.to_owned(),
            title: format!("source {code}"),
            variable: source.url_variable(),
            exports: exports(source),
            counts_first: true,
            target: layout.exports(source),
            previous: layout.previous(&format!("exports-{code}")),
        }
    }

    /// The statements.
    pub fn queries(&self) -> Vec<ExportQuery> {
        let query = |export: &Export| ExportQuery {
            name: format!("{}.{}", self.code, export.entity),
            file: self.file(export),
            sql: export.sql.to_owned(),
            schema: (export.schema)(),
            needs: export.needs,
        };
        self.exports.iter().map(query).collect()
    }

    fn file(&self, export: &Export) -> String {
        format!("sql/exports/{}/{}.sql", self.code, export.entity)
    }
}

/// Exports one source.
pub fn run(session: &Session, source: Source, args: &ExportArgs) -> Result<StepOutcome> {
    let job = Job::source(source, &session.layout);
    let holder = format!("export of {}, run {}", job.title, session.run_id);
    let _lock = RunLock::take_beside(&session.layout, &holder, &job.code)?;
    if let Some(folder) = &args.to_csv {
        return to_csv::write(session, &job, folder);
    }
    if args.if_missing
        && args.dumps.csv.is_none()
        && let Some(saved) = undamaged(session, &job)?
    {
        session.check_as_of(&saved.manifest.as_of, &job.target)?;
        let text = format!("{}: the saved export of {} is used\n", job.code, saved.manifest.as_of);
        return Ok(StepOutcome::new(text, json!({ "source": job.code, "saved": true, "as_of": saved.manifest.as_of })));
    }
    let as_of = settle_as_of(session, args.new_as_of)?;
    let before = Folder::find_readable(&job.target);
    let folder = match &args.dumps.csv {
        Some(folder) => dumps::export_dumps(session, &job, source, folder, args, as_of)?,
        None => {
            let guard = |facts: &BTreeMap<String, String>| {
                guards::check_source(session, source.code(), facts, before.as_ref(), args.allow_drift, args.allow_shared)
            };
            let encoding = declared_encoding(session, &job, args.dumps.encoding.as_deref())?;
            export_database(session, &job, as_of, encoding, &guard)?
        }
    };
    compare(session, &job, before.as_ref(), &folder);
    Ok(outcome(&job, &folder).next("make stage"))
}

/// The saved export, if there is one and all its files are undamaged.
fn undamaged(session: &Session, job: &Job) -> Result<Option<Folder>> {
    let saved = match Folder::find(&job.target) {
        Ok(None) => return Ok(None),
        Ok(Some(folder)) => folder.check().map(|()| folder),
        Err(error) => Err(error),
    };
    match saved {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.downcast_ref::<Fault>().is_some_and(|fault| fault.exit == Exit::Input) => {
            session.progress.warn(format!("{}: {error}; it is exported again", job.target.display()));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The as-of time of an export: the requested one, else that of the data folder, else now. One that differs from the data
/// folder's is an error unless a new set of exports begins.
pub fn settle_as_of(session: &Session, new: bool) -> Result<Timestamp> {
    let asked = session.as_of.unwrap_or(session.now);
    if new {
        return Ok(asked);
    }
    match (session.layout.fixed_as_of()?, session.as_of) {
        (None, _) => Ok(asked),
        (Some(fixed), None) => Ok(fixed),
        (Some(fixed), Some(asked)) if fixed == asked => Ok(fixed),
        (Some(fixed), Some(asked)) => {
            Err(Fault::new(Exit::Input, format!("as_of {asked} is requested, but the saved exports are of {fixed}"))
                .at(session.layout.as_of().display().to_string())
                .help(format!("omit AS_OF to keep it, or export all sources again: make export AS_OF={asked}"))
                .into())
        }
    }
}

/// The encoding of a database's texts, if the command or the settings declare one.
fn declared_encoding(session: &Session, job: &Job, asked: Option<&str>) -> Result<Option<&'static Encoding>> {
    let Some(label) = asked else { return Ok(session.config.connections.encoding(&job.code)) };
    Encoding::for_label(label.as_bytes()).map(Some).ok_or_else(|| {
        Fault::new(Exit::Usage, format!("encoding {label:?} is not known")).help("use a name such as windows-1252").into()
    })
}

/// Exports all datasets of a job from one snapshot of its database, and publishes the folder unless `guard` rejects its facts.
pub fn export_database(
    session: &Session,
    job: &Job,
    as_of: Timestamp,
    encoding: Option<&'static Encoding>,
    guard: &dyn Fn(&BTreeMap<String, String>) -> Result<()>,
) -> Result<Folder> {
    let dsn = crate::steps::database(session, job.variable)?;
    let connection = Connection::open(&dsn, &job.title)?;
    let database = identity(&connection);
    let snapshot = Snapshot::begin(connection, as_of, encoding)?;
    for note in &snapshot.notes {
        session.progress.warn(note);
    }
    let years = session.config.activities.lookback_years();
    snapshot.look_back(years)?;
    let mut manifest = Manifest::new("export", &as_of.to_string(), None);
    manifest.facts = snapshot.facts.clone();
    manifest.facts.insert("from".to_owned(), "database".to_owned());
    manifest.facts.extend(database.map(|database| (guards::DATABASE.to_owned(), database)));
    let queries = job.queries();
    for query in &queries {
        manifest.input(&query.file, stated(&query.sql, years).as_bytes());
    }
    let tables = snapshot.tables_read(&queries)?;
    manifest.facts.extend(tables.into_iter().map(|(table, columns)| (format!("{}{table}", guards::TABLE), columns)));
    let mut prepared = snapshot.prepare(queries)?;
    if job.counts_first {
        snapshot.count_rows(&mut prepared)?;
    }
    guard(&manifest.facts)?;
    let draft = Draft::create(&job.target, &as_of.to_string())?;
    for (export, prepared) in job.exports.iter().zip(&prepared) {
        let task = session.progress.task(format!("{}.{}", job.code, export.entity), prepared.rows);
        let mut writer = draft.batch_writer(export.dataset, (export.schema)())?;
        let exported = snapshot.copy(prepared, |batch| {
            task.advance(batch.num_rows() as u64);
            writer.write(batch)
        })?;
        draft.close_batches(export.dataset, writer)?;
        let mut note = String::new();
        if let Some(sql) = export.left_out {
            let file = format!("sql/exports/{}/{}.left_out.sql", job.code, export.entity);
            let left_out = snapshot.count(sql, &file)?;
            manifest.counts.insert(format!("{}.left_out", export.entity), count(left_out));
            note = format!("{} before the look-back", thousands(left_out));
        }
        record(&mut manifest, export, &exported, &prepared.casts);
        task.finish(&note);
    }
    snapshot.end()?;
    publish(session, job, draft, manifest, as_of)
}

/// Publishes the folder and fixes the as-of time of the data folder. A signal takes effect before or after both.
pub fn publish(session: &Session, job: &Job, draft: Draft, manifest: Manifest, as_of: Timestamp) -> Result<Folder> {
    let _held = interrupt::hold("the export folder to be swapped");
    let folder = draft.finish(manifest, &job.previous)?;
    replace_file(&session.layout.as_of(), format!("{as_of}\n").as_bytes())?;
    Ok(folder)
}

/// The text of a statement that a manifest hashes: the SQL, and the look-back if it is not two years.
pub fn stated(sql: &str, years: i32) -> String {
    let has_another = years != 2 && sql.contains("backfill.lookback_years");
    if has_another { format!("{sql}-- look-back: {years} years\n") } else { sql.to_owned() }
}

/// Records facts about an export that its dataset does not show.
fn record(manifest: &mut Manifest, export: &Export, exported: &Exported, casts: &[String]) {
    manifest.counts.insert(format!("{}.rows", export.entity), count(exported.rows));
    for (column, kind, number) in &exported.specials {
        manifest.counts.insert(format!("{}.{column}.{kind}", export.entity), count(*number));
    }
    if !casts.is_empty() {
        manifest.facts.insert(format!("{}.casts", export.entity), casts.join(", "));
    }
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).expect("counts fit in 63 bits")
}

/// Entities that lost more than a fifth of their rows since the export before: name, rows before, rows now.
pub fn shrunk(exports: &[Export], before: &Folder, now: &Folder) -> Vec<(&'static str, i64, i64)> {
    let rows = |folder: &Folder, entity: &str| folder.manifest.count(&format!("{entity}.rows"));
    let both = exports.iter().map(|export| (export.entity, rows(before, export.entity), rows(now, export.entity)));
    both.filter(|(_, former, rows)| rows * 5 < former * 4).collect()
}

/// Warns of an export that is much smaller than the one before, or far from the strategy's estimate.
fn compare(session: &Session, job: &Job, before: Option<&Folder>, now: &Folder) {
    for (entity, former, rows) in before.map(|before| shrunk(&job.exports, before, now)).unwrap_or_default() {
        session.progress.warn(format!(
            "{}.{entity}: {}, {} in the export before (−{} %); it is kept in {}: manual review needed",
            job.code,
            counted(rows, "row"),
            thousands(former),
            (former - rows) * 100 / former,
            job.previous.display()
        ));
    }
    for export in &job.exports {
        let rows = now.manifest.count(&format!("{}.rows", export.entity));
        let name = format!("{}.{}", job.code, export.entity);
        if rows == 0 {
            session.progress.warn(format!("{name}: no rows"));
        }
        let expected = session.config.expect.get(&job.code).and_then(|entities| entities.get(export.entity));
        if let Some(&expected) = expected.filter(|&&expected| expected > 0) {
            let apart = (rows - count(expected)).abs() * 100 / count(expected);
            if rows > 0 && apart > 25 {
                let (rows, expected) = (counted(rows, "row"), thousands(expected));
                session.progress.warn(format!("{name}: {rows}, about {expected} expected: manual review needed"));
            }
        }
    }
}

/// The result of an export.
pub fn outcome(job: &Job, folder: &Folder) -> StepOutcome {
    let manifest = &folder.manifest;
    let rows: BTreeMap<&str, i64> =
        job.exports.iter().map(|export| (export.entity, manifest.count(&format!("{}.rows", export.entity)))).collect();
    let others: BTreeMap<&String, i64> =
        manifest.counts.iter().filter(|(name, _)| !name.ends_with(".rows")).map(|(name, count)| (name, *count)).collect();
    let total: i64 = rows.values().sum();
    let mut text = format!(
        "{}: {} datasets, {} rows, as of {}   {}\n",
        job.code,
        rows.len(),
        thousands(total),
        manifest.as_of,
        folder.path().display()
    );
    for (name, number) in &others {
        text.push_str(&format!("  {name:<40} {:>12}\n", thousands(*number)));
    }
    let summary = json!({
        "source": job.code,
        "as_of": manifest.as_of,
        "rows": rows,
        "counts": others,
        "facts": manifest.facts,
        "manifest": manifest.content_hash(),
    });
    StepOutcome::new(text, summary)
}
