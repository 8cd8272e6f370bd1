//! The report as one offline page: numbers and charts into the template, nothing else.

use anyhow::Result;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::report::charts::{Bar, Flow, Overlap, Span, Split, bars, columns, count, gantt, months, sankey, share, splits, upset};
use crate::report::numbers::{Counted, Numbers};

const TEMPLATE: &str = include_str!("page.html");

/// The page; the same numbers give the same bytes.
pub fn render(numbers: &Numbers) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("count", |number: i64| count(number));
    environment.add_filter("signed", |number: i64| if number > 0 { format!("+{}", count(number)) } else { count(number) });
    environment.add_filter("lines", |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>());
    environment.add_function("share", |part: i64, whole: i64| share(part, whole));
    environment.add_template("page", TEMPLATE)?;
    let page = environment.get_template("page")?.render(context! {
        n => Value::from(Serde(numbers)),
        charts => context! {
            flow => Value::from_safe_string(flow(numbers)),
            overlaps => Value::from_safe_string(overlaps(numbers)),
            bits => Value::from_safe_string(bits(numbers)),
            rules => Value::from_safe_string(rules(numbers)),
            clusters => Value::from_safe_string(upright("profiles by number of records", &numbers.clusters, true)),
            rejects => Value::from_safe_string(ranked("refused values by reason", &numbers.rejects, "s6")),
            flags => Value::from_safe_string(flags(numbers)),
            consents => Value::from_safe_string(consents(numbers)),
            timeline => Value::from_safe_string(timeline(numbers)),
            engagement => Value::from_safe_string(upright("profiles by engagement score", &numbers.engagement, false)),
            churn => Value::from_safe_string(upright("profiles by churn risk", &numbers.churn, false)),
            segments => Value::from_safe_string(segments(numbers)),
            departures => Value::from_safe_string(ranked("rows decided by departures", &numbers.departures, "s2")),
            steps => Value::from_safe_string(steps(numbers)),
        },
        checks => context! {
            passed => states(numbers, "PASSED"),
            failed => states(numbers, "FAILED"),
            vacuous => states(numbers, "VACUOUS"),
            person => states(numbers, "NEEDS_A_PERSON"),
        },
        exported => numbers.entities.iter().map(|entity| entity.exported).sum::<i64>(),
        profiles => numbers.six.first().map_or(0, |total| total.count),
    })?;
    Ok(page)
}

fn states(numbers: &Numbers, state: &str) -> usize {
    numbers.checks.iter().filter(|check| check.state == state).count()
}

/// Person records: source → what became of them → profiles.
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
            ("founded a profile", people.founded, "profiles"),
            ("linked across sources", people.linked, "profiles"),
            ("merged within the source", people.merged, "profiles"),
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
    sankey("where every person record went", &flows)
}

fn overlaps(numbers: &Numbers) -> String {
    let sets: Vec<(String, i64)> = numbers.people.iter().map(|people| (people.source.clone(), people.profiles)).collect();
    let rows: Vec<Overlap> = numbers
        .overlaps
        .iter()
        .map(|overlap| Overlap { held: sets.iter().map(|set| overlap.sources.contains(&set.0)).collect(), value: overlap.count })
        .collect();
    upset("profiles by the sources that know them", &sets, &rows)
}

fn bits(numbers: &Numbers) -> String {
    let (Some(first), Some(last)) = (numbers.identity.bits.first(), numbers.identity.bits.last()) else {
        return columns("links by evidence", &[], true, &[]);
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
    columns("links and near misses by bits of evidence, lengths by logarithm", &rows, true, &marks)
}

fn rules(numbers: &Numbers) -> String {
    let mut rows: Vec<Bar> = numbers.rules.iter().map(|rule| Bar::new(rule.rule.as_str(), rule.links)).collect();
    rows.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.label.cmp(&b.label)));
    for row in &mut rows {
        row.class = if row.label == "FOUNDER" { "s8" } else { "s1" };
    }
    bars("records by the rule that placed them", &rows)
}

fn upright(title: &str, counts: &[Counted], is_log: bool) -> String {
    let rows: Vec<Bar> = counts.iter().map(|counted| Bar::new(counted.name.as_str(), counted.count)).collect();
    columns(title, &rows, is_log, &[])
}

fn ranked(title: &str, counts: &[Counted], class: &'static str) -> String {
    let rows: Vec<Bar> =
        counts.iter().take(24).map(|counted| Bar { class, ..Bar::new(counted.name.as_str(), counted.count) }).collect();
    bars(title, &rows)
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
    splits("flags of profiles by channel", &rows)
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
    splits("consent rows by channel", &rows)
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
    months("activities by month", &timeline.kinds, &rows, &marks)
}

fn segments(numbers: &Numbers) -> String {
    let rows: Vec<Bar> = numbers.segments.iter().map(|segment| Bar::new(segment.name.as_str(), segment.members)).collect();
    bars("segment members by rule", &rows)
}

fn steps(numbers: &Numbers) -> String {
    let spans: Vec<Span> = numbers
        .steps
        .iter()
        .map(|step| Span {
            label: step.step.clone(),
            start: step.start_ms,
            taken: step.taken_ms,
            note: format!("{}.{} s · {} MiB", step.taken_ms / 1000, step.taken_ms % 1000 / 100, step.peak_mib),
        })
        .collect();
    gantt("steps of the last runs", &spans)
}
