//! Cleaning of text for the datasets, and its folded forms for comparison and for code look-ups.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::model::escapes::{undo_mojibake, unescape};
use crate::model::reason::{Reason, Reasons};

/// The longest name, in bytes.
pub const NAME_BYTES: usize = 200;
/// The longest label (status, club name), in bytes.
pub const LABEL_BYTES: usize = 255;
/// The longest copy of a raw value, in bytes; the rest is cut and counted.
pub const RAW_BYTES: usize = 1024;

/// The text decoded ([`unescape`]), without invisible characters, composed (NFC), trimmed, each run of blanks as one space.
/// `None` when nothing is left or the text is a dump's word for null (`NULL`, `\N`). Printable ASCII that is already clean is
/// borrowed, not copied.
pub fn clean<'a>(raw: &'a str, buffer: &'a mut String, reasons: &mut Reasons) -> Option<&'a str> {
    let text = if is_clean_ascii(raw) {
        raw
    } else {
        buffer.clear();
        squeeze(&undo_mojibake(raw, reasons), buffer, reasons);
        compose(buffer, reasons);
        while let Cow::Owned(plain) = unescape(buffer, reasons) {
            buffer.clear();
            squeeze(&plain, buffer, reasons);
            compose(buffer, reasons);
        }
        buffer.as_str()
    };
    if is_null_word(text) {
        reasons.insert(Reason::TextNullWord);
        return None;
    }
    (!text.is_empty()).then_some(text)
}

/// Whether a text is the word of a dump for null: `NULL` or `\N`, in exactly this case, because Null is a family name.
pub fn is_null_word(text: &str) -> bool {
    matches!(text, "NULL" | "\\N")
}

/// Whether a typed cell (a date, a number, yes or no) is empty: blank, or a word for null of databases, data-frame libraries and
/// spreadsheets.
pub fn is_missing_word(text: &str) -> bool {
    const WORDS: [&str; 13] =
        ["null", "\\n", "(null)", "<null>", "[null]", "none", "nil", "nan", "nat", "<na>", "na", "n/a", "#n/a"];
    // A control character may be a value: MySQL writes a bit as it is.
    let text = text.trim_matches(|c: char| c.is_whitespace() || (is_invisible(c) && !c.is_control()));
    text.is_empty() || (text.len() <= 6 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Whether a text is a number in scientific notation: `2.78E+10`, `2,78e10`.
pub fn is_scientific(text: &str) -> bool {
    scientific(text).is_some()
}

/// Mantissa and exponent of a number in scientific notation.
fn scientific(text: &str) -> Option<(&str, i32)> {
    let (mantissa, exponent) = text.trim().split_once(['e', 'E'])?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (integer, fraction) = mantissa.split_once([',', '.']).unwrap_or((mantissa, "0"));
    let is_number = digits(integer) && digits(fraction) && digits(exponent.trim_start_matches(['+', '-']));
    is_number.then(|| Some((mantissa, exponent.parse().ok()?)))?
}

/// The digits of a whole number in scientific notation, if none of them is lost: `2.7825551234E+10`.
pub fn exact_digits(text: &str) -> Option<String> {
    let (mantissa, exponent) = scientific(text)?;
    let (integer, fraction) = mantissa.split_once([',', '.'])?;
    let (kept, lost) = fraction.split_at_checked(usize::try_from(exponent).ok()?)?;
    lost.bytes().all(|byte| byte == b'0').then(|| format!("{integer}{kept}"))
}

/// An id or whole number without what spreadsheets and data-frame libraries add to it: blanks around it, `.0`, separators of
/// thousands, an exponent that lost no digit. UUIDs are in lower case, as PostgreSQL writes them. Anything else is only trimmed.
pub fn whole(raw: &str) -> Cow<'_, str> {
    // Nearly all ids: nothing below changes them. Without an early end the compiler compares many bytes at once.
    if raw.bytes().fold(true, |all, byte| all & matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'_')) {
        return Cow::Borrowed(raw);
    }
    let text = raw.trim();
    if let Some(uuid) = uuid(text) {
        return uuid;
    }
    let is_plain = |byte: u8| (0x21..0x7f).contains(&byte) && !matches!(byte, b'.' | b',' | b'\'' | b'"');
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    if text.chars().any(is_invisible) {
        // A byte order mark or a zero-width blank that some program left.
        let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        return Cow::Owned(whole(&visible).into_owned());
    }
    if text.chars().any(|c| !c.is_ascii() && ascii_digit(c).is_some()) {
        let plain: String = text.chars().map(|c| ascii_digit(c).unwrap_or(c)).collect();
        return Cow::Owned(whole(&plain).into_owned());
    }
    let bare = text.strip_prefix("=\"").unwrap_or(text).trim_matches(['\'', '"']);
    let bare = bare.strip_prefix('+').unwrap_or(bare);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = bare.strip_prefix('-').unwrap_or(bare);
    if digits(unsigned) {
        return Cow::Borrowed(bare);
    }
    if let Some((integer, zeros)) = bare.rsplit_once(['.', ','])
        && digits(integer.strip_prefix('-').unwrap_or(integer))
        && !zeros.is_empty()
        && zeros.bytes().all(|byte| byte == b'0')
        && (zeros.len() < 3 || bare.contains('.'))
    {
        return Cow::Borrowed(integer);
    }
    if let Some(exact) = exact_digits(bare) {
        return Cow::Owned(exact);
    }
    let thousands = unsigned.strip_suffix(".0").or_else(|| unsigned.strip_suffix(".00")).unwrap_or(unsigned);
    const BETWEEN: [char; 7] = [',', ' ', '\u{a0}', '\u{202f}', '\u{2009}', '\'', '\u{2019}'];
    let mut groups = thousands.split(BETWEEN);
    let is_first = groups.next().is_some_and(|group| digits(group) && group.len() <= 3);
    if is_first && thousands.contains(BETWEEN) && groups.all(|group| digits(group) && group.len() == 3) {
        let sign = if unsigned.len() < bare.len() { "-" } else { "" };
        return Cow::Owned(format!("{sign}{}", thousands.chars().filter(char::is_ascii_digit).collect::<String>()));
    }
    Cow::Borrowed(text)
}

/// A UUID in lower case, without the braces and the scheme that some programs put around it.
fn uuid(text: &str) -> Option<Cow<'_, str>> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let bare = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let bare = bare.strip_prefix('{').and_then(|bare| bare.strip_suffix('}')).unwrap_or(bare);
    let is_fitting = |(at, byte): (usize, u8)| if HYPHENS.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    if bare.len() != 36 || !bare.bytes().enumerate().all(is_fitting) {
        return None;
    }
    let is_lower = !bare.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if is_lower { Cow::Borrowed(bare) } else { Cow::Owned(bare.to_ascii_lowercase()) })
}

/// Digits of other scripts (full-width above all) as ASCII.
pub fn ascii_digit(c: char) -> Option<char> {
    /// The zeros of decimal digits: full-width, Arabic, Persian, those of India and its neighbours, mathematical ones.
    const ZEROS: [u32; 21] = [
        0xff10, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
        0x17e0, 0x1810, 0x1d7ce, 0x1d7f6,
    ];
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let digit = ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero).filter(|digit| *digit < 10))?;
    char::from_digit(digit, 10)
}

fn is_clean_ascii(text: &str) -> bool {
    let (mut blank_before, mut quote_before) = (true, false);
    for byte in text.bytes() {
        let is_plain = (0x20..0x7f).contains(&byte) && !matches!(byte, b'&' | b'\\' | b'%' | b'=');
        if !is_plain || (byte == b' ' && blank_before) || (byte == b'\'' && quote_before) {
            return false;
        }
        quote_before = byte == b'\'';
        blank_before = byte == b' ';
    }
    text.is_empty() || !blank_before
}

fn compose(text: &mut String, reasons: &mut Reasons) {
    if is_nfc_quick(text.chars()) != IsNormalized::Yes {
        let composed: String = text.nfc().collect();
        if composed != *text {
            reasons.insert(Reason::TextComposed);
            *text = composed;
        }
    }
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

/// Whether a character has no width: controls, zero-width and bidirectional marks, soft hyphens, variation selectors.
pub fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control(),
    }
}

/// Whether a character is used as an apostrophe.
pub fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{02b9}' | '\u{02bc}' | '\u{ff07}')
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
    // The acute accent that people type for an apostrophe would decompose into a blank and an accent.
    for c in text.chars().filter(|c| !is_apostrophe(*c)).nfkd() {
        match c {
            'a'..='z' => push(c, out, &mut pending_blank),
            'A'..='Z' => push(c.to_ascii_lowercase(), out, &mut pending_blank),
            _ if is_apostrophe(c) => {}
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

/// Plain forms of letters that Unicode decomposition leaves unchanged, such as ł.
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
    /// Longest code; longer texts are not codes.
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
    fn invisible_characters_are_removed_and_blanks_joined() {
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
    fn whole_numbers_lose_what_programs_add_and_other_ids_stay() {
        for (raw, id) in [
            ("17.0", "17"),
            ("17.00", "17"),
            ("17,0", "17"),
            (" 17 ", "17"),
            ("1,017", "1017"),
            ("1 017.0", "1017"),
            ("1\u{a0}017", "1017"),
            ("1.017E+03", "1017"),
            ("=\"17\"", "17"),
            ("'17", "17"),
            ("17.", "17"),
            ("+17.0", "17"),
            ("1\u{2019}017", "1017"),
            ("\u{ff11}\u{ff17}", "17"),
            ("\u{feff}17", "17"),
            ("1\u{200b}7.0", "17"),
            ("\u{967}\u{96d}", "17"),
            ("\u{feff}a-7", "a-7"),
            ("007", "007"),
            ("1e3", "1e3"),
            ("-4.0", "-4"),
            ("17.5", "17.5"),
            ("1.0.0", "1.0.0"),
            ("1.7E+05", "1.7E+05"),
            ("a.0", "a.0"),
            ("9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d", "9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"),
            ("9B2D4C1E-6F3A-4B8E-9C1D-2E3F4A5B6C7D", "9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"),
            ("{9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d}", "9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"),
            ("urn:uuid:9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d", "9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"),
            ("9B2D4C1E6F3A4B8E9C1D2E3F4A5B6C7D", "9B2D4C1E6F3A4B8E9C1D2E3F4A5B6C7D"),
            ("12,34", "12,34"),
        ] {
            assert_eq!(whole(raw), id, "{raw}");
        }
    }

    #[test]
    fn words_for_nothing_are_those_of_databases_libraries_and_spreadsheets() {
        for word in ["", "  ", "NULL", "null", "\\N", "NaN", "nan", "NaT", "None", "<NA>", "N/A", "#N/A", "[NULL]", "\u{feff}"] {
            assert!(is_missing_word(word), "{word:?}");
        }
        for word in ["0", "no", "-", "soon", "infinity"] {
            assert!(!is_missing_word(word), "{word}");
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
