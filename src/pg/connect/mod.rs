//! A connection with a synchronous face: opened with patience for what heals, its failures told without anybody's data.

pub(super) mod error;
mod tls;
pub mod url;

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, config};

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::error::{connect_fault, database_fault, heals, refuses_plain};
use crate::pg::connect::url::{Host, SslMode, Target, passfile_entry};
use crate::pg::quote_identifier;

/// How long a server that is starting, full or restarting is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What other sessions see us as in `pg_stat_activity`.
pub const APPLICATION: &str = "crm-backfill";

/// A session on a database. Closing it ends its transaction.
pub struct Connection {
    client: Client,
    runtime: Runtime,
    target: Target,
    name: String,
}

impl Connection {
    /// Connects; `name` is how messages call the database ("source scl", "the CRM"). Only what heals is tried again.
    pub fn open(dsn: &Dsn, name: &str) -> Result<Self> {
        Self::open_within(dsn, name, PATIENCE)
    }

    /// Connects, trying for so long as the reason may go away by itself.
    pub fn open_within(dsn: &Dsn, name: &str, patience: Duration) -> Result<Self> {
        let mut target = Target::parse(dsn)?;
        if target.password.is_none()
            && let Some(path) = &target.passfile
        {
            target.password = passfile_entry(&read_secret(path)?, &target);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("postgres")
            .build()
            .context("cannot start the network thread")?;
        let started = Instant::now();
        let mut pause = Duration::from_millis(200);
        let mut tries = 1_u32;
        let client = loop {
            match runtime.block_on(connect(&target))? {
                Ok(client) => break client,
                Err(error) if heals(&error) && started.elapsed() + pause < patience => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_secs(2));
                    tries += 1;
                }
                Err(error) => return Err(connect_fault(&error, name, dsn, &target, tries).into()),
            }
        };
        let connection = Self { client, runtime, target, name: name.to_owned() };
        if let Some(schema) = &connection.target.schema {
            connection.batch(&format!("set search_path = {}", quote_identifier(schema)))?;
        }
        Ok(connection)
    }

    /// The asynchronous client, for COPY and prepared statements; its futures go to [`Connection::wait`].
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The client, for transactions.
    pub fn client_mut(&mut self) -> (&Runtime, &mut Client) {
        (&self.runtime, &mut self.client)
    }

    /// Runs a future of the client to its end.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Runs statements that return nothing.
    pub fn batch(&self, sql: &str) -> Result<()> {
        self.wait(self.client.batch_execute(sql)).map_err(|error| self.fault(&error).into())
    }

    /// Runs a query; values only as parameters.
    pub fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.wait(self.client.query(sql, parameters)).map_err(|error| self.fault(&error).into())
    }

    /// Runs a query that gives exactly one row.
    pub fn query_one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        self.wait(self.client.query_one(sql, parameters)).map_err(|error| self.fault(&error).into())
    }

    /// Runs a statement; returns the rows it touched.
    pub fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        self.wait(self.client.execute(sql, parameters)).map_err(|error| self.fault(&error).into())
    }

    /// A failure of this session, reduced to what may be shown.
    pub fn fault(&self, error: &tokio_postgres::Error) -> Fault {
        let fault = database_fault(error, &self.name);
        if fault.at.is_some() { fault } else { fault.at(self.target.to_string()) }
    }

    /// Where the session is: `user@host:port/database`.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How messages call the database.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A password file; refused when others can read it.
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

/// One attempt; the outer failure is ours (settings), the inner one the server's or the network's.
async fn connect(target: &Target) -> Result<Result<Client, tokio_postgres::Error>> {
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
    // A socket cannot be listened in on, and its server offers no TLS.
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
    let mut settings = Config::new();
    for host in &target.hosts {
        match host {
            Host::Tcp(name, port) => settings.host(name).port(*port),
            Host::Socket(folder, port) => settings.host_path(folder).port(*port),
        };
    }
    if let Some(password) = &target.password {
        settings.password(password);
    }
    settings
        .user(&target.user)
        .dbname(&target.database)
        .application_name(APPLICATION)
        .ssl_mode(mode)
        .connect_timeout(target.connect_timeout)
        .tcp_user_timeout(Duration::from_secs(60))
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3);
    settings
}
