//! Folders that a rollback sets aside, run records, and backups before an emergency rollback.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::store::private::{DRAFT, create_private};
use crate::store::{Layout, io_fault, replace_file};

/// Moves complete folders to `data/failed/<run>/` and returns their new paths. Missing folders are skipped.
pub fn set_aside(layout: &Layout, run_id: &str, folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let target = layout.failed().join(run_id);
    create_private(&target)?;
    let mut moved = Vec::new();
    for folder in folders.iter().filter(|folder| folder.exists()) {
        let Some(name) = folder.file_name() else { continue };
        let to = target.join(name);
        std::fs::rename(folder, &to).map_err(|error| io_fault("move", folder, &error))?;
        moved.push(to);
    }
    Ok(moved)
}

/// Saves a text file for its owner alone.
pub fn save_text(path: &Path, text: &str) -> Result<()> {
    replace_file(path, text.as_bytes())
}

/// The run records of a step, latest first.
pub fn run_records(layout: &Layout, step: &str) -> Result<Vec<String>> {
    let path = layout.runs();
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_fault("list", &path, &error).into()),
    };
    let suffix = format!("-{step}.json");
    let mut names: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&suffix)))
        .collect();
    names.sort_unstable();
    names.iter().rev().map(|path| std::fs::read_to_string(path).map_err(|error| io_fault("read", path, &error).into())).collect()
}

/// A temporary data folder that reads the exports of another one; removed when dropped.
pub struct ScratchFolder {
    /// Its paths.
    pub layout: Layout,
    _folder: tempfile::TempDir,
}

/// Creates one inside the data folder, so that it is on the same disk. Call under the run lock, which removes what a killed run
/// left.
pub fn scratch(layout: &Layout, name: &str) -> Result<ScratchFolder> {
    let root = layout.root();
    let folder = tempfile::Builder::new()
        .prefix(&format!("{name}{DRAFT}"))
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir_in(root)
        .map_err(|error| io_fault("create a folder", root, &error))?;
    Ok(ScratchFolder { layout: layout.beside(folder.path()), _folder: folder })
}
