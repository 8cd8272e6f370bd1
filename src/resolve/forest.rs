//! Union-find over 32-bit positions; the smallest member names the set.

/// Disjoint sets.
pub struct Forest {
    parents: Vec<u32>,
}

impl Forest {
    /// Every position by itself.
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

    /// Joins two sets; false if they were one already.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_member_names_the_set() {
        let mut forest = Forest::new(5);
        assert!(forest.join(4, 2));
        assert!(forest.join(2, 1));
        assert!(!forest.join(1, 4));
        assert_eq!(forest.into_labels(), [0, 1, 1, 3, 1]);
    }
}
