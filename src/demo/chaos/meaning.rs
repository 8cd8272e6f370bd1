//! The parts of a population of chaos: files, and the meaning of their cells.

use crate::model::{Source, Timestamp};

/// The as-of time.
pub fn as_of() -> Timestamp {
    Timestamp::parse("2025-12-01T00:00:00Z").expect("a valid instant")
}

/// One exported entity as text; an empty cell is null.
#[derive(Clone, Debug)]
pub struct File {
    /// The source.
    pub source: Source,
    /// The entity.
    pub entity: &'static str,
    /// Its columns, in the order of the export.
    pub columns: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// What a staged column of a person's record must hold.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The source.
    pub source: Source,
    /// The record's id in its one spelling.
    pub id: String,
    /// `email`, `phone`, `born_on`, `created_at` or `deleted_at`.
    pub column: &'static str,
    /// The value; `None` where the cell has none to give. Of `deleted_at` it only matters whether there is one.
    pub value: Option<String>,
    /// Whether the writing must be read; otherwise the cell may be refused as well.
    pub is_sure: bool,
}

/// Where a statement about consent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentPlace {
    /// A preference.
    Preference,
    /// The log of changes.
    Log,
    /// A contact's flag.
    Flag,
    /// A message called spam.
    Complaint,
}

/// A statement about consent in email.
#[derive(Clone, Debug)]
pub struct ConsentStatement {
    /// The contact's id in its one spelling.
    pub contact: String,
    /// Where it stands.
    pub place: ConsentPlace,
    /// Whether it is of marketing; a statement about service messages says nothing of the flag.
    pub is_marketing: bool,
    /// Whether it gives consent; what cannot be read does not.
    pub is_grant: bool,
    /// Whether it is the person's own action.
    pub is_act: bool,
    /// When; `None` where the cell tells no time.
    pub at: Option<Timestamp>,
}

/// Five sources and what they mean.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// The seed.
    pub seed: u64,
    /// Whether every typed cell can be read: the committed settings must take such sources without a word.
    pub is_legible: bool,
    /// All entities of all sources.
    pub files: Vec<File>,
    /// What people's records must hold once they are staged.
    pub facts: Vec<Fact>,
    /// Everything said about consent in email.
    pub statements: Vec<ConsentStatement>,
}

impl Chaos {
    /// The files of a source.
    pub fn of(&self, source: Source) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.source == source)
    }
}
