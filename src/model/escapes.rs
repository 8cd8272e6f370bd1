//! Undoes escaping and wrong decoding by other programs: character references, backslashes, percent signs, doubled quotes, UTF-8
//! read as Windows-1252.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::model::reason::{Reason, Reasons};

/// The longest character reference, `&thetasym;`.
const REFERENCE: usize = 12;

/// The text as its author wrote it. Unescaping goes on until nothing is left to unescape.
pub fn unescape<'a>(raw: &'a str, reasons: &mut Reasons) -> Cow<'a, str> {
    unescape_as(raw, true, reasons)
}

/// The same for a cell in which a percent sign is punctuation, such as a telephone number.
pub fn unescape_number<'a>(raw: &'a str, reasons: &mut Reasons) -> Cow<'a, str> {
    unescape_as(raw, false, reasons)
}

fn unescape_as<'a>(raw: &'a str, has_percent: bool, reasons: &mut Reasons) -> Cow<'a, str> {
    if raw.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'&' | b'\\' | b'%' | b'=' | b'\'')) {
        return Cow::Borrowed(raw);
    }
    let mut text = Cow::Borrowed(raw);
    loop {
        if let Some(plain) = step(&text, has_percent) {
            text = Cow::Owned(plain);
            reasons.insert(Reason::TextUnescaped);
        } else if let Some(plain) = decoded_twice(&text) {
            text = Cow::Owned(plain);
            reasons.insert(Reason::TextMojibake);
        } else {
            return text;
        }
    }
}

/// One layer of escapes removed; `None` when there is none. The result is always shorter.
fn step(text: &str, has_percent: bool) -> Option<String> {
    let quoted = text.trim().strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
    if let Some(value) = quoted {
        // `="0821"` tells a spreadsheet that the digits are text.
        return Some(value.to_owned());
    }
    let percent = || has_percent.then(|| percent(text)).flatten();
    references(text).or_else(|| backslashes(text)).or_else(percent).or_else(|| {
        let between_letters = text.match_indices("''").any(|(at, _)| at > 0 && at + 2 < text.len());
        between_letters.then(|| text.replace("''", "'"))
    })
}

/// `&amp;`, `&#039;`, `&#x27;`, `&eacute;`, and `&#39` without its end, as browsers read it.
fn references(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut is_changed = false;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(REFERENCE).position(|byte| byte == b';');
        let endless = || {
            let digits = rest.strip_prefix("&#")?.bytes().take_while(u8::is_ascii_digit).count();
            Some((reference(rest.get(1..2 + digits).filter(|_| (2..=5).contains(&digits))?)?, 2 + digits))
        };
        match end.and_then(|end| Some((reference(&rest[1..end])?, end + 1))).or_else(endless) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
                is_changed = true;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    is_changed.then_some(out)
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    const NAMED: [(&str, char); 33] = [
        ("amp", '&'),
        ("AMP", '&'),
        ("lt", '<'),
        ("LT", '<'),
        ("gt", '>'),
        ("GT", '>'),
        ("quot", '"'),
        ("QUOT", '"'),
        ("acute", '´'),
        ("prime", '′'),
        ("AElig", 'Æ'),
        ("oelig", 'œ'),
        ("OElig", 'Œ'),
        ("Oslash", 'Ø'),
        ("lstrok", 'ł'),
        ("Lstrok", 'Ł'),
        ("dstrok", 'đ'),
        ("Dstrok", 'Đ'),
        ("inodot", 'ı'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("lsquo", '‘'),
        ("rsquo", '’'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("szlig", 'ß'),
        ("aelig", 'æ'),
        ("oslash", 'ø'),
        ("shy", '\u{ad}'),
        ("commat", '@'),
        ("period", '.'),
    ];
    if let Some((_, c)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(*c);
    }
    // `eacute` names the letter e and the acute accent.
    const ACCENTS: [(&str, char); 13] = [
        ("caron", '\u{30c}'),
        ("breve", '\u{306}'),
        ("macr", '\u{304}'),
        ("ogon", '\u{328}'),
        ("dot", '\u{307}'),
        ("dblac", '\u{30b}'),
        ("acute", '\u{301}'),
        ("grave", '\u{300}'),
        ("circ", '\u{302}'),
        ("uml", '\u{308}'),
        ("tilde", '\u{303}'),
        ("cedil", '\u{327}'),
        ("ring", '\u{30a}'),
    ];
    let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
    let accent = ACCENTS.iter().find(|(accent, _)| *accent == &name[1..])?.1;
    let mut composed = [letter, accent].into_iter().nfc();
    composed.next().filter(|_| composed.next().is_none())
}

/// `\'`, `\"`, `\/`, `\\`, `\u00e9`, `\xe9`, `\047`; `\n`, `\r` and `\t`, except in the path of a file.
fn backslashes(text: &str) -> Option<String> {
    let is_path = text.contains(":\\");
    let mut out = String::new();
    let mut rest = text;
    let mut is_changed = false;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let unicode = after.strip_prefix('u').and_then(|hex| hex.get(..4)).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if let Some(c) = unicode.and_then(char::from_u32) {
            out.push(c);
            rest = &after[5..];
            is_changed = true;
        } else if let Some((text, length)) = bytes_written(&rest[at..]).filter(|_| !is_path) {
            out.push_str(&text);
            rest = &rest[at + length..];
            is_changed = true;
        } else if after.starts_with(['\'', '"', '/', '\\']) {
            out.push_str(&after[..1]);
            rest = &after[1..];
            is_changed = true;
        } else if let Some(blank) = after.strip_prefix(['n', 'r', 't']).filter(|_| !is_path) {
            out.push(' ');
            rest = blank;
            is_changed = true;
        } else {
            out.push('\\');
            rest = after;
        }
    }
    out.push_str(rest);
    is_changed.then_some(out)
}

/// The text of a row of `\xe9` or `\303\251`, and the length of what is written: UTF-8, or else Latin-1.
fn bytes_written(text: &str) -> Option<(String, usize)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('\\') {
        let (digits, radix) = match after.strip_prefix('x') {
            Some(hex) => (hex.get(..2), 16),
            None => (after.get(..3), 8),
        };
        let number = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(byte) = number.and_then(|digits| u8::from_str_radix(digits, radix).ok()).filter(|byte| *byte >= 0x20) else {
            break;
        };
        bytes.push(byte);
        // `x` and two digits, or three digits.
        rest = &after[3..];
    }
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect();
    let plain = std::str::from_utf8(&bytes).map_or_else(|_| latin(), str::to_owned);
    (!bytes.is_empty()).then(|| (plain, text.len() - rest.len()))
}

/// `%27`, where every percent sign of the text begins such a pair and the bytes are UTF-8.
fn percent(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let pair = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(pair, 16).ok().filter(|byte| *byte >= 0x20 && pair.is_ascii())?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text before UTF-8 was read as Windows-1252 or Latin-1. It must be called before invisible characters are removed, because
/// half of a letter may be one: the second byte of í is a soft hyphen, and that of à a blank.
pub fn undo_mojibake<'a>(raw: &'a str, reasons: &mut Reasons) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(raw);
    while let Some(plain) = decoded_twice(&text) {
        text = Cow::Owned(plain);
        reasons.insert(Reason::TextMojibake);
    }
    text
}

/// `RenÃ©e` is `Renée` read as Windows-1252: all its characters are bytes of that encoding and together UTF-8.
fn decoded_twice(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(byte_of).collect::<Option<_>>()?;
    let plain = std::str::from_utf8(&bytes).ok()?;
    // Only the first bytes of European letters and of punctuation count, because `CAFÉ’S` is valid UTF-8 by chance.
    let (mut letters, mut is_certain) = (plain.char_indices().peekable(), false);
    while let Some((_, letter)) = letters.next() {
        let follows = letters.peek().is_some_and(|(_, next)| next.is_alphabetic());
        is_certain |= match letter {
            '\0'..='\u{7f}' => continue,
            '\u{80}'..='\u{ff}' => true,
            // `Ä“` may be the end of a quotation, but in the middle of a word it is none.
            '\u{100}'..='\u{17f}' => follows || !matches!(byte_after_lead(letter), 0x82 | 0x84 | 0x91..=0x94),
            '\u{2000}'..='\u{20ff}' | '\u{2100}'..='\u{213f}' => true,
            _ => return None,
        };
    }
    is_certain.then(|| plain.to_owned())
}

/// The byte that a decoder of Windows-1252 or Latin-1 took for a character.
fn byte_of(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(u32::from(c)) {
        return Some(byte);
    }
    let mut buffer = [0; 4];
    let (bytes, _, is_other) = encoding_rs::WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
    bytes.first().copied().filter(|_| !is_other)
}

/// The second byte of a letter's UTF-8.
fn byte_after_lead(letter: char) -> u8 {
    letter.encode_utf8(&mut [0; 4]).as_bytes()[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(raw: &str) -> (String, Vec<Reason>) {
        let mut reasons = Reasons::default();
        (unescape(raw, &mut reasons).into_owned(), reasons.iter().collect())
    }

    #[test]
    fn escapes_of_the_web_of_databases_and_of_programs_are_removed() {
        for (raw, text) in [
            ("O&#039;Brien", "O'Brien"),
            ("O&#x27;Brien", "O'Brien"),
            ("O&amp;#039;Brien", "O'Brien"),
            ("O&apos;Brien", "O'Brien"),
            ("Smith &amp; Sons", "Smith & Sons"),
            ("Ren&eacute;e", "Renée"),
            ("M&uuml;ller", "Müller"),
            ("O\\'Brien", "O'Brien"),
            ("O\\\\'Brien", "O'Brien"),
            ("Ren\\u00e9e", "Renée"),
            ("O%27Brien", "O'Brien"),
            ("Ren%C3%A9e", "Renée"),
            ("O''Brien", "O'Brien"),
            ("O&#39Brien", "O'Brien"),
            ("Smith &AMP; Sons", "Smith & Sons"),
            ("&Oslash;yvind", "Øyvind"),
            ("&Lstrok;ukasz", "Łukasz"),
            ("&scaron;pela", "špela"),
            ("O\\x27Brien", "O'Brien"),
            ("O\\047Brien", "O'Brien"),
            ("Ren\\xe9e", "Renée"),
            ("Ren\\xc3\\xa9e", "Renée"),
            ("Ren\\303\\251e", "Renée"),
            ("=\"0821\"", "0821"),
            ("Smith\\nJones", "Smith Jones"),
        ] {
            assert_eq!(plain(raw), (text.to_owned(), vec![Reason::TextUnescaped]), "{raw}");
        }
    }

    #[test]
    fn text_decoded_twice_is_decoded_back() {
        for (raw, text) in [
            ("RenÃ©e", "Renée"),
            ("Oâ€™Brien", "O’Brien"),
            ("RenÃƒÂ©e", "Renée"),
            ("MÃ¼ller", "Müller"),
            ("MartÃ\u{ad}nez", "Martínez"),
            ("NicolÃ\u{a0}", "Nicolà"),
            ("Ã\u{81}lvaro", "Álvaro"),
            ("Oâ\u{80}\u{99}Brien", "O’Brien"),
            ("Ã\u{89}mile", "Émile"),
            ("Å½eljko", "Željko"),
            ("Å\u{81}ukasz", "Łukasz"),
            ("Ä°lker", "İlker"),
            ("CÅ“ur", "Cœur"),
            ("ErdÅ‘s", "Erdős"),
        ] {
            assert_eq!(plain(raw), (text.to_owned(), vec![Reason::TextMojibake]), "{raw}");
        }
    }

    #[test]
    fn text_that_only_looks_escaped_stays() {
        for raw in [
            "Smith & Sons",
            "AT&T;",
            "50 % off",
            "100%",
            "C:\\temp",
            "Renée",
            "Ägäis",
            "''",
            "=SUM(A1)",
            "R&D",
            "Ñandú",
            "CAFÉ’S",
            "„Ä“",
            "Ã",
            "Zoë",
        ] {
            assert_eq!(plain(raw), (raw.to_owned(), vec![]), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn unescaping_ends_and_leaves_nothing_to_unescape(raw in "([&%\\\\'=\"]|&amp;|&#39;|%41|Ã©|\\PC){0,12}") {
            let (once, _) = plain(&raw);
            prop_assert_eq!(plain(&once).0, once.clone());
        }
    }
}
