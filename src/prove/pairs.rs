//! Pairs of a hash and a number in twelve bytes, which the proofs keep for every profile and record.

use rayon::prelude::*;

/// A hash in two halves, so that a pair takes no more bytes than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ProfilePair {
    high: u32,
    low: u32,
    number: u32,
}

impl ProfilePair {
    fn hash(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// Pairs, which are found once they are settled.
#[derive(Debug, Default)]
pub struct ProfilePairs {
    pairs: Vec<ProfilePair>,
    /// Where the pairs begin whose hash begins with the same bits; a hash spreads evenly, so that a few share them.
    starts: Vec<u32>,
    bits: u32,
}

impl ProfilePairs {
    /// Adds a pair.
    pub fn push(&mut self, hash: u64, number: u32) {
        self.pairs.push(ProfilePair { high: (hash >> 32) as u32, low: hash as u32, number });
    }

    /// Orders what was added. Of pairs with one hash all stay, those with less numbers first.
    pub fn settle(&mut self) {
        self.pairs.shrink_to_fit();
        self.pairs.par_sort_unstable();
        self.bits = (self.pairs.len() / 4).max(1).ilog2();
        let count = 1_usize << self.bits;
        self.starts = vec![0; count + 1];
        for pair in &self.pairs {
            self.starts[Self::bucket(self.bits, pair.high) + 1] += 1;
        }
        for bucket in 0..count {
            self.starts[bucket + 1] += self.starts[bucket];
        }
    }

    fn bucket(bits: u32, high: u32) -> usize {
        (u64::from(high) >> (32 - bits)) as usize
    }

    /// The place of a hash; of several pairs with it the last one's.
    pub fn find(&self, hash: u64) -> Option<u32> {
        let bucket = Self::bucket(self.bits, (hash >> 32) as u32);
        let (from, until) = (*self.starts.get(bucket)? as usize, self.starts[bucket + 1] as usize);
        let place = from + self.pairs[from..until].iter().rposition(|pair| pair.hash() == hash)?;
        u32::try_from(place).ok()
    }

    /// The number at a place.
    pub fn number(&self, place: u32) -> u32 {
        self.pairs[place as usize].number
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Hashes that several pairs have, each with its numbers.
    pub fn repeated(&self) -> impl Iterator<Item = (u64, impl Iterator<Item = u32> + '_)> + '_ {
        let groups = self.pairs.chunk_by(|a, b| a.hash() == b.hash()).filter(|group| group.len() > 1);
        groups.map(|group| (group[0].hash(), group.iter().map(|pair| pair.number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_found_with_its_number_and_no_other_is() {
        for count in [0_u32, 1, 3, 1_000] {
            let hash = |number: u32| super::super::hash(number);
            let mut pairs = ProfilePairs::default();
            (0..count).for_each(|number| pairs.push(hash(number), number));
            pairs.settle();
            let found = |number| pairs.find(hash(number)).map(|place| pairs.number(place));
            assert!((0..count).all(|number| found(number) == Some(number)));
            assert!((count..count + 100).all(|number| found(number).is_none()));
            assert_eq!(pairs.repeated().count(), 0);
        }
    }

    #[test]
    fn a_hash_of_several_pairs_has_all_their_numbers() {
        let mut pairs = ProfilePairs::default();
        [(u64::MAX, 7), (5, 1), (u64::MAX, 3)].into_iter().for_each(|(hash, number)| pairs.push(hash, number));
        pairs.settle();
        let repeated: Vec<(u64, Vec<u32>)> = pairs.repeated().map(|(hash, numbers)| (hash, numbers.collect())).collect();
        assert_eq!(repeated, [(u64::MAX, vec![3, 7])]);
        assert_eq!(pairs.find(5).map(|place| pairs.number(place)), Some(1));
    }
}
