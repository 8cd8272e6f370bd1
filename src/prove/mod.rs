//! Proofs over the datasets alone, before the CRM is touched: what links, profiles and the timeline say is worked out a second time
//! from the staged records. Nothing here is shared with the code that wrote the datasets but their declarations.
//!
//! Rows are streamed; of a profile about a hundred bytes are kept, of a record about as many.

pub mod accounts;
pub mod duplicates;
pub mod fields;
mod finding;
pub mod links;
pub mod profiles;
pub mod timeline;

pub use finding::{Finding, Tally};
pub use profiles::{Profiles, Records};

use std::hash::{BuildHasher as _, Hash};

use foldhash::quality::FixedState;

/// A hash that stands for a value; two values with one hash are not expected among any number of rows that fits on a disk.
fn hash(value: impl Hash) -> u64 {
    FixedState::with_seed(61).hash_one(value)
}

#[cfg(test)]
mod tests;
