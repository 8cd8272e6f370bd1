//! The bytes of one cell, from the type of the dataset to the type of the target.

use arrow::array::{Array as _, ArrayRef, ArrowPrimitiveType, AsArray as _, StringArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};

use crate::pg::copy::limits::Unfit;
use crate::pg::copy::wire::Wire;

/// Microseconds and days from 1970, Arrow's epoch, to 2000, PostgreSQL's.
pub(super) const MICROS_2000: i64 = 946_684_800_000_000;
const DAYS_2000: i32 = 10_957;

/// Appends the cell of a row that is not null: its length and its bytes.
pub(super) type PutCell<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Unfit> + 'a>;

/// How the cells of an array are written for a type of the target; `None` if that would lose data.
pub(super) fn put_cell(array: &ArrayRef, wire: Wire) -> Option<PutCell<'_>> {
    Some(match (array.data_type(), wire) {
        (DataType::Utf8, Wire::Text(None) | Wire::Json) => texts(array, |text, buffer| put_bytes(buffer, text.as_bytes())),
        (DataType::Utf8, Wire::Text(Some(limit))) => texts(array, move |text, buffer| {
            if is_longer(text, limit) {
                return Err(Unfit::Long);
            }
            put_bytes(buffer, text.as_bytes())
        }),
        (DataType::Utf8, Wire::Jsonb) => texts(array, |json, buffer| {
            buffer.extend_from_slice(&length(json.len() + 1));
            buffer.push(1);
            buffer.extend_from_slice(json.as_bytes());
            Ok(())
        }),
        (DataType::Utf8, Wire::Uuid) => texts(array, |text, buffer| {
            let id = uuid::Uuid::try_parse(text).map_err(|_| Unfit::Uuid)?;
            put_bytes(buffer, id.as_bytes())
        }),
        (DataType::Utf8, Wire::Int2) => texts(array, |text, buffer| put_bytes(buffer, &integer::<i16>(text)?.to_be_bytes())),
        (DataType::Utf8, Wire::Int4) => texts(array, |text, buffer| put_bytes(buffer, &integer::<i32>(text)?.to_be_bytes())),
        (DataType::Utf8, Wire::Int8) => texts(array, |text, buffer| put_bytes(buffer, &integer::<i64>(text)?.to_be_bytes())),
        (DataType::Utf8, Wire::Numeric) => texts(array, |text, buffer| put_numeric(buffer, i128::from(integer::<i64>(text)?), 0)),
        (DataType::Boolean, Wire::Bool) => {
            let flags = array.as_boolean();
            Box::new(|row, buffer| put_bytes(buffer, &[u8::from(flags.value(row))]))
        }
        (DataType::Int32, Wire::Int2) => values::<Int32Type>(array, |value, buffer| {
            let value = i16::try_from(value).map_err(|_| Unfit::Integer)?;
            put_bytes(buffer, &value.to_be_bytes())
        }),
        (DataType::Int32, Wire::Int4) => values::<Int32Type>(array, |value, buffer| put_bytes(buffer, &value.to_be_bytes())),
        (DataType::Int32, Wire::Int8) => {
            values::<Int32Type>(array, |value, buffer| put_bytes(buffer, &i64::from(value).to_be_bytes()))
        }
        (DataType::Int32, Wire::Text(_)) => values::<Int32Type>(array, |value, buffer| {
            use std::io::Write as _;
            put_sized(buffer, |buffer| {
                write!(buffer, "{value}").expect("a vector takes every byte");
                Ok(())
            })
        }),
        (DataType::Int32, Wire::Numeric) => values::<Int32Type>(array, |value, buffer| put_numeric(buffer, i128::from(value), 0)),
        (DataType::Int64, Wire::Int8) => values::<Int64Type>(array, |value, buffer| put_bytes(buffer, &value.to_be_bytes())),
        (DataType::Decimal128(_, scale @ 0..=4), Wire::Numeric) => {
            let scale = scale.unsigned_abs();
            values::<Decimal128Type>(array, move |value, buffer| put_numeric(buffer, value, scale))
        }
        (DataType::Decimal128(_, scale @ 0..=4), Wire::Float8) => {
            let unit = 10_f64.powi(i32::from(*scale));
            values::<Decimal128Type>(array, move |value, buffer| {
                #[allow(clippy::cast_precision_loss, reason = "a handicap has five digits")]
                let value = value as f64 / unit;
                put_bytes(buffer, &value.to_be_bytes())
            })
        }
        (DataType::Date32, Wire::Date) => {
            values::<Date32Type>(array, |day, buffer| put_bytes(buffer, &(day - DAYS_2000).to_be_bytes()))
        }
        (DataType::Date32, Wire::Timestamp) => values::<Date32Type>(array, |day, buffer| {
            let micros = i64::from(day - DAYS_2000) * 86_400_000_000;
            put_bytes(buffer, &micros.to_be_bytes())
        }),
        (DataType::Timestamp(TimeUnit::Microsecond, _), Wire::Timestamp) => {
            values::<TimestampMicrosecondType>(array, |at, buffer| put_bytes(buffer, &(at - MICROS_2000).to_be_bytes()))
        }
        (DataType::List(_), Wire::TextArray(element, limit)) => {
            let list = array.as_list::<i32>();
            let (offsets, words) = (list.value_offsets(), list.values().as_string_opt::<i32>()?);
            let index = |row: usize| usize::try_from(offsets[row]).expect("offsets are not negative");
            Box::new(move |row, buffer| put_list(buffer, words, index(row)..index(row + 1), element, limit))
        }
        _ => return None,
    })
}

/// Whether a text of the array has a character that PostgreSQL cannot store.
pub(super) fn has_nul(array: &ArrayRef) -> bool {
    let texts = match array.as_list_opt::<i32>() {
        Some(list) => list.values().as_string_opt::<i32>(),
        None => array.as_string_opt::<i32>(),
    };
    texts.is_some_and(|texts| texts.value_data().contains(&0))
}

fn texts<'a>(array: &'a ArrayRef, put: impl Fn(&str, &mut Vec<u8>) -> Result<(), Unfit> + 'a) -> PutCell<'a> {
    let array = array.as_string::<i32>();
    Box::new(move |row, buffer| put(array.value(row), buffer))
}

fn values<'a, T: ArrowPrimitiveType>(
    array: &'a ArrayRef,
    put: impl Fn(T::Native, &mut Vec<u8>) -> Result<(), Unfit> + 'a,
) -> PutCell<'a> {
    let array = array.as_primitive::<T>();
    Box::new(move |row, buffer| put(array.value(row), buffer))
}

/// An array of texts: dimensions, no nulls, type of the elements, length, lower bound, elements.
fn put_list(
    buffer: &mut Vec<u8>,
    words: &StringArray,
    range: std::ops::Range<usize>,
    element: u32,
    limit: Option<usize>,
) -> Result<(), Unfit> {
    put_sized(buffer, |buffer| {
        let dimensions = i32::from(!range.is_empty());
        buffer.extend_from_slice(&dimensions.to_be_bytes());
        buffer.extend_from_slice(&0_i32.to_be_bytes());
        buffer.extend_from_slice(&element.to_be_bytes());
        if dimensions == 1 {
            buffer.extend_from_slice(&length(range.len()));
            buffer.extend_from_slice(&1_i32.to_be_bytes());
        }
        for word in range.map(|index| words.value(index)) {
            if limit.is_some_and(|limit| is_longer(word, limit)) {
                return Err(Unfit::Long);
            }
            put_bytes(buffer, word.as_bytes())?;
        }
        Ok(())
    })
}

/// Appends bytes of a length that is known only after they were written.
fn put_sized(buffer: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>) -> Result<(), Unfit>) -> Result<(), Unfit> {
    let at = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    put(buffer)?;
    let written = length(buffer.len() - at - 4);
    buffer[at..at + 4].copy_from_slice(&written);
    Ok(())
}

pub(super) fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).expect("a cell has less than 2 GiB").to_be_bytes()
}

fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Unfit> {
    buffer.extend_from_slice(&length(bytes.len()));
    buffer.extend_from_slice(bytes);
    Ok(())
}

/// Whether a text has more characters than the limit. Characters are counted only if there are more bytes than that.
fn is_longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}

fn integer<N: std::str::FromStr>(text: &str) -> Result<N, Unfit> {
    text.parse().map_err(|_| Unfit::Integer)
}

/// A decimal in base 10,000: number of digits, weight of the first, sign, scale, digits.
fn put_numeric(buffer: &mut Vec<u8>, value: i128, scale: u8) -> Result<(), Unfit> {
    let magnitude = value.unsigned_abs();
    let unit = 10_u128.pow(u32::from(scale));
    let mut whole = magnitude / unit;
    let fraction = u16::try_from(magnitude % unit * 10_u128.pow(4 - u32::from(scale))).expect("four decimal digits fit");
    let mut digits = [0_u16; 12];
    let mut first = digits.len() - 1;
    digits[first] = fraction;
    while whole > 0 {
        first -= 1;
        digits[first] = u16::try_from(whole % 10_000).expect("a remainder below 10,000 fits");
        whole /= 10_000;
    }
    let end = if fraction == 0 { digits.len() - 1 } else { digits.len() };
    let weight = i16::try_from(digits.len()).expect("twelve fits") - 2 - i16::try_from(first).expect("at most eleven");
    let significant = digits[first..end].iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    buffer.extend_from_slice(&length(8 + 2 * significant));
    buffer.extend_from_slice(&u16::try_from(significant).expect("at most twelve").to_be_bytes());
    buffer.extend_from_slice(&(if significant == 0 { 0 } else { weight }).to_be_bytes());
    buffer.extend_from_slice(&(if value < 0 { 0x4000_u16 } else { 0 }).to_be_bytes());
    buffer.extend_from_slice(&u16::from(scale).to_be_bytes());
    for digit in &digits[first..first + significant] {
        buffer.extend_from_slice(&digit.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a numeric back by its documented meaning, as an independent check of the writer.
    fn decimal(bytes: &[u8]) -> f64 {
        let word = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (count, weight, sign) = (word(4), word(6), word(8));
        let digits = (0..count)
            .map(|index| f64::from(word(12 + 2 * usize::try_from(index).unwrap())) * 10_000_f64.powi(i32::from(weight - index)));
        digits.sum::<f64>() * if sign == 0 { 1.0 } else { -1.0 }
    }

    #[test]
    fn handicaps_are_encoded_as_exact_decimals() {
        for tenths in [-99_i128, -21, -1, 0, 1, 5, 10, 54, 100, 540, 999, 100_000, 123_456_789] {
            let mut buffer = Vec::new();
            put_numeric(&mut buffer, tenths, 1).unwrap();
            assert_eq!(decimal(&buffer), f64::from(i32::try_from(tenths).unwrap()) / 10.0, "{tenths}");
            assert_eq!(&buffer[10..12], &[0, 1]);
        }
    }

    #[test]
    fn zero_has_no_digits() {
        let mut buffer = Vec::new();
        put_numeric(&mut buffer, 0, 1).unwrap();
        assert_eq!(buffer, [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
