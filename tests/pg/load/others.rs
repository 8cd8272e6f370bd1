//! Loading into a CRM with foreign data: foreign profiles, unique keys of foreign rows, foreign rows on our profiles.

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Channel, ConsentStatus};
use crm_backfill::pg::load::rollback::rollback;
use crm_backfill::pg::load::{Allowed, Loader};

use crate::pg::load::{ALONE, fingerprint, load, load_as};
use crate::support::datasets::{AS_OF, Consent, Person, World, id_of};
use crate::support::postgres::{Database, database};

const CRM: &str = include_str!("../../../schemas/crm.sql");
const SEGMENT: &str = "0b5e6f3a-1111-4b8e-9c1d-2e3f4a5b6c7d";
const BESIDE: Allowed = Allowed { beside_existing: true, ..ALONE };

fn fault(result: anyhow::Result<impl std::fmt::Debug>) -> Fault {
    result.unwrap_err().downcast::<Fault>().unwrap_or_else(|error| panic!("{error:#}"))
}

/// A profile of somebody else, with these columns.
fn foreign(crm: &Database, id: &str, tenant: &str, column: &str, value: &str) {
    crm.execute(&format!(
        "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"{column}\", \"source\", \"firstSeenAt\", \"createdAt\", \"updatedAt\")
         values ('{id}', '{tenant}', '{value}', 'app', '2020-01-01', '2020-01-01', '2020-01-01')"
    ));
}

fn theirs(crm: &Database) -> Vec<Vec<String>> {
    crm.rows("select to_jsonb(t)::text from \"CustomerProfile\" t where \"id\" not like 'bf11%' order by \"id\"")
}

#[test]
fn each_identity_shared_with_a_foreign_profile_is_refused() {
    let mut anna = Person::new("anna", 11);
    anna.auth_user_id = Some("auth0|anna".to_owned());
    let world = World::of([anna]).build();
    for (column, value) in [("authUserId", "auth0|anna"), ("sclMemberId", "11"), ("teetimePlayerId", "player-11")] {
        let crm = database(CRM);
        foreign(&crm, "p1", "1", column, value);
        let before = fingerprint(&crm);
        let refused = fault(load_as(&crm, &world, "run-1", 6, BESIDE, false));
        assert_eq!(refused.exit, Exit::Preflight);
        assert_eq!(refused.what, format!("foreign profiles hold ids of ours: 1 {column}"));
        assert_eq!(fingerprint(&crm), before, "{column}");
    }
}

#[test]
fn a_contact_point_shared_with_a_foreign_profile_is_only_a_pair_to_review() {
    let crm = database(CRM);
    foreign(&crm, "p1", "1", "email", "anna@mail.test");
    foreign(&crm, "p2", "1", "phoneNumber", "+447700900123");
    foreign(&crm, "p3", "2", "email", "anna@mail.test");
    let before = theirs(&crm);
    let world = World::of([Person::new("anna", 11)]).build();
    assert_eq!(load_as(&crm, &world, "run-1", 6, BESIDE, false).unwrap().foreign_pairs, 2);
    let pairs = "select \"profileBId\", \"reasons\"::text, \"status\"::text from \"DuplicateCandidate\" order by 1";
    let expected = [["p1", "{FOREIGN_PROFILE,EMAIL}", "PENDING"], ["p2", "{FOREIGN_PROFILE,PHONE}", "PENDING"]];
    assert_eq!(crm.rows(pairs), expected, "no profile of another tenant");
    assert_eq!(theirs(&crm), before, "foreign profiles are never adopted or changed");

    // A reviewed pair is kept; the other one is removed when the emails differ.
    crm.execute("update \"DuplicateCandidate\" set \"status\" = 'REJECTED', \"reviewedBy\" = 'lee' where \"profileBId\" = 'p1'");
    crm.execute("update \"CustomerProfile\" set \"phoneNumber\" = null where \"id\" = 'p2'");
    load(&crm, &world, "run-2");
    assert_eq!(crm.rows(pairs), [["p1", "{FOREIGN_PROFILE,EMAIL}", "REJECTED"]]);
    let mut loader = Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap();
    rollback(&mut loader, "run-3", true, false).unwrap();
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\" where \"id\" not like 'bf11%'"), "3");
}

/// Foreign rows on our profile with the unique keys that ours would have.
fn holders(crm: &Database) {
    let anna = id_of("anna");
    let (first, second) = (anna.clone().min(id_of("bea")), anna.clone().max(id_of("bea")));
    crm.execute(&format!(
        "insert into \"IdentityAlias\" (\"id\", \"tenantId\", \"customerId\", \"type\", \"value\", \"source\", \"confidence\")
             values ('a1', '1', '{anna}', 'SCL_MEMBER_ID', '11', 'app', 100);
         insert into \"Activity\" (\"id\", \"tenantId\", \"customerId\", \"type\", \"category\", \"title\", \"sourceService\", \"sourceId\", \"occurredAt\")
             values ('t1', '1', '{anna}', 'TEETIME_BOOKED', 'BOOKING', 'by real-time sync', 'teetime', 'booking-anna', now());
         insert into \"MarketingConsent\" (\"id\", \"tenantId\", \"customerId\", \"channel\", \"status\", \"updatedAt\")
             values ('c1', '1', '{anna}', 'EMAIL', 'OPTED_OUT', now());
         insert into \"DuplicateCandidate\" (\"id\", \"tenantId\", \"profileAId\", \"profileBId\", \"score\", \"reasons\")
             values ('d1', '1', '{first}', '{second}', 50, '{{CALL_CENTRE}}');
         insert into \"CustomerSegmentMembership\" (\"id\", \"tenantId\", \"segmentId\", \"customerId\", \"source\")
             values ('m1', '1', '{SEGMENT}', '{anna}', 'MANUAL')"
    ));
}

#[test]
fn rows_with_a_taken_unique_key_are_counted_and_not_inserted() {
    let crm = database(CRM);
    crm.execute(&format!(
        "insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"updatedAt\") values ('{SEGMENT}', '1', 'regulars', now())"
    ));
    let mut bare = Person::new("anna", 11);
    (bare.scl_member_id, bare.bookings, bare.consents) = (None, Vec::new(), Vec::new());
    load(&crm, &World::of([bare, Person::new("bea", 12)]).build(), "run-1");
    holders(&crm);
    let held = "select id from (
        select \"id\", 1 as place from \"IdentityAlias\" union all select \"id\", 2 from \"Activity\" union all
        select \"id\", 3 from \"MarketingConsent\" union all select \"id\", 4 from \"DuplicateCandidate\" union all
        select \"id\", 5 from \"CustomerSegmentMembership\") t where \"id\" not like 'bf11%' order by place";
    let world = World {
        candidates: vec![("anna".to_owned(), "bea".to_owned())],
        segments: vec![(SEGMENT.to_owned(), vec!["anna".to_owned(), "bea".to_owned()], None)],
        ..World::of([Person::new("anna", 11), Person::new("bea", 12)])
    }
    .build();
    let report = load(&crm, &world, "run-2");
    for table in ["IdentityAlias", "Activity", "MarketingConsent", "DuplicateCandidate", "CustomerSegmentMembership"] {
        assert_eq!(report.counts[table].held_by_other, 1, "{table}: {:?}", report.counts);
    }
    assert_eq!(crm.rows(held), [["a1"], ["t1"], ["c1"], ["d1"], ["m1"]]);
    assert_eq!(crm.value("select count(*) from backfill.kept where reason = 'HELD_BY_OTHER'"), "5");
    assert_eq!(crm.value("select \"memberCount\"::text from \"CustomerSegment\""), "2", "the manual member counts");
    assert!(!load(&crm, &world, "run-2").changed);
    // The foreign rows are deleted: ours are inserted.
    crm.execute("delete from \"Activity\" where \"id\" = 't1'");
    assert_eq!(load(&crm, &world, "run-3").counts["Activity"].inserted, 1);
}

#[test]
fn an_opt_out_entered_on_our_consent_row_is_kept() {
    let crm = database(CRM);
    let world = World::of([Person::new("anna", 11)]).build();
    load(&crm, &world, "run-1");
    crm.execute(
        "update \"MarketingConsent\" set \"status\" = 'OPTED_OUT', \"consentedAt\" = null, \"revokedAt\" = now(), \"source\" = 'AGENT'",
    );
    let mut later = Person::new("anna", 11);
    later.consents[0].at = Some(AS_OF.plus_days(400));
    for (run, world) in [("run-2", world), ("run-3", World::of([later]).build())] {
        let report = load(&crm, &world, run);
        assert_eq!(report.counts["MarketingConsent"].kept, 1);
        let row = crm.rows("select c.\"status\"::text, c.\"source\", p.\"emailOptIn\"::text from \"MarketingConsent\" c join \"CustomerProfile\" p on p.\"id\" = c.\"customerId\"");
        assert_eq!(row, [["OPTED_OUT", "AGENT", "false"]], "{run}");
    }
}

/// Channels and their flags are independent of each other.
#[test]
fn a_withdrawal_of_sms_does_not_affect_email() {
    let crm = database(CRM);
    let with_sms = |status, kind: &'static str| {
        let mut anna = Person::new("anna", 11);
        let key = "messaging:preferences:9".to_owned();
        anna.consents.push(Consent { channel: Channel::Sms, status, at: Some(AS_OF), kind, key });
        World::of([anna]).build()
    };
    load(&crm, &with_sms(ConsentStatus::OptedOut, "PREFERENCE"), "run-1");
    load(&crm, &with_sms(ConsentStatus::OptedIn, "PREFERENCE"), "run-2");
    let rows = crm.rows("select \"channel\"::text, \"status\"::text from \"MarketingConsent\" order by 1");
    assert_eq!(rows, [["EMAIL", "OPTED_IN"], ["SMS", "OPTED_OUT"]]);
    assert_eq!(crm.value("select \"emailOptIn\"::text from \"CustomerProfile\""), "true");
}

#[test]
fn a_merged_profile_follows_its_records_to_every_successor() {
    let crm = database(CRM);
    let people = |pairs: &[(&str, i32)]| {
        let person = |(name, member): &(&str, i32)| Person::new(name, *member);
        World::of(pairs.iter().map(person).collect::<Vec<_>>()).build()
    };
    let standing = || {
        crm.rows(&format!(
            "select \"status\"::text, coalesce(\"mergedIntoId\", '-'), coalesce(\"sclMemberId\"::text, '-') from \"CustomerProfile\" where \"id\" = '{}'",
            id_of("cleo")
        ))
        .remove(0)
    };
    load(&crm, &people(&[("anna", 11), ("bea", 12), ("cleo", 13)]), "run-1");
    crm.execute(&format!(
        "insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"type\", \"updatedAt\") values ('{SEGMENT}', '1', 'guests', 'STATIC', now());
         insert into \"CustomerSegmentMembership\" (\"id\", \"tenantId\", \"segmentId\", \"customerId\", \"source\")
         values ('m1', '1', '{SEGMENT}', '{}', 'MANUAL')",
        id_of("cleo")
    ));
    // Cleo's records go to Bea, then to Anna, then to no profile, then to Cleo again.
    let mut bea = Person::new("bea", 12);
    bea.teetime_player_id = Some("player-13".to_owned());
    load(&crm, &World::of([Person::new("anna", 11), bea]).build(), "run-2");
    assert_eq!(standing(), ["MERGED".to_owned(), id_of("bea"), "-".to_owned()]);
    let mut anna = Person::new("anna", 11);
    anna.teetime_player_id = Some("player-13".to_owned());
    let run = World::of([anna]).build();
    load(&crm, &run, "run-3");
    assert_eq!(standing()[0], "MERGED");
    assert!([id_of("anna"), "-".to_owned()].contains(&standing()[1]), "never a profile that is gone: {:?}", standing());
    assert!(!load(&crm, &run, "run-3").changed);
    load(&crm, &people(&[("anna", 11), ("cleo", 13)]), "run-4");
    assert_eq!(standing(), ["ACTIVE", "-", "13"], "who comes back is who they were");
    assert_eq!(crm.value("select \"customerId\" from \"CustomerSegmentMembership\" where \"id\" = 'm1'"), id_of("cleo"));
    let (fresh, now) = (database(CRM), people(&[("anna", 11), ("cleo", 13)]));
    load(&fresh, &now, "run-5");
    let ours = "select \"id\" from \"CustomerProfile\" order by 1";
    assert_eq!(crm.rows(ours), fresh.rows(ours));
}
