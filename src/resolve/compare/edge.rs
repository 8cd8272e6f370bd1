//! A compared pair of records with its match weight.

use crate::model::{Code as _, LinkRule, RecordIx};
use crate::resolve::compare::score::PairVerdict;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::LINK;

/// The tenants differ.
const CROSS_TENANT: u8 = 1;
/// One of the two has no name, and the evidence allows it to be the other one.
const CLAIM: u8 = 2;

/// A scored pair: the smaller record first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The smaller record.
    pub a: RecordIx,
    /// The larger record.
    pub b: RecordIx,
    /// The smallest record of the component; known once all edges are.
    pub(in crate::resolve) component: RecordIx,
    /// The match weight in sixteenths of a bit, in two bytes, because there are many pairs.
    weight: i16,
    rule: u8,
    flags: u8,
}

impl Edge {
    /// A pair with its match weight.
    pub fn new(a: RecordIx, b: RecordIx, weight: Weight, verdict: &PairVerdict) -> Self {
        Self {
            a: a.min(b),
            b: a.max(b),
            component: a.min(b),
            weight: packed(weight),
            rule: verdict.rule.map_or(LinkRule::Skipped, |rule| rule) as u8,
            flags: if verdict.cross_tenant { CROSS_TENANT } else { 0 },
        }
    }

    /// A link of a cluster, read back.
    pub fn link(a: RecordIx, b: RecordIx, packed_weight: i16, rule: u8) -> Self {
        Self { a: a.min(b), b: a.max(b), component: a.min(b), weight: packed_weight, rule, flags: 0 }
    }

    /// The match weight.
    pub fn weight(self) -> Weight {
        Weight::sixteenths(self.weight.into())
    }

    /// Replaces the match weight.
    pub(in crate::resolve) fn restate(&mut self, weight: Weight) {
        self.weight = packed(weight);
    }

    /// The packed match weight, for [`Edge::link`].
    pub(in crate::resolve) fn packed_weight(self) -> i16 {
        self.weight
    }

    /// Code of the rule, for [`Edge::link`].
    pub(in crate::resolve) fn rule_code(self) -> u8 {
        self.rule
    }

    /// The rule it would link by; `None` when no key connects the two.
    pub fn rule(self) -> Option<LinkRule> {
        Some(LinkRule::ALL[usize::from(self.rule)]).filter(|&rule| rule != LinkRule::Skipped)
    }

    /// The same edge, marked as a possible match of a record without a name.
    pub(in crate::resolve) fn claimed(self) -> Self {
        Self { flags: self.flags | CLAIM, ..self }
    }

    /// Whether the tenants differ, so that the pair is only listed for review.
    pub fn is_cross_tenant(self) -> bool {
        self.flags & CROSS_TENANT != 0
    }

    /// Whether it links, or may link once the rest of the household is considered: a record without a name may belong to a named
    /// person although its own evidence is below the threshold.
    pub fn is_tie(self) -> bool {
        self.links() || self.flags & CLAIM != 0
    }

    /// Whether the match weight reaches the threshold of a link.
    pub fn links(self) -> bool {
        !self.is_cross_tenant() && self.weight() >= LINK
    }

    /// A number that sorts by component, and by [`Edge::order`] within each.
    pub(in crate::resolve) fn rank(self) -> u128 {
        let worse = i16::MAX.wrapping_sub(self.weight).cast_unsigned();
        let [component, a, b] = [self.component, self.a, self.b].map(|record| u128::from(record.0));
        component << 80 | u128::from(worse) << 64 | a << 32 | b
    }

    /// Best first, then by the two records.
    pub fn order(self) -> (std::cmp::Reverse<i16>, RecordIx, RecordIx) {
        (std::cmp::Reverse(self.weight), self.a, self.b)
    }
}

/// Weights beyond 1,875 bits are stored as the limit.
fn packed(weight: Weight) -> i16 {
    i16::try_from(weight.in_sixteenths().clamp(-30_000, 30_000)).expect("clamped")
}
