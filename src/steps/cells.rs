//! Cells of any dataset as text: how they are shown, filtered, masked, and made safe for spreadsheets.

use anyhow::Result;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::tables::{self, dictionary};

/// Which rows of a batch pass the filters.
pub fn matching(batch: &RecordBatch, filters: &[(usize, String)]) -> Result<Vec<bool>> {
    let options = shown_as();
    let printable: Vec<_> = batch.columns().iter().map(tables::printable).collect();
    let asked = filters
        .iter()
        .map(|(column, wanted)| Ok((*column, ArrayFormatter::try_new(printable[*column].as_ref(), &options)?, wanted)));
    let asked = asked.collect::<Result<Vec<_>>>()?;
    let passes = |row: usize| {
        let passes = |(column, shown, wanted): &(usize, ArrayFormatter<'_>, &String)| {
            !batch.column(*column).is_null(row) && shown.value(row).to_string() == **wanted
        };
        asked.iter().all(passes)
    };
    Ok((0..batch.num_rows()).map(passes).collect())
}

fn shown_as() -> FormatOptions<'static> {
    FormatOptions::default().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"))
}

/// Rows of a batch that pass the filters, each as shown texts; `None` is null.
pub fn rows(batch: &RecordBatch, filters: &[(usize, String)]) -> Result<Vec<Vec<Option<String>>>> {
    let options = shown_as();
    let printable: Vec<_> = batch.columns().iter().map(tables::printable).collect();
    let columns: Vec<_> =
        printable.iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options)).collect::<Result<_, _>>()?;
    let mut kept = Vec::new();
    for row in 0..batch.num_rows() {
        let value = |column: usize| (!batch.column(column).is_null(row)).then(|| columns[column].value(row).to_string());
        if filters.iter().all(|(column, wanted)| value(*column).as_deref() == Some(wanted)) {
            kept.push((0..columns.len()).map(value).collect());
        }
    }
    Ok(kept)
}

/// One cell as text; `None` is null.
pub fn cell(array: &ArrayRef, row: usize) -> Result<Option<String>> {
    if array.is_null(row) {
        return Ok(None);
    }
    let array = tables::printable(array);
    Ok(Some(ArrayFormatter::try_new(array.as_ref(), &shown_as())?.value(row).to_string()))
}

/// The value, masked if its column is personal.
pub fn masked(column: &str, value: &str) -> String {
    if dictionary::is_personal(column) { dictionary::mask(value) } else { value.to_owned() }
}

/// A cell that no spreadsheet evaluates as a formula, whatever its delimiter: checks the start of the cell and the text after any
/// delimiter or line break in it.
pub fn defused(cell: String) -> String {
    const SPLITS: [char; 6] = [';', ',', '|', '\t', '\r', '\n'];
    let is_run = |part: &str| {
        let shown = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{feff}');
        let starts = shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\u{2212}']);
        starts && !(shown.starts_with('-') && shown.trim_end().parse::<f64>().is_ok())
    };
    let first_splits = cell.starts_with(['\t', '\r', '\n']);
    if !first_splits && !cell.split(SPLITS).any(is_run) {
        return cell;
    }
    let mut safe = String::with_capacity(cell.len() + 4);
    if first_splits {
        safe.push('\'');
    }
    for part in cell.split_inclusive(SPLITS) {
        if is_run(part.trim_end_matches(SPLITS)) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_stays_readable_and_a_formula_does_not_run() {
        assert_eq!(defused("+447700900123".to_owned()), "'+447700900123");
        assert_eq!(defused("=cmd()".to_owned()), "'=cmd()");
        assert_eq!(defused("-2.1".to_owned()), "-2.1");
        assert_eq!(defused("plain; text, and more".to_owned()), "plain; text, and more");
    }

    #[test]
    fn a_formula_behind_any_delimiter_or_line_break_does_not_run_either() {
        for (cell, safe) in [
            ("x;=cmd()", "x;'=cmd()"),
            ("x; @sum(1)", "x;' @sum(1)"),
            ("a,b,+1", "a,b,'+1"),
            ("x|\"=cmd()\"", "x|'\"=cmd()\""),
            ("x\n=cmd()\t-a", "x\n'=cmd()\t'-a"),
            ("\t=cmd()", "'\t'=cmd()"),
            ("\tx", "'\tx"),
            (" =cmd()", "' =cmd()"),
            ("＝cmd()", "'＝cmd()"),
            ("1;-2;3", "1;-2;3"),
        ] {
            assert_eq!(defused(cell.to_owned()), safe, "{cell:?}");
        }
    }
}
