//! Builds a batch of profiles with their rows: columns, provenance, aliases, consents.

pub mod aliases;
pub mod contact_holders;
pub mod directory;
pub mod fields;
pub mod login_owners;
pub mod namesakes;
pub mod pick;
pub mod record_index;

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::consolidate::consent::weigh::{ConsentRows, Consents, Flags, Subject};
use crate::consolidate::json::JsonBuffer;
use crate::consolidate::profile::fields::{Golden, Survival};
use crate::consolidate::profile::namesakes::Namesakes;
use crate::consolidate::profile::pick::{Choice, ProfileRecords};
use crate::consolidate::profile::record_index::RecordIndex;
use crate::consolidate::{Departure, Departures};
use crate::model::{
    Code as _, CustomerStatus, Gender, LifecycleStage, PRE_WHS, ProfileIx, RecordIx, Source, SurvivorshipRule, Uuid,
};
use crate::tables::crm::{customer_profiles, field_provenance, identity_aliases};
use crate::tables::{Builder as _, TextList};

/// The rows of a batch of profiles, in the order of ids.
pub struct Slice {
    /// `crm__customer_profiles`.
    pub profiles: RecordBatch,
    /// `crm__field_provenance`.
    pub provenance: RecordBatch,
    /// `crm__identity_aliases`.
    pub aliases: RecordBatch,
    /// `crm__marketing_consents`.
    pub consents: RecordBatch,
    /// Positions of the staged consents that became a row's evidence.
    pub deciding_rows: Vec<u32>,
    /// Records whose handicap their profile shows.
    pub shown_handicaps: Vec<RecordIx>,
    /// Email and full name that each profile shows.
    pub namesakes: Namesakes,
    /// Counted deviations from the strategy's code.
    pub departures: Departures,
}

/// Builds the profiles of a range; ranges are independent of each other.
pub fn build(survival: &Survival<'_>, consents: &Consents<'_>, range: Range<u32>) -> Slice {
    let capacity = range.len();
    let mut writer = Writer {
        record_index: survival.record_index,
        survival,
        profiles: customer_profiles::Builder::new(capacity),
        provenance: field_provenance::Builder::new(capacity * 10),
        display_name: String::new(),
        json: JsonBuffer::default(),
    };
    let mut alias_rows = identity_aliases::Builder::new(capacity * 4);
    let mut consent_rows = ConsentRows::new(capacity);
    let mut departures = Departures::default();
    let mut profile_records = ProfileRecords::default();
    let mut shown_handicaps = Vec::new();
    let mut namesakes = Namesakes::default();
    let of_age_before = survival.options.as_of.minus_years(18).day();
    for profile in ProfileIx::range(range) {
        profile_records.fill(survival.record_index, profile);
        let golden = survival.survive(profile, &profile_records);
        count(survival, &profile_records, &golden, &mut departures);
        let subject = Subject {
            profile,
            contacts: &profile_records.messaging,
            email: golden.email.map(|choice| choice.value),
            phone: golden.phone.map(|choice| choice.value),
            is_deceased: golden.is_deceased,
        };
        let flags = consents.weigh(&subject, &mut consent_rows, &mut departures);
        let is_on = [flags.email, flags.sms, flags.push, flags.whatsapp].contains(&true);
        let born_on = golden.born_on.map(|choice| choice.value);
        departures.note_if(Departure::ConsentMinors, is_on && born_on.is_some_and(|born_on| born_on > of_age_before));
        aliases::write(survival.record_index, survival.identifiers, profile, &golden, &mut alias_rows);
        shown_handicaps.extend(golden.handicap.map(|choice| choice.record));
        namesakes.note(survival.record_index, survival.hubs, profile, &golden);
        writer.write(profile, &golden, flags);
    }
    Slice {
        profiles: writer.profiles.finish(),
        provenance: writer.provenance.finish(),
        aliases: alias_rows.finish(),
        consents: consent_rows.rows.finish(),
        shown_handicaps,
        namesakes,
        deciding_rows: consent_rows.deciding_rows,
        departures,
    }
}

fn text(choice: Option<Choice<&str>>) -> Option<&str> {
    choice.map(|choice| choice.value)
}

fn count(survival: &Survival<'_>, profile_records: &ProfileRecords, golden: &Golden<'_>, departures: &mut Departures) {
    departures.note_if(Departure::CurrentContact, golden.contact_differs);
    departures.note_if(Departure::SharedAddressOnly, golden.shows_shared);
    departures.note_if(Departure::MissingName, text(golden.first_name).is_none() || text(golden.last_name).is_none());
    let has_several = [golden.scl_member, golden.player, golden.contact].iter().flatten().any(|choice| choice.lost > 0)
        || [golden.mca_v1_za_id, golden.mca_v1_uk_id].iter().flatten().any(|choice| choice.lost > 0);
    departures.note_if(Departure::SeveralServiceIds, has_several);
    let conflicts = [golden.mca_id, golden.golf_rsa_id, golden.cdh_id];
    departures.add(Departure::ExternalIdConflict, conflicts.iter().flatten().map(|choice| i64::from(choice.lost)).sum());
    departures.note_if(Departure::LifecycleMember, golden.lifecycle.is_some_and(|choice| choice.value == LifecycleStage::Member));
    departures.note_if(Departure::HandicapPreWhs, golden.tags.iter().any(|tag| tag.value == PRE_WHS));
    departures.note_if(Departure::FirstSeenAsOf, golden.first_seen_at.is_none());
    if let Some(&player) = profile_records.teetime.last() {
        let (columns, row) = survival.record_index.at(player);
        let is_from_elsewhere = golden.handicap.is_some_and(|choice| choice.record != player);
        departures.note_if(Departure::HandicapDate, is_from_elsewhere && columns.handicap(row).is_none());
        departures.note_if(Departure::HomeClubKept, columns.home_club_id(row).is_none() && golden.home_club_name.is_some());
    }
}

/// Numbers of other systems; one that the profile lacks has no key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalIds<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mca_v1_za_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mca_v1_uk_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mca_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    golf_rsa_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cdh_id: Option<&'a str>,
    /// By their codes.
    #[serde(flatten)]
    benefits: BTreeMap<&'a str, &'a str>,
}

struct Writer<'a> {
    record_index: &'a RecordIndex,
    survival: &'a Survival<'a>,
    profiles: customer_profiles::Builder,
    provenance: field_provenance::Builder,
    display_name: String,
    json: JsonBuffer,
}

impl Writer<'_> {
    fn write(&mut self, profile: ProfileIx, golden: &Golden<'_>, flags: Flags) {
        let mut buffer = Uuid::encode_buffer();
        let id = &*self.record_index.id(profile).hyphenated().encode_lower(&mut buffer);
        let founder = self.record_index.founder(profile);
        self.write_provenance(id, founder, golden);
        let record = |choice: Option<Choice<RecordIx>>| choice.map(|choice| self.record_index.source_id(choice.value));
        self.display_name.clear();
        for name in [golden.first_name, golden.last_name].into_iter().flatten() {
            if !self.display_name.is_empty() {
                self.display_name.push(' ');
            }
            self.display_name.push_str(name.value.trim());
        }
        let display_name = self.display_name.trim();
        let tags: Vec<&str> = golden.tags.iter().map(|choice| choice.value).collect();
        self.profiles.push(customer_profiles::Row {
            id,
            tenant_id: self.record_index.tenant(profile),
            auth_user_id: text(golden.auth_user_id),
            email: text(golden.email),
            phone_number: text(golden.phone),
            scl_member_id: record(golden.scl_member),
            teetime_player_id: record(golden.player),
            messaging_contact_id: record(golden.contact),
            external_ids: self.json.write(&ExternalIds {
                mca_v1_za_id: text(golden.mca_v1_za_id),
                mca_v1_uk_id: text(golden.mca_v1_uk_id),
                mca_id: text(golden.mca_id),
                golf_rsa_id: text(golden.golf_rsa_id),
                cdh_id: text(golden.cdh_id),
                benefits: golden.benefits.iter().map(|(code, choice)| (*code, choice.value)).collect(),
            }),
            first_name: text(golden.first_name),
            last_name: text(golden.last_name),
            display_name: Some(display_name).filter(|name| !name.is_empty()),
            date_of_birth: golden.born_on.map(|choice| choice.value),
            gender: golden.gender.map_or(Gender::Unknown, |choice| choice.value),
            status: golden.status.map_or(CustomerStatus::Active, |choice| choice.value),
            lifecycle_stage: golden.lifecycle.map_or(LifecycleStage::Lead, |choice| choice.value),
            tags: TextList::Slice(&tags),
            handicap: golden.handicap.map(|choice| choice.value.0),
            handicap_updated_at: golden.handicap.and_then(|choice| choice.value.1),
            home_club_id: text(golden.home_club_id),
            home_club_name: text(golden.home_club_name),
            membership_status: text(golden.membership_status),
            membership_tier: text(golden.membership_tier),
            member_since: golden.member_since.map(|choice| choice.value),
            membership_expiry: None,
            email_opt_in: flags.email,
            sms_opt_in: flags.sms,
            push_opt_in: flags.push,
            whatsapp_opt_in: flags.whatsapp,
            source: self.record_index.source(founder).service(),
            first_seen_at: golden.first_seen_at.map_or(self.survival.options.as_of, |choice| choice.value),
        });
    }

    fn write_provenance(&mut self, profile_id: &str, founder: RecordIx, golden: &Golden<'_>) {
        fn part<V>(choice: Option<Choice<V>>) -> Option<(RecordIx, SurvivorshipRule, i32)> {
            choice.map(|choice| (choice.record, choice.rule, choice.lost))
        }
        let external = [golden.mca_v1_za_id, golden.mca_v1_uk_id, golden.mca_id, golden.golf_rsa_id, golden.cdh_id];
        let external_lost = external.iter().flatten().map(|choice| choice.lost).sum::<i32>();
        let external = external
            .into_iter()
            .flatten()
            .next()
            .or(golden.benefits.first().map(|(_, choice)| *choice))
            .map(|choice| (choice.record, SurvivorshipRule::Union, external_lost));
        let first_seen = part(golden.first_seen_at).or(Some((founder, SurvivorshipRule::AsOf, 0)));
        // By field name, as the dataset is sorted.
        let fields = [
            ("auth_user_id", part(golden.auth_user_id)),
            ("date_of_birth", part(golden.born_on)),
            ("email", part(golden.email)),
            ("external_ids", external),
            ("first_name", part(golden.first_name)),
            ("first_seen_at", first_seen),
            ("gender", part(golden.gender)),
            ("handicap", part(golden.handicap)),
            ("home_club_id", part(golden.home_club_id)),
            ("home_club_name", part(golden.home_club_name)),
            ("last_name", part(golden.last_name)),
            ("lifecycle_stage", part(golden.lifecycle)),
            ("member_since", part(golden.member_since)),
            ("membership_status", part(golden.membership_status)),
            ("membership_tier", part(golden.membership_tier)),
            ("messaging_contact_id", part(golden.contact)),
            ("phone_number", part(golden.phone)),
            ("scl_member_id", part(golden.scl_member)),
            ("status", part(golden.status)),
            ("tags", part(golden.tags.first().copied())),
            ("teetime_player_id", part(golden.player)),
        ];
        for (field, part) in fields {
            let Some((record, rule, lost_count)) = part else { continue };
            let source: Source = self.record_index.source(record);
            let source_id = self.record_index.source_id(record);
            self.provenance.push(field_provenance::Row { profile_id, field, source, source_id, rule: rule.code(), lost_count });
        }
    }
}
