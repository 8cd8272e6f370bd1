//! Index of records and profiles without their values: some forty bytes per person record; id, tenant and records of every profile.

use foldhash::quality::FixedState;
use hashbrown::HashTable;
use rayon::prelude::*;
use std::hash::BuildHasher as _;
use std::ops::Range;

use crate::consolidate::BuildError;
use crate::consolidate::bits::Bits;
use crate::model::{Code as _, LinkRule, Numbering, ProfileIx, RecordIx, SkipReason, SortedIds, Source, Uuid};
use crate::tables::resolution::links;

/// All person records and profiles of a run, by number.
pub struct Directory {
    /// Hash of source and id of each record. Two records with one hash are refused.
    hashes: Vec<u64>,
    index: HashTable<RecordIx>,
    /// The first record of each source, by [`Source::ALL`], and the end.
    starts: [u32; Source::ALL.len() + 1],
    profile_of: Vec<ProfileIx>,
    rules: Vec<LinkRule>,
    confidences: Vec<u8>,
    /// Positions in record order, if the records are numbered in another order.
    ranks: Vec<u32>,
    /// Records of tenants that the pilot leaves out.
    left_out: Bits,
    ids: SortedIds,
    tenants: Vec<u32>,
    tenant_names: Numbering,
    founders: Vec<RecordIx>,
    member_starts: Vec<u32>,
    members: Vec<RecordIx>,
}

/// Builds a directory: first the ids of all records, then their links.
pub struct Enrolment {
    directory: Directory,
    linked: Vec<Linked>,
    seen: Bits,
    rows: usize,
    is_ranked: bool,
}

struct Linked {
    id: [u8; 16],
    record: RecordIx,
    tenant: u32,
}

fn hash(source: Source, id: &str) -> u64 {
    FixedState::with_seed(0).hash_one((source as u8, id))
}

impl Enrolment {
    /// An empty builder with a capacity; more records may be added.
    pub fn with_room(records: usize) -> Self {
        let directory = Directory {
            hashes: Vec::with_capacity(records),
            index: HashTable::with_capacity(records),
            starts: [0; Source::ALL.len() + 1],
            profile_of: Vec::new(),
            rules: Vec::new(),
            confidences: Vec::new(),
            ranks: Vec::new(),
            left_out: Bits::default(),
            ids: SortedIds::default(),
            tenants: Vec::new(),
            tenant_names: Numbering::default(),
            founders: Vec::new(),
            member_starts: Vec::new(),
            members: Vec::new(),
        };
        Self { directory, linked: Vec::new(), seen: Bits::default(), rows: 0, is_ranked: false }
    }

    /// Numbers the next records of a source. Sources must come in order, each complete.
    pub fn add<'a>(&mut self, source: Source, ids: impl Iterator<Item = &'a str>) -> Result<(), BuildError> {
        let Directory { hashes, index, starts, .. } = &mut self.directory;
        for id in ids {
            let record = u32::try_from(hashes.len()).ok().filter(|&number| number < u32::MAX - 1).ok_or(BuildError::TooMany)?;
            let hash = hash(source, id);
            if index.find(hash, |other| hashes[other.index()] == hash).is_some() {
                let row = (record - starts[source as usize]) as usize;
                return Err(BuildError::Repeated { dataset: people_stem(source), row });
            }
            hashes.push(hash);
            index.insert_unique(hash, RecordIx(record), |other| hashes[other.index()]);
            starts[source as usize + 1..].fill(record + 1);
        }
        Ok(())
    }

    /// Joins the next records, in the order of `res__links`, with their profiles.
    pub fn link(&mut self, links: &links::Columns) -> Result<(), BuildError> {
        let count = self.directory.hashes.len();
        if self.rows == 0 {
            self.directory.profile_of = vec![ProfileIx::NONE; count];
            self.directory.rules = vec![LinkRule::Skipped; count];
            self.directory.confidences = vec![0; count];
            self.directory.left_out = Bits::new(count);
            self.seen = Bits::new(count);
            self.linked.reserve_exact(count);
        }
        for link in links.rows() {
            let row = self.rows;
            self.rows += 1;
            // Staged people and links have the same order, unless a dump was not sorted.
            let expected = hash(link.source, link.source_id);
            let record = match self.directory.hashes.get(row) {
                Some(&found) if found == expected => RecordIx::at(row),
                _ => {
                    self.rank(row);
                    self.directory.with_hash(expected).ok_or(BuildError::UnknownRecord { row })?
                }
            };
            if self.is_ranked {
                self.directory.ranks[record.index()] = u32::try_from(row).map_err(|_| BuildError::TooMany)?;
            }
            if !self.seen.set(record.index()) {
                return Err(BuildError::Repeated { dataset: "res__links", row });
            }
            self.directory.rules[record.index()] = link.rule;
            self.directory.confidences[record.index()] = u8::try_from(link.confidence.clamp(0, 100)).expect("0 to 100 fits");
            match (link.rule, link.profile_id, link.tenant_id) {
                (LinkRule::Skipped, None, _) => {
                    if link.evidence == SkipReason::OtherTenant.code() {
                        self.directory.left_out.set(record.index());
                    }
                }
                (LinkRule::Skipped, Some(_), _) | (_, None, _) | (_, _, None) => return Err(BuildError::HalfLinked { row }),
                (_, Some(id), Some(tenant)) => {
                    let id = *Uuid::parse_str(id).map_err(|_| BuildError::HalfLinked { row })?.as_bytes();
                    let tenant = self.directory.tenant_names.number(tenant);
                    self.linked.push(Linked { id, record, tenant });
                }
            }
        }
        Ok(())
    }

    /// From here on, positions in record order differ from the numbers.
    fn rank(&mut self, row: usize) {
        if !self.is_ranked {
            self.is_ranked = true;
            self.directory.ranks = vec![0; self.directory.hashes.len()];
            (0..row).for_each(|place| self.directory.ranks[place] = RecordIx::at(place).0);
        }
    }

    /// The directory, if all records have a link and all profiles a seed record.
    pub fn finish(mut self) -> Result<Directory, BuildError> {
        let mut directory = self.directory;
        let count = directory.hashes.len();
        if self.rows == 0 && count > 0 {
            self.seen = Bits::new(count);
        }
        if let Some(missing) = (0..count).find(|&record| !self.seen.has(record)) {
            let source = directory.source(RecordIx::at(missing));
            let row = RecordIx::at(missing).0 - directory.starts[source as usize];
            return Err(BuildError::NoLink { source_name: people_stem(source), row });
        }
        let mut ids: Vec<u128> = self.linked.iter().map(|link| u128::from_be_bytes(link.id)).collect();
        ids.par_sort_unstable();
        ids.dedup();
        ids.shrink_to_fit();
        let count = ids.len();
        directory.founders = vec![RecordIx::NONE; count];
        directory.tenants = vec![0; count];
        directory.member_starts = vec![0; count + 1];
        directory.ids = SortedIds::new(ids);
        let profiles: Vec<ProfileIx> = self
            .linked
            .par_iter()
            .map(|link| directory.ids.find(u128::from_be_bytes(link.id)).expect("every linked id is among the ids"))
            .map(ProfileIx::at)
            .collect();
        for (link, &profile) in self.linked.iter().zip(&profiles) {
            directory.profile_of[link.record.index()] = profile;
            directory.tenants[profile.index()] = link.tenant;
            directory.member_starts[profile.index() + 1] += 1;
            if directory.rules[link.record.index()] == LinkRule::Founder {
                directory.founders[profile.index()] = link.record;
            }
        }
        let lacking = directory.founders.iter().filter(|&&founder| founder == RecordIx::NONE).count();
        if lacking > 0 {
            return Err(BuildError::NoFounder { count: lacking });
        }
        for profile in 0..count {
            directory.member_starts[profile + 1] += directory.member_starts[profile];
        }
        let mut next = directory.member_starts.clone();
        directory.members = vec![RecordIx::NONE; self.linked.len()];
        for (link, &profile) in self.linked.iter().zip(&profiles) {
            let place = &mut next[profile.index()];
            directory.members[*place as usize] = link.record;
            *place += 1;
        }
        Ok(directory)
    }
}

impl Directory {
    fn with_hash(&self, hash: u64) -> Option<RecordIx> {
        self.index.find(hash, |other| self.hashes[other.index()] == hash).copied()
    }

    /// How many records there are.
    pub fn record_count(&self) -> u32 {
        RecordIx::at(self.hashes.len()).0
    }

    /// How many profiles there are.
    pub fn profile_count(&self) -> u32 {
        ProfileIx::at(self.ids.all().len()).0
    }

    /// The record with this id.
    pub fn record(&self, source: Source, id: &str) -> Option<RecordIx> {
        self.with_hash(hash(source, id))
    }

    /// The profile of the record with this id.
    pub fn profile_of_id(&self, source: Source, id: &str) -> Option<ProfileIx> {
        self.record(source, id).and_then(|record| self.profile_of(record))
    }

    /// The profile a record belongs to; `None` when it was skipped.
    pub fn profile_of(&self, record: RecordIx) -> Option<ProfileIx> {
        Some(self.profile_of[record.index()]).filter(|&profile| profile != ProfileIx::NONE)
    }

    /// The source of a record.
    pub fn source(&self, record: RecordIx) -> Source {
        let place = self.starts[1..].iter().position(|&end| record.0 < end).expect("a record is of a source");
        Source::ALL[place]
    }

    /// The numbers of a source's records, in staged order.
    pub fn records_of(&self, source: Source) -> Range<u32> {
        self.starts[source as usize]..self.starts[source as usize + 1]
    }

    /// The position of a record in record order.
    pub fn rank(&self, record: RecordIx) -> u32 {
        self.ranks.get(record.index()).copied().unwrap_or(record.0)
    }

    /// The rule that links a record to its profile.
    pub fn rule(&self, record: RecordIx) -> LinkRule {
        self.rules[record.index()]
    }

    /// Confidence of the link, 0 to 100.
    pub fn confidence(&self, record: RecordIx) -> i32 {
        i32::from(self.confidences[record.index()])
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
        Uuid::from_u128(self.ids.all()[profile.index()])
    }

    /// The profile with this id.
    pub fn profile_with_id(&self, id: &str) -> Option<ProfileIx> {
        let id = Uuid::parse_str(id).ok()?.as_u128();
        self.ids.find(id).map(ProfileIx::at)
    }

    /// Whether a record belongs to a tenant that the pilot leaves out.
    pub fn is_left_out(&self, record: RecordIx) -> bool {
        self.left_out.has(record.index())
    }

    /// A profile's tenant.
    pub fn tenant(&self, profile: ProfileIx) -> &str {
        self.tenant_names.name(self.tenants[profile.index()])
    }
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
