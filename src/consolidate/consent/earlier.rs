//! Withdrawals of earlier loads (`backfill.withdrawn`, exported by `export-crm`), and the times from which undated evidence counts.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::Options;
use crate::consolidate::consent::contact_points::{Address, Identifiers, each_address, email_form};
use crate::consolidate::mark::{Mark, mark};
use crate::consolidate::profile::record_index::RecordIndex;
use crate::model::{Channel, RecordIx, Scope, Source, Timestamp};

/// A withdrawal that an earlier load recorded: a row of `raw_crm__withdrawals`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EarlierWithdrawal {
    /// The tenant.
    pub tenant_id: String,
    /// The channel.
    pub channel: Channel,
    /// The contact point in key form.
    pub address: String,
    /// The scope.
    pub scope: String,
    /// When it was withdrawn; `None` for a withdrawal by contact flag, which applies to marketing scopes only.
    pub revoked_at: Option<Timestamp>,
    /// Only a logged action of the person later than this lifts it; for an undated one, the as-of time of the load that recorded
    /// it.
    pub lifted_after: Timestamp,
    /// `WITHDRAWN`, `COMPLAINED`, `BOUNCED` or `DECEASED`; only the first two concern consent.
    pub reason: String,
}

impl EarlierWithdrawal {
    /// Whether it concerns consent; bounces and deaths do not.
    pub fn is_withdrawal(&self) -> bool {
        matches!(self.reason.as_str(), "WITHDRAWN" | "COMPLAINED")
    }
}

/// A recorded contact point in the current form, because an older version may have used another one.
pub fn address_form(channel: Channel, recorded: &str) -> String {
    let is_email = Address::of(channel) == Some(Address::Email);
    if is_email { email_form(recorded).into_owned() } else { recorded.to_owned() }
}

/// Hash of a contact point of a channel in a tenant; without the tenant if withdrawals apply to all tenants.
pub(super) fn key(reach: Scope, tenant: &str, channel: Channel, address: &str) -> Mark {
    let tenant = if reach == Scope::Global { "" } else { tenant };
    mark((tenant, channel, address))
}

/// When loads first recorded each withdrawal without a date, by its evidence key. It counts from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded(HashMap<String, Timestamp, FixedState>);

impl Recorded {
    /// From the rows of `export-crm`.
    pub fn new(rows: impl IntoIterator<Item = (String, Timestamp)>) -> Self {
        let mut dates = HashMap::with_hasher(FixedState::with_seed(0));
        dates.extend(rows);
        Self(dates)
    }

    /// The instant from which an undated withdrawal counts: the load that first recorded it, else as_of.
    pub fn instant(&self, evidence_key: &str, as_of: Timestamp) -> Timestamp {
        self.0.get(evidence_key).map_or(as_of, |&at| at.min(as_of))
    }
}

/// The tenant of a contact's consent: its own, else its profile's, else the default.
pub fn contact_tenant<'a>(record_index: &'a RecordIndex, contact: RecordIx, options: &'a Options) -> &'a str {
    debug_assert_eq!(record_index.source(contact), Source::Messaging);
    let (columns, row) = record_index.at(contact);
    let of_profile = || record_index.profile_of(contact).map(|profile| record_index.tenant(profile));
    columns.tenant_id(row).or_else(of_profile).unwrap_or(&options.default_tenant)
}

/// Calls back with each contact point of a record for a channel, in its form for comparison.
pub fn each_reached(
    record_index: &RecordIndex,
    identifiers: &Identifiers,
    record: RecordIx,
    channel: Channel,
    mut visit: impl FnMut(&str),
) {
    let Some(wanted) = Address::of(channel) else { return };
    each_address(record_index, identifiers, record, |kind, value| match kind {
        _ if kind != wanted => {}
        Address::Email => visit(&email_form(value)),
        Address::Phone => visit(value),
    });
}
