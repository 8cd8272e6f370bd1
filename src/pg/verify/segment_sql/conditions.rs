//! Conditions on the fields of profiles.

use crate::model::{Code as _, Day, Timestamp};
use crate::pg::verify::segment_sql::writer::SqlWriter;
use crate::segment_rule::Decimal;
use crate::segment_rule::field::{Field, FieldKind};
use crate::segment_rule::moment::Anniversaries;
use crate::segment_rule::plan::{Range, RangeSide, ValueCheck};
use crate::segment_rule::rule::{Comparison, ListTest, NumberTest, TextTest};

fn column(field: Field) -> String {
    match field.code().strip_prefix("externalIds.") {
        Some(key) => format!("(p.\"externalIds\" ->> '{key}')"),
        None => format!("p.\"{}\"", field.code()),
    }
}

pub fn field_condition(writer: &mut SqlWriter, field: Field, check: &ValueCheck) -> String {
    let column = column(field);
    match check {
        ValueCheck::IsNull => format!("({column} is null)"),
        ValueCheck::IsNotNull => format!("({column} is not null)"),
        ValueCheck::Text(test) => text(writer, &writer.folded(&column), test),
        ValueCheck::Number(test) => number(writer, &format!("{column}::numeric"), "1", test),
        ValueCheck::Flag(true) => format!("coalesce({column}, false)"),
        ValueCheck::Flag(false) => format!("coalesce(not {column}, false)"),
        ValueCheck::List(test) => list(writer, &column, test),
        ValueCheck::Range(range) => self::range(writer, &column, field.kind() == FieldKind::Day, range),
        ValueCheck::Anniversary(anniversaries) => anniversary(writer, field, &column, anniversaries),
    }
}

pub fn text(writer: &mut SqlWriter, value: &str, test: &TextTest) -> String {
    let (holds, negated) = match test {
        TextTest::OneOf { values, negated } => (format!("{value} in {}", writer.lowered(values)), *negated),
        TextTest::Contains { part, negated } => {
            let part = writer.text(part);
            (format!("strpos({value}, {}) > 0", writer.lower(&part)), *negated)
        }
        TextTest::StartsWith(part) => {
            let part = writer.text(part);
            (format!("starts_with({value}, {})", writer.lower(&part)), false)
        }
        TextTest::EndsWith(part) => {
            let part = writer.text(part);
            let part = writer.lower(&part);
            (format!("right({value}, length({part})) = {part}"), false)
        }
    };
    two_valued(value, &holds, negated)
}

/// False if the value is missing, whether the test is negated or not.
fn two_valued(value: &str, holds: &str, negated: bool) -> String {
    if negated { format!("({value} is not null and not coalesce({holds}, false))") } else { format!("coalesce({holds}, false)") }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "=",
        Comparison::Neq => "<>",
        Comparison::Gt => ">",
        Comparison::Gte => ">=",
        Comparison::Lt => "<",
        Comparison::Lte => "<=",
    }
}

/// Compares a fraction with numbers; multiplied out, so that averages are compared exactly.
pub fn number(writer: &mut SqlWriter, numerator: &str, denominator: &str, test: &NumberTest) -> String {
    let mut bound = |value: Decimal| {
        let bound = writer.text(&value.to_string());
        format!("{bound}::numeric * {denominator}")
    };
    let holds = match test {
        NumberTest::Compare(comparison, value) => format!("{numerator} {} {}", sign(*comparison), bound(*value)),
        NumberTest::Between(from, to) => format!("{numerator} between {} and {}", bound(*from), bound(*to)),
        NumberTest::OneOf { values, negated } => {
            let values = values.iter().map(ToString::to_string).collect::<Vec<_>>();
            let values = writer.texts(&values);
            let holds = format!("{numerator} in (select one::numeric * {denominator} from unnest({values}) as one)");
            return two_valued(numerator, &holds, *negated);
        }
    };
    format!("coalesce({holds}, false)")
}

fn list(writer: &mut SqlWriter, column: &str, test: &ListTest) -> String {
    let element = writer.folded("element");
    let mut any_of = |values: &[String]| {
        format!("exists (select from unnest({column}) as element where {element} in {})", writer.lowered(values))
    };
    match test {
        ListTest::HasAny(values) => format!("({})", any_of(values)),
        ListTest::HasNone(values) => format!("(not {})", any_of(values)),
        ListTest::HasAll(values) => {
            let values = writer.lowered(values);
            format!("(not exists ({values} except select {element} from unnest({column}) as element))")
        }
    }
}

pub fn range(writer: &mut SqlWriter, column: &str, is_day: bool, range: &Range) -> String {
    let mut end = |sign: &str, value: i64| {
        if is_day {
            let bound = writer.text(&date(value));
            format!("{column} {sign} {bound}::date")
        } else {
            let bound = writer.text(&instant(value));
            format!("{column} {sign} {bound}::timestamp")
        }
    };
    let mut ends = Vec::new();
    ends.extend(range.from.map(|from| end(">=", from)));
    ends.extend(range.until.map(|until| end("<", until)));
    let inside = if ends.is_empty() { format!("{column} is not null") } else { ends.join(" and ") };
    match range.side {
        RangeSide::Inside => format!("coalesce({inside}, false)"),
        RangeSide::Outside => format!("coalesce(not ({inside}), false)"),
        RangeSide::OutsideOrMissing => format!("(not coalesce({inside}, false))"),
    }
}

/// An instant in PostgreSQL's format: without a sign before long years, and not before the year 1.
pub fn instant(at: i64) -> String {
    const YEAR_ONE: i64 = -62_135_596_800_000_000;
    if at < YEAR_ONE {
        return "-infinity".to_owned();
    }
    Timestamp(at).utc().naive_utc().format("%Y-%m-%d %H:%M:%S%.6f").to_string().trim_start_matches('+').to_owned()
}

/// A day in PostgreSQL's format.
fn date(number: i64) -> String {
    const YEAR_ONE: i64 = -719_162;
    match i32::try_from(number) {
        Ok(_) if number < YEAR_ONE => "-infinity".to_owned(),
        Ok(number) => Day(number).to_string().trim_start_matches('+').to_owned(),
        Err(_) => "infinity".to_owned(),
    }
}

/// The day of an instant on a zone's clocks.
pub fn local_day(column: &str, zone: &str) -> String {
    format!("({column}::timestamp at time zone 'UTC' at time zone {zone})::date")
}

fn anniversary(writer: &mut SqlWriter, field: Field, column: &str, of: &Anniversaries) -> String {
    let day = if field.kind() == FieldKind::Day { column.to_owned() } else { local_day(column, &writer.text(of.zone.name())) };
    let before = writer.text(&date(of.before));
    if of.all {
        return format!("coalesce({day} < {before}::date, false)");
    }
    let of_year = format!("(extract(month from {day}) * 100 + extract(day from {day}))");
    let (from, to) = (writer.text(&of.from.to_string()), writer.text(&of.to.to_string()));
    let joint = if of.from <= of.to { "and" } else { "or" };
    format!(
        "coalesce({day} < {before}::date and case when {of_year} = 229 then {} \
         else {of_year} >= {from}::numeric {joint} {of_year} <= {to}::numeric end, false)",
        of.leap_day
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_calendar_are_written_as_postgresql_reads_them() {
        let parsed = |text: &str| Day::from_date(text.parse().unwrap());
        assert_eq!(date(i64::from(parsed("9999-12-31").0) + 1), "10000-01-01");
        assert_eq!(instant(parsed("9999-12-31").start_utc().0 + Timestamp::DAY), "10000-01-01 00:00:00.000000");
        assert_eq!(date(i64::from(parsed("0001-01-01").0)), "0001-01-01");
        assert_eq!(date(i64::from(parsed("0001-01-01").0) - 1), "-infinity");
        assert_eq!(instant(parsed("0001-01-01").start_utc().0 - 1), "-infinity");
    }
}
