//! How much must speak for a nameless record's place when others of the household, or other records of its source, dispute it. A wrong
//! merge is worse than a missing one, so the bar is as high as these data need for nearly all joined pairs to be right, and no higher.

use crate::resolve::cluster::assign_nameless::{ONE, part};
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::LINK;

/// The lowest bar: what any link needs. Whoever is placed by it fits a quarter of a bit better than all others together.
pub const LOWEST: Weight = LINK;
/// The highest: 6 bits, where more than nine in ten are right.
const HIGHEST: Weight = Weight::bits(6);
/// What few data say little against.
const USUAL: Weight = Weight::sixteenths(LINK.in_sixteenths() + 4);
/// So many disputed places weigh as much as the usual bar.
const USUAL_PLACES: i64 = 300;
/// A disputed place is right as often as evidence of so much less is.
const LESS: Weight = Weight::sixteenths(2);
/// So many of all joined pairs may be expected to be wrong, of [`ONE`]: 2.25 %. On the populations that weights are tuned on, between
/// 97 and 99 % are right then.
const MAY_BE_WRONG: u64 = ONE / 10_000 * 225;
/// So many are wrong where nothing is disputed, of [`ONE`]: on those populations between 0.5 and 1.5 %.
const UNDISPUTED_WRONG: u64 = ONE / 10_000 * 125;

/// Sixteenths between the two.
const SIXTEENTHS: usize = (HIGHEST.in_sixteenths() - LOWEST.in_sixteenths()) as usize;

/// Counts the pairs that clusters join, and how many of them are expected to be wrong.
#[derive(Clone)]
pub struct Tally {
    /// Pairs that no bar keeps apart.
    pairs: u64,
    /// Those that are expected to be wrong; of [`ONE`].
    wrong: u128,
    /// Disputed places, by the evidence above the lowest bar.
    places: [u64; SIXTEENTHS],
    /// The pairs that these join.
    joined: [u64; SIXTEENTHS],
}

impl Default for Tally {
    fn default() -> Self {
        Self { pairs: 0, wrong: 0, places: [0; SIXTEENTHS], joined: [0; SIXTEENTHS] }
    }
}

impl Tally {
    /// Pairs that nothing disputes.
    pub fn add_undisputed(&mut self, pairs: u64) {
        self.pairs += pairs;
        self.wrong += u128::from(pairs) * u128::from(UNDISPUTED_WRONG);
    }

    /// A disputed place with so much evidence, which joins so many pairs.
    pub fn add_place(&mut self, together: Weight, joins: u64) {
        match usize::try_from((together - LOWEST).in_sixteenths()) {
            Ok(above) if above < SIXTEENTHS => {
                self.places[above] += 1;
                self.joined[above] += joins;
            }
            _ => {
                self.pairs += joins;
                self.wrong += wrong(together, joins);
            }
        }
    }

    /// Both together.
    pub fn and(mut self, other: &Self) -> Self {
        self.pairs += other.pairs;
        self.wrong += other.wrong;
        self.places.iter_mut().zip(&other.places).for_each(|(sum, places)| *sum += places);
        self.joined.iter_mut().zip(&other.joined).for_each(|(sum, joined)| *sum += joined);
        self
    }

    /// The lowest bar at which no more pairs are expected to be wrong than may be; the fewer places are disputed, the nearer the usual
    /// one.
    pub fn bar(&self) -> Weight {
        let (mut pairs, mut expected, mut bar) = (self.pairs, self.wrong, HIGHEST);
        for (at, joined) in from_lowest().zip(self.joined).rev() {
            pairs += joined;
            expected += wrong(at, joined);
            if expected <= u128::from(pairs) * u128::from(MAY_BE_WRONG) {
                bar = at;
            }
        }
        let places = i64::try_from(self.places.iter().sum::<u64>()).expect("places are records");
        let weighed = i64::from(bar.in_sixteenths()) * places + i64::from(USUAL.in_sixteenths()) * USUAL_PLACES;
        let nearest = (weighed * 2 + places + USUAL_PLACES) / (2 * (places + USUAL_PLACES));
        Weight::sixteenths(i32::try_from(nearest).expect("between two bars"))
    }
}

/// The bars from the lowest to below the highest.
fn from_lowest() -> impl DoubleEndedIterator<Item = Weight> + ExactSizeIterator {
    (LOWEST.in_sixteenths()..HIGHEST.in_sixteenths()).map(Weight::sixteenths)
}

/// Whether the bar decides on a disputed place with so much evidence.
pub fn is_doubtful(together: Weight) -> bool {
    (LOWEST..HIGHEST).contains(&together)
}

/// Of so many pairs that a disputed place joins the part expected to be wrong; of [`ONE`].
fn wrong(together: Weight, pairs: u64) -> u128 {
    u128::from(pairs) * u128::from(ONE - part(together - LESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pairs that nothing disputes, and per sixteenth above the lowest bar so many disputed places that join two pairs each.
    fn tally(undisputed: u64, places: u64) -> Tally {
        let mut tally = Tally::default();
        tally.add_undisputed(undisputed);
        from_lowest().for_each(|at| (0..places).for_each(|_| tally.add_place(at, 2)));
        tally
    }

    #[test]
    fn without_disputed_places_the_bar_is_the_usual_one() {
        assert_eq!(tally(0, 0).bar(), USUAL);
        assert_eq!(tally(1_000_000, 0).bar(), USUAL);
    }

    #[test]
    fn a_few_disputed_places_hardly_move_it() {
        assert!((USUAL..USUAL + Weight::sixteenths(8)).contains(&tally(0, 1).bar()));
    }

    #[test]
    fn the_more_is_disputed_the_higher_the_bar() {
        let bars = [100_000_000, 1_000_000, 500_000, 300_000, 100_000, 0].map(|undisputed| tally(undisputed, 100).bar());
        assert!(bars.is_sorted() && bars[0] < USUAL && bars[5] > USUAL, "{bars:?}");
    }

    /// Oracle: the expectation summed up anew for each bar.
    #[test]
    fn at_the_bar_no_more_pairs_are_expected_to_be_wrong_than_may_be_and_a_sixteenth_lower_there_are() {
        let undisputed = 4_000_000;
        let expected = |bar: Weight| {
            let places: Vec<Weight> =
                from_lowest().filter(|&at| at >= bar).flat_map(|at| std::iter::repeat_n(at, 10_000)).collect();
            let right = |at: Weight| 1.0 / (1.0 + (2.0 - (at - LESS).in_bits()).exp2());
            let wrong: f64 = places.iter().map(|&at| 2.0 * (1.0 - right(at))).sum();
            (wrong + 0.0125 * f64::from(undisputed)) / (f64::from(undisputed) + 2.0 * places.len() as f64)
        };
        let bar = tally(undisputed.try_into().unwrap(), 10_000).bar();
        let below = bar - Weight::sixteenths(1);
        assert!(below >= LOWEST && bar < HIGHEST, "{bar}");
        assert!(expected(bar) <= 0.0225 && expected(below) > 0.0225, "{} {}", expected(bar), expected(below));
    }

    #[test]
    fn whose_count_comes_first_does_not_matter() {
        let (a, b) = (tally(1_000, 3), tally(90_000, 40));
        assert_eq!(a.clone().and(&b).bar(), b.and(&a).bar());
    }
}
