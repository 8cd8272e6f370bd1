//! Messaging: contacts, their consent, and the message log.

mod staging;

use crate::sources::Export;
use crate::table;
use crate::tables::{Label, Text};

table! {
    /// Contacts; deleted ones with id, tenant, contact points and consent only.
    pub mod contacts = "raw_messaging__contacts", key(id) {
        /// `Contact.id`.
        id: Text,
        /// `Contact.tenantId`.
        tenant_id: Option<Label>,
        /// `Contact.email`.
        email: Option<Text>,
        /// `Contact.phoneNumber`.
        phone_number: Option<Text>,
        /// `Contact.authUserId`; null for deleted contacts.
        auth_user_id: Option<Text>,
        /// `Contact.emailOptIn`.
        email_opt_in: Option<Text>,
        /// `Contact.smsOptIn`.
        sms_opt_in: Option<Text>,
        /// `Contact.createdAt`; null for deleted contacts.
        created_at: Option<Text>,
        /// `Contact.updatedAt`.
        updated_at: Option<Text>,
        /// `Contact.deletedAt`.
        deleted_at: Option<Text>,
    }
}

table! {
    /// Consent preferences (`ContactPreference`).
    pub mod preferences = "raw_messaging__preferences", key(id) {
        /// `ContactPreference.id`.
        id: Text,
        /// The contact.
        contact_id: Text,
        /// `ContactPreference.channel`.
        channel: Option<Label>,
        /// `ContactPreference.scope`; null means all.
        scope: Option<Label>,
        /// `ContactPreference.optedIn`.
        opted_in: Option<Text>,
        /// `ContactPreference.createdAt`.
        created_at: Option<Text>,
        /// `ContactPreference.updatedAt`.
        updated_at: Option<Text>,
    }
}

table! {
    /// Logged changes of consent (`ConsentChangeLog`).
    pub mod consent_changes = "raw_messaging__consent_changes", key(id) {
        /// `ConsentChangeLog.id`.
        id: Text,
        /// The contact.
        contact_id: Text,
        /// `ConsentChangeLog.channel`.
        channel: Option<Label>,
        /// `ConsentChangeLog.scope`.
        scope: Option<Label>,
        /// `ConsentChangeLog.source`.
        source: Option<Label>,
        /// `ConsentChangeLog.consentBefore`.
        consent_before: Option<Text>,
        /// `ConsentChangeLog.consentAfter`.
        consent_after: Option<Text>,
        /// `ConsentChangeLog.createdAt`.
        created_at: Option<Text>,
    }
}

table! {
    /// Messages of the look-back window (`MessageLog`).
    pub mod messages = "raw_messaging__messages", key(id) {
        /// `MessageLog.id`.
        id: Text,
        /// The contact.
        contact_id: Text,
        /// `MessageLog.channel`.
        channel: Option<Label>,
        /// `MessageLog.status`.
        status: Option<Label>,
        /// `MessageLog.templateId`.
        template_id: Option<Label>,
        /// `MessageLog.templateName`.
        template_name: Option<Label>,
        /// `MessageLog.campaignId`.
        campaign_id: Option<Label>,
        /// `MessageLog.createdAt`.
        created_at: Option<Text>,
    }
}

/// The exports of Messaging.
pub fn exports() -> Vec<Export> {
    vec![
        Export::of::<contacts::Table>("contacts", include_str!("../../../sql/exports/messaging/contacts.sql")),
        Export::of::<preferences::Table>("preferences", include_str!("../../../sql/exports/messaging/preferences.sql")),
        Export::of::<consent_changes::Table>(
            "consent_changes",
            include_str!("../../../sql/exports/messaging/consent_changes.sql"),
        ),
        Export::of::<messages::Table>("messages", include_str!("../../../sql/exports/messaging/messages.sql"))
            .windowed(include_str!("../../../sql/exports/messaging/messages.left_out.sql")),
    ]
}
