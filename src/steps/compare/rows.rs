//! The rows of one dataset that differ between two runs. The comparison of `pg::compare` finds their keys in bounded memory; the
//! rows themselves are read again, as many at a time as it compared at once.

use std::cell::Cell;

use anyhow::Result;
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;

use crate::pg::compare::{BatchHashes, ComparedSide, DatasetRows, IdKey, OnRow, TableComparison};
use crate::steps::cells;
use crate::store::Folder;
use crate::tables::resolution::decisions;
use crate::tables::{Dataset, Table as _};

/// Batches of one dataset, from its beginning.
pub type RunBatches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

/// One dataset of two runs.
pub struct DatasetPair<'a> {
    /// Reads the former run's.
    pub before: &'a dyn Fn() -> Result<RunBatches>,
    /// Reads the later run's.
    pub after: &'a dyn Fn() -> Result<RunBatches>,
    /// Columns that identify a row.
    pub key: Vec<&'static str>,
    /// Columns that are compared.
    pub columns: Vec<&'static str>,
    /// Memory for rows that are compared at once, in bytes.
    pub budget: usize,
}

/// The columns that identify a row. `res__decisions` is compared by what it decides, because each new line moves the others.
pub fn key_of(stem: &str, dataset: &Dataset) -> &'static [&'static str] {
    if stem == decisions::Table::STEM { &["kind", "a", "b", "origin"] } else { dataset.key }
}

/// A row of one run.
#[derive(Clone, Copy)]
pub struct RunRow<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl RunRow<'_> {
    /// A cell as text; `None` is null, or a column that the dataset does not have.
    pub fn text(&self, column: &str) -> Result<Option<String>> {
        self.batch.column_by_name(column).map_or(Ok(None), |array| cells::cell(array, self.row))
    }
}

/// A row that differs between the runs.
pub struct RowDifference<'a> {
    /// The former run's row; `None` if only the later run has it.
    pub before: Option<RunRow<'a>>,
    /// The later run's.
    pub after: Option<RunRow<'a>>,
    /// The columns that differ, if both runs have the row.
    pub columns: Vec<&'static str>,
}

impl RowDifference<'_> {
    /// A cell of both runs.
    pub fn both(&self, column: &str) -> Result<[Option<String>; 2]> {
        let text = |row: Option<RunRow<'_>>| row.map_or(Ok(None), |row| row.text(column));
        Ok([text(self.before)?, text(self.after)?])
    }

    /// A cell of the later run, else of the former one.
    pub fn either(&self, column: &str) -> Result<Option<String>> {
        let [before, after] = self.both(column)?;
        Ok(after.or(before))
    }
}

/// Callback for each row that differs.
pub type OnRowDifference<'a> = dyn FnMut(&RowDifference<'_>) -> Result<()> + 'a;

/// The rows of a dataset that differ between two folders; none where its file is the same.
pub fn differences(stem: &str, dataset: &Dataset, folders: [&Folder; 2], on: &mut OnRowDifference<'_>) -> Result<()> {
    let file = format!("{stem}.parquet");
    let [one, two] = folders.map(|folder| folder.manifest.files.get(&file).map(|entry| &entry.blake3));
    if one == two {
        return Ok(());
    }
    let read = |folder: &Folder| -> Result<RunBatches> { Ok(Box::new(folder.read_stem(stem)?)) };
    let (before, after) = (|| read(folders[0]), || read(folders[1]));
    DatasetPair::of(stem, dataset, &before, &after).differences(on)
}

impl<'a> DatasetPair<'a> {
    /// The columns of a dataset.
    pub fn of(
        stem: &str,
        dataset: &Dataset,
        before: &'a dyn Fn() -> Result<RunBatches>,
        after: &'a dyn Fn() -> Result<RunBatches>,
    ) -> Self {
        let key = key_of(stem, dataset).to_vec();
        let is_compared = |name: &&str| !key.contains(name) && !dataset.key.contains(name);
        let columns = dataset.columns.iter().map(|column| column.name).filter(is_compared).collect();
        Self { before, after, key, columns, budget: 64 << 20 }
    }

    /// Rows that differ, in the order of the former run's file, then those of the later run alone; in parts, if they are many.
    pub fn differences(&self, on: &mut OnRowDifference<'_>) -> Result<()> {
        let parts = Cell::new(0_usize);
        let former = PartedRows { rows: self.rows(self.before), parts: &parts };
        let later = self.rows(self.after);
        let comparison = TableComparison { files: &former, crm: &later, width: self.columns.len(), budget: self.budget };
        let (mut keys, mut part) = (Vec::new(), 0);
        comparison.run(&mut |_, _| false, &mut |key, _| {
            if part != parts.get() {
                self.describe(&mut keys, on)?;
                part = parts.get();
            }
            keys.push(key);
            Ok(())
        })?;
        self.describe(&mut keys, on)
    }

    fn rows<'b>(&'b self, read: &'b dyn Fn() -> Result<RunBatches>) -> DatasetRows<'b, RunBatches> {
        DatasetRows { read, key: &self.key, columns: &self.columns }
    }

    /// Reads the rows of some keys again and tells how they differ. Of several rows with one key, equal ones are paired first.
    fn describe(&self, keys: &mut Vec<IdKey>, on: &mut OnRowDifference<'_>) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        keys.sort_unstable();
        keys.dedup();
        let (former, later) = (self.keep((self.before)()?, keys)?, self.keep((self.after)()?, keys)?);
        keys.clear();
        let (former_cells, later_cells) = (self.hashes(&former.batches)?, self.hashes(&later.batches)?);
        let by_key = later.by_key();
        let differing = |one: &WaitingPlace, two: &WaitingPlace| -> Vec<&'static str> {
            let cells =
                |column: usize| former_cells[one.batch].column(column, one.row) == later_cells[two.batch].column(column, two.row);
            self.columns.iter().enumerate().filter(|(column, _)| !cells(*column)).map(|(_, name)| *name).collect()
        };
        let mut is_taken = vec![false; later.places.len()];
        let mut is_equal = vec![false; former.places.len()];
        let places = &later.places;
        let counterparts = |key: IdKey| {
            let first = by_key.partition_point(|place| places[*place].key < key);
            by_key[first..].iter().copied().take_while(move |place| places[*place].key == key)
        };
        for (place, equal) in former.places.iter().zip(&mut is_equal) {
            let found = counterparts(place.key).find(|at| !is_taken[*at] && differing(place, &later.places[*at]).is_empty());
            if let Some(found) = found {
                is_taken[found] = true;
                *equal = true;
            }
        }
        for (place, _) in former.places.iter().zip(&is_equal).filter(|(_, equal)| !**equal) {
            let found = counterparts(place.key).find(|at| !is_taken[*at]);
            let before = Some(former.row(place));
            match found {
                Some(found) => {
                    is_taken[found] = true;
                    let two = &later.places[found];
                    on(&RowDifference { before, after: Some(later.row(two)), columns: differing(place, two) })?;
                }
                None => on(&RowDifference { before, after: None, columns: Vec::new() })?,
            }
        }
        for (place, _) in later.places.iter().zip(is_taken).filter(|(_, taken)| !taken) {
            on(&RowDifference { before: None, after: Some(later.row(place)), columns: Vec::new() })?;
        }
        Ok(())
    }

    fn hashes<'b>(&self, batches: &'b [RecordBatch]) -> Result<Vec<BatchHashes<'b>>> {
        batches.iter().map(|batch| BatchHashes::of(batch, &[], &self.columns)).collect()
    }

    fn keep(&self, batches: RunBatches, keys: &[IdKey]) -> Result<WaitingRows> {
        let mut kept = WaitingRows::default();
        for batch in batches {
            let batch = batch?;
            let hashes = BatchHashes::of(&batch, &self.key, &[])?;
            let mut rows = Vec::new();
            for row in 0..batch.num_rows() {
                let key = hashes.key(row);
                if keys.binary_search(&key).is_ok() {
                    kept.places.push(WaitingPlace { key, batch: kept.batches.len(), row: rows.len() });
                    rows.push(u32::try_from(row)?);
                }
            }
            if !rows.is_empty() {
                kept.batches.push(take_record_batch(&batch, &UInt32Array::from(rows))?);
            }
        }
        Ok(kept)
    }
}

/// The former run's side: counts how often some of its rows are asked for, which is once for each part of the comparison.
struct PartedRows<'a> {
    rows: DatasetRows<'a, RunBatches>,
    parts: &'a Cell<usize>,
}

impl ComparedSide for PartedRows<'_> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        self.parts.set(self.parts.get() + usize::from(buckets.is_some()));
        self.rows.rows(buckets, on)
    }
}

/// Rows that wait to be told, in file order.
#[derive(Default)]
struct WaitingRows {
    batches: Vec<RecordBatch>,
    places: Vec<WaitingPlace>,
}

struct WaitingPlace {
    key: IdKey,
    batch: usize,
    row: usize,
}

impl WaitingRows {
    fn row(&self, place: &WaitingPlace) -> RunRow<'_> {
        RunRow { batch: &self.batches[place.batch], row: place.row }
    }

    /// Positions of the places, by key and then in file order.
    fn by_key(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.sort_by_key(|at| self.places[*at].key);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Builder as _;
    use crate::tables::resolution::hubs;

    /// Hubs with this value and number of records, in batches of 50.
    fn batches(rows: &[(String, i32)]) -> Result<RunBatches> {
        let made: Vec<Result<RecordBatch>> = rows
            .chunks(50)
            .map(|rows| {
                let mut builder = hubs::Builder::new(rows.len());
                for (value, record_count) in rows {
                    let reason = "MANY_OWNERS";
                    let (record_count, owner_count) = (*record_count, 1);
                    builder.push(hubs::Row { kind: "EMAIL", tenant_id: None, value, record_count, owner_count, reason });
                }
                Ok(builder.finish())
            })
            .collect();
        Ok(Box::new(made.into_iter()))
    }

    /// `value before→after` of every row that differs, sorted.
    fn told(before: &[(String, i32)], after: &[(String, i32)], budget: usize) -> Vec<String> {
        let (one, two) = (|| batches(before), || batches(after));
        let pair = DatasetPair { budget, ..DatasetPair::of("res__hubs", &hubs::Table::dataset(), &one, &two) };
        let mut told = Vec::new();
        pair.differences(&mut |row| {
            let [before, after] = row.both("record_count")?.map(Option::unwrap_or_default);
            told.push(format!("{} {before}→{after} {}", row.either("value")?.unwrap_or_default(), row.columns.join(" ")));
            Ok(())
        })
        .unwrap();
        told.sort();
        told
    }

    fn row(value: impl ToString, count: i32) -> (String, i32) {
        (value.to_string(), count)
    }

    #[test]
    fn differences_are_the_same_for_any_order_and_any_memory() {
        let before: Vec<_> = (0..600).map(|id| row(id, 1)).collect();
        let mut after: Vec<_> = (5..605).map(|id| row(id, if id % 100 == 50 { 2 } else { 1 })).rev().collect();
        let expected = told(&before, &after, 1 << 20);
        assert_eq!(expected.len(), 16);
        assert!(expected.contains(&"150 1→2 record_count".to_owned()) && expected.contains(&"604 →1 ".to_owned()));
        for budget in [1, 1000, 10_000] {
            assert_eq!(told(&before, &after, budget), expected, "{budget}");
        }
        after.rotate_left(77);
        assert_eq!(told(&before, &after, 1000), expected);
    }

    #[test]
    fn of_rows_with_one_key_the_equal_ones_are_paired() {
        let before = [row("x", 1), row("x", 2), row("x", 3)];
        let after = [row("x", 3), row("x", 1), row("x", 4), row("x", 5)];
        for budget in [1, 1 << 20] {
            assert_eq!(told(&before, &after, budget), ["x 2→4 record_count", "x →5 "]);
        }
        assert!(told(&before, &[row("x", 2), row("x", 3), row("x", 1)], 1).is_empty());
    }
}
