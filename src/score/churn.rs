//! Churn risk, 0 to 100: decline 35 %, payments 25 %, email 20 %, tier 10 %, complaints 10 %.

use crate::model::Timestamp;
use crate::score::{Facts, Windows};

/// The five factors, each 0 to 100 in steps of 20, so that the weighted sum is a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Churn {
    /// Activities lost against the quarter before, or the same quarter a year ago.
    pub decline: i32,
    /// Failed payments, or a membership in arrears.
    pub payment: i32,
    /// Stopped opening e-mail, or withdrew consent.
    pub email_drop: i32,
    /// Lower tier, or membership lost.
    pub tier_drop: i32,
    /// Complaints.
    pub complaint: i32,
}

/// The membership facts of a profile.
#[derive(Clone, Copy, Debug)]
pub struct Membership {
    /// Whether there is any: a status, a tier or a date of joining.
    pub is_known: bool,
    /// Lapsed, resigned or expired at as_of.
    pub is_lost: bool,
    /// Owes a fee.
    pub in_arrears: bool,
    /// When the person was first seen.
    pub first_seen_at: Timestamp,
}

impl Membership {
    /// Reads a membership status: case, blanks and punctuation do not matter.
    pub fn of(
        status: Option<&str>,
        tier: Option<&str>,
        since: Option<Timestamp>,
        expiry: Option<Timestamp>,
        as_of: i64,
        first_seen_at: Timestamp,
    ) -> Self {
        let says = |words: &[&str]| status.is_some_and(|status| words.iter().any(|word| reads_as(status, word)));
        Self {
            is_known: status.is_some() || tier.is_some() || since.is_some(),
            is_lost: says(&["lapsed", "resigned", "expired"]) || expiry.is_some_and(|at| at.0 <= as_of),
            in_arrears: says(&["overdue", "arrears", "owing", "unpaid", "grace"]),
            first_seen_at,
        }
    }
}

/// Whether a text consists of the word, ignoring case and everything except letters.
fn reads_as(text: &str, word: &str) -> bool {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).eq(word.bytes())
}

impl Churn {
    /// The factors of a profile; `None` for a person without facts who was first seen within the last 30 days.
    pub fn of(facts: &Facts, membership: Membership, windows: &Windows) -> Option<Self> {
        let known_for = super::whole_days(windows.as_of - membership.first_seen_at.0);
        if facts.last().is_none() && !membership.is_known && known_for < 30 {
            return None;
        }
        let payment = steps(facts.failed_payments, &[(3, 100), (2, 80), (1, 40)]);
        Some(Self {
            decline: decline(facts, known_for, windows),
            payment: if membership.in_arrears { payment.max(80) } else { payment },
            email_drop: email_drop(facts),
            tier_drop: if facts.tier_lowered || membership.is_lost { 100 } else { 0 },
            complaint: steps(facts.complaints, &[(2, 100), (1, 60)]),
        })
    }

    /// The score.
    pub fn score(&self) -> i32 {
        (35 * self.decline + 25 * self.payment + 20 * self.email_drop + 10 * self.tier_drop + 10 * self.complaint) / 100
    }
}

fn steps(value: u32, bounds: &[(u32, i32)]) -> i32 {
    bounds.iter().find(|(bound, _)| value >= *bound).map_or(0, |(_, points)| *points)
}

/// Decline of activity. Golf is seasonal, so the smaller one of the losses against the last quarter and against the same quarter
/// a year ago counts.
fn decline(facts: &Facts, known_for: i64, windows: &Windows) -> i32 {
    let against = |then: u32| (then >= 3).then(|| loss(then, facts.quarter));
    let was_here = facts.counted_first().is_some_and(|first| windows.before_last_year(first.0));
    let last_year = if was_here { against(facts.quarter_last_year) } else { None };
    match (against(facts.quarter_before), last_year) {
        (Some(before), Some(last_year)) => before.min(last_year),
        (Some(loss), None) | (None, Some(loss)) => loss,
        (None, None) => {
            let silent_for = facts.counted_last().map_or(known_for, |last| super::whole_days(windows.as_of - last.0));
            match silent_for {
                ..=30 => 0,
                31..=60 => 20,
                61..=90 => 40,
                91..=180 => 60,
                181..=365 => 80,
                366.. => 100,
            }
        }
    }
}

fn loss(then: u32, now: u32) -> i32 {
    let then = i64::from(then);
    match 100 * (then - i64::from(now)) {
        ..=0 => 0,
        drop if drop < 25 * then => 20,
        drop if drop < 50 * then => 40,
        drop if drop < 75 * then => 80,
        _ => 100,
    }
}

fn email_drop(facts: &Facts) -> i32 {
    let withdrawn = if facts.withdrew { 60 } else { 0 };
    let (now, opened) = (u64::from(facts.emails), u64::from(facts.emails_opened));
    let (before, opened_before) = (u64::from(facts.emails_before), u64::from(facts.emails_opened_before));
    let opens = if now < 3 {
        0
    } else if opened_before > 0 && opened == 0 {
        100
    } else if opened_before > 0 && 2 * opened * before <= opened_before * now {
        60
    } else if facts.last_email_open().is_none() && now >= 5 {
        40
    } else {
        0
    };
    opens.max(withdrawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProfileIx;

    const DAY: i64 = Timestamp::DAY;

    fn membership(first_seen_days_ago: i64) -> Membership {
        Membership::of(None, None, None, None, 0, Timestamp(-first_seen_days_ago * DAY))
    }

    fn windows() -> Windows {
        Windows::new(Timestamp(0))
    }

    #[test]
    fn the_worked_example_of_the_rules_scores_65() {
        let facts = Facts {
            quarter_before: 8,
            quarter: 2,
            failed_payments: 1,
            emails: 3,
            emails_before: 3,
            emails_opened_before: 1,
            ..Facts::default()
        };
        let churn = Churn::of(&facts, membership(400), &windows()).unwrap();
        assert_eq!(churn, Churn { decline: 100, payment: 40, email_drop: 100, tier_drop: 0, complaint: 0 });
        assert_eq!(churn.score(), 65);
    }

    #[test]
    fn without_facts_a_new_profile_has_no_score_and_an_old_one_has() {
        assert_eq!(Churn::of(&Facts::default(), membership(29), &windows()), None);
        assert_eq!(Churn::of(&Facts::default(), membership(30), &windows()).unwrap().decline, 0);
        let bands = [30, 31, 60, 61, 90, 91, 180, 181, 365, 366];
        let decline = bands.map(|days| Churn::of(&Facts::default(), membership(days), &windows()).unwrap().decline);
        assert_eq!(decline, [0, 20, 20, 40, 40, 60, 60, 80, 80, 100]);
        let member = Membership { is_known: true, ..membership(1) };
        assert_eq!(Churn::of(&Facts::default(), member, &windows()), Some(Churn::default()));
    }

    #[test]
    fn losses_are_banded_at_a_quarter_a_half_and_three_quarters() {
        assert_eq!([100, 99, 76, 75, 51, 50, 26, 25, 0].map(|now| loss(100, now)), [0, 20, 20, 40, 40, 80, 80, 100, 100]);
        assert_eq!(loss(100, 120), 0);
    }

    #[test]
    fn a_winter_break_like_the_last_one_is_not_a_decline() {
        let long_ago = super::super::facts::ScoredEvent {
            profile: ProfileIx(0),
            category: crate::model::ActivityCategory::Golf,
            sign: super::super::facts::Sign::None,
            channel: None,
            at: -455 * DAY,
        };
        let mut facts = Facts::default();
        facts.add(&long_ago, &windows());
        facts.quarter_before = 10;
        facts.quarter = 2;
        facts.quarter_last_year = 3;
        assert_eq!(decline(&facts, 500, &windows()), 40);
        facts.quarter_last_year = 2;
        assert_eq!(decline(&facts, 500, &windows()), 100);
        facts.quarter_before = 2;
        facts.quarter_last_year = 4;
        assert_eq!(decline(&facts, 500, &windows()), 80);
    }

    #[test]
    fn the_email_factor_needs_three_deliveries_but_a_withdrawal_does_not() {
        let of = |emails, opened, before, opened_before| {
            email_drop(&Facts {
                emails,
                emails_opened: opened,
                emails_before: before,
                emails_opened_before: opened_before,
                ..Facts::default()
            })
        };
        assert_eq!(of(2, 0, 4, 4), 0);
        assert_eq!(of(3, 0, 4, 1), 100);
        assert_eq!(of(4, 1, 4, 2), 60);
        assert_eq!(of(4, 2, 4, 3), 0);
        assert_eq!(of(5, 0, 0, 0), 40);
        assert_eq!(of(4, 0, 0, 0), 0);
        assert_eq!(email_drop(&Facts { withdrew: true, ..Facts::default() }), 60);
        let both = Facts { withdrew: true, emails: 3, emails_before: 1, emails_opened_before: 1, ..Facts::default() };
        assert_eq!(email_drop(&both), 100);
    }

    #[test]
    fn statuses_are_read_whatever_their_case_and_punctuation() {
        let of = |status| Membership::of(Some(status), None, None, None, 0, Timestamp(0));
        assert!(of(" Lapsed ").is_lost && of("RESIGNED").is_lost && of("expired.").is_lost);
        assert!(of("In-Arrears").is_known && !of("In-Arrears").in_arrears && of("Over due").in_arrears);
        assert!(!of("Active").is_lost);
        assert!(Membership::of(None, None, None, Some(Timestamp(0)), 0, Timestamp(0)).is_lost);
    }

    #[test]
    fn complaints_payments_and_arrears_have_their_steps() {
        let of = |facts: Facts, membership| Churn::of(&facts, membership, &windows()).unwrap();
        let facts = |complaints, failed_payments| Facts { complaints, failed_payments, ..Facts::default() };
        assert_eq!([0, 1, 2, 3].map(|n| of(facts(n, n), membership(99)).complaint), [0, 60, 100, 100]);
        assert_eq!([0, 1, 2, 3, 4].map(|n| of(facts(n, n), membership(99)).payment), [0, 40, 80, 100, 100]);
        let arrears = Membership { in_arrears: true, ..membership(99) };
        assert_eq!(of(facts(0, 0), arrears).payment, 80);
        assert_eq!(of(facts(0, 3), arrears).payment, 100);
    }
}
