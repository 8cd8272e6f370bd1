//! Rollback on a real PostgreSQL: exactly our rows are removed, and all foreign rows are kept.

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::pg::load::Loader;
use crm_backfill::pg::load::rollback::{Undone, backup, emergency, emergency_plan, rollback};

use crate::pg::load::{fingerprint, load};
use crate::support::datasets::{Person, World, id_of};
use crate::support::postgres::{Database, database};

const CRM: &str = include_str!("../../../schemas/crm.sql");
const SEGMENT: &str = "0b5e6f3a-1111-4b8e-9c1d-2e3f4a5b6c7d";

fn undo(crm: &Database, run_id: &str) -> Undone {
    let mut loader = Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap();
    rollback(&mut loader, run_id, true, false).unwrap_or_else(|error| panic!("{error:#} {:?}", error.downcast_ref::<Fault>()))
}

fn people() -> World {
    World::of([Person::new("anna", 11), Person::new("bea", 12), Person::new("cleo", 13)]).build()
}

/// Foreign rows: a profile, a note on a profile of ours, and a segment with a manual member and a member by rule.
fn others(crm: &Database) {
    let (anna, bea) = (id_of("anna"), id_of("bea"));
    crm.execute(&format!(
        "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"email\", \"source\", \"firstSeenAt\", \"updatedAt\")
         values ('5d0d1a52-8a44-4f5c-9f2c-aaaaaaaaaaaa', '1', 'walk-in@mail.test', 'app', now(), now());
         insert into \"CustomerNote\" (\"id\", \"tenantId\", \"customerId\", \"body\", \"updatedAt\") values ('n1', '1', '{anna}', 'hello', now());
         insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"memberCount\", \"updatedAt\") values ('{SEGMENT}', '1', 'regulars', 9, now());
         insert into \"CustomerSegmentMembership\" (\"id\", \"tenantId\", \"segmentId\", \"customerId\", \"source\")
         values ('m1', '1', '{SEGMENT}', '{bea}', 'MANUAL'),
                ('m2', '1', '{SEGMENT}', '5d0d1a52-8a44-4f5c-9f2c-aaaaaaaaaaaa', 'RULE');"
    ));
}

fn count(crm: &Database, table: &str) -> String {
    crm.value(&format!("select count(*)::text from \"{table}\""))
}

#[test]
fn a_rollback_restores_an_empty_crm() {
    let crm = database(CRM);
    let before = fingerprint(&crm);
    load(&crm, &people(), "run-1");
    let undone = undo(&crm, "run-2");
    assert_eq!(undone.counts["CustomerProfile"].deleted, 3);
    assert_eq!(fingerprint(&crm), before);
    assert_eq!(count(&crm, "SyncLog"), "0");
    assert!(load(&crm, &people(), "run-3").changed, "after a rollback the same datasets load again");
}

#[test]
fn foreign_rows_survive_a_second_load_and_a_rollback() {
    let crm = database(CRM);
    load(&crm, &people(), "run-1");
    others(&crm);
    let theirs = "select 'p', \"id\" from \"CustomerProfile\" where \"id\" not like 'bf11%'
        union all select 'n', \"id\" from \"CustomerNote\" union all select 's', \"id\" || \"memberCount\" from \"CustomerSegment\"
        union all select 'm', \"id\" from \"CustomerSegmentMembership\" where \"id\" in ('m1', 'm2') order by 1, 2";
    let before = crm.rows(theirs);

    let mut world = people();
    world.segments = vec![(SEGMENT.to_owned(), vec!["anna".to_owned(), "cleo".to_owned()], None)];
    let world = world.build();
    let report = load(&crm, &world, "run-2");
    assert_eq!(report.replaced_members, 1);
    assert_eq!(crm.value("select \"memberCount\"::text from \"CustomerSegment\""), "3", "two by rule and the manual one");
    assert_eq!(crm.value("select count(*)::text from \"CustomerSegmentMembership\" where \"id\" = 'm1'"), "1");
    assert!(!load(&crm, &world, "run-2").changed);

    let undone = undo(&crm, "run-3");
    assert_eq!(crm.rows(theirs), before);
    let kept: Vec<_> = undone.kept.iter().map(|row| (row.table.as_str(), row.id.clone(), row.reason.as_str())).collect();
    let mut expected = [("CustomerProfile", id_of("anna"), "FOREIGN_ROWS"), ("CustomerProfile", id_of("bea"), "FOREIGN_ROWS")];
    expected.sort();
    assert_eq!(kept, expected, "profiles that a note or a manual membership hangs on stay");
    assert_eq!(crm.value("select count(*)::text from \"CustomerProfile\" where \"id\" like 'bf11%'"), "2");
    assert_eq!(count(&crm, "Activity"), "0");
}

#[test]
fn an_edited_profile_is_kept_by_load_and_rollback_and_listed() {
    let crm = database(CRM);
    load(&crm, &people(), "run-1");
    let anna = id_of("anna");
    crm.execute(&format!("update \"CustomerProfile\" set \"firstName\" = 'Zora' where \"id\" = '{anna}'"));
    let report = load(&crm, &people(), "run-2");
    assert_eq!((report.counts["CustomerProfile"].kept, report.counts["CustomerProfile"].updated), (1, 0));
    assert_eq!(crm.value(&format!("select \"firstName\" from \"CustomerProfile\" where \"id\" = '{anna}'")), "Zora");
    assert_eq!(crm.rows("select table_name, reason from backfill.kept"), [["CustomerProfile", "CHANGED"]]);
    let undone = undo(&crm, "run-3");
    assert_eq!(undone.kept.len(), 1);
    assert_eq!(count(&crm, "CustomerProfile"), "1");
}

#[test]
fn a_rollback_during_other_writes_is_refused_without_its_option() {
    let crm = database(CRM);
    load(&crm, &people(), "run-1");
    let loaded = fingerprint(&crm);
    let mut writer = crm.client();
    writer
        .execute("set application_name = 'sync-worker'; begin; insert into \"SyncLog\" values ('e1', '1', 'scl', 'm', 'x')")
        .unwrap();
    let mut loader = Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap();
    let refused = rollback(&mut loader, "run-2", false, false).unwrap_err().downcast::<Fault>().unwrap();
    assert_eq!((refused.exit, refused.what.as_str()), (Exit::Preflight, "concurrent writers seem to be active in the CRM"));
    let told = refused.help.join("\n");
    assert!(told.contains("sync-worker (role postgres, pid ") && told.contains("is in a transaction on SyncLog"), "{told}");
    assert!(told.contains("--consumers-stopped"), "{told}");
    assert_eq!(fingerprint(&crm), loaded);
    // A count changes nothing, and lists the signs.
    let counted = rollback(&mut loader, "run-2", false, true).unwrap();
    assert!(counted.notes.iter().any(|note| note.contains("sync-worker")), "{:?}", counted.notes);
    assert_eq!(fingerprint(&crm), loaded);

    writer.execute("rollback").unwrap();
    crm.execute(
        "insert into \"SyncLog\" (\"id\", \"tenantId\", \"sourceService\", \"eventType\", \"eventId\", \"status\", \"createdAt\")
         values ('e2', '1', 'scl', 'member.updated', 'x', 'PROCESSING', '2020-01-01')",
    );
    let refused = rollback(&mut loader, "run-2", false, false).unwrap_err().downcast::<Fault>().unwrap();
    assert!(refused.help[0].contains("1 events of scl wait in SyncLog"), "{refused:?}");
    crm.execute("update \"SyncLog\" set \"status\" = 'SUCCESS' where \"id\" = 'e2'");
    assert_eq!(rollback(&mut loader, "run-2", false, false).unwrap().counts["CustomerProfile"].deleted, 3);
}

#[test]
fn an_emergency_rollback_empties_its_tables_only() {
    let crm = database(CRM);
    load(&crm, &people(), "run-1");
    others(&crm);
    let open = || Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap();
    crm.execute("create table loyalty (customer text references \"CustomerProfile\" (\"id\"))");
    let fault = emergency_plan(&open(), true).unwrap_err().downcast::<Fault>().unwrap();
    assert_eq!(fault.exit, Exit::Preflight);
    assert!(fault.what.contains("loyalty"), "{fault:?}");
    crm.execute("drop table loyalty");
    let loader = open();
    let refused = emergency_plan(&loader, false).unwrap_err().downcast::<Fault>().unwrap();
    assert!(refused.help.iter().any(|sign| sign.contains("1 foreign rows in CustomerNote are newer")), "{refused:?}");
    let plan = emergency_plan(&loader, true).unwrap();
    assert!(plan.contains(&("CustomerProfile".to_owned(), 4, 1)), "{plan:?}");
    let saved = backup(&loader).unwrap();
    assert!(saved.iter().any(|(table, lines)| *table == "CustomerNote" && lines.contains("hello")));
    let _held = emergency(&loader, "run-2").unwrap();
    drop(loader);
    for table in ["CustomerProfile", "CustomerNote", "CustomerSegment", "SyncLog"] {
        assert_eq!(count(&crm, table), "0", "{table}");
    }
    assert!(load(&crm, &people(), "run-3").changed);
}
