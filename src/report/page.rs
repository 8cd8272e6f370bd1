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
            ("linked", people.linked, "profiles"),
            ("merged", people.merged, "profiles"),
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
                refused => fill.refused,
                tip => format!(
                    "{} of {} rows have a value; {} cleaned, {} rejected",
                    count(fill.filled),
                    count(fill.rows),
                    count(fill.cleaned),
                    count(fill.refused)
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
            parts: vec![("may be contacted".to_owned(), "s3", held.flags_on), ("may not".to_owned(), "s8", held.flags_off)],
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
mod tests {
    use super::*;
    use crate::model::{Reason, Source};
    use crate::report::checklist::{ChecklistFacts, checklist};
    use crate::report::numbers::{
        Fill, GoLiveVerdict, Month, ReportAnswer, ReportChange, ReportCheck, ReportConsent, ReportEntity, ReportPeople,
        ReportSegment, ReportStep, ReportTimeline, Rule, Tile, WeightBand,
    };
    use crate::report::values::ReportValues;

    /// An invented run with data for every section.
    fn sample() -> Numbers {
        let counted = |names: &[&str], first: i64| -> Vec<Counted> {
            names.iter().enumerate().map(|(index, name)| Counted::new(*name, first / (index as i64 + 1))).collect()
        };
        let people = |source: &str, records: i64, founded: i64| ReportPeople {
            source: source.to_owned(),
            records,
            founded,
            linked: (records - founded) * 3 / 4,
            merged: (records - founded) / 5,
            skipped: records - founded - (records - founded) * 3 / 4 - (records - founded) / 5,
            profiles: founded + (records - founded) * 3 / 4,
        };
        let check = |name: &str, state: &str| ReportCheck {
            name: name.to_owned(),
            expected: "0".to_owned(),
            observed: "0".to_owned(),
            state: state.to_owned(),
            ..ReportCheck::default()
        };
        let overlap = |sources: &[&str], count: i64| crate::report::numbers::ReportOverlap {
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            count,
        };
        let month = |index: i64| Month {
            month: format!("{}-{:02}", 2024 + (index + 9) / 12, (index + 9) % 12 + 1),
            counts: if index > 25 {
                vec![400 - index * 10, 0, 12]
            } else {
                vec![9000 + index * 210, 14_000 + (index * 977) % 4000, 900 - index * 20]
            },
        };
        let facts = ChecklistFacts {
            checks: vec![check("record_counts: crm__activities", "PASSED"), check("same_rows: crm__activities", "FAILED")],
            verified_phase: 6,
            ..ChecklistFacts::default()
        };
        Numbers {
            format: 1,
            as_of: "2026-11-22T08:00:00.000Z".to_owned(),
            phase: 6,
            phase_title: "scores and segments".to_owned(),
            verdict: GoLiveVerdict {
                state: "person".to_owned(),
                sentence: "Every check passed. Before it goes live, 4 lines of the checklist need manual review.".to_owned(),
                tiles: [
                    "exported rows",
                    "profiles",
                    "known to all three services",
                    "activities",
                    "pairs to review",
                    "rejected rows",
                ]
                .iter()
                .enumerate()
                .map(|(index, name)| Tile {
                    query: "profiles".to_owned(),
                    name: (*name).to_owned(),
                    count: 1_987_654 / (index as i64 * 9 + 1),
                    delta: (index < 3).then_some(12 - index as i64 * 8),
                    note: "a note".to_owned(),
                })
                .collect(),
            },
            entities: vec![ReportEntity {
                source: "scl".to_owned(),
                entity: "members".to_owned(),
                exported: 10,
                loaded: 6,
                merged: 2,
                skipped: 1,
                rejected: 1,
                estimate: Some(10_000),
                reasons: counted(&["NO_KEY"], 1),
            }],
            people: vec![
                people("mca_za", 50_118, 48_730),
                people("mca_uk", 30_000, 23_717),
                people("scl", 10_212, 2_460),
                people("teetime", 100_031, 61_204),
                people("messaging", 80_007, 21_001),
            ],
            overlaps: vec![
                overlap(&["teetime"], 50_100),
                overlap(&["mca_za"], 30_020),
                overlap(&["mca_uk", "teetime", "messaging"], 12_400),
                overlap(&["mca_za", "scl", "teetime", "messaging"], 4_210),
                overlap(&["scl"], 310),
            ],
            six: counted(&["total", "has_scl", "has_teetime", "has_messaging", "scl_and_teetime", "all_three"], 157_112),
            identity: crate::report::numbers::ReportIdentity {
                bits: (-4..30)
                    .map(|bits| WeightBand {
                        bits,
                        links: if bits < 3 { 0 } else { 40_000 / (i64::from(bits) + 1) },
                        candidates: if bits < 5 { 300 } else { 2 },
                    })
                    .collect(),
                refusals: counted(&["FIRST_NAME_CONFLICT", "BELOW_THRESHOLD"], 1200),
                hubs: counted(&["EMAIL MANY_OWNERS", "PHONE MANY_OWNERS"], 31),
                hub_records: 870,
            },
            rules: ["FOUNDER", "EMAIL", "EMAIL_PHONE", "PHONE", "NAME_DOB", "GOLF_RSA_ID"]
                .iter()
                .enumerate()
                .map(|(index, rule)| Rule {
                    rule: (*rule).to_owned(),
                    links: 150_000 / (index as i64 * 3 + 1),
                    confidence: 95,
                    lowest: 81,
                })
                .collect(),
            clusters: counted(&["1", "2", "3", "4", "5", "6", "10+"], 100_000),
            largest: counted(&["bf11aaaa-0000-8000-8000-000000000001"], 9),
            fill: vec![Fill {
                source: "scl".to_owned(),
                column: "email".to_owned(),
                rows: 10_212,
                filled: 9_100,
                cleaned: 44,
                refused: 3,
            }],
            rejects: counted(&["PHONE_INVALID", "EMAIL_INVALID", "DATE_IMPOSSIBLE"], 3_321),
            consent: ["EMAIL", "SMS", "PUSH", "WHATSAPP"]
                .iter()
                .map(|channel| ReportConsent {
                    channel: (*channel).to_owned(),
                    flags_on: 40_000,
                    flags_off: 117_112,
                    opted_in: 41_000,
                    opted_out: 9_000,
                })
                .collect(),
            suppressions: counted(&["EMAIL WITHDRAWN", "EMAIL BOUNCED"], 9_000),
            manual_review: counted(&["preferences CONSENT_UNREADABLE"], 3),
            timeline: ReportTimeline {
                kinds: vec!["BOOKING".to_owned(), "COMMUNICATION".to_owned(), "MEMBERSHIP".to_owned()],
                months: (0..28).map(month).collect(),
                before: 12_000,
                after_as_of: 812,
                types: counted(&["MESSAGE_DELIVERED", "TEETIME_BOOKED"], 410_000),
            },
            engagement: counted(
                &["0–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70–79", "80–89", "90–100", "none"],
                80_000,
            ),
            churn: counted(
                &["0–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70–79", "80–89", "90–100", "none"],
                60_000,
            ),
            values: ReportValues::count(&[Source::Scl], [(Source::Scl, Reason::EmailLowered, 4_321)]),
            segments: vec![ReportSegment {
                name: "Lapsing members".to_owned(),
                tenant: "1".to_owned(),
                members: 812,
                before: Some(790),
                error: None,
            }],
            changes: vec![ReportChange { name: "profiles".to_owned(), before: Some(157_100), now: 157_112 }],
            departures: counted(&["cancelled bookings", "a family mailbox links no records"], 5_100),
            checks: facts.checks.clone(),
            quality: vec![ReportAnswer {
                title: "Activity distribution".to_owned(),
                sql: "SELECT category, COUNT(*) FROM \"Activity\" GROUP BY category;".to_owned(),
                columns: vec!["category".to_owned(), "count".to_owned()],
                rows: vec![vec!["BOOKING".to_owned(), "400000".to_owned()]],
            }],
            steps: ["stage", "resolve", "consolidate", "score", "load", "verify"]
                .iter()
                .enumerate()
                .map(|(index, step)| ReportStep {
                    step: (*step).to_owned(),
                    start_ms: index as i64 * 2100,
                    taken_ms: 1900,
                    peak_mib: 310,
                    exit: 0,
                })
                .collect(),
            checklist: checklist(&facts),
            ..Numbers::default()
        }
    }

    #[test]
    fn the_page_loads_nothing_and_needs_no_script() {
        let page = render(&sample()).unwrap();
        for forbidden in ["http://", "https://", "<script", "<link", "<img", "url(", "@import", "undefined", "NaN", "inf"] {
            let found = page.find(forbidden).map(|at| &page[at.saturating_sub(40)..at + 20]);
            assert!(found.is_none() || forbidden == "inf" && !page.contains("\"inf\""), "{forbidden}: {found:?}");
        }
        assert!(page.contains("EMAIL_LOWERED") && page.contains("4,321"), "the table of values");
        for section in ["verdict", "rows", "known", "sure", "rules", "clusters", "quality", "rejects", "consent", "timeline"] {
            assert!(page.contains(&format!("<section id=\"{section}\">")), "{section}");
        }
    }

    #[test]
    fn an_empty_run_renders_too_and_the_same_numbers_give_the_same_bytes() {
        assert!(render(&Numbers::default()).unwrap().contains("Where every row went"));
        assert_eq!(render(&sample()).unwrap(), render(&sample()).unwrap());
    }

    #[test]
    fn a_name_that_looks_like_markup_stays_text() {
        let mut numbers = sample();
        numbers.segments[0].name = "<script>alert(1)</script>".to_owned();
        assert!(!render(&numbers).unwrap().contains("<script>"));
    }
}
