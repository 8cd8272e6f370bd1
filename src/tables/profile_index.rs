//! Numbers the profiles by their position in `crm__customer_profiles`, without keeping the text of their ids.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

use crate::model::{ProfileIx, Uuid};
use crate::tables::Columns as _;
use crate::tables::crm::customer_profiles;

/// The profiles of a run by position: 0 is the first row of `crm__customer_profiles`.
#[derive(Default)]
pub struct ProfileIndex {
    ids: Vec<u128>,
    positions: HashTable<ProfileIx>,
    hasher: FixedState,
    /// Ids that are not written as ours are.
    foreign: HashMap<ProfileIx, Box<str>, FixedState>,
}

impl ProfileIndex {
    /// The positions, in the order of the batches.
    pub fn new(batches: &[customer_profiles::Columns]) -> Self {
        let mut index = Self::with_room(batches.iter().map(|batch| batch.len()).sum());
        batches.iter().for_each(|batch| index.add(batch));
        index
    }

    /// Empty, with room for so many profiles.
    pub fn with_room(count: usize) -> Self {
        Self { ids: Vec::with_capacity(count), positions: HashTable::with_capacity(count), ..Self::default() }
    }

    /// Takes in the next batch.
    pub fn add(&mut self, batch: &customer_profiles::Columns) {
        for row in 0..batch.len() {
            let text = batch.id(row);
            let id = key(text);
            let profile = ProfileIx::at(self.ids.len());
            if &*Uuid::from_u128(id).hyphenated().encode_lower(&mut Uuid::encode_buffer()) != text {
                self.foreign.insert(profile, text.into());
            }
            let (ids, hasher) = (&self.ids, &self.hasher);
            self.positions.insert_unique(hasher.hash_one(id), profile, |other| hasher.hash_one(ids[other.index()]));
            self.ids.push(id);
        }
    }

    /// Calls back with the id of a profile as its row has it.
    pub fn with_id<T>(&self, profile: ProfileIx, visit: impl FnOnce(&str) -> T) -> T {
        match self.foreign.get(&profile) {
            Some(id) => visit(id),
            None => visit(Uuid::from_u128(self.ids[profile.index()]).hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        }
    }

    /// Number of profiles.
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
        self.positions.find(self.hasher.hash_one(id), |profile| self.ids[profile.index()] == id).copied()
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
