//! Loading when things go wrong: cut connections, lost answers, two at once, missing rights, concurrent writers.

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::pg::load::rollback::rollback;
use crm_backfill::pg::load::{Allowed, Loader, outcome_of};

use crate::pg::load::{ALONE, fingerprint, load, load_as};
use crate::support::datasets::{Person, World};
use crate::support::postgres::{Database, bare_database, database};
use crate::support::proxy::{self, Proxy};

const CRM: &str = include_str!("../../../schemas/crm.sql");

fn fault(result: anyhow::Result<impl std::fmt::Debug>) -> Fault {
    result.unwrap_err().downcast::<Fault>().unwrap_or_else(|error| panic!("{error:#}"))
}

fn people() -> World {
    World::of((10..40).map(|number| Person::new(&format!("person{number}"), number))).build()
}

/// The same database through a proxy or with another role. Dropping this value does not drop the database.
fn by_way_of(url: &str) -> Database {
    Database::by_way_of(url)
}

#[test]
fn a_connection_cut_at_any_place_leaves_the_crm_whole() {
    let crm = database(CRM);
    let empty = fingerprint(&crm);
    let golden = database(CRM);
    load(&golden, &people(), "run-1");
    let complete = fingerprint(&golden);
    let mut outcomes = [0, 0];
    for limit in [500, 10_000, 25_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000, 110_000, 1_000_000] {
        let crm = database(CRM);
        let proxy = Proxy::start(&crm.url, proxy::Fault::CutAfter(limit));
        let result = load_as(&by_way_of(&proxy.url), &people(), "run-1", 6, ALONE, false);
        let found = fingerprint(&crm);
        assert!(found == empty || found == complete, "a cut after {limit} bytes left something between");
        assert_eq!(result.is_ok(), found == complete);
        if let Err(error) = result {
            let fault = error.downcast_ref::<Fault>().expect("every failure is a fault");
            assert_eq!(fault.exit, Exit::Failed, "{fault:?}");
        }
        outcomes[usize::from(found == complete)] += 1;
        load(&crm, &people(), "run-2");
        assert_eq!(fingerprint(&crm), complete, "the next run completes it");
    }
    assert!(outcomes[0] > 5 && outcomes[1] > 0, "both outcomes were met: {outcomes:?}");
}

#[test]
fn a_lost_answer_to_the_commit_is_looked_up() {
    let crm = database(CRM);
    let proxy = Proxy::start(&crm.url, proxy::Fault::LoseCommitAnswer);
    let report = load_as(&by_way_of(&proxy.url), &people(), "run-1", 6, ALONE, false).unwrap();
    assert_eq!(report.counts["CustomerProfile"].inserted, 30);
    assert_eq!(crm.value("select count(*)::text from \"CustomerProfile\""), "30");
    assert!(!load(&crm, &people(), "run-1").changed);
}

#[test]
fn an_outcome_that_cannot_be_looked_up_is_unknown() {
    let crm = database(CRM);
    let proxy = Proxy::start(&crm.url, proxy::Fault::LoseCommitAnswer);
    proxy.close_after_first();
    let fault = fault(load_as(&by_way_of(&proxy.url), &people(), "run-1", 6, ALONE, false));
    assert_eq!(fault.exit, Exit::Unknown, "{fault:?}");
    assert!(outcome_of(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), "run-1").unwrap(), "it had committed");
}

#[test]
fn a_second_loader_is_told_who_holds_the_lock() {
    let crm = database(CRM);
    let dsn = Dsn::new(&crm.url, "CRM_DATABASE_URL");
    let mut waiting = Loader::open(&dsn, false).unwrap();
    // Two sessions may read; only one may load.
    drop(Loader::open(&dsn, false).unwrap());
    let mut first = crm.client();
    first.execute("begin; select pg_advisory_xact_lock(x'626631316c6f6164'::bigint)").unwrap();
    let refused = fault(Loader::open(&dsn, false).map(|_| ()));
    assert_eq!(refused.exit, Exit::Locked);
    assert!(refused.what.contains("pid") && refused.what.contains("idle in transaction for"), "{refused:?}");
    assert!(refused.help.iter().any(|line| line.contains("select pg_terminate_backend(")), "{refused:?}");
    assert_eq!(fault(rollback(&mut waiting, "run-1", true, false)).exit, Exit::Locked);
    drop(first);
    load(&crm, &people(), "run-1");
}

#[test]
fn a_role_without_ownership_loads_into_live_indexes() {
    let crm = bare_database(CRM);
    let role = format!("loader_of_{}", crm.name);
    crm.execute(&format!(
        "create role {role} login; grant usage on schema public to {role};
         grant select, insert, update, delete on all tables in schema public to {role}"
    ));
    let theirs = by_way_of(&crm.url_as(&role));
    assert_ne!(theirs.url, crm.url);
    let refused = fault(load_as(&theirs, &people(), "run-1", 6, ALONE, false));
    assert_eq!(refused.exit, Exit::Preflight);
    assert!(refused.help.iter().any(|line| line.contains("create schema backfill authorization")), "{refused:?}");
    crm.execute(&format!("create schema backfill authorization {role}"));
    let report = load(&theirs, &people(), "run-1");
    assert_eq!(report.rebuilt, 0);
    assert!(report.notes.iter().any(|note| note.contains("does not own")), "{:?}", report.notes);
    assert!(!load(&theirs, &people(), "run-1").changed);
    let fewer = World::of([Person::new("person10", 10)]).build();
    assert_eq!(load(&theirs, &fewer, "run-2").counts["CustomerProfile"].deleted, 29);
    crm.execute(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn concurrent_writers_are_listed_and_stop_a_load() {
    let crm = database(CRM);
    load(&crm, &people(), "run-1");
    crm.execute(
        "insert into \"SyncLog\" (\"id\", \"tenantId\", \"sourceService\", \"eventType\", \"eventId\")
         values ('e1', '1', 'teetime', 'player.updated', 'x')",
    );
    let mut writer = crm.client();
    writer.execute("begin; update \"CustomerProfile\" set \"tags\" = '{}'").unwrap();
    let unvouched = Allowed { consumers_stopped: false, ..ALONE };
    let refused = fault(load_as(&crm, &people(), "run-2", 6, unvouched, false));
    assert_eq!(refused.exit, Exit::Preflight);
    let text = refused.help.join("\n");
    for sign in ["in a transaction on CustomerProfile", "1 events of teetime wait", "1 foreign rows in SyncLog are newer"] {
        assert!(text.contains(sign), "{sign}: {text}");
    }
    writer.execute("rollback").unwrap();
    assert!(!load(&crm, &people(), "run-2").changed);
}
