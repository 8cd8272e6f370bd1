//! What a folder holds and what it was made from; its presence says that the folder is complete.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::store::io_fault;

/// Version of the manifest and of the datasets' layout.
pub const FORMAT: u32 = 1;

/// The manifest of a folder. Holds no clock, path, host or thread count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The step that wrote it: `export`, `stage`, …
    pub step: String,
    /// The instant all is seen from, RFC 3339.
    pub as_of: String,
    /// The phase, from `stage` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<u8>,
    /// Content hash of everything the step read: manifests, settings, reference files, SQL.
    pub inputs: BTreeMap<String, String>,
    /// Hash of the binary that wrote it; the only part outside the promise of byte identity.
    pub binary: String,
    /// Facts about the run that later steps and the report need: counts by name.
    #[serde(default)]
    pub counts: BTreeMap<String, i64>,
    /// Facts in words (server version, snapshot, watermark).
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// The files, by name.
    pub files: BTreeMap<String, FileEntry>,
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Rows, for datasets.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of the bytes.
    pub blake3: String,
}

impl Manifest {
    /// The manifest of a step that is about to run, without files yet.
    pub fn new(step: &str, as_of: &str, phase: Option<u8>) -> Self {
        Self { format: FORMAT, step: step.to_owned(), as_of: as_of.to_owned(), phase, binary: binary_hash(), ..Self::default() }
    }

    /// Adds an input by its content.
    pub fn input(&mut self, name: impl Into<String>, bytes: &[u8]) -> &mut Self {
        self.inputs.insert(name.into(), hash_bytes(bytes));
        self
    }

    /// Whether the other was made of the same things by the same step, so that there is nothing to do. The binary counts: a
    /// new version makes its datasets anew.
    pub fn same_inputs(&self, other: &Self) -> bool {
        (self.format, &self.step, &self.as_of, self.phase, &self.inputs, &self.binary)
            == (other.format, &other.step, &other.as_of, other.phase, &other.inputs, &other.binary)
    }

    /// The hash by which later steps name this manifest as their input; leaves the binary out.
    pub fn content_hash(&self) -> String {
        let content = Self { binary: String::new(), ..self.clone() };
        hash_bytes(&serde_json::to_vec(&content).expect("a manifest is plain data"))
    }

    /// A count by name, 0 when absent.
    pub fn count(&self, name: &str) -> i64 {
        self.counts.get(name).copied().unwrap_or(0)
    }
}

/// BLAKE3 of bytes in hex.
pub fn hash_bytes(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// BLAKE3 of a file in hex.
pub fn hash_file(path: &Path) -> Result<String> {
    let mut file = std::fs::File::open(path).map_err(|error| io_fault("open", path, &error))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer).map_err(|error| io_fault("read", path, &error))?;
        if read == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update(&buffer[..read]);
    }
}

/// BLAKE3 of the running binary, computed once.
pub fn binary_hash() -> String {
    static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    HASH.get_or_init(|| {
        std::env::current_exe()
            .context("no executable")
            .and_then(|path| hash_file(&path))
            .unwrap_or_else(|_| "unknown".to_owned())
    })
    .clone()
}
