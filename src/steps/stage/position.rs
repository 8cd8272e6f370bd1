//! The position of a row in an export: the line of a dump, or the row in the order of the statement.

use crate::model::Source;
use crate::store::Folder;

/// The file that an exported entity was read from.
pub fn file(export: &Folder, source: Source, entity: &str) -> String {
    if is_dump(export) { format!("{entity}.csv") } else { format!("sql/exports/{source}/{entity}.sql") }
}

/// The position of a row: `line 17` of the dump, or `row 16`. `row` counts from 1.
pub fn position(export: &Folder, entity: &str, row: i64) -> String {
    if !is_dump(export) {
        return format!("row {row}");
    }
    // Unless recorded otherwise, the header is line 1 and every row is one line.
    let mut line = row + 1;
    let shifts = export.manifest.facts.get(&format!("{entity}.lines")).map_or("", String::as_str);
    for (from, at) in shifts.split(' ').filter_map(|shift| shift.split_once(':')) {
        match (from.parse::<i64>(), at.parse::<i64>()) {
            (Ok(from), Ok(at)) if from <= row => line = at + (row - from),
            _ => break,
        }
    }
    format!("line {line}")
}

fn is_dump(export: &Folder) -> bool {
    export.manifest.facts.get("from").is_some_and(|from| from == "csv")
}
