//! Typed values as PostgreSQL, and programs that write ISO 8601, write them into CSV.

use crate::model::{Day, Timestamp};

/// An instant and what is unusual about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instant {
    /// A finite instant, or an infinity.
    At(Timestamp),
    /// Written well, but beyond what 64 bits of microseconds hold.
    OutOfRange,
}

/// `2024-05-01 10:00:00.123456+02`, `2024-05-01T08:00:00Z`, a plain day, `infinity`; without a zone it is UTC.
pub(super) fn instant(text: &str) -> Option<Instant> {
    match text {
        "infinity" => return Some(Instant::At(Timestamp::INFINITY)),
        "-infinity" => return Some(Instant::At(Timestamp::NEG_INFINITY)),
        _ => {}
    }
    let (text, before_christ) = era(text);
    let (day, rest) = date(text, before_christ)?;
    let micros = if rest.is_empty() {
        0
    } else {
        let rest = rest.strip_prefix([' ', 'T', 't'])?;
        let (time, rest) = clock(rest)?;
        time - zone(rest)?
    };
    let at = i128::from(day) * i128::from(Timestamp::DAY) + i128::from(micros);
    let at = i64::try_from(at).ok().map(Timestamp).filter(|at| at.is_finite());
    Some(at.map_or(Instant::OutOfRange, Instant::At))
}

/// `2024-05-01`, also with a time of midnight behind it, or `infinity`.
pub(super) fn day(text: &str) -> Option<Day> {
    match text {
        "infinity" => return Some(Day::INFINITY),
        "-infinity" => return Some(Day::NEG_INFINITY),
        _ => {}
    }
    let (text, before_christ) = era(text);
    let (day, rest) = date(text, before_christ)?;
    if !rest.is_empty() {
        let (time, rest) = clock(rest.strip_prefix([' ', 'T', 't'])?)?;
        if time != 0 || zone(rest)? != 0 {
            return None;
        }
    }
    i32::try_from(day).ok().map(Day).filter(|day| day.is_finite())
}

/// What PostgreSQL reads as a boolean.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn era(text: &str) -> (&str, bool) {
    text.strip_suffix(" BC").map_or((text, false), |text| (text, true))
}

/// Digits up to the first other byte, and the rest.
fn number(text: &str) -> Option<(i64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (1..=7).contains(&end).then(|| Some((text[..end].parse().ok()?, &text[end..])))?
}

/// Two digits and the rest.
fn two(text: &str) -> Option<(i64, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| Some((digits.parse().ok()?, rest)))?
}

/// Days since 1970 and what follows the date.
fn date(text: &str, before_christ: bool) -> Option<(i64, &str)> {
    let year_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (year, rest) = number(text).filter(|_| year_digits >= 4)?;
    let (month, rest) = two(rest.strip_prefix('-')?)?;
    let (day, rest) = two(rest.strip_prefix('-')?)?;
    // There is no year 0 in either count: 1 BC is the year before 1.
    let year = if before_christ { 1 - year } else { year };
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    ((1..=length).contains(&day) && (before_christ || year > 0)).then(|| (days_from_civil(year, month, day), rest))
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// Days since 1970 of a day of the proleptic Gregorian calendar: years begin in March, eras have 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Microseconds of `10:00`, `10:00:00` or `10:00:00.123456`, and the rest.
fn clock(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = two(text)?;
    let (minute, rest) = two(rest.strip_prefix(':')?)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => two(rest)?,
        None => (0, rest),
    };
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let digits = rest.get(..end.min(7)).filter(|digits| !digits.is_empty())?;
            let tenths: i64 = format!("{digits:0<7}").parse().ok()?;
            ((tenths + 5) / 10, &rest[end..])
        }
        None => (0, rest),
    };
    let whole = (hour * 60 + minute) * 60 + second;
    let plausible = hour <= 23 && minute <= 59 && second <= 60 || whole == 86_400;
    plausible.then_some((whole * 1_000_000 + fraction, rest))
}

/// Microseconds east of UTC: nothing, `Z`, `+02`, `+0200`, `+02:00`, `+02:00:30`.
fn zone(text: &str) -> Option<i64> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    if matches!(text, "" | "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, mut rest) = if let Some(rest) = text.strip_prefix('+') { (1, rest) } else { (-1, text.strip_prefix('-')?) };
    let mut seconds = 0;
    for (unit, limit) in [(3600, 18), (60, 59), (1, 59)] {
        if rest.is_empty() {
            break;
        }
        let (value, after) = two(rest.strip_prefix(':').unwrap_or(rest)).filter(|(value, _)| *value <= limit)?;
        seconds += value * unit;
        rest = after;
    }
    rest.is_empty().then_some(sign * seconds * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};
    use proptest::prelude::*;

    fn at(text: &str) -> String {
        match instant(text) {
            Some(Instant::At(at)) => at.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn instants_are_read_as_postgres_and_iso_write_them() {
        for (text, expected) in [
            ("2024-05-01 10:00:00+02", "2024-05-01T08:00:00.000Z"),
            ("2024-05-01 10:00:00.123456+02:00", "2024-05-01T08:00:00.123Z"),
            ("2024-05-01T10:00:00.5Z", "2024-05-01T10:00:00.500Z"),
            ("2024-05-01T10:00:00-0330", "2024-05-01T13:30:00.000Z"),
            ("2024-05-01 10:00", "2024-05-01T10:00:00.000Z"),
            ("2024-05-01", "2024-05-01T00:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("1892-02-08 00:00:00+01:30:00", "1892-02-07T22:30:00.000Z"),
            ("infinity", "infinity"),
            ("-infinity", "-infinity"),
            ("294276-12-31 23:59:59.999999+00", "Some(OutOfRange)"),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_not_guessed_at() {
        for text in [
            "01/05/2024",
            "2024-13-01",
            "2023-02-29",
            "24-05-01",
            "2024-05-01 25:00",
            "2024-05-01 10",
            "now",
            "0000-01-01",
            "2024-05-01x",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn years_before_christ_count_from_one() {
        // As `select ('0044-03-15 BC'::date - '1970-01-01'::date)` gives it.
        assert_eq!(day("0044-03-15 BC"), Some(Day(-735_160)));
        assert_eq!(day("4714-11-24 BC"), Some(Day(-2_440_588)));
    }

    #[test]
    fn a_day_with_another_time_than_midnight_is_no_day() {
        assert_eq!(day("2024-05-01 00:00:00").unwrap().to_string(), "2024-05-01");
        assert_eq!(day("2024-05-01T00:00:00Z").unwrap().to_string(), "2024-05-01");
        assert_eq!(day("2024-04-30T22:00:00Z"), None);
        assert_eq!(day("2024-05-01T00:00:00+02"), None);
    }

    #[test]
    fn booleans_are_those_of_postgres() {
        assert_eq!(["t", "TRUE", "yes", "1"].map(boolean), [Some(true); 4]);
        assert_eq!(["f", "False", "no", "0"].map(boolean), [Some(false); 4]);
        assert_eq!(["2", "ja", ""].map(boolean), [None; 3]);
    }

    proptest! {
        /// Oracle: chrono's calendar.
        #[test]
        fn days_agree_with_chrono(since_1970 in -700_000_i32..2_900_000) {
            let date = Day(since_1970).date().unwrap();
            prop_assume!((1..=9999).contains(&date.year()));
            prop_assert_eq!(day(&date.to_string()), Some(Day(since_1970)));
            prop_assert!(NaiveDate::from_ymd_opt(date.year(), date.month(), date.day()).is_some());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9TZ: .+BC]{0,30}|\\PC{0,12}") {
            let _ = (instant(&text), day(&text), boolean(&text));
        }
    }
}
