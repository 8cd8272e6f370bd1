//! Checks the datasets before the CRM is touched: links, profiles, consent and the timeline are derived a second time from
//! the staged records. The code shares nothing with the code that wrote the datasets except the declarations.
//!
//! Rows are streamed. About 120 bytes are kept per profile and about 40 per record.

pub mod accounts;
pub mod consent;
pub mod duplicates;
pub mod expectations;
pub mod fields;
mod finding;
pub mod links;
mod pairs;
pub mod profiles;
pub mod timeline;

pub use finding::{Finding, ProofTally};
pub use profiles::{ProfilePlace, Profiles, RecordProfiles};

use std::hash::{BuildHasher as _, Hash};
use std::num::NonZeroU32;

use foldhash::quality::FixedState;

/// The hash of a value. Collisions are not expected for any realistic number of rows.
fn hash(value: impl Hash) -> u64 {
    FixedState::with_seed(61).hash_one(value)
}

/// Half a hash, for a value that is compared with one expected value: a wrong value passes once in four thousand million.
pub type Short = NonZeroU32;

fn short(value: &str) -> Short {
    NonZeroU32::new((hash(value) >> 32) as u32).unwrap_or(NonZeroU32::MAX)
}

#[cfg(test)]
mod tests;
