//! A database URL that cannot be printed.

use std::fmt;
use std::time::Duration;

/// A database URL. It cannot be printed, because the password in it is known only after parsing.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    url: String,
    /// Its origin: a variable, or a line of `.env`.
    pub origin: String,
    /// How long to wait for a server that neither answers nor works; `None` for the default.
    pub answer_limit: Option<Duration>,
}

impl Dsn {
    /// A URL and where it came from.
    pub fn new(url: impl Into<String>, origin: impl Into<String>) -> Self {
        Self { url: url.into(), origin: origin.into(), answer_limit: None }
    }

    /// The variable that holds it, without the line of `.env`.
    pub fn variable(&self) -> &str {
        self.origin.split(' ').next().unwrap_or_default()
    }

    /// The URL with its secret, for connecting only.
    pub fn expose(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({})", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_prints_only_where_it_was_set() {
        assert_eq!(format!("{:?}", Dsn::new("postgres://user:s3cret@host/db", "CRM_DATABASE_URL")), "Dsn(CRM_DATABASE_URL)");
    }
}
