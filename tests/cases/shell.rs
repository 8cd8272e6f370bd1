//! Cases of §10: make and the shell scripts, with the binaries that the tests have.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::workdir::Workdir;
use crate::support::world;

/// Runs make for another data folder. cargo is replaced by `true`, because the binaries exist.
fn make(workdir: &Workdir, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let beside = Path::new(env!("CARGO_BIN_EXE_stage")).parent().unwrap();
    let tools = workdir.path().join("tools");
    let target = workdir.path().join("target of make");
    std::fs::create_dir_all(&tools).unwrap();
    std::fs::create_dir_all(&target).unwrap();
    if !target.join("release").exists() {
        std::os::unix::fs::symlink(beside, target.join("release")).unwrap();
        std::fs::write(tools.join("cargo"), "#!/bin/sh\nexit 0\n").unwrap();
        std::fs::set_permissions(tools.join("cargo"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let command = workdir.command("stage", &[]);
    Command::new("make")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default()))
        .env("CARGO_TARGET_DIR", &target)
        .env("CONFIG", workdir.path().join("backfill.toml"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Case §10: a data folder with a blank, a quote and a dollar sign in its name.
#[test]
fn make_takes_data_folders_of_any_name() {
    let mut workdir = Workdir::new();
    let crm = world::shared().crm();
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    let data = workdir.path().join("my \"own\" $data");
    let folder = data.to_str().unwrap();
    let run = make(&workdir, &["phase1"], &[("DATA_DIR", folder)]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(data.join("report/index.html").exists());
    for target in ["status", "plan", "help"] {
        let run = make(&workdir, &[target], &[("DATA_DIR", folder)]);
        assert!(run.status.success(), "{target}: {}", said(&run));
    }
    let run = make(&workdir, &["clean"], &[("DATA_DIR", folder)]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(data.join("exports/mca_za").exists() && !data.join("stage").exists());
    let run = make(&workdir, &["clean"], &[("DATA_DIR", "")]);
    assert!(!run.status.success() && said(&run).contains("DATA_DIR is empty"), "{}", said(&run));
}

/// Case §10: `make -j4` runs one step after the other.
#[test]
fn make_runs_steps_one_after_the_other_with_any_number_of_jobs() {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", world::AS_OF);
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    let data = workdir.data();
    let targets = ["-j4", "export-mca-za", "export-mca-uk", "stage", "resolve", "consolidate", "score"];
    let run = make(&workdir, &targets, &[("DATA_DIR", data.to_str().unwrap()), ("PHASE", "1")]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(data.join("score/manifest.json").exists());
    // The control: in parallel they would find the folder locked or an input missing.
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).unwrap();
    let parallel = workdir.path().join("Makefile.parallel");
    std::fs::write(&parallel, text.replace(".NOTPARALLEL:\n", "")).unwrap();
    std::fs::remove_dir_all(data.join("exports")).unwrap();
    let targets = [&["-f", parallel.to_str().unwrap()][..], &targets].concat();
    let run = make(&workdir, &targets, &[("DATA_DIR", data.to_str().unwrap()), ("PHASE", "1")]);
    assert!(!run.status.success(), "{}", said(&run));
}

/// Case §10: commands that delete ask first, or need --yes.
#[test]
fn make_rollback_and_purge_need_a_yes_without_a_terminal() {
    let mut workdir = Workdir::new();
    let crm = world::shared().crm();
    workdir.set("CRM_DATABASE_URL", &crm.url);
    let data = workdir.data();
    for target in ["rollback", "purge"] {
        let run = make(&workdir, &[target], &[("DATA_DIR", data.to_str().unwrap())]);
        assert!(said(&run).contains(&format!("make {target} ARGS=--yes")), "{}", said(&run));
        assert!(said(&run).contains(&format!("{target} stopped (exit 2)")), "{}", said(&run));
    }
}

#[test]
fn a_server_that_refuses_is_tried_again_and_the_operator_is_told() {
    let mut workdir = Workdir::new();
    workdir.set("SCL_DATABASE_URL", "postgres://me@127.0.0.1:1/db");
    let run = workdir.run("export-scl", &[]).exits(14);
    run.says(" ! source scl does not answer, trying again (4 of 8)").says("trying again (8 of 8)");
}
