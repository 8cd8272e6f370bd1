//! Consent of a profile: the rows of `crm__marketing_consents` and the four flags, from all evidence together.
//!
//! Rules 8 to 12. An opt-out of the scope `all` covers every scope of its channel, and an opt-in of `all` never lifts an opt-out
//! of a single scope. The most restrictive of a profile's contacts and contact points decides; an opt-out of any marketing scope
//! turns the channel's flag off. A flag is on only if the profile shows the email or phone of the opt-in. Deceased people are not
//! contacted.

use serde::Serialize;

use crate::consolidate::consent::contact_points::{Address, Identifiers, each_address, email_form};
use crate::consolidate::consent::decide::EvidenceKind;
use crate::consolidate::consent::rule::ConsentRule;
use crate::consolidate::consent::units::{ALL_SCOPES, TRANSACTIONAL, Unit, Units, contact_flag};
use crate::consolidate::consent::withdrawals::{Withdrawal, Withdrawals};
use crate::consolidate::json::JsonBuffer;
use crate::consolidate::profile::record_index::RecordIndex;
use crate::consolidate::{Departure, Departures, Options};
use crate::model::{Channel, ConsentStatus, ProfileIx, RecordIx, Timestamp, derived_id};
use crate::tables::crm::marketing_consents;

/// The input for the consent of profiles.
pub struct Consents<'a> {
    /// Records and profiles.
    pub record_index: &'a RecordIndex,
    /// Further contact points.
    pub identifiers: &'a Identifiers,
    /// The decided units.
    pub units: &'a Units,
    /// Standing withdrawals by contact point.
    pub withdrawals: &'a Withdrawals,
    /// The settings.
    pub options: &'a Options,
}

/// The facts about a profile that consent depends on.
pub struct Subject<'a> {
    /// The profile.
    pub profile: ProfileIx,
    /// Its contacts.
    pub contacts: &'a [RecordIx],
    /// The email that it shows.
    pub email: Option<&'a str>,
    /// The phone that it shows.
    pub phone: Option<&'a str>,
    /// Whether the person has died.
    pub is_deceased: bool,
}

/// The flags of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// May be e-mailed.
    pub email: bool,
    /// May be texted.
    pub sms: bool,
    /// May be sent push notifications.
    pub push: bool,
    /// May be messaged on WhatsApp.
    pub whatsapp: bool,
}

/// Collects the consents of a batch of profiles.
pub struct ConsentRows {
    /// The rows.
    pub rows: marketing_consents::Builder,
    /// Positions of the staged consents that became a row's evidence.
    pub deciding_rows: Vec<u32>,
    json: JsonBuffer,
}

impl ConsentRows {
    /// Empty.
    pub fn new(capacity: usize) -> Self {
        Self { rows: marketing_consents::Builder::new(capacity), deciding_rows: Vec::new(), json: JsonBuffer::default() }
    }
}

/// The evidence of a row, as the CRM shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsentEvidence<'a> {
    evidence_kind: &'static str,
    evidence_key: Option<String>,
    evidence_at: Option<Timestamp>,
    evidence_source: Option<&'a str>,
    rule_no: u8,
    superseded_count: u32,
    /// The latest logged action of the person that gives consent; only with an opt-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    act_at: Option<Timestamp>,
}

/// The evidence that decided a row.
enum Basis<'a> {
    Unit(usize),
    AllScopes(usize),
    Address(Withdrawal<'a>),
}

/// Channels in alphabetical order, the order of rows.
const CHANNELS: [Channel; 4] = [Channel::Email, Channel::Push, Channel::Sms, Channel::Whatsapp];

impl Consents<'_> {
    /// Writes a profile's rows and gives its flags.
    pub fn weigh(&self, subject: &Subject<'_>, out: &mut ConsentRows, departures: &mut Departures) -> Flags {
        let mut flags = Flags::default();
        let mut carried = None;
        for channel in CHANNELS {
            let mut units: Vec<usize> = Vec::new();
            for &contact in subject.contacts {
                units.extend(self.units.of(contact).filter(|&unit| self.units.all()[unit].channel == channel));
            }
            let foreign = if self.withdrawals.is_empty() {
                Vec::new()
            } else {
                self.foreign(subject, channel, carried.get_or_insert_with(|| self.carried(subject)))
            };
            if !units.is_empty() {
                self.write_rows(subject, channel, &mut units, &foreign, out, departures);
            }
            let flag = self.flag(subject, channel, &units, &foreign, departures);
            match channel {
                Channel::Email => flags.email = flag,
                Channel::Sms => flags.sms = flag,
                Channel::Push => flags.push = flag,
                Channel::Whatsapp => flags.whatsapp = flag,
            }
        }
        flags
    }

    /// Every contact point of the profile's records, in its form for comparison.
    fn carried(&self, subject: &Subject<'_>) -> Vec<(Address, String)> {
        let mut carried = Vec::new();
        for &record in self.record_index.members(subject.profile) {
            each_address(self.record_index, self.identifiers, record, |kind, value| {
                let form = if kind == Address::Email { email_form(value).into_owned() } else { value.to_owned() };
                carried.push((kind, form));
            });
        }
        carried.sort_unstable();
        carried.dedup();
        carried
    }

    /// Withdrawals of these contact points by contacts of other profiles.
    fn foreign<'a>(&'a self, subject: &Subject<'a>, channel: Channel, carried: &[(Address, String)]) -> Vec<Withdrawal<'a>> {
        let tenant = self.record_index.tenant(subject.profile);
        let Some(wanted) = Address::of(channel) else { return Vec::new() };
        let addresses = carried.iter().filter(|(kind, _)| *kind == wanted);
        let mut foreign: Vec<Withdrawal<'_>> =
            addresses.flat_map(|(_, address)| self.withdrawals.by_others(tenant, channel, address, subject.contacts)).collect();
        foreign.sort_by(|a, b| a.rank().cmp(&b.rank()));
        foreign
    }

    fn write_rows(
        &self,
        subject: &Subject<'_>,
        channel: Channel,
        units: &mut [usize],
        foreign: &[Withdrawal<'_>],
        out: &mut ConsentRows,
        departures: &mut Departures,
    ) {
        let all = self.units.all();
        let scope = |unit: usize| self.units.scope(&all[unit]);
        units.sort_by(|&a, &b| scope(a).cmp(scope(b)).then(a.cmp(&b)));
        let of_all = || units.iter().copied().filter(|&unit| scope(unit) == ALL_SCOPES);
        let covering_marketing = self.worst(of_all());
        // A contact flag applies to marketing scopes only.
        let covering_service = self.worst(of_all().filter(|&unit| !all[unit].is_by_flag()));
        for group in units.chunk_by(|&a, &b| scope(a) == scope(b)) {
            let name = scope(group[0]);
            let covering = if name == TRANSACTIONAL { covering_service } else { covering_marketing };
            let by_address = foreign.iter().find(|withdrawal| withdrawal.covers(name));
            let basis = match (self.worst(group.iter().copied()), covering, by_address) {
                (Some(refusal), _, _) => Basis::Unit(refusal),
                (None, Some(refusal), _) => Basis::AllScopes(refusal),
                (None, None, Some(withdrawal)) => Basis::Address(*withdrawal),
                (None, None, None) => Basis::Unit(self.strongest(group)),
            };
            departures.note_if(Departure::ConsentAllScope, matches!(basis, Basis::AllScopes(_)));
            departures.note_if(Departure::ConsentAddress, matches!(basis, Basis::Address(_)));
            self.write_row(subject, channel, name, group, &basis, out);
        }
    }

    /// The latest opt-out among units; opt-outs without a date come last.
    fn worst(&self, units: impl Iterator<Item = usize>) -> Option<usize> {
        let all = self.units.all();
        let refusals = units.filter(|&unit| all[unit].status == ConsentStatus::OptedOut);
        refusals.max_by_key(|&unit| (all[unit].at, std::cmp::Reverse(unit)))
    }

    /// The strongest opt-in among units: the log before preferences, then the latest.
    fn strongest(&self, units: &[usize]) -> usize {
        let all = self.units.all();
        let rank = |unit: usize| (all[unit].kind == Some(EvidenceKind::Log), all[unit].at, std::cmp::Reverse(unit));
        units.iter().copied().max_by_key(|&unit| rank(unit)).expect("a group of units is never empty")
    }

    fn write_row(
        &self,
        subject: &Subject<'_>,
        channel: Channel,
        scope: &str,
        group: &[usize],
        basis: &Basis<'_>,
        out: &mut ConsentRows,
    ) {
        let evidence_count: u32 = group.iter().map(|&unit| self.units.all()[unit].evidence_count).sum();
        let (status, at) = match *basis {
            Basis::Unit(unit) => (self.units.all()[unit].status, self.units.all()[unit].at),
            Basis::AllScopes(unit) => (ConsentStatus::OptedOut, self.units.all()[unit].at),
            Basis::Address(withdrawal) => (ConsentStatus::OptedOut, withdrawal.revoked_at),
        };
        let own_row = match *basis {
            Basis::Unit(unit) => self.units.all()[unit].kind.map(|_| unit),
            _ => None,
        };
        if let Some(unit) = own_row {
            out.deciding_rows.extend(self.units.all()[unit].row);
        }
        let superseded = evidence_count - u32::from(own_row.is_some());
        let acts = group.iter().filter_map(|&unit| self.units.all()[unit].last_act_at);
        let act_at = acts.max().filter(|_| status == ConsentStatus::OptedIn);
        let evidence = ConsentEvidence { act_at, ..self.evidence(basis, at, superseded) };
        let mut buffer = crate::model::Uuid::encode_buffer();
        let customer_id = &*self.record_index.id(subject.profile).hyphenated().encode_lower(&mut buffer);
        let tenant_id = self.record_index.tenant(subject.profile);
        let channel_code = crate::model::Code::code(channel);
        let id = derived_id("consent", &[tenant_id, customer_id, channel_code, scope]);
        let is_grant = status == ConsentStatus::OptedIn;
        out.rows.push(marketing_consents::Row {
            id: id.hyphenated().encode_lower(&mut crate::model::Uuid::encode_buffer()),
            tenant_id,
            customer_id,
            channel,
            scope,
            status,
            consented_at: at.filter(|_| is_grant),
            revoked_at: at.filter(|_| !is_grant),
            source: "IMPORT",
            evidence: out.json.write(&evidence),
        });
    }

    fn evidence(&self, basis: &Basis<'_>, at: Option<Timestamp>, superseded: u32) -> ConsentEvidence<'_> {
        let (kind, key, origin, rule) = match *basis {
            Basis::Unit(position) => {
                let (kind, key, origin) = self.unit_evidence(&self.units.all()[position]);
                (kind, Some(key), origin, self.units.all()[position].rule)
            }
            Basis::AllScopes(position) => {
                let (kind, key, origin) = self.unit_evidence(&self.units.all()[position]);
                (kind, Some(key), origin, ConsentRule::AllScopes)
            }
            // Other users of the contact point must not be shown in this profile.
            Basis::Address(Withdrawal { is_earlier: false, .. }) => ("ADDRESS", None, None, ConsentRule::SharedContactPoint),
            Basis::Address(_) => ("EARLIER_LOAD", None, None, ConsentRule::EarlierLoad),
        };
        ConsentEvidence {
            evidence_kind: kind,
            evidence_key: key,
            evidence_at: at,
            evidence_source: origin,
            rule_no: rule.number(),
            superseded_count: superseded,
            act_at: None,
        }
    }

    fn unit_evidence(&self, unit: &Unit) -> (&'static str, String, Option<&str>) {
        let origin = Some(self.units.origin(unit)).filter(|origin| !origin.is_empty());
        let row = self.units.row_id(unit);
        match unit.kind {
            Some(EvidenceKind::Log) => ("CONSENT_LOG", format!("messaging:consent_changes:{row}"), origin),
            Some(EvidenceKind::Preference) => ("PREFERENCE", format!("messaging:preferences:{row}"), origin),
            Some(EvidenceKind::Complaint) => ("COMPLAINT", format!("messaging:messages:{row}"), None),
            Some(EvidenceKind::UnreadableFlag) | None => {
                ("CONTACT_FLAG", format!("messaging:contacts:{}", self.record_index.source_id(unit.contact)), None)
            }
        }
    }

    fn flag(
        &self,
        subject: &Subject<'_>,
        channel: Channel,
        units: &[usize],
        foreign: &[Withdrawal<'_>],
        departures: &mut Departures,
    ) -> bool {
        let all = self.units.all();
        let is_marketing = |unit: usize| self.units.scope(&all[unit]) != TRANSACTIONAL;
        let is_refused = units.iter().any(|&unit| is_marketing(unit) && all[unit].status == ConsentStatus::OptedOut);
        if is_refused {
            return false;
        }
        let mut is_granted = false;
        let mut is_shown = false;
        for &contact in subject.contacts {
            let (columns, row) = self.record_index.at(contact);
            let by_unit = units
                .iter()
                .any(|&unit| all[unit].contact == contact && is_marketing(unit) && all[unit].status == ConsentStatus::OptedIn);
            let by_flag = !self.options.strict_consent && contact_flag(columns, row, channel) == Some(true);
            if by_unit || by_flag {
                is_granted = true;
                is_shown |= match Address::of(channel) {
                    None => true,
                    Some(Address::Email) => same(columns.email(row).map(email_form), subject.email.map(email_form)),
                    Some(Address::Phone) => same(columns.phone(row), subject.phone),
                };
            }
        }
        if !is_granted {
            return false;
        }
        let blocking: Vec<_> = foreign.iter().filter(|withdrawal| withdrawal.scope != TRANSACTIONAL).collect();
        let by_run = blocking.iter().any(|withdrawal| !withdrawal.is_earlier);
        departures.note_if(Departure::ConsentAddress, by_run);
        departures.note_if(Departure::ConsentEarlierLoad, !blocking.is_empty() && !by_run);
        departures.note_if(Departure::ConsentNotShown, blocking.is_empty() && !is_shown);
        departures.note_if(Departure::ConsentDeceased, blocking.is_empty() && is_shown && subject.is_deceased);
        blocking.is_empty() && is_shown && !subject.is_deceased
    }
}

fn same<V: PartialEq>(a: Option<V>, b: Option<V>) -> bool {
    a.is_some() && a == b
}

#[cfg(test)]
mod over_loads;
#[cfg(test)]
mod safe_side;
#[cfg(test)]
mod tests;
