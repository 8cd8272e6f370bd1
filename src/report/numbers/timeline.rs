//! Activities by month.

use serde::Serialize;

use crate::report::numbers::Counted;

/// Activities by month and kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportTimeline {
    /// The kinds, in the order of the counts.
    pub kinds: Vec<String>,
    /// Month and counts.
    pub months: Vec<Month>,
    /// Activities before the months shown.
    pub before: i64,
    /// Activities after as_of.
    pub after_as_of: i64,
    /// All activities by type.
    pub types: Vec<Counted>,
}

/// A month of the timeline.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Month {
    /// `2026-11`.
    pub month: String,
    /// By kind.
    pub counts: Vec<i64>,
}
