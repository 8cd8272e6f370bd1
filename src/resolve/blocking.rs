//! Blocking: chooses the pairs of records that are compared, so that their number grows no faster than the records.

use rayon::prelude::*;

use crate::model::RecordIx;
use crate::resolve::cluster::union_find::SharedForest;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::key_frequency::{STAR_LIMIT, Tenants, tenants_of};
use crate::resolve::compare::names::block_hash;
use crate::resolve::compare::score::Scorer;
use crate::resolve::compare::weights::{LINK, Piece, REVIEW};
use crate::resolve::population::intern::{Buckets, NONE, Symbol};
use crate::resolve::population::prefetch::{ABREAST, look};
use crate::resolve::population::{KeyKind, Population};

/// Values whose pairs a thread compares in one batch, before the edges are appended.
const ROUND: usize = 1 << 16;
const SHARE: usize = 1 << 10;
/// Records of a block that are prefetched together, about.
const PACK: usize = 64;

/// Every pair to link or to review, each once, ordered by component and, within each, best first.
///
/// `strong`: records by key for the four identifiers, dropped after use; email and phone come from the scorer.
pub fn edges(scorer: &Scorer<'_>, strong: [Buckets; 4]) -> Vec<Edge> {
    // Most records have at most one pair.
    let mut edges: Vec<Edge> = Vec::with_capacity(scorer.population.rows.len());
    let mut strong = strong.into_iter();
    for kind in KeyKind::ALL {
        let own = strong.next();
        let of_kind = own.as_ref().unwrap_or_else(|| scorer.buckets.of(kind));
        for start in (0..of_kind.symbols()).step_by(ROUND) {
            let round = start..of_kind.symbols().min(start + ROUND as u32);
            let groups = round.clone().into_par_iter().step_by(ABREAST).with_min_len(SHARE / ABREAST);
            let found = groups.fold(Vec::new, |mut found, first| {
                let symbols = (first.max(NONE.0 + 1)..round.end.min(first + ABREAST as u32)).map(Symbol);
                let shared =
                    || symbols.clone().map(|symbol| (symbol, of_kind.get(symbol))).filter(|(_, bucket)| bucket.len() > 1);
                scorer.look_ahead(shared().flat_map(|(_, bucket)| bucket.iter().copied().take(STAR_LIMIT)));
                for (symbol, bucket) in shared() {
                    let mut emit = |a, b| {
                        if !is_met_before(scorer, kind as usize, a, b) {
                            keep(scorer, a, b, &mut found);
                        }
                    };
                    bucket_pairs(scorer, kind, symbol, bucket, &mut emit);
                }
                found
            });
            append(&mut edges, found);
        }
    }
    for block in Block::ALL {
        let mut keys = block.keys(scorer.population);
        keys.par_sort_unstable();
        for round in rounds(&keys, ROUND, |&entry| key_of(entry)) {
            let packs: Vec<&[u64]> = rounds(round, PACK, |&entry| key_of(entry)).collect();
            let found = packs.into_par_iter().with_min_len(SHARE / PACK).fold(Vec::new, |mut found, pack| {
                let groups = || {
                    let groups = pack.chunk_by(|&a, &b| key_of(a) == key_of(b));
                    groups.filter(|group| (2..=block.limit()).contains(&group.len()))
                };
                block.look_ahead(scorer, groups().flat_map(|group| group.iter().take(STAR_LIMIT)).map(|&entry| record_of(entry)));
                for group in groups() {
                    star_or_all(group.len(), &mut |x, y| {
                        let (a, b) = (record_of(group[x]), record_of(group[y]));
                        if !is_met_before(scorer, KeyKind::ALL.len(), a, b) {
                            keep(scorer, a, b, &mut found);
                        }
                    });
                }
                found
            });
            append(&mut edges, found);
        }
    }
    let components = SharedForest::new(scorer.population.len());
    edges.par_iter().filter(|edge| edge.is_tie()).for_each(|edge| components.join(edge.a.0, edge.b.0));
    edges.par_iter_mut().for_each(|edge| edge.component = RecordIx(components.find(edge.a.0)));
    drop(components);
    edges.par_sort_unstable_by_key(|edge| edge.rank());
    // A pair that was found twice has the same score.
    edges.dedup_by_key(|edge| (edge.a, edge.b));
    edges
}

/// Parts of about this length that do not split runs of equal keys. The list must be sorted by the key.
pub(super) fn rounds<T, K: Ord>(mut list: &[T], length: usize, key: impl Fn(&T) -> K) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let last = key(list.get(length.min(list.len()).checked_sub(1)?)?);
        let (round, rest) = list.split_at(list.partition_point(|entry| key(entry) <= last));
        list = rest;
        Some(round)
    })
}

/// Whether the records share a value of one of the first kinds whose records were all compared with each other.
fn is_met_before(scorer: &Scorer<'_>, kinds: usize, a: RecordIx, b: RecordIx) -> bool {
    KeyKind::ALL[..kinds].iter().any(|&kind| {
        let symbol = scorer.population.value(kind, a);
        symbol != NONE && symbol == scorer.population.value(kind, b) && scorer.ownership[kind as usize].is_plain(symbol)
    })
}

fn append(edges: &mut Vec<Edge>, found: impl ParallelIterator<Item = Vec<Edge>>) {
    let found: Vec<Vec<Edge>> = found.collect();
    found.into_iter().for_each(|mut part| edges.append(&mut part));
}

fn keep(scorer: &Scorer<'_>, a: RecordIx, b: RecordIx, found: &mut Vec<Edge>) {
    let (a, b) = (a.min(b), a.max(b));
    let (weight, verdict) = scorer.sum(a, b);
    if verdict.is_strong() || weight >= if verdict.cross_tenant { LINK } else { REVIEW } {
        let mut edge = Edge::new(a, b, weight, &verdict);
        let is_nameless = |record| scorer.population.is_nameless(record);
        if !verdict.cross_tenant && verdict.rule.is_some() && weight >= REVIEW && is_nameless(a) != is_nameless(b) {
            edge = edge.claimed();
        }
        found.push(edge);
    }
}

/// All pairs of a small group; of a large one, the first with each other.
fn star_or_all(count: usize, emit: &mut impl FnMut(usize, usize)) {
    let centres = if count <= STAR_LIMIT { count } else { 1 };
    for x in 0..centres {
        for y in x + 1..count {
            emit(x, y);
        }
    }
}

/// The pairs of records with one value: within each tenant, and across tenants if there are few records.
fn bucket_pairs(
    scorer: &Scorer<'_>,
    kind: KeyKind,
    symbol: Symbol,
    bucket: &[RecordIx],
    emit: &mut impl FnMut(RecordIx, RecordIx),
) {
    let mut pairs = |tenant: u16, group: &[RecordIx]| {
        if scorer.ownership[kind as usize].of(symbol, tenant).is_hub() {
            hub_pairs(scorer.population, group, emit);
        } else {
            group_pairs(scorer.population, group, emit);
        }
    };
    let groups = match tenants_of(scorer.population, bucket, scorer.scope) {
        Tenants::One(tenant) => return pairs(tenant, bucket),
        Tenants::Several(groups) => groups,
    };
    groups.iter().for_each(|(tenant, group)| pairs(*tenant, group));
    if bucket.len() <= STAR_LIMIT {
        let tenant = |record: RecordIx| scorer.population.at(record).tenant;
        for (at, &a) in bucket.iter().enumerate() {
            for &b in &bucket[at + 1..] {
                if tenant(a) != 0 && tenant(b) != 0 && tenant(a) != tenant(b) {
                    emit(a, b);
                }
            }
        }
    }
}

/// Every pair of a small group. In a large group, records of equal people are paired with one of them, and these are compared.
fn group_pairs(population: &Population, group: &[RecordIx], emit: &mut impl FnMut(RecordIx, RecordIx)) {
    if group.len() <= STAR_LIMIT {
        star_or_all(group.len(), &mut |x, y| emit(group[x], group[y]));
        return;
    }
    let centres = stars(group, |record| population.at(record).person(), emit);
    // Few people with many spellings: each spelling is compared with the first few only.
    for (at, &a) in centres.iter().enumerate().take(STAR_LIMIT) {
        for &b in &centres[at + 1..] {
            emit(a, b);
        }
    }
}

/// Within a hub only records with equal full names are compared.
fn hub_pairs(population: &Population, group: &[RecordIx], emit: &mut impl FnMut(RecordIx, RecordIx)) {
    let named: Vec<RecordIx> = group
        .iter()
        .copied()
        .filter(|&record| population.names.is_spelled(population.at(record).first) && population.at(record).last != NONE)
        .collect();
    let mut sorted = named;
    let name = |record: RecordIx| (population.at(record).first, population.at(record).last);
    sorted.sort_unstable_by_key(|&record| (name(record), record));
    for same in sorted.chunk_by(|&a, &b| name(a) == name(b)) {
        star_or_all(same.len(), &mut |x, y| emit(same[x], same[y]));
    }
}

fn stars<K: Ord>(group: &[RecordIx], key: impl Fn(RecordIx) -> K, emit: &mut impl FnMut(RecordIx, RecordIx)) -> Vec<RecordIx> {
    let mut sorted = group.to_vec();
    sorted.sort_unstable_by_key(|&record| (key(record), record));
    let mut centres = Vec::new();
    for same in sorted.chunk_by(|&a, &b| key(a) == key(b)) {
        centres.push(same[0]);
        same[1..].iter().for_each(|&record| emit(same[0], record));
    }
    centres
}

fn full_name(population: &Population, record: RecordIx) -> Option<(Symbol, Symbol)> {
    let (first, last) = (population.at(record).first, population.at(record).last);
    (population.names.is_spelled(first) && last != NONE).then_some((first, last))
}

/// The values that records with one full name may share if they share no key.
#[derive(Clone, Copy)]
enum Block {
    /// Birth date and one of the two names, in either column.
    BornName,
    /// Full name in either order, and the year of birth.
    NameYear,
    /// Full name, the first four letters of the email, and its digits.
    NearEmail,
    /// Full name and the digits of the phone in any order.
    NearPhone,
    /// Full name and tenant, where the family name is so rare that two who bear it are compared without any common key.
    RareName,
}

impl Block {
    const ALL: [Self; 5] = [Self::BornName, Self::NameYear, Self::NearEmail, Self::NearPhone, Self::RareName];

    /// Most records of one key that are compared.
    fn limit(self) -> usize {
        match self {
            // More of one full name are namesakes.
            Self::RareName => 4,
            _ => usize::MAX,
        }
    }

    /// Prefetches what comparing these records needs.
    fn look_ahead(self, scorer: &Scorer<'_>, records: impl Iterator<Item = RecordIx> + Clone) {
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
    fn keys(self, population: &Population) -> Vec<u64> {
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
                let alone = Piece::NoKey.weight() + Piece::FirstEqual.weight() + Piece::LastEqual.weight();
                let tenant = u64::from(population.at(record).tenant);
                return (population.names.rarity(last) + alone >= REVIEW).then(|| block_hash((first, last, 3 << 40 | tenant)));
            };
            let part = parts[population.value(kind, record).index()];
            (part != 0).then(|| block_hash((first, last, (kind as u64) << 32 | u64::from(part))))
        };
        let keys_of = |record| match self {
            Self::BornName | Self::NameYear => self.born_keys(population, record),
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
            Self::NameYear if both => [Some(block_hash((low, high, 5 << 40 | u64::from(born / 10_000)))), None],
            _ => [None; 2],
        }
    }
}

fn entry(key: u32, record: RecordIx) -> u64 {
    u64::from(key) << 32 | u64::from(record.0)
}

fn key_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

fn record_of(entry: u64) -> RecordIx {
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
