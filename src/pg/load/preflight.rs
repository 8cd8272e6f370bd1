//! Whether the CRM can take the datasets: every reason against it at once, before anything is written.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::pg::copy::encode::{Column, Wire};
use crate::pg::load::catalog::{Catalog, ColumnInfo, TableInfo};
use crate::pg::load::target::{LOADED, Loaded, SCORE_COLUMNS, Stamp, camel_case, table};
use crate::pg::quote_identifier as quoted;
use crate::pg::verify::lent::type_name;
use crate::tables::{Table, score};

/// Something about the target that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// Whether load refuses because of it; otherwise it is a warning.
    pub refuses: bool,
}

/// Where a column of the target gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// From the table's dataset.
    Data,
    /// From `score__profiles`.
    Score,
    /// From the load itself.
    Stamp(Stamp),
}

/// A column of the target with its content.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The target's name.
    pub target: String,
    /// The dataset's name.
    pub name: &'static str,
    /// How the value travels.
    pub copy: Option<Column>,
    /// Its type.
    pub wire: Wire,
    /// What it holds.
    pub content: Content,
    /// Whether null is refused.
    pub is_not_null: bool,
}

/// How one table is filled.
#[derive(Debug)]
pub struct TablePlan {
    /// The declaration.
    pub loaded: &'static Loaded,
    /// Its columns.
    pub columns: Vec<Planned>,
}

impl TablePlan {
    /// Names of the columns with this kind of content.
    pub fn names(&self, wanted: impl Fn(Content) -> bool) -> Vec<&str> {
        self.columns.iter().filter(|column| wanted(column.content)).map(|column| column.target.as_str()).collect()
    }

    /// Columns that a dataset fills.
    pub fn data(&self) -> Vec<&str> {
        self.names(|content| !matches!(content, Content::Stamp(_)))
    }

    /// Columns that tell whether somebody changed the row; scores, counts and `last*At` are left to whoever refreshes them.
    pub fn remembered(&self) -> Vec<&str> {
        self.names(|content| content == Content::Data)
    }
}

/// What the preflight found, and how every table is to be filled.
#[derive(Debug)]
pub struct Preflight {
    /// Findings, refusals first.
    pub findings: Vec<Finding>,
    /// One plan per entry of [`LOADED`].
    pub plans: Vec<TablePlan>,
}

impl Preflight {
    /// The plan of a table.
    pub fn plan(&self, table: &str) -> &TablePlan {
        self.plans.iter().find(|plan| plan.loaded.table == table).expect("every table of LOADED has a plan")
    }

    /// Refuses with every reason at once.
    pub fn check(&self, place: &str, strict: bool) -> Result<()> {
        let reasons: Vec<&str> =
            self.findings.iter().filter(|finding| finding.refuses || strict).map(|finding| finding.what.as_str()).collect();
        if reasons.is_empty() {
            return Ok(());
        }
        let many = if reasons.len() == 1 { "one reason".to_owned() } else { format!("{} reasons", reasons.len()) };
        let mut fault = Fault::new(Exit::Preflight, format!("the CRM cannot be loaded: {many}")).at(place);
        for reason in reasons {
            fault = fault.help(reason);
        }
        Err(fault.into())
    }
}

/// The SQL that somebody with more rights runs once, so that the loader can remember what it wrote.
fn backfill_schema_sql(catalog: &Catalog) -> String {
    let role = quoted(&catalog.role);
    if catalog.has_backfill {
        let tables = [
            "run",
            "written",
            "before",
            "withdrawn",
            "undated",
            "kept",
            "child",
            "record",
            "deleted",
            "merged",
            "decision",
            "object",
            "loaded",
        ];
        let tables = tables.map(|table| format!(" alter table if exists backfill.{table} owner to {role};"));
        format!("alter schema backfill owner to {role};{}", tables.concat())
    } else {
        format!("create schema backfill authorization {role};")
    }
}

/// Looks at the target alone; `allow_triggers` turns refusals because of triggers into warnings.
pub fn preflight(catalog: &Catalog, allow_triggers: bool) -> Preflight {
    let mut findings = Vec::new();
    let mut refuse = |what: String| findings.push(Finding { what, refuses: true });
    if catalog.encoding != "UTF8" {
        refuse(format!("the database's encoding is {}, not UTF8: it cannot hold every name", catalog.encoding));
    }
    if catalog.is_standby {
        refuse("the server is a standby and cannot be written to; name the primary in the URL".to_owned());
    }
    if catalog.version < 120_000 {
        refuse("the server is older than PostgreSQL 12".to_owned());
    }
    if !catalog.may_create_backfill {
        let what = if catalog.has_backfill { "use" } else { "create" };
        let sql = backfill_schema_sql(catalog);
        refuse(format!("role {} may not {what} schema backfill; have somebody run: {sql}", catalog.role));
    }
    let mut warnings = Vec::new();
    for name in table::ALL {
        match catalog.tables.get(name) {
            None => refuse(format!("table {name:?} is missing in schema {:?}", catalog.schema)),
            Some(info) => look_at(name, info, &catalog.role, allow_triggers, &mut refuse, &mut warnings),
        }
    }
    let mut plans = Vec::new();
    for loaded in &LOADED {
        if let Some(info) = catalog.tables.get(loaded.table) {
            plans.push(plan(loaded, info, &mut refuse, &mut warnings));
        }
    }
    if catalog.is_superuser {
        warnings.push(format!("role {} is a superuser: a role with rights on the CRM's tables is enough", catalog.role));
    }
    if !catalog.is_superuser && !catalog.excess_rights.is_empty() {
        warnings.push(format!("role {} may also {}, which no load needs", catalog.role, catalog.excess_rights.join(", ")));
    }
    findings.extend(warnings.into_iter().map(|what| Finding { what, refuses: false }));
    Preflight { findings, plans }
}

fn look_at(
    name: &str,
    info: &TableInfo,
    role: &str,
    allow_triggers: bool,
    refuse: &mut impl FnMut(String),
    warnings: &mut Vec<String>,
) {
    if !info.is_table {
        refuse(format!("{name:?} is no table"));
    }
    if !info.missing_rights.is_empty() {
        let rights = info.missing_rights.join(", ");
        refuse(format!("table {name:?}: the role lacks {rights}; grant {rights} on {} to {};", quoted(name), quoted(role)));
    }
    if info.has_row_security {
        refuse(format!("table {name:?}: row security hides rows from the role; it needs bypassrls"));
    }
    if !info.rules.is_empty() {
        refuse(format!("table {name:?} has rules, which COPY ignores and updates obey: {}; drop them", info.rules.join(", ")));
    }
    if !info.triggers.is_empty() {
        let what = format!("table {name:?} has triggers that would fire for every row: {}", info.triggers.join(", "));
        if allow_triggers {
            warnings.push(what);
        } else {
            refuse(format!("{what}; disable them for the load, or --allow-triggers"));
        }
    }
}

fn plan(loaded: &'static Loaded, info: &TableInfo, refuse: &mut impl FnMut(String), warnings: &mut Vec<String>) -> TablePlan {
    let (mut columns, mut unfit) = (Vec::new(), Vec::new());
    let dataset = (loaded.dataset)();
    let scores = score::profiles::Table::dataset();
    let data = dataset.columns.iter().map(|column| (column, loaded.column(column.name), Content::Data));
    let scored = scores.columns.iter().filter(|column| loaded.table == table::PROFILE && SCORE_COLUMNS.contains(&column.name));
    for (column, target, content) in data.chain(scored.map(|column| (column, camel_case(column.name), Content::Score))) {
        let Some(found) = usable(loaded.table, &target, info, refuse) else { continue };
        let data_type = (column.data_type)();
        let copy = found.wire.and_then(|wire| Column::plan(column.name, &data_type, wire));
        let fits = match data_type {
            arrow::datatypes::DataType::Decimal128(precision, scale) => {
                found.scale.is_none_or(|held| held >= i32::from(scale))
                    && found.whole_digits.is_none_or(|held| held >= i32::from(precision) - i32::from(scale) - 1)
            }
            _ => true,
        };
        let (Some(copy), Some(wire), true) = (copy, found.wire, fits) else {
            let needed = type_name(&data_type);
            refuse(format!("column {:?}.{target:?} is {}, which cannot hold {needed}", loaded.table, found.type_name));
            unfit.push(target);
            continue;
        };
        if let Some((_, words)) = loaded.words.iter().find(|(name, _)| *name == column.name) {
            check_words(loaded.table, found, &words(), refuse);
        }
        if found.is_not_null && column.nullable && content == Content::Data {
            warnings.push(format!("column {:?}.{target:?} is required, but datasets may lack it", loaded.table));
        }
        columns.push(Planned { target, name: column.name, copy: Some(copy), wire, content, is_not_null: found.is_not_null });
    }
    for (target, stamp) in loaded.stamps {
        let Some(found) = usable(loaded.table, target, info, refuse) else { continue };
        let wire = match (stamp, found.wire) {
            (Stamp::Created | Stamp::Updated, Some(wire @ Wire::Timestamp)) | (Stamp::Text(_), Some(wire @ Wire::Text(_))) => {
                wire
            }
            (Stamp::Null, wire) => wire.unwrap_or(Wire::Text(None)),
            _ => {
                refuse(format!("column {:?}.{target:?} is {}", loaded.table, found.type_name));
                continue;
            }
        };
        columns.push(Planned {
            target: (*target).to_owned(),
            name: target,
            copy: None,
            wire,
            content: Content::Stamp(*stamp),
            is_not_null: found.is_not_null,
        });
    }
    for column in &info.columns {
        let known = unfit.contains(&column.name) || columns.iter().any(|planned| planned.target == column.name);
        if !known && column.is_not_null && !column.has_default && !column.is_generated {
            refuse(format!("column {:?}.{:?} is required, has no default, and no dataset fills it", loaded.table, column.name));
        }
    }
    TablePlan { loaded, columns }
}

fn usable<'a>(table: &str, target: &str, info: &'a TableInfo, refuse: &mut impl FnMut(String)) -> Option<&'a ColumnInfo> {
    match info.column(target) {
        None => refuse(format!("column {table:?}.{target:?} is missing")),
        Some(column) if column.is_generated => refuse(format!("column {table:?}.{target:?} is generated and cannot be written")),
        Some(column) if column.has_sequence => {
            refuse(format!("column {table:?}.{target:?} is fed by a sequence, which loaded values would leave behind"));
        }
        found => return found,
    }
    None
}

fn check_words(table: &str, column: &ColumnInfo, words: &[&str], refuse: &mut impl FnMut(String)) {
    if column.labels.is_empty() {
        return;
    }
    let unknown: Vec<&str> = words.iter().copied().filter(|word| !column.labels.iter().any(|label| label == word)).collect();
    if !unknown.is_empty() {
        let lacks = unknown.join(", ");
        let help = format!("alter type {} add value …;", column.type_name);
        refuse(format!("enum {} of {table:?}.{:?} lacks {lacks}; {help}", column.type_name, column.name));
    }
}
