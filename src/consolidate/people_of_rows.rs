//! Who the people of staged rows are: looked up in the directory of all records, or known from a join of the rows with their links.

use crate::consolidate::Directory;
use crate::model::{ProfileIx, RecordIx, Source, Uuid};

/// What the timeline must know of the people of a batch of rows.
pub trait PeopleOfRows {
    /// The record that a row of the batch belongs to, by the position of the row or by the id in its source.
    fn record_of(&self, row: usize, source: Source, source_id: &str) -> Option<RecordIx>;
    /// The profile of such a record; `None` when it was skipped.
    fn profile_of(&self, record: RecordIx) -> Option<ProfileIx>;
    /// The id of such a profile.
    fn id(&self, profile: ProfileIx) -> Uuid;
    /// Its tenant.
    fn tenant(&self, profile: ProfileIx) -> &str;
}

impl PeopleOfRows for Directory {
    fn record_of(&self, _row: usize, source: Source, source_id: &str) -> Option<RecordIx> {
        self.record(source, source_id)
    }

    fn profile_of(&self, record: RecordIx) -> Option<ProfileIx> {
        Self::profile_of(self, record)
    }

    fn id(&self, profile: ProfileIx) -> Uuid {
        Self::id(self, profile)
    }

    fn tenant(&self, profile: ProfileIx) -> &str {
        Self::tenant(self, profile)
    }
}

/// The people of a batch that was joined with `res__links`. Records and profiles have the positions of their rows.
#[derive(Default)]
pub struct JoinedPeople<'a> {
    rows: Vec<JoinedRow<'a>>,
}

/// What the join found for a row.
#[derive(Clone, Copy)]
enum JoinedRow<'a> {
    /// No record with this id.
    Unknown,
    /// A record that was skipped.
    Skipped,
    /// A record of the profile with this id and tenant.
    Linked(Uuid, &'a str),
}

impl<'a> JoinedPeople<'a> {
    /// Adds the link of the next row: whether there is one, its profile and its tenant. `None` if the id is not a UUID.
    pub fn push(&mut self, is_known: bool, profile_id: Option<&str>, tenant_id: Option<&'a str>) -> Option<()> {
        self.rows.push(match (is_known, profile_id, tenant_id) {
            (true, Some(id), Some(tenant)) => JoinedRow::Linked(Uuid::parse_str(id).ok()?, tenant),
            (true, ..) => JoinedRow::Skipped,
            (false, ..) => JoinedRow::Unknown,
        });
        Some(())
    }

    fn linked(&self, row: usize) -> Option<(Uuid, &'a str)> {
        match self.rows[row] {
            JoinedRow::Linked(id, tenant) => Some((id, tenant)),
            JoinedRow::Skipped | JoinedRow::Unknown => None,
        }
    }
}

impl PeopleOfRows for JoinedPeople<'_> {
    fn record_of(&self, row: usize, _source: Source, _source_id: &str) -> Option<RecordIx> {
        (!matches!(self.rows[row], JoinedRow::Unknown)).then(|| RecordIx::at(row))
    }

    fn profile_of(&self, record: RecordIx) -> Option<ProfileIx> {
        self.linked(record.index()).map(|_| ProfileIx::at(record.index()))
    }

    fn id(&self, profile: ProfileIx) -> Uuid {
        self.linked(profile.index()).expect("a profile is that of a linked row").0
    }

    fn tenant(&self, profile: ProfileIx) -> &str {
        self.linked(profile.index()).expect("a profile is that of a linked row").1
    }
}
