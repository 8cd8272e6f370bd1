//! `inspect`: shows the contents of the datasets.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::Args as ClapArgs;
use comfy_table::{Table as Grid, presets};
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::datasets;
use crate::fault::{Exit, Fault};
use crate::model::did_you_mean;
use crate::model::thousands;
use crate::store::{Destination, DumpWriter, Folder, io_fault, is_stdout, replace_file};
use crate::tables::{self, Dataset, dictionary};

/// Arguments of `inspect`.
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// The dataset, such as stg_scl__people; without one, all that exist are listed
    dataset: Option<String>,
    /// Rows to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    head: usize,
    /// Only rows whose column has this value; may be repeated
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    filters: Vec<String>,
    /// Write all rows as CSV, - for standard output; identifiers stay text, and formulas are made harmless for spreadsheets
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the exact CSV for programs: personal data, and not safe for spreadsheets, because nothing is masked or changed
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

/// Which rows of a batch pass the filters.
fn matching(batch: &RecordBatch, filters: &[(usize, String)]) -> Result<Vec<bool>> {
    let options = shown_as();
    let printable: Vec<_> = batch.columns().iter().map(tables::printable).collect();
    let asked = filters
        .iter()
        .map(|(column, wanted)| Ok((*column, ArrayFormatter::try_new(printable[*column].as_ref(), &options)?, wanted)));
    let asked = asked.collect::<Result<Vec<_>>>()?;
    let passes = |row: usize| {
        let passes = |(column, shown, wanted): &(usize, ArrayFormatter<'_>, &String)| {
            !batch.column(*column).is_null(row) && shown.value(row).to_string() == **wanted
        };
        asked.iter().all(passes)
    };
    Ok((0..batch.num_rows()).map(passes).collect())
}

fn shown_as() -> FormatOptions<'static> {
    FormatOptions::default().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"))
}

/// Rows of a batch that pass the filters, each as shown texts; `None` is null.
pub(crate) fn rows(batch: &RecordBatch, filters: &[(usize, String)]) -> Result<Vec<Vec<Option<String>>>> {
    let options = shown_as();
    let printable: Vec<_> = batch.columns().iter().map(tables::printable).collect();
    let columns: Vec<_> =
        printable.iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options)).collect::<Result<_, _>>()?;
    let mut kept = Vec::new();
    for row in 0..batch.num_rows() {
        let value = |column: usize| (!batch.column(column).is_null(row)).then(|| columns[column].value(row).to_string());
        if filters.iter().all(|(column, wanted)| value(*column).as_deref() == Some(wanted)) {
            kept.push((0..columns.len()).map(value).collect());
        }
    }
    Ok(kept)
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
        Ok((column, value.to_owned()))
    };
    args.filters.iter().map(parse).collect()
}

fn show(found: &FoundDataset, args: &InspectArgs) -> Result<StepOutcome> {
    let filters = filters(found, args)?;
    let mut nulls = vec![0_u64; found.dataset.columns.len()];
    let (mut head, mut matching) = (Vec::new(), 0);
    for batch in found.folder.read_stem(&found.stem)? {
        let batch = batch?;
        for (count, array) in nulls.iter_mut().zip(batch.columns()) {
            *count += array.null_count() as u64;
        }
        if filters.is_empty() && head.len() >= args.head {
            matching += batch.num_rows();
            continue;
        }
        let rows = rows(&batch, &filters)?;
        matching += rows.len();
        head.extend(rows.into_iter().take(args.head - head.len().min(args.head)));
    }
    let mut columns = grid();
    columns.set_header(["column", "null", "meaning"]);
    for (column, nulls) in found.dataset.columns.iter().zip(&nulls) {
        let share = if found.rows == 0 { "-".to_owned() } else { format!("{:.1}%", *nulls as f64 * 100.0 / found.rows as f64) };
        columns.add_row([column.name.to_owned(), share, column.description()]);
    }
    let mut text = format!("{} · {} rows\n{columns}\n\n", found.stem, thousands(found.rows));
    for (index, row) in head.iter().enumerate() {
        text.push_str(&format!("row {}\n", index + 1));
        for (column, value) in found.dataset.columns.iter().zip(row) {
            if let Some(value) = value {
                let value = if args.show { value.clone() } else { masked(column.name, value) };
                text.push_str(&format!("  {:<24} {value}\n", column.name));
            }
        }
    }
    if !filters.is_empty() {
        text.push_str(&format!("{} rows match\n", thousands(matching as u64)));
    }
    Ok(StepOutcome::new(text, json!({ "dataset": found.stem, "rows": found.rows, "matching": matching })))
}

fn masked(column: &str, value: &str) -> String {
    if dictionary::is_personal(column) { dictionary::mask(value) } else { value.to_owned() }
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
    let text = format!("{} rows in {}\n", thousands(written), path.display());
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

/// A cell that no spreadsheet evaluates as a formula, whatever its delimiter: checks the start of the cell and the text after any
/// delimiter or line break in it.
pub(crate) fn defused(cell: String) -> String {
    const SPLITS: [char; 6] = [';', ',', '|', '\t', '\r', '\n'];
    let is_run = |part: &str| {
        let shown = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{feff}');
        let starts = shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\u{2212}']);
        starts && !(shown.starts_with('-') && shown.trim_end().parse::<f64>().is_ok())
    };
    let first_splits = cell.starts_with(['\t', '\r', '\n']);
    if !first_splits && !cell.split(SPLITS).any(is_run) {
        return cell;
    }
    let mut safe = String::with_capacity(cell.len() + 4);
    if first_splits {
        safe.push('\'');
    }
    for part in cell.split_inclusive(SPLITS) {
        if is_run(part.trim_end_matches(SPLITS)) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_stays_readable_and_a_formula_does_not_run() {
        assert_eq!(defused("+447700900123".to_owned()), "'+447700900123");
        assert_eq!(defused("=cmd()".to_owned()), "'=cmd()");
        assert_eq!(defused("-2.1".to_owned()), "-2.1");
        assert_eq!(defused("plain; text, and more".to_owned()), "plain; text, and more");
    }

    #[test]
    fn a_formula_behind_any_delimiter_or_line_break_does_not_run_either() {
        for (cell, safe) in [
            ("x;=cmd()", "x;'=cmd()"),
            ("x; @sum(1)", "x;' @sum(1)"),
            ("a,b,+1", "a,b,'+1"),
            ("x|\"=cmd()\"", "x|'\"=cmd()\""),
            ("x\n=cmd()\t-a", "x\n'=cmd()\t'-a"),
            ("\t=cmd()", "'\t'=cmd()"),
            ("\tx", "'\tx"),
            (" =cmd()", "' =cmd()"),
            ("＝cmd()", "'＝cmd()"),
            ("1;-2;3", "1;-2;3"),
        ] {
            assert_eq!(defused(cell.to_owned()), safe, "{cell:?}");
        }
    }
}
