//! Tests of the encoding of values.

use super::*;
use arrow::array::StringArray;
use arrow::datatypes::TimeUnit;

fn encoded(name: &'static str, array: ArrayRef, wire: Wire) -> anyhow::Result<Vec<u8>> {
    let column = CopyColumn::plan(name, array.data_type(), wire).expect("the pair is supported");
    let mut buffer = Vec::new();
    let rows = array.len();
    Encoder::new("test__rows", vec![column]).encode(&|_| Some(array.clone()), rows, &mut buffer, |_| Ok(()))?;
    Ok(buffer)
}

#[test]
fn jsonb_gets_its_version_byte_and_null_its_mark() {
    let array: ArrayRef = std::sync::Arc::new(StringArray::from(vec![Some("{}"), None]));
    let bytes = encoded("evidence", array, Wire::Jsonb).unwrap();
    assert_eq!(bytes, [0, 1, 0, 0, 0, 3, 1, b'{', b'}', 0, 1, 255, 255, 255, 255]);
}

#[test]
fn an_empty_list_has_no_dimension() {
    let mut builder = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    builder.append(true);
    let bytes = encoded("tags", std::sync::Arc::new(builder.finish()), Wire::TextArray(25, None)).unwrap();
    assert_eq!(bytes, [0, 1, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]);
}

#[test]
fn an_unfit_value_is_reported_without_the_value() {
    let text = |value: &str| -> ArrayRef { std::sync::Arc::new(StringArray::from(vec![value])) };
    let too_long = encoded("first_name", text("Überlang"), Wire::Text(Some(7))).unwrap_err().to_string();
    assert!(too_long.contains("first_name") && too_long.contains("longer") && !too_long.contains("berlang"), "{too_long}");
    assert!(encoded("first_name", text("Überlan"), Wire::Text(Some(7))).is_ok());
    assert!(encoded("id", text("not-a-uuid"), Wire::Uuid).is_err());
    assert!(encoded("first_name", text("a\0b"), Wire::Text(None)).is_err());
}

#[test]
fn lossy_pairs_are_not_planned() {
    assert!(CopyColumn::plan("handicap", &DataType::Decimal128(4, 1), Wire::Int4).is_none());
    assert!(CopyColumn::plan("occurred_at", &DataType::Timestamp(TimeUnit::Microsecond, None), Wire::Date).is_none());
}
