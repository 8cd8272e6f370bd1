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
    let mut records: Vec<Value> = paths.iter().filter_map(|path| read_json(path).ok().flatten()).collect();
    // The names of one second are in the order of process ids, which says nothing.
    records.sort_by(|a, b| a["started_at"].as_str().cmp(&b["started_at"].as_str()));
    Ok(records)
}

/// Free bytes on the disk of the data folder.
pub fn free_bytes(layout: &Layout) -> Result<u64> {
    let place = layout.root().ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    let held = rustix::fs::statvfs(place).map_err(|error| io_fault("look at the disk of", place, &error.into()))?;
    Ok(held.f_bavail * held.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_second_stand_in_the_order_of_their_start() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().to_owned());
        std::fs::create_dir_all(layout.runs()).unwrap();
        for (name, at) in [("20260101-120000-9999-load", "12:00:00.500"), ("20260101-120000-10001-verify", "12:00:00.900")] {
            let text = format!("{{ \"step\": {:?}, \"started_at\": \"2026-01-01T{at}Z\" }}", name.rsplit('-').next().unwrap());
            std::fs::write(layout.runs().join(format!("{name}.json")), text).unwrap();
        }
        let steps: Vec<Value> = all_run_records(&layout).unwrap().into_iter().map(|record| record["step"].clone()).collect();
        assert_eq!(steps, ["load", "verify"]);
    }
}
