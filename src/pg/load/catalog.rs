//! Reads the target's catalog: tables, columns, types, indexes, foreign keys and rights, in the schema of the search path.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::copy::wire::Wire;
use crate::pg::load::constraints::{self, Demands, IncomingKey, Index};
use crate::pg::load::session::Crm;
use crate::pg::quote_identifier as quoted;

/// The CRM as described by its catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The database.
    pub database: String,
    /// The role that is connected.
    pub role: String,
    /// The schema that holds the tables.
    pub schema: String,
    /// `server_version_num`.
    pub version: i32,
    /// `server_encoding`.
    pub encoding: String,
    /// Whether the server is a standby.
    pub is_standby: bool,
    /// Whether the role is a superuser.
    pub is_superuser: bool,
    /// Whether the role's transactions are read-only by default.
    pub is_read_only: bool,
    /// Whether the role may make temporary tables.
    pub may_make_temporary: bool,
    /// Whether the role may make indexes in the schema.
    pub may_create_in_schema: bool,
    /// Event triggers that fire for the statements of a load.
    pub event_triggers: Vec<String>,
    /// Rights of the role that a load does not need, as verbs.
    pub excess_rights: Vec<String>,
    /// Whether schema `backfill` exists.
    pub has_backfill: bool,
    /// Whether the role may create schema `backfill`; where it exists, whether the role owns it and its tables.
    pub may_create_backfill: bool,
    /// The tables that were found.
    pub tables: BTreeMap<String, TableInfo>,
    /// Foreign keys to the CRM's tables, from any schema.
    pub references: Vec<IncomingKey>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its oid.
    pub oid: u32,
    /// Whether rows can be copied into it.
    pub is_table: bool,
    /// Whether it is partitioned or a partition.
    pub is_partitioned: bool,
    /// Whether the role may change its indexes.
    pub is_owned: bool,
    /// Whether the role may run `analyze`.
    pub may_analyze: bool,
    /// Whether row security hides rows from the role.
    pub has_row_security: bool,
    /// Rules.
    pub rules: Vec<String>,
    /// Triggers that fire.
    pub triggers: Vec<String>,
    /// Rights that the role lacks.
    pub missing_rights: Vec<String>,
    /// Columns in their order.
    pub columns: Vec<ColumnInfo>,
    /// The constraints on rows.
    pub demands: Demands,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Name.
    pub name: String,
    /// Type, as SQL writes it.
    pub type_name: String,
    /// The base type of a domain, as SQL writes it.
    pub base_name: String,
    /// The wire format of its values; `None` for types that no dataset uses.
    pub wire: Option<Wire>,
    /// Digits after the point of a limited numeric.
    pub scale: Option<i32>,
    /// Digits before the point of a limited numeric.
    pub whole_digits: Option<i32>,
    /// Whether it is NOT NULL.
    pub is_not_null: bool,
    /// Whether it has a default.
    pub has_default: bool,
    /// Whether it cannot be written: generated, or an identity that is always generated.
    pub is_generated: bool,
    /// Whether its default takes values from a sequence.
    pub has_sequence: bool,
    /// Whether the role may take values from that sequence.
    pub may_use_sequence: bool,
    /// Its default, as SQL.
    pub default: Option<String>,
    /// The expression of a generated column, as SQL.
    pub generated: Option<String>,
    /// Its collation, as SQL writes it.
    pub collation: Option<String>,
    /// Labels of an enum, or of the element type of an array.
    pub labels: Vec<String>,
    /// Whether it is `text` or `varchar` itself: not an enum, a domain, or another type that is sent as text.
    pub is_plain_text: bool,
}

impl TableInfo {
    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The condition that a row `t` was made after an instant, given as the server writes it; `None` if the table does not say when its
    /// rows were made.
    pub fn newer_than(&self, instant: &str) -> Option<String> {
        let column = ["createdAt", "addedAt"].into_iter().find(|column| self.column(column).is_some())?;
        Some(format!("t.{} > '{instant}'::timestamptz", quoted(column)))
    }

    /// Unique keys over plain columns, without the primary key.
    pub fn unique_keys(&self) -> impl Iterator<Item = &Index> {
        self.demands
            .indexes
            .iter()
            .filter(|index| index.is_unique && !index.is_primary && index.is_plain && index.scope.is_none())
    }
}

impl Catalog {
    /// Reads the catalog of the first schema in the search path, and restricts the session to that schema.
    pub fn read(crm: &Crm) -> Result<Self> {
        crm.doing("reading the catalog");
        let schema: String = crm.one("select coalesce(current_schema()::text, '')", &[])?.get(0);
        if !schema.is_empty() {
            crm.look_in(&schema)?;
        }
        let schema = schema.as_str();
        let server = crm.one(include_str!("../../../sql/crm/catalog_server.sql"), &[&schema])?;
        let mut tables: BTreeMap<String, TableInfo> = BTreeMap::new();
        for row in crm.query(include_str!("../../../sql/crm/catalog_tables.sql"), &[&schema])? {
            let info = TableInfo {
                oid: row.get("table_oid"),
                is_table: row.get("is_table"),
                is_partitioned: row.get("is_partitioned"),
                is_owned: row.get("is_owned"),
                may_analyze: row.get("may_analyze"),
                has_row_security: row.get("has_row_security"),
                rules: row.get("rules"),
                triggers: row.get("triggers"),
                missing_rights: row.get("missing_rights"),
                columns: Vec::new(),
                demands: Demands::default(),
            };
            tables.insert(row.get("table_name"), info);
        }
        for row in crm.query(include_str!("../../../sql/crm/catalog_columns.sql"), &[&schema])? {
            if let Some(table) = tables.get_mut(row.get::<_, &str>("table_name")) {
                table.columns.push(column(&row));
            }
        }
        for (name, demands) in constraints::read(crm, schema)? {
            if let Some(table) = tables.get_mut(&name) {
                table.demands = demands;
            }
        }
        let references = constraints::read_references(crm, schema)?;
        Ok(Self {
            database: server.get("database_name"),
            role: server.get("role_name"),
            schema: server.get("schema_name"),
            version: server.get("version"),
            encoding: server.get("encoding"),
            is_standby: server.get("is_standby"),
            is_superuser: server.get("is_superuser"),
            is_read_only: server.get("is_read_only"),
            may_make_temporary: server.get("may_make_temporary"),
            may_create_in_schema: server.get::<_, Option<bool>>("may_create_in_schema").unwrap_or(false),
            event_triggers: server.get("event_triggers"),
            excess_rights: server.get("excess_rights"),
            has_backfill: server.get("has_backfill"),
            may_create_backfill: server.get("may_create_backfill"),
            tables,
            references,
        })
    }

    /// A table that the preflight found.
    pub fn table(&self, name: &str) -> &TableInfo {
        self.tables.get(name).expect("the preflight rejects a CRM that lacks one of its tables")
    }

    /// Foreign keys that refer to a table.
    pub fn references_to<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a IncomingKey> {
        self.references.iter().filter(move |reference| reference.referenced == table)
    }
}

fn column(row: &tokio_postgres::Row) -> ColumnInfo {
    let base: &str = row.get("base_type");
    let modifier: i32 = row.get("modifier");
    let limited = (modifier >= 4).then_some(modifier - 4);
    let numeric = limited.filter(|_| base == "numeric");
    let is_always: bool = row.get("is_identity_always");
    let generated: Option<String> = row.get("generated_expression");
    let (type_name, base_name): (String, String) = (row.get("type_name"), row.get("base_name"));
    ColumnInfo {
        name: row.get("column_name"),
        wire: wire(base, row, limited),
        scale: numeric.map(scale),
        whole_digits: numeric.map(|limit| (limit >> 16) - scale(limit)),
        is_not_null: row.get("is_not_null"),
        has_default: row.get("has_default"),
        is_generated: generated.is_some() || is_always,
        has_sequence: row.get("has_sequence"),
        may_use_sequence: row.get("may_use_sequence"),
        default: row.get("default_expression"),
        generated,
        collation: row.get("collation_name"),
        labels: row.get("labels"),
        is_plain_text: type_name == base_name && matches!(base, "text" | "varchar"),
        type_name,
        base_name,
    }
}

/// The scale of a numeric's modifier: eleven bits with a sign.
fn scale(limit: i32) -> i32 {
    ((limit & 0x7ff) ^ 0x400) - 0x400
}

/// Whether a type is sent as text, by its receive function, so that types of extensions are recognised, too.
fn is_received_as_text(function: Option<&str>) -> bool {
    matches!(function, Some("textrecv" | "varcharrecv" | "bpcharrecv" | "enum_recv"))
}

fn wire(base: &str, row: &tokio_postgres::Row, limit: Option<i32>) -> Option<Wire> {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    Some(match base {
        "varchar" | "bpchar" => Wire::Text(limit),
        "uuid" => Wire::Uuid,
        "json" => Wire::Json,
        "jsonb" => Wire::Jsonb,
        "bool" => Wire::Bool,
        "int2" => Wire::Int2,
        "int4" => Wire::Int4,
        "int8" => Wire::Int8,
        "float8" => Wire::Float8,
        "numeric" => Wire::Numeric,
        "date" => Wire::Date,
        "timestamp" | "timestamptz" => Wire::Timestamp,
        _ if is_received_as_text(row.get("receive_function")) => Wire::Text(None),
        _ => {
            let is_text = is_received_as_text(row.get("element_function"));
            let element = row.get::<_, Option<u32>>("element_oid").filter(|_| is_text);
            return element.map(|element| Wire::TextArray(element, limit));
        }
    })
}
