//! Parquet files: written on a thread of their own, hashed while they are written, read only after their hash is checked.

use std::fs::File;
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::fault::{Exit, Fault};
use crate::store::{FileEntry, io_fault};
use crate::tables::{Builder, Dataset, Table};

/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 122_880;
/// Rows of a batch.
pub(crate) const BATCH_ROWS: usize = 16_384;
/// Batches that may wait for the encoder before the producer blocks.
const QUEUE: usize = 3;

struct HashingFile {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for HashingFile {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn properties(dataset: &Dataset, title: &str, as_of: &str) -> WriterProperties {
    let columns: serde_json::Map<String, serde_json::Value> =
        dataset.columns.iter().map(|column| (column.name.to_owned(), column.description().into())).collect();
    let words = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let metadata = vec![
        words("title", title.to_owned()),
        words("description", dataset.description.trim().to_owned()),
        words("key", dataset.key.join(",")),
        words("as_of", as_of.to_owned()),
        words("format", crate::store::FORMAT.to_string()),
        words("columns", serde_json::Value::from(columns).to_string()),
    ];
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("crm-backfill".to_owned())
        .set_key_value_metadata(Some(metadata));
    for column in dataset.columns.iter().filter(|column| column.dictionary) {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.name), true);
    }
    properties.build()
}

/// Writes one dataset. Dropped without `close`, the file stays incomplete and its draft is never published.
pub struct TableWriter<T: Table> {
    builder: T::Builder,
    writer: BatchWriter,
}

impl<T: Table> TableWriter<T> {
    /// Starts a file that must not exist yet.
    pub(super) fn create(path: PathBuf, title: &str, as_of: &str) -> Result<Self> {
        let writer = BatchWriter::create(path, T::dataset(), T::schema(), title, as_of)?;
        Ok(Self { builder: T::builder(BATCH_ROWS), writer })
    }

    /// Appends a row.
    pub fn push(&mut self, row: T::Row<'_>) -> Result<()> {
        T::push(&mut self.builder, row);
        if self.builder.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Appends a batch of the dataset's own schema.
    pub fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.flush()?;
        self.writer.write(batch)
    }

    /// Rows appended so far.
    pub fn rows(&self) -> u64 {
        self.writer.rows + self.builder.len() as u64
    }

    fn flush(&mut self) -> Result<()> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let batch = self.builder.finish();
        self.writer.write(batch)
    }

    /// Completes the file and syncs it to disk.
    pub(super) fn close(mut self) -> Result<FileEntry> {
        self.flush()?;
        self.writer.close()
    }
}

/// Writes one dataset, given by its declaration as a value, batch by batch.
pub struct BatchWriter {
    sender: Option<SyncSender<RecordBatch>>,
    encoder: Option<JoinHandle<Result<FileEntry>>>,
    rows: u64,
}

impl BatchWriter {
    /// Starts a file that must not exist yet.
    pub(super) fn create(path: PathBuf, dataset: Dataset, schema: SchemaRef, title: &str, as_of: &str) -> Result<Self> {
        let (sender, encoder) = start_encoder(path, dataset, schema, title, as_of)?;
        Ok(Self { sender: Some(sender), encoder: Some(encoder), rows: 0 })
    }

    /// Appends a batch of the dataset's own schema.
    pub fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        let sender = self.sender.as_ref().context("the writer is open until it is closed")?;
        if sender.send(batch).is_ok() {
            return Ok(());
        }
        // The encoder stopped early; its own error has the reason.
        self.sender = None;
        Err(self.join().err().unwrap_or_else(|| anyhow!("the Parquet encoder stopped")))
    }

    fn join(&mut self) -> Result<FileEntry> {
        let encoder = self.encoder.take().context("the writer is closed once")?;
        encoder.join().map_err(|_| anyhow!("the Parquet encoder panicked"))?
    }

    /// Completes the file and syncs it to disk.
    pub(super) fn close(mut self) -> Result<FileEntry> {
        self.sender = None;
        self.join()
    }
}

type ParquetEncoder = (SyncSender<RecordBatch>, JoinHandle<Result<FileEntry>>);

fn start_encoder(path: PathBuf, dataset: Dataset, schema: SchemaRef, title: &str, as_of: &str) -> Result<ParquetEncoder> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| io_fault("create", &path, &error))?;
    let properties = properties(&dataset, title, as_of);
    let described = Schema::new_with_metadata(
        schema.fields().clone(),
        [("description".to_owned(), dataset.description.trim().to_owned())].into(),
    );
    let (sender, receiver) = sync_channel::<RecordBatch>(QUEUE);
    let encoder = std::thread::Builder::new()
        .name("parquet".to_owned())
        .spawn(move || {
            let failed = |error: parquet::errors::ParquetError| write_fault(&path, &error);
            let file = HashingFile { file, hasher: blake3::Hasher::new(), bytes: 0 };
            let mut writer = ArrowWriter::try_new(file, described.into(), Some(properties)).map_err(failed)?;
            let mut rows = 0;
            for batch in receiver {
                rows += batch.num_rows() as u64;
                writer.write(&batch).map_err(failed)?;
            }
            let file = writer.into_inner().map_err(failed)?;
            file.file.sync_all().map_err(|error| io_fault("sync", &path, &error))?;
            Ok(FileEntry { rows, bytes: file.bytes, blake3: file.hasher.finalize().to_hex().to_string() })
        })
        .context("cannot start a thread")?;
    Ok((sender, encoder))
}

fn write_fault(path: &Path, error: &parquet::errors::ParquetError) -> anyhow::Error {
    let fault = Fault::new(Exit::Failed, format!("cannot write the dataset: {error}")).at(path.display().to_string());
    fault.help("if the disk is full, free some space and run the same command again; nothing was replaced").into()
}

/// Files of at least this many rows are decoded ahead on a thread of their own. Smaller ones are read faster than a thread starts.
const AHEAD_ROWS: i64 = 4 * BATCH_ROWS as i64;

/// Reads a file batch by batch, in file order, as Arrow arrays.
pub struct BatchReader {
    batches: OpenBatches,
    path: PathBuf,
}

enum OpenBatches {
    Here(ParquetRecordBatchReader),
    Ahead { receiver: Receiver<Result<RecordBatch, ArrowError>>, decoder: Option<JoinHandle<()>> },
}

impl BatchReader {
    /// Reads an open file whose hash was checked and whose manifest lists `rows` rows.
    pub(super) fn open(file: File, path: PathBuf, rows: u64) -> Result<Self> {
        Self::open_columns(file, path, rows, &|_| true)
    }

    /// The same, with only the requested columns.
    pub(super) fn open_columns(file: File, path: PathBuf, listed: u64, is_asked: &dyn Fn(&str) -> bool) -> Result<Self> {
        let (rows, reader) = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| {
                let rows = builder.metadata().file_metadata().num_rows();
                let schema = builder.parquet_schema();
                let columns = schema.root_schema().get_fields().iter().enumerate();
                let asked: Vec<usize> = columns.filter(|(_, column)| is_asked(column.name())).map(|(at, _)| at).collect();
                let projection = ProjectionMask::roots(schema, asked);
                Ok((rows, builder.with_projection(projection).with_batch_size(BATCH_ROWS).build()?))
            })
            .map_err(|error| read_fault(&path, &error.to_string()))?;
        if u64::try_from(rows).ok() != Some(listed) {
            return Err(read_fault(&path, &format!("it holds {rows} rows, its manifest says {listed}")));
        }
        let batches = if rows < AHEAD_ROWS { OpenBatches::Here(reader) } else { ahead(reader)? };
        Ok(Self { batches, path })
    }
}

/// Decodes on a thread that stays a few batches ahead, and ends when the reader is dropped.
fn ahead(reader: ParquetRecordBatchReader) -> Result<OpenBatches> {
    let (sender, receiver) = sync_channel(QUEUE);
    let decode = move || {
        for batch in reader {
            if sender.send(batch).is_err() {
                break;
            }
        }
    };
    let decoder = std::thread::Builder::new().name("decode".to_owned()).spawn(decode).context("cannot start a thread")?;
    Ok(OpenBatches::Ahead { receiver, decoder: Some(decoder) })
}

impl Iterator for BatchReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match &mut self.batches {
            OpenBatches::Here(reader) => reader.next()?,
            OpenBatches::Ahead { receiver, decoder } => match receiver.recv() {
                Ok(batch) => batch,
                // The decoder has ended: at the end of the file, or by a panic.
                Err(_) => match decoder.take()?.join() {
                    Ok(()) => return None,
                    Err(_) => return Some(Err(anyhow!("the Parquet decoder panicked on {}", self.path.display()))),
                },
            },
        };
        Some(batch.map_err(|error| read_fault(&self.path, &error.to_string())))
    }
}

/// Reads one dataset batch by batch, in file order, as typed columns.
pub struct TableReader<T: Table> {
    batches: BatchReader,
    table: PhantomData<T>,
}

impl<T: Table> TableReader<T> {
    /// Opens a file whose hash was checked. Columns that no step reads stay on disk.
    pub(super) fn open(file: File, path: PathBuf, rows: u64) -> Result<Self> {
        let is_kept = |name: &str| T::fields().iter().any(|column| column.name == name && !column.read);
        Ok(Self { batches: BatchReader::open_columns(file, path, rows, &|name| !is_kept(name))?, table: PhantomData })
    }

    /// The next batch as Arrow arrays, of the columns that the steps read.
    pub fn next_batch(&mut self) -> Option<Result<RecordBatch>> {
        self.batches.next()
    }
}

impl<T: Table> Iterator for TableReader<T> {
    type Item = Result<T::Columns>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.and_then(|batch| T::columns(&batch).map_err(|error| read_fault(&self.batches.path, &error.to_string()))))
    }
}

fn read_fault(path: &Path, reason: &str) -> anyhow::Error {
    Fault::new(Exit::Input, format!("the dataset cannot be read: {reason}"))
        .at(path.display().to_string())
        .help("make it again: run the step that wrote it")
        .into()
}
