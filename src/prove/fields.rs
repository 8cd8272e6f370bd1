//! Checks simple fields of the golden record: handicap, membership and tags must follow from the records in the provenance.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{Code as _, Day, Handicap, ProfileIx, Source, Timestamp};
use crate::prove::profiles::{PRE_WHS_BIT, tag_bit};
use crate::prove::{Finding, ProfilePlace, Profiles, ProofTally, RecordProfiles, short};
use crate::tables::crm::field_provenance;
use crate::tables::stage::{handicaps, people};

/// The fields that are compared with their source row.
const FIELDS: [&str; 3] = ["handicap", "membership_status", "membership_tier"];
/// The compared values.
const ITEMS: [&str; 4] = ["handicap", "handicapUpdatedAt", "membershipStatus", "membershipTier"];
/// The bit of a profile's named fields that says whether a handicap is among them.
const HANDICAP: u8 = 1;

/// A handicap of a history, with the day and row that decide which one is the latest.
type LatestHandicap = (Day, u64, Handicap, Option<Timestamp>);

/// Derives the fields a second time.
pub struct FieldProof<'a> {
    profiles: &'a Profiles,
    records: &'a RecordProfiles,
    as_of: Timestamp,
    /// Start of comparable handicaps, by tenant.
    whs_from: &'a [(String, Timestamp)],
    /// By record: bits of the fields that its profile takes from it.
    named: Vec<u8>,
    /// By profile: bits of the fields that it takes from a record of its own.
    taken: Vec<u8>,
    /// By profile: bits of the items that the named record has, and of those that equal it.
    stated: Vec<u8>,
    right: Vec<u8>,
    latest: HashMap<ProfilePlace, LatestHandicap, FixedState>,
    tags: Vec<u32>,
    strangers: Vec<ProofTally>,
    playing: ProofTally,
    members: ProofTally,
}

impl<'a> FieldProof<'a> {
    /// Empty.
    pub fn new(
        profiles: &'a Profiles,
        records: &'a RecordProfiles,
        as_of: Timestamp,
        whs_from: &'a [(String, Timestamp)],
    ) -> Self {
        let count = profiles.all().len();
        Self {
            profiles,
            records,
            as_of,
            whs_from,
            named: vec![0; records.len()],
            taken: vec![0; count],
            stated: vec![0; count],
            right: vec![0; count],
            latest: HashMap::default(),
            tags: vec![0; count],
            strangers: vec![ProofTally::default(); FIELDS.len()],
            playing: ProofTally::default(),
            members: ProofTally::default(),
        }
    }

    /// Adds a batch of provenance, before the person records.
    pub fn add_provenance(&mut self, columns: &field_provenance::Columns) {
        for row in columns.rows() {
            let field = FIELDS.iter().position(|field| *field == row.field);
            if let Some((field, profile)) = field.zip(self.profiles.find(row.profile_id)) {
                let own = self.records.find(row.source, row.source_id).filter(|record| self.records.at(*record) == profile);
                self.strangers[field].look(own.is_some(), || row.profile_id.to_owned());
                if let Some(record) = own {
                    self.named[record as usize] |= 1 << field;
                    self.taken[profile.index()] |= 1 << field;
                }
            }
        }
    }

    /// Adds a batch of the handicap history of legacy members, before the person records.
    pub fn add_handicaps(&mut self, source: Source, columns: &handicaps::Columns) {
        let today = self.as_of;
        for row in columns.rows() {
            let (Some(handicap), Some(day)) = (row.handicap, row.effective_on) else { continue };
            // The latest valid handicap up to as_of; on one day the highest id, with digits compared as numbers.
            let named = self.records.find(source, row.source_id).filter(|record| self.named[*record as usize] != 0);
            let Some(record) = named.filter(|_| row.effective_at.is_some_and(|at| at <= today)) else { continue };
            let order = row.row_id.parse().unwrap_or(u64::MAX);
            let known = self.latest.entry(record).or_insert((day, order, handicap, row.effective_at));
            if (day, order) >= (known.0, known.1) {
                *known = (day, order, handicap, row.effective_at);
            }
        }
    }

    /// Adds a batch of people with their positions.
    pub fn add_people(&mut self, source: Source, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        for (row, record) in columns.rows().zip(places) {
            let Some(record) = *record else { continue };
            let profile = self.records.at(record);
            if self.named[record as usize] != 0 {
                self.compare(record, &row);
            }
            if let Some(tag) = row.status_tag {
                self.tags[profile.index()] |= tag_bit(tag.code());
            }
            let id = || self.profiles.id(profile);
            if source == Source::Teetime && row.handicap.is_some() {
                self.playing.look(self.taken[profile.index()] & HANDICAP != 0, id);
            }
            if source == Source::Scl && row.membership_status.is_some() {
                self.members.look(self.profiles.get(profile).membership_status.is_some(), id);
            }
        }
    }

    /// Compares the values of a profile with the record that provenance names.
    fn compare(&mut self, record: ProfilePlace, row: &people::Row<'_>) {
        let profile = self.records.at(record);
        let shown = self.profiles.get(profile);
        let named = self.named[record as usize];
        let of_history = self.latest.get(&record);
        let handicap = of_history.map_or(row.handicap, |latest| Some(latest.2));
        let handicap_at = of_history.map_or(row.handicap_at, |latest| latest.3);
        let (status, tier) = (row.membership_status.map(short), row.membership_tier.map(short));
        // Two items depend on the first field.
        let items = [
            (0, handicap.is_some(), shown.handicap == handicap),
            (0, handicap_at.is_some(), shown.handicap_at == handicap_at),
            (1, status.is_some(), shown.membership_status == status),
            (2, tier.is_some(), shown.membership_tier == tier),
        ];
        for (item, (field, is_stated, is_right)) in items.into_iter().enumerate() {
            if named >> field & 1 == 1 {
                self.stated[profile.index()] |= u8::from(is_stated) << item;
                self.right[profile.index()] |= u8::from(is_right) << item;
            }
        }
    }

    /// The findings.
    pub fn finish(self) -> Vec<Finding> {
        let mut wrong = vec![ProofTally::default(); ITEMS.len()];
        let mut tags = ProofTally::default();
        for (place, shown) in self.profiles.all().iter().enumerate() {
            let profile = ProfileIx::at(place);
            let id = || self.profiles.id(profile);
            let shows = [
                shown.handicap.is_some(),
                shown.handicap_at.is_some(),
                shown.membership_status.is_some(),
                shown.membership_tier.is_some(),
            ];
            for (item, (tally, is_shown)) in wrong.iter_mut().zip(shows).enumerate() {
                // Items that neither a record nor the profile has are not compared.
                if is_shown || self.stated[place] >> item & 1 == 1 {
                    tally.look(self.right[place] >> item & 1 == 1, id);
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
            .zip(ITEMS)
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
