//! Consent: what each contact stated, what decides per channel and scope, and which contact points must not be used.

pub mod bounces;
pub mod contact_points;
pub mod decide;
pub mod earlier;
pub mod log;
pub mod review;
pub mod rule;
pub mod suppressions;
pub mod units;
pub mod weigh;
pub mod withdrawals;
