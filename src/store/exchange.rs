//! Swaps a new folder with the old one: in one rename where the file system can exchange names, else in two with a note.
//!
//! Overlay and network file systems may not support the exchange. Then a note next to the folder describes the swap until both
//! renames are done. If the command is killed in between, the next command that takes the lock completes the swap.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::store::folder::MANIFEST;
use crate::store::io_fault;
use crate::store::private::{DRAFT, sync_folder, write_private};

/// End of the names of notes.
const NOTE: &str = ".exchange";

/// An unfinished exchange: names within one folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    target: String,
    draft: String,
    former: String,
}

/// Puts a complete draft in the place of its target. Returns where the former folder is now, if there was one.
pub(super) fn exchange(draft: &Path, target: &Path) -> Result<Option<PathBuf>> {
    match renameat_with(CWD, draft, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Some(draft.to_path_buf())),
        Err(Errno::NOENT) => rename(draft, target).map(|()| None),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => in_two_steps(draft, target),
        Err(error) => Err(io_fault("exchange folders", target, &error.into()).into()),
    }
}

fn in_two_steps(draft: &Path, target: &Path) -> Result<Option<PathBuf>> {
    if std::fs::symlink_metadata(target).is_err() {
        return rename(draft, target).map(|()| None);
    }
    let parent = target.parent().context("a target folder has a parent")?;
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let former = parent.join(format!("{}-former", name(draft)));
    let note = Note { target: name(target), draft: name(draft), former: name(&former) };
    let path = parent.join(format!(".{}{NOTE}", note.target));
    write_private(&path, &serde_json::to_vec(&note).context("a note is plain data")?)?;
    sync_folder(parent)?;
    rename(target, &former)?;
    if let Err(error) = rename(draft, target) {
        rename(&former, target)?;
        remove(&path)?;
        return Err(error);
    }
    sync_folder(parent)?;
    remove(&path)?;
    Ok(Some(former))
}

/// Completes interrupted exchanges in a folder: with the new folder if it is complete, else with the former one. Call under the run
/// lock, before leftovers are removed.
pub(super) fn recover(parent: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_fault("list", parent, &error).into()),
    };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(NOTE)) {
        let path = entry.path();
        let text = std::fs::read(&path).map_err(|error| io_fault("read", &path, &error))?;
        // An incomplete note means that the first rename has not happened yet.
        if let Ok(note) = serde_json::from_slice::<Note>(&text)
            && [&note.draft, &note.former].iter().all(|name| name.contains(DRAFT) && !name.contains('/'))
            && !note.target.contains('/')
        {
            let (target, draft, former) = (parent.join(&note.target), parent.join(&note.draft), parent.join(&note.former));
            if std::fs::symlink_metadata(&target).is_err() {
                if draft.join(MANIFEST).exists() {
                    rename(&draft, &target)?;
                } else if former.exists() {
                    rename(&former, &target)?;
                }
                sync_folder(parent)?;
            }
        }
        remove(&path)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| io_fault("rename", to, &error).into())
}

fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path).map_err(|error| io_fault("remove", path, &error).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder_with(parent: &Path, name: &str, manifest: &str) -> PathBuf {
        let path = parent.join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join(MANIFEST), manifest).unwrap();
        path
    }

    fn content(parent: &Path) -> String {
        fs::read_to_string(parent.join("stage").join(MANIFEST)).unwrap()
    }

    #[test]
    fn two_renames_do_what_one_exchange_does() {
        let parent = tempfile::tempdir().unwrap();
        let target = folder_with(parent.path(), "stage", "old");
        let draft = folder_with(parent.path(), "stage.tmp-1", "new");
        let former = in_two_steps(&draft, &target).unwrap().unwrap();
        assert_eq!(content(parent.path()), "new");
        assert_eq!(fs::read_to_string(former.join(MANIFEST)).unwrap(), "old");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 2, "the note is gone");
    }

    #[test]
    fn an_exchange_interrupted_at_any_step_is_completed() {
        let note = |parent: &Path| {
            let note = Note { target: "stage".into(), draft: "stage.tmp-1".into(), former: "stage.tmp-1-former".into() };
            fs::write(parent.join(".stage.exchange"), serde_json::to_vec(&note).unwrap()).unwrap();
        };
        for (folders, wanted) in [
            (vec![("stage", "old"), ("stage.tmp-1", "new")], "old"),
            (vec![("stage.tmp-1-former", "old"), ("stage.tmp-1", "new")], "new"),
            (vec![("stage.tmp-1-former", "old")], "old"),
            (vec![("stage.tmp-1-former", "old"), ("stage", "new")], "new"),
        ] {
            let parent = tempfile::tempdir().unwrap();
            for (name, manifest) in &folders {
                folder_with(parent.path(), name, manifest);
            }
            note(parent.path());
            recover(parent.path()).unwrap();
            assert_eq!(content(parent.path()), wanted, "{folders:?}");
            assert!(!parent.path().join(".stage.exchange").exists());
        }
    }

    #[test]
    fn an_incomplete_or_foreign_note_moves_nothing() {
        let outside = tempfile::tempdir().unwrap();
        let parent = outside.path().join("data");
        fs::create_dir(&parent).unwrap();
        folder_with(outside.path(), "x.tmp-1", "foreign");
        for text in ["{", r#"{"target":"stage","draft":"../x.tmp-1","former":"y.tmp-1"}"#] {
            fs::write(parent.join(".stage.exchange"), text).unwrap();
            recover(&parent).unwrap();
            assert!(!parent.join("stage").exists() && outside.path().join("x.tmp-1").exists());
        }
    }
}
