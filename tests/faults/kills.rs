//! Kills and failing system calls: at any file system call of a step, the former folder is kept or the new one is complete.

use std::process::{Command, Stdio};

use crate::golden::exported;
use crate::support::soak::{self, Random};
use crate::support::workdir::Workdir;

type Content = Vec<(String, String)>;

/// System calls by which a step changes files.
const CALLS: [&str; 8] = ["openat", "write", "fsync", "renameat2", "rename", "unlink", "unlinkat", "mkdir"];

/// Whether system calls can be traced and changed on this machine; prints a note if not.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        eprintln!("SKIPPED: strace cannot trace here (install it, or allow ptrace)");
    }
    can
}

/// Runs `stage --phase N` with another result for the n-th call of a name. Returns the exit code (128 + n for signals), the
/// output, and whether that call was reached.
fn spoiled(workdir: &Workdir, phase: &str, call: &str, fault: &str, nth: usize) -> (i32, String, bool) {
    let log = workdir.path().join("strace.log");
    let stage = workdir.command("stage", &["--phase", phase]);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:{fault}:when={nth}")]).arg(stage.get_program()).args(stage.get_args());
    command.env_clear().envs(stage.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("RAYON_NUM_THREADS", "1");
    let output = command.current_dir(workdir.path()).stdin(Stdio::null()).output().unwrap();
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let code = std::os::unix::process::ExitStatusExt::signal(&output.status)
        .map_or(output.status.code().unwrap_or(-1), |signal| 128 + signal);
    (code, String::from_utf8_lossy(&output.stderr).into_owned(), log.contains("INJECTED") || log.contains("killed by"))
}

/// A folder with the fixtures, and what stage makes of them at two phases.
fn two_phases() -> (Workdir, Content, Content) {
    let workdir = exported();
    workdir.ok("stage", &["--phase", "6"]);
    let six = workdir.fingerprint("stage");
    workdir.ok("stage", &["--phase", "4"]);
    let four = workdir.fingerprint("stage");
    assert_ne!(four, six);
    (workdir, four, six)
}

fn leftovers(workdir: &Workdir) -> Vec<String> {
    let folders = [workdir.data(), workdir.data().join("exports"), workdir.data().join("runs")];
    let names = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    names
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".tmp") || name.ends_with(".exchange"))
        .collect()
}

#[test]
fn a_step_killed_at_any_call_leaves_the_former_or_the_new_folder() {
    if !can_trace() {
        return;
    }
    let (workdir, four, six) = two_phases();
    let (mut killed, mut former_stayed, mut new_stands) = (0, 0, 0);
    for seed in soak::seeds(10) {
        let mut random = Random::new(seed);
        workdir.ok("stage", &["--phase", "4"]);
        let call = CALLS[random.below(CALLS.len())];
        let nth = 1 + random.below(if ["openat", "write"].contains(&call) { 60 } else { 12 });
        let (code, said, was_hit) = spoiled(&workdir, "6", call, "signal=KILL", nth);
        let now = workdir.fingerprint("stage");
        assert!(now == four || now == six, "seed {seed}: killed at {call} {nth} (exit {code}): neither folder is whole\n{said}");
        killed += u64::from(was_hit);
        former_stayed += u64::from(now == four);
        new_stands += u64::from(now == six);
        workdir.ok("stage", &["--phase", "6"]);
        assert_eq!(workdir.fingerprint("stage"), six, "seed {seed}: the next run completes it");
        assert_eq!(leftovers(&workdir), [""; 0], "seed {seed}: and leaves nothing of the killed one");
    }
    assert!(killed > 0 && former_stayed > 0, "{killed} kills, {former_stayed} former folders");
    soak::measured(
        "files-whole",
        &[("kills", killed), ("former folder stayed", former_stayed), ("new folder stands", new_stands)],
    );
}

/// The control: a step that wrote into its folder in place would be detected.
#[test]
fn a_half_old_and_half_new_folder_is_detected() {
    let (workdir, four, six) = two_phases();
    let file = workdir.data().join("stage/stg_scl__people.parquet");
    std::fs::write(file, "half").unwrap();
    let now = workdir.fingerprint("stage");
    assert!(now != four && now != six);
}

#[test]
fn a_disk_that_fails_at_any_call_keeps_the_former_folder() {
    if !can_trace() {
        return;
    }
    let (workdir, four, six) = two_phases();
    let (mut failed, mut unharmed) = (0, 0);
    for seed in soak::seeds(8) {
        let mut random = Random::new(seed);
        workdir.ok("stage", &["--phase", "4"]);
        let call = ["write", "fsync", "renameat2", "mkdir"][random.below(4)];
        let error = ["ENOSPC", "EIO", "EDQUOT"][random.below(3)];
        let (code, said, _) = spoiled(&workdir, "6", call, &format!("error={error}"), 1 + random.below(6));
        let now = workdir.fingerprint("stage");
        assert!(now == four || now == six, "seed {seed}: {call} {error}: neither folder is whole\n{said}");
        assert!([0, 14].contains(&code), "seed {seed}: {call} {error}: exit {code}\n{said}");
        assert!(!said.contains("bug"), "{said}");
        if code == 0 {
            unharmed += 1
        } else {
            failed += 1
        }
        assert!(code != 0 || now == six, "seed {seed}: exit 0 means done");
        workdir.ok("stage", &["--phase", "6"]);
        assert_eq!(workdir.fingerprint("stage"), six);
        assert_eq!(leftovers(&workdir), [""; 0]);
    }
    assert!(failed > 0, "no call failed");
    soak::measured("disk-failures", &[("failing calls", failed), ("not hit or not needed", unharmed)]);
}

#[test]
fn a_file_system_without_exchange_gets_two_renames_and_a_note() {
    if !can_trace() {
        return;
    }
    let (workdir, four, six) = two_phases();
    for error in ["EINVAL", "ENOSYS", "EOPNOTSUPP"] {
        workdir.ok("stage", &["--phase", "4"]);
        let (code, said, was_hit) = spoiled(&workdir, "6", "renameat2", &format!("error={error}"), 1);
        assert!(was_hit && code == 0, "{error}: exit {code}\n{said}");
        assert_eq!(workdir.fingerprint("stage"), six, "{error}");
        assert_eq!(leftovers(&workdir), [""; 0], "{error}: the note is gone");
        let former = workdir.fingerprint("previous/stage");
        assert_eq!(former.len(), four.len(), "{error}: the former folder is kept");
    }
}

#[test]
fn a_file_size_limit_stops_a_step_like_a_full_disk() {
    let (workdir, four, six) = two_phases();
    let stage = workdir.command("stage", &[]);
    // With and without the signal that the limit sends.
    for (script, wanted) in
        [("trap '' XFSZ; ulimit -f 2; exec \"$0\" --phase 6", 14), ("ulimit -c 0; ulimit -f 2; exec \"$0\" --phase 6", 153)]
    {
        let output = Command::new("bash")
            .args(["-c", script])
            .arg(stage.get_program())
            .env_clear()
            .envs(stage.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(workdir.path())
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let code = std::os::unix::process::ExitStatusExt::signal(&output.status)
            .map_or(output.status.code().unwrap_or(-1), |signal| 128 + signal);
        assert_eq!(code, wanted, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(workdir.fingerprint("stage"), four);
    }
    workdir.ok("stage", &["--phase", "6"]);
    assert_eq!(workdir.fingerprint("stage"), six);
}
