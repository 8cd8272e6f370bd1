//! A read-only session on the CRM in one snapshot, which further sessions may share.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::SimpleQueryMessage;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::Connection;
use crate::pg::connect::Begin;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::session::Crm;
use crate::pg::verify::checks::CheckFinding;
use crate::pg::verify::segment_sql;
use crate::segment_rule::Question;

/// The joins are of whole tables by text keys: a hash join is right even with old statistics, a nested loop never is, and sorting
/// by a collation costs more than the join.
const SETTINGS: &str = include_str!("../../../sql/verify/crm/settings.sql");

/// Segments whose rules are evaluated in one statement, which reads the activities once for all of them.
const AT_ONCE: usize = 50;

/// A read-only session on the CRM.
pub struct VerifySession {
    connection: Connection,
}

impl VerifySession {
    /// Connects to the CRM, opens the snapshot, and reads the catalog.
    pub fn open(dsn: &Dsn) -> Result<(Self, Catalog)> {
        let crm = Crm::of(begun(Connection::open(dsn, "the CRM")?, None)?, dsn);
        let catalog = Catalog::read(&crm)?;
        Ok((Self { connection: crm.into_connection() }, catalog))
    }

    /// A further session with the same snapshot.
    pub fn beside(&self, dsn: &Dsn) -> Result<Self> {
        let snapshot: String = self.connection().query_one("select pg_export_snapshot()", &[])?.get(0);
        // It only saves time, so it is not waited for.
        let connection = Connection::open_within(dsn, "the CRM", Duration::ZERO)?;
        Ok(Self { connection: begun(connection, Some(&snapshot))? })
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sets a setting for the statements of the session.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        self.connection().query_one("select set_config($1, $2, true)", &[&name, &value])?;
        Ok(())
    }

    /// Runs a statement that returns findings; `check` names it in messages.
    pub fn ask(&self, check: &str, sql: &str) -> Result<Vec<CheckFinding>> {
        Ok(self.ask_several(check, sql)?.into_iter().map(|(_, finding)| finding).collect())
    }

    /// Runs a statement whose findings may belong to several checks, named in the column `check_name`.
    pub fn ask_several(&self, check: &str, sql: &str) -> Result<Vec<(String, CheckFinding)>> {
        let rows = self.connection().query(sql, &[])?;
        let malformed = |error: tokio_postgres::Error| {
            Fault::new(Exit::Bug, format!("the statement of check {check} does not return what a check returns: {error}"))
        };
        rows.iter()
            .map(|row| {
                let finding = CheckFinding {
                    item: row.try_get("item").map_err(malformed)?,
                    examined: row.try_get("examined").map_err(malformed)?,
                    expected: row.try_get("expected").map_err(malformed)?,
                    observed: row.try_get("observed").map_err(malformed)?,
                    examples: row.try_get("examples").map_err(malformed)?,
                };
                Ok((row.try_get("check_name").unwrap_or_else(|_| check.to_owned()), finding))
            })
            .collect()
    }

    /// Evaluates the rules of segments a second time, in SQL over the CRM, and compares the members.
    pub fn ask_segments(&self, questions: &[Option<Question<'_>>]) -> Result<Vec<CheckFinding>> {
        let collation = segment_sql::case_collation(self.connection())?;
        let (mut examined, mut differing, mut segments, mut examples) = (0, 0, 0, Vec::new());
        for first in (0..questions.len()).step_by(AT_ONCE) {
            let positions = first..questions.len().min(first + AT_ONCE);
            let Some(statement) = segment_sql::comparison(questions, positions, collation) else { continue };
            for row in self.connection().query(&statement.sql, &statement.parameters())? {
                let found: i64 = row.get(2);
                examined += row.get::<_, i64>(1);
                differing += found;
                segments += usize::from(found > 0);
                examples.extend(row.get::<_, Vec<String>>(3));
            }
        }
        examples.truncate(5);
        let observed = if differing == 0 { "0 differ".to_owned() } else { format!("{differing} differ, in {segments} segments") };
        let item = "members by rule, found again in SQL".to_owned();
        Ok(vec![CheckFinding { item, examined, expected: "0 differ".to_owned(), observed, examples }])
    }

    /// Runs a statement of the strategy unchanged; returns values as PostgreSQL prints them.
    pub fn table(&self, sql: &str) -> Result<(Vec<String>, Vec<Vec<String>>)> {
        let connection = self.connection();
        let messages = connection.answer(connection.client().simple_query(sql))?;
        let (mut names, mut rows) = (Vec::new(), Vec::new());
        for message in &messages {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    names = columns.iter().map(|column| column.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => {
                    rows.push((0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect());
                }
                _ => {}
            }
        }
        Ok((names, rows))
    }

    /// Location of the CRM: `user@host:port/database`.
    pub fn place(&self) -> String {
        self.connection().target().to_string()
    }
}

fn begun(connection: Connection, snapshot: Option<&str>) -> Result<Connection> {
    connection.begin(Begin { is_repeatable: true, is_read_only: true, snapshot })?;
    connection.batch(SETTINGS)?;
    Ok(connection)
}

/// The number of tables that the session's role may write to.
pub fn writable_tables(connection: &Connection) -> Result<i64> {
    let row = connection.query_one(include_str!("../../../sql/verify/preflight/writable_tables.sql"), &[])?;
    Ok(row.get(0))
}
