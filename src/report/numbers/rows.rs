//! Exported rows and values: what became of them.

use serde::Serialize;

use crate::report::numbers::Counted;

/// An exported entity and the outcomes of its rows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportEntity {
    /// The source.
    pub source: String,
    /// The entity.
    pub entity: String,
    /// Rows exported.
    pub exported: i64,
    /// The strategy's estimate.
    pub estimate: Option<i64>,
    /// Rows that a CRM row has as its source.
    pub loaded: i64,
    /// Rows that were merged into a CRM row of another record.
    pub merged: i64,
    /// Rows left out for a documented reason.
    pub skipped: i64,
    /// Rows that could not be read.
    pub rejected: i64,
    /// Why rows were skipped or rejected.
    pub reasons: Vec<Counted>,
}

impl ReportEntity {
    /// Whether the outcomes add up to what was exported.
    pub fn balances(&self) -> bool {
        self.loaded + self.merged + self.skipped + self.rejected == self.exported
    }
}

/// Completeness of a staged column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fill {
    /// The source.
    pub source: String,
    /// The column.
    pub column: String,
    /// Rows.
    pub rows: i64,
    /// Rows with a value.
    pub filled: i64,
    /// Values cleaned.
    pub cleaned: i64,
    /// Values rejected.
    pub rejected: i64,
}

/// A cleaning, default or rejection.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportFinding {
    /// The source.
    pub source: String,
    /// The entity.
    pub entity: String,
    /// The column.
    pub column: String,
    /// `CLEANED`, `DEFAULTED`, `REJECTED` or `NOTED`.
    pub effect: String,
    /// The code.
    pub reason: String,
    /// The raw code where it is one of a closed vocabulary.
    pub value: Option<String>,
    /// Number of values.
    pub count: i64,
}
