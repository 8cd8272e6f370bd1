//! The sample audit: draws links and candidate pairs for manual verdicts, and estimates the precision of all from them.

use std::collections::BTreeMap;

use crate::model::spreadsheet::Spreadsheet;
use crate::resolve::compare::weight::Weight;

/// A pair that may be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// First record, `source:entity:id`.
    pub a: String,
    /// Second record.
    pub b: String,
    /// Whether the two were linked; otherwise they are in the review queue.
    pub is_linked: bool,
    /// The stratum: rule, confidence and nearness to the threshold of a link, or the reason why a pair was not linked.
    pub stratum: String,
    /// The evidence.
    pub weight: Weight,
    /// The evidence in words.
    pub evidence: String,
}

/// The stratum of a link: whether its profile is one of the largest; else its rule, its confidence, and whether it is near the
/// threshold.
pub fn stratum(rule: &str, confidence: i32, weight: Weight, is_of_largest: bool) -> String {
    if is_of_largest {
        return LARGEST.to_owned();
    }
    // Below 5 bits a link is less than 2 bits above the threshold.
    let near = if weight < Weight::bits(5) { ", near the threshold" } else { "" };
    format!("{rule}, confidence {confidence}{near}")
}

/// The stratum of a pair that was not linked: the reason.
pub fn candidate_stratum(refusal: &str) -> String {
    format!("{CANDIDATE}{refusal}")
}

/// Whether a stratum is of pairs that were not linked.
pub fn is_of_candidates(stratum: &str) -> bool {
    stratum.starts_with(CANDIDATE)
}

const LARGEST: &str = "largest profiles";
const CANDIDATE: &str = "candidate, ";

/// The number of records from which a profile counts as one of the largest: the smallest number with which these profiles hold at
/// most one record in fifty, but at least 4 and at most the size of the largest profile. `sizes` are the records of each profile.
pub fn largest_from(sizes: impl Iterator<Item = u32>) -> u32 {
    let mut by_size: BTreeMap<u32, u64> = BTreeMap::new();
    sizes.for_each(|size| *by_size.entry(size).or_default() += 1);
    let records: u64 = by_size.iter().map(|(&size, &profiles)| u64::from(size) * profiles).sum();
    let mut within = 0;
    let mut from = by_size.keys().next_back().copied().unwrap_or(0).max(4);
    for (&size, &profiles) in by_size.range(4..).rev() {
        within += u64::from(size) * profiles;
        if within * 50 > records {
            break;
        }
        from = size;
    }
    from
}

/// At least this many of every stratum are drawn, so that rare rules are judged, too.
const FLOOR: usize = 5;

/// A sample of about `size` pairs: a floor for every stratum, the rest in proportion. Pairs are drawn by a hash of their keys and
/// the seed, so that the same data always give the same sample. The pairs are shuffled so that whoever judges the first N of them
/// judges a fair sample: they hold of every stratum about its share of the sample.
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
        let drawn = members.drain(..share).enumerate();
        sample.extend(drawn.map(|(rank, (hash, pair))| (position(rank, share, &hash), pair)));
    }
    sample.sort_by(|(at, pair), (other, of)| (at, &pair.a, &pair.b).cmp(&(other, &of.a, &of.b)));
    sample.into_iter().map(|(_, pair)| pair).collect()
}

/// The place in the sample of the pair with this rank among the `count` drawn of its stratum, from 0 to 2⁶⁴: somewhere in the
/// rank's part of the whole. The last bytes of the hash say where, because the first ones decided which pairs are drawn.
fn position(rank: usize, count: usize, hash: &[u8; 32]) -> u128 {
    let [.., a, b, c, d, e, f, g, h] = *hash;
    let within = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    ((rank as u128) << 64 | u128::from(within)) / count as u128
}

/// The verdicts on one stratum, or on all.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// The stratum.
    pub stratum: String,
    /// Pairs judged to be one person.
    pub same: u64,
    /// Pairs with a verdict of one person or two people.
    pub judged: u64,
    /// The share of them that are one person; 0 without verdicts.
    pub share: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Precision {
    /// With Wilson's score interval, which holds for small samples and shares near one (E. B. Wilson, 1927).
    pub fn of(stratum: &str, same: u64, judged: u64) -> Self {
        let share = if judged == 0 { 0.0 } else { same as f64 / judged as f64 };
        let (low, high) = if judged == 0 { (0.0, 1.0) } else { wilson(share, judged as f64) };
        Self { stratum: stratum.to_owned(), same, judged, share, low, high }
    }

    /// In words: `98.0 % (95 % interval 94.3 to 99.3 %)`.
    pub fn words(&self) -> String {
        if self.judged == 0 {
            return "nothing judged".to_owned();
        }
        format!("{:.1} % (95 % interval {:.1} to {:.1} %)", self.share * 100.0, self.low * 100.0, self.high * 100.0)
    }
}

/// Wilson's interval of a share among `judged` pairs.
fn wilson(share: f64, judged: f64) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    let middle = (share + Z * Z / (2.0 * judged)) / (1.0 + Z * Z / judged);
    let half = Z * (share * (1.0 - share) / judged + Z * Z / (4.0 * judged * judged)).sqrt() / (1.0 + Z * Z / judged);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The overall share of correct links, each stratum weighted by its size, with a 95 % interval. Strata without verdicts are left
/// out. Each end of the interval is the wider one of two methods. The first adds up the intervals of the strata (G. Y. Zou and A.
/// Donner, 2008); it works where all verdicts of a stratum agree, but its upper end is too low where a few do not. The second is
/// Wilson's interval for the number of verdicts with the same variance as all strata together; the share of each stratum gets one
/// right and one wrong verdict more, and its variance is reduced by the part of the stratum that was judged.
pub fn overall(strata: &[(Precision, u64)]) -> Precision {
    let judged = || strata.iter().filter(|(precision, _)| precision.judged > 0);
    let all: f64 = judged().map(|(_, size)| *size as f64).sum();
    let (mut share, mut below, mut above) = (0.0, 0.0, 0.0);
    let (mut expected, mut variance) = (0.0, 0.0);
    for (precision, size) in judged() {
        let (weight, of_stratum, n) = (*size as f64 / all, *size as f64, precision.judged as f64);
        share += weight * precision.share;
        below += (weight * (precision.share - precision.low)).powi(2);
        above += (weight * (precision.high - precision.share)).powi(2);
        let likely = (precision.same as f64 + 1.0) / (n + 2.0);
        expected += weight * likely;
        let unseen = ((of_stratum - n) / (of_stratum - 1.0).max(1.0)).max(0.0);
        variance += weight * weight * likely * (1.0 - likely) / n * unseen;
    }
    let (low, high) = (share - below.sqrt(), share + above.sqrt());
    let as_many = if variance > 0.0 { (expected * (1.0 - expected) / variance).max(1.0) } else { f64::INFINITY };
    let (low_of_many, high_of_many) = if as_many.is_finite() { wilson(share, as_many) } else { (share, share) };
    Precision {
        stratum: "links".to_owned(),
        same: judged().map(|(precision, _)| precision.same).sum(),
        judged: judged().map(|(precision, _)| precision.judged).sum(),
        share,
        low: low.min(low_of_many).max(0.0),
        high: high.max(high_of_many).min(1.0),
    }
}

/// A manual verdict on a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairJudgement {
    /// One person.
    Same,
    /// Two people.
    Different,
    /// Examined, but not decidable.
    Unsure,
}

/// A pair with its verdict; `None` if it has none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// First record, `source:entity:id`.
    pub a: String,
    /// Second record.
    pub b: String,
    /// The verdict.
    pub verdict: Option<PairJudgement>,
}

/// Reads a judged sample, each pair once; the error names a line, without its content.
pub fn read_verdicts(text: &str) -> Result<Vec<Judgement>, String> {
    let spreadsheet = Spreadsheet::read(text)?.ok_or("the file is empty")?;
    let column = |name: &str| spreadsheet.column(name).ok_or_else(|| format!("line 1: there is no column {name:?}"));
    let (a, b, verdict) = (column("a")?, column("b")?, column("verdict")?);
    let mut judged: BTreeMap<(String, String), (u64, Option<PairJudgement>)> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (line, row) in &spreadsheet.rows {
        let field = |at: usize| row.get(at).unwrap_or_default();
        let said = match field(verdict).to_lowercase().as_str() {
            "" => None,
            "same" => Some(PairJudgement::Same),
            "different" => Some(PairJudgement::Different),
            "unsure" => Some(PairJudgement::Unsure),
            _ => return Err(format!("line {line}: a verdict is same, different or unsure, or nothing yet")),
        };
        let (a, b) = (field(a).to_owned(), field(b).to_owned());
        let pair = (a.clone().min(b.clone()), a.clone().max(b.clone()));
        match judged.get(&pair) {
            Some(&(first, before)) if before != said => {
                return Err(format!("line {line}: the pair of line {first} again, with another verdict"));
            }
            Some(_) => {}
            None => {
                judged.insert(pair, (*line, said));
                pairs.push(Judgement { a, b, verdict: said });
            }
        }
    }
    Ok(pairs)
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
            weight: Weight::sixteenths(100),
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
    fn any_first_pairs_of_a_sample_hold_the_share_of_every_stratum() {
        let strata = ["EMAIL", "PHONE", "candidate, AMBIGUOUS", "NAME_DOB"];
        let all = strata.iter().zip([600, 200, 150, 7]).flat_map(|(name, count)| pairs(name, count)).collect();
        let drawn = sample(all, 100, 1);
        let of = |part: &[Pair], stratum: &str| part.iter().filter(|pair| pair.stratum == stratum).count() as f64;
        for judged in 1..=drawn.len() {
            for stratum in strata {
                let share = of(&drawn, stratum) * judged as f64 / drawn.len() as f64;
                let held = of(&drawn[..judged], stratum);
                assert!((held - share).abs() < 4.0, "{held} of {stratum} among the first {judged}, not about {share}");
            }
        }
    }

    #[test]
    fn another_seed_draws_other_pairs() {
        assert_ne!(sample(pairs("EMAIL", 900), 50, 1), sample(pairs("EMAIL", 900), 50, 2));
    }

    #[test]
    fn wilsons_interval_equals_the_textbooks() {
        // 98 of 100, as in any table of the interval: 0.930 to 0.994.
        let precision = Precision::of("all", 98, 100);
        assert!((precision.low - 0.930).abs() < 0.001 && (precision.high - 0.994).abs() < 0.001, "{precision:?}");
        assert_eq!(Precision::of("none", 0, 0).words(), "nothing judged");
    }

    #[test]
    fn the_overall_share_weighs_each_stratum_by_its_size() {
        let strata = [(Precision::of("a", 10, 10), 90), (Precision::of("b", 5, 10), 10), (Precision::of("c", 0, 0), 1000)];
        let all = overall(&strata);
        assert!((all.share - 0.95).abs() < 1e-9);
        // By hand: Wilson gives 0.722 to 1 and 0.237 to 0.763; 0.95 - ((0.9 * 0.278)² + (0.1 * 0.263)²)^½ at the lower end. At the
        // upper end 0.9912 of as many verdicts as vary alike, which is more than 0.95 + 0.1 * 0.263.
        assert!((all.low - 0.6988).abs() < 0.001 && (all.high - 0.9912).abs() < 0.001, "{all:?}");
        assert_eq!((all.same, all.judged), (15, 20));
        assert_eq!(overall(&[]).words(), "nothing judged");
    }

    /// Oracle: links whose truth is known, of twelve strata as a resolution has them; three hundred are drawn and judged without
    /// error.
    #[test]
    fn the_interval_holds_the_truth_in_at_least_94_of_100_samples() {
        let strata = [
            ("a", 1_300, 0.88),
            ("b", 1_850, 0.86),
            ("c", 650, 0.91),
            ("d", 3_500, 0.97),
            ("e", 4_000, 0.965),
            ("f", 3_500, 0.975),
            ("g", 15_600, 0.999),
            ("h", 20_200, 0.998),
            ("i", 7_500, 0.996),
            ("j", 18_000, 1.0),
            ("k", 180, 0.78),
            ("l", 60, 0.95),
        ];
        let right = |size: u64, share: f64| (size as f64 * share).round() as u64;
        let all: u64 = strata.iter().map(|stratum| stratum.1).sum();
        let truth = strata.iter().map(|&(_, size, share)| right(size, share)).sum::<u64>() as f64 / all as f64;
        let mut state = 1u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut held = 0;
        for _ in 0..200 {
            let judged: Vec<(Precision, u64)> = strata
                .iter()
                .map(|&(name, size, share)| {
                    let drawn = (size * 300).div_ceil(all).max(FLOOR as u64).min(size);
                    // Drawn without replacement: `right` correct ones are left among the rest.
                    let (mut left, mut right_left, mut same) = (size, right(size, share), 0);
                    for _ in 0..drawn {
                        let is_right = draw(left) < right_left;
                        same += u64::from(is_right);
                        right_left -= u64::from(is_right);
                        left -= 1;
                    }
                    (Precision::of(name, same, drawn), size)
                })
                .collect();
            let of_all = overall(&judged);
            held += u32::from((of_all.low..=of_all.high).contains(&truth));
        }
        assert!(held >= 188, "{held} of 200");
    }

    #[test]
    fn a_link_is_drawn_by_rule_confidence_threshold_and_size_of_profile() {
        assert_eq!(stratum("EMAIL", 81, Weight::sixteenths(79), false), "EMAIL, confidence 81, near the threshold");
        assert_eq!(stratum("EMAIL", 93, Weight::bits(5), false), "EMAIL, confidence 93");
        assert_eq!(stratum("EMAIL", 93, Weight::bits(5), true), "largest profiles");
        assert!(is_of_candidates(&candidate_stratum("AMBIGUOUS")) && !is_of_candidates("EMAIL, confidence 93"));
    }

    #[test]
    fn the_largest_profiles_are_few() {
        let sizes = |counts: &[(u32, usize)]| {
            largest_from(
                counts.iter().flat_map(|&(size, profiles)| std::iter::repeat_n(size, profiles)).collect::<Vec<_>>().into_iter(),
            )
        };
        assert_eq!(sizes(&[(1, 1000), (2, 200), (5, 10), (7, 3), (8, 1)]), 7, "29 of 1,479 records; from 5 on it would be 79");
        assert_eq!(sizes(&[(1, 1000), (3, 50)]), 4, "no profile is large");
        assert_eq!(sizes(&[(1, 3), (5, 1)]), 5, "the largest one, however many records it takes");
    }

    #[test]
    fn a_judged_sample_is_read_whatever_program_saved_it() {
        let text = "a,b,linked,verdict\nscl:members:1,scl:members:2,yes, Same \nscl:members:1,scl:members:3,yes,\nscl:members:4,scl:members:3,no,UNSURE\n";
        let read = read_verdicts(text).unwrap();
        let said: Vec<_> = read.iter().map(|judged| judged.verdict).collect();
        assert_eq!(said, [Some(PairJudgement::Same), None, Some(PairJudgement::Unsure)]);
        let saved = format!("\u{feff}{}", text.replace(',', ";").replace('\n', "\r\n"));
        assert_eq!(read_verdicts(&saved).unwrap(), read);
    }

    #[test]
    fn a_pair_counts_once_and_cannot_be_both() {
        let twice = "a,b,verdict\nx,y,same\ny,x,same\n";
        assert_eq!(read_verdicts(twice).unwrap().len(), 1);
        let both = "a,b,verdict\nx,y,same\n\ny,x,different\n";
        assert_eq!(read_verdicts(both).unwrap_err(), "line 4: the pair of line 2 again, with another verdict");
        assert_eq!(read_verdicts("a,b\nx,y\n").unwrap_err(), "line 1: there is no column \"verdict\"");
        assert_eq!(read_verdicts("\n").unwrap_err(), "the file is empty");
    }
}
