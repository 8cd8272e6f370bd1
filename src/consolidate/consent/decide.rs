//! Decides one consent unit: the evidence of one contact about one channel and scope.
//!
//! Rules 1 to 7 and 10: the change log, then spam complaints, then preferences, then the contact's flag. In short: a withdrawal
//! stands unless the log has a later explicit action of the person; at equal times the withdrawal wins. Evidence of other
//! contacts, of contact points and of earlier loads (rules 8, 9, 11 and 12) is considered in
//! [`crate::consolidate::consent::weigh`].

use crate::consolidate::consent::rule::ConsentRule;
use crate::model::{ConsentStatus, FlagFalse, Timestamp};

/// The kind of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceKind {
    /// A logged change of consent.
    Log,
    /// A preference.
    Preference,
    /// A message that the contact reported as spam: always a withdrawal.
    Complaint,
    /// An unreadable contact flag: a withdrawal until `reviews.csv` decides.
    UnreadableFlag,
}

/// One preference or logged change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its kind.
    pub kind: EvidenceKind,
    /// Whether it is an opt-in; otherwise it is an opt-out.
    pub is_grant: bool,
    /// Whether it is an explicit action of the person; only these lift a withdrawal.
    pub is_act: bool,
    /// When consent was given or withdrawn.
    pub at: Timestamp,
    /// When the row last changed. Only a later action lifts an opt-out by preference.
    pub changed_at: Timestamp,
}

/// The contact's flag for the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Whether the channel is allowed.
    pub is_set: bool,
    /// When the contact last changed; as_of if that is not known.
    pub changed_at: Timestamp,
}

/// The evidence that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The piece of evidence at this position.
    Evidence(usize),
    /// The contact's flag.
    Flag,
}

/// The state of a unit and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentDecision {
    /// Opted in or out.
    pub status: ConsentStatus,
    /// When; null for a withdrawal by flag alone.
    pub at: Option<Timestamp>,
    /// The evidence that decided.
    pub decider: Decider,
    /// For a withdrawal: the latest time of all opt-outs. In later loads only a later action lifts it.
    pub lifted_after: Option<Timestamp>,
    /// The rule.
    pub rule: ConsentRule,
    /// Whether a later explicit action lifted a withdrawal.
    pub is_lifted: bool,
    /// Whether log, preference and flag disagree.
    pub is_conflict: bool,
}

/// Decides a unit that has at least one preference or logged change; `None` if it has none (rule 7 covers flags alone). Among equal
/// evidence the first decides, so callers must order it by record.
pub fn decide(evidence: &[Evidence], flag: Option<Flag>, flag_false: FlagFalse) -> Option<ConsentDecision> {
    let last_act = evidence.iter().filter(|piece| is_lifting(piece)).map(|piece| piece.at).max();
    let stands = |refused_at: Timestamp| last_act.is_none_or(|act| act <= refused_at);

    let log_refusal = latest(evidence, EvidenceKind::Log, false);
    let log_grant = latest(evidence, EvidenceKind::Log, true);
    let preference_refusal = latest(evidence, EvidenceKind::Preference, false);
    let preference_grant = latest(evidence, EvidenceKind::Preference, true);
    let complaint = latest(evidence, EvidenceKind::Complaint, false);
    let unreadable_flag = latest(evidence, EvidenceKind::UnreadableFlag, false);

    let log_says = match log_refusal {
        Some(refusal) if stands(evidence[refusal].at) => Some(false),
        _ => (log_grant.is_some() || log_refusal.is_some()).then_some(true),
    };
    let preference_says = preference_refusal.map(|_| false).or(preference_grant.map(|_| true));
    let says = [log_says, preference_says, flag.map(|flag| flag.is_set)];
    let is_conflict = says.contains(&Some(true)) && says.contains(&Some(false));
    let flag_refusal = flag.filter(|flag| !flag.is_set && flag_false == FlagFalse::Withdrawal);
    let refused_at = [
        log_refusal.map(|refusal| evidence[refusal].at),
        complaint.map(|complaint| evidence[complaint].at),
        preference_refusal.map(|refusal| evidence[refusal].changed_at),
        unreadable_flag.map(|flag| evidence[flag].changed_at),
        flag_refusal.map(|flag| flag.changed_at),
    ];
    let lifted_after = refused_at.into_iter().max().flatten();
    let out = |at, decider, rule| {
        let status = ConsentStatus::OptedOut;
        ConsentDecision { status, at, decider, lifted_after, rule, is_lifted: false, is_conflict }
    };

    if let Some(refusal) = log_refusal.filter(|_| log_says == Some(false)) {
        return Some(out(Some(evidence[refusal].at), Decider::Evidence(refusal), ConsentRule::LoggedWithdrawal));
    }
    if let Some(complaint) = complaint.filter(|&complaint| stands(evidence[complaint].at)) {
        return Some(out(Some(evidence[complaint].at), Decider::Evidence(complaint), ConsentRule::Complaint));
    }
    if let Some(refusal) = preference_refusal.filter(|&refusal| stands(evidence[refusal].changed_at)) {
        return Some(out(Some(evidence[refusal].at), Decider::Evidence(refusal), ConsentRule::RefusedPreference));
    }
    if unreadable_flag.is_some_and(|flag| stands(evidence[flag].changed_at)) {
        return Some(out(None, Decider::Flag, ConsentRule::ContactFlag));
    }
    let grant = log_grant.or(preference_grant)?;
    if flag_refusal.is_some_and(|flag| stands(flag.changed_at)) {
        return Some(out(None, Decider::Flag, ConsentRule::ContactFlag));
    }
    let lifted = [log_refusal, complaint, preference_refusal, unreadable_flag];
    let is_lifted = lifted.iter().any(Option::is_some) || flag_refusal.is_some();
    Some(ConsentDecision {
        status: ConsentStatus::OptedIn,
        at: Some(evidence[grant].at),
        decider: Decider::Evidence(grant),
        lifted_after: None,
        rule: ConsentRule::Grant,
        is_lifted,
        is_conflict,
    })
}

/// Whether a piece of evidence can lift an earlier opt-out.
pub fn is_lifting(piece: &Evidence) -> bool {
    piece.kind == EvidenceKind::Log && piece.is_grant && piece.is_act
}

fn latest(evidence: &[Evidence], kind: EvidenceKind, is_grant: bool) -> Option<usize> {
    let time = |piece: &Evidence| if is_grant { piece.at } else { piece.at.max(piece.changed_at) };
    let mut found: Option<usize> = None;
    for (position, piece) in evidence.iter().enumerate() {
        let fits = piece.kind == kind && piece.is_grant == is_grant;
        if fits && found.is_none_or(|best| time(piece) > time(&evidence[best])) {
            found = Some(position);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use EvidenceKind::{Complaint, Log, Preference, UnreadableFlag};

    fn piece(kind: EvidenceKind, is_grant: bool, is_act: bool, at: i64) -> Evidence {
        Evidence { kind, is_grant, is_act, at: Timestamp(at), changed_at: Timestamp(at) }
    }

    /// Oracle: the rules as documented, step by step over a sorted log. Shares no code with [`decide`].
    fn oracle(evidence: &[Evidence], flag: Option<Flag>, flag_false: FlagFalse) -> Option<(bool, u8)> {
        let mut log: Vec<&Evidence> = evidence.iter().filter(|piece| piece.kind == Log).collect();
        log.sort_by_key(|piece| (piece.at, !piece.is_grant));
        let mut state = None;
        for entry in &log {
            state = match (state, entry.is_grant) {
                (_, false) => Some(false),
                (Some(false), true) if !entry.is_act => Some(false),
                (_, true) => Some(true),
            };
        }
        if state == Some(false) {
            return Some((false, 3));
        }
        let acts_after = |at: Timestamp| log.iter().any(|entry| entry.is_grant && entry.is_act && entry.at > at);
        if evidence.iter().any(|piece| piece.kind == Complaint && !acts_after(piece.at)) {
            return Some((false, 10));
        }
        let preferences = || evidence.iter().filter(|piece| piece.kind == Preference);
        if preferences().any(|preference| !preference.is_grant && !acts_after(preference.changed_at)) {
            return Some((false, 4));
        }
        if evidence.iter().any(|piece| piece.kind == UnreadableFlag && !acts_after(piece.at)) {
            return Some((false, 5));
        }
        let is_positive = state == Some(true) || preferences().any(|preference| preference.is_grant);
        match flag {
            Some(Flag { is_set: false, changed_at })
                if is_positive && flag_false == FlagFalse::Withdrawal && !acts_after(changed_at) =>
            {
                Some((false, 5))
            }
            _ => is_positive.then_some((true, 6)),
        }
    }

    #[test]
    fn every_combination_of_four_pieces_of_evidence_follows_the_rules() {
        let mut alphabet = Vec::new();
        for at in 1..=3 {
            for is_grant in [true, false] {
                alphabet.push(piece(Log, is_grant, true, at));
                alphabet.push(piece(Log, is_grant, false, at));
                alphabet.push(piece(Preference, is_grant, false, at));
            }
        }
        // An opt-out by preference dates from its last change, and only a later action lifts it.
        alphabet.push(Evidence { changed_at: Timestamp(3), ..piece(Preference, false, false, 1) });
        alphabet.push(piece(Complaint, false, false, 2));
        alphabet.push(piece(UnreadableFlag, false, false, 1));
        let flag = |is_set, at| Some(Flag { is_set, changed_at: Timestamp(at) });
        let flags = [None, flag(true, 2), flag(false, 1), flag(false, 2), flag(false, 3)];
        let size = alphabet.len();
        let mut compared = 0;
        for number in 0..size.pow(4) {
            let pieces: Vec<Evidence> = (0..4).map(|place| alphabet[number / size.pow(place) % size]).collect();
            for flag in flags {
                for flag_false in [FlagFalse::Withdrawal, FlagFalse::Unset] {
                    for count in [1, 2, 3, 4] {
                        let pieces = &pieces[..count];
                        let decision = decide(pieces, flag, flag_false);
                        let found = decision.map(|decision| (decision.status == ConsentStatus::OptedIn, decision.rule.number()));
                        assert_eq!(found, oracle(pieces, flag, flag_false), "{pieces:?} {flag:?} {flag_false:?}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 21_i32.pow(4) * 5 * 2 * 4);
    }

    #[test]
    fn an_opt_out_has_the_date_of_its_evidence_and_by_flag_none() {
        let grant = piece(Preference, true, false, 5);
        let refused = decide(&[grant, piece(Preference, false, false, 9)], None, FlagFalse::Withdrawal).unwrap();
        assert_eq!(
            (refused.status, refused.at, refused.decider),
            (ConsentStatus::OptedOut, Some(Timestamp(9)), Decider::Evidence(1))
        );
        let flag = Some(Flag { is_set: false, changed_at: Timestamp(1) });
        let silenced = decide(&[grant], flag, FlagFalse::Withdrawal).unwrap();
        assert_eq!((silenced.status, silenced.at, silenced.decider), (ConsentStatus::OptedOut, None, Decider::Flag));
        assert!(silenced.is_conflict);
    }

    #[test]
    fn a_grant_dates_from_the_evidence_used_the_log_before_the_preference() {
        let pieces = [piece(Preference, true, false, 9), piece(Log, true, false, 4), piece(Log, true, false, 6)];
        let given = decide(&pieces, None, FlagFalse::Withdrawal).unwrap();
        assert_eq!((given.at, given.decider, given.rule), (Some(Timestamp(6)), Decider::Evidence(2), ConsentRule::Grant));
    }

    #[test]
    fn only_a_logged_act_lifts_and_only_a_later_one() {
        let refusal = piece(Log, false, true, 5);
        let status = |other| decide(&[refusal, other], None, FlagFalse::Withdrawal).unwrap();
        assert_eq!(status(piece(Log, true, true, 6)).status, ConsentStatus::OptedIn);
        assert!(status(piece(Log, true, true, 6)).is_lifted);
        assert_eq!(status(piece(Log, true, true, 5)).status, ConsentStatus::OptedOut);
        assert_eq!(status(piece(Log, true, false, 6)).status, ConsentStatus::OptedOut);
        assert_eq!(status(piece(Preference, true, true, 6)).status, ConsentStatus::OptedOut);
    }

    #[test]
    fn a_flag_alone_does_not_decide_a_unit() {
        let flag = Some(Flag { is_set: true, changed_at: Timestamp(1) });
        assert_eq!(decide(&[], flag, FlagFalse::Withdrawal), None);
    }
}
