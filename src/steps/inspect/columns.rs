//! What the columns of a dataset hold: nulls, distinct values, the least and greatest, and the most frequent ones. Memory is
//! bounded: of a column with very many values only their number is kept, as a lower bound.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, make_comparator};
use arrow::compute::{SortOptions, take};
use arrow::datatypes::DataType;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde_json::{Value, json};

use crate::model::{did_you_mean, thousands};
use crate::pg::compare::BatchHashes;
use crate::steps::cells::{cell, masked};
use crate::tables::dictionary::{self, type_name};
use crate::tables::{Column, Dataset};

/// Distinct values that are counted in one column.
const DISTINCT: usize = 100_000;
/// Characters of a value that the screen shows.
const WIDTH: usize = 24;

/// What one column holds.
pub struct ColumnProfile {
    column: &'static Column,
    rows: u64,
    nulls: u64,
    /// By hash: how often the value occurs, and its text while the most frequent values are asked for.
    values: HashMap<u64, (u64, Option<String>), FixedState>,
    is_over: bool,
    /// One cell each.
    least: Option<ArrayRef>,
    greatest: Option<ArrayRef>,
}

/// Reads every column of a dataset, batch by batch.
pub struct ColumnProfiles {
    /// In the order of the dataset.
    pub columns: Vec<ColumnProfile>,
    with_values: bool,
}

impl ColumnProfiles {
    /// None yet; `with_values` also keeps the texts of the most frequent values.
    pub fn new(dataset: &Dataset, with_values: bool) -> Self {
        let of = |column| ColumnProfile {
            column,
            rows: 0,
            nulls: 0,
            values: HashMap::default(),
            is_over: false,
            least: None,
            greatest: None,
        };
        Self { columns: dataset.columns.iter().map(of).collect(), with_values }
    }

    /// Takes a batch with all columns.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|profile| profile.column.name).collect();
        let hashes = BatchHashes::of(batch, &[], &names)?;
        for (at, profile) in self.columns.iter_mut().enumerate() {
            let Some(array) = batch.column_by_name(profile.column.name) else { continue };
            profile.rows += array.len() as u64;
            profile.nulls += array.null_count() as u64;
            profile.limits(array)?;
            if profile.is_over {
                continue;
            }
            for row in (0..array.len()).filter(|row| !array.is_null(*row)) {
                let hash = hashes.column(at, row);
                if let Some((count, _)) = profile.values.get_mut(&hash) {
                    *count += 1;
                } else if profile.values.len() < DISTINCT {
                    let text = if self.with_values { cell(array, row)? } else { None };
                    profile.values.insert(hash, (1, text));
                } else {
                    profile.is_over = true;
                }
            }
        }
        Ok(())
    }
}

impl ColumnProfile {
    /// Keeps the least and the greatest value; lists have none.
    fn limits(&mut self, array: &ArrayRef) -> Result<()> {
        if matches!(array.data_type(), DataType::List(_)) {
            return Ok(());
        }
        let order = make_comparator(array, array, SortOptions::default())?;
        let held = || (0..array.len()).filter(|row| !array.is_null(*row));
        let Some(least) = held().min_by(|a, b| order(*a, *b)) else { return Ok(()) };
        let greatest = held().max_by(|a, b| order(*a, *b)).unwrap_or(least);
        for (best, row, wanted) in [(&mut self.least, least, Ordering::Less), (&mut self.greatest, greatest, Ordering::Greater)] {
            let is_better = match best {
                Some(best) => make_comparator(array, best, SortOptions::default())?(row, 0) == wanted,
                None => true,
            };
            if is_better {
                // A slice would keep the whole batch in memory.
                *best = Some(take(array, &UInt32Array::from(vec![u32::try_from(row)?]), None)?);
            }
        }
        Ok(())
    }

    fn distinct(&self) -> String {
        let count = thousands(self.values.len() as u64);
        if self.is_over { format!("> {count}") } else { count }
    }

    /// A value as it may be shown.
    fn shown(&self, value: String, show: bool) -> String {
        if show { value } else { masked(self.column.name, &value) }
    }

    fn limit(&self, limit: Option<&ArrayRef>, show: bool) -> Result<Option<String>> {
        let value = limit.map_or(Ok(None), |array| cell(array, 0))?;
        Ok(value.map(|value| self.shown(value, show)))
    }

    /// The most frequent values with their counts, most frequent first; none where there are too many to count, or where they
    /// would be masked.
    fn top(&self, most: usize, show: bool) -> Vec<(String, u64)> {
        if self.is_over || (dictionary::is_personal(self.column.name) && !show) {
            return Vec::new();
        }
        let texts = self.values.values().filter_map(|(count, text)| Some((text.clone()?, *count)));
        let mut found: Vec<(String, u64)> = texts.collect();
        found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        found.truncate(most);
        found
    }

    /// The row of the table on the screen.
    pub fn row(&self, show: bool) -> Result<[String; 7]> {
        let share = if self.rows == 0 { "-".to_owned() } else { format!("{:.1}%", self.nulls as f64 * 100.0 / self.rows as f64) };
        let limit = |limit| Ok::<_, anyhow::Error>(shortened(&self.limit(limit, show)?.unwrap_or_default()));
        Ok([
            self.column.name.to_owned(),
            type_name(&(self.column.data_type)()),
            share,
            self.distinct(),
            limit(self.least.as_ref())?,
            limit(self.greatest.as_ref())?,
            self.column.description(),
        ])
    }

    /// The words that the column may hold, and the most frequent values; empty where there is nothing to say.
    pub fn lines(&self, top: usize, show: bool) -> String {
        let mut text = String::new();
        let words = (self.column.words)();
        if !words.is_empty() {
            text.push_str(&format!("  {:<24} one of: {}\n", self.column.name, words.join(", ")));
        }
        let values = self.top(top, show);
        if !values.is_empty() {
            let values: Vec<String> =
                values.iter().map(|(value, count)| format!("{} {}", shortened(value), thousands(*count))).collect();
            text.push_str(&format!("  {:<24} {}\n", self.column.name, values.join(" · ")));
        } else if top > 0 && self.is_over {
            text.push_str(&format!("  {:<24} too many values to count\n", self.column.name));
        }
        text
    }

    /// What may have been meant by a value that no row has.
    pub fn instead_of(&self, wanted: &str) -> String {
        let texts: BTreeSet<&str> = self.values.values().filter_map(|(_, text)| text.as_deref()).collect();
        if texts.contains(wanted) || dictionary::is_personal(self.column.name) {
            return String::new();
        }
        match did_you_mean(wanted, texts.iter().copied()) {
            Some(near) => format!("no row has {}={wanted}; did you mean {near:?}?\n", self.column.name),
            None => format!("no row has {}={wanted}; --top 20 shows what there is\n", self.column.name),
        }
    }

    /// The same as data.
    pub fn data(&self, top: usize, show: bool) -> Result<Value> {
        let values = self.top(top, show).into_iter().map(|(value, count)| json!({ "value": value, "rows": count }));
        Ok(json!({
            "column": self.column.name,
            "type": type_name(&(self.column.data_type)()),
            "nullable": self.column.nullable,
            "meaning": self.column.description(),
            "words": (self.column.words)(),
            "nulls": self.nulls,
            "distinct": self.values.len(),
            "is_lower_bound": self.is_over,
            "min": self.limit(self.least.as_ref(), show)?,
            "max": self.limit(self.greatest.as_ref(), show)?,
            "top": values.collect::<Vec<_>>(),
        }))
    }
}

/// The beginning of a long value.
fn shortened(value: &str) -> String {
    match value.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
