//! Loading again later: standing withdrawals, reviews, segments, foreign unique keys, kept ids.

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{ConsentStatus, Phase, Timestamp};
use crm_backfill::pg::load::segments::SavedSegment;
use crm_backfill::pg::load::{Allowed, Input, Loader};

use crate::pg::load::{ALONE, load, load_as};
use crate::support::datasets::{AS_OF, Person, World, first_run, id_of};
use crate::support::postgres::{Database, database};

const CRM: &str = include_str!("../../../schemas/crm.sql");
const SEGMENT: &str = "0b5e6f3a-1111-4b8e-9c1d-2e3f4a5b6c7d";

fn fault(result: anyhow::Result<impl std::fmt::Debug>) -> Fault {
    result.unwrap_err().downcast::<Fault>().unwrap_or_else(|error| panic!("{error:#}"))
}

/// Anna, who withdrew (or not) by this kind of evidence at this time.
fn anna(status: ConsentStatus, kind: &'static str, at: Timestamp) -> Person {
    let mut anna = Person::new("anna", 11);
    anna.email_opt_in = status == ConsentStatus::OptedIn;
    anna.consents[0].status = status;
    anna.consents[0].kind = kind;
    anna.consents[0].at = Some(at);
    anna
}

fn consent(crm: &Database) -> [String; 2] {
    let row = crm.rows("select c.\"status\"::text, p.\"emailOptIn\"::text from \"MarketingConsent\" c join \"CustomerProfile\" p on p.\"id\" = c.\"customerId\"");
    [row[0][0].clone(), row[0][1].clone()]
}

#[test]
fn a_withdrawal_is_lifted_only_by_a_later_logged_consent() {
    use ConsentStatus::{OptedIn, OptedOut};
    let later = AS_OF.plus_days(1);
    for (kind, at, lifts) in [
        ("PREFERENCE", later, false),
        ("CONTACT_FLAG", later, false),
        ("CONSENT_LOG", AS_OF, false),
        ("CONSENT_LOG", AS_OF.plus_days(-1), false),
        ("CONSENT_LOG", later, true),
    ] {
        let crm = database(CRM);
        load(&crm, &World::of([anna(OptedOut, "PREFERENCE", AS_OF)]).build(), "run-1");
        let report = load(&crm, &World::of([anna(OptedIn, kind, at)]).build(), "run-2");
        let expected = if lifts { ["OPTED_IN", "true"] } else { ["OPTED_OUT", "false"] };
        assert_eq!(consent(&crm), expected, "{kind} at {at}");
        assert_eq!(report.flags_lowered, u64::from(!lifts));
        let kept = crm.rows("select reason from backfill.kept order by 1");
        assert_eq!(kept.len(), if lifts { 0 } else { 2 }, "{kept:?}");
    }
}

#[test]
fn a_withdrawal_whose_record_vanished_stands() {
    let crm = database(CRM);
    load(&crm, &World::of([anna(ConsentStatus::OptedOut, "CONSENT_LOG", AS_OF)]).build(), "run-1");
    let mut silent = Person::new("anna", 11);
    silent.consents.clear();
    silent.email_opt_in = true;
    load(&crm, &World::of([silent]).build(), "run-2");
    assert_eq!(consent(&crm), ["OPTED_OUT", "false"]);
}

#[test]
fn an_opt_out_entered_in_the_crm_keeps_the_flag_off() {
    let crm = database(CRM);
    let mut anna = Person::new("anna", 11);
    anna.email_opt_in = false;
    anna.consents.clear();
    load(&crm, &World::of([anna]).build(), "run-1");
    crm.execute(&format!(
        "insert into \"MarketingConsent\" (\"id\", \"tenantId\", \"customerId\", \"channel\", \"status\", \"updatedAt\")
         values ('c1', '1', '{}', 'EMAIL', 'OPTED_OUT', now())",
        id_of("anna")
    ));
    let report = load(&crm, &World::of([Person::new("anna", 11)]).build(), "run-2");
    assert_eq!(report.counts["MarketingConsent"].held_by_other, 1);
    assert_eq!(consent(&crm), ["OPTED_OUT", "false"]);
}

#[test]
fn a_reviewed_pair_keeps_its_review_and_outlives_its_dataset() {
    let crm = database(CRM);
    let people = || [Person::new("anna", 11), Person::new("bea", 12), Person::new("cleo", 13)];
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    load(&crm, &World { candidates: vec![pair("anna", "bea"), pair("bea", "cleo")], ..World::of(people()) }.build(), "run-1");
    crm.execute("update \"DuplicateCandidate\" set \"status\" = 'REJECTED', \"reviewedBy\" = 'lee', \"reviewedAt\" = now()");
    load(&crm, &World { candidates: vec![pair("anna", "bea")], ..World::of(people()) }.build(), "run-2");
    assert_eq!(crm.value("select count(*)::text from \"DuplicateCandidate\" where \"status\" = 'REJECTED'"), "2");
    assert_eq!(crm.rows("select table_name, reason from backfill.kept"), [["DuplicateCandidate", "REVIEWED"]]);
    load(&crm, &World::of([Person::new("anna", 11), Person::new("cleo", 13)]).build(), "run-3");
    assert_eq!(crm.value("select count(*)::text from \"DuplicateCandidate\""), "0", "a pair goes with a profile");
}

#[test]
fn a_foreign_profile_with_one_of_our_ids_stops_the_load() {
    let crm = database(CRM);
    crm.execute(
        "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"teetimePlayerId\", \"source\", \"firstSeenAt\", \"updatedAt\")
         values ('p1', '1', 'player-11', 'app', now(), now())",
    );
    let beside = Allowed { beside_existing: true, ..ALONE };
    let refused = fault(load_as(&crm, &World::of([Person::new("anna", 11)]).build(), "run-1", 6, beside, false));
    assert_eq!(refused.exit, Exit::Preflight);
    assert!(refused.what.contains("1 teetimePlayerId"), "{refused:?}");
}

#[test]
fn a_foreign_profile_with_the_same_email_becomes_a_candidate() {
    let crm = database(CRM);
    crm.execute(
        "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"email\", \"source\", \"firstSeenAt\", \"updatedAt\")
         values ('p1', '1', 'anna@mail.test', 'app', now(), now())",
    );
    let beside = Allowed { beside_existing: true, ..ALONE };
    let world = World::of([Person::new("anna", 11), Person::new("bea", 12)]).build();
    load_as(&crm, &world, "run-1", 6, beside, false).unwrap();
    let pair = crm
        .rows("select \"profileAId\" || ' ' || \"profileBId\", \"reasons\"::text, \"status\"::text from \"DuplicateCandidate\"");
    assert_eq!(pair, [[format!("{} p1", id_of("anna")).as_str(), "{FOREIGN_PROFILE,EMAIL}", "PENDING"]]);
    assert!(!load(&crm, &world, "run-1").changed);
}

#[test]
fn one_bad_segment_does_not_stop_the_others() {
    let crm = database(CRM);
    let other = "0b5e6f3a-2222-4b8e-9c1d-2e3f4a5b6c7d";
    let both = |error: Option<&str>| {
        let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let first = if error.is_some() { members(&[]) } else { members(&["anna"]) };
        World {
            segments: vec![
                (SEGMENT.to_owned(), first, error.map(str::to_owned)),
                (other.to_owned(), members(&["anna", "bea"]), None),
            ],
            ..World::of([Person::new("anna", 11), Person::new("bea", 12)])
        }
        .build()
    };
    for id in [SEGMENT, other] {
        crm.execute(&format!(
            "insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"updatedAt\") values ('{id}', '1', '{id}', now())"
        ));
    }
    load(&crm, &both(None), "run-1");
    load(&crm, &both(Some("group 1: unknown field")), "run-2");
    let rows = crm.rows("select \"memberCount\"::text, \"refreshError\" from \"CustomerSegment\" order by \"id\"");
    assert_eq!(rows, [["1", "group 1: unknown field"], ["2", "∅"]]);
    assert_eq!(crm.rows("select reason from backfill.kept"), [["NOT_REFRESHED"]]);
    assert!(!load(&crm, &both(Some("group 1: unknown field")), "run-2").changed);
    let lower = Allowed { lower_phase: true, ..ALONE };
    load_as(&crm, &both(None), "run-3", 5, lower, false).unwrap();
    assert_eq!(crm.value("select count(*)::text from \"CustomerSegmentMembership\""), "0");
    assert_eq!(
        crm.rows("select distinct \"memberCount\"::text, \"lastRefreshedAt\"::text from \"CustomerSegment\""),
        [["0", "∅"]]
    );
}

#[test]
fn another_crm_or_a_changed_segment_is_refused() {
    let crm = database(CRM);
    crm.execute(&format!(
        "insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"criteria\", \"updatedAt\") values ('{SEGMENT}', '1', 'regulars', '{{\"a\": 1}}', now())"
    ));
    let world = World::of([Person::new("anna", 11)]).build();
    let saved = |criteria: &str| {
        let text = |value: &str| Some(value.to_owned());
        vec![SavedSegment {
            id: SEGMENT.to_owned(),
            definition: vec![text("regulars"), text(criteria), text("AND"), None, text("true"), None],
        }]
    };
    let attempt = |kept: &[String], segments: &[SavedSegment], phase: u8| {
        let phase = Phase::new(phase).unwrap();
        let input = Input { phase, kept_ids: kept, segments: Some(segments), ..first_run(&world) };
        Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap().load(&input, ALONE, true, &|_, _| {})
    };
    assert!(fault(attempt(&[id_of("anna")], &[], 6)).what.contains("keep ids of an earlier load"));
    assert!(fault(attempt(&[], &saved("{\"a\": 2}"), 6)).what.contains("1 segment changed since the export"));
    assert!(attempt(&[], &saved("{\"a\": 2}"), 5).is_ok(), "segments matter in phase 6 only");
    assert!(attempt(&[], &saved("{\"a\": 1}"), 6).is_ok());
}
