//! Purges a data folder: removes the files, keeps their names, row counts and hashes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::fault::{Exit, Fault};
use crate::store::place::FOLDERS;
use crate::store::{Folder, Layout, Manifest, io_fault, replace_file};

/// What a purge removed.
#[derive(Debug)]
pub struct Purged {
    /// Files that are gone.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files whose content is still readable under another name (a hard link) outside the removed folders.
    pub linked: u64,
    /// The file that lists what was removed.
    pub tombstone: PathBuf,
}

/// The folder that stays because it holds no personal data: run records with counts and times.
const KEPT: &str = "runs";

/// Removes every folder that can hold personal data, and writes the tombstone. Call under the run lock, which rejects links in
/// place of these folders. Fails if there are links deeper inside, because their targets would stay. A second purge finds nothing
/// and keeps the tombstone of the first.
pub fn purge_datasets(layout: &Layout) -> Result<Purged> {
    let tombstone = layout.root().join("purged.json");
    let mut found = Contents::default();
    let names = FOLDERS.iter().filter(|name| **name != KEPT);
    let folders: Vec<PathBuf> = names.map(|name| layout.root().join(name)).filter(|path| path.exists()).collect();
    for folder in &folders {
        found.add(folder, layout.root())?;
    }
    if let Some(link) = found.links.first() {
        let what =
            format!("{} symbolic links lead out of the data folder: a purge would leave what they lead to", found.links.len());
        let fault = Fault::new(Exit::Usage, what).at(link.display().to_string());
        return Err(fault.help("remove what they lead to and the links, then purge again; nothing was removed").into());
    }
    let mut purged = Purged { files: 0, bytes: 0, linked: found.linked(), tombstone: tombstone.clone() };
    if folders.is_empty() {
        return Ok(purged);
    }
    // The tombstone is written before anything is removed, so that an interrupted purge is repeated.
    replace_file(&tombstone, &serde_json::to_vec_pretty(&found.manifests).context("a manifest is plain data")?)?;
    for folder in &folders {
        std::fs::remove_dir_all(folder).map_err(|error| io_fault("remove", folder, &error))?;
    }
    let remaining: Vec<&PathBuf> =
        found.files.keys().chain(&folders).filter(|path| std::fs::symlink_metadata(path).is_ok()).collect();
    if let Some(first) = remaining.first() {
        let fault = Fault::new(Exit::Failed, format!("{} files and folders are still there after the purge", remaining.len()));
        return Err(fault
            .at(first.display().to_string())
            .help("another program writes to the folder: stop it, then purge again")
            .into());
    }
    purged.files = found.files.len() as u64;
    purged.bytes = found.files.values().map(|file| file.bytes).sum();
    Ok(purged)
}

/// What the folders hold before they are removed.
#[derive(Default)]
struct Contents {
    manifests: BTreeMap<String, Manifest>,
    files: BTreeMap<PathBuf, FileOnDisk>,
    links: Vec<PathBuf>,
}

struct FileOnDisk {
    bytes: u64,
    /// Names of the file on the whole file system.
    names: u64,
    /// Device and number, the same for all names of a file.
    identity: (u64, u64),
}

impl Contents {
    fn add(&mut self, folder: &Path, root: &Path) -> Result<()> {
        if let Some(complete) = Folder::find_readable(folder) {
            let name = folder.strip_prefix(root).unwrap_or(folder).display().to_string();
            self.manifests.insert(name, complete.manifest);
        }
        for entry in std::fs::read_dir(folder).map_err(|error| io_fault("list", folder, &error))? {
            let path = entry.map_err(|error| io_fault("list", folder, &error))?.path();
            let held = std::fs::symlink_metadata(&path).map_err(|error| io_fault("look at", &path, &error))?;
            if held.is_dir() {
                self.add(&path, root)?;
            } else if held.is_symlink() {
                self.links.push(path);
            } else {
                let identity = (held.dev(), held.ino());
                self.files.insert(path, FileOnDisk { bytes: held.len(), names: held.nlink(), identity });
            }
        }
        Ok(())
    }

    /// Files that have more names than those found here.
    fn linked(&self) -> u64 {
        let mut names: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
        for file in self.files.values() {
            names.entry(file.identity).or_insert((0, file.names)).0 += 1;
        }
        names.values().filter(|(found, all)| found < all).count() as u64
    }
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

    #[test]
    fn links_stop_a_purge_and_hard_links_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("data"));
        let kept = folder.path().join("elsewhere");
        std::fs::create_dir_all(layout.exports_root()).unwrap();
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("people.parquet"), "people").unwrap();
        let link = layout.exports_root().join("scl");
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        let refused = purge_datasets(&layout).unwrap_err();
        assert!(refused.to_string().contains("1 symbolic links"), "{refused}");
        assert!(link.exists() && kept.join("people.parquet").exists());
        std::fs::remove_file(&link).unwrap();
        std::fs::create_dir_all(layout.rejects()).unwrap();
        std::fs::hard_link(kept.join("people.parquet"), layout.rejects().join("rejects_scl__members.csv")).unwrap();
        let purged = purge_datasets(&layout).unwrap();
        assert_eq!((purged.files, purged.linked), (1, 1));
        assert!(!layout.rejects().exists());
    }
}
