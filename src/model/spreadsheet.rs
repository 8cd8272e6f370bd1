//! CSV files that people edit, in a spreadsheet or by hand: decisions, verdicts, code maps, nicknames. They may have a byte-order
//! mark, commas or semicolons, quoted fields, any line ends, and comment lines that begin with `#`. Line numbers are those of an
//! editor.
//!
//! Dumps are read by `store::csv` instead: they are larger than memory and come in any encoding. A bad line of a dump is rejected
//! and the run goes on; a bad line of a file read here stops the run before it starts.

/// Comment lines begin with it.
const COMMENT: char = '#';

/// A text that is not a table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct SpreadsheetError {
    /// From 1.
    pub line: u64,
    /// The problem, without the line's content: it may be personal data.
    pub what: &'static str,
}

impl From<SpreadsheetError> for String {
    fn from(error: SpreadsheetError) -> Self {
        error.to_string()
    }
}

/// A table with a header.
pub struct Spreadsheet {
    /// The names of the columns.
    pub header: csv::StringRecord,
    /// Each row with the line it begins on.
    pub rows: Vec<(u64, csv::StringRecord)>,
    /// The separator: spreadsheets with decimal commas write semicolons.
    pub separator: u8,
}

impl Spreadsheet {
    /// Reads a text; `None` if it is empty.
    pub fn read(text: &str) -> Result<Option<Self>, SpreadsheetError> {
        let no_csv = |line| SpreadsheetError { line, what: "not valid CSV" };
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Ok(None);
        }
        let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with(COMMENT)).unwrap_or_default();
        let separator = if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' };
        if let Some(line) = unclosed_quote(text, separator) {
            return Err(SpreadsheetError { line, what: "a quotation mark is opened and never closed" });
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
                // Spreadsheets keep emptied rows as lines of separators.
                Ok(true) if record.iter().all(str::is_empty) => {}
                Ok(true) => rows.push((line, record.clone())),
                Ok(false) => return Ok(Some(Self { header, rows, separator })),
                Err(_) => return Err(no_csv(line)),
            }
        }
    }

    /// Whether the columns have these names, in this order.
    pub fn has_header(&self, names: &[&str]) -> bool {
        is_wide(&self.header, names.len()) && self.header.iter().zip(names).all(|(found, name)| found == *name)
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|known| known == name)
    }
}

/// Whether a record has this many fields. Empty fields behind them are ignored, because spreadsheets add them.
pub fn is_wide(record: &csv::StringRecord, fields: usize) -> bool {
    record.len() >= fields && record.iter().skip(fields).all(str::is_empty)
}

/// The line of a quotation mark that is never closed: a parser would read the rest of the file as its text.
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

/// Line numbers as an editor shows them.
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
    /// The line of the first record at or after a byte; empty lines and comments are skipped. Must be called in ascending order.
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
        let spreadsheet = Spreadsheet::read(text).unwrap().unwrap();
        spreadsheet.rows.into_iter().map(|(line, row)| (line, row.iter().map(str::to_owned).collect())).collect()
    }

    #[test]
    fn a_spreadsheets_mark_semicolons_and_line_ends_change_nothing() {
        let plain = rows("a,b\n1,2\n");
        assert_eq!(plain, [(2, vec!["1".to_owned(), "2".to_owned()])]);
        for text in ["\u{feff}a,b\r\n1,2\r\n", "a;b\r\n1;2", "\"a\",\"b\"\n\"1\",\"2\"\n", " a , b \n 1 , 2 \n"] {
            assert_eq!(rows(text), plain, "{text:?}");
        }
        assert_eq!(rows("a;b\n1;2,5\n")[0].1, ["1", "2,5"]);
        assert_eq!(Spreadsheet::read("a;b\n").unwrap().unwrap().separator, b';');
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
    fn empty_cells_at_the_end_of_a_row_are_ignored() {
        assert!(is_wide(&csv::StringRecord::from(vec!["a", "b", "", ""]), 2));
        assert!(!is_wide(&csv::StringRecord::from(vec!["a", "b", "", "c"]), 2));
        assert!(!is_wide(&csv::StringRecord::from(vec!["a"]), 2));
    }

    #[test]
    fn an_unclosed_quotation_mark_is_an_error() {
        let error = Spreadsheet::read("a,b\n1,\"said \"\"so\"\"\"\n2,\"oops\n3,4\n").err();
        assert_eq!(error.unwrap().to_string(), "line 3: a quotation mark is opened and never closed");
        assert_eq!(rows("a,b\n1,5\" of rain\n")[0].1, ["1", "5\" of rain"]);
    }

    #[test]
    fn an_empty_text_has_no_table() {
        assert!(Spreadsheet::read("\u{feff} \r\n").unwrap().is_none());
    }
}
