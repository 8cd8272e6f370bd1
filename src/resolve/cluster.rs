//! From scored pairs to people: best edge first, with every union checked against what the two groups say as wholes.

use rayon::prelude::*;

use crate::model::LinkRule;
use crate::resolve::candidates::Edge;
use crate::resolve::evidence::{Scorer, is_strong};
use crate::resolve::forest::Forest;
use crate::resolve::population::Record;
use crate::resolve::refusal::{Portrait, Refusal};
use crate::resolve::weights::{LINK16, MARGIN16};

/// A link that evidence proposed and the whole refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The link.
    pub edge: Edge,
    /// Why.
    pub why: Refusal,
}

/// The clusters: the smallest member of each record's cluster, and what was refused.
pub struct Clusters {
    /// Smallest member by record.
    pub labels: Vec<Record>,
    /// Refused links whose records ended in different clusters.
    pub refused: Vec<Refused>,
}

/// Each member with the smallest record of its cluster, and what was refused.
type Settled = (Vec<(Record, Record)>, Vec<Refused>);

/// Up to so many members a component may be accepted whole.
const WHOLE_LIMIT: usize = 8;
/// From so many bits on a link needs no look at the groups as wholes.
const GUARD16: i32 = 5 * 16;
/// So many members of each side are compared for the mean.
const GUARD_SAMPLE: usize = 6;

/// Clusters the records by the edges that link, which must come best first.
pub fn cluster(scorer: &Scorer<'_>, edges: &[Edge]) -> Clusters {
    let links: Vec<Edge> = edges.iter().copied().filter(|edge| edge.links()).collect();
    let rivals = rivals(scorer, edges);
    let count = scorer.population.len();
    let mut forest = Forest::new(count);
    links.iter().for_each(|edge| {
        forest.join(edge.a, edge.b);
    });
    let mut components: Vec<(Record, Edge)> = links.into_iter().map(|edge| (forest.find(edge.a), edge)).collect();
    components.par_sort_unstable_by_key(|(root, edge)| (*root, edge.order()));
    let components: Vec<&[(Record, Edge)]> = components.chunk_by(|a, b| a.0 == b.0).collect();
    let settled: Vec<Settled> = components
        .into_par_iter()
        .with_min_len(64)
        .map(|component| Component::new(scorer, &rivals, component).settle())
        .collect();
    let mut labels: Vec<Record> = (0..count).collect();
    let mut refused = Vec::new();
    for (members, mut refusals) in settled {
        members.into_iter().for_each(|(record, label)| labels[record as usize] = label);
        refused.append(&mut refusals);
    }
    refused.retain(|refused| labels[refused.edge.a as usize] != labels[refused.edge.b as usize]);
    refused.par_sort_unstable_by_key(|refused| refused.edge.order());
    Clusters { labels, refused }
}

/// What a nameless record might be as well, though not enough for a link: nameless record, named record, bits.
fn rivals(scorer: &Scorer<'_>, edges: &[Edge]) -> Vec<(Record, Record, i16)> {
    let nameless = |record| scorer.population.is_nameless(record);
    let close = |edge: &&Edge| {
        let bits16 = i32::from(edge.bits16);
        !edge.is_cross_tenant() && (LINK16 - MARGIN16..LINK16).contains(&bits16) && nameless(edge.a) != nameless(edge.b)
    };
    let mut rivals: Vec<(Record, Record, i16)> = edges
        .iter()
        .filter(close)
        .map(|edge| if nameless(edge.a) { (edge.a, edge.b, edge.bits16) } else { (edge.b, edge.a, edge.bits16) })
        .collect();
    rivals.par_sort_unstable();
    rivals
}

/// Records that links connect, directly or through others.
struct Component<'a> {
    scorer: &'a Scorer<'a>,
    rivals: &'a [(Record, Record, i16)],
    members: Vec<Record>,
    edges: Vec<Edge>,
    forest: Forest,
    portraits: Vec<Portrait>,
    groups: Vec<Vec<u32>>,
    refused: Vec<Refused>,
}

impl<'a> Component<'a> {
    fn new(scorer: &'a Scorer<'a>, rivals: &'a [(Record, Record, i16)], component: &[(Record, Edge)]) -> Self {
        let edges: Vec<Edge> = component.iter().map(|(_, edge)| *edge).collect();
        let mut members: Vec<Record> = edges.iter().flat_map(|edge| [edge.a, edge.b]).collect();
        members.sort_unstable();
        members.dedup();
        let count = u32::try_from(members.len()).expect("records are counted in 32 bits");
        Self {
            scorer,
            rivals,
            portraits: members.iter().map(|&record| Portrait::of(scorer.population, record)).collect(),
            groups: (0..count).map(|member| vec![member]).collect(),
            forest: Forest::new(count),
            members,
            edges,
            refused: Vec::new(),
        }
    }

    /// Each member with the smallest record of its cluster, and what was refused.
    fn settle(mut self) -> Settled {
        if self.is_whole() {
            let label = self.members[0];
            return (self.members.into_iter().map(|record| (record, label)).collect(), Vec::new());
        }
        self.choose_tenants();
        let nameless = |component: &Self, record: Record| component.scorer.population.is_nameless(record);
        let edges = std::mem::take(&mut self.edges);
        let (between_named, others): (Vec<Edge>, Vec<Edge>) =
            edges.into_iter().partition(|edge| !nameless(&self, edge.a) && !nameless(&self, edge.b));
        between_named.into_iter().for_each(|edge| self.try_join(edge));
        let (to_named, between_nameless): (Vec<Edge>, Vec<Edge>) =
            others.into_iter().partition(|edge| nameless(&self, edge.a) != nameless(&self, edge.b));
        self.place_nameless(to_named);
        between_nameless.into_iter().for_each(|edge| self.try_join(edge));
        let labels = self.forest.into_labels();
        let members = &self.members;
        let labelled = members.iter().zip(labels).map(|(&record, label)| (record, members[label as usize])).collect();
        (labelled, self.refused)
    }

    /// Whether every two members can be one person, so that the order of unions cannot matter.
    fn is_whole(&self) -> bool {
        let fuzzy = |edge: &Edge| matches!(edge.rule(), Some(LinkRule::NearEmail | LinkRule::NearPhone));
        if self.members.len() > WHOLE_LIMIT || (self.members.len() > 2 && self.edges.iter().any(fuzzy)) {
            return false;
        }
        let (population, scope) = (self.scorer.population, self.scorer.scope);
        let pairwise = self.portraits.iter().enumerate().all(|(at, portrait)| {
            self.portraits[at + 1..].iter().all(|other| portrait.refuse(other, population, scope).is_none())
        });
        pairwise && (self.members.len() == 2 || self.named_members_hold_together())
    }

    /// Whether the named members are one group without the help of nameless ones.
    fn named_members_hold_together(&self) -> bool {
        let population = self.scorer.population;
        let named: Vec<Record> = self.members.iter().copied().filter(|&record| !population.is_nameless(record)).collect();
        if named.len() == self.members.len() {
            return true;
        }
        let mut forest = Forest::new(u32::try_from(named.len()).expect("few"));
        let at = |record: Record| named.binary_search(&record).ok().and_then(|at| u32::try_from(at).ok());
        let joined =
            self.edges.iter().filter(|edge| matches!((at(edge.a), at(edge.b)), (Some(a), Some(b)) if forest.join(a, b))).count();
        joined + 1 >= named.len()
    }

    fn local(&self, record: Record) -> u32 {
        let at = self.members.binary_search(&record).expect("edges join members");
        u32::try_from(at).expect("records are counted in 32 bits")
    }

    /// A tenant-less record goes with the tenant of its best edge, and with none when two are about equal.
    fn choose_tenants(&mut self) {
        let tenant = |record: Record| self.scorer.population.at(record).tenant;
        let mut best: Vec<(Record, u16, i16)> = Vec::new();
        for edge in &self.edges {
            for (free, bound) in [(edge.a, edge.b), (edge.b, edge.a)] {
                if tenant(free) == 0 && tenant(bound) != 0 {
                    best.push((free, tenant(bound), edge.bits16));
                }
            }
        }
        best.sort_unstable_by_key(|&(record, tenant, bits16)| (record, std::cmp::Reverse(bits16), tenant));
        let mut chosen: Vec<(Record, Option<u16>)> = Vec::new();
        for choices in best.chunk_by(|a, b| a.0 == b.0) {
            let (record, tenant, bits16) = choices[0];
            let rival = choices.iter().find(|choice| choice.1 != tenant);
            let clear = rival.is_none_or(|rival| i32::from(bits16) - i32::from(rival.2) > MARGIN16);
            chosen.push((record, clear.then_some(tenant)));
        }
        let choice = |record: Record| chosen.binary_search_by_key(&record, |entry| entry.0).ok().map(|at| chosen[at].1);
        let mut refused = Vec::new();
        self.edges.retain(|edge| {
            for (free, bound) in [(edge.a, edge.b), (edge.b, edge.a)] {
                if tenant(free) == 0 && tenant(bound) != 0 {
                    match choice(free).flatten() {
                        Some(chosen) if chosen == tenant(bound) => {}
                        Some(_) => {
                            refused.push(Refused { edge: *edge, why: Refusal::Tenant });
                            return false;
                        }
                        None => {
                            refused.push(Refused { edge: *edge, why: Refusal::TenantAmbiguous });
                            return false;
                        }
                    }
                }
            }
            true
        });
        self.refused.append(&mut refused);
    }

    fn rivals_of(&self, nameless: Record) -> &'a [(Record, Record, i16)] {
        let start = self.rivals.partition_point(|rival| rival.0 < nameless);
        let length = self.rivals[start..].partition_point(|rival| rival.0 == nameless);
        &self.rivals[start..start + length]
    }

    /// Whether a record is in a group, or bears its name and nothing forbids that it were.
    fn is_of(&mut self, record: Record, group: u32) -> bool {
        let at = self.members.binary_search(&record).ok().and_then(|at| u32::try_from(at).ok());
        if at.is_some_and(|at| self.forest.find(at) == group) {
            return true;
        }
        let portrait = Portrait::of(self.scorer.population, record);
        let of_group = &self.portraits[group as usize];
        portrait.shares_full_name(of_group) && portrait.refuse(of_group, self.scorer.population, self.scorer.scope).is_none()
    }

    /// Whether two groups bear one full name and nothing forbids that they are one person.
    fn is_one_name(&self, a: u32, b: u32) -> bool {
        self.portraits[a as usize].shares_full_name(&self.portraits[b as usize]) && self.refuse(a, b).is_none()
    }

    fn refuse(&self, a: u32, b: u32) -> Option<Refusal> {
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
            Some(why) => self.refused.push(Refused { edge, why }),
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

    /// A slip or a weak key joins two groups only if they fit on the whole.
    fn doubt(&self, edge: Edge, a: u32, b: u32) -> Option<Refusal> {
        let (left, right) = (&self.groups[a as usize], &self.groups[b as usize]);
        let weak = match edge.rule() {
            Some(LinkRule::NearEmail | LinkRule::NearPhone) => true,
            Some(rule) => !is_strong(rule) && i32::from(edge.bits16) < GUARD16,
            None => true,
        };
        if !weak || left.len() + right.len() < 3 {
            return None;
        }
        let sample = |group: &[u32]| {
            let mut group: Vec<Record> = group.iter().map(|&member| self.members[member as usize]).collect();
            group.sort_unstable();
            group.truncate(GUARD_SAMPLE);
            group
        };
        let (left, right) = (sample(left), sample(right));
        let mut total = 0;
        for &x in &left {
            for &y in &right {
                let (bits16, verdict) = self.scorer.sum(x.min(y), x.max(y));
                // Pairs without a common key say nothing against the union; what they say is in the names and dates.
                total += if verdict.rule.is_none() { bits16 + 9 * 16 } else { bits16 };
            }
        }
        let pairs = i32::try_from(left.len() * right.len()).expect("at most 36");
        (total < LINK16 * pairs / 2).then_some(Refusal::WeakOverall)
    }

    /// Each nameless record goes with the person that it fits clearly best.
    fn place_nameless(&mut self, edges: Vec<Edge>) {
        let population = self.scorer.population;
        let mut choices: Vec<(Record, u32, Edge)> = edges
            .into_iter()
            .map(|edge| {
                let (nameless, named) = if population.is_nameless(edge.a) { (edge.a, edge.b) } else { (edge.b, edge.a) };
                let named = self.local(named);
                (nameless, self.forest.find(named), edge)
            })
            .collect();
        choices.sort_unstable_by_key(|(nameless, _, edge)| (*nameless, edge.order()));
        let mut placed: Vec<(u32, u32, Edge)> = Vec::new();
        for of_one in choices.chunk_by(|a, b| a.0 == b.0) {
            let nameless = self.local(of_one[0].0);
            let mut fitting: Vec<(u32, Edge)> = Vec::new();
            for &(_, group, edge) in of_one {
                if fitting.iter().any(|(known, _)| *known == group) {
                    continue;
                }
                match self.refuse(nameless, group) {
                    Some(why) => self.refused.push(Refused { edge, why }),
                    None => fitting.push((group, edge)),
                }
            }
            let Some(&(group, best)) = fitting.first() else { continue };
            let (namesakes, runners_up): (Vec<_>, Vec<_>) =
                fitting[1..].iter().copied().partition(|&(other, _)| self.is_one_name(group, other));
            let close = |bits16: i16| i32::from(best.bits16) - i32::from(bits16) <= MARGIN16;
            let rivalled = runners_up.iter().any(|(_, edge)| close(edge.bits16))
                || self.rivals_of(of_one[0].0).iter().any(|&(_, named, bits16)| close(bits16) && !self.is_of(named, group));
            if rivalled {
                self.portraits[nameless as usize].is_ambiguous = true;
                self.refused.extend(fitting.iter().map(|&(_, edge)| Refused { edge, why: Refusal::Ambiguous }));
            } else {
                placed.push((nameless, group, best));
                placed.extend(namesakes.into_iter().map(|(other, edge)| (nameless, other, edge)));
                // The groups it fits less well share its address all the same: they are for review.
                self.refused.extend(runners_up.into_iter().map(|(_, edge)| Refused { edge, why: Refusal::Ambiguous }));
            }
        }
        for (nameless, group, edge) in placed {
            let group = self.forest.find(group);
            let refusal =
                self.portraits[nameless as usize].refuse(&self.portraits[group as usize], population, self.scorer.scope);
            match refusal {
                None => self.join(nameless, group),
                Some(why) => self.refused.push(Refused { edge, why }),
            }
        }
    }
}
