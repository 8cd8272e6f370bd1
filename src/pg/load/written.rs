//! Records the hashes of written rows in `backfill.written`. They are computed here and copied in.

use anyhow::Result;

use crate::model::Phase;
use crate::pg::compare::{ComparedSide as _, CrmRows, FileRows, IdKey, RowContent, TableForm};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::{Preflight, TablePlan};
use crate::pg::load::rows::Datasets;
use crate::pg::load::session::Crm;
use crate::pg::load::table_sql::TableSql;
use crate::pg::quote_identifier as quoted;

/// Most rows that are read back at once; larger tables are read in sixteen parts.
const HELD: u64 = 500_000;

/// Records all our rows after a first load. Tables with triggers, which may change rows, are read back.
pub fn remember_first(
    crm: &Crm,
    catalog: &Catalog,
    preflight: &Preflight,
    data: &(dyn Datasets + Sync),
    phase: Phase,
) -> Result<()> {
    crm.doing("recording what was written");
    // Rows are deleted before the key is dropped, because a publication of all tables forbids deletes without a key.
    crm.run("delete from backfill.written")?;
    if let Some(key) = crm.primary_key("backfill.written")? {
        crm.run(&format!("alter table backfill.written drop constraint {key}"))?;
    }
    for plan in preflight.plans.iter().filter(|plan| plan.loaded.remembered) {
        let info = catalog.table(plan.loaded.table);
        let form = TableForm::of_load(plan, info, phase);
        let content = RowContent::of(plan, &form);
        let name = plan.loaded.table.as_bytes();
        let statement = "copy backfill.written (table_name, id, content, said) from stdin (format binary)";
        if info.triggers.is_empty() {
            crm.copy_values(statement, |write| {
                let mut id = String::new();
                FileRows { data, form: &form, phase }.rows(None, &mut |row| {
                    use std::fmt::Write as _;
                    id.clear();
                    write!(id, "{}", row.key).expect("a text takes all");
                    let (hash, said) = (content.hash(row.columns).to_be_bytes(), content.said_text(row.columns));
                    write(&[Some(name), Some(id.as_bytes()), Some(&hash), said.as_deref().map(str::as_bytes)])
                })
            })?;
        } else {
            for part in parts(crm, &quoted(plan.loaded.table))? {
                let rows = read_back(crm, &form, &content, &part)?;
                crm.copy_values(statement, |write| {
                    rows.iter().try_for_each(|(key, hash, said)| {
                        let id = key.to_string();
                        write(&[Some(name), Some(id.as_bytes()), Some(&hash.to_be_bytes()), said.as_deref().map(str::as_bytes)])
                    })
                })?;
            }
        }
    }
    crm.run(include_str!("../../../sql/crm/backfill_written_key.sql"))
}

/// Brings the table of an earlier version to today's form. Replaces the hashes, which the server computed. A row that still has its old hash is recorded as it is; any other
/// row keeps a hash that fits no row, and so counts as changed by others.
pub fn adopt(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    // A unique index came first; a publication of all tables needs a primary key.
    if crm.primary_key("backfill.written")?.is_none() {
        crm.run("drop index if exists backfill.written_key")?;
        crm.run(include_str!("../../../sql/crm/backfill_written_key.sql"))?;
    }
    if !crm.one(include_str!("../../../sql/crm/has_old_hashes.sql"), &[])?.get::<_, bool>(0) {
        return Ok(());
    }
    crm.doing("replacing the hashes of an earlier version");
    crm.run(include_str!("../../../sql/crm/add_content.sql"))?;
    for plan in preflight.plans.iter().filter(|plan| plan.loaded.remembered) {
        crm.run(&TableSql::of(plan.loaded).list_unchanged(&plan.remembered()))?;
        remember(crm, catalog, plan, "load_unchanged")?;
    }
    crm.run(include_str!("../../../sql/crm/drop_old_hashes.sql"))
}

/// Records the rows of a table that the temporary table `touched` lists.
pub fn remember(crm: &Crm, catalog: &Catalog, plan: &TablePlan, touched: &str) -> Result<()> {
    let name = plan.loaded.table;
    let form = TableForm::of_load(plan, catalog.table(name), Phase::LAST);
    let content = RowContent::of(plan, &form);
    let join = format!("join {touched} u on u.table_name = '{name}' and u.id = t.\"id\"::text");
    crm.run("create temp table if not exists load_content (id text, content uuid) on commit drop")?;
    for part in parts(crm, touched)? {
        let rows = read_back(crm, &form, &content, &format!("{join}{part}"))?;
        crm.run("truncate load_content")?;
        crm.copy_values("copy load_content (id, content) from stdin (format binary)", |write| {
            rows.iter().try_for_each(|(key, hash, _)| write(&[Some(key.to_string().as_bytes()), Some(&hash.to_be_bytes())]))
        })?;
        crm.run(&format!(
            "insert into backfill.written (table_name, id, content) select '{name}', c.id, c.content from load_content c
             on conflict (table_name, id) do update set content = excluded.content"
        ))?;
    }
    Ok(())
}

/// Joins that split the rows of a large table.
fn parts(crm: &Crm, table: &str) -> Result<Vec<String>> {
    if crm.count(&format!("select count(*) from {table}"))? <= HELD {
        return Ok(vec![String::new()]);
    }
    let digits = "0123456789abcdef".chars();
    Ok(digits
        .map(|digit| format!(" join (values ('{digit}')) as part (digit) on part.digit = substr(t.\"id\"::text, 5, 1)"))
        .collect())
}

/// Id, content and consent of a row.
type ReadBack = (IdKey, u128, Option<String>);

fn read_back(crm: &Crm, form: &TableForm, content: &RowContent, join: &str) -> Result<Vec<ReadBack>> {
    let mut rows = Vec::new();
    CrmRows { connection: crm.connection(), form }.of_statement(&form.joined(join), &mut |row| {
        // Load writes only ids that are UUIDs.
        if row.key.is_plain() {
            rows.push((row.key, content.hash(row.columns), content.said_text(row.columns)));
        }
        Ok(())
    })?;
    Ok(rows)
}
