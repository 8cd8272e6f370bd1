//! Columns of dates and times as text: the order of day and month, and the unit of bare numbers, are decided once for a whole
//! column, never cell by cell.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::is_missing_word;
use crate::model::written::{self, Count, DateParts, NumberUnit, UtcPlace, WrittenTime};
use crate::model::zone::{self, Zone};
use crate::model::{Day, Timestamp};

/// Highest age that is accepted, in years.
const OLDEST: i32 = 105;
/// Two-digit years up to this one belong to this century; birth years follow another rule.
const PIVOT: i32 = 69;
/// A listed day is a placeholder when it is shared by more than 1 in 200 of the column's dates …
const FREQUENT_SHARE: u64 = 200;
/// … and by at least this many records, so that a small file does not lose a birthday.
const FREQUENT_LEAST: u64 = 3;

/// The meaning of a column's cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateKind {
    /// Days of birth.
    #[default]
    Birth,
    /// Other days.
    Day,
    /// Instants.
    Time,
}

/// Which of two ambiguous numbers is the day; `day_first` or `month_first` in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The column proves it, a setting says it, or nothing is ambiguous.
    DayFirst,
    /// The column proves it, or a setting says it.
    MonthFirst,
    /// Nothing proves either: day first, counted.
    #[default]
    #[serde(skip)]
    Assumed,
}

/// A column whose dates prove both orders.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{day_first} dates have the day first and {month_first} have the month first")]
pub struct MixedOrder {
    /// Dates that can only be day first.
    pub day_first: u64,
    /// Position of the first of them, from 1.
    pub day_first_at: u64,
    /// Dates that can only be month first.
    pub month_first: u64,
    /// Position of the first of them, from 1.
    pub month_first_at: u64,
}

/// Number of cells that show an order, and the position of the first.
#[derive(Clone, Copy, Debug, Default)]
struct DateProof {
    count: u64,
    first: u64,
}

impl DateProof {
    fn see(&mut self, position: u64) {
        if self.count == 0 {
            self.first = position;
        }
        self.count += 1;
    }

    fn and(self, other: Self) -> Self {
        let first = [self, other].iter().filter(|proof| proof.count > 0).map(|proof| proof.first).min();
        Self { count: self.count + other.count, first: first.unwrap_or(0) }
    }
}

/// Data profile of a column: the facts about all its cells that decide how each one is read.
#[derive(Clone, Debug, Default)]
pub struct DateProfile {
    kind: DateKind,
    seen: u64,
    /// Proofs of dates with a whole year, then of dates with a year of two digits.
    day_first: [DateProof; 2],
    month_first: [DateProof; 2],
    /// Dates such as `75-12-31`, whose first number can only be the year, and short dates whose first number cannot.
    year_first: [u64; 2],
    dates: u64,
    frequent: [u64; 2],
    /// Numbers as small as counts of days that are not plausible days of a spreadsheet, and those that are.
    small: [u64; 2],
    units: [u64; NumberUnit::ALL.len()],
}

/// Days that are placeholders only where they are frequent.
const SUSPECTS: [(i32, u32, u32); 2] = [(1970, 1, 1), (2000, 1, 1)];

impl DateProfile {
    /// An empty profile for a column of this kind.
    pub fn of(kind: DateKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Looks at the next cell.
    pub fn see(&mut self, raw: &str) {
        self.seen += 1;
        if raw.is_empty() || (self.kind != DateKind::Birth && is_iso(raw)) {
            return;
        }
        self.dates += 1;
        match written::parse(raw) {
            Some(WrittenTime::Civil { date: DateParts::YearLast { first, second, year, has_two_digits }, .. }) => {
                // What no calendar has, such as 31/04, proves nothing; every day of a leap year may.
                let kind = usize::from(has_two_digits);
                if first > 12 && written::is_day_of_calendar(2000, second, first) {
                    self.day_first[kind].see(self.seen);
                } else if second > 12 && written::is_day_of_calendar(2000, first, second) {
                    self.month_first[kind].see(self.seen);
                }
                if has_two_digits {
                    let is_such = u32::try_from(year).is_ok_and(|day| written::is_day_of_calendar(2000, second, day));
                    self.year_first[0] += u64::from(first > 31 && is_such);
                    self.year_first[1] += u64::from(!is_such);
                }
                self.suspect(year, first, second);
            }
            Some(WrittenTime::Civil { date: DateParts::Ymd { year, month, day }, .. }) => self.suspect(year, month, day),
            Some(WrittenTime::Count(count)) => {
                for (seen, unit) in self.units.iter_mut().zip(NumberUnit::ALL) {
                    *seen += u64::from(is_plausible(count, unit, self.kind));
                }
                // As days of a spreadsheet, a few centuries around today.
                if count.micros(NumberUnit::Days).is_some_and(|micros| micros.abs() / 86_400_000_000 < 150_000) {
                    self.small[usize::from(is_plausible(count, NumberUnit::Days, self.kind))] += 1;
                }
            }
            _ => {}
        }
    }

    /// Counts cells that are null.
    pub fn skip(&mut self, cells: u64) {
        self.seen += cells;
    }

    fn suspect(&mut self, year: i32, month: u32, day: u32) {
        if let Some(at) = SUSPECTS.iter().position(|suspect| *suspect == (year, month, day)) {
            self.frequent[at] += 1;
        }
    }

    /// The rules for the column's cells; an error if they prove two orders. `setting` is an order that an operator declared.
    pub fn rules(&self, setting: Option<DateOrder>) -> Result<DateRules, MixedOrder> {
        let is_year_first = self.year_first[0] > 0 && self.year_first[1] == 0;
        let proof = |proofs: [DateProof; 2]| if is_year_first { proofs[0] } else { proofs[0].and(proofs[1]) };
        let (day_first, month_first) = (proof(self.day_first), proof(self.month_first));
        let order = match (setting, day_first.count, month_first.count) {
            (Some(order), ..) => order,
            (None, 0, 0) => DateOrder::Assumed,
            (None, _, 0) => DateOrder::DayFirst,
            (None, 0, _) => DateOrder::MonthFirst,
            (None, ..) => {
                return Err(MixedOrder {
                    day_first: day_first.count,
                    day_first_at: day_first.first,
                    month_first: month_first.count,
                    month_first_at: month_first.first,
                });
            }
        };
        let frequent = self.frequent.map(|count| count >= FREQUENT_LEAST && count * FREQUENT_SHARE > self.dates);
        // If two units fit all numbers alike, such as -604800000 alone (1950 in seconds, 1969 in milliseconds), neither is taken. A day
        // of a spreadsheet is a moment of the first night of 1970 in seconds, which no person means.
        let most = self.units.iter().max().copied().filter(|most| *most > 0);
        let mut fitting = self.units.iter().zip(NumberUnit::ALL).filter(|(seen, _)| Some(**seen) == most).map(|(_, unit)| unit);
        let unit = fitting.next().filter(|unit| unit.is_local() || fitting.next().is_none());
        // Where most small numbers count days since another one, the few that look like days of a spreadsheet do so by chance.
        let has_other_days = self.small[1] < self.small[0];
        Ok(DateRules { kind: self.kind, order, is_year_first, frequent, unit, has_other_days })
    }
}

/// Whether a cell begins like an ISO 8601 date, which is never ambiguous.
fn is_iso(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    bytes.len() >= 10 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

fn is_plausible(count: Count, unit: NumberUnit, kind: DateKind) -> bool {
    match kind {
        // Milliseconds of January 1970, read as seconds, would lie beyond the range of 32-bit seconds. No birth does.
        DateKind::Birth => count.is_plausible(unit, 1900..2038, true),
        DateKind::Day => count.is_plausible(unit, 1900..2101, true),
        DateKind::Time => count.is_plausible(unit, 1980..2101, false),
    }
}

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateRules {
    kind: DateKind,
    order: DateOrder,
    /// Whether short dates begin with the year: `75-12-31`.
    is_year_first: bool,
    frequent: [bool; 2],
    unit: Option<NumberUnit>,
    /// Whether small numbers are not days of a spreadsheet.
    has_other_days: bool,
}

/// The limits of a birth date.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// The zone in which an instant is cut to its day.
    pub zone: Zone,
    /// Latest day of birth.
    pub as_of: Day,
    /// The day the record was made, in local time.
    pub created_on: Option<Day>,
}

/// The result of reading a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateRead<T> {
    /// The cell holds nothing, or a word for nothing.
    Absent,
    /// Its value.
    Value(T),
    /// It can be read, but is not a usable value: an infinity, or an impossible year. The reasons say which.
    Refused,
    /// The meaning is not known. No reason is recorded; the caller decides what follows.
    Unreadable,
}

impl<T> DateRead<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Refused | Self::Unreadable => None,
        }
    }
}

/// A date and time without the column's ambiguities.
struct Moment {
    /// Days since 1970, as written.
    day: i64,
    /// Microseconds since midnight, as written.
    clock: Option<i64>,
    /// Microseconds east of UTC.
    offset: Option<i64>,
}

impl Moment {
    /// Microseconds since 1970 as written, of a plausible year only.
    fn micros(&self) -> Option<i64> {
        let years = written::days_from_civil(-5_000, 1, 1)..written::days_from_civil(20_000, 1, 1);
        years.contains(&self.day).then(|| self.day * Timestamp::DAY + self.clock.unwrap_or(0))
    }
}

/// How a year of two digits gets its century.
#[derive(Clone, Copy)]
enum Century {
    /// The century of this year, or the one before where the birth would lie after the year.
    Born(i32),
    /// By [`PIVOT`].
    Pivot,
}

impl DateRules {
    /// Reads an instant. A value without an offset is local time of the zone, or UTC where the zone is not known.
    pub fn instant(&self, raw: &str, zone: Option<Zone>, reasons: &mut Reasons) -> DateRead<Timestamp> {
        if is_missing_word(raw) {
            return DateRead::Absent;
        }
        let moment = match self.moment(raw, Century::Pivot, reasons) {
            Ok(moment) => moment,
            Err(Some(reason)) => {
                return refused(if reason == Reason::DateInfinite { Reason::TimeInfinite } else { reason }, reasons);
            }
            Err(None) => return DateRead::Unreadable,
        };
        let Some(micros) = moment.micros() else { return refused(Reason::TimeOutOfRange, reasons) };
        let at = match moment.offset {
            Some(offset) => Timestamp(micros - offset),
            None => known(zone, reasons).instant(Timestamp(micros), reasons),
        };
        if at == Timestamp(0) || (micros == 0 && moment.offset.is_none()) {
            // A bare zero, shown as a time.
            return refused(Reason::DatePlaceholder, reasons);
        }
        match zone::staged(at, reasons) {
            Some(at) => DateRead::Value(at),
            None => DateRead::Refused,
        }
    }

    /// Reads a day. Of an instant it is the day in the zone.
    pub fn day(&self, raw: &str, zone: Option<Zone>, reasons: &mut Reasons) -> DateRead<Day> {
        if is_missing_word(raw) {
            return DateRead::Absent;
        }
        let day = match self.moment(raw, Century::Pivot, reasons) {
            Ok(moment) => local_day(&moment, || known(zone, &mut Reasons::default()), reasons),
            Err(Some(reason)) => return refused(reason, reasons),
            Err(None) => return DateRead::Unreadable,
        };
        match day.and_then(|day| zone::staged_day(day, reasons)) {
            Some(day) => DateRead::Value(day),
            None => refused(Reason::TimeOutOfRange, reasons),
        }
    }

    /// Whether a cell means a day without end: `infinity`, or the last year that programs can write.
    pub fn is_endless(&self, raw: &str) -> bool {
        match self.moment(raw, Century::Pivot, &mut Reasons::default()) {
            Ok(moment) => moment.day >= written::days_from_civil(9_999, 1, 1),
            Err(Some(reason)) => reason == Reason::DateInfinite && !raw.trim_start().starts_with('-'),
            Err(None) => false,
        }
    }

    /// Reads a date of birth. `None` when the cell is empty or refused; the reasons tell which.
    pub fn birth(&self, raw: &str, birth: Birth, junk: &Junk, reasons: &mut Reasons) -> Option<Day> {
        if is_missing_word(raw) {
            return None;
        }
        let latest = birth.as_of.date().map_or(1999, |as_of| as_of.year());
        let date = self.moment(raw, Century::Born(latest), reasons).map_err(|reason| reason.unwrap_or(Reason::DateInvalid));
        let date = date.and_then(|moment| {
            let day = local_day(&moment, || birth.zone, reasons).and_then(Day::date);
            day.ok_or(Reason::DateInvalid)
        });
        let refused = match date {
            Ok(date) => match self.doubt(date, birth, junk) {
                None => return Some(Day::from_date(date)),
                Some(reason) => reason,
            },
            Err(reason) => reason,
        };
        // A date that is dropped is not counted as cleaned, too.
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
        } else if birth.as_of.date().is_some_and(|as_of| date < years_before(as_of, OLDEST)) {
            Some(Reason::DateTooOld)
        } else if birth.created_on == Some(day) {
            Some(Reason::DateIsCreated)
        } else {
            None
        }
    }

    /// Parses a cell by the rules of its column. `None` without a reason means unreadable, `None` with a reason means no date.
    fn moment(&self, raw: &str, century: Century, reasons: &mut Reasons) -> Result<Moment, Option<Reason>> {
        match written::parse(raw).ok_or(None)? {
            WrittenTime::Infinite { .. } => Err(Some(Reason::DateInfinite)),
            WrittenTime::Zero => Err(Some(Reason::DatePlaceholder)),
            WrittenTime::Count(count) => self.count(count, reasons).ok_or(None),
            WrittenTime::Civil { date, clock, place } => {
                let (year, month, day) = self.ordered(date, century, reasons);
                if !written::is_day_of_calendar(year, month, day) {
                    return Err(None);
                }
                let local = Moment { day: written::days_from_civil(year, month, day), clock, offset: None };
                let offset = match place {
                    Some(UtcPlace::East(micros)) => Some(micros),
                    Some(UtcPlace::Zone(zone)) => local.micros().map(|at| at - zone.instant(Timestamp(at), reasons).0),
                    None => None,
                };
                Ok(Moment { offset, ..local })
            }
        }
    }

    /// Year, month and day in the column's order, or in the other order where only that gives a date.
    fn ordered(&self, date: DateParts, century: Century, reasons: &mut Reasons) -> (i32, u32, u32) {
        match date {
            DateParts::Ymd { year, month, day } => (year, month, day),
            DateParts::Named { day, month, year } => (full_year(year, century, reasons), month, day),
            DateParts::YearLast { first, second, year, has_two_digits: true } if self.is_year_first => {
                (full_year(first.try_into().unwrap_or(0), century, reasons), second, year.try_into().unwrap_or(0))
            }
            DateParts::YearLast { first, second, year, has_two_digits } => {
                let year = if has_two_digits { full_year(year, century, reasons) } else { year };
                if first <= 12 && (second > 12 || self.order == DateOrder::MonthFirst) {
                    reasons.insert(Reason::DateMonthFirst);
                    return (year, first, second);
                }
                if self.order == DateOrder::Assumed && first != second {
                    reasons.insert(Reason::DateDayFirstAssumed);
                }
                (year, second, first)
            }
        }
    }

    /// The moment of a bare number: by the column's unit, else by the only one that gives a plausible value.
    fn count(&self, count: Count, reasons: &mut Reasons) -> Option<Moment> {
        if let Some(bound) = count.bound() {
            return Some(Moment { day: bound, clock: None, offset: None });
        }
        let is_known = |unit: NumberUnit| !self.has_other_days || unit != NumberUnit::Days;
        let plausible = |unit: &NumberUnit| is_known(*unit) && is_plausible(count, *unit, self.kind);
        let unit = self.unit.filter(plausible).or_else(|| {
            let mut others = NumberUnit::ALL.into_iter().filter(plausible);
            others.next().filter(|_| others.next().is_none())
        })?;
        match unit {
            NumberUnit::Digits => {}
            NumberUnit::Days => reasons.insert(Reason::DateSerial),
            _ => reasons.insert(Reason::DateEpoch),
        }
        let micros = count.micros(unit)?;
        let (day, clock) = (micros.div_euclid(Timestamp::DAY), micros.rem_euclid(Timestamp::DAY));
        let offset = if unit.is_local() { None } else { Some(0) };
        Some(Moment { day, clock: Some(clock).filter(|clock| *clock != 0 || offset.is_some()), offset })
    }
}

fn refused<T>(reason: Reason, reasons: &mut Reasons) -> DateRead<T> {
    *reasons = if reasons.contains(reason) { *reasons } else { reason.into() };
    DateRead::Refused
}

/// The zone of local times; UTC, counted, where none is known.
fn known(zone: Option<Zone>, reasons: &mut Reasons) -> Zone {
    zone.unwrap_or_else(|| {
        reasons.insert(Reason::ZoneUnknown);
        Zone::UTC
    })
}

/// The day of a moment: `1985-03-14T22:00:00Z` is midnight of the 15th in South Africa. `None` for years that no record has.
fn local_day(moment: &Moment, zone: impl Fn() -> Zone, reasons: &mut Reasons) -> Option<Day> {
    let micros = moment.micros()?;
    let written = i32::try_from(moment.day).ok().map(Day)?;
    let (Some(offset), Some(_)) = (moment.offset, moment.clock) else { return Some(written) };
    let local = zone().day(Timestamp(micros - offset));
    if local != written {
        reasons.insert(Reason::DateShifted);
    }
    Some(local)
}

fn full_year(year: i32, century: Century, reasons: &mut Reasons) -> i32 {
    reasons.insert(Reason::DateTwoDigitYear);
    let is_past = match century {
        Century::Born(latest) => 2000 + year > latest,
        Century::Pivot => year > PIVOT,
    };
    if is_past { 1900 + year } else { 2000 + year }
}

/// The same day `years` earlier; 29 February becomes 28 February where needed.
fn years_before(day: NaiveDate, years: i32) -> NaiveDate {
    let year = day.year() - years;
    day.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28)).unwrap_or(day)
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
mod tests;
