//! Servers with another setup (cases 8.10, 8.11, 9.5): standbys, other encodings, other collations.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crm_backfill::pg::local::{LocalServer, Purpose};

use crate::support::missing::is_missing;
use crate::support::postgres::{Database, server};
use crate::support::workdir::Workdir;
use crate::support::world;

const SCL: &str = include_str!("../../schemas/sources/scl.sql");

/// A member of a source, with a name given as bytes.
fn member(id: u32, name: &str) -> String {
    format!(
        "insert into \"Member\" (\"id\", \"tenantId\", \"firstName\", \"lastName\", \"email\", \"status\", \"createdAt\", \"updatedAt\")
         values ({id}, 1, {name}, 'Lee', 'm{id}@mail.test', 'ACTIVE', '2020-01-01', '2020-01-01')"
    )
}

/// A database with this encoding and the tables of a source.
fn encoded(name: &str, encoding: &str) -> Database {
    let sql = format!("create database {name} encoding '{encoding}' locale 'C' template template0");
    server().client("postgres").unwrap().execute(&sql).unwrap();
    let mut database = Database::made(name);
    database.execute(SCL);
    database.grant();
    database
}

/// First names as they were exported, in order of their ids.
fn exported(workdir: &Workdir) -> Vec<String> {
    workdir.ok("inspect", &["raw_scl__members", "--csv", "members.csv", "--show"]);
    let mut reader = csv::Reader::from_path(workdir.path().join("members.csv")).unwrap();
    let column = reader.headers().unwrap().iter().position(|name| name == "first_name").unwrap();
    reader.records().map(|record| record.unwrap()[column].to_owned()).collect()
}

/// Case 9.5: a database without an encoding is read in the one declared by an option or in the settings.
#[test]
fn a_database_without_an_encoding_is_read_in_the_declared_one() {
    let source = encoded("ascii_scl", "SQL_ASCII");
    // Bytes of Windows-1252: René, Zoë, and a typographic apostrophe.
    for (id, bytes) in [(1, "Ren\\xe9"), (2, "Zo\\xeb"), (3, "D\\x92Arcy"), (4, "Ann")] {
        source.execute(&member(id, &format!("E'{bytes}'")));
    }
    let mut workdir = Workdir::new();
    workdir.set("SCL_DATABASE_URL", &source.url).set("AS_OF", world::AS_OF);
    let refused = workdir.run("export-scl", &[]).exits(14);
    assert!(refused.stderr.contains("--encoding") && !refused.stderr.contains("Ren"), "{}", refused.stderr);
    workdir.ok("export-scl", &["--encoding", "windows-1252"]);
    assert_eq!(exported(&workdir), ["René", "Zoë", "D’Arcy", "Ann"]);
    workdir.edit("backfill.toml", "# [connections.encodings]", "[connections.encodings]\nscl = \"cp1252\" #");
    workdir.ok("export-scl", &[]);
    assert_eq!(exported(&workdir), ["René", "Zoë", "D’Arcy", "Ann"]);
    workdir.run("export-scl", &["--encoding", "klingon"]).exits(2);
}

/// Case 9.5 and similar: the server converts from its own encoding; if that is wrong, the setting decides.
#[test]
fn a_latin_database_is_converted_by_its_server_or_read_as_declared() {
    let source = encoded("latin_scl", "LATIN1");
    source.execute(&member(1, "'René'"));
    let mut workdir = Workdir::new();
    workdir.set("SCL_DATABASE_URL", &source.url).set("AS_OF", world::AS_OF);
    workdir.ok("export-scl", &[]);
    assert_eq!(exported(&workdir), ["René"]);
    // Bytes of Windows-1252 in a database that is declared as LATIN1.
    source.execute(&member(2, "'D' || chr(146) || 'Arcy'"));
    workdir.ok("export-scl", &["--encoding", "windows-1252"]);
    assert_eq!(exported(&workdir), ["René", "D’Arcy"]);
    // An encoding that the server enforces cannot be overridden.
    let utf8 = crate::support::postgres::database(SCL);
    workdir.set("SCL_DATABASE_URL", &utf8.url);
    workdir.run("export-scl", &["--encoding", "windows-1252"]).exits(10).says("UTF8");
    workdir.ok("export-scl", &["--encoding", "utf-8"]);
}

/// Case 8.11: the CRM's collation has no effect: every check passes with Turkish rules.
#[test]
fn a_crm_with_a_turkish_collation_verifies() {
    let mut client = server().client("postgres").unwrap();
    let has_icu = client.rows("select 1 from pg_collation where collprovider = 'i' limit 1").unwrap().len() == 1;
    if is_missing("icu", has_icu.then(|| "icu".into())) {
        return;
    }
    let sql = "create database turkish_crm template template0 encoding 'UTF8' locale_provider icu icu_locale 'tr-TR' locale 'C'";
    client.execute(sql).unwrap();
    let mut crm = Database::made("turkish_crm");
    assert_eq!(crm.value("select lower('I')"), "ı", "the rules are Turkish");
    crm.execute(include_str!("../../schemas/crm.sql"));
    crm.grant();
    let mut workdir = Workdir::new();
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
    for step in world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score", "load", "verify"]) {
        workdir.ok(step, &[]);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// A primary and a standby that replays what the primary sends.
fn pair(folder: &Path) -> (LocalServer, LocalServer) {
    let primary = LocalServer::start(&folder.join("primary"), Purpose::Demo).unwrap();
    for sql in [
        "alter system set wal_level = 'replica'",
        "alter system set max_wal_senders = 4",
        "alter system set shared_buffers = '32MB'",
    ] {
        primary.client("postgres").unwrap().execute(sql).unwrap();
    }
    primary.stop().unwrap();
    let primary = LocalServer::start(&folder.join("primary"), Purpose::Demo).unwrap();
    primary.create_database("scl").unwrap();
    primary.client("scl").unwrap().execute(SCL).unwrap();
    primary.client("scl").unwrap().execute(include_str!("../../sql/exports/roles.sql")).unwrap();
    primary.client("scl").unwrap().execute(&member(1, "'Ann'")).unwrap();
    primary.stop().unwrap();
    copy_folder(&folder.join("primary"), &folder.join("standby"));
    let primary = LocalServer::start(&folder.join("primary"), Purpose::Demo).unwrap();
    let data = folder.join("standby/data");
    std::fs::write(data.join("standby.signal"), "").unwrap();
    let mut settings = std::fs::read_to_string(data.join("postgresql.auto.conf")).unwrap();
    settings.push_str(&format!("primary_conninfo = 'host=127.0.0.1 port={} user=postgres'\n", primary.port()));
    std::fs::write(data.join("postgresql.auto.conf"), settings).unwrap();
    let standby = LocalServer::start(&folder.join("standby"), Purpose::Demo).unwrap();
    (primary, standby)
}

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: waited in vain");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Case 8.10: the watermark of a standby is the time of its last replayed transaction, and `watermarks` says so.
#[test]
fn the_watermark_of_a_standby_is_its_last_replayed_transaction() {
    let folder = tempfile::Builder::new().prefix("bfr").tempdir_in("/tmp").unwrap();
    let (primary, standby) = pair(folder.path());
    let url = standby.url("scl").replace("postgres@", "bf_export@");
    let mut workdir = Workdir::new();
    workdir.set("SCL_DATABASE_URL", &url);
    let count = || standby.client("scl").unwrap().rows("select count(*) from \"Member\"").unwrap()[0][0].clone().unwrap();
    let watermark = |workdir: &Workdir| {
        let facts = workdir.ok("export-scl", &["--json"]).json();
        facts["result"]["facts"]["watermark"].as_str().map(str::to_owned)
    };
    // Nothing is replayed yet: there must be no watermark, because it would be wrong.
    assert_eq!(watermark(&workdir), None);
    workdir.ok("export-scl", &[]).says("a standby that has replayed no transaction");

    primary.client("scl").unwrap().execute(&member(2, "'Bea'")).unwrap();
    wait_until("the standby follows", || count() == "2");
    let replayed = standby
        .client("scl")
        .unwrap()
        .rows("select to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        .unwrap();
    let replayed = replayed[0][0].clone().unwrap();
    // From here on it lags.
    standby.client("scl").unwrap().execute("select pg_wal_replay_pause()").unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    primary.client("scl").unwrap().execute(&member(3, "'Cleo'")).unwrap();
    assert_eq!(watermark(&workdir), Some(replayed.clone()), "not the time of the export");
    assert_eq!(count(), "2");
    workdir.ok("watermarks", &[]).says(&replayed).says("standby");
    standby.client("scl").unwrap().execute("select pg_wal_replay_resume()").unwrap();
    wait_until("the standby catches up", || count() == "3");
    assert!(watermark(&workdir).unwrap() > replayed);
    standby.stop().unwrap();
    primary.stop().unwrap();
}
