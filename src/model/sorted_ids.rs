//! UUIDs in their order, each found at its position.

/// Bits that the ids of this program have in common ([`crate::model::derived_id`]).
const PREFIX: u32 = 16;

/// Ids in ascending order. Ids that are hashes spread evenly, so that one is found among the few that begin with the same bits; others
/// are found as well, only later.
#[derive(Clone, Debug, Default)]
pub struct SortedIds {
    ids: Vec<u128>,
    /// Positions of the first ids of each bucket, and the end of the last one.
    starts: Vec<u32>,
    bits: u32,
}

impl SortedIds {
    /// Takes ids in ascending order, each once.
    ///
    /// # Panics
    /// If there are 2³² or more.
    pub fn new(ids: Vec<u128>) -> Self {
        debug_assert!(ids.is_sorted_by(|a, b| a < b));
        let count = u32::try_from(ids.len()).expect("ids are counted in 32 bits");
        let prefix = |id: &u128| id >> (u128::BITS - PREFIX);
        let is_common = ids.first().map(prefix) == ids.last().map(prefix);
        let bits = if is_common { (count / 2).max(1).ilog2() } else { 0 };
        let mut starts = vec![count; (1 << bits) + 1];
        for (position, id) in (0..count).zip(&ids).rev() {
            starts[bucket(*id, bits)] = position;
        }
        // A bucket without ids begins where the next one does.
        for place in (0..starts.len() - 1).rev() {
            starts[place] = starts[place].min(starts[place + 1]);
        }
        Self { ids, starts, bits }
    }

    /// The position of an id.
    pub fn find(&self, id: u128) -> Option<usize> {
        let bucket = bucket(id, self.bits);
        let (from, until) = (*self.starts.get(bucket)? as usize, self.starts[bucket + 1] as usize);
        self.ids[from..until].binary_search(&id).ok().map(|place| from + place)
    }

    /// The ids.
    pub fn all(&self) -> &[u128] {
        &self.ids
    }
}

fn bucket(id: u128, bits: u32) -> usize {
    ((id << PREFIX) >> (u128::BITS - bits.max(1))) as usize * usize::from(bits > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_is_found_at_its_position_and_no_other_is(
            mut ids in prop::collection::vec(any::<u128>(), 0..200),
            has_prefix in any::<bool>(),
            other in any::<u128>(),
        ) {
            if has_prefix {
                ids.iter_mut().for_each(|id| *id = *id >> PREFIX | 0xbf11 << (u128::BITS - PREFIX));
            }
            ids.sort_unstable();
            ids.dedup();
            let sorted = SortedIds::new(ids.clone());
            for (position, id) in ids.iter().enumerate() {
                prop_assert_eq!(sorted.find(*id), Some(position));
            }
            prop_assert_eq!(sorted.find(other), ids.binary_search(&other).ok());
            prop_assert_eq!(sorted.all(), ids.as_slice());
        }
    }

    #[test]
    fn no_id_is_found_among_none() {
        assert_eq!(SortedIds::default().find(1), None);
        assert_eq!(SortedIds::new(Vec::new()).find(1), None);
    }
}
