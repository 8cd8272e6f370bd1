//! What the last load left in the CRM, bucket by bucket, so that the next one reads only the buckets in which something changed.
//!
//! PostgreSQL keeps with each row the transaction that wrote it last (`xmin`). Whoever changes a row leaves another transaction there,
//! and whoever adds or deletes one changes the number of rows. A bucket is *settled* if all its rows were written by loads, and the
//! records of loads agreed with them: it still holds what the last load left as long as the number of rows of those transactions, and
//! of all rows, is the same in the table and in the records. Then the sums of the last load stand for its rows.
//!
//! Sums are only a saving: a CRM without them, of another form, restored from a dump or with transactions too old to be told apart is
//! read as a whole.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::Connection;
use crate::pg::compare::{
    ComparedRow, ComparedSide, CrmRows, FileRows, OnRow, Remembered, RowContent, Sums, TableForm, as_remembered,
    changed_by_others, sealed,
};
use crate::pg::load::catalog::{Catalog, TableInfo};
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
use crate::pg::load::table_sql::{TableSql, count_records};
use crate::pg::load::target::{LOADED, Loaded};

/// Transaction numbers repeat after 2³². Half of that is the oldest that PostgreSQL itself can compare.
const OLDEST: u64 = 1 << 31;

/// The settled buckets of one table, and those that must be read.
pub struct SettledBuckets {
    /// Sums of the settled buckets; every other bucket is empty.
    pub sums: Sums,
    /// Buckets that must be read; `None` for all.
    pub unsettled: Option<Vec<u32>>,
}

/// The settled buckets of all tables.
pub type SettledTables = BTreeMap<&'static str, SettledBuckets>;

impl SettledBuckets {
    /// Nothing is settled.
    pub fn none() -> Self {
        Self { sums: Sums::empty(), unsettled: None }
    }

    /// Reads the rows of one side that are not settled.
    pub fn read(&self, side: &dyn ComparedSide, on: &mut OnRow<'_>) -> Result<()> {
        if self.unsettled.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        // A side may return more rows than asked for.
        side.rows(self.unsettled.as_deref(), &mut |row| {
            if self.sums.rows_of(row.key.bucket()) > 0 { Ok(()) } else { on(row) }
        })
    }
}

/// Rows of one bucket.
#[derive(Clone, Copy, Default)]
struct BucketRows {
    /// Written by loads, and not marked as changed by others.
    loaded: u64,
    /// Written by this transaction.
    new: u64,
    all: u64,
}

/// Rows by bucket; the last entry is for ids that are not ours.
struct BucketCounts(Vec<BucketRows>);

impl BucketCounts {
    fn empty() -> Self {
        Self(vec![BucketRows::default(); Sums::BUCKETS as usize])
    }

    fn add(&mut self, bucket: &str, rows: BucketRows) {
        let one = &mut self.0[Sums::bucket_of(bucket) as usize];
        one.loaded += rows.loaded;
        one.new += rows.new;
        one.all += rows.all;
    }

    fn of(&self, bucket: u32) -> BucketRows {
        self.0[bucket as usize]
    }
}

/// Rows and records of the CRM by table and bucket.
struct CountedBuckets {
    rows: BTreeMap<&'static str, BucketCounts>,
    records: BTreeMap<&'static str, BucketCounts>,
}

/// Counts the rows of the tables, and the records of loads, of some transactions and of this one.
fn count(crm: &Crm, catalog: &Catalog, tables: &[&'static Loaded], loads: &[u64], this: u64) -> Result<CountedBuckets> {
    let each = |sql: &str, on: &mut dyn FnMut(&str, &str, BucketRows)| -> Result<()> {
        for row in crm.query(sql, &[])? {
            let number = |at: usize| row.get::<_, i64>(at).unsigned_abs();
            on(row.get(0), row.get(1), BucketRows { loaded: number(2), new: number(3), all: number(4) });
        }
        Ok(())
    };
    let (loads, this) = (transactions(loads), low(this));
    let mut counted = CountedBuckets { rows: BTreeMap::new(), records: BTreeMap::new() };
    for loaded in tables {
        let counts = counted.rows.entry(loaded.table).or_insert_with(BucketCounts::empty);
        let foreign = changed_by_others(catalog.table(loaded.table));
        each(&TableSql::of(loaded).count_buckets(&loads, this, &foreign), &mut |_, bucket, rows| counts.add(bucket, rows))?;
        if loaded.stays_deleted() {
            counted.records.insert(loaded.table, BucketCounts::empty());
        }
    }
    for records in ["backfill.written", "backfill.child"] {
        each(&count_records(records, &loads, this), &mut |table, bucket, rows| {
            if let Some(counts) = counted.records.get_mut(table) {
                counts.add(bucket, rows);
            }
        })?;
    }
    Ok(counted)
}

/// What the last load left and no one changed since. Tables without an entry must be read.
pub fn read(crm: &Crm, catalog: &Catalog, forms: &[TableForm]) -> Result<SettledTables> {
    let mut left = BTreeMap::new();
    let mut loads = Vec::new();
    let this = this_transaction(crm)?;
    for row in crm.query(include_str!("../../../sql/crm/list_settled.sql"), &[])? {
        let (name, form, written, bytes): (&str, &str, Vec<String>, &[u8]) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let Some(known) = forms.iter().find(|known| known.loaded.table == name) else { continue };
        let fits = known.unfit.is_empty() && known.fingerprint(catalog.table(name)) == form;
        if !fits || row.get::<_, &str>(4) != seal_of(name, form, &written, bytes) {
            continue;
        }
        let written: Vec<u64> = written.iter().filter_map(|number| number.parse().ok()).collect();
        let is_recent = written.iter().all(|number| this.checked_sub(*number).is_some_and(|age| age < OLDEST));
        if let Some(sums) = Sums::from_bytes(bytes).filter(|_| is_recent) {
            loads.extend(written);
            left.insert(known.loaded.table, sums);
        }
    }
    loads.sort_unstable();
    loads.dedup();
    let tables: Vec<&'static Loaded> =
        forms.iter().map(|form| form.loaded).filter(|loaded| left.contains_key(loaded.table)).collect();
    if tables.is_empty() {
        return Ok(SettledTables::new());
    }
    let counted = count(crm, catalog, &tables, &loads, this)?;
    let mut all = SettledTables::new();
    for (name, left) in left {
        let (rows, records) = (&counted.rows[name], counted.records.get(name));
        let (mut sums, mut changed) = (Sums::empty(), Vec::new());
        for bucket in 0..Sums::BUCKETS {
            let (now, was) = (rows.of(bucket), left.rows_of(bucket));
            let recorded = records.map_or(BucketRows { loaded: was, new: 0, all: was }, |records| records.of(bucket));
            let counts = [now.loaded, now.all, recorded.loaded, recorded.all];
            if was > 0 && counts == [was; 4] {
                sums.put(bucket, left.of(bucket));
            } else if was + now.all + recorded.all > 0 {
                changed.push(bucket);
            }
        }
        all.insert(name, SettledBuckets { sums, unsettled: Some(changed) });
    }
    Ok(all)
}

/// Records what this load leaves: for tables in which it changed rows, those buckets are read again.
pub fn record(crm: &Crm, catalog: &Catalog, preflight: &Preflight, forms: &[TableForm], before: &SettledTables) -> Result<()> {
    crm.doing("recording what is settled");
    let this = this_transaction(crm)?;
    let loads = loads(crm, this)?;
    let forms: Vec<&TableForm> = forms.iter().filter(|form| form.unfit.is_empty()).collect();
    let tables: Vec<&'static Loaded> = forms.iter().map(|form| form.loaded).collect();
    let counted = count(crm, catalog, &tables, &loads, this)?;
    for form in forms {
        let name = form.loaded.table;
        let (rows, records) = (&counted.rows[name], counted.records.get(name));
        let (mut sums, mut again) = (Sums::empty(), Vec::new());
        for bucket in 0..Sums::ODD {
            let now = rows.of(bucket);
            let recorded = records.map_or(BucketRows { loaded: now.all, new: 0, all: now.all }, |records| records.of(bucket));
            if now.all == 0 || now.loaded < now.all || recorded.all != now.all {
                continue;
            }
            let known = before.get(name).filter(|before| before.sums.rows_of(bucket) == now.all);
            match known {
                Some(before) if now.new + recorded.new == 0 => sums.put(bucket, before.sums.of(bucket)),
                _ => again.push(bucket),
            }
        }
        if !again.is_empty() {
            read_again(crm, preflight, form, again, &mut sums)?;
        }
        write(crm, catalog, form, &loads, &sums)?;
    }
    Ok(())
}

/// Adds the sums of buckets whose rows agree with the records.
fn read_again(crm: &Crm, preflight: &Preflight, form: &TableForm, again: Vec<u32>, sums: &mut Sums) -> Result<()> {
    let (connection, loaded) = (crm.connection(), form.loaded);
    let content = loaded.remembered.then(|| RowContent::of(preflight.plan(loaded.table), form));
    let (mut rows, mut as_written, mut records) = (Sums::empty(), Sums::empty(), Sums::empty());
    CrmRows { connection, form }.rows(Some(&again), &mut |row| {
        rows.add(row);
        let recorded = content.as_ref().map(|content| as_remembered(content, row));
        as_written.add(ComparedRow { columns: recorded.as_ref().map_or(&[], |columns| columns.as_slice()), ..row });
        Ok(())
    })?;
    if loaded.stays_deleted() {
        let side = Remembered { connection, table: loaded.table, content: content.as_ref() };
        side.rows(Some(&again), &mut |row| {
            records.add(row);
            Ok(())
        })?;
    }
    for bucket in again {
        if !loaded.stays_deleted() || records.equals(&as_written, bucket) {
            sums.put(bucket, rows.of(bucket));
        }
    }
    Ok(())
}

/// Records the sums of the datasets after a first load, which wrote all rows. Tables whose triggers or rules may have changed them are
/// read by the next load.
pub fn record_first(crm: &Crm, catalog: &Catalog, forms: &[TableForm], filed: Vec<Sums>) -> Result<()> {
    crm.doing("recording what is settled");
    crm.run("delete from backfill.settled")?;
    let this = this_transaction(crm)?;
    for (form, sums) in forms.iter().zip(filed) {
        let info = catalog.table(form.loaded.table);
        if form.unfit.is_empty() && is_plain(info) {
            write(crm, catalog, form, &[this], &sums)?;
        }
    }
    Ok(())
}

/// The sums of the datasets' rows, as load writes them.
pub fn sums_of_files(files: &FileRows<'_>) -> Result<Sums> {
    let mut sums = Sums::empty();
    files.rows(None, &mut |row| {
        sums.add(row);
        Ok(())
    })?;
    Ok(sums)
}

fn write(crm: &Crm, catalog: &Catalog, form: &TableForm, loads: &[u64], sums: &Sums) -> Result<()> {
    let name = form.loaded.table;
    let fingerprint = form.fingerprint(catalog.table(name));
    let loads: Vec<String> = loads.iter().map(u64::to_string).collect();
    let bytes = sums.to_bytes();
    let seal = seal_of(name, &fingerprint, &loads, &bytes);
    crm.execute(include_str!("../../../sql/crm/settle.sql"), &[&name, &fingerprint, &loads, &bytes, &seal])?;
    Ok(())
}

/// A hash by which damage to a record is noticed.
fn seal_of(table: &str, form: &str, loads: &[String], bytes: &[u8]) -> String {
    let loads = loads.join(",");
    format!("{:032x}", sealed(&[table.as_bytes(), form.as_bytes(), loads.as_bytes(), bytes]))
}

/// Whether the rows of a first load are surely what was sent.
fn is_plain(info: &TableInfo) -> bool {
    info.triggers.is_empty() && info.rules.is_empty()
}

/// The number of tables with sums, and the tables whose sums are damaged or lost. Loads read these tables.
pub fn damaged(connection: &Connection, catalog: &Catalog) -> Result<(usize, Vec<String>)> {
    let rows = connection.query(include_str!("../../../sql/crm/list_settled.sql"), &[])?;
    let mut lost: Vec<&str> = LOADED.iter().map(|loaded| loaded.table).filter(|name| is_plain(catalog.table(name))).collect();
    let mut broken = Vec::new();
    for row in &rows {
        let (name, form, written, bytes): (&str, &str, Vec<String>, &[u8]) = (row.get(0), row.get(1), row.get(2), row.get(3));
        lost.retain(|lost| *lost != name);
        if row.get::<_, &str>(4) != seal_of(name, form, &written, bytes) {
            broken.push(name.to_owned());
        }
    }
    // A CRM that was loaded by an earlier version has none.
    if !rows.is_empty() {
        broken.extend(lost.into_iter().map(str::to_owned));
    }
    Ok((rows.len(), broken))
}

/// The transactions of all loads that this program recorded, and this one.
fn loads(crm: &Crm, this: u64) -> Result<Vec<u64>> {
    let rows = crm.query(include_str!("../../../sql/crm/load_transactions.sql"), &[])?;
    let earlier = rows.iter().filter_map(|row| row.get::<_, &str>(0).parse::<u64>().ok());
    let mut all: Vec<u64> = earlier.filter(|number| this.checked_sub(*number).is_some_and(|age| age < OLDEST)).collect();
    all.push(this);
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn this_transaction(crm: &Crm) -> Result<u64> {
    let text: String = crm.one("select pg_current_xact_id()::text", &[])?.get(0);
    Ok(text.parse()?)
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
