//! Confidence of a link, 0 to 100: the measured share of true links per rule and band, at most the rule's documented ceiling.
//!
//! Measured on labelled populations of several generators. No population with 200 links or more in a band may have a share that
//! is more than two points lower. Where an independent population had a lower share, that one is used. `make bench` prints the
//! confidence next to the share of each population.

use crate::model::LinkRule;
use crate::resolve::compare::weight::Weight;

/// Match weights at which the second, third and fourth band begin; the first begins at the threshold of 3 bits.
const BANDS: [Weight; 3] = [Weight::bits(5), Weight::bits(8), Weight::bits(12)];

/// The ceiling of a rule, as the CRM documents it for emails, phones and logins.
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

/// Confidence of a link by this rule with this match weight.
pub fn confidence(rule: LinkRule, weight: Weight) -> i32 {
    let band = BANDS.iter().filter(|&&start| weight >= start).count();
    let measured: [i32; 4] = match rule {
        LinkRule::Founder | LinkRule::Decision => [100; 4],
        LinkRule::AuthUserId => [78, 97, 99, 100],
        LinkRule::GolfRsaId | LinkRule::CdhId => [90, 95, 99, 99],
        // Where the names do not agree, the number may as well be a relative's.
        LinkRule::McaId => [45, 45, 98, 99],
        LinkRule::EmailPhone => [83, 93, 99, 99],
        LinkRule::Email => [77, 93, 99, 99],
        // From 8 bits on, 91 % of 23 links were right here and 65 % elsewhere, before chance was counted.
        LinkRule::NameDob => [60, 65, 80, 97],
        LinkRule::Phone => [77, 95, 99, 99],
        // Hardly any links below 5 bits were observed, so this is set by hand.
        LinkRule::NearEmail | LinkRule::NearPhone => [40, 80, 96, 98],
        LinkRule::Skipped => [0; 4],
    };
    measured[band].min(ceiling(rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    #[test]
    fn confidence_grows_with_evidence_up_to_the_maximum_of_its_rule() {
        for &rule in LinkRule::ALL {
            let all: Vec<i32> = (48..400).map(|sixteenths| confidence(rule, Weight::sixteenths(sixteenths))).collect();
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
