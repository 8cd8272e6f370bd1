//! Raw datasets of the CRM: segment rules, ids of earlier loads, manual decisions on profiles, withdrawals ever loaded.

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
    /// Profiles of earlier loads with their source records, read from our service-id aliases. Records of a profile that was
    /// merged in the CRM belong to the profile that it was merged into.
    pub mod profile_ids = "raw_crm__profile_ids", key(record_key) {
        /// `source:entity:id` of the record.
        record_key: Text,
        /// The profile that held it.
        profile_id: Text,
    }
}

table! {
    /// Pairs that were rejected in the CRM's review queue, by the seed records of the two profiles.
    pub mod rejected_pairs = "raw_crm__rejected_pairs", key(a, b) {
        /// Seed record of one profile, `source:entity:id`.
        a: Text,
        /// Seed record of the other profile.
        b: Text,
        /// `DuplicateCandidate.reviewedBy`.
        reviewed_by: Option<Label>,
        /// `DuplicateCandidate.reviewedAt`.
        reviewed_at: Option<Timestamp>,
    }
}

table! {
    /// Must-links: pairs of records whose profiles were merged, or confirmed as duplicates, in the CRM.
    pub mod merged_pairs = "raw_crm__merged_pairs", key(a, b) {
        /// One record, `source:entity:id`.
        a: Text,
        /// The other record.
        b: Text,
        /// `MERGED` or `CONFIRMED`.
        kind: Label,
        /// The profile that held one of the records; after a merge the one that was merged away.
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
    /// Records of profiles that were deleted in the CRM or merged into a foreign profile. They are linked to no other profile, and
    /// their profile is not loaded again until it is restored.
    pub mod withheld_records = "raw_crm__withheld_records", key(record_key) {
        /// `source:entity:id` of the record.
        record_key: Text,
        /// The profile that held it.
        profile_id: Text,
        /// The foreign profile that it was merged into; null if it was deleted.
        successor_id: Option<Text>,
    }
}

table! {
    /// Withdrawals ever loaded (`backfill.withdrawn`); they count as withdrawals of the contact point.
    pub mod withdrawals = "raw_crm__withdrawals", key(tenant_id, channel, address, scope) {
        /// The tenant.
        tenant_id: Label,
        /// The channel.
        channel: Label,
        /// The email or phone in key form.
        address: Text,
        /// The scope.
        scope: Label,
        /// When it was withdrawn (UTC); null when only a flag said so.
        revoked_at: Option<Timestamp>,
        /// Only an explicit action of the person later than this lifts it (UTC); for an undated withdrawal the as-of time of the
        /// load that recorded it. Null for bounces and deaths.
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

/// The exports of the CRM.
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
