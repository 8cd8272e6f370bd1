//! Match threshold for contested records without a name, chosen per data set to keep expected false matches below 2.25 %. A
//! record is contested when other people of the household or other records of its source compete. A wrong merge is worse than a
//! missing one, so the threshold is as high as the data require, and no higher.

use crate::resolve::cluster::assign_nameless::{ONE, part};
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::LINK;

/// Lowest threshold: that of any link. A record assigned at it fits its person a quarter of a bit better than all others together.
pub const LOWEST: Weight = LINK;
/// Highest threshold: 6 bits, where more than nine in ten are right.
const HIGHEST: Weight = Weight::bits(6);
/// Default threshold, towards which small data sets are pulled.
const USUAL: Weight = Weight::sixteenths(LINK.in_sixteenths() + 4);
/// The default threshold counts as much as this many contested assignments.
const USUAL_PLACES: i64 = 300;
/// A contested assignment is right as often as an uncontested link of this much less weight.
const LESS: Weight = Weight::sixteenths(2);
/// Limit for the expected share of false pairs among all joined pairs, of [`ONE`]: 2.25 %. On the populations that the weights are
/// tuned on, this leaves 97 to 99 % of the pairs right.
const MAY_BE_WRONG: u64 = ONE / 10_000 * 225;
/// Expected share of false pairs among uncontested ones, of [`ONE`]: 1.25 %; between 0.5 and 1.5 % on those populations.
const UNDISPUTED_WRONG: u64 = ONE / 10_000 * 125;

/// Sixteenths between the lowest and the highest threshold.
const SIXTEENTHS: usize = (HIGHEST.in_sixteenths() - LOWEST.in_sixteenths()) as usize;

/// Counts the pairs that clusters join, and how many of them are expected to be wrong.
#[derive(Clone)]
pub struct PairTally {
    /// Pairs that are joined at every threshold.
    pairs: u64,
    /// Expected false pairs among them; of [`ONE`].
    wrong: u128,
    /// Contested assignments by match weight, in sixteenths above the lowest threshold.
    places: [u64; SIXTEENTHS],
    /// Pairs that these assignments join.
    joined: [u64; SIXTEENTHS],
}

impl Default for PairTally {
    fn default() -> Self {
        Self { pairs: 0, wrong: 0, places: [0; SIXTEENTHS], joined: [0; SIXTEENTHS] }
    }
}

impl PairTally {
    /// Adds uncontested pairs.
    pub fn add_undisputed(&mut self, pairs: u64) {
        self.pairs += pairs;
        self.wrong += u128::from(pairs) * u128::from(UNDISPUTED_WRONG);
    }

    /// Adds a contested assignment of a match weight, which joins `joins` pairs.
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

    /// The sum of both.
    pub fn and(mut self, other: &Self) -> Self {
        self.pairs += other.pairs;
        self.wrong += other.wrong;
        self.places.iter_mut().zip(&other.places).for_each(|(sum, places)| *sum += places);
        self.joined.iter_mut().zip(&other.joined).for_each(|(sum, joined)| *sum += joined);
        self
    }

    /// The lowest threshold that keeps the expected false pairs within the limit. The fewer assignments are contested, the nearer
    /// it is to the default.
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
        Weight::sixteenths(i32::try_from(nearest).expect("between the two thresholds"))
    }
}

/// The thresholds from the lowest to below the highest.
fn from_lowest() -> impl DoubleEndedIterator<Item = Weight> + ExactSizeIterator {
    (LOWEST.in_sixteenths()..HIGHEST.in_sixteenths()).map(Weight::sixteenths)
}

/// Whether the choice of threshold decides on a contested assignment of this match weight.
pub fn is_doubtful(together: Weight) -> bool {
    (LOWEST..HIGHEST).contains(&together)
}

/// Expected false pairs among those that a contested assignment joins; of [`ONE`].
fn wrong(together: Weight, pairs: u64) -> u128 {
    u128::from(pairs) * u128::from(ONE - part(together - LESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `undisputed` uncontested pairs, and per sixteenth above the lowest threshold `places` contested assignments of two pairs each.
    fn tally(undisputed: u64, places: u64) -> PairTally {
        let mut tally = PairTally::default();
        tally.add_undisputed(undisputed);
        from_lowest().for_each(|at| (0..places).for_each(|_| tally.add_place(at, 2)));
        tally
    }

    #[test]
    fn without_contested_assignments_the_default_threshold_holds() {
        assert_eq!(tally(0, 0).bar(), USUAL);
        assert_eq!(tally(1_000_000, 0).bar(), USUAL);
    }

    #[test]
    fn a_few_contested_assignments_hardly_move_the_threshold() {
        assert!((USUAL..USUAL + Weight::sixteenths(8)).contains(&tally(0, 1).bar()));
    }

    #[test]
    fn the_more_is_contested_the_higher_the_threshold() {
        let bars = [100_000_000, 1_000_000, 500_000, 300_000, 100_000, 0].map(|undisputed| tally(undisputed, 100).bar());
        assert!(bars.is_sorted() && bars[0] < USUAL && bars[5] > USUAL, "{bars:?}");
    }

    /// Oracle: the expected false pairs, summed again for each threshold.
    #[test]
    fn the_threshold_is_the_lowest_with_the_tolerated_share_of_false_links() {
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
    fn the_order_of_counts_does_not_matter() {
        let (a, b) = (tally(1_000, 3), tally(90_000, 40));
        assert_eq!(a.clone().and(&b).bar(), b.and(&a).bar());
    }
}
