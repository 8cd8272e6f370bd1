//! Checks simple fields of the golden record: handicap, membership and tags must follow from the records in the provenance.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{Code as _, Day, Handicap, ProfileIx, Source, Timestamp};
use crate::prove::profiles::{PRE_WHS_BIT, record, tag_bit};
use crate::prove::{Finding, Profiles, Records, Tally, hash};
use crate::tables::crm::field_provenance;
use crate::tables::stage::{handicaps, people};

/// The fields that are compared with their source row.
const FIELDS: [&str; 3] = ["handicap", "membership_status", "membership_tier"];

/// The values of the three fields in a source row.
#[derive(Clone, Copy, Debug, Default)]
struct Stated {
    handicap: Option<Handicap>,
    handicap_at: Option<Timestamp>,
    membership_status: Option<u64>,
    membership_tier: Option<u64>,
}

/// A handicap of a history, with the day and row that decide which one is the latest.
type Latest = (Day, u64, Handicap, Option<Timestamp>);

/// Derives the fields a second time.
pub struct Fields<'a> {
    profiles: &'a Profiles,
    records: &'a Records,
    as_of: Timestamp,
    /// Start of comparable handicaps, by tenant.
    whs_from: &'a [(String, Timestamp)],
    /// The record of each field.
    named: HashMap<(ProfileIx, u8), u64, FixedState>,
    /// The values of those records.
    stated: HashMap<u64, Stated, FixedState>,
    latest: HashMap<u64, Latest, FixedState>,
    tags: Vec<u32>,
    strangers: Vec<Tally>,
    playing: Tally,
    members: Tally,
}

impl<'a> Fields<'a> {
    /// Empty.
    pub fn new(profiles: &'a Profiles, records: &'a Records, as_of: Timestamp, whs_from: &'a [(String, Timestamp)]) -> Self {
        Self {
            profiles,
            records,
            as_of,
            whs_from,
            named: HashMap::default(),
            stated: HashMap::default(),
            latest: HashMap::default(),
            tags: vec![0; profiles.all().len()],
            strangers: vec![Tally::default(); FIELDS.len()],
            playing: Tally::default(),
            members: Tally::default(),
        }
    }

    /// Adds a batch of provenance, before the person records.
    pub fn add_provenance(&mut self, columns: &field_provenance::Columns) {
        for row in columns.rows() {
            let field = FIELDS.iter().position(|field| *field == row.field);
            if let Some((field, profile)) = field.zip(self.profiles.find(row.profile_id)) {
                let is_own = self.records.profile(row.source, row.source_id) == Some(profile);
                self.strangers[field].look(is_own, || row.profile_id.to_owned());
                let record = record(row.source, row.source_id);
                self.named.insert((profile, u8::try_from(field).unwrap_or(u8::MAX)), record);
                self.stated.entry(record).or_default();
            }
        }
    }

    /// Adds a batch of the handicap history of legacy members, before the person records.
    pub fn add_handicaps(&mut self, source: Source, columns: &handicaps::Columns) {
        let today = self.as_of;
        for row in columns.rows() {
            let record = record(source, row.source_id);
            let (Some(handicap), Some(day)) = (row.handicap, row.effective_on) else { continue };
            // The latest valid handicap up to as_of; on one day the highest id, with digits compared as numbers.
            if !self.stated.contains_key(&record) || row.effective_at.is_none_or(|at| at > today) {
                continue;
            }
            let order = row.row_id.parse().unwrap_or(u64::MAX);
            let known = self.latest.entry(record).or_insert((day, order, handicap, row.effective_at));
            if (day, order) >= (known.0, known.1) {
                *known = (day, order, handicap, row.effective_at);
            }
        }
    }

    /// Adds a batch of person records.
    pub fn add_people(&mut self, source: Source, columns: &people::Columns) {
        for row in columns.rows() {
            let record = record(source, row.source_id);
            if let Some(stated) = self.stated.get_mut(&record) {
                let of_history = self.latest.get(&record);
                *stated = Stated {
                    handicap: of_history.map_or(row.handicap, |latest| Some(latest.2)),
                    handicap_at: of_history.map_or(row.handicap_at, |latest| latest.3),
                    membership_status: row.membership_status.map(hash),
                    membership_tier: row.membership_tier.map(hash),
                };
            }
            let Some(profile) = self.records.profile(source, row.source_id) else { continue };
            if let Some(tag) = row.status_tag {
                self.tags[profile.index()] |= tag_bit(tag.code());
            }
            let id = || self.profiles.id(profile);
            if source == Source::Teetime && row.handicap.is_some() {
                self.playing.look(self.named.contains_key(&(profile, 0)), id);
            }
            if source == Source::Scl && row.membership_status.is_some() {
                self.members.look(self.profiles.get(profile).membership_status.is_some(), id);
            }
        }
    }

    /// The findings.
    pub fn finish(self) -> Vec<Finding> {
        let items = ["handicap", "handicapUpdatedAt", "membershipStatus", "membershipTier"];
        let mut wrong = vec![Tally::default(); items.len()];
        let mut tags = Tally::default();
        for (place, shown) in self.profiles.all().iter().enumerate() {
            let profile = ProfileIx::at(place);
            let id = || self.profiles.id(profile);
            let named = |field: u8| {
                let record = self.named.get(&(profile, field));
                record.and_then(|record| self.stated.get(record)).copied().unwrap_or_default()
            };
            let (handicap, status, tier) = (named(0), named(1), named(2));
            let compared = [
                (shown.handicap.is_some() || handicap.handicap.is_some(), shown.handicap == handicap.handicap),
                (shown.handicap_at.is_some() || handicap.handicap_at.is_some(), shown.handicap_at == handicap.handicap_at),
                (
                    shown.membership_status.is_some() || status.membership_status.is_some(),
                    shown.membership_status == status.membership_status,
                ),
                (
                    shown.membership_tier.is_some() || tier.membership_tier.is_some(),
                    shown.membership_tier == tier.membership_tier,
                ),
            ];
            for (tally, (is_examined, is_right)) in wrong.iter_mut().zip(compared) {
                if is_examined {
                    tally.look(is_right, id);
                }
            }
            let tenant = self.profiles.tenant(profile);
            let whs_from = self.whs_from.iter().find(|(known, _)| known == tenant).map(|(_, from)| *from);
            let is_old = shown.handicap.is_some() && shown.handicap_at.zip(whs_from).is_some_and(|(at, from)| at < from);
            let due = self.tags[place] | if is_old { PRE_WHS_BIT } else { 0 };
            if due != 0 || shown.tags != 0 {
                tags.look(due == shown.tags, id);
            }
        }
        let mut findings: Vec<Finding> = wrong
            .into_iter()
            .zip(items)
            .zip(["handicap_data", "handicap_data", "membership_data", "membership_data"])
            .map(|((tally, item), check)| tally.finding(check, format!("{item} that is not its source row's")))
            .collect();
        for ((tally, field), check) in
            self.strangers.into_iter().zip(FIELDS).zip(["handicap_data", "membership_data", "membership_data"])
        {
            findings.push(tally.finding(check, format!("{field} taken from a record of another profile")));
        }
        findings.push(self.playing.finding("handicap_data", "profiles without the handicap that a linked player has"));
        findings.push(self.members.finding("membership_data", "profiles without the status that a linked member has"));
        findings.push(tags.finding("profile_tags", "tags that do not follow from statuses and the handicap's date"));
        findings
    }
}
