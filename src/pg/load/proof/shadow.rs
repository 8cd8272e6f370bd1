//! Shadow tables: temporary tables without constraints that hold the columns of a constraint, in the base types of the target.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::pg::load::catalog::{Catalog, ColumnInfo, TableInfo};
use crate::pg::load::preflight::{Content, TablePlan};
use crate::pg::load::session::Crm;
use crate::pg::load::target::Stamp;
use crate::pg::quote_identifier as quoted;

use super::demands::Demand;
use super::{KEPT_ROWS, Offenders};

/// The shadow of one table.
pub(super) struct Shadow<'a> {
    /// The table that it shadows.
    pub table: &'static str,
    /// Its own name.
    pub name: String,
    info: &'a TableInfo,
    needed: BTreeSet<String>,
}

/// Replaces the sequences of the target, whose values must not be used up.
const SEQUENCE: &str = "pg_temp.proof_sequence";

/// Columns with a default that neither a dataset nor load fills.
pub(super) fn left_to_defaults<'a>(info: &'a TableInfo, plan: &TablePlan) -> impl Iterator<Item = &'a ColumnInfo> {
    let filled: BTreeSet<String> = plan
        .columns
        .iter()
        .filter(|planned| planned.content != Content::Stamp(Stamp::Null))
        .map(|planned| planned.target.clone())
        .collect();
    info.columns.iter().filter(move |column| column.has_default && column.generated.is_none() && !filled.contains(&column.name))
}

/// The shadows that these constraints need.
pub(super) fn plan<'a>(
    catalog: &'a Catalog,
    plans: &[&TablePlan],
    demands: &BTreeMap<&str, Vec<Demand<'a>>>,
) -> BTreeMap<&'static str, Shadow<'a>> {
    let mut shadows: BTreeMap<&'static str, Shadow<'a>> = BTreeMap::new();
    let mut need = |table: &'static str, columns: Option<Vec<&str>>| {
        let info = catalog.table(table);
        let shadow = shadows.entry(table).or_insert_with(|| {
            let name = format!("proved_{}", table.to_lowercase());
            Shadow { table, name, info, needed: BTreeSet::from(["id".to_owned()]) }
        });
        let is_generated = |name: &str| info.column(name).is_some_and(|column| column.generated.is_some());
        match columns {
            Some(columns) if !columns.iter().any(|name| is_generated(name)) => {
                shadow.needed.extend(columns.into_iter().map(str::to_owned));
            }
            // A generated column may use any other column.
            _ => shadow.needed.extend(info.columns.iter().map(|column| column.name.clone())),
        }
    };
    for plan in plans {
        for demand in &demands[plan.loaded.table] {
            need(plan.loaded.table, demand.touched());
            if let Demand::Key(key) = demand
                && let Some(parent) = plans.iter().find(|plan| Some(plan.loaded.table) == key.crm_table.as_deref())
            {
                need(parent.loaded.table, Some(key.referenced_columns.iter().map(String::as_str).collect()));
            }
        }
    }
    shadows
}

impl Shadow<'_> {
    /// Whether a constraint uses a column.
    pub(super) fn needs(&self, column: &str) -> bool {
        self.needed.contains(column)
    }

    /// Creates the empty table. `further` are columns that are only sent to be checked by the encoder.
    pub(super) fn create(&self, crm: &Crm, further: &[&str]) -> Result<()> {
        crm.run(&format!("create temp sequence if not exists {}", SEQUENCE.trim_start_matches("pg_temp.")))?;
        let held = self.info.columns.iter().filter(|column| {
            column.generated.is_none() && (self.needed.contains(&column.name) || further.contains(&column.name.as_str()))
        });
        let columns: Vec<String> = held.map(|column| self.column(column)).collect();
        crm.run(&format!("create temp table {} ({}) on commit drop", self.name, columns.join(", ")))
    }

    fn column(&self, column: &ColumnInfo) -> String {
        let collation = column.collation.as_ref().map(|name| format!(" collate {name}")).unwrap_or_default();
        let feeds = |default: &str| default.contains("nextval(");
        let default = match &column.default {
            Some(default) if feeds(default) => format!(" default nextval('{SEQUENCE}')"),
            None if column.has_sequence => format!(" default nextval('{SEQUENCE}')"),
            Some(default) => format!(" default {default}"),
            None => String::new(),
        };
        format!("{} {}{collation}{default}", quoted(&column.name), column.base_name)
    }

    /// The shadow under the name of its table, with generated columns, so that expressions of the catalog apply to it.
    pub(super) fn source(&self) -> String {
        self.source_as(&quoted(self.table))
    }

    /// The shadow under another name.
    pub(super) fn source_as(&self, alias: &str) -> String {
        let generated = self.info.columns.iter().filter(|column| self.needed.contains(&column.name));
        let computed: Vec<String> = generated
            .filter_map(|column| Some(format!(", ({}) as {}", column.generated.as_ref()?, quoted(&column.name))))
            .collect();
        if computed.is_empty() {
            return format!("{} as {alias}", self.name);
        }
        let table = quoted(self.table);
        format!("(select {table}.*{} from {} as {table}) as {alias}", computed.concat(), self.name)
    }

    /// The rows for which the evaluation of a constraint fails; empty if the role may not find out.
    pub(super) fn failing_rows(&self, crm: &Crm, demand: &Demand<'_>) -> Result<Offenders> {
        let Some(expression) = demand.expression() else { return Ok(Offenders::default()) };
        let trial = include_str!("../../../../sql/crm/proof_fails.sql");
        if crm.attempt(trial)?.is_err() {
            return Ok(Offenders::default());
        }
        let name = quoted(self.table);
        let single = format!("select ({expression}) from {} where {name}.\"id\"::text = $1", self.source());
        let statement = format!(
            "select f.id, count(*) over () from (select s.\"id\"::text as id from {} s) f
             where pg_temp.proof_fails('{}', f.id) order by f.id limit {KEPT_ROWS}",
            self.name,
            single.replace('\'', "''")
        );
        // Each trial reads one row.
        let _ = crm.attempt(&format!("create index on {} ((\"id\"::text))", self.name))?;
        let Ok(rows) = crm.attempt(&statement)? else { return Ok(Offenders::default()) };
        let count = rows.first().map_or(0, |row| row.get::<_, i64>(1).unsigned_abs());
        Ok(Offenders { count, ids: rows.iter().map(|row| row.get(0)).collect() })
    }
}
