//! Verification: checks, documents and checklist agree; on a real PostgreSQL a loaded CRM passes, and breaking any single rule
//! makes the named check fail.

#[cfg(feature = "local-postgres")]
mod checklist;
#[cfg(feature = "local-postgres")]
mod demo_crm;
#[cfg(feature = "local-postgres")]
mod mutated;
#[cfg(feature = "local-postgres")]
mod mutations;
#[cfg(feature = "local-postgres")]
mod phases;
mod pilot;
#[cfg(feature = "local-postgres")]
mod settled;

use std::fs;
use std::path::{Path, PathBuf};

use crm_backfill::pg::verify::checks::{CHECKS, QUALITY};
use crm_backfill::report::checklist::proving_checks;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

#[test]
fn every_check_is_documented_and_every_line_rests_on_checks_that_exist() {
    let docs = fs::read_to_string(root().join("docs/checks.md")).unwrap();
    for check in CHECKS {
        assert!(docs.contains(&format!("`{}`", check.name)), "docs/checks.md lacks {}", check.name);
    }
    for name in proving_checks() {
        let is_known = CHECKS.iter().any(|check| check.name == name);
        assert!(is_known, "the checklist uses {name}, which is not a check");
    }
}

#[test]
fn every_statement_below_sql_verify_is_used() {
    for entry in fs::read_dir(root().join("sql/verify/checks")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(CHECKS.iter().any(|check| check.name == stem), "{} is asked by nothing", path.display());
    }
}

#[test]
fn the_quality_queries_are_the_strategys_word_for_word() {
    let words = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let of = |name: &str| words(QUALITY.iter().find(|quality| quality.name == name).unwrap().sql);
    assert_eq!(of("profiles_by_source"), "SELECT source, COUNT(*) FROM \"CustomerProfile\" GROUP BY source;");
    assert_eq!(
        of("duplicate_emails"),
        "SELECT email, COUNT(*) AS count FROM \"CustomerProfile\" WHERE email IS NOT NULL GROUP BY email HAVING COUNT(*) > 1;"
    );
    assert_eq!(of("activities_by_category"), "SELECT category, COUNT(*) FROM \"Activity\" GROUP BY category;");
    for band in ["High (80-100)", "Medium (50-79)", "Low (20-49)", "Very Low (0-19)"] {
        assert!(of("score_bands").contains(band), "{band}");
    }
}
