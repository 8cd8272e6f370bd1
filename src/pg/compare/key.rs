//! The id of a row, in 128 bits.

use std::fmt;

use crate::pg::compare::hash::{of_bytes, wide};
use crate::pg::compare::sums::ODD;

/// One of our ids as a UUID; any other id as a hash of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdKey(u128);

/// The first two bytes of ids of ours.
const OURS: u128 = 0xbf11;

impl IdKey {
    /// The key of an id. Only the lower-case form with hyphens counts as a UUID, because a text column distinguishes spellings.
    pub fn of(id: &[u8]) -> Self {
        canonical(id).filter(|bits| bits >> 112 == OURS).map_or_else(
            || {
                let low = of_bytes(21, id);
                let high = of_bytes(22, id);
                Self((u128::from(high) << 64 | u128::from(low)) & !(0xffff << 112))
            },
            Self,
        )
    }

    /// The key of a row that several columns identify, from the hashes of their values. Such keys spread over the buckets as our
    /// ids do.
    pub fn of_parts(hashes: impl Iterator<Item = u64>) -> Self {
        Self(OURS << 112 | wide(41, hashes) & !(0xffff << 112))
    }

    /// The bucket of its row: the bits after the common prefix of our ids.
    pub fn bucket(self) -> u32 {
        if self.is_plain() { u32::try_from(self.0 >> 96 & 0xffff).unwrap_or(ODD) } else { ODD }
    }

    /// Whether the id is one of our UUIDs.
    pub fn is_plain(self) -> bool {
        self.0 >> 112 == OURS
    }

    /// Its bits.
    pub fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            uuid::Uuid::from_u128(self.0).hyphenated().fmt(f)
        } else {
            f.write_str("(an id that is not a UUID)")
        }
    }
}

fn canonical(id: &[u8]) -> Option<u128> {
    if id.len() != 36 {
        return None;
    }
    let mut bits = 0_u128;
    for (at, byte) in id.iter().enumerate() {
        let digit = match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        bits = bits << 4 | u128::from(digit);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_ours_keeps_its_bits_and_its_spelling() {
        let id = "bf110a0b-0c0d-8e0f-9011-121314151617";
        let key = IdKey::of(id.as_bytes());
        assert_eq!(key.to_string(), id);
        assert_eq!(key.bucket(), 0x0a0b);
    }

    #[test]
    fn keys_of_several_columns_spread_over_the_buckets() {
        let buckets: std::collections::BTreeSet<u32> =
            (0..1000).map(|number| IdKey::of_parts([7, number].into_iter()).bucket()).collect();
        assert!(buckets.len() > 950 && !buckets.contains(&ODD), "{}", buckets.len());
        assert_ne!(IdKey::of_parts([1, 2].into_iter()), IdKey::of_parts([2, 1].into_iter()));
    }

    #[test]
    fn other_spellings_are_other_ids() {
        let plain = IdKey::of(b"bf110a0b-0c0d-8e0f-9011-121314151617");
        for id in
            ["BF110A0B-0C0D-8E0F-9011-121314151617", "bf110a0b0c0d8e0f9011121314151617", "bf11zzzz-0c0d-8e0f-9011-121314151617"]
        {
            let key = IdKey::of(id.as_bytes());
            assert!(key != plain && !key.is_plain() && key.bucket() == ODD, "{id}");
        }
    }
}
