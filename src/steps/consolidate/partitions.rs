//! Partitions of profiles by id: the staged people, identifiers and consents of a partition wait on disk until it is built. The
//! number of partitions affects memory, never content.

use std::sync::Arc;

use anyhow::Result;

use crate::consolidate::consent::contact_points::Identifiers;
use crate::consolidate::{Directory, RecordIndex};
use crate::model::{RecordIx, Source};
use crate::store::{Draft, Spill, Ticket};
use crate::tables::stage::{consents, identifiers, people};

/// Profiles of a batch of rows: each has some twenty rows in all, so that it weighs about as much as another batch.
pub const BATCH: u32 = 2048;

/// Everything that is distributed.
pub struct Partitions {
    directory: Arc<Directory>,
    /// Profiles of a partition.
    size: u32,
    named: Spill<people::Table>,
    contacts: Spill<people::Table>,
    identifiers: Spill<identifiers::Table>,
    consents: Spill<consents::Table>,
}

/// What is at hand of a partition.
pub struct Partition {
    /// Its people; contacts alone, where no other is needed.
    pub record_index: RecordIndex,
    /// Their further identifiers.
    pub identifiers: Identifiers,
    /// The contact and the place of each staged consent.
    pub contacts: Vec<(RecordIx, u32)>,
    /// The consents, if there are any.
    pub consents: Option<consents::Columns>,
}

impl Partitions {
    /// Nothing distributed yet; so many batches of profiles make a partition.
    pub fn new(draft: &Draft, directory: Arc<Directory>, batches: u32) -> Result<Self> {
        let size = batches.max(1) * BATCH;
        let count = directory.profile_count().div_ceil(size).max(1) as usize;
        Ok(Self {
            directory,
            size,
            named: draft.spill(count)?,
            contacts: draft.spill(count)?,
            identifiers: draft.spill(count)?,
            consents: draft.spill(count)?,
        })
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.directory.profile_count().div_ceil(self.size).max(1)
    }

    /// The partition of a record. Contacts that belong to no profile are read all the same, in any partition; others are needed
    /// no more.
    fn partition_of(&self, record: RecordIx, source: Source) -> Option<u32> {
        let of_profile = self.directory.profile_of(record).map(|profile| profile.0 / self.size);
        of_profile.or_else(|| (source == Source::Messaging).then(|| record.0 % self.count()))
    }

    /// Where the record of a row goes, with its number and a place.
    pub fn ticket(&self, record: RecordIx, source: Source, place: u32) -> Option<Ticket> {
        Some((self.partition_of(record, source)?, u64::from(record.0) << 32 | u64::from(place)))
    }

    /// Distributes some batches of people.
    pub fn take_people(&mut self, source: Source, batch: &people::Columns, tickets: &[Option<Ticket>]) -> Result<()> {
        let spill = if source == Source::Messaging { &mut self.contacts } else { &mut self.named };
        spill.take(&[(batch, tickets)])
    }

    /// Distributes a batch of further identifiers.
    pub fn take_identifiers(&mut self, batch: &identifiers::Columns, tickets: &[Option<Ticket>]) -> Result<()> {
        self.identifiers.take(&[(batch, tickets)])
    }

    /// Distributes a batch of consents.
    pub fn take_consents(&mut self, batch: &consents::Columns, tickets: &[Option<Ticket>]) -> Result<()> {
        self.consents.take(&[(batch, tickets)])
    }

    /// All is distributed.
    pub fn finish(&mut self) -> Result<()> {
        self.named.finish()?;
        self.contacts.finish()?;
        self.identifiers.finish()?;
        self.consents.finish()
    }

    /// A partition with the contacts of its people alone.
    pub fn contacts(&self, partition: u32) -> Result<Partition> {
        self.load(partition, false)
    }

    /// A partition with all its people.
    pub fn whole(&self, partition: u32) -> Result<Partition> {
        self.load(partition, true)
    }

    fn load(&self, partition: u32, is_whole: bool) -> Result<Partition> {
        let part = partition as usize;
        let record = |number: &u64| RecordIx((number >> 32) as u32);
        let named = if is_whole { self.named.read(part)? } else { None };
        let people = named.into_iter().chain(self.contacts.read(part)?);
        let people = people.map(|(numbers, columns)| (numbers.iter().map(record).collect(), columns)).collect();
        let identifiers = self.identifiers.read(part)?;
        let identifiers = identifiers.map(|(numbers, columns)| (numbers.iter().map(record).collect(), columns));
        let (numbers, consents) = self.consents.read(part)?.unzip();
        let profiles = partition * self.size..self.directory.profile_count().min((partition + 1) * self.size);
        Ok(Partition {
            record_index: RecordIndex::of(self.directory.clone(), people, profiles),
            identifiers: Identifiers::of_partition(identifiers),
            contacts: numbers.unwrap_or_default().iter().map(|number| (record(number), *number as u32)).collect(),
            consents,
        })
    }
}
