//! `compare`: shows the differences between two runs, first of people, then of every dataset, each with its cause.

mod causes;
mod people;
pub(in crate::steps) mod rows;
mod runs;
mod tally;

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::{Code as _, did_you_mean, thousands};
use crate::steps::cells::{defused, masked};
use crate::store::{Destination, is_stdout};
use crate::tables::{Dataset, Table as _, crm, resolution};

pub use causes::CauseKind;
use causes::{Cause, Causes};
use people::{ComparedPeople, PersonChange};
use rows::{RowDifference, differences, key_of};
use runs::{ComparedRun, staged, stems};
use tally::{DatasetTally, PeopleTally};

/// Arguments of `compare`.
#[derive(clap::Args, Debug)]
pub struct CompareArgs {
    /// The data folder of the former run
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The data folder of the later run
    #[arg(value_name = "B")]
    after: PathBuf,
    /// Only this dataset, such as crm__customer_profiles; may be repeated
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// Ids to show of each kind of difference
    #[arg(long, value_name = "N", default_value_t = 3)]
    ids: usize,
    /// Write every difference as CSV: a line for each row and column, then a line for each person
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Show personal values instead of masking them
    #[arg(long)]
    show: bool,
    /// End with exit code 16 if anything differs
    #[arg(long)]
    exit_code: bool,
}

/// The header of the CSV.
const HEADER: [&str; 8] = ["dataset", "change", "id", "column", "a", "b", "cause", "why"];

/// Reads the datasets of both runs and tells the differences.
pub fn run(session: &Session, args: CompareArgs) -> Result<StepOutcome> {
    let all = stems();
    for name in &args.datasets {
        if all.iter().all(|(stem, _)| stem != name) {
            let fault = Fault::new(Exit::Usage, format!("there is no dataset {name:?}"));
            return Err(match did_you_mean(name, all.iter().map(|(stem, _)| stem.as_str())) {
                Some(near) => fault.help(format!("did you mean {near:?}?")),
                None => fault.help("their names are in schemas/datasets"),
            }
            .into());
        }
    }
    let (before, after) = (ComparedRun::open(&args.before)?, ComparedRun::open(&args.after)?);
    let mut comparison = RunComparison {
        session,
        args: &args,
        runs: [&before, &after],
        causes: Causes::of(&before, &after)?,
        csv: args.csv.as_deref().map(open_csv).transpose()?,
    };
    let (datasets, people) = comparison.all(&all)?;
    let RunComparison { causes, csv, .. } = comparison;
    if let Some(csv) = csv {
        csv.into_inner().map_err(|error| error.into_error())?.finish()?;
    }
    Ok(outcome(&args, [&before, &after], &causes.inputs, &datasets, &people))
}

fn open_csv(path: &Path) -> Result<csv::Writer<Destination>> {
    if is_stdout(path) {
        let fault = Fault::new(Exit::Usage, "the differences and the summary cannot both go to standard output");
        return Err(fault.at("--csv -").help("name a file").into());
    }
    let mut writer = csv::Writer::from_writer(Destination::create(path)?);
    writer.write_record(HEADER)?;
    Ok(writer)
}

/// A comparison under way.
struct RunComparison<'a> {
    session: &'a Session,
    args: &'a CompareArgs,
    runs: [&'a ComparedRun; 2],
    causes: Causes,
    csv: Option<csv::Writer<Destination>>,
}

impl RunComparison<'_> {
    /// Compares every dataset that both runs may have, in the order of the steps: causes come before what they cause.
    fn all(&mut self, all: &[(String, Dataset)]) -> Result<(Vec<DatasetTally>, PeopleTally)> {
        let (mut tallies, mut people, mut groups) = (Vec::new(), ComparedPeople::default(), Vec::new());
        let held = |stem: &str| self.runs.map(|run| Some(run.holder(stem)?.manifest.files.get(&format!("{stem}.parquet"))?.rows));
        let rows = |stem: &str| held(stem).into_iter().flatten().max().unwrap_or(0);
        let session = self.session;
        let task = session.progress.task("datasets", Some(all.iter().map(|(stem, _)| rows(stem)).sum()));
        let counted: Vec<_> = all.iter().map(|(stem, dataset)| (stem, dataset, held(stem), rows(stem))).collect();
        for (stem, dataset, held, rows) in counted {
            task.advance(rows);
            let mut tally = DatasetTally { stem: stem.clone(), held, ..DatasetTally::default() };
            let is_asked = self.args.datasets.is_empty() || self.args.datasets.contains(stem);
            if stem == resolution::links::Table::STEM {
                self.differences(stem, dataset, &mut |_, row| people.link(row))?;
                self.causes.find_profiles(self.runs)?;
                groups = people.regroup(self.runs, &mut self.causes)?;
            }
            self.differences(stem, dataset, &mut |comparison, row| {
                if let Some((source, entity)) = staged(stem) {
                    comparison.causes.staged(source, entity, row)?;
                } else if stem == crm::customer_profiles::Table::STEM {
                    people.profile(row, &comparison.causes)?;
                } else if stem == crm::marketing_consents::Table::STEM {
                    people.consent(row, &comparison.causes)?;
                }
                if is_asked { comparison.row(&mut tally, dataset, row) } else { Ok(()) }
            })?;
            if is_asked && self.runs.iter().all(|run| run.has_folder_of(stem)) {
                tallies.push(tally);
            }
        }
        let mut tally = PeopleTally::new();
        people.finish(self.runs, &groups, &mut |person| {
            if let Some(csv) = &mut self.csv {
                write_person(csv, &person)?;
            }
            tally.add(self.args.ids, person);
            Ok(())
        })?;
        Ok((tallies, tally))
    }

    /// The rows of a dataset that differ; none where its file is the same or one run does not have it.
    fn differences(
        &mut self,
        stem: &str,
        dataset: &Dataset,
        on: &mut dyn FnMut(&mut Self, &RowDifference<'_>) -> Result<()>,
    ) -> Result<()> {
        let (Some(one), Some(two)) = (self.runs[0].holder(stem), self.runs[1].holder(stem)) else { return Ok(()) };
        differences(stem, dataset, [one, two], &mut |row| on(self, row))
    }

    /// Counts a row that differs, and writes it.
    fn row(&mut self, tally: &mut DatasetTally, dataset: &Dataset, row: &RowDifference<'_>) -> Result<()> {
        let stem = &tally.stem;
        let cause = self.causes.of_row(stem, row)?;
        let id = self.id(stem, dataset, row)?;
        let (change, sampled) = match (row.before, row.after) {
            (_, None) => ("ONLY_A", &mut tally.only_before),
            (None, _) => ("ONLY_B", &mut tally.only_after),
            _ => ("DIFFERS", &mut tally.differ),
        };
        sampled.add(self.args.ids, || id.clone(), cause.as_ref());
        let columns = &mut tally.columns;
        for column in &row.columns {
            columns.entry(column).or_default().add(self.args.ids, || id.clone(), cause.as_ref());
        }
        let Some(csv) = &mut self.csv else { return Ok(()) };
        let (kind, why) = said(cause.as_ref());
        if row.columns.is_empty() {
            csv.write_record([stem, change, &defused(id), "", "", "", kind, why])?;
            return Ok(());
        }
        for column in &row.columns {
            let shown = |value: Option<String>| {
                let value = value.unwrap_or_default();
                defused(if self.args.show { value } else { masked(column, &value) })
            };
            let [before, after] = row.both(column)?.map(shown);
            csv.write_record([stem, change, &defused(id.clone()), column, &before, &after, kind, why])?;
        }
        Ok(())
    }

    /// The values that identify a row.
    fn id(&self, stem: &str, dataset: &Dataset, row: &RowDifference<'_>) -> Result<String> {
        let mut parts = Vec::new();
        for column in key_of(stem, dataset) {
            let value = row.either(column)?.unwrap_or_default();
            parts.push(if self.args.show { value } else { masked(column, &value) });
        }
        Ok(parts.join(":"))
    }
}

fn said(cause: Option<&Cause>) -> (&'static str, &str) {
    cause.map_or(("", ""), |cause| (cause.kind.code(), cause.why.as_str()))
}

fn write_person(csv: &mut csv::Writer<Destination>, person: &PersonChange) -> Result<()> {
    let (kind, why) = said(person.cause.as_ref());
    let (before, after) = (person.before.join(" "), person.after.join(" "));
    let id = if after.is_empty() { &before } else { &after };
    csv.write_record(["people", person.change, id, &person.what, &before, &after, kind, why])?;
    Ok(())
}

fn outcome(
    args: &CompareArgs,
    runs: [&ComparedRun; 2],
    inputs: &[String],
    datasets: &[DatasetTally],
    people: &PeopleTally,
) -> StepOutcome {
    let names = runs.map(|run| run.name.as_str());
    let differing: Vec<&DatasetTally> = datasets.iter().filter(|tally| !tally.is_equal()).collect();
    let apart = runs[0].folders_apart(runs[1]);
    let mut text = String::new();
    for (letter, run) in ["A", "B"].iter().zip(runs) {
        text.push_str(&format!("{letter}   {}   {}\n", run.name, run.described()));
    }
    let told = if inputs.is_empty() { "none".to_owned() } else { inputs.join(" · ") };
    text.push_str(&format!("inputs that differ   {told}\n"));
    if !apart.is_empty() {
        text.push_str(&format!("not compared, because one run does not have them   {}\n", apart.join(" · ")));
    }
    let is_equal = differing.is_empty();
    if people.is_empty() {
        text.push_str("\npeople: no profile split, merged or moved, and no consent changed\n");
    } else {
        text.push_str(&format!("\npeople\n{}", people.text(names)));
    }
    let of = format!("{} of {}", thousands(differing.len() as u64), thousands(datasets.len() as u64));
    text.push_str(&format!("\ndatasets: {of} differ\n"));
    differing.iter().for_each(|tally| text.push_str(&tally.text()));
    if let Some(path) = args.csv.as_deref() {
        text.push_str(&format!("\nevery difference: {} (readable by you only)\n", path.display()));
    }
    let summary = json!({
        "a": names[0],
        "b": names[1],
        "equal": is_equal,
        "inputs": inputs,
        "not_compared": apart,
        "people": people.data(names),
        "datasets": differing.iter().map(|tally| tally.data()).collect::<Vec<_>>(),
    });
    let fault = (args.exit_code && !is_equal).then(|| Fault::new(Exit::Mismatch, format!("the runs differ: {of} datasets")));
    StepOutcome::new(text, summary).fault(fault).private(args.show)
}
