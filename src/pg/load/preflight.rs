//! Checks whether the CRM can take the datasets, and lists every problem at once before anything is written.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::pg::copy::encode::CopyColumn;
use crate::pg::copy::wire::Wire;
use crate::pg::load::catalog::{Catalog, ColumnInfo, TableInfo};
use crate::pg::load::constraints::Index;
use crate::pg::load::target::{LOADED, Loaded, Need, REFERRING, SCORE_COLUMNS, Stamp, TOUCHED, Touched, camel_case, table};
use crate::pg::quote_identifier as quoted;
use crate::tables::{Table, score};

/// A problem of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreflightFinding {
    /// Description.
    pub what: String,
    /// Whether it stops a load; otherwise it is a warning.
    pub refuses: bool,
    /// Ids of the affected rows of the datasets, up to a limit.
    pub rows: Vec<String>,
}

impl PreflightFinding {
    /// A finding that stops a load.
    pub fn refusal(what: impl Into<String>) -> Self {
        Self { what: what.into(), refuses: true, rows: Vec::new() }
    }

    /// A finding that does not stop a load.
    pub fn warning(what: impl Into<String>) -> Self {
        Self { what: what.into(), refuses: false, rows: Vec::new() }
    }
}

/// Source of the value of a column.
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
    /// How the value is encoded.
    pub copy: Option<CopyColumn>,
    /// Its type.
    pub wire: Wire,
    /// Its content.
    pub content: Content,
    /// Whether it is NOT NULL.
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

    /// Columns that show whether somebody changed the row. Scores, counts and `last*At` do not count, because others refresh them.
    pub fn remembered(&self) -> Vec<&str> {
        self.names(|content| content == Content::Data)
    }
}

/// Findings of the preflight, and the plan for filling every table.
#[derive(Debug)]
pub struct Preflight {
    /// Findings; those that stop a load come first.
    pub findings: Vec<PreflightFinding>,
    /// One plan per entry of [`LOADED`].
    pub plans: Vec<TablePlan>,
}

impl Preflight {
    /// The plan of a table.
    pub fn plan(&self, table: &str) -> &TablePlan {
        self.plans.iter().find(|plan| plan.loaded.table == table).expect("every table of LOADED has a plan")
    }

    /// Adds findings.
    pub fn add(&mut self, findings: Vec<PreflightFinding>) {
        self.findings.extend(findings);
        self.findings.sort_by_key(|finding| !finding.refuses);
    }

    /// Fails if a finding stops the load, and lists all of them.
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

/// The SQL that a role with more rights must run once, so that the loader can record what it writes.
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
            "settled",
        ];
        let tables = tables.map(|table| format!(" alter table if exists backfill.{table} owner to {role};"));
        format!("alter schema backfill owner to {role};{}", tables.concat())
    } else {
        format!("create schema backfill authorization {role};")
    }
}

/// Checks the target alone. `allow_triggers` turns errors because of triggers into warnings.
pub fn preflight(catalog: &Catalog, allow_triggers: bool) -> Preflight {
    let mut findings = Vec::new();
    let mut refuse = |what: String| findings.push(PreflightFinding::refusal(what));
    if catalog.encoding != "UTF8" {
        refuse(format!("the encoding of the database is {}, not UTF8: it cannot store every name", catalog.encoding));
    }
    if catalog.is_standby {
        refuse("the server is a standby and cannot be written to; name the primary in the URL".to_owned());
    }
    if catalog.version < 120_000 {
        refuse("the server is older than PostgreSQL 12".to_owned());
    }
    if catalog.is_read_only {
        let role = quoted(&catalog.role);
        let remedy =
            format!("alter role {role} in database {} set default_transaction_read_only = off;", quoted(&catalog.database));
        refuse(format!(
            "transactions of role {} are read-only (default_transaction_read_only); ask an administrator to run: {remedy}",
            catalog.role
        ));
    }
    if !catalog.may_make_temporary {
        let grant = format!("grant temporary on database {} to {};", quoted(&catalog.database), quoted(&catalog.role));
        refuse(format!("role {} may not make temporary tables; ask an administrator to run: {grant}", catalog.role));
    }
    if !catalog.may_create_backfill {
        let what = if catalog.has_backfill { "use" } else { "create" };
        let sql = backfill_schema_sql(catalog);
        refuse(format!("role {} may not {what} schema backfill; ask an administrator to run: {sql}", catalog.role));
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
    for table in &TOUCHED {
        if let Some(info) = catalog.tables.get(table.table) {
            touched(table, info, &mut refuse);
        }
    }
    comparable_ids(catalog, &mut refuse);
    if !catalog.event_triggers.is_empty() {
        let list = catalog.event_triggers.join(", ");
        warnings.push(format!("event triggers fire when the load makes its tables and indexes: {list}"));
    }
    for name in INDEXED {
        warnings.extend(catalog.tables.get(name).and_then(|info| missing_index(name, info)));
    }
    if catalog.is_superuser {
        warnings.push(format!("role {} is a superuser: a role with rights on the CRM's tables is enough", catalog.role));
    }
    if !catalog.is_superuser && !catalog.excess_rights.is_empty() {
        warnings.push(format!("role {} may also {}, which no load needs", catalog.role, catalog.excess_rights.join(", ")));
    }
    findings.extend(warnings.into_iter().map(PreflightFinding::warning));
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
        refuse(format!("{name:?} is not a table"));
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
    for (publication, reason) in &info.demands.unpublishable {
        let table = quoted(name);
        refuse(format!(
            "table {name:?} is published by {publication} and {reason}, so its rows cannot be changed; alter table {table} replica \
             identity full;, or take it out: alter publication {} drop table {table};",
            quoted(publication)
        ));
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

/// Tables in which load and verification look up the rows of one profile.
const INDEXED: [&str; 4] = [table::ACTIVITY, table::ALIAS, table::INTERACTION, table::MEMBERSHIP];

fn missing_index(name: &str, info: &TableInfo) -> Option<String> {
    let is_led = |index: &Index| {
        index.columns.first().is_some_and(|column| column == "customerId") && index.predicate.is_none() && index.scope.is_none()
    };
    if info.demands.indexes.iter().any(is_led) {
        return None;
    }
    let remedy = format!("create index on {} (\"customerId\");", quoted(name));
    Some(format!("no index of {name:?} begins with \"customerId\": deleting a profile reads the whole table; {remedy}"))
}

/// Checks the columns of a table that load writes without a dataset.
fn touched(table: &Touched, info: &TableInfo, refuse: &mut impl FnMut(String)) {
    let (name, columns) = (table.table, table.columns);
    for (target, need) in columns {
        let Some(found) = usable(name, target, info, refuse) else { continue };
        let (fits, wanted) = match need {
            Need::Id => (matches!(found.wire, Some(Wire::Text(_) | Wire::Uuid)), "text"),
            Need::Text(_) => (matches!(found.wire, Some(Wire::Text(_))), "text"),
            Need::Json => (matches!(found.wire, Some(Wire::Json | Wire::Jsonb | Wire::Text(None))), "jsonb"),
            Need::Instant => (found.wire == Some(Wire::Timestamp), "timestamp"),
            Need::Integer => (matches!(found.wire, Some(Wire::Int2 | Wire::Int4 | Wire::Int8)), "integer"),
            Need::Flag => (found.wire == Some(Wire::Bool), "boolean"),
        };
        if !fits {
            refuse(format!("column {name:?}.{target:?} is {}, which cannot hold {wanted}", found.type_name));
        }
        if let Need::Text(words) = need {
            check_words(name, found, words, refuse);
        }
    }
    for column in info.columns.iter().filter(|_| table.writes_rows) {
        let is_known = columns.iter().any(|(target, _)| *target == column.name);
        if !is_known && column.is_not_null && !column.has_default && !column.is_generated {
            refuse(format!("column {name:?}.{:?} is required, has no default, and load does not fill it", column.name));
        }
    }
}

/// Checks that ids which are compared have one type, because text and uuid cannot be compared.
fn comparable_ids(catalog: &Catalog, refuse: &mut impl FnMut(String)) {
    let column = |table: &str, name: &str| catalog.tables.get(table).and_then(|info| info.column(name));
    for (table, name, referenced) in REFERRING {
        let (Some(theirs), Some(id)) = (column(table, name), column(referenced, "id")) else { continue };
        if (theirs.wire == Some(Wire::Uuid)) != (id.wire == Some(Wire::Uuid)) {
            refuse(format!(
                "column {table:?}.{name:?} is {}, but the ids of {referenced:?} are {}: they cannot be compared",
                theirs.type_name, id.type_name
            ));
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
        let copy = found.wire.and_then(|wire| CopyColumn::plan(column.name, &data_type, wire));
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
                let needed = if matches!(stamp, Stamp::Text(_)) { "text" } else { "timestamp" };
                refuse(format!("column {:?}.{target:?} is {}, which cannot hold {needed}", loaded.table, found.type_name));
                continue;
            }
        };
        match (stamp, wire) {
            (Stamp::Null, _) if found.is_not_null && !found.has_default => {
                refuse(format!("column {:?}.{target:?} is required, and load has no value for it", loaded.table));
            }
            (Stamp::Text(text), Wire::Text(Some(limit))) if text.len() > limit => {
                refuse(format!("column {:?}.{target:?} is {}, which cannot hold {text:?}", loaded.table, found.type_name));
            }
            (Stamp::Text(text), _) => check_words(loaded.table, found, &[text], refuse),
            _ => {}
        }
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
        let help: Vec<String> =
            unknown.iter().map(|word| format!("alter type {} add value '{word}';", column.base_name)).collect();
        let help = help.join(" ");
        refuse(format!("enum {} of {table:?}.{:?} lacks {lacks}; {help}", column.type_name, column.name));
    }
}

/// The SQL type that holds the values of a dataset's column.
fn type_name(data_type: &arrow::datatypes::DataType) -> String {
    use arrow::datatypes::DataType;
    match data_type {
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("numeric({precision}, {scale})"),
        DataType::List(_) => "text[]".to_owned(),
        _ => "text".to_owned(),
    }
}
