//! Withdrawals by address: those of every contact of the run, deleted ones included, and those that earlier loads recorded.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::consent::contact_points::{Address, Identifiers, each_address, email_form};
use crate::consolidate::consent::units::{Unit, Units};
use crate::consolidate::profile::record_index::{Record, Roster};
use crate::consolidate::{Options, SuppressionReach};
use crate::model::{Channel, ConsentStatus, Source, Timestamp};

/// A withdrawal that an earlier load recorded, as a plain row of `raw_crm__withdrawals`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EarlierWithdrawal {
    /// The tenant.
    pub tenant_id: String,
    /// The channel.
    pub channel: Channel,
    /// The address or number in key form.
    pub address: String,
    /// The scope.
    pub scope: String,
    /// When it was withdrawn; `None` when only a flag said so, which nothing lifts.
    pub revoked_at: Option<Timestamp>,
    /// `WITHDRAWN`, `BOUNCED`, `COMPLAINED` or `DECEASED`; only the first bears on consent.
    pub reason: String,
}

/// Whose withdrawal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A contact's unit, by its position.
    Unit(u32),
    /// An earlier load's, by its position.
    Earlier(u32),
}

/// A standing withdrawal of an address.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// The scope.
    pub scope: String,
    /// When; null when only a flag says so.
    pub revoked_at: Option<Timestamp>,
    /// Whose.
    pub origin: Origin,
    /// The contact, for those of this run.
    pub contact: Option<Record>,
}

impl Withdrawal {
    /// Less counts more: those of this run first, so that a row is the same whether or not an earlier load knew it.
    pub fn rank(&self) -> (bool, std::cmp::Reverse<Option<Timestamp>>, u32) {
        let latest_first = std::cmp::Reverse(self.revoked_at);
        match self.origin {
            Origin::Unit(unit) => (false, latest_first, unit),
            Origin::Earlier(row) => (true, latest_first, row),
        }
    }
}

type Key = (String, Channel, String);

/// The withdrawals of one address and scope: those of this run before those of earlier loads, the latest first.
struct ScopeGroup {
    scope: String,
    withdrawals: Vec<Withdrawal>,
}

/// Standing withdrawals, found by tenant, channel and address.
pub struct Withdrawals {
    by_address: HashMap<Key, Vec<ScopeGroup>, FixedState>,
    lifted: Vec<bool>,
    reach: SuppressionReach,
}

impl Withdrawals {
    /// Gathers the refusals of all contacts and the earlier withdrawals that no later logged act lifted.
    pub fn new(
        roster: &Roster,
        identifiers: &Identifiers,
        units: &Units,
        earlier: &[EarlierWithdrawal],
        options: &Options,
    ) -> Self {
        let by_address = HashMap::with_hasher(FixedState::with_seed(0));
        let mut all = Self { by_address, lifted: vec![false; earlier.len()], reach: options.suppression };
        for (position, unit) in units.all().iter().enumerate() {
            if unit.status != ConsentStatus::OptedOut {
                continue;
            }
            let withdrawal = Withdrawal {
                scope: units.scope(unit).to_owned(),
                revoked_at: unit.at,
                origin: Origin::Unit(u32::try_from(position).unwrap_or(u32::MAX)),
                contact: Some(unit.contact),
            };
            let tenant = contact_tenant(roster, unit.contact, options);
            each_unit_address(roster, identifiers, unit, |address| {
                all.add(tenant, unit.channel, address, withdrawal.clone());
            });
        }
        let lifts = all.latest_acts(roster, identifiers, units, earlier, options);
        for (position, row) in earlier.iter().enumerate() {
            if row.reason != "WITHDRAWN" {
                continue;
            }
            let key = all.key(&row.tenant_id, row.channel, &row.address);
            let act = lifts.get(&(key, row.scope.as_str())).copied();
            let is_lifted = row.revoked_at.zip(act).is_some_and(|(refused_at, act)| act > refused_at);
            all.lifted[position] = is_lifted;
            if !is_lifted {
                let origin = Origin::Earlier(u32::try_from(position).unwrap_or(u32::MAX));
                let withdrawal = Withdrawal { scope: row.scope.clone(), revoked_at: row.revoked_at, origin, contact: None };
                all.add(&row.tenant_id, row.channel, &row.address, withdrawal);
            }
        }
        for group in all.by_address.values_mut().flatten() {
            group.withdrawals.sort_by_key(Withdrawal::rank);
        }
        all
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Whether a later logged act lifted the earlier withdrawal at this position.
    pub fn is_lifted(&self, position: usize) -> bool {
        self.lifted[position]
    }

    /// Of each scope of an address, in its form for comparison, the withdrawal that counts most among those that are not a
    /// contact's of the given ones. Costs as much as there are own contacts, however many people share the address.
    pub fn by_others<'a>(
        &'a self,
        tenant: &str,
        channel: Channel,
        address: &str,
        own: &'a [Record],
    ) -> impl Iterator<Item = &'a Withdrawal> {
        let groups = self.by_address.get(&self.key(tenant, channel, address)).map_or(&[][..], Vec::as_slice);
        let is_foreign = |withdrawal: &&Withdrawal| withdrawal.contact.is_none_or(|contact| !own.contains(&contact));
        groups.iter().filter_map(move |group| group.withdrawals.iter().find(is_foreign))
    }

    fn key(&self, tenant: &str, channel: Channel, address: &str) -> Key {
        let tenant = if self.reach == SuppressionReach::Global { "" } else { tenant };
        (tenant.to_owned(), channel, address.to_owned())
    }

    fn add(&mut self, tenant: &str, channel: Channel, address: &str, withdrawal: Withdrawal) {
        let key = self.key(tenant, channel, address);
        let groups = self.by_address.entry(key).or_default();
        let group = match groups.iter().position(|group| group.scope == withdrawal.scope) {
            Some(known) => &mut groups[known].withdrawals,
            None => {
                groups.push(ScopeGroup { scope: withdrawal.scope.clone(), withdrawals: Vec::new() });
                &mut groups.last_mut().expect("just pushed").withdrawals
            }
        };
        // Two spellings of one address at one contact follow each other.
        if group.last().is_none_or(|last| last.origin != withdrawal.origin) {
            group.push(withdrawal);
        }
    }

    /// The latest logged act of consent for each address and scope that an earlier load recorded as withdrawn.
    fn latest_acts<'a>(
        &self,
        roster: &Roster,
        identifiers: &Identifiers,
        units: &'a Units,
        earlier: &[EarlierWithdrawal],
        options: &Options,
    ) -> HashMap<(Key, &'a str), Timestamp, FixedState> {
        let mut acts = HashMap::with_hasher(FixedState::with_seed(0));
        if earlier.is_empty() {
            return acts;
        }
        for unit in units.all() {
            let (columns, row) = roster.at(unit.contact);
            let Some(act) = unit.last_act_at.filter(|_| columns.deleted_at(row).is_none()) else { continue };
            let tenant = contact_tenant(roster, unit.contact, options);
            each_unit_address(roster, identifiers, unit, |address| {
                let key = (self.key(tenant, unit.channel, address), units.scope(unit));
                let known = acts.entry(key).or_insert(act);
                *known = act.max(*known);
            });
        }
        acts
    }
}

/// The tenant a contact's consent was given in: its own, else its profile's, else the default.
pub fn contact_tenant<'a>(roster: &'a Roster, contact: Record, options: &'a Options) -> &'a str {
    debug_assert_eq!(roster.source(contact), Source::Messaging);
    let (columns, row) = roster.at(contact);
    let of_profile = || roster.profile_of(contact).map(|profile| roster.tenant(profile));
    columns.tenant_id(row).or_else(of_profile).unwrap_or(&options.default_tenant)
}

/// Calls back with each address that a unit of consent speaks of, in its form for comparison.
pub fn each_unit_address(roster: &Roster, identifiers: &Identifiers, unit: &Unit, mut visit: impl FnMut(&str)) {
    let Some(wanted) = Address::of(unit.channel) else { return };
    each_address(roster, identifiers, unit.contact, |kind, value| match kind {
        _ if kind != wanted => {}
        Address::Email => visit(&email_form(value)),
        Address::Phone => visit(value),
    });
}
