//! Names the sources of the engines by their hash, so that client, scheduler and executors with different ones refuse each other.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

fn main() {
    println!("cargo::rerun-if-changed=src");
    let mut hasher = DefaultHasher::new();
    let entries = fs::read_dir("src").into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    println!("cargo::rustc-env=CRM_BACKFILL_CLUSTER_SOURCES={:016x}", hasher.finish());
}
