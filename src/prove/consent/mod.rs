//! Checks of consent: the rows and flags of every profile are decided a second time from the staged evidence.
//!
//! About 24 bytes are kept for each evidence entry while contacts are read, and afterwards for each channel and scope of a
//! contact.

mod expected;
mod reach;
mod weigh;

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::email::EmailReader;
use crate::model::reference::{ChannelWord, Junk};
use crate::model::{Channel, Code as _, MessageKind, Numbering, ProfileIx, Reasons, Source, StatusTag, Timestamp};
use crate::prove::{Finding, ProfilePlace, Profiles, RecordProfiles, Short, hash, short};
use crate::tables::crm::{customer_profiles, marketing_consents};
use crate::tables::stage::{consents, identifiers, messages, people};

use expected::{ExpectedRows, OwnUnit, ReachedProfile};
use reach::{RecordedWithdrawal, Spoken, WithdrawalReach};
use weigh::{StagedStatement, StatementKind, decide};

/// The scope that covers every scope of a channel.
const ALL: &str = "all";
/// The scope of messages that need no marketing consent.
const TRANSACTIONAL: &str = "transactional";
/// The entity of staged consents that log changes.
const LOGGED: &str = "consent_changes";

/// The settings that decide consent.
#[derive(Clone, Debug)]
pub struct ConsentRules<'a> {
    /// The as-of time; nothing counts from later.
    pub as_of: Timestamp,
    /// Tenant of contacts whose tenant is not known.
    pub default_tenant: &'a str,
    /// Whether a contact's true flag alone is consent.
    pub is_flag_enough: bool,
    /// Whether a false flag withdraws consent.
    pub is_false_flag_withdrawal: bool,
    /// Whether a withdrawal holds in every tenant.
    pub is_suppression_global: bool,
    /// When loads first recorded each withdrawal without a date, by its evidence key.
    pub recorded: HashMap<String, Timestamp, FixedState>,
}

impl ConsentRules<'_> {
    /// From when evidence without a date counts.
    fn undated(&self, key: &str) -> Timestamp {
        self.recorded.get(key).map_or(self.as_of, |&at| at.min(self.as_of))
    }

    /// When a load first recorded the false flag of a contact.
    fn first_recorded(&self, contact: &str, channel: Channel) -> Option<Timestamp> {
        self.recorded.get(&format!("contacts:{contact}:{channel}")).copied()
    }
}

/// A withdrawal that an earlier load left in the CRM.
#[derive(Clone, Copy, Debug)]
pub struct LeftWithdrawal<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The channel.
    pub channel: Channel,
    /// The email or phone.
    pub address: &'a str,
    /// The scope.
    pub scope: &'a str,
    /// When it was withdrawn (UTC).
    pub revoked_at: Option<Timestamp>,
    /// Only an explicit action later than this lifts it (UTC); as_of if it is not known.
    pub lifted_after: Option<Timestamp>,
}

/// The consent of one profile, a bit for each channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileConsent {
    /// Its email and phone in the form for comparison.
    addresses: [Option<Short>; 2],
    /// Flags of the dataset.
    is_on: u8,
    /// Consent to the address that it shows.
    is_given: u8,
    /// Withdrawals.
    is_refused: u8,
    is_deceased: bool,
}

impl ProfileConsent {
    /// What a batch of profiles shows.
    pub fn each_of(columns: &customer_profiles::Columns) -> impl Iterator<Item = Self> + '_ {
        columns.rows().map(|row| {
            let flags = [
                (Channel::Email, row.email_opt_in),
                (Channel::Sms, row.sms_opt_in),
                (Channel::Push, row.push_opt_in),
                (Channel::Whatsapp, row.whatsapp_opt_in),
            ];
            ProfileConsent {
                addresses: [row.email.map(|email| short(&mailbox(email))), row.phone_number.map(short)],
                is_on: flags.iter().filter(|(_, is_on)| *is_on).fold(0, |bits, (channel, _)| bits | bit(*channel)),
                ..ProfileConsent::default()
            }
        })
    }
}

/// Checks the consent of every profile.
pub struct ConsentProof<'a> {
    profiles: &'a Profiles,
    records: &'a RecordProfiles,
    rules: ConsentRules<'a>,
    scopes: Numbering,
    statements: Vec<StagedStatement>,
    /// Contacts with a flag that cannot be read.
    unreadable: HashMap<u64, Vec<Channel>, FixedState>,
    shown: Vec<ProfileConsent>,
    spoken: Vec<Spoken>,
    reach: WithdrawalReach,
    own: Vec<OwnUnit>,
    reached: Vec<ReachedProfile>,
    rows: ExpectedRows,
}

impl<'a> ConsentProof<'a> {
    /// Without evidence; `shown` are the profiles in the order of [`Profiles`].
    pub fn new(profiles: &'a Profiles, records: &'a RecordProfiles, rules: ConsentRules<'a>, shown: Vec<ProfileConsent>) -> Self {
        let mut scopes = Numbering::default();
        // Their numbers are constants.
        for scope in [ALL, TRANSACTIONAL] {
            scopes.number(scope);
        }
        Self {
            profiles,
            records,
            rules,
            scopes,
            statements: Vec::new(),
            unreadable: HashMap::default(),
            shown,
            spoken: Vec::new(),
            reach: WithdrawalReach::default(),
            own: Vec::new(),
            reached: Vec::new(),
            rows: ExpectedRows::default(),
        }
    }

    /// Adds a batch of preferences and logged changes.
    pub fn add_consents(&mut self, columns: &consents::Columns) {
        for row in columns.rows() {
            let Some(channel) = row.channel else { continue };
            let is_logged = row.entity == LOGGED;
            let undated =
                (row.is_undated && !row.is_grant).then(|| self.rules.undated(&format!("{}:{}", row.entity, row.row_id)));
            let kind = match (is_logged, row.is_grant) {
                (true, true) if row.is_act && !row.is_undated => StatementKind::Act,
                (true, true) => StatementKind::Grant,
                (true, false) => StatementKind::OptOut,
                (false, true) => StatementKind::PreferredGrant,
                (false, false) => StatementKind::PreferredOptOut,
            };
            let stated = if kind == StatementKind::PreferredOptOut { row.at.max(row.changed_at) } else { row.at };
            let (contact, scope, at) = (hash(row.source_id), self.scopes.number(row.scope), undated.unwrap_or(stated));
            self.statements.push(StagedStatement { contact, channel, scope, kind, at });
        }
    }

    /// Adds a batch of messages, of which spam complaints count.
    pub fn add_messages(&mut self, columns: &messages::Columns) {
        for row in columns.rows().filter(|row| row.kind == MessageKind::Complained) {
            let made_at = row.created_at.map(|at| at.min(self.rules.as_of));
            let at = made_at.unwrap_or_else(|| self.rules.undated(&format!("messages:{}", row.row_id)));
            for &channel in row.channel.map_or(ChannelWord::All, ChannelWord::One).consent() {
                let (contact, scope, kind) = (hash(row.source_id), self.scopes.number(ALL), StatementKind::Complaint);
                self.statements.push(StagedStatement { contact, channel, scope, kind, at });
            }
        }
    }

    /// Adds a contact whose flag of a channel cannot be read.
    pub fn add_unreadable_flag(&mut self, contact: &str, channel: Channel) {
        self.unreadable.entry(hash(contact)).or_default().push(channel);
    }

    /// Adds a withdrawal of an earlier load.
    pub fn add_left(&mut self, left: LeftWithdrawal<'_>) {
        let key = address_key(self.reach_of(left.tenant), left.channel, &address(left.channel, left.address));
        let scope = self.scopes.number(left.scope);
        let lifted_after = left.lifted_after.unwrap_or(self.rules.as_of);
        self.reach.record(RecordedWithdrawal { key, scope, revoked_at: left.revoked_at, lifted_after });
    }

    /// Sorts the evidence; before the first contact.
    pub fn settle_evidence(&mut self) {
        use rayon::prelude::*;
        self.statements.par_sort_unstable();
        self.reach.sort_recorded();
    }

    /// Adds a batch of contacts with the place of each.
    pub fn add_contacts(&mut self, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        let statements = std::mem::take(&mut self.statements);
        for (row, place) in columns.rows().zip(places) {
            let contact = hash(row.source_id);
            let from = statements.partition_point(|said| said.contact < contact);
            let length = statements[from..].iter().take_while(|said| said.contact == contact).count();
            self.add_contact(&row, contact, place.map(|place| self.records.at(place)), &statements[from..from + length]);
        }
        self.statements = statements;
    }

    fn add_contact(&mut self, row: &people::Row<'_>, contact: u64, profile: Option<ProfileIx>, said: &[StagedStatement]) {
        let undated = |channel| self.rules.undated(&format!("contacts:{}:{channel}", row.source_id));
        let mut said = Cow::Borrowed(said);
        if let Some(channels) = self.unreadable.get(&contact) {
            let (scope, kind) = (0, StatementKind::UnreadableFlag);
            let at = |channel| row.updated_at.map_or_else(|| undated(channel), |at| at.min(self.rules.as_of));
            let unreadable = channels.iter().map(|&channel| StagedStatement { contact, channel, scope, kind, at: at(channel) });
            said.to_mut().extend(unreadable);
            said.to_mut().sort_unstable();
        }
        let flags = [(Channel::Email, row.email_opt_in), (Channel::Sms, row.sms_opt_in)];
        let first_recorded = || flags.iter().filter_map(|(channel, _)| self.rules.first_recorded(row.source_id, *channel)).max();
        let flagged_at = row.updated_at.or_else(first_recorded).map_or(self.rules.as_of, |at| at.min(self.rules.as_of));
        let of_profile = || profile.map(|profile| self.profiles.tenant(profile));
        let reach = self.reach_of(row.tenant_id.or_else(of_profile).unwrap_or(self.rules.default_tenant));
        let is_shown = |shown: &ProfileConsent, channel| match channel {
            Channel::Push => true,
            Channel::Email => row.email.is_some_and(|email| shown.addresses[0] == Some(short(&mailbox(email)))),
            Channel::Sms | Channel::Whatsapp => row.phone.is_some_and(|phone| shown.addresses[1] == Some(short(phone))),
        };
        for unit in said.chunk_by(|a, b| (a.channel, a.scope) == (b.channel, b.scope)) {
            let (channel, scope) = (unit[0].channel, unit[0].scope);
            let is_marketing = scope != expected::TRANSACTIONAL;
            let is_flag_false = flags.contains(&(channel, Some(false)));
            let withdraws = self.rules.is_false_flag_withdrawal && is_marketing && is_flag_false;
            let Some(decided) = decide(unit, withdraws.then_some(flagged_at)) else { continue };
            if let Some(profile) = profile {
                self.own.push(OwnUnit { profile, channel, scope, decided });
                let shown = &mut self.shown[profile.index()];
                if is_marketing && decided.is_refused {
                    shown.is_refused |= bit(channel);
                } else if is_marketing && is_shown(shown, channel) {
                    shown.is_given |= bit(channel);
                }
            }
            let spoken = Spoken { contact, reach, profile, channel, scope, may_lift: row.deleted_at.is_none(), decided };
            if self.reach.concerns(&spoken) {
                let of_channel = if channel == Channel::Email { row.email } else { row.phone };
                if let Some(value) = of_channel.filter(|_| channel != Channel::Push) {
                    self.reach.add(address_key(reach, channel, &address(channel, value)), &spoken);
                }
                self.spoken.push(spoken);
            }
        }
        if let Some(profile) = profile.filter(|_| self.rules.is_flag_enough) {
            let shown = &mut self.shown[profile.index()];
            for (channel, _) in flags.into_iter().filter(|(_, flag)| *flag == Some(true)) {
                if is_shown(shown, channel) {
                    shown.is_given |= bit(channel);
                }
            }
        }
    }

    /// After the last contact: lets go of the evidence.
    pub fn settle_contacts(&mut self) {
        self.statements = Vec::new();
        self.spoken.sort_by_key(|spoken| spoken.contact);
    }

    /// Adds a batch of further identifiers of contacts.
    pub fn add_contact_identifiers(&mut self, columns: &identifiers::Columns) {
        for row in columns.rows() {
            let contact = hash(row.source_id);
            let from = self.spoken.partition_point(|spoken| spoken.contact < contact);
            for spoken in self.spoken[from..].iter().take_while(|spoken| spoken.contact == contact) {
                if channels_of(&row).contains(&spoken.channel) {
                    let key = address_key(spoken.reach, spoken.channel, &address(spoken.channel, row.value));
                    self.reach.add(key, spoken);
                }
            }
        }
    }

    /// After the last contact's identifiers: makes withdrawals findable by address.
    pub fn settle_withdrawals(&mut self) {
        self.spoken = Vec::new();
        self.reach.settle();
    }

    /// Adds a batch of people of any source with the place of each.
    pub fn add_people(&mut self, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        for (row, place) in columns.rows().zip(places) {
            let Some(profile) = place.map(|place| self.records.at(place)) else { continue };
            self.shown[profile.index()].is_deceased |= row.status_tag == Some(StatusTag::Deceased);
            if let Some(email) = row.email {
                self.carry(profile, &[Channel::Email], email);
            }
            if let Some(phone) = row.phone {
                self.carry(profile, &[Channel::Sms, Channel::Whatsapp], phone);
            }
        }
    }

    /// Adds a batch of further identifiers of people of a source.
    pub fn add_identifiers(&mut self, source: Source, columns: &identifiers::Columns) {
        for row in columns.rows() {
            let channels = channels_of(&row);
            if let Some(profile) = self.records.profile(source, row.source_id).filter(|_| !channels.is_empty()) {
                self.carry(profile, channels, row.value);
            }
        }
    }

    /// A profile has an address: what others withdrew for it applies.
    fn carry(&mut self, profile: ProfileIx, channels: &[Channel], value: &str) {
        let reach = self.reach_of(self.profiles.tenant(profile));
        for &channel in channels {
            let key = address_key(reach, channel, &address(channel, value));
            let (shown, reached) = (&mut self.shown[profile.index()], &mut self.reached);
            self.reach.each_by_others(key, profile, |kind, revoked_at| {
                if kind.scope != expected::TRANSACTIONAL {
                    shown.is_refused |= bit(channel);
                }
                reached.push(ReachedProfile { profile, channel, kind, revoked_at });
            });
        }
    }

    /// After the last person: decides which rows there must be.
    pub fn settle_people(&mut self) {
        self.rows = ExpectedRows::of(std::mem::take(&mut self.own), std::mem::take(&mut self.reached));
    }

    /// Adds a batch of the consents of the dataset.
    pub fn add_rows(&mut self, columns: &marketing_consents::Columns) {
        for row in columns.rows() {
            let scope = self.scopes.number(row.scope);
            self.rows.look(self.profiles.find(row.customer_id), scope, &row);
        }
    }

    /// The findings.
    pub fn finish(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for &channel in Channel::ALL {
            let (mut wrongly_on, mut wrongly_off) = (crate::prove::ProofTally::default(), crate::prove::ProofTally::default());
            for (index, shown) in self.shown.iter().enumerate() {
                let is_on = shown.is_on & bit(channel) != 0;
                let should_be_on = shown.is_given & !shown.is_refused & bit(channel) != 0 && !shown.is_deceased;
                let id = || self.profiles.id(ProfileIx::at(index));
                wrongly_on.look(!is_on || should_be_on, id);
                wrongly_off.look(is_on || !should_be_on, id);
            }
            findings.push(wrongly_on.finding("consent_flags", format!("{channel} flags that are on and should be off")));
            findings.push(wrongly_off.finding("consent_flags", format!("{channel} flags that are off and should be on")));
        }
        findings.extend(self.rows.finish(self.profiles));
        findings
    }

    /// The tenant in which a withdrawal holds, as a hash; 0 for all.
    fn reach_of(&self, tenant: &str) -> u64 {
        if self.rules.is_suppression_global { 0 } else { hash(tenant) }
    }
}

/// The bit of a channel.
fn bit(channel: Channel) -> u8 {
    1 << (channel as u8)
}

fn address_key(reach: u64, channel: Channel, address: &str) -> u64 {
    hash((reach, channel, address))
}

/// The channels that a further identifier is an address of.
fn channels_of(row: &identifiers::Row<'_>) -> &'static [Channel] {
    use crate::model::AliasType;
    match row.kind {
        Some(AliasType::Email) => &[Channel::Email],
        Some(AliasType::Phone) => &[Channel::Sms, Channel::Whatsapp],
        _ => &[],
    }
}

/// An address in the form for comparison.
fn address(channel: Channel, value: &str) -> Cow<'_, str> {
    if channel == Channel::Email { mailbox(value) } else { Cow::Borrowed(value) }
}

/// The mailbox of an email: without tag, for Gmail without dots; the domain in ASCII, apostrophes in one form.
fn mailbox(email: &str) -> Cow<'_, str> {
    if !email.is_ascii() || email.contains('`') {
        let key = EmailReader::default()
            .read(email, &Junk::default(), &mut Reasons::default())
            .first()
            .and_then(|address| address.key().map(str::to_owned));
        if let Some(key) = key {
            return Cow::Owned(key);
        }
    }
    let Some(at) = email.rfind('@') else { return Cow::Borrowed(email) };
    let (local, domain) = (&email[..at], &email[at + 1..]);
    let name = match local.find('+') {
        Some(tag) if tag > 0 => &local[..tag],
        _ => local,
    };
    match domain {
        "gmail.com" | "googlemail.com" => Cow::Owned(name.replace('.', "") + "@gmail.com"),
        _ if name.len() == local.len() => Cow::Borrowed(email),
        _ => Cow::Owned(format!("{name}@{domain}")),
    }
}

#[cfg(test)]
mod tests;
