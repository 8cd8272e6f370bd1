//! CSV that people edit, in a spreadsheet or by hand: decisions, verdicts, code maps, nicknames. With or without a byte-order mark,
//! commas or semicolons, quotes, any line ends, lines of comment that begin with `#`; lines are counted as an editor shows them.
//!
//! Dumps are read by `store::csv` instead: they are larger than memory, in any encoding, and a line that cannot be read there costs
//! that line, while here it stops the run before anything is done.

/// What a line of comment begins with.
const COMMENT: char = '#';

/// A text that is no table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct SheetError {
    /// From 1.
    pub line: u64,
    /// What is wrong, without the line's content.
    pub what: &'static str,
}

impl From<SheetError> for String {
    fn from(error: SheetError) -> Self {
        error.to_string()
    }
}

/// A table with a header, read whole.
pub struct Sheet {
    /// The names of the columns.
    pub header: csv::StringRecord,
    /// Each row with the line it begins on.
    pub rows: Vec<(u64, csv::StringRecord)>,
    /// What stands between the fields: a spreadsheet whose decimals have commas writes semicolons.
    pub separator: u8,
}

impl Sheet {
    /// Reads a text; `None` when it is empty.
    pub fn read(text: &str) -> Result<Option<Self>, SheetError> {
        let no_csv = |line| SheetError { line, what: "this is not CSV" };
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Ok(None);
        }
        let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with(COMMENT)).unwrap_or_default();
        let separator = if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' };
        if let Some(line) = unclosed_quote(text, separator) {
            return Err(SheetError { line, what: "a quotation mark is opened and never closed" });
        }
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(separator)
            .comment(Some(COMMENT as u8))
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|_| no_csv(1))?.clone();
        let mut lines = Lines::default();
        let mut rows = Vec::new();
        let mut record = csv::StringRecord::new();
        loop {
            let line = lines.of(text, reader.position().byte());
            match reader.read_record(&mut record) {
                // Spreadsheets keep emptied rows as bare separators.
                Ok(true) if record.iter().all(str::is_empty) => {}
                Ok(true) => rows.push((line, record.clone())),
                Ok(false) => return Ok(Some(Self { header, rows, separator })),
                Err(_) => return Err(no_csv(line)),
            }
        }
    }

    /// Whether these are the names of the columns, in this order.
    pub fn has_header(&self, names: &[&str]) -> bool {
        is_wide(&self.header, names.len()) && self.header.iter().zip(names).all(|(found, name)| found == *name)
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|known| known == name)
    }
}

/// Whether a record has so many fields; what a spreadsheet adds behind them is empty.
pub fn is_wide(record: &csv::StringRecord, fields: usize) -> bool {
    record.len() >= fields && record.iter().skip(fields).all(str::is_empty)
}

/// The line on which a quoted field begins that does not end: a reader would take the rest of the file for its text.
fn unclosed_quote(text: &str, separator: u8) -> Option<u64> {
    let (mut line, mut opened, mut at_start) = (1, None, true);
    let mut bytes = text.bytes().peekable();
    let mut is_comment = text.starts_with(COMMENT);
    while let Some(byte) = bytes.next() {
        line += u64::from(byte == b'\n');
        if is_comment && byte != b'\n' {
            continue;
        }
        is_comment = byte == b'\n' && opened.is_none() && bytes.peek() == Some(&(COMMENT as u8));
        match (byte, opened) {
            (b'"', None) if at_start => opened = Some(line),
            (b'"', Some(_)) if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (b'"', Some(_)) => opened = None,
            _ => {}
        }
        at_start = byte == separator || byte == b'\n' || byte == b'\r';
    }
    opened
}

/// The file's own line numbers, as an editor shows them.
struct Lines {
    byte: usize,
    line: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self { byte: 0, line: 1 }
    }
}

impl Lines {
    /// The line of the first record at or after a byte; empty lines and comments are passed over. Asked from front to back.
    fn of(&mut self, text: &str, byte: u64) -> u64 {
        let bytes = text.as_bytes();
        let from = usize::try_from(byte).map_or(bytes.len(), |byte| byte.min(bytes.len()));
        let mut at = from;
        loop {
            at += bytes[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if bytes.get(at) != Some(&(COMMENT as u8)) {
                break;
            }
            at += bytes[at..].iter().take_while(|&&byte| byte != b'\n').count();
        }
        self.line += bytes[self.byte..at].iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.byte = at;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let sheet = Sheet::read(text).unwrap().unwrap();
        sheet.rows.into_iter().map(|(line, row)| (line, row.iter().map(str::to_owned).collect())).collect()
    }

    #[test]
    fn a_spreadsheets_mark_semicolons_and_line_ends_change_nothing() {
        let plain = rows("a,b\n1,2\n");
        assert_eq!(plain, [(2, vec!["1".to_owned(), "2".to_owned()])]);
        for text in ["\u{feff}a,b\r\n1,2\r\n", "a;b\r\n1;2", "\"a\",\"b\"\n\"1\",\"2\"\n", " a , b \n 1 , 2 \n"] {
            assert_eq!(rows(text), plain, "{text:?}");
        }
        assert_eq!(rows("a;b\n1;2,5\n")[0].1, ["1", "2,5"]);
        assert_eq!(Sheet::read("a;b\n").unwrap().unwrap().separator, b';');
    }

    #[test]
    fn lines_are_those_of_the_file_with_empty_ones_and_long_fields_counted() {
        let text = "a,b\n\n1,\"two\nlines\"\r\n,,\r\n3,4\n";
        let lines: Vec<u64> = rows(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3, 6]);
    }

    #[test]
    fn comments_are_passed_over_and_counted() {
        let text = "# ours; as agreed\n# \"quoted\na,b\n1,2\n# more\n\n3,\"# no\n comment\"\n4,5\n";
        let rows = rows(text);
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 7, 9]);
        assert_eq!(rows[1].1, ["3", "# no\n comment"]);
    }

    #[test]
    fn cells_that_a_spreadsheet_leaves_empty_at_the_end_are_no_cells() {
        assert!(is_wide(&csv::StringRecord::from(vec!["a", "b", "", ""]), 2));
        assert!(!is_wide(&csv::StringRecord::from(vec!["a", "b", "", "c"]), 2));
        assert!(!is_wide(&csv::StringRecord::from(vec!["a"]), 2));
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_swallows_no_rows() {
        let error = Sheet::read("a,b\n1,\"said \"\"so\"\"\"\n2,\"oops\n3,4\n").err();
        assert_eq!(error.unwrap().to_string(), "line 3: a quotation mark is opened and never closed");
        assert_eq!(rows("a,b\n1,5\" of rain\n")[0].1, ["1", "5\" of rain"]);
    }

    #[test]
    fn nothing_is_no_table() {
        assert!(Sheet::read("\u{feff} \r\n").unwrap().is_none());
    }
}
