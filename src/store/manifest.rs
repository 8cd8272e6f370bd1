//! The manifest of a folder: its files and its inputs. A folder with a manifest is complete.

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
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The step that wrote it: `export`, `stage`, …
    pub step: String,
    /// Point in time the run is evaluated at, RFC 3339.
    pub as_of: String,
    /// The phase, from `stage` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<u8>,
    /// Content hash of everything the step read: manifests, settings, reference files, SQL.
    pub inputs: BTreeMap<String, String>,
    /// Hash of the binary that wrote it; the only part that may differ between equal runs.
    pub binary: String,
    /// Facts about the run that later steps and the report need: counts by name.
    #[serde(default)]
    pub counts: BTreeMap<String, i64>,
    /// Facts as text (server version, snapshot, watermark).
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// The files, by name.
    pub files: BTreeMap<String, FileEntry>,
    /// Hash of everything above except the binary, which detects editing and damage; empty until the manifest is sealed.
    #[serde(default)]
    pub hash: String,
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

    /// Whether both were made from the same inputs by the same step and binary, so that there is nothing to do. A new version
    /// always makes its datasets again.
    pub fn same_inputs(&self, other: &Self) -> bool {
        (self.format, &self.step, &self.as_of, self.phase, &self.inputs, &self.binary)
            == (other.format, &other.step, &other.as_of, other.phase, &other.inputs, &other.binary)
    }

    /// The hash that later steps record for this manifest as their input; leaves the binary out.
    pub fn content_hash(&self) -> String {
        let content = Self { binary: String::new(), hash: String::new(), ..self.clone() };
        hash_bytes(&serde_json::to_vec(&content).expect("a manifest is plain data"))
    }

    /// The hash of the files alone, which does not depend on when and from where they were made.
    pub fn files_hash(&self) -> String {
        let lines: Vec<String> =
            self.files.iter().map(|(name, file)| format!("{name} {} {}\n", file.rows, file.blake3)).collect();
        hash_bytes(lines.concat().as_bytes())
    }

    /// The file's bytes, with the hash of their content.
    pub fn sealed(&mut self) -> Result<Vec<u8>> {
        self.hash = self.content_hash();
        let mut text = serde_json::to_vec_pretty(self).context("a manifest is plain data")?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads a manifest strictly: this format, no unknown fields, the right hash, the same bytes as written.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let format = serde_json::from_slice::<serde_json::Value>(bytes).ok().and_then(|value| value.get("format")?.as_u64());
        if format.is_some_and(|format| format != u64::from(FORMAT)) {
            return Err(format!("the folder does not have the format of this version ({FORMAT})"));
        }
        let mut manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("the manifest cannot be read: {error}"))?;
        if manifest.hash.is_empty() {
            return Err("the manifest has no hash of its own: an earlier version wrote it".to_owned());
        }
        let written = manifest.hash.clone();
        let sealed = manifest.sealed().map_err(|error| error.to_string())?;
        if manifest.hash != written || sealed != bytes {
            return Err("the manifest was edited or damaged: its hash does not match its content".to_owned());
        }
        Ok(manifest)
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
    hash_open_file(&mut file, path)
}

/// BLAKE3 in hex of what an open file holds from here on.
pub(super) fn hash_open_file(file: &mut std::fs::File, path: &Path) -> Result<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let mut manifest = Manifest::new("stage", "2026-11-01T08:00:00.000Z", Some(6));
        manifest.input("exports/scl", b"x");
        manifest.counts.insert("rows.scl.members".to_owned(), 7);
        manifest.files.insert("a.parquet".to_owned(), FileEntry { rows: 7, bytes: 9, blake3: "00".to_owned() });
        manifest
    }

    #[test]
    fn a_sealed_manifest_is_read_as_it_was_written() {
        let mut written = manifest();
        let read = Manifest::read(&written.sealed().unwrap()).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.content_hash(), manifest().content_hash(), "the seal changes no hash");
    }

    #[test]
    fn every_edit_of_a_manifest_is_detected() {
        let text = String::from_utf8(manifest().sealed().unwrap()).unwrap();
        for (from, to, said) in [
            ("\"rows\": 7,", "\"rows\": 0,", "edited"),
            ("\"phase\": 6", "\"phase\": 5", "edited"),
            ("\"rows.scl.members\": 7", "\"rows.scl.members\": 7, \"more\": 1", "edited"),
            ("\"step\": \"stage\"", "\"step\": \"stage\", \"note\": 1", "unknown field"),
            ("\"format\": 1", "\"format\": 2", "the format of this version"),
            ("\"facts\": {}", "\"facts\": { }", "edited"),
            ("\"step\": \"stage\"", "\"step\": \"resolve\", \"step\": \"stage\"", "duplicate"),
            ("\"hash\": \"", "\"hash\": \"0", "edited"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Manifest::read(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.contains(said), "{from} → {to}: {error}");
        }
        let unsealed = serde_json::to_vec(&manifest()).unwrap();
        assert!(Manifest::read(&unsealed).unwrap_err().contains("earlier version"));
    }

    #[test]
    fn every_flipped_bit_outside_the_binary_hash_is_detected() {
        let bytes = manifest().sealed().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let start = text.find("\"binary\": \"").unwrap() + 11;
        let binary = start..start + text[start..].find('"').unwrap();
        for at in (0..bytes.len()).filter(|at| !binary.contains(at)) {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(Manifest::read(&flipped).is_err(), "byte {at}, bit {bit}");
            }
        }
    }
}
