//! Where each profile stands in `crm__customer_profiles`, found by its id without keeping the text.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::model::Uuid;
use crate::tables::Columns as _;
use crate::tables::crm::customer_profiles;

/// The profiles of a run by number: 0 is the first row of `crm__customer_profiles`.
pub struct ProfileIndex {
    ids: Vec<u128>,
    numbers: HashTable<u32>,
    hasher: FixedState,
}

impl ProfileIndex {
    /// Numbers the profiles in the order of the batches.
    pub fn new(batches: &[customer_profiles::Columns]) -> Self {
        let count = batches.iter().map(|batch| batch.len()).sum();
        let hasher = FixedState::default();
        let mut ids = Vec::with_capacity(count);
        let mut numbers = HashTable::with_capacity(count);
        for batch in batches {
            for row in 0..batch.len() {
                let id = key(batch.id(row));
                let number = u32::try_from(ids.len()).expect("fewer than four thousand million profiles");
                numbers.insert_unique(hasher.hash_one(id), number, |&other: &u32| hasher.hash_one(ids[other as usize]));
                ids.push(id);
            }
        }
        Self { ids, numbers, hasher }
    }

    /// How many profiles there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The number of the profile with this id.
    pub fn number(&self, id: &str) -> Option<u32> {
        let id = key(id);
        self.numbers.find(self.hasher.hash_one(id), |&number| self.ids[number as usize] == id).copied()
    }
}

/// Sixteen bytes of a UUID; the fingerprint of any other id, so that a foreign id is as good as ours.
fn key(id: &str) -> u128 {
    Uuid::try_parse(id).map_or_else(
        |_| {
            let hash = blake3::hash(id.as_bytes());
            let mut bytes = [0_u8; 16];
            bytes.copy_from_slice(&hash.as_bytes()[..16]);
            u128::from_be_bytes(bytes)
        },
        |id| id.as_u128(),
    )
}
