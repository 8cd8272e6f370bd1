//! Streams our rows from the CRM by binary COPY.

use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;

use crate::fault::{Exit, Fault};
use crate::pg::Connection;
use crate::pg::compare::tuples::{Tuple, Tuples};
use crate::pg::compare::{ComparedRow, ComparedSide, IdKey, NULL, OnRow, RowMarks, TableForm};

/// How long to wait for a server that sends nothing.
const STALL: Duration = Duration::from_secs(30 * 60);
/// A table of the CRM in the session's snapshot.
pub struct CrmRows<'a> {
    /// The session.
    pub connection: &'a Connection,
    /// How the table is read.
    pub form: &'a TableForm,
}

/// Streams the tuples of a binary COPY with `width` columns. Returns their number. `what` names the rows in messages.
pub fn stream(
    connection: &Connection,
    what: &str,
    statement: &str,
    width: usize,
    on: &mut dyn FnMut(Tuple<'_>) -> Result<()>,
) -> Result<u64> {
    let failed = |error: &tokio_postgres::Error| -> anyhow::Error { connection.fault(error).into() };
    let stalled = |_| {
        let minutes = STALL.as_secs() / 60;
        Fault::new(Exit::Failed, format!("the CRM sent nothing of {what} for {minutes} minutes"))
            .help("is the server overloaded, or the network cut? nothing was written; run the same command again")
    };
    connection.wait(async {
        let stream = connection.client().copy_out(statement).await.map_err(|error| failed(&error))?;
        // The stream sends single rows. Taking all that have arrived saves a wake-up for each.
        let mut pieces = std::pin::pin!(stream.ready_chunks(1024));
        let mut tuples = Tuples::new(width);
        while let Some(arrived) = tokio::time::timeout(STALL, pieces.next()).await.map_err(stalled)? {
            for piece in arrived {
                tuples.feed(&piece.map_err(|error| failed(&error))?, on)?;
            }
        }
        tuples.finish()
    })
}

impl CrmRows<'_> {
    /// Reads the rows of a statement with the select list of the form.
    pub fn of_statement(&self, statement: &str, on: &mut OnRow<'_>) -> Result<u64> {
        let width = self.form.columns.len();
        let mut columns = Vec::with_capacity(width);
        stream(self.connection, self.form.loaded.table, statement, 1 + width + 1, &mut |tuple| {
            columns.clear();
            columns.extend(
                self.form
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(place, column)| tuple.get(1 + place).map_or(NULL, |value| column.form.of_wire(value))),
            );
            let key = IdKey::of(tuple.get(0).unwrap_or_default());
            on(ComparedRow { key, columns: &columns, marks: tuple.get(1 + width).map(RowMarks::of).unwrap_or_default() })
        })
    }
}

impl ComparedSide for CrmRows<'_> {
    fn rows(&self, buckets: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        self.of_statement(&self.form.statement(buckets), on).map(drop)
    }
}

impl RowMarks {
    /// Reads the marks that the select list of a form gives: a digit for each, then the profile merged into.
    fn of(text: &[u8]) -> Self {
        let is_set = |place: usize| text.get(place) == Some(&b'1');
        let into = text.get(4..).unwrap_or_default();
        Self {
            is_foreign: is_set(0),
            is_made_at_odd_time: is_set(1),
            is_touched: is_set(2),
            merged_into: is_set(3).then(|| (!into.is_empty()).then(|| IdKey::of(into))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_digits_and_the_profile_merged_into() {
        let marks = RowMarks::of(b"0011bf11a");
        assert!(!marks.is_foreign && !marks.is_made_at_odd_time && marks.is_touched);
        assert!(marks.merged_into == Some(Some(IdKey::of(b"bf11a"))));
        assert!(RowMarks::of(b"0001").merged_into == Some(None));
        let marks = RowMarks::of(b"1100");
        assert!(marks.is_foreign && marks.is_made_at_odd_time && !marks.is_touched && marks.merged_into.is_none());
    }
}
