//! Datasets of metrics, scores and segment members, evaluated at as_of.

use crate::model::Timestamp;
use crate::table;
use crate::tables::{Dataset, Label, Table as _, Text};

table! {
    /// The computed columns of every profile (phase 6).
    pub mod profiles = "score__profiles", key(id) {
        /// The profile.
        id: Text,
        /// Engagement, 0 to 100; 0 without evidence.
        engagement_score: Option<i32>,
        /// Churn risk, 0 to 100; null without evidence.
        churn_risk_score: Option<i32>,
        /// Activities from 30 days before as_of up to as_of, both ends included.
        activity_count_30d: i32,
        /// The same over 90 days.
        activity_count_90d: i32,
        /// Bookings over 30 days.
        booking_count_30d: i32,
        /// Bookings ever, future ones included.
        booking_count_total: i32,
        /// Bookings up to as_of that were played (TEETIME_COMPLETED); the CRM has no column for it.
        booking_count_played: i32,
        /// Latest activity not after as_of (UTC).
        last_activity_at: Option<Timestamp>,
        /// Latest booking not after as_of (UTC).
        last_booking_at: Option<Timestamp>,
        /// Latest opened e-mail (UTC).
        last_email_open_at: Option<Timestamp>,
        /// Latest click in an e-mail (UTC).
        last_email_click_at: Option<Timestamp>,
        /// Component of engagement, 0 to 100: days since the last activity.
        recency: i32,
        /// Component: activities in 30 days.
        frequency: i32,
        /// Component: spend; 0 where no payment is known, and no source exports any.
        monetary: i32,
        /// Component: distinct surfaces in 90 days.
        breadth: i32,
        /// Component: opens and clicks per message in 90 days; 0 where no message reached the person.
        depth: i32,
        /// Factor of churn risk: decline of activity.
        decline: i32,
        /// Factor: payments.
        payment: i32,
        /// Factor: e-mail engagement.
        email_drop: i32,
        /// Factor: tier or membership lost.
        tier_drop: i32,
        /// Factor: complaints.
        complaint: i32,
    }
}

table! {
    /// Members of the refreshed segments, by rule.
    pub mod memberships = "seg__memberships", key(segment_id, customer_id) {
        /// The row.
        id: Text,
        /// The segment's tenant.
        tenant_id: Label,
        /// The segment.
        segment_id: Label,
        /// The profile.
        customer_id: Text,
        /// Always `RULE`.
        source: Label,
        /// as_of.
        added_at: Timestamp,
    }
}

table! {
    /// The outcome of each segment's refresh.
    pub mod refreshes = "seg__refreshes", key(segment_id) {
        /// The segment.
        segment_id: Text,
        /// The segment's tenant.
        tenant_id: Label,
        /// The segment's name.
        name: Text,
        /// The rule in canonical form; null when it could not be read.
        rule: Option<Text>,
        /// Members by rule.
        rule_member_count: i32,
        /// as_of.
        refreshed_at: Timestamp,
        /// Why it could not be refreshed; its members stay as they are.
        error: Option<Text>,
        /// Whether the segment is one of the starter set and does not exist in the CRM yet.
        is_new: bool,
        /// Doubts about the rule that do not stop it.
        lint: Option<Text>,
    }
}

/// The declarations of this layer.
pub fn datasets() -> Vec<Dataset> {
    vec![profiles::Table::dataset(), memberships::Table::dataset(), refreshes::Table::dataset()]
}
