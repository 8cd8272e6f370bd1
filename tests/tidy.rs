//! The house's laws, as absences that are tested.

use std::fs;
use std::path::{Path, PathBuf};

/// Who alone may name a thing: the text, and the places (below `src/`) that may contain it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("std::fs", &["store/", "config/", "cli.rs", "pg/local", "pg/connect/", "demo/"]),
    ("std::env", &["config/", "cli.rs", "store/manifest.rs", "bin/local.rs", "demo/", "pg/local"]),
    ("parquet::", &["store/"]),
    ("tokio", &["pg/"]),
    ("tokio_postgres", &["pg/"]),
    ("Utc::now", &["cli.rs"]),
    ("SystemTime::now", &[]),
    ("Instant::now", &["progress.rs", "steps/", "pg/", "demo/"]),
    ("CustomerProfile\\\"", &["pg/"]),
    ("unwrap()", &[]),
];

/// What a folder may not use of this crate.
const NEVER: &[(&str, &[&str])] = &[
    ("model/", &["crate::tables", "crate::store", "crate::pg", "crate::sources", "arrow::"]),
    ("tables/", &["crate::store", "crate::pg", "crate::steps"]),
    ("sources/", &["crate::store", "crate::pg", "crate::steps", "crate::resolve", "crate::consolidate"]),
    ("resolve/", &["crate::sources", "crate::store", "crate::pg", "crate::steps", "crate::config"]),
    ("consolidate/", &["crate::sources", "crate::store", "crate::pg", "crate::steps", "crate::config"]),
    ("score/", &["crate::sources", "crate::store", "crate::pg", "crate::steps", "crate::config"]),
    ("segment/", &["crate::sources", "crate::store", "crate::pg", "crate::steps", "crate::config"]),
    ("report/", &["crate::sources", "crate::store", "crate::pg", "crate::steps", "crate::config"]),
    ("store/", &["crate::sources", "crate::pg", "crate::steps", "crate::resolve", "crate::consolidate"]),
    ("pg/", &["crate::steps", "crate::resolve", "crate::consolidate"]),
    ("bin/", &["crm_backfill::store", "crm_backfill::tables"]),
];

const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Name below `src/`, and the text without its unit tests and comments.
fn sources() -> Vec<(String, String, String)> {
    let mut files = Vec::new();
    rust_files(&root(), &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let only_tests = path.ends_with("tests.rs") || text.starts_with("//! Test");
            let live = if only_tests { "" } else { text.split("#[cfg(test)]").next().unwrap_or_default() };
            let live = live.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            (path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), text, live)
        })
        .collect()
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let silent: Vec<_> = sources().into_iter().filter(|(_, text, _)| !text.starts_with("//! ")).map(|(name, ..)| name).collect();
    assert!(silent.is_empty(), "no //! line: {silent:?}");
}

#[test]
fn no_file_is_longer_than_the_wall() {
    let long: Vec<_> =
        sources().into_iter().filter(|(_, text, _)| text.lines().count() > MAX_LINES).map(|(name, ..)| name).collect();
    assert!(long.is_empty(), "longer than {MAX_LINES} lines: {long:?}");
}

#[test]
fn things_are_named_only_where_they_belong() {
    let mut breaches = Vec::new();
    for (name, _, live) in sources() {
        for (thing, places) in ONLY_IN {
            if live.contains(thing) && !places.iter().any(|place| name.starts_with(place)) {
                breaches.push(format!("{name}: {thing} belongs in {}", places.join(", ")));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn modules_use_only_what_they_may() {
    let mut breaches = Vec::new();
    for (name, _, live) in sources() {
        for (folder, forbidden) in NEVER.iter().filter(|(folder, _)| name.starts_with(folder)) {
            breaches.extend(
                forbidden
                    .iter()
                    .filter(|thing| live.contains(**thing))
                    .map(|thing| format!("{name}: {folder} may not use {thing}")),
            );
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn every_test_file_is_part_of_the_one_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let declared = fs::read_to_string(folder.join("main.rs")).unwrap();
    let lost: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "main" && !declared.contains(&format!("mod {name};")))
        .collect();
    assert!(lost.is_empty(), "not declared in tests/main.rs: {lost:?}");
}
