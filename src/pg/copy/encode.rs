//! Encodes record batches as PostgreSQL's binary COPY, in the types of the target's catalog.

use arrow::array::{Array as _, ArrayRef, new_empty_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use crate::fault::{Exit, Fault};
use crate::pg::copy::cell::{MICROS_2000, PutCell, has_nul, length, put_cell};
use crate::pg::copy::limits::{Limits, Unfit};
use crate::pg::copy::wire::Wire;

/// Size of the buffers that are sent to the server.
pub const CHUNK: usize = 256 * 1024;

/// Header of a stream of binary COPY: signature, flags, extension length.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Trailer of a stream of binary COPY.
pub const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// The length of null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// One column of a COPY.
#[derive(Clone, Debug)]
pub struct CopyColumn {
    /// Name in the dataset, for errors.
    pub name: &'static str,
    /// Source of the value.
    pub origin: CopyOrigin,
    /// Limits of the target for its values; only [`Encoder::encode_leniently`] checks them.
    pub limits: Limits,
}

/// Source of a column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyOrigin {
    /// The batch's column of this name and type, for this type of the target.
    Batch(DataType, Wire),
    /// The same bytes in every row, length first.
    Fixed(Vec<u8>),
}

impl CopyColumn {
    /// The encoding of a dataset's column for a column of the target; `None` if that would lose data.
    pub fn plan(name: &'static str, data_type: &DataType, wire: Wire) -> Option<Self> {
        let is_known = put_cell(&new_empty_array(data_type), wire).is_some();
        let origin = CopyOrigin::Batch(data_type.clone(), wire);
        is_known.then(|| Self { name, origin, limits: Limits::default() })
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
        Self { name, origin: CopyOrigin::Fixed(null), limits: Limits::default() }
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
        Self { name, origin: CopyOrigin::Fixed(bytes), limits: Limits::default() }
    }
}

/// The values of one column of one batch.
struct CopyCells<'a> {
    nulls: Option<&'a NullBuffer>,
    put: PutCell<'a>,
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
        let of_batch =
            |column: &CopyColumn| matches!(column.origin, CopyOrigin::Batch(..)).then(|| arrays(column.name)).flatten();
        let held: Vec<Option<ArrayRef>> = self.columns.iter().map(of_batch).collect();
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
                    None if cell.nulls.is_some_and(|nulls| nulls.is_null(row)) => {
                        buffer.extend_from_slice(&NULL);
                        Ok(())
                    }
                    None => (cell.put)(row, buffer),
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
        match (&column.origin, array) {
            (CopyOrigin::Batch(data_type, wire), Some(array)) => {
                let put = put_cell(array, *wire).filter(|_| array.data_type() == data_type);
                let put = put.ok_or_else(|| self.refuse(column.name, &format!("has type {}", array.data_type())))?;
                if has_nul(array) {
                    return Err(self.refuse(column.name, "holds a NUL character, which PostgreSQL cannot store"));
                }
                Ok(CopyCells { nulls: array.nulls(), put })
            }
            (CopyOrigin::Fixed(bytes), _) => Ok(CopyCells {
                nulls: None,
                put: Box::new(|_, buffer| {
                    buffer.extend_from_slice(bytes);
                    Ok(())
                }),
            }),
            (CopyOrigin::Batch(..), None) => Err(self.refuse(column.name, "is missing from a batch")),
        }
    }

    fn refuse(&self, column: &str, reason: &str) -> Fault {
        Fault::new(Exit::Input, format!("dataset {:?}, column {column:?} {reason}", self.dataset))
            .help("nothing was committed; run the step that wrote the dataset again: make consolidate score")
    }
}

#[cfg(test)]
mod tests;
