//! Dates and times in every form that databases, programs, spreadsheets and people use.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;

use crate::demo::random::Draws;
use crate::model::{Day, Timestamp};

/// Conventions of a whole column: a single cell does not tell day from month, or seconds from days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Convention {
    /// The month comes before the day where both are numbers.
    is_month_first: bool,
    /// A date that can only be month first was written, so that the others are read like it.
    is_proved: bool,
    /// What bare numbers count.
    unit: SerialUnit,
    /// Where times without an offset are local.
    zone: Tz,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SerialUnit {
    Digits,
    Days,
    Seconds,
    Milliseconds,
}

/// English, Afrikaans, German, Dutch and French months, in the order of the calendar.
const MONTHS: [&str; 5] = [
    "January February March April May June July August September October November December",
    "Januarie Februarie Maart April Mei Junie Julie Augustus September Oktober November Desember",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
];

impl Convention {
    /// Drawn once for a column.
    pub(super) fn draw(draws: &mut Draws, zone: Tz) -> Self {
        let unit = draws.weighted(&[
            (SerialUnit::Digits, 1),
            (SerialUnit::Days, 1),
            (SerialUnit::Seconds, 1),
            (SerialUnit::Milliseconds, 1),
        ]);
        Self { is_month_first: draws.chance(0.2), is_proved: false, unit, zone }
    }

    /// A day.
    pub(super) fn day(&mut self, draws: &mut Draws, day: Day) -> String {
        let Some(date) = day.date() else { return "infinity".to_owned() };
        let (year, month, number) = (date.year(), date.month(), date.day());
        match draws.below(21) {
            0..6 => date.to_string(),
            6 => format!("{year}/{month:02}/{number:02}"),
            7 => format!("{year}.{month}.{number}"),
            8 => self.numbers(date, "/", false),
            9 => self.numbers(date, ".", false),
            10 => self.numbers(date, "-", false),
            11 => self.numbers(date, "/", (1970..2025).contains(&year)),
            12 => format!("{number} {} {year}", month_name(draws, month)),
            13 => format!("{number:02}-{}-{year}", date.format("%b").to_string().to_uppercase()),
            14 => date.format("%B %-d, %Y").to_string(),
            15 => format!("{date} 00:00:00"),
            16 => format!("{date}T00:00:00"),
            17 => foreign_digits(draws, &date.to_string()),
            18 => format!("'{date}"),
            19 => date.format("%A, %-d %B %Y").to_string(),
            _ => self.count(date.and_time(NaiveTime::MIN), date.and_time(NaiveTime::MIN)),
        }
    }

    /// An instant of whole seconds.
    pub(super) fn instant(&mut self, draws: &mut Draws, at: Timestamp) -> String {
        let utc: DateTime<Utc> = at.utc();
        let local = utc.with_timezone(&self.zone).naive_local();
        let cape = utc.with_timezone(&offset(120));
        let date = local.date();
        match draws.below(30) {
            0..4 => local.format("%Y-%m-%d %H:%M:%S").to_string(),
            4..7 => utc.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            7 => utc.format("%Y-%m-%d %H:%M:%S+00").to_string(),
            8 => utc.with_timezone(&abroad(draws)).format("%Y-%m-%d %H:%M:%S%z").to_string(),
            9 => utc.with_timezone(&abroad(draws)).format("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            10 => utc.with_timezone(&abroad(draws)).format("%Y-%m-%d %H:%M:%S %:z").to_string(),
            11 => cape.format("%Y-%m-%d %H:%M:%S+02").to_string(),
            12 => local.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
            13 => utc.format("%Y-%m-%d %H:%M:%S,000000 UTC").to_string(),
            14 => local.format("%Y-%m-%d %-H:%M:%S").to_string(),
            15 => format!("{} {}", self.numbers(date, "/", false), local.format("%H:%M:%S")),
            16 => format!("{} {}", self.numbers(date, ".", false), local.format("%H:%M:%S")),
            17 => format!("{} {}", self.numbers(date, "/", false), local.format("%-I:%M:%S %p")),
            18 => local.format("%Y-%m-%d %I:%M:%S ").to_string() + if local.hour() < 12 { "a.m." } else { "p.m." },
            19 => utc.to_rfc2822(),
            20 => utc.format("%a %b %d %H:%M:%S UTC %Y").to_string(),
            21 => cape.format("%a %b %d %Y %H:%M:%S GMT+0200 (South Africa Standard Time)").to_string(),
            22 => cape.format("%Y-%m-%dT%H:%M:%S+02:00[Africa/Johannesburg]").to_string(),
            23 => cape.format("%Y-%m-%d %H:%M:%S SAST").to_string(),
            24 => cape.format("%Y-%m-%d %H:%M:%S Africa/Johannesburg").to_string(),
            25 => format!("{} {} {}", date.day(), month_name(draws, date.month()), local.format("%Y %H:%M:%S")),
            26 => foreign_digits(draws, &utc.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
            27 => utc.format("%Y%m%dT%H%M%SZ").to_string(),
            28 => format!("\u{a0}{}\u{200b}", local.format("%Y-%m-%d %H:%M:%S")),
            _ => self.count(local, utc.naive_utc()),
        }
    }

    /// Day, month and year as numbers; ISO 8601 where the column would be read otherwise.
    fn numbers(&mut self, date: NaiveDate, separator: &str, is_short: bool) -> String {
        if self.is_month_first && date.day() <= 12 && !self.is_proved {
            return date.to_string();
        }
        self.is_proved = true;
        let (day, month) = (date.day(), date.month());
        let (first, second) = if self.is_month_first { (month, day) } else { (day, month) };
        let year = if is_short { date.format("%y").to_string() } else { date.year().to_string() };
        format!("{first:02}{separator}{second:02}{separator}{year}")
    }

    fn count(&self, local: NaiveDateTime, utc: NaiveDateTime) -> String {
        match self.unit {
            SerialUnit::Digits if local.time() == NaiveTime::MIN => local.format("%Y%m%d").to_string(),
            SerialUnit::Digits => local.format("%Y%m%d%H%M%S").to_string(),
            SerialUnit::Days => {
                let epoch = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default();
                let days = local.date().signed_duration_since(epoch).num_days();
                let seconds = local.time().num_seconds_from_midnight();
                if seconds == 0 { days.to_string() } else { format!("{:.8}", days as f64 + f64::from(seconds) / 86_400.0) }
            }
            SerialUnit::Seconds => utc.and_utc().timestamp().to_string(),
            SerialUnit::Milliseconds => utc.and_utc().timestamp_millis().to_string(),
        }
    }
}

/// Whether the number of seconds (or of their thousandths) since 1970 is a midnight of a person's life in the next unit, too: alone in a
/// column, neither unit is certain. Midnights of all zones are quarters of an hour.
pub(super) fn has_two_units(day: Day) -> bool {
    const QUARTERS_A_DAY: i32 = 96;
    day.0.abs() < 60 || day.0 * QUARTERS_A_DAY % 1_000 == 0
}

fn offset(minutes: i32) -> FixedOffset {
    FixedOffset::east_opt(minutes * 60).expect("less than a day")
}

fn abroad(draws: &mut Draws) -> FixedOffset {
    offset(draws.weighted(&[(0, 2), (60, 2), (120, 3), (330, 1), (-210, 1), (-300, 1), (765, 1)]))
}

fn month_name(draws: &mut Draws, month: u32) -> String {
    let names = draws.pick(&MONTHS);
    names.split(' ').nth(month as usize - 1).unwrap_or_default().to_owned()
}

/// The digits of another script.
fn foreign_digits(draws: &mut Draws, text: &str) -> String {
    let zero = draws.weighted(&[('\u{ff10}', 2), ('\u{660}', 1), ('\u{6f0}', 1)]);
    let digit = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(u32::from(zero) + digit));
    text.chars().map(|c| digit(c).unwrap_or(c)).collect()
}

/// Cells that are not a date of a person: rejected, never read as another day.
pub(super) const BROKEN: &[&str] = &[
    "soon",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "2024-13-45",
    "2023-02-29",
    "31/04/2020",
    "00/00/0000",
    "1900-01-00",
    "2024-06-01 25:61:00",
    "1e30",
    "1.5e-2147483648",
    "99999999999999999999",
    "-9223372036854775808",
    "1e999999999",
    "2024-06",
    "?",
    "12:30",
    "infinity BC",
    "999999-12-31 BC",
    "2024-06-01T09:00:00+99:99",
    "=TODAY()",
    "#REF!",
    "#######",
];
