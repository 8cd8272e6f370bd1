//! Parses dates and times in the forms in which databases, programs and people write them. Staging decides later, for each
//! column, which number is the day.

mod calendar;
mod clock;
mod iso;
mod number;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::model::text::{ascii_digit, is_invisible};

pub(super) use calendar::{DateParts, days_from_civil, is_day_of_calendar};
use calendar::{date, year_moved};
pub(super) use clock::UtcPlace;
use clock::{clock, zone};
pub(super) use number::{Count, NumberUnit};

/// The parts of a date or time before the rules of the column are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrittenTime {
    /// `infinity` or `-infinity`.
    Infinite {
        /// Whether it is `-infinity`.
        is_negative: bool,
    },
    /// A date of zeros, as MySQL writes none, or a bare zero, as programs that count seconds do.
    Zero,
    /// A date, perhaps with a time and an offset from UTC.
    Civil {
        /// Day, month and year.
        date: DateParts,
        /// Microseconds since midnight; `None` where only a date is written.
        clock: Option<i64>,
        /// Where that clock hangs; `None` for local time.
        place: Option<UtcPlace>,
    },
    /// A bare number: a spreadsheet's day, or seconds or milliseconds since 1970.
    Count(Count),
}

/// Parses a cell; `None` if it is not a date or time in any known format.
pub(super) fn parse(raw: &str) -> Option<WrittenTime> {
    iso::iso(raw).or_else(|| any_form(raw))
}

/// The same without the shortcut.
fn any_form(raw: &str) -> Option<WrittenTime> {
    let plain = plain(raw);
    let text = plain.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`'));
    let text = unwrapped(text);
    if let Some(is_negative) = infinity(text) {
        return Some(WrittenTime::Infinite { is_negative });
    }
    let compact = compact(text);
    let text = compact.as_deref().unwrap_or(text);
    if let Some(count) = Count::parse(text) {
        if count.is_zero() {
            return Some(WrittenTime::Zero);
        }
        return Some(WrittenTime::Count(count));
    }
    let (text, is_before_christ) = era(text);
    let moved = year_moved(text);
    let (mut date, rest) = date(moved.as_deref().unwrap_or(text))?;
    if date == (DateParts::Ymd { year: 0, month: 0, day: 0 }) {
        return Some(WrittenTime::Zero);
    }
    if is_before_christ {
        // There is no year 0 in either count: 1 BC is the year before 1.
        let DateParts::Ymd { year, .. } = &mut date else { return None };
        *year = 1 - *year;
    }
    let (time, rest) = clock(rest)?;
    let place = zone(rest)?;
    Some(WrittenTime::Civil { date, clock: time, place })
}

/// `20150601090000Z`, `20150601090000,123`: date and time without separators and more behind them, as directories and SAP write them,
/// with a `T` between. `None` for any other text.
fn compact(text: &str) -> Option<String> {
    let (time, rest) = text.split_at_checked(14)?;
    let is_such = time.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(|c: char| !c.is_ascii_digit());
    is_such.then(|| format!("{}T{}{rest}", &time[..8], &time[8..]))
}

/// The text out of what spreadsheets and programs put around a date: `="…"`, `/Date(…)/`, and the shells below.
fn unwrapped(text: &str) -> &str {
    /// Of a JavaScript console, MongoDB and its extended JSON, ODBC, SQL, pandas, OData, Access, and JSON in JSON.
    const SHELLS: [(&str, &str); 14] = [
        ("ISODate(", ")"),
        ("new Date(", ")"),
        ("Date(", ")"),
        ("{\"$date\":", "}"),
        ("{\"$numberLong\":", "}"),
        ("{ts ", "}"),
        ("{d ", "}"),
        ("TIMESTAMP ", ""),
        ("DATE ", ""),
        ("Timestamp(", ")"),
        ("numpy.datetime64(", ")"),
        ("datetime", ""),
        ("#", "#"),
        ("\\/Date(", ")\\/"),
    ];
    let text = text.strip_prefix("=\"").unwrap_or(text);
    let inside = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/"));
    // The offset behind an epoch only says how it was shown.
    let epoch = inside.map(|inside| {
        inside.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map_or(inside, |(at, _)| &inside[..at])
    });
    let shell = || {
        let inside = SHELLS.iter().find_map(|(before, behind)| text.strip_prefix(before)?.strip_suffix(behind))?;
        Some(unwrapped(inside.trim_matches([' ', '"', '\''])))
    };
    epoch.or_else(shell).unwrap_or(text)
}

/// ASCII as it is; digits, blanks, hyphens and slashes of other scripts as their ASCII counterparts, letters without their accents.
fn plain(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return Cow::Borrowed(raw);
    }
    let visible = raw.nfd().filter(|c| !is_invisible(*c) && !is_combining_mark(*c));
    let plain = visible.map(|c| match c {
        '\u{5e74}' | '\u{6708}' => '-',
        '\u{65e5}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' => '/',
        '\u{ff0e}' => '.',
        '\u{ff1a}' => ':',
        '\u{ff0b}' => '+',
        _ if c.is_whitespace() => ' ',
        _ => ascii_digit(c).unwrap_or(c),
    });
    Cow::Owned(plain.collect())
}

/// Whether a text is an infinity, and if so whether it is the negative one.
fn infinity(text: &str) -> Option<bool> {
    let (sign, word) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        b'i' | b'I' => (false, text),
        _ => return None,
    };
    (word.eq_ignore_ascii_case("infinity") || word.eq_ignore_ascii_case("inf")).then_some(sign)
}

/// The text without its era, and whether that is before Christ.
fn era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC").or_else(|| text.strip_suffix(" bc")) {
        Some(text) => (text, true),
        None => (text.strip_suffix(" AD").unwrap_or(text), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Year, month, day, seconds since midnight, minutes east of UTC.
    type Parts = (i32, u32, u32, Option<i64>, Option<i64>);

    fn ymd(raw: &str) -> Option<Parts> {
        match parse(raw)? {
            WrittenTime::Civil { date: DateParts::Ymd { year, month, day }, clock, place } => {
                let minutes = |place: UtcPlace| match place {
                    UtcPlace::East(micros) => micros / 60_000_000,
                    UtcPlace::Zone(_) => 999,
                };
                Some((year, month, day, clock.map(|micros| micros / 1_000_000), place.map(minutes)))
            }
            _ => None,
        }
    }

    #[test]
    fn times_of_databases_programs_and_people_are_parsed() {
        for (raw, expected) in [
            ("2015-06-01", (2015, 6, 1, None, None)),
            ("2015-06-01 09:00:00", (2015, 6, 1, Some(32_400), None)),
            ("2015-06-01 9:00", (2015, 6, 1, Some(32_400), None)),
            ("2015-06-01T09:00:00Z", (2015, 6, 1, Some(32_400), Some(0))),
            ("2015-06-01T09:00:00.123456+02:00", (2015, 6, 1, Some(32_400), Some(120))),
            ("2015-06-01 09:00:00+02", (2015, 6, 1, Some(32_400), Some(120))),
            ("2015-06-01 09:00:00+0530", (2015, 6, 1, Some(32_400), Some(330))),
            ("2015-06-01 09:00:00 -03:30", (2015, 6, 1, Some(32_400), Some(-210))),
            ("2015-06-01T09:00+02:00[Africa/Johannesburg]", (2015, 6, 1, Some(32_400), Some(120))),
            ("2015-06-01 09:00:00 UTC", (2015, 6, 1, Some(32_400), Some(0))),
            ("2015-06-01 09:00 SAST", (2015, 6, 1, Some(32_400), Some(120))),
            ("2015/06/01 9:00 PM", (2015, 6, 1, Some(75_600), None)),
            ("2015-06-01 12:00 am", (2015, 6, 1, Some(0), None)),
            ("20150601T090000Z", (2015, 6, 1, Some(32_400), Some(0))),
            ("20150601 0900", (2015, 6, 1, Some(32_400), None)),
            ("1 June 2015 09:00", (2015, 6, 1, Some(32_400), None)),
            ("01-Jun-2015 09.00.00", (2015, 6, 1, Some(32_400), None)),
            ("June 1st, 2015", (2015, 6, 1, None, None)),
            ("Mon, 01 Jun 2015 09:00:00 +0200", (2015, 6, 1, Some(32_400), Some(120))),
            ("Mon Jun 01 2015 09:00:00 GMT+0200 (South Africa Standard Time)", (2015, 6, 1, Some(32_400), Some(120))),
            ("31Dec1975", (1975, 12, 31, None, None)),
            ("Woensdag 31 Desember 1975", (1975, 12, 31, None, None)),
            ("\u{ff11}\u{ff19}\u{ff17}\u{ff15}\u{ff0d}12\u{ff0d}31", (1975, 12, 31, None, None)),
            ("\u{a0}1975-12-31\u{a0}", (1975, 12, 31, None, None)),
            ("'1975-12-31", (1975, 12, 31, None, None)),
            ("0044-03-15 BC", (-43, 3, 15, None, None)),
            ("10000-01-01 00:00:00+00", (10_000, 1, 1, Some(0), Some(0))),
            ("1975-12-31 24:00:00", (1975, 12, 31, Some(86_400), None)),
            ("Mon Jun 01 09:00:00 2015", (2015, 6, 1, Some(32_400), None)),
            ("Mon Jun  1 07:00:00 UTC 2015", (2015, 6, 1, Some(25_200), Some(0))),
            ("Mon Jun 01 09:00:00 SAST 2015", (2015, 6, 1, Some(32_400), Some(120))),
            ("Mon Jun 01 07:00:00 +0000 2015", (2015, 6, 1, Some(25_200), Some(0))),
            ("2015-06-01 09:00:00 +0200 SAST", (2015, 6, 1, Some(32_400), Some(120))),
            ("2015-06-01 09:00:00 Africa/Johannesburg", (2015, 6, 1, Some(32_400), Some(999))),
            ("2015-06-01T09:00:00[Europe/London]", (2015, 6, 1, Some(32_400), Some(999))),
            ("2015-06-01 09:00:00 EST", (2015, 6, 1, Some(32_400), Some(-300))),
            ("June 1, 2015 at 9:00:00 AM GMT+2", (2015, 6, 1, Some(32_400), Some(120))),
            ("2015-06-01 9:00:00 p. m.", (2015, 6, 1, Some(75_600), None)),
            ("01. Juni 2015, 09:00 Uhr", (2015, 6, 1, Some(32_400), None)),
            ("lundi 1er juin 2015 \u{e0} 09h00", (2015, 6, 1, Some(32_400), None)),
            ("1 ao\u{fb}t 2015", (2015, 8, 1, None, None)),
            ("1 d\u{e9}cembre 2015", (2015, 12, 1, None, None)),
            ("1. M\u{e4}rz 2015", (2015, 3, 1, None, None)),
            ("31 de agosto de 2015", (2015, 8, 31, None, None)),
            ("1 fevereiro 2015", (2015, 2, 1, None, None)),
            ("mar. 31 mars 2015", (2015, 3, 31, None, None)),
            ("Mar 31, 2015", (2015, 3, 31, None, None)),
            ("2015\u{5e74}6\u{6708}1\u{65e5}", (2015, 6, 1, None, None)),
            ("2015.06.01.", (2015, 6, 1, None, None)),
            ("ISODate(\"2015-06-01T07:00:00Z\")", (2015, 6, 1, Some(25_200), Some(0))),
            ("{\"$date\":\"2015-06-01T07:00:00Z\"}", (2015, 6, 1, Some(25_200), Some(0))),
            ("{ts '2015-06-01 09:00:00'}", (2015, 6, 1, Some(32_400), None)),
            ("2015-06-01-09.00.00.000000", (2015, 6, 1, Some(32_400), None)),
            ("2015-06-01_09:00", (2015, 6, 1, Some(32_400), None)),
            ("2015-6-1 9:0:0", (2015, 6, 1, Some(32_400), None)),
            ("2015-06-01-02:00", (2015, 6, 1, None, Some(-120))),
        ] {
            assert_eq!(ymd(raw), Some(expected), "{raw}");
        }
    }

    #[test]
    fn a_year_at_the_end_leaves_the_order_to_the_column() {
        let short = |raw| match parse(raw) {
            Some(WrittenTime::Civil { date: DateParts::YearLast { first, second, year, has_two_digits }, .. }) => {
                Some((first, second, year, has_two_digits))
            }
            _ => None,
        };
        assert_eq!(short("31/12/1975"), Some((31, 12, 1975, false)));
        assert_eq!(short("1.6.15 09:00"), Some((1, 6, 15, true)));
        assert_eq!(short("01-06-2015T09:00"), Some((1, 6, 2015, false)));
        assert_eq!(short("6/1/2015 9:00:00 AM"), Some((6, 1, 2015, false)));
    }

    #[test]
    fn what_is_not_a_date_is_not_guessed_at() {
        for raw in [
            "",
            "soon",
            "1975",
            "24-05",
            "1975-12-31x",
            "1975-12-31 25:00",
            "1975-12-31 09",
            "12/31",
            "1/2/3/4",
            "31 Foo 1975",
            "now",
            "2015-06-01 09:00 Mars/Olympus",
            "2015-06-01 09:00 IST",
            "Mon Jun 01 09:00:00",
            "2015-W23-1",
            "2015-152",
            "31 Foo de 1975",
        ] {
            assert!(!matches!(parse(raw), Some(WrittenTime::Civil { .. })), "{raw}: {:?}", parse(raw));
        }
        assert_eq!(parse("infinity"), Some(WrittenTime::Infinite { is_negative: false }));
        assert_eq!(parse("-Infinity"), Some(WrittenTime::Infinite { is_negative: true }));
        assert_eq!(parse("0000-00-00 00:00:00"), Some(WrittenTime::Zero));
    }
}
