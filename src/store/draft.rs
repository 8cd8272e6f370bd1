//! A draft of a dataset folder, next to its target. It replaces the target in one rename, or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};
use arrow::datatypes::SchemaRef;

use crate::interrupt;
use crate::model::Source;
use crate::store::exchange::exchange;
use crate::store::folder::MANIFEST;
use crate::store::private::{DRAFT, create_private, sync_folder, write_private};
use crate::store::{BatchWriter, FileEntry, Folder, HashRuns, Manifest, Spill, TableReader, TableWriter, hash_bytes, io_fault};
use crate::tables::{Dataset, Table};

/// A draft of a folder. Dropped without [`Draft::finish`], it removes itself.
pub struct Draft {
    target: PathBuf,
    folder: Option<tempfile::TempDir>,
    as_of: String,
    files: Mutex<std::collections::BTreeMap<String, FileEntry>>,
}

impl Draft {
    /// Starts a folder that will become `target`. Call under the run lock, which removes drafts that a killed run left behind.
    pub fn create(target: &Path, as_of: &str) -> Result<Self> {
        let parent = target.parent().context("a target folder has a parent")?;
        create_private(parent)?;
        let name = target.file_name().context("a target folder has a name")?.to_string_lossy().into_owned();
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}{DRAFT}"))
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(|error| io_fault("create a folder", parent, &error))?;
        Ok(Self { target: target.to_path_buf(), folder: Some(folder), as_of: as_of.to_owned(), files: Mutex::default() })
    }

    /// Where the draft is now.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().map_or(self.target.as_path(), tempfile::TempDir::path)
    }

    /// A writer for a dataset. Several may be open at once, on several threads.
    pub fn writer<T: Table>(&self, source: Option<Source>) -> Result<TableWriter<T>> {
        let title = T::stem(source);
        TableWriter::create(self.path().join(format!("{title}.parquet")), &title, &self.as_of)
    }

    /// Completes a dataset; returns its rows.
    pub fn close<T: Table>(&self, source: Option<Source>, writer: TableWriter<T>) -> Result<u64> {
        let entry = writer.close()?;
        let rows = entry.rows;
        self.enter(format!("{}.parquet", T::stem(source)), entry);
        Ok(rows)
    }

    /// A writer for a dataset that is known by its declaration as a value.
    pub fn batch_writer(&self, dataset: Dataset, schema: SchemaRef) -> Result<BatchWriter> {
        BatchWriter::create(self.path().join(format!("{}.parquet", dataset.stem)), dataset, schema, dataset.stem, &self.as_of)
    }

    /// Completes such a dataset; returns its rows.
    pub fn close_batches(&self, dataset: Dataset, writer: BatchWriter) -> Result<u64> {
        let entry = writer.close()?;
        let rows = entry.rows;
        self.enter(format!("{}.parquet", dataset.stem), entry);
        Ok(rows)
    }

    /// Rows that wait beside the draft until they are read back, in so many parts.
    pub fn spill<T: Table>(&self, parts: usize) -> Result<Spill<T>> {
        Spill::create(self.path(), parts)
    }

    /// Hashes that wait beside the draft.
    pub fn hash_runs(&self) -> Result<HashRuns> {
        HashRuns::create(self.path())
    }

    /// Reads a completed dataset back.
    pub fn read<T: Table>(&self, source: Option<Source>) -> Result<TableReader<T>> {
        let name = format!("{}.parquet", T::stem(source));
        let path = self.path().join(&name);
        let rows = self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&name).map_or(0, |entry| entry.rows);
        let file = std::fs::File::open(&path).map_err(|error| io_fault("open", &path, &error))?;
        TableReader::open(file, path, rows)
    }

    /// Writes batches as a whole dataset.
    pub fn write<T: Table>(
        &self,
        source: Option<Source>,
        batches: impl IntoIterator<Item = arrow::array::RecordBatch>,
    ) -> Result<u64> {
        let mut writer = self.writer::<T>(source)?;
        for batch in batches {
            writer.write(batch)?;
        }
        self.close(source, writer)
    }

    /// Writes another file, such as a report or rejects as CSV.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path().join(name);
        write_private(&path, bytes)?;
        self.enter(name.to_owned(), FileEntry { rows: 0, bytes: bytes.len() as u64, blake3: hash_bytes(bytes) });
        Ok(())
    }

    /// Takes over a verified file of a complete folder, as a hard link if possible.
    pub fn adopt(&self, folder: &Folder, name: &str, entry: FileEntry) -> Result<()> {
        let (from, to) = (folder.path().join(name), self.path().join(name));
        if std::fs::hard_link(&from, &to).is_err() {
            std::fs::copy(&from, &to).map_err(|error| io_fault("copy", &from, &error))?;
        }
        self.enter(name.to_owned(), entry);
        Ok(())
    }

    fn enter(&self, name: String, entry: FileEntry) {
        self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name, entry);
    }

    /// Writes the manifest, syncs, and exchanges the draft with the target; the former folder becomes `previous`.
    pub fn finish(mut self, mut manifest: Manifest, previous: &Path) -> Result<Folder> {
        manifest.files = std::mem::take(&mut *self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        manifest.as_of.clone_from(&self.as_of);
        write_private(&self.path().join(MANIFEST), &manifest.sealed()?)?;
        sync_folder(self.path())?;
        let _held = interrupt::hold("a folder to be swapped");
        let draft = self.folder.take().context("a draft is finished once")?.keep();
        let parent = self.target.parent().context("a target folder has a parent")?;
        match exchange(&draft, &self.target) {
            Ok(Some(former)) => keep_previous(&former, previous)?,
            Ok(None) => {}
            Err(error) => {
                let _ = std::fs::remove_dir_all(&draft);
                return Err(error);
            }
        }
        if !parent.to_string_lossy().contains(DRAFT) {
            interrupt::stands(format!("{} is written", self.target.display()));
        }
        sync_folder(parent)?;
        Folder::open(&self.target)
    }
}

impl Draft {
    /// The same, but removes the former folder instead of keeping it.
    pub fn finish_alone(self, manifest: Manifest) -> Result<Folder> {
        let former = self.target.with_file_name(format!("former{DRAFT}{}", std::process::id()));
        let folder = self.finish(manifest, &former)?;
        match std::fs::remove_dir_all(&former) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_fault("remove", &former, &error).into()),
            _ => Ok(folder),
        }
    }
}

fn keep_previous(former: &Path, previous: &Path) -> Result<()> {
    if previous.exists() {
        std::fs::remove_dir_all(previous).map_err(|error| io_fault("remove", previous, &error))?;
    }
    if let Some(parent) = previous.parent() {
        create_private(parent)?;
    }
    std::fs::rename(former, previous).map_err(|error| io_fault("rename", previous, &error).into())
}

/// Removes drafts, scratch folders and half-written small files that killed runs left in a folder. Call under the run lock.
pub(super) fn remove_leftovers(parent: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_fault("list", parent, &error).into()),
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let removed = if kind.is_dir() && name.contains(DRAFT) {
            std::fs::remove_dir_all(entry.path())
        } else if kind.is_file() && writer_of(&name).is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            std::fs::remove_file(entry.path())
        } else {
            continue;
        };
        removed.map_err(|error| io_fault("remove", &entry.path(), &error))?;
    }
    Ok(())
}

/// The process that writes a temporary small file, from the name of the file.
fn writer_of(name: &str) -> Option<&str> {
    name.strip_prefix(DRAFT)?.split('-').next()
}

/// Replaces a single file of the data folder atomically, readable by the owner only. For paths that the operator names use
/// [`crate::store::Destination`].
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_private(parent)?;
    let _held = interrupt::hold("a small file to be written");
    // The process is part of the name: commands that take no lock write small files, too.
    let prefix = format!("{DRAFT}{}-", std::process::id());
    let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(parent);
    let mut file = file.map_err(|error| io_fault("create a file", parent, &error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| io_fault("write", path, &error))?;
    file.persist(path).map_err(|error| io_fault("rename", path, &error.error))?;
    sync_folder(parent)
}
