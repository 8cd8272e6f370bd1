//! Which pairs of records are looked at at all, in numbers that grow no faster than the records.

use rayon::prelude::*;

use crate::model::{Code, LinkRule};
use crate::resolve::evidence::{Scorer, Verdict};
use crate::resolve::intern::{Buckets, NONE, Symbol};
use crate::resolve::names::block_hash;
use crate::resolve::owners::{Tenants, tenants_of};
use crate::resolve::population::{KeyKind, Population, Record};
use crate::resolve::weights::{LINK16, REVIEW16};

/// Up to so many records are compared each with each.
pub const STAR_LIMIT: usize = 14;

/// A scored pair: the smaller record first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The smaller record.
    pub a: Record,
    /// The larger record.
    pub b: Record,
    /// The evidence in sixteenths of a bit.
    pub bits16: i16,
    rule: u8,
    cross_tenant: bool,
}

impl Edge {
    /// A pair with its evidence.
    pub fn new(a: Record, b: Record, bits16: i32, verdict: &Verdict) -> Self {
        Self {
            a: a.min(b),
            b: a.max(b),
            bits16: i16::try_from(bits16.clamp(-30_000, 30_000)).expect("clamped"),
            rule: verdict.rule.map_or(LinkRule::Skipped, |rule| rule) as u8,
            cross_tenant: verdict.cross_tenant,
        }
    }

    /// The rule it would link by; `None` when no key connects the two.
    pub fn rule(self) -> Option<LinkRule> {
        Some(LinkRule::ALL[usize::from(self.rule)]).filter(|&rule| rule != LinkRule::Skipped)
    }

    /// Whether it lies across tenants, where it is only listed.
    pub fn is_cross_tenant(self) -> bool {
        self.cross_tenant
    }

    /// Whether the evidence suffices for a link.
    pub fn links(self) -> bool {
        !self.cross_tenant && i32::from(self.bits16) >= LINK16
    }

    /// Best first, then by the two records.
    pub fn order(self) -> (std::cmp::Reverse<i16>, Record, Record) {
        (std::cmp::Reverse(self.bits16), self.a, self.b)
    }
}

/// Every pair worth a link or a look, each once, best first.
pub fn edges(scorer: &Scorer<'_>, buckets: &[Buckets; 6]) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for kind in KeyKind::ALL {
        let buckets = &buckets[kind as usize];
        let found = (0..buckets.symbols()).into_par_iter().with_min_len(512).fold(Vec::new, |mut found, symbol| {
            let bucket = buckets.get(symbol);
            if symbol != NONE && bucket.len() > 1 {
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
    for block in [name_born, near_email, near_phone] {
        let mut keys: Vec<(u64, Record)> = (0..scorer.population.len())
            .into_par_iter()
            .filter_map(|record| Some((block(scorer.population, record)?, record)))
            .collect();
        keys.par_sort_unstable();
        let groups: Vec<&[(u64, Record)]> = keys.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1).collect();
        let found = groups.into_par_iter().with_min_len(256).fold(Vec::new, |mut found, group| {
            star_or_all(group.len(), &mut |x, y| {
                let (a, b) = (group[x].1, group[y].1);
                if !is_met_before(scorer, KeyKind::ALL.len(), a, b) {
                    keep(scorer, a, b, &mut found);
                }
            });
            found
        });
        append(&mut edges, found);
    }
    edges.par_sort_unstable_by_key(|edge| (edge.a, edge.b));
    edges.dedup_by_key(|edge| (edge.a, edge.b));
    edges.par_sort_unstable_by_key(|edge| edge.order());
    edges
}

/// Whether one of the first kinds has a value on both sides whose records were all compared with one another.
fn is_met_before(scorer: &Scorer<'_>, kinds: usize, a: Record, b: Record) -> bool {
    let (a, b) = (scorer.population.at(a), scorer.population.at(b));
    (0..kinds).any(|kind| {
        let symbol = a.keys[kind];
        symbol != NONE
            && symbol == b.keys[kind]
            && scorer.ownership[kind].is_plain(symbol)
            && scorer.buckets[kind].get(symbol).len() <= STAR_LIMIT
    })
}

fn append(edges: &mut Vec<Edge>, found: impl ParallelIterator<Item = Vec<Edge>>) {
    let found: Vec<Vec<Edge>> = found.collect();
    edges.reserve(found.iter().map(Vec::len).sum());
    found.into_iter().for_each(|mut part| edges.append(&mut part));
}

fn keep(scorer: &Scorer<'_>, a: Record, b: Record, found: &mut Vec<Edge>) {
    let (a, b) = (a.min(b), a.max(b));
    let (bits16, verdict) = scorer.sum(a, b);
    if verdict.is_strong() || bits16 >= if verdict.cross_tenant { LINK16 } else { REVIEW16 } {
        found.push(Edge::new(a, b, bits16, &verdict));
    }
}

/// All pairs of few, or the first with each of many.
fn star_or_all(count: usize, emit: &mut impl FnMut(usize, usize)) {
    let centres = if count <= STAR_LIMIT { count } else { 1 };
    for x in 0..centres {
        for y in x + 1..count {
            emit(x, y);
        }
    }
}

/// The pairs of one value's records: inside each tenant, and across tenants of small buckets.
fn bucket_pairs(scorer: &Scorer<'_>, kind: KeyKind, symbol: Symbol, bucket: &[Record], emit: &mut impl FnMut(Record, Record)) {
    let mut pairs = |tenant: u16, group: &[Record]| {
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
        let tenant = |record: Record| scorer.population.at(record).tenant;
        for (at, &a) in bucket.iter().enumerate() {
            for &b in &bucket[at + 1..] {
                if tenant(a) != 0 && tenant(b) != 0 && tenant(a) != tenant(b) {
                    emit(a, b);
                }
            }
        }
    }
}

/// Every pair of few; of many, equal people collapse to a star and the stars' centres are compared.
fn group_pairs(population: &Population, group: &[Record], emit: &mut impl FnMut(Record, Record)) {
    if group.len() <= STAR_LIMIT {
        star_or_all(group.len(), &mut |x, y| emit(group[x], group[y]));
        return;
    }
    let centres = stars(group, |record| population.at(record).person(), emit);
    // Few owners with many spellings: each spelling is compared with the first few only.
    for (at, &a) in centres.iter().enumerate().take(STAR_LIMIT) {
        for &b in &centres[at + 1..] {
            emit(a, b);
        }
    }
}

/// Inside a hub only equal full names are compared.
fn hub_pairs(population: &Population, group: &[Record], emit: &mut impl FnMut(Record, Record)) {
    let named: Vec<Record> = group
        .iter()
        .copied()
        .filter(|&record| population.names.text(population.at(record).first).len() > 1 && population.at(record).last != NONE)
        .collect();
    let mut sorted = named;
    let name = |record: Record| (population.at(record).first, population.at(record).last);
    sorted.sort_unstable_by_key(|&record| (name(record), record));
    for same in sorted.chunk_by(|&a, &b| name(a) == name(b)) {
        star_or_all(same.len(), &mut |x, y| emit(same[x], same[y]));
    }
}

fn stars<K: Ord>(group: &[Record], key: impl Fn(Record) -> K, emit: &mut impl FnMut(Record, Record)) -> Vec<Record> {
    let mut sorted = group.to_vec();
    sorted.sort_unstable_by_key(|&record| (key(record), record));
    let mut centres = Vec::new();
    for same in sorted.chunk_by(|&a, &b| key(a) == key(b)) {
        centres.push(same[0]);
        same[1..].iter().for_each(|&record| emit(same[0], record));
    }
    centres
}

fn full_name(population: &Population, record: Record) -> Option<(Symbol, Symbol)> {
    let (first, last) = (population.at(record).first, population.at(record).last);
    (population.names.text(first).len() > 1 && last != NONE).then_some((first, last))
}

/// Name in either order and birth date.
fn name_born(population: &Population, record: Record) -> Option<u64> {
    let (first, last) = full_name(population, record)?;
    let born = population.at(record).born;
    (born != 0).then(|| block_hash((first.min(last), first.max(last), u64::from(born))))
}

/// Full name and the address's first four letters.
fn near_email(population: &Population, record: Record) -> Option<u64> {
    let (first, last) = full_name(population, record)?;
    let symbol = population.value(KeyKind::Email, record);
    let start = population.text(KeyKind::Email, symbol).as_bytes().get(..4)?;
    Some(block_hash((first, last, start.iter().fold(1 << 32, |start, &byte| start << 8 | u64::from(byte)))))
}

/// Full name and five of the number's digits, the last two left out.
fn near_phone(population: &Population, record: Record) -> Option<u64> {
    let (first, last) = full_name(population, record)?;
    let number = population.text(KeyKind::Phone, population.value(KeyKind::Phone, record)).as_bytes();
    let digits = number.get(number.len().checked_sub(7)?..number.len() - 2)?;
    Some(block_hash((first, last, digits.iter().fold(2 << 40, |start, &byte| start << 8 | u64::from(byte)))))
}
