//! Dates and times as databases write them: a shortcut, because nearly all cells are of this form.

use super::{DateParts, UtcPlace, WrittenTime};

/// Reads `1975-12-31`, and `1975-12-31 23:59:59.123456` with a blank or `T` and with nothing, `Z`, `+00` or `+00:00` behind it. `None`
/// for anything else, and for what [`super::parse`] may have to refuse.
pub(super) fn iso(text: &str) -> Option<WrittenTime> {
    let bytes = text.as_bytes();
    let (day, rest) = bytes.split_at_checked(10)?;
    if day[4] != b'-' || day[7] != b'-' {
        return None;
    }
    let year = two(day, 0)? * 100 + two(day, 2)?;
    let date =
        DateParts::Ymd { year: i32::try_from(year).ok().filter(|year| *year > 0)?, month: two(day, 5)?, day: two(day, 8)? };
    if rest.is_empty() {
        return Some(WrittenTime::Civil { date, clock: None, place: None });
    }
    let (time, rest) = rest.split_at_checked(9)?;
    if !matches!(time[0], b' ' | b'T') || time[3] != b':' || time[6] != b':' {
        return None;
    }
    let (hour, minute, second) = (two(time, 1)?, two(time, 4)?, two(time, 7)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let places = rest.strip_prefix(b".").map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let (fraction, zone) = rest.split_at(if places == 0 { 0 } else { 1 + places });
    let place = match zone {
        b"" => None,
        b"Z" | b"+00" | b"+00:00" => Some(UtcPlace::East(0)),
        _ => return None,
    };
    if places > 6 {
        // To be rounded.
        return None;
    }
    let micros = (1..=6).fold(0, |sum, at| sum * 10 + fraction.get(at).map_or(0, |byte| i64::from(byte - b'0')));
    let seconds = i64::from((hour * 60 + minute) * 60 + second);
    Some(WrittenTime::Civil { date, clock: Some(seconds * 1_000_000 + micros), place })
}

/// The number of two digits.
fn two(bytes: &[u8], at: usize) -> Option<u32> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    Some(digit(bytes[at])? * 10 + digit(bytes[at + 1])?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::written::any_form;

    #[test]
    fn the_forms_of_databases_take_the_shortcut() {
        for text in ["1975-12-31", "1975-12-31 23:59:59", "1975-12-31T23:59:59.1Z", "1975-12-31 00:00:00.123456+00"] {
            assert!(iso(text).is_some(), "{text}");
        }
        for text in
            ["", "1975-12-3", "0000-00-00", "1975-12-31 24:00:00", "1975-12-31 10:00:60", "1975-12-31x", "1975-12-31 10:00"]
        {
            assert!(iso(text).is_none(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_shortcut_reads_what_the_other_way_reads(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}([ Tt][0-9]{2}:[0-9]{2}(:[0-9]{2})?(\\.[0-9]{0,8})?( ?Z|\\+00|\\+00:00|\\+02|-00| BC)?)?"
        ) {
            prop_assert!(iso(&text).is_none_or(|short| any_form(&text) == Some(short)), "{text}");
        }
    }
}
