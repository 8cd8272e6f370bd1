//! Interning of texts that many records share, such as names, without packing.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::resolve::population::intern::{NONE, Symbol};

/// Concatenated texts, numbered in order of first appearance; the empty one is [`NONE`].
pub struct Vocabulary {
    text: String,
    ends: Vec<u32>,
    index: HashTable<Symbol>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self { text: String::new(), ends: vec![0], index: HashTable::new() }
    }
}

fn hash(text: &str) -> u64 {
    FixedState::with_seed(0x4d).hash_one(text)
}

impl Vocabulary {
    /// The number of a text, which is added if it is new.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if text.is_empty() {
            return NONE;
        }
        let Self { text: all, ends, index } = self;
        match index.entry(hash(text), |&known| get(all, ends, known) == text, |&known| hash(get(all, ends, known))) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let symbol = Symbol::at(ends.len());
                place.insert(symbol);
                all.push_str(text);
                ends.push(number(all.len()));
                symbol
            }
        }
    }

    /// The number of a text, if it is known.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.index.find(hash(text), |&known| self.get(known) == text).copied()
    }

    /// The text of a number.
    #[inline]
    pub fn get(&self, symbol: Symbol) -> &str {
        get(&self.text, &self.ends, symbol)
    }

    /// How many texts there are, the empty one included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The texts by number, the empty one first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..number(self.len())).map(|symbol| self.get(Symbol(symbol)))
    }
}

#[inline]
fn get<'a>(text: &'a str, ends: &[u32], symbol: Symbol) -> &'a str {
    let at = symbol.index();
    let start = if at == 0 { 0 } else { ends[at - 1] as usize };
    &text[start..ends[at] as usize]
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a vocabulary stays below 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_number_and_the_empty_one_has_none() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(["b", "a", "", "b"].map(|text| vocabulary.intern(text).0), [1, 2, NONE.0, 1]);
        assert_eq!(vocabulary.iter().collect::<Vec<_>>(), ["", "b", "a"]);
        assert_eq!((vocabulary.find("a"), vocabulary.find("c"), vocabulary.len()), (Some(Symbol(2)), None, 3));
    }
}
