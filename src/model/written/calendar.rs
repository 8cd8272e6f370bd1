//! Parses the date of a cell: year first, with the name of a month, or three numbers whose order the column decides.

/// Day, month and year as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum DateParts {
    /// Year, month and day are known.
    Ymd {
        /// Astronomical: 1 BC is 0.
        year: i32,
        /// From 1.
        month: u32,
        /// From 1.
        day: u32,
    },
    /// A month's name with a year of two digits.
    Named {
        /// From 1.
        day: u32,
        /// From 1.
        month: u32,
        /// Two digits.
        year: i32,
    },
    /// Three numbers with the year last.
    YearLast {
        /// Day or month.
        first: u32,
        /// Month or day.
        second: u32,
        /// The year as written.
        year: i32,
        /// Whether the century is missing.
        has_two_digits: bool,
    },
}

/// The date a text begins with, and what follows it.
pub(super) fn date(text: &str) -> Option<(DateParts, &str)> {
    let text = without_weekday(text);
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return month_first(text);
    }
    let (number, digits, rest) = digits(text)?;
    match digits {
        8 if !rest.is_empty() => {
            let date = DateParts::Ymd { year: int(number / 10_000)?, month: number / 100 % 100, day: number % 100 };
            Some((date, rest))
        }
        4..=7 => year_first(int(number)?, rest),
        1 | 2 => day_first(number, rest),
        _ => None,
    }
}

/// What follows a separator of a date's numbers. Blanks around it are ignored: `31. 12. 1975`, `31 / 12 / 1975`.
fn after_separator(rest: &str, separator: char) -> Option<&str> {
    rest.trim_start().strip_prefix(separator).map(str::trim_start)
}

/// The separator behind a date's first number: a blank where nothing else separates them.
fn separator_of(rest: &str, separators: &[char]) -> Option<char> {
    match rest.trim_start().chars().next() {
        Some(c) if separators.contains(&c) => Some(c),
        Some(c) if c.is_ascii_digit() && rest.starts_with(' ') => Some(' '),
        _ => None,
    }
}

/// What follows a number behind a separator.
fn behind(rest: &str, separator: char) -> Option<&str> {
    if separator == ' ' { rest.starts_with(' ').then(|| rest.trim_start()) } else { after_separator(rest, separator) }
}

/// `1975-12-31`, `1975/12/31`, `1975.12.31`, `1975. 12. 31.`, `1975-Dec-31`, `1975:12:31` as cameras write it, `1975 12 31`.
fn year_first(year: i32, rest: &str) -> Option<(DateParts, &str)> {
    let separator = separator_of(rest, &['-', '/', '.', ':', '\\', '_'])?;
    let rest = behind(rest, separator)?;
    let (month, rest) = if rest.starts_with(|c: char| c.is_ascii_digit()) {
        let (month, places, rest) = digits(rest)?;
        (Some(month).filter(|_| places <= 2)?, rest)
    } else {
        let (word, rest) = word(rest);
        (month_of(word)?, rest)
    };
    let (day, places, rest) = digits(behind(rest, separator)?)?;
    let rest = if separator == '.' { rest.strip_prefix('.').unwrap_or(rest) } else { rest };
    (places <= 2).then_some((DateParts::Ymd { year, month, day }, rest))
}

/// `31/12/1975`, `31-Dec-75`, `31 December 1975`, `31st of December 1975`, `31Dec1975`.
fn day_first(first: u32, rest: &str) -> Option<(DateParts, &str)> {
    let after_ordinal = without_ordinal(rest);
    let named = after_ordinal.trim_start_matches([' ', '-', '/', '.', ',']);
    if named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let named = ["of ", "de "].iter().find_map(|particle| named.strip_prefix(particle)).unwrap_or(named);
        let (name, rest) = word(named);
        let month = month_of(name)?;
        let rest = rest.trim_start_matches([' ', '-', '/', '.', ',']);
        let (year, places, rest) = digits(rest.strip_prefix("de ").unwrap_or(rest))?;
        return Some((named_date(first, month, year, places)?, rest));
    }
    let separator = separator_of(rest, &['-', '/', '.', '\\', '_'])?;
    let (second, places, rest) = digits(behind(rest, separator)?)?;
    let rest = behind(rest, separator).filter(|_| places <= 2)?;
    let (year, places, rest) = digits(rest)?;
    let date = DateParts::YearLast { first, second, year: int(year)?, has_two_digits: places == 2 };
    // Three short numbers between blanks may be anything.
    (places == 4 || (places == 2 && separator != ' ')).then_some((date, rest))
}

/// `Dec 31, 1975`, `December 31st 1975`, `Dec-31-75`.
fn month_first(text: &str) -> Option<(DateParts, &str)> {
    let (name, rest) = word(text);
    let month = month_of(name)?;
    let gap = |c: char| matches!(c, ' ' | '-' | '/' | '.' | ',');
    let (day, places, rest) = digits(rest.trim_start_matches(gap))?;
    if places > 2 {
        return None;
    }
    let rest = without_ordinal(rest);
    let after = rest.trim_start_matches(gap);
    let (year, places, rest) = digits(after).filter(|_| after.len() < rest.len())?;
    Some((named_date(day, month, year, places)?, rest))
}

/// `Mon Jun 01 09:00:00 2015`, `Mon Jun 01 07:00:00 UTC 2015`, `Mon Jun 01 07:00:00 +0000 2015` as C, Java and `date` write them, and
/// `Mon 01 Jun 09:00:00 2015 SAST` as PostgreSQL does in its own style: the same with the year behind the day. `None` for any other
/// writing.
pub(super) fn year_moved(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_year = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let (weekday, month, day, time, zone, year) = match words[..] {
        [weekday, month, day, time, year] => (weekday, month, day, time, "", year),
        [weekday, month, day, time, year, zone] if is_year(year) => (weekday, month, day, time, zone, year),
        [weekday, month, day, time, zone, year] => (weekday, month, day, time, zone, year),
        _ => return None,
    };
    let (month, day) = if month.starts_with(|c: char| c.is_ascii_digit()) { (day, month) } else { (month, day) };
    let is_number = |text: &str, places: usize| digits(text).is_some_and(|(_, found, rest)| found <= places && rest.is_empty());
    let is_such = month_of(month).is_some() && is_number(day, 2) && time.contains(':') && is_year(year);
    is_such.then(|| format!("{weekday} {month} {day} {year} {time} {zone}").trim_end().to_owned())
}

fn named_date(day: u32, month: u32, year: u32, places: usize) -> Option<DateParts> {
    match places {
        2 => Some(DateParts::Named { day, month, year: int(year)? }),
        4 => Some(DateParts::Ymd { year: int(year)?, month, day }),
        _ => None,
    }
}

fn without_ordinal(rest: &str) -> &str {
    let (suffix, after) = word(rest);
    if matches!(suffix.to_ascii_lowercase().as_str(), "st" | "nd" | "rd" | "th" | "ste" | "de" | "er") { after } else { rest }
}

/// The text behind the name of a weekday.
fn without_weekday(text: &str) -> &str {
    /// English, Afrikaans and Dutch, German, French; with the short forms in use.
    const DAYS: [&str; 4] = [
        "mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday",
        "ma maandag di dinsdag wo woe woensdag do don donderdag vr vry vrydag vrijdag za saterdag zaterdag so son sondag zondag",
        "mo montag die dienstag mi mit mittwoch donnerstag fr frei freitag sa sam samstag sonnabend sonntag",
        "lun lundi mar mardi mer mercredi jeu jeudi ven vendredi samedi dim dimanche",
    ];
    let (day, rest) = word(text);
    let rest = rest.trim_start_matches([' ', ',', '.']);
    let is_weekday = DAYS.iter().any(|days| days.split(' ').any(|known| day.eq_ignore_ascii_case(known)));
    // `Mar 31 2015` is of March, `mar. 31 mars 2015` a Tuesday.
    if is_weekday && (month_of(day).is_none() || date_of_day(rest)) { rest } else { text }
}

/// Whether a text begins with the number of a day and a month's name.
fn date_of_day(text: &str) -> bool {
    digits(text).is_some_and(|(_, places, rest)| {
        let (name, _) = word(rest.trim_start_matches([' ', '-', '/', '.', ',']));
        places <= 2 && month_of(name).is_some()
    })
}

/// The month of an English, Afrikaans, Dutch, German, French, Spanish, Portuguese, Italian or Scandinavian name without accents, whole
/// or by its first letters, or of a Roman number.
fn month_of(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "jan ene gen",
        "feb fev",
        "mar mrt maa mrz",
        "apr avr abr",
        "may mei mai maj mag",
        "jun juin giu",
        "jul juil lug",
        "aug aou ago",
        "sep set",
        "oct okt out ott",
        "nov",
        "dec des dez dic",
    ];
    const ROMAN: [&str; 12] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"];
    if let Some(month) = ROMAN.iter().position(|known| word.eq_ignore_ascii_case(known)) {
        return u32::try_from(month + 1).ok();
    }
    let begins = |known: &str| word.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known));
    let month = MONTHS.iter().position(|known| known.split(' ').any(begins))?;
    u32::try_from(month + 1).ok()
}

/// The letters a text begins with, and the rest.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()))
}

/// The number a text begins with, its count of digits (eight at most), and the rest.
pub(super) fn digits(text: &str) -> Option<(u32, usize, &str)> {
    let places = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(places);
    (1..=8).contains(&places).then(|| Some((number.parse().ok()?, places, rest)))?
}

fn int(number: u32) -> Option<i32> {
    i32::try_from(number).ok()
}

/// Whether the calendar has such a day.
pub(in crate::model) fn is_day_of_calendar(year: i32, month: u32, day: u32) -> bool {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => 0,
    };
    (1..=length).contains(&day)
}

/// Days since 1970 of a day of the proleptic Gregorian calendar: years begin in March, eras have 400 years.
pub(in crate::model) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { i64::from(year) - 1 } else { i64::from(year) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Day;
    use chrono::Datelike;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: chrono's calendar.
        #[test]
        fn days_agree_with_chrono(since_1970 in -700_000_i32..2_900_000) {
            let date = Day(since_1970).date().unwrap();
            prop_assert!(is_day_of_calendar(date.year(), date.month(), date.day()));
            prop_assert_eq!(days_from_civil(date.year(), date.month(), date.day()), i64::from(since_1970));
        }
    }
}
