//! Checks a database: it must be reachable, complete and readable, and should not be writable.

use std::time::Duration;

use anyhow::Result;

use crate::dsn::Dsn;
use crate::model::Timestamp;
use crate::pg::export::statement;
use crate::pg::{Connection, ExportQuery, Snapshot, missing, unread};

/// Tables that the CRM must have for a load.
const CRM_TABLES: [&str; 9] = [
    "CustomerProfile",
    "IdentityAlias",
    "Activity",
    "CustomerSegment",
    "CustomerSegmentMembership",
    "MarketingConsent",
    "CampaignInteraction",
    "SyncLog",
    "DuplicateCandidate",
];

const SESSION: &str = "
select
  current_setting('server_version'),
  coalesce((select s.ssl from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()), false),
  (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user),
  (select count(*)
   from pg_catalog.pg_class c
   where c.relkind in ('r', 'p')
     and c.relnamespace <> 'pg_catalog'::regnamespace
     and pg_catalog.pg_table_is_visible(c.oid)
     and pg_catalog.has_table_privilege(c.oid, 'insert, update, delete'))";

/// The findings about one database.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// `user@host:port/database`.
    pub target: String,
    /// The server's version.
    pub version: String,
    /// Whether the session is encrypted.
    pub is_encrypted: bool,
    /// Tables it has.
    pub table_count: usize,
    /// Problems that must be solved.
    pub problems: Vec<String>,
    /// Advice for the problems.
    pub advice: Vec<String>,
    /// Recommended changes.
    pub warnings: Vec<String>,
    /// Tables and columns of a source that no export reads.
    pub unread: Vec<String>,
}

/// Checks a source: plans every statement, which finds missing tables, columns and rights without reading rows.
pub fn check_source(dsn: &Dsn, title: &str, queries: &[ExportQuery], as_of: Timestamp) -> Result<Checked> {
    let connection = Connection::open_within(dsn, title, Duration::ZERO)?;
    let mut checked = session(&connection, READING)?;
    let snapshot = Snapshot::begin(connection, as_of, None)?;
    checked.warnings.extend(snapshot.notes.clone());
    let catalog = snapshot.catalog()?;
    checked.table_count = catalog.len();
    checked.unread = unread(queries.iter().map(|query| query.sql.as_str()), &catalog);
    let connection = snapshot.connection();
    for query in queries {
        connection.batch("savepoint check_export")?;
        let Err(error) = connection.batch(&format!("explain {}", statement(&query.sql))) else { continue };
        connection.batch("rollback to savepoint check_export")?;
        let (lacks, advice) = missing(&query.sql, &catalog);
        let problems = if lacks.is_empty() { vec![error.to_string()] } else { lacks };
        checked.problems.extend(problems);
        checked.advice.extend(advice);
    }
    checked.problems.sort();
    checked.problems.dedup();
    checked.advice.sort();
    checked.advice.dedup();
    Ok(checked)
}

/// Checks the CRM as far as possible without datasets.
pub fn check_crm(dsn: &Dsn, title: &str) -> Result<Checked> {
    let connection = Connection::open_within(dsn, title, Duration::ZERO)?;
    let mut checked = session(&connection, "rights on the CRM's tables are enough")?;
    // The role of the CRM is meant to write.
    checked.warnings.retain(|warning| !warning.contains("may write"));
    let catalog = crate::pg::visible_tables(&connection)?;
    checked.table_count = catalog.len();
    checked.problems =
        CRM_TABLES.iter().filter(|table| !catalog.contains_key(**table)).map(|table| format!("table {table:?}")).collect();
    if !checked.problems.is_empty() {
        checked.advice.push("a test CRM is made by:  psql -f schemas/crm.sql".to_owned());
    }
    Ok(checked)
}

/// What the role of a source needs.
const READING: &str = "reading rights are enough";

fn session(connection: &Connection, enough: &str) -> Result<Checked> {
    let row = connection.query_one(SESSION, &[])?;
    let mut warnings = connection.target().notes.clone();
    let writable: i64 = row.get(3);
    if row.get::<_, Option<bool>>(2) == Some(true) {
        warnings.push(format!("role {:?} is a superuser; {enough}", connection.target().user));
    } else if writable > 0 {
        warnings.push(format!("role {:?} may write to {writable} tables; {enough}", connection.target().user));
    }
    Ok(Checked {
        target: connection.target().to_string(),
        version: row.get::<_, String>(0).split(' ').next().unwrap_or_default().to_owned(),
        is_encrypted: row.get(1),
        warnings,
        ..Checked::default()
    })
}

/// The instant from which real-time sync of a service must start, as recorded by the last load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The service.
    pub service: String,
    /// RFC 3339.
    pub at: String,
    /// Hash of the export's manifest.
    pub manifest: String,
}

/// The watermarks that loads recorded in the CRM.
pub fn watermarks(connection: &Connection) -> Result<Vec<Watermark>> {
    let rows = connection.query(include_str!("../../../sql/crm/watermarks.sql"), &[])?;
    let text = |value: Option<String>| value.unwrap_or_default();
    Ok(rows.iter().map(|row| Watermark { service: row.get(0), at: text(row.get(1)), manifest: text(row.get(2)) }).collect())
}
