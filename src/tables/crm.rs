//! Rows of the CRM. Column names are the target's in snake_case; `createdAt` and `updatedAt` are set by load.

use crate::model::{
    ActivityCategory, AliasType, Channel, ConsentStatus, CustomerStatus, Day, Gender, Handicap, LifecycleStage, Source, Timestamp,
};
use crate::table;
use crate::tables::{Dataset, Label, Table as _, Text, TextList, Texts};

table! {
    /// One profile per person. Metrics and scores are in `score__profiles` and join by id at load.
    pub mod customer_profiles = "crm__customer_profiles", key(id) {
        /// The profile.
        id: Text,
        /// The tenant.
        tenant_id: Label,
        /// Subject of the identity provider; unique over all tenants.
        auth_user_id: Option<Text>,
        /// Best current email.
        email: Option<Text>,
        /// Best current phone, E.164.
        phone_number: Option<Text>,
        /// The current SCL member, in the digits of its source; the target may hold it as a number.
        scl_member_id: Option<Text>,
        /// The current TeeTime player.
        teetime_player_id: Option<Text>,
        /// The current Messaging contact.
        messaging_contact_id: Option<Text>,
        /// JSON object: mcaV1ZaId, mcaV1UkId, mcaId, golfRsaId, cdhId and benefit providers' codes.
        external_ids: Text,
        /// Given name.
        first_name: Option<Text>,
        /// Family name.
        last_name: Option<Text>,
        /// Both, joined and trimmed.
        display_name: Option<Text>,
        /// Date of birth.
        date_of_birth: Option<Day>,
        /// Gender.
        gender: Gender,
        /// Status.
        status: CustomerStatus,
        /// Lifecycle stage.
        lifecycle_stage: LifecycleStage,
        /// Tags, sorted.
        tags: Texts,
        /// Handicap index.
        handicap: Option<Handicap>,
        /// When the handicap changed (UTC).
        handicap_updated_at: Option<Timestamp>,
        /// TeeTime home club.
        home_club_id: Option<Text>,
        /// Home club's name.
        home_club_name: Option<Label>,
        /// SCL's status text.
        membership_status: Option<Label>,
        /// SCL tier.
        membership_tier: Option<Label>,
        /// Earliest joining of a club in SCL, else creation of the member (UTC).
        member_since: Option<Timestamp>,
        /// Always null: no source has it.
        membership_expiry: Option<Timestamp>,
        /// May be e-mailed.
        email_opt_in: bool,
        /// May be texted.
        sms_opt_in: bool,
        /// May be sent push notifications.
        push_opt_in: bool,
        /// May be messaged on WhatsApp.
        whatsapp_opt_in: bool,
        /// Service of the seed record.
        source: Label,
        /// Earliest creation of any of its records (UTC).
        first_seen_at: Timestamp,
    }
}

impl<'a> customer_profiles::Row<'a> {
    /// A profile with nothing but its id and tenant, first seen at the epoch.
    pub fn blank(id: &'a str, tenant_id: &'a str) -> Self {
        Self {
            id,
            tenant_id,
            auth_user_id: None,
            email: None,
            phone_number: None,
            scl_member_id: None,
            teetime_player_id: None,
            messaging_contact_id: None,
            external_ids: "{}",
            first_name: None,
            last_name: None,
            display_name: None,
            date_of_birth: None,
            gender: Gender::Unknown,
            status: CustomerStatus::Active,
            lifecycle_stage: LifecycleStage::Lead,
            tags: TextList::Slice(&[]),
            handicap: None,
            handicap_updated_at: None,
            home_club_id: None,
            home_club_name: None,
            membership_status: None,
            membership_tier: None,
            member_since: None,
            membership_expiry: None,
            email_opt_in: false,
            sms_opt_in: false,
            push_opt_in: false,
            whatsapp_opt_in: false,
            source: "",
            first_seen_at: Timestamp(0),
        }
    }
}

table! {
    /// Every identifier ever linked to a profile.
    pub mod identity_aliases = "crm__identity_aliases", key(customer_id, alias_type, value) {
        /// The row.
        id: Text,
        /// The profile's tenant.
        tenant_id: Label,
        /// The profile.
        customer_id: Text,
        /// What it identifies. (The target's column is `type`.)
        alias_type: AliasType,
        /// The normalised value.
        value: Text,
        /// First service, in record order, that showed it.
        source: Label,
        /// Whether the profile's own column shows this value.
        is_primary: bool,
        /// Confidence of the link that brought it, 0 to 100.
        confidence: i32,
        /// Earliest record that showed it (UTC).
        first_seen_at: Option<Timestamp>,
        /// Latest change of a record that showed it (UTC).
        last_seen_at: Option<Timestamp>,
    }
}

table! {
    /// Consent of a profile, by channel and scope.
    pub mod marketing_consents = "crm__marketing_consents", key(customer_id, channel, scope) {
        /// The row.
        id: Text,
        /// The profile's tenant.
        tenant_id: Label,
        /// The profile.
        customer_id: Text,
        /// The channel.
        channel: Channel,
        /// The scope; `all` covers every scope of the channel.
        scope: Label,
        /// Opted in or opted out.
        status: ConsentStatus,
        /// When it was given (UTC).
        consented_at: Option<Timestamp>,
        /// When it was withdrawn (UTC); null for an opt-out by flag alone.
        revoked_at: Option<Timestamp>,
        /// Always `IMPORT`.
        source: Label,
        /// JSON object: what decided it (kind, record, time, origin, rule, superseded count; of a grant the latest explicit
        /// action).
        evidence: Text,
    }
}

table! {
    /// The timeline. Rows are ordered by kind and then as exported, because they are too many to sort in memory.
    pub mod activities = "crm__activities", key(source_service, source_id, activity_type) {
        /// The row.
        id: Text,
        /// The profile's tenant.
        tenant_id: Label,
        /// The profile.
        customer_id: Text,
        /// What happened. (The target's column is `type`.)
        activity_type: Label,
        /// Its category.
        category: ActivityCategory,
        /// Channel of a message.
        channel: Option<Label>,
        /// Heading on the timeline.
        title: Label,
        /// Always null.
        description: Option<Text>,
        /// The service it comes from.
        source_service: Label,
        /// The row in that service.
        source_id: Text,
        /// The club.
        club_id: Option<Label>,
        /// The club's name.
        club_name: Option<Label>,
        /// When it happened (UTC).
        occurred_at: Timestamp,
        /// JSON object; null where the kind has no metadata.
        metadata: Option<Text>,
    }
}

table! {
    /// The outcome of a campaign's message.
    pub mod campaign_interactions = "crm__campaign_interactions", key(message_id, interaction_type) {
        /// The row.
        id: Text,
        /// The profile's tenant.
        tenant_id: Label,
        /// The campaign.
        campaign_id: Label,
        /// The profile.
        customer_id: Text,
        /// The message's channel.
        channel: Option<Label>,
        /// SENT, DELIVERED, OPENED, CLICKED, BOUNCED or UNSUBSCRIBED. (The target's column is `type`.)
        interaction_type: Label,
        /// `MessageLog.id`.
        message_id: Text,
        /// When (UTC).
        occurred_at: Timestamp,
    }
}

table! {
    /// Pairs of profiles for clerical review, the smaller id first; limited to the cap, best pairs first.
    pub mod duplicate_candidates = "crm__duplicate_candidates", key(profile_a_id, profile_b_id) {
        /// The row.
        id: Text,
        /// Tenant of profile A.
        tenant_id: Label,
        /// The profile with the smaller id.
        profile_a_id: Text,
        /// The other profile.
        profile_b_id: Text,
        /// 0 to 100.
        score: i32,
        /// Why they may be one person, and why they were not linked.
        reasons: Texts,
    }
}

table! {
    /// Contact points that must not be used, by tenant and channel. Not loaded into the CRM.
    pub mod suppressions = "crm__suppressions", key(tenant_id, channel, address, scope, reason) {
        /// The tenant the withdrawal was made in.
        tenant_id: Label,
        /// The channel.
        channel: Channel,
        /// The email or phone in key form.
        address: Text,
        /// The scope.
        scope: Label,
        /// `WITHDRAWN`, `BOUNCED`, `COMPLAINED`, `DECEASED` or `EARLIER_LOAD`.
        reason: Label,
        /// When (UTC); null when only a flag says so.
        revoked_at: Option<Timestamp>,
        /// Only an explicit action of the person later than this lifts it (UTC); null for bounces and deaths.
        lifted_after: Option<Timestamp>,
    }
}

table! {
    /// Withdrawals without a date in their source. Load records when it first saw each one (`backfill.undated`) and counts from
    /// there.
    pub mod undated_withdrawals = "crm__undated_withdrawals", key(evidence_key) {
        /// `<entity>:<row id>`; of a contact flag `contacts:<contact>:<channel>`.
        evidence_key: Text,
    }
}

table! {
    /// Which record each field of a profile came from. Fields without a value have no row.
    pub mod field_provenance = "crm__field_provenance", key(profile_id, field) {
        /// The profile.
        profile_id: Text,
        /// The column of `crm__customer_profiles`.
        field: Label,
        /// The record's source.
        source: Source,
        /// The record's id.
        source_id: Text,
        /// The rule that chose it.
        rule: Label,
        /// How many other values were discarded.
        lost_count: i32,
    }
}

/// The declarations of this layer.
pub fn datasets() -> Vec<Dataset> {
    vec![
        customer_profiles::Table::dataset(),
        identity_aliases::Table::dataset(),
        marketing_consents::Table::dataset(),
        activities::Table::dataset(),
        campaign_interactions::Table::dataset(),
        duplicate_candidates::Table::dataset(),
        suppressions::Table::dataset(),
        undated_withdrawals::Table::dataset(),
        field_provenance::Table::dataset(),
    ]
}
