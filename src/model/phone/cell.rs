//! The text of a phone cell before anybody reads it as a number: placeholders, parts, words around it.

use crate::model::national_id::is_national_id;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::is_invisible;

/// Fewer digits than this name nobody.
const SHORTEST: usize = 7;

/// Why a cell or part is no number at all, before anybody tries to read it.
pub(super) fn refuse(text: &str, digits: &[u8], junk: &Junk) -> Option<Reason> {
    if digits.is_empty() {
        // Full-width digits are not ASCII; nothing can be said yet.
        return None;
    }
    let scientific = text.bytes().any(|byte| byte == b'e' || byte == b'E') && is_scientific(text);
    if scientific {
        return Some(Reason::PhoneScientific);
    }
    let first = digits[0];
    let dialled = digits.strip_prefix(b"00").unwrap_or(digits);
    let prefixes: [&[u8]; 3] = [b"27", b"44", b"0"];
    let rest = prefixes.iter().find_map(|prefix| dialled.strip_prefix(*prefix)).unwrap_or(dialled);
    let repeated = digits.iter().all(|digit| *digit == first) || rest.iter().all(|digit| *digit == b'0');
    let listed = std::str::from_utf8(digits).is_ok_and(|digits| junk.has(JunkKind::Phone, digits));
    if repeated || listed {
        return Some(Reason::PhoneJunk);
    }
    (text.is_ascii() && digits.len() < SHORTEST).then_some(Reason::PhoneJunk)
}

/// Whether a text is a number in scientific notation: `2.78E+10`, `2,78e10`.
pub fn is_scientific(text: &str) -> bool {
    let text = text.trim();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.replacen([',', '.'], "", 1);
    digits(&mantissa) && digits(exponent.trim_start_matches(['+', '-']))
}

/// Whether a phone cell holds a South African identity number instead.
pub fn holds_national_id(raw: &str) -> bool {
    let mut digits = [0_u8; 13];
    let mut len = 0;
    for byte in raw.bytes() {
        match byte {
            b'0'..=b'9' if len < 13 => {
                digits[len] = byte;
                len += 1;
            }
            b' ' | b'-' => {}
            _ => return false,
        }
    }
    len == 13 && is_national_id(&digits)
}

/// The cell without invisible characters, quotes and a spreadsheet's trailing `.0`; blanks of any kind are blanks.
pub(super) fn visible(raw: &str, out: &mut String, reasons: &mut Reasons) {
    out.clear();
    for c in raw.trim().trim_matches(['\'', '"', '`']).chars() {
        match c {
            '\n' | '\r' => out.push(';'),
            _ if is_invisible(c) => reasons.insert(Reason::TextInvisible),
            _ if c.is_whitespace() => out.push(' '),
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => out.push('-'),
            '\u{ff0b}' => out.push('+'),
            _ => out.push(c),
        }
    }
    if let Some(integer) = out.strip_suffix(".0")
        && integer.bytes().all(|byte| byte.is_ascii_digit())
    {
        out.truncate(integer.len());
    }
}

/// The parts of a cell: split at `/ ; ,` and at the word "or".
pub(super) fn split(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(['/', ';', ','])
        .flat_map(|part| {
            let mut rest = Some(part);
            std::iter::from_fn(move || {
                let part = rest?;
                let or = part.to_ascii_lowercase().find(" or ");
                rest = or.map(|at| &part[at + 4..]);
                Some(or.map_or(part, |at| &part[..at]).trim())
            })
        })
        .filter(|part| !part.is_empty())
}

/// The number without words before it (`Tel:`) and without words or an extension after it.
pub(super) fn cut_words<'a>(part: &'a str, reasons: &mut Reasons) -> &'a str {
    let start = part.find(|c: char| c == '+' || c == '(' || ascii_digit(c).is_some()).unwrap_or(part.len());
    let number = &part[start..];
    let end = number.find(|c: char| c.is_alphabetic() || c == '#').unwrap_or(number.len());
    if start > 0 || end < number.len() {
        reasons.insert(Reason::PhoneWordsCut);
    }
    number[..end].trim_end_matches([' ', '(', '[', '-', '.', ':'])
}

/// Digits of other scripts (full-width above all) as ASCII.
pub(super) fn ascii_digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(c as u32 - 0xff10, 10),
        '\u{660}'..='\u{669}' => char::from_digit(c as u32 - 0x660, 10),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(c as u32 - 0x6f0, 10),
        _ => None,
    }
}
