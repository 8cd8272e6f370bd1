//! Reads CSV dumps in place of a database: the same columns, the same datasets, every unreadable line accounted for.

mod header;
mod records;
mod wide;
mod written;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::SchemaRef;
use encoding_rs::Encoding;

use crate::fault::{Exit, Fault};
use crate::model::Reason;
use crate::model::text::is_null_word;
use crate::store::csv::header::{Header, first_line};
use crate::store::csv::records::{DumpFields, DumpRecords};
use crate::store::csv::wide::{FileStart, Wide, file_start, is_wide};
use crate::store::io_fault;
use crate::store::parquet::BATCH_ROWS;
use crate::tables::Dataset;

pub use written::DumpWriter;

/// The format of a dump, as far as the file does not show it.
#[derive(Clone, Debug)]
pub struct Dialect {
    encoding: &'static Encoding,
    delimiter: Option<char>,
    nulls: Vec<String>,
}

/// The encoding of a name.
fn encoding_of(label: &str) -> Result<&'static Encoding> {
    Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        Fault::new(Exit::Usage, format!("encoding {label:?} is not known"))
            .help("such as: utf-8, windows-1252, iso-8859-15, utf-16le")
            .into()
    })
}

impl Default for Dialect {
    fn default() -> Self {
        Self { encoding: encoding_rs::UTF_8, delimiter: None, nulls: Vec::new() }
    }
}

impl Dialect {
    /// UTF-8 unless another encoding is named. `delimiter` is for files whose header does not show it; `nulls` are texts for null
    /// in addition to the empty text, `NULL` and `\N`.
    pub fn new(encoding: Option<&str>, delimiter: Option<char>, nulls: &[String]) -> Result<Self> {
        let encoding = encoding.map_or(Ok(encoding_rs::UTF_8), encoding_of)?;
        Ok(Self { encoding, delimiter, nulls: nulls.to_vec() })
    }

    fn is_null(&self, text: &str) -> bool {
        text.is_empty() || is_null_word(text) || self.nulls.iter().any(|null| null == text)
    }
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpReject {
    /// Physical line of the file, from 1; the header is one.
    pub line: u64,
    /// The row's key, parts joined by colons; `#7` (the line) where none could be read.
    pub id: String,
    /// Why.
    pub reason: Reason,
}

/// What was read from a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpCounts {
    /// Rows read.
    pub rows: u64,
    /// Lines left out.
    pub rejected_rows: u64,
    /// Lines of only delimiters, which are skipped.
    pub blank_rows: u64,
    /// Lines that are UTF-8 although another encoding was declared, read as UTF-8.
    pub utf8_lines: u64,
    /// Physical lines of rows: from a row (counted from 1) on, the line where it begins; the rows after it follow line by line.
    /// Empty if every row is one line below its number.
    pub shifts: Vec<(u64, u64)>,
    /// BLAKE3 of the file.
    pub blake3: String,
}

impl DumpCounts {
    /// Most shifts that are recorded; a file of multi-line texts has one for each.
    const MOST_SHIFTS: usize = 2_000;

    fn row(&mut self, line: u64) {
        self.rows += 1;
        let expected = self.shifts.last().map_or(self.rows + 1, |(row, at)| at + (self.rows - row));
        if line != expected && self.shifts.len() < Self::MOST_SHIFTS {
            self.shifts.push((self.rows, line));
        }
    }
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

/// A dump whose header was checked.
pub struct Dump {
    path: PathBuf,
    records: DumpRecords<Box<dyn BufRead>>,
    hasher: Arc<Mutex<blake3::Hasher>>,
    schema: SchemaRef,
    /// Position of each declared column in the file; `None` for optional ones that the file leaves out.
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
        let declared_wide = Some(dialect.encoding).filter(|encoding| is_wide(encoding));
        let refused = |what: String| Fault::new(Exit::Input, what).at(path.display().to_string());
        let wide = match file_start(&mut file).map_err(|error| io_fault("read", path, &error))? {
            FileStart::Marked(encoding) => Some(encoding),
            FileStart::Unmarked(encoding) if declared_wide.is_none() => {
                let what = "the file looks like UTF-16, as Excel's \"Unicode text\", but has no byte order mark";
                let name = if encoding == encoding_rs::UTF_16LE { "utf-16le" } else { "utf-16be" };
                return Err(refused(what.to_owned()).help(format!("name the encoding:  --encoding {name}")).into());
            }
            FileStart::Other(kind) => {
                return Err(refused(format!("the file is {kind}, not CSV")).help("export the table as CSV").into());
            }
            FileStart::Unmarked(_) | FileStart::Text => declared_wide,
        };
        let input = BufReader::with_capacity(1 << 18, Hashed { inner: file, hasher: hasher.clone() });
        let (input, encoding): (Box<dyn BufRead>, _) = match wide {
            Some(wide) => (Box::new(BufReader::with_capacity(1 << 16, Wide::new(input, wide))), encoding_rs::UTF_8),
            None => (Box::new(input), dialect.encoding),
        };
        let mut records = DumpRecords::new(input, encoding, ',');
        let (line, said) = first_line(&mut records, path)?;
        let declared: Vec<&str> = dataset.columns.iter().map(|column| column.name).collect();
        let header = Header::read(&line, &declared, said.or(dialect.delimiter));
        header.check(dataset, path, optional)?;
        let places = declared.iter().map(|name| header.place(name)).collect();
        let key = dataset.key.iter().filter_map(|name| declared.iter().position(|declared| declared == name)).collect();
        let (least, most) = header.width();
        records.expect(least, most, header.delimiter());
        if Header::has_single_quotes(&line) {
            records.quote_with('\'');
        }
        Ok(Self { path: path.to_path_buf(), records, hasher, schema, places, key, dialect: dialect.clone() })
    }

    /// Reads all rows in file order; batches go to `sink`, lines that cannot be read to `reject`.
    pub fn read(
        mut self,
        mut sink: impl FnMut(RecordBatch) -> Result<()>,
        mut reject: impl FnMut(DumpReject) -> Result<()>,
    ) -> Result<DumpCounts> {
        let mut counts = DumpCounts::default();
        let mut columns: Vec<StringBuilder> = self.schema.fields().iter().map(|_| StringBuilder::new()).collect();
        let mut in_batch = 0;
        loop {
            let next = self.records.next_record().map_err(|error| io_fault("read", &self.path, &error))?;
            let Some((line, record)) = next else { break };
            let fields = match record {
                Ok(fields) if fields.are_blank() => {
                    counts.blank_rows += 1;
                    continue;
                }
                Ok(fields) if self.lacks_key(&fields) => Err((self.id(&fields, line), Reason::MissingId)),
                Ok(fields) => Ok(fields),
                Err(reason) => Err((format!("#{line}"), reason)),
            };
            let fields = match fields {
                Ok(fields) => fields,
                Err((id, reason)) => {
                    counts.rejected_rows += 1;
                    reject(DumpReject { line, id, reason })?;
                    continue;
                }
            };
            for (index, column) in columns.iter_mut().enumerate() {
                column.append_option(self.cell(&fields, index));
            }
            counts.row(line);
            in_batch += 1;
            if in_batch == BATCH_ROWS {
                sink(self.batch(&mut columns)?)?;
                in_batch = 0;
            }
        }
        if in_batch > 0 {
            sink(self.batch(&mut columns)?)?;
        }
        if let Some(what) = self.records.shifted() {
            let fault = Fault::new(Exit::Input, what).at(self.path.display().to_string());
            return Err(fault
                .help("name the column of row numbers in the first line (\"index\"), or write no row numbers")
                .into());
        }
        counts.utf8_lines = self.records.utf8_lines();
        counts.blake3 = self.hasher.lock().unwrap_or_else(PoisonError::into_inner).finalize().to_hex().to_string();
        Ok(counts)
    }

    /// A column's text in a row; `None` for null.
    fn cell<'f>(&self, fields: &'f DumpFields, column: usize) -> Option<&'f str> {
        let place = self.places[column].filter(|place| *place < fields.len())?;
        Some(fields.get(place)).filter(|text| !self.dialect.is_null(text))
    }

    /// Whether a column of the key is empty.
    fn lacks_key(&self, fields: &DumpFields) -> bool {
        self.schema.fields().iter().enumerate().any(|(index, field)| !field.is_nullable() && self.cell(fields, index).is_none())
    }

    /// The row's key, parts joined by colons; `#7` (the line) where it has none.
    fn id(&self, fields: &DumpFields, line: u64) -> String {
        let parts: Option<Vec<&str>> = self.key.iter().map(|&column| self.cell(fields, column)).collect();
        parts.map_or_else(|| format!("#{line}"), |parts| parts.join(":"))
    }

    fn batch(&self, columns: &mut [StringBuilder]) -> Result<RecordBatch> {
        let arrays = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;
    use crate::tables::{Label, Table, Text};

    table! {
        /// The same columns as club memberships.
        pub mod member_clubs = "raw_scl__member_clubs", key(id) {
            /// Key.
            id: Text,
            /// The member.
            member_id: Text,
            /// The club.
            club_id: Text,
            /// The club's name.
            club_name: Option<Label>,
            /// Day of joining.
            joined_on: Option<Text>,
            /// Day of leaving.
            left_on: Option<Text>,
        }
    }

    struct Found {
        rows: Vec<String>,
        rejects: Vec<(u64, String, Reason)>,
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
                rejects.push((reject.line, reject.id, reject.reason));
                Ok(())
            },
        )?;
        Ok(Found { rows, rejects, counts })
    }

    fn clubs(text: &[u8], dialect: &Dialect) -> Result<Found> {
        read::<member_clubs::Table>(text, dialect, &["club_name"], |columns| {
            columns.rows().map(|row| format!("{} {:?} {:?}", row.id, row.club_name, row.joined_on)).collect()
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
    fn missing_unknown_and_duplicate_columns_are_listed_together() {
        let told = fault(clubs(b"id,id,member_id,cluv_id,join_on,left_on,loyalty_no\n", &Dialect::default()));
        assert!(told.contains("missing club_id, joined_on; unknown cluv_id, join_on, loyalty_no; duplicate id"), "{told}");
        assert!(told.contains("club_id: did you mean \"cluv_id\"?"), "{told}");
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
        assert!(fault(clubs(&big[2..], &Dialect::default())).contains("--encoding utf-16be"));
    }

    #[test]
    fn a_dumps_spellings_of_null_are_null_in_every_type() {
        let text = format!("{HEADER}1,9,7,NULL,NULL,\\N\n2,9,7,Null,\\N,\n3,9,\\N,Oak,,\n");
        let found = clubs(text.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(found.rows, ["1 None None", r#"2 Some("Null") None"#], "Null in small letters is a name");
        assert_eq!(found.rejects, [(4, "3".to_owned(), Reason::MissingId)]);
        let dash = Dialect::new(None, None, &["-".to_owned()]).unwrap();
        assert_eq!(clubs(format!("{HEADER}1,9,7,-,-,\n").as_bytes(), &dash).unwrap().rows, ["1 None None"]);
    }

    #[test]
    fn an_empty_file_has_no_header_and_a_header_alone_has_no_rows() {
        assert!(fault(clubs(b"", &Dialect::default())).contains("it has no header"));
        assert_eq!(clubs(HEADER.as_bytes(), &Dialect::default()).unwrap().counts.rows, 0);
    }

    #[test]
    fn a_wrong_declared_encoding_rejects_lines_not_the_file() {
        let text = [HEADER.as_bytes(), b"1,9,7,Ren\xe9 Club,,\n2,9,7,Oak,,\n"].concat();
        let latin = Dialect::new(Some("windows-1252"), None, &[]).unwrap();
        assert_eq!(clubs(&text, &latin).unwrap().rows[0], r#"1 Some("René Club") None"#);
        let found = clubs(&text, &Dialect::default()).unwrap();
        assert_eq!(found.rejects, [(2, "#2".to_owned(), Reason::LineEncoding)]);
        assert_eq!(found.rows, [r#"2 Some("Oak") None"#]);
    }

    #[test]
    fn bad_lines_are_left_out_each_with_its_line_and_values_stay_as_they_are() {
        let text = format!("{HEADER}1,9,7,\"two\nlines\",01/05/2024,\n,9,7,,,\n3,9\n4,9,7,\\N,NULL,infinity\n");
        let found = clubs(text.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(found.rows, ["1 Some(\"two\\nlines\") Some(\"01/05/2024\")", "4 None None"]);
        assert_eq!(found.rejects, [(4, "#4".to_owned(), Reason::MissingId), (5, "#5".to_owned(), Reason::LineFieldCount)]);
        assert_eq!((found.counts.rows, found.counts.rejected_rows), (2, 2));
        assert_eq!(found.counts.shifts, [(2, 6)], "the second row stands in line 6");
        assert_eq!(found.counts.blake3, crate::store::hash_bytes(text.as_bytes()));
    }

    #[test]
    fn dumps_as_spreadsheets_and_data_frames_write_them_are_read() {
        let plain = clubs(format!("{HEADER}1,9,7,Oak,,\n").as_bytes(), &Dialect::default()).unwrap().rows;
        for text in [
            "sep=;\nid;member_id;club_id;club_name;joined_on;left_on\n1;9;7;Oak;;\n",
            "\"sep=;\"\r\nid;member_id;club_id;club_name;joined_on;left_on\r\n1;9;7;Oak;;\r\n",
            "ID, Member_ID ,\"club id\",CLUB_NAME,joined_on,left_on\n1,9,7,Oak,,\n",
            "Id,memberId,[clubId],`club_name`,\u{200b}joined_on,left-on\n1,9,7,Oak,,\n\\.\n",
            "id,member_id,club_id,club_name,joined_on,left_on,\n1,9,7,Oak,,,\n",
            "id,member_id,club_id,club_name,joined_on,left_on,,\n1,9,7,Oak,,\n",
            "id,member_id,club_id,club_name,joined_on,left_on\n1,9,7,Oak,,,,\n,,,,,\n\n  \n",
            "id|member_id|club_id|club_name|joined_on|left_on\n1|9|7|Oak||\n",
            "id\tmember_id\tclub_id\tclub_name\tjoined_on\tleft_on\n1\t9\t7\tOak\t\t\n",
            ",id,member_id,club_id,club_name,joined_on,left_on\n0,1,9,7,Oak,,\n",
            "Unnamed: 0,id,member_id,club_id,club_name,joined_on,left_on\n0,1,9,7,Oak,,\n",
        ] {
            let found = clubs(text.as_bytes(), &Dialect::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((found.rows, found.rejects), (plain.clone(), vec![]), "{text}");
        }
        let text = "id,member_id,club_id,club_name,joined_on,left_on\n,,,,,\n1,9,7,Oak,,\n";
        let counts = clubs(text.as_bytes(), &Dialect::default()).unwrap().counts;
        assert_eq!((counts.blank_rows, counts.rejected_rows, counts.shifts), (1, 0, vec![(1, 3)]));
        let semicolon = Dialect::new(None, Some(';'), &[]).unwrap();
        assert_eq!(clubs(format!("{HEADER}1,9,7,Oak,,\n").as_bytes(), &semicolon).unwrap().rows, plain, "the header decides");
    }

    #[test]
    fn a_file_that_is_not_text_is_named() {
        for (start, kind) in [
            (b"PK\x03\x04\0\0".as_slice(), "workbook"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"PAR1\x15\0", "Parquet"),
            (b"PGDMP\x01", "PostgreSQL"),
            (b"\xff\xfe\0\0i\0\0\0", "UTF-32"),
            (b"id,\0", "NUL"),
        ] {
            let told = fault(clubs(start, &Dialect::default()));
            assert!(told.contains(kind) && told.contains("as CSV"), "{told}");
        }
    }

    #[test]
    fn a_missing_header_is_reported_without_showing_a_cell() {
        for text in ["1,9,7,Secret Club,2024-05-01,\n2,9,7,Oak,,\n", "Secret;Smith;9;7\n", "\"Secret, Ann\",9,7,x,,\n"] {
            let told = fault(clubs(text.as_bytes(), &Dialect::default()));
            assert!(told.contains("no header line") && !told.contains("Secret") && !told.contains("Smith"), "{told}");
        }
        let told = fault(clubs(b"id,Secret,Name\n1,2,3\n", &Dialect::default()));
        assert!(told.contains("missing member_id") && !told.contains("Secret"), "{told}");
    }

    #[test]
    fn utf_8_declared_as_another_encoding_is_read_as_utf_8() {
        let latin = Dialect::new(Some("windows-1252"), None, &[]).unwrap();
        let found = clubs(format!("{HEADER}1,9,7,René Club,,\n2,9,7,Oak,,\n").as_bytes(), &latin).unwrap();
        assert_eq!((found.rows[0].as_str(), found.counts.utf8_lines), (r#"1 Some("René Club") None"#, 1));
    }
}
