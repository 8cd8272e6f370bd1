//! Numbers for texts that repeat: tenants, scopes.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Distinct texts, numbered from 0 in the order in which they first came.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    names: Vec<String>,
    numbers: HashTable<u32>,
    hasher: FixedState,
}

impl Numbering {
    /// The number of a text, a new one if it did not come before.
    pub fn number(&mut self, name: &str) -> u32 {
        let (names, hasher) = (&self.names, &self.hasher);
        let hash = hasher.hash_one(name);
        if let Some(&number) = self.numbers.find(hash, |&number| names[number as usize] == name) {
            return number;
        }
        let number = u32::try_from(names.len()).expect("fewer than four thousand million texts fit in memory");
        self.numbers.insert_unique(hash, number, |&number| hasher.hash_one(names[number as usize].as_str()));
        self.names.push(name.to_owned());
        number
    }

    /// The text of a number.
    pub fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// All texts, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_number_however_many_there_are() {
        let mut numbering = Numbering::default();
        let names: Vec<String> = (0..70_000).map(|number| format!("tenant {number}")).collect();
        for _ in 0..2 {
            let numbers: Vec<u32> = names.iter().map(|name| numbering.number(name)).collect();
            assert!(numbers.iter().copied().eq(0..70_000));
        }
        assert_eq!(numbering.names(), names);
        assert_eq!(numbering.name(69_999), "tenant 69999");
    }
}
