//! Sessions (cases 8.6, 8.9, 13.4, 13.15, 13.16): unusual settings of roles, vanished clients, servers that do not answer,
//! foreign locks.

use std::time::{Duration, Instant};

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::pg::Connection;
use crm_backfill::pg::load::{Allowed, Loader};

use crate::pg::load::{ALONE, fingerprint, load, load_as};
use crate::support::datasets::{Person, World, first_run};
use crate::support::postgres::{Database, bare_database, database};
use crate::support::proxy::{self, Proxy};
use crate::support::workdir::Workdir;
use crate::support::world;

const CRM: &str = include_str!("../../schemas/crm.sql");

fn people() -> World {
    World::of((10..40).map(|number| Person::new(&format!("person{number}"), number))).build()
}

fn fault(result: anyhow::Result<impl std::fmt::Debug>) -> Fault {
    result.unwrap_err().downcast::<Fault>().unwrap_or_else(|error| panic!("{error:#}"))
}

/// Loads through a proxy, with a limit for answers.
fn load_within(url: &str, limit: Duration) -> anyhow::Result<crm_backfill::pg::load::Report> {
    let mut dsn = Dsn::new(url, "CRM_DATABASE_URL");
    dsn.answer_limit = Some(limit);
    let world = people();
    let input = crm_backfill::pg::load::Input { inputs: "run-1", ..first_run(&world) };
    Loader::open(&dsn, true)?.load(&input, ALONE, false, &|_, _| {})
}

/// Settings of a role that would each break a load or an export.
const HOSTILE: &[(&str, &str)] = &[
    ("statement_timeout", "'300ms'"),
    ("lock_timeout", "'1ms'"),
    ("idle_in_transaction_session_timeout", "'50ms'"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_deferrable", "on"),
    ("datestyle", "'SQL, DMY'"),
    ("intervalstyle", "'sql_standard'"),
    ("timezone", "'Pacific/Apia'"),
    ("bytea_output", "'escape'"),
    ("extra_float_digits", "-5"),
    ("client_encoding", "'LATIN1'"),
    ("standard_conforming_strings", "off"),
    ("transaction_timeout", "'2s'"),
];

/// Gives a role these settings in one database. Settings that this server does not know are left out and reported.
fn make_hostile(database: &Database, role: &str) -> Vec<&'static str> {
    let mut unknown = Vec::new();
    for (name, value) in HOSTILE {
        if database.value(&format!("select count(*)::text from pg_settings where lower(name) = '{name}'")) == "0" {
            unknown.push(*name);
            continue;
        }
        database.execute(&format!("alter role {role} in database {} set {name} = {value}", database.name));
    }
    unknown
}

/// Case 8.9: timeouts and other settings of the role do not reach a load, its verification, or an export.
#[test]
fn settings_of_the_role_reach_neither_export_nor_load_nor_verify() {
    let world = world::Owned::new();
    let crm = world.crm();
    let mut unknown = make_hostile(&crm, "bf_load_owner");
    let mut workdir = Workdir::new();
    for ((variable, url), source) in world.source_urls().into_iter().zip(world.databases()) {
        unknown.extend(make_hostile(source, "bf_export"));
        workdir.set(variable, &url);
    }
    unknown.sort_unstable();
    unknown.dedup();
    assert!(unknown.iter().all(|name| *name == "transaction_timeout"), "{unknown:?}");
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
    for step in
        world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score", "load", "verify", "rollback"])
    {
        let arguments: &[&str] = if step == "rollback" { &["--yes"] } else { &[] };
        workdir.ok(step, arguments);
    }
}

/// Case 13.4: the server looks for a vanished client itself, every 30 s, and gives up after a minute.
#[test]
fn the_server_is_told_to_look_for_a_vanished_client() {
    let crm = database(CRM);
    let connection = Connection::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), "the CRM").unwrap();
    let shown = |name: &str| -> String { connection.query_one("select current_setting($1)", &[&name]).unwrap().get(0) };
    let expected = [
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "60000"),
        ("client_connection_check_interval", "2s"),
        ("idle_in_transaction_session_timeout", "15min"),
        ("statement_timeout", "0"),
    ];
    for (name, value) in expected {
        assert_eq!(shown(name), value, "{name}");
    }
    connection.end().unwrap();
    // After the transaction they are the server's own again, and in the next ours.
    connection.begin(crm_backfill::pg::Begin::default()).unwrap();
    assert_eq!(shown("tcp_keepalives_idle"), "30");
    connection.commit().unwrap();
}

/// Case 13.16: if the server or network stops answering at any point, the load ends, nothing is committed, and no lock remains.
#[test]
fn a_server_that_stops_answering_ends_the_load_and_its_locks() {
    for moment in ["copy \"Activity\"", "CREATE INDEX", "CREATE UNIQUE INDEX", "commit\0", "lock table"] {
        let crm = database(CRM);
        let empty = fingerprint(&crm);
        let proxy = Proxy::start(&crm.url, proxy::Fault::StallAt(moment.as_bytes()));
        let started = Instant::now();
        let ended = fault(load_within(&proxy.url, Duration::from_secs(2)));
        assert!(started.elapsed() < Duration::from_secs(30), "{moment}: {:?}", started.elapsed());
        assert!(proxy.is_stalled(), "{moment} was met");
        assert_eq!(ended.exit, Exit::Failed, "{moment}: {ended:?}");
        assert!(ended.what.contains("did not answer for"), "{moment}: {ended:?}");
        assert!(ended.help.iter().any(|line| line.contains("releases its locks")), "{moment}: {ended:?}");
        assert_eq!(fingerprint(&crm), empty, "{moment}");
        crm.execute("set lock_timeout = '2s'; begin; lock table \"CustomerProfile\" in access exclusive mode; rollback");
        load(&crm, &people(), "run-2");
    }
}

/// Case 13.16, if a second session fails, too: the limit ends the wait, and the message says how to end the session.
#[test]
fn a_network_that_is_gone_altogether_ends_the_wait_after_the_limit() {
    let crm = database(CRM);
    let proxy = Proxy::start(&crm.url, proxy::Fault::StallAt(b"copy \"Activity\""));
    proxy.close_after_first();
    let started = Instant::now();
    let ended = fault(load_within(&proxy.url, Duration::from_secs(2)));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(ended.exit, Exit::Failed, "{ended:?}");
    assert!(ended.help.iter().any(|line| line.contains("select pg_terminate_backend(")), "{ended:?}");
    // The outcome of the commit is looked up; if the server cannot be asked, it is unknown.
    let crm = database(CRM);
    let proxy = Proxy::start(&crm.url, proxy::Fault::StallAt(b"commit\0"));
    proxy.close_after_first();
    let ended = fault(load_within(&proxy.url, Duration::from_secs(2)));
    assert_eq!(ended.exit, Exit::Unknown, "{ended:?}");
}

/// Case 13.16, the negative control: a server that is at work is waited for, however long it takes.
#[test]
fn a_server_at_work_is_waited_for_beyond_the_limit() {
    let crm = database(CRM);
    crm.execute(
        "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(5); return null; end $$;
         create trigger slow after insert on \"MarketingConsent\" for each statement execute function slow()",
    );
    let started = Instant::now();
    load_within(&crm.url, Duration::from_secs(1)).unwrap();
    assert!(started.elapsed() > Duration::from_secs(4), "it was slow: {:?}", started.elapsed());
}

/// Case 13.16 for exports.
#[test]
fn a_silent_source_ends_its_export() {
    let (variable, url) = world::shared().source_urls().swap_remove(2);
    let proxy = Proxy::start(&url, proxy::Fault::StallAt(b"copy (select"));
    let mut workdir = Workdir::new();
    workdir.set(variable, &proxy.url);
    workdir.edit("backfill.toml", "answer_limit = \"10m\"", "answer_limit = \"2s\"");
    let started = Instant::now();
    workdir.run("export-scl", &[]).exits(14).says("source scl did not answer for").says("answer_limit");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

/// Case 13.15: a lock that is not granted names who holds it, as whom, for how long, and how to end it.
#[test]
fn a_lock_that_is_not_granted_names_its_holders() {
    let crm = database(CRM);
    let mut reader = crm.client();
    reader.execute("set application_name = 'report-server'; begin; select * from \"CustomerProfile\"").unwrap();
    let pid = reader.rows("select pg_backend_pid()").unwrap()[0][0].clone().unwrap();
    // A reader blocks only the indexes of a first load.
    let refused = fault(load_as(&crm, &people(), "run-1", 6, ALONE, false));
    assert_eq!(refused.exit, Exit::Failed);
    let told = refused.help.join("\n");
    for part in [
        "report-server",
        "role postgres",
        &format!("pid {pid}"),
        "idle in transaction",
        "transaction open for",
        "CustomerProfile",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains(&format!("select pg_terminate_backend({pid});")), "{told}");
    reader.execute("rollback").unwrap();
    // A writer blocks every load.
    reader.execute("begin; update \"CustomerNote\" set \"id\" = \"id\"").unwrap();
    let refused = fault(load_as(&crm, &people(), "run-1", 6, ALONE, false));
    assert!(refused.help.join("\n").contains(&format!("pid {pid}")), "{refused:?}");
    assert!(refused.what.contains("locking the tables"), "{refused:?}");
    reader.execute("rollback").unwrap();
    load(&crm, &people(), "run-1");
}

/// Case 13.15: with --keep-indexes a first load blocks only writers, and gives the same rows.
#[test]
fn a_first_load_that_keeps_its_indexes_lets_readers_read() {
    let (golden, crm) = (database(CRM), database(CRM));
    load(&golden, &people(), "run-1");
    let mut reader = crm.client();
    reader.execute("begin; select * from \"CustomerProfile\"; select * from \"Activity\"").unwrap();
    let report = load_as(&crm, &people(), "run-1", 6, Allowed { keep_indexes: true, ..ALONE }, false).unwrap();
    assert_eq!(report.rebuilt, 0);
    reader.execute("rollback").unwrap();
    assert_eq!(fingerprint(&crm), fingerprint(&golden));
}

/// Case 8.6: a role that may not see the state of other sessions still sees their locks, and reports what it cannot see.
#[test]
fn sessions_that_hide_their_state_are_seen_by_their_locks_and_counted() {
    let crm = bare_database(CRM);
    let (loader, other) = (format!("loader_{}", crm.name), format!("other_{}", crm.name));
    crm.execute(&format!(
        "create role {loader} login; create role {other} login; grant usage on schema public to {loader}, {other};
         grant select, insert, update, delete on all tables in schema public to {loader}, {other};
         create schema backfill authorization {loader}"
    ));
    let theirs = Database::by_way_of(crm.url_as(&loader));
    load(&theirs, &people(), "run-1");
    let unvouched = Allowed { consumers_stopped: false, ..ALONE };
    for statement in [
        "update \"CustomerProfile\" set \"tags\" = '{}'",
        "lock table \"Activity\" in row exclusive mode",
        "select * from \"MarketingConsent\" for update",
    ] {
        let mut writer = crm_backfill::pg::local::Client::connect(&crm.url_as(&other)).unwrap();
        writer.execute(&format!("begin; {statement}")).unwrap();
        let refused = fault(load_as(&theirs, &people(), "run-2", 6, unvouched, false));
        assert_eq!(refused.exit, Exit::Preflight, "{statement}");
        let told = refused.help.join("\n");
        assert!(told.contains(&format!("role {other}")) && told.contains("is in a transaction on"), "{told}");
    }
    let mut idle = crm_backfill::pg::local::Client::connect(&crm.url_as(&other)).unwrap();
    idle.execute("begin; select 1").unwrap();
    let report = load(&theirs, &people(), "run-2");
    assert!(
        report.notes.iter().any(|note| note.contains("hide their state") && note.contains("pg_read_all_stats")),
        "{:?}",
        report.notes
    );
    drop(idle);
    crm.execute(&format!("drop owned by {loader}, {other}; drop role {loader}, {other}"));
}
