//! The demo: an invented population, its ground truth, and the databases of all sources.
//!
//! [`Community`] is the ground truth: people, households, emails, phones. [`DemoRecords`] are the records of five sources about them,
//! including data errors. A record is a function of (seed, source, number), so the same seed, scale and as_of give the same bytes.
//! Everything is invented: names are drawn from lists, emails use domains that cannot exist.

pub mod chaos;
mod community;
mod crm;
mod folder;
mod mca;
mod messaging;
mod names;
mod populate;
mod population;
mod random;
mod records;
mod rows;
mod scl;
mod spellings;
mod teetime;
pub mod truth;

pub use community::Community;
pub use folder::{Marker, clear, refuse_foreign};
pub use populate::{database, empty_crm, fill, populate};
pub use population::DemoPopulation;
pub use records::{DemoRecord, DemoRecords};
pub use rows::Filled;

use crate::model::Timestamp;

/// The default as_of of the demo. With a fixed one the demo is the same every day.
pub fn default_as_of() -> Timestamp {
    Timestamp::parse("2026-11-01T06:00:00Z").expect("a valid instant")
}

/// The people records of all five sources, each with its true person. Needs no database.
pub fn people(population: &DemoPopulation, seed: u64, scale: f64) -> DemoRecords {
    DemoRecords::new(Community::new(population, seed, scale, default_as_of()))
}

/// A random instant between two instants, both included.
fn between(draws: &mut random::Draws, first: Timestamp, last: Timestamp) -> Timestamp {
    Timestamp(draws.between(first.0.min(last.0), last.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code as _, Source};

    #[test]
    fn the_same_seed_gives_the_same_records_and_another_one_others() {
        let all = |seed| {
            let records = people(&DemoPopulation::ORDINARY, seed, 0.005);
            Source::ALL.iter().flat_map(|source| records.of(*source).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let one = all(1);
        assert_eq!(one, all(1));
        assert_ne!(one, all(2));
        assert_eq!(one.len(), 250 + 150 + 50 + 500 + 400);
    }
}
