//! A synchronous connection to a local server.

use std::io::{self, Write};

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use futures_util::SinkExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{CopyInSink, NoTls, SimpleQueryMessage};

/// A connection to one database.
#[derive(Debug)]
pub struct Client {
    // Fields are dropped in this order: the connection before the runtime that drives it.
    client: tokio_postgres::Client,
    runtime: Runtime,
}

impl Client {
    /// Connects.
    pub fn connect(url: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("no asynchronous runtime")?;
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(plain)?;
            tokio::spawn(connection);
            anyhow::Ok(client)
        })?;
        Ok(Self { client, runtime })
    }

    /// Runs any number of statements.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        self.runtime.block_on(self.client.batch_execute(sql)).map_err(plain)
    }

    /// Every row of one or more queries, each value as psql would print it; null is `None`.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let messages = self.runtime.block_on(self.client.simple_query(sql)).map_err(plain)?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The demo's databases, each with its size in words.
    pub fn demo_databases(&mut self) -> Result<Vec<Vec<Option<String>>>> {
        self.rows("select datname, pg_size_pretty(pg_database_size(oid)) from pg_database where datname like 'demo%' order by 1")
    }

    /// Starts a `copy … from stdin`; the bytes that are written go to the server unchanged.
    pub fn copy_in(&mut self, sql: &str) -> Result<CopyIn<'_>> {
        let sink = self.runtime.block_on(self.client.copy_in::<_, Bytes>(sql)).map_err(plain)?;
        Ok(CopyIn { runtime: &self.runtime, sink: Box::pin(sink), buffer: BytesMut::with_capacity(2 * CHUNK) })
    }
}

/// A running `copy … from stdin`. Dropped without [`CopyIn::finish`], the server discards it.
pub struct CopyIn<'a> {
    runtime: &'a Runtime,
    sink: std::pin::Pin<Box<CopyInSink<Bytes>>>,
    buffer: BytesMut,
}

const CHUNK: usize = 256 * 1024;

impl CopyIn<'_> {
    /// Ends the copy; the number of rows the server took.
    pub fn finish(mut self) -> Result<u64> {
        self.send().context("the copy was refused")?;
        self.runtime.block_on(self.sink.as_mut().finish()).map_err(plain)
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = self.buffer.split().freeze();
        self.runtime.block_on(self.sink.as_mut().send(chunk)).map_err(|error| io::Error::other(plain(error)))
    }
}

impl Write for CopyIn<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// The server's message, without the row that it may quote.
fn plain(error: tokio_postgres::Error) -> anyhow::Error {
    match error.as_db_error() {
        Some(said) => anyhow::anyhow!("{} (SQLSTATE {})", said.message(), said.code().code()),
        None => error.into(),
    }
}
