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

/// The bits of a UUID in lower case with hyphens, eight digits at once.
fn canonical(id: &[u8]) -> Option<u128> {
    let id: &[u8; 36] = id.try_into().ok()?;
    if [8, 13, 18, 23].iter().any(|at| id[*at] != b'-') {
        return None;
    }
    let eight = |first: usize, second: usize| {
        let mut digits = [0; 8];
        digits[..4].copy_from_slice(&id[first..first + 4]);
        digits[4..].copy_from_slice(&id[second..second + 4]);
        hexadecimal(digits).map(u128::from)
    };
    Some(eight(0, 4)? << 96 | eight(9, 14)? << 64 | eight(19, 24)? << 32 | eight(28, 32)?)
}

/// The number of eight digits `0`–`9`, `a`–`f`, one in each byte of a word.
fn hexadecimal(digits: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let written = u64::from_be_bytes(digits);
    // Letters have bit 6, and end in 1 to 6.
    let values = (written & (ONES * 0x0f)) + (written >> 6 & ONES) * 9;
    let letters = (values + ONES * 6) >> 4 & ONES;
    let again = values + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10);
    if values & (ONES * 0xf0) != 0 || again != written {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, digit by digit.
    fn one_by_one(id: &[u8]) -> Option<u128> {
        let is_written = id.len() == 36
            && id.iter().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        let digits: String = id.iter().filter(|byte| **byte != b'-').map(|byte| char::from(*byte)).collect();
        is_written.then(|| u128::from_str_radix(&digits, 16).unwrap())
    }

    proptest! {
        #[test]
        fn digits_are_read_eight_at_once_as_one_by_one(bits in any::<u128>(), at in 0..36_usize, other in any::<u8>()) {
            let mut id = uuid::Uuid::from_u128(bits).hyphenated().to_string().into_bytes();
            prop_assert_eq!(canonical(&id), Some(bits));
            id[at] = other;
            prop_assert_eq!(canonical(&id), one_by_one(&id));
        }
    }

    #[test]
    fn every_byte_at_any_place_is_a_digit_or_none() {
        for (at, byte) in (0..8).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
            let mut digits = *b"00000000";
            digits[at] = byte;
            let expected = std::str::from_utf8(&digits).ok().filter(|_| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            assert_eq!(hexadecimal(digits), expected.map(|text| u32::from_str_radix(text, 16).unwrap()), "{at} {byte}");
        }
    }

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
