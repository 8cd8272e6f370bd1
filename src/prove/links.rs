//! Checks links: each profile has one seed record, the records of each link share the values of its rule, and a profile shows ids
//! and contact points of its own records.

use rayon::prelude::*;

use crate::model::{AliasType, Code as _, LinkRule, ProfileIx, Source};
use crate::prove::{Finding, ProfilePlace, Profiles, ProofTally, RecordProfiles, hash, short};
use crate::tables::crm::identity_aliases;
use crate::tables::resolution::links;
use crate::tables::stage::{identifiers, people};

/// The check, column and alias type of each source's ids, in the order of [`Source::ALL`].
const SERVICES: [(&str, &str, AliasType); 5] = [
    ("mca_za_links", "mcaV1ZaId", AliasType::McaV1ZaId),
    ("mca_uk_links", "mcaV1UkId", AliasType::McaV1UkId),
    ("scl_member_links", "sclMemberId", AliasType::SclMemberId),
    ("teetime_player_links", "teetimePlayerId", AliasType::TeetimePlayerId),
    ("messaging_contact_links", "messagingContactId", AliasType::MessagingContactId),
];

/// Contact points and subject, by alias type.
const CONTACT_POINTS: [AliasType; 3] = [AliasType::Email, AliasType::Phone, AliasType::AuthUserId];

/// The highest confidence of a rule.
fn ceiling(rule: LinkRule) -> i32 {
    match rule {
        LinkRule::EmailPhone | LinkRule::NameDob => 99,
        LinkRule::Email | LinkRule::NearEmail => 95,
        LinkRule::Phone | LinkRule::NearPhone => 85,
        LinkRule::Skipped => 0,
        _ => 100,
    }
}

/// The kinds of values that two records linked by a rule must share; empty for rules that do not match equal values.
fn kinds(rule: LinkRule) -> &'static [SharedKind] {
    match rule {
        LinkRule::AuthUserId => &[SharedKind::AuthUserId],
        LinkRule::GolfRsaId => &[SharedKind::GolfRsaId],
        LinkRule::CdhId => &[SharedKind::CdhId],
        LinkRule::McaId => &[SharedKind::McaId],
        LinkRule::EmailPhone => &[SharedKind::Email, SharedKind::Phone],
        LinkRule::Email => &[SharedKind::Email],
        LinkRule::Phone => &[SharedKind::Phone],
        LinkRule::NameDob => &[SharedKind::NamePart, SharedKind::FullName],
        _ => &[],
    }
}

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SharedKind {
    Email,
    Phone,
    GolfRsaId,
    CdhId,
    McaId,
    AuthUserId,
    /// One part of a name, or the whole birth date if each part may have a typing error.
    NamePart,
    /// The full name if a birth date is missing, or half of the date: a typing error changes the year or the day, and 1 January may
    /// stand for any day of its year.
    FullName,
}

/// Bits of a piece of evidence for its kind.
const KIND_BITS: u32 = 3;

/// The form in which identifiers and names are compared: letters and digits, without case, blanks, punctuation and leading zeros.
fn plain(value: &str) -> String {
    let letters: String = value.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    letters.trim_start_matches('0').to_owned()
}

/// A record and a value of it: the kind in the highest bits, the rest a hash, in two halves.
type Value = (ProfilePlace, u32, u32);

/// The values that linked records share, collected from the staged people: per record the values behind its links.
pub struct LinkEvidence<'a> {
    records: &'a RecordProfiles,
    /// The needed kinds of each record, one bit each.
    wanted: Vec<u8>,
    shared: Vec<Value>,
}

impl<'a> LinkEvidence<'a> {
    /// Without needed values.
    pub fn new(records: &'a RecordProfiles) -> Self {
        Self { records, wanted: vec![0; records.len()], shared: Vec::new() }
    }

    /// Adds a batch of links, which determine the needed values. Must come before people.
    pub fn want(&mut self, columns: &links::Columns) {
        for row in columns.rows() {
            let bits = kinds(row.rule).iter().fold(0, |bits, kind| bits | 1 << *kind as u8);
            let Some((source, id)) = row.matched_source.zip(row.matched_source_id).filter(|_| bits != 0) else { continue };
            for record in [self.records.find(row.source, row.source_id), self.records.find(source, id)].into_iter().flatten() {
                self.wanted[record as usize] |= bits;
            }
        }
    }

    fn is_wanted(&self, record: ProfilePlace, kind: SharedKind) -> bool {
        self.wanted[record as usize] >> kind as u8 & 1 == 1
    }

    fn note(&mut self, record: ProfilePlace, kind: SharedKind, value: &str) {
        if !value.is_empty() {
            let value = hash(value) >> KIND_BITS | (kind as u64) << (64 - KIND_BITS);
            self.shared.push((record, (value >> 32) as u32, value as u32));
        }
    }

    fn note_plain(&mut self, record: ProfilePlace, kind: SharedKind, value: Option<&str>) {
        if let Some(value) = value.filter(|_| self.is_wanted(record, kind)) {
            self.note(record, kind, &plain(value));
        }
    }

    /// Adds a batch of people with their positions.
    pub fn add_people(&mut self, source: Source, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        for (row, record) in columns.rows().zip(places) {
            let Some(record) = record.filter(|record| self.wanted[*record as usize] != 0) else { continue };
            let exact = [
                (SharedKind::Email, row.email_key),
                (SharedKind::Phone, row.phone_key),
                (SharedKind::AuthUserId, row.auth_user_id),
            ];
            for (kind, value) in exact.into_iter().filter_map(|(kind, value)| Some((kind, value?))) {
                if self.is_wanted(record, kind) {
                    self.note(record, kind, value);
                }
            }
            let own_number = (source.people() == "members" && source != Source::Scl).then_some(row.source_id);
            self.note_plain(record, SharedKind::GolfRsaId, row.golf_rsa_id);
            self.note_plain(record, SharedKind::CdhId, row.cdh_id);
            self.note_plain(record, SharedKind::McaId, row.mca_id);
            self.note_plain(record, SharedKind::McaId, own_number);
            if self.is_wanted(record, SharedKind::NamePart) {
                for name in [row.first_key, row.last_key].into_iter().flatten() {
                    self.note(record, SharedKind::NamePart, &plain(name));
                    for part in name.split(' ').filter(|part| part.len() > 1) {
                        self.note(record, SharedKind::NamePart, &plain(part));
                    }
                }
                if let (Some(first), Some(last)) = (row.first_key.map(plain), row.last_key.map(plain)) {
                    // Given and family name may be swapped.
                    self.note(record, SharedKind::FullName, &format!("{} {}", (&first).min(&last), (&first).max(&last)));
                }
                // A date that no living person can have is compared as written.
                let born = row.born_on.map_or_else(|| row.born_raw.unwrap_or_default().to_owned(), |day| day.to_string());
                let digits: String = born.chars().filter(char::is_ascii_digit).collect();
                self.note(record, SharedKind::NamePart, &digits);
                for half in digits.split_at_checked(4).map_or([""; 2], |(year, day)| [year, day]) {
                    self.note(record, SharedKind::FullName, half);
                }
            }
        }
    }

    /// Adds a batch of further identifiers.
    pub fn add_identifiers(&mut self, source: Source, columns: &identifiers::Columns) {
        for row in columns.rows().filter(|row| row.is_key) {
            let Some(record) = self.records.find(source, row.source_id) else { continue };
            let (kind, is_plain) = match row.kind {
                Some(AliasType::Email) => (SharedKind::Email, false),
                Some(AliasType::Phone) => (SharedKind::Phone, false),
                Some(AliasType::AuthUserId) => (SharedKind::AuthUserId, false),
                Some(AliasType::GolfRsaId) => (SharedKind::GolfRsaId, true),
                Some(AliasType::CdhId) => (SharedKind::CdhId, true),
                Some(AliasType::McaId) => (SharedKind::McaId, true),
                _ => continue,
            };
            if is_plain {
                self.note_plain(record, kind, Some(row.value));
            } else if self.is_wanted(record, kind) {
                self.note(record, kind, row.value);
            }
        }
    }

    /// Sorts the collected values for comparison. Must come after people and identifiers.
    pub fn settle(&mut self) {
        self.shared.par_sort_unstable();
        self.shared.dedup();
    }

    fn of(&self, record: Option<ProfilePlace>) -> &[Value] {
        let Some(record) = record else { return &[] };
        let from = self.shared.partition_point(|(known, ..)| *known < record);
        let count = self.shared[from..].iter().take_while(|(known, ..)| *known == record).count();
        &self.shared[from..from + count]
    }

    /// Whether the two records of a link share what its rule says; `None` for a rule that compares rather than matches.
    fn holds(&self, row: &links::Row<'_>, mine: Option<ProfilePlace>) -> Option<bool> {
        let kinds = kinds(row.rule);
        let (source, id) = row.matched_source.zip(row.matched_source_id).filter(|_| !kinds.is_empty())?;
        let (mine, theirs) = (self.of(mine), self.of(self.records.find(source, id)));
        let share = |kind: &SharedKind| {
            let of_kind = |(_, high, _): &&Value| high >> (32 - KIND_BITS) == *kind as u32;
            mine.iter().filter(of_kind).any(|(_, high, low)| theirs.iter().any(|(_, a, b)| (high, low) == (a, b)))
        };
        Some(kinds.iter().all(share))
    }
}

fn name(source: Source, id: &str) -> String {
    format!("{source}:{id}")
}

/// Counts over links, profiles and aliases.
pub struct Links<'a> {
    profiles: &'a Profiles,
    records: &'a RecordProfiles,
    /// Whether a profile may hold records of several tenants.
    is_global: bool,
    /// Number of seed records of each profile, and whether one is of the profile's source.
    founders: Vec<(u8, bool)>,
    /// Sources of each profile's records, as bits.
    sources: Vec<u8>,
    /// Bits of the sources whose id on the profile belongs to one of its records.
    owned: Vec<u8>,
    /// Contact points that are confirmed by a record of the profile or by a primary alias, as bits.
    carried: Vec<u8>,
    primary: Vec<u8>,
    confidence: Vec<ProofTally>,
    evidence: Vec<ProofTally>,
    tenants: ProofTally,
    alias_tenants: ProofTally,
    homeless: ProofTally,
    odd_aliases: Vec<ProofTally>,
    /// Records that are an alias of their profile, one bit each.
    aliased: Vec<u64>,
    lacking: Vec<ProofTally>,
    wrong_primaries: Vec<ProofTally>,
}

impl<'a> Links<'a> {
    /// Empty.
    pub fn new(profiles: &'a Profiles, records: &'a RecordProfiles, is_global: bool) -> Self {
        let count = profiles.all().len();
        let tallies = |count: usize| vec![ProofTally::default(); count];
        Self {
            profiles,
            records,
            is_global,
            founders: vec![(0, false); count],
            sources: vec![0; count],
            owned: vec![0; count],
            carried: vec![0; count],
            primary: vec![0; count],
            confidence: tallies(LinkRule::ALL.len()),
            evidence: tallies(LinkRule::ALL.len()),
            tenants: ProofTally::default(),
            alias_tenants: ProofTally::default(),
            homeless: ProofTally::default(),
            odd_aliases: tallies(SERVICES.len()),
            aliased: vec![0; records.len().div_ceil(64)],
            lacking: tallies(SERVICES.len()),
            wrong_primaries: tallies(CONTACT_POINTS.len()),
        }
    }

    /// Adds a batch of links.
    pub fn add_links(&mut self, columns: &links::Columns) {
        for row in columns.rows() {
            let Some(id) = row.profile_id else { continue };
            let record = || name(row.source, row.source_id);
            self.confidence[row.rule as usize].look((0..=ceiling(row.rule)).contains(&row.confidence), record);
            let found = self.profiles.find(id);
            self.homeless.look(found.is_some(), record);
            let Some(profile) = found else { continue };
            self.tenants.look(row.tenant_id == Some(self.profiles.tenant(profile)), record);
            self.sources[profile.index()] |= 1 << row.source as u8;
            let shown = self.profiles.get(profile).service_ids[row.source as usize];
            if shown == Some(short(row.source_id)) {
                self.owned[profile.index()] |= 1 << row.source as u8;
            }
            if row.rule == LinkRule::Founder {
                let (count, is_named) = &mut self.founders[profile.index()];
                *count = count.saturating_add(1);
                *is_named |= self.profiles.get(profile).source == Some(row.source);
            }
        }
    }

    /// Adds a batch of people with their positions: the values that their profiles show, and their tenants.
    pub fn add_people(&mut self, source: Source, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        for (row, record) in columns.rows().zip(places) {
            let Some(profile) = record.map(|record| self.records.at(record)) else { continue };
            let is_at_home = self.is_global || row.tenant_id.is_none_or(|tenant| tenant == self.profiles.tenant(profile));
            self.tenants.look(is_at_home, || name(source, row.source_id));
            for (place, value) in [row.email, row.phone, row.auth_user_id].into_iter().enumerate() {
                self.carry(profile, place, value);
            }
        }
    }

    /// Adds a batch of further identifiers.
    pub fn add_identifiers(&mut self, source: Source, columns: &identifiers::Columns) {
        for row in columns.rows() {
            let place = CONTACT_POINTS.iter().position(|kind| row.kind == Some(*kind));
            if let Some((place, profile)) = place.zip(self.records.profile(source, row.source_id)) {
                self.carry(profile, place, Some(row.value));
            }
        }
    }

    fn carry(&mut self, profile: ProfileIx, place: usize, value: Option<&str>) {
        if value.is_some() && self.profiles.get(profile).contact_points[place] == value.map(short) {
            self.carried[profile.index()] |= 1 << place;
        }
    }

    /// Adds a batch of aliases.
    pub fn add_aliases(&mut self, columns: &identity_aliases::Columns) {
        for row in columns.rows() {
            let Some(profile) = self.profiles.find(row.customer_id) else {
                self.homeless.look(false, || row.id.to_owned());
                continue;
            };
            self.alias_tenants.look(row.tenant_id == self.profiles.tenant(profile), || row.id.to_owned());
            if let Some(service) = SERVICES.iter().position(|(.., kind)| *kind == row.alias_type) {
                let source = Source::ALL[service];
                let linked = self.records.find(source, row.value).filter(|record| self.records.at(*record) == profile);
                self.odd_aliases[service].look(linked.is_some(), || row.value.to_owned());
                if let Some(record) = linked {
                    self.aliased[record as usize / 64] |= 1 << (record % 64);
                }
            }
            let place = CONTACT_POINTS.iter().position(|kind| *kind == row.alias_type);
            if let Some(place) = place.filter(|_| row.is_primary) {
                let is_shown = self.profiles.get(profile).contact_points[place] == Some(short(row.value));
                self.wrong_primaries[place].look(is_shown, || row.customer_id.to_owned());
                if is_shown {
                    self.primary[profile.index()] |= 1 << place;
                }
            }
        }
    }

    /// Checks the links after people and aliases: the shared values, and that each record is an alias of its profile.
    pub fn judge(&mut self, columns: &links::Columns, evidence: &LinkEvidence<'_>) {
        for row in columns.rows() {
            let record = self.records.find(row.source, row.source_id);
            if let Some(is_right) = evidence.holds(&row, record) {
                self.evidence[row.rule as usize].look(is_right, || name(row.source, row.source_id));
            }
            if let Some(record) = record {
                let is_aliased = self.aliased[record as usize / 64] >> (record % 64) & 1 == 1;
                self.lacking[row.source as usize].look(is_aliased, || row.source_id.to_owned());
            }
        }
    }

    /// The findings.
    pub fn finish(mut self) -> Vec<Finding> {
        let mut findings = self.numbers();
        let (mut one, mut named) = (ProofTally::default(), ProofTally::default());
        let (mut shown, mut shown_nobody) =
            (vec![ProofTally::default(); SERVICES.len()], vec![ProofTally::default(); SERVICES.len()]);
        let (mut carried, mut primary) = (vec![ProofTally::default(); 3], std::mem::take(&mut self.wrong_primaries));
        let mut unlinked = ProofTally::default();
        for (place, profile) in self.profiles.all().iter().enumerate() {
            let ix = ProfileIx::at(place);
            let id = || self.profiles.id(ix);
            let (founders, is_named) = self.founders[place];
            one.look(founders == 1, id);
            named.look(is_named, id);
            unlinked.look(self.sources[place] != 0, id);
            for service in 0..SERVICES.len() {
                let has_records = self.sources[place] >> service & 1 == 1;
                if has_records {
                    shown_nobody[service].look(profile.service_ids[service].is_some(), id);
                }
                if profile.service_ids[service].is_some() {
                    shown[service].look(self.owned[place] >> service & 1 == 1, id);
                }
            }
            for (kind, value) in profile.contact_points.iter().enumerate() {
                if value.is_some() {
                    carried[kind].look(self.carried[place] >> kind & 1 == 1, id);
                    primary[kind].look(self.primary[place] >> kind & 1 == 1, id);
                }
            }
        }
        findings.push(self.homeless.finding("profile_total", "people without their profile"));
        findings.push(unlinked.finding("profile_total", "profiles without records"));
        findings.push(one.finding("founders", "profiles without exactly one seed record"));
        findings.push(named.finding("founders", "profiles whose source is not their seed record's"));
        findings.push(self.tenants.finding("one_tenant", "records linked to a profile of another tenant"));
        findings.push(self.alias_tenants.finding("one_tenant", "aliases of another tenant than their profile's"));
        for (rule, (evidence, confidence)) in LinkRule::ALL.iter().zip(self.evidence.into_iter().zip(self.confidence)) {
            if !kinds(*rule).is_empty() {
                findings.push(evidence.finding("link_evidence", format!("{rule} links whose two records do not share it")));
            }
            if *rule != LinkRule::Skipped {
                findings.push(confidence.finding("link_confidence", format!("{rule} links above the ceiling of their rule")));
            }
        }
        let services = SERVICES.iter().zip(self.odd_aliases).zip(self.lacking).zip(shown.into_iter().zip(shown_nobody));
        for ((((check, column, _), odd), lacking), (shown, nobody)) in services {
            findings.push(shown.finding(check, format!("{column} that is not a linked row")));
            findings.push(lacking.finding(check, "linked rows without an alias"));
            findings.push(odd.finding(check, "aliases that are not a linked row"));
            findings.push(nobody.finding(check, "profiles with linked rows that show none"));
        }
        for ((kind, carried), primary) in CONTACT_POINTS.iter().zip(carried).zip(primary) {
            findings.push(carried.finding("own_addresses", format!("{kind} shown that no linked record carries")));
            findings.push(primary.finding("own_addresses", format!("{kind} shown that is not the primary alias")));
        }
        findings
    }

    /// The strategy's six numbers, computed from the links and from the profiles.
    fn numbers(&self) -> Vec<Finding> {
        let linked = self.sources.iter().filter(|sources| **sources != 0).count() as u64;
        let by_link = |wanted: &[Source]| {
            let bits = wanted.iter().fold(0, |bits, source| bits | 1 << *source as u8);
            self.sources.iter().filter(|sources| **sources & bits == bits && **sources != 0).count() as u64
        };
        let by_profile = |wanted: &[Source]| {
            let shows = |profile: &&crate::prove::profiles::ShownProfile| {
                wanted.iter().all(|source| profile.service_ids[*source as usize].is_some())
            };
            self.profiles.all().iter().filter(shows).count() as u64
        };
        let (scl, teetime, messaging) = (Source::Scl, Source::Teetime, Source::Messaging);
        let groups: [(&str, &[Source]); 6] = [
            ("total", &[]),
            ("has_scl", &[scl]),
            ("has_teetime", &[teetime]),
            ("has_messaging", &[messaging]),
            ("scl_and_teetime", &[scl, teetime]),
            ("all_three", &[scl, teetime, messaging]),
        ];
        let six = groups.map(|(item, wanted)| Finding::numbers("cross_service_links", item, by_link(wanted), by_profile(wanted)));
        std::iter::once(Finding::numbers("profile_total", "profiles", linked, self.profiles.all().len() as u64))
            .chain(six)
            .collect()
    }
}
