//! Names the sources a build is made from: by their hash, so that a command's own binary never runs a program built from others, and by
//! their commit, for `-V`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;

fn main() {
    let mut hasher = DefaultHasher::new();
    for part in ["Cargo.lock", "Cargo.toml", "build.rs", "sql", "src"] {
        println!("cargo::rerun-if-changed={part}");
        add(Path::new(part), &mut hasher);
    }
    println!("cargo::rustc-env=CRM_BACKFILL_SOURCES={:016x}", hasher.finish());
    if let Some(commit) = commit() {
        println!("cargo::rustc-env=CRM_BACKFILL_BUILT_FROM={commit}");
    }
}

/// The commit that was checked out when the sources were read, with `-dirty` if files had uncommitted changes; `None` outside a
/// checkout. Commits are not watched: a commit that changes no source must not compile the sources again.
fn commit() -> Option<String> {
    // An unpacked tarball may lie in the checkout of another project.
    if !Path::new(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(["describe", "--always", "--abbrev=10", "--dirty", "--exclude=*"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
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
