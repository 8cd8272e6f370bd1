//! Splits a URL into the keywords and values of a connection string. Ours are interpreted here, the driver reads the others as
//! libpq does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::{Config, config};

use crate::model::did_you_mean;
use crate::pg::connect::target::{Host, SslMode, Target};

/// Parameters that are interpreted here.
const OURS: [&str; 8] = ["sslmode", "ssl", "sslrootcert", "passfile", "schema", "tcp_user_timeout", "keepalives_count", "user"];

/// Parameters that the driver interprets, as libpq does.
const DRIVER: [&str; 15] = [
    "host",
    "hostaddr",
    "port",
    "password",
    "dbname",
    "options",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "sslnegotiation",
    "load_balance_hosts",
];

/// Parameters of ORMs, pools and libpq that are ignored, because they do not affect a backfill.
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
    "single_use_connections",
    "application_name",
    "fallback_application_name",
    "client_encoding",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "sslcompression",
    "sslsni",
];

/// Parameters of libpq that ask for protection this driver does not have. They are rejected, because ignoring them would weaken it.
const UNSUPPORTED: [&str; 15] = [
    "sslcert",
    "sslkey",
    "sslidentity",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslaccept",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
];

/// A URL as the keywords and values of a connection string; a later value replaces an earlier one, as in libpq.
#[derive(Default)]
pub(super) struct Keywords {
    values: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Keywords {
    pub(super) fn set(&mut self, keyword: &str, value: String) {
        self.values.insert(keyword.to_owned(), value);
    }

    /// Hosts and ports between user and database, `a:1,b:2`. A `host` parameter replaces the hosts and leaves the ports.
    pub(super) fn authority(&mut self, hosts: &str) -> Result<(), String> {
        let pairs = hosts.split(',').map(split_port).collect::<Result<Vec<_>, _>>()?;
        let (names, ports): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
        if names.iter().any(|name| !name.is_empty()) {
            self.set("host", names.join(","));
        }
        if ports.iter().any(|port| !port.is_empty()) {
            self.set("port", ports.join(","));
        }
        Ok(())
    }

    pub(super) fn parameter(&mut self, name: &str, value: String) -> Result<(), String> {
        if UNSUPPORTED.contains(&name) {
            return Err(format!("{name} is not supported"));
        }
        if IGNORED.contains(&name) {
            self.notes.push(format!("{name} in the URL has no effect here"));
            return Ok(());
        }
        if !OURS.contains(&name) && !DRIVER.contains(&name) {
            // The name is not shown, because a password with a "?" in it ends up here.
            let near = did_you_mean(name, OURS.into_iter().chain(DRIVER));
            let near = near.map(|near| format!(": did you mean {near:?}?"));
            return Err(format!("a parameter is not known{}", near.unwrap_or_default()));
        }
        let name = if name == "keepalives_count" { "keepalives_retries" } else { name };
        self.set(name, value);
        Ok(())
    }

    fn take(&mut self, keyword: &str) -> Option<String> {
        self.values.remove(keyword).filter(|value| !value.is_empty())
    }

    fn ssl_mode(&mut self) -> Result<Option<SslMode>, String> {
        let ssl = self.take("ssl").map(|value| match value.as_str() {
            "true" | "1" | "on" => Ok(SslMode::VerifyFull),
            "false" | "0" | "off" => Ok(SslMode::Disable),
            _ => Err("ssl must be true or false; sslmode allows more".to_owned()),
        });
        let ssl = ssl.transpose()?;
        let Some(value) = self.take("sslmode") else { return Ok(ssl) };
        let mode = SslMode::ALL.iter().find(|(word, _)| *word == value);
        let words = SslMode::ALL.map(|(word, _)| word).join(", ");
        mode.map(|(_, mode)| Some(*mode)).ok_or_else(|| format!("sslmode is one of {words}"))
    }

    pub(super) fn complete(mut self) -> Result<Target, String> {
        let asked = self.ssl_mode()?;
        let root_certificates = self.take("sslrootcert");
        let (passfile, schema) = (self.take("passfile"), self.take("schema"));
        let user = self.take("user").ok_or("it names no user")?;
        let user_timeout = self.take("tcp_user_timeout").map(|value| value.parse::<u64>());
        let user_timeout = user_timeout.transpose().map_err(|_| "tcp_user_timeout is not a number of milliseconds")?;
        if self.values.get("host").is_none_or(String::is_empty) && !self.values.contains_key("hostaddr") {
            return Err("it names no host; for a socket: ?host=/folder".to_owned());
        }
        let mut config = self.config()?;
        let hosts = hosts(&config)?;
        let addresses = config.get_hostaddrs();
        let near = if addresses.is_empty() {
            hosts.iter().all(Host::is_near)
        } else {
            addresses.iter().all(std::net::IpAddr::is_loopback)
        };
        let is_system = root_certificates.as_deref() == Some("system");
        let root_certificates = root_certificates.filter(|_| !is_system).map(PathBuf::from);
        if is_system && asked.is_some_and(|mode| mode != SslMode::VerifyFull) {
            return Err("sslrootcert=system needs sslmode=verify-full".to_owned());
        }
        let ssl_mode = asked.unwrap_or(if near && !is_system { SslMode::Allow } else { SslMode::VerifyFull });
        let mut notes = self.notes;
        if !near && matches!(ssl_mode, SslMode::Disable | SslMode::Allow) {
            notes.push(format!("sslmode={}: passwords and personal data cross the network unencrypted", ssl_mode.word()));
        }
        // As in libpq: if an authority is named, it is used.
        let ssl_mode = if ssl_mode == SslMode::Require && root_certificates.is_some() { SslMode::VerifyCa } else { ssl_mode };
        if !near && matches!(ssl_mode, SslMode::Prefer | SslMode::Require) {
            notes.push(format!("sslmode={}: the server's identity is not verified", ssl_mode.word()));
        }
        let database = config.get_dbname().unwrap_or(&user).to_owned();
        config.user(&user).dbname(&database);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        config.tcp_user_timeout(user_timeout.filter(|time| *time > 0).map_or(Duration::from_secs(60), Duration::from_millis));
        for (keyword, seconds) in [("keepalives_idle", 30), ("keepalives_interval", 10)] {
            if !self.values.contains_key(keyword) {
                let time = Duration::from_secs(seconds);
                if keyword == "keepalives_idle" {
                    config.keepalives_idle(time)
                } else {
                    config.keepalives_interval(time)
                };
            }
        }
        if !self.values.contains_key("keepalives_retries") {
            config.keepalives_retries(3);
        }
        let passfile = passfile.map(PathBuf::from);
        Ok(Target { hosts, user, passfile, database, ssl_mode, root_certificates, schema, notes, config })
    }

    /// The remaining parameters, read by the driver. Each is read alone first, so that an error can name its keyword.
    fn config(&self) -> Result<Config, String> {
        let escape = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let mut whole = String::new();
        for (keyword, value) in self.values.iter().filter(|(_, value)| !value.is_empty()) {
            let pair = format!("{keyword}='{}' ", escape(value));
            pair.parse::<Config>().map_err(|_| match keyword.as_str() {
                "port" => "its port is not a number up to 65535".to_owned(),
                _ => format!("the value of {keyword} is not one that is supported"),
            })?;
            whole.push_str(&pair);
        }
        whole.parse().map_err(|_| "its parameters contradict each other".to_owned())
    }
}

/// The servers that the driver tries, with their ports.
fn hosts(config: &Config) -> Result<Vec<Host>, String> {
    let (hosts, ports) = (config.get_hosts(), config.get_ports());
    let count = hosts.len().max(config.get_hostaddrs().len());
    if ports.len() > 1 && ports.len() != count {
        return Err("it does not name as many ports as hosts".to_owned());
    }
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter().enumerate();
        return Ok(addresses.map(|(index, address)| Host::Tcp(address.to_string(), port(index))).collect());
    }
    let host = |(index, host): (usize, &config::Host)| match host {
        config::Host::Tcp(name) => Host::Tcp(name.clone(), port(index)),
        config::Host::Unix(folder) => Host::Socket(folder.clone(), port(index)),
    };
    Ok(hosts.iter().enumerate().map(host).collect())
}

pub(super) fn decode(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    for at in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').map(|(at, _)| at) {
        let code = bytes.get(at + 1..at + 3).filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        if code.is_none_or(|code| code == b"00") {
            return Err("a \"%\" is not followed by the code of a character".to_owned());
        }
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "its percent-encoding is not UTF-8".to_owned())
}

/// Host and port; a missing one is empty.
fn split_port(host: &str) -> Result<(String, String), String> {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("an IPv6 address has no closing bracket")?;
        if !rest.is_empty() && !rest.starts_with(':') {
            return Err("there is text between an IPv6 address and its port".to_owned());
        }
        (address, rest.strip_prefix(':').unwrap_or_default())
    } else {
        host.split_once(':').map_or((host, ""), |(name, port)| (name, port))
    };
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return Err("its port is not a number up to 65535".to_owned());
    }
    Ok((decode(name)?, port.to_owned()))
}
