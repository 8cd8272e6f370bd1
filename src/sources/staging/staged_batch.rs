//! The results of one batch: staged rows of every dataset, rejects, counts.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;

use crate::model::SkipReason;
use crate::sources::staging::tally::{FindingKey, StageTally, Tallied, TypedCells};
use crate::tables::Builder as _;
use crate::tables::stage::{
    bookings, club_memberships, consents, handicaps, identifiers, messages, people, references, sport_memberships,
};

macro_rules! staged_batch {
    ($($(#[doc = $doc:literal])+ $dataset:ident, $push:ident;)+) => {
        /// Collects staged rows. Only datasets with rows take memory.
        pub struct Staged {
            capacity: usize,
            $($dataset: Option<$dataset::Builder>),+
        }

        impl Staged {
            /// An empty collection for batches of about this many rows.
            pub fn new(capacity: usize) -> Self {
                Self { capacity, $($dataset: None),+ }
            }

            $($(#[doc = $doc])+
            pub fn $push(&mut self, row: $dataset::Row<'_>) {
                let capacity = self.capacity;
                self.$dataset.get_or_insert_with(|| $dataset::Builder::new(capacity)).push(row);
            })+
        }

        /// The result of staging one batch.
        pub struct StagedBatch {
            /// Rows of the batch.
            pub rows: usize,
            /// Rows left out.
            pub rejected_rows: i64,
            /// Rejected values and rows.
            pub rejects: RecordBatch,
            /// How often each reason was met.
            pub counts: BTreeMap<FindingKey, i64>,
            /// The cells of typed columns.
            pub cells: Vec<(&'static str, TypedCells)>,
            $($(#[doc = $doc])+ pub $dataset: Option<RecordBatch>),+
        }

        impl StagedBatch {
            /// The finished batch.
            pub(super) fn new(mut staged: Staged, tally: StageTally, rows: usize) -> Self {
                let Tallied { counts, mut rejects, rejected_rows, cells } = tally.finish();
                Self {
                    rows,
                    rejected_rows,
                    rejects: rejects.finish(),
                    counts,
                    cells,
                    $($dataset: staged.$dataset.as_mut().map(|builder| builder.finish())),+
                }
            }
        }
    };
}

staged_batch! {
    /// A person record.
    people, person;
    /// A further identifier.
    identifiers, identifier;
    /// A club membership.
    club_memberships, club_membership;
    /// A sport membership.
    sport_memberships, sport_membership;
    /// A handicap.
    handicaps, handicap;
    /// A booking.
    bookings, booking;
    /// A message.
    messages, message;
    /// Evidence of consent.
    consents, consent;
    /// An exported row without a staged row of its own.
    references, reference_row;
}

impl Staged {
    /// Accounts for an exported row that has no staged row.
    pub fn reference(&mut self, entity: &str, row_id: &str, reason: SkipReason) {
        self.reference_row(references::Row { entity, row_id, reason });
    }
}
