//! Reads the rows of the datasets, with scores joined to their profiles.

use anyhow::Result;
use arrow::array::{ArrayRef, AsArray as _};

use crate::fault::{Exit, Fault};
use crate::model::Phase;
use crate::pg::compare::plan::Filed;
use crate::pg::compare::value::Cells;
use crate::pg::compare::{ComparedRow, ComparedSide, IdKey, OnRow, RowMarks, TableForm};
use crate::pg::load::rows::{Datasets, each_batch};

/// The rows of a dataset, as load would write them.
pub struct FileRows<'a> {
    /// The datasets.
    pub data: &'a (dyn Datasets + Sync),
    /// How the table is compared.
    pub form: &'a TableForm,
    /// The phase.
    pub phase: Phase,
}

impl ComparedSide for FileRows<'_> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        let loaded = self.form.loaded;
        let stem = (loaded.dataset)().stem;
        let unfit = |name: &str| {
            Fault::new(Exit::Input, format!("dataset {stem:?}, column {name:?} is missing or has another type than declared"))
                .help("run the step that wrote the dataset again")
        };
        // A dataset that the phase does not have is empty.
        if self.data.rows(stem).is_none_or(|rows| rows == 0) || (loaded.scored && self.phase < Phase::SCORES) {
            return Ok(());
        }
        let mut values = vec![0; self.form.columns.len()];
        each_batch(self.data, loaded, self.phase, &mut |rows, array| {
            let held: Vec<Option<ArrayRef>> = self
                .form
                .columns
                .iter()
                .map(|column| match column.filed {
                    Filed::Column(name) => array(name).ok_or_else(|| unfit(name)).map(Some),
                    Filed::Always(_) => Ok(None),
                })
                .collect::<Result<_, _>>()?;
            let cells: Vec<Cells<'_>> = self
                .form
                .columns
                .iter()
                .zip(&held)
                .map(|(column, array)| match (column.filed, array) {
                    (Filed::Column(name), Some(array)) => Cells::of(array).ok_or_else(|| unfit(name)),
                    (Filed::Always(hash), _) => Ok(Cells::Constant(hash)),
                    (Filed::Column(name), None) => Err(unfit(name)),
                })
                .collect::<Result<_, _>>()?;
            let ids = array("id").ok_or_else(|| unfit("id"))?;
            let ids = ids.as_string_opt::<i32>().ok_or_else(|| unfit("id"))?;
            for row in 0..rows {
                let key = IdKey::of(ids.value(row).as_bytes());
                // A later pass asks for few rows only, so the others need no values.
                if buckets.is_some_and(|buckets| buckets.binary_search(&key.bucket()).is_err()) {
                    continue;
                }
                for ((value, cells), column) in values.iter_mut().zip(&cells).zip(&self.form.columns) {
                    *value = cells.hash(column.form, row);
                }
                on(ComparedRow { key, columns: &values, marks: RowMarks::default() })?;
            }
            Ok(())
        })
    }
}
