//! Cases of §13 and §10 about files: symbolic links, special files, world-writable folders, full disks, purges, rejected rows,
//! exact CSV.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::golden::exported;
use crate::support::workdir::Workdir;
use crate::support::world;

/// Case 13.8.
#[test]
fn a_purge_refuses_links_whose_targets_it_would_leave() {
    let workdir = exported();
    let (exports, elsewhere) = (workdir.data().join("exports"), workdir.path().join("elsewhere"));
    fs::rename(&exports, &elsewhere).unwrap();
    symlink(&elsewhere, &exports).unwrap();
    workdir.run("purge", &["--yes"]).exits(2).says("exports is a symbolic link");
    fs::remove_file(&exports).unwrap();
    fs::create_dir(&exports).unwrap();
    symlink(elsewhere.join("scl"), exports.join("scl")).unwrap();
    workdir.run("purge", &["--yes"]).exits(2).says("symbolic link");
    fs::remove_file(exports.join("scl")).unwrap();
    symlink(elsewhere.join("scl"), exports.join("other")).unwrap();
    workdir.run("purge", &["--yes"]).exits(2).says("1 symbolic links lead out of the data folder");
    assert!(elsewhere.join("scl/raw_scl__members.parquet").exists());
    fs::remove_file(exports.join("other")).unwrap();
    fs::remove_dir(&exports).unwrap();
    fs::rename(&elsewhere, &exports).unwrap();
    let told = workdir.ok("purge", &["--yes", "--json"]).json();
    assert!(told["result"]["files"].as_u64().unwrap() > 20, "{told}");
    assert!(!exports.exists());
}

/// Case 13.9.
#[test]
fn csv_output_to_devices_and_pipes_does_not_replace_them() {
    let workdir = exported();
    let plain = workdir.ok("inspect", &["raw_scl__members", "--csv", "-"]);
    assert!(plain.stdout.starts_with("id,tenant_id,"), "{}", plain.stdout);
    for place in ["/dev/stdout", "/proc/self/fd/1"] {
        let told = workdir.ok("inspect", &["raw_scl__members", "--csv", place]).stdout;
        assert!(told.starts_with(&plain.stdout), "{place}: {told}");
    }
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink(), "still the system's own");
    workdir.ok("inspect", &["raw_scl__members", "--csv", "/dev/null"]);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    workdir.run("inspect", &["raw_scl__members", "--csv", "/dev/full"]).exits(14).says("/dev/full");
    workdir
        .run("inspect", &["raw_scl__members", "--csv", "missing/out.csv"])
        .exits(2)
        .says("the folder of the result is missing");
    workdir.run("inspect", &["raw_scl__members", "--csv", "-", "--json"]).exits(2);
    let (precious, link) = (workdir.path().join("precious"), workdir.path().join("link.csv"));
    fs::write(&precious, "kept").unwrap();
    symlink(&precious, &link).unwrap();
    workdir.run("inspect", &["raw_scl__members", "--csv", "link.csv"]).exits(2).says("symbolic link");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
}

/// Case 13.10.
#[test]
fn symbolic_links_and_world_writable_data_folders_are_refused() {
    let workdir = exported();
    let precious = workdir.path().join("precious");
    fs::write(&precious, "kept").unwrap();
    for name in [".lock", ".as_of", "purged.json"] {
        let path = workdir.data().join(name);
        let former = fs::read(&path).ok();
        let _ = fs::remove_file(&path);
        symlink(&precious, &path).unwrap();
        workdir.run("stage", &[]).exits(2).says("is a symbolic link");
        fs::remove_file(&path).unwrap();
        if let Some(text) = former {
            fs::write(&path, text).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
    for (folder, mode) in
        [(workdir.data(), 0o777), (workdir.data().join("exports"), 0o757), (workdir.data().join("exports/scl"), 0o1777)]
    {
        let former = fs::metadata(&folder).unwrap().permissions();
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        workdir.run("stage", &[]).exits(2).says("anybody may write");
        fs::set_permissions(&folder, former).unwrap();
    }
    workdir.ok("stage", &[]);
}

/// Case 13.18.
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    for arguments in
        [&["stage", "--json"][..], &["stage"], &["inspect"], &["inspect", "--man"], &["inspect", "--help"], &["status", "--json"]]
    {
        let mut command = workdir.command(arguments[0], &arguments[1..]);
        let output = command
            .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(14), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // The control: a closed pipe is not a failure.
    let status = workdir.command("inspect", &[]);
    let output = Command::new("bash")
        .args(["-c", "set -o pipefail; \"$0\" | true"])
        .arg(status.get_program())
        .current_dir(workdir.path())
        .env("CRM_BACKFILL_NO_DOT_ENV", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Case §10: `stage --with-values` does not change the input of later steps, and prints the paths of its files.
#[test]
fn rejected_rows_are_written_outside_the_staged_folder() {
    let workdir = exported();
    for step in ["stage", "resolve", "consolidate"] {
        workdir.ok(step, &[]);
    }
    let staged = workdir.fingerprint("stage");
    let run = workdir.ok("stage", &["--with-values"]);
    let run = run.says("files of rejected rows (").says("readable by you only: data/rejects/*.csv");
    assert!(run.stdout.contains("docs/"), "{}", run.stdout);
    assert_eq!(workdir.fingerprint("stage"), staged);
    workdir.ok("consolidate", &[]).says("nothing to do");
    let files = fs::read_dir(workdir.data().join("rejects")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    assert!(files.len() > 3);
    for path in &files {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!workdir.data().join("previous/rejects").exists(), "what was shown before is not kept");
    // They are also written if the step fails because of too many rejects.
    fs::remove_dir_all(workdir.data().join("rejects")).unwrap();
    workdir.edit("backfill.toml", "max_reject_ratio = 1.0", "max_reject_ratio = 0.05");
    let run = workdir.run("stage", &["--with-values"]).exits(13).says("data/rejects/*.csv").says("load.max_reject_ratio");
    assert!(run.stderr.contains("more than the allowed 5 %"), "{}", run.stderr);
    assert!(workdir.data().join("rejects").exists());
    workdir.run("stage", &[]).exits(13).says("make stage ARGS=--with-values");
}

/// Case §10: with the exports of phase 1 alone, the phase is that of the folder.
#[test]
fn rejected_rows_are_written_at_a_low_phase_too() {
    let workdir = exported();
    for source in ["scl", "teetime", "messaging"] {
        fs::remove_dir_all(workdir.data().join("exports").join(source)).unwrap();
    }
    workdir.ok("stage", &["--with-values"]).says("files of rejected rows (");
    workdir.ok("stage", &["--phase", "1"]).says("nothing to do");
}

/// Case §10: the correction loop loses nothing.
#[test]
fn dumps_written_from_an_export_give_the_same_datasets_when_they_are_read() {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", world::AS_OF);
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    for step in world::exporters(6) {
        workdir.ok(step, &[]);
    }
    let before = rows_of(&workdir);
    for step in world::exporters(6) {
        let folder = format!("dumps-{step}");
        workdir.ok(step, &["--to-csv", &folder]).says("personal data, readable by you only").says(&format!("--csv {folder}"));
        let modes = fs::read_dir(workdir.path().join(&folder))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777);
        assert!(modes.into_iter().all(|mode| mode == 0o600));
        workdir.ok(step, &["--csv", &folder]);
    }
    assert_eq!(rows_of(&workdir), before);
    workdir.run("export-scl", &["--to-csv", "missing/dumps"]).exits(2).says("missing");
    workdir.run("export-scl", &["--to-csv", "dumps", "--csv", "dumps"]).exits(2);
}

/// Every row of every exported dataset, exactly.
fn rows_of(workdir: &Workdir) -> Vec<(String, String)> {
    let listed = workdir.ok("inspect", &["--json"]).json();
    let names = listed["result"]["datasets"].as_array().unwrap().iter().map(|one| one["dataset"].as_str().unwrap().to_owned());
    let raw = names.filter(|name| name.starts_with("raw_") && !name.starts_with("raw_crm"));
    raw.map(|name| {
        let rows = workdir.ok("inspect", &[&name, "--show", "--exact", "--csv", "-"]).stdout;
        (name, rows)
    })
    .collect()
}

/// Case §10: decisions of the user do not apply to the demo.
#[test]
fn a_demo_reads_the_decisions_of_its_own_data_folder_only() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    fs::write(workdir.path().join("decisions.csv"), "kind,a,b\nnonsense,1,2\n").unwrap();
    workdir.run("resolve", &[]).exits(2).says("decisions.csv");
    fs::write(workdir.data().join(".demo"), "{}").unwrap();
    workdir.ok("resolve", &[]);
    fs::write(workdir.data().join("decisions.csv"), "kind,a,b\nnonsense,1,2\n").unwrap();
    workdir.run("resolve", &[]).exits(2).says("data/decisions.csv");
}

/// Case §10: the first command on an empty folder says how to begin.
#[test]
fn every_command_reports_an_empty_data_folder() {
    let workdir = Workdir::new();
    for command in
        [&["load", "--dry-run"][..], &["plan"], &["stage"], &["resolve"], &["consolidate"], &["score"], &["verify"], &["report"]]
    {
        let run = workdir
            .run(command[0], &command[1..])
            .exits(11)
            .says("nothing is exported yet")
            .says("make phase1")
            .says("make export");
        assert!(!run.stderr.contains(".tmp-"), "{}", run.stderr);
    }
}

/// Case §10: a plan covers the phases that can be planned.
#[test]
fn a_plan_covers_the_exported_phases_and_lists_the_missing_ones() {
    let workdir = exported();
    fs::remove_dir_all(workdir.data().join("exports/teetime")).unwrap();
    let told = workdir.ok("plan", &["--json"]).json();
    assert_eq!(told["result"]["phases"].as_array().unwrap().len(), 2);
    workdir.ok("plan", &[]).says("phases from 3 on are not planned: teetime is not exported (make export-teetime)");
    fs::remove_dir_all(workdir.data().join("exports/mca_uk")).unwrap();
    let run = workdir.run("plan", &[]).exits(11).says("no phase can be planned").says("make phase1");
    assert!(!run.stderr.contains(".tmp-"), "{}", run.stderr);
    workdir.edit("backfill.toml", "max_reject_ratio = 1.0", "max_reject_ratio = 0.0");
    let whole = exported();
    whole.edit("backfill.toml", "max_reject_ratio = 1.0", "max_reject_ratio = 0.0");
    let run = whole.run("plan", &[]).exits(13).says("phase 4 cannot be planned");
    assert!(!run.stderr.contains(".tmp-"), "{}", run.stderr);
}
