//! A consistent view of a database: a read-only transaction with pinned settings, and the facts that an export records about it.

use std::collections::BTreeMap;

use anyhow::Result;
use encoding_rs::{Encoding, UTF_8};

use crate::fault::{Exit, Fault};
use crate::model::Timestamp;
use crate::pg::connect::Begin;
use crate::pg::export::references::VisibleTables;
use crate::pg::{Connection, quote_identifier};

/// Settings for reading, in addition to those that every transaction pins.
const PINNED: &str = "
set local intervalstyle = 'postgres';
set local lock_timeout = '30s';
set local work_mem = '64MB';
set local idle_in_transaction_session_timeout = 0;
";

/// The watermark. It is read before the snapshot: a transaction that is open at the snapshot either is open now or begins later.
const WATERMARK: &str = "
select
  to_char(
    least(
      pg_catalog.clock_timestamp(),
      case when pg_catalog.pg_is_in_recovery() then coalesce(pg_catalog.pg_last_xact_replay_timestamp(), '-infinity') end,
      (select min(a.xact_start) from pg_catalog.pg_stat_activity a where a.datname = current_database() and a.pid <> pg_catalog.pg_backend_pid()),
      (select min(p.prepared) from pg_catalog.pg_prepared_xacts p)
    ) at time zone 'UTC',
    'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'
  ),
  (select count(*) from pg_catalog.pg_stat_activity a where a.query = '<insufficient privilege>')";

/// How an encoding is declared.
pub(super) const DECLARE: &str = "--encoding NAME, or [connections.encodings] in the settings";

const FACTS: &str = "
select
  current_setting('server_version'),
  current_setting('server_encoding'),
  (select s.reset_val from pg_catalog.pg_settings s where s.name = 'TimeZone'),
  pg_catalog.txid_current_snapshot()::text,
  pg_catalog.pg_is_in_recovery(),
  array_to_string(pg_catalog.current_schemas(false), ', ')";

const CATALOG: &str = "
select c.relname::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)
from pg_catalog.pg_class c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and pg_catalog.pg_table_is_visible(c.oid)
  and c.relnamespace <> 'pg_catalog'::regnamespace";

/// A read-only transaction that sees one instant of a database. It ends when it is dropped.
pub struct Snapshot {
    connection: Connection,
    /// Facts for the manifest: `server_version`, `server_encoding`, `server_timezone`, `snapshot`, `watermark`, …
    pub facts: BTreeMap<String, String>,
    /// Notes for the operator about this database.
    pub notes: Vec<String>,
    /// The declared encoding of its texts, if it differs from the server's.
    encoding: Option<&'static Encoding>,
}

impl Snapshot {
    /// Begins the transaction and sets `backfill.as_of` in it. `encoding` is the encoding of the texts, if the server's is
    /// missing or wrong.
    pub fn begin(connection: Connection, as_of: Timestamp, encoding: Option<&'static Encoding>) -> Result<Self> {
        let watermark = connection.query_one(WATERMARK, &[])?;
        connection.begin(Begin { is_repeatable: true, is_read_only: true, ..Begin::default() })?;
        connection.batch(PINNED)?;
        let schemas = connection.query_one("select pg_catalog.current_schemas(false)", &[])?;
        let schemas: Vec<String> = schemas.get::<_, Vec<&str>>(0).into_iter().map(quote_identifier).collect();
        if schemas.is_empty() {
            let asked = connection.target().schema.as_deref().unwrap_or("public");
            let what = format!("{}: schema {asked:?} does not exist, or the role may not use it", connection.name());
            return Err(Fault::new(Exit::Preflight, what).help("name another one in the URL: ?schema=NAME").into());
        }
        let path = std::iter::once("pg_catalog".to_owned()).chain(schemas).collect::<Vec<_>>().join(", ");
        connection.look_in(&path)?;
        connection.query_one("select set_config('backfill.as_of', $1, true)", &[&as_of.to_string()])?;
        let row = connection.query_one(FACTS, &[])?;

        let mut notes = connection.target().notes.clone();
        let mut facts = BTreeMap::new();
        for (index, name) in ["server_version", "server_encoding", "server_timezone", "snapshot"].into_iter().enumerate() {
            facts.insert(name.to_owned(), row.get::<_, Option<String>>(index).unwrap_or_default());
        }
        facts.insert("search_path".to_owned(), row.get(5));
        if let Some(instant) = watermark.get::<_, Option<String>>(0) {
            facts.insert("watermark".to_owned(), instant);
        }
        let hidden: i64 = watermark.get(1);
        if hidden > 0 {
            facts.insert("watermark_hidden_sessions".to_owned(), hidden.to_string());
            notes.push(format!(
                "{}: the watermark leaves out {hidden} sessions that this role cannot see: grant pg_read_all_stats, or start \
                 real-time sync somewhat earlier",
                connection.name()
            ));
        }
        if row.get(4) {
            facts.insert("is_replica".to_owned(), "true".to_owned());
            notes.push(match facts.get("watermark") {
                Some(instant) => format!(
                    "{}: a standby; it has replayed its primary's changes up to {instant}, which is the watermark; transactions open \
                     there at that time do not show: start real-time sync somewhat earlier",
                    connection.name()
                ),
                None => format!(
                    "{}: a standby that has replayed no transaction since it started: there is no watermark; export from the primary, \
                     or find out yourself from where real-time sync must start",
                    connection.name()
                ),
            });
        }
        if facts["server_encoding"] == "SQL_ASCII" && encoding.is_none() {
            notes.push(format!(
                "{}: the database declares no encoding (SQL_ASCII): its texts must be UTF-8, or their encoding declared: {DECLARE}",
                connection.name()
            ));
        }
        if let Some(encoding) = encoding {
            if facts["server_encoding"] == "UTF8" && encoding != UTF_8 {
                let what = format!("{}: the database is UTF8, which its server enforces: no other encoding", connection.name());
                return Err(Fault::new(Exit::Preflight, what).help("leave the declared encoding out").into());
            }
            facts.insert("declared_encoding".to_owned(), encoding.name().to_owned());
        }
        Ok(Self { connection, facts, notes, encoding })
    }

    /// Sets `backfill.lookback_years`: statements with a look-back skip older rows. Without the setting they look two years back.
    pub fn look_back(&self, years: i32) -> Result<()> {
        self.connection.query_one("select set_config('backfill.lookback_years', $1, true)", &[&years.to_string()])?;
        Ok(())
    }

    /// The declared encoding of its texts.
    pub(super) fn encoding(&self) -> Option<&'static Encoding> {
        self.encoding
    }

    /// The session.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The visible tables.
    pub fn catalog(&self) -> Result<VisibleTables> {
        visible_tables(&self.connection)
    }

    /// Ends the transaction.
    pub fn end(self) -> Result<()> {
        self.connection.commit()
    }
}

/// The tables that are visible without a schema name.
pub fn visible_tables(connection: &Connection) -> Result<VisibleTables> {
    let mut catalog = VisibleTables::new();
    for row in connection.query(CATALOG, &[])? {
        catalog.entry(row.get(0)).or_default().insert(row.get(1), row.get(2));
    }
    Ok(catalog)
}
