//! `overview`: shows the last migration on one screen, from run records and the report's numbers.

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::report::numbers::Counted;
use crate::report::overview::{Screen, history, text};
use crate::store::{all_run_records, read_json};

/// Arguments of `overview`: none of its own.
#[derive(clap::Args, Debug)]
pub struct OverviewArgs {}

/// Columns of the screen.
const WIDTH: usize = 120;

/// Reads `data/runs` and `data/report/report.json`.
pub fn run(session: &Session, _args: OverviewArgs) -> Result<StepOutcome> {
    let layout = &session.layout;
    let path = layout.report().join("report.json");
    let Some(report) = read_json(&path)? else {
        return Err(Fault::new(Exit::Input, "there is no report yet").at(path.display().to_string()).help("make report").into());
    };
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let sum = |values: &[Value], key: &str| values.iter().map(|value| number(&value[key])).sum::<u64>();
    let entities = list(&report["entities"]);
    let people = list(&report["people"]);
    let outcomes =
        |entity: &Value| ["loaded", "merged", "skipped", "rejected"].iter().map(|key| number(&entity[key])).sum::<u64>();
    let largest = list(&report["largest"]).iter().map(|profile| number(&profile["count"])).max().unwrap_or(0);
    let effects = list(&report["values"]["effects"]);
    let effect = |name: &str| effects.iter().find(|held| held["effect"] == name).map_or(0, |held| number(&held["total"]));
    let mut rules: Vec<Counted> = list(&report["rules"])
        .iter()
        .filter(|rule| rule["rule"] != "FOUNDER")
        .map(|rule| Counted::new(rule["rule"].as_str().unwrap_or_default(), rule["links"].as_i64().unwrap_or(0)))
        .collect();
    rules.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    let screen = Screen {
        exported: sum(&entities, "exported"),
        is_balanced: entities.iter().all(|entity| outcomes(entity) == number(&entity["exported"])),
        people: [
            sum(&people, "records"),
            sum(&people, "founded"),
            sum(&people, "linked") + sum(&people, "merged"),
            sum(&people, "skipped"),
            largest,
        ],
        rules,
        review: sum(&list(&report["identity"]["refusals"]), "count"),
        values: ["CLEANED", "DEFAULTED", "REJECTED"].map(effect),
        decisions: decisions(&report),
        pilot: list(&report["origin"]["pilot"]).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        report: layout.report().join("index.html").display().to_string(),
        history: history(&all_run_records(layout)?),
    };
    let rows: Vec<Value> = screen
        .history
        .phases
        .iter()
        .map(|row| json!({ "phase": row.phase, "exported": row.exported, "records": row.records, "profiles": row.profiles, "passed": row.passed, "failed": row.failed, "seconds": row.seconds }))
        .collect();
    let summary = json!({ "phases": rows, "decisions": screen.decisions, "rolled_back": screen.history.rolled_back });
    Ok(StepOutcome::new(text(&screen, WIDTH), summary).next("make checklist"))
}

/// Open decisions: unknown codes, segments that cannot be evaluated, checklist lines.
fn decisions(report: &Value) -> Vec<(String, String)> {
    let mut decisions = Vec::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let unknown: Vec<String> = list(&report["findings"])
        .iter()
        .filter(|finding| finding["effect"] == "DEFAULTED" && finding["value"].is_string())
        .map(|finding| {
            format!(
                "{} {:?} of {}.{}",
                finding["count"],
                words(&finding["value"]),
                words(&finding["source"]),
                words(&finding["column"])
            )
        })
        .collect();
    if !unknown.is_empty() {
        decisions.push((format!("unknown words: {}", unknown.join(", ")), "data/reference/*.csv".to_owned()));
    }
    let broken: Vec<String> = list(&report["segments"])
        .iter()
        .filter(|segment| segment["error"].is_string())
        .map(|segment| format!("segment {} of tenant {}", words(&segment["name"]), words(&segment["tenant"])))
        .collect();
    if !broken.is_empty() {
        decisions.push((format!("rules that cannot be read: {}", broken.join(", ")), "docs/segments.md".to_owned()));
    }
    for line in list(&report["checklist"]).iter().filter(|line| line["state"] == "NEEDS_A_PERSON" || line["state"] == "FAILED") {
        decisions.push((
            format!("{}: {}", words(&line["words"]), words(&line["proof"])),
            format!("checklist line {}", line["number"]),
        ));
    }
    decisions
}
