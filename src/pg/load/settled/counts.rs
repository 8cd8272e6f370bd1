//! Counts the rows that loads wrote, their records, and foreign rows, in each bucket or in a whole table.

use std::collections::BTreeMap;

use anyhow::Result;
use tokio_postgres::Row;

use crate::pg::compare::{Sums, changed_by_others};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::session::Crm;
use crate::pg::load::table_sql::{Grouped, TableSql, count_records};
use crate::pg::load::target::Loaded;

/// Rows of one bucket, or of a table.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Written by loads, and not marked as changed by others.
    pub loaded: u64,
    /// Written by this transaction.
    pub new: u64,
    /// All.
    pub all: u64,
}

impl RowCounts {
    /// Rows that were all written by earlier loads.
    pub fn all_loaded(rows: u64) -> Self {
        Self { loaded: rows, new: 0, all: rows }
    }

    fn add(&mut self, more: Self) {
        self.loaded += more.loaded;
        self.new += more.new;
        self.all += more.all;
    }
}

/// Rows by bucket; the last entry is for ids that are not ours.
struct BucketCounts(Vec<RowCounts>);

/// Rows and records of the CRM by table and bucket.
pub struct CountedBuckets {
    rows: BTreeMap<&'static str, BucketCounts>,
    /// Of tables whose rows have records.
    records: BTreeMap<&'static str, BucketCounts>,
}

impl CountedBuckets {
    /// The rows of a bucket, and its records if the table's rows have any.
    pub fn of(&self, table: &str, bucket: u32) -> (RowCounts, Option<RowCounts>) {
        let counts = |of: &BTreeMap<&'static str, BucketCounts>| of.get(table).map(|counts| counts.0[bucket as usize]);
        (counts(&self.rows).unwrap_or_default(), counts(&self.records))
    }
}

/// A table and the transactions of the loads that wrote its rows.
pub type LoadedBy<'a> = (&'static Loaded, &'a [u64]);

/// Counts by bucket. `this` is the open transaction.
pub fn by_bucket(crm: &Crm, catalog: &Catalog, tables: &[LoadedBy<'_>], this: u64) -> Result<CountedBuckets> {
    let none = || BucketCounts(vec![RowCounts::default(); Sums::BUCKETS as usize]);
    let mut counted = CountedBuckets { rows: BTreeMap::new(), records: BTreeMap::new() };
    for (loaded, loads) in tables {
        let sql =
            TableSql::of(loaded).count_rows(&transactions(loads), low(this), &changed_by_others(catalog.table(loaded.table)));
        let counts = counted.rows.entry(loaded.table).or_insert_with(none);
        for row in crm.query(&sql, &[])? {
            counts.0[Sums::bucket_of(row.get(1)) as usize].add(counts_of(&row));
        }
        if loaded.stays_deleted() {
            counted.records.insert(loaded.table, none());
        }
    }
    each_record(crm, tables, Grouped::ByBucket, this, &mut |table, bucket, rows| {
        if let Some(counts) = counted.records.get_mut(table) {
            counts.0[Sums::bucket_of(bucket) as usize].add(rows);
        }
    })?;
    Ok(counted)
}

/// The rows and records of a whole table.
#[derive(Clone, Copy)]
pub struct TableTotals {
    /// Our rows.
    pub ours: RowCounts,
    /// Their records, if the table's rows have any.
    pub records: Option<RowCounts>,
    /// Foreign rows.
    pub foreign: u64,
    /// Foreign rows that were made since an instant.
    pub newer: u64,
}

impl TableTotals {
    /// Whether our rows are so many, all written by loads, and as many as their records.
    pub fn hold_only(&self, rows: u64) -> bool {
        self.ours == RowCounts::all_loaded(rows) && self.records.is_none_or(|records| records.all == rows)
    }
}

/// Counts whole tables, each in one scan, and foreign rows since an instant.
pub fn by_table(
    crm: &Crm,
    catalog: &Catalog,
    tables: &[LoadedBy<'_>],
    this: u64,
    since: Option<&str>,
) -> Result<BTreeMap<&'static str, TableTotals>> {
    let mut counted = BTreeMap::new();
    for (loaded, loads) in tables {
        let info = catalog.table(loaded.table);
        let newer = since.and_then(|since| info.newer_than(since)).unwrap_or_else(|| "false".to_owned());
        let row = crm.one(&TableSql::of(loaded).count_all_rows(&transactions(loads), &changed_by_others(info), &newer), &[])?;
        let number = |at: usize| row.get::<_, i64>(at).unsigned_abs();
        let ours = RowCounts { loaded: number(0), new: 0, all: number(0) + number(1) };
        let records = loaded.stays_deleted().then(RowCounts::default);
        counted.insert(loaded.table, TableTotals { ours, records, foreign: number(2), newer: number(3) });
    }
    each_record(crm, tables, Grouped::Whole, this, &mut |table, _, rows| {
        if let Some(records) = counted.get_mut(table).and_then(|totals| totals.records.as_mut()) {
            records.add(rows);
        }
    })?;
    Ok(counted)
}

/// Callback for a count of records: the table, the bucket's digits, and the records.
type OnCount<'a> = dyn FnMut(&str, &str, RowCounts) + 'a;

/// Records are only added and removed, so the transactions of all tables tell as much as those of their own.
fn each_record(crm: &Crm, tables: &[LoadedBy<'_>], grouped: Grouped, this: u64, on: &mut OnCount<'_>) -> Result<()> {
    let mut loads: Vec<u64> = tables.iter().flat_map(|(_, loads)| loads.iter().copied()).collect();
    loads.sort_unstable();
    loads.dedup();
    for (records, is_hashed) in [("backfill.written", true), ("backfill.child", false)] {
        let named = tables.iter().filter(|(loaded, _)| loaded.stays_deleted() && loaded.remembered == is_hashed);
        let names: Vec<&str> = named.map(|(loaded, _)| loaded.table).collect();
        if names.is_empty() {
            continue;
        }
        for row in crm.query(&count_records(records, grouped, &names, &transactions(&loads), low(this)), &[])? {
            on(row.get(0), row.get(1), counts_of(&row));
        }
    }
    Ok(())
}

/// The counts after the table's name and the digits of the bucket.
fn counts_of(row: &Row) -> RowCounts {
    let number = |at: usize| row.get::<_, i64>(at).unsigned_abs();
    RowCounts { loaded: number(2), new: number(3), all: number(4) }
}

/// A transaction's number as rows keep it.
fn low(transaction: u64) -> u32 {
    (transaction & u64::from(u32::MAX)) as u32
}

/// Transactions as SQL writes an array of them.
fn transactions(numbers: &[u64]) -> String {
    let listed: Vec<String> = numbers.iter().map(|number| low(*number).to_string()).collect();
    format!("'{{{}}}'::xid[]", listed.join(","))
}
