//! Encodes record batches as PostgreSQL's binary COPY, in the types of the target's catalog.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};

use crate::fault::{Exit, Fault};
use crate::pg::copy::limits::{Limits, Unfit};

/// Size of the buffers that are sent to the server.
pub const CHUNK: usize = 256 * 1024;

/// Header of a stream of binary COPY: signature, flags, extension length.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Trailer of a stream of binary COPY.
pub const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// The length of null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

const MICROS_2000: i64 = 946_684_800_000_000;
const DAYS_2000: i32 = 10_957;

/// The wire format of a type of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// `text`, `varchar`, `char`, enums and domains over them, with the maximal number of characters.
    Text(Option<usize>),
    /// `uuid`
    Uuid,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `double precision`
    Float8,
    /// `numeric`
    Numeric,
    /// `date`
    Date,
    /// `timestamp` or `timestamptz`: the same instant in UTC
    Timestamp,
    /// An array of types that are sent as text: the oid of its element type, and the maximal number of characters of an element.
    TextArray(u32, Option<usize>),
}

/// How one column is encoded: from the type of the file to the type of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Text(Option<usize>),
    Uuid,
    Jsonb,
    Bool,
    Int2,
    Int4,
    Int8,
    Int4Text,
    Int8Wide,
    TextInt2,
    TextInt4,
    TextInt8,
    TextNumeric,
    Numeric(u8),
    Int4Numeric,
    DecimalFloat(u8),
    Date,
    DateTimestamp,
    Timestamp,
    TextArray(u32, Option<usize>),
}

/// One column of a COPY.
#[derive(Clone, Debug)]
pub struct CopyColumn {
    /// Name in the dataset, for errors.
    pub name: &'static str,
    /// Source of the value.
    pub origin: CopyOrigin,
    /// Limits of the target for its values; only [`Encoder::encode_leniently`] checks them.
    pub limits: Limits,
    encoding: Encoding,
}

/// Source of a column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyOrigin {
    /// The batch's column of this name.
    Batch,
    /// The same bytes in every row, length first.
    Fixed(Vec<u8>),
}

impl CopyColumn {
    /// The encoding of a dataset's column for a column of the target; `None` if that would lose data.
    pub fn plan(name: &'static str, data_type: &DataType, wire: Wire) -> Option<Self> {
        let encoding = match (data_type, wire) {
            (DataType::Utf8, Wire::Text(limit)) => Encoding::Text(limit),
            (DataType::Utf8, Wire::Json) => Encoding::Text(None),
            (DataType::Utf8, Wire::Jsonb) => Encoding::Jsonb,
            (DataType::Utf8, Wire::Uuid) => Encoding::Uuid,
            (DataType::Utf8, Wire::Int2) => Encoding::TextInt2,
            (DataType::Utf8, Wire::Int4) => Encoding::TextInt4,
            (DataType::Utf8, Wire::Int8) => Encoding::TextInt8,
            (DataType::Utf8, Wire::Numeric) => Encoding::TextNumeric,
            (DataType::Boolean, Wire::Bool) => Encoding::Bool,
            (DataType::Int32, Wire::Int2) => Encoding::Int2,
            (DataType::Int32, Wire::Int4) => Encoding::Int4,
            (DataType::Int32, Wire::Int8) => Encoding::Int8Wide,
            (DataType::Int32, Wire::Text(_)) => Encoding::Int4Text,
            (DataType::Int32, Wire::Numeric) => Encoding::Int4Numeric,
            (DataType::Int64, Wire::Int8) => Encoding::Int8,
            (DataType::Decimal128(_, scale @ 0..=4), Wire::Numeric) => Encoding::Numeric(scale.unsigned_abs()),
            (DataType::Decimal128(_, scale @ 0..=4), Wire::Float8) => Encoding::DecimalFloat(scale.unsigned_abs()),
            (DataType::Date32, Wire::Date) => Encoding::Date,
            (DataType::Date32, Wire::Timestamp) => Encoding::DateTimestamp,
            (DataType::Timestamp(TimeUnit::Microsecond, _), Wire::Timestamp) => Encoding::Timestamp,
            (DataType::List(_), Wire::TextArray(element, limit)) => Encoding::TextArray(element, limit),
            _ => return None,
        };
        Some(Self { name, origin: CopyOrigin::Batch, limits: Limits::default(), encoding })
    }

    /// A column that holds the same instant in every row.
    pub fn instant(name: &'static str, micros: i64) -> Self {
        Self::fixed(name, &(micros - MICROS_2000).to_be_bytes())
    }

    /// A column that holds the same text in every row.
    pub fn text(name: &'static str, text: &str) -> Self {
        Self::fixed(name, text.as_bytes())
    }

    /// A column that is null in every row.
    pub fn null(name: &'static str) -> Self {
        let null = (-1_i32).to_be_bytes().to_vec();
        Self { name, origin: CopyOrigin::Fixed(null), limits: Limits::default(), encoding: Encoding::Text(None) }
    }

    /// A column that holds the same integer in every row.
    pub fn zero(name: &'static str, wire: Wire) -> Self {
        match wire {
            Wire::Int2 => Self::fixed(name, &0_i16.to_be_bytes()),
            Wire::Int8 => Self::fixed(name, &0_i64.to_be_bytes()),
            Wire::Numeric => Self::fixed(name, &[0; 8]),
            _ => Self::fixed(name, &0_i32.to_be_bytes()),
        }
    }

    fn fixed(name: &'static str, value: &[u8]) -> Self {
        let mut bytes = length(value.len()).to_vec();
        bytes.extend_from_slice(value);
        Self { name, origin: CopyOrigin::Fixed(bytes), limits: Limits::default(), encoding: Encoding::Text(None) }
    }
}

/// The values of one column of one batch.
enum CopyCells<'a> {
    Fixed(&'a [u8]),
    Text(&'a StringArray, Option<usize>),
    Uuid(&'a StringArray),
    Jsonb(&'a StringArray),
    Bool(&'a BooleanArray),
    Int2(&'a Int32Array),
    Int4(&'a Int32Array),
    Int8(&'a Int64Array),
    Int8Wide(&'a Int32Array),
    Int4Text(&'a Int32Array),
    TextInt2(&'a StringArray),
    TextInt4(&'a StringArray),
    TextInt8(&'a StringArray),
    TextNumeric(&'a StringArray),
    Numeric(&'a Decimal128Array, u8),
    Int4Numeric(&'a Int32Array),
    DecimalFloat(&'a Decimal128Array, u8),
    Date(&'a Date32Array),
    DateTimestamp(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
    TextArray(&'a ListArray, &'a StringArray, u32, Option<usize>),
}

impl CopyCells<'_> {
    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Text(array, _)
            | Self::Uuid(array)
            | Self::Jsonb(array)
            | Self::TextInt2(array)
            | Self::TextInt4(array)
            | Self::TextInt8(array)
            | Self::TextNumeric(array) => array.is_null(row),
            Self::Bool(array) => array.is_null(row),
            Self::Int2(array) | Self::Int4(array) | Self::Int8Wide(array) | Self::Int4Text(array) | Self::Int4Numeric(array) => {
                array.is_null(row)
            }
            Self::Int8(array) => array.is_null(row),
            Self::Numeric(array, _) | Self::DecimalFloat(array, _) => array.is_null(row),
            Self::Date(array) | Self::DateTimestamp(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::TextArray(array, ..) => array.is_null(row),
        }
    }
}

/// Encodes batches of one dataset for one table.
pub struct Encoder {
    dataset: &'static str,
    columns: Vec<CopyColumn>,
    rows: u64,
}

impl Encoder {
    /// An encoder of these columns in this order.
    pub fn new(dataset: &'static str, columns: Vec<CopyColumn>) -> Self {
        Self { dataset, columns, rows: 0 }
    }

    /// Rows encoded so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends a batch. Calls `full` whenever `buffer` has reached [`CHUNK`]; `full` may empty it or let it grow.
    pub fn encode(
        &mut self,
        arrays: &dyn Fn(&str) -> Option<ArrayRef>,
        rows: usize,
        buffer: &mut Vec<u8>,
        full: impl FnMut(&mut Vec<u8>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.encode_rows(arrays, rows, buffer, full, None)
    }

    /// Like [`Encoder::encode`], but a value that does not fit its column becomes null, and `unfit` is called with the position
    /// of the column, the row within the batch and the reason.
    pub fn encode_leniently(
        &mut self,
        arrays: &dyn Fn(&str) -> Option<ArrayRef>,
        rows: usize,
        buffer: &mut Vec<u8>,
        full: impl FnMut(&mut Vec<u8>) -> anyhow::Result<()>,
        unfit: &mut dyn FnMut(usize, usize, Unfit),
    ) -> anyhow::Result<()> {
        self.encode_rows(arrays, rows, buffer, full, Some(unfit))
    }

    fn encode_rows(
        &mut self,
        arrays: &dyn Fn(&str) -> Option<ArrayRef>,
        rows: usize,
        buffer: &mut Vec<u8>,
        mut full: impl FnMut(&mut Vec<u8>) -> anyhow::Result<()>,
        mut unfit: Option<&mut dyn FnMut(usize, usize, Unfit)>,
    ) -> anyhow::Result<()> {
        let held = self.columns.iter().map(|column| match column.origin {
            CopyOrigin::Batch => arrays(column.name).ok_or_else(|| self.refuse(column.name, "is missing from a batch")).map(Some),
            CopyOrigin::Fixed(_) => Ok(None),
        });
        let held = held.collect::<Result<Vec<_>, _>>()?;
        let cells: Vec<CopyCells<'_>> =
            self.columns.iter().zip(&held).map(|(column, array)| self.cells(column, array.as_ref())).collect::<Result<_, _>>()?;
        let count = i16::try_from(cells.len()).expect("a table has at most 1600 columns").to_be_bytes();
        for row in 0..rows {
            buffer.extend_from_slice(&count);
            for (position, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
                let at = buffer.len();
                let unmet = match (&unfit, &held[position]) {
                    (Some(_), Some(array)) => column.limits.unmet(array, row),
                    _ => None,
                };
                let written = match unmet {
                    Some(reason) => Err(reason),
                    None if cell.is_null(row) => {
                        buffer.extend_from_slice(&NULL);
                        Ok(())
                    }
                    None => put(buffer, cell, row),
                };
                if let Err(reason) = written {
                    let Some(unfit) = &mut unfit else {
                        return Err(self.refuse(column.name, &format!("{} (row {})", reason.words(), self.rows + 1)).into());
                    };
                    buffer.truncate(at);
                    buffer.extend_from_slice(&NULL);
                    unfit(position, row, reason);
                }
            }
            self.rows += 1;
            if buffer.len() >= CHUNK {
                full(buffer)?;
            }
        }
        Ok(())
    }

    fn cells<'a>(&self, column: &'a CopyColumn, array: Option<&'a ArrayRef>) -> Result<CopyCells<'a>, Fault> {
        let (CopyOrigin::Batch, Some(array)) = (&column.origin, array) else {
            let CopyOrigin::Fixed(bytes) = &column.origin else { unreachable!("a batch column has its array") };
            return Ok(CopyCells::Fixed(bytes));
        };
        let text = || {
            let text = array.as_string_opt::<i32>()?;
            Some((text, text.value_data().contains(&0)))
        };
        let clean = || match text() {
            Some((text, false)) => Ok(text),
            Some((_, true)) => Err(self.refuse(column.name, "holds a NUL character, which PostgreSQL cannot store")),
            None => Err(self.unfit(column, array)),
        };
        let unfit = || self.unfit(column, array);
        Ok(match column.encoding {
            Encoding::Text(limit) => CopyCells::Text(clean()?, limit),
            Encoding::Uuid => CopyCells::Uuid(clean()?),
            Encoding::Jsonb => CopyCells::Jsonb(clean()?),
            Encoding::TextInt2 => CopyCells::TextInt2(clean()?),
            Encoding::TextInt4 => CopyCells::TextInt4(clean()?),
            Encoding::TextInt8 => CopyCells::TextInt8(clean()?),
            Encoding::TextNumeric => CopyCells::TextNumeric(clean()?),
            Encoding::Bool => CopyCells::Bool(array.as_boolean_opt().ok_or_else(unfit)?),
            Encoding::Int2 => CopyCells::Int2(array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?),
            Encoding::Int4 => CopyCells::Int4(array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?),
            Encoding::Int8Wide => CopyCells::Int8Wide(array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?),
            Encoding::Int4Text => CopyCells::Int4Text(array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?),
            Encoding::Int4Numeric => CopyCells::Int4Numeric(array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?),
            Encoding::Int8 => CopyCells::Int8(array.as_primitive_opt::<Int64Type>().ok_or_else(unfit)?),
            Encoding::Numeric(scale) => CopyCells::Numeric(array.as_primitive_opt::<Decimal128Type>().ok_or_else(unfit)?, scale),
            Encoding::DecimalFloat(scale) => {
                CopyCells::DecimalFloat(array.as_primitive_opt::<Decimal128Type>().ok_or_else(unfit)?, scale)
            }
            Encoding::Date => CopyCells::Date(array.as_primitive_opt::<Date32Type>().ok_or_else(unfit)?),
            Encoding::DateTimestamp => CopyCells::DateTimestamp(array.as_primitive_opt::<Date32Type>().ok_or_else(unfit)?),
            Encoding::Timestamp => CopyCells::Timestamp(array.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(unfit)?),
            Encoding::TextArray(element, limit) => {
                let list = array.as_list_opt::<i32>().ok_or_else(unfit)?;
                let values = list.values().as_string_opt::<i32>().ok_or_else(unfit)?;
                if values.value_data().contains(&0) {
                    return Err(self.refuse(column.name, "holds a NUL character, which PostgreSQL cannot store"));
                }
                CopyCells::TextArray(list, values, element, limit)
            }
        })
    }

    fn unfit(&self, column: &CopyColumn, array: &ArrayRef) -> Fault {
        self.refuse(column.name, &format!("has type {}", array.data_type()))
    }

    fn refuse(&self, column: &str, reason: &str) -> Fault {
        Fault::new(Exit::Input, format!("dataset {:?}, column {column:?} {reason}", self.dataset))
            .help("nothing was committed; run the step that wrote the dataset again: make consolidate score")
    }
}

fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).expect("a cell has less than 2 GiB").to_be_bytes()
}

fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.extend_from_slice(&length(bytes.len()));
    buffer.extend_from_slice(bytes);
}

/// Whether a text has more characters than the limit. Characters are counted only if there are more bytes than that.
fn is_longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}

fn put(buffer: &mut Vec<u8>, cell: &CopyCells<'_>, row: usize) -> Result<(), Unfit> {
    match cell {
        CopyCells::Fixed(bytes) => buffer.extend_from_slice(bytes),
        CopyCells::Text(array, None) => put_bytes(buffer, array.value(row).as_bytes()),
        CopyCells::Text(array, Some(limit)) => {
            let text = array.value(row);
            if is_longer(text, *limit) {
                return Err(Unfit::Long);
            }
            put_bytes(buffer, text.as_bytes());
        }
        CopyCells::Uuid(array) => {
            let id = uuid::Uuid::try_parse(array.value(row)).map_err(|_| Unfit::Uuid)?;
            put_bytes(buffer, id.as_bytes());
        }
        CopyCells::Jsonb(array) => {
            let json = array.value(row).as_bytes();
            buffer.extend_from_slice(&length(json.len() + 1));
            buffer.push(1);
            buffer.extend_from_slice(json);
        }
        CopyCells::Bool(array) => put_bytes(buffer, &[u8::from(array.value(row))]),
        CopyCells::Int2(array) => {
            let value = i16::try_from(array.value(row)).map_err(|_| Unfit::Integer)?;
            put_bytes(buffer, &value.to_be_bytes());
        }
        CopyCells::Int4(array) => put_bytes(buffer, &array.value(row).to_be_bytes()),
        CopyCells::Int8(array) => put_bytes(buffer, &array.value(row).to_be_bytes()),
        CopyCells::Int8Wide(array) => put_bytes(buffer, &i64::from(array.value(row)).to_be_bytes()),
        CopyCells::Int4Text(array) => {
            use std::io::Write;
            let at = buffer.len();
            buffer.extend_from_slice(&[0; 4]);
            write!(buffer, "{}", array.value(row)).expect("a vector takes every byte");
            let written = length(buffer.len() - at - 4);
            buffer[at..at + 4].copy_from_slice(&written);
        }
        CopyCells::TextInt2(array) => put_bytes(buffer, &integer::<i16>(array.value(row))?.to_be_bytes()),
        CopyCells::TextInt4(array) => put_bytes(buffer, &integer::<i32>(array.value(row))?.to_be_bytes()),
        CopyCells::TextInt8(array) => put_bytes(buffer, &integer::<i64>(array.value(row))?.to_be_bytes()),
        CopyCells::TextNumeric(array) => put_numeric(buffer, i128::from(integer::<i64>(array.value(row))?), 0),
        CopyCells::Numeric(array, scale) => put_numeric(buffer, array.value(row), *scale),
        CopyCells::Int4Numeric(array) => put_numeric(buffer, i128::from(array.value(row)), 0),
        CopyCells::DecimalFloat(array, scale) => {
            #[allow(clippy::cast_precision_loss, reason = "a handicap has five digits")]
            let value = array.value(row) as f64 / 10_f64.powi(i32::from(*scale));
            put_bytes(buffer, &value.to_be_bytes());
        }
        CopyCells::Date(array) => put_bytes(buffer, &(array.value(row) - DAYS_2000).to_be_bytes()),
        CopyCells::DateTimestamp(array) => {
            let micros = i64::from(array.value(row) - DAYS_2000) * 86_400_000_000;
            put_bytes(buffer, &micros.to_be_bytes());
        }
        CopyCells::Timestamp(array) => put_bytes(buffer, &(array.value(row) - MICROS_2000).to_be_bytes()),
        CopyCells::TextArray(list, values, element, limit) => {
            let offsets = list.value_offsets();
            let range = usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0);
            let at = buffer.len();
            buffer.extend_from_slice(&[0; 4]);
            let dimensions = i32::from(!range.is_empty());
            buffer.extend_from_slice(&dimensions.to_be_bytes());
            buffer.extend_from_slice(&0_i32.to_be_bytes());
            buffer.extend_from_slice(&element.to_be_bytes());
            if dimensions == 1 {
                buffer.extend_from_slice(&length(range.len()));
                buffer.extend_from_slice(&1_i32.to_be_bytes());
            }
            for index in range {
                if limit.is_some_and(|limit| is_longer(values.value(index), limit)) {
                    return Err(Unfit::Long);
                }
                put_bytes(buffer, values.value(index).as_bytes());
            }
            let written = length(buffer.len() - at - 4);
            buffer[at..at + 4].copy_from_slice(&written);
        }
    }
    Ok(())
}

fn integer<N: std::str::FromStr>(text: &str) -> Result<N, Unfit> {
    text.parse().map_err(|_| Unfit::Integer)
}

/// A decimal in base 10,000: number of digits, weight of the first, sign, scale, digits.
fn put_numeric(buffer: &mut Vec<u8>, value: i128, scale: u8) {
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
}

#[cfg(test)]
mod tests;
