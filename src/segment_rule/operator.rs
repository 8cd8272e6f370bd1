//! Operators: the fields they fit and the values they take.

use serde_json::Value;

use crate::coded;
use crate::model::{Code as _, Day, Timestamp};
use crate::segment_rule::error::{Place, RuleError};
use crate::segment_rule::field::FieldKind;
use crate::segment_rule::rule::{Ago, Comparison, DateTest, ListTest, NumberTest, Snap, Span, SpanUnit, Test, TextTest, When};
use crate::segment_rule::{Decimal, MAX_VALUES};

coded! {
    /// An operator in canonical spelling.
    pub enum Operator {
        /// Equal.
        Eq = "eq",
        /// Different, and not missing.
        Neq = "neq",
        /// Larger.
        Gt = "gt",
        /// Larger or equal.
        Gte = "gte",
        /// Smaller.
        Lt = "lt",
        /// Smaller or equal.
        Lte = "lte",
        /// From one value to another, both included.
        Between = "between",
        /// One of several.
        In = "in",
        /// None of several, and not missing.
        NotIn = "notIn",
        /// Has a part; of a list: has an element.
        Contains = "contains",
        /// Lacks a part, and is not missing.
        NotContains = "notContains",
        /// Begins with.
        StartsWith = "startsWith",
        /// Ends with.
        EndsWith = "endsWith",
        /// Missing.
        IsNull = "isNull",
        /// Not missing.
        IsNotNull = "isNotNull",
        /// Has at least one of several elements.
        HasAny = "hasAny",
        /// Has all of several elements.
        HasAll = "hasAll",
        /// Has none of several elements.
        HasNone = "hasNone",
        /// Before a moment.
        Before = "before",
        /// After a moment.
        After = "after",
        /// On a day.
        On = "on",
        /// Not longer ago, and not in the future.
        WithinLast = "withinLast",
        /// The complement of `withinLast`; a missing date belongs to it.
        NotWithinLast = "notWithinLast",
        /// From now on, not later than.
        WithinNext = "withinNext",
        /// Longer ago.
        OlderThan = "olderThan",
        /// The anniversary comes within.
        AnniversaryWithin = "anniversaryWithin",
    }
}

use Operator::{
    After, AnniversaryWithin, Before, Between, Contains, EndsWith, Gt, Gte, HasAll, HasAny, HasNone, In, IsNotNull, IsNull, Lt,
    Lte, Neq, NotContains, NotIn, NotWithinLast, OlderThan, On, StartsWith, WithinLast, WithinNext,
};

impl Operator {
    /// The operators for a type of field.
    pub fn of(kind: FieldKind) -> &'static [Self] {
        match kind {
            FieldKind::Text | FieldKind::Word => {
                &[Self::Eq, Neq, In, NotIn, Contains, NotContains, StartsWith, EndsWith, IsNull, IsNotNull]
            }
            FieldKind::Number => &[Self::Eq, Neq, Gt, Gte, Lt, Lte, Between, In, NotIn, IsNull, IsNotNull],
            FieldKind::Flag => &[Self::Eq, Neq, IsNull, IsNotNull],
            FieldKind::Instant | FieldKind::Day => &[
                Self::Eq,
                Neq,
                Gt,
                Gte,
                Lt,
                Lte,
                Between,
                Before,
                After,
                On,
                WithinLast,
                NotWithinLast,
                WithinNext,
                OlderThan,
                AnniversaryWithin,
                IsNull,
                IsNotNull,
            ],
            FieldKind::List => &[Contains, NotContains, HasAny, HasAll, HasNone, IsNull, IsNotNull],
        }
    }

    fn comparison(self) -> Option<Comparison> {
        Some(match self {
            Self::Eq => Comparison::Eq,
            Neq => Comparison::Neq,
            Gt | After => Comparison::Gt,
            Gte => Comparison::Gte,
            Lt | Before => Comparison::Lt,
            Lte => Comparison::Lte,
            _ => return None,
        })
    }
}

/// The test of a field by an operator and a value; `place` is the node with both.
pub fn test(kind: FieldKind, operator: Operator, value: Option<&Value>, place: &Place<'_>) -> Result<Test, RuleError> {
    if !Operator::of(kind).contains(&operator) {
        let fitting: Vec<_> = Operator::of(kind).iter().map(|known| known.code()).collect();
        let what = format!("{:?} does not fit {}, which takes {}", operator.code(), kind.name(), fitting.join(", "));
        return Err(Place::Key(place, "operator").error(what));
    }
    let place = Place::Key(place, "value");
    if matches!(operator, IsNull | IsNotNull) {
        // Rule builders save null, true or an empty text where an operator takes no value.
        let is_blank = match value {
            None | Some(Value::Null | Value::Bool(true)) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        return match is_blank {
            true => Ok(if operator == IsNull { Test::IsNull } else { Test::IsNotNull }),
            false => Err(place.error(format!("{:?} does not take a value", operator.code()))),
        };
    }
    let value = match value {
        None => return Err(place.error("is missing")),
        Some(Value::Null) => return Err(place.error("null equals nothing; use \"isNull\" or \"isNotNull\"")),
        Some(value) => value,
    };
    match kind {
        FieldKind::Text | FieldKind::Word => text_test(operator, value, &place).map(Test::Text),
        FieldKind::Number => number_test(operator, value, &place).map(Test::Number),
        FieldKind::Flag => flag(value, &place).map(|flag| Test::Flag(flag == (operator == Operator::Eq))),
        FieldKind::Instant | FieldKind::Day => date_test(operator, value, &place).map(Test::Date),
        FieldKind::List => list_test(operator, value, &place).map(Test::List),
    }
}

fn text_test(operator: Operator, value: &Value, place: &Place<'_>) -> Result<TextTest, RuleError> {
    let negated = matches!(operator, Neq | NotIn | NotContains);
    Ok(match operator {
        In | NotIn => TextTest::OneOf { values: list(value, place, text)?, negated },
        Contains | NotContains => TextTest::Contains { part: text(value, place)?, negated },
        StartsWith => TextTest::StartsWith(text(value, place)?),
        EndsWith => TextTest::EndsWith(text(value, place)?),
        _ => TextTest::OneOf { values: vec![text(value, place)?], negated },
    })
}

/// The test of a number, either a field or computed over activities.
pub fn number_test(operator: Operator, value: &Value, place: &Place<'_>) -> Result<NumberTest, RuleError> {
    if let Some(comparison) = operator.comparison() {
        return Ok(NumberTest::Compare(comparison, number(value, place)?));
    }
    if operator == Between {
        let (from, to) = pair(value, place, number)?;
        return Ok(NumberTest::Between(from, to));
    }
    Ok(NumberTest::OneOf { values: list(value, place, number)?, negated: operator == NotIn })
}

fn list_test(operator: Operator, value: &Value, place: &Place<'_>) -> Result<ListTest, RuleError> {
    let values = match (operator, value) {
        (Contains | NotContains, single) if !single.is_array() => vec![text(single, place)?],
        _ => list(value, place, text)?,
    };
    Ok(match operator {
        HasAll => ListTest::HasAll(values),
        HasNone | NotContains => ListTest::HasNone(values),
        _ => ListTest::HasAny(values),
    })
}

fn date_test(operator: Operator, value: &Value, place: &Place<'_>) -> Result<DateTest, RuleError> {
    if let Some(comparison) = operator.comparison() {
        return Ok(DateTest::Compare(comparison, when(value, place)?));
    }
    Ok(match operator {
        On => DateTest::On(when(value, place)?),
        Between => {
            let (from, to) = pair(value, place, when)?;
            DateTest::Between(from, to)
        }
        WithinNext => DateTest::WithinNext(ahead(value, place)?),
        AnniversaryWithin => DateTest::AnniversaryWithin(ahead(value, place)?),
        NotWithinLast => DateTest::NotWithinLast(ago(value, place)?),
        OlderThan => DateTest::OlderThan(ago(value, place)?),
        _ => DateTest::WithinLast(ago(value, place)?),
    })
}

/// Reads a list of values with one function.
pub fn list<T>(
    value: &Value,
    place: &Place<'_>,
    read: fn(&Value, &Place<'_>) -> Result<T, RuleError>,
) -> Result<Vec<T>, RuleError> {
    let parts;
    let values = match value {
        Value::Array(values) => values,
        Value::String(text) => {
            parts = comma_separated(text);
            &parts
        }
        _ => return Err(place.error("must be a list")),
    };
    if values.len() > MAX_VALUES {
        return Err(place.error(format!("has {} values; the maximum is {MAX_VALUES}", values.len())));
    }
    values.iter().enumerate().map(|(index, value)| read(value, &Place::Index(place, index))).collect()
}

/// The parts of a rule builder's list in one text, `a, b\, c`: without blanks at their ends; a backslash keeps a comma.
fn comma_separated(text: &str) -> Vec<Value> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&',') => part.extend(letters.next()),
            ',' => parts.push(std::mem::take(&mut part)),
            _ => part.push(letter),
        }
    }
    parts.push(part);
    parts.into_iter().map(|part| Value::String(part.trim().to_owned())).collect()
}

fn pair<T>(value: &Value, place: &Place<'_>, read: fn(&Value, &Place<'_>) -> Result<T, RuleError>) -> Result<(T, T), RuleError> {
    let ends = match value {
        Value::Array(ends) => ends.clone(),
        Value::String(text) => comma_separated(text),
        _ => Vec::new(),
    };
    match &ends[..] {
        [from, to] => Ok((read(from, &Place::Index(place, 0))?, read(to, &Place::Index(place, 1))?)),
        _ => Err(place.error("must be a list of two values, from and to")),
    }
}

/// A text; PostgreSQL cannot hold the character NUL.
pub fn text(value: &Value, place: &Place<'_>) -> Result<String, RuleError> {
    match value {
        Value::String(text) if text.contains('\0') => Err(place.error("contains the character NUL")),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(place.error("must be a text")),
    }
}

fn number(value: &Value, place: &Place<'_>) -> Result<Decimal, RuleError> {
    let read = match value {
        Value::Number(number) => Decimal::from_json(number),
        Value::String(text) => Decimal::parse(text),
        _ => None,
    };
    read.ok_or_else(|| place.error("must be a number, with at most fifteen digits and six decimals"))
}

fn flag(value: &Value, place: &Place<'_>) -> Result<bool, RuleError> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(place.error("must be true or false")),
    }
}

const DATES: &str = "must be a date such as \"2026-01-31\", an instant, or {\"relative\":\"-60d\"} with s, h, d, w, mo or y";

/// A moment: ISO date or instant, relative date, or the placeholder of the old rule builder.
pub fn when(value: &Value, place: &Place<'_>) -> Result<When, RuleError> {
    match value {
        Value::String(text) => moment(text.trim()).ok_or_else(|| place.error(DATES)),
        Value::Object(_) => {
            let (span, snap) = relative(value, place)?;
            Ok(When::Relative(span, snap))
        }
        _ => Err(place.error(DATES)),
    }
}

fn moment(text: &str) -> Option<When> {
    use chrono::{Datelike, NaiveDate, NaiveDateTime};
    let sensible = |date: NaiveDate| (1..=9999).contains(&date.year());
    if let Some(span) = placeholder(text) {
        return Some(When::Relative(span, None));
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return sensible(date).then(|| When::Day(Day::from_date(date)));
    }
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return sensible(at.date_naive()).then(|| When::Instant(Timestamp(at.timestamp_micros())));
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let local = local.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    sensible(local.date()).then(|| When::Local(local.and_utc().timestamp_micros()))
}

/// `{{60_DAYS_AGO}}`
fn placeholder(text: &str) -> Option<Span> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?.trim().to_ascii_uppercase();
    let (amount, unit) = inner.strip_suffix("_AGO")?.split_once('_')?;
    let unit = match unit.trim_end_matches('S') {
        "HOUR" => SpanUnit::Hour,
        "DAY" => SpanUnit::Day,
        "WEEK" => SpanUnit::Week,
        "MONTH" => SpanUnit::Month,
        "YEAR" => SpanUnit::Year,
        _ => return None,
    };
    limited(Span { amount: -amount.parse::<i32>().ok()?, unit })
}

/// A time span such as `-60d` or `P60D`, at most a thousand years.
fn span(text: &str) -> Option<Span> {
    let text = text.trim();
    if let Some(span) = iso_span(text) {
        return Some(span);
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    limited(Span { amount: digits.parse().ok()?, unit: SpanUnit::from_code(&text[digits.len()..])? })
}

/// A duration of ISO 8601 with one unit: `P30D`, `-P6M`, `PT12H`.
fn iso_span(text: &str) -> Option<Span> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let text = text.strip_prefix('P')?;
    let (text, is_time) = text.strip_prefix('T').map_or((text, false), |rest| (rest, true));
    let (amount, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match (unit, is_time) {
        ("Y", false) => SpanUnit::Year,
        ("M", false) => SpanUnit::Month,
        ("W", false) => SpanUnit::Week,
        ("D", false) => SpanUnit::Day,
        ("H", true) => SpanUnit::Hour,
        ("S", true) => SpanUnit::Second,
        _ => return None,
    };
    let amount: i32 = amount.parse().ok().filter(|amount| *amount >= 0)?;
    limited(Span { amount: sign * amount, unit })
}

fn limited(span: Span) -> Option<Span> {
    let most = match span.unit {
        SpanUnit::Second => i32::MAX,
        SpanUnit::Hour => 8_766_000,
        SpanUnit::Day => 365_250,
        SpanUnit::Week => 52_178,
        SpanUnit::Month => 12_000,
        SpanUnit::Year => 1_000,
    };
    (span.amount.unsigned_abs() <= most.unsigned_abs()).then_some(span)
}

fn relative(value: &Value, place: &Place<'_>) -> Result<(Span, Option<Snap>), RuleError> {
    let Value::Object(keys) = value else { return Err(place.error(DATES)) };
    if let Some(strange) = keys.keys().find(|key| !matches!(key.as_str(), "relative" | "snap")) {
        return Err(Place::Key(place, strange).error("is not an allowed key"));
    }
    let read = keys.get("relative").and_then(Value::as_str).and_then(span);
    let span = read.ok_or_else(|| Place::Key(place, "relative").error(DATES))?;
    let snap = match keys.get("snap") {
        None | Some(Value::Null) => None,
        Some(snap) => Some(
            snap.as_str()
                .and_then(Snap::from_code)
                .ok_or_else(|| Place::Key(place, "snap").error("must be \"day\", \"week\", \"month\" or \"year\""))?,
        ),
    };
    Ok((span, snap))
}

/// A time span before as_of: `"30d"`, `"-30d"` or `{"relative":"-1mo","snap":"month"}`.
pub fn ago(value: &Value, place: &Place<'_>) -> Result<Ago, RuleError> {
    let (span, snap) = match value {
        Value::String(text) => (span(text).ok_or_else(|| place.error(SPANS))?, None),
        Value::Object(_) => {
            let (span, snap) = relative(value, place)?;
            if span.amount > 0 {
                return Err(place.error("must be in the past, such as \"-30d\""));
            }
            (span, snap)
        }
        _ => return Err(place.error(SPANS)),
    };
    Ok(Ago { span: Span { amount: -span.amount.abs(), ..span }, snap })
}

const SPANS: &str = "must be a span such as \"30d\" with s, h, d, w, mo or y, or \"P30D\"";

fn ahead(value: &Value, place: &Place<'_>) -> Result<Span, RuleError> {
    let read = match value {
        Value::String(text) => span(text).ok_or_else(|| place.error(SPANS))?,
        Value::Object(_) => match relative(value, place)? {
            (span, None) => span,
            (_, Some(_)) => return Err(place.error("does not take a snap")),
        },
        _ => return Err(place.error(SPANS)),
    };
    if read.amount < 0 {
        return Err(place.error("must be in the future, such as \"30d\""));
    }
    Ok(read)
}
