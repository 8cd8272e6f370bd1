//! The header of a dump: its delimiter, its columns by name, and the error if the first line is not a header.

use std::io::BufRead;
use std::path::Path;

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::{Reason, did_you_mean};
use crate::store::csv::records::DumpRecords;
use crate::store::io_fault;
use crate::tables::Dataset;

/// Delimiters that are tried, the preferred one first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// A parsed header line.
pub(super) struct Header {
    delimiter: char,
    /// Names in the form of declared columns; empty for columns without a name.
    names: Vec<String>,
}

/// The header line, its byte order mark removed, and the delimiter where a line `sep=;` before it says so.
pub(super) fn first_line<R: BufRead>(records: &mut DumpRecords<R>, path: &Path) -> Result<(String, Option<char>)> {
    let line = next(records, path)?;
    let said = delimiter_said(&line);
    match said {
        Some(delimiter) => Ok((next(records, path)?, Some(delimiter))),
        None => Ok((line, None)),
    }
}

/// The delimiter of a line `sep=;`, which may be quoted, in capitals, or followed by the delimiters of empty cells. A tab is one, too.
fn delimiter_said(line: &str) -> Option<char> {
    let text = line.trim_start_matches(['"', ' ', '\u{feff}']);
    let rest = text.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &text[4..])?;
    let mut rest = rest.chars();
    let delimiter = rest.next().filter(|c| !c.is_alphanumeric() && !matches!(c, '"' | '\r'))?;
    rest.all(|c| c == delimiter || matches!(c, '"' | ' ' | '\r' | ',' | ';')).then_some(delimiter)
}

/// The next line that is not blank.
fn next<R: BufRead>(records: &mut DumpRecords<R>, path: &Path) -> Result<String> {
    let place = path.display().to_string();
    loop {
        match records.next_line().map_err(|error| io_fault("read", path, &error))? {
            None => return Err(Fault::new(Exit::Input, "the dump is empty: it has no header").at(place).into()),
            Some((_, Err(Reason::LineNul))) => {
                let fault = Fault::new(Exit::Input, "the header has NUL bytes, so the file is not text").at(place);
                return Err(fault.help("export the table as CSV").into());
            }
            Some((_, Ok(line))) => {
                let line = line.strip_prefix('\u{feff}').unwrap_or(&line).trim_end_matches(['\r', '\n']);
                if line.contains('\r') {
                    let fault = Fault::new(Exit::Input, "the file ends its lines with lone carriage returns").at(place);
                    return Err(fault.help("convert it:  tr '\\r' '\\n' < old.csv > new.csv").into());
                }
                if !line.trim().is_empty() {
                    return Ok(line.to_owned());
                }
            }
            Some((_, Err(_))) => {
                let fault = Fault::new(Exit::Input, "the header is not text of the declared encoding").at(place);
                return Err(fault.help("name the encoding:  --encoding windows-1252").into());
            }
        }
    }
}

impl Header {
    /// Parses a header line with the delimiter that gives most declared columns; among equals the given one is preferred.
    pub(super) fn read(line: &str, declared: &[&str], given: Option<char>) -> Self {
        let mut best = Self::split(line, declared, given.unwrap_or(DELIMITERS[0]));
        for delimiter in DELIMITERS {
            let other = Self::split(line, declared, delimiter);
            if other.known(declared) > best.known(declared) {
                best = other;
            }
        }
        best
    }

    fn split(line: &str, declared: &[&str], delimiter: char) -> Self {
        let names = match DumpRecords::<&[u8]>::fields_of(line, delimiter) {
            Some(fields) => (0..fields.len()).map(|index| folded(fields.get(index), declared)).collect(),
            None => line.split(delimiter).map(|name| folded(name, declared)).collect(),
        };
        Self { delimiter, names }
    }

    /// How many of the columns are declared.
    fn known(&self, declared: &[&str]) -> usize {
        self.names.iter().filter(|name| declared.contains(&name.as_str())).count()
    }

    /// Whether the names are in single quotes, and so are all fields.
    pub(super) fn has_single_quotes(line: &str) -> bool {
        let line = line.trim();
        line.len() > 1 && line.starts_with('\'') && line.ends_with('\'') && !line.contains('"')
    }

    pub(super) fn delimiter(&self) -> char {
        self.delimiter
    }

    /// Position of a declared column.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|found| found == name)
    }

    /// The smallest number of fields of a record (up to the last named column), and the number of fields that may hold a value.
    pub(super) fn width(&self) -> (usize, usize) {
        let named = self.names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        (named, self.names.len())
    }

    /// Checks the columns against the declaration. A line that is not a header is never shown, because it holds personal data.
    pub(super) fn check(&self, dataset: Dataset, path: &Path, optional: &[&str]) -> Result<()> {
        let declared: Vec<&str> = dataset.columns.iter().map(|column| column.name).collect();
        let named: Vec<&str> = self.names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let found = self.known(&declared);
        let missing: Vec<&str> =
            declared.iter().filter(|name| !named.contains(name) && !optional.contains(name)).copied().collect();
        let unknown: Vec<&str> = named.iter().filter(|name| !declared.contains(name)).copied().collect();
        let twice: Vec<&str> =
            named.iter().enumerate().filter(|(index, name)| named[..*index].contains(name)).map(|(_, name)| *name).collect();
        if missing.is_empty() && unknown.is_empty() && twice.is_empty() {
            return Ok(());
        }
        let name = dataset.stem.trim_start_matches("raw_").replace("__", ".");
        let place = path.display().to_string();
        let columns = format!("columns of the header: {}", declared.join(", "));
        if found == 0 {
            let what = format!("{name}: the dump has no header line: none of the declared columns is named in its first line");
            let fault = Fault::new(Exit::Input, what).at(place).help("write the names of the columns into the first line");
            let fault = fault.help("if it has them, name the character between them:  --delimiter '~'");
            return Err(fault.help(columns).into());
        }
        // A first line that names few columns may be data, so it is not shown; nor is one that goes on behind the names, as where lines
        // end in a character that does not end a line here.
        let is_header = found * 2 >= declared.len() - optional.len();
        let is_shown = is_header && unknown.iter().chain(&twice).all(|name| is_name(name));
        let mut parts = Vec::new();
        for (kind, names) in [("missing", &missing), ("unknown", &unknown), ("duplicate", &twice)] {
            if !names.is_empty() && (is_shown || kind == "missing") {
                parts.push(format!("{kind} {}", names.join(", ")));
            }
        }
        if is_header && !is_shown {
            parts.push(format!("{} further fields that are not names of columns", unknown.len() + twice.len()));
        }
        let mut fault =
            Fault::new(Exit::Input, format!("{name}: columns differ from the declaration: {}", parts.join("; "))).at(place);
        if is_header && !is_shown {
            fault = fault.help("end each line with a line feed, and the first line behind the last name");
        } else if is_header {
            for name in &missing {
                if let Some(near) = did_you_mean(name, unknown.iter().copied()) {
                    fault = fault.help(format!("{name}: did you mean {near:?}? Rename it in the first line of the file"));
                }
            }
        } else {
            fault = fault.help(format!("is the first line a header? It names {found} of {} columns", declared.len()));
        }
        Err(fault.help(columns).into())
    }
}

/// Whether an unknown field of a header looks like the name of a column, and not like a cell.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || " _-.:/()[]*#".contains(c);
    text.len() <= 40 && text.starts_with(|c: char| c.is_alphabetic() || "_([*#".contains(c)) && text.chars().all(fits)
}

/// A name in the form of declared columns, from which it may differ in case, blanks and punctuation: `Tenant ID`, `[tenantId]`. A table
/// before it (`c.id`) and a type behind it (`id:string`) are ignored. Columns of row numbers, which data-frame libraries add, have no
/// name.
fn folded(name: &str, declared: &[&str]) -> String {
    let name = name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    if declared.contains(&name) {
        return name.to_owned();
    }
    let lower = name.to_lowercase();
    if lower.starts_with("unnamed: ") || lower == "index" || lower == "__index_level_0__" {
        return String::new();
    }
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let untyped = lower.split([':', '(']).next().unwrap_or_default();
    let own = untyped.rsplit('.').next().unwrap_or_default();
    let known = [lower.as_str(), untyped, own].into_iter().find_map(|name| {
        let bare = letters(name);
        declared.iter().find(|known| letters(known) == bare)
    });
    // A name that differs in its letters is reported as it is written.
    known.map_or_else(|| name.to_owned(), |known| (*known).to_owned())
}
