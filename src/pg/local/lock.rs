//! Finds the process that runs on a data folder. `pg_ctl status` takes any living process with the recorded id for the server, and
//! ids are soon used again in a container.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

/// Lines 1, 4, 5 and 8 of `postmaster.pid`.
pub(super) struct LockFile {
    pub process: Pid,
    pub port: Option<u16>,
    pub socket: Option<PathBuf>,
    pub is_ready: bool,
}

impl LockFile {
    pub(super) fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let lines = text.lines().collect::<Vec<_>>();
        let line = |number: usize| lines.get(number - 1).map(|line| line.trim()).filter(|line| !line.is_empty());
        Some(Self {
            process: Pid::from_raw(line(1)?.parse().ok()?)?,
            port: line(4).and_then(|line| line.parse().ok()),
            socket: line(5).map(PathBuf::from),
            is_ready: line(8) == Some("ready"),
        })
    }
}

/// Whether a process is the server of this data folder, which is the working folder of a server.
pub(super) fn serves(process: Pid, data: &Path) -> bool {
    let folder = PathBuf::from(format!("/proc/{}/cwd", process.as_raw_nonzero()));
    match fs::read_link(&folder) {
        Ok(folder) => folder == data,
        // Without access to /proc, it is enough that the process is alive.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && Path::new("/proc/self").exists() => false,
        Err(_) => test_kill_process(process).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_of_a_dead_or_foreign_process_is_stale() {
        let data = tempfile::tempdir().unwrap();
        assert!(LockFile::read(data.path()).is_none());
        // The process of this test is alive, but in another folder.
        fs::write(data.path().join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
        assert!(!serves(LockFile::read(data.path()).unwrap().process, data.path()));
    }
}
