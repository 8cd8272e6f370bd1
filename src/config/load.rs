//! Settings of loading, and limits for the quality of what is loaded.

use serde::{Deserialize, Serialize};

/// Settings of loading.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadSettings {
    /// Highest share of rejected rows of an entity, from 0 to 1. Above it nothing is staged.
    pub max_reject_ratio: f64,
    /// Highest share of unreadable cells among the filled ones of a typed column, from 0 to 1. A single one is always allowed.
    pub max_unreadable_ratio: f64,
    /// Most unreadable cells of a deletion or consent column. Above it nothing is staged.
    pub max_unreadable_decisive: u64,
    /// Rows of the review queue that are loaded, best first.
    pub max_candidates: usize,
}

impl Default for LoadSettings {
    fn default() -> Self {
        Self { max_reject_ratio: 0.05, max_unreadable_ratio: 0.01, max_unreadable_decisive: 1, max_candidates: 20_000 }
    }
}
