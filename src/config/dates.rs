//! Settings of dates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The order of day and month in ambiguous dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `31/12/1975`.
    DayFirst,
    /// `12/31/1975`.
    MonthFirst,
}

/// Settings of dates.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dates {
    /// By `source.entity.column`: the order, where a column proves none or both.
    pub order: BTreeMap<String, DateOrder>,
}
