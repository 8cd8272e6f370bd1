//! Folders and files that only their owner may read, and the names of drafts.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Result;

use crate::store::io_fault;

/// Infix of the names of drafts and scratch folders, between the final name and a random suffix.
pub(super) const DRAFT: &str = ".tmp-";

/// Creates a folder and its parents, readable by the owner only.
pub(crate) fn create_private(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| io_fault("create", path, &error).into())
}

/// Writes a new file, readable by the owner only, and syncs it.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io_fault("create", path, &error))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| io_fault("write", path, &error).into())
}

/// Syncs the names in a folder to disk.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| io_fault("sync", path, &error).into())
}
