//! The match weight of records that have only name and birth date in common. It depends on the number of such pairs expected by
//! chance among the records at hand, so that a pair weighs more among few records and with rare names.

use crate::model::RecordIx;
use crate::resolve::compare::birth_date::BirthMatch;
use crate::resolve::compare::names::{FullMatch, NameMatch};
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::ComparisonLevel;
use crate::resolve::population::intern::NONE;
use crate::resolve::population::{KeyKind, Population};

/// Weight of equal birth dates: one pair in twenty thousand has them by chance.
const BORN_EQUAL: Weight = Weight::sixteenths(14 * 16 + 5);
/// Weight lost if the dates differ in one digit or by swapping day and month: that is thirty times as frequent by chance, and one
/// true pair in fifty has it.
const BORN_NEAR: Weight = Weight::sixteenths(60);
/// Weight of an equal year: one pair in sixty has it by chance, and one true pair in fifty has only the year.
const BORN_YEAR: Weight = Weight::sixteenths(4);
/// Weight of a form or misspelling of a given name, compared with strangers.
const FIRST_CLOSE: Weight = Weight::sixteenths(40);
/// Weight of a matching initial.
const FIRST_INITIAL: Weight = Weight::bits(1);
/// Weight of another given name, if a number with a typing error supports the match.
const FIRST_DIFFERENT: Weight = Weight::bits(-4);
/// Weight of a misspelled family name, compared with strangers.
const LAST_CLOSE: Weight = Weight::bits(5);
/// Weight of a changed family name, compared with strangers.
const LAST_DIFFERENT: Weight = Weight::sixteenths(-53);
/// Highest weight for the rarity of a name.
const RAREST: Weight = Weight::bits(14);
/// Highest weight with a typing error in the date and different emails or phones, below the match threshold: 2.5 bits.
const SLIP: Weight = Weight::sixteenths(40);
/// Weight lost by records that have only an equal full name in common, because relatives bear one name more often than strangers.
const NAMESAKE: Weight = Weight::bits(1);
/// Smaller populations are treated as if they had this many records.
const FEWEST: u32 = 1_000;

/// The correction that brings the weights of names and birth dates to their value without any key; `None`
/// where names or dates do not support a match. `is_number_slip`: whether handicap numbers are a typing error apart.
pub fn alike(
    population: &Population,
    a: RecordIx,
    b: RecordIx,
    matched: FullMatch,
    born: BirthMatch,
    is_number_slip: impl Fn() -> bool,
) -> Option<Weight> {
    if matched.is_full() && born == BirthMatch::Unknown && population.has_only_name(a) && population.has_only_name(b) {
        let rarity = |record| population.names.full_name_rarity((population.at(record).first, population.at(record).last));
        return Some(rarity(a).min(rarity(b)) - NAMESAKE - stated(population, a, b, matched, born));
    }
    let of_birth = match born {
        BirthMatch::Equal => BORN_EQUAL,
        BirthMatch::Near => BORN_NEAR,
        BirthMatch::Year => BORN_YEAR,
        BirthMatch::Unknown | BirthMatch::Conflict => return None,
    };
    let names = &population.names;
    let (of_a, of_b) = (population.at(a), population.at(b));
    let names_fit = match (matched.first, matched.last) {
        (NameMatch::Equal, NameMatch::Equal) => true,
        (NameMatch::Equal, NameMatch::Close) | (NameMatch::Close, NameMatch::Equal) => born != BirthMatch::Year,
        (NameMatch::Equal, _)
        | (NameMatch::Close, NameMatch::Close | NameMatch::Unknown)
        | (NameMatch::Initial, NameMatch::Equal)
        | (NameMatch::Unknown, NameMatch::Equal | NameMatch::Close) => born == BirthMatch::Equal,
        // A twin's number is not the own one with a typing error.
        (NameMatch::Conflict, NameMatch::Equal | NameMatch::Close) => born == BirthMatch::Equal && is_number_slip(),
        _ => false,
    };
    if !names_fit {
        return None;
    }
    // The more frequent reading counts, so that the order of the two does not matter.
    let of_first = match matched.first {
        NameMatch::Equal => names.given_rarity(of_a.first).min(names.given_rarity(of_b.first)).min(RAREST),
        NameMatch::Close => FIRST_CLOSE,
        NameMatch::Initial => FIRST_INITIAL,
        NameMatch::Conflict => FIRST_DIFFERENT,
        NameMatch::Unknown => Weight::ZERO,
    };
    let of_last = match matched.last {
        NameMatch::Equal => names.family_rarity(of_a.last).min(names.family_rarity(of_b.last)).min(RAREST),
        NameMatch::Close | NameMatch::Initial => LAST_CLOSE,
        NameMatch::Conflict => LAST_DIFFERENT,
        NameMatch::Unknown => Weight::ZERO,
    };
    let chance = Weight::log2(population.births.max(FEWEST).into());
    let sum = of_first + of_last + of_birth - chance;
    let is_doubtful = born != BirthMatch::Equal && have_other_contacts(population, a, b);
    let sum = if is_doubtful { sum.min(SLIP) } else { sum };
    Some(sum - stated(population, a, b, matched, born))
}

/// Whether records without a common key both have an email, or both a phone.
fn have_other_contacts(population: &Population, a: RecordIx, b: RecordIx) -> bool {
    let have = |kind| population.value(kind, a) != NONE && population.value(kind, b) != NONE;
    have(KeyKind::Email) || have(KeyKind::Phone)
}

/// The weights of names and birth date that the comparison has counted already.
fn stated(population: &Population, a: RecordIx, b: RecordIx, matched: FullMatch, born: BirthMatch) -> Weight {
    let first = match matched.first {
        NameMatch::Equal => ComparisonLevel::FirstEqual.weight(),
        NameMatch::Close => ComparisonLevel::FirstClose.weight(),
        NameMatch::Initial => ComparisonLevel::FirstInitial.weight(),
        NameMatch::Conflict => ComparisonLevel::FirstConflict.weight(),
        NameMatch::Unknown => Weight::ZERO,
    };
    let last = match matched.last {
        NameMatch::Equal => ComparisonLevel::LastEqual.weight(),
        NameMatch::Close | NameMatch::Initial => ComparisonLevel::LastNear.weight(),
        NameMatch::Conflict => ComparisonLevel::LastDifferent.weight(),
        NameMatch::Unknown => Weight::ZERO,
    };
    let rarity = if matched.is_full() {
        let of = |record: RecordIx| population.names.rarity(population.at(record).last);
        if matched.is_swapped { of(a).min(of(b)) } else { of(a) }
    } else {
        Weight::ZERO
    };
    let of_birth = match born {
        BirthMatch::Equal if matched.first == NameMatch::Equal => {
            ComparisonLevel::BornEqual.weight() + ComparisonLevel::NameBorn.weight()
        }
        BirthMatch::Equal => ComparisonLevel::BornEqual.weight(),
        BirthMatch::Near => ComparisonLevel::BornNear.weight(),
        BirthMatch::Year => ComparisonLevel::BornYear.weight(),
        BirthMatch::Unknown | BirthMatch::Conflict => Weight::ZERO,
    };
    first + last + rarity + of_birth
}
