//! Datasets of checks: rejects, findings, ledger, proofs, results of verification.

use crate::model::{Outcome, Source};
use crate::table;
use crate::tables::{Dataset, Label, Table as _, Text, Texts};

table! {
    /// Values and rows that could not be read, without the value. With a column: the value became null and the row was kept.
    pub mod rejects = "check__rejects", key(source, entity, source_id, column, reason) {
        /// The source.
        source: Source,
        /// The exported entity.
        entity: Label,
        /// The row's id in that entity.
        source_id: Text,
        /// Line where the row begins in a CSV dump; place of the row in an export from a database, from 1.
        line: i64,
        /// The column whose value was dropped; null when the whole row was.
        column: Option<Label>,
        /// Why, as a code of docs/codes.md.
        reason: Label,
    }
}

table! {
    /// How often each cleaning, default and rejection happened, and which unknown codes were found.
    pub mod findings = "check__findings", key(source, entity, column, reason, value) {
        /// The source.
        source: Source,
        /// The exported entity.
        entity: Label,
        /// The column.
        column: Label,
        /// `CLEANED`, `DEFAULTED`, `REJECTED` or `NOTED`.
        effect: Label,
        /// What was done, as a code of docs/codes.md.
        reason: Label,
        /// The raw code, for unknown codes of closed vocabularies only; never a person's value.
        value: Option<Label>,
        /// Number of values.
        value_count: i64,
    }
}

table! {
    /// Exactly one outcome for every exported row of every entity.
    pub mod ledger = "check__ledger", key(source, entity, source_id) {
        /// The source.
        source: Source,
        /// The exported entity.
        entity: Label,
        /// The row's id in that entity.
        source_id: Text,
        /// What became of it.
        outcome: Outcome,
        /// Why, for skipped (a `SkipReason`) and rejected rows (the reject's reason).
        reason: Option<Label>,
    }
}

table! {
    /// Decisions that depend on a documented deviation from the strategy's code, counted.
    pub mod departures = "check__departures", key(departure) {
        /// Heading in docs/deviations.md.
        departure: Label,
        /// How many rows it decided.
        row_count: i64,
    }
}

table! {
    /// Rows for manual review, without personal values: unreadable cells, and withdrawals whose contact point is not known. The
    /// safe assumption holds until an entry is settled; then it disappears.
    pub mod manual_review = "check__manual_review", key(source, entity, source_id, column, reason) {
        /// The source.
        source: Source,
        /// The exported entity.
        entity: Label,
        /// The row's id in that entity; `#line` where it has none, `id#line` where it repeats one.
        source_id: Text,
        /// The column that could not be read; null when it is about the whole row.
        column: Option<Label>,
        /// Line where the row begins in a CSV dump; place of the row in an export from a database, from 1. Null where the row itself was read.
        line: Option<i64>,
        /// `CONSENT_UNREADABLE`, `DELETED_AT_UNREADABLE`, `CONTACT_POINT_UNREADABLE`, `CONTACT_UNKNOWN` or `ROW_LEFT_OUT`.
        reason: Label,
        /// The assumption that holds until the entry is settled.
        assumed: Label,
        /// The setting or file that settles it.
        settled_by: Label,
    }
}

table! {
    /// Checks of the datasets alone, at the end of the step that wrote them. The folder exists only if all of them hold, except
    /// those of `expectations`: what the owner knows of some people.
    pub mod proofs = "check__proofs", key(check, item) {
        /// The check.
        check: Label,
        /// The compared item.
        item: Text,
        /// Rows looked at; 0 where there was nothing to compare.
        examined: i64,
        /// Expected value.
        expected: Text,
        /// Observed value.
        observed: Text,
        /// Ids of up to five differing rows.
        examples: Texts,
    }
}

table! {
    /// Results of verification.
    pub mod results = "check__results", key(phase, name) {
        /// The phase, 0 for the preflight.
        phase: i32,
        /// The check.
        name: Text,
        /// The line of the strategy's checklist or quality report it proves.
        proves: Text,
        /// Expected value.
        expected: Text,
        /// Observed value.
        observed: Text,
        /// `PASSED`, `FAILED`, `VACUOUS` or `NEEDS_A_PERSON`.
        state: Label,
    }
}

/// The declarations of this layer.
pub fn datasets() -> Vec<Dataset> {
    vec![
        rejects::Table::dataset(),
        findings::Table::dataset(),
        ledger::Table::dataset(),
        departures::Table::dataset(),
        manual_review::Table::dataset(),
        proofs::Table::dataset(),
        results::Table::dataset(),
    ]
}
