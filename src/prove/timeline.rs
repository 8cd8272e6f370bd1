//! Checks the timeline: every activity is on the profile of its person, has the tenant of that profile, and the counts match the
//! ledger.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::model::{ActivityCategory, Code as _, Outcome, Source, Timestamp};
use crate::prove::{Finding, ProfilePlace, Profiles, ProofTally, RecordProfiles, hash};
use crate::tables::check::ledger;
use crate::tables::crm::{activities, campaign_interactions};
use crate::tables::stage::people;

/// Entities whose loaded rows each give an activity.
const ENTITIES: [&str; 5] = ["bookings", "messages", "member_clubs", "memberships", "sport_memberships"];
/// Members of SCL; each with a creation date gives one activity.
const MEMBERS: &str = "members";

/// How many of a batch of members give an activity, by the place of each: linked ones that say when they were made.
pub fn made_members(columns: &people::Columns, places: &[Option<ProfilePlace>]) -> u64 {
    let made = |(row, place): &(usize, &Option<ProfilePlace>)| place.is_some() && columns.created_at(*row).is_some();
    places.iter().enumerate().filter(made).count() as u64
}

/// Checks every activity.
pub struct TimelineProof<'a> {
    profiles: &'a Profiles,
    records: &'a RecordProfiles,
    window_from: Timestamp,
    /// Rows by source and entity according to the ledger.
    told: HashMap<(Source, &'static str), u64, FixedState>,
    placed: HashMap<(Source, &'static str), u64, FixedState>,
    /// The row of the last activity: the activities of one row follow each other.
    last: Option<(Source, &'static str, u64)>,
    /// Bookings and messages from before the look-back.
    early: HashSet<u64, FixedState>,
    tenants: ProofTally,
    interaction_tenants: ProofTally,
    people: HashMap<String, ProofTally, FixedState>,
    window: HashMap<ActivityCategory, ProofTally, FixedState>,
}

impl<'a> TimelineProof<'a> {
    /// Empty.
    pub fn new(profiles: &'a Profiles, records: &'a RecordProfiles, window_from: Timestamp) -> Self {
        Self {
            profiles,
            records,
            window_from,
            told: HashMap::default(),
            placed: HashMap::default(),
            last: None,
            early: HashSet::default(),
            tenants: ProofTally::default(),
            interaction_tenants: ProofTally::default(),
            people: HashMap::default(),
            window: HashMap::default(),
        }
    }

    /// Records a staged booking or message with its creation time.
    pub fn note_made(&mut self, source: Source, row_id: &str, made_at: Option<Timestamp>) {
        if made_at.is_some_and(|at| at < self.window_from) {
            self.early.insert(hash((source as u8, row_id)));
        }
    }

    /// Adds a batch of the ledger.
    pub fn add_ledger(&mut self, columns: &ledger::Columns) {
        for row in columns.rows().filter(|row| row.outcome == Outcome::Loaded) {
            if let Some(entity) = ENTITIES.iter().find(|entity| **entity == row.entity) {
                *self.told.entry((row.source, entity)).or_default() += 1;
            }
        }
    }

    /// A member of SCL gives one activity, whether it founds a profile or joins one: takes in how many there are.
    pub fn add_members(&mut self, made: u64) {
        if made > 0 {
            *self.told.entry((Source::Scl, MEMBERS)).or_default() += made;
        }
    }

    /// Adds a batch of activities.
    pub fn add_activities(&mut self, columns: &activities::Columns) {
        for row in columns.rows() {
            let profile = self.profiles.find(row.customer_id);
            let id = || row.id.to_owned();
            self.tenants.look(profile.is_some_and(|profile| self.profiles.tenant(profile) == row.tenant_id), id);
            let Some(source) = Source::ALL.iter().copied().find(|source| source.service() == row.source_service) else {
                continue;
            };
            let (prefix, rest) = row.source_id.split_once(':').unwrap_or((row.source_id, ""));
            let entity = match row.category {
                ActivityCategory::Booking => Some("bookings"),
                ActivityCategory::Communication => Some("messages"),
                _ if row.activity_type == "MEMBER_CREATED" => Some(MEMBERS),
                _ => ENTITIES.iter().copied().find(|entity| *entity == prefix),
            };
            let of = entity.map(|entity| (source, entity, hash(row.source_id)));
            if let Some((source, entity, _)) = of.filter(|_| of != self.last) {
                *self.placed.entry((source, entity)).or_default() += 1;
            }
            self.last = of;
            let owner = match row.activity_type {
                "MEMBER_CREATED" => Some(row.source_id),
                _ if source == Source::McaZa && prefix == "member_clubs" => rest.split(':').next(),
                _ => None,
            };
            if let Some(owner) = owner.filter(|_| row.category == ActivityCategory::Membership) {
                let is_right = profile.is_some() && self.records.profile(source, owner) == profile;
                self.people.entry_ref(row.activity_type).or_default().look(is_right, id);
            }
            if [ActivityCategory::Booking, ActivityCategory::Communication].contains(&row.category) {
                let is_late_enough = row.category != ActivityCategory::Communication || row.occurred_at >= self.window_from;
                let is_early = self.early.contains(&hash((source as u8, row.source_id)));
                self.window.entry(row.category).or_default().look(is_late_enough && !is_early, id);
            }
        }
    }

    /// Adds a batch of campaign interactions.
    pub fn add_interactions(&mut self, columns: &campaign_interactions::Columns) {
        for row in columns.rows() {
            let profile = self.profiles.find(row.customer_id);
            let is_right = profile.is_some_and(|profile| self.profiles.tenant(profile) == row.tenant_id);
            self.interaction_tenants.look(is_right, || row.id.to_owned());
        }
    }

    /// The findings.
    pub fn finish(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for source in Source::ALL {
            for entity in ENTITIES.iter().chain([&MEMBERS]) {
                let of = |counts: &HashMap<(Source, &'static str), u64, FixedState>| counts.get(&(*source, *entity)).copied();
                if let (told, placed) = (of(&self.told), of(&self.placed))
                    && (told.is_some() || placed.is_some())
                {
                    let item = format!("{source}.{entity}");
                    findings.push(Finding::numbers("timeline_counts", item, told.unwrap_or(0), placed.unwrap_or(0)));
                }
            }
        }
        let tenant = |kind: &str| format!("{kind} of another tenant than their profile's");
        findings.push(self.tenants.finding("timeline_tenants", tenant("activities")));
        findings.push(self.interaction_tenants.finding("timeline_tenants", tenant("campaign interactions")));
        let mut people: Vec<_> = self.people.into_iter().collect();
        people.sort_by(|a, b| a.0.cmp(&b.0));
        findings.extend(
            people
                .into_iter()
                .map(|(kind, tally)| tally.finding("timeline_people", format!("{kind} on the timeline of another person"))),
        );
        let mut window: Vec<_> = self.window.into_iter().collect();
        window.sort_by_key(|(category, _)| category.code());
        findings.extend(
            window.into_iter().map(|(kind, tally)| tally.finding("timeline_window", format!("{kind} made before the look-back"))),
        );
        findings
    }
}
