//! Datasets of identity resolution: links, pairs to review, hubs, decisions, changed profiles.

use crate::model::{LinkRule, Source};
use crate::table;
use crate::tables::{Dataset, Label, Table as _, Text, Texts};

table! {
    /// One row per person record of every source in scope, in record order: its profile and the evidence.
    pub mod links = "res__links", key(source, source_id) {
        /// The record's source.
        source: Source,
        /// The record's entity: `members`, `players` or `contacts`.
        entity: Label,
        /// The record's id in its source.
        source_id: Text,
        /// The profile's tenant; null when skipped.
        tenant_id: Option<Label>,
        /// The profile; null when skipped.
        profile_id: Option<Text>,
        /// Why it belongs there.
        rule: LinkRule,
        /// Calibrated confidence, 0 to 100, never above the ceiling of the rule; 0 when skipped.
        confidence: i32,
        /// Source of the record it is linked to: the parent in the maximum spanning tree from the seed record.
        matched_source: Option<Source>,
        /// Id of that record.
        matched_source_id: Option<Text>,
        /// The evidence in words; for a skipped record the reason.
        evidence: Text,
        /// The evidence in sixteenths of a bit; 0 for seed records and skipped records.
        bits16: i32,
    }
}

table! {
    /// Pairs of records that were not linked and are listed for clerical review, best first.
    pub mod candidates = "res__candidates", key(a_source, a_source_id, b_source, b_source_id) {
        /// Source of the first record.
        a_source: Source,
        /// Id of the first record.
        a_source_id: Text,
        /// Source of the second record.
        b_source: Source,
        /// Id of the second record.
        b_source_id: Text,
        /// Profile of the first record.
        a_profile_id: Text,
        /// Profile of the second record.
        b_profile_id: Text,
        /// Tenant the pair is filed under: that of the first profile.
        tenant_id: Label,
        /// 0 to 100, for ranking.
        score: i32,
        /// The evidence in sixteenths of a bit.
        bits16: i32,
        /// The evidence for a link, in codes (`EMAIL`, `NAME_DOB`, `CROSS_TENANT`, …).
        reasons: Texts,
        /// Why it was not linked (`BELOW_THRESHOLD`, `FIRST_NAME_CONFLICT`, `BIRTH_DATE_CONFLICT`, `CDH_ID_CONFLICT`, …).
        refusal: Label,
        /// Whether the pair goes to the CRM's review queue: the best 5 of a profile and the best 10,000 of a tenant do.
        is_filed: bool,
    }
}

table! {
    /// Over-shared values that do not link by themselves: phones of receptions, family mailboxes, placeholders.
    pub mod hubs = "res__hubs", key(kind, tenant_id, value) {
        /// `EMAIL`, `PHONE`, or the kind of number (`GOLF_RSA_ID`, `CDH_ID`, `MCA_ID`, `AUTH_USER_ID`).
        kind: Label,
        /// The tenant in which it is shared.
        tenant_id: Option<Label>,
        /// The value in key form.
        value: Text,
        /// Records that carry it.
        record_count: i32,
        /// Distinct people among them, counted up to the limit.
        owner_count: i32,
        /// `MANY_OWNERS` or `MANY_NAMELESS`.
        reason: Label,
    }
}

table! {
    /// Profiles of an earlier load that merged, split or vanished.
    pub mod profile_changes = "res__profile_changes", key(old_profile_id) {
        /// The id the CRM holds.
        old_profile_id: Text,
        /// The profiles that now hold its records; empty when it vanished.
        new_profile_ids: Texts,
        /// `MERGED`, `SPLIT`, `MERGED_AND_SPLIT` or `VANISHED`.
        change: Label,
    }
}

table! {
    /// What became of each line of the decisions file and of each pair rejected in the CRM.
    pub mod decisions = "res__decisions", key(position) {
        /// Position in the file, from 1; rejected pairs follow.
        position: i32,
        /// `must-link` or `cannot-link`.
        kind: Label,
        /// First record, `source:entity:id`.
        a: Text,
        /// Second record.
        b: Text,
        /// `APPLIED`, `CONTRADICTED` or `STALE` (a record is no longer exported).
        state: Label,
        /// Where it came from: `decisions.csv` or `crm`.
        origin: Label,
    }
}

/// The declarations of this layer.
pub fn datasets() -> Vec<Dataset> {
    vec![
        links::Table::dataset(),
        candidates::Table::dataset(),
        hubs::Table::dataset(),
        profile_changes::Table::dataset(),
        decisions::Table::dataset(),
    ]
}
