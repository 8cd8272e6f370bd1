//! Allowed dependencies between modules: one table, printed in ARCHITECTURE.md and checked for every file of `src/`.

use super::code::SourceFile;

/// What the code of a module must not contain, and the texts that show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Arrow,
    Parquet,
    Postgres,
    Files,
    Clock,
    Environment,
    Randomness,
    Sql,
}

impl Thing {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrow => "Arrow",
            Self::Parquet => "Parquet",
            Self::Postgres => "PostgreSQL",
            Self::Files => "files",
            Self::Clock => "clock",
            Self::Environment => "environment",
            Self::Randomness => "randomness",
            Self::Sql => "SQL text",
        }
    }

    /// Texts by which it is recognised.
    pub const fn signs(self) -> &'static [&'static str] {
        match self {
            Self::Arrow => &["arrow::"],
            Self::Parquet => &["parquet::"],
            Self::Postgres => &["tokio_postgres", "tokio::", "tokio_postgres_rustls"],
            Self::Files => &["std::fs", "File::open", "File::create"],
            Self::Clock => &["Utc::now", "Local::now", "SystemTime::now", "Instant::now"],
            Self::Environment => &["std::env::", "env::var"],
            Self::Randomness => &["rand::", "RandomState", "getrandom", "HashMap::new()"],
            Self::Sql => &["\"select ", "\"insert into ", "\"update \\\"", "\"delete from ", ".sql\")"],
        }
    }
}

use Thing::{Arrow, Clock, Environment, Files, Parquet, Postgres, Randomness, Sql};

/// A module of `src/`, the modules it may use, and what its code never contains.
pub struct Room {
    pub name: &'static str,
    pub may_use: &'static [&'static str],
    pub never: &'static [Thing],
}

const PURE: &[Thing] = &[Parquet, Postgres, Files, Clock, Environment, Randomness, Sql];

/// From the bottom up; a module uses only modules above it in this list.
pub const LAW: &[Room] = &[
    Room { name: "model", may_use: &[], never: &[Arrow, Parquet, Postgres, Files, Clock, Environment, Randomness, Sql] },
    Room { name: "fault", may_use: &["model"], never: &[Arrow, Parquet, Postgres, Files, Clock, Environment, Sql] },
    Room { name: "interrupt", may_use: &[], never: &[Arrow, Parquet, Postgres, Files, Sql] },
    Room { name: "launch", may_use: &[], never: &[Arrow, Parquet, Postgres, Clock, Randomness, Sql] },
    Room { name: "dsn", may_use: &[], never: &[Arrow, Parquet, Postgres, Files, Clock, Environment, Sql] },
    Room { name: "tables", may_use: &["model"], never: PURE },
    Room { name: "sources", may_use: &["model", "tables"], never: &[Parquet, Postgres, Files, Clock, Environment, Randomness] },
    Room { name: "datasets", may_use: &["sources", "tables"], never: PURE },
    Room {
        name: "segment_rule",
        may_use: &["model"],
        never: &[Arrow, Parquet, Postgres, Files, Clock, Environment, Randomness, Sql],
    },
    Room { name: "segment", may_use: &["model", "tables", "segment_rule"], never: PURE },
    Room { name: "resolve", may_use: &["model", "tables"], never: PURE },
    Room { name: "consolidate", may_use: &["model", "tables"], never: PURE },
    Room { name: "score", may_use: &["model", "tables"], never: PURE },
    Room { name: "prove", may_use: &["model", "tables"], never: PURE },
    Room { name: "changes", may_use: &["model"], never: PURE },
    Room { name: "report", may_use: &["model", "tables"], never: PURE },
    Room { name: "store", may_use: &["model", "tables", "fault", "interrupt"], never: &[Postgres, Clock, Sql] },
    Room { name: "progress", may_use: &["model"], never: &[Arrow, Parquet, Postgres, Files, Sql] },
    Room {
        name: "pg",
        may_use: &["model", "tables", "segment_rule", "fault", "interrupt", "dsn", "progress"],
        never: &[Parquet],
    },
    Room { name: "config", may_use: &["model", "dsn", "fault"], never: &[Arrow, Parquet, Postgres, Clock, Sql] },
    Room {
        name: "cli",
        may_use: &["model", "config", "dsn", "fault", "interrupt", "launch", "progress", "store"],
        never: &[Arrow, Parquet, Postgres, Sql],
    },
    Room {
        name: "demo",
        may_use: &["model", "tables", "resolve", "store", "pg", "fault", "dsn"],
        never: &[Parquet, Clock, Randomness],
    },
    Room {
        name: "steps",
        may_use: &[
            "model",
            "tables",
            "sources",
            "datasets",
            "segment_rule",
            "segment",
            "resolve",
            "consolidate",
            "score",
            "prove",
            "changes",
            "report",
            "store",
            "pg",
            "config",
            "dsn",
            "fault",
            "interrupt",
            "progress",
            "cli",
            "demo",
        ],
        never: &[Parquet, Postgres, Files, Environment, Randomness, Sql],
    },
    Room { name: "bin", may_use: &["cli", "steps", "model", "config"], never: &[Arrow, Parquet, Postgres, Files, Clock, Sql] },
];

/// Files in which a thing is allowed although its module may not contain it.
pub const EXCEPT: &[(&str, Thing, &str)] = &[
    ("store/manifest.rs", Environment, "the version that cargo sets at compile time"),
    ("steps/stage/position.rs", Sql, "names the file of a statement in messages"),
    ("store/layout.rs", Sql, "the file of DuckDB views"),
    ("steps/report/queries.rs", Sql, "DuckDB queries over the files, which the report shows and nothing runs"),
];

/// The table as ARCHITECTURE.md prints it.
pub fn table() -> String {
    let mut table = String::from("| module | may use | never contains |\n|---|---|---|\n");
    for room in LAW {
        let list = |names: Vec<String>| if names.is_empty() { "–".to_owned() } else { names.join(", ") };
        let uses = list(room.may_use.iter().map(|name| format!("`{name}`")).collect());
        let never = list(room.never.iter().map(|thing| thing.name().to_owned()).collect());
        table.push_str(&format!("| `{}` | {uses} | {never} |\n", room.name));
    }
    table
}

/// Every violation in a file, in words.
pub fn breaches(file: &SourceFile) -> Vec<String> {
    if file.path == "lib.rs" {
        return Vec::new();
    }
    let Some(room) = LAW.iter().find(|room| room.name == file.room()) else {
        return vec![format!("{}: its module is not in the table", file.path)];
    };
    let mut found: Vec<String> = modules_used(&file.code)
        .filter(|used| *used != room.name && !room.may_use.contains(used) && LAW.iter().any(|room| room.name == *used))
        .map(|used| format!("{}: {} may not use {used}", file.path, room.name))
        .collect();
    // Unit tests may use files and clocks, but the rules for imports apply to them, too.
    let shipped = file.shipped_code();
    for thing in room.never {
        let is_allowed = EXCEPT.iter().any(|(path, except, _)| *path == file.path && except == thing);
        for sign in thing.signs().iter().filter(|sign| !is_allowed && shipped.contains(**sign)) {
            found.push(format!("{}: {} must not contain {} ({sign})", file.path, room.name, thing.name()));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The first segment behind each `crate::` or `crm_backfill::`, those of brace lists included.
fn modules_used(code: &str) -> impl Iterator<Item = &str> {
    ["crate::", "crm_backfill::"].into_iter().flat_map(move |root| {
        code.match_indices(root).flat_map(move |(at, _)| {
            let rest = &code[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(list) => heads(&list[..closing(list)]),
                None => vec![head(rest)],
            }
        })
    })
}

fn head(path: &str) -> &str {
    let path = path.trim_start();
    &path[..path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len())]
}

fn closing(list: &str) -> usize {
    let mut depth = 1;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    list.len()
}

fn heads(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(head)
    .filter(|head| !head.is_empty())
    .collect()
}
