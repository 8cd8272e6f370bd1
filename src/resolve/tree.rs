//! The chain of links inside a cluster: the maximum spanning tree, rooted at the founder.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::prelude::*;

use crate::model::LinkRule;
use crate::resolve::candidates::Edge;
use crate::resolve::forest::Forest;
use crate::resolve::population::{Population, Record};

/// Not a record.
const NOBODY: Record = Record::MAX;

/// The parent of each record and the link to it.
pub struct Tree {
    parents: Vec<Record>,
    /// Bits in the upper half, the rule's code in the lower.
    links: Vec<u32>,
    /// The founders of clusters whose first record may not found.
    founders: HashMap<Record, Record, FixedState>,
}

impl Tree {
    /// Grows the tree of each cluster from the edges inside it, which are put to the front, cluster after cluster; gives the tree and
    /// how many they are.
    pub fn grow(population: &Population, edges: &mut [Edge], labels: &[Record]) -> (Self, usize) {
        let mut founders = HashMap::with_hasher(FixedState::with_seed(9));
        for record in (0..population.len()).filter(|&record| population.may_found(record)) {
            let label = labels[record as usize];
            if label != record && !population.may_found(label) {
                founders.entry(label).or_insert(record);
            }
        }
        edges.par_iter_mut().for_each(|edge| {
            let label = labels[edge.a as usize];
            edge.component = if edge.links() && label == labels[edge.b as usize] { label } else { NOBODY };
        });
        edges.par_sort_unstable_by_key(|edge| (edge.component, edge.order()));
        let inside = edges.partition_point(|edge| edge.component != NOBODY);
        // Every record is in one cluster, so that no two threads write one place.
        let nobody = || (0..labels.len()).map(|_| AtomicU32::new(NOBODY)).collect::<Vec<AtomicU32>>();
        let (parents, links) = (nobody(), nobody());
        edges[..inside].par_chunk_by(|a, b| a.component == b.component).for_each(|cluster| {
            let label = cluster[0].component;
            let root = founders.get(&label).copied().unwrap_or(label);
            branches(cluster, root, &mut |record, parent, edge| {
                parents[record as usize].store(parent, Relaxed);
                links[record as usize].store(u32::from(edge.bits16.cast_unsigned()) << 16 | u32::from(edge.rule_code()), Relaxed);
            });
        });
        let plain = |column: Vec<AtomicU32>| column.into_iter().map(AtomicU32::into_inner).collect();
        (Self { parents: plain(parents), links: plain(links), founders }, inside)
    }

    /// The first record of a cluster, named by its label, that may found a profile.
    pub fn founder(&self, population: &Population, label: Record) -> Option<Record> {
        if population.may_found(label) { Some(label) } else { self.founders.get(&label).copied() }
    }

    /// The record that a record is linked to, and the link.
    pub fn parent(&self, record: Record) -> Option<(Record, Edge)> {
        let (parent, link) = (self.parents[record as usize], self.links[record as usize]);
        let bits16 = ((link >> 16) as u16).cast_signed();
        (parent != NOBODY).then(|| (parent, Edge::link(record, parent, bits16, (link & 0xff) as u8)))
    }

    /// The rule of a record's link.
    pub fn rule(&self, record: Record) -> Option<LinkRule> {
        self.parent(record).and_then(|(_, edge)| edge.rule())
    }
}

/// Tells of each record of a cluster but its root the parent and the link: the best edges that make no circle, best first.
fn branches(cluster: &[Edge], root: Record, tell: &mut impl FnMut(Record, Record, Edge)) {
    if let [edge] = *cluster {
        return if edge.a == root { tell(edge.b, edge.a, edge) } else { tell(edge.a, edge.b, edge) };
    }
    let mut members: Vec<Record> = cluster.iter().flat_map(|edge| [edge.a, edge.b]).collect();
    members.sort_unstable();
    members.dedup();
    let local = |record: Record| position(members.binary_search(&record).expect("edges join members"));
    let mut forest = Forest::new(position(members.len()));
    let mut around: Vec<(u32, Edge)> = Vec::with_capacity(2 * members.len());
    for &edge in cluster {
        let (a, b) = (local(edge.a), local(edge.b));
        if forest.join(a, b) {
            around.extend([(a, edge), (b, edge)]);
        }
    }
    around.sort_unstable_by_key(|(at, edge)| (*at, edge.order()));
    let mut queue = vec![(root, NOBODY)];
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
