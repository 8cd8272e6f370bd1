//! Unique keys of the target, plain or over expressions: which rows would collide, and how a row releases its key.

use anyhow::Result;

use crate::pg::load::catalog::{Catalog, ColumnInfo, TableInfo};
use crate::pg::load::constraints::Index;
use crate::pg::load::preflight::{Content, Preflight, PreflightFinding, TablePlan};
use crate::pg::load::proof::is_proved;
use crate::pg::load::session::Crm;
use crate::pg::load::target::{Stamp, ours, table};
use crate::pg::quote_identifier as quoted;

/// Rows of a staging table with which it is tested whether nulls release a key.
const ASKED: u32 = 100;
/// Ids that a finding keeps.
const KEPT_ROWS: u32 = 10_000;

/// A unique key of a table that load fills, other than its primary key.
pub struct UniqueKey<'a> {
    /// The index.
    pub index: &'a Index,
    /// Columns filled by a dataset that, if set to null, take a row out of the index.
    pub released: Vec<String>,
}

impl UniqueKey<'_> {
    /// Whether rows collide exactly when its columns are equal.
    fn is_plain(&self) -> bool {
        self.index.is_plain && !self.index.is_exclusion && self.index.scope.is_none()
    }

    fn conditions(&self) -> String {
        let mut all: Vec<String> = self.index.predicate.iter().map(|predicate| format!("({predicate})")).collect();
        if !self.index.joins_nulls {
            all.extend(self.index.keys.iter().map(|key| format!("{key} is not null")));
        }
        all.extend(self.index.scope.iter().filter(|scope| !scope.is_empty()).map(|scope| format!("({scope})")));
        all.push("true".to_owned());
        all.join(" and ")
    }

    fn listed(&self) -> String {
        let keys = self.index.keys.iter().enumerate().map(|(place, key)| format!("{key} as k{place}"));
        keys.collect::<Vec<_>>().join(", ")
    }

    fn equal(&self, one: &str, other: &str) -> String {
        let sign = if self.index.joins_nulls { "is not distinct from" } else { "=" };
        let equal = (0..self.index.keys.len()).map(|place| format!("{one}.k{place} {sign} {other}.k{place}"));
        equal.collect::<Vec<_>>().join(" and ")
    }
}

/// The unique keys of a table whose staging table is filled.
pub fn of_table<'a>(crm: &Crm, info: &'a TableInfo, plan: &TablePlan) -> Result<Vec<UniqueKey<'a>>> {
    let data = plan.data();
    let is_free = |name: &str| data.contains(&name) && info.column(name).is_some_and(|found| !found.is_not_null);
    let unique = info
        .demands
        .indexes
        .iter()
        .filter(|index| (index.is_unique || index.is_exclusion) && !index.is_primary && index.compares_equal);
    let mut keys = Vec::new();
    for index in unique {
        let has_expressions = index.columns.len() < index.keys.len();
        let named = if has_expressions { &index.touched } else { &index.columns };
        let free: Vec<String> = named.iter().filter(|name| is_free(name)).cloned().collect();
        let lets_go = !index.joins_nulls && (!has_expressions || is_released(crm, info, plan, index, &free)?);
        keys.push(UniqueKey { index, released: if lets_go { free } else { Vec::new() } });
    }
    Ok(keys)
}

/// Whether nulls in these columns make the expressions of a key null.
fn is_released(crm: &Crm, info: &TableInfo, plan: &TablePlan, index: &Index, free: &[String]) -> Result<bool> {
    if free.is_empty() {
        return Ok(false);
    }
    let columns: Vec<String> = needed(info, &index.touched)
        .map(|column| {
            let name = quoted(&column.name);
            match free.contains(&column.name) {
                true => format!("null::{} as {name}", column.base_name),
                false if plan.data().contains(&column.name.as_str()) => format!("s.{name}"),
                false => format!("null::{} as {name}", column.base_name),
            }
        })
        .collect();
    let some = index.keys.iter().map(|key| format!("{key} is null")).collect::<Vec<_>>().join(" or ");
    let source = computed(
        info,
        &index.touched,
        &format!("select {} from {} s limit {ASKED}", columns.join(", "), plan.loaded.staging),
        plan,
    );
    let asked = crm.attempt(&format!("select coalesce(bool_and({some}), true) from {source}"))?;
    Ok(asked.is_ok_and(|rows| rows.first().is_some_and(|row| row.get(0))))
}

/// The columns of an index; all columns of the table if one of them is generated.
fn needed<'a>(info: &'a TableInfo, touched: &'a [String]) -> impl Iterator<Item = &'a ColumnInfo> {
    let has_generated = info.columns.iter().any(|column| column.generated.is_some() && touched.contains(&column.name));
    info.columns.iter().filter(move |column| column.generated.is_none() && (has_generated || touched.contains(&column.name)))
}

/// Rows as a table with the target's name and its generated columns.
fn computed(info: &TableInfo, touched: &[String], rows: &str, plan: &TablePlan) -> String {
    let name = quoted(plan.loaded.table);
    let generated: Vec<String> = info
        .columns
        .iter()
        .filter(|column| touched.contains(&column.name))
        .filter_map(|column| Some(format!(", ({}) as {}", column.generated.as_ref()?, quoted(&column.name))))
        .collect();
    if generated.is_empty() {
        format!("({rows}) as {name}")
    } else {
        format!("(select {name}.*{} from ({rows}) as {name}) as {name}", generated.concat())
    }
}

/// The staged rows as they will be after the load: columns that no dataset fills keep the existing value, or their default.
fn wanted(info: &TableInfo, plan: &TablePlan, touched: &[String]) -> String {
    let content = |name: &str| plan.columns.iter().find(|planned| planned.target == name).map(|planned| planned.content);
    let columns: Vec<String> = needed(info, touched)
        .map(|column| {
            let name = quoted(&column.name);
            let default = match &column.default {
                Some(default) if !default.contains("nextval(") => format!("({default})"),
                _ => "null".to_owned(),
            };
            match content(&column.name) {
                Some(Content::Data | Content::Score) => format!("s.{name}"),
                Some(Content::Stamp(Stamp::Updated)) => format!("now()::{} as {name}", column.base_name),
                Some(Content::Stamp(Stamp::Created)) => format!("coalesce(own.{name}, now()) as {name}"),
                Some(Content::Stamp(Stamp::Text(text))) => {
                    format!("case when own.\"id\" is null then '{text}'::{} else own.{name} end as {name}", column.base_name)
                }
                Some(Content::Stamp(Stamp::Null)) => format!("null::{} as {name}", column.base_name),
                None => {
                    format!("case when own.\"id\" is null then {default}::{} else own.{name} end as {name}", column.base_name)
                }
            }
        })
        .collect();
    format!(
        "select s.\"id\"::text as proof_id, {} from {staging} s left join {table} own on own.\"id\" = s.\"id\"
         where not exists (select from load_kept k where k.table_name = '{plain}' and k.id = s.\"id\"::text)",
        columns.join(", "),
        staging = plan.loaded.staging,
        table = quoted(plan.loaded.table),
        plain = plan.loaded.table,
    )
}

/// Selects the ids of staged rows whose key a foreign row, or a kept one, holds.
pub fn held_by_others(info: &TableInfo, plan: &TablePlan, key: &UniqueKey<'_>) -> String {
    let plain = plan.loaded.table;
    let name = quoted(plain);
    let replaced = match plain {
        table::MEMBERSHIP => "and not exists (select from load_replaced r where r.id = t.\"id\"::text)",
        _ => "",
    };
    let foreign = format!(
        "select t.* from {name} t
         where (not {} or exists (select from load_kept k where k.table_name = '{plain}' and k.id = t.\"id\"::text)) {replaced}",
        ours("t")
    );
    format!(
        "select distinct mine.id from (select {name}.proof_id as id, {keys} from {wanted} where {conditions}) mine
         join (select {name}.\"id\"::text as id, {keys} from ({foreign}) as {name} where {conditions}) theirs
           on {equal} and theirs.id <> mine.id",
        keys = key.listed(),
        wanted = computed(info, &key.index.touched, &wanted(info, plan, &key.index.touched), plan),
        conditions = key.conditions(),
        equal = key.equal("mine", "theirs"),
    )
}

/// Finds keys that would collide after the load or during it, and that cannot be released.
pub fn collisions(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<Vec<PreflightFinding>> {
    crm.doing("looking for keys that rows would share");
    let mut findings = Vec::new();
    for plan in &preflight.plans {
        let info = catalog.table(plan.loaded.table);
        for key in of_table(crm, info, plan)? {
            let is_released = !key.released.is_empty();
            let is_known = is_proved(plan.loaded.table, info, key.index) || (key.is_plain() && is_released);
            if !is_known {
                findings.extend(judge(crm, plan, &key, &standing(info, plan, &key), "would share its key with another one")?);
            }
            if !is_released {
                findings.extend(judge(crm, plan, &key, &passing(info, plan, &key), PASSING)?);
            }
        }
    }
    Ok(findings)
}

const PASSING: &str = "take over a key that another row gives up in the same load";

fn judge(crm: &Crm, plan: &TablePlan, key: &UniqueKey<'_>, statement: &str, how: &str) -> Result<Option<PreflightFinding>> {
    let name = plan.loaded.table;
    let place = format!("unique index {:?} on {name:?} ({})", key.index.name, key.index.touched.join(", "));
    let found = crm.attempt(&format!("select f.id, count(*) over () from ({statement}) f order by f.id limit {KEPT_ROWS}"))?;
    let rows = match found {
        Ok(rows) => rows,
        Err(refused) => {
            return Ok(Some(PreflightFinding::refusal(format!("{place}: it cannot be evaluated ({})", refused.code))));
        }
    };
    let Some(first) = rows.first() else { return Ok(None) };
    let count: i64 = first.get(1);
    let ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let named = ids.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    let what =
        format!("{place}: {count} rows ({named}) {how}; correct the records at their source, or drop the index for the load");
    Ok(Some(PreflightFinding { rows: ids, ..PreflightFinding::refusal(what) }))
}

/// Selects rows that share a key after the load.
fn standing(info: &TableInfo, plan: &TablePlan, key: &UniqueKey<'_>) -> String {
    let plain = plan.loaded.table;
    let name = quoted(plain);
    let columns: Vec<String> = needed(info, &key.index.touched).map(|column| format!("t.{}", quoted(&column.name))).collect();
    let rows = format!(
        "{} union all select t.\"id\"::text, {} from {name} t
         where not exists (select from load_delete d where d.table_name = '{plain}' and d.id = t.\"id\"::text)
           and (
             not exists (select from {} s where s.\"id\" = t.\"id\")
             or exists (select from load_kept k where k.table_name = '{plain}' and k.id = t.\"id\"::text))",
        wanted(info, plan, &key.index.touched),
        columns.join(", "),
        plan.loaded.staging,
    );
    format!(
        "select r.id from (select {name}.proof_id as id, count(*) over (partition by {}) as copies from {} where {}) r where r.copies > 1",
        key.index.keys.join(", "),
        computed(info, &key.index.touched, &rows, plan),
        key.conditions()
    )
}

/// Selects rows whose new key is held by another row of ours until the same load changes or deletes that row.
fn passing(info: &TableInfo, plan: &TablePlan, key: &UniqueKey<'_>) -> String {
    let plain = plan.loaded.table;
    let name = quoted(plain);
    let deleted = match plain {
        table::PROFILE => "union all select d.id from load_delete d where d.table_name = 'CustomerProfile'",
        _ => "",
    };
    format!(
        "select distinct mine.id from (select {name}.proof_id as id, {keys} from {wanted} where {conditions}) mine
         join (select {name}.\"id\"::text as id, {keys} from {name} where {conditions}) theirs
           on {equal} and theirs.id <> mine.id
         where theirs.id in (select u.id from load_update u where u.table_name = '{plain}' {deleted})",
        keys = key.listed(),
        wanted = computed(info, &key.index.touched, &wanted(info, plan, &key.index.touched), plan),
        conditions = key.conditions(),
        equal = key.equal("mine", "theirs"),
    )
}

/// Columns that are set to null to release the unique keys of a table's rows.
pub fn released(crm: &Crm, catalog: &Catalog, plan: &TablePlan) -> Result<Vec<String>> {
    let keys = of_table(crm, catalog.table(plan.loaded.table), plan)?;
    let mut columns: Vec<String> = keys.into_iter().flat_map(|key| key.released).collect();
    columns.sort_unstable();
    columns.dedup();
    Ok(columns)
}
