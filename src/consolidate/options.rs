//! What the operator may choose about the golden record, consents and the timeline.

use std::collections::BTreeMap;

use crate::model::{Phase, Timestamp};

/// Which address and number a profile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactChoice {
    /// The best current one: SCL, then Messaging unless bounced, then TeeTime, then MCA; mobile before fixed.
    Current,
    /// The founding record's, as the strategy's code leaves it after creation.
    Founding,
}

/// Among which profiles an email or phone that several carry is shown by one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderReach {
    /// Every profile shows it.
    Every,
    /// One of each tenant.
    Tenant,
    /// One of all.
    Global,
}

/// How far a withdrawal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionReach {
    /// The tenant in which it was made.
    Tenant,
    /// Every tenant.
    Global,
}

/// What a contact's false flag means beside a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagFalse {
    /// A refusal.
    Withdrawal,
    /// Nothing: a column default.
    Unset,
}

/// Which types bookings become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingTypes {
    /// `TEETIME_COMPLETED`, and `TEETIME_BOOKED` for everything else.
    Strategy,
    /// Cancellations and no-shows have types of their own.
    Detailed,
}

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The one clock.
    pub as_of: Timestamp,
    /// How far the backfill goes.
    pub phase: Phase,
    /// Bookings and messages made before this instant are left out.
    pub lookback_from: Timestamp,
    /// Which address and number a profile shows.
    pub contact: ContactChoice,
    /// Who shows an email that several profiles carry.
    pub email_holder: HolderReach,
    /// Who shows a phone that several profiles carry.
    pub phone_holder: HolderReach,
    /// How far a withdrawal reaches.
    pub suppression: SuppressionReach,
    /// Whether a contact's true flag alone is no consent.
    pub strict_consent: bool,
    /// What a false flag means.
    pub flag_false: FlagFalse,
    /// Which types bookings become.
    pub booking_types: BookingTypes,
    /// Whether logged changes of consent become activities.
    pub extra_consent: bool,
    /// Whether handicaps become activities.
    pub extra_handicap: bool,
    /// The tenant of people whom nothing else places.
    pub default_tenant: String,
    /// By tenant: the instant from which handicaps are of the World Handicap System; a tenant without one has none before it.
    pub whs_from: BTreeMap<String, Timestamp>,
}

impl Options {
    /// Whether bookings, messages and memberships become activities in this phase.
    pub fn has_timeline(&self) -> bool {
        self.phase >= Phase::ACTIVITIES
    }
}

#[cfg(test)]
impl Options {
    /// The committed defaults at noon of 1 June 2025, phase 6.
    pub fn sample() -> Self {
        let as_of = Timestamp::parse("2025-06-01T12:00:00Z").expect("a valid instant");
        Self {
            as_of,
            phase: Phase::LAST,
            lookback_from: as_of.minus_years(2),
            contact: ContactChoice::Current,
            email_holder: HolderReach::Every,
            phone_holder: HolderReach::Every,
            suppression: SuppressionReach::Tenant,
            strict_consent: false,
            flag_false: FlagFalse::Withdrawal,
            booking_types: BookingTypes::Strategy,
            extra_consent: false,
            extra_handicap: false,
            default_tenant: "default".to_owned(),
            whs_from: BTreeMap::new(),
        }
    }
}
