//! docs/analysts.md: every dataset and column that a statement names is declared, and DuckDB, pandas and polars give the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crm_backfill::datasets;
use crm_backfill::model::{Code as _, Source};

use crate::support::missing::is_missing;
use crate::support::workdir::Workdir;
use crate::support::world::{self, Owned};

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
fn every_dataset_in_a_program_is_declared() {
    let declared = declared();
    let programs = ["with_pandas.py", "with_polars.py"].map(|name| format!("docs/analysts/{name}"));
    for program in programs {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&program)).unwrap();
        let texts = text.split('"').skip(1).step_by(2);
        let stems: Vec<&str> = texts.filter_map(|text| text.rsplit('/').next()).filter(|name| name.contains("__")).collect();
        assert!(stems.len() >= 20, "{program}: {stems:?}");
        for stem in stems.into_iter().filter(|stem| *stem != "__main__") {
            assert!(declared.contains_key(stem), "{program}: {stem} is not a dataset");
        }
        for number in 1..=20 {
            assert!(text.contains(&format!("\ndef q{number}():\n")), "{program}: question {number}");
        }
    }
}

/// Where `scripts/install-dataframes` puts DuckDB, pandas and polars.
fn python() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_crm-backfill")).parent().and_then(Path::parent);
    let file = built.map(|target| target.join("dataframes/bin/python"));
    file.filter(|file| file.is_file())
}

/// Datasets of two runs: between them a decision split a profile that is loaded.
fn two_runs() -> Workdir {
    let (world, mut workdir) = (Owned::new(), Workdir::new());
    let crm = world.crm();
    // An email of a club, which too many contacts have to link by it.
    world.source(Source::Messaging).execute(
        r#"insert into "Contact" ("id", "tenantId", "email", "phoneNumber", "createdAt", "updatedAt")
           select 'shared-' || n, '1', 'office@club.test', '+278255500' || n, '2024-01-01Z', '2024-01-01Z' from generate_series(10, 99) n"#,
    );
    for (variable, url) in world.source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
    for step in world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score", "load"]) {
        workdir.ok(step, &[]);
    }
    let pair = crm.rows(
        r#"select min(s."value"), min(t."value") from "IdentityAlias" s join "IdentityAlias" t on t."customerId" = s."customerId"
           where s."type" = 'SCL_MEMBER_ID' and t."type" = 'TEETIME_PLAYER_ID'
           group by s."customerId" having count(*) = 1 order by 1 limit 1"#,
    );
    let decision = format!("kind,a,b\ncannot-link,scl:members:{},teetime:players:{}\n", pair[0][0], pair[0][1]);
    fs::write(workdir.path().join("decisions.csv"), decision).unwrap();
    for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    workdir.ok("inspect", &["--views"]);
    workdir
}

#[test]
fn sql_pandas_and_polars_give_the_same_twenty_answers() {
    let python = python();
    if is_missing("dataframes", python.clone()) {
        return;
    }
    let workdir = two_runs();
    let compare = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/analysts/compare.py");
    let run = Command::new(python.expect("asked before")).arg("-B").arg(compare).arg(workdir.data()).output().unwrap();
    let (said, failed) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{failed}");
    let rows: Vec<Vec<usize>> = serde_json::from_str(&said).unwrap();
    let empty: Vec<usize> = (1..=20).filter(|number| rows[number - 1].contains(&0)).collect();
    assert_eq!(empty, [17], "an answer without rows compares nothing; that of 17 must be empty: {rows:?}");
}
