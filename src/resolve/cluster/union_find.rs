//! Union-find over 32-bit positions; the smallest member names the set.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;

/// Disjoint sets.
pub struct Forest {
    parents: Vec<u32>,
}

impl Forest {
    /// Each position as a set of its own.
    pub fn new(count: u32) -> Self {
        Self { parents: (0..count).collect() }
    }

    /// The smallest member of the set.
    pub fn find(&mut self, mut at: u32) -> u32 {
        while self.parents[at as usize] != at {
            let above = self.parents[self.parents[at as usize] as usize];
            self.parents[at as usize] = above;
            at = above;
        }
        at
    }

    /// Joins two sets; `false` if they were one already.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return false;
        }
        self.parents[a.max(b) as usize] = a.min(b);
        true
    }

    /// The smallest member of each position's set.
    pub fn into_labels(mut self) -> Vec<u32> {
        for at in 0..self.parents.len() {
            let at = u32::try_from(at).expect("positions are 32-bit");
            self.parents[at as usize] = self.find(at);
        }
        self.parents
    }
}

/// Disjoint sets that several threads may join at once, in any order.
pub struct SharedForest {
    /// Never above the position itself, so that every value that a thread may read leads towards the smallest member.
    parents: Vec<AtomicU32>,
}

impl SharedForest {
    /// Each position as a set of its own.
    pub fn new(count: u32) -> Self {
        Self { parents: (0..count).into_par_iter().with_min_len(4096).map(AtomicU32::new).collect() }
    }

    fn parent(&self, at: u32) -> u32 {
        self.parents[at as usize].load(Relaxed)
    }

    /// The smallest member of the set.
    pub fn find(&self, mut at: u32) -> u32 {
        while self.parent(at) != at {
            let above = self.parent(self.parent(at));
            self.parents[at as usize].store(above, Relaxed);
            at = above;
        }
        at
    }

    /// Joins two sets.
    pub fn join(&self, a: u32, b: u32) {
        loop {
            let (a, b) = (self.find(a), self.find(b));
            let (low, high) = (a.min(b), a.max(b));
            // Fails if another thread has meanwhile joined the higher one to a third set.
            if low == high || self.parents[high as usize].compare_exchange(high, low, Relaxed, Relaxed).is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_join_at_once_come_to_the_same_sets() {
        let pairs: Vec<(u32, u32)> = (0..20_000u32).map(|n| (n * 7_919 % 30_000, n * 104_729 % 30_000)).collect();
        let (mut alone, shared) = (Forest::new(30_000), SharedForest::new(30_000));
        pairs.iter().for_each(|&(a, b)| {
            alone.join(a, b);
        });
        pairs.par_iter().for_each(|&(a, b)| shared.join(a, b));
        assert!((0..30_000).all(|at| alone.find(at) == shared.find(at)));
    }

    #[test]
    fn the_smallest_member_names_the_set() {
        let mut forest = Forest::new(5);
        assert!(forest.join(4, 2));
        assert!(forest.join(2, 1));
        assert!(!forest.join(1, 4));
        assert_eq!(forest.into_labels(), [0, 1, 1, 3, 1]);
    }
}
