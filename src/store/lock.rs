//! One writer per data folder: an advisory lock that ends with its process.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

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
}

impl Drop for RunLock {
    /// Unlocks explicitly. A child process that is just starting has a copy of the open file, which would keep the lock if ours
    /// were only closed.
    fn drop(&mut self) {
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
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits()).unwrap_or(0))
            .open(&path)
            .map_err(|error| io_fault("open", &path, &error))?;
        // Checked again through the open file, because its name may have been given to another file meanwhile.
        let held = file.metadata().map_err(|error| io_fault("look at", &path, &error))?;
        if let Some(what) = not_a_plain_file(&held) {
            let fault = Fault::new(Exit::Usage, format!("the lock file {what}")).at(path.display().to_string());
            return Err(fault.help("remove it, then run the same command again").into());
        }
        match file.try_lock() {
            Ok(()) => {
                let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
                noted.map_err(|error| io_fault("write", &path, &error))?;
                for folder in [layout.root(), layout.exports_root()] {
                    recover(folder)?;
                    remove_leftovers(folder)?;
                }
                remove_leftovers(&layout.runs())?;
                Ok(Self { file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut other = String::new();
                let _ = file.read_to_string(&mut other);
                Err(Fault::new(Exit::Locked, format!("another run holds the data folder: {}", other.trim()))
                    .at(path.display().to_string())
                    .help("wait for it to end; the lock ends with its process")
                    .into())
            }
            Err(TryLockError::Error(error)) => Err(io_fault("lock", &path, &error).into()),
        }
    }
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
}
