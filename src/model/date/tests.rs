//! Columns of dates and times: order, unit, zone, placeholders.

use super::*;
use crate::model::Reference;
use proptest::prelude::*;

fn rules(cells: &[&str]) -> Result<DateRules, MixedOrder> {
    let mut profile = DateProfile::default();
    cells.iter().for_each(|cell| profile.see(cell));
    profile.rules(None)
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
    let mixed = MixedOrder { day_first: 1, day_first_at: 1, month_first: 1, month_first_at: 2 };
    assert_eq!(rules(&["15/03/1985", "03/15/1985"]), Err(mixed));
}

#[test]
fn placeholders_are_dropped() {
    for raw in ["0000-00-00", "0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "01/01/1901", "9999-12-31"] {
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

#[test]
fn a_setting_decides_the_order_of_ambiguous_dates() {
    let mut profile = DateProfile::default();
    ["31/12/1975", "12/31/1975", "04/03/1985"].iter().for_each(|cell| profile.see(cell));
    let day_first = profile.rules(Some(DateOrder::DayFirst)).unwrap();
    for (raw, day) in [("31/12/1975", "1975-12-31"), ("12/31/1975", "1975-12-31"), ("04/03/1985", "1985-03-04")] {
        assert_eq!(read_with(day_first, raw, "UTC").0.as_deref(), Some(day), "{raw}");
    }
    let month_first = profile.rules(Some(DateOrder::MonthFirst)).unwrap();
    assert_eq!(read_with(month_first, "04/03/1985", "UTC").0.as_deref(), Some("1985-04-03"));
}

#[test]
fn the_unit_of_numbers_is_that_of_the_column() {
    let seconds = rules(&["157766400", "-94694400", "479692800"]).unwrap();
    assert_eq!(read_with(seconds, "157766400", "UTC"), (Some("1975-01-01".to_owned()), vec![Reason::DateEpoch]));
    assert_eq!(read_with(seconds, "-94694400", "UTC").0.as_deref(), Some("1967-01-01"));
    let milliseconds = rules(&["189216000000", "-94694400000", "86400000"]).unwrap();
    for (raw, day) in [("189216000000", "1975-12-31"), ("-94694400000", "1967-01-01"), ("86400000", "1970-01-02")] {
        assert_eq!(read_with(milliseconds, raw, "UTC").0.as_deref(), Some(day), "{raw}");
    }
    assert_eq!(read_with(rules(&["1975"]).unwrap(), "1975", "UTC"), (None, vec![Reason::DateInvalid]), "a year is not a day");
    let either = rules(&["-604800000", "1985-03-15"]).unwrap();
    assert_eq!(
        read_with(either, "-604800000", "UTC"),
        (None, vec![Reason::DateInvalid]),
        "1950 in seconds, 1969 in milliseconds"
    );
    let day = rules(&["36000"]).unwrap();
    assert_eq!(read_with(day, "36000", "UTC").0.as_deref(), Some("1998-07-24"), "ten o'clock of 1 January 1970 in seconds");
}

#[test]
fn the_limit_of_age_is_the_day_itself() {
    assert_eq!(read("1921-11-22").0.as_deref(), Some("1921-11-22"));
    assert_eq!(read("1921-11-21"), (None, vec![Reason::DateTooOld]), "105 years and a day");
    assert_eq!(years_before("2024-02-29".parse().unwrap(), 105).to_string(), "1919-02-28");
}

fn instant(cells: &[&str], raw: &str, zone: Option<&str>) -> (Option<String>, Vec<Reason>) {
    let mut profile = DateProfile::of(DateKind::Time);
    cells.iter().for_each(|cell| profile.see(cell));
    let mut reasons = Reasons::default();
    let zone = zone.map(|zone| Zone::parse(zone).unwrap());
    let read = profile.rules(None).unwrap().instant(raw, zone, &mut reasons);
    (read.value().map(|at| at.to_string()), reasons.iter().collect())
}

#[test]
fn an_offset_decides_and_only_naive_values_are_local() {
    let za = Some("Africa/Johannesburg");
    for (raw, zone, at) in [
        ("2015-06-01 09:00:00", za, "2015-06-01T07:00:00.000Z"),
        ("2015-06-01 09:00:00+02", za, "2015-06-01T07:00:00.000Z"),
        ("2015-06-01 09:00:00+00", za, "2015-06-01T09:00:00.000Z"),
        ("2015-06-01 09:00:00+05:30", za, "2015-06-01T03:30:00.000Z"),
        ("2015-06-01T09:00:00Z", Some("Europe/London"), "2015-06-01T09:00:00.000Z"),
        ("2015-06-01T09:00:00", Some("Europe/London"), "2015-06-01T08:00:00.000Z"),
        ("2019-10-27T01:30:00Z", Some("Europe/London"), "2019-10-27T01:30:00.000Z"),
        ("01/06/2015 09:00", za, "2015-06-01T07:00:00.000Z"),
        ("1433142000", za, "2015-06-01T07:00:00.000Z"),
        ("1433142000000", za, "2015-06-01T07:00:00.000Z"),
        ("42156.375", za, "2015-06-01T07:00:00.000Z"),
    ] {
        assert_eq!(instant(&[raw], raw, zone).0.as_deref(), Some(at), "{raw}");
    }
}

#[test]
fn implausible_years_are_rejected_before_and_after_the_shift() {
    for raw in
        ["0001-01-01 00:00:00", "0001-01-01", "9999-12-31 23:59:59", "10000-01-01", "294276-12-31 23:59:59", "0044-03-15 BC"]
    {
        assert_eq!(instant(&[], raw, Some("Africa/Johannesburg")), (None, vec![Reason::TimeOutOfRange]), "{raw}");
    }
    assert_eq!(instant(&[], "infinity", None), (None, vec![Reason::TimeInfinite]));
    assert_eq!(instant(&[], "soon", None), (None, vec![]), "the caller decides what follows");
}

#[test]
fn a_day_written_as_an_instant_is_the_day_in_the_zone() {
    let rules = DateProfile::of(DateKind::Day).rules(None).unwrap();
    let za = Zone::parse("Africa/Johannesburg");
    for (raw, expected) in [
        ("2019-12-31", "2019-12-31"),
        ("2019-12-30 22:00:00+00", "2019-12-31"),
        ("2019-12-31T00:00:00", "2019-12-31"),
        ("31/12/2019", "2019-12-31"),
        ("31-Dec-19", "2019-12-31"),
        ("43830", "2019-12-31"),
    ] {
        let read = rules.day(raw, za, &mut Reasons::default());
        assert_eq!(read.value().map(|day| day.to_string()).as_deref(), Some(expected), "{raw}");
    }
    assert_eq!(rules.day("infinity", za, &mut Reasons::default()), DateRead::Refused);
    assert_eq!(rules.day("whenever", za, &mut Reasons::default()), DateRead::Unreadable);
}

proptest! {
    #[test]
    fn a_read_date_reads_as_itself(raw in "[0-9]{1,4}[-/. ][0-9A-Za-z]{1,3}[-/. ][0-9]{1,4}") {
        if let (Some(once), _) = read(&raw) {
            prop_assert_eq!(read(&once).0, Some(once));
        }
    }
}
