//! Names for display and for comparison. The displayed name keeps the case and spelling of the source.

use crate::model::NameSuffix;
use crate::model::email::is_address;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::{NAME_BYTES, clean, fold_name};

/// Reads a record's given and family name; keeps its buffers from record to record.
#[derive(Default)]
pub struct NameReader {
    first: Part,
    last: Part,
    buffer: String,
    split: [String; 2],
}

#[derive(Default)]
struct Part {
    value: String,
    key: String,
    title: String,
    suffix: Option<NameSuffix>,
    /// Titles of two people.
    is_couple: bool,
}

/// A record's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// Given name for display.
    pub first: Option<&'a str>,
    /// Family name for display.
    pub last: Option<&'a str>,
    /// Given name folded for comparison; `None` where it has no letters.
    pub first_key: Option<&'a str>,
    /// Family name folded for comparison, without a generation suffix.
    pub last_key: Option<&'a str>,
    /// The title that was cut, folded; `None` where it was that of a couple.
    pub title: Option<&'a str>,
    /// The generation, where the name says it.
    pub suffix: Option<NameSuffix>,
}

impl NameReader {
    /// Reads both names. `club` is the record's club, whose name is not accepted as the name of a person. The reasons are kept
    /// apart for each name.
    pub fn read(
        &mut self,
        first: Option<&str>,
        last: Option<&str>,
        club: Option<&str>,
        junk: &Junk,
        reasons: &mut [Reasons; 2],
    ) -> Name<'_> {
        let (mut first, mut last) = (first.unwrap_or_default(), last.unwrap_or_default());
        if first.trim().is_empty()
            && let Some((family, given)) = last.split_once(',').filter(|(_, given)| !given.trim().is_empty())
        {
            self.split = [given.to_owned(), family.to_owned()];
            reasons[1].insert(Reason::NameSplit);
            (first, last) = (&self.split[0], &self.split[1]);
        }
        self.first.read(first, NamePlace::First, &mut self.buffer, junk, &mut reasons[0]);
        self.last.read(last, NamePlace::Last, &mut self.buffer, junk, &mut reasons[1]);
        self.buffer.clear();
        let words = [&self.first.key, &self.last.key].into_iter().filter(|key| !key.is_empty());
        for (index, word) in words.enumerate() {
            self.buffer.push_str(if index == 0 { "" } else { " " });
            self.buffer.push_str(word);
        }
        if junk.has(JunkKind::Name, &self.buffer) {
            refuse_both(&mut self.first, &mut self.last, reasons);
        }
        if let Some(club) = club {
            self.buffer.clear();
            fold_name(club, &mut self.buffer);
            for (part, reasons) in [&mut self.first, &mut self.last].into_iter().zip(reasons.iter_mut()) {
                if !part.key.is_empty() && part.key == self.buffer {
                    part.refuse(Reason::NameJunk, reasons);
                }
            }
        }
        let pair = |part: &Part| part.value.is_empty() || junk.has(JunkKind::NamePair, &part.key);
        if pair(&self.first) && pair(&self.last) {
            refuse_both(&mut self.first, &mut self.last, reasons);
        }
        let some = |text: &'_ String| !text.is_empty();
        Name {
            first: Some(&self.first.value).filter(|text| some(text)).map(String::as_str),
            last: Some(&self.last.value).filter(|text| some(text)).map(String::as_str),
            first_key: Some(&self.first.key).filter(|text| some(text)).map(String::as_str),
            last_key: Some(&self.last.key).filter(|text| some(text)).map(String::as_str),
            title: Some(&self.first.title).filter(|text| some(text) && !self.first.is_couple).map(String::as_str),
            suffix: self.last.suffix.or(self.first.suffix),
        }
    }
}

/// The text before a title behind the name, whose key is left in `key`: `John (Mr)`, `Roe, Mrs`; of a given name also `John Mr`.
fn without_title_behind<'t>(text: &'t str, place: NamePlace, junk: &Junk, key: &mut String) -> &'t str {
    /// Titles that are never given names, as Hon and Dame may be.
    const CERTAIN: [&str; 7] = ["mr", "mrs", "ms", "mnr", "mev", "mej", "miss"];
    let Some((before, word)) = text.rsplit_once([' ', ',']) else { return text };
    let is_set_apart = word.starts_with('(') || before.ends_with(',') || text[before.len()..].starts_with(',');
    key.clear();
    fold_name(word, key);
    let before = before.trim_end_matches([' ', ',']);
    let is_name = before.chars().any(char::is_alphabetic) && !before.ends_with(['&', '+', '/', '-']);
    let is_title = if is_set_apart { junk.has(JunkKind::Title, key) } else { CERTAIN.contains(&key.as_str()) };
    if is_name && is_title && (is_set_apart || place == NamePlace::First) { before } else { text }
}

fn refuse_both(first: &mut Part, last: &mut Part, reasons: &mut [Reasons; 2]) {
    for (part, reasons) in [first, last].into_iter().zip(reasons.iter_mut()) {
        if !part.value.is_empty() {
            part.refuse(Reason::NameJunk, reasons);
        }
    }
}

/// The name that a part belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NamePlace {
    First,
    Last,
}

impl Part {
    fn read(&mut self, raw: &str, place: NamePlace, buffer: &mut String, junk: &Junk, reasons: &mut Reasons) {
        self.value.clear();
        self.key.clear();
        self.title.clear();
        self.suffix = None;
        self.is_couple = false;
        let Some(text) = clean(raw, buffer, reasons) else { return };
        let text = self.without_titles(text, place, junk, reasons);
        self.key.clear();
        if text.len() > NAME_BYTES {
            reasons.insert(Reason::TextTooLong);
            return;
        }
        self.value.push_str(text);
        let (name, suffix) = split_suffix(text, place);
        if suffix.is_some() {
            self.suffix = suffix;
            reasons.insert(Reason::NameSuffix);
        }
        fold_name(name, &mut self.key);
        if self.is_junk(junk) {
            self.refuse(Reason::NameJunk, reasons);
        } else if self.key.is_empty() && !text.is_empty() {
            self.refuse(Reason::NameNoLetters, reasons);
        }
    }

    /// The text without its titles. A given name that is only a title is dropped; a family name that is a title stays.
    fn without_titles<'t>(&mut self, text: &'t str, place: NamePlace, junk: &Junk, reasons: &mut Reasons) -> &'t str {
        const JOINING: [&str; 5] = ["&", "+", "and", "en", "und"];
        // These may also be a name or an initial, so they join only where another title follows.
        const WEAKLY_JOINING: [&str; 8] = ["or", "of", "et", "y", "u.", "-", "/", ","];
        const ENDS: [char; 5] = [' ', '&', '/', '+', ','];
        let is_title = |word: &str, key: &mut String| {
            key.clear();
            fold_name(word, key);
            junk.has(JunkKind::Title, key)
        };
        let first_word = |text: &'t str| {
            let text = text.trim_start();
            let end = text.find(ENDS).unwrap_or(text.len()).max(usize::from(text.starts_with(&ENDS[1..])));
            text.split_at(end)
        };
        let begins_with_title = is_title(first_word(text).0, &mut self.key);
        let mut rest = if begins_with_title { text } else { without_title_behind(text, place, junk, &mut self.key) };
        let mut has_title = rest.len() < text.len();
        if has_title {
            std::mem::swap(&mut self.title, &mut self.key);
        }
        while !rest.is_empty() {
            let (word, after) = first_word(rest);
            if is_title(word, &mut self.key) {
                if after.is_empty() && place == NamePlace::Last {
                    break;
                }
                has_title = true;
                if self.title.is_empty() {
                    std::mem::swap(&mut self.title, &mut self.key);
                }
                self.is_couple |= after.starts_with('/');
            } else if has_title && JOINING.contains(&word.to_ascii_lowercase().as_str()) {
                self.is_couple = true;
            } else if has_title && WEAKLY_JOINING.contains(&word.to_ascii_lowercase().as_str()) {
                if is_title(first_word(after).0, &mut self.key) {
                    self.is_couple = true;
                } else if word.starts_with(char::is_alphabetic) {
                    break;
                }
            } else if let Some(joined) = word.find('.').map(|dot| dot + 1).filter(|dot| *dot < word.len()) {
                // `Mr.John`
                if !is_title(&word[..joined], &mut self.key) {
                    break;
                }
                if self.title.is_empty() {
                    std::mem::swap(&mut self.title, &mut self.key);
                }
                has_title = true;
                rest = &rest[joined..];
                continue;
            } else {
                break;
            }
            rest = after.trim_start();
        }
        if has_title {
            reasons.insert(Reason::NameTitle);
        }
        rest
    }

    /// Whether the name, or the name without its digits, is on the junk list, repeats one letter, is an email, or is a program's
    /// word for null. A single letter is an initial unless the list has it in exactly that spelling.
    fn is_junk(&self, junk: &Junk) -> bool {
        // In exactly this spelling: Nan and Nat are names, pandas' NaN and NaT are not.
        const NOTHING: [&str; 22] = [
            "null",
            "none",
            "nan",
            "nil",
            "undefined",
            "(null)",
            "(NULL)",
            "<null>",
            "<NULL>",
            "[null]",
            "<NA>",
            "[NULL]",
            "NaN",
            "NaT",
            "true",
            "false",
            "[object Object]",
            "n.a.",
            "N.A",
            "t.b.a.",
            "T.B.A.",
            "T.B.C.",
        ];
        let value = self.value.as_str();
        let punctuation = !value.is_empty() && value.chars().all(|c| matches!(c, '-' | '.' | '?' | '*' | '_' | '/'));
        let formula = value.starts_with(['=', '@', '#']) || value.starts_with("+") || NOTHING.contains(&value);
        let listed = !self.key.is_empty() && junk.has(JunkKind::Name, &self.key) && !value.ends_with('.');
        let is_email = is_address(&value.to_lowercase());
        punctuation || formula || listed || is_email || is_one_letter(&self.key)
    }

    fn refuse(&mut self, reason: Reason, reasons: &mut Reasons) {
        self.value.clear();
        self.key.clear();
        self.suffix = None;
        reasons.insert(reason);
    }
}

/// Whether a folded name is one letter over and over: `xxx xxx`, `aaaa`.
fn is_one_letter(key: &str) -> bool {
    let mut letters = key.chars().filter(|c| *c != ' ');
    let Some(first) = letters.next() else { return false };
    // `J J J` are initials.
    letters.all(|c| c == first) && key.len() >= 3 && key.split(' ').all(|word| word.chars().count() >= 2)
}

/// The name without its generation suffix, and the suffix: behind it, or before a family name. A word that is the whole name is not
/// a suffix.
fn split_suffix(name: &str, place: NamePlace) -> (&str, Option<NameSuffix>) {
    const AROUND: [char; 6] = ['.', '(', ')', '[', ']', ','];
    const BETWEEN: [char; 7] = [' ', ',', '-', '/', '_', '(', '['];
    let is_family = place == NamePlace::Last;
    if let Some((word, after)) = name.split_once(' ').filter(|_| is_family)
        && let Some(suffix) = abbreviated(word.trim_matches(AROUND))
    {
        return (after.trim_start(), Some(suffix));
    }
    let text = name.trim_end_matches(AROUND);
    let Some(at) = text.rfind(BETWEEN) else { return (name, None) };
    let (before, word) = (text[..at].trim_end_matches(BETWEEN).trim_end_matches(AROUND), &text[at + 1..]);
    let known = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    let is_cut_off = text.len() < name.len() || text[at..].starts_with(['(', '[']);
    let suffix = if text[at..].starts_with(['-', '/', '_']) {
        abbreviated(word).filter(|_| is_family)
    } else if abbreviated(word).is_some() {
        abbreviated(word)
    } else if (is_family && known(&["junior"])) || (is_cut_off && known(&["jun"])) {
        // Without a full stop Jun and Sen are names.
        Some(NameSuffix::Junior)
    } else if (is_family && known(&["senior"])) || (is_cut_off && known(&["sen"])) {
        Some(NameSuffix::Senior)
    } else if known(&["ii", "2nd"]) {
        Some(NameSuffix::Second)
    } else if known(&["iii", "3rd"]) {
        Some(NameSuffix::Third)
    } else if known(&["iv", "4th"]) {
        Some(NameSuffix::Fourth)
    } else {
        None
    };
    if before.is_empty() || suffix.is_none() { (name, None) } else { (before, suffix) }
}

fn abbreviated(word: &str) -> Option<NameSuffix> {
    let known = |words: [&str; 2]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if known(["jr", "jnr"]) {
        Some(NameSuffix::Junior)
    } else if known(["sr", "snr"]) {
        Some(NameSuffix::Senior)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reference;
    use proptest::prelude::*;

    type Texts = (Option<String>, Option<String>, Option<String>, Option<String>);

    fn read_in(first: &str, last: &str, club: Option<&str>) -> (Texts, [Reasons; 2], Option<String>) {
        let junk = Reference::committed().junk;
        let mut reasons = [Reasons::default(); 2];
        let mut reader = NameReader::default();
        let name = reader.read(Some(first), Some(last), club, &junk, &mut reasons);
        let own = |text: Option<&str>| text.map(str::to_owned);
        ((own(name.first), own(name.last), own(name.first_key), own(name.last_key)), reasons, own(name.title))
    }

    fn shown(first: &str, last: &str) -> (String, String) {
        let ((first, last, _, _), _, _) = read_in(first, last, None);
        (first.unwrap_or_default(), last.unwrap_or_default())
    }

    fn pair(first: &str, last: &str) -> (String, String) {
        (first.to_owned(), last.to_owned())
    }

    #[test]
    fn particles_initials_and_case_stay() {
        assert_eq!(shown("J.P.", "van der MERWE"), pair("J.P.", "van der MERWE"));
        assert_eq!(shown(" Anne-Marie ", "O’Neil  "), pair("Anne-Marie", "O’Neil"));
        let ((_, _, first, last), _, _) = read_in("J.P.", "van der MERWE", None);
        assert_eq!((first.as_deref(), last.as_deref()), (Some("j p"), Some("van der merwe")));
    }

    #[test]
    fn titles_are_cut_and_kept_for_the_gender() {
        let ((first, ..), reasons, title) = read_in("Mev. Ann", "Lee", None);
        assert_eq!((first.as_deref(), title.as_deref()), (Some("Ann"), Some("mev")));
        assert!(reasons[0].contains(Reason::NameTitle));
        assert_eq!(shown("Prof Dr Ann", "Lee"), pair("Ann", "Lee"));
        assert_eq!(shown("Mr.John", "Lee"), pair("John", "Lee"));
    }

    #[test]
    fn placeholders_are_dropped_and_similar_real_names_are_not() {
        for (first, last) in [
            ("Guest", ""),
            ("Visitor", "1"),
            ("test", "Test"),
            ("Walk-in", ""),
            ("tba", "-"),
            ("Guest of Lee", ""),
            ("N/A", "n/a"),
            ("x", "xx"),
        ] {
            assert_eq!(shown(first, last), pair("", ""), "{first} {last}");
        }
        assert_eq!(shown("Ann", "Guest"), pair("Ann", "Guest"));
        assert_eq!(shown("Ann", "Unknown"), pair("Ann", ""));
        assert_eq!(shown("X.", "Lee"), pair("X.", "Lee"), "an initial");
        assert_eq!(shown("Test", "Lee"), pair("Test", "Lee"));
    }

    #[test]
    fn the_name_of_a_club_is_not_a_person() {
        let ((first, last, ..), _, _) = read_in("Ann", "Links Golf Club", Some("LINKS Golf-Club"));
        assert_eq!((first.as_deref(), last.as_deref()), (Some("Ann"), None));
    }

    #[test]
    fn family_comma_given_in_one_column_is_split() {
        assert_eq!(shown("", "Lee, Ann"), pair("Ann", "Lee"));
        assert_eq!(shown("Ann", "Lee, Jr"), pair("Ann", "Lee, Jr"));
    }

    #[test]
    fn a_title_is_not_a_given_name_and_two_titles_give_no_gender() {
        for first in [
            "Mr",
            "mr.",
            "MEV",
            "Mr & Mrs",
            "Mr and Mrs",
            "Mr/Mrs",
            "Mr. & Mrs.",
            "Mnr en Mev",
            "Mr &amp; Mrs",
            "Dr & Mrs",
            "Sir",
        ] {
            assert_eq!(shown(first, "Roe"), pair("", "Roe"), "{first}");
        }
        let title = |first: &str| read_in(first, "Roe", None).2;
        assert_eq!((title("Mr & Mrs"), title("Mr/Mrs"), title("Mr")), (None, None, Some("mr".to_owned())));
        assert_eq!(shown("Mr & Mrs John", "Roe"), pair("John", "Roe"));
        assert_eq!(shown("Ann", "Sir"), pair("Ann", "Sir"), "a family name");
    }

    #[test]
    fn generation_suffixes_stay_in_the_name_and_leave_its_key() {
        let suffix = |first: &str, last: &str| {
            let junk = Reference::committed().junk;
            let mut reader = NameReader::default();
            let name = reader.read(Some(first), Some(last), None, &junk, &mut Default::default());
            (name.last_key.map(str::to_owned), name.suffix)
        };
        for (last, expected) in [
            ("Lee Snr", NameSuffix::Senior),
            ("Lee SR.", NameSuffix::Senior),
            ("Lee (Snr)", NameSuffix::Senior),
            ("Lee, Jnr", NameSuffix::Junior),
            ("Lee Junior", NameSuffix::Junior),
            ("Lee II", NameSuffix::Second),
            ("Lee 3rd", NameSuffix::Third),
        ] {
            assert_eq!(suffix("John", last), (Some("lee".to_owned()), Some(expected)), "{last}");
        }
        assert_eq!(suffix("John Jnr", "Lee").1, Some(NameSuffix::Junior));
        for (first, last) in [("John", "Senior"), ("Junior", "Lee"), ("Ann", "Lee")] {
            assert_eq!(suffix(first, last).1, None, "{first} {last}");
        }
        assert_eq!(shown("John", "Lee Snr"), pair("John", "Lee Snr"));
    }

    #[test]
    fn a_programs_word_for_null_is_not_a_name() {
        for (first, last) in [
            ("null", "null"),
            ("NULL", "NULL"),
            ("nan", "nan"),
            ("Null", ""),
            ("XXX", "XXX"),
            ("xxx xxx", ""),
            ("Online", "Booking"),
            ("Online Booking", ""),
            ("ONLINE BOOKING", "Online Booking"),
            ("=A1&\" \"&B1", "#REF!"),
            ("#N/A", "#NAME?"),
            ("+A1", "@SUM(A1)"),
            ("Walk", "In"),
            ("First Name", "Last Name"),
            ("NaN", "NaT"),
            ("<NA>", "[NULL]"),
        ] {
            assert_eq!(shown(first, last), pair("", ""), "{first} {last}");
        }
        assert_eq!(shown("Nat", "Nan"), pair("Nat", "Nan"), "names");
        assert_eq!(shown("Ann", "Null"), pair("Ann", "Null"), "a family name");
        assert_eq!(shown("=\"Ann\"", "Lee"), pair("Ann", "Lee"));
    }

    #[test]
    fn escaped_names_are_decoded() {
        assert_eq!(shown("Se&aacute;n", "O&#039;Brien"), pair("Seán", "O'Brien"));
        assert_eq!(shown("RenÃ©e", "O\\'Brien"), pair("Renée", "O'Brien"));
    }

    #[test]
    fn names_without_letters_or_without_end_are_dropped() {
        let ((first, last, ..), reasons, _) = read_in("123", &"a".repeat(300), None);
        assert_eq!((first, last), (None, None));
        assert!(reasons[0].contains(Reason::NameNoLetters) && reasons[1].contains(Reason::TextTooLong));
    }

    proptest! {
        #[test]
        fn a_read_name_reads_as_itself(first in "[A-Za-zé.' \u{301}-]{0,10}", last in "\\PC{0,10}") {
            let (once, _, _) = read_in(&first, &last, None);
            let (first, last) = (once.0.clone().unwrap_or_default(), once.1.clone().unwrap_or_default());
            // A family name without a given name may be split at its comma when it is read again.
            prop_assume!(!first.is_empty() || !last.contains(','));
            let (twice, _, _) = read_in(&first, &last, None);
            prop_assert_eq!(twice, once);
        }
    }
}
