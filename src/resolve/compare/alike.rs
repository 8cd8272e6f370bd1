//! What it says that two records have nothing but name and birth date in common: the expected number of such pairs by chance is counted
//! from the records at hand, so that the same pair weighs more among few records and with rare names.

use crate::resolve::compare::birth_date::BirthMatch;
use crate::resolve::compare::names::{FullMatch, NameMatch, log2_16};
use crate::resolve::compare::weights::Piece;
use crate::resolve::population::{Population, Record};

/// Two records born alike by chance: one pair in twenty thousand.
const BORN16: i32 = 14 * 16 + 5;
/// A slip of one digit or of day and month is thirty times as frequent by chance, and one true pair in fifty has it.
const BORN_NEAR16: i32 = 60;
/// Of one year by chance: one in sixty; one true pair in fifty has the year alone.
const BORN_YEAR16: i32 = 4;
/// Forms and slips of a given name, against those of strangers.
const FIRST_CLOSE16: i32 = 40;
/// An initial that fits.
const FIRST_INITIAL16: i32 = 16;
/// Slips of a family name, against those of strangers.
const LAST_CLOSE16: i32 = 80;
/// A family name that changed, against strangers who have another one.
const LAST_DIFFERENT16: i32 = -53;
/// The most that a name's rarity counts.
const RAREST16: i32 = 14 * 16;
/// With a slip in the date, names and dates are at most for review: 2.5 bits.
const SLIP16: i32 = 40;
/// Of so few records no more is said than of these.
const FEWEST: u32 = 1_000;

/// The weight that brings the pieces for names and birth dates to what they are worth without any key, in sixteenths of a bit; `None`
/// where names or dates do not speak for one person.
pub fn alike16(population: &Population, a: Record, b: Record, matched: FullMatch, born: BirthMatch) -> Option<i32> {
    let born16 = match born {
        BirthMatch::Equal => BORN16,
        BirthMatch::Near => BORN_NEAR16,
        BirthMatch::Year => BORN_YEAR16,
        BirthMatch::Unknown | BirthMatch::Conflict => return None,
    };
    let names = &population.names;
    let (of_a, of_b) = (population.at(a), population.at(b));
    // One part of the name and the year of birth are equal; with a slip in the date, the other part has one at most.
    let names_fit = match (matched.first, matched.last) {
        (NameMatch::Equal, NameMatch::Equal) => true,
        (NameMatch::Equal, NameMatch::Close) | (NameMatch::Close, NameMatch::Equal) => born != BirthMatch::Year,
        (NameMatch::Equal, _) | (NameMatch::Unknown | NameMatch::Initial, NameMatch::Equal) => born == BirthMatch::Equal,
        _ => false,
    };
    if !names_fit || of_a.born / 10_000 != of_b.born / 10_000 {
        return None;
    }
    // The commoner reading counts, so that the order of the two does not matter.
    let first16 = match matched.first {
        NameMatch::Equal => names.given_rarity16(of_a.first).min(names.given_rarity16(of_b.first)).min(RAREST16),
        NameMatch::Close => FIRST_CLOSE16,
        NameMatch::Initial => FIRST_INITIAL16,
        NameMatch::Unknown | NameMatch::Conflict => 0,
    };
    let last16 = match matched.last {
        NameMatch::Equal => names.family_rarity16(of_a.last).min(names.family_rarity16(of_b.last)).min(RAREST16),
        NameMatch::Close | NameMatch::Initial => LAST_CLOSE16,
        NameMatch::Conflict => LAST_DIFFERENT16,
        NameMatch::Unknown => 0,
    };
    let chance16 = log2_16(population.births.max(FEWEST).into());
    let sum16 = first16 + last16 + born16 - chance16;
    let sum16 = if born == BirthMatch::Equal { sum16 } else { sum16.min(SLIP16) };
    Some(sum16 - stated16(population, a, b, matched, born))
}

/// What the pieces for names and birth date have said already.
fn stated16(population: &Population, a: Record, b: Record, matched: FullMatch, born: BirthMatch) -> i32 {
    let first = match matched.first {
        NameMatch::Equal => Piece::FirstEqual.bits16(),
        NameMatch::Close => Piece::FirstClose.bits16(),
        NameMatch::Initial => Piece::FirstInitial.bits16(),
        NameMatch::Conflict => Piece::FirstConflict.bits16(),
        NameMatch::Unknown => 0,
    };
    let last = match matched.last {
        NameMatch::Equal => Piece::LastEqual.bits16(),
        NameMatch::Close | NameMatch::Initial => Piece::LastNear.bits16(),
        NameMatch::Conflict => Piece::LastDifferent.bits16(),
        NameMatch::Unknown => 0,
    };
    let rarity = if matched.is_full() {
        let of = |record: Record| population.names.rarity16(population.at(record).last);
        if matched.is_swapped { of(a).min(of(b)) } else { of(a) }
    } else {
        0
    };
    let born16 = match born {
        BirthMatch::Equal if matched.first == NameMatch::Equal => Piece::BornEqual.bits16() + Piece::NameBorn.bits16(),
        BirthMatch::Equal => Piece::BornEqual.bits16(),
        BirthMatch::Near => Piece::BornNear.bits16(),
        BirthMatch::Year => Piece::BornYear.bits16(),
        BirthMatch::Unknown | BirthMatch::Conflict => 0,
    };
    first + last + rarity + born16
}
