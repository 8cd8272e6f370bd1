//! What the target's catalog says: tables, columns, types, indexes, foreign keys and rights, in the schema of the search path.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::copy::encode::Wire;
use crate::pg::load::session::Crm;

/// The CRM as its catalog describes it.
#[derive(Debug)]
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
    /// Whether the server only replays another's changes.
    pub is_standby: bool,
    /// Whether the role may do everything.
    pub is_superuser: bool,
    /// What else the role may do that no load needs, as verbs.
    pub excess_rights: Vec<String>,
    /// Whether schema `backfill` exists.
    pub has_backfill: bool,
    /// Whether schema `backfill` can be created; where it exists, whether it and its tables are the role's.
    pub may_create_backfill: bool,
    /// The tables that were found.
    pub tables: BTreeMap<String, TableInfo>,
    /// Foreign keys to the CRM's tables, from wherever.
    pub references: Vec<Reference>,
}

/// A table.
#[derive(Debug)]
pub struct TableInfo {
    /// Its oid.
    pub oid: u32,
    /// Whether rows can be copied into it.
    pub is_table: bool,
    /// Whether it is partitioned or a partition.
    pub is_partitioned: bool,
    /// Whether the role may change its indexes.
    pub is_owned: bool,
    /// Whether the role may make the planner's statistics.
    pub may_analyze: bool,
    /// Whether row security filters what the role sees.
    pub has_row_security: bool,
    /// Rules.
    pub rules: Vec<String>,
    /// Triggers that fire.
    pub triggers: Vec<String>,
    /// Rights that the role lacks.
    pub missing_rights: Vec<String>,
    /// Columns in their order.
    pub columns: Vec<ColumnInfo>,
    /// Indexes.
    pub indexes: Vec<Index>,
}

/// A column.
#[derive(Debug)]
pub struct ColumnInfo {
    /// Name.
    pub name: String,
    /// Type, as SQL writes it.
    pub type_name: String,
    /// How its values travel; `None` for types that no dataset reaches.
    pub wire: Option<Wire>,
    /// Digits after the point of a limited numeric.
    pub scale: Option<i32>,
    /// Digits before the point of a limited numeric.
    pub whole_digits: Option<i32>,
    /// Whether null is refused.
    pub is_not_null: bool,
    /// Whether it fills itself.
    pub has_default: bool,
    /// Whether it cannot be written: generated, or an identity that is always generated.
    pub is_generated: bool,
    /// Whether a sequence feeds it.
    pub has_sequence: bool,
    /// Words of an enum.
    pub labels: Vec<String>,
}

/// An index.
#[derive(Debug)]
pub struct Index {
    /// Name.
    pub name: String,
    /// `create index …`
    pub definition: String,
    /// The constraint it serves, with its definition.
    pub constraint: Option<(String, String)>,
    /// Whether it is unique.
    pub is_unique: bool,
    /// Whether it is the primary key.
    pub is_primary: bool,
    /// Whether it is over columns of all rows, without expressions.
    pub is_plain: bool,
    /// Whether foreign keys rest on it.
    pub is_referenced: bool,
    /// Whether dropping it and making it again leaves it as it was.
    pub is_rebuildable: bool,
    /// Key columns.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Debug)]
pub struct Reference {
    /// The table that refers, if it lies in the CRM's schema.
    pub table: Option<String>,
    /// The table that refers, with its schema, in quotes.
    pub qualified: String,
    /// The column that refers.
    pub column: String,
    /// The constraint.
    pub constraint: String,
    /// `foreign key … references …`
    pub definition: String,
    /// The table referred to.
    pub referenced: String,
    /// Whether it is a key of one column.
    pub is_single: bool,
    /// Whether the role may change it.
    pub is_owned: bool,
    /// Whether dropping it and making it again leaves it as it was.
    pub is_rebuildable: bool,
    /// Whether the role may read the table.
    pub is_readable: bool,
}

impl TableInfo {
    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Unique keys over plain columns, without the primary key.
    pub fn unique_keys(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.is_unique && !index.is_primary && index.is_plain)
    }
}

impl Catalog {
    /// Reads the catalog.
    pub fn read(crm: &Crm) -> Result<Self> {
        crm.doing("read the catalog");
        let server = crm.one(include_str!("../../../sql/crm/catalog_server.sql"), &[])?;
        let mut tables: BTreeMap<String, TableInfo> = BTreeMap::new();
        for row in crm.query(include_str!("../../../sql/crm/catalog_tables.sql"), &[])? {
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
                indexes: Vec::new(),
            };
            tables.insert(row.get("table_name"), info);
        }
        for row in crm.query(include_str!("../../../sql/crm/catalog_columns.sql"), &[])? {
            if let Some(table) = tables.get_mut(row.get::<_, &str>("table_name")) {
                table.columns.push(column(&row));
            }
        }
        for row in crm.query(include_str!("../../../sql/crm/catalog_indexes.sql"), &[])? {
            let constraint: Option<String> = row.get("constraint_name");
            let index = Index {
                name: row.get("index_name"),
                definition: row.get("definition"),
                constraint: constraint.map(|name| (name, row.get("constraint_definition"))),
                is_unique: row.get("is_unique"),
                is_primary: row.get("is_primary"),
                is_plain: row.get("is_plain"),
                is_referenced: row.get("is_referenced"),
                is_rebuildable: row.get("is_rebuildable"),
                columns: row.get("columns"),
            };
            if let Some(table) = tables.get_mut(row.get::<_, &str>("table_name")) {
                table.indexes.push(index);
            }
        }
        let references = crm.query(include_str!("../../../sql/crm/catalog_references.sql"), &[])?;
        let references = references.iter().map(|row| Reference {
            table: row.get::<_, bool>("is_in_schema").then(|| row.get("table_name")),
            qualified: row.get("qualified"),
            column: row.get("column_name"),
            constraint: row.get("constraint_name"),
            definition: row.get("definition"),
            referenced: row.get("referenced_table"),
            is_single: row.get("is_single"),
            is_owned: row.get("is_owned"),
            is_rebuildable: row.get("is_rebuildable"),
            is_readable: row.get("is_readable"),
        });
        Ok(Self {
            database: server.get("database_name"),
            role: server.get("role_name"),
            schema: server.get("schema_name"),
            version: server.get("version"),
            encoding: server.get("encoding"),
            is_standby: server.get("is_standby"),
            is_superuser: server.get("is_superuser"),
            excess_rights: server.get("excess_rights"),
            has_backfill: server.get("has_backfill"),
            may_create_backfill: server.get("may_create_backfill"),
            tables,
            references: references.collect(),
        })
    }

    /// A table that the preflight found.
    pub fn table(&self, name: &str) -> &TableInfo {
        self.tables.get(name).expect("the preflight refuses a CRM that lacks one of its tables")
    }

    /// Foreign keys that refer to a table.
    pub fn references_to<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Reference> {
        self.references.iter().filter(move |reference| reference.referenced == table)
    }
}

fn column(row: &tokio_postgres::Row) -> ColumnInfo {
    let base: &str = row.get("base_type");
    let modifier: i32 = row.get("modifier");
    let limited = (modifier >= 4).then_some(modifier - 4);
    let numeric = limited.filter(|_| base == "numeric");
    let is_always: bool = row.get("is_identity_always");
    ColumnInfo {
        name: row.get("column_name"),
        type_name: row.get("type_name"),
        wire: wire(base, row, limited),
        scale: numeric.map(|limit| limit & 0xffff),
        whole_digits: numeric.map(|limit| (limit >> 16) - (limit & 0xffff)),
        is_not_null: row.get("is_not_null"),
        has_default: row.get("has_default"),
        is_generated: row.get::<_, bool>("is_generated") || is_always,
        has_sequence: row.get("has_sequence"),
        labels: row.get("labels"),
    }
}

fn wire(base: &str, row: &tokio_postgres::Row, limit: Option<i32>) -> Option<Wire> {
    if row.get::<_, &str>("base_kind") == "e" {
        return Some(Wire::Text(None));
    }
    Some(match base {
        "text" => Wire::Text(None),
        "varchar" | "bpchar" => Wire::Text(limit.and_then(|limit| usize::try_from(limit).ok())),
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
        _ => {
            let element: Option<&str> = row.get("element_type");
            let kind: Option<&str> = row.get("element_kind");
            let is_text = matches!(element, Some("text" | "varchar")) || kind == Some("e");
            return if is_text { row.get::<_, Option<u32>>("element_oid").map(Wire::TextArray) } else { None };
        }
    })
}
