//! The private PostgreSQL: starts, restarts, survives a kill, and dies with the process that tests with it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crm_backfill::pg::local::{LocalServer, Purpose};

use crate::support::postgres::{database, server};

fn server_process(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap().lines().next().unwrap().to_owned()
}

fn ends_within(seconds: u64, has_ended: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        if has_ended() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// Stops what a failing test leaves behind.
struct Stopped<'a>(&'a Path);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        if let Ok(server) = LocalServer::attach(self.0) {
            let _ = server.stop();
        }
    }
}

#[test]
fn data_outlives_a_stop_a_second_start_and_a_kill() {
    let root = tempfile::Builder::new().prefix("bf").tempdir_in("/tmp").unwrap();
    let folder = root.path().join("postgres");
    let _stopped = Stopped(&folder);
    let first = LocalServer::start(&folder, Purpose::Demo).unwrap();
    first.create_database("kept").unwrap();
    first.client("kept").unwrap().execute("create table a (b integer); insert into a values (7)").unwrap();
    let (port, process) = (first.port(), server_process(&folder));
    // Started twice in a row, it is the same server.
    let again = LocalServer::start(&folder, Purpose::Demo).unwrap();
    assert_eq!((again.port(), server_process(&folder)), (port, process.clone()));
    drop(again);
    first.stop().unwrap();
    assert!(LocalServer::attach(&folder).is_err());

    // The port it had is taken meanwhile.
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let second = LocalServer::start(&folder, Purpose::Demo).unwrap();
    assert_ne!(second.port(), port);
    drop(taken);
    assert!(Command::new("kill").args(["-9", &server_process(&folder)]).status().unwrap().success());
    let third = LocalServer::start(&folder, Purpose::Demo).unwrap();
    assert_eq!(third.client("kept").unwrap().rows("select b from a").unwrap(), [[Some("7".to_owned())]]);

    // A lock file whose process id now belongs to somebody else.
    third.stop().unwrap();
    std::fs::write(folder.join("data/postmaster.pid"), format!("{}\n{}\n", std::process::id(), folder.join("data").display()))
        .unwrap();
    let fourth = LocalServer::start(&folder, Purpose::Demo).unwrap();
    assert!(fourth.has_database("kept").unwrap() && !fourth.has_database("lost").unwrap());
}

#[test]
fn an_interrupted_initdb_is_started_anew() {
    let root = tempfile::Builder::new().prefix("bf").tempdir_in("/tmp").unwrap();
    let half = root.path().join("data.tmp-1");
    std::fs::create_dir_all(half.join("base")).unwrap();
    let server = LocalServer::start(root.path(), Purpose::Test).unwrap();
    assert!(!half.exists());
    assert!(server.client("postgres").is_ok());
    server.stop().unwrap();
}

#[test]
fn each_test_has_its_own_copy_of_the_tables() {
    let ddl = "create table t (a integer); insert into t values (1)";
    let (one, two) = (database(ddl), database(ddl));
    one.execute("delete from t");
    assert_eq!((one.value("select count(*) from t"), two.value("select count(*) from t")), ("0".to_owned(), "1".to_owned()));
    assert_eq!(two.value("show fsync"), "off");
}

#[test]
fn the_socket_and_loopback_lead_to_the_same_server() {
    let server = server();
    let ask = |url: &str| {
        crm_backfill::pg::local::Client::connect(url)
            .unwrap()
            .rows("select pg_postmaster_start_time()::text, inet_server_addr() is null")
            .unwrap()
    };
    let (loopback, socket) = (ask(&server.url("postgres")), ask(&server.socket_url("postgres")));
    assert_eq!(loopback[0][0], socket[0][0]);
    assert_eq!((loopback[0][1].as_deref(), socket[0][1].as_deref()), (Some("f"), Some("t")));
}

/// Runs one of our binaries in a data folder, away from any URL of the user's.
fn ours(binary: &str, data: &Path, arguments: &[&str], url: Option<&str>) -> (i32, String) {
    let mut command = Command::new(binary);
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.ends_with("_DATABASE_URL") || ["AS_OF", "PHASE"].contains(&name.as_str()))
    {
        command.env_remove(name);
    }
    command.args(arguments).env("CRM_BACKFILL_NO_DOT_ENV", "1").env("DATA_DIR", data);
    if let Some(url) = url {
        command.env("SCL_DATABASE_URL", url);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_demo_folder_and_other_databases_never_meet() {
    let (local, export) = (env!("CARGO_BIN_EXE_local"), env!("CARGO_BIN_EXE_export-scl"));
    let root = tempfile::Builder::new().prefix("bf").tempdir_in("/tmp").unwrap();
    let data = root.path().join("data");
    let _stopped = Stopped(&data.join("postgres"));
    let up = |seed: &str| ours(local, &data, &["up", "--scale", "0.002", "--seed", seed], None);
    let (code, text) = up("1");
    assert_eq!(code, 0, "{text}");
    let (code, urls) = ours(local, &data, &["urls"], None);
    assert_eq!(code, 0, "{urls}");
    let url =
        urls.lines().find_map(|line| line.strip_prefix("export SCL_DATABASE_URL='")).unwrap().trim_end_matches('\'').to_owned();

    // The demo's folder takes the demo's databases only.
    let foreign = server().url("postgres");
    let (code, text) = ours(export, &data, &[], Some(&foreign));
    assert!(code == 10 && text.contains("the data folder is the demo's"), "{code} {text}");
    let (code, text) = ours(export, &data, &[], Some(&url));
    assert_eq!(code, 0, "{text}");
    let exported = data.join("exports/scl/manifest.json");
    assert!(std::fs::read_to_string(&exported).unwrap().contains("2026-11-01T06:00:00.000Z"), "the demo's as_of is the exports'");

    // The same population again changes nothing; another one takes its exports away.
    let (code, text) = up("1");
    assert!(code == 0 && text.contains("exists already") && exported.exists(), "{code} {text}");
    let (code, text) = up("2");
    assert!(code == 0 && !exported.exists(), "{code} {text}");
    assert!(ours(local, &data, &["status"], None).1.contains("seed 2"));
    assert_eq!(ours(local, &data, &["down"], None).0, 0);
    assert_eq!(ours(local, &data, &["down"], None).0, 0, "twice in a row");
    assert_eq!(ours(local, &data, &["urls"], None).0, 14, "nothing runs");

    // Somebody's exports are never the demo's to remove.
    std::fs::create_dir_all(data.join("exports/scl")).unwrap();
    std::fs::remove_file(data.join(".demo")).unwrap();
    let (code, text) = up("1");
    assert!(code == 10 && data.join("exports/scl").exists(), "{code} {text}");
}

/// Not a test of its own: the process that the next test kills.
#[test]
#[ignore = "run by the_server_dies_with_its_process"]
fn holds_a_server_until_killed() {
    println!("\nfolder {}", server().folder().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn the_server_dies_with_its_process() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "pg::local::holds_a_server_until_killed", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
    let folder = lines.into_iter().find_map(|line| line.strip_prefix("folder ").map(str::to_owned)).unwrap();
    let process = server_process(Path::new(&folder));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(ends_within(10, || !Path::new(&format!("/proc/{process}")).exists()), "server {process} is still there");
    assert!(ends_within(10, || !Path::new(&folder).exists()), "{folder} is still there");
}
