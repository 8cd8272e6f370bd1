//! Text as the datasets hold it: composed, visible, single blanks; and its folded forms for comparison and for code look-ups.

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::model::reason::{Reason, Reasons};

/// The longest name, in bytes.
pub const NAME_BYTES: usize = 200;
/// The longest label (status, club name), in bytes.
pub const LABEL_BYTES: usize = 255;
/// The longest copy of a raw value, in bytes; the rest is cut and counted.
pub const RAW_BYTES: usize = 1024;

/// The text without what nobody sees, composed (NFC), trimmed, blanks of any kind and number as one blank. `None` when nothing
/// is left or the text is a dump's word for null (`NULL`, `\N`). Printable ASCII that is already clean is borrowed, not copied.
pub fn clean<'a>(raw: &'a str, buffer: &'a mut String, reasons: &mut Reasons) -> Option<&'a str> {
    let text = if is_clean_ascii(raw) {
        raw
    } else {
        buffer.clear();
        squeeze(raw, buffer, reasons);
        if is_nfc_quick(buffer.chars()) != IsNormalized::Yes {
            let composed: String = buffer.nfc().collect();
            if composed != *buffer {
                reasons.insert(Reason::TextComposed);
                *buffer = composed;
            }
        }
        buffer.as_str()
    };
    if is_null_word(text) {
        reasons.insert(Reason::TextNullWord);
        return None;
    }
    (!text.is_empty()).then_some(text)
}

/// Whether a text is a dump's word for null: `NULL` or `\N`, in that very case, since Null is a family name.
pub fn is_null_word(text: &str) -> bool {
    matches!(text, "NULL" | "\\N")
}

fn is_clean_ascii(text: &str) -> bool {
    let mut blank_before = true;
    for byte in text.bytes() {
        if !(0x20..0x7f).contains(&byte) || (byte == b' ' && blank_before) {
            return false;
        }
        blank_before = byte == b' ';
    }
    text.is_empty() || !blank_before
}

fn squeeze(raw: &str, out: &mut String, reasons: &mut Reasons) {
    for c in raw.chars() {
        if c.is_whitespace() {
            if out.is_empty() || out.ends_with(' ') {
                continue;
            }
            out.push(' ');
        } else if is_invisible(c) {
            reasons.insert(Reason::TextInvisible);
        } else {
            out.push(c);
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
}

/// Whether a character takes no room of its own: controls, zero-width and bidirectional marks, soft hyphens, variation selectors.
pub fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control(),
    }
}

/// The longest prefix of at most `limit` bytes that ends between characters.
pub fn prefix(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// Folds a name for comparison: no accents, lower case, letters only, words separated by one blank; apostrophes join, hyphens
/// and dots separate. Appends to `out`.
pub fn fold_name(text: &str, out: &mut String) {
    let start = out.len();
    let mut pending_blank = false;
    let push = |c: char, out: &mut String, pending: &mut bool| {
        if *pending && out.len() > start {
            out.push(' ');
        }
        *pending = false;
        out.push(c);
    };
    for c in text.nfkd() {
        match c {
            'a'..='z' => push(c, out, &mut pending_blank),
            'A'..='Z' => push(c.to_ascii_lowercase(), out, &mut pending_blank),
            '\'' | '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{02bc}' => {}
            _ if is_combining_mark(c) || is_invisible(c) => {}
            _ if c.is_alphabetic() => {
                for lower in c.to_lowercase().nfkd().filter(|c| !is_combining_mark(*c)) {
                    match plain_letters(lower) {
                        Some(letters) => letters.chars().for_each(|c| push(c, out, &mut pending_blank)),
                        None => push(lower, out, &mut pending_blank),
                    }
                }
            }
            _ => pending_blank = true,
        }
    }
}

/// Letters whose accent is part of the letter, so that decomposition leaves them.
fn plain_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'þ' => "th",
        'ı' => "i",
        'ħ' => "h",
        _ => return None,
    })
}

/// A code folded for look-up: letters and digits in lower case and `*`; blanks and punctuation are dropped.
pub struct FoldedCode {
    bytes: [u8; Self::LIMIT],
    len: usize,
}

impl FoldedCode {
    /// Codes are short; what is longer is no code.
    const LIMIT: usize = 48;

    /// Folds a text; a text too long to be a code folds to one that no map holds.
    pub fn of(text: &str) -> Self {
        let mut folded = Self { bytes: [0; Self::LIMIT], len: 0 };
        for c in text.chars().flat_map(char::to_lowercase) {
            if !(c.is_alphanumeric() || c == '*') {
                continue;
            }
            if folded.len + c.len_utf8() > Self::LIMIT {
                return Self { bytes: [b'?'; Self::LIMIT], len: Self::LIMIT };
            }
            folded.len += c.encode_utf8(&mut folded.bytes[folded.len..]).len();
        }
        folded
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("only whole characters were encoded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cleaned(raw: &str) -> Option<String> {
        clean(raw, &mut String::new(), &mut Reasons::default()).map(str::to_owned)
    }

    fn folded(text: &str) -> String {
        let mut out = String::new();
        fold_name(text, &mut out);
        out
    }

    #[test]
    fn invisible_characters_go_and_blanks_become_one() {
        let mut reasons = Reasons::default();
        let mut buffer = String::new();
        let text = clean("\u{feff} A\u{200b}nn\u{202e}\u{a0}\u{2009} Lee\t\0", &mut buffer, &mut reasons);
        assert_eq!(text, Some("Ann Lee"));
        assert!(reasons.contains(Reason::TextInvisible));
    }

    #[test]
    fn decomposed_letters_are_composed() {
        assert_eq!(cleaned("Rene\u{301}").as_deref(), Some("René"));
    }

    #[test]
    fn a_dumps_word_for_null_is_null() {
        assert_eq!(cleaned("\\N"), None);
        assert_eq!(cleaned(" NULL "), None);
        assert_eq!(cleaned("Null").as_deref(), Some("Null"), "Null is a family name");
        assert_eq!(cleaned(" \u{200b} "), None);
    }

    #[test]
    fn names_fold_to_plain_letters() {
        for (name, key) in [
            ("O'Brien", "obrien"),
            ("D’Arcy-Smith", "darcy smith"),
            ("van der Merwe", "van der merwe"),
            ("J.P.", "j p"),
            ("Renée", "renee"),
            ("Łukasz Großmann", "lukasz grossmann"),
            ("Øyvind", "oyvind"),
            ("İpek", "ipek"),
            ("  -  ", ""),
        ] {
            assert_eq!(folded(name), key, "{name}");
        }
    }

    #[test]
    fn codes_fold_without_blanks_and_punctuation() {
        assert_eq!(FoldedCode::of(" No-Show ").as_str(), "noshow");
        assert_eq!(FoldedCode::of("GOLF_RSA").as_str(), "golfrsa");
        assert_eq!(FoldedCode::of("*").as_str(), "*");
        assert_eq!(FoldedCode::of(&"a".repeat(500)).as_str().len(), 48);
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(raw in "\\PC{0,12}[\\s\u{0}\u{200b}\u{300}\u{ad}é\u{65}İß]{0,6}\\PC{0,12}") {
            if let Some(once) = cleaned(&raw) {
                prop_assert_eq!(cleaned(&once), Some(once));
            }
        }

        #[test]
        fn folding_twice_is_folding_once(raw in "\\PC{0,24}") {
            let once = folded(&raw);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
