//! Roles of the runbook: one that may read and write the CRM's rows, and one that owns its tables; neither is a superuser.

use crate::support::postgres::{Database, server};

/// A role with the runbook's rights on a CRM; gone with this value.
pub struct Role<'a> {
    /// The CRM as its superuser sees it.
    pub crm: &'a Database,
    /// Its name.
    pub name: String,
    /// The CRM as this role sees it.
    pub theirs: Database,
}

impl<'a> Role<'a> {
    /// `bf_load`: may change rows, and owns the schema backfill.
    pub fn loader(crm: &'a Database) -> Self {
        Self::new(crm, "")
    }

    /// `bf_load_owner`: owns the tables as well.
    pub fn owner(crm: &'a Database) -> Self {
        let role = Self::new(crm, "");
        let name = &role.name;
        let tables = crm.rows(
            "select quote_ident(relname) from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition",
        );
        for table in &tables {
            crm.execute(&format!("alter table {} owner to {name}", table[0]));
        }
        crm.execute(&format!("grant create on schema public to {name}"));
        role
    }

    /// A role with these attributes.
    pub fn new(crm: &'a Database, attributes: &str) -> Self {
        let name = format!("role_of_{}", crm.name);
        let tables = crm.rows(
            "select quote_ident(relname) from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') and relname ~ '^[A-Z]'",
        );
        let tables: Vec<&str> = tables.iter().map(|row| row[0].as_str()).collect();
        crm.execute(&format!(
            "create role {name} login {attributes}; grant usage on schema public to {name};
             grant select, insert, update, delete on {} to {name}; create schema backfill authorization {name}",
            tables.join(", ")
        ));
        Self { crm, theirs: Database::by_way_of(crm.url_as(&name)), name }
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let name = &self.name;
        let clear = format!("reassign owned by {name} to postgres; drop owned by {name}; drop role {name}");
        let _ = server().client(&self.crm.name).and_then(|mut client| client.execute(&clear));
    }
}
