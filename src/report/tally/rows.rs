//! Exported rows and their outcomes.

use std::collections::BTreeMap;

use crate::model::{Code as _, Outcome, Source};
use crate::report::numbers::{Counted, ReportEntity};
use crate::tables::check;

use super::by_count;

/// NameCounts the rows of each entity.
#[derive(Default)]
pub struct RowTally {
    entities: BTreeMap<(Source, String), ReportEntity>,
}

impl RowTally {
    /// Adds an exported entity with the rows of its manifest.
    pub fn exported(&mut self, source: Source, entity: &str, rows: i64, estimate: Option<i64>) {
        let held = self.entity(source, entity);
        held.exported = rows;
        held.estimate = estimate;
    }

    fn entity(&mut self, source: Source, entity: &str) -> &mut ReportEntity {
        self.entities.entry((source, entity.to_owned())).or_insert_with(|| ReportEntity {
            source: source.code().to_owned(),
            entity: entity.to_owned(),
            ..ReportEntity::default()
        })
    }

    /// The ledger.
    pub fn ledger(&mut self, columns: &check::ledger::Columns) {
        let mut rows = columns.rows().peekable();
        // Rows of one outcome are adjacent, so each run of them is added at once.
        while let Some(row) = rows.next() {
            let same = |next: &check::ledger::Row<'_>| {
                (next.source, next.entity, next.outcome, next.reason) == (row.source, row.entity, row.outcome, row.reason)
            };
            let mut count = 1;
            while rows.next_if(same).is_some() {
                count += 1;
            }
            self.outcome(row.source, row.entity, row.outcome, row.reason, count);
        }
    }

    fn outcome(&mut self, source: Source, entity: &str, outcome: Outcome, reason: Option<&str>, rows: i64) {
        let held = self.entity(source, entity);
        match outcome {
            Outcome::Loaded => held.loaded += rows,
            Outcome::Merged => held.merged += rows,
            Outcome::Skipped => held.skipped += rows,
            Outcome::Rejected => held.rejected += rows,
        }
        if let Some(reason) = reason {
            match held.reasons.iter_mut().find(|counted| counted.name == reason) {
                Some(counted) => counted.count += rows,
                None => held.reasons.push(Counted::new(reason, rows)),
            }
        }
    }

    /// The entities, with their reasons by frequency.
    pub(super) fn finish(self) -> Vec<ReportEntity> {
        let ranked = |entity: ReportEntity| ReportEntity { reasons: by_count(entity.reasons), ..entity };
        self.entities.into_values().map(ranked).collect()
    }
}
