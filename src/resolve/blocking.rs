//! Blocking: chooses the pairs of records that are compared, so that their number grows no faster than the records.

mod blocks;

use std::ops::Range;

use rayon::prelude::*;

use crate::model::RecordIx;
use crate::resolve::blocking::blocks::{Block, key_of, record_of};
use crate::resolve::cluster::union_find::SharedForest;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::key_frequency::{STAR_LIMIT, TenantGroups, tenants_of};
use crate::resolve::compare::score::Scorer;
use crate::resolve::compare::weights::{LINK, REVIEW};
use crate::resolve::population::intern::{Buckets, NONE, Symbol};
use crate::resolve::population::prefetch::ABREAST;
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
        let buckets = own.as_ref().unwrap_or_else(|| scorer.buckets.of(kind));
        compare(&SharedKey { kind, buckets }, scorer, &mut edges);
    }
    for block in Block::ALL {
        compare(&SharedBlock::new(block, scorer.population), scorer, &mut edges);
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

/// What puts records together whose pairs are compared.
trait BlockingRule: Sync {
    /// Groups of records that a thread compares at once.
    type Part<'a>
    where
        Self: 'a;

    /// So many of the first kinds have been compared before: what they put together as well is not compared again.
    fn kinds_before(&self) -> usize;

    /// All groups, round after round; the pairs of a round are kept before the next one begins.
    fn rounds(&self) -> impl Iterator<Item: ParallelIterator<Item = Self::Part<'_>>>;

    /// Looks at what comparing a part will look at.
    fn look_ahead(&self, scorer: &Scorer<'_>, part: &Self::Part<'_>);

    /// Emits the pairs of a part.
    fn pairs(&self, scorer: &Scorer<'_>, part: &Self::Part<'_>, emit: &mut impl FnMut(RecordIx, RecordIx));
}

/// Compares the pairs of a rule.
fn compare<R: BlockingRule>(rule: &R, scorer: &Scorer<'_>, edges: &mut Vec<Edge>) {
    for round in rule.rounds() {
        let found = round.fold(Vec::new, |mut found, part| {
            rule.look_ahead(scorer, &part);
            rule.pairs(scorer, &part, &mut |a, b| {
                if !is_met_before(scorer, rule.kinds_before(), a, b) {
                    keep(scorer, a, b, &mut found);
                }
            });
            found
        });
        let found: Vec<Vec<Edge>> = found.collect();
        found.into_iter().for_each(|mut part| edges.append(&mut part));
    }
}

/// Records that share a value of a kind.
struct SharedKey<'b> {
    kind: KeyKind,
    buckets: &'b Buckets,
}

impl SharedKey<'_> {
    /// The values of a part that several records carry, with the records.
    fn shared(&self, part: &Range<u32>) -> impl Iterator<Item = (Symbol, &[RecordIx])> + Clone {
        part.clone().map(Symbol).map(|symbol| (symbol, self.buckets.get(symbol))).filter(|(_, bucket)| bucket.len() > 1)
    }
}

impl BlockingRule for SharedKey<'_> {
    type Part<'a>
        = Range<u32>
    where
        Self: 'a;

    fn kinds_before(&self) -> usize {
        self.kind as usize
    }

    fn rounds(&self) -> impl Iterator<Item: ParallelIterator<Item = Range<u32>>> {
        let symbols = self.buckets.symbols();
        (0..symbols).step_by(ROUND).map(move |start| {
            let end = symbols.min(start + ROUND as u32);
            let firsts = (start..end).into_par_iter().step_by(ABREAST).with_min_len(SHARE / ABREAST);
            firsts.map(move |first| first.max(NONE.0 + 1)..end.min(first + ABREAST as u32))
        })
    }

    fn look_ahead(&self, scorer: &Scorer<'_>, part: &Range<u32>) {
        scorer.look_ahead(self.shared(part).flat_map(|(_, bucket)| bucket.iter().copied().take(STAR_LIMIT)));
    }

    fn pairs(&self, scorer: &Scorer<'_>, part: &Range<u32>, emit: &mut impl FnMut(RecordIx, RecordIx)) {
        self.shared(part).for_each(|(symbol, bucket)| bucket_pairs(scorer, self.kind, symbol, bucket, emit));
    }
}

/// Records that share what a block asks for.
struct SharedBlock {
    block: Block,
    /// As [`Block::keys`] makes them; sorted.
    entries: Vec<u64>,
}

impl SharedBlock {
    fn new(block: Block, population: &Population) -> Self {
        let mut entries = block.keys(population);
        entries.par_sort_unstable();
        Self { block, entries }
    }

    /// The groups of a part that are worth comparing.
    fn groups<'a>(&self, part: &'a [u64]) -> impl Iterator<Item = &'a [u64]> + Clone + use<'a> {
        let limit = self.block.limit();
        part.chunk_by(|&a, &b| key_of(a) == key_of(b)).filter(move |group| (2..=limit).contains(&group.len()))
    }
}

impl BlockingRule for SharedBlock {
    type Part<'a> = &'a [u64];

    fn kinds_before(&self) -> usize {
        KeyKind::ALL.len()
    }

    fn rounds(&self) -> impl Iterator<Item: ParallelIterator<Item = &[u64]>> {
        rounds(&self.entries, ROUND, |&entry| key_of(entry)).map(|round| {
            let packs: Vec<&[u64]> = rounds(round, PACK, |&entry| key_of(entry)).collect();
            packs.into_par_iter().with_min_len(SHARE / PACK)
        })
    }

    fn look_ahead(&self, scorer: &Scorer<'_>, part: &&[u64]) {
        let seen = self.groups(part).flat_map(|group| group.iter().take(STAR_LIMIT));
        self.block.look_ahead(scorer, seen.map(|&entry| record_of(entry)));
    }

    fn pairs(&self, _: &Scorer<'_>, part: &&[u64], emit: &mut impl FnMut(RecordIx, RecordIx)) {
        for group in self.groups(part) {
            star_or_all(group.len(), &mut |x, y| emit(record_of(group[x]), record_of(group[y])));
        }
    }
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
        TenantGroups::One(tenant) => return pairs(tenant, bucket),
        TenantGroups::Several(groups) => groups,
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
