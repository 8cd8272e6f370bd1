//! Dates and times written as bare numbers. The unit is decided once for a whole column.

use std::ops::Range;

use super::calendar::{days_from_civil, is_day_of_calendar};

/// Microseconds of one day.
const DAY: i128 = 86_400_000_000;
/// Days from 1899-12-30, where spreadsheets count from, to 1970.
const SPREADSHEET_EPOCH: i128 = 25_569;
/// Smallest number that counts as a spreadsheet's day (1927-05-18); smaller ones are years, ages or typing errors.
const FIRST_DAY: i128 = 10_000;
/// Midnights of all zones are multiples of a quarter of an hour, in microseconds.
const QUARTER: i128 = 900_000_000;

/// What a number of one is counted in: a day of a spreadsheet may have ten decimals.
const ONE: i128 = 1_000_000_000_000;

/// A decimal number in parts of [`ONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) struct Count(i128);

/// The unit of a column's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum NumberUnit {
    /// Digits of a date: `19751231` or `19751231093000`.
    Digits,
    /// A spreadsheet's days, with the time of day behind the point.
    Days,
    /// Since 1970.
    Seconds,
    /// Since 1970.
    Milliseconds,
    /// Since 1970.
    Microseconds,
    /// Tenths of microseconds since the year 1, as .NET counts.
    Ticks,
    /// Since 1970.
    Nanoseconds,
}

impl NumberUnit {
    /// Every unit, the coarsest first.
    pub(in crate::model) const ALL: [Self; 7] =
        [Self::Digits, Self::Days, Self::Seconds, Self::Milliseconds, Self::Microseconds, Self::Ticks, Self::Nanoseconds];

    /// Whether the number is local time, as people and spreadsheets have it, rather than an instant.
    pub(in crate::model) fn is_local(self) -> bool {
        matches!(self, Self::Digits | Self::Days | Self::Ticks)
    }
}

impl Count {
    /// `157766400`, `-94694400000`, `42156.375`, `42156,375`, `1.577664E8`.
    pub(in crate::model) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => (true, mantissa),
            None => (false, mantissa),
        };
        let (integer, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if integer.is_empty() || integer.len() > 20 || !digits(integer) || fraction.len() > 17 || !digits(fraction) {
            return None;
        }
        // Larger exponents are not times in any unit, and the sums below cannot overflow.
        if !(-40..=20).contains(&exponent) {
            return None;
        }
        let whole = integer.bytes().chain(fraction.bytes()).fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        let shift = exponent - i32::try_from(fraction.len()).ok()? + 12;
        let parts = if shift >= 0 {
            whole.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?
        } else {
            whole / 10_i128.checked_pow(shift.unsigned_abs())?
        };
        Some(Self(if negative { -parts } else { parts }))
    }

    /// Whether it counts nothing.
    pub(in crate::model) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Microseconds since 1970 when the number counts in a unit; for [`NumberUnit::Digits`] and days, of local time.
    pub(in crate::model) fn micros(self, unit: NumberUnit) -> Option<i64> {
        let micros = match unit {
            NumberUnit::Digits => return self.digits(),
            // The fraction of a day is not exact, so it is rounded to the millisecond.
            NumberUnit::Days => {
                let micros = (self.0 - SPREADSHEET_EPOCH * ONE).checked_mul(DAY / 1_000_000)? / (ONE / 1_000_000);
                (micros + 500).div_euclid(1_000) * 1_000
            }
            NumberUnit::Seconds => self.0.div_euclid(ONE / 1_000_000),
            NumberUnit::Milliseconds => self.0.div_euclid(ONE / 1_000),
            NumberUnit::Microseconds => self.0.div_euclid(ONE),
            NumberUnit::Ticks => self.0.div_euclid(ONE * 10) + i128::from(days_from_civil(1, 1, 1)) * DAY,
            NumberUnit::Nanoseconds => self.0.div_euclid(ONE * 1_000),
        };
        i64::try_from(micros).ok()
    }

    /// The day, if the number is the first or the last moment that programs can write: the year 1 or the last day of 9999.
    pub(in crate::model) fn bound(self) -> Option<i64> {
        let last = days_from_civil(9_999, 12, 31);
        let day_in = |unit: NumberUnit| self.micros(unit).map(|micros| micros.div_euclid(86_400_000_000));
        // Local midnight of the last day may be the evening before in UTC.
        let is_last = |unit: &NumberUnit| day_in(*unit).is_some_and(|day| day == last || day == last - 1);
        let is_first = |unit: &NumberUnit| day_in(*unit) == Some(days_from_civil(1, 1, 1));
        let units = [NumberUnit::Digits, NumberUnit::Days, NumberUnit::Seconds, NumberUnit::Milliseconds, NumberUnit::Ticks];
        if units.iter().any(is_last) {
            return Some(last);
        }
        units[2..4].iter().any(is_first).then(|| days_from_civil(1, 1, 1))
    }

    /// Whether the number is a whole number of microseconds in a unit.
    fn is_exact(self, unit: NumberUnit) -> bool {
        match unit {
            NumberUnit::Digits | NumberUnit::Days => true,
            NumberUnit::Seconds => self.0 % (ONE / 1_000_000) == 0,
            NumberUnit::Milliseconds => self.0 % (ONE / 1_000) == 0,
            NumberUnit::Microseconds => self.0 % ONE == 0,
            NumberUnit::Ticks => self.0 % (ONE * 10) == 0,
            NumberUnit::Nanoseconds => self.0 % (ONE * 1_000) == 0,
        }
    }

    fn digits(self) -> Option<i64> {
        let number = u64::try_from(self.0 / ONE).ok().filter(|_| self.0 % ONE == 0)?;
        let (date, time) = match number {
            10_000_101..=99_991_231 => (number, 0),
            10_000_101_000_000..=99_991_231_235_959 => (number / 1_000_000, number % 1_000_000),
            _ => return None,
        };
        let part = |value: u64| u32::try_from(value).ok();
        let (year, month, day) = (i32::try_from(date / 10_000).ok()?, part(date / 100 % 100)?, part(date % 100)?);
        let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
        if !is_day_of_calendar(year, month, day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = i64::try_from((hour * 60 + minute) * 60 + second).ok()?;
        Some((days_from_civil(year, month, day) * 86_400 + seconds) * 1_000_000)
    }

    /// Whether a column of such values could mean this number in a unit: a plausible year, and for whole days a midnight.
    pub(in crate::model) fn is_plausible(self, unit: NumberUnit, years: Range<i32>, is_whole_day: bool) -> bool {
        let [start, end] = [years.start, years.end].map(|year| i128::from(days_from_civil(year, 1, 1)) * DAY);
        let micros = self.micros(unit).filter(|_| unit != NumberUnit::Days || self.0 >= FIRST_DAY * ONE).map(i128::from);
        let is_midnight = |micros: i128| micros % QUARTER == 0 && self.is_exact(unit);
        micros.is_some_and(|micros| (start..end).contains(&micros) && (!is_whole_day || is_midnight(micros)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn at(text: &str, unit: NumberUnit) -> String {
        Count::parse(text).and_then(|count| count.micros(unit)).map_or("none".to_owned(), |at| Timestamp(at).to_string())
    }

    #[test]
    fn a_number_is_what_its_unit_says() {
        for (text, unit, expected) in [
            ("157766400", NumberUnit::Seconds, "1975-01-01T00:00:00.000Z"),
            ("-94694400000", NumberUnit::Milliseconds, "1967-01-01T00:00:00.000Z"),
            ("157766400000000000", NumberUnit::Nanoseconds, "1975-01-01T00:00:00.000Z"),
            ("157766400.0", NumberUnit::Seconds, "1975-01-01T00:00:00.000Z"),
            ("1.577664E+08", NumberUnit::Seconds, "1975-01-01T00:00:00.000Z"),
            ("42156.375", NumberUnit::Days, "2015-06-01T09:00:00.000Z"),
            ("42156,375", NumberUnit::Days, "2015-06-01T09:00:00.000Z"),
            ("45415.50260417", NumberUnit::Days, "2024-05-03T12:03:45.000Z"),
            ("19751231", NumberUnit::Digits, "1975-12-31T00:00:00.000Z"),
            ("20150601090000", NumberUnit::Digits, "2015-06-01T09:00:00.000Z"),
            ("635687460000000000", NumberUnit::Ticks, "2015-06-01T09:00:00.000Z"),
            ("19751331", NumberUnit::Digits, "none"),
            ("1e999", NumberUnit::Seconds, "none"),
            ("1e20", NumberUnit::Days, "none"),
            ("99999999999999999999e20", NumberUnit::Days, "none"),
            ("1.5e-2147483648", NumberUnit::Days, "none"),
            ("1.5e2147483647", NumberUnit::Days, "none"),
        ] {
            assert_eq!(at(text, unit), expected, "{text} as {unit:?}");
        }
    }

    #[test]
    fn a_birth_is_a_midnight_in_exactly_one_unit() {
        let units = |text: &str| -> Vec<NumberUnit> {
            let count = Count::parse(text).unwrap();
            NumberUnit::ALL.into_iter().filter(|unit| count.is_plausible(*unit, 1900..2038, true)).collect()
        };
        assert_eq!(units("157766400"), [NumberUnit::Seconds]);
        assert_eq!(units("189216000000"), [NumberUnit::Milliseconds]);
        assert_eq!(units("-94694400000"), [NumberUnit::Milliseconds]);
        assert_eq!(units("2332800000"), [NumberUnit::Milliseconds]);
        assert_eq!(units("31121"), [NumberUnit::Days]);
        assert_eq!(units("19751231"), [NumberUnit::Digits]);
        assert_eq!(units("7"), []);
    }
}
