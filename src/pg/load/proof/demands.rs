//! Constraints that only the server can evaluate, as queries for the rows that violate them.

use std::collections::BTreeMap;

use crate::pg::load::catalog::{ColumnInfo, TableInfo};
use crate::pg::load::constraints::{DomainCheck, ForeignKey, Index, RowCheck};
use crate::pg::load::preflight::TablePlan;
use crate::pg::load::target::{REFERRING, table};
use crate::pg::quote_identifier as quoted;

use super::shadow::Shadow;
use super::{KEPT_ROWS, holder_setting};

/// A constraint that only the server can evaluate.
pub(super) enum Demand<'a> {
    /// A CHECK constraint, or the bounds of partitions.
    Check(&'a RowCheck),
    /// A domain's condition.
    Domain(&'a DomainCheck),
    /// A unique index or exclusion constraint.
    Unique(&'a Index),
    /// A foreign key to rows that no dataset fills, or to other columns than the id.
    Key(&'a ForeignKey),
    /// A generated column that is NOT NULL.
    Generated(&'a ColumnInfo),
}

/// Keys that `consolidate` proves on the datasets themselves.
const PROVED: [(&str, &[&[&str]]); 7] = [
    (table::PROFILE, &[&["authUserId"], &["tenantId", "sclMemberId"], &["teetimePlayerId"], &["messagingContactId"]]),
    (table::ALIAS, &[&["tenantId", "type", "value", "customerId"]]),
    (table::ACTIVITY, &[&["tenantId", "sourceService", "sourceId", "type"]]),
    (table::CONSENT, &[&["tenantId", "customerId", "channel", "scope"]]),
    (table::INTERACTION, &[&["messageId", "type"]]),
    (table::CANDIDATE, &[&["profileAId", "profileBId"]]),
    (table::MEMBERSHIP, &[&["segmentId", "customerId"]]),
];

/// The constraints of a table that the datasets do not satisfy by construction.
pub(super) fn of_table<'a>(info: &'a TableInfo, plan: &TablePlan) -> Vec<Demand<'a>> {
    let name = plan.loaded.table;
    let demands = &info.demands;
    let mut all: Vec<Demand<'a>> = Vec::new();
    all.extend(info.columns.iter().filter(|column| column.generated.is_some()).map(Demand::Generated));
    all.extend(demands.checks.iter().map(Demand::Check));
    all.extend(demands.domains.iter().map(Demand::Domain));
    let unproved = |index: &&Index| (index.is_unique || index.is_exclusion) && !is_proved(name, info, index);
    all.extend(demands.indexes.iter().filter(unproved).map(Demand::Unique));
    all.extend(demands.foreign_keys.iter().filter(|key| !is_brought(name, key)).map(Demand::Key));
    all
}

/// Whether a foreign key refers to rows that the datasets fill, or that load looks up itself.
fn is_brought(name: &str, key: &ForeignKey) -> bool {
    let (Some(referenced), [column], [target]) = (key.crm_table.as_deref(), &key.columns[..], &key.referenced_columns[..]) else {
        return false;
    };
    target == "id" && REFERRING.contains(&(name, column.as_str(), referenced))
}

/// Whether a unique index follows from a key that `consolidate` has proved: it contains the columns of the key, compared by
/// equality.
pub(in crate::pg::load) fn is_proved(name: &str, info: &TableInfo, index: &Index) -> bool {
    let is_exact = |column: &str| {
        info.column(column).is_some_and(|found| {
            let is_bytewise = found.collation.as_deref().is_none_or(|collation| {
                matches!(collation, "pg_catalog.\"default\"" | "pg_catalog.\"C\"" | "pg_catalog.\"POSIX\"")
            });
            is_bytewise
                && (found.is_plain_text
                    || !matches!(found.wire, Some(crate::pg::copy::wire::Wire::Text(_)))
                    || !found.labels.is_empty())
        })
    };
    let has = |columns: &[&str]| columns.iter().all(|wanted| index.columns.iter().any(|held| held == wanted) && is_exact(wanted));
    let keys = PROVED.iter().find(|(table, _)| *table == name).map_or(&[][..], |(_, keys)| *keys);
    !index.is_exclusion && !index.joins_nulls && (has(&["id"]) || keys.iter().any(|key| has(key)))
}

impl Demand<'_> {
    /// The columns that it uses; `None` if they are not known.
    pub(super) fn touched(&self) -> Option<Vec<&str>> {
        match self {
            Self::Check(check) => match (&check.columns, &check.scope) {
                (Some(columns), None) => Some(columns.iter().map(String::as_str).collect()),
                _ => None,
            },
            Self::Domain(check) => Some(vec![check.column.as_str()]),
            Self::Unique(index) if index.scope.is_some() => None,
            Self::Unique(index) => Some(index.touched.iter().map(String::as_str).collect()),
            Self::Key(key) if key.scope.is_some() => None,
            Self::Key(key) => Some(key.columns.iter().map(String::as_str).collect()),
            Self::Generated(column) => Some(vec![column.name.as_str()]),
        }
    }

    /// Its name in messages.
    pub(super) fn words(&self, table: &str) -> String {
        match self {
            Self::Check(check) if check.name == "partition" => format!("partitions of {table:?}"),
            Self::Check(check) => format!("CHECK {:?} of {table:?}", check.name),
            Self::Domain(check) => {
                format!("CHECK {:?} of domain {} on column {table:?}.{:?}", check.name, check.domain, check.column)
            }
            Self::Unique(index) => {
                let kind = if index.is_exclusion { "exclusion constraint" } else { "unique index" };
                format!("{kind} {:?} on {table:?} ({})", index.name, index.touched.join(", "))
            }
            Self::Key(key) => {
                format!("foreign key {:?} of {table:?} ({}) to {}", key.name, key.columns.join(", "), key.referenced)
            }
            Self::Generated(column) => format!("generated column {table:?}.{:?}", column.name),
        }
    }

    /// Describes a row that violates it.
    pub(super) fn failure(&self) -> &'static str {
        match self {
            Self::Check(check) if check.name == "partition" => "have no partition",
            Self::Check(_) | Self::Domain(_) => "violate it",
            Self::Unique(_) => "share a key with another one",
            Self::Key(_) => "refer to a missing row",
            Self::Generated(_) => "have no value for it, though it is required, or one that is too long",
        }
    }

    /// Advice for resolving a violation.
    pub(super) fn advice(&self, table: &str) -> String {
        let drop = |name: &str| format!("alter table {} drop constraint {};", quoted(table), quoted(name));
        match self {
            Self::Check(check) if check.name == "partition" => "create the partitions, or a default one".to_owned(),
            Self::Check(check) => format!("correct the records at their source, or widen it: {}", drop(&check.name)),
            Self::Domain(check) => format!(
                "correct the records at their source, or widen it: alter domain {} drop constraint {};",
                check.domain,
                quoted(&check.name)
            ),
            Self::Unique(index) => {
                let remove = match &index.constraint {
                    Some((name, _)) => drop(name),
                    None => format!("drop index {};", quoted(&index.name)),
                };
                match holder_setting(table, &index.touched) {
                    Some(setting) => format!("{setting} (then make consolidate score load); or {remove}"),
                    None => format!("correct the records at their source, or {remove}"),
                }
            }
            Self::Key(key) => {
                let mapped = match key.columns.iter().any(|column| column == "tenantId") {
                    true => "or map the tenant: [tenants] in backfill.toml, ",
                    false => "",
                };
                format!("insert the missing rows into {}, {mapped}or {}", key.referenced, drop(&key.name))
            }
            Self::Generated(column) => {
                let alter = format!("alter table {} alter column {}", quoted(table), quoted(&column.name));
                if column.is_not_null { format!("{alter} drop not null; or type text;") } else { format!("{alter} type text;") }
            }
        }
    }

    /// Why it cannot be evaluated, if the operator can change that.
    pub(super) fn unprovable(&self) -> Option<String> {
        match self {
            Self::Key(key) if !key.is_readable => {
                let what = "the role may not read all rows of the referenced table, so its keys cannot be checked";
                Some(format!("{what}; grant select on {} to the loader's role", key.referenced))
            }
            _ => None,
        }
    }

    /// The expression to evaluate for a single row, if its evaluation may fail.
    pub(super) fn expression(&self) -> Option<String> {
        match self {
            Self::Check(check) => Some(check.expression.clone()),
            Self::Domain(check) => {
                Some(format!("select ({}) from (select {} as value) v", check.expression, quoted(&check.column)))
            }
            Self::Unique(index) => Some(format!("row({})", index.keys.join(", "))),
            Self::Generated(column) => column.generated.clone(),
            Self::Key(_) => None,
        }
    }

    /// Selects the ids and the number of the rows that violate it.
    pub(super) fn statement(&self, shadow: &Shadow<'_>, shadows: &BTreeMap<&'static str, Shadow<'_>>) -> Option<String> {
        let (name, from) = (quoted(shadow.table), shadow.source());
        let within =
            |scope: &Option<String>| scope.as_deref().filter(|scope| !scope.is_empty()).map(|scope| format!(" and ({scope})"));
        let found = match self {
            Self::Check(check) => {
                let scope = within(&check.scope).unwrap_or_default();
                format!("select {name}.\"id\"::text as id from {from} where not ({}){scope}", check.expression)
            }
            Self::Domain(check) => {
                let column = quoted(&check.column);
                format!(
                    "select d.id from (select {name}.\"id\"::text as id, {name}.{column} as value from {from}) d where not ({})",
                    check.expression
                )
            }
            Self::Generated(column) => {
                let value = format!("{name}.{}", quoted(&column.name));
                // A value that is too long is cut by the cast, while storing it would fail; a number that is too large fails here.
                let cast = format!("{value}::{}", column.base_name);
                let is_lost = match column.base_name.starts_with("character") {
                    true => format!("rtrim({value}::text) <> rtrim(({cast})::text)"),
                    false => format!("({cast} is null) is null"),
                };
                let is_missing = if column.is_not_null { format!("{value} is null or ") } else { String::new() };
                format!("select {name}.\"id\"::text as id from {from} where {is_missing}{is_lost}")
            }
            Self::Unique(index) if !index.compares_equal => {
                let (_, definition) = index.constraint.as_ref()?;
                return Some(format!("alter table {} add constraint proof {definition}", shadow.name));
            }
            Self::Unique(index) => {
                let keys = index.keys.join(", ");
                let mut conditions: Vec<String> = index.predicate.iter().map(|predicate| format!("({predicate})")).collect();
                if !index.joins_nulls {
                    conditions.extend(index.keys.iter().map(|key| format!("{key} is not null")));
                }
                conditions.extend(index.scope.iter().filter(|scope| !scope.is_empty()).map(|scope| format!("({scope})")));
                conditions.push("true".to_owned());
                format!(
                    "select r.id from (select {name}.\"id\"::text as id, count(*) over (partition by {keys}) as copies from {from}
                     where {}) r where r.copies > 1",
                    conditions.join(" and ")
                )
            }
            Self::Key(key) => {
                if !key.is_readable {
                    return None;
                }
                let columns: Vec<String> = key.columns.iter().map(|column| format!("{name}.{}", quoted(column))).collect();
                let list = |word: &str, test: &str| {
                    columns.iter().map(|column| format!("{column} {test}")).collect::<Vec<_>>().join(word)
                };
                let equal: Vec<String> = key
                    .referenced_columns
                    .iter()
                    .zip(&columns)
                    .map(|(theirs, ours)| format!("p.{} = {ours}", quoted(theirs)))
                    .collect();
                let equal = equal.join(" and ");
                let mut absent = format!("not exists (select from {} p where {equal})", key.referenced);
                // Rows that the same load brings count as well.
                if let Some(parent) = key.crm_table.as_deref().and_then(|table| shadows.get(table)) {
                    absent.push_str(&format!(" and not exists (select from {} p where {equal})", parent.source_as("p")));
                }
                let scope = within(&key.scope).unwrap_or_default();
                let half = match key.is_match_full {
                    true => format!(" or (({}) and ({}))", list(" or ", "is null"), list(" or ", "is not null")),
                    false => String::new(),
                };
                format!(
                    "select {name}.\"id\"::text as id from {from} where ((({}) and {absent}){half}){scope}",
                    list(" and ", "is not null")
                )
            }
        };
        Some(format!("select f.id, count(*) over () as offenders from ({found}) f order by f.id limit {KEPT_ROWS}"))
    }
}
