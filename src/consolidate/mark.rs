//! Hashes that stand for texts, which would take too much memory.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher as _, Hash};

/// A hash of 128 bits, so that collisions within a run are not expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u64, u64);

const SEEDS: [FixedState; 2] = [FixedState::with_seed(0x3a5c_0001), FixedState::with_seed(0x3a5c_0002)];

/// The hash of a value.
pub fn mark(value: impl Hash + Copy) -> Mark {
    Mark(SEEDS[0].hash_one(value), SEEDS[1].hash_one(value))
}
