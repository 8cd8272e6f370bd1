//! Compares names: nickname classes, initials, misspellings, order of words.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::resolve::compare::nicknames::Nicknames;
use crate::resolve::compare::spelling::{initials_fit, is_clipped, is_cut, is_initials, is_slip, sound_alike};
use crate::resolve::compare::weight::Weight;
use crate::resolve::population::intern::{NONE, Symbol};
use crate::resolve::population::words::Vocabulary;

/// The relation of two given names, or of two family names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// The same.
    Equal,
    /// Forms of one name, or one misspelling apart.
    Close,
    /// One is the initial of the other.
    Initial,
    /// One side has none.
    Unknown,
    /// Different names.
    Conflict,
}

impl NameMatch {
    /// Whether both are given and may name one person.
    pub fn agrees(self) -> bool {
        matches!(self, Self::Equal | Self::Close | Self::Initial)
    }
}

/// Given and family name of a record.
pub type FullName = (Symbol, Symbol);

/// The relation of two full names; the parts of the second are swapped where that fits better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullMatch {
    /// The given names.
    pub first: NameMatch,
    /// The family names.
    pub last: NameMatch,
    /// Whether the parts of one are swapped, or one part is in the column of the other.
    pub is_swapped: bool,
}

impl FullMatch {
    /// Whether both full names are given and equal.
    pub fn is_full(self) -> bool {
        self.first == NameMatch::Equal && self.last == NameMatch::Equal
    }

    /// Whether the names may belong to one person: the given names agree, or one side has only the family name.
    pub fn agrees(self) -> bool {
        self.first.agrees() || (self.is_swapped && self.first == NameMatch::Unknown)
    }
}

/// Every given and family name of a population in alphabetical order, so that symbols sort like their texts.
pub struct Names {
    texts: Vocabulary,
    class_starts: Vec<u32>,
    classes: Vec<u16>,
    /// Records per given name.
    pub(crate) first_counts: Vec<u32>,
    /// Records per family name.
    pub(crate) last_counts: Vec<u32>,
    given_total: u64,
    family_total: u64,
    /// [`Names::rarity`] of each name.
    rarities: Vec<u8>,
    /// Flags of each name: [`INITIALS`], [`WORDS`], [`LETTER`] and [`KNOWN`].
    shapes: Vec<u8>,
    /// Each name without its blanks.
    plain: Vec<Symbol>,
}

/// Smaller populations count as this large for the rarity of names, because few records say little about the frequency of a name.
const FEWEST_NAMES: u64 = 4_096;

/// The name consists of initials.
const INITIALS: u8 = 1;
/// The name has several words.
const WORDS: u8 = 2;
/// The name is absent or a single letter.
const LETTER: u8 = 4;
/// The name is in the table of given names.
const KNOWN: u8 = 8;

impl Names {
    /// Takes sorted texts from position 1 on (position 0 is the absent name), with those of several words also without their
    /// blanks, and the given and family name of each record.
    pub fn new(texts: Vocabulary, nicknames: &Nicknames, borne: impl Iterator<Item = (Symbol, Symbol)>) -> Self {
        let mut class_starts = vec![0];
        let mut classes = Vec::new();
        for text in texts.iter() {
            classes.extend_from_slice(nicknames.of(text));
            class_starts.push(u32::try_from(classes.len()).expect("few classes per name"));
        }
        let (mut first_counts, mut last_counts) = (vec![0u32; texts.len()], vec![0u32; texts.len()]);
        for (first, last) in borne {
            first_counts[first.index()] += 1;
            last_counts[last.index()] += 1;
        }
        first_counts[NONE.index()] = 0;
        last_counts[NONE.index()] = 0;
        let total = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>().max(1);
        let (given_total, family_total) = (total(&first_counts), total(&last_counts));
        // Sixteenths of a bit by which a family name is rarer than one in 512, at most 6 bits.
        let everybody = Weight::log2(family_total);
        let rarity = |&count: &u32| {
            let rarity = everybody - Weight::log2(u64::from(count.max(1))) - Weight::bits(9);
            u8::try_from(rarity.in_sixteenths().clamp(0, 6 * 16)).expect("at most 96")
        };
        let rarities = last_counts.iter().map(rarity).collect();
        let shape = |text: &str| {
            let is_letter = text.len() < 2;
            let is_known = !nicknames.of(text).is_empty();
            u8::from(is_initials(text)) * INITIALS
                + u8::from(text.contains(' ')) * WORDS
                + u8::from(is_letter) * LETTER
                + u8::from(is_known) * KNOWN
        };
        let shapes = texts.iter().map(shape).collect();
        let plain = |(symbol, text): (Symbol, &str)| match text.contains(' ') {
            true => texts.find(&text.replace(' ', "")).unwrap_or(symbol),
            false => symbol,
        };
        let plain = (0..).map(Symbol).zip(texts.iter()).map(plain).collect();
        Self { texts, class_starts, classes, first_counts, last_counts, given_total, family_total, rarities, shapes, plain }
    }

    /// The text of a name.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol)
    }

    /// Number of names, including the absent one.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The name with this text, if a record has it.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.texts.find(text)
    }

    /// Whether a name is more than one letter.
    pub fn is_spelled(&self, name: Symbol) -> bool {
        self.shapes[name.index()] & LETTER == 0
    }

    /// The rarity of a family name above one in 512, at most 6 bits.
    pub fn rarity(&self, last: Symbol) -> Weight {
        Weight::sixteenths(self.rarities[last.index()].into())
    }

    /// Whether a given name is so frequent that a difference in one letter means another name, not a misspelling.
    pub fn is_common_given(&self, first: Symbol) -> bool {
        u64::from(self.first_counts[first.index()]) >= (self.given_total / 8_000).max(3)
    }

    /// Whether several records have a family name.
    pub fn is_common_family(&self, last: Symbol) -> bool {
        self.last_counts[last.index()] >= 4
    }

    fn classes(&self, symbol: Symbol) -> &[u16] {
        &self.classes[self.class_starts[symbol.index()] as usize..self.class_starts[symbol.index() + 1] as usize]
    }

    fn same_class(&self, a: Symbol, b: Symbol) -> bool {
        self.classes(a).iter().any(|class| self.classes(b).contains(class))
    }

    /// The first letter of a name as a number below 2¹²; 0 for the absent name.
    pub fn initial(&self, name: Symbol) -> u64 {
        self.text(name).chars().next().map_or(0, |letter| u64::from(letter) & 0xfff)
    }

    /// The name without its blanks, the form in which names of either column are compared.
    pub fn plain(&self, name: Symbol) -> Symbol {
        self.plain[name.index()]
    }

    /// Whether one given name is a form of the other according to the table.
    pub fn are_forms(&self, a: Symbol, b: Symbol) -> bool {
        self.same_class(a, b)
    }

    /// The rarity of a given name among all records with one; counted as held by at least two.
    pub fn given_rarity(&self, first: Symbol) -> Weight {
        Weight::log2(self.given_total.max(FEWEST_NAMES)) - Weight::log2(u64::from(self.first_counts[first.index()].max(2)))
    }

    /// The same of a family name.
    pub fn family_rarity(&self, last: Symbol) -> Weight {
        Weight::log2(self.family_total.max(FEWEST_NAMES)) - Weight::log2(u64::from(self.last_counts[last.index()].max(2)))
    }

    /// The rarity of a full name by the frequency of its parts: how much fewer than one other record is expected to bear it by chance.
    pub fn full_name_rarity(&self, (first, last): FullName) -> Weight {
        let rarity =
            |total, counts: &[u32], name: Symbol| Weight::log2(total) - Weight::log2(u64::from(counts[name.index()].max(2)));
        rarity(self.given_total, &self.first_counts, first) + rarity(self.family_total, &self.last_counts, last)
            - Weight::log2(self.given_total.max(FEWEST_NAMES))
    }

    /// Whether both are in the table of given names, which then decides alone.
    fn are_known(&self, a: Symbol, b: Symbol) -> bool {
        self.shapes[a.index()] & self.shapes[b.index()] & KNOWN != 0
    }

    /// Whether both are known names, so that one is not a misspelling of the other.
    fn are_two_names(&self, a: Symbol, b: Symbol) -> bool {
        let is_name = |name: Symbol| self.shapes[name.index()] & KNOWN != 0 || self.is_common_given(name);
        is_name(a) && is_name(b)
    }

    /// Compares given names.
    pub fn compare_first(&self, a: Symbol, b: Symbol) -> NameMatch {
        if a == NONE || b == NONE {
            return NameMatch::Unknown;
        }
        if a == b {
            return NameMatch::Equal;
        }
        if self.same_class(a, b) {
            return NameMatch::Close;
        }
        // The texts are compared last, because most different pairs are decided without them.
        let texts = || (self.text(a), self.text(b));
        let shapes = self.shapes[a.index()] | self.shapes[b.index()];
        if shapes & INITIALS != 0 {
            let (x, y) = texts();
            return match initials_fit(x, y) {
                Some(1) => NameMatch::Initial,
                Some(_) => NameMatch::Close,
                None => NameMatch::Conflict,
            };
        }
        if shapes & WORDS != 0 {
            if self.plain(a) == self.plain(b) {
                return NameMatch::Equal;
            }
            return self.compare_words(a, b);
        }
        if self.are_known(a, b) {
            return NameMatch::Conflict;
        }
        let (x, y) = texts();
        let is_same = is_cut(x, y)
            || sound_alike(x, y)
            || (!self.are_two_names(a, b) && (is_slip(x, y) || is_clipped(x, y) || self.is_joined(x, y)));
        if is_same { NameMatch::Close } else { NameMatch::Conflict }
    }

    /// Given names of several words agree when each word of the one that has fewer, or a form of it, is in the other.
    fn compare_words(&self, a: Symbol, b: Symbol) -> NameMatch {
        let words = |name: Symbol| -> SmallVec<[&str; 4]> { self.text(name).split(' ').collect() };
        let (x, y) = (words(a), words(b));
        let (few, many) = if x.len() <= y.len() { (&x, &y) } else { (&y, &x) };
        let mut is_spelled = false;
        let mut taken = 0u32;
        for (at, word) in few.iter().enumerate() {
            let fits = |(place, other): &(usize, &&str)| {
                taken >> place & 1 == 0
                    && (*word == **other
                        || ((word.len() == 1 || other.len() == 1) && word.as_bytes()[0] == other.as_bytes()[0])
                        || self.words_agree(word, other, at == *place))
            };
            let Some((place, other)) = many.iter().enumerate().take(32).find(fits) else { return self.short_and_words(a, b) };
            taken |= 1 << place;
            is_spelled |= word.len() > 1 && other.len() > 1;
        }
        if is_spelled { NameMatch::Close } else { NameMatch::Initial }
    }

    /// `pj` and `petrus johannes`, `hsiaoling` and `hsiao ling`, `aj` and `anna jane`.
    fn short_and_words(&self, a: Symbol, b: Symbol) -> NameMatch {
        let (x, y) = (self.text(a), self.text(b));
        let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
        let initials = || long.split(' ').filter_map(|word| word.bytes().next());
        let are_initials = !short.contains(' ') && short.len() > 1 && short.bytes().eq(initials());
        let is_one_written_apart = sound_alike(x, y) || (!self.are_two_names(a, b) && self.is_slip_when_joined(a, b));
        if are_initials || is_one_written_apart { NameMatch::Close } else { NameMatch::Conflict }
    }

    /// Whether two names, of which one has blanks, differ by a misspelling without them.
    fn is_slip_when_joined(&self, a: Symbol, b: Symbol) -> bool {
        let count = |name: Symbol| self.text(name).split(' ').count();
        count(a) != count(b) && is_slip(self.text(self.plain(a)), self.text(self.plain(b)))
    }

    fn words_agree(&self, word: &str, other: &str, is_one_place: bool) -> bool {
        if word.len() < 3 || other.len() < 3 {
            return false;
        }
        match (self.find(word), self.find(other)) {
            (Some(a), Some(b)) if self.same_class(a, b) => true,
            (Some(a), Some(b)) if self.are_two_names(a, b) => false,
            _ => is_one_place && is_slip(word, other),
        }
    }

    /// Whether one is two joined given names, of which the other is one: `kirstymegan` and `megan`.
    fn is_joined(&self, x: &str, y: &str) -> bool {
        let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
        let is_given = |word: &str| {
            self.find(word).is_some_and(|name| self.shapes[name.index()] & KNOWN != 0 || self.first_counts[name.index()] > 0)
        };
        let rest = long.strip_suffix(short).or_else(|| long.strip_prefix(short));
        short.len() >= 3 && rest.is_some_and(|rest| rest.len() >= 3 && is_given(rest))
    }

    /// Compares full names, in either order of their parts.
    pub fn compare_full(&self, a: FullName, b: FullName) -> FullMatch {
        let first = self.compare_first(a.0, b.0);
        let straight = || FullMatch { first, last: self.compare_last(a.1, b.1), is_swapped: false };
        match first {
            NameMatch::Conflict => self.compare_swapped(a, b).unwrap_or_else(straight),
            NameMatch::Unknown if a.1 != b.1 && a.1 != NONE && b.1 != NONE => self.compare_swapped(a, b).unwrap_or_else(straight),
            _ => straight(),
        }
    }

    /// Compares the names with the parts of one swapped, if one part then matches exactly and the other does not conflict.
    fn compare_swapped(&self, a: FullName, b: FullName) -> Option<FullMatch> {
        let matched = |first, last| Some(FullMatch { first, last, is_swapped: true });
        match (self.compare_across(a.0, b.1), self.compare_across(b.0, a.1)) {
            (NameMatch::Equal, NameMatch::Equal) => matched(NameMatch::Equal, NameMatch::Equal),
            (NameMatch::Equal, NameMatch::Close) | (NameMatch::Close, NameMatch::Equal) => {
                matched(NameMatch::Close, NameMatch::Equal)
            }
            // Only one part occurs twice. It is the given name if the other side has only this name, in the column of family names.
            (NameMatch::Equal, NameMatch::Unknown) if b.0 == NONE => matched(NameMatch::Equal, NameMatch::Unknown),
            (NameMatch::Unknown, NameMatch::Equal) if a.0 == NONE => matched(NameMatch::Equal, NameMatch::Unknown),
            (NameMatch::Equal, NameMatch::Unknown) | (NameMatch::Unknown, NameMatch::Equal) => {
                matched(NameMatch::Unknown, NameMatch::Equal)
            }
            _ => None,
        }
    }

    /// Compares a given name with a name in the column of family names.
    fn compare_across(&self, first: Symbol, last: Symbol) -> NameMatch {
        if first == NONE || last == NONE {
            return NameMatch::Unknown;
        }
        if self.plain(first) == last {
            return NameMatch::Equal;
        }
        let (x, y) = (self.text(self.plain(first)), self.text(last));
        let is_word = || y.len() > 2 && self.text(first).split(' ').any(|word| word == y);
        let is_near = || !self.are_two_names(first, last) && (is_slip(x, y) || is_clipped(x, y));
        if self.same_class(first, last) || is_word() || is_near() { NameMatch::Close } else { NameMatch::Conflict }
    }

    /// Compares family names: equal, one misspelling apart (or one a part of the other), or different.
    pub fn compare_last(&self, a: Symbol, b: Symbol) -> NameMatch {
        if a == NONE || b == NONE {
            return NameMatch::Unknown;
        }
        if a == b {
            return NameMatch::Equal;
        }
        let (x, y) = (self.text(a), self.text(b));
        let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
        let double_barrelled =
            short.len() >= 5 && long.len() >= short.len() + 3 && (long.starts_with(short) || long.ends_with(short));
        if double_barrelled || is_slip(x, y) || sound_alike(x, y) { NameMatch::Close } else { NameMatch::Conflict }
    }
}

/// A stable hash of symbols for blocking keys. A collision only means that a few more pairs are compared.
pub fn block_hash(parts: (Symbol, Symbol, u64)) -> u32 {
    (FixedState::with_seed(0x3d).hash_one(parts) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Names {
        let mut sorted: Vec<String> = words.iter().flat_map(|word| [(*word).to_owned(), word.replace(' ', "")]).collect();
        sorted.sort_unstable();
        let mut all = Vocabulary::default();
        sorted.iter().for_each(|word| {
            all.intern(word);
        });
        Names::new(all, &Nicknames::parse(Nicknames::COMMITTED).unwrap(), std::iter::empty())
    }

    fn first(a: &str, b: &str) -> NameMatch {
        let names = names(&[a, b]);
        let (a, b) = (names.find(a).unwrap(), names.find(b).unwrap());
        let matched = names.compare_first(a, b);
        assert_eq!(names.compare_first(b, a), matched);
        matched
    }

    /// Given and family name of each; the latter without blanks, as in populations.
    fn full(a: [&str; 2], b: [&str; 2]) -> FullMatch {
        let lasts = [a[1], b[1]].map(|last| last.replace(' ', ""));
        let names = names(&[a[0], &lasts[0], b[0], &lasts[1]]);
        let find = |text: &str| names.find(text).unwrap_or(NONE);
        let (a, b) = ((find(a[0]), find(&lasts[0])), (find(b[0]), find(&lasts[1])));
        let matched = names.compare_full(a, b);
        assert_eq!(names.compare_full(b, a), matched);
        matched
    }

    #[test]
    fn forms_of_one_name_are_close() {
        for (a, b) in [
            ("william", "bill"),
            ("johannes", "hannes"),
            ("siphiwe", "sipho"),
            ("rajesh", "raj"),
            ("jan willem", "jan"),
            ("rajendran", "raj"),
            ("dafydd", "david"),
            ("eoghan", "owen"),
            ("lenie", "magdalena"),
            ("hsiao ling", "xiaoling"),
            ("kirstymegan", "kirsty"),
            ("pj", "petrus johannes"),
            ("aj", "anna jane"),
            ("j p", "johannes petrus"),
        ] {
            assert_eq!(first(a, b), NameMatch::Close, "{a} {b}");
        }
        assert_eq!(first("kirsty megan", "kirstymegan"), NameMatch::Equal);
    }

    #[test]
    fn different_names_conflict_and_initials_are_weak() {
        assert_eq!(first("john", "mary"), NameMatch::Conflict);
        assert_eq!(first("j", "john"), NameMatch::Initial);
        assert_eq!(first("j p", "john"), NameMatch::Initial);
        assert_eq!(first("pj", "pieter"), NameMatch::Initial);
        assert_eq!(first("k", "john"), NameMatch::Conflict);
        assert_eq!(first("j p", "johannes marthinus"), NameMatch::Conflict);
    }

    #[test]
    fn one_word_of_a_compound_name_in_common_is_another_name() {
        for (a, b) in [("abdul aziz", "abdul karim"), ("anna maria", "anna sophia"), ("jan willem", "jan hendrik")] {
            assert_eq!(first(a, b), NameMatch::Conflict, "{a} {b}");
        }
        assert_eq!(first("jan willem", "jan w"), NameMatch::Close);
        assert_eq!(first("abdul aziz", "abdul"), NameMatch::Close);
    }

    #[test]
    fn known_names_that_differ_by_a_letter_are_two_names() {
        for (a, b) in [("anna", "hanna"), ("jack", "zack"), ("alexandra", "alexander"), ("marie", "maria"), ("tim", "jim")] {
            assert_ne!(first(a, b), NameMatch::Equal, "{a} {b}");
        }
        for (a, b) in [("anna", "hanna"), ("jack", "zack"), ("alexandra", "alexander"), ("ben", "ken"), ("emma", "gemma")] {
            assert_eq!(first(a, b), NameMatch::Conflict, "{a} {b}");
        }
    }

    #[test]
    fn exchanged_parts_nicknames_and_missing_parts_combine() {
        use NameMatch::{Close, Conflict, Equal, Unknown};
        let swapped = |first, last| FullMatch { first, last, is_swapped: true };
        assert_eq!(full(["pieter", "van der merwe"], ["van der merwe", "pieter"]), swapped(Equal, Equal));
        assert_eq!(full(["anna maria", "botha"], ["botha", "anna maria"]), swapped(Equal, Equal));
        assert_eq!(full(["thomas", "ravijee"], ["ravijee", "tom"]), swapped(Close, Equal));
        assert_eq!(full(["perumal", ""], ["rakesh", "perumal"]), swapped(Unknown, Equal));
        assert_eq!(full(["", "rakesh"], ["rakesh", "perumal"]), swapped(Equal, Unknown));
        assert_eq!(full(["john", "smith"], ["mary", "smith"]).first, Conflict);
    }
}
