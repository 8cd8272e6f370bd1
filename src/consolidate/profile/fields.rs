//! Survivorship: for every field of a profile the surviving value, and the record that it comes from.

use hashbrown::HashMap;

use foldhash::fast::FixedState;

use crate::consolidate::Options;
use crate::consolidate::consent::bounces::Bounces;
use crate::consolidate::consent::contact_points::{Address, Hubs, Identifiers};
use crate::consolidate::profile::contact_holders::{Carried, ContactHolders};
use crate::consolidate::profile::pick::{Choice, ProfileRecords, best, first};
use crate::consolidate::profile::record_index::RecordIndex;
use crate::consolidate::timeline::{LatestHandicaps, Signals};
use crate::model::{
    AliasType, Code as _, ContactChoice, CustomerStatus, Day, EMAIL_BOUNCED, Gender, Handicap, LifecycleStage, PHONE_BOUNCED,
    PRE_WHS, PhoneClass, ProfileIx, RecordIx, Source, StatusTag, SurvivorshipRule, Timestamp,
};
use crate::tables::stage::people;

/// The input of survivorship.
pub struct Survival<'a> {
    /// The settings.
    pub options: &'a Options,
    /// Records and profiles.
    pub record_index: &'a RecordIndex,
    /// Further identifiers.
    pub identifiers: &'a Identifiers,
    /// Over-shared contact points.
    pub hubs: &'a Hubs,
    /// Facts from the timeline: bounces and bookings.
    pub signals: &'a Signals,
    /// Contact points with a hard bounce.
    pub bounces: &'a Bounces,
    /// The latest valid handicap of each legacy member with a history.
    pub handicaps: &'a LatestHandicaps,
    /// Earliest joining of a club by SCL member.
    pub joined: &'a HashMap<RecordIx, Timestamp, FixedState>,
    /// The profile that may show each email and phone.
    pub holders: &'a ContactHolders,
    /// The profile that holds each subject of the identity provider.
    pub subjects: &'a crate::consolidate::profile::login_owners::Subjects,
}

/// The surviving values of a profile.
#[derive(Debug, Default)]
pub struct Golden<'a> {
    /// `authUserId`.
    pub auth_user_id: Option<Choice<&'a str>>,
    /// `email`.
    pub email: Option<Choice<&'a str>>,
    /// `phoneNumber`.
    pub phone: Option<Choice<&'a str>>,
    /// The current SCL member.
    pub scl_member: Option<Choice<RecordIx>>,
    /// The current player.
    pub player: Option<Choice<RecordIx>>,
    /// The current contact.
    pub contact: Option<Choice<RecordIx>>,
    /// `externalIds.mcaV1ZaId`.
    pub mca_v1_za_id: Option<Choice<&'a str>>,
    /// `externalIds.mcaV1UkId`.
    pub mca_v1_uk_id: Option<Choice<&'a str>>,
    /// `externalIds.mcaId`.
    pub mca_id: Option<Choice<&'a str>>,
    /// `externalIds.golfRsaId`.
    pub golf_rsa_id: Option<Choice<&'a str>>,
    /// `externalIds.cdhId`.
    pub cdh_id: Option<Choice<&'a str>>,
    /// Benefit providers' codes and numbers, by code.
    pub benefits: Vec<(&'a str, Choice<&'a str>)>,
    /// `firstName`.
    pub first_name: Option<Choice<&'a str>>,
    /// `lastName`.
    pub last_name: Option<Choice<&'a str>>,
    /// `dateOfBirth`.
    pub born_on: Option<Choice<Day>>,
    /// `gender`, unless unknown.
    pub gender: Option<Choice<Gender>>,
    /// `status`, if a membership system has one.
    pub status: Option<Choice<CustomerStatus>>,
    /// `lifecycleStage`.
    pub lifecycle: Option<Choice<LifecycleStage>>,
    /// `tags`, sorted: those of statuses, [`PRE_WHS`], [`EMAIL_BOUNCED`] and [`PHONE_BOUNCED`].
    pub tags: Vec<Choice<&'static str>>,
    /// `handicap` with its date.
    pub handicap: Option<Choice<(Handicap, Option<Timestamp>)>>,
    /// `homeClubId`.
    pub home_club_id: Option<Choice<&'a str>>,
    /// `homeClubName`.
    pub home_club_name: Option<Choice<&'a str>>,
    /// `membershipStatus`.
    pub membership_status: Option<Choice<&'a str>>,
    /// `membershipTier`.
    pub membership_tier: Option<Choice<&'a str>>,
    /// `memberSince`.
    pub member_since: Option<Choice<Timestamp>>,
    /// `firstSeenAt`; `None` where no record has a date.
    pub first_seen_at: Option<Choice<Timestamp>>,
    /// Whether the other setting of `survivorship.contact` would show another email or phone.
    pub contact_differs: bool,
    /// Whether the shown email or phone is shared, because there is no other.
    pub shows_shared: bool,
    /// Whether the person has died.
    pub is_deceased: bool,
}

impl<'a> Survival<'a> {
    /// Chooses every field of a profile.
    pub fn survive(&self, profile: ProfileIx, profile_records: &ProfileRecords) -> Golden<'a> {
        let mut golden = Golden::default();
        self.contacts(profile, profile_records, &mut golden);
        self.services(profile, profile_records, &mut golden);
        self.external_ids(profile_records, &mut golden);
        self.person(profile_records, &mut golden);
        self.standing(profile_records, &mut golden);
        self.tags(profile, profile_records, &mut golden);
        self.membership(profile_records, &mut golden);
        golden
    }

    fn get<V>(&self, record: RecordIx, column: impl Fn(&'a people::Columns, usize) -> Option<V>) -> std::option::IntoIter<V> {
        let (columns, row) = self.record_index.at(record);
        column(columns, row).into_iter()
    }

    fn contacts(&self, profile: ProfileIx, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        let founder = [self.record_index.founder(profile)];
        let email_is_ours = |email: &str| self.holders.may_show_email(self.record_index, profile, email);
        let phone_is_ours = |phone: &str| self.holders.may_show_phone(self.record_index, profile, phone);
        let founding_email = first(SurvivorshipRule::Founding, founder, |record| {
            self.get(record, people::Columns::email).filter(|email| email_is_ours(email))
        });
        let founding_phone = first(SurvivorshipRule::Founding, founder, |record| {
            self.get(record, people::Columns::phone).filter(|phone| phone_is_ours(phone))
        });
        let current_email = best(
            SurvivorshipRule::SourceOrder,
            self.ranked_emails(profile_records).into_iter().filter(|(_, _, email)| email_is_ours(email)),
        );
        let current_phone = best(
            SurvivorshipRule::SourceOrder,
            self.ranked_phones(profile_records).into_iter().filter(|(_, _, phone)| phone_is_ours(phone)),
        );
        let value = |choice: &Option<Choice<&'a str>>| choice.map(|choice| choice.value);
        golden.contact_differs =
            value(&founding_email) != value(&current_email) || value(&founding_phone) != value(&current_phone);
        (golden.email, golden.phone) = match self.options.contact {
            ContactChoice::Current => (current_email, current_phone),
            ContactChoice::Founding => (founding_email, founding_phone),
        };
        let is_shared = |choice: Option<Choice<&str>>, kind| {
            choice.is_some_and(|choice| self.is_shared(kind, choice.value, self.is_key(kind, choice.record)))
        };
        golden.shows_shared = is_shared(golden.email, Address::Email) || is_shared(golden.phone, Address::Phone);
    }

    /// Every email and phone of a profile's records, with the profile's rank as holder of it.
    pub fn carried_contacts(&self, profile: ProfileIx, profile_records: &ProfileRecords) -> (Vec<Carried<'a>>, Vec<Carried<'a>>) {
        let mut golden = Golden::default();
        self.contacts(profile, profile_records, &mut golden);
        let (email, phone) = (golden.email.map(|choice| choice.value), golden.phone.map(|choice| choice.value));
        let emails = self.ranked_emails(profile_records).into_iter().map(|((_, rank), record, value)| Carried {
            value,
            record,
            rank,
            is_chosen: Some(value) == email,
        });
        let phones = self.ranked_phones(profile_records).into_iter().map(|((_, _, rank), record, value)| Carried {
            value,
            record,
            rank,
            is_chosen: Some(value) == phone,
        });
        (emails.collect(), phones.collect())
    }

    fn is_key(&self, kind: Address, record: RecordIx) -> bool {
        let (columns, row) = self.record_index.at(record);
        match kind {
            Address::Email => columns.email_key(row).is_some(),
            Address::Phone => columns.phone_key(row).is_some(),
        }
    }

    /// Whether a value is a hub, a role email, or not a key. Such values are shown only if there is no other.
    fn is_shared(&self, kind: Address, value: &str, is_key: bool) -> bool {
        !is_key || self.hubs.has(kind, value)
    }

    fn ranked_emails(&self, profile_records: &ProfileRecords) -> Vec<((bool, u8), RecordIx, &'a str)> {
        let mut ranked = Vec::new();
        for record in profile_records.by_source_rank() {
            for email in self.get(record, people::Columns::email) {
                let is_shared = self.is_shared(Address::Email, email, self.is_key(Address::Email, record));
                ranked.push(((is_shared, self.source_rank(record, Address::Email)), record, email));
            }
        }
        ranked
    }

    fn ranked_phones(&self, profile_records: &ProfileRecords) -> Vec<((bool, bool, u8), RecordIx, &'a str)> {
        let mut ranked = Vec::new();
        for record in profile_records.by_source_rank() {
            for phone in self.get(record, people::Columns::phone) {
                let is_shared = self.is_shared(Address::Phone, phone, self.is_key(Address::Phone, record));
                let (columns, row) = self.record_index.at(record);
                let is_mobile = columns.phone_class(row) == Some(PhoneClass::Mobile);
                ranked.push(((is_shared, !is_mobile, self.source_rank(record, Address::Phone)), record, phone));
            }
        }
        ranked
    }

    fn source_rank(&self, record: RecordIx, kind: Address) -> u8 {
        match self.record_index.source(record) {
            Source::Scl => 0,
            Source::Messaging if !self.signals.is_bounced(record, kind) => 1,
            Source::Teetime => 2,
            Source::McaZa | Source::McaUk => 3,
            Source::Messaging => 4,
        }
    }

    fn services(&self, profile: ProfileIx, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        let current = |records: &[RecordIx]| first(SurvivorshipRule::Current, records.iter().copied(), std::iter::once);
        golden.scl_member = current(&profile_records.scl);
        golden.player = current(&profile_records.teetime);
        golden.contact = current(&profile_records.messaging);
        let subjects = profile_records.scl.iter().chain(&profile_records.messaging).copied();
        golden.auth_user_id = first(SurvivorshipRule::SourceOrder, subjects, |record| {
            self.get(record, people::Columns::auth_user_id).filter(|subject| self.subjects.holder(subject) == Some(profile))
        });
    }

    fn external_ids(&self, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        let of_source = |source: Source| {
            let members =
                profile_records.mca_current.iter().copied().filter(move |&record| self.record_index.source(record) == source);
            first(SurvivorshipRule::Current, members, |record| std::iter::once(self.record_index.source_id(record)))
        };
        golden.mca_v1_za_id = of_source(Source::McaZa);
        golden.mca_v1_uk_id = of_source(Source::McaUk);
        // The later phase wins: players before legacy members.
        let latest_first = || profile_records.teetime.iter().chain(&profile_records.mca_current).copied();
        golden.mca_id = first(SurvivorshipRule::MostRecent, latest_first(), |record| {
            self.get(record, people::Columns::mca_id).chain(self.further(record, AliasType::McaId))
        });
        golden.golf_rsa_id = first(SurvivorshipRule::MostRecent, latest_first(), |record| {
            self.get(record, people::Columns::golf_rsa_id).chain(self.further(record, AliasType::GolfRsaId))
        });
        golden.cdh_id = first(SurvivorshipRule::MostRecent, latest_first(), |record| {
            self.get(record, people::Columns::cdh_id).chain(self.further(record, AliasType::CdhId))
        });
        for &record in &profile_records.teetime {
            for benefit in self.identifiers.of(record).filter(|identifier| identifier.kind.is_none()) {
                match golden.benefits.iter_mut().find(|(code, _)| *code == benefit.code) {
                    Some((_, choice)) => choice.lost += i32::from(choice.value != benefit.value),
                    None => {
                        let choice = Choice { value: benefit.value, record, rule: SurvivorshipRule::Union, lost: 0 };
                        golden.benefits.push((benefit.code, choice));
                    }
                }
            }
        }
        golden.benefits.sort_by_key(|(code, _)| *code);
    }

    fn further(&self, record: RecordIx, kind: AliasType) -> impl Iterator<Item = &'a str> {
        let all = self.identifiers.of(record);
        all.filter(move |identifier| identifier.kind == Some(kind)).map(|identifier| identifier.value)
    }

    fn person(&self, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        let by_source = || profile_records.scl.iter().chain(&profile_records.mca).chain(&profile_records.teetime).copied();
        golden.first_name =
            first(SurvivorshipRule::SourceOrder, by_source(), |record| self.get(record, people::Columns::first_name));
        golden.last_name =
            first(SurvivorshipRule::SourceOrder, by_source(), |record| self.get(record, people::Columns::last_name));
        golden.born_on = self.born_on(profile_records);
        // Only legacy members have a gender column; elsewhere it would come from a title.
        golden.gender = first(SurvivorshipRule::FirstNonEmpty, profile_records.mca.iter().copied(), |record| {
            self.get(record, |columns, row| Some(columns.gender(row))).filter(|&gender| gender != Gender::Unknown)
        });
        golden.first_seen_at = {
            let earliest = |column: fn(&people::Columns, usize) -> Option<Timestamp>| {
                let dated = profile_records.all.iter().filter_map(|&record| {
                    let (columns, row) = self.record_index.at(record);
                    column(columns, row).map(|at| (at, record, at))
                });
                best(SurvivorshipRule::Min, dated)
            };
            earliest(people::Columns::created_at).or_else(|| earliest(people::Columns::updated_at))
        };
    }

    fn born_on(&self, profile_records: &ProfileRecords) -> Option<Choice<Day>> {
        let dates = |record: RecordIx| self.get(record, people::Columns::born_on);
        let count = |day: Day| profile_records.all.iter().flat_map(|&record| dates(record)).filter(|&other| other == day).count();
        let all = first(SurvivorshipRule::FirstNonEmpty, profile_records.all.iter().copied(), dates)?;
        let agreed = first(SurvivorshipRule::Agreed, profile_records.all.iter().copied(), |record| {
            dates(record).filter(|&day| count(day) > 1)
        });
        Some(agreed.map_or(all, |agreed| Choice { lost: all.lost, ..agreed }))
    }

    fn standing(&self, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        let members = || profile_records.scl.iter().chain(&profile_records.mca_current).copied();
        golden.is_deceased = members().any(|record| self.tag(record) == Some(StatusTag::Deceased));
        let status = members().flat_map(|record| {
            let is_deceased = self.tag(record) == Some(StatusTag::Deceased);
            let stated = self.get(record, people::Columns::status);
            stated.map(move |status| {
                let rank = if is_deceased { 0 } else { 1 + u8::from(status != CustomerStatus::Active) };
                (rank, record, if is_deceased { CustomerStatus::Inactive } else { status })
            })
        });
        golden.status = best(SurvivorshipRule::Restrictive, status);
        golden.lifecycle = best(
            SurvivorshipRule::Max,
            profile_records.all.iter().map(|&record| {
                let stage = self.stage(record);
                (std::cmp::Reverse(stage), record, stage)
            }),
        );
        let handicap = |record: RecordIx| {
            // The history is better than the member's row, which holds the latest entry even if that is not a valid handicap.
            let of_history = self.handicaps.of(record).map(|(value, at)| (value, Some(at)));
            let stated = || self.get(record, |columns, row| columns.handicap(row).map(|value| (value, columns.handicap_at(row))));
            of_history.or_else(|| stated().next()).into_iter()
        };
        golden.handicap = first(SurvivorshipRule::SourceOrder, profile_records.teetime.iter().copied(), handicap).or_else(|| {
            let dated = profile_records
                .mca
                .iter()
                .flat_map(|&record| handicap(record).map(move |(value, at)| (std::cmp::Reverse(at), record, (value, at))));
            best(SurvivorshipRule::MostRecent, dated)
        });
    }

    /// What else is known of the person; after contact points and handicap.
    fn tags(&self, profile: ProfileIx, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        for &record in &profile_records.all {
            if let Some(tag) = self.tag(record)
                && !golden.tags.iter().any(|choice| choice.value == tag.code())
            {
                golden.tags.push(Choice { value: tag.code(), record, rule: SurvivorshipRule::Union, lost: 0 });
            }
        }
        let whs_from = self.options.whs_from.get(self.record_index.tenant(profile));
        if let (Some(index), Some(whs_from)) = (golden.handicap, whs_from)
            && index.value.1.is_some_and(|at| at < *whs_from)
        {
            golden.tags.push(Choice { value: PRE_WHS, record: index.record, rule: SurvivorshipRule::Union, lost: 0 });
        }
        let tenant = self.record_index.tenant(profile);
        let shown = [(Address::Email, golden.email, EMAIL_BOUNCED), (Address::Phone, golden.phone, PHONE_BOUNCED)];
        for (kind, choice, tag) in shown {
            if let Some(choice) = choice.filter(|choice| self.bounces.has(kind, tenant, choice.value)) {
                golden.tags.push(Choice { value: tag, record: choice.record, rule: SurvivorshipRule::Union, lost: 0 });
            }
        }
        golden.tags.sort_by_key(|choice| choice.value);
    }

    fn membership(&self, profile_records: &ProfileRecords, golden: &mut Golden<'a>) {
        golden.home_club_id = first(SurvivorshipRule::SourceOrder, profile_records.teetime.iter().copied(), |record| {
            self.get(record, people::Columns::home_club_id)
        });
        let club_name = |record: RecordIx| self.get(record, people::Columns::home_club_name);
        golden.home_club_name = match golden.home_club_id {
            Some(club) => first(SurvivorshipRule::SourceOrder, [club.record], club_name),
            None => first(
                SurvivorshipRule::SourceOrder,
                profile_records.teetime.iter().chain(&profile_records.mca).copied(),
                club_name,
            ),
        };
        golden.membership_status = first(SurvivorshipRule::Current, profile_records.scl.iter().copied(), |record| {
            self.get(record, people::Columns::membership_status)
        });
        golden.membership_tier = first(SurvivorshipRule::Current, profile_records.scl.iter().take(1).copied(), |record| {
            self.get(record, people::Columns::membership_tier)
        });
        let joined = profile_records.scl.iter().filter_map(|record| self.joined.get(record).map(|&at| (at, *record, at)));
        golden.member_since = best(SurvivorshipRule::Min, joined).or_else(|| {
            let made = profile_records
                .scl
                .iter()
                .flat_map(|&record| self.get(record, people::Columns::created_at).map(move |at| (at, record, at)));
            best(SurvivorshipRule::Min, made)
        });
    }

    /// Whether a player's first booking, of any age, is known. Bookings count from the phase that loads them.
    fn booked_before(&self, columns: &people::Columns, row: usize) -> bool {
        self.options.has_timeline() && columns.first_booked_at(row).is_some_and(|at| at <= self.options.as_of)
    }

    fn tag(&self, record: RecordIx) -> Option<StatusTag> {
        let (columns, row) = self.record_index.at(record);
        columns.status_tag(row)
    }

    fn stage(&self, record: RecordIx) -> LifecycleStage {
        let (columns, row) = self.record_index.at(record);
        match self.record_index.source(record) {
            Source::McaZa | Source::McaUk => LifecycleStage::Customer,
            Source::Scl if columns.status(row) == Some(CustomerStatus::Active) => LifecycleStage::Member,
            Source::Scl => LifecycleStage::Customer,
            Source::Teetime if self.signals.has_booked(record) || self.booked_before(columns, row) => LifecycleStage::Customer,
            Source::Teetime => LifecycleStage::Prospect,
            Source::Messaging => LifecycleStage::Subscriber,
        }
    }
}

#[cfg(test)]
mod tests;
