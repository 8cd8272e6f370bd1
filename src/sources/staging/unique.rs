//! Detects duplicate ids, without memory as long as ids ascend.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use crate::model::{RecordKey, Source, record_order};

/// Whether an id is a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdVerdict {
    /// It did not occur before.
    New,
    /// It occurred before.
    Duplicate,
    /// The ids do not ascend, so the earlier ids must be [`Uniqueness::remember`]ed first.
    OutOfOrder,
}

/// Checks the ids of one entity. Exports are sorted by id, so only the last id is remembered. For other input the earlier ids are
/// read again and kept as 128-bit fingerprints.
#[derive(Default)]
pub struct Uniqueness {
    last: Option<String>,
    seen: Option<HashSet<(u64, u64), FixedState>>,
}

const SEEDS: [FixedState; 2] = [FixedState::with_seed(0x5eed_0001), FixedState::with_seed(0x5eed_0002)];

impl Uniqueness {
    /// Checks the next id.
    pub fn check(&mut self, id: &str) -> IdVerdict {
        if let Some(seen) = &mut self.seen {
            return if seen.insert(fingerprint(id)) { IdVerdict::New } else { IdVerdict::Duplicate };
        }
        match self.last.as_deref().map(|last| order(last, id)) {
            None | Some(Ordering::Less) => {
                let last = self.last.get_or_insert_default();
                last.clear();
                last.push_str(id);
                IdVerdict::New
            }
            Some(Ordering::Equal) => IdVerdict::Duplicate,
            Some(Ordering::Greater) => IdVerdict::OutOfOrder,
        }
    }

    /// Starts to remember ids, the given earlier ones first.
    pub fn remember<'a>(&mut self, earlier: impl IntoIterator<Item = &'a str>) {
        self.seen.get_or_insert_default().extend(earlier.into_iter().map(fingerprint));
    }
}

fn order(a: &str, b: &str) -> Ordering {
    // The source does not matter, only the ids differ.
    record_order(RecordKey { source: Source::McaZa, id: a }, RecordKey { source: Source::McaZa, id: b })
}

fn fingerprint(id: &str) -> (u64, u64) {
    (SEEDS[0].hash_one(id), SEEDS[1].hash_one(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascending_ids_need_no_memory_and_equal_neighbours_are_found() {
        let mut ids = Uniqueness::default();
        let verdicts: Vec<_> = ["2", "9", "10", "10", "a"].iter().map(|id| ids.check(id)).collect();
        assert_eq!(verdicts, [IdVerdict::New, IdVerdict::New, IdVerdict::New, IdVerdict::Duplicate, IdVerdict::New]);
        assert!(ids.seen.is_none());
    }

    #[test]
    fn out_of_order_ids_are_judged_once_the_earlier_ones_are_remembered() {
        let mut ids = Uniqueness::default();
        assert_eq!(ids.check("b"), IdVerdict::New);
        assert_eq!(ids.check("a"), IdVerdict::OutOfOrder);
        ids.remember(["b"]);
        assert_eq!(ids.check("a"), IdVerdict::New);
        assert_eq!(ids.check("b"), IdVerdict::Duplicate);
    }
}
