//! The ledger of rows that are not on the timeline, and the balance of all outcomes with the exported rows.

use std::collections::BTreeMap;

use crate::consolidate::Directory;
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

    /// Adds another tally.
    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_insert(0) += count;
        }
    }

    /// The counts, by source, entity, outcome and reason.
    pub fn counts(&self) -> impl Iterator<Item = (Source, &str, Outcome, Option<&str>, u64)> {
        self.counts
            .iter()
            .map(|((source, entity, outcome, reason), &count)| (*source, entity.as_str(), *outcome, reason.as_deref(), count))
    }

    /// Number of rows of an entity with an outcome.
    pub fn total(&self, source: Source, entity: &str) -> u64 {
        self.counts.iter().filter(|((of, name, _, _), _)| *of == source && name == entity).map(|(_, &count)| count).sum()
    }

    /// The entities whose outcomes do not add up to their exported rows: source, entity, exported, accounted for.
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

/// Rows that stage rejected as a whole.
pub fn rejected<'a>(rejects: &'a rejects::Columns, rows: &mut Vec<ledger::Row<'a>>) {
    rows.extend(rejects.rows().filter(|reject| reject.column.is_none()).map(|reject| ledger::Row {
        source: reject.source,
        entity: reject.entity,
        source_id: reject.source_id,
        outcome: Outcome::Rejected,
        reason: Some(reject.reason),
    }));
}

/// Look-ups, and rows without a target in the CRM.
pub fn referenced<'a>(source: Source, references: &'a references::Columns, rows: &mut Vec<ledger::Row<'a>>) {
    rows.extend(references.rows().map(|reference| ledger::Row {
        source,
        entity: reference.entity,
        source_id: reference.row_id,
        outcome: Outcome::Skipped,
        reason: Some(reference.reason.code()),
    }));
}

/// Association numbers, which are merged into the profile of their player. Further values of a person record are not exported rows.
pub fn identified<'a>(
    directory: &Directory,
    source: Source,
    identifiers: &'a identifiers::Columns,
    rows: &mut Vec<ledger::Row<'a>>,
) {
    for identifier in identifiers.rows().filter(|identifier| identifier.entity != source.people()) {
        let is_resolved = directory.profile_of_id(source, identifier.source_id).is_some();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::sample::{World, columns, person};

    fn line(entity: &'static str, source_id: &'static str, outcome: Outcome) -> ledger::Row<'static> {
        ledger::Row { source: Source::Scl, entity, source_id, outcome, reason: None }
    }

    #[test]
    fn a_dropped_row_a_doubled_row_and_an_unknown_entity_break_the_balance() {
        let rows =
            [line("members", "1", Outcome::Loaded), line("members", "2", Outcome::Merged), line("clubs", "9", Outcome::Skipped)];
        let tally = |rows: &[ledger::Row<'static>]| {
            let mut tally = Tally::default();
            tally.count(&columns::<ledger::Table>(rows.iter().copied()));
            tally
        };
        let exported = [(Source::Scl, "members", 2), (Source::Scl, "clubs", 1)];
        assert_eq!(tally(&rows).imbalances(exported), []);
        for dropped in 0..rows.len() {
            let mut fewer = rows.to_vec();
            let row = fewer.remove(dropped);
            let exported_rows = exported.iter().find(|(_, entity, _)| *entity == row.entity).unwrap().2;
            let expected = [(Source::Scl, row.entity, exported_rows, exported_rows - 1)];
            assert_eq!(tally(&fewer).imbalances(exported), expected);
        }
        let doubled = [rows.as_slice(), &rows[..1]].concat();
        assert_eq!(tally(&doubled).imbalances(exported), [(Source::Scl, "members", 2, 3)]);
        assert_eq!(tally(&rows).imbalances(exported[..1].iter().copied()), [(Source::Scl, "clubs", 0, 1)]);
    }

    #[test]
    fn counts_are_kept_by_outcome_and_reason() {
        let mut tally = Tally::default();
        let skipped = ledger::Row { reason: Some("DELETED"), ..line("members", "3", Outcome::Skipped) };
        tally.count(&columns::<ledger::Table>([
            line("members", "1", Outcome::Loaded),
            skipped,
            line("members", "2", Outcome::Loaded),
        ]));
        let counts: Vec<_> = tally.counts().collect();
        let expected =
            [(Source::Scl, "members", Outcome::Loaded, None, 2), (Source::Scl, "members", Outcome::Skipped, Some("DELETED"), 1)];
        assert_eq!(counts, expected);
    }

    #[test]
    fn association_numbers_are_counted_with_their_player() {
        let mut world = World::default();
        world.add(Source::Teetime, person("p"), "a");
        let number = |source_id, entity, row_id, value| identifiers::Row {
            source_id,
            entity,
            row_id,
            kind: None,
            code: "X",
            value,
            is_key: false,
        };
        let rows = columns::<identifiers::Table>([
            number("p", "player_associations", "1", "a"),
            number("p", "player_associations", "1", "b"),
            number("unknown", "player_associations", "2", "c"),
            number("p", "players", "p", "second@mail.test"),
        ]);
        let mut lines = Vec::new();
        identified(&world.record_index(), Source::Teetime, &rows, &mut lines);
        let found: Vec<_> = lines.iter().map(|row| (row.source_id, row.outcome, row.reason)).collect();
        assert_eq!(found, [("1", Outcome::Merged, None), ("2", Outcome::Skipped, Some("UNRESOLVED"))]);
    }

    #[test]
    fn rows_rejected_as_a_whole_count_and_rejected_values_do_not() {
        let reject = |source_id, column| rejects::Row {
            source: Source::McaZa,
            entity: "members",
            source_id,
            line: 1,
            column,
            reason: "ID_REPEATED",
        };
        let rejects = columns::<rejects::Table>([reject("1", None), reject("2", Some("email"))]);
        let mut lines = Vec::new();
        rejected(&rejects, &mut lines);
        let found: Vec<_> = lines.iter().map(|row| (row.source_id, row.outcome, row.reason)).collect();
        assert_eq!(found, [("1", Outcome::Rejected, Some("ID_REPEATED"))]);
    }
}
