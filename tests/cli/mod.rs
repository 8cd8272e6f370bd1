//! What every binary has in common.

mod help;

use std::path::Path;
use std::process::Command;

use crm_backfill::cli::{self, Program, StepOutcome};

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

/// In this variable a test tells the program that it starts as itself in which thread to panic.
const PANICS_IN: &str = "CRM_BACKFILL_PANICS_IN";

/// A command that panics. Its name is the first argument by which the test starts itself.
static PANICKING: &[&Program] = &[&Program {
    name: "--exact",
    about: "",
    help: "",
    arguments: |command| command.arg(clap::Arg::new("rest").num_args(..).trailing_var_arg(true).allow_hyphen_values(true)),
    run: |_, _| {
        let thread = std::env::var(PANICS_IN).unwrap();
        let panic = || panic!("kanarie@kanarie.test");
        match thread.as_str() {
            "a worker" => rayon::scope(|scope| scope.spawn(move |_| panic())),
            "a thread" => drop(std::thread::spawn(panic).join()),
            _ => panic(),
        }
        Ok(StepOutcome::default())
    },
}];

#[test]
fn a_panic_in_any_thread_is_an_internal_error_without_its_value() {
    if std::env::var_os(PANICS_IN).is_some() {
        cli::main(PANICKING, None);
        panic!("the hook ends the process");
    }
    let workdir = Workdir::new();
    let itself = ["--exact", "cli::a_panic_in_any_thread_is_an_internal_error_without_its_value", "--nocapture"];
    for thread in ["the main thread", "a worker", "a thread"] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(itself).env(PANICS_IN, thread).current_dir(workdir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{thread}: {said}");
        assert!(said.contains("internal error at tests/cli/mod.rs"), "{thread}: {said}");
        assert!(!said.contains("kanarie"), "{thread}: {said}");
    }
}
