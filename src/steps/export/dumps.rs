//! `--csv DIR`: reads the datasets of a source from dumps instead of its database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::Session;
use crate::fault::{Exit, Fault};
use crate::model::counted;
use crate::model::did_you_mean;
use crate::model::{Code as _, Reason, Source, Timestamp};
use crate::sources::Export;
use crate::steps::export::{Job, count, publish};
use crate::steps::guards;
use crate::store::{Dialect, Draft, Dump, DumpCounts, Folder, Manifest, TableWriter};
use crate::tables::check::rejects;

/// The format of dumps.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
#[command(next_help_heading = "CSV dumps")]
#[group(id = "dumps")]
pub struct DumpArgs {
    /// Read DIR/ENTITY.csv with the columns of sql/exports instead of the database
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
    /// Encoding of the dumps, such as windows-1252 [default: utf-8, or utf-16 where a byte order mark says so]; of the texts of a
    /// database that declares none (SQL_ASCII), or a wrong one
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Delimiter of the dumps [default: what the header of each shows: comma, semicolon, tab or |]
    #[arg(long, value_name = "CHAR", requires = "csv")]
    pub delimiter: Option<char>,
    /// A text for null in addition to the empty text, NULL and \N; may be repeated
    #[arg(long = "null", value_name = "TEXT", requires = "csv")]
    pub nulls: Vec<String>,
}

/// Exports all datasets of a job from dumps. Unreadable lines are counted, reported, and listed in `check__rejects`.
pub fn export_dumps(
    session: &Session,
    job: &Job,
    source: Source,
    folder: &Path,
    options: &super::ExportArgs,
    as_of: Timestamp,
) -> Result<Folder> {
    let args = &options.dumps;
    let dialect = Dialect::new(args.encoding.as_deref(), args.delimiter, &args.nulls)?;
    let path = |entity: &str| folder.join(format!("{entity}.csv"));
    let absent: Vec<&str> = job.exports.iter().map(|export| export.entity).filter(|entity| !path(entity).exists()).collect();
    if !absent.is_empty() {
        return Err(absent_fault(folder, &absent).into());
    }
    // All headers are checked before the first row is read.
    let dumps = job
        .exports
        .iter()
        .map(|export| Dump::open(&path(export.entity), export.dataset, (export.schema)(), export.optional, &dialect))
        .collect::<Result<Vec<_>>>()?;

    let mut manifest = Manifest::new("export", &as_of.to_string(), None);
    manifest.facts.insert("from".to_owned(), "csv".to_owned());
    let draft = Draft::create(&job.target, &as_of.to_string())?;
    let mut refused = draft.writer::<rejects::Table>(None)?;
    for (export, dump) in job.exports.iter().zip(dumps) {
        let task = session.progress.task(format!("{}.{}", job.code, export.entity), None);
        let (counts, reasons) = copied(export, dump, &draft, &mut refused, source, |rows| task.advance(rows))?;
        describe(&mut manifest, export.entity, &counts);
        task.finish(&match (counts.rejected_rows, counts.blank_rows) {
            (0, 0) => String::new(),
            (rejected, 0) => counted(rejected, "rejected line"),
            (0, blank) => counted(blank, "blank line"),
            (rejected, blank) => format!("{}, {}", counted(rejected, "rejected line"), counted(blank, "blank line")),
        });
        let place = path(export.entity);
        if counts.utf8_lines > 0 {
            session.progress.warn(format!(
                "{}: {} in UTF-8, not in {}: read as UTF-8, because the declared encoding would garble their letters",
                place.display(),
                counted(counts.utf8_lines, "line"),
                args.encoding.as_deref().unwrap_or("the declared encoding")
            ));
        }
        for (reason, (number, line)) in reasons {
            let meaning = reason.meaning();
            session.progress.warn(format!(
                "{}: {reason} in {}, first in line {line}: {meaning}",
                place.display(),
                counted(number, "line")
            ));
        }
    }
    draft.close(None, refused)?;
    if !options.allow_shared {
        let rows = |entity: &str| manifest.count(&format!("{entity}.rows"));
        guards::check_dumps(session, source.code(), &manifest.inputs, rows)?;
    }
    publish(session, job, draft, manifest, as_of)
}

/// How often lines were rejected for a reason, and the first of these lines.
type RejectReasons = BTreeMap<Reason, (u64, u64)>;

/// Copies a dump into its dataset, and its unreadable lines into `refused`.
fn copied(
    export: &Export,
    dump: Dump,
    draft: &Draft,
    refused: &mut TableWriter<rejects::Table>,
    source: Source,
    advance: impl Fn(u64),
) -> Result<(DumpCounts, RejectReasons)> {
    let mut writer = draft.batch_writer(export.dataset, (export.schema)())?;
    let mut reasons = RejectReasons::new();
    let counts = dump.read(
        |batch| {
            advance(batch.num_rows() as u64);
            writer.write(batch)
        },
        |reject| {
            reasons.entry(reject.reason).or_insert((0, reject.line)).0 += 1;
            refused.push(rejects::Row {
                source,
                entity: export.entity,
                source_id: &reject.id,
                line: count(reject.line),
                column: None,
                reason: reject.reason.code(),
            })
        },
    )?;
    draft.close_batches(export.dataset, writer)?;
    Ok((counts, reasons))
}

/// Notes what was read from the dump of an entity.
fn describe(manifest: &mut Manifest, entity: &str, counts: &DumpCounts) {
    manifest.inputs.insert(format!("{entity}.csv"), counts.blake3.clone());
    for (name, number) in [("rows", counts.rows), ("rejected_rows", counts.rejected_rows)] {
        manifest.counts.insert(format!("{entity}.{name}"), count(number));
    }
    for (name, number) in [("blank_rows", counts.blank_rows), ("utf8_lines", counts.utf8_lines)] {
        if number > 0 {
            manifest.counts.insert(format!("{entity}.{name}"), count(number));
        }
    }
    if !counts.shifts.is_empty() {
        let shifts: Vec<String> = counts.shifts.iter().map(|(row, line)| format!("{row}:{line}")).collect();
        manifest.facts.insert(format!("{entity}.lines"), shifts.join(" "));
    }
}

fn absent_fault(folder: &Path, absent: &[&str]) -> Fault {
    let missing: Vec<String> = absent.iter().map(|entity| format!("{entity}.csv")).collect();
    let present: Vec<String> = std::iter::once(folder)
        .filter_map(|folder| folder.read_dir().ok())
        .flat_map(|entries| entries.flatten())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let fault = Fault::new(Exit::Input, format!("the folder lacks {}", missing.join(", "))).at(folder.display().to_string());
    let near = missing.iter().filter_map(|name| did_you_mean(name, present.iter().map(String::as_str)).map(|near| (name, near)));
    near.fold(fault, |fault, (name, near)| fault.help(format!("{name}: did you mean {near}?")))
        .help("how a dump is made: sql/README.md; an empty dataset is a file with its header only")
}
