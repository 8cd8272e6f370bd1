//! Tests of the timeline, kind by kind, in every column.

use crate::consolidate::sample::{World, at, columns, evidence, logged_act, person};
use crate::consolidate::timeline::Timeline;
use crate::consolidate::{Departure, Options};
use crate::model::{
    ActivityCategory, ActivityChannel, BookingOutcome, BookingTypes, Channel, Code as _, Handicap, MessageKind, Phase,
    SkipReason, Source, Timestamp,
};
use crate::tables::crm::{activities, campaign_interactions};
use crate::tables::stage::{bookings, club_memberships, handicaps, messages, people, sport_memberships};
use crate::tables::{Table as _, check};

const BOOKING: bookings::Row<'static> = bookings::Row {
    row_id: "b1",
    source_id: "p",
    outcome: BookingOutcome::Completed,
    status_raw: "COMPLETED",
    course_id: Some("co"),
    course_name: Some("Old Course"),
    club_id: Some("cl"),
    club_name: Some("Royal Test"),
    player_count: Some(4),
    start_at: Some(Timestamp(1_714_500_000_000_000)),
    created_at: Some(Timestamp(1_714_000_000_000_000)),
};

const MESSAGE: messages::Row<'static> = messages::Row {
    row_id: "m1",
    source_id: "c",
    kind: MessageKind::Delivered,
    status_raw: "DELIVERED",
    channel: Some(ActivityChannel::Email),
    channel_raw: "e-mail",
    template_id: Some("t"),
    template_name: None,
    campaign_id: Some("k"),
    created_at: Some(Timestamp(1_714_000_000_000_000)),
};

fn world() -> World {
    let mut world = World::default();
    world
        .add(Source::McaZa, person("1"), "z")
        .add(Source::McaUk, person("1"), "u")
        .add(Source::Scl, people::Row { created_at: Some(at("01-01")), ..person("7") }, "s")
        .add(Source::Teetime, person("p"), "t")
        .skip(Source::Messaging, people::Row { skip_reason: Some(SkipReason::NoKey), ..person("gone") });
    world.add(Source::Messaging, person("c"), "m");
    world
}

fn only(rows: Vec<activities::Row<'_>>, source: Source) -> Vec<activities::Row<'_>> {
    rows.into_iter().filter(|row| row.source_service == source.service() && row.activity_type != "MEMBER_CREATED").collect()
}

#[test]
fn a_member_of_scl_is_created_on_the_timeline_from_phase_2_on() {
    let options = Options { phase: Phase::new(2).unwrap(), ..Options::sample() };
    let built = world().build(&options);
    let all = built.all_activities();
    assert_eq!(all.len(), 1);
    let row = all[0];
    assert_eq!((row.activity_type, row.category), ("MEMBER_CREATED", ActivityCategory::Membership));
    assert_eq!((row.title, row.source_service, row.source_id), ("Membership imported from SCL", "scl", "7"));
    assert_eq!((row.occurred_at, row.metadata, row.channel), (at("01-01"), None, None));
    assert_eq!(row.tenant_id, "1");
}

#[test]
fn a_booking_has_the_strategys_type_title_club_and_metadata() {
    let mut world = world();
    world.bookings = vec![BOOKING];
    let built = world.build(&Options::sample());
    let row = only(built.all_activities(), Source::Teetime)[0];
    assert_eq!((row.activity_type, row.category), ("TEETIME_COMPLETED", ActivityCategory::Booking));
    assert_eq!((row.title, row.source_id), ("Tee time at Royal Test", "b1"));
    assert_eq!((row.club_id, row.club_name), (Some("cl"), Some("Royal Test")));
    assert_eq!(Some(row.occurred_at), BOOKING.start_at);
    let metadata = r#"{"courseId":"co","courseName":"Old Course","players":4,"backfill":{"status":"COMPLETED"}}"#;
    assert_eq!(row.metadata, Some(metadata));
}

#[test]
fn a_booking_without_club_or_course_keeps_every_key() {
    let mut world = world();
    let bare =
        bookings::Row { course_id: None, course_name: None, club_id: None, club_name: None, player_count: None, ..BOOKING };
    world.bookings = vec![bare];
    let built = world.build(&Options::sample());
    let row = only(built.all_activities(), Source::Teetime)[0];
    assert_eq!(row.title, "Tee time");
    let metadata = r#"{"courseId":null,"courseName":null,"players":null,"backfill":{"status":"COMPLETED"}}"#;
    assert_eq!(row.metadata, Some(metadata));
}

#[test]
fn cancellations_have_their_own_activity_types_in_detail() {
    for (outcome, detailed) in [
        (BookingOutcome::Booked, "TEETIME_BOOKED"),
        (BookingOutcome::Completed, "TEETIME_COMPLETED"),
        (BookingOutcome::Cancelled, "TEETIME_CANCELLED"),
        (BookingOutcome::NoShow, "TEETIME_NO_SHOW"),
    ] {
        let mut world = world();
        world.bookings = vec![bookings::Row { outcome, ..BOOKING }];
        let strategy = if outcome == BookingOutcome::Completed { "TEETIME_COMPLETED" } else { "TEETIME_BOOKED" };
        for (booking_types, expected) in [(BookingTypes::Strategy, strategy), (BookingTypes::Detailed, detailed)] {
            let built = world.build(&Options { booking_types, ..Options::sample() });
            assert_eq!(only(built.all_activities(), Source::Teetime)[0].activity_type, expected);
            let is_decided = matches!(outcome, BookingOutcome::Cancelled | BookingOutcome::NoShow);
            assert_eq!(built.departures.count(Departure::BookingType), i64::from(is_decided));
        }
    }
}

#[test]
fn every_status_of_a_message_has_its_type_and_title() {
    for &kind in MessageKind::ALL {
        let mut world = world();
        world.messages = vec![messages::Row { kind, status_raw: "SomeStatus", ..MESSAGE }];
        let built = world.build(&Options::sample());
        let row = only(built.all_activities(), Source::Messaging)[0];
        assert_eq!((row.activity_type, row.category), (kind.code(), ActivityCategory::Communication));
        assert_eq!((row.title, row.channel), ("e-mail message somestatus", Some("EMAIL")));
        assert_eq!(row.metadata, Some(r#"{"templateId":"t","templateName":null,"campaignId":"k"}"#));
        let interactions: Vec<_> = built.interactions.iter().flat_map(|columns| columns.rows()).collect();
        let expected = match kind {
            MessageKind::Sent => Some("SENT"),
            MessageKind::Delivered => Some("DELIVERED"),
            MessageKind::Opened => Some("OPENED"),
            MessageKind::Clicked => Some("CLICKED"),
            MessageKind::Bounced => Some("BOUNCED"),
            MessageKind::Unsubscribed => Some("UNSUBSCRIBED"),
            _ => None,
        };
        assert_eq!(interactions.first().map(|row: &campaign_interactions::Row<'_>| row.interaction_type), expected);
        for row in interactions {
            assert_eq!((row.campaign_id, row.message_id, row.channel), ("k", "m1", Some("EMAIL")));
        }
    }
}

#[test]
fn a_message_without_a_campaign_is_not_an_interaction() {
    let mut world = world();
    world.messages = vec![messages::Row { campaign_id: None, channel: None, channel_raw: "PIGEON", ..MESSAGE }];
    let built = world.build(&Options::sample());
    let row = only(built.all_activities(), Source::Messaging)[0];
    assert_eq!((row.title, row.channel), ("PIGEON message delivered", None));
    assert!(built.interactions.iter().all(|columns| columns.rows().next().is_none()));
}

#[test]
fn clubs_joined_and_left_are_two_activities_of_one_row() {
    let joining = |source_id, entity, row_id, label| club_memberships::Row {
        source_id,
        entity,
        row_id,
        club_id: "9",
        club_name: Some("Royal Test"),
        label,
        is_home: false,
        joined_at: Some(at("01-01")),
        left_at: Some(at("02-01")),
    };
    let mut world = world();
    world.clubs = vec![
        (Source::McaZa, joining("1", "member_clubs", "1:9", Some("ACTIVE"))),
        (Source::McaUk, joining("1", "memberships", "55", Some("Full"))),
        (Source::Scl, joining("7", "member_clubs", "70", None)),
    ];
    let built = world.build(&Options::sample());
    let all = built.all_activities();
    let lines: Vec<String> = all
        .iter()
        .filter(|row| row.activity_type != "MEMBER_CREATED")
        .map(|row| {
            format!("{} {} {} {} {}", row.source_service, row.source_id, row.activity_type, row.title, row.metadata.unwrap())
        })
        .collect();
    let expected = [
        r#"mca_v1_za member_clubs:1:9 CLUB_JOINED Joined Royal Test {"status":"ACTIVE"}"#,
        r#"mca_v1_za member_clubs:1:9 CLUB_LEFT Left Royal Test {"status":"ACTIVE"}"#,
        r#"mca_v1_uk memberships:55 CLUB_JOINED Joined Royal Test {"membershipType":"Full"}"#,
        r#"mca_v1_uk memberships:55 CLUB_LEFT Left Royal Test {"membershipType":"Full"}"#,
        r#"scl member_clubs:70 CLUB_JOINED Joined Royal Test {"status":null}"#,
        r#"scl member_clubs:70 CLUB_LEFT Left Royal Test {"status":null}"#,
    ];
    assert_eq!(lines, expected);
    let loaded = built.outcomes().iter().filter(|line| line.contains("member") && line.contains(":9 LOADED")).count();
    assert_eq!(loaded, 1, "a row giving two activities has one outcome");
    assert!(all.iter().all(|row| row.activity_type == "MEMBER_CREATED" || row.club_id == Some("9")));
}

#[test]
fn a_sport_membership_starts_and_changes() {
    let world = world();
    let record_index = world.record_index();
    let options = Options::sample();
    let row = sport_memberships::Row {
        source_id: "7",
        row_id: "80",
        sport_id: "2",
        sport_name: Some("Squash"),
        status: "LAPSED",
        created_at: Some(at("01-01")),
        updated_at: Some(at("03-01")),
    };
    let unchanged = sport_memberships::Row { row_id: "81", updated_at: row.created_at, sport_name: None, ..row };
    let page = Timeline { directory: &record_index, options: &options }
        .sport_memberships(Source::Scl, &columns::<sport_memberships::Table>([row, unchanged]));
    let all = activities::Table::columns(&page.activities).unwrap();
    let lines: Vec<String> = all
        .rows()
        .map(|row| format!("{} {} {} {} {}", row.source_id, row.activity_type, row.title, row.occurred_at, row.metadata.unwrap()))
        .collect();
    let metadata = r#"{"sportId":"2","status":"LAPSED"}"#;
    let expected = [
        format!("sport_memberships:80 SPORT_MEMBERSHIP_STARTED Squash membership started {} {metadata}", at("01-01")),
        format!("sport_memberships:80 SPORT_MEMBERSHIP_CHANGED Squash membership LAPSED {} {metadata}", at("03-01")),
        format!("sport_memberships:81 SPORT_MEMBERSHIP_STARTED Sport membership started {} {metadata}", at("01-01")),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_look_back_includes_its_first_instant_and_nothing_before() {
    let options = Options::sample();
    let from = options.lookback_from;
    let mut world = world();
    let booked = |row_id, created_at| bookings::Row { row_id, created_at: Some(created_at), ..BOOKING };
    let sent = |row_id, created_at| messages::Row { row_id, created_at: Some(created_at), ..MESSAGE };
    world.bookings = vec![booked("b1", from), booked("b2", Timestamp(from.0 - 1000))];
    world.messages = vec![sent("m1", from), sent("m2", Timestamp(from.0 - 1000))];
    let outcomes = world.build(&options).outcomes();
    for expected in
        ["bookings/b1 LOADED -", "bookings/b2 SKIPPED OUT_OF_WINDOW", "messages/m1 LOADED -", "messages/m2 SKIPPED OUT_OF_WINDOW"]
    {
        assert!(outcomes.contains(&expected.to_owned()), "{expected}");
    }
}

#[test]
fn rows_without_date_or_person_are_skipped_with_a_reason() {
    let mut world = world();
    world.bookings = vec![
        bookings::Row { row_id: "b1", start_at: None, ..BOOKING },
        bookings::Row { row_id: "b2", source_id: "unknown", ..BOOKING },
    ];
    world.messages = vec![
        messages::Row { row_id: "m1", created_at: None, ..MESSAGE },
        messages::Row { row_id: "m2", source_id: "gone", ..MESSAGE },
    ];
    let dateless = club_memberships::Row {
        source_id: "7",
        entity: "member_clubs",
        row_id: "70",
        club_id: "9",
        club_name: None,
        label: None,
        is_home: false,
        joined_at: None,
        left_at: None,
    };
    world.clubs = vec![(Source::Scl, dateless)];
    let built = world.build(&Options::sample());
    let outcomes = built.outcomes();
    for expected in [
        "bookings/b1 SKIPPED NO_DATE",
        "bookings/b2 SKIPPED UNRESOLVED",
        "messages/m1 SKIPPED NO_DATE",
        "messages/m2 SKIPPED UNRESOLVED",
        "member_clubs/70 SKIPPED NO_DATE",
        "contacts/gone SKIPPED NO_KEY",
        "contacts/c LOADED -",
    ] {
        assert!(outcomes.contains(&expected.to_owned()), "{expected}");
    }
    assert_eq!(built.departures.count(Departure::NoDate), 3);
    let phase_4 = Options { phase: Phase::new(4).unwrap(), ..Options::sample() };
    let outcomes = world.build(&phase_4).outcomes();
    for expected in ["bookings/b2 SKIPPED LATER_PHASE", "messages/m2 SKIPPED LATER_PHASE", "member_clubs/70 SKIPPED LATER_PHASE"]
    {
        assert!(outcomes.contains(&expected.to_owned()), "{expected}");
    }
}

#[test]
fn a_logged_change_is_one_activity_for_all_channels_if_switched_on() {
    let all = |row: crate::tables::stage::consents::Row<'static>, channel| crate::tables::stage::consents::Row {
        channel: Some(channel),
        channel_raw: "ALL",
        ..row
    };
    let both = logged_act(evidence("c", "l2", Channel::Email, false, "03-01"));
    let mut world = world();
    world.consents = vec![
        logged_act(evidence("c", "l1", Channel::Email, true, "02-01")),
        all(both, Channel::Email),
        all(both, Channel::Sms),
        evidence("c", "p1", Channel::Email, true, "01-01"),
    ];
    assert!(only(world.build(&Options::sample()).all_activities(), Source::Messaging).is_empty());
    let built = world.build(&Options { extra_consent: true, ..Options::sample() });
    let lines: Vec<String> = only(built.all_activities(), Source::Messaging)
        .iter()
        .map(|row| format!("{} {} {} {:?} {}", row.source_id, row.activity_type, row.title, row.channel, row.metadata.unwrap()))
        .collect();
    let metadata = r#"{"source":"WEB_FORM","scope":"all"}"#;
    let expected = [
        format!(r#"consent_changes:l1 CONSENT_OPTED_IN EMAIL consent given Some("EMAIL") {metadata}"#),
        format!("consent_changes:l2 CONSENT_OPTED_OUT ALL consent withdrawn None {metadata}"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn handicap_activities_are_optional_and_state_the_previous_value() {
    use crate::consolidate::timeline::LatestHandicaps;
    let index = |row_id, value: Option<i32>, day: Option<&str>| handicaps::Row {
        source_id: "1",
        row_id,
        handicap: value.map(Handicap),
        handicap_raw: None,
        effective_on: day.map(|day| at(day).day()),
        effective_at: day.map(at),
    };
    let late = handicaps::Row { effective_at: Some(Options::sample().as_of.plus_days(1)), ..index("5", Some(90), Some("06-01")) };
    let rows = [
        index("1", Some(120), Some("01-01")),
        index("2", None, Some("02-01")),
        index("3", Some(-11), Some("03-01")),
        index("4", Some(100), None),
        late,
    ];
    let world = world();
    let record_index = world.record_index();
    let run = |options: &Options| {
        let timeline = Timeline { directory: &record_index, options };
        let columns = columns::<handicaps::Table>(rows);
        let mut latest = LatestHandicaps::default();
        latest.note(&timeline, &columns);
        latest.page(&timeline, &columns, None, |_| true)
    };
    let outcomes = |page: &crate::consolidate::timeline::TimelineRows| -> Vec<String> {
        let ledger = check::ledger::Table::columns(&page.ledger).unwrap();
        ledger.rows().map(|row| format!("{} {} {}", row.source_id, row.outcome, row.reason.unwrap_or("-"))).collect()
    };
    let silent = run(&Options::sample());
    assert_eq!(
        outcomes(&silent),
        ["1 SKIPPED SUPERSEDED", "2 SKIPPED NO_TARGET", "3 MERGED -", "4 SKIPPED NO_DATE", "5 SKIPPED OUT_OF_WINDOW"]
    );
    assert_eq!(silent.activities.num_rows(), 0);
    let asked = run(&Options { extra_handicap: true, ..Options::sample() });
    let all = activities::Table::columns(&asked.activities).unwrap();
    let lines: Vec<String> = all
        .rows()
        .map(|row| format!("{} {} {} {}", row.source_id, row.activity_type, row.title, row.metadata.unwrap()))
        .collect();
    let expected = [
        r#"handicaps:1 HANDICAP_UPDATED Handicap 12.0 {"previous":null,"new":12.0}"#,
        r#"handicaps:3 HANDICAP_UPDATED Handicap -1.1 {"previous":12.0,"new":-1.1}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_person_record_is_loaded_as_seed_merged_or_skipped() {
    let mut world = World::default();
    world
        .add(Source::McaZa, person("1"), "a")
        .skip(Source::McaZa, people::Row { skip_reason: Some(SkipReason::NoEmailNoPhone), ..person("2") })
        .add(Source::Scl, person("7"), "a")
        .add(Source::Scl, people::Row { created_at: Some(at("01-01")), ..person("8") }, "a");
    let outcomes = world.build(&Options::sample()).outcomes();
    let expected = ["members/1 LOADED -", "members/2 SKIPPED NO_EMAIL_NO_PHONE", "members/7 MERGED -", "members/8 LOADED -"];
    assert_eq!(outcomes, expected);
}
