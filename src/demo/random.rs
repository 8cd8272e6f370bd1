//! Reproducible random numbers: every draw is a function of the seed, a name, and a number.

/// A stream of draws. The same seed, name and number give the same draws on every machine and thread.
#[derive(Clone, Debug)]
pub struct Draws(u64);

/// The finalizer of SplitMix64: every bit of the input moves every bit of the output.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Draws {
    /// The stream for a name and number.
    pub fn of(seed: u64, what: &str, number: u64) -> Self {
        let named = what.bytes().fold(mix(seed ^ 0x5bd1_e995), |state, byte| mix(state ^ u64::from(byte)));
        Self(mix(named ^ mix(number)))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u128::from(high.abs_diff(low)) + 1;
        low + ((u128::from(self.bits()) * span) >> 64) as i64
    }

    /// `true` with this probability.
    pub fn chance(&mut self, share: f64) -> bool {
        // 2^-53: the value is exact in a double, so it does not depend on rounding.
        ((self.bits() >> 11) as f64) * (1.0 / 9_007_199_254_740_992.0) < share
    }

    /// One of several with equal probability.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// One of several, with probabilities by weight.
    pub fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: u32 = from.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.below(total as usize) as u32;
        for (value, weight) in from {
            if drawn < *weight {
                return *value;
            }
            drawn -= weight;
        }
        from[0].0
    }

    /// A number of random decimal digits.
    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    /// A random UUID (version 4) as text.
    pub fn uuid(&mut self) -> String {
        let bits = (u128::from(self.bits()) << 64) | u128::from(self.bits());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// Shuffles a list.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// A distribution over indices.
#[derive(Clone, Debug)]
pub struct Weights(Vec<u64>);

impl Weights {
    /// A distribution with one weight per index.
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let mut total = 0;
        Self(
            weights
                .into_iter()
                .map(|weight| {
                    total += weight;
                    total
                })
                .collect(),
        )
    }

    /// A Zipf distribution: the weight of the n-th is proportional to 1/(n + flatness).
    pub fn falling(count: usize, flatness: u64) -> Self {
        Self::new((0..count as u64).map(|rank| 100_000_000 / (rank + flatness)))
    }

    /// Draws an index; `None` if all weights are 0.
    pub fn draw(&self, draws: &mut Draws) -> Option<usize> {
        let total = *self.0.last().filter(|total| **total > 0)?;
        let drawn = draws.below(usize::try_from(total).ok()?) as u64;
        Some(self.0.partition_point(|sum| *sum <= drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_seed_name_and_number() {
        let first = |seed, what, number| Draws::of(seed, what, number).bits();
        assert_eq!(first(1, "players", 7), first(1, "players", 7));
        let others = [first(2, "players", 7), first(1, "contacts", 7), first(1, "players", 8)];
        assert!(others.iter().all(|other| *other != first(1, "players", 7)));
        // Tests compare populations by seed, so the numbers must not change by accident.
        assert_eq!(Draws::of(1, "test", 0).digits(8), "76550454");
    }

    #[test]
    fn chances_come_true_as_often_as_they_say() {
        let mut draws = Draws::of(1, "chance", 0);
        let hits = (0..100_000).filter(|_| draws.chance(0.25)).count();
        assert!((24_500..25_500).contains(&hits), "{hits}");
        let weights = Weights::new([1, 0, 3]);
        let mut counts = [0; 3];
        for _ in 0..40_000 {
            counts[weights.draw(&mut draws).unwrap()] += 1;
        }
        assert!(counts[1] == 0 && (9_500..10_500).contains(&counts[0]), "{counts:?}");
        assert!(Weights::new([0, 0]).draw(&mut draws).is_none());
    }
}
