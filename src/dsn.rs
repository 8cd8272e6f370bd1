//! A database URL that cannot print its password.

use std::fmt;

/// A database URL. It cannot print its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    url: String,
    /// Where it was set: a variable, or a variable in a line of `.env`.
    pub origin: String,
}

impl Dsn {
    /// A URL and where it came from.
    pub fn new(url: impl Into<String>, origin: impl Into<String>) -> Self {
        Self { url: url.into(), origin: origin.into() }
    }

    /// The URL with its secret, for connecting only.
    pub fn expose(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.url))
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({self})")
    }
}

/// The URL with the password replaced, wherever it stands: user info, or a `password` parameter.
fn mask(url: &str) -> String {
    const HIDDEN: &str = "••••";
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let mut masked = match base.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((user_info, host)) => {
                let user = user_info.split_once(':').map_or_else(|| user_info.to_owned(), |(user, _)| format!("{user}:{HIDDEN}"));
                format!("{scheme}://{user}@{host}")
            }
            None => base.to_owned(),
        },
        // Keyword form or something unknown: nothing of it is safe to show.
        None => HIDDEN.to_owned(),
    };
    if let Some(query) = query {
        let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if name.to_lowercase().contains("password") => format!("{name}={HIDDEN}"),
            _ => parameter.to_owned(),
        });
        masked.push('?');
        masked.push_str(&parameters.collect::<Vec<_>>().join("&"));
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_wherever_it_stands() {
        for url in [
            "postgres://user:s3cret@host:5432/db?sslmode=require",
            "postgres://user:s3c@ret@host/db",
            "postgres://host/db?user=a&password=s3cret",
            "host=h password=s3cret",
        ] {
            let shown = format!("{} {:?}", Dsn::new(url, "X"), Dsn::new(url, "X"));
            assert!(!shown.contains("s3c"), "{shown}");
        }
    }
}
