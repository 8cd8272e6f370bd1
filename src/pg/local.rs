//! A private PostgreSQL for `make up`, the demo and the tests; never for real data.
//!
//! It listens on loopback and on a socket, on a port that was free at the start, without a password. Its folder contains:
//!
//! ```text
//! <folder>/data         the cluster
//! <folder>/socket       the socket, unless the path would be too long for one (then a short folder under /tmp)
//! <folder>/server.log   what the server said
//! <folder>/port         the port of the last start, tried first at the next
//! ```

mod account;
mod binaries;
mod client;
mod lock;
mod place;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use account::ServerAccount;
use binaries::Binaries;
pub use client::{Client, CopyIn};
use lock::{LockFile, serves};
use place::{free_port, make_private_folder, move_away, socket_folder};

use crate::fault::{Exit, Fault};

/// The superuser of every local server.
const SUPERUSER: &str = "postgres";

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = off
wal_level = minimal
max_wal_senders = 0
jit = off
";

/// Settings for bulk loads on two cores and a few gigabytes; the data survives a power cut.
const DEMO_SETTINGS: &str = "
shared_buffers = '512MB'
maintenance_work_mem = '256MB'
work_mem = '32MB'
effective_cache_size = '2GB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
wal_compression = on
random_page_cost = 1.1
";

/// Settings for tests: the data is removed with the test, so nothing is durable.
const TEST_SETTINGS: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
shared_buffers = '128MB'
maintenance_work_mem = '64MB'
max_wal_size = '4GB'
max_connections = 200
";

/// The purpose of a local server, which decides its settings and its lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Durable; outlives the process that started it and ends with [`LocalServer::stop`].
    Demo,
    /// Fast and not durable; ends, with its folder, when the process that started it ends, however it ends.
    Test,
}

/// A running local server.
#[derive(Debug)]
pub struct LocalServer {
    folder: PathBuf,
    socket: PathBuf,
    port: u16,
    process: Pid,
    /// The child process, if it was started here. The server of a test ends when this pipe is closed.
    started: Option<(Child, Option<ChildStdin>)>,
}

impl LocalServer {
    /// The server of this folder: the running one, or a new one on its data, or on a new cluster.
    pub fn start(folder: &Path, purpose: Purpose) -> Result<Self> {
        make_private_folder(folder)?;
        let folder = folder.canonicalize().with_context(|| format!("{} cannot be opened", folder.display()))?;
        if let Some(running) = Self::running(&folder)? {
            return Ok(running);
        }
        let binaries = Binaries::find()?;
        let (folder, account) = match ServerAccount::choose(&folder) {
            Ok(account) => (folder, account),
            Err(refusal) => move_away(&folder)?.ok_or(refusal)?,
        };
        let socket = socket_folder(&folder, &account)?;
        let data = folder.join("data");
        if !data.join("PG_VERSION").exists() {
            create_cluster(&binaries, &account, &folder, purpose)?;
        }
        binaries.check_version(&data)?;
        let started = Instant::now();
        loop {
            let port = free_port(&folder)?;
            match launch(&binaries, &account, &folder, &socket, port, purpose)? {
                Launch::Ready(server) => {
                    fs::write(folder.join("port"), format!("{port}\n"))?;
                    return Ok(server);
                }
                // The port was taken meanwhile, or processes of a killed server still hold its memory.
                Launch::Ended if started.elapsed() < Duration::from_secs(10) => std::thread::sleep(Duration::from_millis(300)),
                Launch::Ended => return Err(broken(&folder, "the local PostgreSQL ends right after its start")),
            }
        }
    }

    /// The running server of this folder.
    pub fn attach(folder: &Path) -> Result<Self> {
        let running = match folder.canonicalize() {
            Ok(folder) => Self::running(&folder)?,
            Err(_) => None,
        };
        running.ok_or_else(|| {
            Fault::new(Exit::Failed, "no local PostgreSQL is running here")
                .at(folder.display().to_string())
                .help("make up")
                .into()
        })
    }

    fn running(folder: &Path) -> Result<Option<Self>> {
        let data = folder.join("data");
        let Some(lock) = LockFile::read(&data) else { return Ok(None) };
        if !serves(lock.process, &data) {
            return Ok(None);
        }
        // Another process may be starting or stopping the server.
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            match LockFile::read(&data) {
                Some(LockFile { process, port: Some(port), socket: Some(socket), is_ready: true }) if serves(process, &data) => {
                    let server = Self { folder: folder.to_owned(), socket, port, process, started: None };
                    // A killed server may look alive for a moment longer.
                    if server.client("postgres").is_ok() {
                        return Ok(Some(server));
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
                Some(lock) if serves(lock.process, &data) => std::thread::sleep(Duration::from_millis(50)),
                _ => return Ok(None),
            }
        }
        Err(broken(folder, "the local PostgreSQL neither answers nor ends"))
    }

    /// URL of a database, by loopback.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// URL of a database, by the socket.
    pub fn socket_url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={SUPERUSER}", self.socket.display(), self.port)
    }

    /// The folder of this server.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection to a database, as the superuser.
    pub fn client(&self, database: &str) -> Result<Client> {
        Client::connect(&self.url(database))
    }

    /// Whether a database of this name exists.
    pub fn has_database(&self, name: &str) -> Result<bool> {
        let found = self.client("postgres")?.rows(&format!("select 1 from pg_database where datname = '{name}'"))?;
        Ok(!found.is_empty())
    }

    /// A new, empty database.
    pub fn create_database(&self, name: &str) -> Result<()> {
        self.client("postgres")?.execute(&format!("create database \"{name}\" template template0"))
    }

    /// A new database with the tables and rows of a template, which must not have connections.
    pub fn copy_database(&self, name: &str, template: &str) -> Result<()> {
        self.client("postgres")?.execute(&format!("create database \"{name}\" template \"{template}\""))
    }

    /// Removes a database, if it exists, and ends its connections.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        self.client("postgres")?.execute(&format!("drop database if exists \"{name}\" with (force)"))
    }

    /// Stops the server and waits for its end; its data stays.
    pub fn stop(self) -> Result<()> {
        let data = self.folder.join("data");
        let reap = match self.started {
            Some((_, Some(pipe))) => {
                drop(pipe);
                None
            }
            Some((child, None)) => Some(child),
            None => None,
        };
        if reap.is_some() || serves(self.process, &data) {
            let _ = kill_process(self.process, Signal::INT);
        }
        if let Some(mut child) = reap {
            child.wait().context("the local PostgreSQL cannot be waited for")?;
        }
        let started = Instant::now();
        while serves(self.process, &data) {
            if started.elapsed() > Duration::from_secs(60) {
                return Err(broken(&self.folder, "the local PostgreSQL does not stop"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn broken(folder: &Path, what: &str) -> anyhow::Error {
    let log = folder.join("server.log");
    let text = fs::read_to_string(&log).unwrap_or_default();
    let last = text.lines().rev().find(|line| line.contains("FATAL") || line.contains("PANIC") || line.contains("ERROR"));
    let mut fault = Fault::new(Exit::Failed, what).at(log.display().to_string());
    if let Some(last) = last.or_else(|| text.lines().last()) {
        fault = fault.help(format!("the server said: {last}"));
    }
    fault.into()
}

/// Prefix for the name of an unfinished cluster, before the id of the process that creates it.
const HALF: &str = "data.tmp-";

/// Removes clusters whose creation was interrupted. An initdb that received a signal may still be removing its own; the next
/// start removes what it leaves.
fn clear_halves(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_string_lossy().starts_with(HALF)) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

fn create_cluster(binaries: &Binaries, account: &ServerAccount, folder: &Path, purpose: Purpose) -> Result<()> {
    // Left behind by an interrupted initdb; a complete cluster always has PG_VERSION.
    let data = folder.join("data");
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("{} cannot be cleared", data.display()))?;
    }
    clear_halves(folder);
    let half = folder.join(format!("{HALF}{}", std::process::id()));
    let output = account
        .command(&binaries.initdb())
        .args([
            "--username",
            SUPERUSER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
            "--no-instructions",
        ])
        .arg("--pgdata")
        .arg(&half)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be run", binaries.initdb().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last =
            said.lines().rev().find(|line| line.contains("error") || line.contains("FATAL")).unwrap_or("nothing").to_owned();
        return Err(Fault::new(Exit::Failed, "initdb failed")
            .at(half.display().to_string())
            .help(format!("initdb said: {last}"))
            .into());
    }
    let settings = match purpose {
        Purpose::Demo => DEMO_SETTINGS,
        Purpose::Test => TEST_SETTINGS,
    };
    let mut file = fs::OpenOptions::new().append(true).open(half.join("postgresql.conf"))?;
    file.write_all(SETTINGS.as_bytes())?;
    file.write_all(settings.as_bytes())?;
    fs::rename(&half, &data)?;
    Ok(())
}

enum Launch {
    Ready(LocalServer),
    Ended,
}

/// Shell script that stops the server and removes its folder when its standard input is closed. `$1` is the folder, the rest the
/// command.
const KEEPER: &str =
    r#"folder=$1; shift; "$@" </dev/null & server=$!; read -r _; kill -QUIT $server; wait $server; rm -rf "$folder""#;

fn launch(
    binaries: &Binaries,
    account: &ServerAccount,
    folder: &Path,
    socket: &Path,
    port: u16,
    purpose: Purpose,
) -> Result<Launch> {
    let data = folder.join("data");
    // No server runs on this folder. A stale lock file with a recycled process id would prevent the start.
    let left = fs::read_dir(socket)?.filter_map(Result::ok).map(|entry| entry.path());
    let left = left.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".s.PGSQL.")));
    for lock in left.chain([data.join("postmaster.pid")]) {
        let _ = fs::remove_file(lock);
    }
    let log = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("server.log"))?;
    let mut command = match purpose {
        Purpose::Demo => account.command(&binaries.postgres()),
        Purpose::Test => {
            let mut keeper = account.command(Path::new("/bin/sh"));
            keeper.args(["-c", KEEPER, "sh"]).arg(folder).arg(binaries.postgres());
            keeper
        }
    };
    command
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c"])
        .arg(format!("unix_socket_directories={}", socket.display()))
        .current_dir("/")
        .process_group(0)
        .stdout(log.try_clone()?)
        .stderr(log)
        .stdin(if purpose == Purpose::Test { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().with_context(|| format!("{} cannot be run", binaries.postgres().display()))?;
    let pipe = child.stdin.take();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        let lock = LockFile::read(&data);
        if let Some(LockFile { process, is_ready: true, port: Some(written), .. }) = lock
            && written == port
        {
            let started = Some((child, pipe));
            return Ok(Launch::Ready(LocalServer {
                folder: folder.to_owned(),
                socket: socket.to_owned(),
                port,
                process,
                started,
            }));
        }
        let has_ended = match purpose {
            Purpose::Demo => child.try_wait()?.is_some(),
            // The script ends after its server.
            Purpose::Test => lock.is_none() && started.elapsed() > Duration::from_secs(5),
        };
        if has_ended {
            return Ok(Launch::Ended);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(broken(folder, "the local PostgreSQL does not get ready"))
}
