//! Index of profiles with the values they show, and of records with their profiles, which all checks use.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{Code as _, Day, Handicap, ProfileIx, Source, StatusTag, Timestamp, Uuid};
use crate::prove::hash;
use crate::tables::crm::customer_profiles;
use crate::tables::resolution::links;

/// Bit of the tag `pre_whs`; lower bits are tags from the statuses of records.
pub const PRE_WHS_BIT: u32 = 1 << 30;
/// Bit of any unknown tag.
pub const UNKNOWN_BIT: u32 = 1 << 31;
/// Tags that come from the message log alone.
const BOUNCES: [&str; 2] = ["email_bounced", "phone_bounced"];

/// The values that a profile shows, texts as hashes.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its id.
    pub id: u128,
    /// Position in [`Profiles::tenants`].
    pub tenant: u32,
    /// The service of its seed record.
    pub source: u64,
    /// Email, phone and subject of the identity provider.
    pub contact_points: [Option<u64>; 3],
    /// The ids that it shows, in the order of [`Source::ALL`].
    pub service_ids: [Option<u64>; 5],
    /// Birth date.
    pub born_on: Option<Day>,
    /// Tags that follow from statuses and the handicap's date.
    pub tags: u32,
    /// Handicap.
    pub handicap: Option<Handicap>,
    /// Its date.
    pub handicap_at: Option<Timestamp>,
    /// SCL's status text.
    pub membership_status: Option<u64>,
    /// SCL's tier.
    pub membership_tier: Option<u64>,
    /// The four flags, by [`crate::model::Channel::ALL`].
    pub flags: [bool; 4],
}

/// The profiles, in the order of their ids.
#[derive(Default)]
pub struct Profiles {
    all: Vec<Shown>,
    places: HashMap<u128, ProfileIx, FixedState>,
    tenants: Vec<String>,
    /// Profiles by email.
    emails: HashMap<u64, Vec<ProfileIx>, FixedState>,
}

impl Profiles {
    /// Adds a batch.
    pub fn add(&mut self, columns: &customer_profiles::Columns) {
        for row in columns.rows() {
            let place = ProfileIx::at(self.all.len());
            let id = bits(row.id);
            self.places.insert(id, place);
            if let Some(email) = row.email {
                self.emails.entry(hash(email)).or_default().push(place);
            }
            let tenant = self.tenant_of(row.tenant_id);
            let external = |key: &str| external_id(row.external_ids, key).map(hash);
            let tags = row.tags.iter().filter(|tag| !BOUNCES.contains(tag)).map(tag_bit).fold(0, |all, bit| all | bit);
            self.all.push(Shown {
                id,
                tenant,
                source: hash(row.source),
                contact_points: [row.email, row.phone_number, row.auth_user_id].map(|value| value.map(hash)),
                service_ids: [
                    external("mcaV1ZaId"),
                    external("mcaV1UkId"),
                    row.scl_member_id.map(|id| hash(id.to_string().as_str())),
                    row.teetime_player_id.map(hash),
                    row.messaging_contact_id.map(hash),
                ],
                born_on: row.date_of_birth,
                tags,
                handicap: row.handicap,
                handicap_at: row.handicap_updated_at,
                membership_status: row.membership_status.map(hash),
                membership_tier: row.membership_tier.map(hash),
                flags: [row.email_opt_in, row.sms_opt_in, row.push_opt_in, row.whatsapp_opt_in],
            });
        }
    }

    fn tenant_of(&mut self, tenant: &str) -> u32 {
        let known = self.tenants.iter().position(|known| known == tenant);
        let place = known.unwrap_or_else(|| {
            self.tenants.push(tenant.to_owned());
            self.tenants.len() - 1
        });
        u32::try_from(place).expect("tenants are few")
    }

    /// The position of a profile.
    pub fn find(&self, id: &str) -> Option<ProfileIx> {
        self.places.get(&bits(id)).copied()
    }

    /// A profile.
    pub fn get(&self, profile: ProfileIx) -> &Shown {
        &self.all[profile.index()]
    }

    /// All of them.
    pub fn all(&self) -> &[Shown] {
        &self.all
    }

    /// The id of a profile.
    pub fn id(&self, profile: ProfileIx) -> String {
        Uuid::from_u128(self.get(profile).id).hyphenated().to_string()
    }

    /// The tenant of a profile.
    pub fn tenant(&self, profile: ProfileIx) -> &str {
        &self.tenants[self.get(profile).tenant as usize]
    }

    /// The tenants, by [`Shown::tenant`].
    pub fn tenants(&self) -> &[String] {
        &self.tenants
    }

    /// Profiles that show the same email, in no order.
    pub fn by_email(&self) -> impl Iterator<Item = (u64, &[ProfileIx])> {
        self.emails.iter().map(|(email, profiles)| (*email, profiles.as_slice()))
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
    let start = json.find(&format!("\"{key}\":\""))? + key.len() + 4;
    let rest = &json[start..];
    Some(&rest[..rest.find('"')?])
}

/// The profile of each record.
#[derive(Default)]
pub struct Records {
    profiles: HashMap<u64, ProfileIx, FixedState>,
    /// The same by the hash of the id alone, as profiles show it.
    shown: HashMap<(u8, u64), ProfileIx, FixedState>,
}

impl Records {
    /// Adds a batch of links; records without a profile, or with an unknown one, are left out.
    pub fn add(&mut self, columns: &links::Columns, profiles: &Profiles) {
        for row in columns.rows() {
            if let Some(profile) = row.profile_id.and_then(|id| profiles.find(id)) {
                self.profiles.insert(record(row.source, row.source_id), profile);
                if profiles.get(profile).service_ids[row.source as usize] == Some(hash(row.source_id)) {
                    self.shown.insert((row.source as u8, hash(row.source_id)), profile);
                }
            }
        }
    }

    /// The profile of a record by the hash of its id, if that profile shows it.
    pub fn shown(&self, source: Source, id: u64) -> Option<ProfileIx> {
        self.shown.get(&(source as u8, id)).copied()
    }

    /// The profile of a record.
    pub fn profile(&self, source: Source, id: &str) -> Option<ProfileIx> {
        self.profiles.get(&record(source, id)).copied()
    }
}

/// The hash of a record's key.
pub fn record(source: Source, id: &str) -> u64 {
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
    }

    #[test]
    fn every_tag_has_a_bit_of_its_own() {
        let mut bits: Vec<u32> = StatusTag::ALL.iter().map(|tag| tag_bit(tag.code())).collect();
        bits.extend([tag_bit(crate::model::PRE_WHS), tag_bit("vip")]);
        assert_eq!(bits.iter().fold(0, |all, bit| all | bit).count_ones() as usize, bits.len());
    }
}
