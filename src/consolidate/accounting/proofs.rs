//! Checks what the target requires of the datasets: unique keys, present values, enum labels, existing profiles, numbers in range.
//!
//! Every batch is checked as it is written, so every file that load reads was checked completely. Wrong enum labels and nulls in
//! required columns cannot occur, because each batch is first read back through its declaration.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};

use foldhash::fast::FixedState;
use std::hash::BuildHasher as _;

use crate::coded;
use crate::consolidate::Directory;
use crate::model::{Code, ConsentStatus, Source, Timestamp, is_ours};
use crate::tables::crm::{
    activities, campaign_interactions, customer_profiles, duplicate_candidates, identity_aliases, marketing_consents,
};

coded! {
    /// A check, with the text that reports its failure.
    pub enum Proof {
        /// Ids were made by the backfill.
        OwnIds = "every id is made by the backfill",
        /// Required texts are not empty.
        Present = "no required text is empty",
        /// PostgreSQL cannot store U+0000 in text.
        NoNul = "no text holds U+0000",
        /// `TIMESTAMP(3)` would round anything finer.
        Millis = "every instant is a whole millisecond that the target can hold",
        /// JSON columns.
        Json = "every JSON column holds an object",
        /// `CustomerProfile.id`.
        ProfileId = "CustomerProfile.id is unique",
        /// `CustomerProfile.authUserId`.
        AuthUserId = "CustomerProfile.authUserId is unique over all tenants",
        /// `CustomerProfile.(tenantId, sclMemberId)`.
        SclMemberId = "CustomerProfile.sclMemberId is unique in its tenant",
        /// `CustomerProfile.teetimePlayerId`.
        TeetimePlayerId = "CustomerProfile.teetimePlayerId is unique",
        /// `CustomerProfile.messagingContactId`.
        MessagingContactId = "CustomerProfile.messagingContactId is unique",
        /// `CustomerProfile.handicap`.
        Handicap = "CustomerProfile.handicap fits DECIMAL(4,1)",
        /// `CustomerProfile.source`, `Activity.sourceService`, `IdentityAlias.source`.
        Service = "every source is one of the five services",
        /// Tables that refer to profiles.
        Customer = "every customerId is a profile of the same tenant",
        /// `IdentityAlias`.
        Alias = "IdentityAlias (tenant, type, value, customer) is unique, its confidence 0 to 100",
        /// `MarketingConsent`.
        Consent = "MarketingConsent (tenant, customer, channel, scope) is unique, its dates those of its status",
        /// `Activity`.
        Activity = "Activity (tenant, service, source id, type) is unique",
        /// `CampaignInteraction`.
        Interaction = "CampaignInteraction (message, type) is unique",
        /// `DuplicateCandidate`.
        Candidate = "DuplicateCandidate pairs are unique, ordered, of existing profiles, scored 0 to 100",
    }
}

/// Keys seen so far, as 64-bit hashes.
#[derive(Default)]
struct Distinct {
    hashes: Vec<u64>,
}

impl Distinct {
    fn see(&mut self, hasher: &FixedState, key: impl std::hash::Hash) {
        self.hashes.push(hasher.hash_one(key));
    }

    fn repeated(&mut self) -> u64 {
        self.hashes.sort_unstable();
        let repeated = self.hashes.windows(2).filter(|pair| pair[0] == pair[1]).count();
        self.hashes = Vec::new();
        repeated as u64
    }
}

/// Examines the CRM's datasets batch by batch; keeps eight bytes of each unique key of a profile.
pub struct Proofs<'a> {
    directory: &'a Directory,
    hasher: FixedState,
    broken: Vec<u64>,
    keys: Vec<Distinct>,
}

impl<'a> Proofs<'a> {
    /// Empty.
    pub fn new(directory: &'a Directory) -> Self {
        let keys = Proof::ALL.iter().map(|_| Distinct::default()).collect();
        Self { directory, hasher: FixedState::with_seed(1), broken: vec![0; Proof::ALL.len()], keys }
    }

    /// Adds the results of other batches.
    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.broken.iter_mut().zip(other.broken) {
            *mine += theirs;
        }
        for (mine, theirs) in self.keys.iter_mut().zip(other.keys) {
            mine.hashes.extend(theirs.hashes);
        }
    }

    /// Counts repeated keys of a batch of profiles, whose aliases and consents no other batch has.
    pub fn settle_batch(&mut self) {
        for proof in [Proof::Alias, Proof::Consent] {
            self.broken[proof as usize] += self.keys[proof as usize].repeated();
        }
    }

    /// Returns hashes of the keys of activities and interactions, which are too many to keep in memory.
    pub fn hand_over(&mut self) -> [(Proof, Vec<u64>); 2] {
        [Proof::Activity, Proof::Interaction].map(|proof| (proof, std::mem::take(&mut self.keys[proof as usize].hashes)))
    }

    /// Counts duplicates among the returned hashes.
    pub fn note_repeated(&mut self, proof: Proof, count: u64) {
        self.broken[proof as usize] += count;
    }

    /// The rows that violate a check, by check; empty if all hold.
    pub fn finish(mut self) -> Vec<(Proof, u64)> {
        for (proof, keys) in self.keys.iter_mut().enumerate() {
            self.broken[proof] += keys.repeated();
        }
        Proof::ALL.iter().map(|&proof| (proof, self.broken[proof as usize])).filter(|&(_, broken)| broken > 0).collect()
    }

    /// Profiles.
    pub fn profiles(&mut self, batch: &RecordBatch, columns: &customer_profiles::Columns) {
        self.batch(batch);
        for row in columns.rows() {
            self.own(row.id);
            self.present(&[row.tenant_id, row.source]);
            self.json(Some(row.external_ids));
            self.service(row.source);
            self.see(Proof::ProfileId, row.id);
            self.see_some(Proof::AuthUserId, row.auth_user_id);
            self.see_some(Proof::SclMemberId, row.scl_member_id.map(|id| (row.tenant_id, id)));
            self.see_some(Proof::TeetimePlayerId, row.teetime_player_id);
            self.see_some(Proof::MessagingContactId, row.messaging_contact_id);
            self.check(Proof::Handicap, row.handicap.is_none_or(|handicap| handicap.0.abs() < 10_000));
            self.customer(row.id, row.tenant_id);
        }
    }

    /// Aliases.
    pub fn aliases(&mut self, batch: &RecordBatch, columns: &identity_aliases::Columns) {
        self.batch(batch);
        for row in columns.rows() {
            self.own(row.id);
            self.present(&[row.value]);
            self.service(row.source);
            self.see(Proof::Alias, (row.tenant_id, row.alias_type, row.value, row.customer_id));
            self.check(Proof::Alias, (0..=100).contains(&row.confidence));
            self.customer(row.customer_id, row.tenant_id);
        }
    }

    /// Consents.
    pub fn consents(&mut self, batch: &RecordBatch, columns: &marketing_consents::Columns) {
        self.batch(batch);
        for row in columns.rows() {
            self.own(row.id);
            self.present(&[row.scope, row.source]);
            self.json(Some(row.evidence));
            self.see(Proof::Consent, (row.tenant_id, row.customer_id, row.channel, row.scope));
            let is_dated_right = match row.status {
                ConsentStatus::OptedIn => row.revoked_at.is_none() && row.consented_at.is_some(),
                ConsentStatus::OptedOut => row.consented_at.is_none(),
            };
            self.check(Proof::Consent, is_dated_right);
            self.customer(row.customer_id, row.tenant_id);
        }
    }

    /// Activities.
    pub fn activities(&mut self, batch: &RecordBatch, columns: &activities::Columns) {
        self.batch(batch);
        for row in columns.rows() {
            self.own(row.id);
            self.present(&[row.activity_type, row.title, row.source_id]);
            self.json(row.metadata);
            self.service(row.source_service);
            self.see(Proof::Activity, (row.tenant_id, row.source_service, row.source_id, row.activity_type));
            self.customer(row.customer_id, row.tenant_id);
        }
    }

    /// Campaign interactions.
    pub fn interactions(&mut self, batch: &RecordBatch, columns: &campaign_interactions::Columns) {
        self.batch(batch);
        for row in columns.rows() {
            self.own(row.id);
            self.present(&[row.campaign_id, row.interaction_type, row.message_id]);
            self.see(Proof::Interaction, (row.message_id, row.interaction_type));
            self.customer(row.customer_id, row.tenant_id);
        }
    }

    /// Duplicate candidates.
    pub fn candidates(&mut self, batch: &RecordBatch, columns: &duplicate_candidates::Columns) {
        self.batch(batch);
        for row in columns.rows() {
            self.own(row.id);
            self.see(Proof::Candidate, (row.profile_a_id, row.profile_b_id));
            let exist = [row.profile_a_id, row.profile_b_id].iter().all(|id| self.directory.profile_with_id(id).is_some());
            let is_fit = row.profile_a_id < row.profile_b_id && (0..=100).contains(&row.score) && !row.reasons.is_empty();
            self.check(Proof::Candidate, exist && is_fit);
            self.customer(row.profile_a_id, row.tenant_id);
        }
    }

    fn batch(&mut self, batch: &RecordBatch) {
        // The target's TIMESTAMP(3) allows more, but years beyond four digits are never real.
        const FIRST: i64 = -62_135_596_800_000_000;
        const LAST: i64 = 253_402_300_799_999_000;
        for column in batch.columns() {
            match column.data_type() {
                DataType::Utf8 => {
                    let texts = column.as_string::<i32>();
                    if texts.value_data().contains(&0) {
                        let holding = texts.iter().flatten().filter(|text| text.contains('\0')).count();
                        self.broken[Proof::NoNul as usize] += holding as u64;
                    }
                }
                DataType::Timestamp(TimeUnit::Microsecond, _) => {
                    let instants = column.as_primitive::<TimestampMicrosecondType>();
                    let fits = |at: i64| at % 1000 == 0 && (FIRST..=LAST).contains(&at) && Timestamp(at).is_finite();
                    self.broken[Proof::Millis as usize] += instants.iter().flatten().filter(|&at| !fits(at)).count() as u64;
                }
                _ => {}
            }
        }
    }

    fn check(&mut self, proof: Proof, holds: bool) {
        self.broken[proof as usize] += u64::from(!holds);
    }

    fn see(&mut self, proof: Proof, key: impl std::hash::Hash) {
        self.keys[proof as usize].see(&self.hasher, key);
    }

    fn see_some(&mut self, proof: Proof, key: Option<impl std::hash::Hash>) {
        if let Some(key) = key {
            self.see(proof, key);
        }
    }

    fn own(&mut self, id: &str) {
        self.check(Proof::OwnIds, is_ours(id));
    }

    fn present(&mut self, texts: &[&str]) {
        self.check(Proof::Present, texts.iter().all(|text| !text.is_empty()));
    }

    fn json(&mut self, text: Option<&str>) {
        self.check(Proof::Json, text.is_none_or(|text| text.starts_with('{') && text.ends_with('}')));
    }

    fn service(&mut self, service: &str) {
        self.check(Proof::Service, Source::ALL.iter().any(|source| source.service() == service));
    }

    fn customer(&mut self, id: &str, tenant: &str) {
        let profile = self.directory.profile_with_id(id);
        self.check(Proof::Customer, profile.is_some_and(|profile| self.directory.tenant(profile) == tenant));
    }
}

#[cfg(test)]
mod tests;
