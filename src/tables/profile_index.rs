//! Numbers the profiles by their position in `crm__customer_profiles`, without keeping the text of their ids.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::model::{ProfileIx, Uuid};
use crate::tables::Columns as _;
use crate::tables::crm::customer_profiles;

/// The profiles of a run by position: 0 is the first row of `crm__customer_profiles`.
pub struct ProfileIndex {
    ids: Vec<u128>,
    positions: HashTable<ProfileIx>,
    hasher: FixedState,
}

impl ProfileIndex {
    /// Positions in the order of the batches.
    pub fn new(batches: &[customer_profiles::Columns]) -> Self {
        let count = batches.iter().map(|batch| batch.len()).sum();
        let hasher = FixedState::default();
        let mut ids = Vec::with_capacity(count);
        let mut positions = HashTable::with_capacity(count);
        for batch in batches {
            for row in 0..batch.len() {
                let id = key(batch.id(row));
                let position = ProfileIx::at(ids.len());
                positions.insert_unique(hasher.hash_one(id), position, |other: &ProfileIx| hasher.hash_one(ids[other.index()]));
                ids.push(id);
            }
        }
        Self { ids, positions, hasher }
    }

    /// How many profiles there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The position of the profile with this id.
    pub fn position(&self, id: &str) -> Option<ProfileIx> {
        let id = key(id);
        self.positions.find(self.hasher.hash_one(id), |position| self.ids[position.index()] == id).copied()
    }
}

/// The sixteen bytes of a UUID, or the fingerprint of any other id.
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
