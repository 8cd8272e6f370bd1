//! Consolidates staged rows and links into the rows of the CRM: golden record, aliases, consents, timeline, and the ledger of
//! every row.
//!
//! Memory holds the profile of each person record ([`Directory`]), not the values of the records. Bookings, messages and the
//! rest of the timeline stream through pure functions of one batch. Staged person records, their identifiers and their consent
//! are distributed to partitions of the profiles ([`RecordIndex`]); a few partitions are processed at a time. The timeline is
//! built first, because it shows who booked and which contact points bounced. Then follows what partitions must know about each
//! other: withdrawals of shared contact points, and the profiles that hold a subject. The profiles are built last.

pub mod accounting;
pub mod bits;
pub mod candidates;
pub mod consent;
pub mod json;
pub mod mark;
pub mod options;
pub mod people_of_rows;
pub mod profile;
#[cfg(test)]
mod sample;
pub mod timeline;

pub use accounting::deviations::{Departure, Departures, flags_to_confirm};
pub use options::Options;
pub use people_of_rows::{JoinedPeople, PeopleOfRows};
pub use profile::directory::{Directory, Enrolment};
pub use profile::record_index::RecordIndex;

/// Inputs that contradict each other: staged rows and links of different runs, or a dataset out of its declared order.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BuildError {
    /// A staged person has no row in `res__links`.
    #[error("{source_name} record in row {row} of its staged people has no row in \"res__links\"")]
    NoLink {
        /// The source.
        source_name: &'static str,
        /// Position among the source's staged people, from 0.
        row: u32,
    },
    /// A link names a person that is not staged.
    #[error("row {row} of \"res__links\" names a record that is not staged")]
    UnknownRecord {
        /// Position in `res__links`, from 0.
        row: usize,
    },
    /// Two rows for one record.
    #[error("row {row} of {dataset:?} repeats a record")]
    Repeated {
        /// The dataset.
        dataset: &'static str,
        /// Position, from 0.
        row: usize,
    },
    /// A linked row without profile, tenant or a readable id.
    #[error("row {row} of \"res__links\" is neither linked nor skipped")]
    HalfLinked {
        /// Position in `res__links`, from 0.
        row: usize,
    },
    /// A profile without a seed record.
    #[error("{count} profiles of \"res__links\" have no seed record")]
    NoFounder {
        /// The number.
        count: usize,
    },
    /// More records than 32-bit record numbers allow.
    #[error("more than 4,294,967,294 records")]
    TooMany,
}
