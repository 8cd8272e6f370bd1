//! Compares different numbers of one register: a typing error, the next number, or another golfer's.

use crate::model::RecordIx;
use crate::resolve::compare::spelling::one_edit;
use crate::resolve::population::{KeyKind, Population};

/// The relation of two different numbers of one register; the better ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NumberMatch {
    /// One typing error apart.
    Slip,
    /// Only the last digit differs: a typing error, or the next number of the register, for example a relative's.
    Neighbour,
    /// Two numbers.
    Different,
}

impl NumberMatch {
    /// Compares two different numbers.
    pub fn of(x: &str, y: &str) -> Self {
        let (x, y) = (x.as_bytes(), y.as_bytes());
        if !one_edit(x, y) {
            Self::Different
        } else if x.len() == y.len() && x[..x.len() - 1] == y[..y.len() - 1] {
            Self::Neighbour
        } else {
            Self::Slip
        }
    }
}

/// The best relation of the different numbers of two records.
pub fn compare_numbers(population: &Population, kind: KeyKind, a: RecordIx, b: RecordIx) -> NumberMatch {
    let matches = population.values(kind, a).flat_map(|x| {
        let x = population.text(kind, x);
        population.values(kind, b).map(move |y| NumberMatch::of(&x, &population.text(kind, y)))
    });
    matches.min().unwrap_or(NumberMatch::Different)
}

/// Whether a number of one record is one edit away from a number of the other.
pub fn numbers_are_near(population: &Population, kind: KeyKind, a: RecordIx, b: RecordIx) -> bool {
    compare_numbers(population, kind, a, b) != NumberMatch::Different
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_another_last_digit_may_be_the_next_of_the_register() {
        assert_eq!(NumberMatch::of("2700112233", "2700112234"), NumberMatch::Neighbour);
        for slip in ["2700112323", "2700112133", "270112233", "27001122333"] {
            assert_eq!(NumberMatch::of("2700112233", slip), NumberMatch::Slip, "{slip}");
        }
        assert_eq!(NumberMatch::of("2700112233", "2700998877"), NumberMatch::Different);
    }
}
