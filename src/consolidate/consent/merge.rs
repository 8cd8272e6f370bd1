//! Sorted runs of suppressions, and what earlier loads recorded, merged into the rows of `crm__suppressions`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::RecordBatch;

use crate::consolidate::consent::earlier::EarlierWithdrawal;
use crate::consolidate::consent::withdrawals::Withdrawals;
use crate::model::{Code as _, Timestamp};
use crate::tables::crm::suppressions;
use crate::tables::{Builder as _, Columns as _};

/// Rows of a batch.
const ROWS: usize = 16_384;
/// Separator of the parts of a key; it does not occur in texts.
const SEPARATOR: char = '\0';

/// A run and the position of its reader.
struct Cursor<I> {
    chunks: I,
    columns: Option<suppressions::Columns>,
    row: usize,
}

/// Tenant, channel, address and scope, then the reason: the order of the dataset.
fn place(tenant: &str, channel: &str, address: &str, scope: &str) -> String {
    let mut place = String::with_capacity(tenant.len() + channel.len() + address.len() + scope.len() + 4);
    for part in [tenant, channel, address, scope] {
        place.push_str(part);
        place.push(SEPARATOR);
    }
    place
}

/// The rows of one contact point with one reason, combined.
struct Reasoned {
    reason: String,
    revoked_at: Option<Timestamp>,
    lifted_after: Option<Timestamp>,
}

/// Rows of one contact point, which differ by their reason.
fn add(rows: &mut Vec<Reasoned>, reason: &str, revoked_at: Option<Timestamp>, lifted_after: Option<Timestamp>) {
    match rows.iter_mut().find(|row| row.reason == reason) {
        // The latest time of each; no time comes last.
        Some(row) => {
            row.revoked_at = row.revoked_at.max(revoked_at);
            row.lifted_after = row.lifted_after.max(lifted_after);
        }
        None => rows.push(Reasoned { reason: reason.to_owned(), revoked_at, lifted_after }),
    }
}

/// Merges the runs of slices; each is sorted, and read chunk by chunk. What an earlier load recorded and nothing of this run says
/// is a row of its own, unless a later act lifted it.
pub fn merge<I, E>(
    runs: Vec<I>,
    earlier: &[EarlierWithdrawal],
    withdrawals: &Withdrawals,
    mut sink: impl FnMut(RecordBatch) -> Result<(), E>,
) -> Result<(), E>
where
    I: Iterator<Item = Result<suppressions::Columns, E>>,
{
    let mut standing: Vec<(String, &EarlierWithdrawal)> = earlier
        .iter()
        .enumerate()
        .filter(|(position, _)| !withdrawals.is_lifted(*position))
        .map(|(_, row)| (place(&row.tenant_id, row.channel.code(), &row.address, &row.scope), row))
        .collect();
    standing.sort_by(|a, b| a.0.cmp(&b.0));
    let mut standing = standing.into_iter().peekable();
    let mut cursors: Vec<Cursor<I>> = runs.into_iter().map(|chunks| Cursor { chunks, columns: None, row: 0 }).collect();
    let mut heap = BinaryHeap::with_capacity(cursors.len());
    for (run, cursor) in cursors.iter_mut().enumerate() {
        heap.extend(cursor.next()?.map(|place| Reverse((place, run))));
    }
    let mut rows = suppressions::Builder::new(0);
    loop {
        let of_run = heap.peek().map(|Reverse((place, _))| place);
        let Some(place) = of_run.into_iter().chain(standing.peek().map(|(place, _)| place)).min().cloned() else { break };
        let mut found: Vec<Reasoned> = Vec::new();
        while let Some(Reverse((_, run))) = heap.pop_if_same(&place) {
            let cursor = &mut cursors[run];
            if let Some(columns) = &cursor.columns {
                let row = columns.row(cursor.row - 1);
                add(&mut found, row.reason, row.revoked_at, row.lifted_after);
            }
            heap.extend(cursor.next()?.map(|place| Reverse((place, run))));
        }
        let mut recorded: Vec<Reasoned> = Vec::new();
        while let Some((_, row)) = standing.next_if(|(of, _)| *of == place) {
            if !found.iter().any(|other| other.reason == row.reason) {
                add(&mut recorded, "EARLIER_LOAD", row.revoked_at, row.is_withdrawal().then_some(row.lifted_after));
            }
        }
        found.append(&mut recorded);
        found.sort_by(|a, b| a.reason.cmp(&b.reason));
        let mut parts = place.split(SEPARATOR);
        let [tenant_id, channel, address, scope] = [(); 4].map(|()| parts.next().unwrap_or_default());
        for row in &found {
            rows.push(suppressions::Row {
                tenant_id,
                channel: crate::model::Channel::from_code(channel).expect("the code of a channel"),
                address,
                scope,
                reason: &row.reason,
                revoked_at: row.revoked_at,
                lifted_after: row.lifted_after,
            });
            if rows.len() == ROWS {
                sink(rows.finish())?;
            }
        }
    }
    if rows.is_empty() { Ok(()) } else { sink(rows.finish()) }
}

/// A heap from which the rows of one contact point are taken.
trait PopIfSame {
    fn pop_if_same(&mut self, place: &str) -> Option<Reverse<(String, usize)>>;
}

impl PopIfSame for BinaryHeap<Reverse<(String, usize)>> {
    fn pop_if_same(&mut self, place: &str) -> Option<Reverse<(String, usize)>> {
        let is_same = self.peek().is_some_and(|Reverse((of, _))| of == place);
        is_same.then(|| self.pop()).flatten()
    }
}

impl<I, E> Cursor<I>
where
    I: Iterator<Item = Result<suppressions::Columns, E>>,
{
    /// Moves to the next row and returns its key.
    fn next(&mut self) -> Result<Option<String>, E> {
        while self.columns.as_ref().is_none_or(|columns| self.row >= columns.len()) {
            self.row = 0;
            match self.chunks.next().transpose()? {
                Some(columns) => self.columns = Some(columns),
                None => return Ok(None),
            }
        }
        self.row += 1;
        Ok(self.columns.as_ref().map(|columns| {
            let row = columns.row(self.row - 1);
            place(row.tenant_id, row.channel.code(), row.address, row.scope)
        }))
    }
}
