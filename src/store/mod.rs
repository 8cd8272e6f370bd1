//! Files and Parquet; no other module uses them.

mod archive;
mod aside;
mod csv;
mod draft;
mod exchange;
mod folder;
mod hash_runs;
mod layout;
mod lock;
mod manifest;
mod notes;
mod output;
mod parquet;
mod place;
mod private;
mod purge;
mod spill;

pub use archive::{read_archive, write_archive};
pub use aside::{ScratchFolder, run_records, save_text, scratch, set_aside};
pub use csv::{Dialect, Dump, DumpCounts, DumpReject, DumpWriter};
pub use draft::{Draft, replace_file};
pub use folder::Folder;
pub use hash_runs::HashRuns;
pub use layout::Layout;
pub use lock::RunLock;
pub use manifest::{FORMAT, FileEntry, Manifest, binary_hash, hash_bytes, hash_file};
pub use notes::{all_run_records, free_bytes, read_file, read_json};
pub use output::{Destination, is_stdout, write_output};
pub use parquet::{BatchReader, BatchWriter, TableReader, TableWriter};
pub(crate) use private::create_private;
pub use purge::{Purged, purge_datasets};
pub use spill::{Numbered, Spill, Ticket};

use std::path::Path;

use crate::fault::{Exit, Fault};

/// The text of a file; `None` if it does not exist.
pub fn read_text(path: &Path) -> anyhow::Result<Option<String>> {
    let Some(bytes) = read_file(path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| {
        let fault = Fault::new(Exit::Usage, "the file is not UTF-8 text").at(path.display().to_string());
        fault.help("save it as UTF-8; spreadsheets call that \"CSV UTF-8\"")
    })?;
    Ok(Some(text))
}

/// The text of a file that a spreadsheet may have saved in another encoding: characters that are not UTF-8 are replaced.
pub fn read_lossy(path: &Path) -> anyhow::Result<Option<String>> {
    Ok(read_file(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The error for a failed file operation: the operation, the path and the system's reason.
pub fn io_fault(action: &str, path: &Path, error: &std::io::Error) -> Fault {
    let fault = Fault::new(Exit::Failed, format!("cannot {action}: {error}")).at(path.display().to_string());
    match error.kind() {
        std::io::ErrorKind::StorageFull => fault.help("free some space, then run the same command again; nothing was replaced"),
        std::io::ErrorKind::PermissionDenied => fault.help("check the owner and mode of the folder"),
        std::io::ErrorKind::ReadOnlyFilesystem => fault.help("mount it for writing, or name another folder: --data-dir"),
        _ => fault,
    }
}
