//! Writes rows to a table in PostgreSQL's COPY text format.

use std::fmt::{Display, Write as _};
use std::io::Write as _;

use anyhow::{Context as _, Result};

use crate::model::Timestamp;
use crate::pg::local::{Client, CopyIn};

/// A COPY into a table: call one method per cell in column order, then [`Rows::end`].
pub(super) struct Rows<'a> {
    table: &'static str,
    copy: CopyIn<'a>,
    line: String,
}

impl<'a> Rows<'a> {
    /// Starts a COPY of all columns in the order of the table's DDL.
    pub(super) fn into(client: &'a mut Client, table: &'static str) -> Result<Self> {
        let copy = client.copy_in(&format!("copy {table} from stdin")).with_context(|| format!("table {table}"))?;
        Ok(Self { table, copy, line: String::with_capacity(512) })
    }

    /// A value that needs no escaping: a number, a date, a generated id.
    pub(super) fn plain(&mut self, value: impl Display) -> &mut Self {
        let _ = write!(self.line, "{value}\t");
        self
    }

    /// A plain value or null.
    pub(super) fn plain_or_null(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(value),
            None => self.plain("\\N"),
        }
    }

    /// An instant to the microsecond, in UTC.
    pub(super) fn at(&mut self, at: Timestamp) -> &mut Self {
        if at.is_finite() { self.plain(at.utc().format("%Y-%m-%dT%H:%M:%S%.6fZ")) } else { self.plain(at) }
    }

    /// An instant or null.
    pub(super) fn at_or_null(&mut self, at: Option<Timestamp>) -> &mut Self {
        match at {
            Some(at) => self.at(at),
            None => self.plain("\\N"),
        }
    }

    /// Any text or null.
    pub(super) fn text(&mut self, value: Option<&str>) -> &mut Self {
        let Some(value) = value else { return self.plain("\\N") };
        for letter in value.chars() {
            match letter {
                '\\' => self.line.push_str("\\\\"),
                '\t' => self.line.push_str("\\t"),
                '\n' => self.line.push_str("\\n"),
                '\r' => self.line.push_str("\\r"),
                letter => self.line.push(letter),
            }
        }
        self.line.push('\t');
        self
    }

    /// Ends the row.
    pub(super) fn end(&mut self) -> Result<()> {
        self.line.pop();
        self.line.push('\n');
        let written = self.copy.write_all(self.line.as_bytes());
        self.line.clear();
        written.with_context(|| format!("table {}", self.table))
    }

    /// Ends the table and returns its number of rows.
    pub(super) fn finish(self) -> Result<Filled> {
        let rows = self.copy.finish().with_context(|| format!("table {}", self.table))?;
        Ok(Filled { table: self.table, rows })
    }
}

/// A table and its number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The table as in its DDL, including quotes.
    pub table: &'static str,
    /// Number of rows.
    pub rows: u64,
}
