//! Where the rows of an export stand: the line of a dump, or the row in the order of the statement.

use crate::model::Source;
use crate::store::Folder;

/// The file that an exported entity was read from.
pub fn file(export: &Folder, source: Source, entity: &str) -> String {
    if is_dump(export) { format!("{entity}.csv") } else { format!("sql/exports/{source}/{entity}.sql") }
}

/// The lines of an entity's rows. A row of a dump has the line where it begins in the file, another one its place in the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLines {
    /// From a row on (counted from 1), the line where it begins; the rows after it follow line by line.
    shifts: Vec<(i64, i64)>,
}

impl RowLines {
    /// As the manifest of the export says.
    pub fn of(export: &Folder, entity: &str) -> Self {
        if !is_dump(export) {
            return Self { shifts: vec![(1, 1)] };
        }
        let recorded = export.manifest.facts.get(&format!("{entity}.lines")).map_or("", String::as_str);
        Self::of_dump(recorded)
    }

    /// `recorded` lists `row:line` where the line is not that of the row before plus one. The header is line 1.
    fn of_dump(recorded: &str) -> Self {
        let number = |text: &str| text.parse::<i64>().ok();
        let shifts = recorded.split(' ').filter_map(|shift| shift.split_once(':'));
        let shifts = shifts.filter_map(|(row, line)| Some((number(row)?, number(line)?)));
        Self { shifts: std::iter::once((1, 2)).chain(shifts).collect() }
    }

    /// The line of a row.
    pub fn of_row(&self, row: i64) -> i64 {
        let after = self.shifts.partition_point(|(from, _)| *from <= row);
        let (from, line) = self.shifts[after.saturating_sub(1)];
        line + (row - from)
    }

    /// The row that begins at a line.
    pub fn row_at(&self, line: i64) -> i64 {
        let after = self.shifts.partition_point(|(_, at)| *at <= line);
        let (row, at) = self.shifts[after.saturating_sub(1)];
        row + (line - at)
    }
}

/// A line in words: `line 17` of a dump, or `row 16`.
pub fn place(export: &Folder, line: i64) -> String {
    if is_dump(export) { format!("line {line}") } else { format!("row {line}") }
}

fn is_dump(export: &Folder) -> bool {
    export.manifest.facts.get("from").is_some_and(|from| from == "csv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_dump_stand_where_the_file_has_them() {
        // A line was left out before row 4, and row 6 has two lines.
        let lines = RowLines::of_dump("4:6 7:10");
        assert_eq!((1..=8).map(|row| lines.of_row(row)).collect::<Vec<_>>(), [2, 3, 4, 6, 7, 8, 10, 11]);
        assert!((1..=20).all(|row| lines.row_at(lines.of_row(row)) == row));
        assert_eq!(RowLines::of_dump("").of_row(5), 6);
    }
}
