//! A database URL: what is ours to interpret is taken out (TLS, password file, schema), the rest goes to the driver as libpq reads it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Config;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::keywords::{Keywords, decode};
use crate::pg::connect::passfile::passfile_entry;

/// How far the connection is protected; the words of libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Plain, encrypted only when the server refuses plain. What loopback and sockets get.
    Allow,
    /// Encrypted if the server can, not verified.
    Prefer,
    /// Encrypted, verified only if a root certificate is named.
    Require,
    /// Encrypted by a certificate of a trusted authority, whatever its host.
    VerifyCa,
    /// Encrypted by the host's own trusted certificate. What every other host gets.
    VerifyFull,
}

impl SslMode {
    pub(in crate::pg) const ALL: [(&'static str, Self); 6] = [
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

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name or address, and a port.
    Tcp(String, u16),
    /// A folder of sockets, and the port that names the socket in it.
    Socket(PathBuf, u16),
}

impl Host {
    pub(in crate::pg) fn is_near(&self) -> bool {
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
    /// The protection asked for, or the default of such a host.
    pub ssl_mode: SslMode,
    /// Certificates of trusted authorities, instead of the system's.
    pub root_certificates: Option<PathBuf>,
    /// Schema to look for tables in, before the role's own search path.
    pub schema: Option<String>,
    /// What in the URL has no effect here.
    pub notes: Vec<String>,
    /// What the driver understands by itself: hosts, password, options, timeouts.
    pub(in crate::pg) config: Config,
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
    /// Takes a URL apart. Of one that cannot be understood nothing is shown: any part of it may be the password.
    pub fn parse(dsn: &Dsn) -> Result<Self> {
        Self::parse_text(dsn.expose()).map_err(|what| {
            Fault::new(Exit::Usage, format!("the database URL cannot be understood: {what}"))
                .at(dsn.origin.clone())
                .help("postgres://user:password@host:5432/database?sslmode=verify-full")
                .help("if the password has @ : / ? # or %, it must be percent-encoded (\"#\" → %23)")
                .into()
        })
    }

    fn parse_text(url: &str) -> Result<Self, String> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or("it does not begin with postgres://")?;
        if rest.contains('#') {
            return Err("it holds a \"#\"".to_owned());
        }
        let (base, query) = rest.split_once('?').map_or((rest, ""), |(base, query)| (base, query));
        if query.contains('@') && !base.contains('@') {
            return Err("it holds a \"?\" before the \"@\"".to_owned());
        }
        let mut keywords = Keywords::default();
        let (user_info, place) = base.rsplit_once('@').map_or(("", base), |(user_info, place)| (user_info, place));
        if user_info.contains('/') {
            return Err("it holds a \"/\" before the host".to_owned());
        }
        let (user, password) = user_info.split_once(':').map_or((user_info, ""), |(user, password)| (user, password));
        let (hosts, database) = place.split_once('/').map_or((place, ""), |(hosts, database)| (hosts, database));
        for (keyword, value) in [("user", user), ("password", password), ("dbname", database)] {
            if !value.is_empty() {
                keywords.set(keyword, decode(value)?);
            }
        }
        keywords.authority(hosts)?;
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or("a parameter has no \"=\"")?;
            keywords.parameter(name, decode(value)?)?;
        }
        keywords.complete()
    }

    /// The driver's settings, without those that depend on the attempt.
    pub(super) fn settings(&self) -> Config {
        self.config.clone()
    }

    /// How long one attempt may take, over all hosts.
    pub(super) fn connect_timeout(&self) -> Duration {
        let each = self.config.get_connect_timeout().copied().unwrap_or(Duration::from_secs(10));
        each * u32::try_from(self.hosts.len()).unwrap_or(1).max(1)
    }

    /// Whether the URL holds a password.
    pub(super) fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Takes the password that a password file holds for it.
    pub(super) fn take_password(&mut self, passfile: &str) {
        if let Some(password) = passfile_entry(passfile, self) {
            self.config.password(password);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse_text(url).unwrap()
    }

    fn refusal(url: &str) -> String {
        Target::parse_text(url).unwrap_err()
    }

    #[test]
    fn a_full_url_is_taken_apart() {
        let target = target("postgresql://crm%40backfill:p%23a%3Ass@db.internal:6432/crm_live?sslmode=verify-ca&schema=app");
        assert_eq!(target.user, "crm@backfill");
        assert_eq!(target.config.get_password(), Some(&b"p#a:ss"[..]));
        assert_eq!(target.hosts, [Host::Tcp("db.internal".to_owned(), 6432)]);
        assert_eq!(target.database, "crm_live");
        assert_eq!(target.ssl_mode, SslMode::VerifyCa);
        assert_eq!(target.schema.as_deref(), Some("app"));
        assert_eq!(target.to_string(), "crm@backfill@db.internal:6432/crm_live");
        assert!(!format!("{target:?}").contains("p#a"));
    }

    #[test]
    fn sockets_come_percent_encoded_or_as_a_parameter() {
        for url in [
            "postgres://me@%2Frun%2Fpg:5433/db",
            "postgres://me@/db?host=/run/pg&port=5433",
            "postgres://me@:5433/db?host=/run/pg",
            "postgres://me@localhost:5433/db?host=/run/pg",
        ] {
            assert_eq!(target(url).hosts, [Host::Socket("/run/pg".into(), 5433)]);
            assert_eq!(target(url).ssl_mode, SslMode::Allow);
        }
    }

    #[test]
    fn every_host_that_is_not_this_machine_is_verified_by_default() {
        for (host, mode) in [
            ("localhost", SslMode::Allow),
            ("127.0.0.1", SslMode::Allow),
            ("[::1]:5432", SslMode::Allow),
            ("db.internal", SslMode::VerifyFull),
            ("10.0.0.7", SslMode::VerifyFull),
            ("localhost,db.internal", SslMode::VerifyFull),
        ] {
            assert_eq!(target(&format!("postgres://me@{host}/db")).ssl_mode, mode, "{host}");
        }
    }

    #[test]
    fn a_named_authority_makes_require_verify_it() {
        assert_eq!(target("postgres://me@h/db?sslmode=require&sslrootcert=ca.pem").ssl_mode, SslMode::VerifyCa);
        assert_eq!(target("postgres://me@h/db?sslmode=require").ssl_mode, SslMode::Require);
    }

    #[test]
    fn pool_options_of_an_orm_are_ignored_with_a_note() {
        let target = target("postgres://me@h/db?schema=public&connection_limit=5&pgbouncer=true");
        assert_eq!(target.notes.len(), 2);
        assert!(target.notes[0].starts_with("connection_limit"));
    }

    #[test]
    fn weak_protection_of_a_far_host_is_noted() {
        assert!(target("postgres://me@h/db?sslmode=disable").notes[0].contains("unencrypted"));
        assert!(target("postgres://me@h/db?sslmode=require").notes[0].contains("not verified"));
        assert!(target("postgres://me@localhost/db?sslmode=disable").notes.is_empty());
    }

    #[test]
    fn mistakes_are_named_and_nothing_of_the_url_is_repeated() {
        assert!(refusal("postgres://me@h/db?sslmod=require").contains("did you mean \"sslmode\"?"));
        assert!(refusal("postgres://me@h/db?sslmode=full").contains("verify-full"));
        assert!(refusal("postgres://me:pa#ss@h/db").contains('#'));
        assert!(refusal("postgres://me:pa/s3cret@h/db").contains("before the host"));
        assert!(refusal("postgres://h/db").contains("no user"));
        assert!(refusal("mysql://me@h/db").contains("postgres://"));
        assert!(refusal("postgres://me@h:99999/db").contains("port"));
        for url in [
            "postgres://me:s3cret@h:x/db",
            "postgres://me:s3cret@h/db?a=b",
            "postgres://me:s3c/ret@h/db",
            "postgres://me:word?s3cret@h/db",
            "postgres://me:word?s3c=ret@h/db",
            "postgres://me:12?s3c=ret@h/db",
            "postgres://me:pa%s3cret@h/db",
            "postgres://me:x@h/db?password=s3cret&ssl=s3cret",
            "postgres://me@h/db?connect_timeout=s3cret",
            "postgres://me@h/db?sslcert=s3cret",
            "redis://h/db?api_key=s3cret",
            "host=h password=s3cret",
        ] {
            assert!(!refusal(url).contains("s3c"), "{url}");
        }
    }
}
