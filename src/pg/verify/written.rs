//! Checks the records of written rows against the rows as they are: every row of ours has the recorded hash, unless it is kept as
//! others changed it.

use std::collections::BTreeSet;

use anyhow::Result;
use arrow::array::AsArray as _;

use crate::pg::Connection;
use crate::pg::compare::{
    ComparedRow, ComparedSide as _, CrmRows, Difference, HeldContents, IdKey, Remembered, RowContent, Sums, TableComparison,
    TableForm, as_remembered,
};
use crate::pg::load::preflight::TablePlan;
use crate::pg::load::rows::Datasets;
use crate::pg::load::target::{LOADED, Loaded};
use crate::pg::verify::apart::KeptRows;
use crate::pg::verify::checks::CheckFinding;
use crate::pg::verify::examples::Examples;

/// Memory budget for rows that are compared one by one, in bytes.
const BUDGET: usize = 32 << 20;

/// The contents of one table's rows, collected while they are compared with the datasets.
pub struct TableContents<'a> {
    form: &'a TableForm,
    content: RowContent,
    sums: Sums,
    /// Rows that are excluded: kept, or changed by others.
    apart: BTreeSet<IdKey>,
    merged: BTreeSet<IdKey>,
}

/// The result for one table.
pub struct WrittenRows {
    loaded: &'static Loaded,
    findings: Vec<CheckFinding>,
    /// Recorded rows that are gone.
    gone: BTreeSet<IdKey>,
}

impl<'a> TableContents<'a> {
    /// Nothing collected yet; `None` for a table whose contents no load records.
    pub fn of(plan: &TablePlan, form: &'a TableForm, kept: &KeptRows) -> Option<Self> {
        let apart = kept.of(plan.loaded.table).iter().map(|(id, _)| IdKey::of(id.as_bytes())).collect();
        let content = RowContent::of(plan, form);
        plan.loaded.remembered.then(|| Self { form, content, sums: Sums::empty(), apart, merged: BTreeSet::new() })
    }

    /// Collects a row of the CRM; each must come once.
    pub fn add(&mut self, row: ComparedRow<'_>) {
        if row.marks.is_foreign {
            self.apart.insert(row.key);
        }
        if row.marks.merged_into.is_some() {
            self.merged.insert(row.key);
        } else {
            self.sums.add(ComparedRow { columns: &as_remembered(&self.content, row), ..row });
        }
    }

    /// Compares them with what loads recorded.
    pub fn compare(self, connection: &Connection) -> Result<WrittenRows> {
        let Self { form, content, sums, apart, merged } = self;
        let name = form.loaded.table;
        let records = Remembered { connection, table: name, content: Some(&content) };
        let mut recorded = Sums::empty();
        records.rows(None, &mut |row| {
            if !merged.contains(&row.key) {
                recorded.add(row);
            }
            Ok(())
        })?;
        let comparison = TableComparison {
            files: &records,
            crm: &HeldContents { rows: CrmRows { connection, form }, content: &content },
            width: 3,
            budget: BUDGET,
        };
        let (mut unwritten, mut other, mut gone) = (Examples::default(), Examples::default(), BTreeSet::new());
        let mut differing = Vec::new();
        let seen =
            comparison.where_sums_differ(&recorded, &sums, &mut |row, _| merged.contains(&row.key), &mut |key, difference| {
                match difference {
                    Difference::Missing { .. } => drop(gone.insert(key)),
                    Difference::Extra { .. } => unwritten.count(key),
                    Difference::Other { filed, held } if filed[..2] != held[..2] => differing.push(key),
                    Difference::Other { .. } => {}
                }
                Ok(())
            })?;
        differing.retain(|key| !apart.contains(key));
        differing.into_iter().for_each(|key| other.count(key));
        let findings = [("rows that no load wrote down", &unwritten), ("rows that are not as a load wrote them down", &other)]
            .map(|(what, found)| CheckFinding::counted(format!("{name} {what}"), seen.held, found.count, found.ids()));
        Ok(WrittenRows { loaded: form.loaded, findings: findings.into(), gone })
    }
}

/// The findings of all tables, and the records that belong to no row.
pub fn findings(
    connection: &Connection,
    tables: impl Iterator<Item = WrittenRows>,
    data: &dyn Datasets,
) -> Result<Vec<CheckFinding>> {
    let (mut findings, mut unowned, mut unknown) = (Vec::new(), 0, Vec::new());
    for table in tables {
        findings.extend(table.findings);
        unowned += table.gone.len();
        unknown.extend(not_in_files(table.loaded, table.gone, data)?.into_iter().map(|key| key.to_string()));
    }
    let names: Vec<&str> = LOADED.iter().filter(|loaded| loaded.remembered).map(|loaded| loaded.table).collect();
    for row in connection.query(include_str!("../../../sql/verify/crm/unowned_writes.sql"), &[&names])? {
        unowned += 1;
        unknown.push(row.get(0));
    }
    findings.push(CheckFinding::listed("rows written down that neither the files nor the CRM have", unowned, &unknown));
    Ok(findings)
}

/// Removes rows whose ids are in the files: the record of a row that others deleted stays.
fn not_in_files(loaded: &Loaded, mut gone: BTreeSet<IdKey>, data: &dyn Datasets) -> Result<BTreeSet<IdKey>> {
    if gone.is_empty() {
        return Ok(gone);
    }
    for batch in data.batches((loaded.dataset)().stem)? {
        let batch = batch?;
        let filed = batch.column_by_name("id").and_then(|filed| filed.as_string_opt::<i32>());
        for id in filed.into_iter().flatten().flatten() {
            gone.remove(&IdKey::of(id.as_bytes()));
        }
    }
    Ok(gone)
}
