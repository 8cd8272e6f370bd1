//! Withdrawals by contact point: they apply to every profile of the tenant with the contact point, whoever
//! withdrew.

use crate::model::{Channel, ProfileIx, Timestamp};
use crate::prove::consent::weigh::DecidedConsent;

/// A withdrawal that an earlier load recorded for an address.
#[derive(Clone, Copy, Debug)]
pub struct RecordedWithdrawal {
    /// Hash of reach, channel and address.
    pub key: u64,
    /// The scope.
    pub scope: u32,
    /// When it was withdrawn (UTC); `None` for a withdrawal by flag.
    pub revoked_at: Option<Timestamp>,
    /// Only an explicit action later than this lifts it (UTC).
    pub lifted_after: Timestamp,
}

/// What a contact decided, while its addresses are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Spoken {
    /// Hash of the contact's id.
    pub contact: u64,
    /// Hash of the tenant in which it counts; 0 if it counts in all.
    pub reach: u64,
    /// The contact's profile.
    pub profile: Option<ProfileIx>,
    /// The channel.
    pub channel: Channel,
    /// The scope.
    pub scope: u32,
    /// Whether acts of the contact lift earlier withdrawals; not if it was deleted.
    pub may_lift: bool,
    /// The decision.
    pub decided: DecidedConsent,
}

/// A withdrawal of an address. Sorted, those of one kind stand together, the latest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Withdrawn {
    key: u64,
    kind: WithdrawalKind,
    revoked_at: std::cmp::Reverse<Option<Timestamp>>,
    profile: Option<ProfileIx>,
}

/// What one withdrawal means for a profile that it reaches, apart from its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WithdrawalKind {
    /// The scope.
    pub scope: u32,
    /// Whether a contact flag alone withdrew; it applies to marketing scopes only.
    pub is_by_flag: bool,
    /// Whether the sources have it; otherwise an earlier load recorded it.
    pub is_of_this_run: bool,
}

/// The withdrawals by address.
#[derive(Debug, Default)]
pub struct WithdrawalReach {
    recorded: Vec<(RecordedWithdrawal, Option<Timestamp>)>,
    withdrawn: Vec<Withdrawn>,
}

impl WithdrawalReach {
    /// Adds a withdrawal of an earlier load; before [`WithdrawalReach::sort_recorded`].
    pub fn record(&mut self, recorded: RecordedWithdrawal) {
        self.recorded.push((recorded, None));
    }

    /// Makes earlier withdrawals findable.
    pub fn sort_recorded(&mut self) {
        self.recorded.sort_by_key(|(recorded, _)| recorded.key);
    }

    /// Whether a decision matters for other profiles.
    pub fn concerns(&self, spoken: &Spoken) -> bool {
        spoken.decided.is_refused || spoken.may_lift && spoken.decided.act_at.is_some() && !self.recorded.is_empty()
    }

    /// Adds a decision for one of the contact's addresses.
    pub fn add(&mut self, key: u64, spoken: &Spoken) {
        if spoken.decided.is_refused {
            self.withdrawn.push(Withdrawn {
                key,
                kind: WithdrawalKind { scope: spoken.scope, is_by_flag: spoken.decided.is_by_flag, is_of_this_run: true },
                revoked_at: std::cmp::Reverse(spoken.decided.decided_at),
                profile: spoken.profile,
            });
        }
        if spoken.may_lift && spoken.decided.act_at.is_some() {
            let from = self.recorded.partition_point(|(recorded, _)| recorded.key < key);
            let of_address = self.recorded[from..].iter_mut().take_while(|(recorded, _)| recorded.key == key);
            for (_, act_at) in of_address.filter(|(recorded, _)| recorded.scope == spoken.scope) {
                *act_at = (*act_at).max(spoken.decided.act_at);
            }
        }
    }

    /// Makes withdrawals findable, after the last decision.
    pub fn settle(&mut self) {
        for (recorded, act_at) in std::mem::take(&mut self.recorded) {
            if act_at.is_none_or(|act_at| act_at <= recorded.lifted_after) {
                let is_by_flag = recorded.revoked_at.is_none();
                self.withdrawn.push(Withdrawn {
                    key: recorded.key,
                    kind: WithdrawalKind { scope: recorded.scope, is_by_flag, is_of_this_run: false },
                    revoked_at: std::cmp::Reverse(recorded.revoked_at),
                    profile: None,
                });
            }
        }
        self.withdrawn.sort_unstable();
        // The latest counts, and for the profile that made it the latest of another one: two of each kind are enough, so that an
        // address of thousands is not looked through for each of them.
        let mut kept: Vec<Withdrawn> = Vec::new();
        for next in self.withdrawn.drain(..) {
            let is_alike = |other: &Withdrawn| other.key == next.key && other.kind == next.kind;
            let others = kept.iter().rev().take(2).filter(|other| is_alike(other));
            if others.clone().count() < 2 && others.clone().all(|other| other.profile != next.profile) {
                kept.push(next);
            }
        }
        kept.shrink_to_fit();
        self.withdrawn = kept;
    }

    /// Calls back with the withdrawals of an address by others than this profile.
    pub fn each_by_others(&self, key: u64, profile: ProfileIx, mut visit: impl FnMut(WithdrawalKind, Option<Timestamp>)) {
        let from = self.withdrawn.partition_point(|withdrawn| withdrawn.key < key);
        for withdrawn in self.withdrawn[from..].iter().take_while(|withdrawn| withdrawn.key == key) {
            if withdrawn.profile != Some(profile) {
                visit(withdrawn.kind, withdrawn.revoked_at.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(profile: u32, at: i64) -> Spoken {
        let decided_at = Some(Timestamp(at));
        Spoken {
            contact: u64::from(profile),
            reach: 0,
            profile: Some(ProfileIx(profile)),
            channel: Channel::Email,
            scope: 0,
            may_lift: true,
            decided: DecidedConsent { is_refused: true, is_by_flag: false, is_logged: false, decided_at, act_at: None },
        }
    }

    fn seen(reach: &WithdrawalReach, key: u64, profile: u32) -> Vec<Option<i64>> {
        let mut seen = Vec::new();
        reach.each_by_others(key, ProfileIx(profile), |_, at| seen.push(at.map(|at| at.0)));
        seen
    }

    #[test]
    fn a_profile_is_reached_by_the_latest_withdrawal_of_another() {
        let mut reach = WithdrawalReach::default();
        [(1, 5), (2, 9), (2, 8), (3, 7)].into_iter().for_each(|(profile, at)| reach.add(40, &spoken(profile, at)));
        reach.settle();
        assert_eq!(seen(&reach, 40, 2), [Some(7)]);
        assert_eq!(seen(&reach, 40, 3).first(), Some(&Some(9)));
        assert_eq!(seen(&reach, 40, 1).first(), Some(&Some(9)));
        assert!(seen(&reach, 41, 1).is_empty());
    }

    #[test]
    fn an_earlier_withdrawal_holds_until_a_later_act() {
        for (act_at, holds) in [(None, true), (Some(6), true), (Some(7), false)] {
            let mut reach = WithdrawalReach::default();
            reach.record(RecordedWithdrawal { key: 40, scope: 0, revoked_at: Some(Timestamp(5)), lifted_after: Timestamp(6) });
            reach.sort_recorded();
            let mut grant = spoken(1, 0);
            (grant.decided.is_refused, grant.decided.act_at) = (false, act_at.map(Timestamp));
            assert_eq!(reach.concerns(&grant), act_at.is_some());
            reach.add(40, &grant);
            reach.settle();
            assert_eq!(!seen(&reach, 40, 1).is_empty(), holds, "{act_at:?}");
        }
    }
}
