//! Checks of the datasets alone, before the CRM is touched: links, profiles and the timeline are derived a second time from the staged
//! records. The code shares nothing with the code that wrote the datasets except the declarations.
//!
//! Rows are streamed; about a hundred bytes are kept per profile, and as many per record.

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

/// The hash of a value. Collisions are not expected for any realistic number of rows.
fn hash(value: impl Hash) -> u64 {
    FixedState::with_seed(61).hash_one(value)
}

#[cfg(test)]
mod tests;
