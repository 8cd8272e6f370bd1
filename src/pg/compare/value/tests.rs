//! Tests: a dataset's cell and the value that PostgreSQL returns for it are equal; any other value is not.

use std::sync::Arc;

use arrow::array::{ListBuilder, StringBuilder};
use proptest::prelude::*;

use super::*;
use crate::pg::copy::encode::{CopyColumn, Encoder};

/// The value that the server would return for a cell: the first value of the only tuple.
fn sent(array: &ArrayRef, wire: Wire) -> Vec<u8> {
    let column = CopyColumn::plan("value", array.data_type(), wire).expect("the pair is supported");
    let mut buffer = Vec::new();
    Encoder::new("test__rows", vec![column]).encode(&|_| Some(array.clone()), 1, &mut buffer, |_| Ok(())).unwrap();
    buffer[6..].to_vec()
}

fn cell(array: &ArrayRef, wire: Wire, type_name: &str) -> (Form, u64) {
    let form = Form::of(array.data_type(), wire, type_name).expect("the pair compares");
    (form, Cells::of(array).unwrap().hash(form, 0))
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

#[test]
fn every_type_that_load_writes_compares_equal_when_read_back() {
    let utc = || TimestampMicrosecondArray::from(vec![1_795_334_400_123_000]).with_timezone("UTC");
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.values().append_value("vip");
    tags.values().append_value("");
    tags.append(true);
    let tags: ArrayRef = Arc::new(tags.finish());
    let id = "bf110a0b-0c0d-8e0f-9011-121314151617";
    let handicap: ArrayRef = Arc::new(Decimal128Array::from(vec![-21]).with_data_type(DataType::Decimal128(4, 1)));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![-5_000]));
    let int: ArrayRef = Arc::new(Int32Array::from(vec![-40_000]));
    let small: ArrayRef = Arc::new(Int32Array::from(vec![7]));
    let pairs: Vec<(ArrayRef, Wire, &str)> = vec![
        (text("Zoë"), Wire::Text(None), "text"),
        (text("Zoë"), Wire::Text(Some(9)), "character varying(9)"),
        (text(id), Wire::Uuid, "uuid"),
        (text(r#"{"a": [1, "x"]}"#), Wire::Json, "json"),
        (text(r#"{"a": [1, "x"]}"#), Wire::Jsonb, "jsonb"),
        (text("42"), Wire::Int4, "integer"),
        (text("-42"), Wire::Int8, "bigint"),
        (Arc::new(BooleanArray::from(vec![true])), Wire::Bool, "boolean"),
        (small.clone(), Wire::Int2, "smallint"),
        (int.clone(), Wire::Int4, "integer"),
        (int.clone(), Wire::Int8, "bigint"),
        (int.clone(), Wire::Text(None), "text"),
        (int, Wire::Numeric, "numeric"),
        (Arc::new(Int64Array::from(vec![1_i64 << 40])), Wire::Int8, "bigint"),
        (handicap.clone(), Wire::Numeric, "numeric(4,1)"),
        (handicap, Wire::Float8, "double precision"),
        (day.clone(), Wire::Date, "date"),
        (day, Wire::Timestamp, "timestamp(3) without time zone"),
        (Arc::new(utc()), Wire::Timestamp, "timestamp(3) without time zone"),
        (Arc::new(utc()), Wire::Timestamp, "timestamp with time zone"),
        (tags, Wire::TextArray(25, None), "text[]"),
    ];
    for (array, wire, type_name) in pairs {
        let (form, hash) = cell(&array, wire, type_name);
        assert_eq!(form.of_wire(&sent(&array, wire)), hash, "{} as {type_name}", array.data_type());
    }
}

#[test]
fn a_change_by_the_columns_type_is_not_a_difference() {
    let form = |data_type: &DataType, wire, name: &str| Form::of(data_type, wire, name).unwrap();
    let padded = form(&DataType::Utf8, Wire::Text(Some(8)), "character(8)");
    assert_eq!(padded.of_text("+27 "), padded.of_wire(b"+27     "));
    let exact = form(&DataType::Utf8, Wire::Text(None), "text");
    assert_ne!(exact.of_text("+27 "), exact.of_wire(b"+27"));

    let id = form(&DataType::Utf8, Wire::Uuid, "uuid");
    let bits = uuid::Uuid::try_parse("0D9F1B6C-2F3A-4B8E-9C1D-2E3F4A5B6C7D").unwrap();
    assert_eq!(id.of_text("0d9f1b6c-2f3a-4b8e-9c1d-2e3f4a5b6c7d"), id.of_wire(bits.as_bytes()));

    // numeric(6,3) returns 2.100 for 2.1.
    let handicap = form(&DataType::Decimal128(4, 1), Wire::Numeric, "numeric(6,3)");
    let returned = [0, 2, 0, 0, 0, 0, 0, 3, 0, 2, 3, 232];
    let cells: ArrayRef = Arc::new(Decimal128Array::from(vec![21]).with_data_type(DataType::Decimal128(4, 1)));
    assert_eq!(Cells::of(&cells).unwrap().hash(handicap, 0), handicap.of_wire(&returned));

    // timestamp(0) rounds half a second up after 2000 and down before.
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let seconds = form(&utc, Wire::Timestamp, "timestamp(0) without time zone");
    for (given, stored) in [(1_500_000, 2_000_000), (-1_500_000, -2_000_000), (1_499_999, 1_000_000)] {
        let cells: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![MICROS_2000 + given]).with_timezone("UTC"));
        assert_eq!(Cells::of(&cells).unwrap().hash(seconds, 0), seconds.of_wire(&i64::to_be_bytes(stored)), "{given}");
    }
}

#[test]
fn absent_and_empty_are_two_values() {
    let form = Form::of(&DataType::Utf8, Wire::Text(None), "text").unwrap();
    let cells: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    assert_eq!(Cells::of(&cells).unwrap().hash(form, 0), NULL);
    assert_ne!(form.of_wire(b""), NULL);
    let list = Form::of(&DataType::new_list(DataType::Utf8, true), Wire::TextArray(25, None), "text[]").unwrap();
    assert_ne!(list.of_wire(&[0; 12]), NULL);
}

proptest! {
    #[test]
    fn decimals_are_equal_exactly_when_their_numbers_are(a in -99_999_i32..99_999, b in -99_999_i32..99_999) {
        let column = |value: i32| -> ArrayRef {
            Arc::new(Decimal128Array::from(vec![i128::from(value)]).with_data_type(DataType::Decimal128(4, 1)))
        };
        let (form, hash) = cell(&column(a), Wire::Numeric, "numeric");
        prop_assert_eq!(form.of_wire(&sent(&column(b), Wire::Numeric)) == hash, a == b);
    }

    #[test]
    fn bytes_of_any_kind_never_panic(value in proptest::collection::vec(any::<u8>(), 0..40)) {
        for (data_type, wire) in [
            (DataType::Utf8, Wire::Jsonb), (DataType::Utf8, Wire::Uuid), (DataType::Int32, Wire::Int4), (DataType::Int32, Wire::Text(None)),
            (DataType::Decimal128(4, 1), Wire::Numeric), (DataType::Decimal128(4, 1), Wire::Float8), (DataType::Boolean, Wire::Bool),
            (DataType::Date32, Wire::Date), (DataType::new_list(DataType::Utf8, true), Wire::TextArray(25, None)),
        ] {
            Form::of(&data_type, wire, "text").unwrap().of_wire(&value);
        }
    }
}
