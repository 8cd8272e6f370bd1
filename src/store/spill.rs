//! Rows that wait on disk, by part: appended in their order, read back part by part. The file has no name and only its owner may
//! read it; it vanishes with the process, however that ends.

use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use rayon::prelude::*;

use crate::store::io_fault;
use crate::tables::{Builder as _, Table};

/// Rows of a part that are written at once.
const CHUNK_ROWS: usize = 512;

/// An open file without a name.
#[derive(Debug)]
pub(super) struct Nameless {
    file: File,
    folder: PathBuf,
    end: AtomicU64,
}

/// Where some bytes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpillPlace {
    at: u64,
    length: usize,
}

impl Nameless {
    pub(super) fn create(folder: &Path) -> Result<Self> {
        // A named one is its owner's alone from the start; its name goes at once.
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|error| io_fault("create a file", folder, &error))?;
        Ok(Self { file: file.into_file(), folder: folder.to_path_buf(), end: AtomicU64::new(0) })
    }

    pub(super) fn append(&self, bytes: &[u8]) -> Result<SpillPlace> {
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, at).map_err(|error| io_fault("write", &self.folder, &error))?;
        Ok(SpillPlace { at, length: bytes.len() })
    }

    pub(super) fn read(&self, place: SpillPlace) -> Result<Vec<u8>> {
        let mut bytes = vec![0; place.length];
        self.file.read_exact_at(&mut bytes, place.at).map_err(|error| io_fault("read", &self.folder, &error))?;
        Ok(bytes)
    }
}

/// A row's part, and a number that comes back with it.
pub type Ticket = (u32, u64);

/// Some rows of a part, each with its number.
pub type Numbered<T> = (Vec<u64>, <T as Table>::Columns);

/// Rows of one dataset, by part.
pub struct Spill<T: Table> {
    file: Nameless,
    parts: Vec<Mutex<SpillPart<T>>>,
}

/// What a part has: rows that wait for more, and rows in the file.
struct SpillPart<T: Table> {
    waiting: T::Builder,
    numbers: Vec<u64>,
    chunks: Vec<SpillPlace>,
}

impl<T: Table> Spill<T> {
    /// So many empty parts, in a file below this folder.
    pub(super) fn create(folder: &Path, parts: usize) -> Result<Self> {
        let part = || SpillPart { waiting: T::builder(0), numbers: Vec::new(), chunks: Vec::new() };
        Ok(Self { file: Nameless::create(folder)?, parts: (0..parts).map(|_| Mutex::new(part())).collect() })
    }

    /// Appends rows of some batches to their parts; a row without a ticket is left out. Each part is filled by one thread, in
    /// order.
    pub fn take(&mut self, batches: &[(&T::Columns, &[Option<Ticket>])]) -> Result<()> {
        let lanes = rayon::current_num_threads().min(self.parts.len()).max(1);
        let width = self.parts.len().div_ceil(lanes);
        let file = &self.file;
        self.parts.par_chunks_mut(width.max(1)).enumerate().try_for_each(|(lane, parts)| -> Result<()> {
            let first = u32::try_from(lane * width)?;
            for (columns, tickets) in batches {
                for (row, &ticket) in tickets.iter().enumerate() {
                    let Some((part, number)) = ticket else { continue };
                    let Some(part) = part.checked_sub(first).and_then(|part| parts.get_mut(part as usize)) else { continue };
                    let part = part.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
                    part.push(file, number, T::row(columns, row))?;
                }
            }
            Ok(())
        })
    }

    /// Appends a row to a part, from any thread.
    pub fn push(&self, part: usize, number: u64, row: T::Row<'_>) -> Result<()> {
        self.part(part).push(&self.file, number, row)
    }

    /// Reads a part whole, in the order in which it was filled; `None` when nothing came.
    pub fn read(&self, part: usize) -> Result<Option<Numbered<T>>> {
        let held = self.part(part);
        let (mut numbers, mut batches) = (Vec::new(), Vec::new());
        for &place in &held.chunks {
            batches.push(decode(&self.file.read(place)?, &mut numbers)?);
        }
        let batches = match batches.first() {
            None => Vec::new(),
            Some(first) => vec![concat_batches(&first.schema(), &batches)?],
        };
        drop(held);
        batches.first().map(|batch| Ok((numbers, T::columns(batch)?))).transpose()
    }

    /// Reads a part chunk by chunk.
    pub fn chunks(&self, part: usize) -> impl Iterator<Item = Result<T::Columns>> + '_ {
        let chunks = self.part(part).chunks.clone();
        chunks.into_iter().map(move |place| Ok(T::columns(&decode(&self.file.read(place)?, &mut Vec::new())?)?))
    }

    /// Writes what waits; nothing comes any more.
    pub fn finish(&mut self) -> Result<()> {
        let file = &self.file;
        self.parts.par_iter_mut().try_for_each(|part| {
            let part = part.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            part.flush(file)?;
            part.waiting = T::builder(0);
            part.numbers = Vec::new();
            Ok(())
        })
    }

    fn part(&self, part: usize) -> std::sync::MutexGuard<'_, SpillPart<T>> {
        self.parts[part].lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T: Table> SpillPart<T> {
    fn push(&mut self, file: &Nameless, number: u64, row: T::Row<'_>) -> Result<()> {
        T::push(&mut self.waiting, row);
        self.numbers.push(number);
        if self.numbers.len() >= CHUNK_ROWS { self.flush(file) } else { Ok(()) }
    }

    fn flush(&mut self, file: &Nameless) -> Result<()> {
        if self.numbers.is_empty() {
            return Ok(());
        }
        let batch = self.waiting.finish();
        self.chunks.push(file.append(&encode::<T>(&batch, &self.numbers)?)?);
        self.numbers.clear();
        Ok(())
    }
}

/// The numbers, then the columns that steps read, as Arrow streams them; descriptions stay behind.
fn encode<T: Table>(batch: &RecordBatch, numbers: &[u64]) -> Result<Vec<u8>> {
    let read: Vec<usize> = T::fields().iter().enumerate().filter(|(_, column)| column.read).map(|(at, _)| at).collect();
    let fields = read.iter().map(|&at| batch.schema().field(at).clone().with_metadata(std::collections::HashMap::default()));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let columns = read.iter().map(|&at| batch.column(at).clone()).collect();
    let bare = RecordBatch::try_new(schema.into(), columns).context("the same columns under a smaller schema")?;
    let mut bytes = Vec::with_capacity(8 + numbers.len() * 8 + bare.get_array_memory_size());
    bytes.extend((numbers.len() as u64).to_le_bytes());
    numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    let mut writer = StreamWriter::try_new(&mut bytes, &bare.schema())?;
    writer.write(&bare)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

fn decode(bytes: &[u8], numbers: &mut Vec<u64>) -> Result<RecordBatch> {
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or_default();
    let (head, rest) = bytes.split_at_checked(8).context("a chunk begins with its rows")?;
    let count = usize::try_from(number(head))?;
    let (keys, rest) = rest.split_at_checked(count * 8).context("a chunk has a number for each row")?;
    numbers.extend(keys.chunks_exact(8).map(number));
    let mut reader = StreamReader::try_new(Cursor::new(rest), None)?;
    reader.next().context("a chunk has one batch")?.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Columns as _;
    use crate::tables::stage::{identifiers, people};
    use std::os::unix::fs::MetadataExt;

    fn identifier(value: &str) -> identifiers::Row<'_> {
        identifiers::Row { source_id: "1", entity: "players", row_id: value, kind: None, code: "X", value, is_key: true }
    }

    fn columns(values: &[String]) -> identifiers::Columns {
        let mut rows = identifiers::Builder::new(values.len());
        values.iter().for_each(|value| rows.push(identifier(value)));
        identifiers::Table::columns(&rows.finish()).unwrap()
    }

    #[test]
    fn rows_come_back_by_part_in_their_order_with_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::<identifiers::Table>::create(folder.path(), 3).unwrap();
        let values: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
        for (batch, values) in values.chunks(700).enumerate() {
            let ticket = |row: usize| ((batch * 700 + row) % 5 < 3).then(|| (((batch * 700 + row) % 5) as u32, row as u64));
            let tickets: Vec<Option<Ticket>> = (0..values.len()).map(ticket).collect();
            let columns = columns(values);
            spill.take(&[(&columns, &tickets)]).unwrap();
        }
        spill.finish().unwrap();
        for part in 0..3 {
            let (numbers, columns) = spill.read(part).unwrap().unwrap();
            let expected: Vec<usize> = (0..4000).filter(|value| value % 5 == part).collect();
            assert_eq!(columns.rows().map(|row| row.value.parse::<usize>().unwrap()).collect::<Vec<_>>(), expected);
            assert_eq!(numbers, expected.iter().map(|value| (value % 700) as u64).collect::<Vec<_>>());
            let chunked: usize = spill.chunks(part).map(|chunk| chunk.unwrap().len()).sum();
            assert_eq!(chunked, expected.len());
        }
    }

    #[test]
    fn columns_for_people_alone_stay_behind_and_an_empty_part_has_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::<people::Table>::create(folder.path(), 2).unwrap();
        spill
            .push(1, 7, people::Row { email: Some("a@b.test"), email_raw: Some("A@B.test"), ..people::Row::blank("1") })
            .unwrap();
        spill.finish().unwrap();
        assert!(spill.read(0).unwrap().is_none());
        let (numbers, columns) = spill.read(1).unwrap().unwrap();
        assert_eq!((numbers.as_slice(), columns.email(0), columns.email_raw(0)), (&[7][..], Some("a@b.test"), None));
    }

    #[test]
    fn the_file_has_no_name_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::<identifiers::Table>::create(folder.path(), 1).unwrap();
        spill.push(0, 0, identifier("x")).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        assert_eq!(spill.file.file.metadata().unwrap().mode() & 0o777, 0o600);
    }
}
