//! Checks that a data folder is safe: no links lead out of it, and no other user can write to it.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::{Code as _, Source};
use crate::store::{Layout, io_fault};

/// Folders of a data folder that commands write to.
pub(super) const FOLDERS: [&str; 15] = [
    "exports",
    "stage",
    "resolve",
    "resolve-strategy",
    "crm",
    "score",
    "verify",
    "report",
    "rejects",
    "audit",
    "previous",
    "failed",
    "backup",
    "demo",
    "runs",
];

/// Small files of a data folder that commands write.
const FILES: [&str; 6] = [".lock", ".as_of", ".demo", "purged.json", "views.sql", "checklist.json"];

/// Mode bit that lets every user write.
const ANYBODY_WRITES: u32 = 0o002;

/// Fails if another user may write to the data folder, or if its own names are links or special files. Lists every problem at once.
pub(super) fn check_place(layout: &Layout) -> Result<()> {
    let root = layout.root();
    let held = std::fs::metadata(root).map_err(|error| io_fault("look at", root, &error))?;
    let mut wrong = Vec::new();
    if !held.is_dir() {
        wrong.push(format!("{} is not a folder", root.display()));
    }
    wrong.extend(open_to_all(root, &held));
    let exported = Source::ALL.iter().map(|source| format!("exports/{source}"));
    let folders = FOLDERS.iter().map(|name| (*name).to_owned()).chain(exported).chain(["exports/crm".to_owned()]);
    for path in folders.map(|name| root.join(name)) {
        let Some(held) = own_metadata(&path)? else { continue };
        if held.is_symlink() {
            wrong.push(format!("{} is a symbolic link", path.display()));
        } else if !held.is_dir() {
            wrong.push(format!("{} is not a folder", path.display()));
        }
        wrong.extend(open_to_all(&path, &held));
    }
    for path in FILES.iter().map(|name| root.join(name)) {
        if let Some(held) = own_metadata(&path)?
            && let Some(what) = not_a_plain_file(&held)
        {
            wrong.push(format!("{} {what}", path.display()));
        }
    }
    let Some(first) = wrong.first() else { return Ok(()) };
    let mut fault = Fault::new(Exit::Usage, format!("the data folder is not safe to write to: {first}"));
    for other in &wrong[1..] {
        fault = fault.help(other.clone());
    }
    Err(fault
        .at(root.display().to_string())
        .help("links: set DATA_DIR to the folder itself, or mount it there")
        .help("open folders: chmod 700 FOLDER")
        .into())
}

fn own_metadata(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::symlink_metadata(path) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_fault("look at", path, &error).into()),
    }
}

fn open_to_all(path: &Path, held: &Metadata) -> Option<String> {
    let mode = held.permissions().mode();
    let is_open = held.is_dir() && mode & ANYBODY_WRITES != 0;
    is_open.then(|| format!("anybody may write in {} (mode {:o})", path.display(), mode & 0o7777))
}

/// Why a file of ours must not be written in place; `None` if it may.
pub(super) fn not_a_plain_file(held: &Metadata) -> Option<&'static str> {
    if held.is_symlink() {
        Some("is a symbolic link")
    } else if !held.is_file() {
        Some("is not a regular file")
    } else if held.nlink() > 1 {
        Some("has a second name elsewhere (a hard link)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
