//! A database to connect to: servers, role, database, and protection of the connection.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;

/// Protection of the connection, in libpq's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Plain; encrypted only if the server rejects plain connections. Default for loopback and sockets.
    Allow,
    /// Encrypted if the server supports it; not verified.
    Prefer,
    /// Encrypted, verified only if a root certificate is named.
    Require,
    /// Encrypted, with a certificate of a trusted authority for any host.
    VerifyCa,
    /// Encrypted, with a trusted certificate for this host. Default for all other hosts.
    VerifyFull,
}

impl SslMode {
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    /// The word in a URL.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(word, _)| word)
    }
}

/// Address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name or address, and a port.
    Tcp(String, u16),
    /// The folder of a socket, and the port in its name.
    Socket(PathBuf, u16),
}

impl Host {
    pub(super) fn is_near(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Tcp(name, _) => {
                name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(name, port) if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Tcp(name, port) => write!(f, "{name}:{port}"),
            Self::Socket(folder, port) => write!(f, "{}/.s.PGSQL.{port}", folder.display()),
        }
    }
}

/// A database to connect to. Printing it shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Servers, tried in order.
    pub hosts: Vec<Host>,
    /// The role.
    pub user: String,
    /// A file of passwords, in libpq's format.
    pub passfile: Option<PathBuf>,
    /// The database.
    pub database: String,
    /// The protection in the URL, or the default for the host.
    pub ssl_mode: SslMode,
    /// Certificates of trusted authorities, instead of the system's.
    pub root_certificates: Option<PathBuf>,
    /// Schema to put before the role's own search path.
    pub schema: Option<String>,
    /// Notes about parameters without effect.
    pub notes: Vec<String>,
    /// Parameters for the driver: hosts, password, options, timeouts.
    pub(super) config: Config,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        write!(f, "{}@{}/{}", self.user, hosts.join(","), self.database)
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({self}, sslmode {})", self.ssl_mode.word())
    }
}

impl Target {
    /// The driver's settings, without those that depend on the attempt.
    pub(super) fn settings(&self) -> Config {
        self.config.clone()
    }

    /// Timeout of one attempt, over all hosts.
    pub(super) fn connect_timeout(&self) -> Duration {
        let each = self.config.get_connect_timeout().copied().unwrap_or(Duration::from_secs(10));
        each * u32::try_from(self.hosts.len()).unwrap_or(1).max(1)
    }

    /// Whether the URL holds a password.
    pub(super) fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }
}
