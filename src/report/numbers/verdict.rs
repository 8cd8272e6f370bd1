//! Whether the migration may go live, with the checks that this is based on.

use serde::{Deserialize, Serialize};

/// Whether this may go live.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GoLiveVerdict {
    /// `good`, `person`, `bad` or `unknown`.
    pub state: String,
    /// In one sentence.
    pub sentence: String,
    /// The six main numbers.
    pub tiles: Vec<Tile>,
}

/// One of the main numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tile {
    /// Name of the query that gives the number.
    pub query: String,
    /// What it is.
    pub name: String,
    /// The number.
    pub count: i64,
    /// Difference from the run before.
    pub delta: Option<i64>,
    /// Note about it.
    pub note: String,
}

/// One result of verification.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportCheck {
    /// The check and what it compared.
    pub name: String,
    /// The line it proves.
    pub proves: String,
    /// Expected value.
    pub expected: String,
    /// Observed value.
    pub observed: String,
    /// `PASSED`, `FAILED`, `VACUOUS` or `NEEDS_A_PERSON`.
    pub state: String,
}

/// A query of the strategy and the CRM's result.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReportAnswer {
    /// The strategy's heading.
    pub title: String,
    /// The statement.
    pub sql: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Rows; emails are counted, not shown.
    pub rows: Vec<Vec<String>>,
}
