//! CSV dumps instead of a database: the same columns, the same datasets, every line that cannot be read accounted for.

mod records;
mod values;
mod wide;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, SchemaRef};
use encoding_rs::Encoding;

use crate::fault::{Exit, Fault, columns_fault};
use crate::model::Reason;
use crate::model::text::is_null_word;
use crate::store::csv::records::{Fields, Records};
use crate::store::csv::values::Instant;
use crate::store::csv::wide::{Wide, byte_order, is_wide};
use crate::store::io_fault;
use crate::store::parquet::BATCH_ROWS;
use crate::tables::Dataset;

/// How a dump is written, as far as it does not tell itself.
#[derive(Clone, Debug)]
pub struct Dialect {
    encoding: &'static Encoding,
    delimiter: Option<char>,
    nulls: Vec<String>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { encoding: encoding_rs::UTF_8, delimiter: None, nulls: Vec::new() }
    }
}

impl Dialect {
    /// UTF-8 unless another encoding is named; a delimiter unless the header shall tell; texts that stand for null beside the
    /// empty one, `NULL` and `\N`.
    pub fn new(encoding: Option<&str>, delimiter: Option<char>, nulls: &[String]) -> Result<Self> {
        let encoding = match encoding {
            None => encoding_rs::UTF_8,
            Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                Fault::new(Exit::Usage, format!("encoding {label:?} is not known"))
                    .help("such as: utf-8, windows-1252, iso-8859-15, utf-16le")
            })?,
        };
        Ok(Self { encoding, delimiter, nulls: nulls.to_vec() })
    }

    fn is_null(&self, text: &str) -> bool {
        text.is_empty() || is_null_word(text) || self.nulls.iter().any(|null| null == text)
    }
}

fn utf16(place: &str) -> anyhow::Error {
    Fault::new(Exit::Input, "the file looks like UTF-16, as Excel's \"Unicode text\", but has no byte order mark")
        .at(place.to_owned())
        .help("name the encoding:  --encoding utf-16le")
        .into()
}

/// A line or a value that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpReject {
    /// Physical line of the file, from 1; the header is one.
    pub line: u64,
    /// The row's key, parts joined by colons; `#7` where none could be read.
    pub id: String,
    /// The column whose value became null; `None` when the whole row was left out.
    pub column: Option<&'static str>,
    /// Why.
    pub reason: Reason,
}

/// What a dump gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpCounts {
    /// Rows read.
    pub rows: u64,
    /// Lines left out.
    pub rejected_rows: u64,
    /// Values that became null.
    pub rejected_values: u64,
    /// BLAKE3 of the file.
    pub blake3: String,
}

struct Hashed<R> {
    inner: R,
    hasher: Arc<Mutex<blake3::Hasher>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        Ok(read)
    }
}

/// A dump whose header was found right.
pub struct Dump {
    path: PathBuf,
    records: Records<Box<dyn BufRead>>,
    hasher: Arc<Mutex<blake3::Hasher>>,
    dataset: Dataset,
    schema: SchemaRef,
    /// For each declared column, its place in the file; `None` for optional ones that the file leaves out.
    places: Vec<Option<usize>>,
    /// Indices of the columns of the key.
    key: Vec<usize>,
    dialect: Dialect,
}

impl Dump {
    /// Opens a dump and compares its header with the declared columns: any order, `optional` ones may be missing.
    pub fn open(path: &Path, dataset: Dataset, schema: SchemaRef, optional: &[&str], dialect: &Dialect) -> Result<Self> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Fault::new(Exit::Input, "the dump is missing").at(path.display().to_string()),
            _ => io_fault("open", path, &error),
        })?;
        let hasher = Arc::new(Mutex::new(blake3::Hasher::new()));
        let marked = byte_order(&mut file).map_err(|error| io_fault("read", path, &error))?;
        let input = BufReader::with_capacity(1 << 18, Hashed { inner: file, hasher: hasher.clone() });
        let wide = marked.or(Some(dialect.encoding).filter(|encoding| is_wide(encoding)));
        let (input, encoding): (Box<dyn BufRead>, _) = match wide {
            Some(wide) => (Box::new(BufReader::with_capacity(1 << 16, Wide::new(input, wide))), encoding_rs::UTF_8),
            None => (Box::new(input), dialect.encoding),
        };
        let mut records = Records::new(input, encoding, ',');
        let header = header(&mut records, path)?;
        let declared: Vec<&str> = dataset.columns.iter().map(|column| column.name).collect();
        let (delimiter, names) = split_header(&header, &declared, dialect.delimiter);
        let missing: Vec<&str> =
            declared.iter().filter(|name| !names.contains(name) && !optional.contains(name)).copied().collect();
        let unknown: Vec<&str> = names.iter().filter(|name| !declared.contains(name)).copied().collect();
        let twice: Vec<&str> =
            names.iter().enumerate().filter(|(index, name)| names[..*index].contains(name)).map(|(_, name)| *name).collect();
        if !missing.is_empty() || !unknown.is_empty() || !twice.is_empty() {
            let name = dataset.stem.trim_start_matches("raw_").replace("__", ".");
            let fault = columns_fault(&name, &path.display().to_string(), &missing, &unknown, &twice);
            return Err(fault.help(format!("columns of the header: {}", declared.join(", "))).into());
        }
        let places = declared.iter().map(|name| names.iter().position(|found| found == name)).collect();
        let key = dataset.key.iter().filter_map(|name| declared.iter().position(|declared| declared == name)).collect();
        records.expect(names.len(), delimiter);
        Ok(Self { path: path.to_path_buf(), records, hasher, dataset, schema, places, key, dialect: dialect.clone() })
    }

    /// Reads all rows in file order; batches go to `sink`, what cannot be read to `reject`.
    pub fn read(
        mut self,
        mut sink: impl FnMut(RecordBatch) -> Result<()>,
        mut reject: impl FnMut(DumpReject) -> Result<()>,
    ) -> Result<DumpCounts> {
        let mut counts = DumpCounts::default();
        let mut columns: Vec<Values> = self.schema.fields().iter().map(|field| Values::new(field.data_type())).collect();
        let mut in_batch = 0;
        loop {
            let next = self.records.next_record().map_err(|error| io_fault("read", &self.path, &error))?;
            let Some((line, record)) = next else { break };
            let no_id = || format!("#{line}");
            let fields = match record {
                Ok(fields) => fields,
                Err(reason) => {
                    counts.rejected_rows += 1;
                    reject(DumpReject { line, id: no_id(), column: None, reason })?;
                    continue;
                }
            };
            let mut cells = Vec::with_capacity(columns.len());
            let refused = self.parse(&fields, &columns, &mut cells);
            let id = || {
                let parts: Vec<&str> = self.key.iter().filter_map(|&column| self.cell(&fields, column)).collect();
                if parts.len() == self.key.len() { parts.join(":") } else { no_id() }
            };
            if let Some(&(_, reason)) = refused.iter().find(|(_, reason)| *reason == Reason::MissingId) {
                counts.rejected_rows += 1;
                reject(DumpReject { line, id: id(), column: None, reason })?;
                continue;
            }
            for (column, reason) in refused {
                counts.rejected_values += 1;
                let column = Some(self.dataset.columns[column].name);
                reject(DumpReject { line, id: id(), column, reason })?;
            }
            for (column, cell) in columns.iter_mut().zip(&cells) {
                column.append(*cell);
            }
            counts.rows += 1;
            in_batch += 1;
            if in_batch == BATCH_ROWS {
                sink(self.batch(&mut columns)?)?;
                in_batch = 0;
            }
        }
        if in_batch > 0 {
            sink(self.batch(&mut columns)?)?;
        }
        counts.blake3 = self.hasher.lock().unwrap_or_else(PoisonError::into_inner).finalize().to_hex().to_string();
        Ok(counts)
    }

    /// A column's text in a row; `None` for null.
    fn cell<'f>(&self, fields: &'f Fields, column: usize) -> Option<&'f str> {
        self.places[column].map(|place| fields.get(place)).filter(|text| !self.dialect.is_null(text))
    }

    /// Reads the cells of a row; returns the columns that have none they could have, and why.
    fn parse<'f>(&self, fields: &'f Fields, columns: &[Values], cells: &mut Vec<Cell<'f>>) -> Vec<(usize, Reason)> {
        let mut refused = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let nullable = self.schema.field(index).is_nullable();
            let cell = match self.cell(fields, index) {
                Some(text) => column.parse(text),
                None if !nullable && matches!(column, Values::Bool(_)) => Ok(Cell::Bool(false)),
                None if !nullable => Err(Reason::MissingId),
                None => Ok(Cell::Null),
            };
            cells.push(cell.unwrap_or_else(|reason| {
                refused.push((index, reason));
                // As the SQL has it: a flag that nobody set is not set.
                if nullable { Cell::Null } else { Cell::Bool(false) }
            }));
        }
        refused
    }

    fn batch(&self, columns: &mut [Values]) -> Result<RecordBatch> {
        let arrays = columns.iter_mut().map(Values::finish).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }
}

/// The header line, its byte order mark removed.
fn header<R: std::io::BufRead>(records: &mut Records<R>, path: &Path) -> Result<String> {
    let place = path.display().to_string();
    let first = records.next_line().map_err(|error| io_fault("read", path, &error))?;
    match first {
        None => Err(Fault::new(Exit::Input, "the dump is empty: it has not even a header").at(place).into()),
        // A NUL in the first line is what two-byte characters look like.
        Some((_, Err(Reason::LineNul))) => Err(utf16(&place)),
        Some((_, Ok(line))) => {
            let line = line.strip_prefix('\u{feff}').unwrap_or(&line).trim_end_matches(['\r', '\n']).to_owned();
            if line.contains('\r') {
                let fault = Fault::new(Exit::Input, "the file ends its lines with lone carriage returns").at(place);
                return Err(fault.help("convert it:  tr '\\r' '\\n' < old.csv > new.csv").into());
            }
            Ok(line)
        }
        Some((_, Err(_))) => {
            let fault = Fault::new(Exit::Input, "the header is not text of the declared encoding").at(place);
            Err(fault.help("name the encoding:  --encoding windows-1252").into())
        }
    }
}

/// The delimiter (the one given, else the one that gives most declared columns) and the names.
fn split_header<'h>(header: &'h str, declared: &[&str], given: Option<char>) -> (char, Vec<&'h str>) {
    let names = |delimiter: char| -> Vec<&'h str> {
        let unquoted = |name: &'h str| name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        header.split(delimiter).map(unquoted).collect()
    };
    let known = |delimiter: char| names(delimiter).iter().filter(|name| declared.contains(name)).count();
    // The first of equals wins, and max_by_key takes the last.
    let delimiter = given.or_else(|| ['\t', ';', ','].into_iter().max_by_key(|&delimiter| known(delimiter))).unwrap_or(',');
    (delimiter, names(delimiter))
}

/// A value on its way into a column.
#[derive(Clone, Copy)]
enum Cell<'a> {
    Null,
    Text(&'a str),
    Bool(bool),
    Int32(i32),
    Int64(i64),
}

enum Values {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Day(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
}

impl Values {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Date32 => Self::Day(Date32Builder::new()),
            DataType::Timestamp(..) => Self::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn parse<'a>(&self, text: &'a str) -> Result<Cell<'a>, Reason> {
        match self {
            Self::Text(_) => Ok(Cell::Text(text)),
            Self::Bool(_) => values::boolean(text).map(Cell::Bool).ok_or(Reason::BooleanInvalid),
            Self::Int32(_) => text.trim().parse().map(Cell::Int32).map_err(|_| Reason::IntegerInvalid),
            Self::Int64(_) => text.trim().parse().map(Cell::Int64).map_err(|_| Reason::IntegerInvalid),
            Self::Day(_) => values::day(text.trim()).map(|day| Cell::Int32(day.0)).ok_or(Reason::DateInvalid),
            Self::Instant(_) => match values::instant(text.trim()) {
                Some(Instant::At(at)) => Ok(Cell::Int64(at.0)),
                Some(Instant::OutOfRange) => Err(Reason::TimeOutOfRange),
                None => Err(Reason::TimeInvalid),
            },
        }
    }

    fn append(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Bool(builder), Cell::Bool(value)) => builder.append_value(value),
            (Self::Bool(builder), _) => builder.append_null(),
            (Self::Int32(builder), Cell::Int32(value)) => builder.append_value(value),
            (Self::Int32(builder), _) => builder.append_null(),
            (Self::Int64(builder), Cell::Int64(value)) => builder.append_value(value),
            (Self::Int64(builder), _) => builder.append_null(),
            (Self::Day(builder), Cell::Int32(value)) => builder.append_value(value),
            (Self::Day(builder), _) => builder.append_null(),
            (Self::Instant(builder), Cell::Int64(value)) => builder.append_value(value),
            (Self::Instant(builder), _) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Day(builder) => Arc::new(builder.finish()),
            Self::Instant(builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::scl::{member_clubs, members};
    use crate::tables::Table;

    struct Found {
        rows: Vec<String>,
        rejects: Vec<(u64, String, Option<&'static str>, Reason)>,
        counts: DumpCounts,
    }

    fn read<T: Table>(text: &[u8], dialect: &Dialect, optional: &[&str], show: fn(&T::Columns) -> Vec<String>) -> Result<Found> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        let (mut rows, mut rejects) = (Vec::new(), Vec::new());
        let dump = Dump::open(file.path(), T::dataset(), T::schema(), optional, dialect)?;
        let counts = dump.read(
            |batch| {
                rows.extend(show(&T::columns(&batch)?));
                Ok(())
            },
            |reject| {
                rejects.push((reject.line, reject.id, reject.column, reject.reason));
                Ok(())
            },
        )?;
        Ok(Found { rows, rejects, counts })
    }

    fn clubs(text: &[u8], dialect: &Dialect) -> Result<Found> {
        read::<member_clubs::Table>(text, dialect, &["club_name"], |columns| {
            columns
                .rows()
                .map(|row| format!("{} {:?} {:?}", row.id, row.club_name, row.joined_on.map(|day| day.to_string())))
                .collect()
        })
    }

    fn fault(result: Result<Found>) -> String {
        let fault = result.err().unwrap().downcast::<Fault>().unwrap();
        format!("{} | {}", fault.what, fault.help.join(" | "))
    }

    const HEADER: &str = "id,member_id,club_id,club_name,joined_on,left_on\n";

    #[test]
    fn the_header_may_have_any_order_a_byte_order_mark_and_another_delimiter() {
        let text = "\u{feff}left_on;joined_on;id;club_id;member_id\r\n;2024-05-01;1;7;9\r\n".as_bytes();
        let found = clubs(text, &Dialect::default()).unwrap();
        assert_eq!(found.rows, [r#"1 None Some("2024-05-01")"#]);
        assert!(found.rejects.is_empty());
    }

    #[test]
    fn missing_unknown_and_double_columns_are_listed_together() {
        let told = fault(clubs(b"id,id,member_id,clubId,joinedon,left_on,loyalty_no\n", &Dialect::default()));
        assert!(told.contains("missing club_id, joined_on; unknown clubId, joinedon, loyalty_no; twice id"), "{told}");
        assert!(told.contains("club_id: did you mean \"clubId\"?"), "{told}");
    }

    #[test]
    fn utf_16_is_read_by_its_mark_or_by_its_name_and_without_both_is_told() {
        let text = format!("{}1\t9\t7\tRené Club\t\t\r\n", HEADER.replace(',', "\t").replace('\n', "\r\n"));
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [b"\xff\xfe".as_slice(), &little].concat();
        let named = Dialect::new(Some("utf-16le"), None, &[]).unwrap();
        for (bytes, dialect) in [(&marked, &Dialect::default()), (&big, &Dialect::default()), (&little, &named)] {
            let found = clubs(bytes, dialect).unwrap();
            assert_eq!(found.rows, [r#"1 Some("René Club") None"#]);
            assert_eq!(found.counts.blake3, crate::store::hash_bytes(bytes), "of the file as it is");
        }
        assert!(fault(clubs(&little, &Dialect::default())).contains("--encoding utf-16le"));
    }

    #[test]
    fn a_dumps_spellings_of_null_are_null_in_every_type() {
        let text = format!("{HEADER}1,9,7,NULL,NULL,\\N\n2,9,7,Null,\\N,\n3,9,\\N,Oak,,\n");
        let found = clubs(text.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(found.rows, ["1 None None", r#"2 Some("Null") None"#], "Null in small letters is a name");
        assert_eq!(found.rejects, [(4, "3".to_owned(), None, Reason::MissingId)]);
        let dash = Dialect::new(None, None, &["-".to_owned()]).unwrap();
        assert_eq!(clubs(format!("{HEADER}1,9,7,-,-,\n").as_bytes(), &dash).unwrap().rows, ["1 None None"]);
    }

    #[test]
    fn an_empty_file_has_no_header_and_a_header_alone_has_no_rows() {
        assert!(fault(clubs(b"", &Dialect::default())).contains("not even a header"));
        assert_eq!(clubs(HEADER.as_bytes(), &Dialect::default()).unwrap().counts.rows, 0);
    }

    #[test]
    fn a_declared_encoding_is_decoded_and_a_wrong_one_costs_lines_not_the_file() {
        let text = [HEADER.as_bytes(), b"1,9,7,Ren\xe9 Club,,\n2,9,7,Oak,,\n"].concat();
        let latin = Dialect::new(Some("windows-1252"), None, &[]).unwrap();
        assert_eq!(clubs(&text, &latin).unwrap().rows[0], r#"1 Some("René Club") None"#);
        let found = clubs(&text, &Dialect::default()).unwrap();
        assert_eq!(found.rejects, [(2, "#2".to_owned(), None, Reason::LineEncoding)]);
        assert_eq!(found.rows, [r#"2 Some("Oak") None"#]);
    }

    #[test]
    fn bad_values_become_null_and_bad_lines_are_left_out_each_with_its_line() {
        let text = format!("{HEADER}1,9,7,\"two\nlines\",01/05/2024,\n,9,7,,,\n3,9\n4,9,7,\\N,NULL,infinity\n");
        let found = clubs(text.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(found.rows, ["1 Some(\"two\\nlines\") None", "4 None None"]);
        assert_eq!(
            found.rejects,
            [
                (2, "1".to_owned(), Some("joined_on"), Reason::DateInvalid),
                (4, "#4".to_owned(), None, Reason::MissingId),
                (5, "#5".to_owned(), None, Reason::LineFieldCount),
            ]
        );
        assert_eq!((found.counts.rows, found.counts.rejected_rows, found.counts.rejected_values), (2, 2, 1));
        assert_eq!(found.counts.blake3, crate::store::hash_bytes(text.as_bytes()));
    }

    #[test]
    fn instants_without_a_zone_are_utc() {
        let header: Vec<&str> = members::Table::fields().iter().map(|column| column.name).collect();
        let text = format!("{}\n7,1,,,,,ACTIVE,,,2024-05-01 10:00:00,2024-05-01 10:00:00+02\n", header.join(","));
        let found = read::<members::Table>(text.as_bytes(), &Dialect::default(), &[], |columns| {
            columns.rows().map(|row| format!("{} {}", row.created_at.unwrap(), row.updated_at.unwrap())).collect()
        });
        assert_eq!(found.unwrap().rows, ["2024-05-01T10:00:00.000Z 2024-05-01T08:00:00.000Z"]);
    }
}
