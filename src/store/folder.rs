//! A complete folder of datasets. Only files in its manifest are read, after their hash is checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::Source;
use crate::store::manifest::hash_open_file;
use crate::store::{BatchReader, FileEntry, Manifest, TableReader, io_fault};
use crate::tables::Table;

/// The name of the manifest in each folder.
pub(super) const MANIFEST: &str = "manifest.json";

/// A complete folder of a step.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// What it holds and what it was made from.
    pub manifest: Manifest,
}

impl Folder {
    /// Opens a folder. A missing, incomplete or foreign folder is an input error that names the step to run.
    pub fn open(path: &Path) -> Result<Self> {
        Self::find(path)?.ok_or_else(|| {
            let fault = Fault::new(Exit::Input, "no complete dataset folder").at(path.display().to_string());
            fault.help(made_again_by(path)).into()
        })
    }

    /// Opens a folder if it exists and is complete.
    pub fn find(path: &Path) -> Result<Option<Self>> {
        let file = path.join(MANIFEST);
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_fault("read", &file, &error).into()),
        };
        let manifest = Manifest::read(&text)
            .map_err(|what| Fault::new(Exit::Input, what).at(file.display().to_string()).help(made_again_by(path)))?;
        Ok(Some(Self { path: path.to_path_buf(), manifest }))
    }

    /// Opens a folder if it exists, is complete and undamaged. For folders that are only compared with, or about to be replaced.
    pub fn find_readable(path: &Path) -> Option<Self> {
        Self::find(path).ok().flatten()
    }

    /// Fails unless the folder lists exactly these datasets.
    pub fn require(&self, datasets: &BTreeSet<String>) -> Result<()> {
        let listed: BTreeSet<String> =
            self.manifest.files.keys().filter_map(|name| Some(name.strip_suffix(".parquet")?.to_owned())).collect();
        let names = |of: Vec<&String>| of.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut wrong = Vec::new();
        let (missing, more) = (names(datasets.difference(&listed).collect()), names(listed.difference(datasets).collect()));
        if !missing.is_empty() {
            wrong.push(format!("it does not list {missing}"));
        }
        if !more.is_empty() {
            wrong.push(format!("it lists {more}, which does not belong there"));
        }
        if !wrong.is_empty() {
            return Err(Fault::new(Exit::Input, format!("the folder is not complete: {}", wrong.join("; ")))
                .at(self.path.display().to_string())
                .help(made_again_by(&self.path))
                .into());
        }
        Ok(())
    }

    /// Its location.
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
        TableReader::open(self.verified(&path, entry)?, path, entry.rows)
    }

    /// Reads some columns of a dataset as Arrow arrays, without checking the hash: the full read checks it later.
    pub fn glance<T: Table>(&self, source: Option<Source>, columns: &[&str]) -> Result<BatchReader> {
        let rows = self.entry::<T>(source)?.rows;
        let path = self.path.join(format!("{}.parquet", T::stem(source)));
        let file = File::open(&path).map_err(|error| io_fault("open", &path, &error))?;
        BatchReader::open_columns(file, path, rows, &|name| columns.contains(&name))
    }

    /// Reads a dataset whole.
    pub fn read_all<T: Table>(&self, source: Option<Source>) -> Result<Vec<T::Columns>> {
        self.read::<T>(source)?.collect()
    }

    /// Reads a dataset by its name, as Arrow arrays.
    pub fn read_stem(&self, stem: &str) -> Result<BatchReader> {
        let name = format!("{stem}.parquet");
        let entry = self.manifest.files.get(&name).ok_or_else(|| {
            Fault::new(Exit::Input, format!("the folder has no dataset {stem:?}")).at(self.path.display().to_string())
        })?;
        let path = self.path.join(name);
        BatchReader::open(self.verified(&path, entry)?, path, entry.rows)
    }

    /// Checks one listed file against its hash; returns its entry.
    pub fn verify(&self, name: &str) -> Result<FileEntry> {
        let entry = self.manifest.files.get(name).ok_or_else(|| {
            Fault::new(Exit::Input, format!("the folder does not list {name:?}")).at(self.path.display().to_string())
        })?;
        self.verified(&self.path.join(name), entry)?;
        Ok(entry.clone())
    }

    /// Checks every listed file against its hash.
    pub fn check(&self) -> Result<()> {
        for (name, entry) in &self.manifest.files {
            let path = self.path.join(name);
            let file = self.verified(&path, entry)?;
            if name.ends_with(".parquet") {
                BatchReader::open(file, path, entry.rows)?;
            }
        }
        Ok(())
    }

    /// Opens a listed file and checks its hash. The open file is read later, so another file under its name does not matter.
    fn verified(&self, path: &Path, entry: &FileEntry) -> Result<File> {
        let altered = |what: &str| Fault::new(Exit::Input, what).at(path.display().to_string()).help(made_again_by(&self.path));
        let mut file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => altered("a listed file is missing"),
            _ => io_fault("open", path, &error),
        })?;
        let held = file.metadata().map_err(|error| io_fault("read", path, &error))?;
        if !held.is_file() || held.len() != entry.bytes {
            return Err(altered("the file does not have the size in its manifest").into());
        }
        if hash_open_file(&mut file, path)? != entry.blake3 {
            return Err(altered("the file was altered: its hash is not the one in the manifest").into());
        }
        file.rewind().map_err(|error| io_fault("read", path, &error))?;
        Ok(file)
    }
}

/// The command that recreates a folder.
fn made_again_by(path: &Path) -> String {
    let step = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let exported = path.parent().is_some_and(|parent| parent.ends_with("exports"));
    match step.as_str() {
        _ if exported => format!("make export-{}", step.replace('_', "-")),
        "crm" => "make consolidate".to_owned(),
        "resolve-strategy" => "make resolve ARGS=\"--method strategy\"".to_owned(),
        _ => format!("make {step}"),
    }
}

#[cfg(test)]
mod tests;
