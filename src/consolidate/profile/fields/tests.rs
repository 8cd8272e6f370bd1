//! Tests of survivorship, field by field.

use std::collections::BTreeMap;

use crate::consolidate::sample::{World, at, person, with_email};
use crate::consolidate::{Departure, Options};
use crate::model::{
    AliasType, BookingOutcome, Channel, ContactChoice, CustomerStatus, Day, Gender, Handicap, LifecycleStage, MessageKind,
    PhoneClass, Source, StatusTag, Timestamp,
};
use crate::tables::resolution::hubs;
use crate::tables::stage::{bookings, club_memberships, identifiers, messages, people};

fn named(row: people::Row<'static>, first: &'static str, last: &'static str) -> people::Row<'static> {
    people::Row { first_name: Some(first), last_name: Some(last), ..row }
}

fn phone(row: people::Row<'static>, phone: &'static str, class: PhoneClass) -> people::Row<'static> {
    people::Row { phone: Some(phone), phone_key: Some(phone), phone_class: Some(class), ..row }
}

#[test]
fn names_survive_field_by_field_scl_then_mca_then_teetime() {
    let mut world = World::default();
    world
        .add(Source::McaZa, named(person("1"), "Jon", "Oldname"), "a")
        .add(Source::Scl, people::Row { first_name: Some("John"), ..person("7") }, "a")
        .add(Source::Teetime, named(person("p"), "Johnny", "Teename"), "a");
    let built = world.build(&Options::sample());
    let profile = built.profile();
    assert_eq!((profile.first_name, profile.last_name), (Some("John"), Some("Oldname")));
    assert_eq!(profile.display_name, Some("John Oldname"));
    assert_eq!(built.origin("first_name"), Some((Source::Scl, "7", "SOURCE_ORDER", 2)));
    assert_eq!(built.origin("last_name"), Some((Source::McaZa, "1", "SOURCE_ORDER", 1)));
    assert_eq!(profile.source, "mca_v1_za");
}

#[test]
fn a_person_without_names_has_no_display_name_and_is_counted() {
    let mut world = World::default();
    world.add(Source::Messaging, with_email("c", "jo@mail.test"), "a");
    let built = world.build(&Options::sample());
    assert_eq!(built.profile().display_name, None);
    assert_eq!(built.departures.count(Departure::MissingName), 1);
}

#[test]
fn the_current_address_comes_from_scl_messaging_teetime_mca_in_this_order() {
    let all = [
        (Source::McaZa, "mca@mail.test"),
        (Source::Scl, "scl@mail.test"),
        (Source::Teetime, "tee@mail.test"),
        (Source::Messaging, "msg@mail.test"),
    ];
    let mut left: Vec<_> = all.to_vec();
    for expected in ["scl@mail.test", "msg@mail.test", "tee@mail.test", "mca@mail.test"] {
        let mut world = World::default();
        for &(source, email) in &left {
            world.add(source, with_email("1", email), "a");
        }
        assert_eq!(world.build(&Options::sample()).profile().email, Some(expected));
        left.retain(|(_, email)| *email != expected);
    }
}

#[test]
fn the_founding_setting_keeps_the_seed_records_email_and_counts_it() {
    let mut world = World::default();
    world.add(Source::McaZa, with_email("1", "old@mail.test"), "a").add(Source::Scl, with_email("7", "new@mail.test"), "a");
    let founding = Options { contact: ContactChoice::Founding, ..Options::sample() };
    for (options, expected) in [(Options::sample(), "new@mail.test"), (founding, "old@mail.test")] {
        let built = world.build(&options);
        assert_eq!(built.profile().email, Some(expected));
        assert_eq!(built.departures.count(Departure::CurrentContact), 1);
        let primary: Vec<_> = built.aliases.rows().filter(|row| row.is_primary).map(|row| row.value).collect();
        assert!(primary.contains(&expected));
    }
}

#[test]
fn a_bounced_email_comes_last_unless_a_later_message_arrived() {
    let bounce = messages::Row {
        row_id: "m1",
        source_id: "c",
        kind: MessageKind::Bounced,
        status_raw: "BOUNCED",
        channel: Some(crate::model::ActivityChannel::Email),
        channel_raw: "EMAIL",
        template_id: None,
        template_name: None,
        campaign_id: None,
        created_at: Some(at("03-01")),
    };
    let mut world = World::default();
    world.add(Source::McaZa, with_email("1", "old@mail.test"), "a").add(Source::Messaging, with_email("c", "msg@mail.test"), "a");
    world.messages = vec![bounce];
    assert_eq!(world.build(&Options::sample()).profile().email, Some("old@mail.test"));
    let arrived = messages::Row { row_id: "m2", kind: MessageKind::Delivered, created_at: Some(at("03-02")), ..bounce };
    world.messages.push(arrived);
    assert_eq!(world.build(&Options::sample()).profile().email, Some("msg@mail.test"));
}

#[test]
fn a_mobile_number_comes_before_a_fixed_one_and_a_shared_one_last() {
    let mut world = World::default();
    world
        .add(Source::McaUk, phone(person("1"), "+447700900001", PhoneClass::Mobile), "a")
        .add(Source::Teetime, phone(person("p"), "+442079460001", PhoneClass::Fixed), "a")
        .add(Source::Messaging, people::Row { phone_key: None, ..phone(person("c"), "+447700900009", PhoneClass::Mobile) }, "a");
    let built = world.build(&Options::sample());
    assert_eq!(built.profile().phone_number, Some("+447700900001"));
    assert_eq!(built.origin("phone_number"), Some((Source::McaUk, "1", "SOURCE_ORDER", 2)));
}

#[test]
fn a_hub_or_role_email_is_shown_only_if_there_is_no_other() {
    let hub = hubs::Row {
        kind: "EMAIL",
        tenant_id: Some("1"),
        value: "office@club.test",
        record_count: 500,
        owner_count: 5,
        reason: "MANY_OWNERS",
    };
    let mut world = World::default();
    world
        .add(Source::McaZa, with_email("1", "own@mail.test"), "a")
        .add(Source::Scl, with_email("7", "office@club.test"), "a")
        .add(Source::Scl, with_email("8", "office@club.test"), "b");
    world.hubs = vec![hub];
    let built = world.build(&Options::sample());
    assert_eq!(built.profile_with(&world.id("a")).email, Some("own@mail.test"));
    assert_eq!(built.profile_with(&world.id("b")).email, Some("office@club.test"));
    assert_eq!(built.departures.count(Departure::SharedAddressOnly), 1);
    let holders = built.aliases.rows().filter(|row| row.value == "office@club.test").map(|row| row.is_primary);
    assert_eq!(holders.filter(|is_primary| *is_primary).count(), 1);
}

#[test]
fn a_handicap_comes_with_its_own_date_teetime_before_the_latest_of_mca() {
    let index = |row: people::Row<'static>, tenths, day: &str| people::Row {
        handicap: Some(Handicap(tenths)),
        handicap_at: Some(at(day)),
        ..row
    };
    let mut world = World::default();
    world
        .add(Source::McaZa, index(person("1"), 120, "01-01"), "a")
        .add(Source::McaUk, index(person("1"), 130, "02-01"), "a")
        .add(Source::Teetime, people::Row { handicap_at: Some(at("05-01")), ..person("p") }, "a");
    let built = world.build(&Options::sample());
    let shown = |built: &crate::consolidate::sample::Built| {
        let profile = built.profile();
        (profile.handicap, profile.handicap_updated_at)
    };
    assert_eq!(shown(&built), (Some(Handicap(130)), Some(at("02-01"))));
    assert_eq!(built.departures.count(Departure::HandicapDate), 1);
    world.add(Source::Teetime, index(person("q"), -12, "01-05"), "a");
    assert_eq!(shown(&world.build(&Options::sample())), (Some(Handicap(-12)), Some(at("01-05"))));
}

#[test]
fn a_handicap_from_before_the_switch_to_whs_is_kept_and_tagged() {
    let index = |row: people::Row<'static>, at: Option<Timestamp>| people::Row {
        handicap: Some(Handicap(120)),
        handicap_at: at,
        status_tag: Some(StatusTag::Suspended),
        ..row
    };
    let switch = at("06-01");
    let options = Options { whs_from: BTreeMap::from([("1".to_owned(), switch)]), ..Options::sample() };
    let tagged = |rows: &[(Source, people::Row<'static>)]| {
        let mut world = World::default();
        for &(source, row) in rows {
            world.add(source, row, "a");
        }
        let built = world.build(&options);
        let tags: Vec<String> = built.profile().tags.iter().map(str::to_owned).collect();
        (built.profile().handicap, tags.join(","), built.departures.count(Departure::HandicapPreWhs))
    };
    let before = Timestamp(switch.0 - 1);
    let (twelve, both) = (Some(Handicap(120)), "pre_whs,suspended".to_owned());
    assert_eq!(tagged(&[(Source::McaZa, index(person("1"), Some(before)))]), (twelve, both, 1));
    let untagged = (twelve, "suspended".to_owned(), 0);
    assert_eq!(tagged(&[(Source::McaZa, index(person("1"), Some(switch)))]), untagged);
    assert_eq!(tagged(&[(Source::McaUk, index(person("1"), None))]), untagged, "undated");
    let other_tenant = people::Row { tenant_id: Some("2"), ..index(person("1"), Some(before)) };
    assert_eq!(tagged(&[(Source::McaZa, other_tenant)]), untagged, "no start is configured for its tenant");
    let player = people::Row { status_tag: None, ..index(person("p"), Some(switch)) };
    assert_eq!(tagged(&[(Source::McaZa, index(person("1"), Some(before))), (Source::Teetime, player)]), untagged, "not shown");
}

#[test]
fn the_home_club_is_teetimes_its_name_falls_back_to_mca() {
    let mut world = World::default();
    world.add(Source::McaZa, people::Row { home_club_name: Some("Old Club"), home_club_id: Some("5"), ..person("1") }, "a");
    let profile_of = |world: &World| {
        let built = world.build(&Options::sample());
        (built.profile().home_club_id.map(str::to_owned), built.profile().home_club_name.map(str::to_owned))
    };
    assert_eq!(profile_of(&world), (None, Some("Old Club".to_owned())));
    world.add(Source::Teetime, people::Row { home_club_name: Some("Tee Club"), home_club_id: Some("t"), ..person("p") }, "a");
    assert_eq!(profile_of(&world), (Some("t".to_owned()), Some("Tee Club".to_owned())));
}

#[test]
fn membership_is_the_current_one_since_the_earliest_joining() {
    let member = |id, status, tier, updated: &str| people::Row {
        status: Some(status),
        membership_status: Some(if status == CustomerStatus::Active { "ACTIVE" } else { "LAPSED" }),
        membership_tier: Some(tier),
        created_at: Some(at("01-15")),
        updated_at: Some(at(updated)),
        ..person(id)
    };
    let mut world = World::default();
    world
        .add(Source::Scl, member("7", CustomerStatus::Inactive, "Silver", "05-01"), "a")
        .add(Source::Scl, member("8", CustomerStatus::Active, "Gold", "02-01"), "a")
        .add(Source::Scl, member("9", CustomerStatus::Active, "Bronze", "02-01"), "a");
    let built = world.build(&Options::sample());
    let profile = built.profile();
    assert_eq!((profile.scl_member_id, profile.membership_tier), (Some("8"), Some("Gold")));
    assert_eq!((profile.membership_status, profile.membership_expiry), (Some("ACTIVE"), None));
    assert_eq!(profile.member_since, Some(at("01-15")));
    assert_eq!(built.departures.count(Departure::SeveralServiceIds), 1);
    let joining = club_memberships::Row {
        source_id: "7",
        entity: "member_clubs",
        row_id: "70",
        club_id: "3",
        club_name: None,
        label: None,
        is_home: false,
        joined_at: Some(at("01-01")),
        left_at: None,
    };
    world.clubs = vec![(Source::Scl, joining)];
    assert_eq!(world.build(&Options::sample()).profile().member_since, Some(at("01-01")));
}

#[test]
fn a_birth_date_two_members_agree_on_beats_the_first() {
    let born = |id, day| people::Row { born_on: Some(Day(day)), ..person(id) };
    let mut world = World::default();
    world.add(Source::McaZa, born("1", 100), "a").add(Source::McaZa, born("2", 200), "a");
    assert_eq!(world.build(&Options::sample()).profile().date_of_birth, Some(Day(100)));
    world.add(Source::McaUk, born("1", 200), "a");
    let built = world.build(&Options::sample());
    assert_eq!(built.profile().date_of_birth, Some(Day(200)));
    assert_eq!(built.origin("date_of_birth"), Some((Source::McaZa, "2", "AGREED", 1)));
}

#[test]
fn an_unknown_gender_never_overwrites() {
    let mut world = World::default();
    world.add(Source::McaZa, person("1"), "a").add(Source::McaZa, people::Row { gender: Gender::Female, ..person("2") }, "a");
    assert_eq!(world.build(&Options::sample()).profile().gender, Gender::Female);
}

#[test]
fn deceased_over_active_over_inactive_and_active_without_any_membership() {
    let standing = |id, status, tag| people::Row { status: Some(status), status_tag: tag, ..person(id) };
    let status = |rows: &[people::Row<'static>]| {
        let mut world = World::default();
        for &row in rows {
            world.add(Source::McaZa, row, "a");
        }
        let built = world.build(&Options::sample());
        let tags: Vec<String> = built.profile().tags.iter().map(str::to_owned).collect();
        (built.profile().status, tags.join(","))
    };
    let active = standing("1", CustomerStatus::Active, Some(StatusTag::Arrears));
    let inactive = standing("2", CustomerStatus::Inactive, Some(StatusTag::Suspended));
    let dead = standing("3", CustomerStatus::Inactive, Some(StatusTag::Deceased));
    assert_eq!(status(&[active, inactive]), (CustomerStatus::Active, "arrears,suspended".to_owned()));
    assert_eq!(status(&[active, inactive, dead]), (CustomerStatus::Inactive, "arrears,deceased,suspended".to_owned()));
    assert_eq!(status(&[inactive]).0, CustomerStatus::Inactive);
    let mut world = World::default();
    world.add(Source::Teetime, person("p"), "a");
    assert_eq!(world.build(&Options::sample()).profile().status, CustomerStatus::Active);
}

#[test]
fn the_lifecycle_is_the_furthest_of_all_records() {
    let booking = bookings::Row {
        row_id: "b",
        source_id: "p",
        outcome: BookingOutcome::Cancelled,
        status_raw: "CANCELLED",
        course_id: None,
        course_name: None,
        club_id: None,
        club_name: None,
        player_count: None,
        start_at: Some(at("06-01")),
        created_at: Some(at("05-01")),
    };
    let stage = |source, row, bookings: &[bookings::Row<'static>], phase| {
        let mut world = World::default();
        world.add(source, row, "a");
        world.bookings = bookings.to_vec();
        let options = Options { phase: crate::model::Phase::new(phase).unwrap(), ..Options::sample() };
        world.build(&options).profile().lifecycle_stage
    };
    let member = |status| people::Row { status: Some(status), ..person("7") };
    assert_eq!(stage(Source::McaUk, person("1"), &[], 6), LifecycleStage::Customer);
    assert_eq!(stage(Source::Scl, member(CustomerStatus::Active), &[], 6), LifecycleStage::Member);
    assert_eq!(stage(Source::Scl, member(CustomerStatus::Inactive), &[], 6), LifecycleStage::Customer);
    assert_eq!(stage(Source::Teetime, person("p"), &[], 6), LifecycleStage::Prospect);
    assert_eq!(stage(Source::Teetime, person("p"), &[booking], 4), LifecycleStage::Prospect);
    assert_eq!(stage(Source::Teetime, person("p"), &[booking], 5), LifecycleStage::Customer);
    assert_eq!(stage(Source::Messaging, person("c"), &[], 6), LifecycleStage::Subscriber);
}

#[test]
fn first_seen_is_the_earliest_creation_else_update_else_as_of() {
    let mut world = World::default();
    world.add(Source::McaZa, person("1"), "a");
    let built = world.build(&Options::sample());
    assert_eq!(built.profile().first_seen_at, Options::sample().as_of);
    assert_eq!(built.departures.count(Departure::FirstSeenAsOf), 1);
    world.add(Source::McaZa, people::Row { updated_at: Some(at("01-01")), ..person("2") }, "a");
    assert_eq!(world.build(&Options::sample()).profile().first_seen_at, at("01-01"));
    world.add(Source::Scl, people::Row { created_at: Some(at("02-01")), ..person("7") }, "a");
    assert_eq!(world.build(&Options::sample()).profile().first_seen_at, at("02-01"));
}

#[test]
fn of_conflicting_association_numbers_the_later_phase_wins() {
    let mut world = World::default();
    world
        .add(Source::McaZa, people::Row { golf_rsa_id: Some("OLD-1"), updated_at: Some(at("01-01")), ..person("1") }, "a")
        .add(Source::McaZa, people::Row { updated_at: Some(at("02-01")), ..person("2") }, "a")
        .add(Source::Teetime, people::Row { mca_id: Some("1"), golf_rsa_id: Some("NEW-1"), ..person("p") }, "a");
    let further = |row_id, kind, code, value| identifiers::Row {
        source_id: "p",
        entity: "player_associations",
        row_id,
        kind,
        code,
        value,
        is_key: true,
    };
    world.identifiers = vec![
        (Source::Teetime, further("x1", Some(AliasType::GolfRsaId), "GOLF_RSA", "NEW-1")),
        (Source::Teetime, further("x2", None, "NEDBANK_GREENTIME", "N-9")),
    ];
    let built = world.build(&Options::sample());
    let expected = r#"{"mcaV1ZaId":"2","mcaId":"1","golfRsaId":"NEW-1","NEDBANK_GREENTIME":"N-9"}"#;
    assert_eq!(built.profile().external_ids, expected);
    assert_eq!(built.departures.count(Departure::ExternalIdConflict), 1);
    let numbers = built.aliases.rows().filter(|row| row.alias_type == AliasType::GolfRsaId);
    let numbers: Vec<_> = numbers.map(|row| (row.value, row.is_primary, row.source)).collect();
    assert_eq!(numbers, [("NEW-1", true, "teetime"), ("OLD-1", false, "mca_v1_za")]);
}

#[test]
fn one_profile_holds_a_login_subject_and_the_others_are_candidates() {
    let subject = |row: people::Row<'static>| people::Row { auth_user_id: Some("idp|1"), ..row };
    let mut world = World::default();
    world.add(Source::Scl, subject(people::Row { tenant_id: Some("2"), ..person("7") }), "holder").add(
        Source::Messaging,
        subject(person("c")),
        "other",
    );
    let built = world.build(&Options::sample());
    assert_eq!(built.profile_with(&world.id("holder")).auth_user_id, Some("idp|1"));
    assert_eq!(built.profile_with(&world.id("other")).auth_user_id, None);
    let aliases = built.aliases.rows().filter(|row| row.alias_type == AliasType::AuthUserId);
    assert_eq!(aliases.map(|row| row.is_primary).filter(|is_primary| *is_primary).count(), 1);
    let pair = built.candidates.row(0);
    assert!(pair.profile_a_id < pair.profile_b_id);
    assert_eq!(pair.reasons.iter().collect::<Vec<_>>(), ["AUTH_USER_ID_HELD_ELSEWHERE"]);
}

#[test]
fn an_alias_covers_the_time_span_of_all_its_records() {
    let dated = |row: people::Row<'static>, made: &str, changed: &str| people::Row {
        created_at: Some(at(made)),
        updated_at: Some(at(changed)),
        ..row
    };
    let mut world = World::default();
    world.add(Source::McaZa, dated(with_email("1", "jo@mail.test"), "02-01", "02-02"), "a").add(
        Source::Teetime,
        dated(with_email("p", "jo@mail.test"), "01-01", "05-01"),
        "a",
    );
    let built = world.build(&Options::sample());
    let alias = built.aliases.rows().find(|row| row.value == "jo@mail.test").unwrap();
    assert_eq!((alias.source, alias.confidence, alias.is_primary), ("mca_v1_za", 100, true));
    assert_eq!((alias.first_seen_at, alias.last_seen_at), (Some(at("01-01")), Some(at("05-01"))));
    let ids: Vec<_> = built.aliases.rows().map(|row| (row.alias_type, row.confidence)).collect();
    assert!(ids.contains(&(AliasType::TeetimePlayerId, 95)));
}

#[test]
fn flags_are_off_without_any_evidence() {
    let mut world = World::default();
    world.add(Source::Messaging, with_email("c", "jo@mail.test"), "a");
    let profile_flags = |world: &World| {
        let built = world.build(&Options::sample());
        let profile = built.profile();
        [profile.email_opt_in, profile.sms_opt_in, profile.push_opt_in, profile.whatsapp_opt_in]
    };
    assert_eq!(profile_flags(&world), [false; 4]);
    world.consents = vec![crate::consolidate::sample::evidence("c", "p1", Channel::Push, true, "01-01")];
    assert_eq!(profile_flags(&world), [false, false, true, false]);
}
