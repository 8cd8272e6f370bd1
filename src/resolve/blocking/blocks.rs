//! What records may have in common besides a key: names with birth dates, similar emails or phones, or a rare family name.

use rayon::prelude::*;

use crate::model::RecordIx;
use crate::resolve::blocking::ROUND;
use crate::resolve::compare::key_frequency::STAR_LIMIT;
use crate::resolve::compare::names::block_hash;
use crate::resolve::compare::score::Scorer;
use crate::resolve::compare::weights::{ComparisonLevel, REVIEW};
use crate::resolve::population::intern::{NONE, Symbol};
use crate::resolve::population::prefetch::look;
use crate::resolve::population::{KeyKind, Population};

fn full_name(population: &Population, record: RecordIx) -> Option<(Symbol, Symbol)> {
    let (first, last) = (population.at(record).first, population.at(record).last);
    (population.names.is_spelled(first) && last != NONE).then_some((first, last))
}

/// The values that records with one full name may share if they share no key.
#[derive(Clone, Copy)]
pub(super) enum Block {
    /// Birth date and one of the two names, in either column.
    BornName,
    /// Birth date and the initials of both names, in either order.
    BornInitials,
    /// Full name in either order, and the year of birth or its month and day.
    NameBirth,
    /// Full name in either order, of records without email, phone and login.
    NameAlone,
    /// Full name, the first four letters of the email, and its digits.
    NearEmail,
    /// Full name and the digits of the phone in any order.
    NearPhone,
    /// Full name and tenant, where the family name is so rare that two who bear it are compared without any common key.
    RareName,
}

impl Block {
    pub(super) const ALL: [Self; 7] =
        [Self::BornName, Self::BornInitials, Self::NameBirth, Self::NameAlone, Self::NearEmail, Self::NearPhone, Self::RareName];

    /// Most records of one key that are compared.
    pub(super) fn limit(self) -> usize {
        match self {
            // More of one full name are namesakes.
            Self::RareName => 4,
            Self::NameAlone => STAR_LIMIT,
            _ => usize::MAX,
        }
    }

    /// Prefetches what comparing these records needs.
    pub(super) fn look_ahead(self, scorer: &Scorer<'_>, records: impl Iterator<Item = RecordIx> + Clone) {
        let population = scorer.population;
        scorer.look_ahead(records.clone());
        let kind = match self {
            Self::NearEmail => KeyKind::Email,
            Self::NearPhone => KeyKind::Phone,
            _ => return,
        };
        look(records.map(|record| population.peek_text(kind, population.value(kind, record))));
    }

    /// The records that can share it, in the lower half, and what they share in the upper half; to be sorted by the caller.
    pub(super) fn keys(self, population: &Population) -> Vec<u64> {
        // Texts are read once each, in order of storage, not in order of records.
        let parts = |kind, part: fn(&[u8]) -> u32| -> Vec<u32> {
            let symbols = 0..u32::try_from(population.symbols(kind)).expect("symbols are 32-bit");
            symbols
                .into_par_iter()
                .with_min_len(4096)
                .map(|symbol| part(population.text(kind, Symbol(symbol)).as_bytes()))
                .collect()
        };
        let (kind, parts) = match self {
            Self::NearEmail => (Some(KeyKind::Email), parts(KeyKind::Email, start_of_address)),
            Self::NearPhone => (Some(KeyKind::Phone), parts(KeyKind::Phone, digits_of_number)),
            _ => (None, Vec::new()),
        };
        let of_names = |record| {
            let (first, last) = full_name(population, record)?;
            let Some(kind) = kind else {
                let alone =
                    ComparisonLevel::NoKey.weight() + ComparisonLevel::FirstEqual.weight() + ComparisonLevel::LastEqual.weight();
                let tenant = u64::from(population.at(record).tenant);
                return (population.names.rarity(last) + alone >= REVIEW).then(|| block_hash((first, last, 3 << 40 | tenant)));
            };
            let part = parts[population.value(kind, record).index()];
            (part != 0).then(|| block_hash((first, last, (kind as u64) << 32 | u64::from(part))))
        };
        let keys_of = |record| match self {
            Self::BornName | Self::BornInitials | Self::NameBirth => self.born_keys(population, record),
            Self::NameAlone => [name_alone_key(population, record), None],
            Self::NearEmail | Self::NearPhone | Self::RareName => [of_names(record), None],
        };
        // In parts, so that no second list of all records is held.
        let mut keys = Vec::with_capacity(population.rows.len());
        for start in (0..population.len()).step_by(4 * ROUND) {
            let part = (start..population.len().min(start + 4 * ROUND as u32)).into_par_iter();
            let entries = |record| keys_of(record).into_iter().flatten().map(move |key| entry(key, record));
            keys.par_extend(part.with_min_len(4096).map(RecordIx).flat_map_iter(entries));
        }
        keys
    }

    /// The blocking keys of a record by its birth date.
    fn born_keys(self, population: &Population, record: RecordIx) -> [Option<u32>; 2] {
        let (first, last, born) = population.at(record).person();
        if born == 0 {
            return [None; 2];
        }
        let first = population.names.plain(first);
        let (low, high) = (first.min(last), first.max(last));
        let both = first != NONE && last != NONE;
        match self {
            Self::BornName => {
                [first, last].map(|name| (name != NONE).then(|| block_hash((name, NONE, 4 << 40 | u64::from(born)))))
            }
            Self::BornInitials if first != NONE || last != NONE => {
                let [x, y] = [first, last].map(|name| population.names.initial(name));
                [Some(block_hash((NONE, NONE, 6 << 56 | x.min(y) << 44 | x.max(y) << 32 | u64::from(born)))), None]
            }
            Self::NameBirth if both => [5 << 40 | u64::from(born / 10_000), 7 << 40 | u64::from(born % 10_000)]
                .map(|part| Some(block_hash((low, high, part)))),
            _ => [None; 2],
        }
    }
}

/// The blocking key of a record by its full name, if it has no email, phone and login.
fn name_alone_key(population: &Population, record: RecordIx) -> Option<u32> {
    let (first, last) = full_name(population, record).filter(|_| population.has_only_name(record))?;
    let first = population.names.plain(first);
    Some(block_hash((first.min(last), first.max(last), 8 << 40)))
}

fn entry(key: u32, record: RecordIx) -> u64 {
    u64::from(key) << 32 | u64::from(record.0)
}

pub(super) fn key_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

pub(super) fn record_of(entry: u64) -> RecordIx {
    RecordIx(entry as u32)
}

/// A number from the first four letters and all digits before `@`, which a typing error further on does not change; 0 for shorter
/// emails.
fn start_of_address(address: &[u8]) -> u32 {
    let Some(start) = address.first_chunk() else { return 0 };
    let local = address.iter().take_while(|&&letter| letter != b'@');
    let digits = local.filter(|letter| letter.is_ascii_digit());
    digits.fold(u32::from_be_bytes(*start), |number, &digit| number.rotate_left(5) ^ u32::from(digit)).max(1)
}

/// The frequency of each digit, which a swap does not change; 0 for fewer than seven digits.
fn digits_of_number(number: &[u8]) -> u32 {
    if number.len() < 7 {
        return 0;
    }
    number.iter().fold(1, |counts: u32, &digit| counts.wrapping_add(1 << (3 * u32::from(digit & 15) % 32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_with_two_swapped_digits_are_still_compared() {
        let number = *b"+27821234509";
        let of_number = digits_of_number(&number);
        for at in 1..number.len() - 1 {
            let mut slip = number;
            slip.swap(at, at + 1);
            assert_eq!(digits_of_number(&slip), of_number, "{at}");
        }
        assert_ne!(digits_of_number(b"+27821234508"), of_number);
        assert_eq!(digits_of_number(b"112"), 0);
    }

    #[test]
    fn addresses_of_other_digits_are_not_compared_and_a_slip_further_on_is() {
        let of_address = start_of_address(b"thandi.n77@mail.test");
        assert_eq!(start_of_address(b"thandin77@mial.test"), of_address);
        assert_ne!(start_of_address(b"thandi.n78@mail.test"), of_address);
        assert_ne!(start_of_address(b"thando.n77@mail.test"), start_of_address(b"tando.n77@mail.test"));
        assert_eq!(start_of_address(b"t@m"), 0);
    }
}
