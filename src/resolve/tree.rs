//! The chain of links inside a cluster: the maximum spanning tree, rooted at the founder.

use crate::model::LinkRule;
use crate::resolve::candidates::Edge;
use crate::resolve::forest::Forest;
use crate::resolve::population::{Population, Record};

/// Not a record.
const NOBODY: Record = Record::MAX;

/// The parent of each record and the link to it.
pub struct Tree {
    parents: Vec<Record>,
    links: Vec<u32>,
    edges: Vec<Edge>,
    founders: Vec<Record>,
}

impl Tree {
    /// Grows the tree of each cluster from the edges, which must come best first.
    pub fn grow(population: &Population, edges: &[Edge], labels: &[Record]) -> Self {
        let count = population.len();
        let mut founders = vec![NOBODY; labels.len()];
        for record in (0..count).filter(|&record| population.may_found(record)) {
            let founder = &mut founders[labels[record as usize] as usize];
            *founder = (*founder).min(record);
        }
        let mut forest = Forest::new(count);
        let inside = |edge: &&Edge| labels[edge.a as usize] == labels[edge.b as usize] && edge.links();
        let chosen: Vec<Edge> = edges.iter().filter(inside).filter(|edge| forest.join(edge.a, edge.b)).copied().collect();
        drop(forest);
        let mut starts = vec![0u32; labels.len() + 1];
        chosen.iter().flat_map(|edge| [edge.a, edge.b]).for_each(|record| starts[record as usize + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut around = vec![0u32; 2 * chosen.len()];
        for (at, edge) in chosen.iter().enumerate() {
            for record in [edge.a, edge.b] {
                around[next[record as usize] as usize] = u32::try_from(at).expect("fewer edges than records");
                next[record as usize] += 1;
            }
        }
        let mut tree = Self { parents: vec![NOBODY; labels.len()], links: vec![0; labels.len()], edges: chosen, founders };
        let mut queue = Vec::new();
        for label in 0..count {
            if labels[label as usize] != label {
                continue;
            }
            let root = tree.founders[label as usize];
            queue.push(if root == NOBODY { label } else { root });
            while let Some(record) = queue.pop() {
                for &at in &around[starts[record as usize] as usize..starts[record as usize + 1] as usize] {
                    let edge = tree.edges[at as usize];
                    let other = if edge.a == record { edge.b } else { edge.a };
                    if tree.parents[record as usize] != other {
                        tree.parents[other as usize] = record;
                        tree.links[other as usize] = at;
                        queue.push(other);
                    }
                }
            }
        }
        tree
    }

    /// The first record of a cluster, named by its label, that may found a profile.
    pub fn founder(&self, label: Record) -> Option<Record> {
        Some(self.founders[label as usize]).filter(|&founder| founder != NOBODY)
    }

    /// The record that a record is linked to, and the link.
    pub fn parent(&self, record: Record) -> Option<(Record, Edge)> {
        let parent = self.parents[record as usize];
        (parent != NOBODY).then(|| (parent, self.edges[self.links[record as usize] as usize]))
    }

    /// The rule of a record's link.
    pub fn rule(&self, record: Record) -> Option<LinkRule> {
        self.parent(record).and_then(|(_, edge)| edge.rule())
    }
}
