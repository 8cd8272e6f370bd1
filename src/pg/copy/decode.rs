//! Decodes binary COPY into Arrow batches, directly from the receive buffer.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use encoding_rs::{Encoding, UTF_8};

use crate::pg::copy::column::{BATCH_ROWS, ColumnValues, Special};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// A batch is also full at this many bytes of text, so that long texts do not accumulate.
const BATCH_BYTES: usize = 8 << 20;

/// Data that is not binary COPY of the declared columns.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Not PostgreSQL's format, or a newer version of it.
    #[error("the server's data does not begin with the header of binary COPY")]
    Signature,
    /// Another number of columns than declared.
    #[error("row {row} has {found} columns instead of {declared}")]
    Width {
        /// From 1.
        row: u64,
        /// Columns received.
        found: i16,
        /// Columns declared.
        declared: usize,
    },
    /// A value that does not have the size of its type.
    #[error("column {column:?}, row {row}: a value of {length} bytes")]
    Length {
        /// The column.
        column: String,
        /// From 1.
        row: u64,
        /// Bytes received.
        length: usize,
    },
    /// Null where the declaration allows none.
    #[error("column {column:?}, row {row}: null, where every row must have a value")]
    Null {
        /// The column.
        column: String,
        /// From 1.
        row: u64,
    },
    /// Bytes that are not text.
    #[error("column {column:?}, rows {first} to {last}: bytes that are not text of the encoding")]
    Encoding {
        /// The column.
        column: String,
        /// First row of the batch, from 1.
        first: u64,
        /// Last row of the batch.
        last: u64,
    },
    /// The data stops before its trailer.
    #[error("the server's data ends in the middle, after row {rows}")]
    Truncated {
        /// Whole rows received.
        rows: u64,
    },
    /// A declared type that exports do not have.
    #[error("column {column:?} is declared as {data_type}, which no export has")]
    Undecodable {
        /// The column.
        column: String,
        /// Its declared type.
        data_type: String,
    },
}

/// Decodes a COPY stream, received in pieces of any size, into batches.
pub struct Decoder {
    schema: SchemaRef,
    columns: Vec<ColumnValues>,
    specials: Vec<Special>,
    /// The incomplete end of the last piece.
    rest: Vec<u8>,
    started: bool,
    ended: bool,
    rows: u64,
    batch_rows: usize,
    batch_bytes: usize,
    /// Position and length of the fields of the current row; -1 is null.
    fields: Vec<(usize, i32)>,
    /// The encoding of texts, where it is not UTF-8.
    encoding: Option<&'static Encoding>,
}

impl Decoder {
    /// A decoder for columns in the schema's order.
    pub fn new(schema: SchemaRef) -> Result<Self, DecodeError> {
        let values = |field: &arrow::datatypes::FieldRef| {
            ColumnValues::new(field.data_type()).ok_or_else(|| DecodeError::Undecodable {
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            })
        };
        let columns = schema.fields().iter().map(values).collect::<Result<Vec<_>, _>>()?;
        let width = columns.len();
        Ok(Self {
            schema,
            columns,
            specials: vec![Special::default(); width],
            rest: Vec::new(),
            started: false,
            ended: false,
            rows: 0,
            batch_rows: 0,
            batch_bytes: 0,
            fields: vec![(0, 0); width],
            encoding: None,
        })
    }

    /// Reads texts in this encoding instead of UTF-8.
    pub fn in_encoding(mut self, encoding: Option<&'static Encoding>) -> Self {
        self.encoding = encoding.filter(|encoding| *encoding != UTF_8);
        self
    }

    /// Takes the next piece of the stream; full batches go to `full`.
    pub fn feed<E: From<DecodeError>>(
        &mut self,
        piece: &[u8],
        mut full: impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.rest.is_empty() {
            let used = self.consume(piece, &mut full)?;
            self.rest.extend_from_slice(&piece[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(piece);
            let used = self.consume(&joined, &mut full)?;
            joined.drain(..used);
            self.rest = joined;
        }
        Ok(())
    }

    /// Ends the stream; returns the last rows as a batch, if there are any.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        if !self.ended || !self.rest.is_empty() {
            return Err(DecodeError::Truncated { rows: self.rows });
        }
        if self.batch_rows == 0 { Ok(None) } else { self.batch().map(Some) }
    }

    /// Rows decoded so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Unusual values so far, by column.
    pub fn specials(&self) -> impl Iterator<Item = (&str, Special)> {
        self.schema.fields().iter().map(|field| field.name().as_str()).zip(self.specials.iter().copied())
    }

    /// Decodes all whole rows of a piece; returns the bytes used.
    fn consume<E: From<DecodeError>>(
        &mut self,
        data: &[u8],
        full: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut at = 0;
        if !self.started {
            let Some(length) = header(data)? else { return Ok(0) };
            at = length;
            self.started = true;
        }
        while !self.ended {
            let Some(end) = self.locate(data, at)? else { break };
            at = end;
            if self.ended {
                break;
            }
            self.append(data)?;
            if self.batch_rows >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
                full(self.batch()?)?;
            }
        }
        Ok(at)
    }

    /// Finds the fields of the row that begins at `at`; `None` if the row is not complete yet.
    fn locate(&mut self, data: &[u8], mut at: usize) -> Result<Option<usize>, DecodeError> {
        let Some(width) = data.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| i16::from_be_bytes(*bytes)) else {
            return Ok(None);
        };
        at += 2;
        if width == -1 {
            self.ended = true;
            return Ok(Some(at));
        }
        if usize::try_from(width) != Ok(self.columns.len()) {
            return Err(DecodeError::Width { row: self.rows + 1, found: width, declared: self.columns.len() });
        }
        for field in &mut self.fields {
            let Some(length) = data.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| i32::from_be_bytes(*bytes)) else {
                return Ok(None);
            };
            at += 4;
            *field = (at, length);
            at += usize::try_from(length).unwrap_or(0);
            if at > data.len() {
                return Ok(None);
            }
        }
        Ok(Some(at))
    }

    fn append(&mut self, data: &[u8]) -> Result<(), DecodeError> {
        self.rows += 1;
        self.batch_rows += 1;
        for (index, &(start, length)) in self.fields.iter().enumerate() {
            let (column, special) = (&mut self.columns[index], &mut self.specials[index]);
            let field = self.schema.field(index);
            let Ok(length) = usize::try_from(length) else {
                if !field.is_nullable() {
                    return Err(DecodeError::Null { column: field.name().clone(), row: self.rows });
                }
                column.append_null();
                continue;
            };
            if length == 0 && field.is_nullable() && matches!(column, ColumnValues::Text { .. }) {
                special.empty += 1;
                column.append_null();
                continue;
            }
            let value = &data[start..start + length];
            let decoded = self.encoding.filter(|_| matches!(column, ColumnValues::Text { .. }) && !value.is_ascii());
            let fits = match decoded.map(|encoding| encoding.decode_without_bom_handling(value)) {
                None => column.append(value, special),
                Some((text, false)) => column.append(text.as_bytes(), special),
                Some((_, true)) => {
                    let (column, first) = (field.name().clone(), self.rows);
                    return Err(DecodeError::Encoding { column, first, last: self.rows });
                }
            };
            if !fits {
                return Err(DecodeError::Length { column: field.name().clone(), row: self.rows, length });
            }
            self.batch_bytes += length;
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<RecordBatch, DecodeError> {
        let first = self.rows - self.batch_rows as u64 + 1;
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter_mut().zip(self.schema.fields()) {
            let array =
                column.finish().ok_or_else(|| DecodeError::Encoding { column: field.name().clone(), first, last: self.rows })?;
            arrays.push(array);
        }
        self.batch_rows = 0;
        self.batch_bytes = 0;
        Ok(RecordBatch::try_new(self.schema.clone(), arrays).expect("columns were made from this schema and nulls refused"))
    }
}

/// Length of the stream's header; `None` if it is not complete yet.
fn header(data: &[u8]) -> Result<Option<usize>, DecodeError> {
    let known = data.len().min(SIGNATURE.len());
    if data[..known] != SIGNATURE[..known] {
        return Err(DecodeError::Signature);
    }
    let word = |at: usize| data.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| i32::from_be_bytes(*bytes));
    let (Some(flags), Some(extension)) = (word(11), word(15)) else { return Ok(None) };
    // The upper half of the flags marks changes that an old reader must not ignore.
    if flags & !0xffff != 0 {
        return Err(DecodeError::Signature);
    }
    let length = 19 + usize::try_from(extension).map_err(|_| DecodeError::Signature)?;
    Ok((data.len() >= length).then_some(length))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
    use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Schema, TimeUnit, TimestampMicrosecondType};
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Day, Timestamp};

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("name", DataType::Utf8, true),
            Field::new("is_home", DataType::Boolean, true),
            Field::new("players", DataType::Int32, true),
            Field::new("on", DataType::Date32, true),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        ]))
    }

    type Row<'a> = [Option<&'a [u8]>; 6];

    fn stream(rows: &[Row<'_>]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        for row in rows {
            bytes.extend(6_i16.to_be_bytes());
            for field in row {
                bytes.extend(field.map_or(-1, |field| field.len() as i32).to_be_bytes());
                bytes.extend(field.unwrap_or_default());
            }
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    fn decode(pieces: &[&[u8]]) -> Result<(Vec<RecordBatch>, Decoder), DecodeError> {
        let mut decoder = Decoder::new(schema())?;
        let mut batches = Vec::new();
        for piece in pieces {
            decoder.feed(piece, |batch| {
                batches.push(batch);
                Ok::<_, DecodeError>(())
            })?;
        }
        batches.extend(decoder.finish()?);
        Ok((batches, decoder))
    }

    fn special(decoder: &Decoder, column: &str) -> Special {
        decoder.specials().find(|(name, _)| *name == column).unwrap().1
    }

    fn with<'a>(on: Option<&'a [u8]>, at: Option<&'a [u8]>) -> Row<'a> {
        [Some(b"1"), None, None, None, on, at]
    }

    #[test]
    fn plain_values_are_decoded_unchanged() {
        let at = (770_000_000_123_456_i64 - 946_684_800_000_000).to_be_bytes();
        let on = (-5405_i32).to_be_bytes();
        let row: Row<'_> = [Some(b"7"), Some("Zoë".as_bytes()), Some(&[1]), Some(&[0, 0, 0, 4]), Some(&on), Some(&at)];
        let (batches, _) = decode(&[&stream(&[row])]).unwrap();
        let batch = &batches[0];
        assert_eq!(batch.column(1).as_string::<i32>().value(0), "Zoë");
        assert_eq!(batch.column(2), &(Arc::new(BooleanArray::from(vec![true])) as ArrayRef));
        assert_eq!(batch.column(3).as_primitive::<Int32Type>().value(0), 4);
        assert_eq!(Day(batch.column(4).as_primitive::<Date32Type>().value(0)).to_string(), "1985-03-15");
        assert_eq!(batch.column(5).as_primitive::<TimestampMicrosecondType>().value(0), 770_000_000_123_456);
    }

    #[test]
    fn infinities_stay_infinities_and_are_counted() {
        let rows = [
            with(Some(&i32::MAX.to_be_bytes()), Some(&i64::MAX.to_be_bytes())),
            with(Some(&i32::MIN.to_be_bytes()), Some(&i64::MIN.to_be_bytes())),
        ]
        .map(|row| row.map(|field| field.map(<[u8]>::to_vec)));
        let rows: Vec<Row<'_>> = rows.iter().map(|row| [0, 1, 2, 3, 4, 5].map(|index| row[index].as_deref())).collect();
        let (batches, decoder) = decode(&[&stream(&rows)]).unwrap();
        let days = batches[0].column(4).as_primitive::<Date32Type>();
        assert_eq!((Day(days.value(0)), Day(days.value(1))), (Day::INFINITY, Day::NEG_INFINITY));
        let instants = batches[0].column(5).as_primitive::<TimestampMicrosecondType>();
        assert_eq!((instants.value(0), instants.value(1)), (Timestamp::INFINITY.0, Timestamp::NEG_INFINITY.0));
        assert_eq!((special(&decoder, "on").infinite, special(&decoder, "at").infinite), (2, 2));
    }

    #[test]
    fn the_last_instant_of_postgres_does_not_wrap_but_is_null_and_counted() {
        let last = 9_223_371_331_199_999_999_i64.to_be_bytes();
        let (batches, decoder) = decode(&[&stream(&[with(None, Some(&last))])]).unwrap();
        assert!(batches[0].column(5).is_null(0));
        assert_eq!(special(&decoder, "at").out_of_range, 1);
    }

    #[test]
    fn years_before_christ_are_kept_and_counted() {
        let day = (-2_451_545_i32).to_be_bytes();
        let (batches, decoder) = decode(&[&stream(&[with(Some(&day), None)])]).unwrap();
        assert_eq!(batches[0].column(4).as_primitive::<Date32Type>().value(0), -2_440_588);
        assert_eq!(special(&decoder, "on").before_christ, 1);
    }

    #[test]
    fn an_empty_text_is_null_where_null_is_allowed() {
        let (batches, decoder) = decode(&[&stream(&[[Some(b""), Some(b""), None, None, None, None]])]).unwrap();
        assert!(!batches[0].column(0).is_null(0));
        assert!(batches[0].column(1).is_null(0));
        assert_eq!(special(&decoder, "name").empty, 1);
    }

    #[test]
    fn an_empty_table_gives_no_batch() {
        assert!(decode(&[&stream(&[])]).unwrap().0.is_empty());
    }

    #[test]
    fn damage_is_named_by_row_and_column() {
        let wrong = |bytes: &[u8]| decode(&[bytes]).err().unwrap();
        assert_eq!(wrong(b"PGCOPY\nX"), DecodeError::Signature);
        assert_eq!(
            wrong(&stream(&[[None, None, None, None, None, None]])),
            DecodeError::Null { column: "id".to_owned(), row: 1 }
        );
        assert_eq!(
            wrong(&stream(&[with(Some(&[0, 0]), None)])),
            DecodeError::Length { column: "on".to_owned(), row: 1, length: 2 }
        );
        let mut narrow = stream(&[with(None, None)]);
        narrow[20] = 5;
        assert_eq!(wrong(&narrow), DecodeError::Width { row: 1, found: 5, declared: 6 });
        let latin: Row<'_> = [Some(b"1"), Some(b"Zo\xeb"), None, None, None, None];
        assert_eq!(wrong(&stream(&[latin])), DecodeError::Encoding { column: "name".to_owned(), first: 1, last: 1 });
        let whole = stream(&[with(None, None), with(None, None)]);
        assert_eq!(wrong(&whole[..whole.len() - 3]), DecodeError::Truncated { rows: 1 });
        assert_eq!(wrong(&whole[..whole.len() - 2]), DecodeError::Truncated { rows: 2 });
    }

    #[test]
    fn an_unsupported_type_is_rejected_by_name() {
        let schema = Arc::new(Schema::new(vec![Field::new("ratio", DataType::Float64, true)]));
        assert!(Decoder::new(schema).err().unwrap().to_string().contains("ratio"));
    }

    proptest! {
        /// Oracle: the same stream in one piece.
        #[test]
        fn the_cut_of_the_stream_does_not_matter(
            names in proptest::collection::vec(proptest::option::of(".{0,12}"), 0..40),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..30),
        ) {
            let rows: Vec<Row<'_>> =
                names.iter().map(|name| [Some(&b"1"[..]), name.as_deref().map(str::as_bytes), Some(&[0]), None, None, None]).collect();
            let bytes = stream(&rows);
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (whole, _) = decode(&[&bytes]).unwrap();
            let (cut, decoder) = decode(&pieces).unwrap();
            prop_assert_eq!(whole, cut);
            prop_assert_eq!(decoder.rows(), names.len() as u64);
        }
    }
}
