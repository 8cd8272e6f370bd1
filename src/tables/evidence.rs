//! Reference data that verification loads into temporary tables of its CRM session, so that every check is plain SQL; never stored.

use crate::model::{Channel, Day, Handicap, LinkRule, Source, Timestamp};
use crate::table;
use crate::tables::{Label, Text};

table! {
    /// The settings of the verification, in one row.
    pub mod run = "evidence__run", key(phase) {
        /// The phase of the datasets.
        phase: i32,
        /// The as-of time (UTC).
        as_of: Timestamp,
        /// Start of the look-back for bookings and messages (UTC).
        window_from: Timestamp,
        /// Tenant of people whose tenant is not known.
        default_tenant_id: Label,
        /// Whether a contact's true flag alone is accepted as consent.
        is_weak_consent_enough: bool,
        /// Whether a false flag counts as a withdrawal.
        is_false_flag_withdrawal: bool,
        /// Whether one profile may hold records of several tenants.
        is_identity_global: bool,
        /// Whether a withdrawal holds in every tenant.
        is_suppression_global: bool,
        /// Whether scores leave out messages that the person did not react to.
        is_engaged_only: bool,
        /// Whether components without data are left out of the engagement score.
        is_renormalised: bool,
    }
}

table! {
    /// One row per person record: its link and its staged values.
    pub mod people = "evidence__people", key(source, source_id) {
        /// The source.
        source: Source,
        /// The record.
        source_id: Text,
        /// The profile; null when skipped.
        profile_id: Option<Text>,
        /// The profile's tenant; null when skipped.
        tenant_id: Option<Label>,
        /// Why it belongs there.
        rule: Option<LinkRule>,
        /// Confidence of the link.
        confidence: i32,
        /// Source of the record it was linked to.
        matched_source: Option<Source>,
        /// That record.
        matched_source_id: Option<Text>,
        /// Tenant of the record itself; null when it is not known.
        own_tenant_id: Option<Label>,
        /// The email.
        email: Option<Text>,
        /// The email as a key.
        email_key: Option<Text>,
        /// The phone.
        phone: Option<Text>,
        /// The phone as a key.
        phone_key: Option<Text>,
        /// Given name, folded.
        first_key: Option<Text>,
        /// Family name, folded.
        last_key: Option<Text>,
        /// Date of birth.
        born_on: Option<Day>,
        /// South African handicap number.
        golf_rsa_id: Option<Text>,
        /// British and Irish handicap number.
        cdh_id: Option<Text>,
        /// MCA number that a player quotes.
        mca_id: Option<Text>,
        /// Subject of the identity provider.
        auth_user_id: Option<Text>,
        /// The tag derived from the status (`deceased`, `arrears`, …).
        status_tag: Option<Label>,
        /// Handicap index.
        handicap: Option<Handicap>,
        /// When it was valid from or changed (UTC).
        handicap_at: Option<Timestamp>,
        /// SCL's status text.
        membership_status: Option<Label>,
        /// SCL tier.
        membership_tier: Option<Label>,
        /// Earliest day of joining a club in SCL (UTC).
        joined_at: Option<Timestamp>,
        /// Messaging's flag for e-mail.
        email_opt_in: Option<bool>,
        /// Messaging's flag for text messages.
        sms_opt_in: Option<bool>,
        /// When the record was made (UTC).
        created_at: Option<Timestamp>,
        /// When it last changed (UTC).
        updated_at: Option<Timestamp>,
        /// When it was deleted in its source (UTC).
        deleted_at: Option<Timestamp>,
    }
}

table! {
    /// Further phones and emails of person records.
    pub mod identifiers = "evidence__identifiers", key(source, source_id, kind, value) {
        /// The source.
        source: Source,
        /// The record.
        source_id: Text,
        /// What it identifies, as an alias type.
        kind: Label,
        /// The normalised value.
        value: Text,
        /// Whether the value may be used as a key.
        is_key: bool,
    }
}

table! {
    /// Evidence of consent as staged.
    pub mod consents = "evidence__consents", key(contact_id, entity, channel, scope) {
        /// The contact.
        contact_id: Text,
        /// `preferences`, `consent_changes`, `messages` (spam complaints) or `contacts` (flags that cannot be read).
        entity: Label,
        /// The channel.
        channel: Channel,
        /// The scope.
        scope: Label,
        /// Whether it gives consent.
        is_grant: bool,
        /// Whether it is an explicit action of the person.
        is_act: bool,
        /// The time of the evidence (UTC).
        at: Timestamp,
        /// When the row last changed (UTC).
        changed_at: Timestamp,
    }
}

table! {
    /// Withdrawals that earlier loads left in the CRM.
    pub mod withdrawals = "evidence__withdrawals", key(tenant_id, channel, address, scope) {
        /// The tenant.
        tenant_id: Label,
        /// The channel.
        channel: Label,
        /// The email or phone in key form.
        address: Text,
        /// The scope.
        scope: Label,
        /// When (UTC).
        revoked_at: Option<Timestamp>,
        /// Only an explicit action later than this lifts it (UTC).
        lifted_after: Timestamp,
    }
}
