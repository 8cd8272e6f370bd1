//! What every binary has in common.

mod help;

use std::path::Path;

use crate::support::workdir::Workdir;

fn binaries() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "crm-backfill")
        .collect();
    names.sort();
    names
}

#[test]
fn every_binary_explains_itself_without_colour_in_a_pipe() {
    let workdir = Workdir::new();
    for binary in binaries() {
        let help = workdir.ok(&binary, &["--help"]);
        assert!(help.stdout.contains("Usage:") && help.stdout.contains("--data-dir"), "{binary}: {}", help.stdout);
        assert!(!help.stdout.contains('\u{1b}'), "{binary} colours a pipe");
        workdir.ok(&binary, &["--version"]).says(env!("CARGO_PKG_VERSION"));
        workdir.ok(&binary, &["--completions", "bash"]).says("complete");
        workdir.ok(&binary, &["--man"]).says(".TH");
    }
}

#[test]
fn a_mistaken_flag_is_usage_and_the_near_one_is_named() {
    let workdir = Workdir::new();
    workdir.run("stage", &["--phse", "3"]).exits(2).says("--phase");
    workdir.run("stage", &["--phase", "7"]).exits(2).says("0..=6");
    workdir.run("stage", &["--as-of", "yesterday"]).exits(2).says("2026-11-22T08:00:00Z");
}

#[test]
fn a_step_without_its_input_names_the_step_to_run_before() {
    let workdir = Workdir::new();
    workdir.run("stage", &[]).exits(11).says("make export");
    workdir.run("resolve", &[]).exits(11).says("make phase1");
    workdir.run("export-scl", &[]).exits(2).says("SCL_DATABASE_URL");
}
