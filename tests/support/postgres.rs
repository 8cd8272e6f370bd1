//! A PostgreSQL for the tests: one server for all of them, started when the first one asks, ended with the test process.

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

/// A database of its own for one test; dropped with this value.
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

impl Database {
    /// A connection.
    pub fn client(&self) -> Client {
        Client::connect(&self.url).unwrap()
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

/// A new database with these tables. The same tables are made once and copied from then on.
pub fn database(ddl: &str) -> Database {
    static TEMPLATES: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    // Held while copying: PostgreSQL copies a template for one session at a time.
    let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    let templates = templates.get_or_insert_default();
    let template = templates.entry(ddl.to_owned()).or_insert_with(|| {
        let template = format!("template_{name}");
        server.create_database(&template).unwrap_or_else(|error| panic!("{error:#}"));
        server.client(&template).and_then(|mut client| client.execute(ddl)).unwrap_or_else(|error| panic!("{error:#}"));
        template
    });
    server.copy_database(&name, template).unwrap_or_else(|error| panic!("{error:#}"));
    let url = server.url(&name);
    Database { name, url }
}
