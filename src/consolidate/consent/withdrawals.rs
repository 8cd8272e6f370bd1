//! Withdrawals by contact point: those of all contacts of the run, deleted ones included, and those of earlier loads.

use std::cmp::Reverse;

use rayon::prelude::*;

use crate::consolidate::Options;
use crate::consolidate::consent::contact_points::Identifiers;
use crate::consolidate::consent::earlier::{EarlierWithdrawal, address_form, contact_tenant, each_reached, key};
use crate::consolidate::consent::units::{ALL_SCOPES, TRANSACTIONAL, Units};
use crate::consolidate::mark::{Mark, mark};
use crate::consolidate::profile::record_index::RecordIndex;
use crate::model::{ConsentStatus, Numbering, RecordIx, Scope, Timestamp};

/// A standing withdrawal of a contact point.
#[derive(Clone, Copy, Debug)]
pub struct Withdrawal<'a> {
    /// The scope.
    pub scope: &'a str,
    /// When; `None` for a withdrawal by flag.
    pub revoked_at: Option<Timestamp>,
    /// Whether it is by contact flag, which applies to marketing scopes only.
    pub is_by_flag: bool,
    /// Whether only an earlier load recorded it, and no contact of this run.
    pub is_earlier: bool,
    /// The number of the contact, or of the earlier withdrawal.
    number: u32,
}

impl Withdrawal<'_> {
    /// Whether it covers a scope: its own, and every other when it is of the scope `all`.
    pub fn covers(&self, scope: &str) -> bool {
        self.scope == scope || self.scope == ALL_SCOPES && !(self.is_by_flag && scope == TRANSACTIONAL)
    }

    /// Rank; smaller is stronger. Withdrawals of this run come first, so that a row does not depend on earlier loads.
    pub fn rank(&self) -> impl Ord {
        (self.is_earlier, Reverse(self.revoked_at), self.number, self.scope)
    }
}

/// The same next to its contact point, in few bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    address: Mark,
    scope: u32,
    /// Order: those of this run before those of earlier loads, the latest first.
    is_earlier: bool,
    revoked_at: Reverse<Option<Timestamp>>,
    number: u32,
    is_by_flag: bool,
}

/// Standing withdrawals by tenant, channel and contact point.
pub struct Withdrawals {
    entries: Vec<Entry>,
    scopes: Numbering,
    /// The latest logged opt-ins by contact point and scope; collected only if earlier loads recorded withdrawals.
    acts: Vec<(Mark, Timestamp)>,
    lifted: Vec<bool>,
    reach: Scope,
}

impl Withdrawals {
    /// Collects the opt-outs of the contacts of a partition, and the logged opt-ins that may lift `earlier` withdrawals.
    pub fn of(
        record_index: &RecordIndex,
        identifiers: &Identifiers,
        units: &Units,
        earlier: &[EarlierWithdrawal],
        options: &Options,
    ) -> Self {
        let mut all = Self::none(options);
        for unit in units.all() {
            let tenant = contact_tenant(record_index, unit.contact, options);
            if unit.status == ConsentStatus::OptedOut {
                let scope = all.scopes.number(units.scope(unit));
                let reach = all.reach;
                each_reached(record_index, identifiers, unit.contact, unit.channel, |address| {
                    all.entries.push(Entry {
                        address: key(reach, tenant, unit.channel, address),
                        scope,
                        is_earlier: false,
                        revoked_at: Reverse(unit.at),
                        number: unit.contact.0,
                        is_by_flag: unit.is_by_flag(),
                    });
                });
            }
            let (columns, row) = record_index.at(unit.contact);
            let act = unit.last_act_at.filter(|_| !earlier.is_empty() && columns.deleted_at(row).is_none());
            if let Some(act) = act {
                each_reached(record_index, identifiers, unit.contact, unit.channel, |address| {
                    all.acts.push((scoped(key(all.reach, tenant, unit.channel, address), units.scope(unit)), act));
                });
            }
        }
        all
    }

    /// An empty collection.
    pub fn none(options: &Options) -> Self {
        let reach = options.suppression;
        Self { entries: Vec::new(), scopes: Numbering::default(), acts: Vec::new(), lifted: Vec::new(), reach }
    }

    /// Adds those of another partition.
    pub fn merge(&mut self, other: Self) {
        let scopes: Vec<u32> = other.scopes.names().iter().map(|scope| self.scopes.number(scope)).collect();
        self.entries.extend(other.entries.into_iter().map(|entry| Entry { scope: scopes[entry.scope as usize], ..entry }));
        self.acts.extend(other.acts);
    }

    /// Adds the earlier withdrawals that no later logged action lifted, and sorts all.
    pub fn settle(&mut self, earlier: &[EarlierWithdrawal]) {
        self.acts.par_sort_unstable();
        self.lifted = vec![false; earlier.len()];
        for (position, row) in earlier.iter().enumerate().filter(|(_, row)| row.is_withdrawal()) {
            let address = key(self.reach, &row.tenant_id, row.channel, &address_form(row.channel, &row.address));
            let acts = self.acts.partition_point(|(place, _)| *place <= scoped(address, &row.scope));
            let latest = acts.checked_sub(1).map(|at| self.acts[at]).filter(|(place, _)| *place == scoped(address, &row.scope));
            self.lifted[position] = latest.is_some_and(|(_, act)| act > row.lifted_after);
            if !self.lifted[position] {
                let scope = self.scopes.number(&row.scope);
                self.entries.push(Entry {
                    address,
                    scope,
                    is_earlier: true,
                    revoked_at: Reverse(row.revoked_at),
                    number: u32::try_from(position).expect("withdrawals are counted in 32 bits"),
                    is_by_flag: row.revoked_at.is_none(),
                });
            }
        }
        self.acts = Vec::new();
        self.entries.par_sort_unstable();
        // Two spellings of one contact point of a contact count once.
        self.entries.dedup();
        self.entries.shrink_to_fit();
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a later logged action lifted the earlier withdrawal at this position.
    pub fn is_lifted(&self, position: usize) -> bool {
        self.lifted[position]
    }

    /// For each scope of a contact point (in its form for comparison): the strongest withdrawal by other contacts than the given
    /// ones and, if that one is by flag, the strongest one that is not. The cost depends on the number of own contacts only, not
    /// on the number of people who share the contact point.
    pub fn by_others<'a>(
        &'a self,
        tenant: &str,
        channel: crate::model::Channel,
        address: &str,
        own: &'a [RecordIx],
    ) -> impl Iterator<Item = Withdrawal<'a>> {
        let address = key(self.reach, tenant, channel, address);
        let from = self.entries.partition_point(|entry| entry.address < address);
        let count = self.entries[from..].partition_point(|entry| entry.address == address);
        let is_foreign = |entry: &&Entry| entry.is_earlier || !own.contains(&RecordIx(entry.number));
        let groups = self.entries[from..from + count].chunk_by(|a, b| a.scope == b.scope);
        groups.flat_map(move |group| {
            let first = group.iter().find(is_foreign);
            let firmer = || group.iter().filter(is_foreign).find(|entry| !entry.is_by_flag);
            let second = first.filter(|first| first.is_by_flag).and_then(|_| firmer());
            first.into_iter().chain(second).map(|entry| Withdrawal {
                scope: self.scopes.name(entry.scope),
                revoked_at: entry.revoked_at.0,
                is_by_flag: entry.is_by_flag,
                is_earlier: entry.is_earlier,
                number: entry.number,
            })
        })
    }
}

fn scoped(address: Mark, scope: &str) -> Mark {
    mark((address, scope))
}
