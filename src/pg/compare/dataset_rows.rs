//! The rows of any dataset, to be compared with the same dataset of another run: no scores are joined, and every column counts.

use anyhow::Result;
use arrow::array::{ArrayRef, RecordBatch};

use crate::fault::{Exit, Fault};
use crate::pg::compare::value::{Cells, Form, NULL};
use crate::pg::compare::{ComparedRow, ComparedSide, IdKey, OnRow, RowMarks};

/// The cells of a batch as hashes.
pub struct BatchHashes<'a> {
    key: Vec<HashedColumn<'a>>,
    columns: Vec<HashedColumn<'a>>,
}

struct HashedColumn<'a> {
    cells: Cells<'a>,
    form: Option<Form>,
}

impl<'a> BatchHashes<'a> {
    /// The columns that identify a row, and the compared ones. A column that the batch does not have is null in every row.
    pub fn of(batch: &'a RecordBatch, key: &[&str], columns: &[&str]) -> Result<Self> {
        let all = |names: &[&str]| names.iter().map(|name| hashed(batch.column_by_name(name), name)).collect::<Result<_>>();
        Ok(Self { key: all(key)?, columns: all(columns)? })
    }

    /// The key of a row.
    pub fn key(&self, row: usize) -> IdKey {
        IdKey::of_parts(self.key.iter().map(|column| column.hash(row)))
    }

    /// The hash of a row's cell in a compared column.
    pub fn column(&self, column: usize, row: usize) -> u64 {
        self.columns[column].hash(row)
    }

    fn fill(&self, row: usize, values: &mut Vec<u64>) {
        values.clear();
        values.extend(self.columns.iter().map(|column| column.hash(row)));
    }
}

impl HashedColumn<'_> {
    fn hash(&self, row: usize) -> u64 {
        self.form.map_or(NULL, |form| self.cells.hash(form, row))
    }
}

fn hashed<'a>(array: Option<&'a ArrayRef>, name: &str) -> Result<HashedColumn<'a>> {
    let Some(array) = array else { return Ok(HashedColumn { cells: Cells::Constant(NULL), form: None }) };
    match (Cells::of(array), Form::of_dataset(array.data_type())) {
        (Some(cells), Some(form)) => Ok(HashedColumn { cells, form: Some(form) }),
        _ => {
            Err(Fault::new(Exit::Input, format!("column {name:?} has a type that cannot be compared: {}", array.data_type()))
                .into())
        }
    }
}

/// The rows of one dataset of one run.
pub struct DatasetRows<'a, B> {
    /// Reads the dataset's batches from the beginning.
    pub read: &'a dyn Fn() -> Result<B>,
    /// The columns that identify a row.
    pub key: &'a [&'a str],
    /// The compared columns.
    pub columns: &'a [&'a str],
}

impl<B: Iterator<Item = Result<RecordBatch>>> ComparedSide for DatasetRows<'_, B> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        let mut values = Vec::with_capacity(self.columns.len());
        for batch in (self.read)()? {
            let batch = batch?;
            let hashes = BatchHashes::of(&batch, self.key, self.columns)?;
            for row in 0..batch.num_rows() {
                let key = hashes.key(row);
                // A later pass asks for few rows only, so the others need no values.
                if buckets.is_some_and(|buckets| buckets.binary_search(&key.bucket()).is_err()) {
                    continue;
                }
                hashes.fill(row, &mut values);
                on(ComparedRow { key, columns: &values, marks: RowMarks::default() })?;
            }
        }
        Ok(())
    }
}
