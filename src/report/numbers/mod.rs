//! All numbers of the report, which are the contents of `report.json`: `"format": 2`, no personal data. Times come from the run
//! records; the clock is not read.

mod changes;
mod consent;
mod identity;
mod origin;
mod rows;
mod timeline;
mod verdict;

use serde::Serialize;

use crate::report::checklist::ChecklistLine;
use crate::report::values::ReportValues;

pub use changes::{ChangedId, ChangedIds, LeftSegment, ReportChange, ReportSegment};
pub use consent::{ConsentDecider, ReportConsent};
pub use identity::{ExplainedPair, Method, ReportComparison, ReportIdentity, ReportOverlap, ReportPeople, Rule, WeightBand};
pub use origin::{ChangedSetting, ReportManifest, ReportOrigin, ReportQuery, ReportStep};
pub use rows::{Fill, ReportEntity, ReportFinding};
pub use timeline::{Month, ReportTimeline};
pub use verdict::{GoLiveVerdict, ReportAnswer, ReportCheck, Tile};

/// The whole report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Numbers {
    /// Version of this layout.
    pub format: u32,
    /// As-of time.
    pub as_of: String,
    /// The phase.
    pub phase: u8,
    /// Title of the phase.
    pub phase_title: String,
    /// Where the report comes from.
    pub origin: ReportOrigin,
    /// Whether it may go live.
    pub verdict: GoLiveVerdict,
    /// Exported entities and the outcomes of their rows.
    pub entities: Vec<ReportEntity>,
    /// Outcomes of the person records of each source.
    pub people: Vec<ReportPeople>,
    /// Profiles by the exact set of their sources, most frequent first.
    pub overlaps: Vec<ReportOverlap>,
    /// The strategy's six numbers.
    pub six: Vec<Counted>,
    /// Links by match weight, and what was not linked.
    pub identity: ReportIdentity,
    /// Links by rule.
    pub rules: Vec<Rule>,
    /// The strategy's literal rule compared with ours; null unless `resolve --method strategy` was run.
    pub comparison: Option<ReportComparison>,
    /// Pairs of records with their evidence, as examples.
    pub explained: Vec<ExplainedPair>,
    /// Profiles by number of records.
    pub clusters: Vec<Counted>,
    /// The profiles with the most records.
    pub largest: Vec<Counted>,
    /// Completeness of the staged columns of person records.
    pub fill: Vec<Fill>,
    /// Cleaned, defaulted and rejected values by reason and source.
    pub values: ReportValues,
    /// The same by entity, column and unknown code, and what was merely noted.
    pub findings: Vec<ReportFinding>,
    /// Rejected values and rows by reason, most frequent first.
    pub rejects: Vec<Counted>,
    /// Consent by channel.
    pub consent: Vec<ReportConsent>,
    /// What decided the consent rows.
    pub deciders: Vec<ConsentDecider>,
    /// Suppressed contact points by channel and reason.
    pub suppressions: Vec<Counted>,
    /// Rows for manual review, by entity and reason.
    pub manual_review: Vec<Counted>,
    /// Activities by month.
    pub timeline: ReportTimeline,
    /// Version of the scores and highest engagement; empty before phase 6.
    pub scores: String,
    /// Engagement in bands of ten.
    pub engagement: Vec<Counted>,
    /// Churn risk in bands of ten.
    pub churn: Vec<Counted>,
    /// Segments with their members now and in the run before.
    pub segments: Vec<ReportSegment>,
    /// Segments of the CRM that are not refreshed.
    pub segments_left: Vec<LeftSegment>,
    /// The run before, in words; null if there was none.
    pub run_before: Option<String>,
    /// Differences from the run before.
    pub changes: Vec<ReportChange>,
    /// Records and profiles that changed since the run before, by id.
    pub changed_ids: Vec<ChangedIds>,
    /// Rows decided by documented deviations.
    pub departures: Vec<Counted>,
    /// Results of the last verification.
    pub checks: Vec<ReportCheck>,
    /// The strategy's data-quality queries with the CRM's results.
    pub quality: Vec<ReportAnswer>,
    /// The steps of the last runs.
    pub steps: Vec<ReportStep>,
    /// The strategy's checklist with states.
    pub checklist: Vec<ChecklistLine>,
    /// Manifests that the numbers come from.
    pub manifests: Vec<ReportManifest>,
    /// The statements that reproduce each number.
    pub queries: Vec<ReportQuery>,
}

/// A number with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The counted item.
    pub name: String,
    /// The number.
    pub count: i64,
}

impl Counted {
    /// A number with its name.
    pub fn new(name: impl Into<String>, count: i64) -> Self {
        Self { name: name.into(), count }
    }
}
