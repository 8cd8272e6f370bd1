//! A PostgreSQL server for all tests: started by the first test that needs it, stopped with the test process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crm_backfill::pg::local::{Client, LocalServer, Purpose};

/// The server of this test process.
pub fn server() -> &'static LocalServer {
    static SERVER: OnceLock<LocalServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("bf").tempdir_in("/tmp").unwrap().keep();
        LocalServer::start(&folder, Purpose::Test).unwrap_or_else(|error| panic!("{error:?}"))
    })
}

/// The application's role, which owns the CRM's tables in the tests.
const APPLICATION: &str = "crm_app";

/// A database of its own for one test; dropped with this value.
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its URL for the role that the runbook prescribes: `bf_export` for a source, `bf_load_owner` for a CRM. Never a superuser's,
    /// unless the database was made by [`bare_database`].
    pub url: String,
    /// Its URL for the superuser.
    admin: String,
}

impl Database {
    /// A database through a proxy, or with another role; it is not dropped with this value.
    pub fn by_way_of(url: impl Into<String>) -> Self {
        let url = url.into();
        Self { name: "shared".to_owned(), admin: url.clone(), url }
    }

    /// A database of this name that the test itself made; dropped with this value.
    pub fn made(name: impl Into<String>) -> Self {
        let name = name.into();
        let url = server().url(&name);
        Self { admin: url.clone(), url, name }
    }

    /// Its URL for another role.
    pub fn url_as(&self, role: &str) -> String {
        self.admin.replace("postgres@", &format!("{role}@"))
    }

    /// Gives the runbook's roles their rights, and the tables of a CRM to the application's role.
    pub fn grant(&mut self) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        // Roles belong to the server: two databases must not be granted at once.
        let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let is_crm = self.value("select (to_regclass('\"CustomerProfile\"') is not null)::text") == "true";
        if is_crm {
            self.execute(&format!(
                "do $$ declare entry record; begin
                   if not exists (select from pg_roles where rolname = '{APPLICATION}') then create role {APPLICATION} login; end if;
                   grant usage, create on schema public to {APPLICATION};
                   for entry in select oid::regclass as name from pg_class
                     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') loop
                     execute format('alter table %s owner to {APPLICATION}', entry.name);
                   end loop;
                 end $$"
            ));
            self.execute(include_str!("../../sql/crm/roles.sql"));
        } else {
            self.execute(include_str!("../../sql/exports/roles.sql"));
        }
        self.url = self.url_as(if is_crm { "bf_load_owner" } else { "bf_export" });
    }

    /// The same, with the URL of the role that has privileges on the template.
    pub fn granted(mut self) -> Self {
        let is_crm = self.value("select (to_regclass('\"CustomerProfile\"') is not null)::text") == "true";
        self.url = self.url_as(if is_crm { "bf_load_owner" } else { "bf_export" });
        self
    }

    /// A connection as superuser.
    pub fn client(&self) -> Client {
        Client::connect(&self.admin).unwrap()
    }

    /// Runs statements.
    pub fn execute(&self, sql: &str) {
        self.client().execute(sql).unwrap_or_else(|error| panic!("{error:#}: {sql}"));
    }

    /// The rows of a query as text, null as `∅`.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.client().rows(sql).unwrap_or_else(|error| panic!("{error:#}: {sql}"));
        rows.into_iter().map(|row| row.into_iter().map(|value| value.unwrap_or_else(|| "∅".to_owned())).collect()).collect()
    }

    /// The only value of the only row of a query.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!((rows.len(), rows.first().map(Vec::len)), (1, Some(1)), "one value expected: {sql}");
        rows[0][0].clone()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = server().drop_database(&self.name);
    }
}

/// A new database with these tables, for the roles of the runbook. It is copied from a template that is created once.
pub fn database(ddl: &str) -> Database {
    copy_of(ddl, true)
}

/// A new database with these tables and the superuser's URL, for tests that create roles.
pub fn bare_database(ddl: &str) -> Database {
    copy_of(ddl, false)
}

fn copy_of(ddl: &str, is_granted: bool) -> Database {
    static TEMPLATES: Mutex<Option<HashMap<(String, bool), String>>> = Mutex::new(None);
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    // Held while copying: PostgreSQL copies a template for one session at a time.
    let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    let templates = templates.get_or_insert_default();
    let template = templates.entry((ddl.to_owned(), is_granted)).or_insert_with(|| {
        let template = format!("template_{name}");
        server.create_database(&template).unwrap_or_else(|error| panic!("{error:#}"));
        server.client(&template).and_then(|mut client| client.execute(ddl)).unwrap_or_else(|error| panic!("{error:#}"));
        if is_granted {
            let mut made = Database::made(&template);
            made.grant();
            // Templates stay.
            std::mem::forget(made);
        }
        template
    });
    server.copy_database(&name, template).unwrap_or_else(|error| panic!("{error:#}"));
    let database = Database::made(name);
    if is_granted { database.granted() } else { database }
}
