//! Applies the diff to our rows, in an order in which no unique key collides and no foreign row is touched.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::diff::{Counts, TableCounts, foreign_rows};
use crate::pg::load::keys;
use crate::pg::load::preflight::{Preflight, TablePlan};
use crate::pg::load::rebuild_indexes::{BULK, Rebuild};
use crate::pg::load::segments;
use crate::pg::load::session::Crm;
use crate::pg::load::settled::{TableTotals, Totals};
use crate::pg::load::table_sql::TableSql;
use crate::pg::load::target::{FLAGS, LOADED, Loaded, table};
use crate::pg::load::tombstones;
use crate::pg::load::written::remember;
use crate::pg::quote_identifier as quoted;

/// Above this many deleted profiles, foreign keys are checked once instead of row by row.
const MANY: u64 = 100;

/// What was done in addition to the counts.
#[derive(Debug, Default)]
pub struct Applied {
    /// Profiles kept as MERGED that were changed.
    pub merged: u64,
    /// Rule memberships that were replaced.
    pub replaced_members: u64,
    /// Whether foreign keys to profiles were dropped and recreated.
    pub rechecked: bool,
    /// Indexes and keys recreated after the rows of tables of which many rows are new or changed.
    pub rebuilt: usize,
    /// Indexes and keys that stayed although many rows are new or changed, with the reason.
    pub notes: Vec<String>,
}

/// Applies the diff of [`crate::pg::load::diff::work_out`]. With `keep_indexes` readers are never blocked.
pub fn apply(
    crm: &Crm,
    catalog: &Catalog,
    preflight: &Preflight,
    run_id: &str,
    counts: &Counts,
    totals: &Totals,
    keep_indexes: bool,
) -> Result<Applied> {
    let mut applied = Applied::default();
    let deletes: u64 = counts.values().map(|counts| counts.deleted).sum();
    let before = if deletes > 0 { Some(foreign_rows(crm, catalog)?) } else { None };
    applied.replaced_members = segments::replace_members(crm, run_id)?;
    crm.doing("releasing unique values of merged profiles");
    applied.merged = stand_aside(crm, catalog, preflight)?;

    crm.doing("deleting our rows that vanished");
    for loaded in LOADED.iter().rev().filter(|loaded| loaded.table != table::PROFILE && counts[loaded.table].deleted > 0) {
        crm.execute(&TableSql::of(loaded).delete_marked(), &[])?;
    }
    if counts[table::PROFILE].deleted > 0 {
        crm.doing("releasing unique values of profiles that vanish");
        release_vanishing(crm, catalog, preflight)?;
    }
    crm.run("create temp table load_insert (table_name text, id text) on commit drop")?;
    for plan in &preflight.plans {
        let name = plan.loaded.table;
        let is_bulk = !keep_indexes && is_bulk(counts[name], totals.get(name));
        let rebuild = if is_bulk { Rebuild::of_tables(catalog, &[name]) } else { Rebuild::default() };
        rebuild.drop(crm)?;
        if counts[name].updated > 0 {
            crm.doing("releasing unique values that move");
            release_moving(crm, catalog, plan, &rebuild)?;
            crm.doing("updating rows");
            crm.execute(&TableSql::of(plan.loaded).update_marked(plan), &[])?;
        }
        if counts[name].inserted > 0 {
            crm.doing("inserting rows");
            insert(crm, plan)?;
        }
        rebuild.make(crm, |_| {})?;
        applied.rebuilt += rebuild.len();
        applied.notes.extend(rebuild.notes());
    }
    // Last, because rows that moved to another profile referred to these until now and would have been deleted with them.
    let profiles = counts[table::PROFILE].deleted;
    if profiles > 0 {
        let rebuild = Rebuild::of_references(catalog, table::PROFILE);
        let rebuilds = profiles > MANY && !rebuild.is_empty();
        if rebuilds {
            rebuild.drop(crm)?;
        }
        crm.doing("deleting our profiles that vanished");
        crm.execute(&TableSql::of(Loaded::of(table::PROFILE)).delete_marked(), &[])?;
        if rebuilds {
            rebuild.make(crm, |_| {})?;
            applied.rechecked = true;
        }
    }
    crm.doing("pointing merged profiles to their successors");
    applied.merged += crm.execute(include_str!("../../../sql/crm/point_to_successors.sql"), &[])?;

    crm.doing("recording what was written");
    if LOADED.iter().any(|loaded| loaded.remembered && counts[loaded.table].deleted > 0) {
        crm.run(include_str!("../../../sql/crm/forget_written.sql"))?;
    }
    crm.run(
        "analyze load_insert;
         create temp table load_touched (table_name text, id text) on commit drop",
    )?;
    for plan in preflight.plans.iter().filter(|plan| plan.loaded.remembered) {
        crm.execute(include_str!("../../../sql/crm/list_touched.sql"), &[&plan.loaded.table])?;
        remember(crm, catalog, plan, "load_touched")?;
    }
    tombstones::remember_children(crm, |name| counts[name].inserted)?;
    crm.run(include_str!("../../../sql/crm/remember_merged.sql"))?;
    crm.run(include_str!("../../../sql/crm/forget_merged.sql"))?;
    if let Some(mut before) = before {
        let after = foreign_rows(crm, catalog)?;
        if let Some(members) = before.get_mut(&quoted(table::MEMBERSHIP)) {
            *members = members.saturating_sub(applied.replaced_members);
        }
        let changed: Vec<&String> =
            before.iter().filter(|(name, count)| after.get(*name) != Some(*count)).map(|(name, _)| name).collect();
        if !changed.is_empty() {
            let list = changed.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Fault::new(Exit::Mismatch, format!("the load would have changed foreign rows in {list}"))
                .at(crm.place())
                .help("nothing was committed; please report this")
                .into());
        }
    }
    Ok(applied)
}

/// Releases the unique values and the consent of profiles that must stay, and marks them as merged.
fn stand_aside(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<u64> {
    let mut sets = vec!["\"status\" = 'MERGED'".to_owned()];
    let mut tests = vec!["t.\"status\"::text <> 'MERGED'".to_owned()];
    for column in keys::released(crm, catalog, preflight.plan(table::PROFILE))? {
        sets.push(format!("{} = null", quoted(&column)));
        tests.push(format!("t.{} is not null", quoted(&column)));
    }
    for (flag, _) in FLAGS {
        sets.push(format!("{} = false", quoted(flag)));
        tests.push(format!("t.{}", quoted(flag)));
    }
    sets.push("\"mergedIntoId\" = null".to_owned());
    tests.push("(t.\"mergedIntoId\" is not null and t.\"mergedIntoId\"::text is distinct from l.successor)".to_owned());
    sets.push("\"updatedAt\" = now()".to_owned());
    crm.execute(
        &format!(
            "update \"CustomerProfile\" t set {} from load_standing l where l.id = t.\"id\"::text and ({})",
            sets.join(", "),
            tests.join(" or ")
        ),
        &[],
    )
}

/// Releases the unique values of profiles about to be deleted, because other profiles may take them over before that.
fn release_vanishing(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    let columns = keys::released(crm, catalog, preflight.plan(table::PROFILE))?;
    if columns.is_empty() {
        return Ok(());
    }
    let nulls: Vec<String> = columns.iter().map(|column| format!("{} = null", quoted(column))).collect();
    crm.run(&format!(
        "update \"CustomerProfile\" t set {} from load_delete d where d.table_name = 'CustomerProfile' and d.id = t.\"id\"::text",
        nulls.join(", ")
    ))
}

/// Releases unique values that move between rows, because two rows may swap theirs. A key that is recreated later sees only the result.
fn release_moving(crm: &Crm, catalog: &Catalog, plan: &TablePlan, rebuild: &Rebuild) -> Result<()> {
    let keys = keys::of_table(crm, catalog.table(plan.loaded.table), plan)?;
    let keys: Vec<_> = keys.into_iter().filter(|key| !key.released.is_empty() && !rebuild.has_index(&key.index.name)).collect();
    let mut columns: Vec<&str> = keys.iter().flat_map(|key| key.released.iter().map(String::as_str)).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() {
        return Ok(());
    }
    let data = plan.data();
    let touched = keys.iter().flat_map(|key| &key.index.touched).map(String::as_str).filter(|column| data.contains(column));
    crm.run(&TableSql::of(plan.loaded).release_moving(&columns, &touched.collect::<Vec<_>>()))
}

/// Whether at least a third of a table's rows will be new or changed, so that recreating its indexes takes less than maintaining them.
fn is_bulk(TableCounts { inserted, updated, .. }: TableCounts, found: Option<&TableTotals>) -> bool {
    let rows = found.map_or(0, |totals| totals.ours.all + totals.foreign);
    inserted + updated >= BULK && rows <= 2 * inserted + 3 * updated
}

fn insert(crm: &Crm, plan: &TablePlan) -> Result<u64> {
    let sql = TableSql::of(plan.loaded);
    if plan.loaded.stays_deleted() {
        crm.run(&sql.note_missing())?;
    }
    crm.execute(&sql.insert_missing(plan), &[])
}
