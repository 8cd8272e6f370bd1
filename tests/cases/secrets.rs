//! Secrets in URLs (cases 1.1, 1.3 to 1.5): an invalid URL is not shown, and a valid one means what it means to libpq.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::Fault;
use crm_backfill::pg::Connection;
use crm_backfill::pg::local::{LocalServer, Purpose};

use crate::support::postgres::{database, server};
use crate::support::workdir::Workdir;

/// URLs that are invalid or lead nowhere, with a secret that must not be shown in any form.
const BROKEN: &[&str] = &[
    "postgres://loader:Hunter?2secret@127.0.0.1/db",
    "postgres://loader:Hunter?2sec=ret@127.0.0.1/db",
    "postgres://loader:Hunter/2secret@127.0.0.1/db",
    "postgres://loader:Hunter#2secret@127.0.0.1/db",
    "postgres://loader:Hunter:2secret@127.0.0.1:x/db",
    "postgres://loader:Hunter%2secret@127.0.0.1/db",
    "postgres://loader:12?Hunter&2secret@127.0.0.1/db",
    "https://127.0.0.1/db?api_key=Hunter2secret",
    "mysql://loader:Hunter2secret@127.0.0.1/db",
    "loader:Hunter2secret@127.0.0.1/db",
    "host=127.0.0.1 user=loader password=Hunter2secret",
    "jdbc:postgresql://127.0.0.1/db?user=loader&password=Hunter2secret",
    "postgres://loader@127.0.0.1/db?sslcert=Hunter2secret",
    "postgres://loader@127.0.0.1/db?token=Hunter2secret",
    "postgres://loader@127.0.0.1/db?Hunter2secret=1",
    "postgres://loader@127.0.0.1/db?connect_timeout=Hunter2secret",
    "postgres://loader:Hunter2secret@127.0.0.1:1/db",
    "postgres://loader@127.0.0.1:1/db?password=Hunter2secret",
    "Hunter2secret",
];

/// Case 1.1.
#[test]
fn no_command_shows_any_part_of_a_url_it_cannot_use() {
    let variables = [
        ("export-mca-za", "MCA_ZA_DATABASE_URL"),
        ("export-mca-uk", "MCA_UK_DATABASE_URL"),
        ("export-scl", "SCL_DATABASE_URL"),
        ("export-teetime", "TEETIME_DATABASE_URL"),
        ("export-messaging", "MESSAGING_DATABASE_URL"),
        ("export-crm", "CRM_DATABASE_URL"),
        ("rollback", "CRM_DATABASE_URL"),
        ("watermarks", "CRM_DATABASE_URL"),
        ("status", "CRM_DATABASE_URL"),
        ("check-connections", "SCL_DATABASE_URL"),
        ("verify", "CRM_DATABASE_URL"),
    ];
    for (at, url) in BROKEN.iter().enumerate() {
        // Every command with one of them, and the first with all of them.
        for (binary, variable) in
            variables.iter().enumerate().filter(|(index, _)| at == 0 || at % variables.len() == *index).map(|(_, pair)| pair)
        {
            let mut workdir = Workdir::new();
            workdir.set(variable, url);
            for json in [&[][..], &["--json"]] {
                let arguments: Vec<&str> = match *binary {
                    "verify" => ["--phase", "0"].iter().chain(json).copied().collect(),
                    "rollback" => ["--yes"].iter().chain(json).copied().collect(),
                    _ => json.to_vec(),
                };
                let run = workdir.run(binary, &arguments);
                let told = format!("{}{}", run.stdout, run.stderr);
                assert!(!told.contains("Hunter") && !told.contains("2sec"), "{binary} {url}: {told}");
                // Phase 0 names the database in its one line of JSON.
                let is_named = told.contains(variable) || (*binary == "verify" && told.contains("crm: connection"));
                assert!(is_named || run.code == 0, "{binary} {url}: {told}");
            }
        }
    }
}

/// Case 1.1 for `.env`: an invalid line is named by its number.
#[test]
fn an_invalid_line_of_dot_env_is_named_and_not_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut workdir = Workdir::new();
    workdir.unset("CRM_BACKFILL_NO_DOT_ENV");
    for line in ["postgres://loader:Hunter2secret@127.0.0.1/db", "SCL_DATABASE_URL=postgres://loader:Hunter?2secret@127.0.0.1/db"]
    {
        std::fs::write(workdir.path().join(".env"), format!("# comment\n{line}\n")).unwrap();
        std::fs::set_permissions(workdir.path().join(".env"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = workdir.command("export-scl", &[]);
        let output = command.env_remove("CRM_BACKFILL_NO_DOT_ENV").output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(".env line 2") && !told.contains("Hunter") && !told.contains("2secret"), "{told}");
    }
}

/// A server with a certificate that names only itself, made as PostgreSQL's manual makes it.
struct Secured {
    server: LocalServer,
    folder: PathBuf,
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn secured() -> &'static Secured {
    static SERVER: OnceLock<Secured> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("bfs").tempdir_in("/tmp").unwrap().keep();
        let server = LocalServer::start(&folder.join("pg"), Purpose::Test).unwrap();
        // The manual's first recipe.
        let key = ["-nodes", "-text", "-newkey", "rsa:2048"];
        openssl(
            &folder,
            &[
                &["req", "-new", "-x509", "-days", "365"][..],
                &key,
                &["-out", "own.crt", "-keyout", "own.key", "-subj", "/CN=localhost"],
            ]
            .concat(),
        );
        openssl(
            &folder,
            &[
                &["req", "-new", "-x509", "-days", "365"][..],
                &key,
                &["-out", "other.crt", "-keyout", "other.key", "-subj", "/CN=localhost"],
            ]
            .concat(),
        );
        // The manual's second recipe: an authority, and a certificate of it without extensions.
        openssl(
            &folder,
            &[
                &["req", "-new", "-x509", "-days", "365"][..],
                &key,
                &["-out", "root.crt", "-keyout", "root.key", "-subj", "/CN=root"],
            ]
            .concat(),
        );
        openssl(
            &folder,
            &[&["req", "-new"][..], &key, &["-out", "server.csr", "-keyout", "server.key", "-subj", "/CN=localhost"]].concat(),
        );
        openssl(
            &folder,
            &[
                "x509",
                "-req",
                "-in",
                "server.csr",
                "-days",
                "365",
                "-CA",
                "root.crt",
                "-CAkey",
                "root.key",
                "-CAcreateserial",
                "-out",
                "server.crt",
            ],
        );
        Secured { server, folder }
    })
}

/// Lets the server show another certificate.
fn show(certificate: &str, key: &str) {
    let secured = secured();
    let mut client = secured.server.client("postgres").unwrap();
    let data = secured.server.folder().join("data");
    for (file, name) in [(certificate, "shown.crt"), (key, "shown.key")] {
        let text = std::fs::read_to_string(secured.folder.join(file)).unwrap();
        let target = data.join(name);
        let sql = format!("copy (select unnest(string_to_array($x${}$x$, E'\\n'))) to '{}'", text.trim_end(), target.display());
        client.execute(&sql).unwrap();
        std::fs::set_permissions(target, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    for sql in [
        "alter system set ssl_cert_file = 'shown.crt'",
        "alter system set ssl_key_file = 'shown.key'",
        "alter system set ssl = on",
    ] {
        client.execute(sql).unwrap();
    }
    client.execute("select pg_reload_conf()").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
}

fn connects(host: &str, mode: &str, authority: &str) -> Result<(), String> {
    let secured = secured();
    let url = format!(
        "postgres://postgres@{host}:{}/postgres?sslmode={mode}&sslrootcert={}",
        secured.server.port(),
        secured.folder.join(authority).display()
    );
    let ours = Connection::open(&Dsn::new(&url, "SCL_DATABASE_URL"), "source scl").map(|_| ());
    let theirs = Command::new("psql")
        .args([&url, "-X", "-c", "select 1"])
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .output()
        .unwrap();
    assert_eq!(ours.is_ok(), theirs.status.success(), "as libpq does: {url}: {}", String::from_utf8_lossy(&theirs.stderr));
    ours.map_err(|error| error.downcast::<Fault>().unwrap().what)
}

/// Case 1.3: certificates as the manual makes them, in every mode, against what psql says.
#[test]
fn certificates_of_the_manual_are_judged_as_libpq_judges_them() {
    show("own.crt", "own.key");
    for mode in ["verify-full", "verify-ca", "require"] {
        connects("localhost", mode, "own.crt").unwrap_or_else(|what| panic!("{mode}: {what}"));
    }
    // Another name, or another certificate of the same name.
    assert!(connects("127.0.0.1", "verify-full", "own.crt").is_err());
    connects("127.0.0.1", "verify-ca", "own.crt").unwrap();
    assert!(connects("localhost", "verify-full", "other.crt").is_err());
    assert!(connects("localhost", "verify-ca", "root.crt").is_err());

    show("server.crt", "server.key");
    for mode in ["verify-full", "verify-ca"] {
        connects("localhost", mode, "root.crt").unwrap_or_else(|what| panic!("{mode}: {what}"));
    }
    connects("localhost", "verify-full", "server.crt").ok();
    assert!(connects("127.0.0.1", "verify-full", "root.crt").is_err());
    assert!(connects("localhost", "verify-full", "own.crt").is_err());
}

/// Case 1.4 and similar: hosts and ports mean what they mean to libpq, in every position.
#[test]
fn hosts_and_ports_mean_what_they_mean_to_libpq() {
    let database = database("create table t (n int); insert into t values (7)");
    let (port, name) = (server().port(), &database.name);
    let socket = server().socket_url("postgres");
    let folder = socket.split("host=").nth(1).unwrap().split('&').next().unwrap();
    for url in [
        format!("postgres://postgres@localhost:{port}/{name}?host={folder}"),
        format!("postgres://postgres@:{port}/{name}?host={folder}"),
        format!("postgres://postgres@/{name}?host={folder}&port={port}"),
        format!("postgres://postgres@other.invalid:{port}/{name}?host=127.0.0.1"),
        format!("postgres://postgres@other.invalid:1/{name}?host=127.0.0.1&port={port}"),
        format!("postgres://postgres@127.0.0.1:1,127.0.0.1:{port}/{name}"),
        format!("postgres://postgres@/{name}?host=127.0.0.1,localhost&port=1,{port}"),
        format!("postgresql:///{name}?host=127.0.0.1&port={port}&user=postgres"),
        format!("postgres://stranger@127.0.0.1:{port}/nothing?user=postgres&dbname={name}"),
    ] {
        let opened = Connection::open(&Dsn::new(&url, "X"), "the test").unwrap_or_else(|error| panic!("{url}: {error:#}"));
        assert_eq!(opened.query_one("select n from t", &[]).unwrap().get::<_, i32>(0), 7, "{url}");
    }
}

/// Case 1.5: options reach the server.
#[test]
fn options_of_a_url_are_honoured() {
    let database = database(
        "create schema legacy; create table public.t (n int); create table legacy.t (n int);
         insert into public.t values (1); insert into legacy.t values (2)",
    );
    database
        .execute("grant usage on schema legacy to bf_export; grant select on all tables in schema legacy, public to bf_export");
    for (options, expected) in [
        ("options=-c%20search_path%3Dlegacy", 2),
        ("options=-csearch_path%3Dlegacy", 2),
        ("options=--search_path%3Dlegacy,public", 2),
        ("schema=legacy", 2),
        ("options=-c%20search_path%3Dpublic", 1),
        ("options=-c%20search_path%3Dlegacy&schema=public", 1),
    ] {
        let dsn = Dsn::new(format!("{}?{options}", database.url), "X");
        let opened = Connection::open(&dsn, "the test").unwrap_or_else(|error| panic!("{options}: {error:#}"));
        assert_eq!(opened.query_one("select n from t", &[]).unwrap().get::<_, i32>(0), expected, "{options}");
    }
    let wrong = Connection::open(&Dsn::new(format!("{}?options=-c%20nothing%3D1", database.url), "X"), "the test");
    assert!(wrong.is_err(), "an option that the server does not know is an error");
}
