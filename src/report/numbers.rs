//! All numbers of the report, which are the contents of `report.json`: `"format": 1`, no personal data. The times are those of the run
//! records; the clock is not read.

use serde::{Deserialize, Serialize};

use super::charts::Waterfall;
use super::values::ReportValues;

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
    pub checklist: Vec<super::checklist::ChecklistLine>,
    /// Manifests that the numbers come from.
    pub manifests: Vec<ReportManifest>,
    /// The statements that reproduce each number.
    pub queries: Vec<ReportQuery>,
}

/// Where a report comes from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportOrigin {
    /// The CRM of the last verification: role, host and database; null before the first one.
    pub crm: Option<String>,
    /// When the last load began (UTC); null before the first one.
    pub loaded_at: Option<String>,
    /// When the last verification that passed began (UTC).
    pub verified_at: Option<String>,
    /// Version of the program.
    pub version: String,
    /// Settings that differ from the defaults.
    pub settings: Vec<ChangedSetting>,
}

/// A setting that differs from its default.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangedSetting {
    /// Its path, `consent.flag_false`.
    pub name: String,
    /// Its value; a dash if it is not set.
    pub value: String,
    /// The default.
    pub default: String,
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

/// What decided the consent rows of a channel and a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConsentDecider {
    /// The channel.
    pub channel: String,
    /// `OPTED_IN` or `OPTED_OUT`.
    pub status: String,
    /// The kind of evidence, in words.
    pub decided_by: String,
    /// Number of rows.
    pub rows: i64,
}

/// Records or profiles that changed since the run before.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangedIds {
    /// What happened to them.
    pub what: String,
    /// How many there are.
    pub count: i64,
    /// The first of them: id and what it was and is.
    pub shown: Vec<ChangedId>,
}

/// A record or profile that changed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangedId {
    /// `source:entity:id`, or the id of a profile.
    pub id: String,
    /// The profile before; null if there was none.
    pub before: Option<String>,
    /// The profiles now, or what happened.
    pub now: Option<String>,
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

/// Whether this may go live.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GoLiveVerdict {
    /// `good`, `person`, `bad` or `unknown`.
    pub state: String,
    /// In one sentence.
    pub sentence: String,
    /// The six main numbers.
    pub tiles: Vec<Tile>,
}

/// One of the main numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tile {
    /// Name of the query that gives the number.
    pub query: String,
    /// What it is.
    pub name: String,
    /// The number.
    pub count: i64,
    /// Difference from the run before.
    pub delta: Option<i64>,
    /// Note about it.
    pub note: String,
}

/// An exported entity and the outcomes of its rows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportEntity {
    /// The source.
    pub source: String,
    /// The entity.
    pub entity: String,
    /// Rows exported.
    pub exported: i64,
    /// The strategy's estimate.
    pub estimate: Option<i64>,
    /// Rows that a CRM row has as its source.
    pub loaded: i64,
    /// Rows that were merged into a CRM row of another record.
    pub merged: i64,
    /// Rows left out for a documented reason.
    pub skipped: i64,
    /// Rows that could not be read.
    pub rejected: i64,
    /// Why rows were skipped or rejected.
    pub reasons: Vec<Counted>,
}

impl ReportEntity {
    /// Whether the outcomes add up to what was exported.
    pub fn balances(&self) -> bool {
        self.loaded + self.merged + self.skipped + self.rejected == self.exported
    }
}

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

/// Completeness of a staged column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fill {
    /// The source.
    pub source: String,
    /// The column.
    pub column: String,
    /// Rows.
    pub rows: i64,
    /// Rows with a value.
    pub filled: i64,
    /// Values cleaned.
    pub cleaned: i64,
    /// Values rejected.
    pub refused: i64,
}

/// A cleaning, default or rejection.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportFinding {
    /// The source.
    pub source: String,
    /// The entity.
    pub entity: String,
    /// The column.
    pub column: String,
    /// `CLEANED`, `DEFAULTED`, `REJECTED` or `NOTED`.
    pub effect: String,
    /// The code.
    pub reason: String,
    /// The raw code where it is one of a closed vocabulary.
    pub value: Option<String>,
    /// Number of values.
    pub count: i64,
}

/// Consent on a channel.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportConsent {
    /// The channel.
    pub channel: String,
    /// Profiles that may be contacted.
    pub flags_on: i64,
    /// Profiles that may not be contacted.
    pub flags_off: i64,
    /// Opt-in rows.
    pub opted_in: i64,
    /// Opt-out rows.
    pub opted_out: i64,
}

/// Activities by month and kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportTimeline {
    /// The kinds, in the order of the counts.
    pub kinds: Vec<String>,
    /// Month and counts.
    pub months: Vec<Month>,
    /// Activities before the months shown.
    pub before: i64,
    /// Activities after as_of.
    pub after_as_of: i64,
    /// All activities by type.
    pub types: Vec<Counted>,
}

/// A month of the timeline.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Month {
    /// `2026-11`.
    pub month: String,
    /// By kind.
    pub counts: Vec<i64>,
}

/// A segment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportSegment {
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant: String,
    /// Members by rule.
    pub members: i64,
    /// Members by rule in the run before.
    pub before: Option<i64>,
    /// Why it could not be refreshed.
    pub error: Option<String>,
}

/// A number now and in the run before.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportChange {
    /// What.
    pub name: String,
    /// In the run before; null when there was none.
    pub before: Option<i64>,
    /// Now.
    pub now: i64,
}

/// One result of verification.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportCheck {
    /// The check and what it compared.
    pub name: String,
    /// The line it proves.
    pub proves: String,
    /// Expected value.
    pub expected: String,
    /// Observed value.
    pub observed: String,
    /// `PASSED`, `FAILED`, `VACUOUS` or `NEEDS_A_PERSON`.
    pub state: String,
}

/// A query of the strategy and the CRM's result.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReportAnswer {
    /// The strategy's heading.
    pub title: String,
    /// The statement.
    pub sql: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Rows; emails are counted, not shown.
    pub rows: Vec<Vec<String>>,
}

/// A step of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportStep {
    /// The step.
    pub step: String,
    /// Milliseconds after the first step shown.
    pub start_ms: i64,
    /// Milliseconds.
    pub taken_ms: i64,
    /// Peak memory in MiB.
    pub peak_mib: i64,
    /// Exit code.
    pub exit: i64,
}

/// A folder that the numbers come from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportManifest {
    /// The folder below the data folder.
    pub folder: String,
    /// Datasets in it.
    pub files: i64,
    /// Rows.
    pub rows: i64,
    /// Bytes.
    pub bytes: i64,
    /// Content hash of the manifest.
    pub hash: String,
}

/// A number and the statement that reproduces it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportQuery {
    /// Its name in links.
    pub key: String,
    /// The meaning of the count.
    pub name: String,
    /// DuckDB SQL over the data folder.
    pub sql: String,
}
