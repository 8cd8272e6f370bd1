//! Files, make targets and settings that documents name exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<(PathBuf, String)> {
    let mut pages: Vec<_> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "sql/README.md"].iter().map(|name| root().join(name)).collect();
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|path| path.is_file()));
    pages.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// Words in backquotes and link targets that look like paths of this repository.
fn paths(text: &str) -> BTreeSet<String> {
    let tops = ["src/", "sql/", "docs/", "schemas/", "tests/", "data/reference/", "scripts/", "benches/"];
    let breaks = |c: char| c.is_whitespace() || "`()[],;|<>\"'".contains(c);
    let words = text.split(breaks).map(|word| word.trim_end_matches(['.', ':']));
    let plain = |word: &&str| !word.contains(['*', '{', '…', '$']);
    let local = words.filter(|word| tops.iter().any(|top| word.starts_with(top))).filter(plain);
    local.map(|word| word.split('#').next().unwrap_or(word).to_owned()).collect()
}

#[test]
fn every_file_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for (page, text) in pages() {
        let absent = paths(&text).into_iter().filter(|path| !root().join(path.trim_end_matches('/')).exists());
        missing.extend(absent.map(|path| format!("{}: {path}", page.strip_prefix(root()).unwrap_or(Path::new("?")).display())));
    }
    // CONTRIBUTING invents a sixth source to explain how one is added.
    missing.retain(|line| !line.contains("shop"));
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn files_that_documented_commands_write_at_the_root_are_ignored_by_git() {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    let mut tracked = BTreeSet::new();
    for (page, text) in pages() {
        let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(['`', '"', ',', ')', ';', '.'])).collect();
        let written = words.windows(2).filter(|pair| ["--csv", "--verdicts", "--out"].contains(&pair[0])).map(|pair| pair[1]);
        let at_root = written.filter(|file| file.contains('.') && !file.contains('/'));
        let is_ignored = |file: &str| ignored.lines().any(|line| line == format!("/{file}"));
        tracked.extend(at_root.filter(|file| !is_ignored(file)).map(|file| format!("{}: {file}", page.display())));
    }
    assert!(tracked.is_empty(), "{tracked:#?}");
}

#[test]
fn every_make_target_that_a_document_names_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let line =
        |prefix: &'static str| makefile.lines().filter_map(move |line| line.strip_prefix(prefix)).flat_map(str::split_whitespace);
    let mut targets: BTreeSet<String> = line(".PHONY:").chain(line("STEPS :=")).map(str::to_owned).collect();
    targets.extend(line("SOURCES :=").map(|source| format!("export-{source}")));
    targets.insert("export-crm".to_owned());
    let mut missing = Vec::new();
    for (page, text) in pages() {
        for (index, _) in text.match_indices("make ") {
            let before = text[..index].chars().next_back();
            let word: String = text[index + 5..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            let command = matches!(before, Some('`' | '\n')) || text[..index].ends_with(": ");
            if command && !word.is_empty() && !targets.contains(&word) {
                missing.push(format!("{}: make {word}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
