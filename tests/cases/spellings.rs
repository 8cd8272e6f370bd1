//! Other spellings of the cases: what the readers of cells make of them, each beside the number of its case.

use crm_backfill::model::date::{Birth, DateKind, DateProfile, DateRead};
use crm_backfill::model::email::EmailReader;
use crm_backfill::model::name::NameReader;
use crm_backfill::model::phone::{PhoneReader, PhoneRegion};
use crm_backfill::model::text::whole;
use crm_backfill::model::zone::Zone;
use crm_backfill::model::{Day, Reasons, Reference, Timestamp};

/// What a column of one cell gives in a zone.
fn instant(raw: &str, zone: &str) -> String {
    let mut column = DateProfile::of(DateKind::Time);
    column.see(raw);
    let rules = column.rules(None).unwrap();
    match rules.instant(raw, Zone::parse(zone), &mut Reasons::default()) {
        DateRead::Absent => "absent".to_owned(),
        DateRead::Value(at) => at.to_string().replace(".000Z", "Z"),
        DateRead::Refused => "refused".to_owned(),
        DateRead::Unreadable => "unreadable".to_owned(),
    }
}

#[test]
fn instants_in_other_spellings_of_2_and_9() {
    for (case, raw, expected) in [
        ("2.1", "2015-06-01 00:30:00+02", "2015-05-31T22:30:00Z"),
        ("2.1", "2015-06-01T00:30:00.000+0200", "2015-05-31T22:30:00Z"),
        ("2.1", "2015-05-31 22:30:00+00", "2015-05-31T22:30:00Z"),
        ("2.1", "2015-06-01 00:30:00 Africa/Johannesburg", "2015-05-31T22:30:00Z"),
        ("2.2", "2015-06-01 09:00:00 +02", "2015-06-01T07:00:00Z"),
        ("2.2", "2015-06-01T09:00:00+05:30", "2015-06-01T03:30:00Z"),
        ("2.2", "2015-06-01T09:00:00-0330", "2015-06-01T12:30:00Z"),
        ("2.2", "2015-06-01 09:00:00 UTC+2", "2015-06-01T07:00:00Z"),
        ("2.2", "2015-06-01 09:00:00 GMT", "2015-06-01T09:00:00Z"),
        ("2.2", "2015-07-01 09:00:00 Europe/London", "2015-07-01T08:00:00Z"),
        ("2.2", "2015-06-01 09:00:00+02 ", "2015-06-01T07:00:00Z"),
        ("2.2", "20150601T090000+0200", "2015-06-01T07:00:00Z"),
        ("2.2", "Mon, 1 Jun 2015 09:00:00 +0200", "2015-06-01T07:00:00Z"),
        ("2.2", "Mon Jun  1 09:00:00 SAST 2015", "2015-06-01T07:00:00Z"),
        ("2.2", "2015-06-01 09:00:00 +0200 SAST", "2015-06-01T07:00:00Z"),
        ("2.2", "2015-06-01T09:00:00z", "2015-06-01T09:00:00Z"),
        ("2.1", "01-JUN-15 12.30.00.000000 AM AFRICA/JOHANNESBURG", "2015-05-31T22:30:00Z"),
        ("2.2", "2015-06-01 09:00:00 South Africa Standard Time", "2015-06-01T07:00:00Z"),
        ("2.2", "2015-06-01 07:00:00 Zulu", "2015-06-01T07:00:00Z"),
        ("2.2", "Mon 01 Jun 09:00:00 2015 SAST", "2015-06-01T07:00:00Z"),
        ("2.2", "20150601090000+0200", "2015-06-01T07:00:00Z"),
        ("2.2", "20150601070000.0Z", "2015-06-01T07:00:00Z"),
        ("2.3", "1753-01-01 00:00:00.000", "refused"),
        ("2.3", "1899-12-30", "refused"),
        ("2.3", "1/1/1900 12:00:00 AM", "refused"),
        ("2.3", "1970-01-01 00:00:00", "refused"),
        ("2.3", "1970-01-01T00:00:00Z", "refused"),
        ("2.3", "99991231", "refused"),
        ("2.3", "2958465", "refused"),
        ("2.3", "253402300799", "refused"),
        ("2.3", "-62135596800000", "refused"),
        ("2.3", "0001-01-01T00:00:00+00:00", "refused"),
        ("2.3", "0001-01-01", "refused"),
        ("2.3", "9999-12-31T23:59:59.999Z", "refused"),
        ("2.3", "0044-03-15 00:00:00 BC", "refused"),
        ("2.3", "infinity", "refused"),
        ("2.3", "-infinity", "refused"),
        ("2.3", "294276-12-31 23:59:59.999999+00", "refused"),
        ("2.5", "1/6/2015 9:00", "2015-06-01T07:00:00Z"),
        ("2.5", "01.06.2015 09:00:00", "2015-06-01T07:00:00Z"),
        ("2.5", "01-06-15 09:00", "2015-06-01T07:00:00Z"),
        ("2.5", "1 Junie 2015 09:00", "2015-06-01T07:00:00Z"),
        ("2.5", "1 juin 2015 09h00", "2015-06-01T07:00:00Z"),
        ("2.5", "1. M\u{e4}rz 2015, 09:00 Uhr", "2015-03-01T07:00:00Z"),
        ("2.5", "01/06/2015 9:00 a.m.", "2015-06-01T07:00:00Z"),
        ("2.5", "01/06/2015 9:00 P.M.", "2015-06-01T19:00:00Z"),
        ("2.5", "01/06/2015 12:00 am", "2015-05-31T22:00:00Z"),
        ("2.5", "01/06/2015 12:30 PM", "2015-06-01T10:30:00Z"),
        ("2.5", "01/06/2015 00:15 AM", "2015-05-31T22:15:00Z"),
        ("2.5", "Jun  1 2015  9:00:00:000AM", "2015-06-01T07:00:00Z"),
        ("2.5", "1. 6. 2015 9:00", "2015-06-01T07:00:00Z"),
        ("2.5", "2015. 06. 01. 9:00", "2015-06-01T07:00:00Z"),
        ("2.5", "01 / 06 / 2015\n09:00", "2015-06-01T07:00:00Z"),
        ("2.5", "2015:06:01 09:00:00", "2015-06-01T07:00:00Z"),
        ("2.5", "2015 06 01 09:00", "2015-06-01T07:00:00Z"),
        ("2.5", "1-VI-2015 09:00", "2015-06-01T07:00:00Z"),
        ("2.5", "Timestamp('2015-06-01 09:00:00')", "2015-06-01T07:00:00Z"),
        ("2.5", "#2015-06-01 09:00:00#", "2015-06-01T07:00:00Z"),
        ("2.6", "635687460000000000", "2015-06-01T07:00:00Z"),
        ("2.5", "2015-06-01 24:00", "2015-06-01T22:00:00Z"),
        ("2.5", "2015-06-01 24:00:00", "2015-06-01T22:00:00Z"),
        ("2.5", "2015-06-01 24:00:01", "unreadable"),
        ("2.5", "2015-06-01 25:00", "unreadable"),
        ("2.5", "42156", "2015-05-31T22:00:00Z"),
        ("2.5", "42156.375", "2015-06-01T07:00:00Z"),
        ("2.5", "42156,375", "2015-06-01T07:00:00Z"),
        ("2.5", "45415.50260417", "2024-05-03T10:03:45Z"),
        ("2.6", "1433142000", "2015-06-01T07:00:00Z"),
        ("2.6", "1433142000000", "2015-06-01T07:00:00Z"),
        ("2.6", "1433142000.5", "2015-06-01T07:00:00.500Z"),
        ("2.6", "1.433142E+09", "2015-06-01T07:00:00Z"),
        ("2.6", "1433142000000000", "2015-06-01T07:00:00Z"),
        ("2.6", "/Date(1433142000000+0200)/", "2015-06-01T07:00:00Z"),
        ("2.6", "1e30", "unreadable"),
        ("2.6", "1.5e-2147483648", "unreadable"),
        ("9.1", "2025-03-04 9:15:00", "2025-03-04T07:15:00Z"),
        ("9.1", "2025-3-4 9:5", "2025-03-04T07:05:00Z"),
        ("9.1", "2025-3-4 9:5:0", "2025-03-04T07:05:00Z"),
        ("9.1", "2025-03-04-09.15.00.000000", "2025-03-04T07:15:00Z"),
        ("9.1", "2025-03-04_09:15", "2025-03-04T07:15:00Z"),
        ("9.1", "{ts '2025-03-04 09:15:00'}", "2025-03-04T07:15:00Z"),
        ("9.1", "TIMESTAMP '2025-03-04 09:15:00'", "2025-03-04T07:15:00Z"),
        ("9.1", "{\"$date\":\"2025-03-04T07:15:00Z\"}", "2025-03-04T07:15:00Z"),
        ("2.6", "{\"$date\":{\"$numberLong\":\"1433142000000\"}}", "2015-06-01T07:00:00Z"),
        ("2.6", "new Date(1433142000000)", "2015-06-01T07:00:00Z"),
        ("9.1", "2025/03/04 9:15", "2025-03-04T07:15:00Z"),
        ("9.1", "2025-03-04 9.15", "2025-03-04T07:15:00Z"),
        ("9.1", "2025-03-04\u{a0}9:15", "2025-03-04T07:15:00Z"),
        ("9.1", "\u{feff}2025-03-04 9:15", "2025-03-04T07:15:00Z"),
        ("9.1", "\u{662}\u{660}\u{662}\u{665}-03-04 09:15", "2025-03-04T07:15:00Z"),
        ("9.1", "=\"2025-03-04 9:15\"", "2025-03-04T07:15:00Z"),
        ("9.1", "0000-00-00 00:00:00", "refused"),
        ("9.1", "00/00/0000", "unreadable"),
        ("9.1", "1900-01-00", "unreadable"),
        ("9.1", "2025-02-30", "unreadable"),
        ("9.1", "########", "unreadable"),
        ("9.1", "-", "unreadable"),
        ("9.1", "yes", "unreadable"),
        ("9.1", "NULL", "absent"),
        ("9.1", "\\N", "absent"),
        ("9.1", " \t", "absent"),
        ("9.1", "\u{200b}", "absent"),
        ("9.1", "<null>", "absent"),
        ("9.1", "[NULL]", "absent"),
    ] {
        assert_eq!(instant(raw, "Africa/Johannesburg"), expected, "{case} {raw:?}");
    }
    for (raw, expected) in [
        ("2019-10-27 01:30:00", "2019-10-27T00:30:00Z"),
        ("2019-03-31 01:30:00", "2019-03-31T01:30:00Z"),
        ("2019-07-01 09:00", "2019-07-01T08:00:00Z"),
        ("2019-07-01 09:00 BST", "2019-07-01T08:00:00Z"),
        ("2019-07-01 09:00 GMT", "2019-07-01T09:00:00Z"),
    ] {
        assert_eq!(instant(raw, "Europe/London"), expected, "{raw}");
    }
}

/// 2.7: what no calendar has proves no order.
#[test]
fn an_impossible_day_beside_month_first_dates_is_one_unreadable_cell() {
    let mut column = DateProfile::of(DateKind::Time);
    ["12/31/2015", "31/04/2020", "01/02/2015"].iter().for_each(|raw| column.see(raw));
    let rules = column.rules(None).unwrap();
    let read = |raw: &str| rules.instant(raw, Some(Zone::UTC), &mut Reasons::default());
    assert_eq!(read("01/02/2015"), DateRead::Value(Timestamp::parse("2015-01-02").unwrap()));
    assert_eq!(read("31/04/2020"), DateRead::Unreadable);
}

/// 2.6, 2.7: what a column proves about its short dates and its numbers.
#[test]
fn a_column_shows_the_place_of_a_short_year_and_the_unit_of_its_numbers() {
    let junk = Reference::committed().junk;
    let birth = Birth { zone: Zone::UTC, as_of: Timestamp::parse("2025-12-01").unwrap().day(), created_on: None };
    for (cells, days) in [
        (["75-12-31", "15-06-01", "68/01/02"], ["1975-12-31", "2015-06-01", "1968-01-02"]),
        (["31-12-75", "15-06-01", "02/01/68"], ["1975-12-31", "2001-06-15", "1968-01-02"]),
        (["623134080000000000", "630822816000000000", "620000352000000000"], ["1975-08-21", "2000-01-01", "1965-09-15"]),
        // Days since 1970 are not read, also not the one that could be a day of a spreadsheet.
        (["2190", "-1000", "10000"], ["none", "none", "none"]),
    ] {
        let mut column = DateProfile::of(DateKind::Birth);
        cells.iter().for_each(|cell| column.see(cell));
        let rules = column.rules(None).unwrap();
        let read = |cell: &str| rules.birth(cell, birth, &junk, &mut Reasons::default());
        let born = cells.map(|cell| read(cell).map_or("none".to_owned(), |day: Day| day.to_string()));
        assert_eq!(born, days, "{cells:?}");
    }
}

#[test]
fn births_in_other_spellings_of_2() {
    let junk = Reference::committed().junk;
    let zone = Zone::parse("Africa/Johannesburg").unwrap();
    let birth = Birth { zone, as_of: Timestamp::parse("2025-12-01").unwrap().day(), created_on: None };
    for (raw, expected) in [
        ("1975-12-31 00:00+02", "1975-12-31"),
        ("1975-12-30T22:00:00Z", "1975-12-31"),
        ("1975-12-31T00:00:00", "1975-12-31"),
        ("31/12/75", "1975-12-31"),
        ("31-12-1975", "1975-12-31"),
        ("31 Desember 1975", "1975-12-31"),
        ("31. Dezember 1975", "1975-12-31"),
        ("31 d\u{e9}cembre 1975", "1975-12-31"),
        ("31 de dezembro de 1975", "1975-12-31"),
        ("31DEC75", "1975-12-31"),
        ("Dec 31 1975", "1975-12-31"),
        ("19751231", "1975-12-31"),
        ("1975.12.31.", "1975-12-31"),
        ("27759", "1975-12-31"),
        ("27759.0", "1975-12-31"),
        ("189216000", "1975-12-31"),
        ("189216000000", "1975-12-31"),
        ("-94694400", "1967-01-01"),
        ("1975-12-31 24:00:00", "1975-12-31"),
        ("1900-01-00", "none"),
        ("1900-01-01", "none"),
        ("0", "none"),
        ("31/12/2031", "none"),
        ("1875-12-31", "none"),
        ("29/02/1975", "none"),
        ("31/12", "none"),
        ("1975", "none"),
        ("circa 1975", "none"),
        ("0000-00-00", "none"),
        ("1e30", "none"),
    ] {
        let mut column = DateProfile::of(DateKind::Birth);
        column.see(raw);
        let born = column.rules(None).unwrap().birth(raw, birth, &junk, &mut Reasons::default());
        assert_eq!(born.map_or("none".to_owned(), |day: Day| day.to_string()), expected, "{raw}");
    }
}

#[test]
fn emails_in_other_spellings_of_3() {
    let junk = Reference::committed().junk;
    let mut reader = EmailReader::default();
    for (case, raw, expected) in [
        ("3.1", "john smith@gmail.com", ""),
        ("3.1", "smith, john smith@gmail.com", ""),
        ("3.1", "Mr smith@gmail.com", ""),
        ("3.1", "john\tsmith@gmail.com", ""),
        ("3.1", "john\u{2003}smith@gmail.com", ""),
        ("3.1", "john%20smith@gmail.com", ""),
        ("3.1", "john&nbsp;smith@gmail.com", ""),
        ("3.1", "not smith@gmail.com", ""),
        ("3.2", "lee,ann@mail.test", ""),
        ("3.2", "lee;ann@mail.test", ""),
        ("3.2", "lee|ann@mail.test", "lee|ann@mail.test"),
        ("3.2", "lee/ann@mail.test", "lee/ann@mail.test"),
        ("3.2", "ann@mail,test", ""),
        ("3.2", "ann\u{2022}lee@mail.test", ""),
        ("3.2", "ann@mail.test@bob@mail.test", ""),
        ("3.3", "#mailto:ann@mail.test#", "ann@mail.test"),
        ("3.3", "ann@mail.test#MAILTO:ann@mail.test#", "ann@mail.test"),
        ("3.3", "mailto:ann@mail.test?cc=bob@mail.test", "ann@mail.test"),
        ("3.3", "MailTo: ann@mail.test", "ann@mail.test"),
        ("3.3", "Email: ann@mail.test", "ann@mail.test"),
        ("3.3", "e-pos : ann@mail.test", "ann@mail.test"),
        ("3.3", "e-posadres: ann@mail.test", "ann@mail.test"),
        ("3.3", "email=ann@mail.test", "ann@mail.test"),
        ("3.3", "mailto://ann@mail.test", "ann@mail.test"),
        ("3.3", "ann@mail.test#http://ann@mail.test#", "ann@mail.test"),
        ("3.3", "https://mail.test/ann@mail.test", ""),
        ("3.3", "ann&commat;mail&period;test", "ann@mail.test"),
        ("3.3", "\\tann@mail.test\\r\\n", "ann@mail.test"),
        ("3.1", "ann@mail.test\\nbob@mail.test", "ann@mail.test bob@mail.test"),
        ("3.1", "john\\nsmith@gmail.com", ""),
        ("3.4", "\u{ff41}\u{ff4e}\u{ff4e}\u{ff20}\u{ff4d}ail.test", "ann@mail.test"),
        ("3.3", "\"ann\"@mail.test", "ann@mail.test"),
        ("3.3", "\"ann lee\"@mail.test", "\"ann lee\"@mail.test"),
        ("3.3", "Ann Lee <Ann@Mail.Test>", "ann@mail.test"),
        ("3.3", "\u{201c}Ann\u{201d} <ann@mail.test>", "ann@mail.test"),
        ("3.3", "\u{201c}ann@mail.test\u{201d}", "ann@mail.test"),
        ("3.3", "ann@mail.test...", "ann@mail.test"),
        ("3.3", "ann@mail.test\r\n", "ann@mail.test"),
        ("3.3", "ann@mail.test, bob@mail.test", "ann@mail.test bob@mail.test"),
        ("3.3", "ann@mail.test\nbob@mail.test", "ann@mail.test bob@mail.test"),
        ("3.3", "ann@mail.test bob@mail.test", "ann@mail.test bob@mail.test"),
        ("3.3", "ann@mail.test;n/a", "ann@mail.test"),
        ("3.3", "SMTP:ann@mail.test;smtp:bob@mail.test", "ann@mail.test bob@mail.test"),
        ("3.3", "mailto:ann@mail.test, mailto:bob@mail.test", "ann@mail.test bob@mail.test"),
        ("3.3", "'ann'@mail.test", "ann@mail.test"),
        ("3.3", "\u{2018}ann\u{2019}@mail.test", "ann@mail.test"),
        ("3.3", "Ann Lee (ann@mail.test)", "ann@mail.test"),
        ("3.3", "Ann Lee [ann@mail.test]", "ann@mail.test"),
        ("3.1", "john smith (smith@gmail.com", ""),
        ("3.1", "smith@x (ann@mail.test)", ""),
        ("3.3", "ann@mail.test##", "ann@mail.test"),
        ("3.3", "Ann#ann@mail.test#", "ann@mail.test"),
        ("3.1", "john smith@gmail.com#ann@mail.test#", ""),
        ("3.3", "{ann@mail.test,bob@mail.test}", "ann@mail.test bob@mail.test"),
        ("3.3", "E-mail address (work): ann@mail.test", "ann@mail.test"),
        ("3.3", "w=lee@mail.test", "w=lee@mail.test"),
        ("3.3", "ann[at]mail.test", ""),
        ("3.3", "ann@mail", ""),
        ("3.3", "ann.mail.test", ""),
        ("3.3", "ann@mail..test", ""),
        ("3.3", ".ann@mail.test", "ann@mail.test"),
        ("3.4", "Ann@M\u{dc}LLER.test", "ann@m\u{fc}ller.test"),
        ("3.4", "n/a", ""),
        ("3.4", "none@none.com", ""),
        ("3.4", "{ann}@mail.test", "{ann}@mail.test"),
    ] {
        let mut reasons = Reasons::default();
        let found = reader.read(raw, &junk, &mut reasons);
        let values: Vec<&str> = found.iter().map(|address| address.value.as_str()).collect();
        assert_eq!(values.join(" "), expected, "{case} {raw:?}");
    }
    let mut key = |raw: &str| reader.read(raw, &junk, &mut Reasons::default()).first().map(|address| address.key.clone());
    for (one, other) in [
        ("ann@m\u{fc}ller.test", "ann@XN--MLLER-KVA.test"),
        ("ann@m\u{75}\u{308}ller.test", "ann@xn--mller-kva.test"),
        ("ann@m\u{fc}ller\u{3002}test", "ann@xn--mller-kva.test"),
        ("o\u{2019}brien@mail.test", "o'brien@mail.test"),
        ("O\u{2bc}Brien@mail.test", "o'brien@mail.test"),
        ("o&apos;brien@mail.test", "o'brien@mail.test"),
        ("o\\'brien@mail.test", "o'brien@mail.test"),
        ("a.n.n@gmail.com", "ann+golf@googlemail.com"),
    ] {
        assert_eq!(key(one), key(other), "3.4 {one} {other}");
        assert!(key(one).is_some(), "{one}");
    }
    assert_ne!(key("ann_lee@mail.test"), key("ann.lee@mail.test"), "11.6");
}

#[test]
fn phones_in_other_spellings_of_3_and_12() {
    let junk = Reference::committed().junk;
    let [za, gb] = ["ZA", "GB"].map(|code| PhoneRegion::parse(code).unwrap());
    let mut reader = PhoneReader::new([za, gb]);
    for (case, home, raw, expected) in [
        ("3.5", Some(za), "082 12345", ""),
        ("3.5", Some(za), "0821234", ""),
        ("3.5", Some(za), "082-123-456", ""),
        ("3.5", Some(za), "+27 82 123 456", ""),
        ("3.5", Some(za), "27821234", ""),
        ("3.6", Some(gb), "07911 12345", "+27791112345?"),
        ("3.6", Some(gb), "07911-12345", "+27791112345?"),
        ("3.6", Some(za), "079 555 12345", "+447955512345?"),
        ("3.6", Some(za), "07955512345", "+447955512345?"),
        ("3.7", Some(za), "0821234567 0831234567", "+27821234567 +27831234567"),
        ("3.7", Some(za), "082 123 4567 & 083 123 4567", "+27821234567 +27831234567"),
        ("3.7", Some(za), "082 123 4567 en 083 123 4567", "+27821234567 +27831234567"),
        ("3.7", Some(za), "0821234567/0831234567", "+27821234567 +27831234567"),
        ("3.7", Some(za), "0821234567,0831234567", "+27821234567 +27831234567"),
        ("3.7", Some(za), "H: 011 784 1234 C: 082 123 4567", "+27117841234 +27821234567"),
        ("3.7", Some(za), "0821234567\n0831234567", "+27821234567 +27831234567"),
        ("12.1", Some(za), "(073) 956-4316.0", "+27739564316"),
        ("12.1", Some(za), "+27 79 986 5145.0", "+27799865145"),
        ("12.1", Some(za), "27739564316.00", "+27739564316"),
        ("12.1", Some(za), "739564316.0", "+27739564316"),
        ("12.1", Some(za), "2.7739564316E+10", "+27739564316"),
        ("12.1", Some(za), "073.956.4316.0", "+27739564316"),
        ("12.1", Some(za), "073 956 4316 .0", "+27739564316"),
        ("3.7", Some(za), "0821234567:0831234567", "+27821234567 +27831234567"),
        ("3.7", Some(za), "0821234567 \u{2022} 0831234567", "+27821234567 +27831234567"),
        ("12.1", Some(za), "2.77E+10", ""),
        ("12.5", Some(za), "0817391O53", ""),
        ("12.5", Some(za), "O817391053", ""),
        ("12.5", Some(za), "08l7391053", ""),
        ("12.5", Some(za), "082 FLOWERS", ""),
        ("12.6", None, "076/5887985", "+27765887985"),
        ("12.6", None, "076-588-7985", "+27765887985"),
        ("12.6", None, "076 588/7985", "+27765887985"),
        ("12.9", Some(za), "0012127242035", "+12127242035"),
        ("12.9", Some(za), "00 1 212 724 2035", "+12127242035"),
        ("12.9", Some(za), "+1 (212) 724-2035", "+12127242035"),
        ("11.3", None, "07950087349", "+447950087349"),
        ("3.5", Some(gb), "+44 (0) 7950 087349", "+447950087349"),
        ("3.5", Some(gb), "+44(0)7950087349", "+447950087349"),
        ("3.5", Some(gb), "0044 (0)7950 087349", "+447950087349"),
        ("3.5", Some(gb), "0044 7950 087349", "+447950087349"),
        ("3.5", Some(gb), "44 7950 087349", "+447950087349"),
        ("3.5", Some(gb), "7950087349", "+447950087349"),
        ("3.5", Some(gb), "07950 087349 ext 12", "+447950087349"),
        ("3.5", Some(gb), "07950 087349 x12", "+447950087349"),
        ("3.5", Some(gb), "07950 087349#12", "+447950087349"),
        ("3.5", Some(gb), "\u{660}\u{667}\u{669}\u{665}\u{660}\u{660}\u{668}\u{667}\u{663}\u{664}\u{669}", "+447950087349"),
        ("3.5", Some(gb), "\u{966}\u{96d}\u{96f}\u{96b}\u{966}\u{966}\u{96e}\u{96d}\u{969}\u{96a}\u{96f}", "+447950087349"),
        ("3.5", Some(gb), "tel:+44-7950-087349", "+447950087349"),
        ("3.5", Some(gb), "'07950087349", "+447950087349"),
        ("3.5", Some(gb), "=\"07950087349\"", "+447950087349"),
        ("3.5", Some(gb), "(wife) 07950 087349", "+447950087349"),
        ("3.5", Some(za), "+ 27 82 123 4567", "+27821234567"),
        ("3.5", Some(za), "++27821234567", "+27821234567"),
        ("3.5", Some(za), "082\u{a0}123\u{2011}4567", "+27821234567"),
        ("3.5", Some(za), "082.123.4567", "+27821234567"),
        ("3.5", Some(za), "0000000000", ""),
        ("3.5", Some(za), "1234567890", ""),
        ("3.5", Some(za), "n/a", ""),
    ] {
        let mut reasons = Reasons::default();
        let found = reader.read(raw, home, home.is_some(), &junk, &mut reasons);
        let shown = |phone: &crm_backfill::model::phone::Phone| {
            format!("{}{}", phone.number.as_str(), if phone.is_key { "" } else { "?" })
        };
        assert_eq!(found.iter().map(shown).collect::<Vec<_>>().join(" "), expected, "{case} {raw:?}");
    }
}

#[test]
fn names_in_other_spellings_of_4_and_11() {
    let junk = Reference::committed().junk;
    let mut reader = NameReader::default();
    for (case, first, last, expected) in [
        ("4.1", "Mr & Mrs", "Roe", "- Roe"),
        ("4.1", "Mr and Mrs.", "Roe", "- Roe"),
        ("4.1", "Mnr. en Mev.", "Roe", "- Roe"),
        ("4.1", "MR/MRS", "Roe", "- Roe"),
        ("4.1", "Dr + Mrs", "Roe", "- Roe"),
        ("4.2", "Mr", "Lee", "- Lee"),
        ("4.2", "MR.", "Lee", "- Lee"),
        ("4.2", "Prof Dr", "Lee", "- Lee"),
        ("4.3", "Mr. John", "Lee", "John Lee"),
        ("4.3", "Dr.John", "Lee", "John Lee"),
        ("4.5", "Se&aacute;n", "O&#039;Brien", "Se\u{e1}n O'Brien"),
        ("4.5", "John", "O&#x27;Brien", "John O'Brien"),
        ("4.5", "John", "O\\'Brien", "John O'Brien"),
        ("4.5", "John", "Smith &amp; Sons", "John Smith & Sons"),
        ("4.5", "John", "Smith &amp;amp; Sons", "John Smith & Sons"),
        ("4.5", "John", "O%27Brien", "John O'Brien"),
        ("11.8", "null", "null", "- -"),
        ("11.8", "XXX", "XXX", "- -"),
        ("11.8", "Online", "Booking", "- -"),
        ("11.8", "=CONCAT(A1,B1)", "Lee", "- Lee"),
        ("11.8", "#VALUE!", "#REF!", "- -"),
        ("11.8", "undefined", "undefined", "- -"),
        ("11.8", "false", "[object Object]", "- -"),
        ("11.8", "Test", "User", "- -"),
        ("11.8", "Player", "2", "- -"),
        ("11.8", "Ann@Mail.test", "Lee", "- Lee"),
        ("4.1", "Mr or Mrs", "Roe", "- Roe"),
        ("4.1", "Mr - Mrs", "Roe", "- Roe"),
        ("4.1", "Mr, Mrs", "Roe", "- Roe"),
        ("4.1", "Sir and Lady", "Roe", "- Roe"),
        ("4.1", "Mr Y", "Roe", "Y Roe"),
        ("4.1", "Mr Or", "Roe", "Or Roe"),
        ("4.3", "John (Mr)", "Lee", "John Lee"),
        ("4.3", "John", "Lee, Mr", "John Lee"),
        ("4.3", "Kim Hon", "Lee", "Kim Hon Lee"),
        ("4.5", "Mart\u{c3}\u{ad}n", "Garc\u{c3}\u{ad}a", "Mart\u{ed}n Garc\u{ed}a"),
        ("4.5", "\u{c3}\u{81}lvaro", "O\u{e2}\u{80}\u{99}Brien", "\u{c1}lvaro O\u{2019}Brien"),
        ("4.5", "&Oslash;yvind", "O&#39Brien", "\u{d8}yvind O'Brien"),
        ("11.8", "(blank)", "(blank)", "- -"),
        ("11.8", "To be advised", "", "- -"),
        ("4.2", "Herr", "Lee", "- Lee"),
        ("4.2", "Reverend", "Lee", "- Lee"),
        ("11.8", "\u{feff}John", "Lee\u{200b}", "John Lee"),
    ] {
        let name = reader.read(Some(first), Some(last), None, &junk, &mut [Reasons::default(); 2]);
        assert_eq!(format!("{} {}", name.first.unwrap_or("-"), name.last.unwrap_or("-")), expected, "{case} {first:?} {last:?}");
    }
}

#[test]
fn ids_and_words_in_other_spellings_of_6_and_9() {
    for (raw, expected) in [
        ("17.0", "17"),
        ("17,00", "17"),
        ("\u{feff}17", "17"),
        ("17\u{200b}", "17"),
        ("'17", "17"),
        ("=\"17\"", "17"),
        ("1,017", "1017"),
        ("1.7E1", "17"),
        ("\u{ff11}\u{ff17}", "17"),
        ("\u{661}\u{667}", "17"),
        ("\u{ff11}\u{ff17}.0", "17"),
        ("\t17\r\n", "17"),
        ("007", "007"),
        ("1e3", "1e3"),
        ("17.5", "17.5"),
        ("17.", "17"),
        ("1\u{2019}017", "1017"),
        ("a-7", "a-7"),
    ] {
        assert_eq!(whole(raw), expected, "6.3 {raw:?}");
    }
    let reference = Reference::committed();
    for (words, meaning) in [
        (
            "true TRUE t T yes yep allow subscribe Y on 1 01 1.0 -1 ja Ja JA j wahr oui Oui si s\u{ed} S\u{cd} sim yebo ewe opted-in OPT_IN subscribed granted \u{ff11}",
            Some(true),
        ),
        (
            "false FALSE f F no nope aowa deny revoke unsubscribe stopped suppressed do-not-email no-thanks N off 0 00 0.0 nee Nee nein non n\u{e3}o N\u{c3}O cha hayi opted-out OPT_OUT unsubscribed STOP revoked \
             withdrawn never blocked \u{ff10}",
            Some(false),
        ),
        ("2 perhaps x neex jaa maybe yes/no y/n opted tru", None),
    ] {
        for word in words.split_whitespace() {
            assert_eq!(reference.boolean(word), meaning, "6.5 {word}");
        }
    }
}
