//! The records of rows that loads wrote, and the same for the rows as they are now: two sides of a comparison.

use anyhow::Result;

use crate::pg::Connection;
use crate::pg::compare::crm_rows::{CrmRows, stream};
use crate::pg::compare::plan::within;
use crate::pg::compare::{ComparedRow, ComparedSide, IdKey, OnRow, RowContent, RowMarks, TableForm};

/// The records of one table's rows in schema `backfill`.
pub struct Remembered<'a> {
    /// The session.
    pub connection: &'a Connection,
    /// The table.
    pub table: &'static str,
    /// How contents are recorded; `None` if only ids are.
    pub content: Option<&'a RowContent>,
}

impl ComparedSide for Remembered<'_> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        let (select, memory, width) = match self.content {
            Some(_) => ("w.id, w.content, w.said", "backfill.written", 3),
            None => ("w.id", "backfill.child", 1),
        };
        let some = within("w.id", buckets);
        let statement = format!(
            "copy (select {select} from {memory} w where w.table_name = '{}'{some}) to stdout (format binary)",
            self.table
        );
        stream(self.connection, memory, &statement, width, &mut |tuple| {
            let key = IdKey::of(tuple.get(0).unwrap_or_default());
            let Some(content) = self.content else { return on(ComparedRow { key, columns: &[], marks: RowMarks::default() }) };
            let hash = tuple.get(1).and_then(|hash| hash.try_into().ok()).map_or(0, u128::from_be_bytes);
            on(ComparedRow { key, columns: &numbers(hash, content.said_before(tuple.get(2))), marks: RowMarks::default() })
        })?;
        Ok(())
    }
}

fn numbers(hash: u128, said: u64) -> [u64; 3] {
    [(hash >> 64) as u64, hash as u64, said]
}

/// The record of a row of the CRM as it is now.
pub fn as_remembered(content: &RowContent, row: ComparedRow<'_>) -> [u64; 3] {
    numbers(content.hash(row.columns), content.said(row.columns))
}

/// The records of our rows as they are now.
pub struct HeldContents<'a> {
    /// The rows.
    pub rows: CrmRows<'a>,
    /// How they are recorded.
    pub content: &'a RowContent,
}

impl ComparedSide for HeldContents<'_> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        self.rows.rows(buckets, &mut |row| {
            on(ComparedRow { key: row.key, columns: &as_remembered(self.content, row), marks: row.marks })
        })
    }
}

/// The ids of our rows.
pub struct HeldIds<'a> {
    /// The session.
    pub connection: &'a Connection,
    /// The table.
    pub form: &'a TableForm,
}

impl ComparedSide for HeldIds<'_> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        stream(self.connection, self.form.loaded.table, &self.form.ids(buckets), 1, &mut |tuple| {
            on(ComparedRow { key: IdKey::of(tuple.get(0).unwrap_or_default()), columns: &[], marks: RowMarks::default() })
        })?;
        Ok(())
    }
}
