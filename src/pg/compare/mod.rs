//! Compares our rows in the CRM with the datasets, or a dataset of one run with that of another: every column of every row, in
//! bounded memory.
//!
//! Both sides are streamed. Each row gives a hash for each column and a hash of 128 bits for the whole. These are summed in
//! buckets by the first bits of the id, so that the order of rows does not matter. Equal sums mean equal rows. Only buckets whose
//! sums differ are read again, row by row, as many at a time as fit into the memory budget.

mod content;
mod crm_rows;
mod dataset_rows;
mod file_rows;
mod hash;
mod json;
mod key;
mod plan;
mod remembered;
mod sums;
mod tuples;
mod value;

use anyhow::Result;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

pub use content::RowContent;
pub use crm_rows::CrmRows;
pub use dataset_rows::{BatchHashes, DatasetRows};
pub use file_rows::FileRows;
pub use hash::sealed;
pub use json::hash as json_hash;
pub use key::IdKey;
pub use plan::{ComparedColumn, Defaults, Instants, TableForm, changed_by_others};
pub use remembered::{HeldContents, HeldIds, Remembered, as_remembered};
use sums::BUCKETS;
pub use sums::Sums;
pub use value::{Form, NULL};

/// A map that must never be iterated for output, because its order is arbitrary.
pub type Map<V> = HashMap<IdKey, V, FixedState>;

/// Facts about a row that only the CRM has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowMarks {
    /// Others changed or deleted it: `updatedBy` or `deletedAt` is set.
    pub is_foreign: bool,
    /// The profile it was merged into; the outer `Some` means that its status is MERGED.
    pub merged_into: Option<Option<IdKey>>,
    /// Its creation time is not that of a load.
    pub is_made_at_odd_time: bool,
    /// It was changed after the last load, or has a value in a column that load does not write.
    pub is_touched: bool,
}

/// A row of either side.
#[derive(Clone, Copy)]
pub struct ComparedRow<'a> {
    /// Its id.
    pub key: IdKey,
    /// A hash for each compared column.
    pub columns: &'a [u64],
    /// Facts of the CRM; empty on the side of the datasets.
    pub marks: RowMarks,
}

/// Callback for each row.
pub type OnRow<'a> = dyn FnMut(ComparedRow<'_>) -> Result<()> + 'a;

/// One side of a comparison. It can be read several times with the same result.
pub trait ComparedSide {
    /// Every row, or those of some buckets. It may return more rows than requested.
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()>;
}

/// The difference of one row. Columns are in the order of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// Only the dataset has it.
    Missing {
        /// The dataset's values.
        filed: &'a [u64],
    },
    /// Only the CRM has it.
    Extra {
        /// The CRM's values.
        held: &'a [u64],
    },
    /// Both have it, with different values.
    Other {
        /// The dataset's values.
        filed: &'a [u64],
        /// The CRM's values.
        held: &'a [u64],
    },
}

/// Callback for each difference.
pub type OnDifference<'a> = dyn FnMut(IdKey, Difference<'_>) -> Result<()> + 'a;

/// The values of rows in memory, by id.
#[derive(Default)]
pub struct HeldRows {
    places: Map<usize>,
    columns: Vec<u64>,
}

impl HeldRows {
    /// Keeps a row; `false` if there is one with its id.
    pub fn keep(&mut self, row: ComparedRow<'_>) -> bool {
        let place = self.columns.len();
        self.columns.extend_from_slice(row.columns);
        self.places.insert(row.key, place).is_none()
    }

    /// The values of a row.
    pub fn get(&self, key: IdKey, width: usize) -> Option<&[u64]> {
        self.places.get(&key).map(|place| &self.columns[*place..*place + width])
    }
}

/// Statistics of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Rows of the dataset, without those set apart.
    pub filed: u64,
    /// Rows of ours in the CRM, without those set apart.
    pub held: u64,
    /// Buckets that had to be read row by row.
    pub buckets: usize,
    /// How often each side was read.
    pub passes: usize,
}

/// The pass that reads a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowReading {
    /// The first of the CRM, which comes before any of the files.
    Crm,
    /// The first of the files.
    Files,
    /// A later one of either.
    Again,
}

/// Whether a row is excluded from the comparison. It must answer the same for a row in every pass after the first.
pub type SetsApart<'a> = dyn FnMut(ComparedRow<'_>, RowReading) -> bool + 'a;

/// A comparison of one table.
pub struct TableComparison<'a> {
    /// The datasets' rows.
    pub files: &'a dyn ComparedSide,
    /// The CRM's rows of ours.
    pub crm: &'a dyn ComparedSide,
    /// Compared columns.
    pub width: usize,
    /// Memory budget for rows, in bytes.
    pub budget: usize,
}

impl TableComparison<'_> {
    /// Compares; differences go to `on`.
    pub fn run(&self, sets_apart: &mut SetsApart<'_>, on: &mut OnDifference<'_>) -> Result<Seen> {
        let mut crm = Sums::empty();
        self.crm.rows(None, &mut |row| {
            if !sets_apart(row, RowReading::Crm) {
                crm.add(row);
            }
            Ok(())
        })?;
        let mut files = Sums::empty();
        self.files.rows(None, &mut |row| {
            if !sets_apart(row, RowReading::Files) {
                files.add(row);
            }
            Ok(())
        })?;
        self.where_sums_differ(&files, &crm, sets_apart, on)
    }

    /// Compares the buckets whose given sums differ row by row; differences go to `on`.
    pub fn where_sums_differ(
        &self,
        files: &Sums,
        crm: &Sums,
        sets_apart: &mut SetsApart<'_>,
        on: &mut OnDifference<'_>,
    ) -> Result<Seen> {
        let mut seen = Seen { filed: files.rows(), held: crm.rows(), buckets: 0, passes: 1 };
        let row_bytes = 8 * self.width + 48;
        let mut group = Vec::new();
        let mut weight = 0;
        for bucket in 0..BUCKETS {
            if files.equals(crm, bucket) {
                continue;
            }
            let bytes = usize::try_from(files.rows_of(bucket).max(crm.rows_of(bucket)))
                .expect("rows are counted in 64 bits")
                .saturating_mul(row_bytes);
            if weight + bytes > self.budget && !group.is_empty() {
                seen.passes += 1;
                self.row_by_row(&group, sets_apart, on)?;
                group.clear();
                weight = 0;
            }
            weight += bytes;
            seen.buckets += 1;
            group.push(bucket);
        }
        if !group.is_empty() {
            seen.passes += 1;
            self.row_by_row(&group, sets_apart, on)?;
        }
        Ok(seen)
    }

    fn row_by_row(&self, buckets: &[u32], sets_apart: &mut SetsApart<'_>, on: &mut OnDifference<'_>) -> Result<()> {
        let mut files = HeldRows::default();
        let is_asked = |key: IdKey| buckets.binary_search(&key.bucket()).is_ok();
        self.files.rows(Some(buckets), &mut |row| {
            if is_asked(row.key) && !sets_apart(row, RowReading::Again) && !files.keep(row) {
                // Ids of a dataset are unique, so a duplicate is a row too many.
                on(row.key, Difference::Missing { filed: row.columns })?;
            }
            Ok(())
        })?;
        self.crm.rows(Some(buckets), &mut |row| {
            if !is_asked(row.key) || sets_apart(row, RowReading::Again) {
                return Ok(());
            }
            match files.places.remove(&row.key) {
                Some(place) => {
                    let filed = &files.columns[place..place + self.width];
                    if filed == row.columns { Ok(()) } else { on(row.key, Difference::Other { filed, held: row.columns }) }
                }
                None => on(row.key, Difference::Extra { held: row.columns }),
            }
        })?;
        let mut missing: Vec<(IdKey, usize)> = files.places.iter().map(|(key, place)| (*key, *place)).collect();
        missing.sort_unstable();
        for (key, place) in missing {
            on(key, Difference::Missing { filed: &files.columns[place..place + self.width] })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
