//! A session with the CRM: settings pinned, statements told apart by what is being done, rows copied in and counted.

use std::cell::Cell;

use anyhow::Result;
use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::Connection;
use crate::pg::copy::encode::{CHUNK, HEADER, TRAILER};

/// Parameters of a statement.
pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Takes a full buffer and leaves an empty one.
pub type Feed<'a> = dyn FnMut(&mut Vec<u8>) -> Result<()> + 'a;

/// A session with the CRM. Dropped, it ends, and the server undoes what was not committed.
pub struct Crm {
    connection: Connection,
    doing: Cell<&'static str>,
}

impl Crm {
    /// Connects and pins every setting that results depend on.
    pub fn open(dsn: &Dsn) -> Result<Self> {
        let connection = Connection::open(dsn, "the CRM")?;
        connection.batch(include_str!("../../../sql/crm/session.sql"))?;
        Ok(Self { connection, doing: Cell::new("connect") })
    }

    /// Names what is being done, for the errors of the statements that follow.
    pub fn doing(&self, what: &'static str) {
        self.doing.set(what);
    }

    /// Where the session is: `user@host:port/database`.
    pub fn place(&self) -> String {
        self.connection.target().to_string()
    }

    /// Runs statements without parameters or results.
    pub fn run(&self, sql: &str) -> Result<()> {
        self.told(self.connection.batch(sql))
    }

    /// Runs a statement; returns the rows it touched.
    pub fn execute(&self, sql: &str, parameters: Parameters<'_>) -> Result<u64> {
        self.told(self.connection.execute(sql, parameters))
    }

    /// The rows of a query.
    pub fn query(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>> {
        self.told(self.connection.query(sql, parameters))
    }

    /// The only row of a query.
    pub fn one(&self, sql: &str, parameters: Parameters<'_>) -> Result<Row> {
        self.told(self.connection.query_one(sql, parameters))
    }

    /// The number that a query counts.
    pub fn count(&self, sql: &str) -> Result<u64> {
        let count: i64 = self.one(sql, &[])?.get(0);
        Ok(count.unsigned_abs())
    }

    /// Whether the session is gone, as opposed to a statement that failed.
    pub fn is_lost(&self) -> bool {
        self.connection.client().is_closed()
    }

    /// Copies rows in. `fill` writes tuples into the buffer it is given and hands full buffers to the feed; returns the rows it
    /// wrote. The server must have stored exactly as many.
    pub fn copy(&self, statement: &str, fill: impl FnOnce(&mut Vec<u8>, &mut Feed<'_>) -> Result<u64>) -> Result<u64> {
        let failed = |error: tokio_postgres::Error| self.annotated(self.connection.fault(&error));
        let opened = self.connection.wait(self.connection.client().copy_in::<_, Bytes>(statement));
        let mut sink = Box::pin(opened.map_err(failed)?);
        let mut buffer = Vec::with_capacity(CHUNK + CHUNK / 4);
        buffer.extend_from_slice(HEADER);
        let mut feed = |buffer: &mut Vec<u8>| {
            let full = std::mem::replace(buffer, Vec::with_capacity(CHUNK + CHUNK / 4));
            self.connection.wait(sink.feed(Bytes::from(full))).map_err(failed)
        };
        let sent = fill(&mut buffer, &mut feed)?;
        buffer.extend_from_slice(TRAILER);
        feed(&mut buffer)?;
        let stored = self.connection.wait(sink.as_mut().finish()).map_err(failed)?;
        if stored != sent {
            return Err(Fault::new(Exit::Mismatch, format!("{sent} rows were sent, the server stored {stored}"))
                .at(statement.split(" (").next().unwrap_or_default().to_owned())
                .help("a trigger or rule of the CRM drops rows; nothing was committed")
                .into());
        }
        Ok(stored)
    }

    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error.downcast::<Fault>() {
            Ok(fault) => self.annotated(fault),
            Err(error) => error,
        })
    }

    fn annotated(&self, mut fault: Fault) -> anyhow::Error {
        fault.what.push_str(&format!(" (while it should {})", self.doing.get()));
        if fault.help.is_empty() {
            fault = fault.help("nothing was committed: the CRM is as it was");
        }
        fault.into()
    }
}
