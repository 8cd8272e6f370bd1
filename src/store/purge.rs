//! The end of a data folder: its files go, their names, rows and hashes stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::store::{Folder, Layout, io_fault, replace_file};

/// What a purge removed.
pub struct Purged {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
    /// The file that says what was removed.
    pub tombstone: PathBuf,
}

/// Removes every folder that can hold people's data, and writes the tombstone. A second purge finds nothing and keeps the first's.
pub fn purge_datasets(layout: &Layout) -> Result<Purged> {
    let tombstone = layout.root().join("purged.json");
    let mut purged = Purged { files: 0, bytes: 0, tombstone: tombstone.clone() };
    let mut manifests = BTreeMap::new();
    let names = [
        "exports",
        "stage",
        "resolve",
        "resolve-strategy",
        "crm",
        "score",
        "verify",
        "report",
        "previous",
        "failed",
        "backup",
        "demo",
    ];
    let folders: Vec<PathBuf> = names.iter().map(|name| layout.root().join(name)).filter(|path| path.exists()).collect();
    for folder in &folders {
        count(folder, &mut purged, &mut manifests, layout.root())?;
    }
    if folders.is_empty() {
        return Ok(purged);
    }
    // The proof is written before anything is removed: a purge that is cut short is repeated, never forgotten.
    replace_file(&tombstone, &serde_json::to_vec_pretty(&manifests).context("a manifest is plain data")?)?;
    for folder in folders {
        std::fs::remove_dir_all(&folder).map_err(|error| io_fault("remove", &folder, &error))?;
    }
    Ok(purged)
}

fn count(
    folder: &Path,
    purged: &mut Purged,
    manifests: &mut BTreeMap<String, crate::store::Manifest>,
    root: &Path,
) -> Result<()> {
    if let Ok(Some(complete)) = Folder::find(folder) {
        let name = folder.strip_prefix(root).unwrap_or(folder).display().to_string();
        manifests.insert(name, complete.manifest);
    }
    for entry in std::fs::read_dir(folder).map_err(|error| io_fault("list", folder, &error))? {
        let path = entry.map_err(|error| io_fault("list", folder, &error))?.path();
        if path.is_dir() {
            count(&path, purged, manifests, root)?;
        } else {
            purged.files += 1;
            purged.bytes += path.metadata().map_or(0, |metadata| metadata.len());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Draft, Manifest};
    use crate::tables::check::findings;

    #[test]
    fn a_purge_leaves_hashes_and_no_data_and_a_second_one_nothing_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let draft = Draft::create(&layout.stage(), "2026-11-01T08:00:00.000Z").unwrap();
        draft.write::<findings::Table>(None, []).unwrap();
        draft.finish(Manifest::new("stage", "2026-11-01T08:00:00.000Z", Some(6)), &layout.previous("stage")).unwrap();
        let purged = purge_datasets(&layout).unwrap();
        assert_eq!(purged.files, 2);
        assert!(!layout.stage().exists());
        let tombstone = std::fs::read_to_string(&purged.tombstone).unwrap();
        assert!(tombstone.contains("check__findings.parquet"));
        assert_eq!(purge_datasets(&layout).unwrap().files, 0);
        assert_eq!(std::fs::read_to_string(&purged.tombstone).unwrap(), tombstone);
    }
}
