//! Drops indexes and foreign keys before rows are copied and recreates them afterwards, which takes a quarter of the time of
//! maintaining them row by row.

use anyhow::Result;

use crate::pg::load::catalog::Catalog;
use crate::pg::load::session::Crm;
use crate::pg::quote_identifier as quoted;

/// From this many new or changed rows on, it may pay to recreate the indexes of a table.
pub const BULK: u64 = 1000;

/// Statements that drop indexes and foreign keys, and statements that recreate them, in one transaction.
#[derive(Debug, Default)]
pub struct Rebuild {
    drops: Vec<String>,
    makes: Vec<(String, String)>,
    /// The names of the indexes.
    indexes: Vec<String>,
    /// Tables that keep their indexes while they are filled, with the reason.
    pub kept: Vec<(String, &'static str)>,
    /// Indexes and keys that stay in place, with the reason.
    pub left: Vec<String>,
}

impl Rebuild {
    /// The secondary and unique indexes, foreign keys, and unreferenced primary keys of these tables.
    pub fn of_tables(catalog: &Catalog, tables: &[&str]) -> Self {
        let mut rebuild = Self::default();
        let mut keys = Vec::new();
        let mut indexes = Vec::new();
        for name in tables {
            let info = catalog.table(name);
            let references: Vec<_> =
                catalog.references.iter().filter(|reference| reference.table.as_deref() == Some(*name)).collect();
            let reason = if !info.is_owned {
                Some("the role does not own it")
            } else if info.is_partitioned {
                Some("it is partitioned")
            } else if !catalog.may_create_in_schema {
                Some("the role may not create in its schema")
            } else {
                None
            };
            if let Some(reason) = reason {
                rebuild.kept.push(((*name).to_owned(), reason));
                continue;
            }
            for reference in references {
                if reference.is_rebuildable {
                    keys.push(alter(&reference.qualified, &reference.constraint, &reference.definition));
                } else {
                    let constraint = &reference.constraint;
                    rebuild.left.push(format!(
                        "foreign key {constraint:?} stayed while rows were copied: it would not come back as it was"
                    ));
                }
            }
            for index in info.demands.indexes.iter().filter(|index| !index.is_needed && index.scope.is_none()) {
                if let Some(reason) = &index.keep_reason {
                    rebuild.left.push(format!("index {:?} stayed while rows were copied: {reason}", index.name));
                    continue;
                }
                let table = format!("{}.{}", quoted(&catalog.schema), quoted(name));
                rebuild.indexes.push(index.name.clone());
                indexes.push(match &index.constraint {
                    Some((constraint, definition)) => alter(&table, constraint, definition),
                    None => {
                        let drop = format!("drop index {}.{}", quoted(&catalog.schema), quoted(&index.name));
                        (drop, index.definition.clone(), format!("index {}", index.name))
                    }
                });
            }
        }
        rebuild.add(keys, indexes);
        rebuild
    }

    /// The foreign keys that refer to a table, so that deleting many of its rows does not search every child table for each one.
    pub fn of_references(catalog: &Catalog, table: &str) -> Self {
        let mut rebuild = Self::default();
        let (owned, others): (Vec<_>, Vec<_>) =
            catalog.references_to(table).partition(|reference| reference.is_owned && reference.is_rebuildable);
        let keys = owned.iter().map(|reference| alter(&reference.qualified, &reference.constraint, &reference.definition));
        rebuild.kept = others.iter().map(|reference| (reference.qualified.clone(), "the role does not own it")).collect();
        rebuild.add(keys.collect(), Vec::new());
        rebuild
    }

    fn add(&mut self, keys: Vec<(String, String, String)>, indexes: Vec<(String, String, String)>) {
        // Keys are dropped first and recreated last, because they depend on indexes.
        self.drops.extend(keys.iter().chain(&indexes).map(|(drop, ..)| drop.clone()));
        self.makes.extend(indexes.into_iter().chain(keys).map(|(_, make, what)| (make, what)));
    }

    /// What stayed in place, in words.
    pub fn notes(&self) -> Vec<String> {
        let kept = self.kept.iter().map(|(name, why)| format!("{name} kept its indexes while it was filled: {why}"));
        kept.chain(self.left.iter().cloned()).collect()
    }

    /// Drops them.
    pub fn drop(&self, crm: &Crm) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        crm.doing("dropping indexes and foreign keys");
        crm.shut_out_readers();
        self.drops.iter().try_for_each(|statement| crm.run(statement))
    }

    /// Recreates them; calls `done` with the name of each.
    pub fn make(&self, crm: &Crm, mut done: impl FnMut(&str)) -> Result<()> {
        crm.doing("recreating indexes and foreign keys");
        for (statement, what) in &self.makes {
            crm.run(statement)?;
            done(what);
        }
        Ok(())
    }

    /// Whether an index is among them.
    pub fn has_index(&self, name: &str) -> bool {
        self.indexes.iter().any(|index| index == name)
    }

    /// Number of recreated ones.
    pub fn len(&self) -> usize {
        self.makes.len()
    }

    /// Whether there is nothing to recreate.
    pub fn is_empty(&self) -> bool {
        self.makes.is_empty()
    }
}

fn alter(table: &str, constraint: &str, definition: &str) -> (String, String, String) {
    let name = quoted(constraint);
    (
        format!("alter table {table} drop constraint {name}"),
        format!("alter table {table} add constraint {name} {definition}"),
        format!("constraint {constraint}"),
    )
}
