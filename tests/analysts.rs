//! docs/analysts.md: every dataset and column that a statement names is declared, and the statements run where there is a DuckDB.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crm_backfill::datasets;
use crm_backfill::model::{Code as _, Source};

use crate::golden;

/// Words of SQL that name nothing of ours.
const SQL: &[&str] = &[
    "all",
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "current_date",
    "desc",
    "distinct",
    "else",
    "end",
    "false",
    "filter",
    "from",
    "full",
    "group",
    "having",
    "in",
    "integer",
    "interval",
    "is",
    "join",
    "left",
    "limit",
    "not",
    "null",
    "on",
    "or",
    "order",
    "pivot",
    "select",
    "set",
    "summarize",
    "then",
    "timezone",
    "true",
    "union",
    "using",
    "when",
    "where",
    "with",
    "year",
];

/// Words in quotes that are settings and functions of pandas and polars.
const PYTHON: &[&str] = &["pyarrow", "count", "min", "mean", "description"];

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/analysts.md")).unwrap()
}

/// The blocks of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    page.split(opening.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// The columns of every dataset by its name, with a name for each source.
fn declared() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut declared = BTreeMap::new();
    for dataset in datasets::all() {
        let columns: BTreeSet<&str> = dataset.columns.iter().map(|column| column.name).collect();
        for source in Source::ALL {
            declared.insert(dataset.stem.replace("{source}", source.code()), columns.clone());
        }
    }
    declared
}

/// Words, signs, and texts in quotes (with their opening quote).
fn tokens(block: &str, quote: char, comment: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in block.lines() {
        let mut rest = line.split(comment).next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if first == quote {
                rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
            } else if first.is_alphanumeric() || first == '_' {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            tokens.push(rest[..length].trim_end_matches(quote).to_owned());
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The dataset that a text names: a path to a Parquet file.
fn stem_of(path: &str) -> Option<&str> {
    path.rsplit('/').next().and_then(|name| name.strip_suffix(".parquet"))
}

/// What a statement names and no declaration has.
fn unknown(block: &str, declared: &BTreeMap<String, BTreeSet<&'static str>>) -> Vec<String> {
    let tokens = tokens(block, '\'', "--");
    let at = |index: usize| tokens.get(index).map_or("", String::as_str);
    let is_word = |token: &str| token.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let mut aliases: BTreeMap<&str, &str> = BTreeMap::new();
    let mut given: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let named = token.strip_prefix('\'').map_or(Some(token.as_str()), stem_of);
        if matches!(at(index.wrapping_sub(1)), "from" | "join") && at(index + 1) != "." && (token != "(") {
            match named.and_then(|named| declared.get_key_value(named)) {
                Some((stem, _)) => {
                    aliases.insert(stem, stem);
                    if is_word(at(index + 1)) && !SQL.contains(&at(index + 1)) {
                        aliases.insert(at(index + 1), stem);
                    }
                }
                None if named.is_some_and(|name| given.contains(name)) => {}
                None => wrong.push(format!("{token} is not a dataset")),
            }
        }
        // `x as name` gives a name to a value, `name as (` to a query.
        let names_query = at(index + 1) == "as" && at(index + 2) == "(";
        let names_value = at(index.wrapping_sub(1)) == "as" && is_word(token);
        if names_query || names_value {
            given.insert(token);
        }
    }
    for (index, token) in tokens.iter().enumerate() {
        let before = at(index.wrapping_sub(1));
        let is_known = |column: &str| aliases.values().any(|stem| declared[*stem].contains(column)) || given.contains(column);
        if !is_word(token) || at(index + 1) == "(" {
            continue;
        }
        if before == "." {
            let owner = at(index.wrapping_sub(2));
            let has = aliases
                .get(owner)
                .map_or_else(|| given.contains(owner) && is_known(token), |stem| declared[*stem].contains(token.as_str()));
            if !has {
                wrong.push(format!("{owner}.{token} is not a column"));
            }
        } else if !SQL.contains(&token.as_str()) && !aliases.contains_key(token.as_str()) && !is_known(token) {
            wrong.push(format!("{token} is neither a column nor a word of SQL"));
        }
    }
    wrong
}

/// What a statement names that no dataset has.
pub fn undeclared(statement: &str) -> Vec<String> {
    unknown(statement, &declared())
}

#[test]
fn there_are_twenty_questions_each_with_its_statement() {
    let page = page();
    let sections: Vec<&str> = page.split("\n### ").skip(1).collect();
    assert_eq!(sections.len(), 20);
    for (number, section) in sections.iter().enumerate() {
        assert!(section.starts_with(&format!("{}. ", number + 1)) && section.contains("```sql\n"), "{section}");
    }
}

#[test]
fn every_name_in_a_statement_is_declared() {
    let declared = declared();
    for block in blocks(&page(), "sql") {
        assert_eq!(unknown(&block, &declared), Vec::<String>::new(), "{block}");
    }
    let column = unknown("select l.rules from res__links l", &declared);
    assert_eq!(column, ["l.rules is not a column"]);
    assert_eq!(unknown("select rule, rulez from res__links", &declared), ["rulez is neither a column nor a word of SQL"]);
    assert_eq!(unknown("from 'previous/resolve/res__linkz.parquet'", &declared).len(), 1);
}

#[test]
fn every_name_in_a_program_is_declared() {
    let declared = declared();
    let blocks = blocks(&page(), "python");
    assert!(blocks.len() >= 3);
    for block in blocks {
        let texts: Vec<String> =
            tokens(&block, '"', "#").into_iter().filter_map(|token| token.strip_prefix('"').map(str::to_owned)).collect();
        let stems: Vec<&str> = texts.iter().filter_map(|text| stem_of(text)).collect();
        assert!(!stems.is_empty() && stems.iter().all(|stem| declared.contains_key(*stem)), "{stems:?}");
        let given: BTreeSet<&str> = block.split(".alias(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for text in texts.iter().filter(|text| text.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
            let text = text.as_str();
            let is_column = stems.iter().any(|stem| declared[*stem].contains(text));
            assert!(is_column || given.contains(text) || PYTHON.contains(&text), "{text} in\n{block}");
        }
    }
}

/// Without a `duckdb` on the path there is nothing to run; the tests above hold everywhere.
#[test]
fn every_statement_runs_where_there_is_a_duckdb() {
    if Command::new("duckdb").arg("--version").output().is_err() {
        return;
    }
    let workdir = golden::exported();
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    workdir.ok("inspect", &["--views"]);
    let data = workdir.data();
    fs::create_dir_all(data.join("previous/crm")).unwrap();
    let profiles = "crm/crm__customer_profiles.parquet";
    fs::copy(data.join(profiles), data.join("previous").join(profiles)).unwrap();
    for block in blocks(&page(), "sql") {
        let run = Command::new("duckdb").args(["-init", "views.sql", "-c", &block]).current_dir(&data).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success() && !said.contains("Error"), "{block}\n{said}");
    }
}
