//! Checks the records of written rows against the rows as they are: every row of ours has the recorded hash, unless it is kept as
//! others changed it.

use std::collections::BTreeSet;

use anyhow::Result;
use arrow::array::AsArray as _;

use crate::model::Phase;
use crate::pg::Connection;
use crate::pg::compare::{
    CrmRows, Difference, HeldContents, IdKey, Remembered, RowContent, RowReading, TableComparison, TableForm,
};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::TablePlan;
use crate::pg::load::rows::Datasets;
use crate::pg::load::target::{LOADED, Loaded};
use crate::pg::verify::apart::KeptRows;
use crate::pg::verify::checks::CheckFinding;
use crate::pg::verify::examples::Examples;

/// Memory budget for rows that are compared one by one, in bytes.
const BUDGET: usize = 32 << 20;

/// Compares all hashes.
pub fn compare(
    connection: &Connection,
    plans: &[TablePlan],
    catalog: &Catalog,
    kept: &KeptRows,
    data: &dyn Datasets,
) -> Result<Vec<CheckFinding>> {
    let (mut findings, mut unowned, mut unknown) = (Vec::new(), 0, Vec::new());
    for plan in plans.iter().filter(|plan| plan.loaded.remembered) {
        let gone = table(connection, plan, catalog, kept, &mut findings)?;
        unowned += gone.len();
        unknown.extend(not_in_files(plan.loaded, gone, data)?.into_iter().map(|key| key.to_string()));
    }
    let names: Vec<&str> = LOADED.iter().filter(|loaded| loaded.remembered).map(|loaded| loaded.table).collect();
    for row in connection.query(include_str!("../../../sql/verify/crm/unowned_writes.sql"), &[&names])? {
        unowned += 1;
        unknown.push(row.get(0));
    }
    findings.push(CheckFinding::listed("rows written down that neither the files nor the CRM have", unowned, &unknown));
    Ok(findings)
}

/// Checks one table. Returns the recorded rows that are gone.
fn table(
    connection: &Connection,
    plan: &TablePlan,
    catalog: &Catalog,
    kept: &KeptRows,
    findings: &mut Vec<CheckFinding>,
) -> Result<BTreeSet<IdKey>> {
    let name = plan.loaded.table;
    let form = TableForm::of_load(plan, catalog.table(name), Phase::LAST);
    let content = RowContent::of(plan, &form);
    let mut apart: BTreeSet<IdKey> = kept.of(name).iter().map(|(id, _)| IdKey::of(id.as_bytes())).collect();
    let (mut merged, mut gone) = (BTreeSet::new(), BTreeSet::new());
    let (mut unwritten, mut other) = (Examples::default(), Examples::default());
    let mut differing = Vec::new();
    let comparison = TableComparison {
        files: &Remembered { connection, table: name, content: Some(&content) },
        crm: &HeldContents { rows: CrmRows { connection, form: &form }, content: &content },
        width: 3,
        budget: BUDGET,
    };
    let seen = comparison.run(
        &mut |row, reading| {
            if reading == RowReading::Crm {
                if row.marks.is_foreign {
                    apart.insert(row.key);
                }
                if row.marks.merged_into.is_some() {
                    merged.insert(row.key);
                }
            }
            row.marks.merged_into.is_some() || merged.contains(&row.key)
        },
        &mut |key, difference| {
            match difference {
                Difference::Missing { .. } => drop(gone.insert(key)),
                Difference::Extra { .. } => unwritten.count(key),
                Difference::Other { filed, held } if filed[..2] != held[..2] => differing.push(key),
                Difference::Other { .. } => {}
            }
            Ok(())
        },
    )?;
    differing.retain(|key| !apart.contains(key));
    differing.into_iter().for_each(|key| other.count(key));
    for (what, found) in [("rows that no load wrote down", &unwritten), ("rows that are not as a load wrote them down", &other)] {
        findings.push(CheckFinding::counted(format!("{name} {what}"), seen.held, found.count, found.ids()));
    }
    Ok(gone)
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
