//! Activities by month and type.

use std::collections::BTreeMap;

use crate::model::{Code as _, Timestamp};
use crate::report::numbers::{Month, ReportTimeline};
use crate::tables::crm;

use super::NameCounts;

/// Months that the timeline shows. The last one is that of as_of, or up to two later for future bookings.
const MONTHS: i32 = 28;

/// NameCounts activities.
#[derive(Default)]
pub struct TimelineTally {
    months: BTreeMap<i32, BTreeMap<String, i64>>,
    after_as_of: i64,
    types: NameCounts,
}

impl TimelineTally {
    /// Activities.
    pub fn activities(&mut self, columns: &crm::activities::Columns, as_of: Timestamp) {
        for row in columns.rows() {
            *self.months.entry(month_of(row.occurred_at)).or_default().entry(row.category.code().to_owned()).or_default() += 1;
            self.types.add(row.activity_type);
            self.after_as_of += i64::from(row.occurred_at > as_of);
        }
    }

    pub(super) fn finish(self, as_of: Timestamp) -> ReportTimeline {
        let last = month_of(as_of) + 2;
        let first = last - MONTHS + 1;
        let mut kinds: Vec<String> = self.months.values().flat_map(|kinds| kinds.keys().cloned()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let count = |month: i32, kind: &String| self.months.get(&month).and_then(|held| held.get(kind)).copied().unwrap_or(0);
        let months = (first..=last)
            .map(|month| Month { month: month_name(month), counts: kinds.iter().map(|kind| count(month, kind)).collect() })
            .collect();
        ReportTimeline {
            months,
            kinds,
            before: self.months.range(..first).flat_map(|(_, kinds)| kinds.values()).sum(),
            after_as_of: self.after_as_of,
            types: self.types.ranked(),
        }
    }
}

/// Months since year 0 of a point in time.
fn month_of(at: Timestamp) -> i32 {
    use chrono::Datelike;
    let day = at.utc();
    day.year() * 12 + day.month0().cast_signed()
}

fn month_name(month: i32) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}
