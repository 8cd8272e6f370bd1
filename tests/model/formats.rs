//! Every junk value, number format and reason in the rules of the domain, one table each, through the parsers of staging.

use crm_backfill::model::association::AssociationNumber;
use crm_backfill::model::date::{Birth, DateProfile};
use crm_backfill::model::email::EmailReader;
use crm_backfill::model::handicap;
use crm_backfill::model::name::NameReader;
use crm_backfill::model::reference::JunkKind;
use crm_backfill::model::zone::Zone;
use crm_backfill::model::{AliasType, Code as _, Day, Effect, Handicap, Reason, Reasons, Reference};

/// Fails with every wrong line of a table, not only the first.
fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The value, the key, and the reasons of the first address of a cell.
fn email(raw: &str) -> (Option<String>, Option<String>, Reasons) {
    let mut reasons = Reasons::default();
    let mut reader = EmailReader::default();
    let addresses = reader.read(raw, &Reference::committed().junk, &mut reasons);
    let first = addresses.first();
    (first.map(|address| address.value.clone()), first.and_then(|address| address.key().map(str::to_owned)), reasons)
}

const JUNK_LOCALS: [&str; 22] = [
    "test",
    "noemail",
    "no-email",
    "noreply",
    "no-reply",
    "donotreply",
    "none",
    "na",
    "n/a",
    "unknown",
    "nomail",
    "nil",
    "null",
    "abc",
    "asdf",
    "xxx",
    "a",
    "temp",
    "dummy",
    "example",
    "changeme",
    "TEST",
];

#[test]
fn a_junk_local_part_is_empty_only_at_a_placeholder_domain() {
    let mut wrong = Vec::new();
    for local in JUNK_LOCALS {
        let (value, key, reasons) = email(&format!("{local}@club.test"));
        if value.is_none() || key.is_some() || !reasons.contains(Reason::EmailJunkLocal) {
            wrong.push(format!("{local} at a real domain: {value:?} {key:?}"));
        }
        for domain in ["email.com", "example.com", "noemail.co.za"] {
            let (value, _, reasons) = email(&format!("{local}@{domain}"));
            if value.is_some() || !reasons.contains(Reason::EmailPlaceholder) {
                wrong.push(format!("{local}@{domain}: {value:?} {reasons:?}"));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn placeholder_domains_are_nulled_with_any_local_part() {
    let mut wrong = Vec::new();
    let domains = [
        "example.com",
        "example.org",
        "example.net",
        "test.com",
        "noemail.com",
        "noemail.co.za",
        "none.com",
        "mailinator.com",
        "localhost",
    ];
    for domain in domains {
        let (value, _, reasons) = email(&format!("naledi.khumalo@{domain}"));
        if value.is_some() || !reasons.contains(Reason::EmailPlaceholder) {
            wrong.push(format!("{domain}: {value:?} {reasons:?}"));
        }
    }
    assert_none(wrong);
    let (value, _, reasons) = email("naledi@club");
    assert!(value.is_none() && reasons.contains(Reason::EmailInvalid), "a domain without a dot is none");
    assert_eq!(email("naledi@email.com").1.as_deref(), Some("naledi@email.com"), "a real provider's domain");
}

#[test]
fn an_office_email_is_a_value_and_not_a_key_at_any_domain() {
    let mut wrong = Vec::new();
    let offices =
        ["info", "admin", "office", "golf", "proshop", "reception", "bookings", "secretary", "manager", "accounts", "Info"];
    for office in offices {
        for domain in ["sandvlei-links.test", "gmail.com"] {
            let (value, key, reasons) = email(&format!("{office}@{domain}"));
            if value.is_none() || key.is_some() || !reasons.contains(Reason::EmailRole) {
                wrong.push(format!("{office}@{domain}: {value:?} {key:?}"));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn nothing_is_fixed_silently_and_dots_and_tags_keep_emails_apart() {
    assert_eq!(email("ann@gmial.com").0.as_deref(), Some("ann@gmial.com"), "a typing error is not ours to mend");
    assert_eq!(email("A.Lee+Golf@Mail.test").0.as_deref(), Some("a.lee+golf@mail.test"));
    assert_ne!(email("a.lee@mail.test").1, email("alee@mail.test").1, "dots count outside of Gmail");
}

#[test]
fn placeholders_for_names_are_dropped_each_in_any_case() {
    let junk = Reference::committed().junk;
    let read = |first: &str, last: &str| {
        let mut reasons = [Reasons::default(); 2];
        let mut reader = NameReader::default();
        let name = reader.read(Some(first), Some(last), Some("Sandvlei Links"), &junk, &mut reasons);
        (name.first.map(str::to_owned), name.last.map(str::to_owned), reasons)
    };
    let mut wrong = Vec::new();
    let names = [
        "test",
        "guest",
        "visitor",
        "visitor 1",
        "walk-in",
        "fourball",
        "member",
        "unknown",
        "tba",
        "tbc",
        "n/a",
        "-",
        ".",
        "x",
        "xx",
        "guest of Nkosi",
        "sandvlei links",
    ];
    for name in names {
        for spelled in [name.to_owned(), name.to_uppercase()] {
            let (first, last, reasons) = read(&spelled, "");
            if first.is_some() || last.is_some() || !reasons[0].contains(Reason::NameJunk) {
                wrong.push(format!("{spelled:?}: {first:?} {:?}", reasons[0]));
            }
        }
    }
    for name in ["Guest", "Test", "Member"] {
        if read("Naledi", name).1.as_deref() != Some(name) {
            wrong.push(format!("Naledi {name} is a person"));
        }
    }
    assert_none(wrong);
}

fn born(profile: &[&str], raw: &str) -> (Option<String>, Reasons) {
    let mut seen = DateProfile::default();
    profile.iter().for_each(|cell| seen.see(cell));
    let day = |text: &str| Day::from_date(text.parse().unwrap());
    let birth = Birth { zone: Zone::UTC, as_of: day("2026-11-22"), created_on: Some(day("2019-05-04")) };
    let mut reasons = Reasons::default();
    let read = seen.rules(None).unwrap().birth(raw, birth, &Reference::committed().junk, &mut reasons);
    (read.map(|day| day.to_string()), reasons)
}

#[test]
fn placeholders_for_births_are_dropped_each_with_its_reason() {
    let mut wrong = Vec::new();
    let births = [
        ("0000-00-00", Reason::DatePlaceholder),
        ("0001-01-01", Reason::DatePlaceholder),
        ("1753-01-01", Reason::DatePlaceholder),
        ("1899-12-30", Reason::DatePlaceholder),
        ("1899-12-31", Reason::DatePlaceholder),
        ("1900-01-01", Reason::DatePlaceholder),
        ("1901-01-01", Reason::DatePlaceholder),
        ("9999-12-31", Reason::DatePlaceholder),
        ("2026-11-23", Reason::DateFuture),
        ("1920-11-22", Reason::DateTooOld),
        ("2019-05-04", Reason::DateIsCreated),
    ];
    for (raw, reason) in births {
        let (read, reasons) = born(&[], raw);
        if read.is_some() || !reasons.contains(reason) {
            wrong.push(format!("{raw}: {read:?} {reasons:?}"));
        }
    }
    for suspect in ["1970-01-01", "2000-01-01"] {
        let rare: Vec<&str> = std::iter::repeat_n("1985-03-15", 996).chain([suspect; 4]).collect();
        let frequent: Vec<&str> = std::iter::repeat_n("1985-03-15", 994).chain([suspect; 6]).collect();
        if born(&rare, suspect).0.as_deref() != Some(suspect) || born(&frequent, suspect).0.is_some() {
            wrong.push(format!("{suspect}: a placeholder above 0.5 % of the column, a birthday below"));
        }
    }
    assert_none(wrong);
}

#[test]
fn placeholders_for_ids_are_not_association_numbers() {
    let reference = Reference::committed();
    for raw in ["0", "-1", "null", "none", "undefined", "anonymous", "NONE", "0000000000"] {
        let listed = reference.junk.has(JunkKind::Id, &raw.to_lowercase()) || raw.bytes().all(|byte| byte == b'0');
        assert!(listed, "{raw}");
        for kind in [AliasType::GolfRsaId, AliasType::CdhId, AliasType::McaId] {
            let mut reasons = Reasons::default();
            assert!(AssociationNumber::read(raw, Some(kind), &reference.junk, &mut reasons).is_none(), "{raw} as {kind}");
            assert!(reasons.iter().all(|reason| reason.effect() == Effect::Rejected), "{raw}: {reasons:?}");
        }
    }
}

#[test]
fn association_numbers_are_opaque_within_their_limits() {
    use AliasType::{CdhId, GolfRsaId};
    let junk = Reference::committed().junk;
    let read = |raw: &str, kind| {
        let mut reasons = Reasons::default();
        let number = AssociationNumber::read(raw, Some(kind), &junk, &mut reasons);
        (number.map(|number| number.as_str().to_owned()), reasons)
    };
    let mut wrong = Vec::new();
    let kept = [
        (GolfRsaId, "RSA-2024-12345", "RSA-2024-12345", None),
        (GolfRsaId, " rsa-2024 12345", "RSA-202412345", Some(Reason::NumberCleaned)),
        (GolfRsaId, "0012", "0012", None),
        (GolfRsaId, "12345678901234567890", "12345678901234567890", None),
        (CdhId, "1001234567", "1001234567", None),
        (CdhId, "6001234567", "6001234567", None),
        (CdhId, "100 123 4567", "1001234567", Some(Reason::NumberCleaned)),
        (CdhId, "12345678", "12345678", Some(Reason::CdhLength)),
        (CdhId, "123456789", "123456789", Some(Reason::CdhLength)),
    ];
    for (kind, raw, number, noted) in kept {
        let (read, reasons) = read(raw, kind);
        if read.as_deref() != Some(number) || !reasons.iter().eq(noted) {
            wrong.push(format!("{kind} {raw}: {read:?} {reasons:?}"));
        }
    }
    let refused = [
        (GolfRsaId, "123", Reason::NumberInvalid),
        (GolfRsaId, "123456789012345678901", Reason::NumberInvalid),
        (GolfRsaId, "RSA_2024", Reason::NumberInvalid),
        (CdhId, "1234567", Reason::NumberInvalid),
        (CdhId, "12345678901", Reason::NumberInvalid),
        (CdhId, "CDH1234567", Reason::NumberInvalid),
        (CdhId, "1.00123E+09", Reason::NumberScientific),
        (GolfRsaId, "0002295000083", Reason::NationalId),
        (CdhId, "000229 5000 083", Reason::NationalId),
    ];
    for (kind, raw, reason) in refused {
        let (read, reasons) = read(raw, kind);
        if read.is_some() || !reasons.contains(reason) {
            wrong.push(format!("{kind} {raw}: {read:?} {reasons:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn every_sentinel_and_marker_of_a_handicap_has_its_reason() {
    let read = |raw: &str| {
        let mut reasons = Reasons::default();
        (handicap::read(raw, &mut reasons), reasons)
    };
    let mut wrong = Vec::new();
    for raw in ["99", "99.9", "999", "54.1", "-1", "NH", "N/A", "NR", "SUS", "PRO", "nh", "n/a"] {
        let (index, reasons) = read(raw);
        if index.is_some() || !reasons.contains(Reason::HandicapSentinel) {
            wrong.push(format!("{raw}: {index:?} {reasons:?}"));
        }
    }
    let kept = [
        ("12.4*", 124, Some(Reason::HandicapMarker)),
        ("*12.4", 124, Some(Reason::HandicapMarker)),
        ("12.4L", 124, Some(Reason::HandicapMarker)),
        ("12.4 r", 124, Some(Reason::HandicapMarker)),
        ("12,4", 124, Some(Reason::HandicapComma)),
        ("+2.1", -21, Some(Reason::HandicapPlus)),
        ("-2.1", -21, Some(Reason::HandicapSignAssumed)),
        ("54.0", 540, None),
        ("0.0", 0, None),
        ("-10.0", -100, Some(Reason::HandicapSignAssumed)),
    ];
    for (raw, tenths, reason) in kept {
        let (index, reasons) = read(raw);
        if index != Some(Handicap(tenths)) || !reasons.iter().eq(reason) {
            wrong.push(format!("{raw}: {index:?} {reasons:?}"));
        }
    }
    for (raw, reason) in [
        ("12.4N", Reason::HandicapNotComparable),
        ("12.4J", Reason::HandicapNotComparable),
        ("-10.1", Reason::HandicapOutOfRange),
        ("54.2", Reason::HandicapOutOfRange),
        ("62", Reason::HandicapOutOfRange),
    ] {
        let (index, reasons) = read(raw);
        if index.is_some() || !reasons.contains(reason) {
            wrong.push(format!("{raw}: {index:?} {reasons:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn every_code_of_the_format_rules_exists_or_is_mapped() {
    let page = include_str!("../../docs/codes.md");
    for code in [
        "PHONE_SCIENTIFIC",
        "PHONE_ZERO_RESTORED",
        "PHONE_STRATEGY_ONLY",
        "PHONE_INVALID",
        "HANDICAP_SIGN_ASSUMED",
        "NATIONAL_ID_IN_FIELD",
        "STATUS_UNMAPPED",
        "BOOKING_STATUS_UNMAPPED",
        "MESSAGE_STATUS_UNMAPPED",
    ] {
        let reason = Reason::from_code(code).unwrap_or_else(|| panic!("{code} is not a reason"));
        assert!(page.contains(&format!("| `{}` |", reason.code())));
    }
    for (other, ours) in [("PHONE_UNPARSED", "PHONE_INVALID"), ("CONSENT_CONFLICT", "consent-conflict")] {
        assert!(Reason::from_code(other).is_none());
        let line = page.lines().find(|line| line.contains(other)).unwrap_or_else(|| panic!("{other} is explained nowhere"));
        assert!(line.contains(ours), "{line}");
    }
}
