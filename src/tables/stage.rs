//! Staged datasets: every source in the same shape, normalised, not yet resolved. One file per source.

use crate::model::{
    ActivityChannel, AliasType, BookingOutcome, Channel, CustomerStatus, Day, Gender, Handicap, MessageKind, NameSuffix,
    PhoneClass, SkipReason, StatusTag, TenantRule, Timestamp,
};
use crate::table;
use crate::tables::{Dataset, Kept, Label, Table as _, Text};

table! {
    /// One row per person record of a source (member, player or contact) that could be read. A value is for display. Its `_key`
    /// is used for linking, and is null for values that do not identify a person (placeholders, role emails, phones that only the
    /// old rule accepts). Its `_raw` is the value as the source has it, for readers of the file: no later step reads the copies
    /// of an email, phone, name, birth date, gender or handicap.
    pub mod people = "stg_{source}__people", key(source_id) {
        /// The id in the source's people table.
        source_id: Text,
        /// The CRM tenant; null when it is not known (players without a tenant).
        tenant_id: Option<Label>,
        /// Where the tenant comes from.
        tenant_rule: TenantRule,
        /// The email in normal form: NFC, lower case, dots and tags kept.
        email: Option<Text>,
        /// The email as a key: without `+tag`, dots removed for Gmail only, the domain in ASCII, apostrophes in one form.
        email_key: Option<Text>,
        /// The email as the source has it.
        email_raw: Kept<Text>,
        /// The first valid number in E.164.
        phone: Option<Text>,
        /// The kind of phone number.
        phone_class: Option<PhoneClass>,
        /// The phone as a key.
        phone_key: Option<Text>,
        /// The phone as the source has it.
        phone_raw: Kept<Text>,
        /// Given name, cleaned for display.
        first_name: Option<Text>,
        /// Family name, cleaned for display.
        last_name: Option<Text>,
        /// Given name folded for comparison: no accents, lower case, letters only, words separated by one blank.
        first_key: Option<Text>,
        /// Family name folded for comparison, without a generation suffix.
        last_key: Option<Text>,
        /// The generation in the name (`SNR`, `JNR`, `II`, …); records that differ in it are two people.
        name_suffix: Option<NameSuffix>,
        /// Given name as the source has it.
        first_name_raw: Kept<Text>,
        /// Family name as the source has it.
        last_name_raw: Kept<Text>,
        /// Date of birth; placeholders and impossible dates are null.
        born_on: Option<Day>,
        /// Date of birth as the source has it.
        born_raw: Kept<Text>,
        /// Gender by the map of `data/reference/genders.csv`.
        gender: Gender,
        /// Gender as the source has it.
        gender_raw: Kept<Label>,
        /// South African handicap number, normalised.
        golf_rsa_id: Option<Text>,
        /// British and Irish handicap number, normalised.
        cdh_id: Option<Text>,
        /// MCA number that a player quotes; always null for legacy members, whose own id is `source_id`.
        mca_id: Option<Text>,
        /// Subject of the identity provider.
        auth_user_id: Option<Text>,
        /// The status as the source has it.
        status_raw: Option<Label>,
        /// What the status means; null where the source has none (players, contacts).
        status: Option<CustomerStatus>,
        /// The tag derived from the status, such as `arrears`.
        status_tag: Option<StatusTag>,
        /// Handicap index.
        handicap: Option<Handicap>,
        /// Handicap as the source has it.
        handicap_raw: Kept<Label>,
        /// When the handicap was valid from or changed (UTC).
        handicap_at: Option<Timestamp>,
        /// The home club's id in the source.
        home_club_id: Option<Text>,
        /// The home club's name.
        home_club_name: Option<Label>,
        /// SCL's own status text, trimmed.
        membership_status: Option<Label>,
        /// Name of the SCL membership tier.
        membership_tier: Option<Label>,
        /// When a TeeTime player first booked, also before the look-back (UTC); null in other sources and where it is not known.
        first_booked_at: Option<Timestamp>,
        /// Messaging's flag for e-mail; null in other sources.
        email_opt_in: Option<bool>,
        /// Messaging's flag for text messages; null in other sources.
        sms_opt_in: Option<bool>,
        /// When the record was made (UTC).
        created_at: Option<Timestamp>,
        /// When the record last changed (UTC).
        updated_at: Option<Timestamp>,
        /// When the record was deleted in its source (UTC); as_of where the date cannot be read. A deleted record belongs to no
        /// profile.
        deleted_at: Option<Timestamp>,
        /// Whether the record may be the seed record of a profile.
        may_found: bool,
        /// Why it is left out if no other record links to it; null exactly when `may_found`.
        skip_reason: Option<SkipReason>,
    }
}

impl<'a> people::Row<'a> {
    /// A record with nothing but its id.
    pub fn blank(source_id: &'a str) -> Self {
        Self {
            source_id,
            tenant_id: None,
            tenant_rule: TenantRule::Unknown,
            email: None,
            email_key: None,
            email_raw: None,
            phone: None,
            phone_class: None,
            phone_key: None,
            phone_raw: None,
            first_name: None,
            last_name: None,
            first_key: None,
            last_key: None,
            name_suffix: None,
            first_name_raw: None,
            last_name_raw: None,
            born_on: None,
            born_raw: None,
            gender: Gender::Unknown,
            gender_raw: None,
            golf_rsa_id: None,
            cdh_id: None,
            mca_id: None,
            auth_user_id: None,
            status_raw: None,
            status: None,
            status_tag: None,
            handicap: None,
            handicap_raw: None,
            handicap_at: None,
            home_club_id: None,
            home_club_name: None,
            membership_status: None,
            membership_tier: None,
            first_booked_at: None,
            email_opt_in: None,
            sms_opt_in: None,
            created_at: None,
            updated_at: None,
            deleted_at: None,
            may_found: false,
            skip_reason: None,
        }
    }
}

table! {
    /// Further identifiers of a person record: the second phone or email of a cell, every association number.
    pub mod identifiers = "stg_{source}__identifiers", key(source_id, row_id) {
        /// The person record.
        source_id: Text,
        /// The exported entity of the identifier: that of the person record, or `player_associations`.
        entity: Label,
        /// The row's id in that entity; for further values of a person record, the record's id.
        row_id: Text,
        /// What it identifies; null for benefit providers, which are kept under their `code`.
        kind: Option<AliasType>,
        /// The source's code for the identifier, upper case.
        code: Label,
        /// The normalised value; numbers of benefit providers as they are written.
        value: Text,
        /// Whether the value may be used as a key.
        is_key: bool,
    }
}

table! {
    /// A person's membership of a club (MCA and SCL).
    pub mod club_memberships = "stg_{source}__club_memberships", key(source_id, row_id) {
        /// The person record.
        source_id: Text,
        /// The exported entity: `member_clubs` or `memberships`.
        entity: Label,
        /// The row's id in that entity; MCA ZA has none and takes `<member>:<club>`.
        row_id: Text,
        /// The club's id in the source.
        club_id: Text,
        /// The club's name.
        club_name: Option<Label>,
        /// Status (MCA ZA) or membership type (MCA UK), trimmed; null in SCL.
        label: Option<Label>,
        /// Whether it is the home club.
        is_home: bool,
        /// Local midnight of the day of joining (UTC).
        joined_at: Option<Timestamp>,
        /// Local midnight of the day of leaving (UTC); null while the membership is open at as_of.
        left_at: Option<Timestamp>,
    }
}

table! {
    /// A member's membership of a sport (SCL).
    pub mod sport_memberships = "stg_{source}__sport_memberships", key(source_id, row_id) {
        /// The member.
        source_id: Text,
        /// `SportMembership.id`.
        row_id: Text,
        /// The sport's id.
        sport_id: Text,
        /// The sport's name.
        sport_name: Option<Label>,
        /// The status as SCL has it, trimmed.
        status: Label,
        /// When it began (UTC).
        created_at: Option<Timestamp>,
        /// When it last changed (UTC).
        updated_at: Option<Timestamp>,
    }
}

table! {
    /// One handicap of a legacy member (MCA ZA), valid from a day on.
    pub mod handicaps = "stg_{source}__handicaps", key(source_id, effective_on, row_id) {
        /// The member.
        source_id: Text,
        /// `handicaps.id`.
        row_id: Text,
        /// The index; null when it could not be read or means none.
        handicap: Option<Handicap>,
        /// The index as the source has it.
        handicap_raw: Kept<Label>,
        /// The day it is valid from, in local time.
        effective_on: Option<Day>,
        /// Local midnight of that day (UTC).
        effective_at: Option<Timestamp>,
    }
}

table! {
    /// A tee time (TeeTime).
    pub mod bookings = "stg_{source}__bookings", key(row_id) {
        /// `TeeTime.id`.
        row_id: Text,
        /// The player.
        source_id: Text,
        /// What became of it, by the map of `data/reference/booking_statuses.csv`.
        outcome: BookingOutcome,
        /// The status as the source has it.
        status_raw: Label,
        /// The course.
        course_id: Option<Label>,
        /// The course's name.
        course_name: Option<Label>,
        /// The course's club.
        club_id: Option<Label>,
        /// The club's name.
        club_name: Option<Label>,
        /// How many players were booked.
        player_count: Option<i32>,
        /// Tee-off (UTC); null when the source has no valid instant.
        start_at: Option<Timestamp>,
        /// When it was booked (UTC); decides the look-back.
        created_at: Option<Timestamp>,
    }
}

table! {
    /// A message to a contact (Messaging).
    pub mod messages = "stg_{source}__messages", key(row_id) {
        /// `MessageLog.id`.
        row_id: Text,
        /// The contact.
        source_id: Text,
        /// What the status means, by the map of `data/reference/message_statuses.csv`.
        kind: MessageKind,
        /// The status as the source has it.
        status_raw: Label,
        /// The channel, by the map of `data/reference/channels.csv`; null when unknown.
        channel: Option<ActivityChannel>,
        /// The channel as the source has it.
        channel_raw: Label,
        /// The template.
        template_id: Option<Label>,
        /// The template's name.
        template_name: Option<Label>,
        /// The campaign.
        campaign_id: Option<Label>,
        /// When it was sent or received (UTC).
        created_at: Option<Timestamp>,
    }
}

table! {
    /// Evidence of consent: one row per preference or logged change and channel; a row for "all" gives four.
    pub mod consents = "stg_{source}__consents", key(source_id, entity, row_id, channel) {
        /// The contact.
        source_id: Text,
        /// `preferences` or `consent_changes`.
        entity: Label,
        /// The row's id in that entity.
        row_id: Text,
        /// The channel; null for channels without consent in the CRM (voice, post), which the ledger counts as `NO_TARGET`.
        channel: Option<Channel>,
        /// The scope: `all` when the source has none; spelling folded.
        scope: Label,
        /// Whether it is an opt-in. An unreadable value counts as an opt-out (`CONSENT_UNREADABLE` in `check__rejects`).
        is_grant: bool,
        /// Whether it is an explicit action of the person, which alone lifts an earlier opt-out. False for preferences.
        is_act: bool,
        /// The time of the evidence (UTC): of an opt-in by preference its creation, of an opt-out by preference its last change,
        /// of a logged change its own time. At most as_of; evidence without a date is dated at as_of.
        at: Timestamp,
        /// When the row last changed (UTC), clipped to as_of; equals `at` for logged changes.
        changed_at: Timestamp,
        /// Whether the source has no date for it: a withdrawal then counts from the load that first recorded it.
        is_undated: bool,
        /// The source the row names (`WEB_FORM`, `STOP_REPLY`, …), upper case; null for preferences.
        origin: Option<Label>,
        /// The channel as the source has it.
        channel_raw: Label,
    }
}

table! {
    /// Exported rows without a staged row of their own: look-ups (`REFERENCE`) and rows without a target in the CRM (`NO_TARGET`).
    pub mod references = "stg_{source}__references", key(entity, row_id) {
        /// The exported entity.
        entity: Label,
        /// The row's id in that entity.
        row_id: Text,
        /// Why.
        reason: SkipReason,
    }
}

/// The declarations of this layer.
pub fn datasets() -> Vec<Dataset> {
    vec![
        people::Table::dataset(),
        identifiers::Table::dataset(),
        club_memberships::Table::dataset(),
        sport_memberships::Table::dataset(),
        handicaps::Table::dataset(),
        bookings::Table::dataset(),
        messages::Table::dataset(),
        consents::Table::dataset(),
        references::Table::dataset(),
    ]
}
