//! Suppressions: contact points that must not be used, and why. Rows of `crm__suppressions`, which are not loaded into the CRM.

use arrow::array::RecordBatch;

use crate::consolidate::Options;
use crate::consolidate::consent::contact_points::{Address, Identifiers, each_address, email_form};
use crate::consolidate::consent::earlier::{EarlierWithdrawal, contact_tenant, each_reached};
use crate::consolidate::consent::units::{ALL_SCOPES, Unit, Units};
use crate::consolidate::consent::withdrawals::Withdrawals;
use crate::consolidate::profile::record_index::Roster;
use crate::consolidate::timeline::Signals;
use crate::model::{Channel, Code as _, ConsentStatus, RecordIx, Source, StatusTag, Timestamp};
use crate::tables::Builder as _;
use crate::tables::crm::suppressions;

struct Suppression {
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
}

/// Gathers withdrawals, bounces, complaints, deaths, and withdrawals of earlier loads: one row per key, with its latest time.
pub fn build(
    roster: &Roster,
    identifiers: &Identifiers,
    units: &Units,
    withdrawals: &Withdrawals,
    signals: &Signals,
    earlier: &[EarlierWithdrawal],
    options: &Options,
) -> RecordBatch {
    let mut all: Vec<Suppression> = Vec::new();
    for unit in units.all().iter().filter(|unit| unit.status == ConsentStatus::OptedOut) {
        let tenant = contact_tenant(roster, unit.contact, options);
        each_reached(roster, identifiers, unit.contact, unit.channel, |address| {
            let withdrawn = suppression(tenant, unit.channel, address, units.scope(unit), "WITHDRAWN", unit.at);
            all.push(Suppression { lifted_after: unit.lifted_after, ..withdrawn });
        });
    }
    for contact in roster.records_of(Source::Messaging) {
        bounces(roster, signals, contact, options, &mut all);
    }
    for complaint in signals.complaints() {
        let of_channel = |&&unit: &&Unit| unit.channel == complaint.channel && units.scope(&unit) == ALL_SCOPES;
        let unit = units.all()[units.of(complaint.contact)].iter().find(of_channel);
        // A withdrawal that the person has lifted since is left out.
        if let Some(unit) = unit.filter(|unit| unit.status == ConsentStatus::OptedOut) {
            let tenant = contact_tenant(roster, complaint.contact, options);
            let at = complaint.at.map(|at| at.min(options.as_of));
            each_reached(roster, identifiers, complaint.contact, complaint.channel, |address| {
                let complained = suppression(tenant, complaint.channel, address, ALL_SCOPES, "COMPLAINED", at);
                all.push(Suppression { lifted_after: unit.lifted_after, ..complained });
            });
        }
    }
    for profile in roster.profiles() {
        let members = roster.members(profile);
        let is_deceased = |&record: &RecordIx| {
            let (columns, row) = roster.at(record);
            columns.status_tag(row) == Some(StatusTag::Deceased)
        };
        if members.iter().any(is_deceased) {
            for &record in members {
                each_address(roster, identifiers, record, |kind, value| {
                    for channel in channels(kind) {
                        let address = form(kind, value);
                        all.push(suppression(roster.tenant(profile), channel, &address, ALL_SCOPES, "DECEASED", None));
                    }
                });
            }
        }
    }
    one_per_key(&mut all);
    let mut recorded: Vec<Suppression> = Vec::new();
    let standing = earlier.iter().enumerate().filter(|(position, _)| !withdrawals.is_lifted(*position));
    for (_, row) in standing {
        let old = suppression(&row.tenant_id, row.channel, &row.address, &row.scope, "EARLIER_LOAD", row.revoked_at);
        let old = Suppression { lifted_after: row.is_withdrawal().then_some(row.lifted_after), ..old };
        let (tenant, channel, address, scope, _) = old.key();
        let now = (tenant, channel, address, scope, row.reason.as_str());
        if all.binary_search_by(|other| other.key().cmp(&now)).is_err() {
            recorded.push(old);
        }
    }
    all.append(&mut recorded);
    one_per_key(&mut all);
    let mut rows = suppressions::Builder::new(all.len());
    for row in &all {
        rows.push(suppressions::Row {
            tenant_id: &row.tenant_id,
            channel: Channel::from_code(row.channel).expect("the code of a channel"),
            address: &row.address,
            scope: &row.scope,
            reason: row.reason,
            revoked_at: row.revoked_at,
            lifted_after: row.lifted_after,
        });
    }
    rows.finish()
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

fn bounces(roster: &Roster, signals: &Signals, contact: RecordIx, options: &Options, all: &mut Vec<Suppression>) {
    let (columns, row) = roster.at(contact);
    let tenant = contact_tenant(roster, contact, options);
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
