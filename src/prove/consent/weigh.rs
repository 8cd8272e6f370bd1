//! The evidence about one channel and scope of a contact, and whether it is consent or a withdrawal.

use crate::model::{Channel, Timestamp};

/// The kinds of statements about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatementKind {
    /// A logged opt-in that is an explicit action of the person.
    Act,
    /// Any other logged opt-in.
    Grant,
    /// A logged opt-out.
    OptOut,
    /// An opt-in by preference.
    PreferredGrant,
    /// An opt-out by preference.
    PreferredOptOut,
    /// A spam complaint.
    Complaint,
    /// A contact flag that cannot be read.
    UnreadableFlag,
}

/// One statement. Those of one contact, channel and scope follow each other when sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StagedStatement {
    /// Hash of the contact's id.
    pub contact: u64,
    /// The channel.
    pub channel: Channel,
    /// Position of the scope in the proof's list.
    pub scope: u32,
    /// What it says.
    pub kind: StatementKind,
    /// When it counts from (UTC).
    pub at: Timestamp,
}

/// The outcome of all statements about one channel and scope of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecidedConsent {
    /// Whether it is a withdrawal.
    pub is_refused: bool,
    /// Whether a contact flag made it a withdrawal.
    pub is_by_flag: bool,
    /// Whether an opt-in was logged.
    pub is_logged: bool,
    /// When it was decided; `None` for a withdrawal by flag.
    pub decided_at: Option<Timestamp>,
    /// The latest explicit action of the person.
    pub act_at: Option<Timestamp>,
}

/// Decides what these statements amount to; `None` if none of them gives or withdraws consent.
///
/// A withdrawal holds unless the person acted later. `false_flag_at` is the time of a contact flag that is false and counts as a
/// withdrawal; it does so only where there was consent.
pub fn decide(statements: &[StagedStatement], false_flag_at: Option<Timestamp>) -> Option<DecidedConsent> {
    let latest = |kind: StatementKind| statements.iter().filter(|said| said.kind == kind).map(|said| said.at).max();
    let act_at = latest(StatementKind::Act);
    let granted_at = act_at.max(latest(StatementKind::Grant));
    let consented_at = granted_at.or_else(|| latest(StatementKind::PreferredGrant));
    let holds = |at: Option<Timestamp>| at.filter(|&at| act_at.is_none_or(|act| at >= act));
    let dated = holds(latest(StatementKind::OptOut))
        .or_else(|| holds(latest(StatementKind::Complaint)))
        .or_else(|| holds(latest(StatementKind::PreferredOptOut)));
    let is_by_flag = dated.is_none()
        && (holds(latest(StatementKind::UnreadableFlag)).is_some() || consented_at.is_some() && holds(false_flag_at).is_some());
    let is_refused = dated.is_some() || is_by_flag;
    let decided_at = if is_refused { dated } else { consented_at };
    let is_logged = granted_at.is_some();
    (is_refused || consented_at.is_some()).then_some(DecidedConsent { is_refused, is_by_flag, is_logged, decided_at, act_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(said: &[(StatementKind, i64)], false_flag_at: Option<i64>) -> Option<(bool, Option<i64>)> {
        let statement = |&(kind, at)| StagedStatement { contact: 1, channel: Channel::Email, scope: 0, kind, at: Timestamp(at) };
        let statements: Vec<StagedStatement> = said.iter().map(statement).collect();
        decide(&statements, false_flag_at.map(Timestamp)).map(|it| (it.is_refused, it.decided_at.map(|at| at.0)))
    }

    #[test]
    fn only_a_later_act_lifts_a_withdrawal() {
        use StatementKind::{Act, Complaint, Grant, OptOut, PreferredGrant, PreferredOptOut};
        for withdrawal in [OptOut, Complaint, PreferredOptOut] {
            assert_eq!(decided(&[(withdrawal, 5)], None), Some((true, Some(5))));
            assert_eq!(decided(&[(withdrawal, 5), (Grant, 9), (PreferredGrant, 9)], None), Some((true, Some(5))));
            assert_eq!(decided(&[(withdrawal, 5), (Act, 5)], None), Some((true, Some(5))), "at the same instant it holds");
            assert_eq!(decided(&[(withdrawal, 5), (Act, 6)], None), Some((false, Some(6))));
        }
    }

    #[test]
    fn a_false_flag_withdraws_consent_but_is_none_itself() {
        use StatementKind::{Act, PreferredGrant, UnreadableFlag};
        assert_eq!(decided(&[(PreferredGrant, 5)], Some(9)), Some((true, None)));
        assert_eq!(decided(&[(Act, 10)], Some(9)), Some((false, Some(10))));
        assert_eq!(decided(&[], Some(9)), None);
        assert_eq!(decided(&[(UnreadableFlag, 5)], None), Some((true, None)));
    }

    #[test]
    fn a_logged_opt_in_dates_consent_before_a_preference_does() {
        use StatementKind::{Grant, PreferredGrant};
        assert_eq!(decided(&[(Grant, 5), (PreferredGrant, 9)], None), Some((false, Some(5))));
        assert_eq!(decided(&[(PreferredGrant, 9)], None), Some((false, Some(9))));
    }
}
