//! The review queue: pairs below the match threshold, constraint violations, equal keys across tenants.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use crate::model::RecordIx;
use crate::resolve::cluster::constraints::ConstraintViolation;
use crate::resolve::cluster::spanning_tree::Tree;
use crate::resolve::compare::birth_date::BirthMatch;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::names::NameMatch;
use crate::resolve::compare::score::{Scorer, is_strong};
use crate::resolve::compare::weights::LINK;
use crate::resolve::decisions::Decided;
use crate::resolve::output::profile_ids::NamedProfiles;

/// Most pairs of a profile that are filed; the best ones are chosen.
const PER_PROFILE: u8 = 5;
/// Most pairs in the queue of a tenant.
const PER_TENANT: u32 = 10_000;

/// A pair for clerical review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The best pair of records between the two profiles.
    pub edge: Edge,
    /// Why it was not linked.
    pub why: ConstraintViolation,
    /// Whether it goes to the CRM's review queue.
    pub is_filed: bool,
}

impl Candidate {
    /// 0 to 100, for ranking: 30 at 0 bits, 60 at the threshold, at most 95, across tenants at most 60. A number that belongs to one
    /// person on the records of two is an error of some source: such a pair has 30 at least, however weak the other evidence is.
    pub fn score(&self) -> i32 {
        let (weight, link) = (self.edge.weight().in_sixteenths(), LINK.in_sixteenths());
        let score = if weight < link { 30 + weight * 30 / link } else { 60 + (weight - link) * 5 / 16 };
        let least = if self.edge.rule().is_some_and(is_strong) { 30 } else { 1 };
        score.clamp(least, if self.why == ConstraintViolation::Tenant { 60 } else { 95 })
    }
}

/// Every pair of profiles to review, once, by its best pair of records; best first.
pub fn candidates(
    scorer: &Scorer<'_>,
    edges: &[Edge],
    decided: &Decided,
    profiles: &NamedProfiles,
    tree: &Tree,
) -> Vec<Candidate> {
    let labels = &decided.labels;
    let pair = |edge: &Edge| {
        let (a, b) = (labels[edge.a.index()], labels[edge.b.index()]);
        (a.min(b), a.max(b))
    };
    let apart: HashSet<(RecordIx, RecordIx), FixedState> = decided
        .cannot
        .iter()
        .map(|&(a, b)| (labels[a.index()].min(labels[b.index()]), labels[a.index()].max(labels[b.index()])))
        .collect();
    let judged = |edge: &Edge| apart.contains(&pair(edge));
    let both_stand = |edge: &Edge| {
        let (a, b) = pair(edge);
        let stands = |label| tree.founder(scorer.population, label).is_some() && !profiles.is_left_out(scorer.population, label);
        a != b && stands(a) && stands(b)
    };
    let is_open = |edge: &Edge| both_stand(edge) && !judged(edge);
    let refused = decided.refused.par_iter().filter(|refused| is_open(&refused.edge)).map(|refused| Candidate {
        edge: refused.edge,
        why: refused.why,
        is_filed: false,
    });
    let unlinked = edges.par_iter().filter(|edge| !edge.links() && is_open(edge)).map(|edge| Candidate {
        edge: *edge,
        why: why_not(scorer, edge),
        is_filed: false,
    });
    let with_pair = |candidate: Candidate| (pair(&candidate.edge), candidate);
    let mut pairs: Vec<((RecordIx, RecordIx), Candidate)> = refused.chain(unlinked).map(with_pair).collect();
    pairs.par_sort_unstable_by_key(|(pair, candidate)| (*pair, candidate.edge.order(), candidate.why));
    pairs.dedup_by_key(|(pair, _)| *pair);
    let mut best: Vec<Candidate> = pairs.into_iter().map(|(_, candidate)| candidate).collect();
    best.par_sort_unstable_by_key(|candidate| (std::cmp::Reverse(candidate.score()), candidate.edge.order()));
    file(scorer, &mut best, labels, profiles);
    best
}

fn why_not(scorer: &Scorer<'_>, edge: &Edge) -> ConstraintViolation {
    if edge.is_cross_tenant() {
        return ConstraintViolation::Tenant;
    }
    if !edge.rule().is_some_and(is_strong) {
        return ConstraintViolation::BelowThreshold;
    }
    let (_, verdict) = scorer.sum(edge.a, edge.b);
    if verdict.first == NameMatch::Conflict {
        ConstraintViolation::FirstName
    } else if verdict.born == BirthMatch::Conflict {
        ConstraintViolation::BirthDate
    } else {
        ConstraintViolation::BelowThreshold
    }
}

/// Marks the pairs that go to the CRM's review queue, within the limits per profile and per tenant.
fn file(scorer: &Scorer<'_>, candidates: &mut [Candidate], labels: &[RecordIx], profiles: &NamedProfiles) {
    let mut per_profile = vec![0u8; labels.len()];
    let mut per_tenant: HashMap<&str, u32, FixedState> = HashMap::with_hasher(FixedState::with_seed(6));
    let tenant_of = |candidate: &Candidate| profiles.tenant(scorer.population, labels[candidate.edge.a.index()]);
    let tenants: Vec<&str> = candidates.par_iter().map(tenant_of).collect();
    for (candidate, tenant) in candidates.iter_mut().zip(tenants) {
        let (a, b) = (labels[candidate.edge.a.index()], labels[candidate.edge.b.index()]);
        let is_full = [a, b].iter().any(|&label| per_profile[label.index()] >= PER_PROFILE);
        let tenant = per_tenant.entry(tenant).or_default();
        if is_full || *tenant >= PER_TENANT {
            continue;
        }
        *tenant += 1;
        [a, b].into_iter().for_each(|label| per_profile[label.index()] += 1);
        candidate.is_filed = true;
    }
}
