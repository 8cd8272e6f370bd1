//! The lock of a data folder: one writer, or several exports of different sources. It is advisory and ends with its process.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::fs::OFlags;

use crate::fault::{Exit, Fault};
use crate::store::draft::remove_leftovers;
use crate::store::exchange::recover;
use crate::store::place::{check_place, not_a_plain_file};
use crate::store::private::create_private;
use crate::store::{Layout, io_fault};

/// Held while a command writes to a data folder.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    /// That of the one folder that is written, where others are written beside it.
    own: Option<File>,
}

/// How often whoever is tidying up is asked whether it is done, and how long it is waited for each time.
const TIDYING: (u32, Duration) = (50, Duration::from_millis(100));

impl Drop for RunLock {
    /// Unlocks explicitly. A child process that is just starting has a copy of the open file, which would keep the lock if ours
    /// were only closed.
    fn drop(&mut self) {
        let _ = self.own.take().map(|own| own.unlock());
        let _ = self.file.unlock();
    }
}

impl RunLock {
    /// Takes the lock, or fails with the name of its holder. Completes or removes what killed runs left behind. Fails if the
    /// folder is not safe to write to.
    pub fn take(layout: &Layout, holder: &str) -> Result<Self> {
        create_private(layout.root())?;
        check_place(layout)?;
        let path = layout.lock();
        let mut file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {
                tidy_up(layout, &mut file, &path, holder)?;
                Ok(Self { file, own: None })
            }
            Err(TryLockError::WouldBlock) => Err(is_held(file, &path).into()),
            Err(TryLockError::Error(error)) => Err(io_fault("lock", &path, &error).into()),
        }
    }

    /// Takes a lock that others may hold beside it, each for a folder of its own: several exports at once, and nothing else.
    pub fn take_beside(layout: &Layout, holder: &str, own: &str) -> Result<Self> {
        create_private(layout.root())?;
        create_private(layout.exports_root())?;
        check_place(layout)?;
        let path = layout.lock();
        let mut file = open(&path)?;
        // Whoever is alone tidies up, and makes room for the others.
        match file.try_lock() {
            Ok(()) => tidy_up(layout, &mut file, &path, holder)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(io_fault("lock", &path, &error).into()),
        }
        let (times, pause) = TIDYING;
        let mut is_shared = false;
        for _ in 0..times {
            match file.try_lock_shared() {
                Ok(()) => {
                    is_shared = true;
                    break;
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
                Err(TryLockError::Error(error)) => return Err(io_fault("lock", &path, &error).into()),
            }
        }
        if !is_shared {
            return Err(is_held(file, &path).into());
        }
        let place = layout.exports_root().join(format!(".lock-{own}"));
        let mut held = open(&place)?;
        match held.try_lock() {
            Ok(()) => {
                note(&mut held, &place, holder)?;
                Ok(Self { file, own: Some(held) })
            }
            Err(TryLockError::WouldBlock) => Err(is_held(held, &place).into()),
            Err(TryLockError::Error(error)) => Err(io_fault("lock", &place, &error).into()),
        }
    }
}

fn open(path: &Path) -> Result<File> {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits()).unwrap_or(0))
        .open(path)
        .map_err(|error| io_fault("open", path, &error))?;
    // Looked at again through the open file: its name may have been given to another one meanwhile.
    let held = file.metadata().map_err(|error| io_fault("look at", path, &error))?;
    if let Some(what) = not_a_plain_file(&held) {
        let fault = Fault::new(Exit::Usage, format!("the lock file {what}")).at(path.display().to_string());
        return Err(fault.help("remove it, then run the same command again").into());
    }
    Ok(file)
}

fn note(file: &mut File, path: &Path, holder: &str) -> Result<()> {
    let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
    noted.map_err(|error| io_fault("write", path, &error).into())
}

fn tidy_up(layout: &Layout, file: &mut File, path: &Path, holder: &str) -> Result<()> {
    note(file, path, holder)?;
    for folder in [layout.root(), layout.exports_root()] {
        recover(folder)?;
        remove_leftovers(folder)?;
    }
    remove_leftovers(&layout.runs())
}

fn is_held(mut file: File, path: &Path) -> Fault {
    let mut other = String::new();
    let _ = file.read_to_string(&mut other);
    Fault::new(Exit::Locked, format!("another run holds the data folder: {}", other.trim()))
        .at(path.display().to_string())
        .help("wait for it to end; the lock goes with its process")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_lock_is_free_although_a_child_has_a_copy_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("data"));
        let first = RunLock::take(&layout, "first").unwrap();
        let copy = first.file.try_clone().unwrap();
        assert!(RunLock::take(&layout, "second").unwrap_err().to_string().contains("first"));
        drop(first);
        RunLock::take(&layout, "third").unwrap();
        drop(copy);
    }

    #[test]
    fn only_exports_of_different_sources_run_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("data"));
        let scl = RunLock::take_beside(&layout, "export of scl", "scl").unwrap();
        let teetime = RunLock::take_beside(&layout, "export of teetime", "teetime").unwrap();
        assert!(RunLock::take_beside(&layout, "again", "scl").unwrap_err().to_string().contains("export of scl"));
        assert!(RunLock::take(&layout, "stage").is_err());
        drop(scl);
        assert!(RunLock::take(&layout, "stage").is_err(), "the other export is still at work");
        drop(teetime);
        RunLock::take(&layout, "stage").unwrap();
    }
}
