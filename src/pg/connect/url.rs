//! Parses a database URL. TLS, password file and schema are interpreted here, the rest by the driver, as libpq would.

use anyhow::Result;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::keywords::{Keywords, decode};
pub use crate::pg::connect::target::{Host, SslMode, Target};

impl Target {
    /// Parses a URL. Errors do not show any part of it, because any part may be the password.
    pub fn parse(dsn: &Dsn) -> Result<Self> {
        Self::parse_text(dsn.expose()).map_err(|what| {
            Fault::new(Exit::Usage, format!("the database URL in {} cannot be parsed: {what}", dsn.variable()))
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
            return Err("it contains a \"#\"".to_owned());
        }
        let (base, query) = rest.split_once('?').map_or((rest, ""), |(base, query)| (base, query));
        if query.contains('@') && !base.contains('@') {
            return Err("it contains a \"?\" before the \"@\"".to_owned());
        }
        let mut keywords = Keywords::default();
        let (user_info, place) = base.rsplit_once('@').map_or(("", base), |(user_info, place)| (user_info, place));
        if user_info.contains('/') {
            return Err("it contains a \"/\" before the host".to_owned());
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
    fn a_full_url_is_parsed() {
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
    fn remote_hosts_are_verified_by_default() {
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
    fn require_verifies_a_named_authority() {
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
    fn weak_protection_of_a_remote_host_is_noted() {
        assert!(target("postgres://me@h/db?sslmode=disable").notes[0].contains("unencrypted"));
        assert!(target("postgres://me@h/db?sslmode=require").notes[0].contains("not verified"));
        assert!(target("postgres://me@localhost/db?sslmode=disable").notes.is_empty());
    }

    #[test]
    fn mistakes_are_named_without_repeating_the_url() {
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
