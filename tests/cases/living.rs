//! A CRM in use: merges, deletions and changes between two loads of small datasets.

mod merges;

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Channel, ConsentStatus, Phase, Timestamp};
use crm_backfill::pg::load::rollback::{emergency, rollback};
use crm_backfill::pg::load::{Allowed, Input, Loader, Report};

use crate::pg::load::{ALONE, fingerprint, load, load_as};
use crate::support::datasets::{AS_OF, Consent, Person, World, id_of};
use crate::support::postgres::{Database, database};

const CRM: &str = include_str!("../../schemas/crm.sql");
const SEGMENT: &str = "0b5e6f3a-1111-4b8e-9c1d-2e3f4a5b6c7d";
/// Ten people, so that one of them is less than a fifth.
const NAMES: [&str; 10] = ["anna", "bea", "cleo", "dora", "emil", "fay", "gus", "hal", "ida", "jon"];

fn person(name: &str) -> Person {
    let member = NAMES.iter().position(|known| *known == name).unwrap_or(20);
    Person::new(name, 11 + i32::try_from(member).unwrap())
}

fn everybody() -> Vec<Person> {
    NAMES.iter().map(|name| person(name)).collect()
}

fn loader(crm: &Database) -> Loader {
    Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap()
}

fn input<'a>(world: &'a World, run_id: &'a str) -> Input<'a> {
    Input {
        run_id,
        phase: Phase::new(6).unwrap(),
        as_of: AS_OF,
        inputs: run_id,
        exports: &[],
        kept_ids: &[],
        merges: &[],
        segments: None,
        restore: None,
        data: world,
    }
}

fn restoring(crm: &Database, world: &World, run_id: &str, ids: &[String]) -> anyhow::Result<Report> {
    loader(crm).load(&Input { restore: Some(ids), ..input(world, run_id) }, ALONE, false, &|_, _| {})
}

fn left(report: &Report, reason: &str) -> u64 {
    report.left.iter().find(|(known, _)| known == reason).map_or(0, |(_, rows)| *rows)
}

/// The number of rows in each table that belong to a profile, and whether the profile exists.
fn standing(crm: &Database, id: &str) -> [String; 5] {
    let row = crm
        .rows(&format!(
            r#"select (select count(*) from "CustomerProfile" where "id" = '{id}')::text,
                 (select count(*) from "IdentityAlias" where "customerId" = '{id}')::text,
                 (select count(*) from "Activity" where "customerId" = '{id}')::text,
                 (select count(*) from "MarketingConsent" where "customerId" = '{id}')::text,
                 (select count(*) from "CustomerSegmentMembership" where "customerId" = '{id}')::text"#
        ))
        .remove(0);
    row.try_into().unwrap()
}

const NOTHING: [&str; 5] = ["0", "0", "0", "0", "0"];

/// Merges two profiles as an application does: children move, and the merged profile points to the surviving one.
fn merge(crm: &Database, gone: &str, kept: &str, also: &str) {
    crm.execute(&format!(
        r#"update "Activity" set "customerId" = '{kept}' where "customerId" = '{gone}';
           update "IdentityAlias" set "customerId" = '{kept}' where "customerId" = '{gone}';
           delete from "CustomerSegmentMembership" where "customerId" = '{gone}';
           update "CustomerProfile" set "status" = 'MERGED', "mergedIntoId" = '{kept}' {also} where "id" = '{gone}'"#
    ));
}

fn of(people: Vec<Person>) -> World {
    World::of(people).build()
}

fn flag(name: &str) -> String {
    format!(r#"select "emailOptIn"::text from "CustomerProfile" where "id" = '{}'"#, id_of(name))
}

fn withdraw(person: &mut Person, at: Timestamp) {
    person.email_opt_in = false;
    person.consents[0].status = ConsentStatus::OptedOut;
    person.consents[0].at = Some(at);
}

/// Case 8.3: an erasure request carried out in the CRM.
#[test]
fn a_deleted_profile_and_its_rows_are_not_loaded_again() {
    let crm = database(CRM);
    crm.execute(&format!(
        r#"insert into "CustomerSegment" ("id", "tenantId", "name", "updatedAt") values ('{SEGMENT}', '1', 'regulars', now())"#
    ));
    let world = |people: Vec<Person>| {
        World {
            segments: vec![(SEGMENT.to_owned(), vec!["anna".to_owned(), "bea".to_owned()], None)],
            candidates: vec![("anna".to_owned(), "bea".to_owned())],
            ..World::of(people)
        }
        .build()
    };
    load(&crm, &world(everybody()), "run-1");
    let bea = id_of("bea");
    crm.execute(&format!(r#"delete from "CustomerProfile" where "id" = '{bea}'"#));
    let erased = fingerprint(&crm);
    let first = load(&crm, &world(everybody()), "run-2");
    assert_eq!(first.deleted_by_others, 6, "the profile, two aliases, a booking, a consent and a candidate");
    // Only the number of members changes.
    assert_eq!(crm.value(r#"select "memberCount"::text from "CustomerSegment""#), "1");
    assert_eq!(fingerprint(&crm).len(), erased.len());
    let second = load(&crm, &world(everybody()), "run-3");
    assert!(!second.changed && second.deleted_by_others == 0);
    assert_eq!(second.counts["CustomerProfile"].deleted_by_others, 1);

    // Other values, new children, later evidence: nothing brings her back.
    let mut people = everybody();
    people[1].bookings.push("booking-later".to_owned());
    people[1].email = Some("bea@elsewhere.test".to_owned());
    people[1].consents.push(Consent {
        channel: Channel::Sms,
        status: ConsentStatus::OptedIn,
        at: Some(AS_OF.plus_days(9)),
        kind: "CONSENT_LOG",
        key: "messaging:consent_changes:99".to_owned(),
    });
    load(&crm, &world(people.clone()), "run-4");
    assert_eq!(standing(&crm, &bea), NOTHING);
    let listed =
        crm.value("select count(*) from backfill.kept where reason = 'DELETED_BY_OTHERS' and table_name = 'CustomerProfile'");
    assert_eq!(listed, "1");
    // She vanishes from the sources and comes back.
    load(&crm, &of(everybody().into_iter().filter(|person| person.name != "bea").collect()), "run-5");
    load(&crm, &world(people.clone()), "run-6");
    assert_eq!(standing(&crm, &bea), NOTHING);

    let restored = restoring(&crm, &world(people), "run-7", &[]).unwrap();
    assert!(restored.restored >= 6, "{restored:?}");
    assert_eq!(standing(&crm, &bea), ["1", "2", "2", "2", "1"]);
}

/// Case 8.3: the records of a deleted profile seed or join another one.
#[test]
fn records_of_a_deleted_profile_do_not_return_under_another_id() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    crm.execute(&format!(r#"delete from "CustomerProfile" where "id" = '{}'"#, id_of("bea")));
    let erased = fingerprint(&crm);
    // Another seed record, another id.
    let mut people = everybody();
    people[1].name = "beatrix".to_owned();
    load(&crm, &of(people.clone()), "run-2");
    assert_eq!(fingerprint(&crm), erased);
    // One of her records is gone, and a new one is linked to the other: the new one is hers, too.
    people[1].scl_member_id = Some(99);
    load(&crm, &of(people.clone()), "run-3");
    people[1].name = "trixie".to_owned();
    people[1].teetime_player_id = None;
    load(&crm, &of(people.clone()), "run-4");
    assert_eq!(fingerprint(&crm), erased);
    // A record of hers joins an existing profile: that profile and its rows are not changed.
    let mut people: Vec<Person> = everybody().into_iter().filter(|person| person.name != "bea").collect();
    people[0].scl_member_id = Some(12);
    people[0].handicap = Some(99);
    people[0].bookings.push("booking-bea".to_owned());
    let report = load(&crm, &of(people), "run-5");
    assert!(left(&report, "RECORD_WITHHELD") >= 3, "{:?}", report.left);
    assert_eq!(fingerprint(&crm), erased);
}

/// Case 8.3: rows of their own, not the profile.
#[test]
fn deleted_aliases_activities_and_consents_are_not_loaded_again() {
    for table in ["IdentityAlias", "Activity", "MarketingConsent"] {
        let crm = database(CRM);
        load(&crm, &of(everybody()), "run-1");
        let bea = id_of("bea");
        crm.execute(&format!(r#"delete from "{table}" where "customerId" = '{bea}'"#));
        let without = fingerprint(&crm);
        let report = load(&crm, &of(everybody()), "run-2");
        assert!(left(&report, "DELETED_BY_OTHERS") > 0, "{table}");
        assert_eq!(fingerprint(&crm), without, "{table}");
        let ids = [bea.clone()];
        // Only deleted rows can be restored: the row was deleted, the profile was not.
        assert!(restoring(&crm, &of(everybody()), "run-3", &ids).is_err());
        let row = crm.rows("select id from backfill.deleted").remove(0).remove(0);
        restoring(&crm, &of(everybody()), "run-3", &[row]).unwrap();
        assert_ne!(fingerprint(&crm), without, "{table}");
    }
}

/// Case 8.3: a deleted consent row does not set a flag, and a later withdrawal is still loaded.
#[test]
fn a_deleted_consent_neither_grants_nor_hides_a_withdrawal() {
    let crm = database(CRM);
    let mut people = everybody();
    people[1].email_opt_in = false;
    load(&crm, &of(people), "run-1");
    crm.execute(&format!(r#"delete from "MarketingConsent" where "customerId" = '{}'"#, id_of("bea")));
    load(&crm, &of(everybody()), "run-2");
    assert_eq!(crm.value(&flag("bea")), "false");
    let mut people = everybody();
    withdraw(&mut people[1], AS_OF.plus_days(3));
    load(&crm, &of(people.clone()), "run-3");
    let status = format!(r#"select "status"::text from "MarketingConsent" where "customerId" = '{}'"#, id_of("bea"));
    assert_eq!(crm.value(&status), "OPTED_OUT");
    assert!(!load(&crm, &of(people), "run-4").changed);
}

/// Case 8.3: deletions stay in effect after a rollback, including an emergency rollback.
#[test]
fn no_deleted_profile_comes_back_after_a_rollback() {
    for is_emergency in [false, true] {
        for noticed in [true, false] {
            let crm = database(CRM);
            load(&crm, &of(everybody()), "run-1");
            let bea = id_of("bea");
            crm.execute(&format!(r#"delete from "CustomerProfile" where "id" = '{bea}'"#));
            if noticed {
                load(&crm, &of(everybody()), "run-2");
            }
            if is_emergency {
                let _held = emergency(&loader(&crm), "run-3").unwrap();
            } else {
                rollback(&mut loader(&crm), "run-3", true, false).unwrap();
            }
            assert_eq!(crm.value(r#"select count(*) from "CustomerProfile""#), "0");
            load(&crm, &of(everybody()), "run-4");
            assert_eq!(standing(&crm, &bea), NOTHING, "emergency {is_emergency}, noticed {noticed}");
            assert_eq!(crm.value(r#"select count(*) from "CustomerProfile""#), "9");
        }
    }
}

/// Case 8.3: deletions of more than a fifth are not an erasure request.
#[test]
fn a_crm_that_lost_more_than_a_fifth_of_our_rows_is_refused() {
    for delete in [
        r#"delete from "CustomerProfile" where "sclMemberId" <= 13"#,
        r#"delete from "IdentityAlias""#,
        r#"truncate "CustomerProfile" cascade"#,
    ] {
        let crm = database(CRM);
        load(&crm, &of(everybody()), "run-1");
        crm.execute(delete);
        let before = fingerprint(&crm);
        for dry_run in [true, false] {
            let fault = load_as(&crm, &of(everybody()), "run-2", 6, ALONE, dry_run).unwrap_err().downcast::<Fault>().unwrap();
            assert_eq!(fault.exit, Exit::Preflight);
            assert!(fault.what.contains("more than a fifth"), "{fault:?}");
            assert!(fault.help.iter().any(|help| help.contains("--restore")), "{fault:?}");
        }
        assert_eq!(fingerprint(&crm), before);
        let accepted = Allowed { accept_deleted: true, ..ALONE };
        load_as(&crm, &of(everybody()), "run-3", 6, accepted, false).unwrap();
        assert_eq!(fingerprint(&crm), before, "{delete}");
        assert!(!load(&crm, &of(everybody()), "run-4").changed);
        restoring(&crm, &of(everybody()), "run-5", &[]).unwrap();
        let fresh = database(CRM);
        load(&fresh, &of(everybody()), "run-1");
        assert_eq!(fingerprint(&crm), fingerprint(&fresh), "{delete}");
    }
}

/// Case 8.3: one person is restored, by profile or by record, and the others stay away.
#[test]
fn one_deleted_person_is_restored_by_profile_or_record() {
    for id in [id_of("bea"), "scl:members:12".to_owned(), "teetime:players:player-12".to_owned()] {
        let crm = database(CRM);
        let mut people = everybody();
        people.extend((0..10).map(|at| Person::new(&format!("extra-{at}"), 100 + at)));
        load(&crm, &of(people.clone()), "run-1");
        crm.execute(r#"delete from "CustomerProfile" where "sclMemberId" in (12, 13)"#);
        load(&crm, &of(people.clone()), "run-2");
        restoring(&crm, &of(people.clone()), "run-3", std::slice::from_ref(&id)).unwrap();
        assert_eq!(standing(&crm, &id_of("bea")), ["1", "2", "1", "1", "0"], "{id}");
        assert_eq!(standing(&crm, &id_of("cleo")), NOTHING);
    }
}

/// Case 8.4: only `deletedAt` is set, by an application without `updatedBy`.
#[test]
fn a_soft_deleted_profile_is_kept_and_leaves_its_segments() {
    let crm = database(CRM);
    crm.execute(&format!(
        r#"insert into "CustomerSegment" ("id", "tenantId", "name", "updatedAt") values ('{SEGMENT}', '1', 'regulars', now())"#
    ));
    let world = |people: Vec<Person>| {
        World { segments: vec![(SEGMENT.to_owned(), vec!["anna".to_owned(), "bea".to_owned()], None)], ..World::of(people) }
            .build()
    };
    load(&crm, &world(everybody()), "run-1");
    let bea = id_of("bea");
    crm.execute(&format!(r#"update "CustomerProfile" set "deletedAt" = now() where "id" = '{bea}'"#));
    let mut people = everybody();
    people[1].email = Some("bea@elsewhere.test".to_owned());
    let report = load(&crm, &world(people.clone()), "run-2");
    assert_eq!(report.counts["CustomerProfile"].kept, 1);
    assert_eq!(crm.value(r#"select "memberCount"::text from "CustomerSegment""#), "1");
    assert_eq!(standing(&crm, &bea)[4], "0");
    assert_eq!(crm.value(&format!(r#"select "email" from "CustomerProfile" where "id" = '{bea}'"#)), "bea@mail.test");
    assert!(!load(&crm, &world(people.clone()), "run-3").changed);
    // After the deletion is undone, she is a member again.
    crm.execute(&format!(r#"update "CustomerProfile" set "deletedAt" = null where "id" = '{bea}'"#));
    load(&crm, &world(people), "run-4");
    assert_eq!(standing(&crm, &bea)[4], "1");
}

/// Case 8.5: the application adds bookings and updates metrics.
#[test]
fn a_profile_with_a_foreign_activity_keeps_its_metrics() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let anna = id_of("anna");
    crm.execute(&format!(
        r#"insert into "Activity" ("id", "tenantId", "customerId", "type", "category", "title", "sourceService", "occurredAt")
           values ('t1', '1', '{anna}', 'TEETIME_BOOKED', 'BOOKING', 'by the app', 'app', '2026-11-28');
           update "CustomerProfile" set "lastActivityAt" = '2026-11-28', "bookingCountTotal" = 5, "engagementScore" = 77 where "id" = '{anna}'"#
    ));
    for phase in [6, 5] {
        let lower = Allowed { lower_phase: true, ..ALONE };
        let report = load_as(&crm, &of(everybody()), &format!("run-of-{phase}"), phase, lower, false).unwrap();
        assert_eq!(left(&report, "FOREIGN_ACTIVITY"), 1);
        let row = crm.rows(&format!(
            r#"select "lastActivityAt"::text, "bookingCountTotal"::text, "engagementScore"::text from "CustomerProfile" where "id" = '{anna}'"#
        ));
        assert_eq!(row, [["2026-11-28 00:00:00", "5", "77"]], "phase {phase}");
    }
    let mut people = everybody();
    people[0].handicap = Some(99);
    load(&crm, &of(people), "run-3");
    assert_eq!(
        crm.value(&format!(r#"select "handicap"::text from "CustomerProfile" where "id" = '{anna}'"#)),
        "9.9",
        "all else follows"
    );
}

/// Changes made in the CRM are kept, but a new withdrawal still applies to the row.
#[test]
fn a_later_withdrawal_applies_to_rows_changed_in_the_crm() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let anna = id_of("anna");
    crm.execute(&format!(
        r#"update "CustomerProfile" set "firstName" = 'Annika', "updatedBy" = 'lee' where "id" = '{anna}';
           update "MarketingConsent" set "source" = 'CALL_CENTRE' where "customerId" = '{anna}'"#
    ));
    load(&crm, &of(everybody()), "run-2");
    assert_eq!(crm.value(&flag("anna")), "true");
    let mut people = everybody();
    withdraw(&mut people[0], AS_OF.plus_days(2));
    let report = load(&crm, &of(people.clone()), "run-3");
    assert_eq!(report.new_withdrawals, 2);
    let consent = format!(r#"select "status"::text from "MarketingConsent" where "customerId" = '{anna}'"#);
    assert_eq!((crm.value(&flag("anna")), crm.value(&consent)), ("false".to_owned(), "OPTED_OUT".to_owned()));
    assert_eq!(crm.value(&format!(r#"select "firstName" from "CustomerProfile" where "id" = '{anna}'"#)), "Annika");
    assert!(!load(&crm, &of(people.clone()), "run-4").changed);
    // A user opts her in again after that: the old withdrawal is not applied again.
    crm.execute(&format!(
        r#"update "CustomerProfile" set "emailOptIn" = true where "id" = '{anna}';
           update "MarketingConsent" set "status" = 'OPTED_IN', "revokedAt" = null, "consentedAt" = now() where "customerId" = '{anna}'"#
    ));
    assert!(!load(&crm, &of(people), "run-5").changed);
    assert_eq!((crm.value(&flag("anna")), crm.value(&consent)), ("true".to_owned(), "OPTED_IN".to_owned()));
}
