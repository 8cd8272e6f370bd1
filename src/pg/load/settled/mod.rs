//! What the last load left in the CRM, bucket by bucket, so that the next one reads only the buckets in which something changed.
//!
//! PostgreSQL stores with each row the transaction that wrote it last (`xmin`). Changing a row stores another transaction
//! there, and adding or deleting a row changes the number of rows. A bucket is *settled* if loads wrote all its rows and the
//! records of the loads agree with them. A settled bucket still holds what the last load left if two numbers are the same in
//! the table and in the records: the rows written by those transactions, and all rows. Then the sums of the last load are used
//! in place of its rows.
//!
//! If a table held exactly the rows of its dataset, these two counts over the whole table are enough, because the number of
//! rows written by these transactions can only decrease. If the dataset is also unchanged, nothing needs to be compared.
//!
//! The sums only save time. The whole CRM is read if they are missing or have another format, if the CRM was restored from a
//! dump, or if transactions are too old to be told apart.

mod counts;

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::Connection;
use crate::pg::compare::{
    ComparedRow, ComparedSide, CrmRows, FileRows, OnRow, Remembered, RowContent, Sums, TableForm, as_remembered, sealed,
};
use crate::pg::load::catalog::{Catalog, TableInfo};
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
pub use crate::pg::load::settled::counts::TableTotals;
use crate::pg::load::settled::counts::{CountedBuckets, LoadedBy, RowCounts, by_bucket, by_table};
use crate::pg::load::target::{LOADED, Loaded};
use crate::tables::{Table as _, score};

/// Transaction numbers repeat after 2³². Half of that is the oldest that PostgreSQL itself can compare.
const OLDEST: u64 = 1 << 31;

/// The settled buckets of one table, and those that must be read.
pub struct SettledBuckets {
    /// Sums of the settled buckets; every other bucket is empty.
    pub sums: Sums,
    /// Buckets that must be read; `None` for all.
    pub unsettled: Option<Vec<u32>>,
    /// A hash of the dataset whose rows the table holds, no more and no fewer.
    pub dataset: Option<u128>,
}

/// What a load left in one table.
struct LeftByLoad {
    /// The dataset, if all rows and records were settled and equal to it.
    dataset: Option<u128>,
    sums: Sums,
}

impl LeftByLoad {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.dataset.unwrap_or(0).to_be_bytes().to_vec();
        bytes.extend(self.sums.to_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (dataset, sums) = bytes.split_first_chunk()?;
        Some(Self { dataset: Some(u128::from_be_bytes(*dataset)).filter(|hash| *hash != 0), sums: Sums::from_bytes(sums)? })
    }
}

/// The settled buckets of all tables.
pub type SettledTables = BTreeMap<&'static str, SettledBuckets>;

impl SettledBuckets {
    /// Nothing is settled.
    pub fn none() -> Self {
        Self { sums: Sums::empty(), unsettled: None, dataset: None }
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

/// The rows of the tables of load.
pub type Totals = BTreeMap<&'static str, TableTotals>;

/// How a load found the CRM.
pub struct Found<'a> {
    /// How tables are compared.
    pub forms: &'a [TableForm],
    /// What needs not be read.
    pub settled: &'a SettledTables,
    /// The rows.
    pub totals: &'a Totals,
}

/// What the last load left and no one changed since, and the rows of each table, with the foreign ones since an instant. Tables without
/// an entry must be read.
pub fn read(crm: &Crm, catalog: &Catalog, forms: &[TableForm], since: Option<&str>) -> Result<(SettledTables, Totals)> {
    crm.doing("counting the rows of loads and of others");
    let mut left = BTreeMap::new();
    let this = this_transaction(crm)?;
    for row in crm.query(include_str!("../../../../sql/crm/list_settled.sql"), &[])? {
        let (name, form, written, bytes): (&str, &str, Vec<String>, &[u8]) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let Some(known) = forms.iter().find(|known| known.loaded.table == name) else { continue };
        let fits = known.unfit.is_empty() && known.fingerprint(catalog.table(name)) == form;
        if !fits || row.get::<_, &str>(4) != seal_of(name, form, &written, bytes) {
            continue;
        }
        let written: Vec<u64> = written.iter().filter_map(|number| number.parse().ok()).collect();
        let is_recent = written.iter().all(|number| this.checked_sub(*number).is_some_and(|age| age < OLDEST));
        if let Some(known_left) = LeftByLoad::from_bytes(bytes).filter(|_| is_recent) {
            left.insert(known.loaded.table, (known_left, written));
        }
    }
    let written = |loaded: &'static Loaded| (loaded, left.get(loaded.table).map_or(&[][..], |(_, written)| written));
    let tables: Vec<LoadedBy<'_>> = forms.iter().map(|form| written(form.loaded)).collect();
    let totals = by_table(crm, catalog, &tables, this, since)?;
    let all = untouched(&left, &totals);
    let tables = tables.into_iter().filter(|(loaded, _)| left.contains_key(loaded.table) && !all.contains_key(loaded.table));
    let tables: Vec<LoadedBy<'_>> = tables.collect();
    let counted = by_bucket(crm, catalog, &tables, this)?;
    let changed = tables.iter().map(|(loaded, _)| {
        let left = &left[loaded.table].0.sums;
        let (mut sums, mut changed) = (Sums::empty(), Vec::new());
        for bucket in 0..Sums::BUCKETS {
            let was = left.rows_of(bucket);
            let (now, recorded) = counted.of(loaded.table, bucket);
            let recorded = recorded.unwrap_or(RowCounts::all_loaded(was));
            let counts = [now.loaded, now.all, recorded.loaded, recorded.all];
            if was > 0 && counts == [was; 4] {
                sums.put(bucket, left.of(bucket));
            } else if was + now.all + recorded.all > 0 {
                changed.push(bucket);
            }
        }
        (loaded.table, SettledBuckets { sums, unsettled: Some(changed), dataset: None })
    });
    Ok((all.into_iter().chain(changed).collect(), totals))
}

/// The tables that still hold exactly what the last load left, of those that held exactly their dataset.
fn untouched(left: &BTreeMap<&'static str, (LeftByLoad, Vec<u64>)>, totals: &Totals) -> SettledTables {
    let is_same = |(name, (LeftByLoad { dataset, sums }, _)): (&&'static str, &(LeftByLoad, Vec<u64>))| {
        let (now, was) = (totals.get(name)?, RowCounts::all_loaded(sums.rows()));
        let is_same = dataset.is_some() && now.hold_only(sums.rows()) && now.records.is_none_or(|records| records == was);
        is_same.then(|| (*name, SettledBuckets { sums: sums.clone(), unsettled: Some(Vec::new()), dataset: *dataset }))
    };
    left.iter().filter_map(is_same).collect()
}

/// Records what this load leaves. Tables that it found settled and did not change keep their record. Tables that hold what was sent to
/// them get the sums of the dataset; of the others, the buckets in which rows changed are read again.
pub fn record(
    crm: &Crm,
    catalog: &Catalog,
    preflight: &Preflight,
    found: &Found<'_>,
    filed: &[&FiledSums],
    changes: impl Fn(&str) -> u64,
) -> Result<()> {
    crm.doing("recording what is settled");
    let this = this_transaction(crm)?;
    let loads = loads(crm, this)?;
    let is_changed = |name: &str| {
        let is_settled = found.settled.get(name).is_some_and(|settled| settled.unsettled.as_ref().is_some_and(Vec::is_empty));
        // Profiles and consents also change outside the diff: flags are lowered, withdrawals apply to rows that others changed.
        !is_settled || Loaded::of(name).remembered || changes(name) > 0
    };
    let left_alone = crm.query(include_str!("../../../../sql/crm/tables_left_alone.sql"), &[])?;
    let left_alone: Vec<&str> = left_alone.iter().map(|row| row.get(0)).collect();
    let is_as_sent =
        |loaded: &Loaded| !loaded.remembered && is_plain(catalog.table(loaded.table)) && !left_alone.contains(&loaded.table);
    let changed =
        found.forms.iter().zip(filed.iter().copied()).filter(|(form, _)| form.unfit.is_empty() && is_changed(form.loaded.table));
    let (as_sent, others): (Vec<_>, Vec<_>) = changed.partition(|(form, _)| is_as_sent(form.loaded));
    let loaded_by = |tables: &[(&TableForm, &FiledSums)]| -> Vec<LoadedBy<'_>> {
        tables.iter().map(|(form, _)| (form.loaded, loads.as_slice())).collect()
    };
    let totals = by_table(crm, catalog, &loaded_by(&as_sent), this, None)?;
    let (filed, others_sent): (Vec<_>, Vec<_>) =
        as_sent.into_iter().partition(|(form, filed)| totals[form.loaded.table].hold_only(filed.sums.rows()));
    for (form, FiledSums { dataset, sums }) in filed {
        write(crm, catalog, form, &loads, &LeftByLoad { dataset: *dataset, sums: sums.clone() })?;
    }
    let others: Vec<_> = others.into_iter().chain(others_sent).collect();
    let counted = by_bucket(crm, catalog, &loaded_by(&others), this)?;
    for (form, filed) in others {
        let left = left_in_buckets(crm, preflight, form, filed, found.settled, &counted)?;
        write(crm, catalog, form, &loads, &left)?;
    }
    Ok(())
}

/// What a load leaves in a table, bucket by bucket.
fn left_in_buckets(
    crm: &Crm,
    preflight: &Preflight,
    form: &TableForm,
    filed: &FiledSums,
    before: &SettledTables,
    counted: &CountedBuckets,
) -> Result<LeftByLoad> {
    let name = form.loaded.table;
    let (mut sums, mut again, mut is_whole) = (Sums::empty(), Vec::new(), true);
    for bucket in 0..Sums::BUCKETS {
        let (now, recorded) = counted.of(name, bucket);
        let recorded = recorded.unwrap_or(RowCounts { loaded: now.all, new: 0, all: now.all });
        is_whole &= [now.loaded, recorded.all] == [now.all; 2];
        if bucket == Sums::ODD || now.all == 0 || now.loaded < now.all || recorded.all != now.all {
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
    let is_filed = is_whole && (0..Sums::BUCKETS).all(|bucket| sums.equals(&filed.sums, bucket));
    Ok(LeftByLoad { dataset: filed.dataset.filter(|_| is_filed), sums })
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
pub fn record_first(crm: &Crm, catalog: &Catalog, forms: &[TableForm], filed: Vec<FiledSums>) -> Result<()> {
    crm.doing("recording what is settled");
    crm.run("delete from backfill.settled")?;
    let this = this_transaction(crm)?;
    for (form, filed) in forms.iter().zip(filed) {
        let info = catalog.table(form.loaded.table);
        if form.unfit.is_empty() && is_plain(info) {
            write(crm, catalog, form, &[this], &LeftByLoad { dataset: filed.dataset, sums: filed.sums })?;
        }
    }
    Ok(())
}

/// The rows of a dataset, as load writes them.
pub struct FiledSums {
    /// A hash of its files.
    dataset: Option<u128>,
    /// Sums of its rows.
    pub sums: Sums,
}

impl std::fmt::Debug for FiledSums {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} rows of dataset {:032x?}", self.sums.rows(), self.dataset)
    }
}

impl FiledSums {
    /// Reads the dataset.
    pub fn read(files: &FileRows<'_>) -> Result<Self> {
        let mut sums = Sums::empty();
        files.rows(None, &mut |row| {
            sums.add(row);
            Ok(())
        })?;
        Ok(Self { dataset: dataset_of(files), sums })
    }

    /// The sums of the dataset if the table is known to hold it, and it alone.
    pub fn known(settled: &SettledBuckets, files: &FileRows<'_>) -> Option<Self> {
        let dataset = settled.dataset.filter(|_| settled.dataset == dataset_of(files))?;
        Some(Self { dataset: Some(dataset), sums: settled.sums.clone() })
    }
}

/// A hash of the files that a table is filled from, and of what each column is filled with; `None` if a file has no hash.
fn dataset_of(files: &FileRows<'_>) -> Option<u128> {
    let mut parts: Vec<String> =
        files.form.columns.iter().map(|column| format!("{}:{:?}", column.target, column.filed)).collect();
    for stem in [(files.form.loaded.dataset)().stem, score::profiles::Table::STEM] {
        parts.push(match files.data.rows(stem) {
            Some(_) => files.data.content_hash(stem)?.to_owned(),
            None => String::new(),
        });
    }
    Some(sealed(&parts.iter().map(String::as_bytes).collect::<Vec<_>>()))
}

fn write(crm: &Crm, catalog: &Catalog, form: &TableForm, loads: &[u64], left: &LeftByLoad) -> Result<()> {
    let name = form.loaded.table;
    let fingerprint = form.fingerprint(catalog.table(name));
    let loads: Vec<String> = loads.iter().map(u64::to_string).collect();
    let bytes = left.to_bytes();
    let seal = seal_of(name, &fingerprint, &loads, &bytes);
    crm.execute(include_str!("../../../../sql/crm/settle.sql"), &[&name, &fingerprint, &loads, &bytes, &seal])?;
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
    let rows = connection.query(include_str!("../../../../sql/crm/list_settled.sql"), &[])?;
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
    let rows = crm.query(include_str!("../../../../sql/crm/load_transactions.sql"), &[])?;
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
