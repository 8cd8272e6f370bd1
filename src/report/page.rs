//! Renders the report as one offline page: numbers and charts in a template.

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};

use crate::report::charts::{
    Bar, Flow, Overlap, Split, StepSpan, bars, columns, count, drawn, gantt, months, sankey, share, splits, upset, waterfall,
};
use crate::report::numbers::{Counted, Numbers};
use crate::report::template;

const TEMPLATE: &str = include_str!("page.html");

/// The page; the same numbers give the same bytes.
pub fn render(numbers: &Numbers) -> Result<String> {
    template::render(
        TEMPLATE,
        context! {
            n => Value::from(Serde(numbers)),
            charts => context! {
                flow => Value::from_safe_string(flow(numbers)),
                overlaps => Value::from_safe_string(overlaps(numbers)),
                bits => Value::from_safe_string(bits(numbers)),
                rules => Value::from_safe_string(rules(numbers)),
                clusters => Value::from_safe_string(upright("profiles by number of records", &numbers.clusters, true, &[])),
                rejects => Value::from_safe_string(ranked("rejected values by reason", &numbers.rejects, "s6")),
                flags => Value::from_safe_string(flags(numbers)),
                consents => Value::from_safe_string(consents(numbers)),
                timeline => Value::from_safe_string(timeline(numbers)),
                engagement => Value::from_safe_string(upright("profiles by engagement score", &numbers.engagement, false, &SCORE_BANDS)),
                churn => Value::from_safe_string(upright("profiles by churn risk", &numbers.churn, false, &[])),
                segments => Value::from_safe_string(segments(numbers)),
                deviations => Value::from_safe_string(ranked("rows decided by deviations", &deviations(numbers), "s2")),
                steps => Value::from_safe_string(steps(numbers)),
            },
            waterfalls => numbers.explained.iter().map(|pair| Value::from_safe_string(waterfall(&pair.waterfall))).collect::<Vec<_>>(),
            fill => fill(numbers),
            checks => context! {
                passed => states(numbers, "PASSED"),
                failed => states(numbers, "FAILED"),
                vacuous => states(numbers, "VACUOUS"),
                all => numbers.checks.len(),
            },
            by_flag_alone => numbers.consent.iter().map(|held| held.flags_alone).sum::<i64>(),
            open_lines => open_lines(numbers),
            total_time => total_time(numbers),
            exported => numbers.entities.iter().map(|entity| entity.exported).sum::<i64>(),
            profiles => numbers.six.first().map_or(0, |total| total.count),
        },
    )
}

/// Entries of docs/deviations.md that are counted for information only, because the strategy decides the same.
const NO_DEVIATION: [&str; 5] = ["consent-grants", "consent-minors", "activity-scope", "handicap-pre-whs", "consent-conflict"];

fn deviations(numbers: &Numbers) -> Vec<Counted> {
    numbers.departures.iter().filter(|held| !NO_DEVIATION.contains(&held.name.as_str())).cloned().collect()
}

/// Total duration of the steps, and exported rows per second.
fn total_time(numbers: &Numbers) -> String {
    let taken: i64 = numbers.steps.iter().map(|step| step.taken_ms).sum();
    let rows: i64 = numbers.entities.iter().map(|entity| entity.exported).sum();
    let rate = if taken > 0 { rows * 1000 / taken } else { 0 };
    format!("All steps: {}.{} s, {} exported rows a second.", taken / 1000, taken % 1000 / 100, count(rate))
}

/// Lines of the checklist that are not done: first what failed, then what needs manual review, then what is open.
fn open_lines(numbers: &Numbers) -> Vec<Value> {
    let mut lines: Vec<_> = numbers.checklist.iter().filter(|line| line.state != "DONE" && line.state != "READY").collect();
    lines.sort_by_key(|line| ["FAILED", "NEEDS_A_PERSON"].iter().position(|state| *state == line.state).unwrap_or(2));
    lines.into_iter().map(Serde).map(Value::from).collect()
}

fn states(numbers: &Numbers, state: &str) -> usize {
    numbers.checks.iter().filter(|check| check.state == state).count()
}

/// Flow of person records: source → outcome → profiles.
fn flow(numbers: &Numbers) -> String {
    const CLASSES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
    let mut flows = Vec::new();
    let mut ends = Vec::new();
    for (index, people) in numbers.people.iter().enumerate() {
        let class = CLASSES[index % CLASSES.len()];
        let entity = numbers.entities.iter().find(|entity| {
            entity.source == people.source && matches!(entity.entity.as_str(), "members" | "players" | "contacts")
        });
        let rejected = entity.map_or(0, |entity| entity.rejected);
        let outcomes = [
            ("seed record", people.founded, "profiles"),
            ("linked across", people.linked, "profiles"),
            ("linked within", people.merged, "profiles"),
            ("skipped", people.skipped, ""),
            ("rejected", rejected, ""),
        ];
        for (outcome, value, end) in outcomes {
            let flow =
                |stage: usize, from: &str, to: &str| Flow { stage, from: from.to_owned(), to: to.to_owned(), value, class };
            flows.push(flow(0, &people.source, outcome));
            let end = if end.is_empty() { "not in the CRM" } else { "in the CRM" };
            ends.push(flow(1, outcome, end));
        }
    }
    flows.extend(ends);
    drawn(|width| sankey("outcomes of all person records", width, &flows))
}

/// Completeness of the staged columns as a matrix: a row per column, a cell per source.
fn fill(numbers: &Numbers) -> Vec<Value> {
    let mut columns: Vec<&str> = numbers.fill.iter().map(|fill| fill.column.as_str()).collect();
    columns.sort_unstable();
    columns.dedup();
    let cell = |column: &str, source: &str| {
        let found = numbers.fill.iter().find(|fill| fill.column == column && fill.source == source);
        found.map_or(Value::from(()), |fill| {
            let percent = if fill.rows > 0 { fill.filled * 100 / fill.rows } else { 0 };
            context! {
                percent,
                share => share(fill.filled, fill.rows),
                cleaned => fill.cleaned,
                rejected => fill.rejected,
                tip => format!(
                    "{} of {} rows have a value; {} cleaned, {} rejected",
                    count(fill.filled),
                    count(fill.rows),
                    count(fill.cleaned),
                    count(fill.rejected)
                ),
            }
        })
    };
    columns
        .into_iter()
        .map(|column| {
            let cells: Vec<Value> = numbers.people.iter().map(|people| cell(column, &people.source)).collect();
            context! { column, cells }
        })
        .collect()
}

fn overlaps(numbers: &Numbers) -> String {
    let sets: Vec<(String, i64)> = numbers.people.iter().map(|people| (people.source.clone(), people.profiles)).collect();
    let rows: Vec<Overlap> = numbers
        .overlaps
        .iter()
        .map(|overlap| Overlap { held: sets.iter().map(|set| overlap.sources.contains(&set.0)).collect(), value: overlap.count })
        .collect();
    drawn(|width| upset("profiles by their sources", width, &sets, &rows))
}

fn bits(numbers: &Numbers) -> String {
    let (Some(first), Some(last)) = (numbers.identity.bits.first(), numbers.identity.bits.last()) else {
        return drawn(|width| columns("links by match weight", width, &[], true, &[]));
    };
    let (first, last) = (first.bits.max(-12), last.bits.min(36));
    let rows: Vec<Bar> = (first..=last)
        .map(|bit| {
            let held = numbers.identity.bits.iter().filter(|held| held.bits.clamp(first, last) == bit);
            let (links, candidates) = held.fold((0, 0), |sum, held| (sum.0 + held.links, sum.1 + held.candidates));
            Bar {
                label: bit.to_string(),
                value: links + candidates,
                tip: format!("{bit} bits: {} links, {} for review", count(links), count(candidates)),
                class: if links >= candidates { "s1" } else { "s5" },
            }
        })
        .collect();
    let mark = |bit: i32| usize::try_from(bit - first).unwrap_or(0);
    let marks: Vec<(usize, &str)> = if first < 3 { vec![(mark(3), "link from 3 bits")] } else { Vec::new() };
    drawn(|width| columns("links and near misses by match weight in bits, logarithmic scale", width, &rows, true, &marks))
}

fn rules(numbers: &Numbers) -> String {
    let mut rows: Vec<Bar> = numbers.rules.iter().map(|rule| Bar::new(rule.rule.as_str(), rule.links)).collect();
    rows.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.label.cmp(&b.label)));
    for row in &mut rows {
        row.class = if row.label == "FOUNDER" { "s8" } else { "s1" };
    }
    drawn(|width| bars("records by the rule of their link", width, &rows))
}

fn upright(title: &str, counts: &[Counted], is_log: bool, marks: &[(usize, &str)]) -> String {
    let rows: Vec<Bar> = counts.iter().map(|counted| Bar::new(counted.name.as_str(), counted.count)).collect();
    drawn(|width| columns(title, width, &rows, is_log, marks))
}

/// Where the strategy's score bands begin, in bands of ten.
const SCORE_BANDS: [(usize, &str); 4] = [(0, "very low"), (2, "low"), (5, "medium"), (8, "high")];

fn ranked(title: &str, counts: &[Counted], class: &'static str) -> String {
    let rows: Vec<Bar> =
        counts.iter().take(24).map(|counted| Bar { class, ..Bar::new(counted.name.as_str(), counted.count) }).collect();
    drawn(|width| bars(title, width, &rows))
}

fn flags(numbers: &Numbers) -> String {
    let rows: Vec<Split> = numbers
        .consent
        .iter()
        .map(|held| Split {
            label: held.channel.clone(),
            parts: vec![
                ("by row".to_owned(), "s3", held.flags_with_row),
                ("by flag".to_owned(), "s2", held.flags_alone),
                ("may not".to_owned(), "s8", held.flags_off),
            ],
        })
        .collect();
    drawn(|width| splits("flags of profiles by channel", width, &rows))
}

fn consents(numbers: &Numbers) -> String {
    let rows: Vec<Split> = numbers
        .consent
        .iter()
        .map(|held| Split {
            label: held.channel.clone(),
            parts: vec![("OPTED_IN".to_owned(), "s3", held.opted_in), ("OPTED_OUT".to_owned(), "s6", held.opted_out)],
        })
        .collect();
    drawn(|width| splits("consent rows by channel", width, &rows))
}

fn timeline(numbers: &Numbers) -> String {
    let timeline = &numbers.timeline;
    let rows: Vec<(String, Vec<i64>)> = timeline.months.iter().map(|month| (month.month.clone(), month.counts.clone())).collect();
    let now = numbers.as_of.get(..7).unwrap_or_default();
    let at = |month: &str| timeline.months.iter().position(|held| held.month == month);
    let mut marks = Vec::new();
    if let Some(index) = at(now) {
        marks.push((index, "as_of"));
    }
    drawn(|width| months("activities by month", width, &timeline.kinds, &rows, &marks))
}

fn segments(numbers: &Numbers) -> String {
    let rows: Vec<Bar> = numbers
        .segments
        .iter()
        .map(|segment| Bar::new(format!("{} (tenant {})", segment.name, segment.tenant), segment.members))
        .collect();
    drawn(|width| bars("segment members by rule", width, &rows))
}

fn steps(numbers: &Numbers) -> String {
    let spans: Vec<StepSpan> = numbers
        .steps
        .iter()
        .map(|step| StepSpan {
            label: step.step.clone(),
            start: step.start_ms,
            taken: step.taken_ms,
            note: format!("{}.{} s · {} MiB", step.taken_ms / 1000, step.taken_ms % 1000 / 100, step.peak_mib),
        })
        .collect();
    drawn(|width| gantt("steps of the last runs", width, &spans))
}

#[cfg(test)]
mod tests;
