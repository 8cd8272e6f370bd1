//! The plan of a comparison: the columns of a table, how they are compared, and the statement that reads them from the CRM.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::model::Phase;
use crate::pg::compare::hash::sealed;
use crate::pg::compare::sums::ODD;
use crate::pg::compare::value::{Form, NULL, zero};
use crate::pg::copy::wire::Wire;
use crate::pg::load::catalog::{Catalog, TableInfo};
use crate::pg::load::preflight::{Content, Planned, TablePlan};
use crate::pg::load::target::{Loaded, Stamp, ours, table};
use crate::pg::{Connection, quote_identifier as quoted};
use crate::tables::{Table as _, score};

/// Source of a column's values in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filed {
    /// The dataset's column of this name, or that of `score__profiles`.
    Column(&'static str),
    /// The same in every row.
    Always(u64),
}

/// A compared column.
#[derive(Clone, Debug)]
pub struct ComparedColumn {
    /// The target's name.
    pub target: String,
    /// Source of its values in the files.
    pub filed: Filed,
    /// How its values are compared.
    pub form: Form,
}

/// How one table is read on both sides.
#[derive(Debug)]
pub struct TableForm {
    /// The declaration.
    pub loaded: &'static Loaded,
    /// Compared columns, without the id.
    pub columns: Vec<ComparedColumn>,
    /// Columns whose type cannot be compared.
    pub unfit: Vec<String>,
    /// The select list: the id, the compared columns, then the marks.
    select: String,
}

/// Most buckets that a statement lists; if more differ, every row is read again.
const BUCKET_LIMIT: usize = 4096;

/// The times of the loads in `backfill.run`, as text of the CRM.
#[derive(Clone, Debug, Default)]
pub struct Instants(pub Vec<String>);

/// Columns that others set when they change or delete a row.
const OF_OTHERS: [&str; 2] = ["updatedBy", "deletedAt"];
/// Columns that load never writes and that users of the CRM may fill.
const OF_PEOPLE: [(&str, &str); 3] =
    [(table::CANDIDATE, "status"), (table::CANDIDATE, "reviewedBy"), (table::CANDIDATE, "reviewedAt")];

impl TableForm {
    /// The comparison of a planned table.
    pub fn of(plan: &TablePlan, info: &TableInfo, phase: Phase, instants: &Instants, defaults: &Defaults) -> Self {
        let (mut columns, mut unfit) = (Vec::new(), Vec::new());
        let dataset = (plan.loaded.dataset)();
        let scores = score::profiles::Table::fields();
        for planned in plan.columns.iter().filter(|planned| planned.name != "id") {
            let type_name = info.column(&planned.target).map_or("", |column| column.type_name.as_str());
            let declared = dataset.columns.iter().chain(scores).find(|column| column.name == planned.name);
            let form = match (planned.content, declared) {
                (Content::Stamp(Stamp::Text(_) | Stamp::Null), _) => Some(Form::text(planned.wire)),
                (Content::Stamp(_), _) => continue,
                (_, Some(declared)) => Form::of(&(declared.data_type)(), planned.wire, type_name),
                (_, None) => None,
            };
            match form {
                Some(form) => {
                    columns.push(ComparedColumn { target: planned.target.clone(), filed: filed(planned, form, phase), form })
                }
                None => unfit.push(planned.target.clone()),
            }
        }
        let is_planned = |name: &str| plan.columns.iter().any(|planned| planned.name == name);
        unfit.extend(
            dataset.columns.iter().filter(|column| !is_planned(column.name)).map(|column| plan.loaded.column(column.name)),
        );
        let select = select(plan, info, &columns, instants, defaults);
        Self { loaded: plan.loaded, columns, unfit, select }
    }

    /// The position of a column.
    pub fn place(&self, target: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.target == target)
    }

    /// The comparison for a load: only the columns that a dataset fills.
    pub fn of_load(plan: &TablePlan, info: &TableInfo, phase: Phase) -> Self {
        let data = TablePlan {
            loaded: plan.loaded,
            columns: plan.columns.iter().filter(|planned| planned.copy.is_some()).cloned().collect(),
        };
        Self::of(&data, info, phase, &Instants::default(), &Defaults::default())
    }

    /// What the hashes of the CRM's rows depend on: the columns and how they are compared.
    pub fn fingerprint(&self, info: &TableInfo) -> String {
        let mut parts = Vec::new();
        for column in &self.columns {
            parts.push(format!("{}:{:?}", column.target, column.form));
            parts.extend(info.column(&column.target).into_iter().flat_map(|column| column.labels.iter().cloned()));
        }
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        format!("{:032x}", sealed(&parts))
    }

    /// Reads rows of ours, all or those of some buckets.
    pub fn statement(&self, buckets: Option<&[u32]>) -> String {
        self.copy(&self.select, buckets)
    }

    /// Reads the ids of our rows.
    pub fn ids(&self, buckets: Option<&[u32]>) -> String {
        self.copy("t.\"id\"::text", buckets)
    }

    /// Reads our rows `t` that match a join.
    pub fn joined(&self, join: &str) -> String {
        let table = quoted(self.loaded.table);
        format!("copy (select {} from {table} t {join} where {}) to stdout (format binary)", self.select, ours("t"))
    }

    fn copy(&self, select: &str, buckets: Option<&[u32]>) -> String {
        let table = quoted(self.loaded.table);
        let some = within("t.\"id\"::text", buckets);
        format!("copy (select {select} from {table} t where {}{some}) to stdout (format binary)", ours("t"))
    }
}

/// SQL condition: an id belongs to some buckets; empty if every row is read again.
pub fn within(id: &str, buckets: Option<&[u32]>) -> String {
    match buckets {
        Some(buckets) if buckets.len() <= BUCKET_LIMIT && !buckets.contains(&ODD) => {
            let listed: Vec<String> = buckets.iter().map(|bucket| format!("{bucket:04x}")).collect();
            format!(" and substr({id}, 5, 4) = any ('{{{}}}'::text[])", listed.join(","))
        }
        _ => String::new(),
    }
}

fn filed(planned: &Planned, form: Form, phase: Phase) -> Filed {
    match planned.content {
        Content::Stamp(Stamp::Text(text)) => Filed::Always(form.of_text(text)),
        Content::Stamp(_) => Filed::Always(NULL),
        Content::Score if phase < Phase::SCORES => {
            // Before phase 6 load writes 0 into counts and null into the others.
            let is_zero = planned.is_not_null || planned.name.contains("_count_");
            Filed::Always(if is_zero { zero(form) } else { NULL })
        }
        _ => Filed::Column(planned.name),
    }
}

fn select(plan: &TablePlan, info: &TableInfo, columns: &[ComparedColumn], instants: &Instants, defaults: &Defaults) -> String {
    let mut list = vec!["t.\"id\"::text".to_owned()];
    for column in columns {
        let wire = plan.columns.iter().find(|planned| planned.target == column.target).map(|planned| planned.wire);
        let name = quoted(&column.target);
        // As text: enums by their labels, char(n) without padding, domains by their base type.
        list.push(if matches!(wire, Some(Wire::Text(_))) { format!("t.{name}::text") } else { format!("t.{name}") });
    }
    let (mut odd, mut touched) = (Vec::new(), Vec::new());
    for planned in &plan.columns {
        let Some(found) = info.column(&planned.target).filter(|_| !instants.0.is_empty()) else { continue };
        let known: Vec<String> = instants.0.iter().map(|instant| format!("'{instant}'")).collect();
        let differs = format!("t.{} <> all (array[{}]::{}[])", quoted(&planned.target), known.join(","), found.type_name);
        match planned.content {
            Content::Stamp(Stamp::Created) => odd.push(differs),
            Content::Stamp(Stamp::Updated) => touched.push(differs),
            _ => {}
        }
    }
    for column in &info.columns {
        let is_known = plan.columns.iter().any(|planned| planned.target == column.name);
        let is_of_people = OF_OTHERS.contains(&column.name.as_str()) || OF_PEOPLE.contains(&(plan.loaded.table, &column.name));
        if is_known || is_of_people || column.is_generated {
            continue;
        }
        if let Some(default) = defaults.of(plan.loaded.table, column.name.as_str()) {
            touched.push(format!("t.{}::text is distinct from ({default})::text", quoted(&column.name)));
        }
    }
    list.push(marks(plan.loaded.table, &changed_by_others(info), &any(odd), &any(touched)));
    list.join(", ")
}

/// SQL for the marks of a row, which [`RowMarks::of`] reads: null, which costs nothing, for all but the few rows that have any.
fn marks(name: &str, foreign: &str, odd: &str, touched: &str) -> String {
    let merged = if name == table::PROFILE { "t.\"status\"::text = 'MERGED'" } else { "false" };
    let into = if name == table::PROFILE { "coalesce(t.\"mergedIntoId\"::text, '')" } else { "''" };
    let flags = [foreign, odd, touched, merged];
    let some: Vec<&str> = flags.into_iter().filter(|condition| *condition != "false").collect();
    if some.is_empty() {
        return "null::text".to_owned();
    }
    let digits: Vec<String> = flags.iter().map(|condition| format!("coalesce({condition}, false)::integer::text")).collect();
    format!("case when {} then {} || {into} end", some.join(" or "), digits.join(" || "))
}

fn any(conditions: Vec<String>) -> String {
    if conditions.is_empty() { "false".to_owned() } else { conditions.join(" or ") }
}

/// SQL condition for a row `t` that others changed or deleted.
pub fn changed_by_others(info: &TableInfo) -> String {
    let columns = OF_OTHERS.iter().filter(|name| info.column(name).is_some());
    any(columns.map(|name| format!("t.{} is not null", quoted(name))).collect())
}

/// Constant defaults of columns, as SQL writes them.
#[derive(Debug, Default)]
pub struct Defaults(BTreeMap<(String, String), Option<String>>);

impl Defaults {
    /// Reads them from the catalog of the session's schema.
    pub fn read(connection: &Connection, catalog: &Catalog) -> Result<Self> {
        let mut defaults = BTreeMap::new();
        for row in connection.query(include_str!("../../../sql/verify/crm/column_defaults.sql"), &[])? {
            let (table, column): (String, String) = (row.get(0), row.get(1));
            if catalog.tables.contains_key(&table) {
                defaults.insert((table, column), row.get(2));
            }
        }
        Ok(Self(defaults))
    }

    /// The default of a column as an expression; `None` when it is computed row by row.
    fn of(&self, table: &str, column: &str) -> Option<&str> {
        let default = self.0.get(&(table.to_owned(), column.to_owned()))?;
        match default {
            None => Some("null"),
            Some(written) if is_constant(written) => Some(written),
            Some(_) => None,
        }
    }
}

/// Whether a default is the same for every row: it contains no function call or setting outside quotes.
fn is_constant(default: &str) -> bool {
    let unquoted: String = default.split('\'').step_by(2).collect();
    let is_plain = !unquoted.contains('(') && !unquoted.to_ascii_uppercase().contains("CURRENT_");
    let first = default.trim_start().as_bytes().first().copied().unwrap_or(b'x');
    is_plain && (first == b'\'' || first == b'-' || first.is_ascii_digit() || ["true", "false"].contains(&default.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_defaults_that_are_the_same_for_every_row_are_constant() {
        for default in ["'PENDING'::\"CandidateStatus\"", "0", "-1", "false", "'{}'::text[]", "'now()'::text"] {
            assert!(is_constant(default), "{default}");
        }
        for default in ["now()", "CURRENT_TIMESTAMP", "gen_random_uuid()", "nextval('s'::regclass)", "(1 + 1)"] {
            assert!(!is_constant(default), "{default}");
        }
    }
}
