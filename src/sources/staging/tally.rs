//! Counts the reasons of an entity and lists its rejects.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::model::text::prefix;
use crate::model::zone::{Zone, staged};
use crate::model::{Day, Effect, Reason, Reasons, Source, Timestamp};
use crate::tables::check::rejects;

/// The longest raw code that a finding may quote.
const QUOTED_BYTES: usize = 40;

/// A code is shown only if it occurs at least this often; a name in the wrong column occurs once or twice.
const CODE_ROWS: i64 = 3;

/// Unknown codes of a column are shown only up to this many; more are probably names of people.
const CODES: usize = 20;

/// Key of a finding: column, reason, and the raw code of a closed vocabulary.
pub type FindingKey = (&'static str, Reason, Option<String>);

/// Counts of the typed cells of one column: filled ones, unreadable ones, and the positions of the first unreadable ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedCells {
    /// Cells that are not empty.
    pub filled: u64,
    /// Cells that could not be read.
    pub unreadable: u64,
    /// Positions of the first of them in the export, from 1.
    pub first: SmallVec<[i64; TypedCells::SHOWN]>,
}

impl TypedCells {
    /// Positions that a message names.
    pub const SHOWN: usize = 3;

    /// Adds the cells of a later batch.
    pub fn add(&mut self, later: &Self) {
        self.filled += later.filled;
        self.unreadable += later.unreadable;
        let room = Self::SHOWN.saturating_sub(self.first.len());
        self.first.extend(later.first.iter().copied().take(room));
    }
}

/// The result of a tally.
pub struct Tallied {
    /// By column, reason and code.
    pub counts: BTreeMap<FindingKey, i64>,
    /// Rejected values and rows.
    pub rejects: rejects::Builder,
    /// Rows left out.
    pub rejected_rows: i64,
    /// By column.
    pub cells: Vec<(&'static str, TypedCells)>,
}

/// The reasons of one entity's rows.
pub struct StageTally {
    cells: Vec<(&'static str, TypedCells)>,
    source: Source,
    entity: &'static str,
    id: String,
    line: i64,
    counts: HashMap<(&'static str, Reason), i64, FixedState>,
    values: BTreeMap<FindingKey, i64>,
    rejects: rejects::Builder,
    rejected_rows: i64,
}

impl StageTally {
    /// An empty tally of an entity.
    pub fn new(source: Source, entity: &'static str) -> Self {
        Self {
            cells: Vec::new(),
            source,
            entity,
            id: String::new(),
            line: 0,
            counts: HashMap::default(),
            values: BTreeMap::new(),
            rejects: rejects::Builder::new(0),
            rejected_rows: 0,
        }
    }

    /// Names the row that is being staged.
    pub fn begin(&mut self, id: &str, line: i64) {
        self.id.clear();
        self.id.push_str(id);
        self.line = line;
    }

    /// The row that is being staged: source, entity, id.
    pub fn row(&self) -> (Source, &'static str, &str) {
        (self.source, self.entity, &self.id)
    }

    /// The entity's name.
    pub fn entity(&self) -> &'static str {
        self.entity
    }

    /// Counts a reason for a value of the row; a rejection is listed, too.
    pub fn note(&mut self, column: &'static str, reason: Reason) {
        *self.counts.entry((column, reason)).or_default() += 1;
        if reason.effect() == Effect::Rejected {
            self.list(Some(column), reason);
        }
    }

    /// Counts every reason of a set.
    pub fn note_all(&mut self, column: &'static str, reasons: Reasons) {
        if !reasons.is_empty() {
            reasons.iter().for_each(|reason| self.note(column, reason));
        }
    }

    /// Counts a reason together with the raw code that caused it, unless that looks like a person's value.
    pub fn note_code(&mut self, column: &'static str, reason: Reason, raw: &str) {
        let value = quotable(raw).then(|| raw.trim().to_owned());
        *self.values.entry((column, reason, value)).or_default() += 1;
    }

    /// Counts a reason several times at once.
    pub fn note_many(&mut self, column: &'static str, reason: Reason, times: i64) {
        *self.counts.entry((column, reason)).or_default() += times;
    }

    /// Leaves the row out and counts it.
    pub fn reject_row(&mut self, reason: Reason) {
        *self.counts.entry(("", reason)).or_default() += 1;
        self.list_row(reason);
    }

    /// Leaves the row out. Rows with the same id, or without one, are listed with their line.
    pub fn list_row(&mut self, reason: Reason) {
        self.rejected_rows += 1;
        if matches!(reason, Reason::DupSourceId | Reason::MissingId) {
            self.id = format!("{}#{}", self.id.trim(), self.line);
        }
        self.list(None, reason);
    }

    fn list(&mut self, column: Option<&'static str>, reason: Reason) {
        use crate::model::Code as _;
        self.rejects.push(rejects::Row {
            source: self.source,
            entity: self.entity,
            source_id: &self.id,
            line: self.line,
            column,
            reason: reason.code(),
        });
    }

    /// Counts a filled typed cell.
    pub fn filled(&mut self, column: &'static str) {
        self.cells_of(column).filled += 1;
    }

    /// Counts a typed cell that could not be read.
    pub fn unreadable(&mut self, column: &'static str) {
        let line = self.line;
        let cells = self.cells_of(column);
        cells.unreadable += 1;
        if cells.first.len() < TypedCells::SHOWN {
            cells.first.push(line);
        }
    }

    fn cells_of(&mut self, column: &'static str) -> &mut TypedCells {
        let known = self.cells.iter().position(|(name, _)| *name == column);
        let index = known.unwrap_or_else(|| {
            self.cells.push((column, TypedCells::default()));
            self.cells.len() - 1
        });
        &mut self.cells[index].1
    }

    /// Local midnight of a day.
    pub fn midnight(&mut self, column: &'static str, day: Day, zone: Option<Zone>) -> Option<Timestamp> {
        let mut reasons = Reasons::default();
        let at = self.zone(&mut reasons, zone).midnight(day, &mut reasons);
        let at = staged(at, &mut reasons);
        self.note_all(column, reasons);
        at
    }

    fn zone(&self, reasons: &mut Reasons, zone: Option<Zone>) -> Zone {
        zone.unwrap_or_else(|| {
            reasons.insert(Reason::ZoneUnknown);
            Zone::UTC
        })
    }

    /// Everything that was counted. A code that is rare, or one of many, is counted without being shown.
    pub fn finish(self) -> Tallied {
        let mut codes: BTreeMap<(&'static str, Reason), usize> = BTreeMap::new();
        for ((column, reason, _), _) in self.values.iter().filter(|((.., value), count)| value.is_some() && **count >= CODE_ROWS)
        {
            *codes.entry((column, *reason)).or_default() += 1;
        }
        let mut values: BTreeMap<FindingKey, i64> = BTreeMap::new();
        for ((column, reason, value), count) in self.values {
            let is_shown = count >= CODE_ROWS && codes.get(&(column, reason)).is_some_and(|codes| *codes <= CODES);
            *values.entry((column, reason, value.filter(|_| is_shown))).or_default() += count;
        }
        for ((column, reason), count) in self.counts {
            *values.entry((column, reason, None)).or_default() += count;
        }
        Tallied { counts: values, rejects: self.rejects, rejected_rows: self.rejected_rows, cells: self.cells }
    }
}

/// Whether a raw code may be shown: short, and not similar to an email, a phone or a name of several words.
fn quotable(raw: &str) -> bool {
    let raw = raw.trim();
    prefix(raw, QUOTED_BYTES).len() == raw.len()
        && !raw.contains('@')
        && raw.bytes().filter(u8::is_ascii_digit).count() < 6
        && raw.split_whitespace().count() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Builder as _;

    #[test]
    fn codes_are_quoted_and_personal_values_are_not() {
        let mut tally = StageTally::new(Source::Scl, "members");
        tally.begin("7", 1);
        for raw in ["Gold Plus", " Gold Plus", "ann@mail.test", "0825551234", "a status that somebody wrote as a long sentence"] {
            tally.note_code("status", Reason::StatusUnmapped, raw);
        }
        for raw in ["Gold Plus", "Ann", "Ann Lee", "Ann"] {
            tally.note_code("status", Reason::StatusUnmapped, raw);
        }
        // A column of names: each occurs often, but there are too many for a vocabulary.
        for number in 0..100 {
            tally.note_code("gender", Reason::GenderUnmapped, ["Ann", "Bo"][number % 2]);
            tally.note_code("tier", Reason::StatusUnmapped, &format!("Name {}", (b'A' + (number % 25) as u8) as char));
        }
        let counts = tally.finish().counts;
        let counts: Vec<_> = counts.into_iter().collect();
        assert_eq!(
            counts,
            [
                (("gender", Reason::GenderUnmapped, Some("Ann".to_owned())), 50),
                (("gender", Reason::GenderUnmapped, Some("Bo".to_owned())), 50),
                (("status", Reason::StatusUnmapped, None), 6),
                (("status", Reason::StatusUnmapped, Some("Gold Plus".to_owned())), 3),
                (("tier", Reason::StatusUnmapped, None), 100)
            ]
        );
    }

    #[test]
    fn rows_that_share_an_id_are_listed_by_their_line() {
        let mut tally = StageTally::new(Source::Scl, "members");
        tally.begin("7", 3);
        tally.reject_row(Reason::DupSourceId);
        tally.begin("", 4);
        tally.reject_row(Reason::MissingId);
        let Tallied { mut rejects, rejected_rows: rows, .. } = tally.finish();
        use crate::tables::Table as _;
        let columns = rejects::Table::columns(&rejects.finish()).unwrap();
        let ids: Vec<_> = columns.rows().map(|row| row.source_id.to_owned()).collect();
        assert_eq!((ids, rows), (vec!["7#3".to_owned(), "#4".to_owned()], 2));
    }
}
