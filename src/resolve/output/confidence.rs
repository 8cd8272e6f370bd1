//! How sure a link is, 0 to 100: the measured share of true links per rule and band, at most the rule's documented ceiling.
//!
//! Counted on sixteen labelled populations (seeds 1 to 4 of ordinary, families and rough, 270,000 records each, and two of each of two
//! kinds of another generator, 81,000 to 90,000): the lowest share that one of these kinds showed in at least 100 links, rounded down.
//! `make bench` prints what is claimed beside what other seeds show.

use crate::model::LinkRule;

/// Bits from which the second, third and fourth band begin; the first begins at the threshold of 3.
const BANDS: [i32; 3] = [5 * 16, 8 * 16, 12 * 16];

/// The most that a rule's links can be, as the CRM documents it for addresses, numbers and logins.
pub fn ceiling(rule: LinkRule) -> i32 {
    match rule {
        LinkRule::Founder | LinkRule::Decision | LinkRule::AuthUserId => 100,
        LinkRule::EmailPhone | LinkRule::GolfRsaId | LinkRule::CdhId | LinkRule::McaId => 99,
        LinkRule::Email => 95,
        LinkRule::NameDob => 90,
        LinkRule::Phone => 85,
        LinkRule::NearEmail | LinkRule::NearPhone => 80,
        LinkRule::Skipped => 0,
    }
}

/// Confidence of a link by this rule with this much evidence.
pub fn confidence(rule: LinkRule, bits16: i32) -> i32 {
    let band = BANDS.iter().filter(|&&start| bits16 >= start).count();
    let measured: [i32; 4] = match rule {
        LinkRule::Founder | LinkRule::Decision => [100; 4],
        LinkRule::AuthUserId => [94, 99, 99, 100],
        // Over all kinds, for want of wrong ones: some 630, 1,000, 16,800 and 390,000 links of the three together.
        LinkRule::GolfRsaId | LinkRule::CdhId | LinkRule::McaId => [97, 97, 99, 99],
        LinkRule::EmailPhone => [83, 93, 99, 99],
        LinkRule::Email => [84, 94, 99, 99],
        // None was seen below 8 bits: set by hand.
        LinkRule::NameDob => [85, 88, 99, 99],
        LinkRule::Phone => [83, 96, 99, 99],
        // Below 5 bits over all kinds: 122 links. The ceiling is reached from 5 bits on.
        LinkRule::NearEmail | LinkRule::NearPhone => [60, 91, 96, 98],
        LinkRule::Skipped => [0; 4],
    };
    measured[band].min(ceiling(rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    #[test]
    fn confidence_never_passes_the_ceiling_of_its_rule_and_never_falls_with_evidence() {
        for &rule in LinkRule::ALL {
            let all: Vec<i32> = (48..400).map(|bits16| confidence(rule, bits16)).collect();
            assert!(all.iter().all(|&value| value <= ceiling(rule)), "{rule}");
            assert!(all.is_sorted(), "{rule}");
        }
    }

    #[test]
    fn the_documented_ceilings_are_those_of_the_crm() {
        assert_eq!(
            [LinkRule::AuthUserId, LinkRule::EmailPhone, LinkRule::Email, LinkRule::Phone].map(ceiling),
            [100, 99, 95, 85]
        );
    }
}
