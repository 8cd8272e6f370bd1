//! Parses the time of day of a cell and its offset from UTC.

use crate::model::zone::Zone;

use super::calendar::digits;

/// Microseconds of one second.
const SECOND: i64 = 1_000_000;

/// The time that follows a date, in microseconds since midnight (`None` where there is none), and what follows that.
/// `None` for what is not a time.
pub(super) fn clock(rest: &str) -> Option<(Option<i64>, &str)> {
    // DB2 writes `2015-06-01-09.00.00`; `2015-06-01-09:00` is a day with its offset.
    let is_joined = rest.starts_with('-') && rest.as_bytes().get(3) == Some(&b'.');
    let is_separator = |c: char| if is_joined { c == '-' } else { matches!(c, 'T' | 't' | ',' | '_') || c.is_whitespace() };
    let Some(text) = rest.strip_prefix(is_separator).map(str::trim_start) else { return Some((None, rest)) };
    let text =
        ["at ", "om ", "um ", "a ", "- ", "@ "].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text).trim_start();
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some((None, text));
    }
    let (number, places, after) = digits(text)?;
    let (hour, minute, second, after) = match places {
        4 => (number / 100, number % 100, 0, after),
        6 => (number / 10_000, number / 100 % 100, number % 100, after),
        1 | 2 => {
            let separator = after.chars().next().filter(|c| matches!(c, ':' | '.' | 'h' | 'H'));
            match separator {
                None => (number, u32::MAX, 0, after),
                Some(separator) => {
                    let (minute, _, after) = digits(&after[1..]).filter(|(_, places, _)| *places <= 2)?;
                    match after.strip_prefix(separator).and_then(digits) {
                        Some((second, 1 | 2, after)) => (number, minute, second, after),
                        _ => (number, minute, 0, after),
                    }
                }
            }
        }
        _ => return None,
    };
    let (fraction, after) = fraction(after)?;
    let (hour, minute, after) = twelve_hours(hour, minute, after)?;
    let whole = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let is_plausible = hour <= 23 && minute <= 59 && second <= 60 || whole == 86_400;
    is_plausible.then_some((Some(whole * SECOND + fraction), after))
}

/// Microseconds of `.123456`, `,123` or SQL Server's `:123`, rounded at the seventh digit as PostgreSQL rounds; nothing is zero.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',', ':']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) else {
        return Some((0, text));
    };
    let places = rest.bytes().take_while(u8::is_ascii_digit).count();
    let digit = |place: usize| rest.as_bytes().get(place).filter(|_| place < places).map_or(0, |byte| i64::from(byte - b'0'));
    let tenths = (0..7).fold(0, |sum, place| sum * 10 + digit(place));
    Some(((tenths + 5) / 10, &rest[places..]))
}

/// Hour and minute with `AM` or `PM` (Afrikaans `vm`, `nm`) applied. An hour without minutes needs one of them.
fn twelve_hours(hour: u32, minute: u32, text: &str) -> Option<(u32, u32, &str)> {
    let half = text.trim_start();
    let is = |marks: [&str; 6]| {
        marks.iter().find_map(|mark| {
            let (start, rest) = half.split_at_checked(mark.len())?;
            (start.eq_ignore_ascii_case(mark) && !rest.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(rest)
        })
    };
    let without_minutes = minute == u32::MAX;
    let minute = if without_minutes { 0 } else { minute };
    if let Some(rest) = is(["am", "a.m.", "a. m.", "vm", "v.m.", "v. m."]) {
        // Programs that format 24 hours write `00:15 AM`, as they write `13:00 PM`.
        (0..=12).contains(&hour).then_some((hour % 12, minute, rest))
    } else if let Some(rest) = is(["pm", "p.m.", "p. m.", "nm", "n.m.", "n. m."]) {
        match hour {
            1..=12 => Some((hour % 12 + 12, minute, rest)),
            13..=23 => Some((hour, minute, rest)),
            _ => None,
        }
    } else {
        (!without_minutes).then_some((hour, minute, text))
    }
}

/// Where the clock that showed a time hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum UtcPlace {
    /// So many microseconds east of UTC.
    East(i64),
    /// In a zone with rules of its own.
    Zone(Zone),
}

/// The place that all that is left of a cell names: nothing is local time, `Some(None)`; `None` is not a zone.
pub(super) fn zone(text: &str) -> Option<Option<UtcPlace>> {
    // `[Africa/Johannesburg]` and `(South Africa Standard Time)` only say the offset again.
    let before = text.split(['[', '(']).next().unwrap_or_default().trim();
    let (word, behind) = before.split_once(' ').unwrap_or((before, ""));
    let before = if ["uhr", "hrs", "h"].iter().any(|hours| word.eq_ignore_ascii_case(hours)) { behind } else { before };
    if before.is_empty() || before == "." {
        // A time of which only the brackets name the zone.
        return Some(
            Zone::parse_in_any_case(text.trim().trim_matches(['[', ']']))
                .filter(|_| text.trim().starts_with('['))
                .map(UtcPlace::Zone),
        );
    }
    if let Some(place) = named(before) {
        return Some(Some(place));
    }
    let letters = before.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(before.len());
    let (name, offset) = before.split_at(letters);
    if !matches!(name.to_ascii_uppercase().as_str(), "" | "Z" | "UTC" | "GMT" | "UT") {
        return None;
    }
    // `+0200 SAST` names its zone twice; the number counts.
    let (offset, again) = offset.trim_start().split_once(' ').unwrap_or((offset.trim_start(), ""));
    let is_known = again.is_empty() || named(again.trim()).is_some();
    signed(offset).filter(|_| is_known).map(|east| Some(UtcPlace::East(east)))
}

/// A zone by its name: the abbreviations of the sources' countries and those that PostgreSQL reads by default, the names of Windows and
/// Java for these countries, or an IANA name.
fn named(name: &str) -> Option<UtcPlace> {
    let hours = match name.to_ascii_uppercase().as_str() {
        "Z" | "UTC" | "GMT" | "UT" | "WET" | "UCT" | "ZULU" | "COORDINATED UNIVERSAL TIME" | "GREENWICH MEAN TIME" => 0,
        "BST" | "CET" | "MEZ" | "WAT" | "WEST" | "BRITISH SUMMER TIME" => 1,
        "GMT STANDARD TIME" => return Zone::parse("Europe/London").map(UtcPlace::Zone),
        "SAST" | "SOUTH AFRICA STANDARD TIME" | "CENTRAL AFRICA TIME" | "CAT" | "CEST" | "MESZ" | "EET" => 2,
        "EAT" | "EEST" | "MSK" => 3,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ if name.contains('/') => return Zone::parse_in_any_case(name).map(UtcPlace::Zone),
        _ => return None,
    };
    Some(UtcPlace::East(hours * 3600 * SECOND))
}

/// `+2`, `+02`, `+0200`, `+02:00`, `+02:00:30`.
fn signed(text: &str) -> Option<i64> {
    let (sign, text) = if let Some(rest) = text.strip_prefix('+') { (1, rest) } else { (-1, text.strip_prefix('-')?) };
    let mut parts = text.split(':');
    let (number, places, rest) = digits(parts.next()?)?;
    if !rest.is_empty() {
        return None;
    }
    let (hours, mut minutes) = if places > 2 { (number / 100, number % 100) } else { (number, 0) };
    let mut seconds = 0;
    for (index, part) in parts.enumerate() {
        let (value, places, rest) = digits(part)?;
        match index {
            0 if places == 2 && rest.is_empty() => minutes = value,
            1 if places == 2 && rest.is_empty() => seconds = value,
            _ => return None,
        }
    }
    let is_plausible = places <= 4 && hours <= 18 && minutes <= 59 && seconds <= 59;
    is_plausible.then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds)) * SECOND)
}
