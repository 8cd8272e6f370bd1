//! Suppressions: contact points that must not be used, and why. Rows of `crm__suppressions`, which are not loaded into the CRM.

use crate::consolidate::Options;
use crate::consolidate::consent::contact_points::{Address, Identifiers, each_address, email_form};
use crate::consolidate::consent::earlier::{contact_tenant, each_reached};
use crate::consolidate::consent::units::{ALL_SCOPES, Unit, Units};
use crate::consolidate::profile::record_index::RecordIndex;
use crate::consolidate::timeline::Signals;
use crate::model::{Channel, Code as _, ConsentStatus, RecordIx, Source, StatusTag, Timestamp};
use crate::tables::crm::suppressions;

/// A contact point that must not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    tenant_id: String,
    channel: &'static str,
    address: String,
    scope: String,
    reason: &'static str,
    revoked_at: Option<Timestamp>,
    lifted_after: Option<Timestamp>,
}

impl Suppression {
    fn key(&self) -> (&str, &str, &str, &str, &str) {
        (&self.tenant_id, self.channel, &self.address, &self.scope, self.reason)
    }

    /// As a row.
    pub fn row(&self) -> suppressions::Row<'_> {
        suppressions::Row {
            tenant_id: &self.tenant_id,
            channel: Channel::from_code(self.channel).expect("the code of a channel"),
            address: &self.address,
            scope: &self.scope,
            reason: self.reason,
            revoked_at: self.revoked_at,
            lifted_after: self.lifted_after,
        }
    }
}

/// Withdrawals, bounces and complaints of the contacts of the partition, sorted; one per key, with the latest time of each.
pub fn of_contacts(
    record_index: &RecordIndex,
    identifiers: &Identifiers,
    units: &Units,
    signals: &Signals,
    options: &Options,
) -> Vec<Suppression> {
    let mut all: Vec<Suppression> = Vec::new();
    for unit in units.all().iter().filter(|unit| unit.status == ConsentStatus::OptedOut) {
        let tenant = contact_tenant(record_index, unit.contact, options);
        each_reached(record_index, identifiers, unit.contact, unit.channel, |address| {
            let withdrawn = suppression(tenant, unit.channel, address, units.scope(unit), "WITHDRAWN", unit.at);
            all.push(Suppression { lifted_after: unit.lifted_after, ..withdrawn });
        });
    }
    for contact in record_index.records_of(Source::Messaging) {
        bounces(record_index, signals, contact, options, &mut all);
    }
    for complaint in signals.complaints().iter().filter(|complaint| record_index.holds(complaint.contact)) {
        let of_channel = |&&unit: &&Unit| unit.channel == complaint.channel && units.scope(&unit) == ALL_SCOPES;
        let unit = units.all()[units.of(complaint.contact)].iter().find(of_channel);
        // A withdrawal that the person has lifted since is left out.
        if let Some(unit) = unit.filter(|unit| unit.status == ConsentStatus::OptedOut) {
            let tenant = contact_tenant(record_index, complaint.contact, options);
            let at = complaint.at.map(|at| at.min(options.as_of));
            each_reached(record_index, identifiers, complaint.contact, complaint.channel, |address| {
                let complained = suppression(tenant, complaint.channel, address, ALL_SCOPES, "COMPLAINED", at);
                all.push(Suppression { lifted_after: unit.lifted_after, ..complained });
            });
        }
    }
    one_per_key(&mut all);
    all
}

/// The contact points of deceased people of the partition, sorted; one per key.
pub fn of_dead(record_index: &RecordIndex, identifiers: &Identifiers) -> Vec<Suppression> {
    let mut all: Vec<Suppression> = Vec::new();
    for profile in record_index.profiles() {
        let members = record_index.members(profile);
        let is_deceased = |&record: &RecordIx| {
            let (columns, row) = record_index.at(record);
            columns.status_tag(row) == Some(StatusTag::Deceased)
        };
        if members.iter().any(is_deceased) {
            for &record in members {
                each_address(record_index, identifiers, record, |kind, value| {
                    for channel in channels(kind) {
                        let address = form(kind, value);
                        all.push(suppression(record_index.tenant(profile), channel, &address, ALL_SCOPES, "DECEASED", None));
                    }
                });
            }
        }
    }
    one_per_key(&mut all);
    all
}

/// Sorts, and keeps for each key the latest time (any time before none) and the latest `lifted_after`.
fn one_per_key(all: &mut Vec<Suppression>) {
    all.sort_by(|a, b| a.key().cmp(&b.key()).then(b.revoked_at.cmp(&a.revoked_at)));
    all.dedup_by(|later, kept| {
        let is_same = later.key() == kept.key();
        if is_same {
            kept.lifted_after = kept.lifted_after.max(later.lifted_after);
        }
        is_same
    });
}

fn bounces(record_index: &RecordIndex, signals: &Signals, contact: RecordIx, options: &Options, all: &mut Vec<Suppression>) {
    let (columns, row) = record_index.at(contact);
    let tenant = contact_tenant(record_index, contact, options);
    for (kind, value) in [(Address::Email, columns.email(row)), (Address::Phone, columns.phone(row))] {
        let Some(value) = value else { continue };
        let at = signals.bounced_at(contact, kind);
        for channel in channels(kind).filter(|_| at.is_some()) {
            all.push(suppression(tenant, channel, &form(kind, value), ALL_SCOPES, "BOUNCED", at));
        }
    }
}

fn channels(kind: Address) -> impl Iterator<Item = Channel> {
    Channel::ALL.iter().copied().filter(move |&channel| Address::of(channel) == Some(kind))
}

fn form(kind: Address, value: &str) -> String {
    if kind == Address::Email { email_form(value).into_owned() } else { value.to_owned() }
}

fn suppression(
    tenant_id: &str,
    channel: Channel,
    address: &str,
    scope: &str,
    reason: &'static str,
    revoked_at: Option<Timestamp>,
) -> Suppression {
    let (tenant_id, address, scope) = (tenant_id.to_owned(), address.to_owned(), scope.to_owned());
    Suppression { tenant_id, channel: channel.code(), address, scope, reason, revoked_at, lifted_after: None }
}
