//! Reduces PostgreSQL's errors to what may be shown: SQLSTATE and names. Messages are withheld because they may quote values.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::target::{Host, Target};

/// Whether a retry may help: connection failure (08), starting up (57P03), too many connections (53300), connection refused.
pub(in crate::pg) fn heals(error: &Error) -> bool {
    match error.code() {
        Some(code) => {
            (code.code().starts_with("08") && *code != SqlState::PROTOCOL_VIOLATION)
                || *code == SqlState::CANNOT_CONNECT_NOW
                || *code == SqlState::TOO_MANY_CONNECTIONS
        }
        None => io_cause(error).is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused),
    }
}

/// Whether the server wants an encrypted connection.
pub(in crate::pg) fn refuses_plain(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

fn tls_cause(error: &Error) -> Option<&rustls::Error> {
    io_cause(error).and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

/// The error for a failed connection, with advice for its cause.
pub(in crate::pg) fn connect_fault(error: &Error, name: &str, dsn: &Dsn, target: &Target, tries: u32) -> Fault {
    let (why, advice) = connect_cause(error, target);
    let mut fault =
        Fault::new(Exit::Failed, format!("cannot connect to {name}: {why}")).at(format!("{}     {target}", dsn.origin));
    if let Some(advice) = advice {
        fault = fault.help(advice);
    }
    if tries > 1 {
        fault = fault.help(format!("tried {tries} times; nothing was written"));
    }
    fault.help("test all six at once:  make check-connections")
}

fn connect_cause(error: &Error, target: &Target) -> (String, Option<String>) {
    if let Some(db) = error.as_db_error() {
        return refusal_cause(db, target);
    }
    if let Some(tls) = tls_cause(error) {
        let advice = "name its authority: sslrootcert=/path/ca.pem, or encrypt without verifying: sslmode=require";
        return (format!("the server's certificate was not accepted: {tls}"), Some(advice.to_owned()));
    }
    let hosts: Vec<String> = target.hosts.iter().map(Host::to_string).collect();
    let hosts = hosts.join(", ");
    if let Some(cause) = io_cause(error) {
        return match cause.kind() {
            io::ErrorKind::ConnectionRefused => {
                (format!("nothing listens at {hosts}"), Some("is the server running, and is this its port?".to_owned()))
            }
            io::ErrorKind::NotFound => (format!("there is no socket {hosts}"), None),
            io::ErrorKind::TimedOut => (format!("{hosts} does not answer"), Some("is a firewall in the way?".to_owned())),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                (format!("{hosts} closed the connection"), Some(IS_IT_POSTGRES.to_owned()))
            }
            _ if cause.to_string().contains("bytes remaining on stream") => not_postgres(&hosts),
            _ if cause.to_string().contains("lookup address") => (format!("no host has the name in {hosts}"), None),
            _ => (format!("{hosts}: {cause}"), None),
        };
    }
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if text.contains("password missing") {
        let advice = "put it into the URL, or name a file: passfile=/path/pgpass";
        return (format!("the server asks user {:?} for a password and none is given", target.user), Some(advice.to_owned()));
    }
    if text.contains("does not support TLS") {
        let advice = "if the network between is trusted: sslmode=disable";
        return ("the server offers no TLS, which is required for this host".to_owned(), Some(advice.to_owned()));
    }
    if text.contains("unexpected message") || text.contains("invalid message") || text.contains("unknown message") {
        return not_postgres(&hosts);
    }
    if text.contains("timed out") || error.to_string().contains("timeout") {
        return (format!("{hosts} does not answer"), Some("is a firewall in the way?".to_owned()));
    }
    (text, None)
}

const IS_IT_POSTGRES: &str = "is this a PostgreSQL port?";

/// What answers does not speak PostgreSQL's protocol.
fn not_postgres(hosts: &str) -> (String, Option<String>) {
    (format!("what answers at {hosts} is not PostgreSQL"), Some(IS_IT_POSTGRES.to_owned()))
}

fn refusal_cause(db: &DbError, target: &Target) -> (String, Option<String>) {
    let (user, database) = (&target.user, &target.database);
    let code = db.code();
    let why = match *code {
        SqlState::INVALID_PASSWORD => format!("the password for user {user:?} was not accepted"),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => format!("the server does not allow user {user:?} to connect from here"),
        SqlState::INVALID_CATALOG_NAME => format!("there is no database {database:?}"),
        SqlState::TOO_MANY_CONNECTIONS => "the server has no free connection".to_owned(),
        SqlState::CANNOT_CONNECT_NOW => "the server is starting up or shutting down".to_owned(),
        SqlState::INSUFFICIENT_PRIVILEGE => format!("user {user:?} may not connect to database {database:?}"),
        _ => describe(db),
    };
    let advice = match *code {
        SqlState::INVALID_PASSWORD => {
            "if the password has @ : / # or %, it must be percent-encoded in a URL (\"#\" → %23)".to_owned()
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "does the role exist, and does the server's pg_hba.conf name this host, user and database?".to_owned()
        }
        SqlState::INVALID_CATALOG_NAME => "list them:  psql -l".to_owned(),
        SqlState::INSUFFICIENT_PRIVILEGE => format!("grant connect on database {database:?} to {user:?};"),
        // This is how a pooler reports that it does not pass a parameter on.
        SqlState::PROTOCOL_VIOLATION => {
            "a pooler may not pass \"options\" on: connect to the server itself, or use ?schema=NAME".to_owned()
        }
        _ => return (format!("{why} ({})", code_of(db)), None),
    };
    (format!("{why} ({})", code_of(db)), Some(advice))
}

/// Classes of SQLSTATE whose messages contain names but no values. Messages of 22, 23, 44 and similar classes quote data, and
/// those of foreign data wrappers and extensions may contain anything.
const PLAIN_CLASSES: [&str; 19] =
    ["08", "0A", "25", "26", "28", "2B", "2D", "34", "3B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "0B"];

/// Whether code in the database raised the error: triggers, functions, views on functions. Its author chose every part of it,
/// including the code, so personal data may be anywhere in it.
fn is_raised_by_code(db: &DbError) -> bool {
    // The server reports the position of a failure only within functions and within COPY.
    db.code().code().starts_with("P0") || db.where_().is_some_and(|place| !place.starts_with("COPY "))
}

/// The SQLSTATE, if the server's documentation lists it.
fn code_of(db: &DbError) -> &str {
    let is_listed = !format!("{:?}", db.code()).contains("Other");
    if is_listed { db.code().code() } else { "a code of its own" }
}

/// The function that raised an error.
fn function_of(db: &DbError) -> Option<&str> {
    let place = db.where_()?.lines().find_map(|line| line.strip_prefix("PL/pgSQL function "))?;
    let name = place.split(['(', ' ']).next()?;
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    Some(name).filter(|name| is_plain && *name != "inline_code_block")
}

/// The server's message, if it cannot contain values.
fn describe(db: &DbError) -> String {
    if is_raised_by_code(db) {
        let function = function_of(db).map_or_else(|| "a function or trigger".to_owned(), |name| format!("function {name}"));
        return format!("{function} of the database raised an error; its message is withheld, since it may quote data");
    }
    let code = db.code().code();
    let mut names = Vec::new();
    let mut name = |kind: &str, value: Option<&str>| names.extend(value.map(|value| format!("{kind} {value:?}")));
    name("table", db.table());
    name("column", db.column());
    name("constraint", db.constraint());
    name("type", db.datatype());
    let what = match &code[..2] {
        "22" if *db.code() == SqlState::CHARACTER_NOT_IN_REPERTOIRE => "bytes are not text of the declared encoding",
        "22" => "a value cannot be read as the type it should have",
        "23" => "a constraint does not hold",
        "44" => "a row does not satisfy the check of a view",
        class if PLAIN_CLASSES.contains(&class) => return db.message().to_owned(),
        _ => "the server reported an error whose message may quote data",
    };
    if names.is_empty() { what.to_owned() } else { format!("{what}: {}", names.join(", ")) }
}

/// A failure during a session. The exit code is 14, except for what a preflight can find: missing things and rights (10).
pub fn database_fault(error: &Error, name: &str) -> Fault {
    let Some(db) = error.as_db_error() else {
        let cause = io_cause(error).map(ToString::to_string);
        let cause = cause.or_else(|| error.source().map(ToString::to_string)).unwrap_or_else(|| error.to_string());
        return Fault::new(Exit::Failed, format!("the connection to {name} was lost: {cause}"))
            .help("nothing was committed; run the same command again");
    };
    let code = db.code();
    let what = format!("{name}: {} ({})", describe(db), code_of(db));
    if is_raised_by_code(db) {
        return Fault::new(Exit::Failed, what).help("the server's own log holds the whole message, with the time of this run");
    }
    let fault = match *code {
        SqlState::INSUFFICIENT_PRIVILEGE => Fault::new(Exit::Preflight, what)
            .help("grant the right, or use another role; make verify PHASE=0 prints the statements for the CRM"),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_SCHEMA_NAME => {
            Fault::new(Exit::Preflight, what).help(
                "is this the right database and schema? what is missing is named by: make check-connections, make verify PHASE=0",
            )
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
            Fault::new(Exit::Failed, what).help("the server ended the session; run the same command again")
        }
        SqlState::T_R_SERIALIZATION_FAILURE => Fault::new(Exit::Failed, what)
            .help("on a replica: raise max_standby_streaming_delay or hot_standby_feedback, or read from the primary"),
        SqlState::DISK_FULL => Fault::new(Exit::Failed, what).help("the server's disk is full; nothing was committed"),
        _ => Fault::new(Exit::Failed, what),
    };
    match db.where_() {
        // "COPY t, line 7, column c" names a place; what follows the second colon is the row itself.
        Some(place) if place.starts_with("COPY ") => fault.at(place.split(':').next().unwrap_or_default().to_owned()),
        _ => fault,
    }
}

/// A server that lets us in and says nothing.
pub(super) fn unanswered_fault(name: &str, dsn: &Dsn, target: &Target) -> Fault {
    Fault::new(Exit::Failed, format!("cannot connect to {name}: the server accepts the connection and does not answer"))
        .at(format!("{}     {target}", dsn.origin))
        .help("is this a PostgreSQL port, and is a pooler in between out of connections?")
        .help("test all six at once:  make check-connections")
}
