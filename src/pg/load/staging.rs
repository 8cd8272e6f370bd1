//! Temporary tables with the column types of the target, filled from the datasets; the diff is computed against them.

use anyhow::Result;
use arrow::datatypes::{DataType, TimeUnit};

use crate::model::{Phase, Timestamp};
use crate::pg::copy::encode::{CopyColumn, Encoder};
use crate::pg::copy::wire::Wire;
use crate::pg::load::delta::{Selected, TableDelta};
use crate::pg::load::preflight::{Preflight, TablePlan};
use crate::pg::load::rows::{Datasets, columns, each_batch_of};
use crate::pg::load::session::Crm;
use crate::pg::load::table_sql::TableSql;
use crate::pg::load::target::ours;
use crate::pg::quote_identifier as quoted;
use crate::tables::{Table, crm, score};

/// Progress callback: the number of rows of a dataset that were sent; 0 for an index or key that was recreated.
pub type Sent<'a> = &'a dyn Fn(&str, u64);

/// Creates a staging table per loaded table and fills it with the rows that differ from the CRM. `load_question` lists the ids of these
/// rows, as far as the CRM has them, and of our rows that the datasets lack. Every other row of ours is equal, and stays unless [`pull`] stages it.
pub fn stage(
    crm: &Crm,
    preflight: &Preflight,
    data: &dyn Datasets,
    phase: Phase,
    deltas: &[TableDelta],
    sent: Sent<'_>,
) -> Result<()> {
    crm.doing("copying rows into staging tables");
    crm.run("create temp table load_question (table_name text, id text) on commit drop")?;
    for delta in deltas {
        let (loaded, plan) = (delta.loaded, preflight.plan(delta.loaded.table));
        let names: Vec<String> = plan.data().into_iter().map(quoted).collect();
        let (staging, table, list) = (loaded.staging, quoted(loaded.table), names.join(", "));
        crm.run(&format!("create temp table {staging} on commit drop as select {list} from {table} with no data"))?;
        if delta.selected != Selected::None {
            copy_table(crm, plan, staging, data, phase, Copied { stamped: None, only: Some(&delta.selected) }, sent)?;
        }
        // Joins need only the number of rows and of distinct ids. Statistics of every column would take as long as the copy.
        crm.run(&format!("analyze {staging} (\"id\")"))?;
        question(crm, delta)?;
    }
    crm.run("analyze load_question")
}

fn question(crm: &Crm, delta: &TableDelta) -> Result<()> {
    let (name, staging) = (delta.loaded.table, delta.loaded.staging);
    if delta.selected != Selected::None {
        crm.run(&TableSql::of(delta.loaded).question_staged())?;
    }
    if delta.is_whole {
        return crm.run(&format!(
            "insert into load_question
             select '{name}', t.\"id\"::text from {} t
             where {} and not exists (select from {staging} s where s.\"id\" = t.\"id\")",
            quoted(name),
            ours("t")
        ));
    }
    if delta.extra.is_empty() {
        return Ok(());
    }
    crm.copy_values("copy load_question (table_name, id) from stdin (format binary)", |write| {
        delta.extra.iter().try_for_each(|id| write(&[Some(name.as_bytes()), Some(id.as_bytes())]))
    })?;
    Ok(())
}

/// Stages equal rows `t` of the CRM where a condition says that something else may change them; returns how many.
pub fn pull(crm: &Crm, plan: &TablePlan, condition: &str) -> Result<u64> {
    crm.execute(&TableSql::of(plan.loaded).pull(plan, condition), &[])
}

/// Options of [`copy_table`].
#[derive(Clone, Copy, Default)]
pub struct Copied<'a> {
    /// The instant for the columns that load fills itself.
    pub stamped: Option<i64>,
    /// The rows to copy; `None` means all.
    pub only: Option<&'a Selected>,
}

/// Copies a dataset into a table. A dataset that the phase does not have counts as empty.
pub fn copy_table(
    crm: &Crm,
    plan: &TablePlan,
    into: &str,
    data: &dyn Datasets,
    phase: Phase,
    copied: Copied<'_>,
    sent: Sent<'_>,
) -> Result<u64> {
    let dataset = (plan.loaded.dataset)();
    if data.rows(dataset.stem).is_none_or(|rows| rows == 0) || (plan.loaded.scored && phase < Phase::SCORES) {
        return Ok(0);
    }
    let columns = columns(plan, phase, copied.stamped);
    let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
    let encoded: Vec<CopyColumn> = columns.into_iter().map(|(_, column)| column).collect();
    let only = copied.only.filter(|only| **only != Selected::All);
    let is_sent = only.map(|only| move |id: &str| only.has(id));
    let is_sent = is_sent.as_ref().map(|is_sent| is_sent as &dyn Fn(&str) -> bool);
    crm.copy(&format!("copy {into} ({}) from stdin (format binary)", names.join(", ")), |buffer, feed| {
        let mut encoder = Encoder::new(dataset.stem, encoded);
        each_batch_of(data, plan.loaded, phase, is_sent, &mut |rows, array| {
            encoder.encode(array, rows, buffer, &mut *feed)?;
            sent(dataset.stem, rows as u64);
            Ok(())
        })?;
        Ok(encoder.rows())
    })
}

/// Stages a dataset without a table in the CRM as a temporary table with the dataset's column names.
fn stage_side(
    crm: &Crm,
    table: &str,
    stem: &'static str,
    fields: &'static [crate::tables::Column],
    data: &dyn Datasets,
) -> Result<u64> {
    let typed: Vec<String> = fields.iter().map(|field| format!("{} {}", field.name, sql_type(&(field.data_type)()).0)).collect();
    crm.run(&format!("create temp table {table} ({}) on commit drop", typed.join(", ")))?;
    if data.rows(stem).is_none_or(|rows| rows == 0) {
        return Ok(0);
    }
    let columns: Vec<CopyColumn> = fields
        .iter()
        .filter_map(|field| {
            let data_type = (field.data_type)();
            CopyColumn::plan(field.name, &data_type, sql_type(&data_type).1)
        })
        .collect();
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    crm.copy(&format!("copy {table} ({}) from stdin (format binary)", names.join(", ")), |buffer, feed| {
        let mut encoder = Encoder::new(stem, columns);
        for batch in data.batches(stem)? {
            let batch = batch?;
            encoder.encode(&|name| batch.column_by_name(name).cloned(), batch.num_rows(), buffer, &mut *feed)?;
        }
        Ok(encoder.rows())
    })
}

fn sql_type(data_type: &DataType) -> (&'static str, Wire) {
    match data_type {
        DataType::Boolean => ("boolean", Wire::Bool),
        DataType::Int32 => ("integer", Wire::Int4),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ("timestamptz", Wire::Timestamp),
        _ => ("text", Wire::Text(None)),
    }
}

/// Stages the segment refreshes of phase 6 as `load_refreshes`; empty in earlier phases.
pub fn stage_refreshes(crm: &Crm, data: &dyn Datasets, phase: Phase) -> Result<u64> {
    crm.doing("staging segment refreshes");
    let stem = if phase < Phase::SCORES { "" } else { score::refreshes::Table::STEM };
    stage_side(crm, "load_refreshes", stem, score::refreshes::Table::fields(), data)
}

/// Adds the withdrawals of this run to those ever loaded; returns how many are new or later than recorded.
pub fn add_withdrawals(crm: &Crm, data: &dyn Datasets, as_of: Timestamp) -> Result<u64> {
    crm.doing("recording withdrawals");
    let dataset = crm::suppressions::Table::dataset();
    stage_side(crm, "load_withdrawals", dataset.stem, dataset.columns, data)?;
    let undated = crm::undated_withdrawals::Table::dataset();
    stage_side(crm, "load_undated", undated.stem, undated.columns, data)?;
    // Bound like other instants: as text that the statement casts.
    let as_of = as_of.to_string();
    let first_seen = crm.execute(include_str!("../../../sql/crm/add_undated.sql"), &[&as_of])?;
    Ok(first_seen + crm.execute(include_str!("../../../sql/crm/add_withdrawals.sql"), &[&as_of])?)
}
