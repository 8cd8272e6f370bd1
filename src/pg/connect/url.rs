//! A database URL taken apart: hosts, sockets, TLS, password file, schema, and what an ORM put beside them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use percent_encoding::percent_decode_str;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::model::did_you_mean;

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
    const ALL: [(&'static str, Self); 6] = [
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
    fn is_near(&self) -> bool {
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
    /// The password, if the URL holds one.
    pub password: Option<String>,
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
    /// How long one attempt may take.
    pub connect_timeout: Duration,
    /// What in the URL has no effect here.
    pub notes: Vec<String>,
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

/// Parameters with an effect.
const KNOWN: [&str; 13] = [
    "sslmode",
    "ssl",
    "sslrootcert",
    "passfile",
    "schema",
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "connect_timeout",
    "application_name",
    "sslnegotiation",
];

/// Parameters of ORMs, pools and libpq that mean nothing to a backfill.
const IGNORED: [&str; 22] = [
    "connection_limit",
    "pool_timeout",
    "pool_size",
    "pool_max",
    "pool_min",
    "pool_mode",
    "max_idle_connection_lifetime",
    "max_connection_lifetime",
    "pgbouncer",
    "statement_cache_size",
    "prepare_threshold",
    "socket_timeout",
    "statement_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "target_session_attrs",
    "channel_binding",
    "gssencmode",
    "options",
    "single_use_connections",
];

/// Parts of a URL as they are collected, before defaults.
#[derive(Default)]
struct Parts {
    hosts: Vec<(String, Option<u16>)>,
    user: Option<String>,
    password: Option<String>,
    passfile: Option<PathBuf>,
    database: Option<String>,
    ssl_mode: Option<SslMode>,
    root_certificates: Option<PathBuf>,
    schema: Option<String>,
    port: Option<u16>,
    connect_timeout: Option<Duration>,
    notes: Vec<String>,
}

impl Target {
    /// Takes a URL apart; what is wrong with it is said without showing it.
    pub fn parse(dsn: &Dsn) -> Result<Self> {
        Self::parse_text(dsn.expose()).map_err(|what| {
            Fault::new(Exit::Usage, format!("the database URL cannot be understood: {what}"))
                .at(format!("{}     {dsn}", dsn.origin))
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
        let mut parts = Parts::default();
        let (user_info, place) = base.rsplit_once('@').map_or(("", base), |(user_info, place)| (user_info, place));
        if user_info.contains('/') {
            return Err("it holds a \"/\" before the host".to_owned());
        }
        let (user, password) = user_info.split_once(':').map_or((user_info, None), |(user, password)| (user, Some(password)));
        parts.user = (!user.is_empty()).then(|| decode(user)).transpose()?;
        parts.password = password.map(decode).transpose()?;
        let (hosts, database) = place.split_once('/').map_or((place, ""), |(hosts, database)| (hosts, database));
        parts.database = (!database.is_empty()).then(|| decode(database)).transpose()?;
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            parts.hosts.push(split_port(host)?);
        }
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or("a parameter has no \"=\"")?;
            parts.parameter(name, decode(value)?)?;
        }
        parts.complete()
    }
}

impl Parts {
    fn parameter(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "sslmode" => {
                let mode = SslMode::ALL.iter().find(|(word, _)| *word == value);
                let words = SslMode::ALL.map(|(word, _)| word);
                let (_, mode) = mode.ok_or_else(|| format!("sslmode is one of {}", words.join(", ")))?;
                self.ssl_mode = Some(*mode);
            }
            "ssl" if value == "true" => self.ssl_mode = self.ssl_mode.or(Some(SslMode::VerifyFull)),
            "ssl" => self.ssl_mode = self.ssl_mode.or(Some(SslMode::Disable)),
            "sslrootcert" if value == "system" => {}
            "sslrootcert" => self.root_certificates = Some(value.into()),
            "passfile" => self.passfile = Some(value.into()),
            "schema" => self.schema = Some(value),
            "host" => {
                self.hosts = value.split(',').map(|host| (host.to_owned(), None)).collect();
            }
            "port" => self.port = Some(port(&value)?),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "connect_timeout" => {
                let seconds: u64 = value.parse().map_err(|_| "connect_timeout is not a number of seconds".to_owned())?;
                self.connect_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            "application_name" | "sslnegotiation" => {}
            "sslcert" | "sslkey" | "sslidentity" => return Err(format!("client certificates ({name}) are not supported")),
            "sslaccept" => return Err("sslaccept is not known; use sslmode=require or sslmode=verify-full".to_owned()),
            _ if IGNORED.contains(&name) => self.notes.push(format!("{name} in the URL has no effect here")),
            _ => {
                let near = did_you_mean(name, KNOWN).map(|near| format!(": did you mean {near:?}?"));
                return Err(format!("parameter {name:?} is not known{}", near.unwrap_or_default()));
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<Target, String> {
        let user = self.user.ok_or("it names no user")?;
        if self.hosts.is_empty() {
            return Err("it names no host; for a socket: ?host=/folder".to_owned());
        }
        let default_port = self.port.unwrap_or(5432);
        let hosts: Vec<Host> = self
            .hosts
            .into_iter()
            .map(|(name, port)| {
                let port = port.unwrap_or(default_port);
                if name.starts_with('/') { Host::Socket(name.into(), port) } else { Host::Tcp(name, port) }
            })
            .collect();
        let near = hosts.iter().all(Host::is_near);
        let ssl_mode = self.ssl_mode.unwrap_or(if near { SslMode::Allow } else { SslMode::VerifyFull });
        let mut notes = self.notes;
        if !near && matches!(ssl_mode, SslMode::Disable | SslMode::Allow) {
            notes.push(format!("sslmode={}: passwords and people's data cross the network unencrypted", ssl_mode.word()));
        }
        // As libpq has it: who names an authority wants it to count.
        let ssl_mode =
            if ssl_mode == SslMode::Require && self.root_certificates.is_some() { SslMode::VerifyCa } else { ssl_mode };
        if !near && matches!(ssl_mode, SslMode::Prefer | SslMode::Require) {
            notes.push(format!("sslmode={}: the server's identity is not verified", ssl_mode.word()));
        }
        Ok(Target {
            hosts,
            database: self.database.unwrap_or_else(|| user.clone()),
            user,
            password: self.password.filter(|password| !password.is_empty()),
            passfile: self.passfile,
            ssl_mode,
            root_certificates: self.root_certificates,
            schema: self.schema,
            connect_timeout: self.connect_timeout.unwrap_or(Duration::from_secs(10)),
            notes,
        })
    }
}

/// The password that a password file holds for a target: the first line of `host:port:database:user:password` that fits.
pub fn passfile_entry(text: &str, target: &Target) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = passfile_fields(line);
        let [host, port, database, user, password] = <[String; 5]>::try_from(fields).ok()?;
        let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        let place = target.hosts.iter().any(|candidate| match candidate {
            Host::Tcp(name, number) => fits(&host, name) && fits(&port, &number.to_string()),
            Host::Socket(folder, number) => {
                (fits(&host, "localhost") || Path::new(&host) == folder) && fits(&port, &number.to_string())
            }
        });
        (place && fits(&database, &target.database) && fits(&user, &target.user)).then_some(password)
    })
}

fn passfile_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '\\' => fields[last].extend(characters.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => fields[last].push(character),
        }
    }
    fields
}

fn decode(text: &str) -> Result<String, String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "its percent-encoding is not UTF-8".to_owned())
}

fn split_port(host: &str) -> Result<(String, Option<u16>), String> {
    if let Some(rest) = host.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("an IPv6 address has no closing bracket")?;
        return Ok((address.to_owned(), rest.strip_prefix(':').map(port).transpose()?));
    }
    match host.split_once(':') {
        Some((name, number)) => Ok((decode(name)?, Some(port(number)?))),
        None => Ok((decode(host)?, None)),
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "its port is not a number up to 65535".to_owned())
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
        assert_eq!(target.password.as_deref(), Some("p#a:ss"));
        assert_eq!(target.hosts, [Host::Tcp("db.internal".to_owned(), 6432)]);
        assert_eq!(target.database, "crm_live");
        assert_eq!(target.ssl_mode, SslMode::VerifyCa);
        assert_eq!(target.schema.as_deref(), Some("app"));
        assert_eq!(target.to_string(), "crm@backfill@db.internal:6432/crm_live");
        assert!(!format!("{target:?}").contains("p#a"));
    }

    #[test]
    fn sockets_come_percent_encoded_or_as_a_parameter() {
        for url in ["postgres://me@%2Frun%2Fpg:5433/db", "postgres://me@/db?host=/run/pg&port=5433"] {
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
        for url in ["postgres://me:s3cret@h:x/db", "postgres://me:s3cret@h/db?a=b", "postgres://me:s3c/ret@h/db"] {
            assert!(!refusal(url).contains("s3c"), "{url}");
        }
    }

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let text = "# comment\nother:*:*:*:no\ndb.internal:5432:crm:me:a\\:b\\\\c\n*:*:*:*:last\n";
        assert_eq!(passfile_entry(text, &target("postgres://me@db.internal/crm")).as_deref(), Some("a:b\\c"));
        assert_eq!(passfile_entry(text, &target("postgres://me@db.internal/scl")).as_deref(), Some("last"));
        assert_eq!(passfile_entry("localhost:*:*:*:s", &target("postgres://me@/db?host=/run")).as_deref(), Some("s"));
        assert_eq!(passfile_entry("x:1:y:z:s", &target("postgres://me@h/db")), None);
    }
}
