//! Errors for the operator: what went wrong, where, what to do, and the exit code.

use std::fmt;

use crate::model::did_you_mean;

/// The exit codes of the binaries; stable, documented in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Wrong use or configuration.
    Usage = 2,
    /// The preflight failed; nothing was changed.
    Preflight = 10,
    /// Input is missing, corrupt or does not match.
    Input = 11,
    /// Another run holds the lock.
    Locked = 12,
    /// Rejects above the threshold; nothing was loaded.
    Rejects = 13,
    /// Database, network or disk failed; nothing was committed.
    Failed = 14,
    /// The outcome of the commit is unknown.
    Unknown = 15,
    /// A reconciliation check failed.
    Mismatch = 16,
    /// Internal error; please report.
    Bug = 70,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// A word for the code, printed in the last line under make.
    pub fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Preflight => "refused",
            Self::Input => "input",
            Self::Locked => "locked",
            Self::Rejects => "rejects",
            Self::Failed => "failed",
            Self::Unknown => "outcome unknown",
            Self::Mismatch => "checks failed",
            Self::Bug => "bug",
        }
    }
}

/// An error with its exit code. Holds no cell value and no secret.
#[derive(Debug)]
pub struct Fault {
    /// The exit code.
    pub exit: Exit,
    /// The problem: lower case, no full stop.
    pub what: String,
    /// Where: a file, a variable, a table.
    pub at: Option<String>,
    /// Advice: a command or a setting.
    pub help: Vec<String>,
}

impl Fault {
    /// A fault without place or advice yet.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), at: None, help: Vec::new() }
    }

    /// Adds the place.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.at = Some(place.into());
        self
    }

    /// Adds a line of advice; may be repeated.
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        self.help.push(advice.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

/// The error for missing, unknown or duplicate columns of a file or statement, with suggestions.
pub fn columns_fault(name: &str, place: &str, missing: &[&str], unknown: &[&str], twice: &[&str]) -> Fault {
    let mut parts = Vec::new();
    let mut part = |what: &str, names: &[&str]| {
        if !names.is_empty() {
            parts.push(format!("{what} {}", names.join(", ")));
        }
    };
    part("missing", missing);
    part("unknown", unknown);
    part("twice", twice);
    let what = format!("{name}: columns differ from the declaration: {}", parts.join("; "));
    let near = missing.iter().filter_map(|name| Some((name, did_you_mean(name, unknown.iter().copied())?)));
    near.fold(Fault::new(Exit::Input, what).at(place.to_owned()), |fault, (name, near)| {
        fault.help(format!("{name}: did you mean {near:?}? Give it the alias:  \"{near}\" as {name}"))
    })
}
