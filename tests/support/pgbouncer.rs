//! A pooler in front of the tests' server. Without PgBouncer on the machine, a test is reported as skipped, or fails.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::postgres::server;

/// Where PgBouncer is installed.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|file| file.is_file())
}

/// A pooler that ends with this value.
pub struct PgBouncer {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts a pooler: `mode` is `session` or `transaction`; with a maximum of server connections per role and database.
    pub fn start(mode: &str, connections: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("bfp").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let users = ["postgres", "bf_load", "bf_load_owner", "bf_verify", "bf_export"];
        let users: String = users.iter().map(|user| format!("\"{user}\" \"\"\n")).collect();
        std::fs::write(folder.path().join("users.txt"), users).unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = trust\n\
             auth_file = {folder}/users.txt\npool_mode = {mode}\ndefault_pool_size = {connections}\nunix_socket_dir =\n\
             max_client_conn = 50\nquery_wait_timeout = 20\nserver_idle_timeout = 600\nadmin_users = postgres\n",
            server().port(),
            folder = folder.path().display(),
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(program().expect("asked before"));
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let process = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "the pooler does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { process, port, _folder: folder }
    }

    /// A URL through the pooler.
    pub fn url(&self, url: &str) -> String {
        let (before, rest) = url.split_once("127.0.0.1:").expect("local servers listen on loopback");
        let (_, after) = rest.split_once('/').expect("a URL names a database");
        format!("{before}127.0.0.1:{}/{after}", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
