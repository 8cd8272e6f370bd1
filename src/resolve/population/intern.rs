//! Interning: each distinct text is stored once and becomes a number.

use foldhash::fast::FixedState;

use crate::model::RecordIx;
use crate::resolve::population::packed_text::{Arena, PackedText, WrittenText};
use crate::resolve::population::prefetch::{ABREAST, look};

/// Number of a distinct text; [`NONE`] for an absent value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

impl Symbol {
    /// The index in a column with one value per text.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The symbol of an index in such a column.
    ///
    /// # Panics
    ///
    /// If the index does not fit into 32 bits.
    #[inline]
    pub fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("symbols are 32-bit"))
    }
}

/// No value.
pub const NONE: Symbol = Symbol(0);

/// Slots of an empty table.
const FEWEST_SLOTS: usize = 64;

/// Gives each distinct text a number from 1, in order of first appearance.
///
/// An open-addressing table of 32-bit slots: the low bits of a slot are a symbol, the remaining bits are part of its hash.
pub struct Interner {
    arena: Arena,
    slots: Vec<u32>,
    state: FixedState,
}

impl Default for Interner {
    fn default() -> Self {
        Self::with_room(0)
    }
}

/// A text that is looked up.
struct Sought<'a> {
    written: WrittenText<'a>,
    hash: u64,
    slot: u32,
}

impl Interner {
    /// An empty interner with room for `texts` texts; it can grow.
    pub fn with_room(texts: usize) -> Self {
        let mut arena = Arena::default();
        arena.push("");
        let slots = (texts * 10 / 7 + 1).next_power_of_two().max(FEWEST_SLOTS);
        Self { arena, slots: vec![0; slots], state: FixedState::with_seed(0x1d) }
    }

    /// The number of a text; the empty text has none.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if text.is_empty() {
            return NONE;
        }
        let written = WrittenText::new(text);
        let hash = written.hash(&self.state);
        self.place(&written, hash)
    }

    /// Appends the numbers of texts; those that are absent or empty have none.
    pub fn intern_all<'a>(&mut self, mut texts: impl Iterator<Item = Option<&'a str>>, symbols: &mut Vec<Symbol>) {
        loop {
            let mut sought: [Option<Sought<'a>>; ABREAST] = Default::default();
            let mut count = 0;
            for (text, sought) in texts.by_ref().take(ABREAST).zip(&mut sought) {
                count += 1;
                *sought = text.filter(|text| !text.is_empty()).map(|text| {
                    let written = WrittenText::new(text);
                    let hash = written.hash(&self.state);
                    Sought { written, hash, slot: 0 }
                });
            }
            let mask = self.slots.len() - 1;
            sought.iter_mut().flatten().for_each(|sought| sought.slot = self.slots[sought.hash as usize & mask]);
            look(sought.iter().flatten().map(|sought| self.arena.peek(sought.slot & mask as u32)));
            for sought in &sought[..count] {
                symbols.push(match sought {
                    None => NONE,
                    Some(Sought { written, hash, slot }) => {
                        let symbol = slot & mask as u32;
                        let is_it = symbol != NONE.0 && slot ^ symbol == tag(*hash, mask) && self.arena.is(symbol, written);
                        // The table may have grown since the slot was read; symbols do not change.
                        if is_it { Symbol(symbol) } else { self.place(written, *hash) }
                    }
                });
            }
            if count < ABREAST {
                return;
            }
        }
    }

    fn place(&mut self, written: &WrittenText<'_>, hash: u64) -> Symbol {
        let mask = self.slots.len() - 1;
        let tag = tag(hash, mask);
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            let symbol = self.slots[at] & mask as u32;
            if self.slots[at] ^ symbol == tag && self.arena.is(symbol, written) {
                return Symbol(symbol);
            }
            at = (at + 1) & mask;
        }
        let symbol = self.arena.push_written(written);
        self.slots[at] = tag | symbol;
        if self.arena.len() * 10 > self.slots.len() * 7 {
            self.grow();
        }
        Symbol(symbol)
    }

    fn grow(&mut self) {
        let mask = 2 * self.slots.len() - 1;
        assert!(u32::try_from(mask).is_ok(), "fewer than three thousand million texts");
        self.slots = Vec::new();
        self.slots.resize(mask + 1, 0);
        let count = u32::try_from(self.arena.len()).expect("symbols are 32-bit");
        for first in (1..count).step_by(ABREAST) {
            let symbols = first..count.min(first + ABREAST as u32);
            let mut hashes = [0; ABREAST];
            symbols.clone().zip(&mut hashes).for_each(|(symbol, hash)| *hash = self.arena.hash(symbol, &self.state));
            look(hashes.iter().map(|&hash| self.slots[hash as usize & mask]));
            for (symbol, hash) in symbols.zip(hashes) {
                let mut at = hash as usize & mask;
                while self.slots[at] != 0 {
                    at = (at + 1) & mask;
                }
                self.slots[at] = tag(hash, mask) | symbol;
            }
        }
    }

    /// The text of a symbol.
    pub fn text(&self, symbol: Symbol) -> PackedText<'_> {
        self.arena.get(symbol.0)
    }

    /// The texts without the hash table.
    pub fn into_texts(mut self) -> Arena {
        self.arena.shrink();
        self.arena
    }
}

/// The part of a hash that fits into a slot next to a symbol.
fn tag(hash: u64, mask: usize) -> u32 {
    (hash >> 32) as u32 & !(mask as u32)
}

/// A set of symbols.
#[derive(Default)]
pub struct SymbolSet(Vec<u64>);

impl SymbolSet {
    /// Adds a symbol; [`NONE`] is never in it.
    pub fn set(&mut self, symbol: Symbol) {
        let at = symbol.index() / 64;
        if symbol == NONE {
            return;
        }
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (symbol.0 % 64);
    }

    /// Whether it has a symbol.
    pub fn has(&self, symbol: Symbol) -> bool {
        self.0.get(symbol.index() / 64).is_some_and(|word| word >> (symbol.0 % 64) & 1 == 1)
    }
}

/// Records by symbol, in record order, for symbols with several records. Built by a counting sort.
#[derive(Default)]
pub struct Buckets {
    starts: Vec<u32>,
    records: Vec<RecordIx>,
}

impl Buckets {
    /// Groups `(symbol, record)` pairs, which must come in record order; `pairs` is walked twice.
    pub fn group<I: Iterator<Item = (Symbol, RecordIx)>>(symbols: usize, pairs: impl Fn() -> I) -> Self {
        // During the fill, starts are kept one position further on; they end at their final values.
        let mut starts = vec![0u32; symbols + 2];
        pairs().for_each(|(symbol, _)| starts[symbol.index() + 2] += 1);
        // A value of a single record connects nothing, so it is not stored.
        let mut shared = SymbolSet::default();
        for at in 2..starts.len() {
            if starts[at] > 1 {
                shared.set(Symbol((at - 2) as u32));
                starts[at] += starts[at - 1];
            } else {
                starts[at] = starts[at - 1];
            }
        }
        let mut records = vec![RecordIx(0); starts[symbols + 1] as usize];
        pairs().filter(|&(symbol, _)| shared.has(symbol)).for_each(|(symbol, record)| {
            let place = &mut starts[symbol.index() + 1];
            records[*place as usize] = record;
            *place += 1;
        });
        starts.truncate(symbols + 1);
        Self { starts, records }
    }

    /// The records with a symbol; empty if there is only one.
    pub fn get(&self, symbol: Symbol) -> &[RecordIx] {
        &self.records[self.starts[symbol.index()] as usize..self.starts[symbol.index() + 1] as usize]
    }

    /// Something of a symbol's place, for [`look`].
    pub fn peek(&self, symbol: Symbol) -> u32 {
        self.starts[symbol.index()]
    }

    /// Number of symbols, including the absent one.
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
        assert_eq!([a, b, c].map(Symbol::index), [1, 2, 1]);
        assert_eq!(interner.intern(""), NONE);
        let texts = interner.into_texts();
        assert_eq!((&*texts.get(1), &*texts.get(2), texts.len()), ("a", "b", 3));
    }

    #[test]
    fn many_texts_at_once_get_the_numbers_they_get_one_by_one() {
        let texts: Vec<String> = (0..5_000).map(|n: u32| format!("{}@mail.test", n * n % 1_777)).collect();
        let (mut one_by_one, mut at_once) = (Interner::default(), Interner::default());
        let mut expected: Vec<Symbol> = vec![NONE, NONE];
        expected.extend(texts.iter().map(|text| one_by_one.intern(text)));
        let mut symbols = Vec::new();
        let absent = [None, Some("")].into_iter();
        at_once.intern_all(absent.chain(texts.iter().map(|text| Some(text.as_str()))), &mut symbols);
        assert_eq!(symbols, expected);
        assert!(symbols[2..].iter().zip(&texts).all(|(&symbol, text)| *at_once.text(symbol) == **text));
    }

    #[test]
    fn buckets_keep_record_order() {
        let pairs = [(2, 0), (1, 1), (2, 5), (3, 6), (2, 7), (3, 8)].map(|(symbol, record)| (Symbol(symbol), RecordIx(record)));
        let buckets = Buckets::group(4, || pairs.iter().copied());
        assert_eq!(buckets.get(Symbol(2)), [0, 5, 7].map(RecordIx));
        assert_eq!(buckets.get(Symbol(3)), [6, 8].map(RecordIx));
        // A single record is not stored.
        assert!(buckets.get(NONE).is_empty() && buckets.get(Symbol(1)).is_empty());
    }
}
