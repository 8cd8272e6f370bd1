//! A strict RFC 4180 parser that knows the physical line of each record and recovers after a bad line.

use std::collections::VecDeque;
use std::io::{BufRead, Read};

use encoding_rs::Encoding;

use crate::model::Reason;

/// Longest record in bytes.
const MAX_RECORD: usize = 1 << 20;
/// Longest record in lines; after them an open quote counts as unmatched.
const MAX_LINES: usize = 1_000;

/// Whether a line is what programs write around the records: COPY's end mark, the end of a file of DOS, psql's and SQL*Plus' count of rows,
/// the rules between the header and the rows of psql and sqlcmd.
fn is_frame(line: &str) -> bool {
    let text = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{1a}');
    let count = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let is_count = count.split_once(' ').is_some_and(|(rows, word)| {
        rows.bytes().all(|byte| byte.is_ascii_digit())
            && ["row", "rows", "rows selected.", "row selected.", "rows affected", "row affected"].contains(&word)
    });
    let is_rule = text.contains("--") && text.chars().all(|c| matches!(c, '-' | '+' | '|' | ',' | ';' | '\t' | ' '));
    text.is_empty() || text == "\\." || is_count || is_rule
}

/// The fields of a record, unquoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DumpFields {
    text: String,
    ends: Vec<usize>,
}

impl DumpFields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[index]]
    }

    /// Whether all fields are blank: a line of only delimiters.
    pub(super) fn are_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn end_field(&mut self) {
        self.ends.push(self.text.len());
    }
}

enum ParseStep {
    Done,
    More,
    Bad(Reason),
}

/// Parses one record, which may have several lines.
struct Parser {
    fields: DumpFields,
    in_quotes: bool,
    delimiter: char,
    quote: char,
}

impl Parser {
    fn new(delimiter: char, quote: char) -> Self {
        Self { fields: DumpFields::default(), in_quotes: false, delimiter, quote }
    }

    fn feed(&mut self, line: &str) -> ParseStep {
        let body = line.strip_suffix('\n').unwrap_or(line);
        // Files that were converted twice end their lines with two carriage returns.
        let body = body.trim_end_matches('\r');
        let mut rest = body;
        loop {
            if !self.in_quotes {
                // `="0821"` tells a spreadsheet that the digits are text.
                let told = rest.strip_prefix('=').filter(|after| after.starts_with(self.quote)).unwrap_or(rest);
                // Blanks may stand between a delimiter and a quote.
                let quoted = if self.delimiter == '\t' { told } else { told.trim_start_matches(' ') };
                if let Some(after) = quoted.strip_prefix(self.quote) {
                    self.in_quotes = true;
                    rest = after;
                } else {
                    // Dumps with tabs come from programs that do not quote, so a quote within a field is part of it.
                    let has_quotes = self.delimiter != '\t' && self.quote == '"';
                    let is_end = |c: char| c == self.delimiter || c == '\r' || (c == '"' && has_quotes);
                    let end = rest.find(is_end).unwrap_or(rest.len());
                    self.fields.text.push_str(&rest[..end]);
                    match rest[end..].chars().next() {
                        Some('"') => return ParseStep::Bad(Reason::LineStrayQuote),
                        Some('\r') => return ParseStep::Bad(Reason::LineCarriageReturn),
                        Some(_) => rest = &rest[end + 1..],
                        None => {
                            self.fields.end_field();
                            return ParseStep::Done;
                        }
                    }
                    self.fields.end_field();
                    continue;
                }
            }
            let Some(quote) = rest.find(self.quote) else {
                self.fields.text.push_str(rest);
                self.fields.text.push_str(&line[body.len()..]);
                return ParseStep::More;
            };
            self.fields.text.push_str(&rest[..quote]);
            rest = &rest[quote + 1..];
            if let Some(after) = rest.strip_prefix(self.quote) {
                self.fields.text.push(self.quote);
                rest = after;
                continue;
            }
            self.in_quotes = false;
            self.fields.end_field();
            rest = if self.delimiter == '\t' { rest } else { rest.trim_start_matches(' ') };
            match rest.strip_prefix(self.delimiter) {
                Some(after) => rest = after,
                None if rest.is_empty() => return ParseStep::Done,
                None => return ParseStep::Bad(Reason::LineStrayQuote),
            }
        }
    }
}

/// The records of a file.
pub(super) struct DumpRecords<R> {
    input: R,
    encoding: &'static Encoding,
    delimiter: char,
    quote: char,
    /// Smallest and largest number of fields of a record; further fields must be blank. `None` before the header is known.
    width: Option<(usize, usize)>,
    line: u64,
    utf8_lines: u64,
    /// Records with one field more than the header, which is blank, and those where it is not.
    longer: [u64; 2],
    /// Lines that were read for a record that turned out to be broken.
    pending: VecDeque<(u64, Result<String, Reason>)>,
}

impl<R: BufRead> DumpRecords<R> {
    pub(super) fn new(input: R, encoding: &'static Encoding, delimiter: char) -> Self {
        Self {
            input,
            encoding,
            delimiter,
            quote: '"',
            width: None,
            line: 0,
            utf8_lines: 0,
            longer: [0; 2],
            pending: VecDeque::new(),
        }
    }

    /// The error of a file whose values stand one column too far to the right: where the last column is empty such a record looks like one
    /// that ends in a delimiter, so that the others give it away.
    pub(super) fn shifted(&self) -> Option<String> {
        let [blank, filled] = self.longer;
        (blank > 0 && filled * 10 > blank)
            .then(|| format!("{} records have one field more than the header, in {filled} of them it is filled", blank + filled))
    }

    /// Sets the quotation mark of all records.
    pub(super) fn quote_with(&mut self, quote: char) {
        self.quote = quote;
    }

    /// Sets the number of fields and the delimiter that every record from here on must have. Fields beyond `most` must be blank.
    pub(super) fn expect(&mut self, least: usize, most: usize, delimiter: char) {
        self.width = Some((least, most));
        self.delimiter = delimiter;
    }

    /// Lines that were read as UTF-8 although another encoding was declared.
    pub(super) fn utf8_lines(&self) -> u64 {
        self.utf8_lines
    }

    /// The next line as it is, decoded.
    pub(super) fn next_line(&mut self) -> std::io::Result<Option<(u64, Result<String, Reason>)>> {
        if let Some(pending) = self.pending.pop_front() {
            return Ok(Some(pending));
        }
        let mut bytes = Vec::new();
        let limit = MAX_RECORD as u64 + 1;
        if self.input.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if bytes.len() > MAX_RECORD && bytes.last() != Some(&b'\n') {
            while bytes.last() != Some(&b'\n') {
                bytes.clear();
                if self.input.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
                    break;
                }
            }
            return Ok(Some((self.line, Err(Reason::LineTooLong))));
        }
        if bytes.contains(&0) {
            return Ok(Some((self.line, Err(Reason::LineNul))));
        }
        // Text of another encoding is practically never valid UTF-8 with letters beyond ASCII.
        if self.encoding != encoding_rs::UTF_8
            && !bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(&bytes)
        {
            self.utf8_lines += 1;
            return Ok(Some((self.line, Ok(text.to_owned()))));
        }
        let (text, wrong) = self.encoding.decode_without_bom_handling(&bytes);
        let text = if wrong { Err(Reason::LineEncoding) } else { Ok(text.into_owned()) };
        Ok(Some((self.line, text)))
    }

    /// The next record, or the number of a broken line with the reason. Empty lines and what programs write around records are skipped.
    pub(super) fn next_record(&mut self) -> std::io::Result<Option<(u64, Result<DumpFields, Reason>)>> {
        loop {
            let Some((line, text)) = self.next_line()? else { return Ok(None) };
            let text = match text {
                Ok(text) if is_frame(&text) => continue,
                Ok(text) => text,
                Err(reason) => return Ok(Some((line, Err(reason)))),
            };
            return Ok(Some((line, self.record(&text)?)));
        }
    }

    /// The fields of a line that is a whole record.
    pub(super) fn fields_of(line: &str, delimiter: char) -> Option<DumpFields> {
        let mut parser = Parser::new(delimiter, '"');
        matches!(parser.feed(line), ParseStep::Done).then_some(parser.fields)
    }

    fn record(&mut self, first: &str) -> std::io::Result<Result<DumpFields, Reason>> {
        let mut parser = Parser::new(self.delimiter, self.quote);
        let mut step = parser.feed(first);
        let mut taken = Vec::new();
        while matches!(step, ParseStep::More) {
            if taken.len() >= MAX_LINES || parser.fields.text.len() > MAX_RECORD {
                break;
            }
            let Some((line, text)) = self.next_line()? else { break };
            step = match &text {
                Ok(text) => parser.feed(text),
                Err(_) => ParseStep::Bad(Reason::LineUnmatchedQuote),
            };
            taken.push((line, text));
        }
        let fields = &parser.fields;
        let is_blank_from = |most: usize| (most..fields.len()).all(|index| fields.get(index).trim().is_empty());
        let fits = self.width.is_none_or(|(least, most)| fields.len() >= least && is_blank_from(most));
        if matches!(step, ParseStep::Done) && self.width.is_some_and(|(_, most)| fields.len() == most + 1) {
            self.longer[usize::from(!fits)] += 1;
        }
        let reason = match step {
            ParseStep::Done if fits => return Ok(Ok(parser.fields)),
            ParseStep::Done if taken.is_empty() => Reason::LineFieldCount,
            ParseStep::Bad(reason) if taken.is_empty() => reason,
            // The unmatched quote swallowed the lines below. Only its own line is rejected; the others are parsed again.
            ParseStep::Done | ParseStep::Bad(_) | ParseStep::More => Reason::LineUnmatchedQuote,
        };
        for line in taken.into_iter().rev() {
            self.pending.push_front(line);
        }
        Ok(Err(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8], width: usize) -> Vec<(u64, Result<Vec<String>, Reason>)> {
        let mut records = DumpRecords::new(text, encoding_rs::UTF_8, ',');
        records.expect(width, width, ',');
        let mut found = Vec::new();
        while let Some((line, record)) = records.next_record().unwrap() {
            found.push((line, record.map(|fields| (0..fields.len()).map(|index| fields.get(index).to_owned()).collect())));
        }
        found
    }

    fn row(fields: &[&str]) -> Result<Vec<String>, Reason> {
        Ok(fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn quotes_newlines_and_delimiters_within_fields_are_kept() {
        let text = b"1,\"a, \"\"b\"\"\nc\"\r\n\r\n2,\n3,\"\"";
        assert_eq!(read(text, 2), [(1, row(&["1", "a, \"b\"\nc"])), (4, row(&["2", ""])), (5, row(&["3", ""]))]);
    }

    #[test]
    fn an_unmatched_quote_costs_its_own_line_only() {
        let text = b"1,a\n2,\"b\n3,c\n4,\"d\"\n5,e\n";
        assert_eq!(
            read(text, 2),
            [
                (1, row(&["1", "a"])),
                (2, Err(Reason::LineUnmatchedQuote)),
                (3, row(&["3", "c"])),
                (4, row(&["4", "d"])),
                (5, row(&["5", "e"])),
            ]
        );
        assert_eq!(read(b"1,\"a\n2,b", 2), [(1, Err(Reason::LineUnmatchedQuote)), (2, row(&["2", "b"]))]);
    }

    #[test]
    fn broken_lines_are_reported_by_their_physical_number() {
        let text = b"1,a\n\"2\",\"b\nb\"\n3\n4,c,d\n5,e\"f\n6,\"g\"h\n7,\xff\n8,i\0\n9,j\rk\n";
        let reasons: Vec<_> = read(text, 2).into_iter().filter_map(|(line, record)| Some((line, record.err()?))).collect();
        assert_eq!(
            reasons,
            [
                (4, Reason::LineFieldCount),
                (5, Reason::LineFieldCount),
                (6, Reason::LineStrayQuote),
                (7, Reason::LineStrayQuote),
                (8, Reason::LineEncoding),
                (9, Reason::LineNul),
                (10, Reason::LineCarriageReturn),
            ]
        );
    }

    #[test]
    fn further_blank_fields_are_ignored() {
        assert_eq!(read(b"1,a,\n2,b,,\n3,c,x\n", 2)[..2], [(1, row(&["1", "a", ""])), (2, row(&["2", "b", "", ""]))]);
        assert_eq!(read(b"3,c,x\n", 2), [(1, Err(Reason::LineFieldCount))]);
        assert_eq!(read(b"1,=\"0821\"\n", 2), [(1, row(&["1", "0821"]))]);
        assert_eq!(read(b"1,a\r\r\n\\.\n", 2), [(1, row(&["1", "a"]))]);
    }

    #[test]
    fn a_quote_within_a_field_between_tabs_is_part_of_it() {
        let fields = DumpRecords::<&[u8]>::fields_of("1\tAnn \"Nan\" Lee\t\"a\tb\"\n", '\t').unwrap();
        assert_eq!([0, 1, 2].map(|index| fields.get(index)), ["1", "Ann \"Nan\" Lee", "a\tb"]);
    }

    #[test]
    fn a_line_beyond_a_megabyte_is_rejected_and_the_next_is_read() {
        let mut text = b"1,".to_vec();
        text.resize(3 << 20, b'x');
        text.extend(b"\n2,b\n");
        assert_eq!(read(&text, 2), [(1, Err(Reason::LineTooLong)), (2, row(&["2", "b"]))]);
    }

    proptest! {
        /// Oracle: the csv crate's writer.
        #[test]
        fn what_a_csv_writer_writes_comes_back(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z,;\"\n é]{0,8}", 3), 1..20),
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = writer.into_inner().unwrap();
            let found: Vec<Vec<String>> = read(&text, 3).into_iter().map(|(_, record)| record.unwrap()).collect();
            prop_assert_eq!(found, rows);
        }
    }
}
