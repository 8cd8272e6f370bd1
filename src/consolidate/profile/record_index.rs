//! The person records of a partition of the profiles, with their values.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::consolidate::BuildError;
use crate::consolidate::profile::directory::{Directory, Enrolment};
use crate::model::{ProfileIx, RecordIx, Source};
use crate::tables::{Columns as _, resolution::links, stage::people};

/// The records of a partition of the profiles with their values, and the directory of all records.
pub struct RecordIndex {
    directory: Arc<Directory>,
    /// Columns with some of the records, each with its position.
    batches: Vec<people::Columns>,
    places: HashMap<RecordIx, (u32, u32), FixedState>,
    /// All records of the partition, ascending.
    records: Vec<RecordIx>,
    profiles: Range<u32>,
}

impl Deref for RecordIndex {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        &self.directory
    }
}

impl RecordIndex {
    /// All records: joins staged people with their links. Both must have exactly the same records.
    pub fn new(staged: Vec<(Source, Vec<people::Columns>)>, links: &[links::Columns]) -> Result<Self, BuildError> {
        let mut enrolment = Enrolment::with_room(0);
        for (source, batches) in &staged {
            for columns in batches {
                enrolment.add(*source, (0..columns.len()).map(|row| columns.source_id(row)))?;
            }
        }
        links.iter().try_for_each(|columns| enrolment.link(columns))?;
        let directory = Arc::new(enrolment.finish()?);
        let mut next = 0;
        let numbered = staged.into_iter().flat_map(|(_, batches)| batches).map(|columns| {
            let records = RecordIx::range(next..next + RecordIx::at(columns.len()).0).collect::<Vec<_>>();
            next += RecordIx::at(columns.len()).0;
            (records, columns)
        });
        let profiles = 0..directory.profile_count();
        Ok(Self::of(directory, numbered.collect(), profiles))
    }

    /// The profiles of a range, with the numbers and columns of their records; numbers ascend.
    pub fn of(directory: Arc<Directory>, staged: Vec<(Vec<RecordIx>, people::Columns)>, profiles: Range<u32>) -> Self {
        let count = staged.iter().map(|(records, _)| records.len()).sum();
        let mut places = HashMap::with_capacity_and_hasher(count, FixedState::with_seed(0));
        let (mut records, mut batches) = (Vec::with_capacity(count), Vec::with_capacity(staged.len()));
        for (batch, (numbers, columns)) in (0..).zip(staged) {
            places.extend((0..).zip(&numbers).map(|(row, record)| (*record, (batch, row))));
            records.extend(numbers);
            batches.push(columns);
        }
        Self { directory, batches, places, records, profiles }
    }

    /// The directory of all records.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The profiles of the partition, in the order of ids.
    pub fn profiles(&self) -> impl Iterator<Item = ProfileIx> {
        ProfileIx::range(self.profiles.clone())
    }

    /// The same as numbers.
    pub fn range(&self) -> Range<u32> {
        self.profiles.clone()
    }

    /// Whether a record is in the partition.
    pub fn holds(&self, record: RecordIx) -> bool {
        self.places.contains_key(&record)
    }

    /// The staged columns and the row of a record of the partition.
    pub fn at(&self, record: RecordIx) -> (&people::Columns, usize) {
        let (batch, row) = self.places[&record];
        (&self.batches[batch as usize], row as usize)
    }

    /// The id of a record of the partition in its source.
    pub fn source_id(&self, record: RecordIx) -> &str {
        let (columns, row) = self.at(record);
        columns.source_id(row)
    }

    /// The records of a source in the partition, in staged order.
    pub fn records_of(&self, source: Source) -> impl Iterator<Item = RecordIx> + '_ {
        let of_source = self.directory.records_of(source);
        let from = self.records.partition_point(|record| record.0 < of_source.start);
        let until = self.records.partition_point(|record| record.0 < of_source.end);
        self.records[from..until].iter().copied()
    }
}
