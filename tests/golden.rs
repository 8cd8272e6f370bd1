//! The small invented world of `tests/fixtures`, through every offline step, compared as text a person can review.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::workdir::Workdir;
use crate::support::world;

/// Compared are all datasets after stage that have rows in the small world (`tests/stage.rs` has the staged ones).
const DATASETS: &[&str] = &[
    "res__links",
    "res__candidates",
    "crm__customer_profiles",
    "crm__identity_aliases",
    "crm__marketing_consents",
    "crm__activities",
    "crm__campaign_interactions",
    "crm__suppressions",
    "check__ledger",
    "score__profiles",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A work folder with the fixtures exported from CSV.
pub fn exported() -> Workdir {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", world::AS_OF);
    // Most of the fixtures are broken on purpose.
    workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 1.0");
    for step in world::exporters(6) {
        let source = step.trim_start_matches("export-").replace('-', "_");
        let folder = root().join("tests/fixtures").join(source);
        workdir.ok(step, &["--csv", folder.to_str().unwrap()]);
    }
    workdir.ok("export-crm", &[]);
    workdir
}

#[test]
fn the_small_world_gives_what_was_reviewed() {
    let workdir = exported();
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    let rewriting = std::env::var_os("CRM_BACKFILL_GOLDEN").is_some();
    let golden = root().join("tests/golden/way");
    fs::create_dir_all(&golden).unwrap();
    let mut stale = Vec::new();
    for dataset in DATASETS {
        let written = workdir.path().join("out.csv");
        workdir.ok("inspect", &[dataset, "--show", "--csv", "out.csv"]);
        let text = fs::read_to_string(&written).unwrap();
        let expected = golden.join(format!("{dataset}.csv"));
        if rewriting {
            fs::write(&expected, &text).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            stale.push(differences(dataset, &expected, &text));
        }
    }
    assert!(stale.is_empty(), "run make golden and read the diff\n{}", stale.join("\n"));
}

fn differences(dataset: &str, expected: &Path, text: &str) -> String {
    let former = fs::read_to_string(expected).unwrap_or_default();
    let lines = |of: &str, other: &str, sign: &str| {
        of.lines()
            .filter(|line| !other.lines().any(|known| known == *line))
            .map(|line| format!("{sign} {line}\n"))
            .collect::<String>()
    };
    format!("{dataset}\n{}{}", lines(&former, text, "-"), lines(text, &former, "+"))
}
