//! Conditions on the timelines of profiles, evaluated for all profiles and rules in as few passes over the activities as possible.

use crate::pg::verify::segment_sql::conditions::{instant, local_day, number, range, text};
use crate::pg::verify::segment_sql::writer::{SqlWriter, TimelineTest};
use crate::segment_rule::plan::{ActivityPlan, Measure, Range, RangeSide, ValueCheck};
use crate::segment_rule::rule::{Aggregate, TextTest};

impl SqlWriter {
    /// The tables of the tests: one for all without distinct values, and one for each other. `joins` attaches them to the profiles `p`.
    pub fn timelines(&self, parts: &mut Vec<String>) -> String {
        if self.tests.is_empty() {
            return String::new();
        }
        if !self.kinds.is_empty() {
            // The combinations are few, so that texts are folded for each of them and not for each activity.
            let columns: Vec<String> = self.kinds.iter().map(|column| format!("a.\"{column}\"::text")).collect();
            parts.push(format!("kinds as materialized (\n  select distinct {} from \"Activity\" as a\n)", columns.join(", ")));
        }
        let plain = self.tests.iter().enumerate().filter(|(_, test)| !test.is_distinct);
        let plain: Vec<String> = plain.map(|(number, test)| format!("{} as test_{number}", test.result)).collect();
        let mut joins = String::new();
        let mut add = |name: &str, results: &str, condition: &str| {
            parts.push(format!(
                "{name} as materialized (\n  select a.\"customerId\", {results}\n  from \"Activity\" as a{condition}\n  \
                 group by a.\"customerId\"\n)"
            ));
            joins.push_str(&format!("\n  left join {name} on {name}.\"customerId\" = p.\"id\""));
        };
        if !plain.is_empty() {
            add("timeline", &plain.join(",\n    "), "");
        }
        for (number, test) in self.tests.iter().enumerate().filter(|(_, test)| test.is_distinct) {
            let result = format!("{} as test_{number}", test.result);
            add(&format!("timeline_{number}"), &result, &format!("\n  where {}", test.matching));
        }
        joins
    }
}

/// A condition on the timeline of a profile. A profile without matching activities counts as one with an empty timeline.
pub fn activity(writer: &mut SqlWriter, plan: &ActivityPlan) -> String {
    let measure = &plan.measure;
    let mut conditions = Vec::new();
    let lists = [
        ("type", &measure.types),
        ("category", &measure.categories),
        ("channel", &measure.channels),
        ("sourceService", &measure.services),
        ("clubId", &measure.clubs),
    ];
    for (column, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        writer.kinds.insert(column);
        let test = TextTest::OneOf { values: values.clone(), negated: false };
        let test = text(writer, &writer.folded(&format!("k.\"{column}\"")), &test);
        conditions
            .push(format!("a.\"{column}\"::text = any (array(select distinct k.\"{column}\" from kinds as k where {test}))"));
    }
    let window = Range { from: measure.from, until: measure.until, side: RangeSide::Inside };
    if measure.from.is_some() || measure.until.is_some() {
        conditions.push(range(writer, "a.\"occurredAt\"", false, &window));
    }
    for (path, check) in &measure.conditions {
        conditions.push(metadata(writer, path, check));
    }
    let matching = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    let (numerator, denominator) = aggregate(writer, measure, &matching);
    let result = match &plan.check {
        ValueCheck::IsNull => format!("{numerator} is null"),
        ValueCheck::Number(test) => number(writer, &numerator, &denominator, test),
        _ => format!("{numerator} is not null"),
    };
    let result = format!("coalesce({result}, false)");
    let of_none = format!("(select {result} from \"Activity\" as a where false)");
    let is_distinct = matches!(measure.aggregate, Aggregate::DistinctDays | Aggregate::CountDistinct(_));
    writer.tests.push(TimelineTest { matching, result, is_distinct });
    format!("coalesce(test_{}, {of_none})", writer.tests.len() - 1)
}

/// The JSON value at a path.
fn at(writer: &mut SqlWriter, path: &[String]) -> String {
    let path = writer.texts(path);
    format!("(a.\"metadata\" #> {path})")
}

/// A JSON value as a number, if it is one that fifteen digits hold; see [`Decimal::from_json`].
fn numeric(value: &str) -> String {
    format!(
        "case when jsonb_typeof({value}) = 'number' then case when abs({value}::numeric) < 1e15 and ({value}::numeric = \
         trunc({value}::numeric) or abs({value}::numeric) < 1e9 and {value}::numeric = round({value}::numeric, 6)) \
         then {value}::numeric end end"
    )
}

/// A JSON value as a text, if it is one.
fn string(value: &str) -> String {
    format!("(case when jsonb_typeof({value}) = 'string' then {value} #>> '{{}}' end)")
}

fn metadata(writer: &mut SqlWriter, path: &[String], check: &ValueCheck) -> String {
    let value = at(writer, path);
    match check {
        ValueCheck::IsNull => format!("coalesce(jsonb_typeof({value}) = 'null', true)"),
        ValueCheck::IsNotNull => format!("coalesce(jsonb_typeof({value}) <> 'null', false)"),
        ValueCheck::Text(test) => text(writer, &writer.folded(&string(&value)), test),
        ValueCheck::Number(test) => number(writer, &format!("({})", numeric(&value)), "1", test),
        ValueCheck::Flag(flag) => format!("coalesce({value} = '{flag}'::jsonb, false)"),
        ValueCheck::List(_) | ValueCheck::Range(_) | ValueCheck::Anniversary(_) => "false".to_owned(),
    }
}

/// A number over the activities that match, as numerator and denominator.
fn aggregate(writer: &mut SqlWriter, measure: &Measure, matching: &str) -> (String, String) {
    let one = || "1".to_owned();
    let over = |aggregate: String| format!("{aggregate} filter (where {matching})");
    let occurred = "a.\"occurredAt\"::timestamp";
    let mut days_since = |function: &str| {
        let as_of = writer.text(&instant(measure.clock.as_of.0));
        let found = over(format!("{function}({occurred})"));
        format!("floor(extract(epoch from {as_of}::timestamp - {found})::numeric / 86400)")
    };
    match &measure.aggregate {
        Aggregate::Count => (format!("({})::numeric", over("count(*)".to_owned())), one()),
        Aggregate::DaysSinceLast => (days_since("max"), one()),
        Aggregate::DaysSinceFirst => (days_since("min"), one()),
        Aggregate::DistinctDays => {
            let zone = writer.text(measure.clock.zone.name());
            let days = over(format!("count(distinct {})", local_day("a.\"occurredAt\"", &zone)));
            (format!("({days})::numeric"), one())
        }
        Aggregate::CountDistinct(path) => {
            let value = at(writer, path);
            let key = format!(
                "case jsonb_typeof({value}) when 'string' then 's' || ({value} #>> '{{}}') \
                 when 'number' then 'n' || trim_scale({})::text when 'boolean' then 'b' || ({value} #>> '{{}}') end",
                numeric(&value)
            );
            (format!("({})::numeric", over(format!("count(distinct {key})"))), one())
        }
        Aggregate::Sum(path) => (format!("coalesce({}, 0)", over(format!("sum({})", numeric(&at(writer, path))))), one()),
        Aggregate::Min(path) => (over(format!("min({})", numeric(&at(writer, path)))), one()),
        Aggregate::Max(path) => (over(format!("max({})", numeric(&at(writer, path)))), one()),
        Aggregate::Avg(path) => {
            let value = numeric(&at(writer, path));
            (over(format!("sum({value})")), over(format!("count({value})")))
        }
    }
}
