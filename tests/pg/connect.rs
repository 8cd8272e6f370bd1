//! Connections to a server with passwords and certificates: every mode, every error, no password in any message.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crm_backfill::cli::Session;
use crm_backfill::config::{Config, Environment};
use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::Timestamp;
use crm_backfill::pg::Connection;
use crm_backfill::pg::local::{LocalServer, Purpose};
use crm_backfill::steps::check_connections::{CheckConnectionsArgs, run};
use crm_backfill::store::Layout;

/// A password with every character that a URL must encode.
const PASSWORD: &str = "s3cr:et@/?#%";
const ENCODED: &str = "s3cr%3Aet%40%2F%3F%23%25";

struct Guarded {
    server: LocalServer,
    authority: PathBuf,
    _folder: PathBuf,
}

/// A server with TLS and the roles `reader` (password) and `tls_reader` (password, TLS only).
fn guarded() -> &'static Guarded {
    static SERVER: OnceLock<Guarded> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("bg").tempdir_in("/tmp").unwrap().keep();
        let server = LocalServer::start(&folder.join("pg"), Purpose::Test).unwrap();
        let (certificate, key) = certificates(&folder);
        let mut client = server.client("postgres").unwrap();
        // The server writes the files itself, so that it owns them and others cannot read them.
        let mut put = |name: &str, text: &str| {
            client
                .execute(&format!("copy (select unnest(string_to_array($x${}$x$, E'\\n'))) to '{name}'", text.trim_end()))
                .unwrap();
        };
        let data = server.folder().join("data");
        put(data.join("server.pem").to_str().unwrap(), &certificate);
        put(data.join("server.key").to_str().unwrap(), &key);
        std::fs::set_permissions(data.join("server.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        put(
            data.join("pg_hba.conf").to_str().unwrap(),
            "local all all trust\nhost all reader 127.0.0.1/32 scram-sha-256\nhost all reader ::1/128 scram-sha-256\n\
             hostssl all tls_reader 127.0.0.1/32 scram-sha-256\nhostnossl all tls_reader 127.0.0.1/32 reject\n\
             host all stranger 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 trust",
        );
        for sql in [
            "alter system set ssl_cert_file = 'server.pem'",
            "alter system set ssl_key_file = 'server.key'",
            "alter system set ssl = on",
            &format!("create role reader login password '{PASSWORD}'"),
            &format!("create role tls_reader login password '{PASSWORD}'"),
            "create role stranger login",
            "select pg_reload_conf()",
        ] {
            client.execute(sql).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        Guarded { server, authority: folder.join("ca.pem"), _folder: folder }
    })
}

/// An authority in `ca.pem`, and a certificate and key of it for the name localhost.
fn certificates(folder: &Path) -> (String, String) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("san"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=invented-authority -days 2"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile san");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (read("server.pem"), read("server.key"))
}

fn url(user: &str, host: &str, parameters: &str) -> String {
    format!("postgres://{user}@{host}:{}/postgres?{parameters}", guarded().server.port())
}

fn open(url: &str) -> Result<Connection, Fault> {
    Connection::open(&Dsn::new(url, "SCL_DATABASE_URL"), "source scl").map_err(|error| error.downcast::<Fault>().unwrap())
}

fn is_encrypted(connection: &Connection) -> bool {
    connection.query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).unwrap().get(0)
}

fn refusal(url: &str) -> String {
    let fault = open(url).err().unwrap_or_else(|| panic!("{url} should be refused"));
    let told = format!("{} | {} | {}", fault.what, fault.at.clone().unwrap_or_default(), fault.help.join(" | "));
    assert!(!told.contains("s3cr") && !format!("{fault:?}").contains("s3cr"), "{told}");
    told
}

#[test]
fn a_password_with_every_awkward_character_is_accepted() {
    let connection = open(&url(&format!("reader:{ENCODED}"), "127.0.0.1", "")).unwrap();
    assert!(!is_encrypted(&connection), "plain on loopback");
}

#[test]
fn connection_errors_name_their_cause_and_never_the_password() {
    let told = refusal(&url("reader:s3cret-but-wrong", "127.0.0.1", ""));
    assert!(told.contains("the password for user \"reader\" was not accepted (28P01)") && told.contains("%23"), "{told}");
    assert!(told.contains("SCL_DATABASE_URL     reader@127.0.0.1"), "{told}");
    let told = refusal(&url("reader", "127.0.0.1", ""));
    assert!(told.contains("asks user \"reader\" for a password and none is given"), "{told}");
    let told = refusal(&url("stranger:s3cr", "127.0.0.1", ""));
    assert!(told.contains("does not allow user \"stranger\" to connect from here (28000)"), "{told}");
    assert!(refusal("postgres://me:s3cr#et@h/db").contains("percent-encoded"));
}

#[test]
fn encryption_is_used_on_loopback_if_the_server_requires_it() {
    assert!(is_encrypted(&open(&url(&format!("tls_reader:{ENCODED}"), "127.0.0.1", "")).unwrap()));
    let told = refusal(&url(&format!("tls_reader:{ENCODED}"), "127.0.0.1", "sslmode=disable"));
    assert!(told.contains("28000"), "{told}");
}

#[test]
fn each_mode_verifies_what_it_says() {
    let user = format!("tls_reader:{ENCODED}");
    let authority = format!("sslrootcert={}", guarded().authority.display());
    for (host, parameters) in [
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", "sslmode=prefer".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&{authority}")),
        ("localhost", format!("sslmode=verify-full&{authority}")),
    ] {
        let connection = open(&url(&user, host, &parameters)).unwrap_or_else(|fault| panic!("{parameters}: {}", fault.what));
        assert!(is_encrypted(&connection), "{parameters}");
    }
    for (host, parameters) in [
        ("127.0.0.1", format!("sslmode=verify-full&{authority}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("127.0.0.1", "sslmode=verify-ca".to_owned()),
    ] {
        let told = refusal(&url(&user, host, &parameters));
        assert!(told.contains("the server's certificate was not accepted") || told.contains("no trusted authority"), "{told}");
    }
}

#[test]
fn a_password_file_is_used_only_if_other_users_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("*:*:*:reader:{}\n", PASSWORD.replace(':', "\\:"))).unwrap();
    let url = url("reader", "127.0.0.1", &format!("passfile={}", file.path().display()));
    open(&url).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = refusal(&url);
    assert!(told.contains("can be read by others") && told.contains("chmod 600"), "{told}");
}

#[test]
fn a_schema_of_an_orm_becomes_the_search_path_whatever_its_name() {
    let mut client = guarded().server.client("postgres").unwrap();
    client
        .execute(
            "create schema \"a\"\"b; drop\"; create table \"a\"\"b; drop\".t (n int); insert into \"a\"\"b; drop\".t values (7)",
        )
        .unwrap();
    let connection = open(&format!("{}&schema=a%22b%3B%20drop", guarded().server.socket_url("postgres"))).unwrap();
    assert_eq!(connection.query_one("select n from t", &[]).unwrap().get::<_, i32>(0), 7);
}

#[test]
fn the_six_databases_are_checked_together() {
    let scl = crate::support::postgres::database(include_str!("../../schemas/sources/scl.sql"));
    let crm = crate::support::postgres::database(include_str!("../../schemas/crm.sql"));
    let teetime = crate::support::postgres::database("create table \"Club\" (\"id\" text, \"tenantId\" int)");
    let wrong = url("reader:s3cret-but-wrong", "127.0.0.1", "");
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::parse("2026-06-01").unwrap();
    let mut session = Session::for_test(Layout::new(folder.path().join("data")), Config::default(), now);
    session.environment = Environment::of([
        ("SCL_DATABASE_URL", scl.url.as_str()),
        ("CRM_DATABASE_URL", crm.url.as_str()),
        ("TEETIME_DATABASE_URL", teetime.url.as_str()),
        ("MESSAGING_DATABASE_URL", wrong.as_str()),
    ]);
    let outcome = run(&session, CheckConnectionsArgs::default()).unwrap();
    let lines: Vec<&str> = outcome.text.lines().filter(|line| !line.starts_with(' ')).collect();
    let states: Vec<_> = lines.iter().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(states, ["mca_za not", "mca_uk not", "scl ok", "teetime unfit", "messaging failed", "crm ok"], "{}", outcome.text);
    assert!(outcome.text.contains("table \"TeeTime\"") && outcome.text.contains("column \"Club\".\"name\""), "{}", outcome.text);
    assert!(!outcome.text.contains("s3cr"), "{}", outcome.text);
    assert_eq!(outcome.fault.map(|fault| fault.exit), Some(Exit::Failed));
    assert!(!folder.path().join("data").exists(), "looking writes nothing");
}
