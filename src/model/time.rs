//! Instants, days and handicaps as the datasets hold them: plain integers with a meaning.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in UTC, microseconds since 1970. Staged instants are whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// PostgreSQL's `infinity`, kept in raw datasets only.
    pub const INFINITY: Self = Self(i64::MAX);
    /// PostgreSQL's `-infinity`, kept in raw datasets only.
    pub const NEG_INFINITY: Self = Self(-i64::MAX);
    /// Microseconds of one day.
    pub const DAY: i64 = 86_400_000_000;

    /// Whether the instant is not an infinity.
    pub fn is_finite(self) -> bool {
        self != Self::INFINITY && self != Self::NEG_INFINITY
    }

    /// Rounded to the millisecond as PostgreSQL rounds into `TIMESTAMP(3)`: half away from zero, counted from 2000.
    pub fn round_to_millis(self) -> Self {
        const EPOCH_2000: i64 = 946_684_800_000_000;
        if !self.is_finite() {
            return self;
        }
        let since_2000 = self.0 - EPOCH_2000;
        let rounded = if since_2000 >= 0 { (since_2000 + 500) / 1000 } else { -((500 - since_2000) / 1000) };
        Self(rounded * 1000 + EPOCH_2000)
    }

    /// This instant moved by whole days of 24 hours.
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0 + days * Self::DAY)
    }

    /// This instant moved back by calendar years in UTC; 29 February becomes 28 February.
    pub fn minus_years(self, years: i32) -> Self {
        let at = self.utc();
        let date = at.date_naive();
        let moved = date
            .with_year(date.year() - years)
            .unwrap_or_else(|| NaiveDate::from_ymd_opt(date.year() - years, 2, 28).expect("28 February exists"));
        Self(moved.and_time(at.time()).and_utc().timestamp_micros())
    }

    /// As chrono's instant, clamped to the range that chrono supports.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 > 0 {
            DateTime::<Utc>::MAX_UTC
        } else {
            DateTime::<Utc>::MIN_UTC
        })
    }

    /// The day it falls on in UTC.
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(Self::DAY)).expect("the days of 64-bit microseconds fit in 32 bits"))
    }

    /// Reads `2026-11-22T08:00:00Z`, with or without fraction or offset's colon, or a plain day (midnight UTC).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(at.timestamp_micros()));
        }
        if let Ok(at) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
            return Some(Self(at.and_utc().timestamp_micros()));
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(Self(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros()))
    }
}

/// As its text.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From its text.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an instant"))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::INFINITY => f.write_str("infinity"),
            Self::NEG_INFINITY => f.write_str("-infinity"),
            _ => write!(f, "{}", self.utc().format("%Y-%m-%dT%H:%M:%S%.3fZ")),
        }
    }
}

/// A calendar day without a time zone, days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// PostgreSQL's `infinity`, kept in raw datasets only.
    pub const INFINITY: Self = Self(i32::MAX);
    /// PostgreSQL's `-infinity`, kept in raw datasets only.
    pub const NEG_INFINITY: Self = Self(-i32::MAX);

    /// Whether the day is not an infinity.
    pub fn is_finite(self) -> bool {
        self != Self::INFINITY && self != Self::NEG_INFINITY
    }

    /// As chrono's date; `None` for the infinities and years beyond its range.
    pub fn date(self) -> Option<NaiveDate> {
        if !self.is_finite() {
            return None;
        }
        NaiveDate::from_num_days_from_ce_opt(self.0.checked_add(719_163)?)
    }

    /// From chrono's date.
    pub fn from_date(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - 719_163)
    }

    /// Midnight UTC at the start of the day.
    pub fn start_utc(self) -> Timestamp {
        Timestamp(i64::from(self.0) * Timestamp::DAY)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => f.write_str(if self.0 > 0 { "infinity" } else { "-infinity" }),
        }
    }
}

/// A handicap index in tenths; plus handicaps are negative (`+2.1` is −21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handicap(pub i32);

/// As a number with one decimal.
impl Serialize for Handicap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 10.0)
    }
}

impl std::fmt::Display for Handicap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", self.0.abs() / 10, self.0.abs() % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_milliseconds_half_away_from_2000() {
        let at = Timestamp::parse("2024-05-01T10:00:00.123500Z").unwrap();
        assert_eq!(at.round_to_millis().to_string(), "2024-05-01T10:00:00.124Z");
        let before_2000 = Timestamp::parse("1999-12-31T23:59:59.999500Z").unwrap();
        assert_eq!(before_2000.round_to_millis().to_string(), "1999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_leap_day_two_years_back_is_28_february() {
        let at = Timestamp::parse("2024-02-29T12:00:00Z").unwrap();
        assert_eq!(at.minus_years(2).to_string(), "2022-02-28T12:00:00.000Z");
    }

    #[test]
    fn a_plus_handicap_prints_as_a_negative_decimal() {
        assert_eq!(Handicap(-21).to_string(), "-2.1");
        assert_eq!(Handicap(540).to_string(), "54.0");
    }

    #[test]
    fn days_round_trip_through_chrono() {
        let day = Day::from_date(NaiveDate::from_ymd_opt(1985, 3, 15).unwrap());
        assert_eq!(day.to_string(), "1985-03-15");
        assert_eq!(Day(0).to_string(), "1970-01-01");
    }
}
