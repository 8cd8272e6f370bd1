//! The comparison of two records, as the pages show it.

use crate::report::{Waterfall, WaterfallStep};
use crate::resolve::LINK;
use crate::resolve::explain::PairComparison;

/// What the resolution made of a pair.
pub fn outcome(comparison: &PairComparison) -> String {
    match (comparison.refusal_words, comparison.rule) {
        (Some(words), _) => format!("Not linked: {words}."),
        (None, Some(rule)) => format!("Linked by the rule {rule}."),
        (None, None) => "Linked through other records.".to_owned(),
    }
}

/// The evidence as a chart.
pub fn waterfall(comparison: &PairComparison) -> Waterfall {
    Waterfall {
        steps: comparison
            .evidence
            .iter()
            .map(|of| WaterfallStep { words: of.words.clone(), bits: of.bits, why: of.why })
            .collect(),
        total: comparison.bits,
        threshold: LINK.in_bits(),
    }
}
