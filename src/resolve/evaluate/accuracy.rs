//! Accuracy of a clustering against a known truth: pairwise and B-cubed, with pairs inside one household counted apart.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{LinkRule, RecordIx};
use crate::resolve::Resolution;
use crate::resolve::compare::weight::Weight;
use crate::resolve::output::confidence::{ceiling, confidence};

/// Agreement of predicted clusters with true people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Correctly joined pairs of records.
    pub right_pairs: u64,
    /// Joined pairs of records.
    pub joined_pairs: u64,
    /// Pairs of records that belong together.
    pub true_pairs: u64,
    /// Wrongly joined pairs of people in one household.
    pub household_pairs: u64,
    /// B-cubed precision.
    pub b_cubed_precision: f64,
    /// B-cubed recall.
    pub b_cubed_recall: f64,
    /// Records of the largest predicted cluster.
    pub largest: u64,
    /// Predicted clusters.
    pub clusters: u64,
}

impl Accuracy {
    /// Compares labels; `people` and `households` are the truth by record.
    pub fn of(labels: &[RecordIx], people: &[u32], households: &[u32]) -> Self {
        let mut cells: PairCounts<(RecordIx, u32)> = counts();
        let mut homes: PairCounts<(RecordIx, u32)> = counts();
        let (mut predicted, mut truth): (PairCounts<RecordIx>, PairCounts<u32>) = (counts(), counts());
        for ((&label, &person), &household) in labels.iter().zip(people).zip(households) {
            *cells.entry((label, person)).or_default() += 1;
            *homes.entry((label, household)).or_default() += 1;
            *predicted.entry(label).or_default() += 1;
            *truth.entry(person).or_default() += 1;
        }
        let pairs = |count: u64| count * count.saturating_sub(1) / 2;
        let right_pairs = cells.values().copied().map(pairs).sum();
        let home_pairs: u64 = homes.values().copied().map(pairs).sum();
        let records = labels.len().max(1) as f64;
        let mut shares: Vec<((RecordIx, u32), u64)> = cells.into_iter().collect();
        shares.sort_unstable();
        let of_cells = |of: &dyn Fn((RecordIx, u32)) -> u64| {
            shares.iter().map(|&(cell, count)| (count * count) as f64 / of(cell) as f64).sum::<f64>() / records
        };
        Self {
            right_pairs,
            joined_pairs: predicted.values().copied().map(pairs).sum(),
            true_pairs: truth.values().copied().map(pairs).sum(),
            household_pairs: home_pairs.saturating_sub(right_pairs),
            b_cubed_precision: of_cells(&|(label, _)| predicted[&label]),
            b_cubed_recall: of_cells(&|(_, person)| truth[&person]),
            largest: predicted.values().copied().max().unwrap_or(0),
            clusters: predicted.len() as u64,
        }
    }

    /// Share of joined pairs that are correct.
    pub fn precision(&self) -> f64 {
        ratio(self.right_pairs, self.joined_pairs)
    }

    /// Precision without pairs inside one household.
    pub fn precision_beyond_households(&self) -> f64 {
        ratio(self.right_pairs, self.joined_pairs - self.household_pairs)
    }

    /// Share of true pairs that are joined.
    pub fn recall(&self) -> f64 {
        ratio(self.right_pairs, self.true_pairs)
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        harmonic(self.precision(), self.recall())
    }

    /// Harmonic mean of the B-cubed values.
    pub fn b_cubed_f1(&self) -> f64 {
        harmonic(self.b_cubed_precision, self.b_cubed_recall)
    }
}

type PairCounts<K> = HashMap<K, u64, FixedState>;

fn counts<K>() -> PairCounts<K> {
    HashMap::with_hasher(FixedState::with_seed(9))
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

fn harmonic(a: f64, b: f64) -> f64 {
    if a + b == 0.0 { 0.0 } else { 2.0 * a * b / (a + b) }
}

/// Accuracy of the links of one rule and band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleAccuracy {
    /// The rule.
    pub rule: LinkRule,
    /// Whole bits of the band's start: 3, 5, 8 or 12.
    pub from_bits: i32,
    /// Links.
    pub links: u64,
    /// Links of two records of one person.
    pub right: u64,
    /// The confidence that such links carry, 0 to 100.
    pub claimed: i32,
    /// Whether that is the rule's ceiling, which caps the measured share.
    pub is_at_ceiling: bool,
}

impl Resolution {
    /// The accuracy of links by rule and band.
    pub fn by_rule(&self, people: &[u32]) -> Vec<RuleAccuracy> {
        let mut found: Vec<RuleAccuracy> = Vec::new();
        for record in self.population.records() {
            let Some((parent, edge)) = self.tree.parent(record).filter(|_| self.founder(record).is_some()) else { continue };
            let Some(rule) = edge.rule() else { continue };
            let bits = edge.weight().in_sixteenths() / 16;
            let from_bits = [12, 8, 5].into_iter().find(|&start| bits >= start).unwrap_or(3);
            let right = u64::from(people[record.index()] == people[parent.index()]);
            match found.iter_mut().find(|of| (of.rule, of.from_bits) == (rule, from_bits)) {
                Some(of) => {
                    of.links += 1;
                    of.right += right;
                }
                None => {
                    let claimed = confidence(rule, Weight::bits(from_bits));
                    found.push(RuleAccuracy {
                        rule,
                        from_bits,
                        links: 1,
                        right,
                        claimed,
                        is_at_ceiling: claimed == ceiling(rule),
                    });
                }
            }
        }
        found.sort_unstable_by_key(|of| (of.rule, of.from_bits));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_answer_scores_one_and_a_merged_couple_costs_precision() {
        let perfect = Accuracy::of(&[0, 0, 2, 2].map(RecordIx), &[7, 7, 8, 8], &[1, 1, 1, 1]);
        assert_eq!((perfect.precision(), perfect.recall(), perfect.b_cubed_f1()), (1.0, 1.0, 1.0));
        let merged = Accuracy::of(&[0, 0, 0, 0].map(RecordIx), &[7, 7, 8, 8], &[1, 1, 1, 1]);
        assert_eq!((merged.right_pairs, merged.joined_pairs, merged.true_pairs), (2, 6, 2));
        assert_eq!(merged.recall(), 1.0);
        assert_eq!(merged.precision_beyond_households(), 1.0);
        assert_eq!(merged.b_cubed_precision, 0.5);
    }
}
