//! Writes a rule in canonical form. Reading the canonical form again gives the same rule.

use serde_json::{Map, Value, json};

use crate::model::{Code as _, Timestamp};
use crate::segment_rule::Decimal;
use crate::segment_rule::rule::{
    ActivityTest, Aggregate, Ago, Comparison, Condition, DateTest, Filter, ListTest, Node, NumberTest, Span, Test, TextTest, When,
};

/// The rule as JSON.
pub fn canonical(rule: &Node) -> Value {
    match rule {
        Node::All(nodes) => json!({ "all": nodes.iter().map(canonical).collect::<Vec<_>>() }),
        Node::Any(nodes) => json!({ "any": nodes.iter().map(canonical).collect::<Vec<_>>() }),
        Node::Not(node) => json!({ "not": canonical(node) }),
        Node::Field(field, test) => with_test(json!({ "field": field.code() }), test),
        Node::Activity(test) => activity(test),
        Node::Member { segment, is_member } => {
            json!({ "segment": segment, "operator": if *is_member { "memberOf" } else { "notMemberOf" } })
        }
    }
}

fn with_test(mut node: Value, test: &Test) -> Value {
    let (operator, value) = operator_and_value(test);
    node["operator"] = operator.into();
    if let Some(value) = value {
        node["value"] = value;
    }
    node
}

fn operator_and_value(test: &Test) -> (&'static str, Option<Value>) {
    let (operator, value) = match test {
        Test::IsNull => return ("isNull", None),
        Test::IsNotNull => return ("isNotNull", None),
        Test::Text(test) => text(test),
        Test::Number(test) => number(test),
        Test::Flag(flag) => ("eq", json!(flag)),
        Test::Date(test) => date(test),
        Test::List(ListTest::HasAny(values)) => ("hasAny", json!(values)),
        Test::List(ListTest::HasAll(values)) => ("hasAll", json!(values)),
        Test::List(ListTest::HasNone(values)) => ("hasNone", json!(values)),
    };
    (operator, Some(value))
}

fn text(test: &TextTest) -> (&'static str, Value) {
    match test {
        TextTest::OneOf { values, negated } => match (values.as_slice(), negated) {
            ([single], false) => ("eq", json!(single)),
            ([single], true) => ("neq", json!(single)),
            (several, false) => ("in", json!(several)),
            (several, true) => ("notIn", json!(several)),
        },
        TextTest::Contains { part, negated } => (if *negated { "notContains" } else { "contains" }, json!(part)),
        TextTest::StartsWith(part) => ("startsWith", json!(part)),
        TextTest::EndsWith(part) => ("endsWith", json!(part)),
    }
}

fn number(test: &NumberTest) -> (&'static str, Value) {
    let numbers = |values: &[Decimal]| Value::from(values.iter().map(|value| value.to_json()).collect::<Vec<_>>());
    match test {
        NumberTest::Compare(comparison, value) => (comparison.name(), value.to_json()),
        NumberTest::Between(from, to) => ("between", numbers(&[*from, *to])),
        NumberTest::OneOf { values, negated } => (if *negated { "notIn" } else { "in" }, numbers(values)),
    }
}

fn date(test: &DateTest) -> (&'static str, Value) {
    match test {
        DateTest::Compare(Comparison::Lt, moment) => ("before", when(*moment)),
        DateTest::Compare(Comparison::Gt, moment) => ("after", when(*moment)),
        DateTest::Compare(comparison, moment) => (comparison.name(), when(*moment)),
        DateTest::On(moment) => ("on", when(*moment)),
        DateTest::Between(from, to) => ("between", json!([when(*from), when(*to)])),
        DateTest::WithinLast(span) => ("withinLast", ago(*span)),
        DateTest::NotWithinLast(span) => ("notWithinLast", ago(*span)),
        DateTest::OlderThan(span) => ("olderThan", ago(*span)),
        DateTest::WithinNext(span) => ("withinNext", json!(length(*span))),
        DateTest::AnniversaryWithin(span) => ("anniversaryWithin", json!(length(*span))),
    }
}

fn when(when: When) -> Value {
    match when {
        When::Day(day) => json!(day.to_string()),
        When::Instant(at) => json!(at.utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        When::Local(local) => json!(Timestamp(local).utc().naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
        When::Relative(span, None) => json!({ "relative": length(span) }),
        When::Relative(span, Some(snap)) => json!({ "relative": length(span), "snap": snap.code() }),
    }
}

fn ago(ago: Ago) -> Value {
    match ago.snap {
        None => json!(length(Span { amount: ago.span.amount.abs(), ..ago.span })),
        Some(snap) => json!({ "relative": length(ago.span), "snap": snap.code() }),
    }
}

fn length(span: Span) -> String {
    format!("{}{}", span.amount, span.unit)
}

fn activity(test: &ActivityTest) -> Value {
    let aggregate = match &test.aggregate {
        Aggregate::Count => "count".to_owned(),
        Aggregate::DistinctDays => "distinctDays".to_owned(),
        Aggregate::DaysSinceLast => "daysSinceLast".to_owned(),
        Aggregate::DaysSinceFirst => "daysSinceFirst".to_owned(),
        Aggregate::CountDistinct(path) => format!("countDistinct:{}", path.join(".")),
        Aggregate::Sum(path) => format!("sum:{}", path.join(".")),
        Aggregate::Avg(path) => format!("avg:{}", path.join(".")),
        Aggregate::Min(path) => format!("min:{}", path.join(".")),
        Aggregate::Max(path) => format!("max:{}", path.join(".")),
    };
    with_test(json!({ "activity": filter(&test.filter), "aggregate": aggregate }), &test.test)
}

fn filter(filter: &Filter) -> Value {
    let mut keys = Map::new();
    let lists = [
        ("type", &filter.types),
        ("category", &filter.categories),
        ("channel", &filter.channels),
        ("sourceService", &filter.services),
        ("clubId", &filter.clubs),
    ];
    for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        keys.insert(key.to_owned(), json!(values));
    }
    if !filter.conditions.is_empty() {
        keys.insert("where".to_owned(), filter.conditions.iter().map(condition).collect());
    }
    let mut window = Map::new();
    window.extend(filter.within_last.map(|span| ("withinLast".to_owned(), ago(span))));
    window.extend(filter.from.map(|moment| ("from".to_owned(), when(moment))));
    window.extend(filter.to.map(|moment| ("to".to_owned(), when(moment))));
    if !window.is_empty() {
        keys.insert("window".to_owned(), window.into());
    }
    if filter.include_future {
        keys.insert("includeFuture".to_owned(), true.into());
    }
    keys.into()
}

fn condition(condition: &Condition) -> Value {
    with_test(json!({ "path": condition.path }), &condition.test)
}
