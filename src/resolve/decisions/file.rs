//! Reads and extends `decisions.csv`: manual decisions on pairs of records, one per line.

use std::collections::BTreeSet;

use crate::model::RecordKey;
use crate::model::spreadsheet::Spreadsheet;
use crate::resolve::decisions::{Decision, DecisionKind, DecisionOrigin};

/// The header of the file.
pub const HEADER: [&str; 6] = ["kind", "a", "b", "reason", "who", "at"];

/// Reads the file; the error names the first line that cannot be read, without its content.
pub fn read_decisions(text: &str) -> Result<Vec<Decision>, String> {
    let Some(spreadsheet) = Spreadsheet::read(text)? else { return Ok(Vec::new()) };
    if spreadsheet.header.iter().take(3).ne(HEADER.into_iter().take(3)) {
        return Err(format!("line 1: the header must be {}", HEADER.join(",")));
    }
    spreadsheet.rows.iter().map(|(line, row)| decision(row, *line)).collect()
}

/// The file with further decisions appended, in its own format of separators and line ends. A decision that is in the file
/// already is not repeated. Returns the number of added lines.
pub fn add_decisions(
    text: &str,
    new: &[(DecisionKind, &str, &str)],
    reason: &str,
    who: &str,
    at: &str,
) -> Result<(String, usize), String> {
    let pair = |kind: DecisionKind, a: &str, b: &str| (kind.code(), a.min(b).to_owned(), a.max(b).to_owned());
    let mut known: BTreeSet<_> = read_decisions(text)?.iter().map(|line| pair(line.kind, &line.a, &line.b)).collect();
    let separator = Spreadsheet::read(text)?.map_or(b',', |spreadsheet| spreadsheet.separator);
    let ends = if text.contains("\r\n") { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new().delimiter(separator).terminator(ends).from_writer(Vec::new());
    let mut write = |row: [&str; 6]| writer.write_record(row).expect("memory takes rows");
    let is_new = text.trim_start_matches('\u{feff}').trim().is_empty();
    if is_new {
        write(HEADER);
    }
    let mut count = 0;
    for &(kind, a, b) in new {
        if known.insert(pair(kind, a, b)) {
            write([kind.code(), a, b, reason, who, at]);
            count += 1;
        }
    }
    let lines = String::from_utf8(writer.into_inner().expect("memory takes bytes")).expect("rows are text");
    let before = if is_new { "" } else { text };
    let gap = match (before.is_empty() || before.ends_with('\n'), ends) {
        (true, _) => "",
        (false, csv::Terminator::CRLF) => "\r\n",
        (false, _) => "\n",
    };
    Ok((format!("{before}{gap}{lines}"), count))
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
    Ok(Decision { kind, a: field(1).to_owned(), b: field(2).to_owned(), origin: DecisionOrigin::File(line) })
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
        let lines: Vec<DecisionOrigin> = read_decisions(text).unwrap().iter().map(|decision| decision.origin).collect();
        assert_eq!(lines, [DecisionOrigin::File(3), DecisionOrigin::File(6)]);
        assert_eq!(read_decisions("kind,a,b\n\n\nmust,a,b\n").unwrap_err(), "line 4: kind is must-link or cannot-link");
    }

    #[test]
    fn a_wrong_line_is_named_by_number_only() {
        let error = read_decisions("kind,a,b\nmust-link,scl:members:1,unknown\n").unwrap_err();
        assert_eq!(error, "line 2: b is a key such as scl:members:1001");
    }

    #[test]
    fn a_file_saved_by_a_spreadsheet_reads_the_same() {
        let plain = "kind,a,b,reason,who,at\ncannot-link,scl:members:1,scl:members:2,\"a, b\",eve,2026-01-01\n";
        let expected = read_decisions(plain).unwrap();
        assert_eq!(read_decisions(&format!("\u{feff}{}", plain.replace('\n', "\r\n"))).unwrap(), expected);
        let semicolons = "kind;a;b;reason;who;at\r\ncannot-link;scl:members:1;scl:members:2;a, b;eve;2026-01-01\r\n;;;;;\r\n";
        assert_eq!(read_decisions(semicolons).unwrap(), expected);
    }

    #[test]
    fn a_line_is_added_once_in_the_manner_of_the_file() {
        let new = [
            (DecisionKind::MustLink, "scl:members:2", "scl:members:1"),
            (DecisionKind::CannotLink, "scl:members:1", "scl:members:3"),
            (DecisionKind::CannotLink, "scl:members:3", "scl:members:1"),
        ];
        let add = |text: &str| add_decisions(text, &new, "audit; again", "Lee", "2026").unwrap();
        let (fresh, count) = add("\u{feff}");
        assert_eq!(count, 2);
        assert_eq!(
            fresh,
            "kind,a,b,reason,who,at\nmust-link,scl:members:2,scl:members:1,audit; again,Lee,2026\n\
             cannot-link,scl:members:1,scl:members:3,audit; again,Lee,2026\n"
        );
        assert_eq!(add(&fresh), (fresh.clone(), 0));
        // Turned round, and from a spreadsheet: one line is there, and the other follows as semicolons and whole lines.
        let (text, count) = add("kind;a;b\r\nmust-link;scl:members:1;scl:members:2");
        assert_eq!(count, 1);
        assert_eq!(
            text,
            "kind;a;b\r\nmust-link;scl:members:1;scl:members:2\r\n\
             cannot-link;scl:members:1;scl:members:3;\"audit; again\";Lee;2026\r\n"
        );
        assert!(add_decisions("kind,a,b\nmust,x,y\n", &new, "", "", "").is_err(), "a file that cannot be read stays as it is");
    }
}
