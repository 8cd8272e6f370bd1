//! Settings of dates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::date::DateOrder;

/// Settings of dates.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DateSettings {
    /// By `source.entity.column`: the order, where a column proves none or both.
    pub order: BTreeMap<String, DateOrder>,
}
