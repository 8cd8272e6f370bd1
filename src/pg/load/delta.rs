//! Finds the rows that a load must look at, by streaming both sides: rows that differ between the CRM and the datasets, and rows that
//! others changed or deleted since the last load. All other rows are equal and are not sent.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::model::Phase;
use crate::pg::compare::{
    ComparedRow, ComparedSide, CrmRows, Difference, FileRows, HeldContents, HeldIds, IdKey, Remembered, RowContent, RowReading,
    Sums, TableComparison, TableForm, as_remembered,
};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::rows::Datasets;
use crate::pg::load::session::Crm;
use crate::pg::load::settled::{FiledSums, SettledBuckets, SettledTables};
use crate::pg::load::target::{LOADED, Loaded};
use crate::pg::quote_identifier as quoted;

/// Memory budget for rows that are compared one by one, in bytes.
const BUDGET: usize = 32 << 20;
/// Most differing rows of a table that are listed; if there are more, the whole dataset is sent.
const LISTED: usize = 4_000_000;
/// The ids that a `IdKey` can print.
const PLAIN: &str = "^bf11[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

/// The rows of a dataset that are sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Selected {
    /// None.
    #[default]
    None,
    /// Rows with these ids, sorted.
    Listed(Vec<IdKey>),
    /// All.
    All,
}

impl Selected {
    /// Whether a row is sent.
    pub fn has(&self, id: &str) -> bool {
        match self {
            Self::None => false,
            Self::Listed(keys) => keys.binary_search(&IdKey::of(id.as_bytes())).is_ok(),
            Self::All => true,
        }
    }
}

/// Changes by others to the rows that loads wrote.
#[derive(Debug, Default)]
pub struct LoadMemory {
    /// Recorded rows.
    pub remembered: u64,
    /// Changed rows.
    pub changed: Vec<String>,
    /// Deleted rows.
    pub gone: Vec<String>,
    /// Rows whose recorded consent differs from that of the CRM.
    said: Vec<IdKey>,
}

/// The differences between a table and its dataset.
#[derive(Debug)]
pub struct TableDelta {
    /// The declaration.
    pub loaded: &'static Loaded,
    /// Rows of the dataset that are missing or different in the CRM.
    pub selected: Selected,
    /// Our rows that the dataset lacks.
    pub extra: Vec<String>,
    /// Whether too many rows differ to list them.
    pub is_whole: bool,
    /// Changes by others.
    pub memory: LoadMemory,
    /// The rows of the dataset.
    pub filed: FiledSums,
}

/// How the tables of load are compared with the datasets of a phase, in the order of [`LOADED`].
pub fn forms(catalog: &Catalog, preflight: &Preflight, phase: Phase) -> Vec<TableForm> {
    let form = |loaded: &Loaded| TableForm::of_load(preflight.plan(loaded.table), catalog.table(loaded.table), phase);
    LOADED.iter().map(form).collect()
}

/// Compares every table with its dataset and with its records, in the order of the forms. Rows that are settled are not read.
pub fn find(
    crm: &Crm,
    preflight: &Preflight,
    data: &(dyn Datasets + Sync),
    phase: Phase,
    forms: &[TableForm],
    settled: &SettledTables,
) -> Result<Vec<TableDelta>> {
    crm.doing("comparing the CRM with the datasets");
    let none = SettledBuckets::none();
    let settled_of = |form: &TableForm| settled.get(form.loaded.table).unwrap_or(&none);
    let read = |form| {
        let files = FileRows { data, form, phase };
        FiledSums::known(settled_of(form), &files).map_or_else(|| FiledSums::read(&files), Ok)
    };
    std::thread::scope(|scope| {
        // The files are read in a second thread, one table ahead of the CRM.
        let (send, filed) = std::sync::mpsc::sync_channel(1);
        scope.spawn(move || {
            for form in forms {
                if send.send(read(form)).is_err() {
                    break;
                }
            }
        });
        let mut deltas = Vec::new();
        for form in forms {
            let looked = TableLook::at(crm, form, RowContent::of(preflight.plan(form.loaded.table), form), settled_of(form))?;
            let filed = filed.recv().unwrap_or_else(|_| read(form))?;
            deltas.push(looked.delta(crm, data, phase, filed)?);
        }
        Ok(deltas)
    })
}

/// Finds changes by others without datasets, for a rollback.
pub fn notice(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<Vec<(&'static Loaded, LoadMemory)>> {
    crm.doing("looking for rows changed or deleted by others");
    let mut found = Vec::new();
    for loaded in LOADED.iter().filter(|loaded| loaded.stays_deleted()) {
        let plan = preflight.plan(loaded.table);
        let form = TableForm::of_load(plan, catalog.table(loaded.table), Phase::LAST);
        found.push((loaded, TableLook::at(crm, &form, RowContent::of(plan, &form), &SettledBuckets::none())?.memory(crm)?));
    }
    Ok(found)
}

/// The sums of one table's rows after one pass.
struct TableLook<'a> {
    form: &'a TableForm,
    content: RowContent,
    /// Buckets whose rows agree with their records and need not be read.
    settled: &'a SettledBuckets,
    rows: Sums,
    /// Without settled buckets.
    as_remembered: Sums,
    touched: Vec<IdKey>,
}

impl<'a> TableLook<'a> {
    fn at(crm: &Crm, form: &'a TableForm, content: RowContent, settled: &'a SettledBuckets) -> Result<Self> {
        let (mut rows, mut remembered, mut touched) = (settled.sums.clone(), Sums::empty(), Vec::new());
        let is_hashed = form.loaded.remembered;
        settled.read(&CrmRows { connection: crm.connection(), form }, &mut |row| {
            rows.add(row);
            if is_hashed {
                remembered.add(ComparedRow { columns: &as_remembered(&content, row), ..row });
                if row.marks.is_foreign {
                    touched.push(row.key);
                }
            } else {
                remembered.add(ComparedRow { columns: &[], ..row });
            }
            Ok(())
        })?;
        Ok(Self { form, content, settled, rows, as_remembered: remembered, touched })
    }

    fn delta(self, crm: &Crm, data: &(dyn Datasets + Sync), phase: Phase, filed: FiledSums) -> Result<TableDelta> {
        let form = self.form;
        let (mut wanted, mut extra) = (BTreeSet::new(), Vec::new());
        let mut is_whole = !form.unfit.is_empty();
        let is_empty = self.rows.rows() == 0;
        if !is_whole && !is_empty {
            let comparison = TableComparison {
                files: &FileRows { data, form, phase },
                crm: &CrmRows { connection: crm.connection(), form },
                width: form.columns.len(),
                budget: BUDGET,
            };
            comparison.where_sums_differ(&filed.sums, &self.rows, &mut keep_all, &mut |key, difference| {
                if wanted.len() + extra.len() >= LISTED {
                    is_whole = true;
                } else if matches!(difference, Difference::Extra { .. }) {
                    extra.push(key);
                } else {
                    wanted.insert(key);
                }
                Ok(())
            })?;
        }
        let loaded = form.loaded;
        let memory = if loaded.stays_deleted() { self.memory(crm)? } else { LoadMemory::default() };
        wanted.extend(&memory.said);
        let selected = match () {
            () if is_whole || (is_empty && filed.sums.rows() > 0) => Selected::All,
            () if wanted.is_empty() => Selected::None,
            () => Selected::Listed(wanted.into_iter().collect()),
        };
        let extra = if is_whole { Vec::new() } else { spelled(crm, extra, &quoted(loaded.table), "true")? };
        Ok(TableDelta { loaded, selected, extra, is_whole, memory, filed })
    }

    /// Compares with the records.
    fn memory(self, crm: &Crm) -> Result<LoadMemory> {
        let (form, connection) = (self.form, crm.connection());
        let (table, is_hashed) = (form.loaded.table, form.loaded.remembered);
        let side = Remembered { connection, table, content: is_hashed.then_some(&self.content) };
        let mut remembered = Sums::empty();
        self.settled.read(&side, &mut |row| {
            remembered.add(row);
            Ok(())
        })?;
        let (mut changed, mut gone, mut said) = (self.touched, Vec::new(), Vec::new());
        let contents = HeldContents { rows: CrmRows { connection, form }, content: &self.content };
        let ids = HeldIds { connection, form };
        let crm_side: &dyn ComparedSide = if is_hashed { &contents } else { &ids };
        let comparison = TableComparison { files: &side, crm: crm_side, width: if is_hashed { 3 } else { 0 }, budget: BUDGET };
        comparison.where_sums_differ(&remembered, &self.as_remembered, &mut keep_all, &mut |key, difference| {
            match difference {
                Difference::Missing { .. } => gone.push(key),
                // No load wrote a row without a record.
                Difference::Extra { .. } => {}
                Difference::Other { filed, held } => {
                    if filed[..2] != held[..2] {
                        changed.push(key);
                    }
                    if filed[2] != held[2] {
                        said.push(key);
                    }
                }
            }
            Ok(())
        })?;
        changed.sort_unstable();
        changed.dedup();
        let memory = if is_hashed { "backfill.written" } else { "backfill.child" };
        Ok(LoadMemory {
            remembered: self.settled.sums.rows() + remembered.rows(),
            changed: spelled(crm, changed, &quoted(table), "true")?,
            gone: spelled(crm, gone, memory, &format!("t.table_name = '{table}'"))?,
            said,
        })
    }
}

fn keep_all(_: ComparedRow<'_>, _: RowReading) -> bool {
    false
}

/// The ids of keys as text. A key that is not a UUID of ours is looked up by its hash.
fn spelled(crm: &Crm, keys: Vec<IdKey>, table: &str, condition: &str) -> Result<Vec<String>> {
    let mut ids: Vec<String> = keys.iter().filter(|key| key.is_plain()).map(IdKey::to_string).collect();
    if ids.len() < keys.len() {
        let odd: BTreeSet<IdKey> = keys.into_iter().filter(|key| !key.is_plain()).collect();
        let rows = crm.query(
            &format!("select t.\"id\"::text from {table} t where t.\"id\"::text !~ '{PLAIN}' and {condition} order by 1"),
            &[],
        )?;
        ids.extend(rows.iter().map(|row| row.get::<_, String>(0)).filter(|id| odd.contains(&IdKey::of(id.as_bytes()))));
    }
    Ok(ids)
}
