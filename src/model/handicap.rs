//! Handicap indexes as people and spreadsheets write them.

use crate::model::Handicap;
use crate::model::reason::{Reason, Reasons};
use crate::model::text::is_null_word;

/// The ceiling of the World Handicap System.
const HIGHEST: Handicap = Handicap(540);
/// The best handicap that is accepted: +10.
const LOWEST: Handicap = Handicap(-100);

/// Reads a handicap index. `None` when the cell is empty or refused; the reasons tell which.
pub fn read(raw: &str, reasons: &mut Reasons) -> Option<Handicap> {
    let text = raw.trim();
    if text.is_empty() || is_null_word(text) {
        return None;
    }
    match parse(text, reasons) {
        Ok(handicap) => Some(handicap),
        Err(reason) => {
            reasons.insert(reason);
            None
        }
    }
}

fn parse(text: &str, reasons: &mut Reasons) -> Result<Handicap, Reason> {
    const SENTINELS: [&str; 7] = ["NH", "N/A", "NA", "NR", "SUS", "PRO", "NONE"];
    if SENTINELS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Err(Reason::HandicapSentinel);
    }
    let letters = |c: char| c.is_ascii_alphabetic() || c == '*';
    let number = text.trim_matches(letters).trim();
    if number.is_empty() {
        return Err(Reason::HandicapInvalid);
    }
    if number.len() != text.len() {
        let markers = text.chars().filter(|c| letters(*c));
        for marker in markers {
            match marker.to_ascii_uppercase() {
                '*' | 'L' | 'R' => reasons.insert(Reason::HandicapMarker),
                'N' | 'J' => return Err(Reason::HandicapNotComparable),
                _ => return Err(Reason::HandicapInvalid),
            }
        }
    }
    let (plus, minus) = (number.starts_with('+'), number.starts_with(['-', '\u{2212}']));
    let digits = if plus || minus { number.trim_start_matches(['+', '-', '\u{2212}']).trim_start() } else { number };
    let hundredths = hundredths(digits, reasons).ok_or(Reason::HandicapInvalid)?;
    if (!plus && !minus && matches!(hundredths, 9_900 | 9_990 | 99_900 | 99_990 | 5_410)) || (minus && hundredths == 100) {
        return Err(Reason::HandicapSentinel);
    }
    if hundredths % 10 != 0 {
        reasons.insert(Reason::HandicapRounded);
    }
    let tenths = (hundredths + 5) / 10;
    let handicap = Handicap(if plus || minus { -tenths } else { tenths });
    if !(LOWEST..=HIGHEST).contains(&handicap) {
        return Err(Reason::HandicapOutOfRange);
    }
    if plus && tenths != 0 {
        reasons.insert(Reason::HandicapPlus);
    }
    if minus && tenths != 0 {
        reasons.insert(Reason::HandicapSignAssumed);
    }
    Ok(handicap)
}

/// A decimal number with point or comma in hundredths; further decimals are cut after the second for rounding.
fn hundredths(text: &str, reasons: &mut Reasons) -> Option<i32> {
    let (integer, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || integer.len() > 5 || !digits(integer) || fraction.len() > 12 || !digits(fraction) {
        return None;
    }
    if text.contains(',') {
        reasons.insert(Reason::HandicapComma);
    }
    let mut value = integer.parse::<i32>().ok()?;
    for place in 0..2 {
        value = value * 10 + fraction.as_bytes().get(place).map_or(0, |digit| i32::from(digit - b'0'));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(raw: &str) -> (Option<i32>, Vec<Reason>) {
        let mut reasons = Reasons::default();
        (read(raw, &mut reasons).map(|handicap| handicap.0), reasons.iter().collect())
    }

    #[test]
    fn every_written_form_of_domain_4_4_is_read() {
        for (raw, tenths, reasons) in [
            ("12.4", Some(124), vec![]),
            ("12,4", Some(124), vec![Reason::HandicapComma]),
            ("+2.1", Some(-21), vec![Reason::HandicapPlus]),
            ("-2.1", Some(-21), vec![Reason::HandicapSignAssumed]),
            ("54.0", Some(540), vec![]),
            ("0.0", Some(0), vec![]),
            ("18", Some(180), vec![]),
            ("12.45", Some(125), vec![Reason::HandicapRounded]),
            ("12.4*", Some(124), vec![Reason::HandicapMarker]),
            ("12.4L", Some(124), vec![Reason::HandicapMarker]),
            ("12.4 R", Some(124), vec![Reason::HandicapMarker]),
            ("12.4N", None, vec![Reason::HandicapNotComparable]),
            ("J12.4", None, vec![Reason::HandicapNotComparable]),
            ("12.4X", None, vec![Reason::HandicapInvalid]),
            ("12.4.1", None, vec![Reason::HandicapInvalid]),
            ("NaN", None, vec![Reason::HandicapInvalid]),
            ("54.2", None, vec![Reason::HandicapOutOfRange]),
            ("-10.1", None, vec![Reason::HandicapOutOfRange]),
            ("72", None, vec![Reason::HandicapOutOfRange]),
            ("", None, vec![]),
        ] {
            assert_eq!(read_all(raw), (tenths, reasons), "{raw:?}");
        }
    }

    #[test]
    fn sentinels_are_null() {
        for raw in ["99", "99.9", "999", "999.9", "54.1", "-1", "-1.0", "NH", "n/a", "NR", "SUS", "PRO"] {
            assert_eq!(read_all(raw), (None, vec![Reason::HandicapSentinel]), "{raw}");
        }
        assert_eq!(read_all("+1").0, Some(-10), "a plus says that it is one");
    }

    proptest! {
        #[test]
        fn a_printed_handicap_reads_as_itself(tenths in -99..=540_i32) {
            prop_assume!(tenths != -10);
            let printed = Handicap(tenths).to_string();
            prop_assume!(printed != "54.1");
            prop_assert_eq!(read_all(&printed).0, Some(tenths));
        }
    }
}
