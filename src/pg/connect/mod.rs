//! A synchronous connection. Opening it is retried while a retry may help. Every statement runs in a transaction with fixed
//! settings, which end with the transaction. Errors contain no personal data.

mod certificate;
mod keywords;
mod passfile;
mod target;
pub(in crate::pg) mod watch;

pub(super) mod error;
mod tls;
pub mod url;

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::BytesMut;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row, config};

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::error::{connect_fault, database_fault, heals, refuses_plain, unanswered_fault};
use crate::pg::connect::passfile::passfile_entry;
use crate::pg::connect::target::{Host, SslMode, Target};
use crate::pg::connect::watch::Backend;
use crate::pg::quote_identifier;
use crate::progress::note;

/// How long to retry while a server is starting, full or restarting.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause before the second try; each later one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long to wait for a server that neither answers nor works.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);
/// Our `application_name` in `pg_stat_activity`.
pub const APPLICATION: &str = "crm-backfill";

/// Settings that could end a transaction before the others are pinned.
const FIRST: &str =
    "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = '15min'; set local lock_timeout = '10s'";

/// Options of a transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begin<'a> {
    /// One snapshot for all its statements.
    pub is_repeatable: bool,
    /// Read-only.
    pub is_read_only: bool,
    /// The exported snapshot to see.
    pub snapshot: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transaction {
    /// No transaction; the next statement begins one.
    #[default]
    None,
    /// Begun by a statement; a failure ends it.
    Implicit,
    /// Begun by [`Connection::begin`].
    Explicit,
}

#[derive(Debug, Default)]
struct SessionState {
    transaction: Transaction,
    backend: Option<Backend>,
    /// The search path, set again in each transaction.
    search_path: Option<String>,
    /// Whether the last failure was a lock timeout.
    failed_for_a_lock: bool,
    /// Whether the server did not answer; nothing more is sent then.
    is_abandoned: bool,
}

/// A session on a database. Closing it ends its transaction.
///
/// Settings and prepared statements do not outlive a transaction, because behind a pooler the server process may then serve another
/// client.
pub struct Connection {
    client: Client,
    runtime: Runtime,
    target: Target,
    name: String,
    answer_limit: Duration,
    state: Mutex<SessionState>,
}

impl Connection {
    /// Connects. `name` is the name of the database in messages ("source scl", "the CRM"). Retries while that may help.
    pub fn open(dsn: &Dsn, name: &str) -> Result<Self> {
        Self::open_within(dsn, name, PATIENCE)
    }

    /// Connects, and retries up to `patience` while that may help.
    pub fn open_within(dsn: &Dsn, name: &str, patience: Duration) -> Result<Self> {
        let mut target = Target::parse(dsn)?;
        if !target.has_password()
            && let Some(path) = &target.passfile
        {
            let text = read_secret(path)?;
            if let Some(password) = passfile_entry(&text, &target) {
                target.config.password(password);
            }
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("postgres")
            .build()
            .context("cannot start the network thread")?;
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut tries = 1_u32;
        // The driver's own timeout covers only the socket. This one covers a server that accepts and never answers.
        let attempt = target.connect_timeout() * 2;
        let client = loop {
            let outcome = runtime.block_on(async {
                let mut connecting = std::pin::pin!(connect(&target));
                match tokio::time::timeout(LONGEST_PAUSE, &mut connecting).await {
                    Ok(outcome) => Ok(outcome),
                    Err(_) => {
                        note(&format!(" ! {name} does not answer yet, waiting up to {} s", attempt.as_secs()));
                        tokio::time::timeout(attempt.saturating_sub(LONGEST_PAUSE), connecting).await
                    }
                }
            });
            let Ok(outcome) = outcome else { return Err(unanswered_fault(name, dsn, &target).into()) };
            match outcome? {
                Ok(client) => break client,
                Err(error) if heals(&error) && started.elapsed() + pause < patience => {
                    tries += 1;
                    // The first tries follow each other within a second.
                    if started.elapsed() + pause > Duration::from_secs(1) {
                        note(&format!(" ! {name} does not answer, trying again ({tries} of {})", most_tries(patience)));
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(connect_fault(&error, name, dsn, &target, tries).into()),
            }
        };
        let answer_limit = dsn.answer_limit.unwrap_or(ANSWER_LIMIT);
        let search_path = target.schema.as_deref().map(quote_identifier);
        let state = Mutex::new(SessionState { search_path, ..SessionState::default() });
        Ok(Self { client, runtime, target, name: name.to_owned(), answer_limit, state })
    }

    /// The asynchronous client, for COPY and descriptions of statements within a transaction that [`Connection::begin`] began.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a future to its end. Futures that wait for the server belong into `Connection::attend`.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Waits for an answer of the client, with a watch on the server.
    pub fn answer<T>(&self, future: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T> {
        if self.is_lost() {
            return Err(Fault::new(Exit::Failed, format!("the connection to {} was lost", self.name)).into());
        }
        match self.runtime.block_on(self.attend(future))? {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.state().failed_for_a_lock = error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
                if self.state().transaction == Transaction::Implicit {
                    self.end()?;
                }
                Err(self.fault(&error).into())
            }
        }
    }

    /// Begins a transaction with settings that do not depend on the server's or the role's defaults.
    pub fn begin(&self, how: Begin<'_>) -> Result<()> {
        self.end()?;
        self.start(how, Transaction::Explicit)
    }

    fn start(&self, how: Begin<'_>, kind: Transaction) -> Result<()> {
        let isolation = if how.is_repeatable { "repeatable read" } else { "read committed" };
        let access = match kind {
            _ if how.is_read_only => ", read only",
            // A standby cannot begin a read-write transaction, so single statements use the server's default.
            Transaction::Implicit => "",
            _ => ", read write",
        };
        self.answer(self.client.batch_execute(&format!("begin isolation level {isolation}{access}, not deferrable; {FIRST}")))?;
        self.state().transaction = kind;
        let pinned = self.pin(how.snapshot);
        if pinned.is_err() {
            self.end()?;
        }
        pinned
    }

    fn pin(&self, snapshot: Option<&str>) -> Result<()> {
        if let Some(snapshot) = snapshot {
            let statement = format!("set transaction snapshot '{}'", snapshot.replace('\'', "''"));
            self.answer(self.client.batch_execute(&statement))?;
        }
        let rows = self.answer(self.client.query_typed(include_str!("../../../sql/session/pins.sql"), &[]))?;
        if let Some(row) = rows.first() {
            self.state().backend = Some(Backend { pid: row.get(0), began: row.get(1) });
        }
        let path = self.state().search_path.clone();
        path.map_or(Ok(()), |path| self.answer(self.client.batch_execute(&format!("set local search_path = {path}"))))
    }

    /// Sets the search path, a list of quoted names, for this and all following transactions.
    pub fn look_in(&self, path: &str) -> Result<()> {
        self.state().search_path = Some(path.to_owned());
        self.batch(&format!("set local search_path = {path}"))
    }

    /// Commits what [`Connection::begin`] began.
    pub fn commit(&self) -> Result<()> {
        self.close("commit")
    }

    /// Rolls back the transaction, if one is open.
    pub fn end(&self) -> Result<()> {
        if self.state().transaction == Transaction::None || self.is_lost() {
            return Ok(());
        }
        self.close("rollback")
    }

    fn close(&self, how: &str) -> Result<()> {
        // Statements that the driver prepared for types end with the transaction, too.
        self.client.clear_type_cache();
        self.state().transaction = Transaction::None;
        let closed = self.answer(self.client.batch_execute(how));
        if !self.is_lost() {
            self.state().backend = None;
        }
        closed
    }

    fn ready(&self) -> Result<()> {
        let is_in_transaction = self.state().transaction != Transaction::None;
        if is_in_transaction { Ok(()) } else { self.start(Begin::default(), Transaction::Implicit) }
    }

    /// Runs statements that return nothing.
    pub fn batch(&self, sql: &str) -> Result<()> {
        if begins(sql) {
            self.end()?;
            self.answer(self.client.batch_execute(sql))?;
            self.state().transaction = Transaction::Explicit;
            return self.pin(None);
        }
        self.ready()?;
        self.answer(self.client.batch_execute(sql))
    }

    /// Runs a query. Values must be passed as parameters.
    pub fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.ready()?;
        self.answer(self.client.query_typed(sql, &typed(parameters)))
    }

    /// Runs a query that returns exactly one row.
    pub fn query_one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        self.ready()?;
        self.answer(self.client.query_typed_one(sql, &typed(parameters)))
    }

    /// Runs a statement; returns the number of affected rows.
    pub fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        self.ready()?;
        self.answer(self.client.execute_typed(sql, &typed(parameters)))
    }

    /// The error for a failure of this session, reduced to what may be shown.
    pub fn fault(&self, error: &tokio_postgres::Error) -> Fault {
        let fault = database_fault(error, &self.name);
        if fault.at.is_some() { fault } else { fault.at(self.target.to_string()) }
    }

    /// Location of the session: `user@host:port/database`.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The name of the database in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the connection is lost, or the server does not answer.
    pub fn is_lost(&self) -> bool {
        self.client.is_closed() || self.state().is_abandoned
    }

    /// The server process of the present transaction.
    pub fn pid(&self) -> Option<i32> {
        self.backend().map(|backend| backend.pid)
    }

    /// Whether the last failure was a lock timeout.
    pub(in crate::pg) fn failed_for_a_lock(&self) -> bool {
        self.state().failed_for_a_lock
    }

    fn backend(&self) -> Option<Backend> {
        self.state().backend
    }

    pub(super) fn answer_limit(&self) -> Duration {
        self.answer_limit
    }

    pub(super) fn abandon(&self) {
        self.state().is_abandoned = true;
    }

    fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the statements begin a transaction themselves.
fn begins(sql: &str) -> bool {
    let mut lines = sql.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines.next().is_some_and(|line| line.split(|character: char| !character.is_ascii_alphabetic()).next() == Some("begin"))
}

/// Parameters with their types. Without types the driver would prepare a named statement, which would outlive the transaction.
fn typed<'a>(parameters: &[&'a (dyn ToSql + Sync)]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    const TYPES: [Type; 11] = [
        Type::TEXT,
        Type::INT8,
        Type::INT4,
        Type::BOOL,
        Type::TEXT_ARRAY,
        Type::OID_ARRAY,
        Type::OID,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::FLOAT8,
        Type::BYTEA,
    ];
    let type_of = |parameter: &(dyn ToSql + Sync)| {
        let fits = |candidate: &&Type| parameter.to_sql_checked(candidate, &mut BytesMut::new()).is_ok();
        TYPES.iter().find(fits).cloned().unwrap_or(Type::UNKNOWN)
    };
    parameters.iter().map(|parameter| (*parameter, type_of(*parameter))).collect()
}

/// Reads a password file; fails if other users can read it.
fn read_secret(path: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        Fault::new(Exit::Usage, format!("the password file cannot be read: {error}")).at(path.display().to_string())
    };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Fault::new(Exit::Usage, "a file that holds passwords can be read by others")
            .at(path.display().to_string())
            .help(format!("chmod 600 {}", path.display()))
            .into());
    }
    Ok(std::fs::read_to_string(path).map_err(unreadable)?)
}

/// How many tries fit into this time, if each is refused at once.
fn most_tries(patience: Duration) -> u32 {
    let (mut tries, mut pause, mut waited) = (1, FIRST_PAUSE, Duration::ZERO);
    while waited + pause < patience {
        waited += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);
        tries += 1;
    }
    tries
}

/// One attempt. The outer error is one of settings, the inner one is of the server or the network.
pub(in crate::pg) async fn connect(target: &Target) -> Result<Result<Client, tokio_postgres::Error>> {
    let plain = || attempt_plain(target);
    Ok(match target.ssl_mode {
        SslMode::Disable => plain().await,
        SslMode::Allow => match plain().await {
            Err(refusal) if refuses_plain(&refusal) => match attempt_tls(target, config::SslMode::Require).await? {
                Err(error) if error.code().is_none() => Err(refusal),
                outcome => outcome,
            },
            outcome => outcome,
        },
        SslMode::Prefer => attempt_tls(target, config::SslMode::Prefer).await?,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => attempt_tls(target, config::SslMode::Require).await?,
    })
}

async fn attempt_plain(target: &Target) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = settings(target, config::SslMode::Disable).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn attempt_tls(target: &Target, mode: config::SslMode) -> Result<Result<Client, tokio_postgres::Error>> {
    // A socket needs no TLS, and servers do not offer it there.
    if target.hosts.iter().all(|host| matches!(host, Host::Socket(..))) {
        return Ok(attempt_plain(target).await);
    }
    let connector = tls::connector(target)?;
    Ok(match settings(target, mode).connect(connector).await {
        Ok((client, connection)) => {
            tokio::spawn(connection);
            Ok(client)
        }
        Err(error) => Err(error),
    })
}

fn settings(target: &Target, mode: config::SslMode) -> Config {
    let mut settings = target.settings();
    settings.application_name(APPLICATION).ssl_mode(mode);
    settings
}
