//! Legacy members, clubs and handicaps as they are staged.

use super::*;
use crate::model::{AliasType, CustomerStatus, Gender, Handicap, PhoneClass, SkipReason, StatusTag, TenantRule};
use crate::sources::staging::testing::{columns, count, rejects, stage};
use crate::tables::stage::{identifiers, people};

fn member(id: &str) -> za_members::Row<'_> {
    za_members::Row {
        mca_za_id: id,
        email: Some("Ann.Lee@Mail.test"),
        phone_number: Some("082 555 1234"),
        first_name: Some("Ann"),
        last_name: Some("Lee"),
        date_of_birth: Some("1985-03-15"),
        gender: Some("F"),
        golf_rsa_id: Some("rsa-1234"),
        created_at: Some("2015-06-01 09:00:00"),
        updated_at: Some("2020-06-01 09:00:00"),
        status: Some("Active"),
        home_club_id: Some("7"),
        handicap: Some("12.4"),
        handicap_on: Some("2024-05-01"),
        later_handicap_count: Some("0"),
        home_club_name: Some("Links"),
    }
}

#[test]
fn a_clean_member_is_staged_in_the_tenants_zone() {
    let result = stage::<za_members::Table>(&[member("123")]);
    let people = columns::<people::Table>(&result.people);
    let row = people.row(0);
    assert_eq!((row.tenant_id, row.tenant_rule), (Some("1"), TenantRule::Region));
    assert_eq!((row.email, row.email_raw), (Some("ann.lee@mail.test"), Some("Ann.Lee@Mail.test")));
    assert_eq!((row.phone, row.phone_class), (Some("+27825551234"), Some(PhoneClass::Mobile)));
    assert_eq!((row.first_key, row.last_key, row.gender), (Some("ann"), Some("lee"), Gender::Female));
    assert_eq!((row.golf_rsa_id, row.cdh_id, row.mca_id), (Some("RSA-1234"), None, None));
    assert_eq!((row.status, row.status_tag, row.status_raw), (Some(CustomerStatus::Active), None, Some("Active")));
    assert_eq!((row.handicap, row.handicap_raw), (Some(Handicap(124)), Some("12.4")));
    assert_eq!((row.first_name_raw, row.last_name_raw), (Some("Ann"), Some("Lee")));
    assert_eq!((row.born_raw, row.gender_raw), (Some("1985-03-15"), Some("F")));
    assert_eq!(row.handicap_at.unwrap().to_string(), "2024-04-30T22:00:00.000Z");
    assert_eq!(row.created_at.unwrap().to_string(), "2015-06-01T07:00:00.000Z");
    assert!(row.may_found && row.skip_reason.is_none());
}

#[test]
fn a_member_without_email_and_phone_may_not_seed_a_profile() {
    let unreachable = za_members::Row { email: Some("none"), phone_number: Some("0000000000"), ..member("1") };
    let result = stage::<za_members::Table>(&[unreachable]);
    let people = columns::<people::Table>(&result.people);
    assert_eq!(people.row(0).skip_reason, Some(SkipReason::NoEmailNoPhone));
    assert_eq!(people.row(0).phone_raw, Some("0000000000"), "the raw value stays");
    assert_eq!(rejects(&result), ["1 email EMAIL_INVALID", "1 phone_number PHONE_JUNK"]);
}

#[test]
fn a_number_that_only_the_strategy_accepts_still_seeds_a_profile() {
    let fictional = uk("1", Some("07700 900123"));
    let result = stage::<uk_members::Table>(&[fictional]);
    let people = columns::<people::Table>(&result.people);
    let row = people.row(0);
    assert_eq!((row.phone, row.phone_key, row.may_found), (Some("+447700900123"), None, true));
}

fn uk<'a>(id: &'a str, phone: Option<&'a str>) -> uk_members::Row<'a> {
    uk_members::Row {
        mca_uk_id: id,
        email: None,
        phone_number: phone,
        first_name: Some("Mrs Ann"),
        last_name: Some("Lee"),
        date_of_birth: None,
        gender: None,
        cdh_id: Some("100 1234 567"),
        created_at: Some("2019-10-27 01:30:00"),
        updated_at: None,
        status: None,
        home_club_id: None,
        handicap: Some("+1,2"),
        home_club_name: None,
    }
}

#[test]
fn a_british_member_follows_british_rules() {
    let result = stage::<uk_members::Table>(&[uk("1", Some("07911 123456 / 020 7946 0018"))]);
    let people = columns::<people::Table>(&result.people);
    let row = people.row(0);
    assert_eq!((row.first_name, row.gender), (Some("Ann"), Gender::Female));
    assert_eq!((row.cdh_id, row.handicap), (Some("1001234567"), Some(Handicap(-12))));
    assert_eq!(row.status, Some(CustomerStatus::Inactive), "no status and no home club");
    assert_eq!(row.created_at.unwrap().to_string(), "2019-10-27T00:30:00.000Z");
    let further = columns::<identifiers::Table>(&result.identifiers);
    assert_eq!((further.row(0).kind, further.row(0).value), (Some(AliasType::Phone), "+442079460018"));
    for reason in [Reason::TimeAmbiguous, Reason::GenderFromTitle, Reason::NameTitle, Reason::StatusBlank, Reason::PhoneSplit] {
        assert_eq!(count(&result, reason), 1, "{reason}");
    }
}

#[test]
fn what_a_status_means_follows_domain_3f() {
    let statuses = [
        (Some("ACTIVE"), CustomerStatus::Active, None),
        (Some("Honorary"), CustomerStatus::Active, None),
        (Some("grace"), CustomerStatus::Active, Some(StatusTag::Arrears)),
        (Some("Resigned"), CustomerStatus::Inactive, None),
        (Some("on-hold"), CustomerStatus::Inactive, Some(StatusTag::Suspended)),
        (Some("waiting list"), CustomerStatus::Inactive, Some(StatusTag::Pending)),
        (Some("R.I.P."), CustomerStatus::Inactive, Some(StatusTag::Deceased)),
        (Some("hibernating"), CustomerStatus::Inactive, None),
        (Some(" "), CustomerStatus::Active, None),
    ];
    let ids: Vec<String> = (0..statuses.len()).map(|id| id.to_string()).collect();
    let rows: Vec<_> = statuses.iter().zip(&ids).map(|((raw, ..), id)| za_members::Row { status: *raw, ..member(id) }).collect();
    let result = stage::<za_members::Table>(&rows);
    let people = columns::<people::Table>(&result.people);
    for ((raw, status, tag), row) in statuses.iter().zip(people.rows()) {
        assert_eq!((row.status, row.status_tag), (Some(*status), *tag), "{raw:?}");
    }
    assert_eq!(result.counts[&("status", Reason::StatusUnmapped, None)], 1);
}

#[test]
fn a_national_identity_number_is_kept_nowhere() {
    // Invented; 13 digits with a date and a check digit.
    let id = "0002295000083";
    let found = crate::model::phone::holds_national_id(id);
    assert!(found, "the check digit is right");
    let cells = |id| za_members::Row {
        phone_number: id,
        golf_rsa_id: id,
        first_name: id,
        last_name: id,
        date_of_birth: id,
        gender: id,
        handicap: id,
        ..member("1")
    };
    let result = stage::<za_members::Table>(&[cells(Some(id))]);
    let people = columns::<people::Table>(&result.people);
    assert!(!format!("{:?}", people.row(0)).contains(id));
    assert_eq!(count(&result, Reason::NationalId), 7);
    assert!(!format!("{:?}", result.counts).contains(id));
}

#[test]
fn the_raw_value_stands_beside_a_refused_one_and_an_empty_cell_has_none() {
    let dirty = za_members::Row {
        first_name: Some("Guest"),
        last_name: Some(""),
        date_of_birth: Some("1900-01-01"),
        gender: Some("?"),
        handicap: Some("NH"),
        ..member("1")
    };
    let result = stage::<za_members::Table>(&[dirty]);
    let people = columns::<people::Table>(&result.people);
    let row = people.row(0);
    assert_eq!((row.first_name, row.first_name_raw, row.last_name_raw), (None, Some("Guest"), None));
    assert_eq!((row.born_on, row.born_raw), (None, Some("1900-01-01")));
    assert_eq!((row.gender, row.gender_raw), (Gender::Unknown, Some("?")));
    assert_eq!((row.handicap, row.handicap_raw), (None, Some("NH")));
}

#[test]
fn memberships_keep_their_days_as_local_midnights_and_their_own_ids() {
    let row = za_member_clubs::Row {
        member_id: "5",
        club_id: "7",
        club_name: Some(" Links  Club "),
        status: Some("Full"),
        is_home_club: Some("true"),
        joined_on: Some("2020-01-01"),
        left_on: Some("infinity"),
    };
    let result = stage::<za_member_clubs::Table>(&[row]);
    let staged = columns::<club_memberships::Table>(&result.club_memberships);
    let row = staged.row(0);
    assert_eq!((row.row_id, row.club_name), ("5:7", Some("Links Club")));
    assert_eq!(row.joined_at.unwrap().to_string(), "2019-12-31T22:00:00.000Z");
    assert_eq!((row.left_at, count(&result, Reason::EndOpen)), (None, 1));
}

#[test]
fn clubs_are_references() {
    let result = stage::<za_clubs::Table>(&[za_clubs::Row { id: "7", name: Some("Links"), code: None }]);
    let references = columns::<crate::tables::stage::references::Table>(&result.references);
    assert_eq!((references.row(0).entity, references.row(0).reason), ("clubs", SkipReason::Reference));
}

#[test]
fn a_handicap_that_cannot_be_read_keeps_its_row() {
    let row = za_handicaps::Row { id: "1", member_id: "5", handicap_index: Some("NH"), effective_on: Some("2020-01-01") };
    let result = stage::<za_handicaps::Table>(&[row]);
    let staged = columns::<handicaps::Table>(&result.handicaps);
    assert_eq!((staged.row(0).handicap, count(&result, Reason::HandicapSentinel)), (None, 1));
}
