//! A session with the CRM: pins settings, labels statements for error messages, copies rows and checks their number.

use std::cell::Cell;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::Begin;
use crate::pg::connect::watch::words;
use crate::pg::copy::encode::{CHUNK, HEADER, TRAILER};
use crate::pg::load::target::table;
use crate::pg::{Connection, quote_identifier};

/// Parameters of a statement.
pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Callback that takes a full buffer and leaves an empty one.
pub type Feed<'a> = dyn FnMut(&mut Vec<u8>) -> Result<()> + 'a;

/// Callback that takes the values of a row; `None` is null.
pub type OnValues<'a> = dyn FnMut(&[Option<&[u8]>]) -> Result<()> + 'a;

/// Begins the part of an error that says what was being done.
pub(super) const WHILE: &str = " (while ";

/// A statement that the server rejected.
#[derive(Clone, Debug)]
pub struct RefusedStatement {
    /// SQLSTATE.
    pub code: String,
    /// The server's message, as far as it may be shown.
    pub what: String,
}

/// A session with the CRM. When it is dropped, the server rolls back what was not committed.
pub struct Crm {
    connection: Connection,
    dsn: Dsn,
    doing: Cell<&'static str>,
    shuts_out_readers: Cell<bool>,
}

impl Crm {
    /// Connects. Every statement runs in a transaction that pins the settings on which results depend.
    pub fn open(dsn: &Dsn) -> Result<Self> {
        let connection = Connection::open(dsn, "the CRM")?;
        Ok(Self { connection, dsn: dsn.clone(), doing: Cell::new("connecting"), shuts_out_readers: Cell::new(false) })
    }

    /// Opens an additional session without retries.
    pub fn beside(dsn: &Dsn) -> Result<Self> {
        Ok(Self::of(Connection::open_within(dsn, "the CRM", Duration::ZERO)?, dsn))
    }

    /// A session on an open connection, whose settings the caller has pinned.
    pub fn of(connection: Connection, dsn: &Dsn) -> Self {
        Self { connection, dsn: dsn.clone(), doing: Cell::new("looking at the CRM"), shuts_out_readers: Cell::new(false) }
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Consumes the session and returns its connection.
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    /// Sets the label of the following statements for error messages: a gerund, such as "copying rows".
    pub fn doing(&self, what: &'static str) {
        self.doing.set(what);
    }

    /// Declares that the following statements take locks that conflict with readers, too.
    pub fn shut_out_readers(&self) {
        self.shuts_out_readers.set(true);
    }

    /// Location of the session: `user@host:port/database`.
    pub fn place(&self) -> String {
        self.connection.target().to_string()
    }

    /// Restricts the search path to this schema.
    pub fn look_in(&self, schema: &str) -> Result<()> {
        // pg_catalog is searched first implicitly; naming it would make it the current schema.
        self.told(self.connection.look_in(&format!("{}, pg_temp", quote_identifier(schema))))
    }

    /// Begins a transaction for a load or rollback.
    pub fn begin(&self) -> Result<()> {
        self.doing("beginning the transaction");
        self.told(self.connection.begin(Begin::default()))?;
        self.run(include_str!("../../../sql/crm/begin.sql"))
    }

    /// Commits.
    pub fn commit(&self) -> Result<()> {
        self.told(self.connection.commit())
    }

    /// Rolls back the transaction, if one is open.
    pub fn end(&self) -> Result<()> {
        self.shuts_out_readers.set(false);
        self.told(self.connection.end())
    }

    /// Runs statements without parameters or results.
    pub fn run(&self, sql: &str) -> Result<()> {
        self.told(self.connection.batch(sql))
    }

    /// Runs a statement; returns the number of affected rows.
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

    /// The single count that a query returns.
    pub fn count(&self, sql: &str) -> Result<u64> {
        let count: i64 = self.one(sql, &[])?.get(0);
        Ok(count.unsigned_abs())
    }

    /// The name of a table's primary key, quoted where it must be.
    pub fn primary_key(&self, table: &str) -> Result<Option<String>> {
        Ok(self.one(include_str!("../../../sql/crm/primary_key_name.sql"), &[&table])?.get(0))
    }

    /// The rows of a query, or the SQLSTATE of its error. The transaction stays usable either way.
    pub fn attempt(&self, sql: &str) -> Result<Result<Vec<Row>, RefusedStatement>> {
        self.run("savepoint attempt")?;
        let asked = self.connection.wait(self.connection.client().query(sql, &[]));
        let refused = match asked {
            Ok(rows) => {
                self.run("release savepoint attempt")?;
                return Ok(Ok(rows));
            }
            Err(error) => error,
        };
        let fault = self.connection.fault(&refused);
        let Some(code) = refused.code().map(|code| code.code().to_owned()).filter(|_| !self.is_lost()) else {
            return Err(self.annotated(fault));
        };
        self.run("rollback to savepoint attempt; release savepoint attempt")?;
        Ok(Err(RefusedStatement { code, what: fault.what }))
    }

    /// Whether the connection is lost.
    pub fn is_lost(&self) -> bool {
        self.connection.is_lost()
    }

    /// Copies rows. `fill` writes tuples into its buffer, passes full buffers to the feed, and returns the number of rows. Fails
    /// unless the server stored exactly as many.
    pub fn copy(&self, statement: &str, fill: impl FnOnce(&mut Vec<u8>, &mut Feed<'_>) -> Result<u64>) -> Result<u64> {
        let opened = self.connection.answer(self.connection.client().copy_in::<_, Bytes>(statement));
        let mut sink = Box::pin(self.told(opened)?);
        let mut buffer = Vec::with_capacity(CHUNK + CHUNK / 4);
        buffer.extend_from_slice(HEADER);
        let mut feed = |buffer: &mut Vec<u8>| {
            let full = std::mem::replace(buffer, Vec::with_capacity(CHUNK + CHUNK / 4));
            self.told(self.connection.answer(sink.feed(Bytes::from(full))))
        };
        let sent = fill(&mut buffer, &mut feed)?;
        buffer.extend_from_slice(TRAILER);
        feed(&mut buffer)?;
        let stored = self.told(self.connection.answer(sink.as_mut().finish()))?;
        if stored != sent {
            return Err(Fault::new(Exit::Mismatch, format!("{sent} rows were sent, the server stored {stored}"))
                .at(statement.split(" (").next().unwrap_or_default().to_owned())
                .help("a trigger or rule of the CRM drops rows; nothing was committed")
                .into());
        }
        Ok(stored)
    }

    /// Copies rows of texts and bytes; `fill` gets a writer that takes one row at a time.
    pub fn copy_values(&self, statement: &str, fill: impl FnOnce(&mut OnValues<'_>) -> Result<()>) -> Result<u64> {
        self.copy(statement, |buffer, feed| {
            let mut rows = 0;
            fill(&mut |values| {
                buffer.extend_from_slice(&u16::try_from(values.len()).expect("a handful of columns").to_be_bytes());
                for value in values {
                    let length = value.map_or(-1, |value| i32::try_from(value.len()).expect("a short value"));
                    buffer.extend_from_slice(&length.to_be_bytes());
                    buffer.extend_from_slice(value.unwrap_or_default());
                }
                rows += 1;
                if buffer.len() >= CHUNK { feed(buffer) } else { Ok(()) }
            })?;
            Ok(rows)
        })
    }

    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error.downcast::<Fault>() {
            Ok(fault) => self.annotated(fault),
            Err(error) => error,
        })
    }

    fn annotated(&self, mut fault: Fault) -> anyhow::Error {
        fault.what.push_str(&format!("{WHILE}{})", self.doing.get()));
        if self.connection.failed_for_a_lock() {
            for holder in self.lock_holders().unwrap_or_default() {
                fault = fault.help(holder);
            }
        }
        if fault.help.is_empty() {
            fault = fault.help("nothing was committed: the CRM is as it was");
        }
        fault.into()
    }

    /// Holders of locks on the CRM's tables, and how to end each. Uses a new session, because the transaction of this one has
    /// failed.
    fn lock_holders(&self) -> Result<Vec<String>> {
        let beside = Connection::open_within(&self.dsn, "the CRM", Duration::ZERO)?;
        let tables: Vec<String> = table::ALL.iter().map(|name| (*name).to_owned()).collect();
        let own = self.connection.pid().unwrap_or_default();
        let statement = include_str!("../../../sql/session/lock_holders.sql");
        let rows = beside.query(statement, &[&tables, &self.shuts_out_readers.get(), &own])?;
        Ok(rows.iter().flat_map(holder).collect())
    }
}

/// Describes a holder of locks, with the statement that ends it.
fn holder(row: &Row) -> Vec<String> {
    let tables: &str = row.get("tables");
    let Some(pid) = row.get::<_, Option<i32>>("pid") else {
        return vec![
            format!("a prepared transaction holds {tables}"),
            "list them:  select gid, owner, prepared from pg_prepared_xacts;".to_owned(),
        ];
    };
    let (role, application): (&str, &str) = (row.get("role_name"), row.get("application"));
    let state: &str = row.get("state");
    let application = if application.is_empty() { "an unnamed application" } else { application };
    let state = if state.is_empty() { "state hidden from this role" } else { state };
    let age = row.get::<_, Option<i64>>("age").map_or_else(
        || "age hidden from this role: grant pg_read_all_stats".to_owned(),
        |seconds| format!("transaction open for {}", words(Duration::from_secs(seconds.unsigned_abs()))),
    );
    vec![
        format!("{application} (role {role}, pid {pid}, {state}, {age}) holds {tables}"),
        format!("to end that session:  select pg_terminate_backend({pid});"),
    ]
}
