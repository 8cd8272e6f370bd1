//! Clustering: joins scored pairs into people, best edge first, and checks every union against the constraints of both groups.

pub(super) mod assign_nameless;
pub(super) mod constraints;
mod household;
pub(super) mod spanning_tree;
pub(super) mod threshold;
pub(super) mod union_find;

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::model::{Code as _, LinkRule, RecordIx, Source};
use crate::resolve::blocking::rounds;
use crate::resolve::cluster::constraints::{ConstraintViolation, Portrait};
use crate::resolve::cluster::threshold::{LOWEST, PairTally, is_doubtful};
use crate::resolve::cluster::union_find::Forest;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::score::{Scorer, is_strong};
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::{LINK, MARGIN};
use crate::resolve::population::prefetch::look;

/// A link that a constraint forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedLink {
    /// The link.
    pub edge: Edge,
    /// Why.
    pub why: ConstraintViolation,
}

/// The clusters, and the links that constraints forbid.
pub struct Clusters {
    /// Smallest member by record.
    pub labels: Vec<RecordIx>,
    /// Forbidden links whose records ended in different clusters.
    pub refused: Vec<RefusedLink>,
    /// Match threshold for contested records without a name.
    pub bar: Weight,
}

/// Components of at most this many members may be accepted whole.
const WHOLE_LIMIT: usize = 8;
/// Edges that are settled in one batch, about.
const ROUND: usize = 256;
/// Links of at least this weight skip the cluster-level check.
const GUARD: Weight = Weight::bits(5);
/// Members of each side that the cluster-level check compares.
const GUARD_SAMPLE: usize = 6;

/// Clusters the records. The edges must be ordered by component and, within each, best first. The match weights of records
/// without a name are recomputed where the rest of the household matters. Components that do not depend on the threshold are
/// settled first; the others wait until all data have determined it.
pub fn cluster(scorer: &Scorer<'_>, edges: &mut [Edge]) -> Clusters {
    // Every record is in one component, so that no two threads write one label.
    let labels: Vec<AtomicU32> = (0..scorer.population.len()).map(AtomicU32::new).collect();
    let lengths: Vec<usize> = rounds(edges, ROUND, |edge| edge.component).map(<[Edge]>::len).collect();
    let mut rest = edges;
    let rounds: Vec<&mut [Edge]> = lengths.into_iter().filter_map(|length| rest.split_off_mut(..length)).collect();
    let keep = |edges: &mut [Edge], settled: Settled| {
        restate(edges, &settled.restated);
        settled.tell(|record, label| labels[record.index()].store(label.0, Relaxed));
        settled.refused
    };
    let first = rounds.into_par_iter().fold(First::default, |mut first, round| {
        look(round.iter().flat_map(|edge| [edge.a, edge.b]).map(|record| scorer.population.peek(record)));
        for edges in round.chunk_by_mut(|a, b| a.component == b.component) {
            let Some(component) = Component::new(scorer, edges) else { continue };
            let settled = component.settle(LOWEST);
            settled.count(&mut first.tally);
            if settled.places.iter().any(|&(_, together)| is_doubtful(together)) {
                first.doubtful.push(edges);
            } else {
                first.refused.append(&mut keep(edges, settled));
            }
        }
        first
    });
    let First { tally, doubtful, mut refused } = first.reduce(First::default, First::and);
    let bar = tally.bar();
    let more = doubtful.into_par_iter().filter_map(|edges| {
        let settled = Component::new(scorer, edges)?.settle(bar);
        Some(keep(edges, settled))
    });
    refused.par_extend(more.flatten_iter());
    let labels: Vec<RecordIx> = labels.into_iter().map(|label| RecordIx(label.into_inner())).collect();
    refused.retain(|refused| labels[refused.edge.a.index()] != labels[refused.edge.b.index()]);
    refused.par_sort_unstable_by_key(|refused| refused.edge.order());
    Clusters { labels, refused, bar }
}

/// The result of the first pass.
#[derive(Default)]
struct First<'a> {
    tally: PairTally,
    /// Components whose clusters depend on the threshold.
    doubtful: Vec<&'a mut [Edge]>,
    refused: Vec<RefusedLink>,
}

impl First<'_> {
    fn and(mut self, mut other: Self) -> Self {
        self.doubtful.append(&mut other.doubtful);
        self.refused.append(&mut other.refused);
        Self { tally: self.tally.and(&other.tally), ..self }
    }
}

fn restate(edges: &mut [Edge], restated: &[(Edge, Weight)]) {
    let place = |of: &Edge| edges.binary_search_by_key(&of.rank(), |edge| edge.rank()).ok();
    let places: Few<(usize, Weight)> = restated.iter().filter_map(|(of, weight)| Some((place(of)?, *weight))).collect();
    places.into_iter().for_each(|(at, weight)| edges[at].restate(weight));
}

/// Members or edges of a component. Up to three are stored inline, because most components have two.
type Few<T> = SmallVec<[T; 3]>;
/// Members that are joined so far.
type MemberGroup = SmallVec<[u32; 4]>;

/// Records that links connect, directly or through others.
struct Component<'a> {
    scorer: &'a Scorer<'a>,
    members: Few<RecordIx>,
    edges: Few<Edge>,
    forest: Forest,
    portraits: Few<Portrait>,
    groups: Few<MemberGroup>,
    settled: Settled,
}

/// The result for a component.
#[derive(Default)]
struct Settled {
    members: Few<RecordIx>,
    /// The first member of each member's cluster, by its position among the members.
    labels: Few<u32>,
    refused: Vec<RefusedLink>,
    /// Links of records without a name, with their match weight after the rest of the household is considered.
    restated: Vec<(Edge, Weight)>,
    /// Contested members without a name, by their position among the members, with their match weight.
    places: Vec<(u32, Weight)>,
}

impl Settled {
    /// Calls `tell` with each member and the smallest record of its cluster.
    fn tell(&self, tell: impl Fn(RecordIx, RecordIx)) {
        self.members.iter().zip(&self.labels).for_each(|(&record, &label)| tell(record, self.members[label as usize]));
    }

    fn count(&self, tally: &mut PairTally) {
        let mut sizes: Few<u64> = self.labels.iter().map(|_| 0).collect();
        self.labels.iter().for_each(|&label| sizes[label as usize] += 1);
        let mut pairs: u64 = sizes.iter().map(|size| size * size.saturating_sub(1) / 2).sum();
        for &(member, together) in &self.places {
            let joins = sizes[self.labels[member as usize] as usize] - 1;
            pairs = pairs.saturating_sub(joins);
            tally.add_place(together, joins);
        }
        tally.add_undisputed(pairs);
    }
}

impl<'a> Component<'a> {
    /// `None` if no edge connects the records.
    fn new(scorer: &'a Scorer<'a>, component: &[Edge]) -> Option<Self> {
        let edges: Few<Edge> = component.iter().copied().filter(|edge| edge.is_tie()).collect();
        if edges.is_empty() {
            return None;
        }
        let mut members: Few<RecordIx> = edges.iter().flat_map(|edge| [edge.a, edge.b]).collect();
        members.sort_unstable();
        members.dedup();
        Some(Self {
            scorer,
            portraits: members.iter().map(|&record| Portrait::of(scorer.population, record)).collect(),
            groups: Few::new(),
            forest: Forest::new(0),
            members,
            edges,
            settled: Settled::default(),
        })
    }

    /// Finds the clusters. A contested record without a name needs at least the threshold `bar16`.
    fn settle(mut self, bar: Weight) -> Settled {
        if self.is_whole() {
            let labels = self.members.iter().map(|_| 0).collect();
            return Settled { members: self.members, labels, ..self.settled };
        }
        let count = u32::try_from(self.members.len()).expect("records are counted in 32 bits");
        self.groups = (0..count).map(|member| MemberGroup::from_slice(&[member])).collect();
        self.forest = Forest::new(count);
        self.choose_tenants();
        let nameless = |component: &Self, record: RecordIx| component.scorer.population.is_nameless(record);
        let edges = std::mem::take(&mut self.edges);
        let (between_named, others): (Few<Edge>, Few<Edge>) =
            edges.into_iter().partition(|edge| is_by_number(edge) || (!nameless(&self, edge.a) && !nameless(&self, edge.b)));
        between_named.into_iter().for_each(|edge| self.try_join(edge));
        let (to_named, between_nameless): (Few<Edge>, Few<Edge>) =
            others.into_iter().partition(|edge| nameless(&self, edge.a) != nameless(&self, edge.b));
        self.assign_nameless(to_named, bar);
        between_nameless.into_iter().for_each(|edge| self.try_join(edge));
        Settled { members: self.members, labels: self.forest.into_labels().into(), ..self.settled }
    }

    /// Whether no constraint forbids any pair of members, so that the order of unions does not matter.
    fn is_whole(&self) -> bool {
        let fuzzy = |edge: &Edge| matches!(edge.rule(), Some(LinkRule::NearEmail | LinkRule::NearPhone));
        if self.edges.iter().any(|edge| !edge.links()) || self.lists_anybody_twice() {
            return false;
        }
        if self.members.len() > WHOLE_LIMIT || (self.members.len() > 2 && self.edges.iter().any(fuzzy)) {
            return false;
        }
        let (population, scope) = (self.scorer.population, self.scorer.scope);
        let pairwise = self.portraits.iter().enumerate().all(|(at, portrait)| {
            self.portraits[at + 1..].iter().all(|other| portrait.refuse(other, population, scope).is_none())
        });
        pairwise && (self.members.len() == 2 || self.named_members_hold_together())
    }

    /// Whether a record without a name has the same source as another record, so that both must be weighed together.
    fn lists_anybody_twice(&self) -> bool {
        let population = self.scorer.population;
        let mut seen = [false; Source::ALL.len()];
        let named = |record: &&RecordIx| !population.is_nameless(**record);
        self.members.iter().filter(named).for_each(|&record| seen[population.source(record) as usize] = true);
        let nameless = |record: &&RecordIx| population.is_nameless(**record);
        self.members.iter().filter(nameless).any(|&record| std::mem::replace(&mut seen[population.source(record) as usize], true))
    }

    /// Whether the named members are one group without the members that have no name.
    fn named_members_hold_together(&self) -> bool {
        let population = self.scorer.population;
        let named: Few<RecordIx> = self.members.iter().copied().filter(|&record| !population.is_nameless(record)).collect();
        if named.len() == self.members.len() {
            return true;
        }
        let mut forest = Forest::new(u32::try_from(named.len()).expect("few"));
        let at = |record: RecordIx| named.binary_search(&record).ok().and_then(|at| u32::try_from(at).ok());
        let joined =
            self.edges.iter().filter(|edge| matches!((at(edge.a), at(edge.b)), (Some(a), Some(b)) if forest.join(a, b))).count();
        joined + 1 >= named.len()
    }

    fn local(&self, record: RecordIx) -> u32 {
        let at = self.members.binary_search(&record).expect("edges join members");
        u32::try_from(at).expect("records are counted in 32 bits")
    }

    /// Gives a record without a tenant the tenant of its best edge, or none if two are about equal.
    fn choose_tenants(&mut self) {
        let tenant = |record: RecordIx| self.scorer.population.at(record).tenant;
        let mut best: Vec<(RecordIx, u16, Weight)> = Vec::new();
        for edge in self.edges.iter().filter(|edge| edge.links()) {
            for (free, bound) in [(edge.a, edge.b), (edge.b, edge.a)] {
                if tenant(free) == 0 && tenant(bound) != 0 {
                    best.push((free, tenant(bound), edge.weight()));
                }
            }
        }
        best.sort_unstable_by_key(|&(record, tenant, weight)| (record, std::cmp::Reverse(weight), tenant));
        let mut chosen: Vec<(RecordIx, Option<u16>)> = Vec::new();
        for choices in best.chunk_by(|a, b| a.0 == b.0) {
            let (record, tenant, weight) = choices[0];
            let rival = choices.iter().find(|choice| choice.1 != tenant);
            let clear = rival.is_none_or(|rival| weight - rival.2 > MARGIN);
            chosen.push((record, clear.then_some(tenant)));
        }
        let choice = |record: RecordIx| chosen.binary_search_by_key(&record, |entry| entry.0).ok().map(|at| chosen[at].1);
        let mut refused = Vec::new();
        self.edges.retain(|edge| {
            for (free, bound) in [(edge.a, edge.b), (edge.b, edge.a)] {
                if tenant(free) == 0 && tenant(bound) != 0 {
                    match choice(free).flatten() {
                        Some(chosen) if chosen == tenant(bound) => {}
                        choice => {
                            let why =
                                if choice.is_some() { ConstraintViolation::Tenant } else { ConstraintViolation::TenantAmbiguous };
                            refused.extend(edge.links().then_some(RefusedLink { edge: *edge, why }));
                            return false;
                        }
                    }
                }
            }
            true
        });
        self.settled.refused.append(&mut refused);
    }

    /// Whether two groups have a full name in common and no constraint forbids to join them.
    fn is_one_name(&self, a: u32, b: u32) -> bool {
        self.portraits[a as usize].shares_full_name(&self.portraits[b as usize]) && self.refuse(a, b).is_none()
    }

    fn refuse(&self, a: u32, b: u32) -> Option<ConstraintViolation> {
        self.portraits[a as usize].refuse(&self.portraits[b as usize], self.scorer.population, self.scorer.scope)
    }

    fn try_join(&mut self, edge: Edge) {
        let (a, b) = (self.local(edge.a), self.local(edge.b));
        let (a, b) = (self.forest.find(a), self.forest.find(b));
        if a == b {
            return;
        }
        let why = self.refuse(a, b).or_else(|| self.doubt(edge, a, b));
        match why {
            Some(why) => self.settled.refused.push(RefusedLink { edge, why }),
            None => self.join(a, b),
        }
    }

    fn join(&mut self, a: u32, b: u32) {
        self.forest.join(a, b);
        let (small, large) = (a.min(b) as usize, a.max(b) as usize);
        let portrait = std::mem::take(&mut self.portraits[large]);
        self.portraits[small].absorb(portrait);
        let mut group = std::mem::take(&mut self.groups[large]);
        self.groups[small].append(&mut group);
    }

    /// Checks a union by a typing error or a weak key: the groups as a whole must match.
    fn doubt(&self, edge: Edge, a: u32, b: u32) -> Option<ConstraintViolation> {
        let (left, right) = (&self.groups[a as usize], &self.groups[b as usize]);
        let weak = match edge.rule() {
            Some(LinkRule::NearEmail | LinkRule::NearPhone) => true,
            Some(rule) => !is_strong(rule) && edge.weight() < GUARD,
            None => true,
        };
        if !weak || left.len() + right.len() < 3 {
            return None;
        }
        let sample = |group: &[u32]| {
            let mut group: Vec<RecordIx> = group.iter().map(|&member| self.members[member as usize]).collect();
            group.sort_unstable();
            group.truncate(GUARD_SAMPLE);
            group
        };
        let (left, right) = (sample(left), sample(right));
        let mut total = Weight::ZERO;
        for &x in &left {
            for &y in &right {
                let (weight, verdict) = self.scorer.sum(x.min(y), x.max(y));
                // A missing common key is not evidence against the union, so only names and dates count.
                total += if verdict.rule.is_none() { weight + Weight::bits(9) } else { weight };
            }
        }
        let pairs = i32::try_from(left.len() * right.len()).expect("at most 36");
        (total.in_sixteenths() < LINK.in_sixteenths() * pairs / 2).then_some(ConstraintViolation::WeakOverall)
    }
}

/// Whether a link rests on a number that is issued once, so that only one person of the household is possible.
fn is_by_number(edge: &Edge) -> bool {
    edge.links() && matches!(edge.rule(), Some(LinkRule::GolfRsaId | LinkRule::CdhId | LinkRule::McaId))
}
