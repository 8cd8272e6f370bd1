//! Small files next to the datasets: run records and manual notes.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::fault::{Exit, Fault};
use crate::store::{Layout, io_fault};

/// The bytes of a file; `None` if it does not exist.
pub fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_fault("read", path, &error).into()),
    }
}

/// A JSON file; `None` if it does not exist.
pub fn read_json(path: &Path) -> Result<Option<Value>> {
    let Some(bytes) = read_file(path)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes).map_err(|error| {
        Fault::new(Exit::Input, format!("the file is not valid JSON: {error}")).at(path.display().to_string())
    })?;
    Ok(Some(value))
}

/// Every run record, oldest first. Unreadable ones are left out, because nothing depends on their presence.
pub fn all_run_records(layout: &Layout) -> Result<Vec<Value>> {
    let folder = layout.runs();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_fault("list", &folder, &error).into()),
    };
    let mut paths: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    Ok(paths.iter().filter_map(|path| read_json(path).ok().flatten()).collect())
}

/// Free bytes on the disk of the data folder.
pub fn free_bytes(layout: &Layout) -> Result<u64> {
    let place = layout.root().ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    let held = rustix::fs::statvfs(place).map_err(|error| io_fault("look at the disk of", place, &error.into()))?;
    Ok(held.f_bavail * held.f_frsize)
}
