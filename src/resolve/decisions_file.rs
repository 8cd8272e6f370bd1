//! `decisions.csv`: what people decided on pairs of records, one line each.

use crate::model::RecordKey;
use crate::resolve::decisions::{Decision, DecisionKind, Origin};

/// The header of the file.
pub const HEADER: [&str; 6] = ["kind", "a", "b", "reason", "who", "at"];

/// Reads the file; the error names the first line that cannot be read, without its content.
pub fn read_decisions(text: &str) -> Result<Vec<Decision>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| "line 1 is no CSV".to_owned())?;
    if header.iter().take(3).ne(HEADER.into_iter().take(3)) {
        return Err(format!("line 1: the header must be {}", HEADER.join(",")));
    }
    let mut lines = Lines::default();
    let mut decisions = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = lines.of(text, reader.position().byte());
        match reader.read_record(&mut record) {
            Ok(true) => decisions.push(decision(&record, line)?),
            Ok(false) => return Ok(decisions),
            Err(_) => return Err(format!("line {line} is no CSV")),
        }
    }
}

fn decision(record: &csv::StringRecord, line: u64) -> Result<Decision, String> {
    let field = |at: usize| record.get(at).unwrap_or_default();
    let kind = match field(0) {
        "must-link" => DecisionKind::MustLink,
        "cannot-link" => DecisionKind::CannotLink,
        _ => return Err(format!("line {line}: kind is must-link or cannot-link")),
    };
    for at in [1, 2] {
        if RecordKey::parse(field(at)).is_none() {
            return Err(format!("line {line}: {} is a key such as scl:members:1001", HEADER[at]));
        }
    }
    if field(1) == field(2) {
        return Err(format!("line {line}: a and b are the same record"));
    }
    Ok(Decision { kind, a: field(1).to_owned(), b: field(2).to_owned(), origin: Origin::File(line) })
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
    /// The line of the first record at or after a byte; empty lines are passed over. Asked from front to back.
    fn of(&mut self, text: &str, byte: u64) -> u64 {
        let bytes = text.as_bytes();
        let from = usize::try_from(byte).map_or(bytes.len(), |byte| byte.min(bytes.len()));
        let empty = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line += bytes[self.byte..from + empty].iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.byte = from + empty;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_and_without_a_reason() {
        let text = "kind,a,b,reason,who,at\nmust-link,scl:members:1,teetime:players:x,\"same, by phone\",eve,2026-01-01\ncannot-link,mca_za:members:1,mca_za:members:2\n";
        let decisions = read_decisions(text).unwrap();
        assert_eq!(decisions.len(), 2);
        assert_eq!(decisions[1].kind, DecisionKind::CannotLink);
    }

    #[test]
    fn lines_are_those_of_the_file_with_empty_ones_and_long_reasons_counted() {
        let text = "kind,a,b,reason\n\nmust-link,scl:members:1,scl:members:2,\"two\nlines\"\r\n\r\ncannot-link,scl:members:1,scl:members:2\n";
        let lines: Vec<Origin> = read_decisions(text).unwrap().iter().map(|decision| decision.origin).collect();
        assert_eq!(lines, [Origin::File(3), Origin::File(6)]);
        assert_eq!(read_decisions("kind,a,b\n\n\nmust,a,b\n").unwrap_err(), "line 4: kind is must-link or cannot-link");
    }

    #[test]
    fn a_wrong_line_is_named_by_number_only() {
        let error = read_decisions("kind,a,b\nmust-link,scl:members:1,nobody\n").unwrap_err();
        assert_eq!(error, "line 2: b is a key such as scl:members:1001");
    }
}
