//! `checklist`: the strategy's Execution Checklist with proofs, and the lines that were closed by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::consolidate::{Departure, flags_to_confirm};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::model::{Code, Source};
use crate::report::checklist::{ChecklistFacts, checklist, line_number, why_not_signed};
use crate::report::numbers::ReportCheck;
use crate::steps::consolidate::MANUAL_REVIEW;
use crate::steps::expectations::ExpectationResults;
use crate::steps::export;
use crate::store::{Folder, Layout, RunLock, all_run_records, read_json, replace_file};
use crate::tables::check::{departures, results};

/// Arguments of `checklist`.
#[derive(clap::Args, Debug)]
pub struct ChecklistArgs {
    /// Close a line that only a person can judge, given by its number or its words; a line that a program measures is refused
    #[arg(long, value_name = "LINE", requires = "by")]
    pub done: Option<String>,
    /// Undo --done: the line is open until it is closed again
    #[arg(long, value_name = "LINE", conflicts_with = "done")]
    pub reopen: Option<String>,
    /// Name of the person who closes it
    #[arg(long, value_name = "NAME", requires = "done")]
    pub by: Option<String>,
}

/// Prints every line with its state and proof; closes or opens one if requested.
pub fn run(session: &Session, args: ChecklistArgs) -> Result<StepOutcome> {
    if let (Some(line), Some(by)) = (&args.done, &args.by) {
        close(session, line, by)?;
    }
    if let Some(line) = &args.reopen {
        reopen(session, line)?;
    }
    let lines = checklist(&facts(session)?);
    let mut text = String::new();
    let mut section = "";
    for line in &lines {
        if line.section != section {
            section = line.section;
            let _ = writeln!(text, "\n {section}");
        }
        let sign = match line.state {
            "DONE" => "✓",
            "FAILED" => "×",
            "NEEDS_A_PERSON" => "!",
            _ => "·",
        };
        let _ = writeln!(text, " {sign} {:>2} {:<54} {:<14} {}", line.number, line.words, line.state, line.proof);
    }
    let count = |state: &str| lines.iter().filter(|line| line.state == state).count();
    let (done, open) = (count("DONE"), count("OPEN") + count("FAILED"));
    let person = count("NEEDS_A_PERSON");
    let _ = writeln!(
        text,
        "\n {done} done · {open} open or failed · {person} for manual review (crm-backfill checklist --done LINE --by NAME)"
    );
    Ok(StepOutcome::new(text, json!({ "done": done, "open": open, "for_a_person": person, "lines": lines })))
}

fn close(session: &Session, line: &str, by: &str) -> Result<()> {
    let _lock = RunLock::take(&session.layout, "checklist")?;
    let number = number(line, "--done")?;
    if let Some(why) = why_not_signed(number, &facts(session)?) {
        return Err(Fault::new(Exit::Usage, why).at("--done").help("make checklist shows each line with its proof").into());
    }
    let mut signed = signed(session)?;
    let day = session.now.day().to_string();
    signed["closed"][number.to_string()] = json!({ "by": by, "on": day });
    write(session, &signed)
}

fn reopen(session: &Session, line: &str) -> Result<()> {
    let _lock = RunLock::take(&session.layout, "checklist")?;
    let number = number(line, "--reopen")?;
    let mut signed = signed(session)?;
    let removed = signed["closed"].as_object_mut().and_then(|lines| lines.remove(&number.to_string()));
    if removed.is_none() {
        let what = format!("line {number} was not closed by hand");
        return Err(Fault::new(Exit::Usage, what).at("--reopen").help("make checklist shows who closed which line").into());
    }
    write(session, &signed)
}

fn number(line: &str, option: &str) -> Result<usize> {
    Ok(line_number(line).map_err(|what| Fault::new(Exit::Usage, what).at(option).help("make checklist"))?)
}

/// The lines that were closed by hand, as they are stored.
fn signed(session: &Session) -> Result<Value> {
    Ok(read_json(&session.layout.checklist())?.unwrap_or_else(|| json!({ "format": 1, "closed": {} })))
}

fn write(session: &Session, signed: &Value) -> Result<()> {
    replace_file(&session.layout.checklist(), format!("{signed:#}\n").as_bytes())
}

/// The facts in the data folder.
pub fn facts(session: &Session) -> Result<ChecklistFacts> {
    let layout = &session.layout;
    let mut facts = ChecklistFacts { closed: closed(&layout.checklist())?, ..ChecklistFacts::default() };
    for source in Source::ALL {
        if let Some(folder) = Folder::find(&layout.exports(*source))? {
            let rows: u64 = folder.manifest.files.values().map(|file| file.rows).sum();
            let (count, files) = (thousands(i128::from(rows)), folder.manifest.files.len());
            let job = export::Job::source(*source, layout);
            if let Some(before) = Folder::find(&job.previous).ok().flatten() {
                let lost = export::shrunk(&job.exports, &before, &folder).into_iter().map(|(entity, former, rows)| {
                    format!("{entity}: {} rows, {} in the export before", thousands(rows), thousands(former))
                });
                let lost: Vec<String> = lost.collect();
                if !lost.is_empty() {
                    facts.shrunk.insert(*source, format!("{}; is that right?", lost.join(", ")));
                }
            }
            facts.exports.insert(*source, format!("{count} rows in {files} datasets as of {}", folder.manifest.as_of));
        }
    }
    facts.manual_review = manual_review(layout)?;
    if let Some(crm) = Folder::find(&layout.crm())? {
        let ExpectationResults { checked, unmet } = ExpectationResults::read(&crm)?;
        facts.expectations = (checked, unmet);
    }
    facts.doubts.extend(doubt_of_flags(layout)?.map(|words| ("consent_flags", words)));
    let records = all_run_records(layout)?;
    let verified = Folder::find(&layout.verify())?;
    if let Some(folder) = &verified {
        for columns in folder.read::<results::Table>(None)? {
            for row in columns?.rows() {
                let found = ReportCheck {
                    name: row.name.to_owned(),
                    proves: row.proves.to_owned(),
                    expected: row.expected.to_owned(),
                    observed: row.observed.to_owned(),
                    state: row.state.to_owned(),
                };
                if row.phase == 0 { facts.preflight.push(found) } else { facts.checks.push(found) }
            }
        }
        facts.verified_phase = folder.manifest.phase.unwrap_or(0);
    }
    let position = |step: &str| records.iter().rposition(|record| record["step"] == step && record["exit"] == 0);
    if let Some(rolled_back) = position("rollback").filter(|at| Some(*at) > position("load")) {
        // A verification before a rollback proves nothing any more.
        facts.verified_phase = 0;
        facts.rollback = Some(format!("rollback of {}", text(&records[rolled_back]["started_at"])));
    }
    let place = verified.as_ref().and_then(|folder| folder.manifest.facts.get("place")).map_or("", String::as_str);
    facts.staging =
        records.iter().rev().find(|record| proves_staging(record, place)).map(|record| {
            format!("run {} verified all six phases in {}", text(&record["run"]), text(&record["result"]["place"]))
        });
    // After its decisions are applied, a sample lacks exactly the wrong links, so only a complete sample proves anything.
    let is_whole =
        |result: &Value| result["verdicts"].is_i64() && result["stale"].as_i64().unwrap_or(0) == 0 && result["dry_run"] != true;
    let is_audit = |record: &&Value| record["step"] == "audit" && record["exit"] == 0 && is_whole(&record["result"]);
    facts.audit = records.iter().rev().find(is_audit).map(|record| {
        let result = &record["result"];
        let by = result["by"].as_str().map_or_else(String::new, |by| format!(" by {by}"));
        let words = format!("{} verdicts{by}: {}", result["verdicts"], text(&result["precision"]));
        (result["verdicts"].as_i64().unwrap_or(0), words)
    });
    Ok(facts)
}

/// Open rows of the manual review; `None` before contacts are consolidated.
fn manual_review(layout: &Layout) -> Result<Option<i64>> {
    let built = Folder::find(&layout.crm())?.filter(|folder| folder.manifest.phase.is_some_and(|phase| phase >= 4));
    Ok(built.and_then(|folder| folder.manifest.counts.get(MANUAL_REVIEW).copied()))
}

/// The question to the owner when contact flags alone override too many opt-ins.
fn doubt_of_flags(layout: &Layout) -> Result<Option<String>> {
    let Some(folder) = Folder::find(&layout.crm())? else { return Ok(None) };
    let (mut overridden, mut opt_ins) = (0, 0);
    for columns in folder.read::<departures::Table>(None)? {
        for row in columns?.rows() {
            match Departure::from_code(row.departure) {
                Some(Departure::ConsentFlag) => overridden = row.row_count,
                Some(Departure::ConsentGrants) => opt_ins = row.row_count,
                _ => {}
            }
        }
    }
    Ok(flags_to_confirm(overridden, opt_ins).map(|found| format!("{found}: does false mean opted out? consent.flag_false")))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a run of this version verified everything in another database than the one verified last.
fn proves_staging(record: &Value, place: &str) -> bool {
    record["step"] == "verify"
        && record["exit"] == 0
        && record["version"] == env!("CARGO_PKG_VERSION")
        && record["result"]["phase"] == 6
        && record["result"]["place"].as_str().is_some_and(|other| !place.is_empty() && other != place)
}

fn closed(path: &Path) -> Result<BTreeMap<usize, String>> {
    let held = read_json(path)?.unwrap_or(Value::Null);
    let lines = held["closed"].as_object().cloned().unwrap_or_default();
    Ok(lines
        .iter()
        .filter_map(|(number, note)| Some((number.parse().ok()?, format!("{}, {}", text(&note["by"]), text(&note["on"])))))
        .collect())
}
