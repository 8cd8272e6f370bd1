//! Chaos: a population for tests and for `local chaos`. In all five sources, every column mixes all known formats, missing
//! values, broken values and random text. The generator keeps the meaning of each cell.
//!
//! The same seed gives the same files. Tests compare with the kept meanings: staging may reject a cell, but must never read
//! another value from it.

mod cells;
mod consent;
mod database;
mod dump;
mod files;
mod hand;
mod meaning;
mod points;
mod shapes;
mod time;

pub use database::statements;
pub use dump::write_dumps;
pub use meaning::{Chaos, ConsentPlace, ConsentStatement, Fact, File, as_of};

/// The sources of a seed. One in three is legible.
pub fn make(seed: u64) -> Chaos {
    let mut making = files::begin(seed);
    consent::fill(&mut making);
    making.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_dumps_and_another_one_others() {
        let dumps = |seed| make(seed).files.iter().flat_map(|file| file.dump(seed)).collect::<Vec<u8>>();
        assert_eq!(dumps(1), dumps(1));
        assert_ne!(dumps(1), dumps(2));
    }
}
