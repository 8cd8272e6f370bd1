//! Which records are one person.

use serde::Serialize;

use crate::report::charts::Waterfall;
use crate::report::numbers::Counted;

/// Outcomes of a source's person records.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportPeople {
    /// The source.
    pub source: String,
    /// Person records in scope.
    pub records: i64,
    /// Seed records.
    pub founded: i64,
    /// Records linked to the profile of another source's record.
    pub linked: i64,
    /// Records linked to a profile whose seed record is of the same source.
    pub merged: i64,
    /// Records left out.
    pub skipped: i64,
    /// Profiles that hold at least one record of the source.
    pub profiles: i64,
}

/// Profiles with records of exactly these sources.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportOverlap {
    /// The sources.
    pub sources: Vec<String>,
    /// Number of profiles.
    pub count: i64,
}

/// Links by match weight, and what was not linked.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportIdentity {
    /// Links and pairs to review by match weight, in whole bits.
    pub bits: Vec<WeightBand>,
    /// Pairs that were not linked, by reason.
    pub refusals: Vec<Counted>,
    /// Those of them that go to the CRM's review queue.
    pub filed: i64,
    /// Pairs of profiles in that queue: of these pairs of records, and of namesakes with one email.
    pub queued: i64,
    /// Over-shared values, by kind and reason.
    pub hubs: Vec<Counted>,
    /// Records with such a value.
    pub hub_records: i64,
}

/// Links and pairs to review by match weight.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WeightBand {
    /// Whole bits, rounded down.
    pub bits: i32,
    /// Links.
    pub links: i64,
    /// Pairs for review.
    pub candidates: i64,
}

/// A rule and its links.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rule {
    /// The rule.
    pub rule: String,
    /// Links.
    pub links: i64,
    /// Mean confidence, 0 to 100.
    pub confidence: i64,
    /// Lowest confidence.
    pub lowest: i64,
}

/// Two methods of resolution over the same records.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportComparison {
    /// Ours.
    pub ours: Method,
    /// The strategy's literal code.
    pub strategy: Method,
    /// Pairs of records that both methods join.
    pub pairs_of_both: i64,
}

/// The result of a method.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Method {
    /// Profiles.
    pub profiles: i64,
    /// Records of the largest one.
    pub largest: i64,
    /// Pairs of records that only this method joins.
    pub pairs_alone: i64,
}

/// A pair of records with its evidence.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExplainedPair {
    /// Why it is shown.
    pub title: String,
    /// First record, `source:entity:id`.
    pub a: String,
    /// Second record.
    pub b: String,
    /// What the resolution made of it, in words.
    pub outcome: String,
    /// The evidence.
    pub waterfall: Waterfall,
}
