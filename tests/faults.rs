//! Altered files, full disks, kills and interrupts: no half-written folder and no wrong result.

mod flips;
mod kills;
mod loads;
mod snapshot;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::golden::exported;
use crate::support::soak::{self, Random};

#[test]
fn an_altered_export_is_refused_and_nothing_is_written() {
    let workdir = exported();
    let file = workdir.data().join("exports/scl/raw_scl__members.parquet");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    workdir.run("stage", &[]).exits(11).says("altered");
    assert!(!workdir.data().join("stage").exists());
}

#[test]
fn too_many_rejects_stop_the_run_before_anything_is_replaced() {
    let workdir = exported();
    workdir.edit("backfill.toml", "max_reject_ratio = 1.0", "max_reject_ratio = 0.05");
    workdir.run("stage", &[]).exits(13).says("could not be read, more than the allowed 5 %");
    assert!(!workdir.data().join("stage").exists());
}

#[test]
fn damaged_and_missing_files_are_refused_with_advice() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    let file = workdir.data().join("stage/stg_scl__people.parquet");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 10]).unwrap();
    workdir.run("resolve", &[]).exits(11).says("size").says("help");
    fs::remove_file(&file).unwrap();
    workdir.run("resolve", &[]).exits(11).says("missing");
    fs::write(workdir.data().join("stage/manifest.json"), "{").unwrap();
    workdir.run("resolve", &[]).exits(11).says("manifest").says("make stage");
    fs::remove_file(workdir.data().join("stage/manifest.json")).unwrap();
    workdir.run("resolve", &[]).exits(11).says("make stage");
}

#[test]
fn one_flipped_bit_anywhere_in_a_dataset_is_always_noticed() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    let file = workdir.data().join("stage/stg_teetime__people.parquet");
    let whole = fs::read(&file).unwrap();
    for seed in soak::seeds(12) {
        let mut random = Random::new(seed);
        let mut bytes = whole.clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        fs::write(&file, &bytes).unwrap();
        workdir.run("resolve", &[]).exits(11);
    }
}

#[test]
fn a_step_that_runs_out_of_disk_keeps_the_former_folder() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    let before = workdir.fingerprint("stage");
    let stage = workdir.command("stage", &["--phase", "5"]);
    // In a separate mount namespace: the copy of the data folder is on a file system that is nearly full.
    let script = "mkdir small && mount -t tmpfs -o size=600k,mode=700 none small && cp -r data/exports data/stage data/reference small/ \
                  && before=$(cat small/stage/manifest.json | md5sum) && head -c 600k /dev/zero > small/filler 2>/dev/null; \
                  code=0; \"$0\" --phase 5 --data-dir small || code=$?; \
                  [ \"$before\" = \"$(cat small/stage/manifest.json | md5sum)\" ] || exit 99; exit $code";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "bash", "-c", script])
        .arg(stage.get_program())
        .current_dir(workdir.path())
        .env("CRM_BACKFILL_NO_DOT_ENV", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(14), "{said}");
    assert!(said.contains("free some space"), "{said}");
    assert_eq!(workdir.fingerprint("stage"), before);
}

#[test]
fn files_are_readable_by_their_owner_only_whatever_the_umask() {
    let workdir = exported();
    let stage = workdir.command("stage", &[]);
    let status = Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" --quiet"])
        .arg(stage.get_program())
        .current_dir(workdir.path())
        .env("CRM_BACKFILL_NO_DOT_ENV", "1")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let mut open = Vec::new();
    for folder in ["stage", "exports/scl", "runs"] {
        let folder = workdir.data().join(folder);
        open.extend(others_can_read(&folder));
        for entry in fs::read_dir(&folder).unwrap() {
            open.extend(others_can_read(&entry.unwrap().path()));
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn others_can_read(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    (mode & 0o077 != 0).then(|| format!("{} {mode:o}", path.display()))
}

#[test]
fn a_killed_step_leaves_the_former_folder_and_the_next_run_cleans_up() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    let before = workdir.fingerprint("stage");
    for wait in [0, 2, 5, 10, 20, 40] {
        let mut child = workdir.command("stage", &["--phase", "4"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let _ = child.kill();
        let _ = child.wait();
        let now = workdir.fingerprint("stage");
        let complete = now.iter().any(|(name, _)| name == "stage/manifest.json");
        assert!(complete, "after {wait} ms the folder has no manifest");
        if now != before {
            break;
        }
    }
    workdir.ok("stage", &["--phase", "6"]);
    assert_eq!(workdir.fingerprint("stage"), before);
    let left: Vec<_> = fs::read_dir(workdir.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".tmp-")), "{left:?}");
}

#[test]
fn two_steps_in_one_data_folder_do_not_run_at_once() {
    let workdir = exported();
    let lock =
        fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(workdir.data().join(".lock")).unwrap();
    lock.lock().unwrap();
    workdir.run("stage", &[]).exits(12).says("another run");
    drop(lock);
    workdir.ok("stage", &[]);
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let workdir = exported();
    let inspect = workdir.command("inspect", &[]);
    let output = Command::new("bash")
        .args(["-c", "set -o pipefail; \"$0\" --man | head -1 >/dev/null"])
        .arg(inspect.get_program())
        .current_dir(workdir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn results_are_one_json_line_on_success_on_failure_and_on_wrong_arguments() {
    let workdir = exported();
    let good = workdir.ok("inspect", &["--json"]).json();
    assert_eq!((&good["format"], &good["exit"]), (&1.into(), &0.into()));
    let missing = workdir.run("resolve", &["--json"]).exits(11).json();
    assert_eq!(missing["exit"], 11);
    assert!(missing["error"]["help"][0].as_str().unwrap().contains("make stage"));
    let wrong = workdir.run("stage", &["--json", "--phse", "3"]).exits(2).json();
    assert_eq!(wrong["exit"], 2);
}
