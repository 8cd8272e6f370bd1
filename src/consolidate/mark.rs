//! What stands for a text, or for several, where keeping them would cost too much memory.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher as _, Hash};

/// A hundred and twenty-eight bits: no two texts of a run are expected to share them, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u64, u64);

const SEEDS: [FixedState; 2] = [FixedState::with_seed(0x3a5c_0001), FixedState::with_seed(0x3a5c_0002)];

/// The mark of something.
pub fn mark(value: impl Hash + Copy) -> Mark {
    Mark(SEEDS[0].hash_one(value), SEEDS[1].hash_one(value))
}
