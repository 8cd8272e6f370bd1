//! The consents that must be in the dataset, and those that are.

use rayon::prelude::*;

use crate::model::{Channel, ConsentStatus, ProfileIx, Timestamp};
use crate::prove::consent::reach::WithdrawalKind;
use crate::prove::consent::weigh::DecidedConsent;
use crate::prove::{Finding, Profiles, ProofTally};
use crate::tables::crm::marketing_consents;

/// Position of the scope `all`.
pub const ALL: u32 = 0;
/// Position of the scope `transactional`, to which contact flags do not apply.
pub const TRANSACTIONAL: u32 = 1;

/// What a contact of a profile decided for a channel and scope.
#[derive(Clone, Copy, Debug)]
pub struct OwnUnit {
    /// The profile.
    pub profile: ProfileIx,
    /// The channel.
    pub channel: Channel,
    /// The scope.
    pub scope: u32,
    /// The decision.
    pub decided: DecidedConsent,
}

/// A withdrawal by others that reaches a profile by address.
#[derive(Clone, Copy, Debug)]
pub struct ReachedProfile {
    /// The profile.
    pub profile: ProfileIx,
    /// The channel.
    pub channel: Channel,
    /// The kind of withdrawal.
    pub kind: WithdrawalKind,
    /// When it was withdrawn; `None` for a withdrawal by flag.
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct ExpectedRow {
    profile: ProfileIx,
    channel: Channel,
    scope: u32,
    is_refused: bool,
    is_seen: bool,
    decided_at: Option<Timestamp>,
}

/// The rows that must be there, and what was found.
#[derive(Debug, Default)]
pub struct ExpectedRows {
    rows: Vec<ExpectedRow>,
    unfounded: ProofTally,
    status: ProofTally,
    date: ProofTally,
}

impl ExpectedRows {
    /// One row for each profile, channel and scope of which a contact of the profile decided something.
    pub fn of(mut own: Vec<OwnUnit>, mut reached: Vec<ReachedProfile>) -> Self {
        own.par_sort_unstable_by_key(|unit| (unit.profile, unit.channel, unit.scope));
        reached.par_sort_unstable_by_key(|reached| (reached.profile, reached.channel));
        let mut rows = Vec::new();
        let mut reached = &reached[..];
        for of_channel in own.chunk_by(|a, b| (a.profile, a.channel) == (b.profile, b.channel)) {
            let (profile, channel) = (of_channel[0].profile, of_channel[0].channel);
            let key = |reached: &ReachedProfile| (reached.profile, reached.channel);
            reached = &reached[reached.partition_point(|other| key(other) < (profile, channel))..];
            let by_others = &reached[..reached.partition_point(|other| key(other) == (profile, channel))];
            for units in of_channel.chunk_by(|a, b| a.scope == b.scope) {
                let (is_refused, decided_at) = settle(units, of_channel, by_others);
                rows.push(ExpectedRow { profile, channel, scope: units[0].scope, is_refused, is_seen: false, decided_at });
            }
        }
        Self { rows, ..Self::default() }
    }

    /// Compares a row of the dataset.
    pub fn look(&mut self, profile: Option<ProfileIx>, scope: u32, row: &marketing_consents::Row<'_>) {
        let id = || row.id.to_owned();
        let place =
            |profile| self.rows.binary_search_by_key(&(profile, row.channel, scope), |row| (row.profile, row.channel, row.scope));
        let place = profile.and_then(|profile| place(profile).ok()).filter(|&place| !self.rows[place].is_seen);
        let expected = place.map(|place| &mut self.rows[place]);
        self.unfounded.look(expected.is_some(), id);
        let Some(expected) = expected else { return };
        expected.is_seen = true;
        let is_refused = row.status == ConsentStatus::OptedOut;
        let dates = (row.revoked_at, row.consented_at);
        let (date, other) = if is_refused { dates } else { (dates.1, dates.0) };
        self.status.look(is_refused == expected.is_refused, id);
        self.date.look(is_refused != expected.is_refused || date == expected.decided_at && other.is_none(), id);
    }

    /// The findings.
    pub fn finish(self, profiles: &Profiles) -> Vec<Finding> {
        let mut missing = ProofTally::default();
        self.rows.iter().for_each(|row| missing.look(row.is_seen, || profiles.id(row.profile)));
        let finding = |tally: ProofTally, item: &str| tally.finding("consent_rows", item);
        vec![
            finding(missing, "evidence without its row"),
            finding(self.unfounded, "rows without evidence"),
            finding(self.status, "rows of another status"),
            finding(self.date, "rows of another date"),
        ]
    }
}

/// Status and date of one scope: own withdrawals first, then own ones of all scopes, then those by others, else the consent.
fn settle(own: &[OwnUnit], of_channel: &[OwnUnit], by_others: &[ReachedProfile]) -> (bool, Option<Timestamp>) {
    let scope = own[0].scope;
    let applies = |is_by_flag: bool| !(is_by_flag && scope == TRANSACTIONAL);
    let refused = own.iter().filter(|unit| unit.decided.is_refused);
    if refused.clone().next().is_some() {
        return (true, refused.filter_map(|unit| unit.decided.decided_at).max());
    }
    let covering =
        of_channel.iter().filter(|unit| unit.scope == ALL && unit.decided.is_refused && applies(unit.decided.is_by_flag));
    if covering.clone().next().is_some() {
        return (true, covering.filter_map(|unit| unit.decided.decided_at).max());
    }
    let others = by_others.iter().filter(|other| [scope, ALL].contains(&other.kind.scope) && applies(other.kind.is_by_flag));
    if others.clone().next().is_some() {
        let has_new = others.clone().any(|other| other.kind.is_of_this_run);
        return (true, others.filter(|other| !has_new || other.kind.is_of_this_run).filter_map(|other| other.revoked_at).max());
    }
    let latest = |is_logged: bool| {
        own.iter().filter(|unit| unit.decided.is_logged == is_logged).filter_map(|unit| unit.decided.decided_at).max()
    };
    (false, latest(true).or_else(|| latest(false)))
}
