//! Output files that the operator names: `-` is standard output; devices and pipes are written to, never replaced.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::OFlags;

use crate::fault::{Exit, Fault};
use crate::store::io_fault;

/// An output file. A regular file appears complete under its name at [`Destination::finish`], or not at all.
pub struct Destination {
    path: PathBuf,
    to: To,
}

enum To {
    Stdout(std::io::Stdout),
    /// A device, a pipe, or an open file descriptor.
    Special(File),
    Replaced(tempfile::NamedTempFile),
}

/// Whether the path means standard output.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

impl Destination {
    /// Opens the output. A missing parent folder, a folder or a link at the path is an error; nothing is changed.
    pub fn create(path: &Path) -> Result<Self> {
        let wrong = |what: &str| Fault::new(Exit::Usage, what).at(path.display().to_string());
        let to = if is_stdout(path) {
            To::Stdout(std::io::stdout())
        } else if (path.starts_with("/dev") && !path.starts_with("/dev/shm")) || path.starts_with("/proc") {
            To::Special(open_special(path, OFlags::empty())?)
        } else {
            let held = std::fs::symlink_metadata(path).ok();
            match held.map(|held| held.file_type()) {
                Some(kind) if kind.is_dir() => return Err(wrong("the path of the result is a folder; name a file").into()),
                Some(kind) if kind.is_symlink() => {
                    let fault = wrong("the path of the result is a symbolic link, whose target would be overwritten");
                    return Err(fault.help("name the file itself").into());
                }
                Some(kind) if !kind.is_file() => To::Special(open_special(path, OFlags::NOFOLLOW)?),
                _ => {
                    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                    if !parent.is_dir() {
                        let fault = wrong("the folder of the result is missing");
                        return Err(fault.help(format!("mkdir -p {}", parent.display())).into());
                    }
                    let file = tempfile::NamedTempFile::new_in(parent);
                    To::Replaced(file.map_err(|error| io_fault("create a file", parent, &error))?)
                }
            }
        };
        Ok(Self { path: path.to_path_buf(), to })
    }

    /// Completes the result.
    pub fn finish(mut self) -> Result<()> {
        let fault = |action: &str, error: &std::io::Error| io_fault(action, &self.path, error);
        match &mut self.to {
            To::Stdout(stdout) => stdout.flush().map_err(|error| fault("write", &error))?,
            To::Special(file) => file.flush().map_err(|error| fault("write", &error))?,
            To::Replaced(file) => file.as_file().sync_all().map_err(|error| fault("write", &error))?,
        }
        if let To::Replaced(file) = self.to {
            file.persist(&self.path).map_err(|error| io_fault("rename", &self.path, &error.error))?;
        }
        Ok(())
    }
}

fn open_special(path: &Path, flags: OFlags) -> Result<File> {
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let opened = OpenOptions::new().write(true).custom_flags(flags).open(path);
    opened.map_err(|error| io_fault("open", path, &error).into())
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.to {
            To::Stdout(stdout) => stdout.write(bytes),
            To::Special(file) => file.write(bytes),
            To::Replaced(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.to {
            To::Stdout(stdout) => stdout.flush(),
            To::Special(file) => file.flush(),
            To::Replaced(file) => file.flush(),
        }
    }
}

/// Writes a whole result.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut output = Destination::create(path)?;
    output.write_all(bytes).map_err(|error| io_fault("write", path, &error))?;
    output.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    fn refusal(path: &Path) -> String {
        write_output(path, b"new").unwrap_err().to_string()
    }

    #[test]
    fn a_regular_file_is_replaced_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "old and longer").unwrap();
        write_output(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        let read = std::thread::spawn({
            let path = path.clone();
            move || std::fs::read(path).unwrap()
        });
        write_output(&path, b"new").unwrap();
        assert_eq!(read.join().unwrap(), b"new");
        assert!(std::fs::metadata(&path).unwrap().file_type().is_fifo());
    }

    #[test]
    fn devices_stay_devices_and_a_full_one_is_a_fault() {
        write_output(Path::new("/dev/null"), b"new").unwrap();
        assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let full = write_output(Path::new("/dev/full"), b"new").unwrap_err();
        assert_eq!(full.downcast_ref::<Fault>().unwrap().exit, Exit::Failed);
    }

    #[test]
    fn links_folders_and_missing_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (precious, link) = (folder.path().join("precious"), folder.path().join("link"));
        std::fs::write(&precious, "kept").unwrap();
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        assert!(refusal(&link).contains("symbolic link"));
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "kept");
        assert!(refusal(folder.path()).contains("is a folder; name a file"));
        assert!(refusal(&folder.path().join("missing/out.csv")).contains("missing"));
        assert!(!folder.path().join("missing").exists());
    }
}
