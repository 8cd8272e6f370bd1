//! Assignment of the records without a name of a household, all weighed together: a source usually lists a person once, so a
//! record that clearly belongs to one person leaves the next one to somebody else. Probabilities are whole multiples of 1 /
//! [`ONE`], so that the same records give the same answer on every machine and in every order.

use smallvec::SmallVec;

use crate::resolve::compare::contact_counts::is_whole;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::ComparisonLevel;
use crate::resolve::population::intern::{NONE, Symbol};

/// Probability 1.
pub const ONE: u64 = 1 << 32;
/// Match weight at which a link is as likely right as wrong: 2 bits. A link at 3 bits is right in two of three cases.
const EVEN: Weight = Weight::bits(2);
/// Added to the match weight of a contested assignment: assignments that were weighed together prove right more often than their
/// probability says. [`crate::resolve::cluster::threshold`] chooses the threshold that they must reach.
const MORE: Weight = Weight::sixteenths(12);
/// Beyond this many sixteenths of a bit either way the probability does not change any more.
const MOST: i32 = 320;
/// Rounds in which the records of one source that may be one person are weighed against each other.
const ROUNDS: usize = 4;
/// Choices of one source for one person that are weighed against each other, best first.
const RIVALS: usize = 16;
/// At least a tenth of the probability that the best choice leaves is reserved for an unseen person.
const UNSEEN: u64 = 10;

/// A record without a name and a person to whom it may belong, with the effect of the rest of the household.
pub struct PersonChoice {
    /// The record, as a number.
    pub nameless: u32,
    /// The person, as a number.
    pub group: u32,
    /// The record's source.
    pub source: u8,
    /// The record's login, or `NONE`.
    pub login: Symbol,
    /// Email and phone of a record that has duplicates, else `NONE`.
    pub contact: [Symbol; 2],
    /// What the two have in common, and what that weighs by itself.
    pub edge: Edge,
    /// Groups of the person's full name that nothing keeps apart from this one, and what the record has in common with each.
    pub namesakes: SmallVec<[(u32, Edge); 1]>,
    /// Whether a named record of the same source is this person's.
    pub is_listed: bool,
    /// Probability that the person has no better record of that source; of `ONE`.
    free: u64,
    /// Probability that the record belongs to this person; of `ONE`.
    share: u64,
}

impl PersonChoice {
    /// A choice before it is weighed against others, of a record without login and contact points.
    pub fn new(nameless: u32, group: u32, edge: Edge) -> Self {
        let (source, login, contact, is_listed) = (0, NONE, [NONE; 2], false);
        Self { nameless, group, source, login, contact, edge, namesakes: SmallVec::new(), is_listed, free: ONE, share: 0 }
    }

    /// Whether another record of the source competes for the person. A record of the same login, or a duplicate with the same
    /// email and phone, does not.
    fn is_rival(&self, other: &Self) -> bool {
        other.nameless != self.nameless
            && (self.login == NONE || other.login != self.login)
            && !(is_whole(self.contact) && other.contact == self.contact)
    }

    /// The match weight with the rest of the household considered, in sixteenths of a bit.
    pub fn together(&self, is_only: bool) -> Weight {
        if !self.is_disputed(is_only) {
            return self.edge.weight();
        }
        let (mut low, mut high) = (EVEN.in_sixteenths() - MOST, EVEN.in_sixteenths() + MOST);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if part(Weight::sixteenths(middle)) <= self.share { low = middle } else { high = middle - 1 }
        }
        Weight::sixteenths(low) + MORE
    }

    /// Whether other people of the household or other records of the source compete.
    pub fn is_disputed(&self, is_only: bool) -> bool {
        !is_only || self.free != ONE || self.is_listed
    }

    /// Whether another record of the source fits the person better.
    pub fn is_taken(&self) -> bool {
        self.free < ONE / 2 || self.is_listed
    }
}

/// Sixteenths of a power of two, of 65,536.
const STEPS: [u64; 16] = [
    65_536, 68_438, 71_468, 74_632, 77_936, 81_386, 84_990, 88_752, 92_682, 96_785, 101_070, 105_545, 110_218, 115_098, 120_194,
    125_515,
];

/// Probability that a link is right, from the lowest to the highest weight that changes it.
const PARTS: [u64; 2 * MOST as usize + 1] = {
    let mut parts = [0; 2 * MOST as usize + 1];
    let mut at = 0;
    while at < parts.len() {
        let exponent = at as i32 - MOST;
        let odds = (STEPS[exponent.rem_euclid(16) as usize] as u128) << (24 + exponent.div_euclid(16));
        parts[at] = ((odds << 32) / (odds + (1 << 40))) as u64;
        at += 1;
    }
    parts
};

/// Probability that a link of this match weight is right; of [`ONE`], and always less.
pub fn part(weight: Weight) -> u64 {
    let exponent = (weight - EVEN).in_sixteenths().clamp(-MOST, MOST);
    PARTS[usize::try_from(exponent + MOST).expect("clamped")]
}

fn times(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 32).expect("at most one")
}

/// The factor by which a level of negative weight reduces a probability.
fn lessened(piece: ComparisonLevel) -> u64 {
    let less = piece.weight().in_sixteenths();
    let (whole, rest) = (less.div_euclid(16), less.rem_euclid(16).unsigned_abs() as usize);
    (STEPS[rest] << 16) >> -whole
}

/// Weighs the choices of the records without a name of a household. They must be ordered by record.
pub fn weigh(choices: &mut [PersonChoice]) {
    let listed = lessened(ComparisonLevel::SourceListed);
    let [claimed, claimed_alone] = [ComparisonLevel::SourceClaimed, ComparisonLevel::SourceClaimedAlone].map(lessened);
    share_out(choices, listed);
    let mut rivals: Vec<u32> = (0..u32::try_from(choices.len()).expect("choices are counted in 32 bits")).collect();
    let person = |choice: &PersonChoice| (choice.group, choice.source);
    rivals.sort_unstable_by_key(|&at| {
        let choice = &choices[at as usize];
        (person(choice), std::cmp::Reverse(choice.edge.weight()), choice.nameless)
    });
    let is_only: Vec<bool> = choices
        .chunk_by(|a, b| a.nameless == b.nameless)
        .flat_map(|of_one| std::iter::repeat_n(of_one.len() == 1, of_one.len()))
        .collect();
    let groups: Vec<&[u32]> = rivals
        .chunk_by(|&a, &b| person(&choices[a as usize]) == person(&choices[b as usize]))
        .filter(|group| group.len() > 1)
        .collect();
    if groups.is_empty() {
        return;
    }
    let mut before: Vec<u64> = Vec::with_capacity(choices.len());
    for round in 0..ROUNDS {
        before.clear();
        before.extend(choices.iter().map(|choice| choice.share));
        for group in &groups {
            for &at in *group {
                let one = &choices[at as usize];
                let none = group
                    .iter()
                    .take(RIVALS)
                    .filter(|&&other| one.is_rival(&choices[other as usize]))
                    .fold(ONE, |none, &other| times(none, ONE - before[other as usize]));
                let less = if is_only[at as usize] { claimed_alone } else { claimed };
                choices[at as usize].free = none + times(ONE - none, less);
            }
        }
        share_out(choices, listed);
        if round > 0 {
            choices.iter_mut().zip(&before).for_each(|(choice, &before)| choice.share = u64::midpoint(choice.share, before));
        }
    }
}

/// Distributes the probability of each record over the people it may belong to and an unseen person.
fn share_out(choices: &mut [PersonChoice], listed: u64) {
    for of_one in choices.chunk_by_mut(|a, b| a.nameless == b.nameless) {
        let parts = of_one.iter().map(|choice| part(choice.edge.weight()));
        let (sum, best) = parts.fold((0, 0), |(sum, best), part| (sum + part, part.max(best)));
        let unseen = ONE.saturating_sub(sum).max((ONE - best) / UNSEEN);
        let mut whole = unseen;
        for choice in &mut *of_one {
            let weight = times(part(choice.edge.weight()), choice.free);
            choice.share = if choice.is_listed { times(weight, listed) } else { weight };
            whole += choice.share;
        }
        for choice in of_one {
            choice.share = (choice.share << 32) / whole;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RecordIx;

    fn edge(weight: Weight) -> Edge {
        Edge::link(RecordIx(0), RecordIx(1), i16::try_from(weight.in_sixteenths()).unwrap(), 0)
    }

    fn weighed(choices: &[(u32, u32, i32)]) -> Vec<i32> {
        let mut choices: Vec<PersonChoice> =
            choices.iter().map(|&(record, person, bits)| PersonChoice::new(record, person, edge(Weight::bits(bits)))).collect();
        weigh(&mut choices);
        choices
            .iter()
            .map(|choice| {
                choice.together(choices.iter().filter(|other| other.nameless == choice.nameless).count() == 1).in_sixteenths()
            })
            .collect()
    }

    #[test]
    fn an_uncontested_choice_keeps_its_weight() {
        assert_eq!(weighed(&[(1, 7, 3), (2, 8, 9)]), [48, 144]);
    }

    #[test]
    fn a_record_that_fits_two_people_equally_is_assigned_to_neither() {
        let found = weighed(&[(1, 7, 8), (1, 8, 8)]);
        assert!(found.iter().all(|&together| together < 48), "{found:?}");
    }

    #[test]
    fn a_clear_record_of_one_person_leaves_the_other_record_to_the_other() {
        let alone = weighed(&[(2, 7, 2), (2, 8, 2)]);
        assert!(alone.iter().all(|&together| together < 48), "{alone:?}");
        let both = weighed(&[(1, 7, 9), (2, 7, 2), (2, 8, 2)]);
        assert!(both[0] > 120 && both[1] < 16 && both[2] >= 48, "{both:?}");
    }

    #[test]
    fn duplicates_with_strong_evidence_go_to_the_same_person() {
        assert!(weighed(&[(1, 7, 12), (2, 7, 12)]).iter().all(|&together| together >= 48));
    }

    #[test]
    fn weight_and_probability_convert_both_ways() {
        for weight in (-200..300).map(Weight::sixteenths) {
            let choice = PersonChoice { is_listed: true, share: part(weight), ..PersonChoice::new(1, 1, edge(weight)) };
            assert_eq!(choice.together(true), weight + MORE);
        }
    }
}
