//! Verification against a real PostgreSQL: a loaded CRM passes, and breaking any single rule makes the named check fail.

use std::fs;
use std::path::Path;

use crm_backfill::pg::checks::CHECKS;
use crm_backfill::report::checklist::proving_checks;

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_check_is_documented_and_every_line_rests_on_checks_that_exist() {
    let docs = file("docs/checks.md");
    for check in CHECKS {
        assert!(docs.contains(&format!("`{}`", check.name)), "docs/checks.md lacks {}", check.name);
    }
    for name in proving_checks() {
        assert!(CHECKS.iter().any(|check| check.name == name), "the checklist rests on {name}, which is no check");
    }
}

#[test]
fn every_statement_below_sql_verify_is_asked() {
    for folder in ["checks", "scores"] {
        let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/verify").join(folder)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(CHECKS.iter().any(|check| check.name == stem), "{} is asked by nothing", path.display());
        }
    }
}

#[test]
fn the_quality_queries_are_the_strategys_word_for_word() {
    let words = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let duplicate = crm_backfill::pg::checks::QUALITY.iter().find(|quality| quality.name == "duplicate_emails").unwrap();
    let strategy = "SELECT email, COUNT(*) AS count FROM \"CustomerProfile\" WHERE email IS NOT NULL GROUP BY email \
                    HAVING COUNT(*) > 1;";
    assert_eq!(words(duplicate.sql), strategy);
    let bands = crm_backfill::pg::checks::QUALITY.iter().find(|quality| quality.name == "score_bands").unwrap();
    for band in ["High (80-100)", "Medium (50-79)", "Low (20-49)", "Very Low (0-19)"] {
        assert!(bands.sql.contains(band), "{band}");
    }
}
