//! Programs that only some machines have. A test that needs one is counted as skipped if `scripts/test` declares it missing, and fails
//! otherwise.

use std::path::PathBuf;

/// Names what this machine lacks, separated by commas: tests that need it are counted instead of failing.
const WITHOUT: &str = "CRM_BACKFILL_WITHOUT";

/// Whether a program is missing and declared as missing. An undeclared missing program fails the test.
pub fn is_missing(name: &str, program: Option<PathBuf>) -> bool {
    if program.is_some() {
        return false;
    }
    let named = std::env::var(WITHOUT).unwrap_or_default();
    assert!(named.split(',').any(|one| one == name), "{name} is not installed: install it, or name it in {WITHOUT}");
    eprintln!("not available: {name}");
    true
}
