//! Metrics, engagement and churn at as_of; pure. One pass over the timeline, a fixed number of bytes per profile.

mod churn;
mod engagement;
mod facts;
mod gathered;
mod options;
mod pass;
mod summary;

pub use churn::{Churn, Membership};
pub use engagement::{Engagement, Thresholds, thresholds};
pub use facts::{Facts, ScoredEvent, Sign, Surface, Windows, sign};
pub use gathered::{GatheredFacts, ScoredActivity};
pub use options::ScoreOptions;
pub use pass::Scoring;
pub use summary::ScoreSummary;

use crate::model::Timestamp;

/// Whole days of 24 hours in a span of microseconds, rounded down.
fn whole_days(span: i64) -> i64 {
    span.div_euclid(Timestamp::DAY)
}
