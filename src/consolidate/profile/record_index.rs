//! Index of records and profiles, in compact form: every person record, its profile, and each profile's records in record order.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::consolidate::BuildError;
use crate::model::{LinkRule, ProfileIx, RecordIx, Source, Uuid};
use crate::tables::{Columns as _, resolution::links, stage::people};

struct Batch {
    source: Source,
    start: u32,
    columns: people::Columns,
}

/// All person records and profiles of a run.
pub struct Roster {
    batches: Vec<Batch>,
    index: HashTable<RecordIx>,
    hasher: FixedState,
    profile_of: Vec<ProfileIx>,
    rules: Vec<LinkRule>,
    confidences: Vec<u8>,
    ids: Vec<u128>,
    tenants: Vec<u32>,
    tenant_names: Vec<String>,
    founders: Vec<RecordIx>,
    member_starts: Vec<u32>,
    members: Vec<RecordIx>,
}

impl Roster {
    /// Joins staged person records with their links; both must have exactly the same records.
    pub fn new(staged: Vec<(Source, Vec<people::Columns>)>, links: &[links::Columns]) -> Result<Self, BuildError> {
        let mut roster = Self::index(staged)?;
        roster.link(links)?;
        Ok(roster)
    }

    fn index(staged: Vec<(Source, Vec<people::Columns>)>) -> Result<Self, BuildError> {
        let count: usize = staged.iter().flat_map(|(_, batches)| batches).map(|columns| columns.len()).sum();
        let records = u32::try_from(count).ok().filter(|&count| count < u32::MAX).ok_or(BuildError::TooMany)?;
        let hasher = FixedState::with_seed(0);
        let mut index = HashTable::with_capacity(count);
        let mut batches: Vec<Batch> = Vec::new();
        let mut start = 0;
        for (source, columns) in staged.into_iter().flat_map(|(source, all)| all.into_iter().map(move |one| (source, one))) {
            let rows = columns.len();
            batches.push(Batch { source, start, columns });
            for row in 0..rows {
                let record = RecordIx(start + u32::try_from(row).map_err(|_| BuildError::TooMany)?);
                let id = batches.last().expect("just pushed").columns.source_id(row);
                let hash = hasher.hash_one((source, id));
                if index.find(hash, |&other| key(&batches, other) == (source, id)).is_some() {
                    return Err(BuildError::Repeated { dataset: people_stem(source), row });
                }
                index.insert_unique(hash, record, |&other| hasher.hash_one(key(&batches, other)));
            }
            start += u32::try_from(rows).map_err(|_| BuildError::TooMany)?;
        }
        let records = records as usize;
        Ok(Self {
            batches,
            index,
            hasher,
            profile_of: vec![ProfileIx::NONE; records],
            rules: vec![LinkRule::Skipped; records],
            confidences: vec![0; records],
            ids: Vec::new(),
            tenants: Vec::new(),
            tenant_names: Vec::new(),
            founders: Vec::new(),
            member_starts: Vec::new(),
            members: Vec::new(),
        })
    }

    fn link(&mut self, links: &[links::Columns]) -> Result<(), BuildError> {
        struct Linked {
            record: RecordIx,
            id: u128,
            tenant: u32,
        }
        let mut linked: Vec<Linked> = Vec::with_capacity(self.rules.len());
        let mut seen = vec![false; self.rules.len()];
        for (row, link) in links.iter().flat_map(|columns| columns.rows()).enumerate() {
            let record = self.record(link.source, link.source_id).ok_or(BuildError::UnknownRecord { row })?;
            if std::mem::replace(&mut seen[record.index()], true) {
                return Err(BuildError::Repeated { dataset: "res__links", row });
            }
            self.rules[record.index()] = link.rule;
            self.confidences[record.index()] = u8::try_from(link.confidence.clamp(0, 100)).expect("0 to 100 fits");
            match (link.rule, link.profile_id, link.tenant_id) {
                (LinkRule::Skipped, None, _) => {}
                (LinkRule::Skipped, Some(_), _) | (_, None, _) | (_, _, None) => return Err(BuildError::HalfLinked { row }),
                (_, Some(id), Some(tenant)) => {
                    let id = Uuid::parse_str(id).map_err(|_| BuildError::HalfLinked { row })?.as_u128();
                    linked.push(Linked { record, id, tenant: self.tenant_number(tenant) });
                }
            }
        }
        if let Some(missing) = seen.iter().position(|seen| !seen) {
            let record = RecordIx::at(missing);
            let source = self.source(record);
            let first = self.batches.iter().find(|batch| batch.source == source).expect("it has this record").start;
            return Err(BuildError::NoLink { source_name: people_stem(source), row: record.0 - first });
        }
        self.ids = linked.iter().map(|link| link.id).collect();
        self.ids.sort_unstable();
        self.ids.dedup();
        self.founders = vec![RecordIx::NONE; self.ids.len()];
        self.tenants = vec![0; self.ids.len()];
        self.member_starts = vec![0; self.ids.len() + 1];
        for link in &linked {
            let profile = self.ids.binary_search(&link.id).expect("every linked id is among the ids");
            self.profile_of[link.record.index()] = ProfileIx::at(profile);
            self.tenants[profile] = link.tenant;
            self.member_starts[profile + 1] += 1;
            if self.rules[link.record.index()] == LinkRule::Founder {
                self.founders[profile] = link.record;
            }
        }
        let count = self.founders.iter().filter(|&&founder| founder == RecordIx::NONE).count();
        if count > 0 {
            return Err(BuildError::NoFounder { count });
        }
        for profile in 0..self.ids.len() {
            self.member_starts[profile + 1] += self.member_starts[profile];
        }
        let mut next = self.member_starts.clone();
        self.members = vec![RecordIx::NONE; linked.len()];
        for link in &linked {
            let place = &mut next[self.profile_of[link.record.index()].index()];
            self.members[*place as usize] = link.record;
            *place += 1;
        }
        Ok(())
    }

    fn tenant_number(&mut self, name: &str) -> u32 {
        let known = self.tenant_names.iter().position(|tenant| tenant == name);
        let number = known.unwrap_or_else(|| {
            self.tenant_names.push(name.to_owned());
            self.tenant_names.len() - 1
        });
        u32::try_from(number).expect("tenants are few")
    }

    /// How many records there are.
    pub fn record_count(&self) -> u32 {
        u32::try_from(self.rules.len()).expect("checked when the index was built")
    }

    /// How many profiles there are.
    pub fn profile_count(&self) -> u32 {
        u32::try_from(self.ids.len()).expect("fewer profiles than records")
    }

    /// Every profile, in the order of ids.
    pub fn profiles(&self) -> impl Iterator<Item = ProfileIx> {
        ProfileIx::range(0..self.profile_count())
    }

    /// The record with this id.
    pub fn record(&self, source: Source, id: &str) -> Option<RecordIx> {
        let hash = self.hasher.hash_one((source, id));
        self.index.find(hash, |&record| key(&self.batches, record) == (source, id)).copied()
    }

    /// The profile of the record with this id.
    pub fn profile_of_id(&self, source: Source, id: &str) -> Option<ProfileIx> {
        self.record(source, id).and_then(|record| self.profile_of(record))
    }

    /// The profile a record belongs to; `None` when it was skipped.
    pub fn profile_of(&self, record: RecordIx) -> Option<ProfileIx> {
        Some(self.profile_of[record.index()]).filter(|&profile| profile != ProfileIx::NONE)
    }

    /// The staged columns and the row that hold a record.
    pub fn at(&self, record: RecordIx) -> (&people::Columns, usize) {
        let batch = batch_of(&self.batches, record);
        (&batch.columns, (record.0 - batch.start) as usize)
    }

    /// The source of a record.
    pub fn source(&self, record: RecordIx) -> Source {
        batch_of(&self.batches, record).source
    }

    /// The id of a record in its source.
    pub fn source_id(&self, record: RecordIx) -> &str {
        key(&self.batches, record).1
    }

    /// The rule that links a record to its profile.
    pub fn rule(&self, record: RecordIx) -> LinkRule {
        self.rules[record.index()]
    }

    /// Confidence of the link, 0 to 100.
    pub fn confidence(&self, record: RecordIx) -> i32 {
        i32::from(self.confidences[record.index()])
    }

    /// The records of a source in staged order.
    pub fn records_of(&self, source: Source) -> impl Iterator<Item = RecordIx> + '_ {
        let batches = self.batches.iter().filter(move |batch| batch.source == source);
        batches.flat_map(|batch| {
            let rows = u32::try_from(batch.columns.len()).expect("checked when the index was built");
            RecordIx::range(batch.start..batch.start + rows)
        })
    }

    /// A profile's records in record order.
    pub fn members(&self, profile: ProfileIx) -> &[RecordIx] {
        let at = |index: usize| self.member_starts[index] as usize;
        &self.members[at(profile.index())..at(profile.index() + 1)]
    }

    /// The seed record of a profile.
    pub fn founder(&self, profile: ProfileIx) -> RecordIx {
        self.founders[profile.index()]
    }

    /// A profile's id.
    pub fn id(&self, profile: ProfileIx) -> Uuid {
        Uuid::from_u128(self.ids[profile.index()])
    }

    /// The profile with this id.
    pub fn profile_with_id(&self, id: &str) -> Option<ProfileIx> {
        let id = Uuid::parse_str(id).ok()?.as_u128();
        self.ids.binary_search(&id).ok().map(ProfileIx::at)
    }

    /// A profile's tenant.
    pub fn tenant(&self, profile: ProfileIx) -> &str {
        &self.tenant_names[self.tenants[profile.index()] as usize]
    }
}

fn batch_of(batches: &[Batch], record: RecordIx) -> &Batch {
    &batches[batches.partition_point(|batch| batch.start <= record.0) - 1]
}

fn key(batches: &[Batch], record: RecordIx) -> (Source, &str) {
    let batch = batch_of(batches, record);
    (batch.source, batch.columns.source_id((record.0 - batch.start) as usize))
}

fn people_stem(source: Source) -> &'static str {
    match source {
        Source::McaZa => "stg_mca_za__people",
        Source::McaUk => "stg_mca_uk__people",
        Source::Scl => "stg_scl__people",
        Source::Teetime => "stg_teetime__people",
        Source::Messaging => "stg_messaging__people",
    }
}
