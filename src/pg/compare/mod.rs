//! The comparison engine: the rows of ours in the CRM against the datasets, every column of every row, in bounded memory.
//!
//! Both sides are streamed. A row becomes one hash for each column, and one of 128 bits for the whole; these are added up in buckets
//! by the first bits of the id, so that the order of rows does not matter. Equal sums are equal rows. Only buckets whose sums differ
//! are read again, row by row, as many at a time as fit into the budget.

mod crm_rows;
mod file_rows;
mod json;
mod key;
mod plan;
mod sums;
mod tuples;
mod value;

use anyhow::Result;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

pub use crm_rows::CrmRows;
pub use file_rows::FileRows;
pub use json::hash as json_hash;
pub use key::Key;
pub use plan::{ComparedColumn, Defaults, Instants, TableForm, changed_by_others};
use sums::{BUCKETS, Sums};
pub use value::{Form, NULL};

/// A map whose order is nobody's business.
pub type Map<V> = HashMap<Key, V, FixedState>;

/// What the CRM says of a row beside the values that a dataset has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Somebody else changed or deleted it: `updatedBy` or `deletedAt` is set.
    pub is_of_others: bool,
    /// The profile it was merged into; the outer `Some` says that its status is MERGED.
    pub merged_into: Option<Option<Key>>,
    /// Its time of making is not that of a load.
    pub is_made_at_odd_time: bool,
    /// It was touched after the last load, or holds a value in a column that load leaves alone.
    pub is_touched: bool,
}

/// A row of either side.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Its id.
    pub key: Key,
    /// A hash for each compared column.
    pub columns: &'a [u64],
    /// What the CRM says of it; nothing on the side of the datasets.
    pub marks: Marks,
}

/// Hears of each row.
pub type OnRow<'a> = dyn FnMut(Row<'_>) -> Result<()> + 'a;

/// One side of a comparison. It can be read more than once and says the same each time.
pub trait Side {
    /// Every row, or those of some buckets. More rows than asked for may come.
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()>;
}

/// What is different about one row. Columns are counted as the plan has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// The dataset has it, the CRM does not.
    Missing {
        /// The dataset's values.
        filed: &'a [u64],
    },
    /// The CRM has it, the dataset does not.
    Extra {
        /// The CRM's values.
        held: &'a [u64],
    },
    /// Both have it, with other values.
    Other {
        /// The dataset's values.
        filed: &'a [u64],
        /// The CRM's values.
        held: &'a [u64],
    },
}

/// Hears of each difference.
pub type OnDifference<'a> = dyn FnMut(Key, Difference<'_>) -> Result<()> + 'a;

/// Rows held for themselves: the values of each, found by id.
#[derive(Default)]
pub struct Held {
    places: Map<usize>,
    columns: Vec<u64>,
}

impl Held {
    /// Keeps a row; `false` when there was one of its id.
    pub fn keep(&mut self, row: Row<'_>) -> bool {
        let place = self.columns.len();
        self.columns.extend_from_slice(row.columns);
        self.places.insert(row.key, place).is_none()
    }

    /// The values of a row.
    pub fn get(&self, key: Key, width: usize) -> Option<&[u64]> {
        self.places.get(&key).map(|place| &self.columns[*place..*place + width])
    }
}

/// What a comparison saw.
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

/// Which reading a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The first of the CRM, which comes before any of the files.
    Crm,
    /// The first of the files.
    Files,
    /// A later one of either.
    Again,
}

/// Says of a row whether it is no part of the comparison. It must say the same of a row at every reading after the first.
pub type SetsApart<'a> = dyn FnMut(Row<'_>, Reading) -> bool + 'a;

/// A comparison of one table.
pub struct Comparison<'a> {
    /// The datasets' rows.
    pub files: &'a dyn Side,
    /// The CRM's rows of ours.
    pub crm: &'a dyn Side,
    /// Compared columns.
    pub width: usize,
    /// Bytes that rows held for themselves may take.
    pub budget: usize,
}

impl Comparison<'_> {
    /// Compares; differences go to `on`.
    pub fn run(&self, sets_apart: &mut SetsApart<'_>, on: &mut OnDifference<'_>) -> Result<Seen> {
        let mut crm = Sums::new();
        self.crm.rows(None, &mut |row| {
            if !sets_apart(row, Reading::Crm) {
                crm.add(row);
            }
            Ok(())
        })?;
        let mut files = Sums::new();
        self.files.rows(None, &mut |row| {
            if !sets_apart(row, Reading::Files) {
                files.add(row);
            }
            Ok(())
        })?;
        let mut seen = Seen { filed: files.rows(), held: crm.rows(), buckets: 0, passes: 1 };
        let row_bytes = 8 * self.width + 48;
        let mut group = Vec::new();
        let mut weight = 0;
        for bucket in 0..BUCKETS {
            if files.equals(&crm, bucket) {
                continue;
            }
            let bytes =
                usize::try_from(files.rows_of(bucket).max(crm.rows_of(bucket))).unwrap_or(usize::MAX).saturating_mul(row_bytes);
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
        let mut files = Held::default();
        let is_asked = |key: Key| buckets.binary_search(&key.bucket()).is_ok();
        self.files.rows(Some(buckets), &mut |row| {
            if is_asked(row.key) && !sets_apart(row, Reading::Again) && !files.keep(row) {
                // Ids of a dataset are unique; a file that says otherwise has a row too many.
                on(row.key, Difference::Missing { filed: row.columns })?;
            }
            Ok(())
        })?;
        self.crm.rows(Some(buckets), &mut |row| {
            if !is_asked(row.key) || sets_apart(row, Reading::Again) {
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
        let mut missing: Vec<(Key, usize)> = files.places.iter().map(|(key, place)| (*key, *place)).collect();
        missing.sort_unstable();
        for (key, place) in missing {
            on(key, Difference::Missing { filed: &files.columns[place..place + self.width] })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
