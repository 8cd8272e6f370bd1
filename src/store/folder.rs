//! A complete folder of datasets: only listed files are read, and only when their hash is right.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::Source;
use crate::store::{BatchReader, FORMAT, FileEntry, Manifest, TableReader, hash_file, io_fault};
use crate::tables::Table;

/// The name of the manifest in each folder.
pub(super) const MANIFEST: &str = "manifest.json";

/// A folder that a step completed.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// What it holds and what it was made from.
    pub manifest: Manifest,
}

impl Folder {
    /// Opens a folder; missing, incomplete or foreign folders are input faults that name the step to run.
    pub fn open(path: &Path) -> Result<Self> {
        Self::find(path)?.ok_or_else(|| {
            let step = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let exported = path.parent().is_some_and(|parent| parent.ends_with("exports"));
            let target = match step.as_str() {
                _ if exported => format!("export-{}", step.replace('_', "-")),
                "crm" => "consolidate".to_owned(),
                "resolve-strategy" => "resolve ARGS=\"--method strategy\"".to_owned(),
                _ => step,
            };
            Fault::new(Exit::Input, "nothing complete is here")
                .at(path.display().to_string())
                .help(format!("make {target}"))
                .into()
        })
    }

    /// Opens a folder if it is there and complete.
    pub fn find(path: &Path) -> Result<Option<Self>> {
        let file = path.join(MANIFEST);
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_fault("read", &file, &error).into()),
        };
        let corrupt = |what: String| Fault::new(Exit::Input, what).at(file.display().to_string());
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| corrupt(format!("the manifest cannot be read: {error}")).help("run the step that wrote it again"))?;
        if manifest.format != FORMAT {
            return Err(corrupt(format!("the folder has format {}, this version reads {FORMAT}", manifest.format))
                .help("run the step that wrote it again")
                .into());
        }
        Ok(Some(Self { path: path.to_path_buf(), manifest }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The manifest's entry of a dataset.
    pub fn entry<T: Table>(&self, source: Option<Source>) -> Result<&FileEntry> {
        let name = format!("{}.parquet", T::stem(source));
        self.manifest.files.get(&name).ok_or_else(|| {
            Fault::new(Exit::Input, format!("the folder has no dataset {:?}", T::stem(source)))
                .at(self.path.display().to_string())
                .help("it was written by another version or for a lower phase: run its step again")
                .into()
        })
    }

    /// Whether it holds a dataset.
    pub fn has<T: Table>(&self, source: Option<Source>) -> bool {
        self.manifest.files.contains_key(&format!("{}.parquet", T::stem(source)))
    }

    /// Rows of a dataset, as the manifest says.
    pub fn rows<T: Table>(&self, source: Option<Source>) -> Result<u64> {
        Ok(self.entry::<T>(source)?.rows)
    }

    /// Reads a dataset batch by batch, after checking its hash.
    pub fn read<T: Table>(&self, source: Option<Source>) -> Result<TableReader<T>> {
        let entry = self.entry::<T>(source)?;
        let path = self.path.join(format!("{}.parquet", T::stem(source)));
        self.check_file(&path, entry)?;
        TableReader::open(path)
    }

    /// Reads some columns of a dataset for a first look, as Arrow has them. The hash is checked by whoever reads the dataset whole.
    pub fn glance<T: Table>(&self, source: Option<Source>, columns: &[&str]) -> Result<BatchReader> {
        self.entry::<T>(source)?;
        BatchReader::open_columns(self.path.join(format!("{}.parquet", T::stem(source))), |name| columns.contains(&name))
    }

    /// Reads a dataset whole.
    pub fn read_all<T: Table>(&self, source: Option<Source>) -> Result<Vec<T::Columns>> {
        self.read::<T>(source)?.collect()
    }

    /// Reads a dataset by its name, as Arrow has it.
    pub fn read_stem(&self, stem: &str) -> Result<BatchReader> {
        let name = format!("{stem}.parquet");
        let entry = self.manifest.files.get(&name).ok_or_else(|| {
            Fault::new(Exit::Input, format!("the folder has no dataset {stem:?}")).at(self.path.display().to_string())
        })?;
        let path = self.path.join(name);
        self.check_file(&path, entry)?;
        BatchReader::open(path)
    }

    /// Checks every listed file against its hash.
    pub fn check(&self) -> Result<()> {
        for (name, entry) in &self.manifest.files {
            self.check_file(&self.path.join(name), entry)?;
        }
        Ok(())
    }

    fn check_file(&self, path: &Path, entry: &FileEntry) -> Result<()> {
        let altered =
            |what: &str| Fault::new(Exit::Input, what).at(path.display().to_string()).help("run the step that wrote it again");
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.len() == entry.bytes => {}
            Ok(_) => return Err(altered("the file has another size than its manifest says").into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(altered("a listed file is missing").into()),
            Err(error) => return Err(io_fault("read", path, &error).into()),
        }
        if hash_file(path)? != entry.blake3 {
            return Err(altered("the file was altered: its hash is not the one in the manifest").into());
        }
        Ok(())
    }
}
