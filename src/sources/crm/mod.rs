//! What the CRM itself must contribute: segment rules, ids of earlier loads, what people decided on profiles, withdrawals ever loaded.

use crate::model::Timestamp;
use crate::sources::Export;
use crate::table;
use crate::tables::{Label, Text};

table! {
    /// Segment definitions, deleted ones included.
    pub mod segments = "raw_crm__segments", key(id) {
        /// `CustomerSegment.id`.
        id: Text,
        /// `CustomerSegment.tenantId`.
        tenant_id: Label,
        /// `CustomerSegment.clubId`.
        club_id: Option<Text>,
        /// `CustomerSegment.name`.
        name: Text,
        /// `CustomerSegment.type`.
        segment_type: Label,
        /// `CustomerSegment.criteria`, JSON.
        criteria: Option<Text>,
        /// `CustomerSegment.combinator`.
        combinator: Option<Label>,
        /// `CustomerSegment.isActive`.
        is_active: bool,
        /// `CustomerSegment.deletedAt`.
        deleted_at: Option<Timestamp>,
    }
}

table! {
    /// Profiles of earlier loads with the source records they held, read from our service-id aliases. What was merged in the CRM
    /// counts for the profile that it was merged into.
    pub mod profile_ids = "raw_crm__profile_ids", key(record_key) {
        /// `source:entity:id` of the record.
        record_key: Text,
        /// The profile that held it.
        profile_id: Text,
    }
}

table! {
    /// Pairs that a person rejected in the CRM's review queue, by the founding records of the two profiles.
    pub mod rejected_pairs = "raw_crm__rejected_pairs", key(a, b) {
        /// Founding record of one profile, `source:entity:id`.
        a: Text,
        /// Founding record of the other profile.
        b: Text,
        /// `DuplicateCandidate.reviewedBy`.
        reviewed_by: Option<Label>,
        /// `DuplicateCandidate.reviewedAt`.
        reviewed_at: Option<Timestamp>,
    }
}

table! {
    /// Pairs of records that people joined in the CRM, by merging their profiles or confirming a duplicate: must-links.
    pub mod merged_pairs = "raw_crm__merged_pairs", key(a, b) {
        /// One record, `source:entity:id`.
        a: Text,
        /// The other record.
        b: Text,
        /// `MERGED` or `CONFIRMED`.
        kind: Label,
        /// The profile that held one of the records: of merged ones that which gave way.
        gone_id: Text,
        /// The profile that held the other record.
        kept_id: Text,
        /// `CustomerProfile.updatedBy` or `DuplicateCandidate.reviewedBy`.
        decided_by: Option<Label>,
        /// `CustomerProfile.updatedAt` or `DuplicateCandidate.reviewedAt`.
        decided_at: Option<Timestamp>,
    }
}

table! {
    /// Records of profiles that people deleted in the CRM, or merged into a profile of others: they join no other person, and
    /// their profile is not loaded again until somebody restores it.
    pub mod withheld_records = "raw_crm__withheld_records", key(record_key) {
        /// `source:entity:id` of the record.
        record_key: Text,
        /// The profile that held it.
        profile_id: Text,
        /// The profile of others that it was merged into; null if it was deleted.
        successor_id: Option<Text>,
    }
}

table! {
    /// Withdrawals ever loaded (`backfill.withdrawn`): they count as withdrawals of the address.
    pub mod withdrawals = "raw_crm__withdrawals", key(tenant_id, channel, address, scope) {
        /// The tenant.
        tenant_id: Label,
        /// The channel.
        channel: Label,
        /// The address or number in key form.
        address: Text,
        /// The scope.
        scope: Label,
        /// When it was withdrawn (UTC); null when only a flag said so.
        revoked_at: Option<Timestamp>,
        /// Only an explicit action of the person later than this lifts it (UTC): of an undated one the as-of time of the load that
        /// recorded it. Null for bounces and deaths.
        lifted_after: Option<Timestamp>,
        /// `WITHDRAWN`, `BOUNCED`, `COMPLAINED` or `DECEASED`.
        reason: Label,
    }
}

table! {
    /// When loads first recorded each withdrawal without a date (`backfill.undated`).
    pub mod undated_withdrawals = "raw_crm__undated_withdrawals", key(evidence_key) {
        /// As in `crm__undated_withdrawals`.
        evidence_key: Text,
        /// The as-of time of the load that first recorded it (UTC).
        recorded_at: Timestamp,
    }
}

/// What is exported of the CRM.
pub fn exports() -> Vec<Export> {
    vec![
        Export::of::<segments::Table>("segments", include_str!("../../../sql/exports/crm/segments.sql")),
        Export::of::<profile_ids::Table>("profile_ids", include_str!("../../../sql/exports/crm/profile_ids.sql")),
        Export::of::<rejected_pairs::Table>("rejected_pairs", include_str!("../../../sql/exports/crm/rejected_pairs.sql")),
        Export::of::<merged_pairs::Table>("merged_pairs", include_str!("../../../sql/exports/crm/merged_pairs.sql"))
            .needs("backfill.decision"),
        Export::of::<withheld_records::Table>("withheld_records", include_str!("../../../sql/exports/crm/withheld_records.sql"))
            .needs("backfill.decision"),
        Export::of::<withdrawals::Table>("withdrawals", include_str!("../../../sql/exports/crm/withdrawals.sql")),
        Export::of::<undated_withdrawals::Table>(
            "undated_withdrawals",
            include_str!("../../../sql/exports/crm/undated_withdrawals.sql"),
        ),
    ]
}
