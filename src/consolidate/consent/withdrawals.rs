//! Withdrawals by contact point: those of all contacts of the run, deleted ones included, and those of earlier loads.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::consent::contact_points::Identifiers;
use crate::consolidate::consent::earlier::{EarlierWithdrawal, Key, address_form, contact_tenant, each_reached, key};
use crate::consolidate::consent::units::{ALL_SCOPES, TRANSACTIONAL, Units};
use crate::consolidate::profile::record_index::Roster;
use crate::consolidate::{Options, SuppressionReach};
use crate::model::{Channel, ConsentStatus, RecordIx, Timestamp};

/// The origin of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A consent unit, by its position.
    Unit(u32),
    /// An earlier load, by the position of its row.
    Earlier(u32),
}

/// A standing withdrawal of a contact point.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// The scope.
    pub scope: String,
    /// When; `None` for a withdrawal by flag.
    pub revoked_at: Option<Timestamp>,
    /// Whether it is by contact flag, which applies to marketing scopes only.
    pub is_by_flag: bool,
    /// Its origin.
    pub origin: Origin,
    /// The contact, for those of this run.
    pub contact: Option<RecordIx>,
}

impl Withdrawal {
    /// Whether it covers a scope: its own, and every other when it is of the scope `all`.
    pub fn covers(&self, scope: &str) -> bool {
        self.scope == scope || self.scope == ALL_SCOPES && !(self.is_by_flag && scope == TRANSACTIONAL)
    }

    /// Rank; smaller is stronger. Withdrawals of this run come first, so that a row does not depend on earlier loads.
    pub fn rank(&self) -> (bool, std::cmp::Reverse<Option<Timestamp>>, u32) {
        let latest_first = std::cmp::Reverse(self.revoked_at);
        match self.origin {
            Origin::Unit(unit) => (false, latest_first, unit),
            Origin::Earlier(row) => (true, latest_first, row),
        }
    }
}

/// The withdrawals of one contact point and scope: those of this run before those of earlier loads, the latest first.
struct ScopeGroup {
    scope: String,
    withdrawals: Vec<Withdrawal>,
}

/// Standing withdrawals by tenant, channel and contact point.
pub struct Withdrawals {
    by_address: HashMap<Key, Vec<ScopeGroup>, FixedState>,
    lifted: Vec<bool>,
    reach: SuppressionReach,
}

impl Withdrawals {
    /// Gathers the opt-outs of all contacts, and the earlier withdrawals that no later logged action lifted.
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
                is_by_flag: unit.is_by_flag(),
                origin: Origin::Unit(u32::try_from(position).unwrap_or(u32::MAX)),
                contact: Some(unit.contact),
            };
            let tenant = contact_tenant(roster, unit.contact, options);
            each_reached(roster, identifiers, unit.contact, unit.channel, |address| {
                all.add(tenant, unit.channel, address, withdrawal.clone());
            });
        }
        let lifts = all.latest_acts(roster, identifiers, units, earlier, options);
        for (position, row) in earlier.iter().enumerate() {
            if !row.is_withdrawal() {
                continue;
            }
            let address = address_form(row.channel, &row.address);
            let key = key(all.reach, &row.tenant_id, row.channel, &address);
            let is_lifted = lifts.get(&(key, row.scope.as_str())).is_some_and(|&act| act > row.lifted_after);
            all.lifted[position] = is_lifted;
            if !is_lifted {
                let origin = Origin::Earlier(u32::try_from(position).unwrap_or(u32::MAX));
                let withdrawal = Withdrawal {
                    scope: row.scope.clone(),
                    revoked_at: row.revoked_at,
                    is_by_flag: row.revoked_at.is_none(),
                    origin,
                    contact: None,
                };
                all.add(&row.tenant_id, row.channel, &address, withdrawal);
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

    /// Whether a later logged action lifted the earlier withdrawal at this position.
    pub fn is_lifted(&self, position: usize) -> bool {
        self.lifted[position]
    }

    /// For each scope of a contact point (in its form for comparison): the strongest withdrawal by other contacts than the given ones and, if
    /// that one is by flag, the strongest one that is not. The cost depends on the number of own contacts only, not on the number of people
    /// who share the contact point.
    pub fn by_others<'a>(
        &'a self,
        tenant: &str,
        channel: Channel,
        address: &str,
        own: &'a [RecordIx],
    ) -> impl Iterator<Item = &'a Withdrawal> {
        let groups = self.by_address.get(&key(self.reach, tenant, channel, address)).map_or(&[][..], Vec::as_slice);
        let is_foreign = |withdrawal: &&Withdrawal| withdrawal.contact.is_none_or(|contact| !own.contains(&contact));
        groups.iter().flat_map(move |group| {
            let first = group.withdrawals.iter().find(is_foreign);
            let firmer = || group.withdrawals.iter().filter(is_foreign).find(|withdrawal| !withdrawal.is_by_flag);
            let second = first.filter(|first| first.is_by_flag).and_then(|_| firmer());
            first.into_iter().chain(second)
        })
    }

    fn add(&mut self, tenant: &str, channel: Channel, address: &str, withdrawal: Withdrawal) {
        let key = key(self.reach, tenant, channel, address);
        let groups = self.by_address.entry(key).or_default();
        let group = match groups.iter().position(|group| group.scope == withdrawal.scope) {
            Some(known) => &mut groups[known].withdrawals,
            None => {
                groups.push(ScopeGroup { scope: withdrawal.scope.clone(), withdrawals: Vec::new() });
                &mut groups.last_mut().expect("just pushed").withdrawals
            }
        };
        // Two spellings of one contact point of a contact follow each other.
        if group.last().is_none_or(|last| last.origin != withdrawal.origin) {
            group.push(withdrawal);
        }
    }

    /// The latest logged opt-in for each contact point and scope that an earlier load recorded as withdrawn.
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
            each_reached(roster, identifiers, unit.contact, unit.channel, |address| {
                let key = (key(self.reach, tenant, unit.channel, address), units.scope(unit));
                let known = acts.entry(key).or_insert(act);
                *known = act.max(*known);
            });
        }
        acts
    }
}
