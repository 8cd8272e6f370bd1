//! Metrics, engagement and churn at as_of; pure. One pass over the timeline, a fixed number of bytes per profile.

mod churn;
mod engagement;
mod facts;
mod pass;
mod summary;

pub use churn::{Churn, Membership};
pub use engagement::{Engagement, Missing, Thresholds, thresholds};
pub use facts::{Event, Facts, Sign, Surface, Windows, sign};
pub use pass::{Options, Scoring};
pub use summary::Summary;

use crate::model::Timestamp;

/// Whole days of 24 hours in a span of microseconds, rounded down.
fn whole_days(span: i64) -> i64 {
    span.div_euclid(Timestamp::DAY)
}
