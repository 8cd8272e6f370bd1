//! Collects the values of a column of binary COPY, with a rule for each value that Arrow cannot hold.
//!
//! PostgreSQL counts instants and days from 2000. Infinities stay infinities ([`Timestamp::INFINITY`], [`Day::INFINITY`]), and
//! dates before Christ stay as they are. An instant after the year 294246, which does not fit 64 bits since 1970, becomes null.
//! Each case is counted per column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int32Builder, Int64Builder, NullBufferBuilder, StringArray,
    TimestampMicrosecondBuilder,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::model::{Day, Timestamp};

/// Rows of a full batch.
pub(in crate::pg) const BATCH_ROWS: usize = 16_384;
/// From 1970 to 2000.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// 0001-01-01.
const CHRIST_DAYS: i32 = -719_162;
const CHRIST_MICROS: i64 = CHRIST_DAYS as i64 * Timestamp::DAY;

/// Counts of unusual values in one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Special {
    /// Infinite instants and days, kept.
    pub infinite: u64,
    /// Instants and days before Christ, kept.
    pub before_christ: u64,
    /// Instants too far in the future, now null.
    pub out_of_range: u64,
    /// Empty texts, now null.
    pub empty: u64,
}

/// The values of a column so far.
pub(in crate::pg) enum ColumnValues {
    Text { bytes: Vec<u8>, offsets: Vec<i32>, nulls: NullBufferBuilder },
    Bool(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Day(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
}

impl ColumnValues {
    /// An empty column of a declared type; `None` for types that exports do not have.
    pub(in crate::pg) fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => {
                let mut offsets = Vec::with_capacity(BATCH_ROWS + 1);
                offsets.push(0);
                Self::Text { bytes: Vec::new(), offsets, nulls: NullBufferBuilder::new(BATCH_ROWS) }
            }
            DataType::Boolean => Self::Bool(BooleanBuilder::with_capacity(BATCH_ROWS)),
            DataType::Int32 => Self::Int32(Int32Builder::with_capacity(BATCH_ROWS)),
            DataType::Int64 => Self::Int64(Int64Builder::with_capacity(BATCH_ROWS)),
            DataType::Date32 => Self::Day(Date32Builder::with_capacity(BATCH_ROWS)),
            DataType::Timestamp(..) => Self::Instant(TimestampMicrosecondBuilder::with_capacity(BATCH_ROWS).with_timezone("UTC")),
            _ => return None,
        })
    }

    pub(in crate::pg) fn append_null(&mut self) {
        match self {
            Self::Text { bytes, offsets, nulls } => {
                offsets.push(end_offset(bytes));
                nulls.append_null();
            }
            Self::Bool(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Day(builder) => builder.append_null(),
            Self::Instant(builder) => builder.append_null(),
        }
    }

    /// Appends a value; `false` if it does not have the size of its type.
    pub(in crate::pg) fn append(&mut self, value: &[u8], special: &mut Special) -> bool {
        match self {
            Self::Text { bytes, offsets, nulls } => {
                bytes.extend_from_slice(value);
                offsets.push(end_offset(bytes));
                nulls.append_non_null();
                true
            }
            Self::Bool(builder) => {
                value.first_chunk::<1>().filter(|_| value.len() == 1).map(|v| builder.append_value(v[0] != 0)).is_some()
            }
            Self::Int32(builder) => exact(value).map(|v| builder.append_value(i32::from_be_bytes(v))).is_some(),
            Self::Int64(builder) => exact(value).map(|v| builder.append_value(i64::from_be_bytes(v))).is_some(),
            Self::Day(builder) => exact(value).map(|v| builder.append_value(day(i32::from_be_bytes(v), special))).is_some(),
            Self::Instant(builder) => {
                exact(value).map(|v| builder.append_option(instant(i64::from_be_bytes(v), special))).is_some()
            }
        }
    }

    /// The column, or `None` when a text is not UTF-8.
    pub(in crate::pg) fn finish(&mut self) -> Option<ArrayRef> {
        Some(match self {
            Self::Text { bytes, offsets, nulls } => {
                let offsets = std::mem::replace(offsets, {
                    let mut fresh = Vec::with_capacity(BATCH_ROWS + 1);
                    fresh.push(0);
                    fresh
                });
                let capacity = bytes.len();
                let bytes = std::mem::replace(bytes, Vec::with_capacity(capacity));
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                // Checks the encoding once for the whole batch, and that every value ends between characters.
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls.finish()).ok()?)
            }
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Day(builder) => Arc::new(builder.finish()),
            Self::Instant(builder) => Arc::new(builder.finish()),
        })
    }
}

fn end_offset(bytes: &[u8]) -> i32 {
    // A batch is full at 8 MiB and one row of COPY holds at most 1 GiB.
    i32::try_from(bytes.len()).expect("a batch of text stays below 2 GiB")
}

fn exact<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

fn day(since_2000: i32, special: &mut Special) -> i32 {
    match since_2000 {
        i32::MAX => {
            special.infinite += 1;
            Day::INFINITY.0
        }
        i32::MIN => {
            special.infinite += 1;
            Day::NEG_INFINITY.0
        }
        _ => {
            // PostgreSQL's days end at 5874897-12-31, well within 32 bits from 1970 too.
            let day = since_2000.saturating_add(EPOCH_DAYS);
            special.before_christ += u64::from(day < CHRIST_DAYS);
            day
        }
    }
}

fn instant(since_2000: i64, special: &mut Special) -> Option<i64> {
    match since_2000 {
        i64::MAX => {
            special.infinite += 1;
            Some(Timestamp::INFINITY.0)
        }
        i64::MIN => {
            special.infinite += 1;
            Some(Timestamp::NEG_INFINITY.0)
        }
        _ => {
            let at = since_2000.checked_add(EPOCH_MICROS).filter(|at| Timestamp(*at).is_finite());
            special.out_of_range += u64::from(at.is_none());
            special.before_christ += u64::from(at.is_some_and(|at| at < CHRIST_MICROS));
            at
        }
    }
}
