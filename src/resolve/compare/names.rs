//! How far two names can be the same person's: nickname classes, initials, one edit, word order.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::text::fold_name;
use crate::resolve::population::intern::{NONE, Symbol};
use crate::resolve::population::words::Vocabulary;

/// How two given names, or two family names, relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// The same.
    Equal,
    /// Forms of one name, or one slip apart.
    Close,
    /// One is the initial of the other.
    Initial,
    /// One side has none.
    Unknown,
    /// Different names.
    Conflict,
}

impl NameMatch {
    /// Whether both sides are given and may name one person.
    pub fn agrees(self) -> bool {
        matches!(self, Self::Equal | Self::Close | Self::Initial)
    }
}

/// Which given names are forms of one name (`data/reference/nicknames.csv`).
#[derive(Default)]
pub struct Nicknames {
    classes: HashMap<String, Vec<u16>, FixedState>,
}

impl Nicknames {
    /// The committed table.
    pub const COMMITTED: &str = include_str!("../../../data/reference/nicknames.csv");

    /// Reads `name,short_forms,language` (short forms separated by blanks), names in any case and with accents; `Err` names the
    /// first bad line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let mut classes: HashMap<String, Vec<u16>, FixedState> = HashMap::with_hasher(FixedState::with_seed(0x2d));
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        match lines.next() {
            Some((_, header)) if header.trim_end() == "name,short_forms,language" => {}
            _ => return Err("line 1: the header must be name,short_forms,language".to_owned()),
        }
        for (class, (number, line)) in lines.enumerate() {
            let fields: Vec<&str> = line.trim_end().split(',').collect();
            let [name, forms, _] = fields[..] else {
                return Err(format!("line {}: three fields are needed", number + 1));
            };
            let class = u16::try_from(class).map_err(|_| format!("line {}: more than 65,535 names", number + 1))?;
            for form in std::iter::once(name).chain(forms.split(' ')).filter(|form| !form.is_empty()) {
                let mut folded = String::new();
                fold_name(form, &mut folded);
                classes.entry(folded).or_default().push(class);
            }
        }
        Ok(Self { classes })
    }

    fn of(&self, name: &str) -> &[u16] {
        self.classes.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Every given and family name of a population in alphabetical order, so that a symbol's order is its text's.
pub struct Names {
    texts: Vocabulary,
    class_starts: Vec<u32>,
    classes: Vec<u16>,
    /// Records per given name.
    pub(crate) first_counts: Vec<u32>,
    /// Records per family name.
    pub(crate) last_counts: Vec<u32>,
    given_total: u64,
    /// Of each name what [`Names::rarity16`] gives.
    rarities: Vec<u8>,
    /// Of each name [`INITIALS`], [`WORDS`] and [`LETTER`].
    shapes: Vec<u8>,
}

/// The name is nothing but initials.
const INITIALS: u8 = 1;
/// The name is several words.
const WORDS: u8 = 2;
/// The name is absent or a single letter.
const LETTER: u8 = 4;

impl Names {
    /// Takes texts sorted from position 1 on (position 0 is the absent name), and the given and family name of each record.
    pub fn new(texts: Vocabulary, nicknames: &Nicknames, borne: impl Iterator<Item = (Symbol, Symbol)>) -> Self {
        let mut class_starts = vec![0];
        let mut classes = Vec::new();
        for text in texts.iter() {
            classes.extend_from_slice(nicknames.of(text));
            class_starts.push(u32::try_from(classes.len()).expect("few classes per name"));
        }
        let (mut first_counts, mut last_counts) = (vec![0u32; texts.len()], vec![0u32; texts.len()]);
        for (first, last) in borne {
            first_counts[first as usize] += 1;
            last_counts[last as usize] += 1;
        }
        first_counts[NONE as usize] = 0;
        last_counts[NONE as usize] = 0;
        let total = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>().max(1);
        let (given_total, family_total) = (total(&first_counts), total(&last_counts));
        // Sixteenths of a bit by which a family name is rarer than one in 512, at most 6 bits.
        let everybody = log2_16(family_total);
        let rarity = |&count: &u32| {
            let sixteenths = everybody - log2_16(u64::from(count.max(1))) - 9 * 16;
            u8::try_from(sixteenths.clamp(0, 6 * 16)).expect("at most 96")
        };
        let rarities = last_counts.iter().map(rarity).collect();
        let shape = |text: &str| {
            let is_letter = text.len() < 2;
            u8::from(is_initials(text)) * INITIALS + u8::from(text.contains(' ')) * WORDS + u8::from(is_letter) * LETTER
        };
        let shapes = texts.iter().map(shape).collect();
        Self { texts, class_starts, classes, first_counts, last_counts, given_total, rarities, shapes }
    }

    /// The text of a name.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol)
    }

    /// How many names there are, the absent one included.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The name with this text, if anybody bears it.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.texts.find(text)
    }

    /// Whether a name is more than one letter.
    pub fn is_spelled(&self, name: Symbol) -> bool {
        self.shapes[name as usize] & LETTER == 0
    }

    /// Sixteenths of a bit by which a family name is rarer than one in 512, at most 6 bits.
    pub fn rarity16(&self, last: Symbol) -> i32 {
        i32::from(self.rarities[last as usize])
    }

    /// Whether a given name is borne by so many that one letter's difference is another name, not a slip.
    pub fn is_common_given(&self, first: Symbol) -> bool {
        u64::from(self.first_counts[first as usize]) >= (self.given_total / 8_000).max(3)
    }

    /// Whether a family name is borne by several.
    pub fn is_common_family(&self, last: Symbol) -> bool {
        self.last_counts[last as usize] >= 4
    }

    fn classes(&self, symbol: Symbol) -> &[u16] {
        &self.classes[self.class_starts[symbol as usize] as usize..self.class_starts[symbol as usize + 1] as usize]
    }

    fn same_class(&self, a: Symbol, b: Symbol) -> bool {
        self.classes(a).iter().any(|class| self.classes(b).contains(class))
    }

    /// Compares given names.
    pub fn compare_first(&self, a: Symbol, b: Symbol) -> NameMatch {
        if a == NONE || b == NONE {
            return NameMatch::Unknown;
        }
        if a == b {
            return NameMatch::Equal;
        }
        // The texts come last: most pairs that differ are decided without them.
        let texts = || (self.text(a), self.text(b));
        let shapes = self.shapes[a as usize] | self.shapes[b as usize];
        if shapes & INITIALS != 0 {
            let (x, y) = texts();
            return if initials_agree(x, y) { NameMatch::Initial } else { NameMatch::Conflict };
        }
        if self.same_class(a, b) {
            return NameMatch::Close;
        }
        if shapes & WORDS != 0 {
            let (x, y) = texts();
            return self.compare_words(x, y);
        }
        if self.is_common_given(a) && self.is_common_given(b) {
            return NameMatch::Conflict;
        }
        let (x, y) = texts();
        if is_slip(x, y) { NameMatch::Close } else { NameMatch::Conflict }
    }

    /// Given names of several words agree when a whole word, or a form of one, is on both sides.
    fn compare_words(&self, x: &str, y: &str) -> NameMatch {
        if x.bytes().filter(|&byte| byte != b' ').eq(y.bytes().filter(|&byte| byte != b' ')) {
            return NameMatch::Equal;
        }
        for (position, word) in x.split(' ').enumerate() {
            for (other_position, other) in y.split(' ').enumerate() {
                let same = word.len() > 2 && (word == other || self.words_share_a_class(word, other));
                let slip = position == 0 && other_position == 0 && is_slip(word, other);
                if same || slip {
                    return NameMatch::Close;
                }
            }
        }
        NameMatch::Conflict
    }

    fn words_share_a_class(&self, word: &str, other: &str) -> bool {
        matches!((self.find(word), self.find(other)), (Some(a), Some(b)) if self.same_class(a, b))
    }

    /// Compares family names: equal, one slip apart (or one a part of the other), or different.
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
        if double_barrelled || is_slip(x, y) { NameMatch::Close } else { NameMatch::Conflict }
    }
}

/// Sixteenths of log2, by integers alone so that every machine agrees.
pub fn log2_16(value: u64) -> i32 {
    let whole = 63 - value.max(1).leading_zeros();
    let mut square = (u128::from(value.max(1)) << 32) >> whole;
    let mut sixteenths = i32::try_from(whole).expect("below 64") * 16;
    for step in [8, 4, 2, 1] {
        square = (square * square) >> 32;
        if square >= 2 << 32 {
            square >>= 1;
            sixteenths += step;
        }
    }
    sixteenths
}

fn is_initials(name: &str) -> bool {
    name.split(' ').all(|word| word.chars().count() == 1)
}

fn initials_agree(x: &str, y: &str) -> bool {
    x.chars().next() == y.chars().next()
}

/// One edit (a letter more, less, other, or two swapped) in names of at least four letters, or nearly the same beginning.
fn is_slip(x: &str, y: &str) -> bool {
    let shorter = x.len().min(y.len());
    if shorter < 4 || x.len().abs_diff(y.len()) > 2 {
        return false;
    }
    one_edit(x.as_bytes(), y.as_bytes()) || (shorter >= 6 && strsim::jaro_winkler(x, y) >= 0.95)
}

/// Whether two different texts are one insertion, deletion, substitution or swap of neighbours apart.
pub fn one_edit(x: &[u8], y: &[u8]) -> bool {
    if x.len().abs_diff(y.len()) > 1 {
        return false;
    }
    let start = x.iter().zip(y).take_while(|(a, b)| a == b).count();
    let (x, y) = (&x[start..], &y[start..]);
    let end = x.iter().rev().zip(y.iter().rev()).take_while(|(a, b)| a == b).count();
    let (x, y) = (&x[..x.len() - end], &y[..y.len() - end]);
    match (x, y) {
        ([], []) => false,
        ([_], []) | ([], [_]) | ([_], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

/// Given name in one symbol-forming shape: letters that look Latin in another alphabet become Latin where the rest is.
pub fn unmask(name: &str) -> Option<String> {
    if name.is_ascii() || !name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let look_alike = |letter: char| match letter {
        'а' | 'α' => 'a',
        'в' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'ո' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    };
    Some(name.chars().map(look_alike).collect())
}

/// A stable hash of symbols, for blocking keys; those of two blocks seldom meet, and then a few pairs more are compared.
pub fn block_hash(parts: (u32, u32, u64)) -> u32 {
    (FixedState::with_seed(0x3d).hash_one(parts) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> Nicknames {
        Nicknames::parse(Nicknames::COMMITTED).unwrap()
    }

    fn names(words: &[&str]) -> Names {
        let mut sorted = words.to_vec();
        sorted.sort_unstable();
        let mut all = Vocabulary::default();
        sorted.into_iter().for_each(|word| {
            all.intern(word);
        });
        Names::new(all, &committed(), std::iter::empty())
    }

    fn first(a: &str, b: &str) -> NameMatch {
        let names = names(&[a, b]);
        names.compare_first(names.find(a).unwrap(), names.find(b).unwrap())
    }

    #[test]
    fn forms_of_one_name_are_close() {
        for (a, b) in
            [("william", "bill"), ("johannes", "hannes"), ("siphiwe", "sipho"), ("rajesh", "raj"), ("jan willem", "jan")]
        {
            assert_eq!(first(a, b), NameMatch::Close, "{a} {b}");
        }
    }

    #[test]
    fn names_that_relatives_bear_side_by_side_are_no_forms_of_one_another() {
        for (a, b) in [
            ("jake", "jack"),
            ("jonathan", "nathan"),
            ("julia", "juliet"),
            ("joanna", "joan"),
            ("alice", "alicia"),
            ("helen", "ellen"),
            ("amelia", "amy"),
            ("paula", "pauline"),
            ("hannes", "jan"),
            ("kobus", "jaco"),
            ("pieter", "pierre"),
            ("andries", "andre"),
            ("sipho", "nosipho"),
            ("thabo", "thabiso"),
            ("siyabonga", "siyabulela"),
            ("themba", "thembi"),
            ("sanjay", "sanjeev"),
            ("ajay", "ajit"),
            ("rajesh", "rajiv"),
        ] {
            let (a_class, b_class) = (committed().of(a).to_vec(), committed().of(b).to_vec());
            assert!(!a_class.iter().any(|class| b_class.contains(class)), "{a} {b}");
        }
    }

    #[test]
    fn the_committed_forms_are_many_in_each_language_and_in_compared_shape() {
        let lines: Vec<Vec<&str>> = Nicknames::COMMITTED.lines().skip(1).map(|line| line.split(',').collect()).collect();
        for (language, least) in [("english", 300), ("afrikaans", 150), ("african", 150), ("indian", 100)] {
            assert!(lines.iter().filter(|line| line[2] == language).count() >= least, "{language}");
        }
        for line in &lines {
            let names: Vec<&str> = std::iter::once(line[0]).chain(line[1].split(' ')).collect();
            let mut distinct = names.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), names.len(), "twice on one line: {line:?}");
            for name in names {
                let mut folded = String::new();
                fold_name(name, &mut folded);
                assert!(folded == name && name.len() > 1, "an initial, or not as names are compared: {line:?}");
            }
        }
        let order = |line: &Vec<&str>| {
            let language = ["english", "afrikaans", "african", "indian"].iter().position(|known| *known == line[2]);
            (language.expect("one of four"), line[0].to_owned(), line[1].to_owned())
        };
        assert!(lines.iter().map(order).collect::<Vec<_>>().is_sorted_by(|a, b| a < b), "in order, no line twice");
    }

    #[test]
    fn different_names_conflict_and_initials_are_weak() {
        assert_eq!(first("john", "mary"), NameMatch::Conflict);
        assert_eq!(first("j", "john"), NameMatch::Initial);
        assert_eq!(first("j p", "john"), NameMatch::Initial);
        assert_eq!(first("k", "john"), NameMatch::Conflict);
    }

    #[test]
    fn a_line_of_the_operators_own_may_be_in_any_case_and_saved_by_a_spreadsheet() {
        let own = Nicknames::parse("\u{feff}name,short_forms,language\r\nJosé,Pepe  Zé,other\r\n").unwrap();
        assert_eq!((own.of("jose"), own.of("pepe"), own.of("ze")), (&[0][..], &[0][..], &[0][..]));
        assert_eq!(
            Nicknames::parse("name,short_forms,language\nonly\n").err().as_deref(),
            Some("line 2: three fields are needed")
        );
    }

    #[test]
    fn one_edit_is_exactly_one() {
        assert!(one_edit(b"smith", b"smth"));
        assert!(one_edit(b"smith", b"simth"));
        assert!(one_edit(b"smith", b"smyth"));
        assert!(!one_edit(b"smith", b"smith"));
        assert!(!one_edit(b"smith", b"smythe"));
    }

    #[test]
    fn look_alike_letters_count_as_latin_only_among_latin_ones() {
        assert_eq!(unmask("p\u{430}ul").as_deref(), Some("paul"));
        assert_eq!(unmask("иван"), None);
        assert_eq!(unmask("paul"), None);
    }

    #[test]
    fn sixteenths_of_log2_are_those_of_real_numbers() {
        for value in [1u64, 2, 3, 10, 511, 512, 513, 1_000_000, 27_000_000] {
            let real = ((value as f64).log2() * 16.0).floor();
            assert!((f64::from(log2_16(value)) - real).abs() < 1.5, "{value}");
        }
    }
}
