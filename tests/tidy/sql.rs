//! SQL that several files share is written in one of them, from `-- block: NAME` to `-- end block`, and copied into the others,
//! marked `-- block: NAME, as in sql/…`. So each file is one statement that psql can run.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use crm_backfill::model::{AliasType, Code as _, RecordKey, Source};
use crm_backfill::pg::load::target::RECORD_ALIASES;

use super::code::root;

const BEGIN: &str = "-- block: ";
const END: &str = "-- end block";
/// Two files may have this many equal lines in a row by chance.
const MOST_EQUAL: usize = 12;

/// Every SQL file below `sql/`, in order.
fn sql_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("sql")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The block of a file: its name, the file that it comes from, and its text.
fn block(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let head = text.split_once(BEGIN)?.1;
    let (head, rest) = head.split_once('\n')?;
    let (name, origin) = head.split_once(", as in ").map_or((head, None), |(name, origin)| (name, Some(origin)));
    Some((name, origin, rest.split_once(END)?.0))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_sql_file_holds_a_statement() {
    for path in sql_files() {
        let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with("--");
        assert!(!read(&path).lines().all(is_comment), "{}", path.display());
    }
}

#[test]
fn a_block_is_the_same_in_every_file_that_has_it() {
    for path in sql_files() {
        let text = read(&path);
        let Some((name, Some(origin), copy)) = block(&text) else { continue };
        let from = read(&root().join(origin));
        let (of, _, wanted) = block(&from).unwrap_or_else(|| panic!("{origin} has no block"));
        assert_eq!(of, name, "{}", path.display());
        if copy == wanted {
            continue;
        }
        assert!(std::env::var_os("CRM_BACKFILL_GOLDEN").is_some(), "{}: not as in {origin}; run make golden", path.display());
        fs::write(&path, text.replace(copy, wanted)).unwrap();
    }
}

#[test]
fn what_two_sql_files_have_in_common_is_a_block() {
    let mut seen: HashMap<Vec<String>, PathBuf> = HashMap::new();
    for path in sql_files() {
        let text = without_copy(&read(&path));
        let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        for run in lines.windows(MOST_EQUAL + 1) {
            let other = seen.entry(run.to_vec()).or_insert_with(|| path.clone());
            assert_eq!(other, &path, "they have more than {MOST_EQUAL} lines in a row in common, from: {}", run[0]);
        }
    }
}

/// Seven statements need the pairs of alias type and record key; they are in the form each of them can use.
#[test]
fn alias_types_have_the_record_keys_of_their_sources() {
    let source = |kind: AliasType| match kind {
        AliasType::McaV1ZaId => Source::McaZa,
        AliasType::McaV1UkId => Source::McaUk,
        AliasType::SclMemberId => Source::Scl,
        AliasType::TeetimePlayerId => Source::Teetime,
        AliasType::MessagingContactId => Source::Messaging,
        other => panic!("{other} is not a record's id"),
    };
    let pair = |kind: AliasType| format!("('{}', '{}')", kind.code(), RecordKey { source: source(kind), id: "" });
    let wanted: BTreeSet<String> = RECORD_ALIASES.map(pair).into();
    let mut files = 0;
    for path in sql_files() {
        let text = read(&path);
        let found: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("('") && line.contains(":")).collect();
        if found.is_empty() {
            continue;
        }
        let found: BTreeSet<String> =
            found.iter().map(|line| line[..=line.find(')').unwrap_or_else(|| panic!("{line}"))].to_owned()).collect();
        assert_eq!(found, wanted, "{}", path.display());
        files += 1;
    }
    assert!(files >= 7, "{files} files");
}

/// The text without a block that is a copy.
fn without_copy(text: &str) -> String {
    match block(text) {
        Some((_, Some(_), copy)) => text.replace(copy, ""),
        _ => text.to_owned(),
    }
}
