//! Applies manual decisions: must-links join, cannot-links split, and nothing else changes.

pub(super) mod file;

use rayon::prelude::*;

use crate::model::{LinkRule, RecordIx, RecordKey};
use crate::resolve::Memory;
use crate::resolve::cluster::union_find::Forest;
use crate::resolve::cluster::{Clusters, RefusedLink};
use crate::resolve::compare::birth_date::BirthMatch;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::names::NameMatch;
use crate::resolve::compare::score::{PairVerdict, Scorer};
use crate::resolve::compare::weights::FORCED;
use crate::resolve::options::Scope;
use crate::resolve::population::Features;

/// A kind of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionKind {
    /// They are one person.
    MustLink,
    /// They are two people.
    CannotLink,
}

impl DecisionKind {
    /// The spelling in `decisions.csv`.
    pub fn code(self) -> &'static str {
        match self {
            Self::MustLink => "must-link",
            Self::CannotLink => "cannot-link",
        }
    }
}

/// The origin of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionOrigin {
    /// `decisions.csv`, with the line.
    File(u64),
    /// A merge or a review made in the CRM.
    Crm,
}

impl DecisionOrigin {
    /// The spelling in `res__decisions`.
    pub fn code(self) -> &'static str {
        match self {
            Self::File(_) => "decisions.csv",
            Self::Crm => "crm",
        }
    }
}

/// A decision on two records, by their keys `source:entity:id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The decision.
    pub kind: DecisionKind,
    /// One record.
    pub a: String,
    /// The other.
    pub b: String,
    /// Its origin.
    pub origin: DecisionOrigin,
}

/// The state of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionState {
    /// It is applied.
    Applied,
    /// Another decision, or the rule against links across tenants, forbids it.
    Contradicted,
    /// One of the records is no longer exported.
    Stale,
}

impl DecisionState {
    /// The spelling in `res__decisions`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Applied => "APPLIED",
            Self::Contradicted => "CONTRADICTED",
            Self::Stale => "STALE",
        }
    }
}

/// The clusters after decisions.
pub struct Decided {
    /// Smallest member of each record's cluster.
    pub labels: Vec<RecordIx>,
    /// Links that constraints forbid.
    pub refused: Vec<RefusedLink>,
    /// The state of each decision.
    pub states: Vec<(Decision, DecisionState)>,
    /// Pairs that must stay apart.
    pub cannot: Vec<(RecordIx, RecordIx)>,
}

/// Applies must-links and cannot-links to the clusters, and adds the forced links to the edges.
pub fn apply(scorer: &Scorer<'_>, edges: &mut Vec<Edge>, clusters: Clusters, memory: Memory<'_>) -> Decided {
    let Clusters { mut labels, refused, .. } = clusters;
    let decisions = memory.decisions;
    if decisions.is_empty() && memory.withheld.is_empty() {
        return Decided { labels, refused, states: Vec::new(), cannot: Vec::new() };
    }
    let population = scorer.population;
    let find =
        |key: &str| RecordKey::parse(key).and_then(|key| population.find(key)).filter(|&record| !population.is_deleted(record));
    let pairs: Vec<Option<(RecordIx, RecordIx)>> =
        decisions.iter().map(|decision| Some((find(&decision.a)?, find(&decision.b)?))).collect();
    let mut states = vec![DecisionState::Stale; decisions.len()];
    let MustLinked { mut must, joined, forced } = must_link(scorer, &labels, decisions, &pairs, &mut states);
    if !forced.is_empty() {
        labels = joined.into_labels().into_iter().map(RecordIx).collect();
        edges.extend(forced);
    }
    edges.par_sort_unstable_by_key(|edge| edge.order());
    let mut cannot = Vec::new();
    for ((decision, pair), state) in decisions.iter().zip(&pairs).zip(&mut states) {
        let Some((a, b)) = pair.filter(|_| decision.kind == DecisionKind::CannotLink) else { continue };
        if must.find(a.0) == must.find(b.0) {
            *state = DecisionState::Contradicted;
            continue;
        }
        *state = DecisionState::Applied;
        cannot.push((a.min(b), a.max(b)));
    }
    cannot.extend(withhold(memory, &labels, find));
    split(edges, &mut labels, &mut must, &cannot);
    // Decisions may have joined components.
    edges.par_iter_mut().for_each(|edge| edge.component = labels[edge.a.index()]);
    edges.par_sort_unstable_by_key(|edge| edge.rank());
    Decided { labels, refused, states: decisions.iter().cloned().zip(states).collect(), cannot }
}

/// The clusters after the must-links.
struct MustLinked {
    /// What must-links alone join.
    must: Forest,
    /// Clusters and must-links together.
    joined: Forest,
    /// An edge for each applied must-link.
    forced: Vec<Edge>,
}

/// Applies the must-links in their order, and notes their states.
fn must_link(
    scorer: &Scorer<'_>,
    labels: &[RecordIx],
    decisions: &[Decision],
    pairs: &[Option<(RecordIx, RecordIx)>],
    states: &mut [DecisionState],
) -> MustLinked {
    let population = scorer.population;
    let mut joined = Forest::new(population.len());
    let mut must = Forest::new(population.len());
    let mut forced = Vec::new();
    let mut tenants = vec![0u16; labels.len()];
    for ((record, &label), &Features { tenant, .. }) in (0..).zip(labels).zip(&population.rows) {
        joined.join(record, label.0);
        let slot = &mut tenants[label.index()];
        *slot = (*slot).max(tenant);
    }
    let apart_by_file: Vec<(RecordIx, RecordIx)> = decisions
        .iter()
        .zip(pairs)
        .filter(|(decision, _)| decision.kind == DecisionKind::CannotLink && decision.origin != DecisionOrigin::Crm)
        .filter_map(|(_, pair)| *pair)
        .collect();
    for ((decision, pair), state) in decisions.iter().zip(pairs).zip(states) {
        let Some((a, b)) = pair.filter(|_| decision.kind == DecisionKind::MustLink) else { continue };
        let (tenant_a, tenant_b) = (tenants[joined.find(a.0) as usize], tenants[joined.find(b.0) as usize]);
        let crosses_tenants = scorer.scope == Scope::Tenant && tenant_a != 0 && tenant_b != 0 && tenant_a != tenant_b;
        // A cannot-link of the file overrides a merge made in the CRM.
        let is_overridden = decision.origin == DecisionOrigin::Crm && {
            let groups = (must.find(a.0), must.find(b.0));
            apart_by_file.iter().any(|&(x, y)| {
                let (x, y) = (must.find(x.0), must.find(y.0));
                (x, y) == groups || (y, x) == groups
            })
        };
        if crosses_tenants || is_overridden {
            *state = DecisionState::Contradicted;
            continue;
        }
        *state = DecisionState::Applied;
        joined.join(a.0, b.0);
        tenants[joined.find(a.0) as usize] = tenant_a.max(tenant_b);
        must.join(a.0, b.0);
        let verdict = PairVerdict {
            rule: Some(LinkRule::Decision),
            first: NameMatch::Unknown,
            born: BirthMatch::Unknown,
            cross_tenant: false,
        };
        forced.push(Edge::new(a, b, FORCED, &verdict));
    }
    MustLinked { must, joined, forced }
}

/// The pairs of a cluster with one withheld record and one record of an existing profile.
fn withhold<'a>(
    memory: Memory<'a>,
    labels: &[RecordIx],
    find: impl Fn(&'a str) -> Option<RecordIx>,
) -> Vec<(RecordIx, RecordIx)> {
    let mut withheld: Vec<(RecordIx, RecordIx)> =
        memory.withheld.iter().filter_map(|key| find(key)).map(|record| (labels[record.index()], record)).collect();
    withheld.sort_unstable();
    if withheld.is_empty() {
        return Vec::new();
    }
    let of_label = |label: RecordIx| {
        let first = withheld.partition_point(|entry| entry.0 < label);
        withheld[first..].iter().take_while(move |entry| entry.0 == label).map(|entry| entry.1)
    };
    let mut pairs = Vec::new();
    for (key, _) in memory.profile_ids {
        let Some(record) = find(key) else { continue };
        let label = labels[record.index()];
        if of_label(label).all(|known| known != record) {
            pairs.extend(of_label(label).map(|known| (record.min(known), record.max(known))));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Rebuilds the clusters that contain a cannot-link, best edge first, without joining such a pair.
fn split(edges: &[Edge], labels: &mut [RecordIx], must: &mut Forest, cannot: &[(RecordIx, RecordIx)]) {
    let mut broken: Vec<(RecordIx, (RecordIx, RecordIx))> = cannot
        .iter()
        .filter(|(a, b)| labels[a.index()] == labels[b.index()])
        .map(|&(a, b)| (labels[a.index()], (a, b)))
        .collect();
    broken.sort_unstable();
    broken.dedup();
    for pairs in broken.chunk_by(|a, b| a.0 == b.0) {
        let label = pairs[0].0;
        let count = u32::try_from(labels.len()).expect("records are counted in 32 bits");
        let members: Vec<RecordIx> = RecordIx::range(label.0..count).filter(|&record| labels[record.index()] == label).collect();
        let local = |record: RecordIx| members.binary_search(&record).ok().and_then(|at| u32::try_from(at).ok());
        let mut forest = Forest::new(u32::try_from(members.len()).expect("records are counted in 32 bits"));
        let of_pair = |pair: (RecordIx, RecordIx)| Some((local(pair.0)?, local(pair.1)?));
        let apart: Vec<(u32, u32)> = pairs.iter().filter_map(|&(_, pair)| of_pair(pair)).collect();
        for edge in edges.iter().filter(|edge| edge.links() && labels[edge.a.index()] == label && labels[edge.b.index()] == label)
        {
            let Some((a, b)) = of_pair((edge.a, edge.b)) else { continue };
            let (a, b) = (forest.find(a), forest.find(b));
            let forbidden = apart.iter().any(|&(x, y)| {
                let (x, y) = (forest.find(x), forest.find(y));
                (x, y) == (a, b) || (x, y) == (b, a)
            });
            if !forbidden || must.find(edge.a.0) == must.find(edge.b.0) {
                forest.join(a, b);
            }
        }
        for (&record, group) in members.iter().zip(forest.into_labels()) {
            labels[record.index()] = members[group as usize];
        }
    }
}
