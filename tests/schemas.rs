//! Generated files are up to date, and the SQL, the DDL and the declarations agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crm_backfill::datasets;
use crm_backfill::model::{Code, Source};
use crm_backfill::report::values;
use crm_backfill::sources::{self, crm};
use crm_backfill::tables::dictionary;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `make golden` sets this: generated files are written instead of compared.
fn rewriting() -> bool {
    std::env::var_os("CRM_BACKFILL_GOLDEN").is_some()
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_data_dictionary_is_not_stale() {
    let folder = root().join("schemas/datasets");
    let pages: Vec<_> = datasets::all().iter().map(|dataset| (page_name(dataset.stem), dictionary::page(dataset))).collect();
    if rewriting() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let expected: BTreeSet<_> = pages.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names(&folder), expected, "run make golden");
    for (name, page) in pages {
        assert_eq!(fs::read_to_string(folder.join(&name)).unwrap(), page, "{name} is stale: run make golden");
    }
}

fn page_name(stem: &str) -> String {
    format!("{}.md", stem.replace("{source}", "source"))
}

#[test]
fn every_export_has_its_statement_and_every_statement_its_export() {
    for &source in Source::ALL {
        let mut expected = BTreeSet::new();
        for export in sources::exports(source) {
            expected.insert(format!("{}.sql", export.entity));
            if export.left_out.is_some() {
                expected.insert(format!("{}.left_out.sql", export.entity));
            }
            assert_eq!(export.dataset.stem, format!("raw_{source}__{}", export.entity));
        }
        assert_eq!(names(&root().join("sql/exports").join(source.code())), expected);
        assert!(root().join(format!("schemas/sources/{source}.sql")).exists());
    }
    let expected: BTreeSet<_> = crm::exports().iter().map(|export| format!("{}.sql", export.entity)).collect();
    assert_eq!(names(&root().join("sql/exports/crm")), expected);
}

#[test]
fn statements_are_one_each_ordered_and_end_without_a_comment() {
    for &source in Source::ALL {
        for export in sources::exports(source) {
            let sql = export.sql.trim();
            assert!(sql.ends_with(';') && sql.matches(';').count() == 1, "{source}.{}: one statement", export.entity);
            assert!(sql.to_lowercase().contains("order by"), "{source}.{}: a total order", export.entity);
            assert!(!export.dataset.key.is_empty());
        }
    }
}

#[test]
fn names_of_columns_are_snake_case_and_described() {
    for dataset in datasets::all() {
        for column in dataset.columns {
            let snake = column.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            assert!(snake, "{}.{}", dataset.stem, column.name);
            assert!(column.description().ends_with(['.', ')']), "{}.{} has no sentence", dataset.stem, column.name);
        }
        for key in dataset.key {
            assert!(dataset.columns.iter().any(|column| column.name == *key), "{}: key {key}", dataset.stem);
        }
    }
}

#[test]
fn every_column_that_the_page_shows_has_its_exported_one() {
    let columns = [
        (Source::McaZa, &["email", "phone", "first_name", "last_name", "born_on", "gender", "handicap", "golf_number"][..]),
        (Source::McaUk, &["email", "phone", "first_name", "last_name", "born_on", "gender", "handicap", "golf_number"]),
        (Source::Scl, &["tenant", "email", "first_name", "last_name", "auth_user_id"]),
        (Source::Teetime, &["email", "phone", "first_name", "last_name", "handicap"]),
        (Source::Messaging, &["tenant", "email", "phone", "auth_user_id"]),
    ];
    for (source, columns) in columns {
        let exports = sources::exports(source);
        let people = exports.iter().find(|export| export.entity == source.people()).expect("people are exported");
        let exported: Vec<&str> = people.dataset.columns.iter().map(|column| column.name).collect();
        for column in columns {
            assert!(values::exported_as(column).iter().any(|name| exported.contains(name)), "{source}: {column}");
        }
    }
}
