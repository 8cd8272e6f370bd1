//! Errors of a rule: the node and the problem.

use std::fmt;

/// The position of a node in the criteria, as a chain from the leaf to the root.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// The criteria as a whole.
    Root,
    /// The value of a key.
    Key(&'a Place<'a>, &'a str),
    /// An element of a list.
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// An error at this position.
    pub fn error(&self, what: impl Into<String>) -> RuleError {
        RuleError { place: self.to_string(), what: what.into() }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("criteria"),
            Self::Key(parent, key) => write!(f, "{parent}.{}", shortened(key)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A rule that cannot be used. Names fields and operators, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct RuleError {
    /// The node, as a path into the criteria.
    pub place: String,
    /// The problem.
    pub what: String,
}

/// A word of a rule for a message: shortened, without control characters.
pub fn shortened(word: &str) -> String {
    let mut clean: String = word.chars().filter(|letter| !letter.is_control()).take(40).collect();
    if clean.len() < word.len() {
        clean.push('…');
    }
    clean
}

/// `; did you mean "x"?` if a similar word is known.
pub fn hint<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match crate::model::did_you_mean(wrong, known) {
        Some(near) => format!("; did you mean {near:?}?"),
        None => String::new(),
    }
}
