//! The parts of a statement that are being written.

use std::collections::BTreeSet;

/// A parameter. Numbers, instants and days are bound as text, which the statement casts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// One text.
    Text(String),
    /// Several.
    Texts(Vec<String>),
}

/// A condition on numbers over the activities of a profile.
pub struct TimelineTest {
    /// The activities that count.
    pub matching: String,
    /// The condition, over aggregates that are filtered by `matching`.
    pub result: String,
    /// Whether an aggregate is over distinct values, for which the activities are sorted.
    pub is_distinct: bool,
}

/// Builds a statement.
pub struct SqlWriter {
    /// The parameters.
    pub binds: Vec<Bind>,
    /// By which the case of letters is folded.
    collation: Option<&'static str>,
    /// The relation of profiles.
    pub profiles: &'static str,
    /// Evaluated for all profiles in as few passes over the activities as possible; column `test_0` is the first.
    pub tests: Vec<TimelineTest>,
    /// The columns of activities whose words the tests compare.
    pub kinds: BTreeSet<&'static str>,
}

impl SqlWriter {
    /// Without parameters and tests.
    pub fn new(profiles: &'static str, collation: Option<&'static str>) -> Self {
        Self { binds: Vec::new(), collation, profiles, tests: Vec::new(), kinds: BTreeSet::new() }
    }

    /// Adds a parameter; returns its place in the text.
    pub fn bind(&mut self, bind: Bind) -> String {
        let cast = if matches!(bind, Bind::Text(_)) { "text" } else { "text[]" };
        self.binds.push(bind);
        format!("${}::{cast}", self.binds.len())
    }

    /// SQL for lower case by Unicode's rules, if the database has a collation for them, else by its own.
    pub fn lower(&self, expression: &str) -> String {
        match self.collation {
            // Providers disagree on two letters, so these are folded here, as in `segment::text`.
            Some(name) => {
                format!("translate(lower(translate({expression}, e'\\u0130', 'i') collate \"{name}\"), e'\\u03c2', e'\\u03c3')")
            }
            None => format!("lower({expression})"),
        }
    }

    /// The same as [`crate::segment_rule::text::fold`], with the same blanks.
    pub fn folded(&self, expression: &str) -> String {
        self.lower(&format!("btrim({expression}::text, e' \\t\\n\\r\\x0b\\f')"))
    }

    /// The elements of a bound list, in lower case.
    pub fn lowered(&mut self, texts: &[String]) -> String {
        let texts = self.texts(texts);
        format!("(select {} from unnest({texts}) as one)", self.lower("one"))
    }

    /// Binds a text.
    pub fn text(&mut self, text: &str) -> String {
        self.bind(Bind::Text(text.to_owned()))
    }

    /// Binds a list of texts.
    pub fn texts(&mut self, texts: &[String]) -> String {
        self.bind(Bind::Texts(texts.to_vec()))
    }
}
