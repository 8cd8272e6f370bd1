//! Time zones: converts between local time of a tenant and UTC.

use chrono::{Datelike, Duration, LocalResult, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use crate::model::reason::{Reason, Reasons};
use crate::model::{Day, Timestamp};

/// A time zone of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// UTC, for tenants without a configured zone.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of an IANA name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The same in any case: Oracle writes `AFRICA/JOHANNESBURG`.
    pub fn parse_in_any_case(name: &str) -> Option<Self> {
        Self::parse(name).or_else(|| {
            let same = |zone: &&Tz| zone.name().eq_ignore_ascii_case(name);
            chrono_tz::TZ_VARIANTS.iter().find(same).copied().map(Self)
        })
    }

    /// The instant of a local time that was stored as if it were UTC. A time that exists twice takes the earlier offset, one
    /// that does not exist the offset before the gap.
    pub fn instant(self, naive: Timestamp, reasons: &mut Reasons) -> Timestamp {
        if self == Self::UTC {
            return naive;
        }
        Timestamp(self.offset_from(naive.utc().naive_utc(), reasons).map_or(naive.0, |offset| naive.0 - offset))
    }

    /// Local midnight at the start of a day.
    pub fn midnight(self, day: Day, reasons: &mut Reasons) -> Timestamp {
        self.instant(day.start_utc(), reasons)
    }

    /// The day that an instant falls on in this zone.
    pub fn day(self, at: Timestamp) -> Day {
        Day::from_date(at.utc().with_timezone(&self.0).date_naive())
    }

    fn offset_from(self, local: NaiveDateTime, reasons: &mut Reasons) -> Option<i64> {
        use chrono::Offset;
        let micros = |offset: chrono_tz::TzOffset| i64::from(offset.fix().local_minus_utc()) * 1_000_000;
        match self.0.offset_from_local_datetime(&local) {
            LocalResult::Single(offset) => Some(micros(offset)),
            LocalResult::Ambiguous(earlier, _) => {
                reasons.insert(Reason::TimeAmbiguous);
                Some(micros(earlier))
            }
            LocalResult::None => {
                reasons.insert(Reason::TimeGap);
                // No gap is longer than a day, so the day before has the offset that the gap ended.
                let before = local.checked_sub_signed(Duration::hours(24))?;
                self.0.offset_from_local_datetime(&before).earliest().map(micros)
            }
        }
    }
}

/// Plausible years. Dates outside are what programs write for none (`0001-01-01`, `1753-01-01`, `1899-12-30`, `9999-12-31`), or typing
/// errors: members of today were not alive before.
const YEARS: std::ops::RangeInclusive<i32> = 1901..=9998;

/// The instant as staged: in whole milliseconds; `None` for infinities and implausible years.
pub fn staged(at: Timestamp, reasons: &mut Reasons) -> Option<Timestamp> {
    if !at.is_finite() {
        reasons.insert(Reason::TimeInfinite);
        return None;
    }
    let rounded = at.round_to_millis();
    if !YEARS.contains(&rounded.utc().year()) {
        reasons.insert(Reason::TimeOutOfRange);
        return None;
    }
    Some(rounded)
}

/// The day as staged; `None` for infinities and implausible years.
pub fn staged_day(day: Day, reasons: &mut Reasons) -> Option<Day> {
    if !day.is_finite() {
        reasons.insert(Reason::DateInfinite);
        return None;
    }
    if day.date().is_none_or(|date| !YEARS.contains(&date.year())) {
        reasons.insert(Reason::TimeOutOfRange);
        return None;
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(zone: &str, naive: &str) -> (String, Reasons) {
        let mut reasons = Reasons::default();
        let at = Zone::parse(zone).unwrap().instant(Timestamp::parse(naive).unwrap(), &mut reasons);
        (at.to_string(), reasons)
    }

    #[test]
    fn south_africa_is_two_hours_ahead_all_year() {
        assert_eq!(instant("Africa/Johannesburg", "2024-07-01 00:30:00").0, "2024-06-30T22:30:00.000Z");
        assert_eq!(instant("Africa/Johannesburg", "2024-01-01 00:30:00").0, "2023-12-31T22:30:00.000Z");
    }

    #[test]
    fn london_follows_summer_time_and_the_rule_for_its_gap_and_overlap() {
        assert_eq!(instant("Europe/London", "2024-01-15 12:00:00").0, "2024-01-15T12:00:00.000Z");
        assert_eq!(instant("Europe/London", "2024-07-15 12:00:00").0, "2024-07-15T11:00:00.000Z");
        let (gap, reasons) = instant("Europe/London", "2024-03-31 01:30:00");
        assert_eq!(gap, "2024-03-31T01:30:00.000Z");
        assert!(reasons.contains(Reason::TimeGap));
        let (overlap, reasons) = instant("Europe/London", "2024-10-27 01:30:00");
        assert_eq!(overlap, "2024-10-27T00:30:00.000Z");
        assert!(reasons.contains(Reason::TimeAmbiguous));
    }

    #[test]
    fn infinities_and_impossible_years_are_null_and_counted() {
        let mut reasons = Reasons::default();
        assert_eq!(staged(Timestamp::INFINITY, &mut reasons), None);
        assert_eq!(staged_day(Day::NEG_INFINITY, &mut reasons), None);
        assert_eq!(staged(Timestamp(-80_000_000_000_000_000), &mut reasons), None);
        assert!(reasons.iter().eq([Reason::DateInfinite, Reason::TimeInfinite, Reason::TimeOutOfRange]));
    }
}
