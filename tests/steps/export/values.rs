//! Values of every type that an export reads are those that the server itself prints.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Schema, TimeUnit, TimestampMicrosecondType};
use crm_backfill::model::Day;
use crm_backfill::pg::{ExportQuery, Snapshot};

use super::*;

/// Values that other exporters change, compared with the server's own text.
#[test]
fn every_value_is_the_servers_own_text() {
    let texts = [
        ("numeric(20,4)", "1234567890123456.7890"),
        ("numeric", "123456789012345678901234567890.123456789"),
        ("numeric", "0.00000000000000000001"),
        ("numeric", "NaN"),
        ("numeric", "Infinity"),
        ("jsonb", r#"{"n": 12345678901234567890.123456789}"#),
        ("jsonb", "null"),
        ("json", r#"{"b":1,  "a":2}"#),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("text[]", "{{a,b},{c,NULL}}"),
        ("interval", "1 year 2 mons 3 days 04:05:06.789"),
        ("inet", "10.1.2.3/24"),
        ("time", "24:00:00"),
        ("bytea", r"\x00ff"),
        ("float8", "0.1"),
        ("float8", "NaN"),
        ("float4", "3.4028235e+38"),
        ("char(5)", "ab"),
        ("varchar(9)", "Zoë \u{1F3CC}"),
        ("money", "$1.50"),
        ("mood", "so so"),
        ("point", "(1,2)"),
        ("xml", "<a/>"),
        ("timestamptz", "4714-11-24 00:00:00+00 BC"),
        ("date", "5874897-12-31"),
    ];
    let database = database("create type mood as enum ('happy', 'so so');");
    let text = |index: usize| Field::new(format!("c{index}"), DataType::Utf8, true);
    let mut fields: Vec<Field> = (0..texts.len()).map(text).collect();
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let columns: Vec<String> =
        texts.iter().enumerate().map(|(index, (kind, value))| format!("'{value}'::{kind} as c{index}")).collect();
    let instants = [
        "infinity",
        "-infinity",
        "4714-11-24 00:00:00+00 BC",
        "294246-12-31 23:59:59.999999+00",
        "1969-12-31 23:59:59.999999+00",
        "2024-03-31 01:30:00+00",
        "1892-02-08 00:00:00+02",
        "294276-12-31 23:59:59.999999+00",
    ];
    let days =
        ["infinity", "-infinity", "4714-11-24 BC", "5874897-12-31", "1970-01-01", "2000-02-29", "0001-01-01", "0001-12-31 BC"];
    fields.extend(
        [("at", utc.clone()), ("naive", utc), ("on", DataType::Date32), ("flag", DataType::Boolean), ("small", DataType::Int32)]
            .map(|(name, kind)| Field::new(name, kind, true)),
    );
    let rows: Vec<String> = instants
        .iter()
        .zip(days)
        .map(|(at, on)| {
            format!("('{at}'::timestamptz, '{}'::timestamp, '{on}'::date, 1::int, '-7'::int2)", at.replace("+02", ""))
        })
        .collect();
    let sql = format!(
        "select {}, v.\"at\", v.naive, v.\"on\", v.flag, v.small\nfrom (values {}) v(\"at\", naive, \"on\", flag, small)\norder by v.\"at\";",
        columns.join(", "),
        rows.join(", ")
    );
    let schema = Arc::new(Schema::new(fields));
    let query =
        ExportQuery { name: "test.values".to_owned(), file: "values.sql".to_owned(), sql: sql.clone(), schema, needs: None };
    let dsn = Dsn::new(&database.url, "TEST");
    let snapshot = Snapshot::begin(Connection::open(&dsn, "the test").unwrap(), as_of(), None).unwrap();
    let prepared = snapshot.prepare(vec![query]).unwrap();
    let mut batches = Vec::new();
    let exported = snapshot
        .copy(&prepared[0], |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
    let batch = &batches[0];
    assert_eq!(exported.rows, instants.len() as u64);

    database.execute("set timezone = 'UTC'");
    let body = sql.trim_end_matches(';');
    for (index, text) in texts.iter().enumerate() {
        let server = database.value(&format!("set timezone = 'UTC'; select min(c{index}::text) from ({body}) q"));
        assert_eq!(batch.column(index).as_string::<i32>().value(0), server, "{text:?}");
    }
    // The oracle of instants and days: the server's own arithmetic.
    let micros = |column: &str| {
        format!("case when isfinite({column}) then trunc(extract(epoch from {column}) * 1000000)::text else {column}::text end")
    };
    let server = database.rows(&format!(
        "select {}, {}, case when isfinite(\"on\") then (\"on\" - date '1970-01-01')::text else \"on\"::text end from ({body}) q",
        micros("\"at\""),
        micros("naive")
    ));
    let show_instant = |index: usize, row: usize| {
        let column = batch.column(index).as_primitive::<TimestampMicrosecondType>();
        match (column.is_null(row), Timestamp(column.value(row))) {
            (true, _) => "too late".to_owned(),
            (_, at) if at.is_finite() => at.0.to_string(),
            (_, at) => at.to_string(),
        }
    };
    let base = texts.len();
    for (row, expected) in server.iter().enumerate() {
        for (index, expected) in [(base, &expected[0]), (base + 1, &expected[1])] {
            let late = expected.parse::<i128>().is_ok_and(|micros| micros >= i128::from(i64::MAX));
            let expected = if late { "too late" } else { expected };
            assert_eq!(show_instant(index, row), expected);
        }
        let day = Day(batch.column(base + 2).as_primitive::<Date32Type>().value(row));
        let shown = if day.is_finite() { day.0.to_string() } else { day.to_string() };
        assert_eq!(shown, expected[2]);
    }
    assert!(batch.column(base + 3).as_boolean().value(0));
    assert_eq!(batch.column(base + 4).as_primitive::<Int32Type>().value(0), -7);
    let count = |column: &str, kind: &str| {
        exported.specials.iter().find(|(name, found, _)| name == column && *found == kind).map_or(0, |found| found.2)
    };
    assert_eq!((count("at", "infinite"), count("at", "before_christ"), count("at", "out_of_range")), (2, 1, 1));
    assert_eq!((count("on", "infinite"), count("on", "before_christ")), (2, 2));
}
