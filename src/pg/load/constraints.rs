//! Constraints in the target's catalog: indexes, checks, domains, foreign keys, partitions, publications.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::load::session::Crm;

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Name.
    pub name: String,
    /// `create index …`
    pub definition: String,
    /// The constraint that it implements, with its definition.
    pub constraint: Option<(String, String)>,
    /// Whether it is unique.
    pub is_unique: bool,
    /// Whether it is the primary key.
    pub is_primary: bool,
    /// Whether it implements an exclusion constraint.
    pub is_exclusion: bool,
    /// Whether equal rows collide; false for exclusion constraints with other operators.
    pub compares_equal: bool,
    /// Whether it covers all rows, has no expressions, and treats nulls as distinct.
    pub is_plain: bool,
    /// Whether it treats nulls as equal.
    pub joins_nulls: bool,
    /// Key columns and expressions as SQL, each with its collation.
    pub keys: Vec<String>,
    /// The condition of a partial index.
    pub predicate: Option<String>,
    /// Columns in its keys and its condition.
    pub touched: Vec<String>,
    /// For an index of a single partition: the condition of that partition.
    pub scope: Option<String>,
    /// Whether foreign keys, views, functions or partitions depend on it.
    pub is_needed: bool,
    /// Why it cannot be dropped and recreated unchanged; `None` if it can.
    pub keep_reason: Option<String>,
    /// Key columns; expressions are left out.
    pub columns: Vec<String>,
}

/// A foreign key that refers to one of the CRM's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingKey {
    /// The referencing table, if it is in the CRM's schema.
    pub table: Option<String>,
    /// The referencing table with its schema, quoted.
    pub qualified: String,
    /// The referencing column.
    pub column: String,
    /// The constraint.
    pub constraint: String,
    /// `foreign key … references …`
    pub definition: String,
    /// The referenced table.
    pub referenced: String,
    /// Whether it has a single column.
    pub is_single: bool,
    /// Whether it references the id.
    pub is_to_id: bool,
    /// Whether the role may change it.
    pub is_owned: bool,
    /// Whether it can be dropped and recreated unchanged.
    pub is_rebuildable: bool,
    /// Whether the role may read the table.
    pub is_readable: bool,
}

/// A condition on the rows of a table: a CHECK constraint, or the bounds of partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCheck {
    /// The constraint; `partition` for the bounds of partitions.
    pub name: String,
    /// The condition as SQL.
    pub expression: String,
    /// For a constraint of a single partition: the condition of that partition.
    pub scope: Option<String>,
    /// Columns that it uses; `None` if they are not known.
    pub columns: Option<Vec<String>>,
}

/// A condition of the domain of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCheck {
    /// The column.
    pub column: String,
    /// The domain.
    pub domain: String,
    /// The constraint.
    pub name: String,
    /// The condition on `VALUE` as SQL.
    pub expression: String,
}

/// A foreign key of one of the CRM's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint.
    pub name: String,
    /// For a key of a single partition: the condition of that partition.
    pub scope: Option<String>,
    /// The referencing columns.
    pub columns: Vec<String>,
    /// The referenced table, if it is one of the CRM's.
    pub crm_table: Option<String>,
    /// The referenced table with its schema, quoted.
    pub referenced: String,
    /// The referenced columns.
    pub referenced_columns: Vec<String>,
    /// Whether it is MATCH FULL: either all columns are null or none.
    pub is_match_full: bool,
    /// Whether the role may read the referenced table.
    pub is_readable: bool,
}

/// The constraints of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Indexes.
    pub indexes: Vec<Index>,
    /// Conditions on rows.
    pub checks: Vec<RowCheck>,
    /// Conditions on values.
    pub domains: Vec<DomainCheck>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Publications that would reject its updates and deletes, with the reason.
    pub unpublishable: Vec<(String, String)>,
}

/// Reads the constraints of every table, by table.
pub fn read(crm: &Crm, schema: &str) -> Result<BTreeMap<String, Demands>> {
    let mut demands: BTreeMap<String, Demands> = BTreeMap::new();
    let mut of = |row: &tokio_postgres::Row, add: &dyn Fn(&mut Demands)| {
        add(demands.entry(row.get("table_name")).or_default());
    };
    for row in crm.query(include_str!("../../../sql/crm/catalog_indexes.sql"), &[&schema])? {
        let constraint: Option<String> = row.get("constraint_name");
        let index = Index {
            name: row.get("index_name"),
            definition: row.get("definition"),
            constraint: constraint.map(|name| (name, row.get("constraint_definition"))),
            is_unique: row.get("is_unique"),
            is_primary: row.get("is_primary"),
            is_exclusion: row.get("is_exclusion"),
            compares_equal: row.get("compares_equal"),
            is_plain: row.get("is_plain"),
            joins_nulls: row.get("joins_nulls"),
            keys: row.get("keys"),
            predicate: row.get("predicate"),
            touched: row.get("touched"),
            scope: row.get("scope"),
            is_needed: row.get("is_needed"),
            keep_reason: row.get("keep_reason"),
            columns: row.get("columns"),
        };
        of(&row, &|demands| demands.indexes.push(index.clone()));
    }
    for row in crm.query(include_str!("../../../sql/crm/catalog_checks.sql"), &[&schema])? {
        let check = RowCheck {
            name: row.get("constraint_name"),
            expression: row.get("expression"),
            scope: row.get("scope"),
            columns: row.get("columns"),
        };
        of(&row, &|demands| demands.checks.push(check.clone()));
    }
    for row in crm.query(include_str!("../../../sql/crm/catalog_domains.sql"), &[&schema])? {
        let check = DomainCheck {
            column: row.get("column_name"),
            domain: row.get("domain_name"),
            name: row.get("constraint_name"),
            expression: row.get("expression"),
        };
        of(&row, &|demands| demands.domains.push(check.clone()));
    }
    for row in crm.query(include_str!("../../../sql/crm/catalog_foreign_keys.sql"), &[&schema])? {
        let key = ForeignKey {
            name: row.get("constraint_name"),
            scope: row.get("scope"),
            columns: row.get("columns"),
            crm_table: row.get("crm_table"),
            referenced: row.get("referenced"),
            referenced_columns: row.get("referenced_columns"),
            is_match_full: row.get("is_match_full"),
            is_readable: row.get("is_readable"),
        };
        of(&row, &|demands| demands.foreign_keys.push(key.clone()));
    }
    for row in crm.query(include_str!("../../../sql/crm/catalog_publications.sql"), &[&schema])? {
        if let Some(reason) = row.get::<_, Option<String>>("reason") {
            of(&row, &|demands| demands.unpublishable.push((row.get("publication"), reason.clone())));
        }
    }
    Ok(demands)
}

/// Reads the foreign keys to the CRM's tables, from any schema.
pub fn read_references(crm: &Crm, schema: &str) -> Result<Vec<IncomingKey>> {
    let rows = crm.query(include_str!("../../../sql/crm/catalog_references.sql"), &[&schema])?;
    let references = rows.iter().map(|row| IncomingKey {
        table: row.get::<_, bool>("is_in_schema").then(|| row.get("table_name")),
        qualified: row.get("qualified"),
        column: row.get("column_name"),
        constraint: row.get("constraint_name"),
        definition: row.get("definition"),
        referenced: row.get("referenced_table"),
        is_single: row.get("is_single"),
        is_to_id: row.get("is_to_id"),
        is_owned: row.get("is_owned"),
        is_rebuildable: row.get("is_rebuildable"),
        is_readable: row.get("is_readable"),
    });
    Ok(references.collect())
}
