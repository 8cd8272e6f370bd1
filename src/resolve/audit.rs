//! The sample audit: which links and candidates a person judges, and what the verdicts say of all of them.

use std::collections::BTreeMap;

/// A pair that may be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// First record, `source:entity:id`.
    pub a: String,
    /// Second record.
    pub b: String,
    /// Whether the two were linked; otherwise they are a candidate.
    pub is_linked: bool,
    /// What kind of pair it is: the rule and band of a link, `CANDIDATE` for a pair of the review queue.
    pub stratum: String,
    /// The evidence in sixteenths of a bit.
    pub bits16: i32,
    /// The evidence in words.
    pub evidence: String,
}

/// The stratum of a link: its rule, and whether little more evidence than needed joined it.
pub fn stratum(rule: &str, bits16: i32) -> String {
    // Below 6 bits a link has less than three bits to spare.
    let band = if bits16 < 6 * 16 { "near the threshold" } else { "clear" };
    format!("{rule}, {band}")
}

/// At least this many of every stratum are drawn, so that rare rules are judged too.
const FLOOR: usize = 5;

/// A sample of about `size` pairs: a floor for every stratum, the rest in proportion. Pairs are drawn by a hash of their keys and the
/// seed, so that the same data give the same sample whoever draws it.
pub fn sample(mut pairs: Vec<Pair>, size: usize, seed: u64) -> Vec<Pair> {
    let total = pairs.len().max(1);
    let mut strata: BTreeMap<String, Vec<([u8; 32], Pair)>> = BTreeMap::new();
    for pair in pairs.drain(..) {
        let drawn = *blake3::hash(format!("{seed}\u{1f}{}\u{1f}{}", pair.a, pair.b).as_bytes()).as_bytes();
        strata.entry(pair.stratum.clone()).or_default().push((drawn, pair));
    }
    let mut sample = Vec::new();
    for members in strata.values_mut() {
        members.sort_by_key(|one| one.0);
        let share = (members.len() * size).div_ceil(total).max(FLOOR).min(members.len());
        sample.extend(members.drain(..share).map(|(_, pair)| pair));
    }
    sample
}

/// What was judged of one stratum, or of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// The stratum.
    pub stratum: String,
    /// Pairs judged to be one person.
    pub same: u64,
    /// Pairs judged, unsure ones left out.
    pub judged: u64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Precision {
    /// With Wilson's score interval, which holds for small samples and shares near one (E. B. Wilson, 1927).
    pub fn of(stratum: &str, same: u64, judged: u64) -> Self {
        const Z: f64 = 1.959_964;
        let (low, high) = if judged == 0 {
            (0.0, 1.0)
        } else {
            let (n, p) = (judged as f64, same as f64 / judged as f64);
            let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
            let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
            ((middle - half).max(0.0), (middle + half).min(1.0))
        };
        Self { stratum: stratum.to_owned(), same, judged, low, high }
    }

    /// In words: `98.0 % (95 % interval 94.3 to 99.3 %)`.
    pub fn words(&self) -> String {
        if self.judged == 0 {
            return "nothing judged".to_owned();
        }
        let share = self.same as f64 * 100.0 / self.judged as f64;
        format!("{share:.1} % (95 % interval {:.1} to {:.1} %)", self.low * 100.0, self.high * 100.0)
    }
}

/// The share of right links in all, each stratum weighted by its size among the links; strata nobody judged are left out.
pub fn overall(strata: &[(Precision, u64)]) -> f64 {
    let judged = strata.iter().filter(|(precision, _)| precision.judged > 0);
    let (right, all) = judged.fold((0.0, 0.0), |(right, all), (precision, size)| {
        let size = *size as f64;
        (right + size * precision.same as f64 / precision.judged as f64, all + size)
    });
    if all == 0.0 { 0.0 } else { right / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(stratum: &str, count: usize) -> Vec<Pair> {
        let pair = |index| Pair {
            a: format!("scl:members:{index}"),
            b: format!("teetime:players:{stratum}{index}"),
            is_linked: true,
            stratum: stratum.to_owned(),
            bits16: 100,
            evidence: String::new(),
        };
        (0..count).map(pair).collect()
    }

    #[test]
    fn every_stratum_is_drawn_and_the_order_of_the_pairs_does_not_matter() {
        let all = [pairs("EMAIL", 900), pairs("PHONE", 97), pairs("NAME_DOB", 3)].concat();
        let one = sample(all.clone(), 100, 1);
        let mut turned = all;
        turned.reverse();
        assert_eq!(one, sample(turned, 100, 1));
        let of = |stratum: &str| one.iter().filter(|pair| pair.stratum == stratum).count();
        assert_eq!((of("EMAIL"), of("PHONE"), of("NAME_DOB")), (90, 10, 3));
    }

    #[test]
    fn another_seed_draws_other_pairs() {
        assert_ne!(sample(pairs("EMAIL", 900), 50, 1), sample(pairs("EMAIL", 900), 50, 2));
    }

    #[test]
    fn wilsons_interval_is_the_textbooks() {
        // 98 of 100, as in any table of the interval: 0.930 to 0.994.
        let precision = Precision::of("all", 98, 100);
        assert!((precision.low - 0.930).abs() < 0.001 && (precision.high - 0.994).abs() < 0.001, "{precision:?}");
        assert_eq!(Precision::of("none", 0, 0).words(), "nothing judged");
    }

    #[test]
    fn the_overall_share_weighs_each_stratum_by_its_size() {
        let strata = [(Precision::of("a", 10, 10), 90), (Precision::of("b", 5, 10), 10), (Precision::of("c", 0, 0), 1000)];
        assert!((overall(&strata) - 0.95).abs() < 1e-9);
    }
}
