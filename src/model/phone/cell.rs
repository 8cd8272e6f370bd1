//! Prepares the text of a phone cell before it is parsed: placeholders, several numbers, surrounding words.

use crate::model::national_id::is_national_id;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::{ascii_digit, is_invisible, is_scientific};

/// Cells with fewer digits are junk.
const SHORTEST: usize = 7;

/// Why a cell or part cannot be a number, checked before it is parsed.
pub(super) fn refuse(text: &str, digits: &[u8], junk: &Junk) -> Option<Reason> {
    if digits.is_empty() {
        // Full-width digits are not ASCII; this check cannot decide yet.
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

/// The cell without invisible characters and quotes; blanks, digits and hyphens of any kind as their ASCII counterparts.
pub(super) fn visible(raw: &str, out: &mut String, reasons: &mut Reasons) {
    out.clear();
    for c in raw.trim().trim_matches(['\'', '"', '`']).chars() {
        match c {
            '\n' | '\r' => out.push(';'),
            _ if is_invisible(c) => reasons.insert(Reason::TextInvisible),
            _ if c.is_whitespace() => out.push(' '),
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => out.push('-'),
            '\u{ff0b}' => out.push('+'),
            '\u{ff08}' => out.push('('),
            '\u{ff09}' => out.push(')'),
            '\u{ff0f}' => out.push('/'),
            _ => out.push(ascii_digit(c).unwrap_or(c)),
        }
    }
    out.truncate(without_decimals(out).len());
}

/// The text without a spreadsheet's `.0`, whatever the spelling of the number.
pub(super) fn without_decimals(text: &str) -> &str {
    let bare = text.trim_end();
    let zeros = bare.trim_end_matches('0');
    match zeros.strip_suffix('.') {
        Some(number) if zeros.len() < bare.len() && number.trim_end().ends_with(|c: char| c.is_ascii_digit() || c == ')') => {
            // A number whose groups are separated by dots may end in a group of zeros, which has more than one digit.
            if number.contains('.') && zeros.len() + 1 < bare.len() { bare } else { number.trim_end() }
        }
        _ => bare,
    }
}

/// The parts of a cell: split at `/ ; , | \ &` and at joining words.
pub(super) fn split(cell: &str) -> impl Iterator<Item = &str> {
    const JOINING: [&str; 4] = [" or ", " and ", " en ", " of "];
    cell.split(['/', ';', ',', '|', '\\', '&', '\u{3001}', '\u{2022}'])
        .flat_map(|part| {
            let mut rest = Some(part);
            std::iter::from_fn(move || {
                let part = rest?;
                let lower = part.to_ascii_lowercase();
                let word = JOINING.iter().filter_map(|word| Some((lower.find(word)?, word.len()))).min();
                rest = word.map(|(at, length)| &part[at + length..]);
                Some(word.map_or(part, |(at, _)| &part[..at]).trim())
            })
        })
        .filter(|part| !part.is_empty())
}

/// Whether letters stand in place of digits: between two digits, or look-alikes (`O`, `l`) next to one. Words around a number,
/// labels and extensions do not count.
pub(super) fn has_letters_inside(part: &str) -> bool {
    const EXTENSIONS: [&str; 5] = ["x", "ext", "extn", "ex", "uitb"];
    let mut rest = part;
    let mut before = None;
    while let Some(start) = rest.find(char::is_alphabetic) {
        before = rest[..start].chars().next_back().or(before.filter(|_| start == 0));
        let word = &rest[start..];
        let end = word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let (follows, leads) = (is_digit(before), is_digit(after.chars().next()));
        let is_extension = EXTENSIONS.iter().any(|known| word.eq_ignore_ascii_case(known));
        let looks_like_digits =
            word.chars().all(|c| matches!(c, 'o' | 'O' | 'l' | 'L' | 'i' | 'I' | 's' | 'S' | 'b' | 'B' | 'z' | 'Z'));
        if (follows && leads && !is_extension) || ((follows || leads) && looks_like_digits) {
            return true;
        }
        before = word.chars().next_back();
        rest = after;
    }
    false
}

/// The numbers of a part: the text between words, labels and extensions that has enough digits.
pub(super) fn numbers(part: &str) -> impl Iterator<Item = &str> {
    part.split(|c: char| c.is_alphabetic() || matches!(c, '#' | '<' | '>' | '"' | '=')).filter_map(|run| {
        let start = run.find(|c: char| c == '+' || c == '(' || c.is_ascii_digit())?;
        let run = run[start..].trim_end_matches([' ', '(', '[', '-', '.', ':']);
        (run.bytes().filter(u8::is_ascii_digit).count() >= SHORTEST).then_some(run)
    })
}

/// Every way to split a run of digits into two numbers: at blanks, hyphens and dots, and before a plus.
pub(super) fn cuts(run: &str) -> impl Iterator<Item = (&str, &str)> {
    run.char_indices().skip(1).filter(|(_, c)| matches!(c, ' ' | '-' | '.' | '+' | '(' | ':')).map(|(at, _)| {
        let (left, right) = run.split_at(at);
        (left.trim_end_matches([' ', '-', '.', ':']), right.trim_start_matches([' ', '-', '.', ':']))
    })
}
