//! Hashes values independently of their type. A cell of a dataset and a value of the CRM get equal hashes exactly when the CRM
//! holds the value of the dataset, apart from what the type of the column changes (precision, scale, padding).

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use smallvec::SmallVec;

use crate::pg::compare::hash::{Mixer, of_bytes, of_word};
use crate::pg::compare::json;
use crate::pg::copy::wire::Wire;

/// PostgreSQL counts from 2000-01-01: microseconds and days of it since 1970.
const MICROS_2000: i64 = 946_684_800_000_000;
const DAYS_2000: i64 = 10_957;
const DAY_MICROS: i64 = 86_400_000_000;

/// The hash of an absent value.
pub const NULL: u64 = 0x5bd1_e995_9d1b_5acd;

/// How the values of one column are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    kind: ValueKind,
    wire: Wire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    /// As text; `char(n)` without its padding.
    Text {
        is_padded: bool,
    },
    /// 128 bits, independent of the spelling.
    Uuid,
    /// The JSON value, independent of the spelling.
    Json,
    Bool,
    /// A whole number; a text that is not one is a text.
    Integer,
    /// An exact decimal with this many digits after the point in the dataset.
    Decimal(u8),
    /// A double nearest to the decimal of the dataset.
    Float(u8),
    /// Days since 1970.
    Day,
    /// Midnight UTC of a day.
    DayInstant {
        digits: u8,
    },
    /// Microseconds since 2000, rounded to the column's precision.
    Instant {
        digits: u8,
    },
    /// Texts in order.
    List,
}

impl Form {
    /// How a dataset's type and a column of the target are compared; `None` for pairs that load cannot write either. `type_name`
    /// is the target's type as SQL writes it.
    pub fn of(data_type: &DataType, wire: Wire, type_name: &str) -> Option<Self> {
        let digits = precision(type_name);
        let is_padded = type_name.starts_with("character(") || type_name == "character";
        let kind = match (data_type, wire) {
            (DataType::Utf8, Wire::Text(_)) => ValueKind::Text { is_padded },
            (DataType::Utf8, Wire::Json | Wire::Jsonb) => ValueKind::Json,
            (DataType::Utf8, Wire::Uuid) => ValueKind::Uuid,
            (DataType::Utf8 | DataType::Int32 | DataType::Int64, Wire::Int2 | Wire::Int4 | Wire::Int8)
            | (DataType::Int32 | DataType::Int64, Wire::Text(_)) => ValueKind::Integer,
            (DataType::Boolean, Wire::Bool) => ValueKind::Bool,
            (DataType::Utf8 | DataType::Int32 | DataType::Int64, Wire::Numeric) => ValueKind::Decimal(0),
            (DataType::Decimal128(_, scale @ 0..=4), Wire::Numeric) => ValueKind::Decimal(scale.unsigned_abs()),
            (DataType::Decimal128(_, scale @ 0..=4), Wire::Float8) => ValueKind::Float(scale.unsigned_abs()),
            (DataType::Date32, Wire::Date) => ValueKind::Day,
            (DataType::Date32, Wire::Timestamp) => ValueKind::DayInstant { digits },
            (DataType::Timestamp(TimeUnit::Microsecond, _), Wire::Timestamp) => ValueKind::Instant { digits },
            (DataType::List(_), Wire::TextArray(..)) => ValueKind::List,
            _ => return None,
        };
        Some(Self { kind, wire })
    }

    /// How two cells of one column of a dataset are compared; `None` for types that no dataset has.
    pub fn of_dataset(data_type: &DataType) -> Option<Self> {
        let wire = match data_type {
            DataType::Utf8 => Wire::Text(None),
            DataType::Boolean => Wire::Bool,
            DataType::Int32 => Wire::Int4,
            DataType::Int64 => Wire::Int8,
            DataType::Decimal128(..) => Wire::Numeric,
            DataType::Date32 => Wire::Date,
            DataType::Timestamp(TimeUnit::Microsecond, _) => Wire::Timestamp,
            DataType::List(_) => Wire::TextArray(0, None),
            _ => return None,
        };
        Self::of(data_type, wire, "")
    }

    /// A text column, for values that load writes itself.
    pub fn text(wire: Wire) -> Self {
        Self { kind: if wire == Wire::Uuid { ValueKind::Uuid } else { ValueKind::Text { is_padded: false } }, wire }
    }

    /// The hash of a text of the dataset.
    pub fn of_text(self, text: &str) -> u64 {
        match self.kind {
            ValueKind::Text { is_padded: true } => bytes(text.trim_end_matches(' ').as_bytes()),
            ValueKind::Uuid => uuid::Uuid::try_parse(text).map_or_else(|_| bytes(text.as_bytes()), |id| number(id.as_u128())),
            ValueKind::Json => json::hash(text.as_bytes()).unwrap_or_else(|| bytes(text.as_bytes())),
            ValueKind::Integer => text.parse::<i64>().map_or_else(|_| bytes(text.as_bytes()), integer),
            ValueKind::Decimal(_) => {
                text.parse::<i64>().map_or_else(|_| bytes(text.as_bytes()), |whole| decimal(i128::from(whole), 0))
            }
            _ => bytes(text.as_bytes()),
        }
    }

    /// The hash of a value as the CRM sent it. A value without the size of its type is hashed as bytes, and so differs.
    pub fn of_wire(self, value: &[u8]) -> u64 {
        self.wire_hash(value).unwrap_or_else(|| bytes(value))
    }

    fn wire_hash(self, value: &[u8]) -> Option<u64> {
        Some(match self.kind {
            ValueKind::Text { is_padded } => {
                let blanks = if is_padded { value.iter().rev().take_while(|byte| **byte == b' ').count() } else { 0 };
                bytes(&value[..value.len() - blanks])
            }
            ValueKind::Uuid => number(u128::from_be_bytes(value.try_into().ok()?)),
            ValueKind::Json => {
                // jsonb is sent as a version byte and text.
                let text = if self.wire == Wire::Jsonb { value.strip_prefix(&[1])? } else { value };
                json::hash(text)?
            }
            ValueKind::Bool => integer(i64::from(*value.first()? != 0)),
            ValueKind::Integer => match self.wire {
                Wire::Int2 => integer(i64::from(i16::from_be_bytes(value.try_into().ok()?))),
                Wire::Int4 => integer(i64::from(i32::from_be_bytes(value.try_into().ok()?))),
                Wire::Int8 => integer(i64::from_be_bytes(value.try_into().ok()?)),
                _ => self.of_text(std::str::from_utf8(value).ok()?),
            },
            ValueKind::Decimal(_) => numeric(value)?,
            ValueKind::Float(_) => float(f64::from_be_bytes(value.try_into().ok()?)),
            ValueKind::Day => integer(i64::from(i32::from_be_bytes(value.try_into().ok()?)) + DAYS_2000),
            ValueKind::DayInstant { digits } | ValueKind::Instant { digits } => {
                integer(rounded(i64::from_be_bytes(value.try_into().ok()?), digits))
            }
            ValueKind::List => list(value)?,
        })
    }
}

/// The hash of zero, which counts hold before phase 6.
pub fn zero(form: Form) -> u64 {
    whole(form, 0)
}

/// The hash of a flag that is set.
pub fn yes() -> u64 {
    integer(1)
}

/// The digits of seconds that a column keeps.
fn precision(type_name: &str) -> u8 {
    let written = type_name.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(digits, _)| digits);
    match written {
        Some(digits) if type_name.starts_with("timestamp") => digits.parse().unwrap_or(6),
        _ => 6,
    }
}

fn bytes(value: &[u8]) -> u64 {
    of_bytes(11, value)
}

fn number(value: u128) -> u64 {
    let [high, low] = [(value >> 64) as u64, value as u64];
    of_word(of_word(12, high), low)
}

fn integer(value: i64) -> u64 {
    of_word(13, value.cast_unsigned())
}

fn float(value: f64) -> u64 {
    // Zero may be sent with or without digits.
    of_word(14, if value == 0.0 { 0 } else { value.to_bits() })
}

/// Rounds as PostgreSQL does: half away from its zero, which is the year 2000.
fn rounded(micros: i64, digits: u8) -> i64 {
    let unit = 10_i64.pow(u32::from(6_u8.saturating_sub(digits)));
    let half = unit / 2;
    let away = if micros < 0 { micros.checked_sub(half) } else { micros.checked_add(half) };
    away.map_or(micros, |away| away / unit * unit)
}

/// Sign, power of the first digit and digits in base 10,000, without zeros at either end.
fn digits_hash(is_negative: bool, first_power: i64, digits: &[u16]) -> u64 {
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    let trailing = digits.iter().rev().take_while(|digit| **digit == 0).count();
    let mut hasher = Mixer::new(15);
    if leading == digits.len() {
        return hasher.finish();
    }
    hasher.add(u64::from(is_negative));
    hasher.add((first_power - i64::try_from(leading).expect("a number has few digits")).cast_unsigned());
    for digit in &digits[leading..digits.len() - trailing] {
        hasher.add(u64::from(*digit));
    }
    hasher.finish()
}

fn numeric(value: &[u8]) -> Option<u64> {
    let word = |index: usize| value.get(2 * index..2 * index + 2).and_then(|word| word.try_into().ok()).map(u16::from_be_bytes);
    let (count, weight, sign) = (word(0)?, word(1)?.cast_signed(), word(2)?);
    // Infinities and NaN have sign codes of their own.
    if sign != 0 && sign != 0x4000 {
        return None;
    }
    let digits: SmallVec<[u16; 16]> = (0..usize::from(count)).map(|index| word(4 + index)).collect::<Option<_>>()?;
    Some(digits_hash(sign != 0, i64::from(weight), &digits))
}

fn decimal(value: i128, scale: u8) -> u64 {
    let groups = scale.div_ceil(4);
    let mut magnitude = value.unsigned_abs() * 10_u128.pow(u32::from(4 * groups - scale));
    let mut digits = SmallVec::<[u16; 16]>::new();
    while magnitude > 0 {
        digits.push(u16::try_from(magnitude % 10_000).unwrap_or(0));
        magnitude /= 10_000;
    }
    digits.reverse();
    let first_power = i64::try_from(digits.len()).unwrap_or(0) - 1 - i64::from(groups);
    digits_hash(value < 0, first_power, &digits)
}

/// Dimensions, a flag for nulls, the element's type, the length and lower bound of each dimension, then the elements.
fn list(value: &[u8]) -> Option<u64> {
    let int = |at: usize| value.get(at..at + 4).and_then(|int| int.try_into().ok()).map(i32::from_be_bytes);
    let mut hasher = Mixer::new(16);
    match int(0)? {
        0 => return Some(hasher.finish()),
        1 => {}
        _ => return None,
    }
    let count = usize::try_from(int(12)?).ok()?;
    let mut at = 20;
    for _ in 0..count {
        let length = usize::try_from(int(at)?).ok();
        at += 4;
        match length {
            Some(length) => {
                hasher.add(bytes(value.get(at..at + length)?));
                at += length;
            }
            None => hasher.add(NULL),
        }
    }
    Some(hasher.finish())
}

/// The cells of one column of one batch.
pub enum Cells<'a> {
    /// The same value in every row.
    Constant(u64),
    Text(&'a StringArray),
    Bool(&'a BooleanArray),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Decimal(&'a Decimal128Array),
    Day(&'a Date32Array),
    Instant(&'a TimestampMicrosecondArray),
    List(&'a ListArray, &'a StringArray),
}

impl<'a> Cells<'a> {
    /// The cells of an array; `None` for types that no dataset has.
    pub fn of(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>()),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive::<Decimal128Type>()),
            DataType::Date32 => Self::Day(array.as_primitive::<Date32Type>()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::Instant(array.as_primitive::<TimestampMicrosecondType>()),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Self::List(list, list.values().as_string_opt::<i32>()?)
            }
            _ => return None,
        })
    }

    /// The hash of a row's cell.
    pub fn hash(&self, form: Form, row: usize) -> u64 {
        if self.is_null(row) {
            return NULL;
        }
        match self {
            Self::Constant(hash) => *hash,
            Self::Text(array) => form.of_text(array.value(row)),
            Self::Bool(array) => integer(i64::from(array.value(row))),
            Self::Int32(array) => whole(form, i64::from(array.value(row))),
            Self::Int64(array) => whole(form, array.value(row)),
            Self::Decimal(array) => match form.kind {
                #[allow(clippy::cast_precision_loss, reason = "a handicap has five digits")]
                ValueKind::Float(scale) => float(array.value(row) as f64 / 10_f64.powi(i32::from(scale))),
                ValueKind::Decimal(scale) => decimal(array.value(row), scale),
                _ => number(array.value(row).cast_unsigned()),
            },
            Self::Day(array) => match form.kind {
                ValueKind::DayInstant { .. } => integer((i64::from(array.value(row)) - DAYS_2000).saturating_mul(DAY_MICROS)),
                _ => integer(i64::from(array.value(row))),
            },
            Self::Instant(array) => match form.kind {
                ValueKind::Instant { digits } => integer(rounded(array.value(row).saturating_sub(MICROS_2000), digits)),
                _ => integer(array.value(row)),
            },
            Self::List(list, values) => {
                let offsets = list.value_offsets();
                let mut hasher = Mixer::new(16);
                for index in offsets[row]..offsets[row + 1] {
                    let index = usize::try_from(index).unwrap_or(0);
                    hasher.add(if values.is_null(index) { NULL } else { bytes(values.value(index).as_bytes()) });
                }
                hasher.finish()
            }
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Text(array) => array.is_null(row),
            Self::Bool(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Decimal(array) => array.is_null(row),
            Self::Day(array) => array.is_null(row),
            Self::Instant(array) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
        }
    }
}

fn whole(form: Form, value: i64) -> u64 {
    match form.kind {
        ValueKind::Decimal(_) => decimal(i128::from(value), 0),
        _ => integer(value),
    }
}

#[cfg(test)]
mod tests;
