//! Texts held once: each distinct value becomes a number, its bytes lie end to end in one arena.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Number of a distinct text; [`NONE`] stands for "the source did not say".
pub type Symbol = u32;

/// No value.
pub const NONE: Symbol = 0;

/// Texts end to end, addressed by position.
#[derive(Clone, Default)]
pub struct Arena {
    text: String,
    ends: Vec<u32>,
}

impl Arena {
    /// Appends a text and gives its position.
    pub fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).expect("texts of one kind stay below 4 GiB: 27 million ids take 1 GiB"));
        u32::try_from(self.ends.len() - 1).expect("positions are counted by the same ends")
    }

    /// The text at a position.
    pub fn get(&self, position: u32) -> &str {
        let at = position as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Gives back what growing has reserved.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Gives each distinct text a number from 1, in order of first appearance.
pub struct Interner {
    arena: Arena,
    table: HashTable<Symbol>,
    state: FixedState,
}

impl Default for Interner {
    fn default() -> Self {
        let mut arena = Arena::default();
        arena.push("");
        Self { arena, table: HashTable::new(), state: FixedState::with_seed(0x1d) }
    }
}

impl Interner {
    /// The number of a text; the empty text has none.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if text.is_empty() {
            return NONE;
        }
        let hash = self.state.hash_one(text.as_bytes());
        let arena = &mut self.arena;
        if let Some(&symbol) = self.table.find(hash, |&symbol| arena.get(symbol) == text) {
            return symbol;
        }
        let symbol = arena.push(text);
        let state = &self.state;
        self.table.insert_unique(hash, symbol, |&symbol| state.hash_one(arena.get(symbol).as_bytes()));
        symbol
    }

    /// The text of a symbol.
    pub fn text(&self, symbol: Symbol) -> String {
        self.arena.get(symbol).to_owned()
    }

    /// The texts without the means to find them.
    pub fn into_texts(mut self) -> Arena {
        self.arena.shrink();
        self.arena
    }
}

/// Records per symbol, in record order: one counting sort, no hashing.
pub struct Buckets {
    starts: Vec<u32>,
    records: Vec<u32>,
}

impl Buckets {
    /// Groups `(symbol, record)` pairs, which must come in record order; `pairs` is walked twice.
    pub fn group<I: Iterator<Item = (Symbol, u32)>>(symbols: usize, pairs: impl Fn() -> I) -> Self {
        let mut starts = vec![0u32; symbols + 1];
        for (symbol, _) in pairs() {
            starts[symbol as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut records = vec![0u32; starts[symbols] as usize];
        let mut next = starts.clone();
        for (symbol, record) in pairs() {
            let slot = &mut next[symbol as usize];
            records[*slot as usize] = record;
            *slot += 1;
        }
        Self { starts, records }
    }

    /// The records that carry a symbol.
    pub fn get(&self, symbol: Symbol) -> &[u32] {
        &self.records[self.starts[symbol as usize] as usize..self.starts[symbol as usize + 1] as usize]
    }

    /// How many symbols there are, the absent one included.
    pub fn symbols(&self) -> u32 {
        u32::try_from(self.starts.len() - 1).expect("symbols are 32-bit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_number_and_the_empty_one_has_none() {
        let mut interner = Interner::default();
        let (a, b, c) = (interner.intern("a"), interner.intern("b"), interner.intern("a"));
        assert_eq!((a, b, c), (1, 2, 1));
        assert_eq!(interner.intern(""), NONE);
        let texts = interner.into_texts();
        assert_eq!((texts.get(1), texts.get(2), texts.len()), ("a", "b", 3));
    }

    #[test]
    fn buckets_keep_record_order() {
        let pairs = [(2, 0), (1, 1), (2, 5), (2, 7)];
        let buckets = Buckets::group(3, || pairs.iter().copied());
        assert_eq!(buckets.get(2), [0, 5, 7]);
        assert_eq!(buckets.get(1), [1]);
        assert!(buckets.get(0).is_empty());
    }
}
