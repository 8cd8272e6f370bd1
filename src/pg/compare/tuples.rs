//! Parses the tuples of a binary COPY stream that arrives in pieces of any size.

use anyhow::Result;

use crate::fault::{Exit, Fault};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// One tuple: its values, borrowed from the receive buffer.
#[derive(Clone, Copy)]
pub struct Tuple<'a> {
    data: &'a [u8],
    fields: &'a [(usize, usize)],
}

/// Marks a null in the list of lengths.
const NULL: usize = usize::MAX;

impl<'a> Tuple<'a> {
    /// The value of a column; `None` is null.
    pub fn get(&self, column: usize) -> Option<&'a [u8]> {
        let (start, length) = self.fields[column];
        (length != NULL).then(|| &self.data[start..start + length])
    }
}

/// A parser for tuples of a known number of columns.
pub struct Tuples {
    width: usize,
    fields: Vec<(usize, usize)>,
    rest: Vec<u8>,
    is_begun: bool,
    is_over: bool,
    rows: u64,
}

impl Tuples {
    /// A parser for tuples of `width` columns.
    pub fn new(width: usize) -> Self {
        Self { width, fields: Vec::with_capacity(width), rest: Vec::new(), is_begun: false, is_over: false, rows: 0 }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, piece: &[u8], on: &mut dyn FnMut(Tuple<'_>) -> Result<()>) -> Result<()> {
        if self.rest.is_empty() {
            let used = self.consume(piece, on)?;
            self.rest.extend_from_slice(&piece[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(piece);
            let used = self.consume(&joined, on)?;
            joined.drain(..used);
            self.rest = joined;
        }
        Ok(())
    }

    /// Ends the stream; returns the number of tuples. Fails if the trailer is missing.
    pub fn finish(self) -> Result<u64> {
        if self.is_over && self.rest.is_empty() { Ok(self.rows) } else { Err(damaged("ends in the middle", self.rows)) }
    }

    fn consume(&mut self, data: &[u8], on: &mut dyn FnMut(Tuple<'_>) -> Result<()>) -> Result<usize> {
        let mut at = 0;
        if !self.is_begun {
            let Some(length) = header(data)? else { return Ok(0) };
            at = length;
            self.is_begun = true;
        }
        while !self.is_over {
            let Some(end) = self.locate(data, at)? else { break };
            at = end;
            if !self.is_over {
                self.rows += 1;
                on(Tuple { data, fields: &self.fields })?;
            }
        }
        Ok(at)
    }

    /// Finds the fields of the tuple that begins at `at`; `None` if it is not complete yet.
    fn locate(&mut self, data: &[u8], mut at: usize) -> Result<Option<usize>> {
        let Some(width) = data.get(at..).and_then(|rest| rest.first_chunk()).map(|width| i16::from_be_bytes(*width)) else {
            return Ok(None);
        };
        at += 2;
        if width == -1 {
            self.is_over = true;
            return Ok(Some(at));
        }
        if usize::try_from(width) != Ok(self.width) {
            return Err(damaged("has rows with another number of columns", self.rows));
        }
        self.fields.clear();
        for _ in 0..self.width {
            let Some(length) = data.get(at..).and_then(|rest| rest.first_chunk()).map(|length| i32::from_be_bytes(*length))
            else {
                return Ok(None);
            };
            at += 4;
            let length = usize::try_from(length).unwrap_or(NULL);
            self.fields.push((at, length));
            if length != NULL {
                at += length;
            }
            if at > data.len() {
                return Ok(None);
            }
        }
        Ok(Some(at))
    }
}

/// Length of the stream's header; `None` if it is not complete yet.
fn header(data: &[u8]) -> Result<Option<usize>> {
    let known = data.len().min(SIGNATURE.len());
    if data[..known] != SIGNATURE[..known] {
        return Err(damaged("does not begin with the header of binary COPY", 0));
    }
    let word = |at: usize| data.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| i32::from_be_bytes(*bytes));
    let (Some(_), Some(extension)) = (word(11), word(15)) else { return Ok(None) };
    let length = 19 + usize::try_from(extension).map_err(|_| damaged("has a header without a valid length", 0))?;
    Ok((data.len() >= length).then_some(length))
}

fn damaged(how: &str, rows: u64) -> anyhow::Error {
    Fault::new(Exit::Failed, format!("the CRM's answer {how}, after row {rows}"))
        .help("was the connection cut? nothing was written; run the same command again")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        for row in [[Some("a"), None], [Some(""), Some("long enough")]] {
            bytes.extend(2_i16.to_be_bytes());
            for field in row {
                bytes.extend(field.map_or(-1, |field| i32::try_from(field.len()).unwrap()).to_be_bytes());
                bytes.extend(field.unwrap_or_default().bytes());
            }
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    fn read(pieces: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Vec<Option<String>>>> {
        let mut tuples = Tuples::new(2);
        let mut rows = Vec::new();
        for piece in pieces {
            tuples.feed(&piece, &mut |tuple| {
                let text = |column| tuple.get(column).map(|value| String::from_utf8_lossy(value).into_owned());
                rows.push(vec![text(0), text(1)]);
                Ok(())
            })?;
        }
        assert_eq!(tuples.finish()?, rows.len() as u64);
        Ok(rows)
    }

    #[test]
    fn tuples_are_the_same_however_the_stream_is_cut() {
        let whole = read(std::iter::once(stream())).unwrap();
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(whole, [vec![text("a"), None], vec![text(""), text("long enough")]]);
        for size in 1..20 {
            assert_eq!(read(stream().chunks(size).map(<[u8]>::to_vec)).unwrap(), whole, "{size}");
        }
    }

    #[test]
    fn a_truncated_stream_is_an_error_not_a_short_table() {
        let bytes = stream();
        for length in 0..bytes.len() {
            assert!(read(std::iter::once(bytes[..length].to_vec())).is_err(), "{length}");
        }
    }
}
