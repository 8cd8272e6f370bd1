//! Consent: evidence of each contact, the decision per channel and scope, and suppressed contact points.

pub mod bounces;
pub mod contact_points;
pub mod decide;
pub mod earlier;
pub mod log;
pub mod merge;
pub mod review;
pub mod rule;
pub mod suppressions;
pub mod units;
pub mod weigh;
pub mod withdrawals;
