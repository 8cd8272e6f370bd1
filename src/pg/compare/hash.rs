//! Hashes of values and rows. They are stored in `backfill.written`, so they must be the same in every version of this program.

const SECRET: [u64; 4] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];

/// Both halves of a product, folded.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Up to eight bytes as one number.
fn part(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The hash of a text or any other bytes.
pub fn of_bytes(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = seed ^ fold(seed ^ SECRET[0], SECRET[1]);
    let mut rest = bytes;
    while rest.len() > 16 {
        state = fold(word(rest) ^ SECRET[1], word(&rest[8..]) ^ state);
        rest = &rest[16..];
    }
    let (a, b) = match rest.len() {
        16 => (word(rest), word(&rest[8..])),
        9..=15 => (word(rest), part(&rest[8..])),
        8 => (word(rest), 0),
        _ => (part(rest), 0),
    };
    fold(SECRET[0] ^ bytes.len() as u64, fold(a ^ SECRET[1], b ^ state))
}

/// The hash of one number.
pub fn of_word(seed: u64, number: u64) -> u64 {
    fold(number ^ SECRET[2], fold(seed ^ SECRET[0], SECRET[3]) ^ SECRET[1])
}

/// A hash of numbers in their order, added one by one.
#[derive(Clone, Copy)]
pub struct Mixer {
    state: u64,
    count: u64,
}

impl Mixer {
    /// An empty sequence.
    pub fn new(seed: u64) -> Self {
        Self { state: fold(seed ^ SECRET[0], SECRET[3]), count: 0 }
    }

    /// Adds a number.
    pub fn add(&mut self, number: u64) {
        self.state = fold(number ^ SECRET[2], self.state ^ SECRET[1]).wrapping_add(SECRET[0]);
        self.count += 1;
    }

    /// The hash of the sequence.
    pub fn finish(self) -> u64 {
        fold(self.state ^ SECRET[3], self.count ^ SECRET[0])
    }
}

/// A hash of numbers in their order, of 128 bits so that chance collisions are practically excluded.
pub fn wide(seed: u64, numbers: impl Iterator<Item = u64>) -> u128 {
    let (mut high, mut low) = (Mixer::new(seed), Mixer::new(!seed));
    for number in numbers {
        high.add(number);
        low.add(number);
    }
    u128::from(high.finish()) << 64 | u128::from(low.finish())
}

/// A hash of texts in their order, by which damage is noticed.
pub fn sealed(texts: &[&[u8]]) -> u128 {
    wide(61, texts.iter().map(|text| of_bytes(62, text)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn hashes_are_the_same_in_every_version() {
        assert_eq!(of_bytes(11, b""), HASH_OF_NOTHING);
        assert_eq!(of_bytes(11, b"anna@mail.test, of more than sixteen bytes"), HASH_OF_TEXT);
        assert_eq!(of_word(13, 1), HASH_OF_ONE);
        assert_eq!(wide(51, [1, 2, 3].into_iter()), HASH_OF_THREE);
    }

    const HASH_OF_NOTHING: u64 = 0x0e12_b4ba_0960_795d;
    const HASH_OF_TEXT: u64 = 0x1471_cc8c_b031_3f26;
    const HASH_OF_ONE: u64 = 0xd7a2_6c10_fe63_e335;
    const HASH_OF_THREE: u128 = 0x7460_a475_2892_41a9_a82b_8116_248e_f3f6;

    #[test]
    fn texts_of_every_length_and_any_changed_byte_differ() {
        let mut seen = HashSet::new();
        for length in 0..70_usize {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert!(seen.insert(of_bytes(11, &text)), "{length}");
            for at in 0..length {
                for bit in 0..8 {
                    let mut other = text.clone();
                    other[at] ^= 1 << bit;
                    assert!(seen.insert(of_bytes(11, &other)), "{length} {at} {bit}");
                }
            }
        }
    }

    #[test]
    fn bits_of_numbers_spread() {
        let mut seen = HashSet::new();
        for number in 0..100_000_u64 {
            assert!(seen.insert(of_word(13, number)) && seen.insert(of_word(12, number)));
        }
        let ones: u32 = (0..10_000).map(|number| (of_word(13, number) ^ of_word(13, number ^ 1)).count_ones()).sum();
        assert!((310_000..330_000).contains(&ones), "{ones}");
        assert_ne!(wide(51, [1, 2].into_iter()), wide(51, [2, 1].into_iter()));
        assert_ne!(wide(51, [0].into_iter()), wide(51, [0, 0].into_iter()));
    }
}
