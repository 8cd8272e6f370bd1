//! Consent by channel.

use serde::Serialize;

/// Consent on a channel.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportConsent {
    /// The channel.
    pub channel: String,
    /// Profiles that may be contacted: those with a consent row, and those by a contact's flag alone.
    pub flags_on: i64,
    /// Of them, profiles with an opt-in row of a marketing scope of the channel, which proves it.
    pub flags_with_row: i64,
    /// Of them, profiles without such a row: a contact's flag is on, without a date, and nothing withdraws it.
    pub flags_alone: i64,
    /// Profiles that may not be contacted.
    pub flags_off: i64,
    /// Opt-in rows.
    pub opted_in: i64,
    /// Opt-out rows.
    pub opted_out: i64,
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
