//! Dates of birth as text: the order of day and month is decided once for a whole column, never cell by cell.

use chrono::{Datelike, NaiveDate};

use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::is_null_word;
use crate::model::zone::Zone;
use crate::model::{Day, Timestamp};

/// Nobody is older, in years.
const OLDEST: i32 = 105;
/// Excel counts days from here.
const SERIAL_EPOCH: (i32, u32, u32) = (1899, 12, 30);
/// A listed day is a placeholder when it is shared by more than 1 in 200 of the column's dates …
const FREQUENT_SHARE: u64 = 200;
/// … and by at least this many records, so that a small file does not lose a birthday.
const FREQUENT_LEAST: u64 = 3;

/// Which of two ambiguous numbers is the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// The column proves it, or has nothing ambiguous.
    DayFirst,
    /// The column proves it.
    MonthFirst,
    /// Nothing proves either: day first, counted.
    #[default]
    Assumed,
}

/// A column whose dates prove both orders.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{day_first} dates have the day first and {month_first} have the month first")]
pub struct MixedOrder {
    /// Dates that can only be day first.
    pub day_first: u64,
    /// Dates that can only be month first.
    pub month_first: u64,
}

/// What a column says before any of its cells is read.
#[derive(Clone, Debug, Default)]
pub struct DateSurvey {
    day_first: u64,
    month_first: u64,
    dates: u64,
    frequent: [u64; 2],
}

/// Days that are placeholders only where they are frequent.
const SUSPECTS: [(i32, u32, u32); 2] = [(1970, 1, 1), (2000, 1, 1)];

impl DateSurvey {
    /// Looks at one cell.
    pub fn see(&mut self, raw: &str) {
        let text = raw.trim();
        if text.is_empty() {
            return;
        }
        self.dates += 1;
        if let Some(Numbers { a, b, year, .. }) = numbers(text) {
            self.day_first += u64::from(a > 12 && b <= 12);
            self.month_first += u64::from(b > 12 && a <= 12);
            if (a, b) == (1, 1) {
                self.suspect(year, 1, 1);
            }
        } else if let Some((year, month, day)) = iso(text) {
            self.suspect(year, month, day);
        }
    }

    fn suspect(&mut self, year: i32, month: u32, day: u32) {
        if let Some(at) = SUSPECTS.iter().position(|suspect| *suspect == (year, month, day)) {
            self.frequent[at] += 1;
        }
    }

    /// Adds what another part of the column says.
    pub fn add(&mut self, other: &Self) {
        self.day_first += other.day_first;
        self.month_first += other.month_first;
        self.dates += other.dates;
        self.frequent.iter_mut().zip(other.frequent).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// How to read the column's cells, or that nobody can.
    pub fn rules(&self) -> Result<DateRules, MixedOrder> {
        let order = match (self.day_first, self.month_first) {
            (0, 0) => DateOrder::Assumed,
            (_, 0) => DateOrder::DayFirst,
            (0, _) => DateOrder::MonthFirst,
            (day_first, month_first) => return Err(MixedOrder { day_first, month_first }),
        };
        let frequent = self.frequent.map(|count| count >= FREQUENT_LEAST && count * FREQUENT_SHARE > self.dates);
        Ok(DateRules { order, frequent })
    }
}

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateRules {
    order: DateOrder,
    frequent: [bool; 2],
}

/// What a birth date is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// The zone in which an instant is cut to its day.
    pub zone: Zone,
    /// Nobody is born after this day.
    pub as_of: Day,
    /// The day the record was made, in local time.
    pub created_on: Option<Day>,
}

impl DateRules {
    /// Reads a date of birth. `None` when the cell is empty or refused; the reasons tell which.
    pub fn birth(&self, raw: &str, birth: Birth, junk: &Junk, reasons: &mut Reasons) -> Option<Day> {
        let text = raw.trim();
        if text.is_empty() || is_null_word(text) {
            return None;
        }
        let refused = match self.parse(text, birth, reasons) {
            Ok(date) => match self.doubt(date, birth, junk) {
                None => return Some(Day::from_date(date)),
                Some(reason) => reason,
            },
            Err(reason) => reason,
        };
        // What was done to read a date that is dropped anyway is not worth counting.
        *reasons = refused.into();
        None
    }

    fn doubt(&self, date: NaiveDate, birth: Birth, junk: &Junk) -> Option<Reason> {
        let parts = (date.year(), date.month(), date.day());
        let mut written = [0_u8; 10];
        write_iso(parts, &mut written);
        let iso = std::str::from_utf8(&written).expect("digits and hyphens");
        let frequent = SUSPECTS.iter().zip(self.frequent).any(|(suspect, frequent)| frequent && *suspect == parts);
        let day = Day::from_date(date);
        if junk.has(JunkKind::Born, iso) || (frequent && junk.has(JunkKind::BornIfFrequent, iso)) {
            Some(Reason::DatePlaceholder)
        } else if day > birth.as_of {
            Some(Reason::DateFuture)
        } else if birth.as_of.date().is_some_and(|as_of| as_of.years_since(date).is_some_and(|age| age > OLDEST as u32)) {
            Some(Reason::DateTooOld)
        } else if birth.created_on == Some(day) {
            Some(Reason::DateIsCreated)
        } else {
            None
        }
    }

    fn parse(&self, text: &str, birth: Birth, reasons: &mut Reasons) -> Result<NaiveDate, Reason> {
        if let Some((year, month, day)) = iso(text) {
            if (year, month, day) == (0, 0, 0) {
                return Err(Reason::DatePlaceholder);
            }
            let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(Reason::DateInvalid)?;
            return Ok(local_day(text, date, birth.zone, reasons));
        }
        if matches!(text, "infinity" | "-infinity") {
            return Err(Reason::DateInfinite);
        }
        if let Some(Numbers { a, b, year, two_digit_year }) = numbers(text) {
            let year = if two_digit_year { self.full_year(year, birth, reasons) } else { year };
            let (day, month) = match self.order {
                DateOrder::MonthFirst => {
                    reasons.insert(Reason::DateMonthFirst);
                    (b, a)
                }
                DateOrder::Assumed if a != b => {
                    reasons.insert(Reason::DateDayFirstAssumed);
                    (a, b)
                }
                _ => (a, b),
            };
            return NaiveDate::from_ymd_opt(year, month, day).ok_or(Reason::DateInvalid);
        }
        if let Some((day, month, year, two_digit_year)) = worded(text) {
            let year = if two_digit_year { self.full_year(year, birth, reasons) } else { year };
            return NaiveDate::from_ymd_opt(year, month, day).ok_or(Reason::DateInvalid);
        }
        counted(text, birth.zone, reasons).ok_or(Reason::DateInvalid)
    }

    /// A birth year of two digits: this century unless that lies after as_of.
    fn full_year(&self, year: i32, birth: Birth, reasons: &mut Reasons) -> i32 {
        reasons.insert(Reason::DateTwoDigitYear);
        let latest = birth.as_of.date().map_or(1999, |as_of| as_of.year());
        if 2000 + year > latest { 1900 + year } else { 2000 + year }
    }
}

/// Year, month and day of `1985-03-15`, `1985/03/15`, `1985.03.15` or `19850315`, whatever follows after a `T` or blank.
fn iso(text: &str) -> Option<(i32, u32, u32)> {
    let date = text.split(['T', ' ']).next()?;
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((date[..4].parse().ok()?, date[4..6].parse().ok()?, date[6..].parse().ok()?));
    }
    let mut parts = date.split(['-', '/', '.']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || year.len() != 4 || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

/// A date of three numbers with the year last.
struct Numbers {
    a: u32,
    b: u32,
    year: i32,
    two_digit_year: bool,
}

fn numbers(text: &str) -> Option<Numbers> {
    let date = text.split(['T', ' ']).next()?;
    let mut parts = date.split(['/', '-', '.']);
    let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let short = |part: &str| (1..=2).contains(&part.len()) && digits(part);
    if parts.next().is_some() || !short(a) || !short(b) || !matches!(year.len(), 2 | 4) || !digits(year) {
        return None;
    }
    let numbers = Numbers { a: a.parse().ok()?, b: b.parse().ok()?, year: year.parse().ok()?, two_digit_year: year.len() == 2 };
    Some(numbers)
}

/// `15 Mar 1985`, `15-MAR-85`, `Mar 15, 1985`; month names in English and Afrikaans.
fn worded(text: &str) -> Option<(u32, u32, i32, bool)> {
    let mut words = text.split([' ', '-', '/', ',', '.']).filter(|word| !word.is_empty());
    let (one, two, three) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some_and(|word| !word.starts_with(|c: char| c.is_ascii_digit()) || !word.contains(':')) {
        return None;
    }
    let (day, month) = match (month(one), month(two)) {
        (None, Some(month)) => (one, month),
        (Some(month), None) => (two, month),
        _ => return None,
    };
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if !matches!(three.len(), 2 | 4) {
        return None;
    }
    Some((day.parse().ok()?, month, three.parse().ok()?, three.len() == 2))
}

fn month(word: &str) -> Option<u32> {
    const MONTHS: [(&str, u32); 15] = [
        ("jan", 1),
        ("feb", 2),
        ("mar", 3),
        ("mrt", 3),
        ("apr", 4),
        ("may", 5),
        ("mei", 5),
        ("jun", 6),
        ("jul", 7),
        ("aug", 8),
        ("sep", 9),
        ("oct", 10),
        ("okt", 10),
        ("nov", 11),
        ("dec", 12),
    ];
    let start = word.get(..3)?.to_ascii_lowercase();
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    if start == "des" {
        return Some(12);
    }
    if start == "maa" {
        return Some(3);
    }
    MONTHS.iter().find(|(name, _)| *name == start).map(|(_, month)| *month)
}

/// The local day of an instant: `1985-03-14T22:00:00Z` is midnight of the 15th in South Africa.
fn local_day(text: &str, date: NaiveDate, zone: Zone, reasons: &mut Reasons) -> NaiveDate {
    let zoned = text.len() > 16 && (text.ends_with(['Z', 'z']) || text[16..].contains(['+', '-']));
    let Some(at) = zoned.then(|| Timestamp::parse(&text.replacen(' ', "T", 1))).flatten() else { return date };
    let local = zone.day(at).date().unwrap_or(date);
    if local != date {
        reasons.insert(Reason::DateShifted);
    }
    local
}

/// A spreadsheet's day number, or seconds or milliseconds since 1970.
fn counted(text: &str, zone: Zone, reasons: &mut Reasons) -> Option<NaiveDate> {
    let number = text.strip_suffix(".0").unwrap_or(text);
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = number.parse().ok()?;
    match number.len() {
        5 if (10_000..=60_000).contains(&value) => {
            reasons.insert(Reason::DateSerial);
            let (year, month, day) = SERIAL_EPOCH;
            NaiveDate::from_ymd_opt(year, month, day)?.checked_add_signed(chrono::Duration::days(value))
        }
        10 | 13 => {
            reasons.insert(Reason::DateEpoch);
            let micros = if number.len() == 10 { value * 1_000_000 } else { value * 1_000 };
            zone.day(Timestamp(micros)).date()
        }
        _ => None,
    }
}

fn write_iso((year, month, day): (i32, u32, u32), out: &mut [u8; 10]) {
    let mut digits = |at: usize, count: usize, mut value: u32| {
        for place in (at..at + count).rev() {
            out[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    digits(0, 4, year.unsigned_abs());
    digits(5, 2, month);
    digits(8, 2, day);
    out[4] = b'-';
    out[7] = b'-';
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reference;
    use proptest::prelude::*;

    fn rules(cells: &[&str]) -> Result<DateRules, MixedOrder> {
        let mut survey = DateSurvey::default();
        cells.iter().for_each(|cell| survey.see(cell));
        survey.rules()
    }

    fn day(text: &str) -> Day {
        Day::from_date(text.parse().unwrap())
    }

    fn read_with(rules: DateRules, raw: &str, zone: &str) -> (Option<String>, Vec<Reason>) {
        let birth = Birth { zone: Zone::parse(zone).unwrap(), as_of: day("2026-11-22"), created_on: Some(day("2019-05-04")) };
        let mut reasons = Reasons::default();
        let read = rules.birth(raw, birth, &Reference::committed().junk, &mut reasons);
        (read.map(|day| day.to_string()), reasons.iter().collect())
    }

    fn read(raw: &str) -> (Option<String>, Vec<Reason>) {
        read_with(rules(&["15/03/1985"]).unwrap(), raw, "Africa/Johannesburg")
    }

    #[test]
    fn every_written_form_of_domain_4_7_is_read() {
        for (raw, reasons) in [
            ("1985-03-15", vec![]),
            ("1985/03/15", vec![]),
            ("1985/3/15", vec![]),
            ("19850315", vec![]),
            ("1985-03-15 00:00:00", vec![]),
            ("1985-03-15T00:00:00", vec![]),
            ("15/03/1985", vec![]),
            ("15.3.1985", vec![]),
            ("15-03-85", vec![Reason::DateTwoDigitYear]),
            ("15 Mar 1985", vec![]),
            ("15-MAR-85", vec![Reason::DateTwoDigitYear]),
            ("15 Mrt 1985", vec![]),
            ("March 15, 1985", vec![]),
            ("31121", vec![Reason::DateSerial]),
            ("31121.0", vec![Reason::DateSerial]),
            ("1985-03-14T22:00:00Z", vec![Reason::DateShifted]),
            ("1985-03-14 22:00:00+00:00", vec![Reason::DateShifted]),
            ("1985-03-15T10:00:00+02:00", vec![]),
        ] {
            assert_eq!(read(raw), (Some("1985-03-15".to_owned()), reasons), "{raw}");
        }
        let london = read_with(rules(&[]).unwrap(), "1985-06-14T23:00:00Z", "Europe/London");
        assert_eq!(london, (Some("1985-06-15".to_owned()), vec![Reason::DateShifted]));
        assert_eq!(read("1104537600").0.as_deref(), Some("2005-01-01"));
        assert_eq!(read("1104537600000"), (Some("2005-01-01".to_owned()), vec![Reason::DateEpoch]));
    }

    #[test]
    fn two_digit_birth_years_never_lie_in_the_future() {
        assert_eq!(read("01/02/26").0.as_deref(), Some("2026-02-01"));
        assert_eq!(read("01/02/27").0.as_deref(), Some("1927-02-01"));
    }

    #[test]
    fn a_column_decides_its_order_once() {
        let month_first = rules(&["03/15/1985", "04/03/1985"]).unwrap();
        assert_eq!(read_with(month_first, "04/03/1985", "UTC"), (Some("1985-04-03".to_owned()), vec![Reason::DateMonthFirst]));
        let assumed = rules(&["04/03/1985"]).unwrap();
        assert_eq!(read_with(assumed, "04/03/1985", "UTC"), (Some("1985-03-04".to_owned()), vec![Reason::DateDayFirstAssumed]));
        assert_eq!(rules(&["15/03/1985", "03/15/1985"]), Err(MixedOrder { day_first: 1, month_first: 1 }));
    }

    #[test]
    fn placeholders_are_dropped() {
        for raw in
            ["0000-00-00", "0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "01/01/1901", "9999-12-31"]
        {
            assert_eq!(read(raw), (None, vec![Reason::DatePlaceholder]), "{raw}");
        }
        for (raw, reason) in [
            ("2027-01-01", Reason::DateFuture),
            ("1919-01-01", Reason::DateTooOld),
            ("2019-05-04", Reason::DateIsCreated),
            ("1985-02-30", Reason::DateInvalid),
            ("31/04/1985", Reason::DateInvalid),
            ("soon", Reason::DateInvalid),
            ("infinity", Reason::DateInfinite),
            ("0044-03-15 BC", Reason::DateTooOld),
        ] {
            assert_eq!(read(raw), (None, vec![reason]), "{raw}");
        }
        assert_eq!(read("1921-11-22").0.as_deref(), Some("1921-11-22"), "105 years old today");
    }

    #[test]
    fn new_years_day_1970_is_a_placeholder_only_where_it_is_frequent() {
        let rare = rules(&["1970-01-01", "1985-03-15"]).unwrap();
        assert_eq!(read_with(rare, "1970-01-01", "UTC").0.as_deref(), Some("1970-01-01"));
        let frequent = rules(&["1970-01-01", "01/01/1970", "1970-01-01", "1985-03-15"]).unwrap();
        assert_eq!(read_with(frequent, "1970-01-01", "UTC"), (None, vec![Reason::DatePlaceholder]));
        assert_eq!(read_with(frequent, "2000-01-01", "UTC").0.as_deref(), Some("2000-01-01"));
    }

    proptest! {
        #[test]
        fn a_read_date_reads_as_itself(raw in "[0-9]{1,4}[-/. ][0-9A-Za-z]{1,3}[-/. ][0-9]{1,4}") {
            if let (Some(once), _) = read(&raw) {
                prop_assert_eq!(read(&once).0, Some(once));
            }
        }
    }
}
