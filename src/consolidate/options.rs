//! Settings of the golden record, consents and the timeline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{BookingTypes, ContactChoice, FlagFalse, HolderReach, Phase, Scope, Timestamp};

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Options {
    /// The as-of time.
    pub as_of: Timestamp,
    /// The phase.
    pub phase: Phase,
    /// Bookings and messages made before this instant are left out.
    pub lookback_from: Timestamp,
    /// The email and phone that a profile shows.
    pub contact: ContactChoice,
    /// The profiles that show an email that several carry.
    pub email_holder: HolderReach,
    /// The profiles that show a phone that several carry.
    pub phone_holder: HolderReach,
    /// The scope of a withdrawal.
    pub suppression: Scope,
    /// Whether a contact's true flag alone is not accepted as consent.
    pub strict_consent: bool,
    /// The meaning of a false flag.
    pub flag_false: FlagFalse,
    /// Activity types of bookings.
    pub booking_types: BookingTypes,
    /// Whether logged changes of consent become activities.
    pub extra_consent: bool,
    /// Whether handicaps become activities.
    pub extra_handicap: bool,
    /// The tenant of people whose tenant is not known.
    pub default_tenant: String,
    /// By tenant: the start of the World Handicap System. In a tenant without an entry no handicap counts as older.
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
            suppression: Scope::Tenant,
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
