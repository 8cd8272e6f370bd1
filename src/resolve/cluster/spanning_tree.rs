//! The maximum spanning tree of the links in a cluster, rooted at the seed record.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI16, AtomicU8, AtomicU32};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::prelude::*;
use smallvec::SmallVec;

use crate::model::{LinkRule, RecordIx};
use crate::resolve::cluster::union_find::Forest;
use crate::resolve::compare::edge::Edge;
use crate::resolve::population::Population;

/// The parent of each record and the link to it.
pub struct Tree {
    parents: Vec<RecordIx>,
    /// Match weight of the link to the parent, packed.
    weights: Vec<i16>,
    /// Code of the link's rule.
    rules: Vec<u8>,
    /// The seed records of clusters whose first record may not seed a profile.
    founders: HashMap<RecordIx, RecordIx, FixedState>,
}

impl Tree {
    /// Grows the tree of each cluster from its edges, which are consumed. The edges of a cluster must belong to one component,
    /// and the edges of a component must be adjacent.
    pub fn grow(population: &Population, edges: &mut Vec<Edge>, labels: &[RecordIx]) -> Self {
        let mut founders = HashMap::with_hasher(FixedState::with_seed(9));
        let is_needed = |&(label, record): &(RecordIx, RecordIx)| {
            label != record && population.may_found(record) && !population.may_found(label)
        };
        let members = (0..population.len()).into_par_iter().with_min_len(4096).map(|at| (labels[at as usize], RecordIx(at)));
        let others: Vec<(RecordIx, RecordIx)> = members.filter(is_needed).collect();
        for (label, record) in others {
            founders.entry(label).or_insert(record);
        }
        // Every record is in one cluster, so no two threads write to the same place.
        let parents: Vec<AtomicU32> = labels.par_iter().map(|_| AtomicU32::new(RecordIx::NONE.0)).collect();
        let weights: Vec<AtomicI16> = labels.par_iter().map(|_| AtomicI16::new(0)).collect();
        let rules: Vec<AtomicU8> = labels.par_iter().map(|_| AtomicU8::new(0)).collect();
        edges.par_chunk_by_mut(|a, b| a.component == b.component).for_each(|component| {
            for edge in &mut *component {
                let label = labels[edge.a.index()];
                edge.component = if edge.links() && label == labels[edge.b.index()] { label } else { RecordIx::NONE };
            }
            component.sort_unstable_by_key(|edge| edge.rank());
            let clusters = component.chunk_by(|a, b| a.component == b.component);
            for cluster in clusters.filter(|cluster| cluster[0].component != RecordIx::NONE) {
                let label = cluster[0].component;
                let root = founders.get(&label).copied().unwrap_or(label);
                branches(cluster, root, &mut |record, parent, edge| {
                    parents[record.index()].store(parent.0, Relaxed);
                    weights[record.index()].store(edge.packed_weight(), Relaxed);
                    rules[record.index()].store(edge.rule_code(), Relaxed);
                });
            }
        });
        edges.retain(|edge| edge.component == RecordIx::NONE);
        edges.shrink_to_fit();
        Self {
            parents: parents.into_iter().map(|parent| RecordIx(parent.into_inner())).collect(),
            weights: weights.into_iter().map(AtomicI16::into_inner).collect(),
            rules: rules.into_iter().map(AtomicU8::into_inner).collect(),
            founders,
        }
    }

    /// The first record of a cluster, given by its label, that may seed a profile.
    pub fn founder(&self, population: &Population, label: RecordIx) -> Option<RecordIx> {
        if population.may_found(label) { Some(label) } else { self.founders.get(&label).copied() }
    }

    /// The record that a record is linked to, and the link.
    pub fn parent(&self, record: RecordIx) -> Option<(RecordIx, Edge)> {
        let parent = self.parents[record.index()];
        let link = || Edge::link(record, parent, self.weights[record.index()], self.rules[record.index()]);
        (parent != RecordIx::NONE).then(|| (parent, link()))
    }

    /// The rule of a record's link.
    pub fn rule(&self, record: RecordIx) -> Option<LinkRule> {
        self.parent(record).and_then(|(_, edge)| edge.rule())
    }
}

/// Calls `tell` with each record of a cluster except the root, its parent and the link, taking the best edges that form no cycle.
fn branches(cluster: &[Edge], root: RecordIx, tell: &mut impl FnMut(RecordIx, RecordIx, Edge)) {
    if let [edge] = *cluster {
        return if edge.a == root { tell(edge.b, edge.a, edge) } else { tell(edge.a, edge.b, edge) };
    }
    let mut members: SmallVec<[RecordIx; 16]> = cluster.iter().flat_map(|edge| [edge.a, edge.b]).collect();
    members.sort_unstable();
    members.dedup();
    let local = |record: RecordIx| position(members.binary_search(&record).expect("edges join members"));
    let mut forest = Forest::new(position(members.len()));
    let mut around: SmallVec<[(u32, Edge); 8]> = SmallVec::new();
    for &edge in cluster {
        let (a, b) = (local(edge.a), local(edge.b));
        if forest.join(a, b) {
            around.extend([(a, edge), (b, edge)]);
        }
    }
    around.sort_unstable_by_key(|(at, edge)| (*at, edge.order()));
    let mut queue: SmallVec<[(RecordIx, RecordIx); 8]> = SmallVec::from_slice(&[(root, RecordIx::NONE)]);
    while let Some((record, parent)) = queue.pop() {
        let at = local(record);
        let first = around.partition_point(|entry| entry.0 < at);
        for &(_, edge) in around[first..].iter().take_while(|entry| entry.0 == at) {
            let other = if edge.a == record { edge.b } else { edge.a };
            if other != parent {
                tell(other, record, edge);
                queue.push((other, record));
            }
        }
    }
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("records are counted in 32 bits")
}
