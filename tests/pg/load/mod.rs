//! Loading on a real PostgreSQL: first load, second load, changes, and what others put into the CRM.

mod delta;
mod faults;
mod others;
mod over_time;
mod preflight;
mod rollback;

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::Phase;
use crm_backfill::pg::load::{Allowed, Input, LoadMode, Loader, Report};

use crate::support::datasets::{AS_OF, Person, World, id_of};
use crate::support::postgres::{Database, database};

const CRM: &str = include_str!("../../../schemas/crm.sql");

/// The options of a test that is the only user of its database.
pub const ALONE: Allowed = Allowed {
    consumers_stopped: true,
    beside_existing: false,
    lower_phase: false,
    strict: false,
    keep_indexes: false,
    accept_deleted: false,
};

/// Loads datasets at a phase.
pub fn load_as(
    crm: &Database,
    world: &World,
    run_id: &str,
    phase: u8,
    consent: Allowed,
    dry_run: bool,
) -> anyhow::Result<Report> {
    let input = Input {
        run_id,
        phase: Phase::new(phase).unwrap(),
        as_of: AS_OF,
        inputs: run_id,
        exports: &[],
        kept_ids: &[],
        merges: &[],
        segments: None,
        restore: None,
        data: world,
    };
    Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false)?.load(&input, consent, dry_run, &|_, _| {})
}

/// Loads datasets at phase 6 or fails the test.
pub fn load(crm: &Database, world: &World, run_id: &str) -> Report {
    load_as(crm, world, run_id, 6, ALONE, false).unwrap_or_else(|error| panic!("{error:#} {:?}", error.downcast_ref::<Fault>()))
}

/// Every row of ours and of others, run-stamped columns aside.
pub fn fingerprint(crm: &Database) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in crm_backfill::pg::load::target::table::ALL.iter().filter(|table| **table != "SyncLog") {
        let stamps = "- 'createdAt' - 'updatedAt'";
        rows.extend(crm.rows(&format!("select '{table}', (to_jsonb(t) {stamps})::text from \"{table}\" t order by 2")));
    }
    rows
}

fn three() -> World {
    World {
        candidates: vec![("anna".to_owned(), "bea".to_owned())],
        withdrawals: vec![("gone@mail.test".to_owned(), None)],
        ..World::of([Person::new("anna", 11), Person::new("bea", 12), Person::new("cleo", 13)])
    }
    .build()
}

#[test]
fn a_first_load_fills_every_column_in_the_targets_types() {
    let crm = database(CRM);
    let report = load(&crm, &three(), "run-1");
    assert_eq!(report.mode, LoadMode::FirstLoad);
    assert_eq!(report.counts["CustomerProfile"].inserted, 3);
    assert!(report.rebuilt > 10, "{}", report.rebuilt);
    let anna = crm.rows(
        "select \"email\", \"sclMemberId\"::text, \"externalIds\" ->> 'mcaId', \"firstName\", \"lastName\", \"dateOfBirth\"::text,
           \"gender\"::text, \"tags\"::text, \"handicap\"::text, \"handicapUpdatedAt\"::text, \"engagementScore\"::text,
           \"churnRiskScore\"::text, \"bookingCountTotal\"::text, \"createdBy\", (\"createdAt\" = \"updatedAt\")::text
         from \"CustomerProfile\" where \"email\" = 'anna@mail.test'",
    );
    let expected = [
        "anna@mail.test",
        "11",
        "7",
        "Zoë",
        "∅",
        "1985-03-15",
        "FEMALE",
        "{arrears}",
        "1.1",
        "2026-11-22 08:00:00",
        "42",
        "∅",
        "4",
        "crm-backfill",
        "true",
    ];
    assert_eq!(anna, [expected]);
    assert_eq!(crm.value("select count(*)::text from \"IdentityAlias\""), "6");
    assert_eq!(crm.value("select \"metadata\" ->> 'players' from \"Activity\" limit 1"), "4");
    assert_eq!(crm.value("select \"status\"::text from \"DuplicateCandidate\""), "PENDING");
    assert_eq!(crm.value("select count(*)::text from backfill.withdrawn"), "1");
    assert_eq!(crm.value("select \"status\"::text from \"SyncLog\" where \"eventId\" = 'backfill:run:run-1'"), "SUCCESS");
}

#[test]
fn indexes_and_keys_are_the_same_after_a_first_load() {
    let crm = database(CRM);
    let definitions = "select pg_get_indexdef(indexrelid) from pg_index where indrelid::regclass::text like '\"%'
        union all select conrelid::regclass::text || pg_get_constraintdef(oid) || convalidated from pg_constraint
        where conrelid::regclass::text like '\"%' order by 1";
    let before = crm.rows(definitions);
    load(&crm, &three(), "run-1");
    assert!(before.len() > 30);
    assert_eq!(crm.rows(definitions), before);
}

#[test]
fn a_second_load_changes_nothing_and_says_so() {
    let crm = database(CRM);
    load(&crm, &three(), "run-1");
    let (before, log) = (fingerprint(&crm), crm.rows("select * from \"SyncLog\""));
    let stamps = crm.rows("select xmin::text, \"updatedAt\"::text from \"CustomerProfile\" order by \"id\"");
    let mut input = three();
    input.people.reverse();
    let report = load(&crm, &input.build(), "run-1");
    assert_eq!(report.mode, LoadMode::ApplyDiff);
    assert!(!report.changed, "{report:?}");
    assert_eq!(fingerprint(&crm), before);
    assert_eq!(crm.rows("select * from \"SyncLog\""), log);
    assert_eq!(crm.rows("select xmin::text, \"updatedAt\"::text from \"CustomerProfile\" order by \"id\""), stamps);
}

#[test]
fn changed_datasets_change_exactly_their_rows() {
    let crm = database(CRM);
    load(&crm, &three(), "run-1");
    let mut anna = Person::new("anna", 11);
    anna.email = None;
    anna.bookings.clear();
    let world = World::of([anna, Person::new("bea", 12), Person::new("dora", 14)]).build();
    let plan = load_as(&crm, &world, "run-2", 6, ALONE, true).unwrap();
    let before = fingerprint(&crm);
    let report = load(&crm, &world, "run-2");
    assert_eq!(plan.counts, report.counts);
    let profile = report.counts["CustomerProfile"];
    assert_eq!((profile.inserted, profile.updated, profile.deleted), (1, 1, 1));
    let timeline = report.counts["Activity"];
    assert_eq!((timeline.inserted, timeline.updated, timeline.deleted), (1, 0, 2));
    assert_eq!(report.counts["DuplicateCandidate"].deleted, 1);
    assert_ne!(fingerprint(&crm), before);

    let fresh = database(CRM);
    load(&fresh, &world, "run-2");
    assert_eq!(fingerprint(&crm), fingerprint(&fresh), "the diff gives the same CRM as a fresh load");
}

/// The timeline and service ids of a vanished profile move to the profile that now has its records, for any number of profiles.
#[test]
fn the_rows_of_a_vanished_profile_move_with_its_records() {
    for several in [1, 150] {
        let (crm, fresh) = (database(CRM), database(CRM));
        let name = |kind: &str, number: i32| format!("{kind}{number}");
        let apart = (0..several).flat_map(|number| {
            [Person::new(&name("stays", number), 1_000 + number), Person::new(&name("goes", number), 5_000 + number)]
        });
        load(&crm, &World::of(apart).build(), "run-1");
        let together = (0..several).map(|number| {
            let mut person = Person::new(&name("stays", number), 5_000 + number);
            person.bookings.extend(Person::new(&name("goes", number), 5_000 + number).bookings);
            person
        });
        let together = World::of(together.collect::<Vec<_>>()).build();
        let report = load(&crm, &together, "run-2");
        assert_eq!(report.counts["CustomerProfile"].deleted, u64::try_from(several).unwrap());
        assert!(report.counts["Activity"].updated > 0, "{:?}", report.counts);
        load(&fresh, &together, "run-2");
        assert_eq!(fingerprint(&crm), fingerprint(&fresh));
        assert!(!load(&crm, &together, "run-2").changed);
    }
}

#[test]
fn a_dry_run_leaves_no_trace() {
    let crm = database(CRM);
    let report = load_as(&crm, &three(), "run-1", 6, ALONE, true).unwrap();
    assert_eq!(report.counts["IdentityAlias"].inserted, 6);
    assert_eq!(crm.value("select count(*)::text from \"CustomerProfile\""), "0");
    assert_eq!(crm.value("select count(*)::text from pg_class where relnamespace = 'backfill'::regnamespace"), "0");
}

#[test]
fn unique_values_may_swap_between_two_people() {
    let crm = database(CRM);
    load(&crm, &three(), "run-1");
    let swapped = World::of([Person::new("anna", 12), Person::new("bea", 11), Person::new("cleo", 13)]).build();
    let report = load(&crm, &swapped, "run-2");
    assert_eq!(report.counts["CustomerProfile"].updated, 2);
    assert_eq!(crm.value("select \"sclMemberId\"::text from \"CustomerProfile\" where \"email\" = 'anna@mail.test'"), "12");
}

#[test]
fn a_profile_with_foreign_rows_is_kept_as_merged() {
    let crm = database(CRM);
    load(&crm, &three(), "run-1");
    let cleo = id_of("cleo");
    crm.execute(&format!(
        "insert into \"CustomerNote\" (\"id\", \"tenantId\", \"customerId\", \"body\", \"updatedAt\") values ('n1', '1', '{cleo}', 'hello', now())"
    ));
    let mut bea = Person::new("bea", 13);
    bea.bookings.push("booking-cleo".to_owned());
    let world = World::of([Person::new("anna", 11), bea]).build();
    load(&crm, &world, "run-2");
    let row = crm.rows(&format!(
        "select \"status\"::text, \"mergedIntoId\", \"sclMemberId\"::text, \"emailOptIn\"::text from \"CustomerProfile\" where \"id\" = '{cleo}'"
    ));
    assert_eq!(row, [["MERGED".to_owned(), id_of("bea"), "∅".to_owned(), "false".to_owned()]]);
    assert_eq!(crm.value("select count(*)::text from \"CustomerNote\""), "1");
    assert!(!load(&crm, &world, "run-2").changed);
}

fn refusal(result: anyhow::Result<Report>) -> Fault {
    let error = result.unwrap_err();
    error.downcast::<Fault>().unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn a_crm_with_foreign_profiles_alone_is_refused() {
    let crm = database(CRM);
    crm.execute(
        "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"source\", \"firstSeenAt\", \"updatedAt\") values ('p1', '1', 'app', now(), now())",
    );
    let fault = refusal(load_as(&crm, &three(), "run-1", 6, ALONE, false));
    assert_eq!(fault.exit, Exit::Preflight);
    assert!(fault.what.contains("1 foreign profiles"), "{fault:?}");
    let beside = Allowed { beside_existing: true, ..ALONE };
    assert_eq!(load_as(&crm, &three(), "run-1", 6, beside, false).unwrap().counts["CustomerProfile"].inserted, 3);
    assert_eq!(crm.value("select count(*)::text from \"CustomerProfile\""), "4");
}

#[test]
fn a_lower_phase_is_refused_without_its_option() {
    let crm = database(CRM);
    load(&crm, &three(), "run-1");
    let fault = refusal(load_as(&crm, &three(), "run-2", 5, ALONE, false));
    assert!(fault.what.contains("phase 6 is loaded"), "{fault:?}");
    let meant = Allowed { lower_phase: true, ..ALONE };
    load_as(&crm, &three(), "run-2", 5, meant, false).unwrap();
    assert_eq!(crm.value("select count(*)::text from \"CustomerProfile\" where \"engagementScore\" is not null"), "0");
}

#[test]
fn everything_missing_is_named_at_once() {
    let crm = database(CRM);
    crm.execute(
        "drop table \"DuplicateCandidate\"; alter table \"Activity\" drop column \"clubName\";
         alter table \"IdentityAlias\" add column \"shard\" int not null",
    );
    let fault = refusal(load_as(&crm, &three(), "run-1", 6, ALONE, false));
    assert_eq!(fault.exit, Exit::Preflight);
    let text = fault.help.join("\n");
    for part in
        ["\"DuplicateCandidate\" is missing", "\"Activity\".\"clubName\" is missing", "\"IdentityAlias\".\"shard\" is required"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(crm.value("select count(*)::text from \"CustomerProfile\""), "0");
}

#[test]
fn other_types_of_the_same_meaning_are_filled_too() {
    let ddl = CRM
        .replace("\"id\"                 TEXT PRIMARY KEY", "\"id\" UUID PRIMARY KEY")
        .replace("\"id\"            TEXT PRIMARY KEY", "\"id\" UUID PRIMARY KEY")
        .replace("\"id\"          TEXT PRIMARY KEY", "\"id\" UUID PRIMARY KEY")
        .replace("\"id\"         TEXT PRIMARY KEY", "\"id\" UUID PRIMARY KEY")
        .replace("\"id\"               TEXT PRIMARY KEY", "\"id\" UUID PRIMARY KEY")
        .replace("\"customerId\"  TEXT", "\"customerId\" UUID")
        .replace("\"customerId\"    TEXT", "\"customerId\" UUID")
        .replace("\"customerId\" TEXT", "\"customerId\" UUID")
        .replace("\"segmentId\"  TEXT", "\"segmentId\" UUID")
        .replace("\"mergedIntoId\"       TEXT", "\"mergedIntoId\" UUID")
        .replace("\"profileAId\" TEXT", "\"profileAId\" UUID")
        .replace("\"profileBId\" TEXT", "\"profileBId\" UUID")
        .replace("TIMESTAMP(3)", "TIMESTAMPTZ")
        .replace("\"firstName\"          TEXT", "\"firstName\" VARCHAR(3)")
        .replace("DECIMAL(4,1)", "NUMERIC")
        .replace("\"evidence\"    JSONB", "\"evidence\" JSON")
        .replace("\"AliasType\" NOT NULL", "TEXT NOT NULL");
    let crm = database(&ddl);
    load(&crm, &three(), "run-1");
    assert!(!load(&crm, &three(), "run-1").changed);
    let changed = World::of([Person::new("anna", 12), Person::new("bea", 11)]).build();
    load(&crm, &changed, "run-2");
    let fresh = database(&ddl);
    load(&fresh, &changed, "run-2");
    assert_eq!(fingerprint(&crm), fingerprint(&fresh));
}
