//! Consent: what each contact stated, what decides per channel and scope, and which contact points must not be used.

pub mod contact_points;
pub mod decide;
pub mod log;
pub mod suppressions;
pub mod units;
pub mod weigh;
pub mod withdrawals;
