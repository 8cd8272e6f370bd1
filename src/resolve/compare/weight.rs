//! Match weights: the evidence, in bits, that two records are the same person (positive) or two people (negative).

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// A number of bits, held in sixteenths, so that sums are integers and equal on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(i32);

impl Weight {
    /// No evidence either way.
    pub const ZERO: Self = Self(0);

    /// A whole number of bits.
    pub const fn bits(bits: i32) -> Self {
        Self(bits * 16)
    }

    /// A number of sixteenths of a bit.
    pub const fn sixteenths(sixteenths: i32) -> Self {
        Self(sixteenths)
    }

    /// A number of bits, rounded to the nearest sixteenth.
    pub const fn rounded(bits: f64) -> Self {
        Self((bits * 16.0 + if bits < 0.0 { -0.5 } else { 0.5 }) as i32)
    }

    /// log2 in sixteenths, computed with integers so that every machine gives the same result.
    pub fn log2(value: u64) -> Self {
        let whole = 63 - value.max(1).leading_zeros();
        let mut square = (u128::from(value.max(1)) << 32) >> whole;
        let mut sixteenths = i32::try_from(whole).expect("below 64") * 16;
        for step in [8, 4, 2, 1] {
            square = (square * square) >> 32;
            if square >= 2 << 32 {
                square >>= 1;
                sixteenths += step;
            }
        }
        Self(sixteenths)
    }

    /// The number of sixteenths, as in the datasets.
    pub const fn in_sixteenths(self) -> i32 {
        self.0
    }

    /// The number of bits.
    pub fn in_bits(self) -> f64 {
        f64::from(self.0) / 16.0
    }

    /// Appends the bits as text, to one decimal: `+4.5`.
    pub fn push_to(self, text: &mut String) {
        let tenths = (self.0 * 10 + if self.0 < 0 { -8 } else { 8 }) / 16;
        text.push(if tenths < 0 { '-' } else { '+' });
        let whole = tenths.unsigned_abs() / 10;
        match u8::try_from(whole) {
            Ok(digit @ 0..10) => text.push(char::from(b'0' + digit)),
            _ => text.push_str(&whole.to_string()),
        }
        text.push('.');
        text.push(char::from(b'0' + (tenths.unsigned_abs() % 10) as u8));
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.push_to(&mut text);
        f.pad(&text)
    }
}

impl Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Weight {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Weight {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Weight {
    fn sum<I: Iterator<Item = Self>>(weights: I) -> Self {
        weights.fold(Self::ZERO, Self::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_print_in_bits_to_one_decimal() {
        let shown = [72, -11, 0, 100 * 16].map(|sixteenths| Weight::sixteenths(sixteenths).to_string());
        assert_eq!(shown, ["+4.5", "-0.7", "+0.0", "+100.0"]);
    }

    #[test]
    fn bits_are_rounded_to_the_nearest_sixteenth() {
        assert_eq!([4.5, -1.6, -0.7, 5.6].map(|bits| Weight::rounded(bits).in_sixteenths()), [72, -26, -11, 90]);
    }

    #[test]
    fn sixteenths_of_log2_are_those_of_real_numbers() {
        for value in [1u64, 2, 3, 10, 511, 512, 513, 1_000_000, 27_000_000] {
            let real = ((value as f64).log2() * 16.0).floor();
            assert!((f64::from(Weight::log2(value).in_sixteenths()) - real).abs() < 1.5, "{value}");
        }
    }
}
