//! Names the sources a build is made from, so that a command's own binary never runs a program built from others.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

fn main() {
    let mut hasher = DefaultHasher::new();
    for part in ["Cargo.lock", "Cargo.toml", "build.rs", "sql", "src"] {
        println!("cargo::rerun-if-changed={part}");
        add(Path::new(part), &mut hasher);
    }
    println!("cargo::rustc-env=CRM_BACKFILL_SOURCES={:016x}", hasher.finish());
}

/// Adds names and contents of a file, or of a folder's files in the order of their names.
fn add(path: &Path, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    if let Ok(entries) = fs::read_dir(path) {
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            add(&path, hasher);
        }
    } else {
        fs::read(path).unwrap_or_default().hash(hasher);
    }
}
