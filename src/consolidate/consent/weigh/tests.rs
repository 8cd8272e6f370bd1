//! Tests: consent over contacts, contact points, tenants and loads (rules 8 to 12).

use proptest::prelude::*;

use crate::consolidate::consent::earlier::EarlierWithdrawal;
use crate::consolidate::sample::{Built, World, at, consent_rows, contact, evidence, logged_act, person, scoped, with_email};
use crate::consolidate::{Departure, Options};
use crate::model::{Channel, ConsentStatus, CustomerStatus, FlagFalse, PhoneClass, Scope, Source, StatusTag, Timestamp};
use crate::tables::Table as _;
use crate::tables::crm::suppressions;
use crate::tables::stage::{consents, people};

fn suppressed(built: &Built) -> Vec<String> {
    let columns = suppressions::Table::columns(&built.suppressions).unwrap();
    let line =
        |row: suppressions::Row<'_>| format!("{} {} {} {} {}", row.tenant_id, row.channel, row.address, row.scope, row.reason);
    columns.rows().map(line).collect()
}

fn one_contact(consents: &[consents::Row<'static>]) -> World {
    let mut world = World::default();
    world.add(Source::Messaging, contact("c", "jo@mail.test"), "a");
    world.consents = consents.to_vec();
    world
}

#[test]
fn an_opt_in_dates_from_its_creation_and_an_opt_out_from_its_last_change() {
    let granted = one_contact(&[evidence("c", "p1", Channel::Email, true, "02-01")]).build(&Options::sample());
    let row = granted.consents.row(0);
    assert_eq!((row.status, row.consented_at, row.revoked_at), (ConsentStatus::OptedIn, Some(at("02-01")), None));
    assert_eq!(
        row.evidence,
        r#"{"evidenceKind":"PREFERENCE","evidenceKey":"messaging:preferences:p1","evidenceAt":"2024-02-01T12:00:00.000Z","evidenceSource":null,"ruleNo":6,"supersededCount":0}"#
    );
    assert!(granted.profile().email_opt_in);
    let refused = one_contact(&[evidence("c", "p1", Channel::Email, false, "03-01")]).build(&Options::sample());
    let row = refused.consents.row(0);
    assert_eq!((row.status, row.consented_at, row.revoked_at), (ConsentStatus::OptedOut, None, Some(at("03-01"))));
    assert!(!refused.profile().email_opt_in);
    assert_eq!(suppressed(&refused), ["1 EMAIL jo@mail.test all WITHDRAWN"]);
}

#[test]
fn a_true_flag_alone_turns_the_flag_on_without_a_row_unless_strict() {
    let mut world = World::default();
    world.add(Source::Messaging, people::Row { email_opt_in: Some(true), ..contact("c", "jo@mail.test") }, "a");
    let lenient = world.build(&Options::sample());
    assert!(lenient.profile().email_opt_in && consent_rows(&lenient).is_empty());
    let strict = world.build(&Options { strict_consent: true, ..Options::sample() });
    assert!(!strict.profile().email_opt_in);
}

#[test]
fn a_false_flag_overrides_a_grant_unless_the_setting_calls_it_unset() {
    let mut world = World::default();
    let flagged = people::Row { email_opt_in: Some(false), ..contact("c", "jo@mail.test") };
    world.add(Source::Messaging, flagged, "a");
    world.consents = vec![evidence("c", "p1", Channel::Email, true, "02-01")];
    let silenced = world.build(&Options::sample());
    let row = silenced.consents.row(0);
    assert_eq!((row.status, row.revoked_at), (ConsentStatus::OptedOut, None));
    assert!(row.evidence.starts_with(r#"{"evidenceKind":"CONTACT_FLAG","evidenceKey":"messaging:contacts:c","evidenceAt":null"#));
    assert_eq!(silenced.departures.count(Departure::ConsentFlag), 1);
    assert_eq!(silenced.departures.count(Departure::ConsentGrants), 1);
    let unset = world.build(&Options { flag_false: FlagFalse::Unset, ..Options::sample() });
    assert!(unset.profile().email_opt_in);
    world.consents.push(logged_act(evidence("c", "l1", Channel::Email, true, "02-02")));
    assert!(world.build(&Options::sample()).profile().email_opt_in, "a later action lifts the flag's opt-out");
}

#[test]
fn an_opt_out_of_all_scopes_covers_each_and_an_opt_in_lifts_none() {
    let newsletter = |is_grant| scoped("newsletter", evidence("c", "p2", Channel::Email, is_grant, "03-01"));
    let covered = one_contact(&[evidence("c", "p1", Channel::Email, false, "02-01"), newsletter(true)]);
    let built = covered.build(&Options::sample());
    assert_eq!(consent_rows(&built), ["EMAIL all OPTED_OUT", "EMAIL newsletter OPTED_OUT"]);
    assert!(built.consents.row(1).evidence.contains(r#""ruleNo":8"#));
    let specific = one_contact(&[evidence("c", "p1", Channel::Email, true, "04-01"), newsletter(false)]);
    let built = specific.build(&Options::sample());
    assert_eq!(consent_rows(&built), ["EMAIL all OPTED_IN", "EMAIL newsletter OPTED_OUT"]);
    assert!(!built.profile().email_opt_in, "an opt-out of one marketing scope turns the channel off");
}

#[test]
fn transactional_scopes_never_drive_a_flag() {
    let service = |is_grant| scoped("transactional", evidence("c", "p1", Channel::Email, is_grant, "02-01"));
    assert!(!one_contact(&[service(true)]).build(&Options::sample()).profile().email_opt_in);
    let refused = one_contact(&[service(false), evidence("c", "p2", Channel::Email, true, "02-01")]);
    assert!(refused.build(&Options::sample()).profile().email_opt_in);
}

#[test]
fn the_worst_of_several_contacts_decides() {
    let mut world = World::default();
    world.add(Source::Messaging, contact("c", "jo@mail.test"), "a").add(Source::Messaging, contact("d", "jo@mail.test"), "a");
    world.consents =
        vec![logged_act(evidence("c", "l1", Channel::Email, true, "05-01")), evidence("d", "p1", Channel::Email, false, "02-01")];
    let built = world.build(&Options::sample());
    assert_eq!(consent_rows(&built), ["EMAIL all OPTED_OUT"]);
    assert!(!built.profile().email_opt_in, "an action of one contact does not lift a withdrawal of another");
}

#[test]
fn a_withdrawal_applies_to_every_profile_of_the_tenant_with_that_email() {
    let mut world = World::default();
    world
        .add(Source::McaZa, with_email("1", "Home+golf@mail.test"), "a")
        .add(Source::Messaging, contact("c", "jo@mail.test"), "a")
        .add(Source::Messaging, contact("d", "Home@mail.test"), "b")
        .add(Source::Messaging, people::Row { tenant_id: Some("2"), ..contact("e", "Home@mail.test") }, "c");
    world.consents = vec![
        evidence("c", "p1", Channel::Email, true, "02-01"),
        evidence("d", "p2", Channel::Email, false, "03-01"),
        evidence("e", "p3", Channel::Email, true, "02-01"),
    ];
    let built = world.build(&Options::sample());
    assert!(!built.profile_with(&world.id("a")).email_opt_in);
    assert!(built.profile_with(&world.id("c")).email_opt_in, "another tenant is not affected");
    let id = world.id("a");
    let row = built.consents.rows().find(|row| row.customer_id == id).unwrap();
    assert_eq!((row.status, row.revoked_at), (ConsentStatus::OptedOut, Some(at("03-01"))));
    assert!(row.evidence.starts_with(r#"{"evidenceKind":"ADDRESS","evidenceKey":null"#), "the other person is not named");
    assert_eq!(built.departures.count(Departure::ConsentAddress), 2, "one row and one flag");
    let global = world.build(&Options { suppression: Scope::Global, ..Options::sample() });
    assert!(!global.profile_with(&world.id("c")).email_opt_in);
}

#[test]
fn withdrawals_of_deleted_contacts_are_kept() {
    let mut world = World::default();
    let deleted = people::Row {
        deleted_at: Some(at("04-01")),
        may_found: false,
        skip_reason: Some(crate::model::SkipReason::Deleted),
        ..contact("c", "jo@mail.test")
    };
    world.skip(Source::Messaging, deleted).add(Source::Messaging, contact("d", "jo@mail.test"), "a");
    world.consents =
        vec![evidence("c", "p1", Channel::Email, false, "02-01"), evidence("d", "p2", Channel::Email, true, "03-01")];
    let built = world.build(&Options::sample());
    assert!(!built.profile().email_opt_in);
    assert_eq!(suppressed(&built), ["1 EMAIL jo@mail.test all WITHDRAWN"]);
    assert_eq!(built.departures.count(Departure::ConsentDeleted), 1);
    let outcomes = built.outcomes();
    assert!(outcomes.contains(&"contacts/c SKIPPED DELETED".to_owned()));
    assert!(outcomes.contains(&"preferences/p1 SKIPPED DELETED".to_owned()));
}

#[test]
fn a_flag_is_on_only_for_the_email_that_the_profile_shows() {
    let mut world = World::default();
    world.add(Source::Scl, with_email("7", "new@mail.test"), "a").add(Source::Messaging, contact("c", "old@mail.test"), "a");
    world.consents = vec![evidence("c", "p1", Channel::Email, true, "02-01")];
    let built = world.build(&Options::sample());
    assert_eq!(built.profile().email, Some("new@mail.test"));
    assert!(!built.profile().email_opt_in);
    assert_eq!(consent_rows(&built), ["EMAIL all OPTED_IN"], "the opt-in stays recorded");
    assert_eq!(built.departures.count(Departure::ConsentNotShown), 1);
}

#[test]
fn sms_and_whatsapp_follow_the_phone_and_push_follows_neither() {
    let mut world = World::default();
    let number = "+447700900001";
    let phone =
        people::Row { phone: Some(number), phone_key: Some(number), phone_class: Some(PhoneClass::Mobile), ..person("c") };
    world.add(Source::Messaging, phone, "a").add(Source::Messaging, people::Row { source_id: "d", ..phone }, "b");
    world.consents = [Channel::Sms, Channel::Whatsapp, Channel::Push]
        .into_iter()
        .zip(["p1", "p2", "p3"])
        .map(|(channel, id)| evidence("c", id, channel, true, "02-01"))
        .collect();
    world.consents.push(evidence("d", "p4", Channel::Sms, false, "03-01"));
    world.consents.push(evidence("d", "p5", Channel::Push, false, "03-01"));
    let built = world.build(&Options::sample());
    let profile = built.profile_with(&world.id("a"));
    assert_eq!([profile.sms_opt_in, profile.whatsapp_opt_in, profile.push_opt_in], [false, true, true]);
}

#[test]
fn the_dead_are_suppressed_on_every_channel() {
    let mut world = World::default();
    let dead = people::Row {
        status: Some(CustomerStatus::Inactive),
        status_tag: Some(StatusTag::Deceased),
        ..with_email("1", "jo@mail.test")
    };
    world.add(Source::McaZa, dead, "a").add(Source::Messaging, contact("c", "jo@mail.test"), "a");
    world.consents = vec![evidence("c", "p1", Channel::Email, true, "02-01")];
    let built = world.build(&Options::sample());
    assert!(!built.profile().email_opt_in);
    assert_eq!(consent_rows(&built), ["EMAIL all OPTED_IN"], "consent is independent of that");
    assert_eq!(suppressed(&built), ["1 EMAIL jo@mail.test all DECEASED"]);
}

#[test]
fn minors_with_consent_are_counted_up_to_their_eighteenth_birthday() {
    let options = Options::sample();
    let adult = options.as_of.minus_years(18).day();
    for (born_on, expected) in [(adult, 0), (crate::model::Day(adult.0 + 1), 1)] {
        let mut world = World::default();
        world.add(Source::McaZa, people::Row { born_on: Some(born_on), ..person("1") }, "a").add(
            Source::Messaging,
            contact("c", "jo@mail.test"),
            "a",
        );
        world.consents = vec![evidence("c", "p1", Channel::Email, true, "02-01")];
        assert_eq!(world.build(&options).departures.count(Departure::ConsentMinors), expected);
    }
}

fn earlier(reason: &str, revoked_at: Option<Timestamp>) -> EarlierWithdrawal {
    EarlierWithdrawal {
        tenant_id: "1".to_owned(),
        channel: Channel::Email,
        address: "jo@mail.test".to_owned(),
        scope: "all".to_owned(),
        revoked_at,
        lifted_after: revoked_at.unwrap_or(at("03-01")),
        reason: reason.to_owned(),
    }
}

#[test]
fn a_withdrawal_of_an_earlier_load_is_lifted_only_by_a_later_logged_act() {
    let outcome = |recorded: EarlierWithdrawal, more: &[consents::Row<'static>]| {
        let mut world = one_contact(&[evidence("c", "p1", Channel::Email, true, "05-01")]);
        world.consents.extend_from_slice(more);
        world.earlier = vec![recorded];
        let built = world.build(&Options::sample());
        (built.profile().email_opt_in, consent_rows(&built).remove(0), suppressed(&built))
    };
    let act = |day| logged_act(evidence("c", "l1", Channel::Email, true, day));
    let stands = (false, "EMAIL all OPTED_OUT".to_owned(), vec!["1 EMAIL jo@mail.test all EARLIER_LOAD".to_owned()]);
    let lifted = (true, "EMAIL all OPTED_IN".to_owned(), Vec::new());
    assert_eq!(outcome(earlier("WITHDRAWN", Some(at("03-01"))), &[]), stands);
    assert_eq!(outcome(earlier("WITHDRAWN", Some(at("03-01"))), &[act("03-01")]), stands);
    assert_eq!(outcome(earlier("WITHDRAWN", Some(at("03-01"))), &[act("03-02")]), lifted);
    assert_eq!(outcome(earlier("WITHDRAWN", None), &[act("03-01")]), stands);
    assert_eq!(outcome(earlier("WITHDRAWN", None), &[act("03-02")]), lifted, "undated, it counts from its load");
    assert_eq!(outcome(earlier("COMPLAINED", Some(at("03-01"))), &[]), stands, "a complaint is a withdrawal");
    let bounced = outcome(earlier("BOUNCED", Some(at("03-01"))), &[]);
    assert_eq!((bounced.0, bounced.2.len()), (true, 1), "a bounce is not a withdrawal, but stays suppressed");
}

#[test]
fn every_piece_of_evidence_has_one_outcome() {
    let all = |row: consents::Row<'static>, channel| consents::Row { channel: Some(channel), channel_raw: "all", ..row };
    let voice = consents::Row { channel: None, channel_raw: "VOICE", ..evidence("c", "p3", Channel::Email, true, "02-01") };
    let stranger = evidence("unknown", "p4", Channel::Email, true, "02-01");
    let both = evidence("c", "p1", Channel::Email, false, "03-01");
    let world = one_contact(&[
        all(both, Channel::Email),
        all(both, Channel::Sms),
        evidence("c", "p2", Channel::Email, true, "02-01"),
        voice,
        stranger,
    ]);
    let mut outcomes = world.build(&Options::sample()).outcomes();
    outcomes.retain(|line| line.starts_with("preferences"));
    let expected = [
        "preferences/p1 LOADED -",
        "preferences/p2 SKIPPED SUPERSEDED",
        "preferences/p3 SKIPPED NO_TARGET",
        "preferences/p4 SKIPPED UNRESOLVED",
    ];
    assert_eq!(outcomes, expected);
}

const CONTACTS: [&str; 4] = ["c", "d", "e", "f"];
const ADDRESSES: [&str; 3] = ["x@mail.test", "y@mail.test", "x+tag@mail.test"];
const DAYS: [&str; 4] = ["01-01", "02-01", "03-01", "04-01"];
const IDS: [&str; 8] = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"];
const PROFILES: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
struct Sketch {
    /// Address, profile (2 = deleted) and flag of each contact.
    contacts: Vec<(usize, usize, Option<bool>)>,
    /// Contact, day, grant, kind (0 preference, 1 logged by an agent, 2 logged act), scope.
    evidence: Vec<(usize, usize, bool, u8, bool)>,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let contact = (0..3_usize, 0..3_usize, prop::option::of(any::<bool>()));
    let piece = (0..4_usize, 0..4_usize, any::<bool>(), 0..3_u8, any::<bool>());
    (prop::collection::vec(contact, 4), prop::collection::vec(piece, 0..8))
        .prop_map(|(contacts, evidence)| Sketch { contacts, evidence })
}

fn world_of(sketch: &Sketch) -> World {
    let mut world = World::default();
    for (position, &(address, profile, flag)) in sketch.contacts.iter().enumerate() {
        let row = people::Row { email_opt_in: flag, ..contact(CONTACTS[position], ADDRESSES[address]) };
        match PROFILES.get(profile) {
            Some(name) => world.add(Source::Messaging, row, name),
            None => world.skip(Source::Messaging, people::Row { deleted_at: Some(at("05-01")), ..row }),
        };
    }
    for (position, &(contact, day, is_grant, kind, is_scoped)) in sketch.evidence.iter().enumerate() {
        let row = evidence(CONTACTS[contact], IDS[position], Channel::Email, is_grant, DAYS[day]);
        let row = if is_scoped { scoped("newsletter", row) } else { row };
        world.consents.push(match kind {
            0 => row,
            1 => consents::Row { is_act: false, ..logged_act(row) },
            _ => logged_act(row),
        });
    }
    world
}

/// Opt-outs of a contact without a later logged action of the same contact in the same scope, directly by the rules.
fn standing(sketch: &Sketch, contact: usize) -> Vec<(usize, bool)> {
    let of_contact = || sketch.evidence.iter().filter(|piece| piece.0 == contact);
    let lifts = |refusal: &(usize, usize, bool, u8, bool)| {
        of_contact().any(|act| act.2 && act.3 == 2 && act.4 == refusal.4 && act.1 > refusal.1)
    };
    of_contact().filter(|piece| !piece.2 && !lifts(piece)).map(|piece| (piece.1, piece.4)).collect()
}

fn same_mailbox(a: usize, b: usize) -> bool {
    ADDRESSES[a].replace("+tag", "") == ADDRESSES[b].replace("+tag", "")
}

proptest! {
    /// Oracle, computed from the sketch: no standing opt-out of the profile's contacts or of any contact with one of its contact
    /// points.
    #[test]
    fn no_profile_is_opted_in_where_a_withdrawal_stands(sketch in sketch()) {
        let world = world_of(&sketch);
        let built = world.build(&Options::sample());
        for (number, name) in PROFILES.iter().enumerate() {
            let own: Vec<usize> = (0..4).filter(|&contact| sketch.contacts[contact].1 == number).collect();
            if own.is_empty() {
                continue;
            }
            let is_near = |other: usize| own.iter().any(|&mine| same_mailbox(sketch.contacts[mine].0, sketch.contacts[other].0));
            let refusals: Vec<(usize, bool)> =
                (0..4).filter(|&contact| is_near(contact)).flat_map(|contact| standing(&sketch, contact)).collect();
            let id = world.id(name);
            prop_assert!(refusals.is_empty() || !built.profile_with(&id).email_opt_in);
            for row in built.consents.rows().filter(|row| row.customer_id == id) {
                let is_covered = refusals.iter().any(|&(_, is_scoped)| !is_scoped || row.scope == "newsletter");
                prop_assert!(!is_covered || row.status == ConsentStatus::OptedOut);
            }
        }
    }

    /// Oracle: the first run. Its withdrawals are given to a second run, from whose export evidence has vanished.
    #[test]
    fn a_second_run_never_opts_in_again_without_a_later_action(sketch in sketch(), kept in prop::collection::vec(any::<bool>(), 8)) {
        let first = world_of(&sketch).build(&Options::sample());
        let recorded: Vec<EarlierWithdrawal> = suppressions::Table::columns(&first.suppressions).unwrap().rows()
            .map(|row| EarlierWithdrawal {
                tenant_id: row.tenant_id.to_owned(),
                channel: row.channel,
                address: row.address.to_owned(),
                scope: row.scope.to_owned(),
                revoked_at: row.revoked_at,
                lifted_after: row.lifted_after.unwrap_or(Options::sample().as_of),
                reason: row.reason.to_owned(),
            })
            .collect();
        let mut again = world_of(&sketch);
        again.earlier.clone_from(&recorded);
        let same = again.build(&Options::sample());
        prop_assert_eq!(&first.slice.profiles, &same.slice.profiles);
        prop_assert_eq!(&first.slice.consents, &same.slice.consents);

        let mut poorer = sketch.clone();
        let mut keep = kept.iter();
        poorer.evidence.retain(|piece| piece.2 && piece.3 == 0 || *keep.next().unwrap());
        let mut world = world_of(&poorer);
        world.earlier = recorded;
        let second = world.build(&Options::sample());
        for name in PROFILES.iter().filter(|name| sketch.contacts.iter().any(|contact| PROFILES.get(contact.1) == Some(name))) {
            let profile = second.profile_with(&world.id(name));
            for withdrawal in world.earlier.iter().filter(|earlier| earlier.reason == "WITHDRAWN") {
                let is_same = |email: &str| email.replace("+tag", "") == withdrawal.address.replace("+tag", "");
                let lifts = |piece: &(usize, usize, bool, u8, bool)| {
                    let (contact, day, is_grant, kind, is_scoped) = *piece;
                    is_grant && kind == 2
                        && is_scoped == (withdrawal.scope == "newsletter")
                        && is_same(ADDRESSES[sketch.contacts[contact].0])
                        && at(DAYS[day]) > withdrawal.lifted_after
                };
                let is_lifted = poorer.evidence.iter().any(lifts);
                prop_assert!(is_lifted || !profile.email_opt_in || !profile.email.is_some_and(is_same), "{:?}", withdrawal);
            }
        }
    }
}
