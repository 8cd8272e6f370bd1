//! Environment variables: those of the process and those of `.env`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};

/// The variables of the process, then those of `.env` in the working folder.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, (String, String)>,
    /// How long to wait for a server that neither answers nor works, from the settings.
    pub answer_limit: Option<Duration>,
}

/// Set by the demo and the tests: `.env` is not read.
const NO_DOT_ENV: &str = "CRM_BACKFILL_NO_DOT_ENV";

impl Environment {
    /// Reads `.env` (mode 0600 if it holds a password) and the environment of the process, which wins.
    pub fn read() -> Result<Self> {
        let mut values = BTreeMap::new();
        if std::env::var_os(NO_DOT_ENV).is_none() {
            read_dot_env(Path::new(".env"), &mut values)?;
        }
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                let origin = name.clone();
                values.insert(name, (value, origin));
            }
        }
        Ok(Self { values, answer_limit: None })
    }

    /// Variables and values, for tests.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let value = |(name, value): (&str, &str)| (name.to_owned(), (value.to_owned(), name.to_owned()));
        Self { values: values.into_iter().map(value).collect(), answer_limit: None }
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The database URL in a variable.
    pub fn dsn(&self, variable: &str) -> Option<Dsn> {
        let (value, origin) = self.values.get(variable).filter(|(value, _)| !value.is_empty())?;
        let mut dsn = Dsn::new(value, origin);
        dsn.answer_limit = self.answer_limit;
        Some(dsn)
    }

    /// The database URL in a variable, or an error that says how to set it.
    pub fn require_dsn(&self, variable: &str) -> Result<Dsn> {
        self.dsn(variable).ok_or_else(|| {
            Fault::new(Exit::Usage, format!("{variable} is not set"))
                .help(format!("set it in the environment or in .env: {variable}=postgres://user:password@host:5432/database?sslmode=verify-full"))
                .help("all variables: .env.example")
                .into()
        })
    }
}

fn read_dot_env(path: &Path, values: &mut BTreeMap<String, (String, String)>) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(()) };
    let mode = std::fs::metadata(path).map_or(0o600, |metadata| metadata.permissions().mode());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{} line {}", path.display(), index + 1);
        let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else {
            return Err(Fault::new(Exit::Usage, "not a NAME=value line").at(place).into());
        };
        let (name, value) = (name.trim(), value.trim());
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
        if name.ends_with("_DATABASE_URL") && value.contains(':') && value.contains('@') && mode & 0o077 != 0 {
            return Err(Fault::new(Exit::Usage, "a file that holds passwords can be read by others")
                .at(path.display().to_string())
                .help(format!("chmod 600 {}", path.display()))
                .into());
        }
        values.insert(name.to_owned(), (value.to_owned(), format!("{name} in {place}")));
    }
    Ok(())
}
