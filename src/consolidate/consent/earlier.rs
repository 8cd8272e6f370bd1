//! Withdrawals that earlier loads recorded (`backfill.withdrawn`, as `export-crm` saved it), and what they say of undated evidence.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::consent::contact_points::{Address, Identifiers, each_address, email_form};
use crate::consolidate::profile::record_index::Roster;
use crate::consolidate::{Options, SuppressionReach};
use crate::model::{Channel, RecordIx, Source, Timestamp};

/// A withdrawal that an earlier load recorded, as a plain row of `raw_crm__withdrawals`.
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
    /// When it was withdrawn; `None` when only a contact flag said so, which decides marketing scopes alone.
    pub revoked_at: Option<Timestamp>,
    /// Only a logged action of the person later than this lifts it; of an undated one the as-of time of the load that recorded it.
    pub lifted_after: Timestamp,
    /// `WITHDRAWN`, `COMPLAINED`, `BOUNCED` or `DECEASED`; only the first two bear on consent.
    pub reason: String,
}

impl EarlierWithdrawal {
    /// Whether it bears on consent: bounces and deaths do not.
    pub fn is_withdrawal(&self) -> bool {
        matches!(self.reason.as_str(), "WITHDRAWN" | "COMPLAINED")
    }
}

/// A contact point that an earlier load recorded, in the form of today: an older version may have spelled the mailbox otherwise.
pub fn address_form(channel: Channel, recorded: &str) -> String {
    let is_email = Address::of(channel) == Some(Address::Email);
    if is_email { email_form(recorded).into_owned() } else { recorded.to_owned() }
}

/// A contact point of a channel in a tenant; without the tenant where withdrawals reach all of them.
pub(super) type Key = (String, Channel, String);

/// The key under which a contact point's withdrawals are found.
pub(super) fn key(reach: SuppressionReach, tenant: &str, channel: Channel, address: &str) -> Key {
    let tenant = if reach == SuppressionReach::Global { "" } else { tenant };
    (tenant.to_owned(), channel, address.to_owned())
}

/// When loads first recorded each withdrawal that has no date in its source, by its evidence key: it counts from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded(HashMap<String, Timestamp, FixedState>);

impl Recorded {
    /// Of what `export-crm` saved.
    pub fn new(rows: impl IntoIterator<Item = (String, Timestamp)>) -> Self {
        let mut dates = HashMap::with_hasher(FixedState::with_seed(0));
        dates.extend(rows);
        Self(dates)
    }

    /// The instant from which an undated withdrawal counts: that of the load that first recorded it, else as_of.
    pub fn instant(&self, evidence_key: &str, as_of: Timestamp) -> Timestamp {
        self.0.get(evidence_key).map_or(as_of, |&at| at.min(as_of))
    }
}

/// The tenant a contact's consent was given in: its own, else its profile's, else the default.
pub fn contact_tenant<'a>(roster: &'a Roster, contact: RecordIx, options: &'a Options) -> &'a str {
    debug_assert_eq!(roster.source(contact), Source::Messaging);
    let (columns, row) = roster.at(contact);
    let of_profile = || roster.profile_of(contact).map(|profile| roster.tenant(profile));
    columns.tenant_id(row).or_else(of_profile).unwrap_or(&options.default_tenant)
}

/// Calls back with each contact point of a record that a channel reaches, in its form for comparison.
pub fn each_reached(roster: &Roster, identifiers: &Identifiers, record: RecordIx, channel: Channel, mut visit: impl FnMut(&str)) {
    let Some(wanted) = Address::of(channel) else { return };
    each_address(roster, identifiers, record, |kind, value| match kind {
        _ if kind != wanted => {}
        Address::Email => visit(&email_form(value)),
        Address::Phone => visit(value),
    });
}
