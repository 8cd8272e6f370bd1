//! The ledger of rows that are not on the timeline, and whether all outcomes together balance with what was exported.

use std::collections::BTreeMap;

use crate::build::roster::Roster;
use crate::model::{Code as _, Outcome, SkipReason, Source};
use crate::tables::check::{ledger, rejects};
use crate::tables::stage::{identifiers, references};

/// Rows by source, entity, outcome and reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<(Source, String, Outcome, Option<String>), u64>,
}

impl Tally {
    /// Counts a batch of the ledger.
    pub fn count(&mut self, columns: &ledger::Columns) {
        let mut rows = columns.rows().map(|row| (row.source, row.entity, row.outcome, row.reason)).peekable();
        while let Some(kind) = rows.next() {
            let mut count = 1;
            while rows.next_if_eq(&kind).is_some() {
                count += 1;
            }
            let (source, entity, outcome, reason) = kind;
            *self.counts.entry((source, entity.to_owned(), outcome, reason.map(str::to_owned))).or_insert(0) += count;
        }
    }

    /// The counts, by source, entity, outcome and reason.
    pub fn counts(&self) -> impl Iterator<Item = (Source, &str, Outcome, Option<&str>, u64)> {
        self.counts
            .iter()
            .map(|((source, entity, outcome, reason), &count)| (*source, entity.as_str(), *outcome, reason.as_deref(), count))
    }

    /// How many rows of an entity have an outcome.
    pub fn total(&self, source: Source, entity: &str) -> u64 {
        self.counts.iter().filter(|((of, name, _, _), _)| *of == source && name == entity).map(|(_, &count)| count).sum()
    }

    /// The entities whose outcomes do not add up to the rows that were exported: entity, exported, accounted for.
    pub fn imbalances<'a>(
        &'a self,
        exported: impl IntoIterator<Item = (Source, &'a str, u64)>,
    ) -> Vec<(Source, &'a str, u64, u64)> {
        let mut found = Vec::new();
        let mut known: Vec<(Source, &str)> = Vec::new();
        for (source, entity, rows) in exported {
            known.push((source, entity));
            let total = self.total(source, entity);
            if total != rows {
                found.push((source, entity, rows, total));
            }
        }
        let mut strangers: Vec<(Source, &str)> =
            self.counts.keys().map(|(source, entity, _, _)| (*source, entity.as_str())).collect();
        strangers.dedup();
        strangers.retain(|stranger| !known.contains(stranger));
        found.extend(strangers.into_iter().map(|(source, entity)| (source, entity, 0, self.total(source, entity))));
        found
    }
}

/// Rows that stage refused as a whole.
pub fn rejected<'a>(rejects: &'a rejects::Columns, rows: &mut Vec<ledger::Row<'a>>) {
    rows.extend(rejects.rows().filter(|reject| reject.column.is_none()).map(|reject| ledger::Row {
        source: reject.source,
        entity: reject.entity,
        source_id: reject.source_id,
        outcome: Outcome::Rejected,
        reason: Some(reject.reason),
    }));
}

/// Look-ups and rows the CRM has no place for.
pub fn referenced<'a>(source: Source, references: &'a references::Columns, rows: &mut Vec<ledger::Row<'a>>) {
    rows.extend(references.rows().map(|reference| ledger::Row {
        source,
        entity: reference.entity,
        source_id: reference.row_id,
        outcome: Outcome::Skipped,
        reason: Some(reference.reason.code()),
    }));
}

/// Association numbers: part of the profile of their player. A person's own further values are rows of no entity of their own.
pub fn identified<'a>(roster: &Roster, source: Source, identifiers: &'a identifiers::Columns, rows: &mut Vec<ledger::Row<'a>>) {
    for identifier in identifiers.rows().filter(|identifier| identifier.entity != source.people()) {
        let is_resolved = roster.profile_of_id(source, identifier.source_id).is_some();
        let (outcome, reason) =
            if is_resolved { (Outcome::Merged, None) } else { (Outcome::Skipped, Some(SkipReason::Unresolved.code())) };
        let row = ledger::Row { source, entity: identifier.entity, source_id: identifier.row_id, outcome, reason };
        // A cell with two numbers gives two identifiers of one row.
        let is_repeated = rows.last().is_some_and(|last| (last.entity, last.source_id) == (row.entity, row.source_id));
        if !is_repeated {
            rows.push(row);
        }
    }
}
