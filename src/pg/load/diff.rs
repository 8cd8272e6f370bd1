//! The diff between the CRM and the datasets, computed in temporary tables before any row is touched; a dry run stops here.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::fault::{Exit, Fault};
use crate::model::{Code, Phase};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::constraints::IncomingKey;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
use crate::pg::load::staging::pull;
use crate::pg::load::table_sql::{TableSql, foreign_or_kept};
use crate::pg::load::target::{LOADED, Loaded, RECORD_ALIASES, table};
use crate::pg::quote_identifier as quoted;

/// Counts of the rows of one table that a load changes or leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableCounts {
    /// New rows.
    pub inserted: u64,
    /// Rows whose values change.
    pub updated: u64,
    /// Rows of ours that the datasets no longer have.
    pub deleted: u64,
    /// Rows that stay as others changed them.
    pub kept: u64,
    /// Rows that are not loaded because another row holds their unique key.
    pub held_by_other: u64,
    /// Rows that others deleted, and the rows that refer to them.
    pub deleted_by_others: u64,
}

impl TableCounts {
    /// Rows that are written or deleted.
    pub fn changes(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

/// Counts by table.
pub type Counts = BTreeMap<&'static str, TableCounts>;

/// Computes deletions, profiles that must be kept as MERGED, and updates.
pub fn work_out(crm: &Crm, catalog: &Catalog, preflight: &Preflight, phase: Phase) -> Result<()> {
    crm.doing("computing the diff");
    crm.run(&TableSql::of(Loaded::of(table::PROFILE)).mark_vanished(""))?;
    find_standing(crm, catalog, preflight)?;
    for loaded in LOADED.iter().filter(|loaded| loaded.table != table::PROFILE) {
        let extra = match loaded.table {
            table::CANDIDATE => include_str!("../../../sql/crm/unless_reviewed.sql"),
            table::MEMBERSHIP if phase >= Phase::SCORES => include_str!("../../../sql/crm/if_refreshed.sql"),
            _ => "",
        };
        crm.run(&TableSql::of(loaded).mark_vanished(extra))?;
    }
    for plan in &preflight.plans {
        crm.run(&TableSql::of(plan.loaded).mark_differing(plan))?;
    }
    crm.run(include_str!("../../../sql/crm/list_left_standing.sql"))?;
    crm.run("analyze load_delete; analyze load_update")
}

/// SQL condition for a row `c` that refers to a profile and must not be deleted: a foreign row, or a kept one.
pub(in crate::pg) fn is_foreign_or_kept(crm: &Crm, reference: &IncomingKey) -> Result<String> {
    if !reference.is_readable || !reference.is_single {
        let what = format!("{} refers to profiles and cannot be examined", reference.qualified);
        return Err(Fault::new(Exit::Preflight, what).at(crm.place()).help("grant select on it to the loader's role").into());
    }
    Ok(match reference.table.as_deref() {
        Some(name) if table::ALL.contains(&name) => foreign_or_kept(name, "c"),
        _ => "true".to_owned(),
    })
}

/// Finds profiles that others changed and whose records the datasets gave to another profile. They are not kept as they are: without its
/// records a profile would not hear of a withdrawal. They become MERGED. Creates the tables of the diff.
pub fn find_overtaken(crm: &Crm, preflight: &Preflight) -> Result<()> {
    crm.doing("looking for changed profiles without records");
    crm.run(
        "create temp table load_delete (table_name text, id text) on commit drop;
         create temp table load_update (table_name text, id text) on commit drop;
         create temp table load_standing (id text, successor text) on commit drop",
    )?;
    if crm.execute(include_str!("../../../sql/crm/find_overtaken.sql"), &[])? == 0 {
        return Ok(());
    }
    find_successors(crm, preflight)?;
    crm.run(
        "delete from load_standing where successor is null;
         delete from load_kept k using load_standing l where k.table_name = 'CustomerProfile' and k.id = l.id",
    )
}

/// Finds the profiles that now hold the records of those in `load_standing`.
fn find_successors(crm: &Crm, preflight: &Preflight) -> Result<()> {
    let doubled = "exists (
        select from \"IdentityAlias\" a
        join load_standing l on l.id = a.\"customerId\"::text
        where a.\"type\" = t.\"type\" and a.\"value\" = t.\"value\" and a.\"customerId\" <> t.\"customerId\")";
    pull(crm, preflight.plan(table::ALIAS), doubled)?;
    let types = RECORD_ALIASES.map(Code::code);
    crm.execute(include_str!("../../../sql/crm/find_successors.sql"), &[&types.as_slice()])?;
    Ok(())
}

/// Finds profiles that would be deleted although foreign rows reference them. They are kept as MERGED into the profile that now holds
/// their records.
fn find_standing(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    let gone = "(select d.id from load_delete d where d.table_name = 'CustomerProfile')";
    if crm.count("select count(*) from load_delete")? == 0 {
        return Ok(());
    }
    for reference in catalog.references_to(table::PROFILE) {
        let mut theirs = is_foreign_or_kept(crm, reference)?;
        if reference.table.as_deref() == Some(table::MEMBERSHIP) {
            theirs += " and not exists (select from load_replaced r where r.id = c.\"id\"::text)";
        }
        let column = quoted(&reference.column);
        crm.run(&format!(
            "insert into load_standing (id)
             select distinct c.{column}::text from {} c where c.{column}::text in {gone} and {theirs}
             except
             select id from load_standing",
            reference.qualified
        ))?;
    }
    if crm.count("select count(*) from load_standing")? > 0 {
        find_successors(crm, preflight)?;
        crm.run("delete from load_delete d where d.table_name = 'CustomerProfile' and d.id in (select id from load_standing)")?;
    }
    Ok(())
}

const KEPT: &str = "(select table_name, id from load_kept
    union select table_name, id from load_held where reason in ('REVIEWED', 'NOT_REFRESHED')) as kept";
const HELD: &str = "(select table_name, id from load_held where reason = 'HELD_BY_OTHER') as held";
const WITHHELD: &str =
    "(select table_name, id from load_held where reason in ('DELETED_BY_OTHERS', 'RECORD_WITHHELD')) as withheld";

/// Counts the rows that each table gains, changes and loses.
pub fn count(crm: &Crm, preflight: &Preflight) -> Result<Counts> {
    let mut counts = Counts::new();
    let per_table = |sql: &str| -> Result<BTreeMap<String, u64>> {
        let rows = crm.query(&format!("select table_name, count(distinct id) from {sql} group by table_name"), &[])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect())
    };
    let (updated, deleted) = (per_table("load_update")?, per_table("load_delete")?);
    let (kept, held, withheld) = (per_table(KEPT)?, per_table(HELD)?, per_table(WITHHELD)?);
    for plan in &preflight.plans {
        let name = plan.loaded.table;
        let of = |map: &BTreeMap<String, u64>| map.get(name).copied().unwrap_or(0);
        let inserted = crm.count(&TableSql::of(plan.loaded).count_missing())?;
        let counted = TableCounts {
            inserted,
            updated: of(&updated),
            deleted: of(&deleted),
            kept: of(&kept),
            held_by_other: of(&held),
            deleted_by_others: of(&withheld),
        };
        counts.insert(name, counted);
    }
    Ok(counts)
}

/// Foreign rows per table. A load must not change these numbers.
pub fn foreign_rows(crm: &Crm, catalog: &Catalog) -> Result<BTreeMap<String, u64>> {
    crm.doing("counting the foreign rows");
    let mut counts = BTreeMap::new();
    for name in table::ALL {
        counts.insert(quoted(name), crm.count(&TableSql::count_foreign(name))?);
    }
    for reference in &catalog.references {
        let known = reference.table.as_deref().is_some_and(|name| table::ALL.contains(&name));
        if !known && reference.is_readable {
            counts.insert(reference.qualified.clone(), crm.count(&format!("select count(*) from {}", reference.qualified))?);
        }
    }
    Ok(counts)
}
