//! Index of profiles with the values they show, and of records with their profiles, which all checks use.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

use crate::model::{Code as _, Day, Handicap, Numbering, ProfileIx, Source, StatusTag, Timestamp, Uuid};
use crate::prove::pairs::ProfilePairs;
use crate::prove::{Short, hash, short};
use crate::tables::Columns as _;
use crate::tables::crm::customer_profiles;
use crate::tables::resolution::links;
use crate::tables::stage::people;

/// Position of a linked record in the order of hashes.
pub type ProfilePlace = u32;

/// Bit of the tag `pre_whs`; lower bits are tags from the statuses of records.
pub const PRE_WHS_BIT: u32 = 1 << 30;
/// Bit of any unknown tag.
pub const UNKNOWN_BIT: u32 = 1 << 31;
/// Tags that come from the message log alone.
const BOUNCES: [&str; 2] = ["email_bounced", "phone_bounced"];

/// What a profile shows, texts as short hashes.
#[derive(Clone, Debug)]
pub struct ShownProfile {
    /// Position in [`Profiles::tenants`].
    pub tenant: u32,
    /// The service that founded it, by [`Source::ALL`]; `None` for another one.
    pub source: Option<Source>,
    /// Email, phone and subject of the identity provider.
    pub contact_points: [Option<Short>; 3],
    /// The ids that it shows, in the order of [`Source::ALL`].
    pub service_ids: [Option<Short>; 5],
    /// Birth date.
    pub born_on: Option<Day>,
    /// Tags that follow from statuses and the handicap's date.
    pub tags: u32,
    /// Handicap.
    pub handicap: Option<Handicap>,
    /// Its date.
    pub handicap_at: Option<Timestamp>,
    /// SCL's status text.
    pub membership_status: Option<Short>,
    /// SCL's tier.
    pub membership_tier: Option<Short>,
}

/// The profiles, in the order of their ids.
#[derive(Default)]
pub struct Profiles {
    all: Vec<ShownProfile>,
    ids: Vec<u128>,
    places: HashTable<ProfileIx>,
    hasher: FixedState,
    tenants: Numbering,
    /// Profiles by email.
    emails: ProfilePairs,
}

impl Profiles {
    /// Adds a batch.
    pub fn add(&mut self, columns: &customer_profiles::Columns) {
        for row in columns.rows() {
            let place = ProfileIx::at(self.all.len());
            let id = bits(row.id);
            self.ids.push(id);
            let (ids, hasher) = (&self.ids, &self.hasher);
            self.places.insert_unique(hasher.hash_one(id), place, |&other| hasher.hash_one(ids[other.index()]));
            if let Some(email) = row.email {
                self.emails.push(hash(email), place.0);
            }
            let tenant = self.tenants.number(row.tenant_id);
            let external = |key: &str| external_id(row.external_ids, key).map(short);
            let tags = row.tags.iter().filter(|tag| !BOUNCES.contains(tag)).map(tag_bit).fold(0, |all, bit| all | bit);
            self.all.push(ShownProfile {
                tenant,
                source: Source::ALL.iter().copied().find(|source| source.service() == row.source),
                contact_points: [row.email, row.phone_number, row.auth_user_id].map(|value| value.map(short)),
                service_ids: [
                    external("mcaV1ZaId"),
                    external("mcaV1UkId"),
                    row.scl_member_id.map(short),
                    row.teetime_player_id.map(short),
                    row.messaging_contact_id.map(short),
                ],
                born_on: row.date_of_birth,
                tags,
                handicap: row.handicap,
                handicap_at: row.handicap_updated_at,
                membership_status: row.membership_status.map(short),
                membership_tier: row.membership_tier.map(short),
            });
        }
    }

    /// Makes profiles findable by email; after the last batch.
    pub fn settle(&mut self) {
        self.emails.settle();
    }

    /// The position of a profile.
    pub fn find(&self, id: &str) -> Option<ProfileIx> {
        let id = bits(id);
        self.places.find(self.hasher.hash_one(id), |&place| self.ids[place.index()] == id).copied()
    }

    /// A profile.
    pub fn get(&self, profile: ProfileIx) -> &ShownProfile {
        &self.all[profile.index()]
    }

    /// All of them.
    pub fn all(&self) -> &[ShownProfile] {
        &self.all
    }

    /// The id of a profile.
    pub fn id(&self, profile: ProfileIx) -> String {
        Uuid::from_u128(self.ids[profile.index()]).hyphenated().to_string()
    }

    /// The tenant of a profile.
    pub fn tenant(&self, profile: ProfileIx) -> &str {
        self.tenants.name(self.get(profile).tenant)
    }

    /// The tenants, by [`ShownProfile::tenant`].
    pub fn tenants(&self) -> &[String] {
        self.tenants.names()
    }

    /// Emails that several profiles show, as hashes.
    pub fn by_email(&self) -> impl Iterator<Item = (u64, Vec<ProfileIx>)> + '_ {
        self.emails.repeated().map(|(email, profiles)| (email, profiles.map(ProfileIx).collect()))
    }
}

/// The bit of a tag.
pub fn tag_bit(tag: &str) -> u32 {
    match StatusTag::from_code(tag) {
        Some(tag) => 1 << (tag as u32),
        None if tag == crate::model::PRE_WHS => PRE_WHS_BIT,
        None => UNKNOWN_BIT,
    }
}

fn bits(id: &str) -> u128 {
    Uuid::try_parse(id).map_or_else(|_| u128::from(hash(id)), |id| id.as_u128())
}

/// The value of a key of a flat JSON object of texts, as it is written between its quotes.
fn external_id<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = json;
    loop {
        // The key between its quotes, with nothing but a colon and a quote behind it.
        let start = rest.find(key)?;
        let (before, after) = (&rest[..start], &rest[start + key.len()..]);
        match after.strip_prefix("\":\"") {
            Some(value) if before.ends_with('"') => return Some(&value[..value.find('"')?]),
            _ => rest = after,
        }
    }
}

/// The profile of each record.
#[derive(Default)]
pub struct RecordProfiles {
    profiles: ProfilePairs,
}

impl RecordProfiles {
    /// Adds a batch of links; records without a profile, or with an unknown one, are left out.
    pub fn add(&mut self, columns: &links::Columns, profiles: &Profiles) {
        for row in columns.rows() {
            if let Some(profile) = row.profile_id.and_then(|id| profiles.find(id)) {
                self.profiles.push(record(row.source, row.source_id), profile.0);
            }
        }
    }

    /// Makes records findable; after the last batch.
    pub fn settle(&mut self) {
        self.profiles.settle();
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of a record.
    pub fn find(&self, source: Source, id: &str) -> Option<ProfilePlace> {
        self.profiles.find(record(source, id))
    }

    /// The places of a batch's records.
    pub fn places(&self, source: Source, columns: &people::Columns) -> Vec<Option<ProfilePlace>> {
        (0..columns.len()).map(|row| self.find(source, columns.source_id(row))).collect()
    }

    /// The profile of the record at a place.
    pub fn at(&self, record: ProfilePlace) -> ProfileIx {
        ProfileIx(self.profiles.number(record))
    }

    /// The profile of a record.
    pub fn profile(&self, source: Source, id: &str) -> Option<ProfileIx> {
        self.find(source, id).map(|record| self.at(record))
    }
}

/// The hash of a record's key.
fn record(source: Source, id: &str) -> u64 {
    hash((source as u8, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_is_the_text_of_its_own_key() {
        let json = r#"{"mcaV1ZaId":"17","mcaId":"4","golfRsaId":"GR1"}"#;
        assert_eq!(external_id(json, "mcaV1ZaId"), Some("17"));
        assert_eq!(external_id(json, "mcaId"), Some("4"));
        assert_eq!(external_id(json, "mcaV1UkId"), None);
        assert_eq!(external_id(r#"{"X":"mcaId","xmcaId":"1","mcaId":"2"}"#, "mcaId"), Some("2"));
    }

    #[test]
    fn every_tag_has_a_bit_of_its_own() {
        let mut bits: Vec<u32> = StatusTag::ALL.iter().map(|tag| tag_bit(tag.code())).collect();
        bits.extend([tag_bit(crate::model::PRE_WHS), tag_bit("vip")]);
        assert_eq!(bits.iter().fold(0, |all, bit| all | bit).count_ones() as usize, bits.len());
    }
}
