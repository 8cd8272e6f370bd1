//! Counts the rows that loads wrote, and the records of loads, in each bucket or in a whole table.

use std::collections::BTreeMap;

use anyhow::Result;

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

/// Counts by bucket. `loads` are the transactions of loads, `this` is the open one.
pub fn by_bucket(crm: &Crm, catalog: &Catalog, tables: &[&'static Loaded], loads: &[u64], this: u64) -> Result<CountedBuckets> {
    let none = || BucketCounts(vec![RowCounts::default(); Sums::BUCKETS as usize]);
    let mut counted = CountedBuckets { rows: BTreeMap::new(), records: BTreeMap::new() };
    for loaded in tables {
        counted.rows.insert(loaded.table, none());
        if loaded.stays_deleted() {
            counted.records.insert(loaded.table, none());
        }
    }
    count(crm, catalog, tables, Grouped::ByBucket, loads, this, &mut |is_record, table, bucket, rows| {
        let counts = if is_record { &mut counted.records } else { &mut counted.rows };
        if let Some(counts) = counts.get_mut(table) {
            counts.0[Sums::bucket_of(bucket) as usize].add(rows);
        }
    })?;
    Ok(counted)
}

/// Counts whole tables: their rows, and their records if their rows have any.
pub fn by_table(
    crm: &Crm,
    catalog: &Catalog,
    tables: &[&'static Loaded],
    loads: &[u64],
    this: u64,
) -> Result<BTreeMap<&'static str, (RowCounts, Option<RowCounts>)>> {
    let none = |loaded: &Loaded| (RowCounts::default(), loaded.stays_deleted().then(RowCounts::default));
    let mut counted: BTreeMap<_, _> = tables.iter().map(|loaded| (loaded.table, none(loaded))).collect();
    count(crm, catalog, tables, Grouped::Whole, loads, this, &mut |is_record, table, _, more| match counted.get_mut(table) {
        Some((_, Some(records))) if is_record => records.add(more),
        Some((rows, _)) if !is_record => rows.add(more),
        _ => {}
    })?;
    Ok(counted)
}

/// Callback for a count: whether it is of records, the table, the bucket's digits, and the rows.
type OnCount<'a> = dyn FnMut(bool, &str, &str, RowCounts) + 'a;

fn count(
    crm: &Crm,
    catalog: &Catalog,
    tables: &[&'static Loaded],
    grouped: Grouped,
    loads: &[u64],
    this: u64,
    on: &mut OnCount<'_>,
) -> Result<()> {
    let (loads, this) = (transactions(loads), low(this));
    let mut each = |is_record: bool, sql: &str| -> Result<()> {
        for row in crm.query(sql, &[])? {
            let number = |at: usize| row.get::<_, i64>(at).unsigned_abs();
            on(is_record, row.get(0), row.get(1), RowCounts { loaded: number(2), new: number(3), all: number(4) });
        }
        Ok(())
    };
    for loaded in tables {
        let foreign = changed_by_others(catalog.table(loaded.table));
        each(false, &TableSql::of(loaded).count_rows(grouped, &loads, this, &foreign))?;
    }
    for (records, is_hashed) in [("backfill.written", true), ("backfill.child", false)] {
        if tables.iter().any(|loaded| loaded.stays_deleted() && loaded.remembered == is_hashed) {
            each(true, &count_records(records, grouped, &loads, this))?;
        }
    }
    Ok(())
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
