//! Tests: consent with unreadable values, complaints, contact flags and service messages, and manual review.

use crate::consolidate::sample::{Built, World, at, consent_rows, contact, evidence, logged_act, person, scoped, with_email};
use crate::consolidate::{Departure, Options};
use crate::model::{
    ActivityChannel, Channel, ConsentStatus, FlagFalse, MessageKind, PhoneClass, Reason, Reviews, SkipReason, Source, Timestamp,
};
use crate::tables::Table as _;
use crate::tables::check::rejects;
use crate::tables::crm::suppressions;
use crate::tables::stage::{consents, messages, people};

fn suppressed(built: &Built) -> Vec<String> {
    let columns = suppressions::Table::columns(&built.suppressions).unwrap();
    columns.rows().map(|row| format!("{} {} {} {}", row.channel, row.address, row.scope, row.reason)).collect()
}

fn review(built: &Built) -> Vec<String> {
    let line = |row: crate::tables::check::manual_review::Row<'_>| {
        format!("{} {} {} {}", row.entity, row.source_id, row.column.unwrap_or("-"), row.reason)
    };
    built.review.rows().map(line).collect()
}

fn message(contact: &'static str, id: &'static str, kind: MessageKind, status: &'static str) -> messages::Row<'static> {
    messages::Row {
        row_id: id,
        source_id: contact,
        kind,
        status_raw: status,
        channel: Some(ActivityChannel::Email),
        channel_raw: "EMAIL",
        template_id: None,
        template_name: None,
        campaign_id: None,
        created_at: Some(at("03-01")),
    }
}

fn reject(entity: &'static str, id: &'static str, column: Option<&'static str>, reason: Reason) -> rejects::Row<'static> {
    use crate::model::Code as _;
    rejects::Row { source: Source::Messaging, entity, source_id: id, line: 7, column, reason: reason.code() }
}

fn reviews(lines: &str) -> Reviews {
    Reviews::parse(&format!("source,entity,id,column,verdict,reason,who,at\n{lines}\n")).unwrap()
}

#[test]
fn a_spam_complaint_withdraws_the_contacts_channel_at_its_time() {
    let mut world = World::default();
    world.add(Source::Messaging, contact("c", "jo@mail.test"), "a");
    world.consents = vec![
        evidence("c", "p1", Channel::Email, true, "04-01"),
        scoped("newsletter", evidence("c", "p2", Channel::Email, true, "04-01")),
        evidence("c", "p3", Channel::Push, true, "04-01"),
    ];
    world.messages = vec![message("c", "m1", MessageKind::Complained, "spam")];
    let built = world.build(&Options::sample());
    assert_eq!(consent_rows(&built), ["EMAIL all OPTED_OUT", "EMAIL newsletter OPTED_OUT", "PUSH all OPTED_IN"]);
    let row = built.consents.row(0);
    assert_eq!(row.revoked_at, Some(at("03-01")), "the time of the complaint, in spite of later opt-ins");
    assert!(row.evidence.starts_with(r#"{"evidenceKind":"COMPLAINT","evidenceKey":"messaging:messages:m1""#), "{}", row.evidence);
    assert!(!built.profile().email_opt_in && built.profile().push_opt_in);
    assert_eq!(suppressed(&built), ["EMAIL jo@mail.test all COMPLAINED", "EMAIL jo@mail.test all WITHDRAWN"]);
    assert_eq!(built.departures.count(Departure::ConsentComplaint), 1);
}

#[test]
fn only_a_later_explicit_action_lifts_a_complaint() {
    let outcome = |row: consents::Row<'static>| {
        let mut world = World::default();
        world.add(Source::Messaging, contact("c", "jo@mail.test"), "a");
        world.consents = vec![row];
        world.messages = vec![message("c", "m1", MessageKind::Complained, "abuse")];
        let built = world.build(&Options::sample());
        (built.profile().email_opt_in, suppressed(&built).len())
    };
    let act = |day| logged_act(evidence("c", "l1", Channel::Email, true, day));
    assert_eq!(outcome(act("03-01")), (false, 2), "equal instants favour the withdrawal");
    assert_eq!(outcome(act("03-02")), (true, 0));
    assert_eq!(outcome(consents::Row { is_act: false, origin: Some("IMPORT"), ..act("03-02") }), (false, 2));
    assert_eq!(outcome(consents::Row { is_undated: true, ..act("03-02") }), (false, 2), "an undated action proves no order");
}

#[test]
fn a_complaint_without_date_or_channel_withdraws_all_the_same() {
    let number = "+447700900001";
    let mut world = World::default();
    let row = people::Row {
        phone: Some(number),
        phone_key: Some(number),
        phone_class: Some(PhoneClass::Mobile),
        ..contact("c", "jo@mail.test")
    };
    world.add(Source::Messaging, row, "a");
    world.messages =
        vec![messages::Row { channel: None, created_at: None, ..message("c", "m1", MessageKind::Complained, "spam") }];
    let built = world.build(&Options::sample());
    assert_eq!(
        consent_rows(&built),
        ["EMAIL all OPTED_OUT", "PUSH all OPTED_OUT", "SMS all OPTED_OUT", "WHATSAPP all OPTED_OUT"]
    );
    assert_eq!(built.consents.row(0).revoked_at, Some(Options::sample().as_of));
    assert_eq!(built.undated, ["messages:m1"]);
}

#[test]
fn a_complaint_of_a_deleted_contact_withholds_its_mailbox() {
    let mut world = World::default();
    let deleted =
        people::Row { deleted_at: Some(at("04-01")), skip_reason: Some(SkipReason::Deleted), ..contact("c", "jo@mail.test") };
    world.skip(Source::Messaging, deleted).add(Source::Messaging, contact("d", "jo@mail.test"), "a");
    world.consents = vec![evidence("d", "p1", Channel::Email, true, "04-01")];
    world.messages = vec![message("c", "m1", MessageKind::Complained, "spam")];
    assert!(!world.build(&Options::sample()).profile().email_opt_in);
}

#[test]
fn a_contact_flag_decides_marketing_scopes_only() {
    let world = |flag| {
        let mut world = World::default();
        world.add(Source::Messaging, people::Row { email_opt_in: flag, ..contact("c", "jo@mail.test") }, "a");
        world.consents = vec![
            evidence("c", "p1", Channel::Email, true, "02-01"),
            scoped("newsletter", evidence("c", "p2", Channel::Email, true, "02-01")),
            scoped("transactional", evidence("c", "p3", Channel::Email, true, "02-01")),
        ];
        world
    };
    let flagged = world(Some(false)).build(&Options::sample());
    assert_eq!(consent_rows(&flagged), ["EMAIL all OPTED_OUT", "EMAIL newsletter OPTED_OUT", "EMAIL transactional OPTED_IN"]);
    assert!(!flagged.profile().email_opt_in);

    // The same over a second load, and for another profile with the same mailbox.
    let mut again = world(Some(false));
    again.earlier = super::over_loads::recorded(&flagged, Options::sample().as_of);
    again.add(Source::Messaging, contact("d", "jo@mail.test"), "b");
    again.consents.push(scoped("transactional", evidence("d", "p4", Channel::Email, true, "02-01")));
    let built = again.build(&Options::sample());
    let service: Vec<_> = built.consents.rows().filter(|row| row.scope == "transactional").map(|row| row.status).collect();
    assert_eq!(service, [ConsentStatus::OptedIn; 2]);

    let mut refused = world(Some(false));
    refused.consents.push(evidence("c", "p5", Channel::Email, false, "03-01"));
    assert_eq!(
        consent_rows(&refused.build(&Options::sample())).last().unwrap(),
        "EMAIL transactional OPTED_OUT",
        "a preference covers it"
    );
}

#[test]
fn a_refused_preference_stands_against_a_later_granted_one() {
    let mut world = World::default();
    world.add(Source::Messaging, contact("c", "jo@mail.test"), "a");
    world.consents =
        vec![evidence("c", "p1", Channel::Email, false, "02-01"), evidence("c", "p2", Channel::Email, true, "05-01")];
    assert_eq!(consent_rows(&world.build(&Options::sample())), ["EMAIL all OPTED_OUT"]);
    world.consents.push(logged_act(evidence("c", "l1", Channel::Email, true, "02-02")));
    assert_eq!(consent_rows(&world.build(&Options::sample())), ["EMAIL all OPTED_IN"]);
}

#[test]
fn an_unreadable_flag_withdraws_until_it_is_reviewed() {
    for flag_false in [FlagFalse::Withdrawal, FlagFalse::Unset] {
        let options = Options { flag_false, ..Options::sample() };
        let mut world = World::default();
        world.add(Source::Messaging, contact("c", "jo@mail.test"), "a").add(Source::Messaging, contact("d", "jo@mail.test"), "b");
        world.consents = vec![evidence("d", "p1", Channel::Email, true, "02-01")];
        world.rejects = vec![reject("contacts", "c", Some("email_opt_in"), Reason::BooleanInvalid)];
        let built = world.build(&options);
        assert!(!built.profile_with(&world.id("a")).email_opt_in && !built.profile_with(&world.id("b")).email_opt_in);
        assert_eq!(suppressed(&built), ["EMAIL jo@mail.test all WITHDRAWN"]);
        assert_eq!(review(&built), ["contacts c email_opt_in CONSENT_UNREADABLE"]);
        world.reviews = reviews("messaging,contacts,c,email_opt_in,opted-in,asked,T. Ester,2024-06-01");
        let decided = world.build(&options);
        assert!(decided.profile_with(&world.id("b")).email_opt_in && review(&decided).is_empty());
    }
}

#[test]
fn a_withdrawal_whose_contact_point_cannot_be_read_is_listed() {
    let mut world = World::default();
    let mut unread = contact("c", "jo@mail.test");
    (unread.email, unread.email_key, unread.auth_user_id) = (None, None, Some("auth0|7"));
    world.add(Source::Messaging, unread, "a").add(Source::Messaging, contact("d", "jo@mail.test"), "b");
    world.skip(Source::Messaging, people::Row { deleted_at: Some(at("04-01")), source_id: "e", auth_user_id: None, ..unread });
    let out = |contact, id| logged_act(evidence(contact, id, Channel::Email, false, "03-01"));
    world.consents = vec![out("c", "l1"), out("e", "l2"), evidence("d", "p1", Channel::Email, true, "02-01")];
    world.rejects = ["c", "d", "e"].map(|id| reject("contacts", id, Some("email"), Reason::EmailInvalid)).to_vec();
    let built = world.build(&Options::sample());
    assert_eq!(review(&built), ["contacts c email CONTACT_POINT_UNREADABLE", "contacts e email CONTACT_POINT_UNREADABLE"]);
    world.rejects[0].reason = "EMAIL_PLACEHOLDER";
    world.reviews = reviews("messaging,contacts,e,email,settled,on the suppression list,T. Ester,2024-06-01");
    assert!(review(&world.build(&Options::sample())).is_empty(), "a placeholder has no mailbox, and the other is settled");
}

#[test]
fn what_else_may_hide_a_withdrawal_is_listed_once() {
    let mut world = World::default();
    world.add(Source::Messaging, contact("c", "jo@mail.test"), "a");
    world.consents = vec![
        evidence("unknown", "p1", Channel::Email, false, "02-01"),
        evidence("unknown", "p1", Channel::Sms, false, "02-01"),
        evidence("unknown", "p2", Channel::Email, true, "02-01"),
    ];
    world.messages = vec![message("unknown", "m1", MessageKind::Complained, "spam")];
    world.rejects = vec![
        reject("preferences", "p3", Some("opted_in"), Reason::BooleanInvalid),
        reject("preferences", "p3", Some("opted_in"), Reason::ConsentUnreadable),
        reject("contacts", "c", Some("deleted_at"), Reason::TimeInvalid),
        reject("consent_changes", "#9", None, Reason::LineStrayQuote),
        reject("preferences", "p4", None, Reason::ChannelUnmapped),
        reject("messages", "m2", Some("created_at"), Reason::TimeInvalid),
    ];
    let expected = [
        "consent_changes #9 - ROW_LEFT_OUT",
        "contacts c deleted_at DELETED_AT_UNREADABLE",
        "messages m1 - CONTACT_UNKNOWN",
        "preferences p1 - CONTACT_UNKNOWN",
        "preferences p3 opted_in CONSENT_UNREADABLE",
    ];
    let built = world.build(&Options::sample());
    assert_eq!(review(&built), expected);
    assert!(built.review.rows().all(|row| !row.assumed.is_empty() && !row.settled_by.is_empty()));
}

#[test]
fn a_profile_is_tagged_while_it_shows_the_contact_point_that_hard_bounced() {
    let bounce = |id, status| message("c", id, MessageKind::Bounced, status);
    let tags = |more: &[messages::Row<'static>], shown: Option<&'static str>| {
        let mut world = World::default();
        if let Some(shown) = shown {
            world.add(Source::Scl, with_email("7", shown), "a");
        }
        world.add(Source::Messaging, contact("c", "jo@mail.test"), "a");
        world.messages = more.to_vec();
        let built = world.build(&Options::sample());
        built.profile().tags.iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let later = |kind| messages::Row { created_at: Some(at("04-01")), ..message("c", "m2", kind, "x") };
    assert_eq!(tags(&[bounce("m1", "Hard-Bounce")], None), ["email_bounced"]);
    assert_eq!(
        tags(&[bounce("m1", "bounced"), later(MessageKind::Sent)], None),
        ["email_bounced"],
        "sent does not mean delivered"
    );
    assert!(tags(&[bounce("m1", "bounced"), later(MessageKind::Delivered)], None).is_empty());
    assert!(tags(&[bounce("m1", "soft_bounce")], None).is_empty(), "a full mailbox is still alive");
    assert_eq!(tags(&[bounce("m1", "bounced")], Some("JO+golf@mail.test".to_lowercase().leak())), ["email_bounced"]);
    assert!(tags(&[bounce("m1", "bounced")], Some("new@mail.test")).is_empty(), "it shows another one");
    let by_phone = messages::Row { channel: Some(ActivityChannel::Sms), ..bounce("m1", "undelivered") };
    assert!(tags(&[by_phone], None).is_empty(), "the contact has no number to bounce");
    let mut world = World::default();
    let number = "+447700900001";
    let phone =
        people::Row { phone: Some(number), phone_key: Some(number), phone_class: Some(PhoneClass::Mobile), ..person("c") };
    world.add(Source::Messaging, phone, "a");
    world.messages = vec![by_phone];
    let built = world.build(&Options::sample());
    assert_eq!(built.profile().tags.iter().collect::<Vec<_>>(), ["phone_bounced"]);
    assert!(consent_rows(&built).is_empty(), "a bounce does not affect consent");
}

#[test]
fn undated_withdrawals_count_from_the_load_that_first_recorded_them() {
    let first = at("02-01");
    let flag = people::Row { email_opt_in: Some(false), updated_at: None, ..contact("c", "jo@mail.test") };
    let undated = |kind: u8| {
        let mut world = World::default();
        let row = if kind == 0 { flag } else { contact("c", "jo@mail.test") };
        world.add(Source::Messaging, row, "a");
        world.consents = vec![evidence("c", "p1", Channel::Email, true, "01-01")];
        let refusal = consents::Row {
            is_undated: true,
            at: first,
            changed_at: first,
            ..evidence("c", "p2", Channel::Email, false, "01-01")
        };
        match kind {
            0 => {}
            1 => world.consents.push(refusal),
            2 => world.consents.push(consents::Row { is_act: false, ..logged_act(refusal) }),
            _ => world.messages = vec![messages::Row { created_at: None, ..message("c", "p2", MessageKind::Complained, "spam") }],
        }
        world
    };
    for kind in 0..4 {
        let recorded = undated(kind).build(&Options { as_of: first, ..Options::sample() });
        assert!(!recorded.profile().email_opt_in);
        assert_eq!(recorded.undated.len(), 1, "kind {kind}");
        let again = |act: Option<&str>, as_of: Timestamp| {
            let mut world = undated(kind);
            world.earlier = super::over_loads::recorded(&recorded, first);
            world.recorded =
                crate::consolidate::consent::earlier::Recorded::new(recorded.undated.iter().map(|key| (key.clone(), first)));
            world.consents.extend(act.map(|day| logged_act(evidence("c", "l1", Channel::Email, true, day))));
            world.build(&Options { as_of, ..Options::sample() }).profile().email_opt_in
        };
        let second = at("06-01");
        assert!(!again(None, second), "kind {kind}");
        assert!(!again(Some("02-01"), second), "kind {kind}: not later");
        assert!(again(Some("02-02"), second), "kind {kind}: a later explicit action lifts it");
    }
}
