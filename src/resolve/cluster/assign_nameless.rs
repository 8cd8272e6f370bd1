//! Who in a household gets which nameless record, all of them weighed together: a source lists a person once as a rule, so a record
//! that clearly is one person's leaves the next one to somebody else. Shares are whole numbers of [`ONE`], so that the same records
//! give the same answer on every machine, in whatever order they come.

use crate::resolve::compare::contact_counts::is_whole;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::Piece;
use crate::resolve::population::intern::{NONE, Symbol};

/// The whole of a nameless record.
pub const ONE: u64 = 1 << 32;
/// So many bits make it as likely as not: a link at 3 bits is right in two of three cases.
const EVEN: Weight = Weight::bits(2);
/// Weighed together, claims prove right more often than they say; so much more speaks for them, and [`crate::resolve::cluster::threshold`] says what they
/// need.
const MORE: Weight = Weight::sixteenths(12);
/// More sixteenths of a bit than these either way change no share.
const MOST: i32 = 320;
/// Rounds in which the claims on a person give way to one another.
const ROUNDS: usize = 4;
/// So many claims of one source on one person are held against one another, the best first.
const RIVALS: usize = 16;
/// However many claims there are, this part of what the best one leaves is nobody's who is seen.
const UNSEEN: u64 = 10;

/// What a nameless record and a person say of each other, and what the rest of the household makes of it.
pub struct Claim {
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
    /// The evidence of the two alone.
    pub weight: Weight,
    /// Whether a named record of the same source is this person's.
    pub is_listed: bool,
    /// How likely the person has no better record of that source; of `ONE`.
    free: u64,
    /// The share of the record that is this person's; of `ONE`.
    share: u64,
}

impl Claim {
    /// A claim that nothing was held against yet.
    pub fn new(
        (nameless, group): (u32, u32),
        (source, login, contact): (u8, Symbol, [Symbol; 2]),
        weight: Weight,
        is_listed: bool,
    ) -> Self {
        Self { nameless, group, source, login, contact, weight, is_listed, free: ONE, share: 0 }
    }

    /// Whether another record of the source competes for the person: not one of the same login, nor a duplicate with the same address
    /// and number.
    fn is_rival(&self, other: &Self) -> bool {
        other.nameless != self.nameless
            && (self.login == NONE || other.login != self.login)
            && !(is_whole(self.contact) && other.contact == self.contact)
    }

    /// The evidence with the rest of the household considered.
    pub fn together(&self, is_only: bool) -> Weight {
        if !self.is_disputed(is_only) {
            return self.weight;
        }
        let (mut low, mut high) = (EVEN.in_sixteenths() - MOST, EVEN.in_sixteenths() + MOST);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if part(Weight::sixteenths(middle)) <= self.share { low = middle } else { high = middle - 1 }
        }
        Weight::sixteenths(low) + MORE
    }

    /// Whether others of the household, or other records of the source, have a say.
    pub fn is_disputed(&self, is_only: bool) -> bool {
        !is_only || self.free != ONE || self.is_listed
    }

    /// Whether other records of the source have the better claim.
    pub fn is_taken(&self) -> bool {
        self.free < ONE / 2 || self.is_listed
    }
}

/// Sixteenths of a power of two, of 65,536.
const STEPS: [u64; 16] = [
    65_536, 68_438, 71_468, 74_632, 77_936, 81_386, 84_990, 88_752, 92_682, 96_785, 101_070, 105_545, 110_218, 115_098, 120_194,
    125_515,
];

/// How likely evidence is right, from the least to the most that changes it.
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

/// How likely evidence of so much is right; of [`ONE`], and always less.
pub fn part(weight: Weight) -> u64 {
    let exponent = (weight - EVEN).in_sixteenths().clamp(-MOST, MOST);
    PARTS[usize::try_from(exponent + MOST).expect("clamped")]
}

fn times(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 32).expect("at most one")
}

/// What is left of a share at so many bits less.
fn lessened(piece: Piece) -> u64 {
    let less = piece.weight().in_sixteenths();
    let (whole, rest) = (less.div_euclid(16), less.rem_euclid(16).unsigned_abs() as usize);
    (STEPS[rest] << 16) >> -whole
}

/// Weighs the claims of the nameless records of a household; they come by record.
pub fn weigh(claims: &mut [Claim]) {
    let listed = lessened(Piece::SourceListed);
    let [claimed, claimed_alone] = [Piece::SourceClaimed, Piece::SourceClaimedAlone].map(lessened);
    share_out(claims, listed);
    let mut rivals: Vec<u32> = (0..u32::try_from(claims.len()).expect("claims are counted in 32 bits")).collect();
    let person = |claim: &Claim| (claim.group, claim.source);
    rivals.sort_unstable_by_key(|&at| {
        let claim = &claims[at as usize];
        (person(claim), std::cmp::Reverse(claim.weight), claim.nameless)
    });
    let is_only: Vec<bool> = claims
        .chunk_by(|a, b| a.nameless == b.nameless)
        .flat_map(|of_one| std::iter::repeat_n(of_one.len() == 1, of_one.len()))
        .collect();
    let groups: Vec<&[u32]> = rivals
        .chunk_by(|&a, &b| person(&claims[a as usize]) == person(&claims[b as usize]))
        .filter(|group| group.len() > 1)
        .collect();
    if groups.is_empty() {
        return;
    }
    let mut before: Vec<u64> = Vec::with_capacity(claims.len());
    for round in 0..ROUNDS {
        before.clear();
        before.extend(claims.iter().map(|claim| claim.share));
        for group in &groups {
            for &at in *group {
                let one = &claims[at as usize];
                let none = group
                    .iter()
                    .take(RIVALS)
                    .filter(|&&other| one.is_rival(&claims[other as usize]))
                    .fold(ONE, |none, &other| times(none, ONE - before[other as usize]));
                let less = if is_only[at as usize] { claimed_alone } else { claimed };
                claims[at as usize].free = none + times(ONE - none, less);
            }
        }
        share_out(claims, listed);
        if round > 0 {
            claims.iter_mut().zip(&before).for_each(|(claim, &before)| claim.share = u64::midpoint(claim.share, before));
        }
    }
}

/// Divides each nameless record among the people who may be it, and nobody.
fn share_out(claims: &mut [Claim], listed: u64) {
    for of_one in claims.chunk_by_mut(|a, b| a.nameless == b.nameless) {
        let parts = of_one.iter().map(|claim| part(claim.weight));
        let (sum, best) = parts.fold((0, 0), |(sum, best), part| (sum + part, part.max(best)));
        let unseen = ONE.saturating_sub(sum).max((ONE - best) / UNSEEN);
        let mut whole = unseen;
        for claim in &mut *of_one {
            let weight = times(part(claim.weight), claim.free);
            claim.share = if claim.is_listed { times(weight, listed) } else { weight };
            whole += claim.share;
        }
        for claim in of_one {
            claim.share = (claim.share << 32) / whole;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(claims: &[(u32, u32, i32)]) -> Vec<i32> {
        let mut claims: Vec<Claim> = claims
            .iter()
            .map(|&(record, person, bits)| Claim::new((record, person), (4, NONE, [NONE; 2]), Weight::bits(bits), false))
            .collect();
        weigh(&mut claims);
        claims
            .iter()
            .map(|claim| {
                claim.together(claims.iter().filter(|other| other.nameless == claim.nameless).count() == 1).in_sixteenths()
            })
            .collect()
    }

    #[test]
    fn a_claim_that_nobody_disputes_stays_as_it_is() {
        assert_eq!(weighed(&[(1, 7, 3), (2, 8, 9)]), [48, 144]);
    }

    #[test]
    fn a_record_that_fits_two_people_equally_is_nobodys() {
        let found = weighed(&[(1, 7, 8), (1, 8, 8)]);
        assert!(found.iter().all(|&together| together < 48), "{found:?}");
    }

    #[test]
    fn a_record_that_clearly_is_one_persons_leaves_the_other_record_to_the_other_person() {
        let alone = weighed(&[(2, 7, 2), (2, 8, 2)]);
        assert!(alone.iter().all(|&together| together < 48), "{alone:?}");
        let both = weighed(&[(1, 7, 9), (2, 7, 2), (2, 8, 2)]);
        assert!(both[0] > 120 && both[1] < 16 && both[2] >= 48, "{both:?}");
    }

    #[test]
    fn a_double_with_much_in_common_is_still_the_same_persons() {
        assert!(weighed(&[(1, 7, 12), (2, 7, 12)]).iter().all(|&together| together >= 48));
    }

    #[test]
    fn evidence_and_parts_are_one_another_in_reverse() {
        for weight in (-200..300).map(Weight::sixteenths) {
            let mut claim = Claim::new((1, 1), (0, NONE, [NONE; 2]), weight, true);
            claim.share = part(weight);
            assert_eq!(claim.together(true), weight + MORE);
        }
    }
}
