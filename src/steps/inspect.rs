//! `inspect`: shows the contents of the datasets.

mod columns;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args as ClapArgs;
use comfy_table::{Table as Grid, presets};
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::datasets;
use crate::fault::{Exit, Fault};
use crate::model::{counted, did_you_mean, thousands};
use crate::steps::cells::{defused, masked, matching, rows};
use crate::store::{Destination, DumpWriter, Folder, io_fault, is_stdout, replace_file};
use crate::tables::{Column, Dataset, dictionary};

use columns::ColumnProfiles;

/// Arguments of `inspect`.
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// The dataset, such as stg_scl__people; without one, all that exist are listed
    dataset: Option<String>,
    /// Rows to print, with --json too
    #[arg(long, value_name = "N", default_value_t = 10)]
    head: usize,
    /// Also count the values of each column and print the N most frequent
    #[arg(long, value_name = "N", default_value_t = 0)]
    top: usize,
    /// Only rows whose column has this value; may be repeated
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    filters: Vec<String>,
    /// Write all rows as CSV, - for standard output; identifiers stay text, and formulas are made harmless for spreadsheets
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// With --csv: write every value exactly as it is, for programs. A spreadsheet may run cells that look like formulas
    #[arg(long, requires = "csv", requires = "show")]
    exact: bool,
    /// Show personal values instead of masking them
    #[arg(long)]
    show: bool,
    /// Write data/views.sql: every dataset that exists as a DuckDB view with its descriptions
    #[arg(long)]
    views: bool,
}

struct FoundDataset {
    stem: String,
    dataset: Dataset,
    folder: Folder,
    rows: u64,
    bytes: u64,
}

/// Runs the step.
pub fn run(session: &Session, args: InspectArgs) -> Result<StepOutcome> {
    let found = existing(session)?;
    if args.views {
        return write_views(session, &found);
    }
    match &args.dataset {
        None => Ok(list(&found)),
        Some(name) => {
            let name = name.trim_end_matches(".parquet");
            let dataset = found.iter().find(|found| found.stem == name).ok_or_else(|| unknown(name, &found))?;
            match &args.csv {
                Some(path) => write_csv(session, dataset, path, &args),
                None => show(dataset, &args),
            }
        }
    }
}

fn existing(session: &Session) -> Result<Vec<FoundDataset>> {
    let mut all = Vec::new();
    for dataset in datasets::all() {
        for stem in dictionary::stems(&dataset, |_, _| true) {
            let path = session.layout.root().join(dictionary::folder(&stem));
            let Some(folder) = Folder::find(&path)? else { continue };
            if let Some(entry) = folder.manifest.files.get(&format!("{stem}.parquet")) {
                let (rows, bytes) = (entry.rows, entry.bytes);
                all.push(FoundDataset { stem, dataset, folder, rows, bytes });
            }
        }
    }
    Ok(all)
}

fn unknown(name: &str, found: &[FoundDataset]) -> Fault {
    let fault = Fault::new(Exit::Usage, format!("there is no dataset {name:?} in the data folder"));
    match did_you_mean(name, found.iter().map(|found| found.stem.as_str())) {
        Some(near) => fault.help(format!("did you mean {near:?}?")),
        None => fault.help("list what exists: make inspect"),
    }
}

fn grid() -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid
}

fn list(found: &[FoundDataset]) -> StepOutcome {
    let mut grid = grid();
    grid.set_header(["dataset", "rows", "KiB", "meaning of a row"]);
    for found in found {
        let description = found.dataset.description.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentence = description.split(". ").next().unwrap_or_default().to_owned();
        grid.add_row([found.stem.clone(), thousands(found.rows), thousands(found.bytes / 1024), sentence]);
    }
    let summary = found.iter().map(|found| json!({ "dataset": found.stem, "rows": found.rows, "bytes": found.bytes }));
    StepOutcome::new(format!("{grid}\n"), json!({ "datasets": summary.collect::<Vec<_>>() }))
}

fn filters(found: &FoundDataset, args: &InspectArgs) -> Result<Vec<(usize, String)>> {
    let names: Vec<_> = found.dataset.columns.iter().map(|column| column.name).collect();
    let parse = |filter: &String| {
        let (name, value) = filter.split_once('=').ok_or_else(|| Fault::new(Exit::Usage, "a filter is COLUMN=VALUE"))?;
        let column = names.iter().position(|known| *known == name).ok_or_else(|| {
            let fault = Fault::new(Exit::Usage, format!("dataset {:?} has no column {name:?}", found.stem));
            match did_you_mean(name, names.iter().copied()) {
                Some(near) => fault.help(format!("did you mean {near:?}?")),
                None => fault.help(format!("columns: {}", names.join(", "))),
            }
        })?;
        let words = (found.dataset.columns[column].words)();
        if !words.is_empty() && !words.contains(&value) {
            let fault = Fault::new(Exit::Usage, format!("column {name:?} never has the value {value:?}"));
            return Err(match did_you_mean(value, words.iter().copied()) {
                Some(near) => fault.help(format!("did you mean {near:?}?")),
                None => fault.help(format!("one of: {}", words.join(", "))),
            }
            .into());
        }
        Ok((column, value.to_owned()))
    };
    args.filters.iter().map(parse).collect()
}

fn show(found: &FoundDataset, args: &InspectArgs) -> Result<StepOutcome> {
    let filters = filters(found, args)?;
    // The values tell what a filter that nothing passes may have meant.
    let mut profiles = ColumnProfiles::new(&found.dataset, args.top > 0 || !filters.is_empty());
    let (mut head, mut matching) = (Vec::new(), 0);
    for batch in found.folder.read_stem(&found.stem)? {
        let batch = batch?;
        profiles.add(&batch)?;
        if filters.is_empty() && head.len() >= args.head {
            matching += batch.num_rows();
            continue;
        }
        let rows = rows(&batch, &filters)?;
        matching += rows.len();
        head.extend(rows.into_iter().take(args.head - head.len().min(args.head)));
    }
    let mut columns = grid();
    columns.set_header(["column", "type", "null", "distinct", "min", "max", "meaning"]);
    for profile in &profiles.columns {
        columns.add_row(profile.row(args.show)?);
    }
    let description = found.dataset.description.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "{} · {} rows · key {}\n{description}\n\n{columns}\n\n",
        found.stem,
        thousands(found.rows),
        found.dataset.key.join(", ")
    );
    profiles.columns.iter().for_each(|profile| text.push_str(&profile.lines(args.top, args.show)));
    let shown = |column: &Column, value: &String| if args.show { value.clone() } else { masked(column.name, value) };
    for (index, row) in head.iter().enumerate() {
        text.push_str(&format!("row {}\n", index + 1));
        for (column, value) in found.dataset.columns.iter().zip(row) {
            if let Some(value) = value {
                text.push_str(&format!("  {:<24} {}\n", column.name, shown(column, value)));
            }
        }
    }
    if !filters.is_empty() {
        text.push_str(&format!("matching: {}\n", counted(matching as u64, "row")));
        for (column, wanted) in filters.iter().filter(|_| matching == 0) {
            text.push_str(&profiles.columns[*column].instead_of(wanted));
        }
    }
    let as_data = |row: &Vec<Option<String>>| -> Value {
        let cells = found.dataset.columns.iter().zip(row);
        let cells =
            cells.map(|(column, value)| (column.name.to_owned(), json!(value.as_ref().map(|value| shown(column, value)))));
        Value::Object(cells.collect())
    };
    let columns = profiles.columns.iter().map(|profile| profile.data(args.top, args.show)).collect::<Result<Vec<_>>>()?;
    let summary = json!({
        "dataset": found.stem,
        "meaning": description,
        "key": found.dataset.key,
        "rows": found.rows,
        "matching": matching,
        "columns": columns,
        "head": head.iter().map(as_data).collect::<Vec<_>>(),
    });
    Ok(StepOutcome::new(text, summary).private(true))
}

fn write_csv(session: &Session, found: &FoundDataset, path: &Path, args: &InspectArgs) -> Result<StepOutcome> {
    if is_stdout(path) && session.json {
        return Err(Fault::new(Exit::Usage, "rows and the JSON line cannot both go to standard output")
            .at("--csv -")
            .help("name a file, or leave --json out")
            .into());
    }
    let filters = filters(found, args)?;
    let names = found.dataset.columns.iter().map(|column| column.name);
    let output = Destination::create(path)?;
    let written = match write_rows(session, found, output, names, &filters, args) {
        // A reader that closed the pipe has read enough.
        Err(error) if is_stdout(path) && is_broken_pipe(&error) => return Ok(StepOutcome::default()),
        other => other.map_err(|error| told_of_file(error, path))?,
    };
    let text = format!("{} in {}\n", counted(written, "row"), path.display());
    let summary = json!({ "dataset": found.stem, "rows": written });
    if is_stdout(path) {
        session.progress.line(text.trim_end());
        return Ok(StepOutcome::new("", summary));
    }
    Ok(StepOutcome::new(text, summary))
}

fn write_rows<'a>(
    session: &Session,
    found: &FoundDataset,
    output: Destination,
    names: impl Iterator<Item = &'a str>,
    filters: &[(usize, String)],
    args: &InspectArgs,
) -> Result<u64> {
    let task = session.progress.task(&found.stem, Some(found.rows));
    let batches = found.folder.read_stem(&found.stem)?;
    let (written, output) = if args.exact {
        let mut writer = DumpWriter::new(output, names)?;
        for batch in batches {
            let batch = batch?;
            let asked = matching(&batch, filters)?;
            writer.write(&batch, |row| asked[row])?;
            task.advance(batch.num_rows() as u64);
        }
        (writer.rows, writer.finish()?)
    } else {
        let mut writer = csv::Writer::from_writer(output);
        writer.write_record(names)?;
        let mut written = 0;
        for batch in batches {
            let batch = batch?;
            for row in rows(&batch, filters)? {
                let cells = found.dataset.columns.iter().zip(row).map(|(column, value)| {
                    let value = value.unwrap_or_default();
                    defused(if args.show { value } else { masked(column.name, &value) })
                });
                writer.write_record(cells)?;
                written += 1;
            }
            task.advance(batch.num_rows() as u64);
        }
        (written, writer.into_inner().map_err(|error| error.into_error())?)
    };
    output.finish()?;
    task.finish("");
    Ok(written)
}

fn io_cause(error: &anyhow::Error) -> Option<&std::io::Error> {
    let of_csv = |error: &'_ csv::Error| matches!(error.kind(), csv::ErrorKind::Io(_));
    match error.downcast_ref::<csv::Error>() {
        Some(found) if of_csv(found) => match found.kind() {
            csv::ErrorKind::Io(error) => Some(error),
            _ => None,
        },
        _ => error.downcast_ref::<std::io::Error>(),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    io_cause(error).is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn told_of_file(error: anyhow::Error, path: &Path) -> anyhow::Error {
    match io_cause(&error) {
        Some(cause) => io_fault("write", path, cause).into(),
        None => error,
    }
}

fn write_views(session: &Session, found: &[FoundDataset]) -> Result<StepOutcome> {
    let stems: Vec<_> = found.iter().map(|found| (found.stem.clone(), found.dataset)).collect();
    let path = session.layout.views();
    replace_file(&path, dictionary::views(&stems).as_bytes())?;
    let mut text = Vec::new();
    writeln!(text, "{} views in {}", stems.len(), path.display())?;
    let next = format!("cd {} && duckdb -init views.sql", session.layout.root().display());
    Ok(StepOutcome::new(String::from_utf8(text).context("text is UTF-8")?, json!({ "views": stems.len() })).next(next))
}
