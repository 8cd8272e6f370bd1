//! Resolves the dates of a rule to instants and days, relative to as_of in the tenant's time zone.

use chrono::{Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::model::{Day, Timestamp};
use crate::segment_rule::rule::{Ago, Snap, Span, SpanUnit, When};

/// as_of and the time zone of a tenant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// The point in time that the run is evaluated at.
    pub as_of: Timestamp,
    /// The tenant's zone.
    pub zone: Tz,
}

/// A half-open interval in microseconds or days: the first value is included, the second is not.
pub type Interval = (i64, i64);

impl Clock {
    /// as_of as local time of the tenant.
    fn now(&self) -> NaiveDateTime {
        self.as_of.utc().with_timezone(&self.zone).naive_local()
    }

    /// The local day of an instant.
    pub fn day(&self, at: Timestamp) -> Day {
        Day::from_date(at.utc().with_timezone(&self.zone).date_naive())
    }

    /// The local day of as_of.
    pub fn today(&self) -> Day {
        self.day(self.as_of)
    }

    /// The instant of a local time: the earlier one if it exists twice; moved by the gap if clocks jump over it.
    fn instant(&self, local: NaiveDateTime) -> i64 {
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.timestamp_micros(),
            MappedLocalTime::None => {
                let day_before = local - TimeDelta::days(1);
                let offset = match self.zone.from_local_datetime(&day_before) {
                    MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                        at.naive_local().signed_duration_since(at.naive_utc())
                    }
                    MappedLocalTime::None => TimeDelta::zero(),
                };
                (local - offset).and_utc().timestamp_micros()
            }
        }
    }

    fn midnight(&self, date: NaiveDate) -> i64 {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// as_of moved by a span; days and longer units follow the local calendar.
    fn shifted(&self, span: Span) -> NaiveDateTime {
        let now = self.now();
        let amount = span.amount.unsigned_abs();
        let moved = match span.unit {
            SpanUnit::Second | SpanUnit::Hour => {
                let seconds = i64::from(span.amount) * if span.unit == SpanUnit::Hour { 3600 } else { 1 };
                let at = Timestamp(self.as_of.0 + seconds * 1_000_000);
                Some(at.utc().with_timezone(&self.zone).naive_local())
            }
            SpanUnit::Day | SpanUnit::Week => {
                let days = Days::new(u64::from(amount) * if span.unit == SpanUnit::Week { 7 } else { 1 });
                if span.amount < 0 { now.checked_sub_days(days) } else { now.checked_add_days(days) }
            }
            SpanUnit::Month | SpanUnit::Year => {
                let months = Months::new(amount.saturating_mul(if span.unit == SpanUnit::Year { 12 } else { 1 }));
                if span.amount < 0 { now.checked_sub_months(months) } else { now.checked_add_months(months) }
            }
        };
        moved.expect("spans are limited to a thousand years when they are read")
    }

    /// The instant of as_of moved by a span. Seconds and hours are exact even across a clock change.
    fn shifted_instant(&self, span: Span) -> i64 {
        match span.unit {
            SpanUnit::Second => self.as_of.0 + i64::from(span.amount) * 1_000_000,
            SpanUnit::Hour => self.as_of.0 + i64::from(span.amount) * 3_600_000_000,
            _ => self.instant(self.shifted(span)),
        }
    }

    /// The microseconds that a moment covers.
    pub fn instants(&self, when: When) -> Interval {
        match when {
            When::Day(day) => self.days_as_instants(self.days(When::Day(day))),
            When::Instant(at) => (at.0, at.0 + 1),
            When::Local(local) => {
                let at = self.instant(local_time(local));
                (at, at + 1)
            }
            When::Relative(span, None) => {
                let at = self.shifted_instant(span);
                (at, at + 1)
            }
            When::Relative(_, Some(_)) => self.days_as_instants(self.days(when)),
        }
    }

    fn days_as_instants(&self, (first, end): Interval) -> Interval {
        (self.midnight(date(first)), self.midnight(date(end)))
    }

    /// The days that a moment covers.
    pub fn days(&self, when: When) -> Interval {
        let one = |day: i64| (day, day + 1);
        match when {
            When::Day(day) => one(i64::from(day.0)),
            When::Instant(at) => one(i64::from(self.day(at).0)),
            When::Local(local) => one(i64::from(Day::from_date(local_time(local).date()).0)),
            When::Relative(span, None) => one(i64::from(Day::from_date(self.shifted(span).date()).0)),
            When::Relative(span, Some(snap)) => {
                let first = snap_down(self.shifted(span).date(), snap);
                let end = match snap {
                    Snap::Day => first + Days::new(1),
                    Snap::Week => first + Days::new(7),
                    Snap::Month => first + Months::new(1),
                    Snap::Year => first + Months::new(12),
                };
                (number(first), number(end))
            }
        }
    }

    /// The earliest instant within this time span before as_of.
    pub fn ago_instant(&self, ago: Ago) -> i64 {
        self.instants(When::Relative(ago.span, ago.snap)).0
    }

    /// The earliest day within this time span before as_of.
    pub fn ago_day(&self, ago: Ago) -> i64 {
        self.days(When::Relative(ago.span, ago.snap)).0
    }
}

fn snap_down(date: NaiveDate, snap: Snap) -> NaiveDate {
    match snap {
        Snap::Day => date,
        Snap::Week => date - Days::new(u64::from(date.weekday().num_days_from_monday())),
        Snap::Month => date.with_day(1).expect("every month has a first day"),
        Snap::Year => date.with_ordinal(1).expect("every year has a first day"),
    }
}

fn local_time(local: i64) -> NaiveDateTime {
    Timestamp(local).utc().naive_utc()
}

/// The date of a day number within a thousand years of a real date.
fn date(day: i64) -> NaiveDate {
    i32::try_from(day).ok().and_then(|day| Day(day).date()).expect("dates of rules lie between the years 1 and 9999")
}

fn number(date: NaiveDate) -> i64 {
    i64::from(Day::from_date(date).0)
}

/// Days of the year (month × 100 + day) whose anniversary falls between two days, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anniversaries {
    /// Whether the span covers a whole year, so that every day has its anniversary in it.
    pub all: bool,
    /// The first day: 1122 is 22 November.
    pub from: i32,
    /// The last day; smaller than the first when the span crosses the year's end.
    pub to: i32,
    /// Whether 29 February has its anniversary in the span: on the day itself, or on 28 February of a common year.
    pub leap_day: bool,
    /// The time zone of the days.
    pub zone: Tz,
    /// The day of as_of. Only earlier days can have an anniversary.
    pub before: i64,
}

impl Anniversaries {
    /// The anniversaries from today on for a span.
    pub fn of(clock: &Clock, span: Span) -> Self {
        let first = clock.today().date().expect("as_of is a real instant");
        let last = clock.shifted(span).date();
        let all = (last - first).num_days() >= 365;
        let mut day = first;
        let mut leap_day = all;
        while !all && day <= last {
            let is_last_of_february = (day.month(), day.day()) == (2, 28) && !day.leap_year();
            leap_day |= is_last_of_february || (day.month(), day.day()) == (2, 29);
            day = day + Days::new(1);
        }
        Self { all, from: month_day(first), to: month_day(last), leap_day, zone: clock.zone, before: number(first) }
    }

    /// Whether a day has its anniversary in the span.
    pub fn include(&self, day: Day) -> bool {
        let Some(date) = day.date() else { return false };
        if i64::from(day.0) >= self.before {
            return false;
        }
        let of_year = month_day(date);
        self.all
            || match of_year {
                229 => self.leap_day,
                _ if self.from <= self.to => (self.from..=self.to).contains(&of_year),
                _ => of_year >= self.from || of_year <= self.to,
            }
    }
}

fn month_day(date: NaiveDate) -> i32 {
    i32::try_from(date.month() * 100 + date.day()).expect("at most 1231")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(as_of: &str, zone: Tz) -> Clock {
        Clock { as_of: Timestamp::parse(as_of).unwrap(), zone }
    }

    fn shown(at: i64) -> String {
        Timestamp(at).to_string()
    }

    fn ago(amount: i32, unit: SpanUnit, snap: Option<Snap>) -> When {
        When::Relative(Span { amount: -amount, unit }, snap)
    }

    #[test]
    fn a_day_begins_at_local_midnight() {
        let johannesburg = clock("2026-11-22T23:30:00Z", Tz::Africa__Johannesburg);
        assert_eq!(johannesburg.today().to_string(), "2026-11-23");
        let (from, until) = johannesburg.instants(ago(0, SpanUnit::Day, Some(Snap::Day)));
        assert_eq!((shown(from), shown(until)), ("2026-11-22T22:00:00.000Z".into(), "2026-11-23T22:00:00.000Z".into()));
    }

    #[test]
    fn days_keep_the_wall_clock_over_a_clock_change_and_hours_do_not() {
        let london = clock("2026-10-26T09:00:00Z", Tz::Europe__London);
        assert_eq!(shown(london.instants(ago(1, SpanUnit::Day, None)).0), "2026-10-25T09:00:00.000Z");
        assert_eq!(shown(london.instants(ago(2, SpanUnit::Day, None)).0), "2026-10-24T08:00:00.000Z");
        assert_eq!(shown(london.instants(ago(48, SpanUnit::Hour, None)).0), "2026-10-24T09:00:00.000Z");
    }

    #[test]
    fn months_and_years_clamp_to_the_end_of_the_month() {
        let utc = clock("2028-03-31T00:00:00Z", Tz::UTC);
        assert_eq!(shown(utc.instants(ago(1, SpanUnit::Month, None)).0), "2028-02-29T00:00:00.000Z");
        let leap = clock("2028-02-29T00:00:00Z", Tz::UTC);
        assert_eq!(shown(leap.instants(ago(1, SpanUnit::Year, None)).0), "2027-02-28T00:00:00.000Z");
    }

    #[test]
    fn a_snap_rounds_down_to_monday_the_first_or_january() {
        let utc = clock("2026-11-22T10:00:00Z", Tz::UTC);
        let first = |snap| shown(utc.instants(ago(0, SpanUnit::Day, Some(snap))).0);
        assert_eq!(first(Snap::Week), "2026-11-16T00:00:00.000Z");
        assert_eq!(first(Snap::Month), "2026-11-01T00:00:00.000Z");
        assert_eq!(first(Snap::Year), "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_time_that_clocks_jump_over_moves_by_the_gap() {
        let london = clock("2026-03-30T00:30:00Z", Tz::Europe__London);
        assert_eq!(shown(london.instants(ago(1, SpanUnit::Day, None)).0), "2026-03-29T01:30:00.000Z");
    }

    #[test]
    fn leap_birthdays_fall_on_28_february_in_common_years() {
        let born = |text: &str| Day::from_date(text.parse().unwrap());
        let week = Span { amount: 7, unit: SpanUnit::Day };
        let common = Anniversaries::of(&clock("2027-02-21T12:00:00Z", Tz::UTC), week);
        assert!(common.include(born("2004-02-29")));
        let leap = Anniversaries::of(&clock("2028-02-21T12:00:00Z", Tz::UTC), week);
        assert!(!leap.include(born("2004-02-29")) && leap.include(born("2004-02-28")));
        let crossing = Anniversaries::of(&clock("2026-12-28T12:00:00Z", Tz::UTC), week);
        assert!(crossing.include(born("1990-12-28")) && crossing.include(born("1990-01-04")));
        assert!(!crossing.include(born("1990-01-05")) && !crossing.include(born("1990-12-27")));
        assert!(!crossing.include(born("2026-12-28")), "the day itself is not an anniversary");
        let year = Anniversaries::of(&clock("2026-12-28T12:00:00Z", Tz::UTC), Span { amount: 1, unit: SpanUnit::Year });
        assert!(year.include(born("2004-02-29")) && year.include(born("1999-07-01")));
    }
}
