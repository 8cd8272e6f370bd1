//! Settings of loading, and of what is still good enough to be loaded.

use serde::{Deserialize, Serialize};

/// Settings of loading.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// Rejected rows per exported rows of an entity above which nothing is staged.
    pub max_reject_ratio: f64,
    /// Unreadable cells per filled ones of a typed column above which nothing is staged; a single one is always allowed.
    pub max_unreadable_ratio: f64,
    /// Unreadable cells of a column of deletion or consent above which nothing is staged.
    pub max_unreadable_decisive: u64,
    /// Rows of the review queue that are loaded, best first.
    pub max_candidates: usize,
}

impl Default for Load {
    fn default() -> Self {
        Self { max_reject_ratio: 0.05, max_unreadable_ratio: 0.01, max_unreadable_decisive: 1, max_candidates: 20_000 }
    }
}
