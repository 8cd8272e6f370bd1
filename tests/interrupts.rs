//! Ctrl-C in the middle of every command: one clear line, nothing half-written, an unchanged CRM, and the next run succeeds.

use std::path::Path;
use std::time::Duration;

use crm_backfill::pg::local::LocalServer;
use rustix::process::Signal;

use crate::pg::load::fingerprint;
use crate::support::proxy::{Fault, Proxy};
use crate::support::workdir::{Run, Workdir};
use crate::support::world;

const NOTHING: &str = "interrupted: no folder was replaced and nothing was committed";

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Drafts in the data folder.
fn drafts(workdir: &Workdir) -> Vec<String> {
    let folders = [workdir.data(), workdir.data().join("exports"), workdir.data().join("runs")];
    folders.iter().flat_map(|folder| names(folder)).filter(|name| name.contains(".tmp-")).collect()
}

fn has_draft(workdir: &Workdir, folder: &str) -> bool {
    let path = workdir.data().join(folder);
    let prefix = format!("{}.tmp-", path.file_name().unwrap().to_str().unwrap());
    names(path.parent().unwrap()).iter().any(|name| name.starts_with(&prefix))
}

/// Runs a command and sends it a signal when a condition is met. A run that ends before the condition was seen is repeated.
fn signalled(workdir: &Workdir, binary: &str, arguments: &[&str], signal: Signal, mut moment: impl FnMut() -> bool) -> Run {
    let mut attempts = 0;
    let started = loop {
        let mut started = workdir.start(binary, arguments);
        if started.wait_for(&mut moment) {
            break started;
        }
        let run = started.end();
        attempts += 1;
        assert!(attempts < 10, "{binary} ended with {} before its moment came\n{}{}", run.code, run.stdout, run.stderr);
        let folder = workdir.data().join(if binary == "consolidate" { "crm" } else { binary });
        if folder.is_dir() {
            std::fs::remove_dir_all(folder).unwrap();
        }
    };
    started.signal(signal);
    let run = started.end();
    let lines: Vec<_> = run.stderr.lines().filter(|line| line.contains("interrupted")).collect();
    assert_eq!(lines.len(), 1, "{}", run.stderr);
    run.exits(128 + signal.as_raw())
}

fn sources() -> Workdir {
    let mut workdir = Workdir::new();
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF);
    workdir
}

#[test]
fn an_interrupted_export_leaves_the_saved_one_and_the_next_run_cleans_up() {
    let mut workdir = sources();
    let crm = world::shared().crm();
    for (at, (variable, url)) in world::shared().source_urls().iter().enumerate() {
        let source = variable.trim_end_matches("_DATABASE_URL").to_lowercase();
        let (binary, folder) = (format!("export-{}", source.replace('_', "-")), format!("exports/{source}"));
        let signal = if at % 2 == 0 { Signal::INT } else { Signal::TERM };
        for _ in ["nothing saved", "one saved"] {
            let before = workdir.fingerprint(&folder);
            let proxy = Proxy::start(url, Fault::StallAt(b") to stdout (format binary)"));
            workdir.set(variable, &proxy.url);
            let moment = || proxy.is_stalled() && has_draft(&workdir, &folder);
            signalled(&workdir, &binary, &[], signal, moment).says(NOTHING);
            assert_eq!(workdir.fingerprint(&folder), before);
            workdir.set(variable, url);
            workdir.ok(&binary, &[]);
            assert!(!workdir.fingerprint(&folder).is_empty());
            assert_eq!(drafts(&workdir), [""; 0]);
        }
    }
    let proxy = Proxy::start(&crm.url, Fault::StallAt(b"CustomerSegment"));
    workdir.set("CRM_DATABASE_URL", &proxy.url);
    signalled(&workdir, "export-crm", &[], Signal::INT, || proxy.is_stalled()).says(NOTHING);
    assert!(!workdir.data().join("exports/crm").exists());
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("export-crm", &[]);
}

#[test]
fn an_interrupted_step_keeps_its_former_folder() {
    let workdir = sources();
    for step in world::exporters(6) {
        workdir.ok(step, &[]);
    }
    workdir.ok("export-crm", &[]);
    let steps = [("stage", "stage"), ("resolve", "resolve"), ("consolidate", "crm"), ("score", "score"), ("report", "report")];
    for (at, (step, folder)) in steps.into_iter().enumerate() {
        let signal = if at % 2 == 0 { Signal::TERM } else { Signal::INT };
        signalled(&workdir, step, &[], signal, || has_draft(&workdir, folder)).says(NOTHING);
        assert_eq!(workdir.fingerprint(folder), [], "{step}: nothing under the final name");
        workdir.ok(step, &[]);
        assert!(workdir.data().join(folder).join("manifest.json").exists());
        assert_eq!(drafts(&workdir), [""; 0], "{step}");
    }
    let run = signalled(&workdir, "plan", &["--json"], Signal::INT, || has_draft(&workdir, "plan")).says(NOTHING);
    assert_eq!(run.json()["exit"], 130);
    // The next command removes the draft, even if it has nothing to do.
    assert_ne!(drafts(&workdir), [""; 0]);
    workdir.ok("stage", &[]).says("nothing to do");
    assert_eq!(drafts(&workdir), [""; 0]);
}

/// At any time of the signal, the folder is the former or the new one, and the line on stderr says which.
#[test]
fn an_interrupted_step_reports_its_true_outcome() {
    let workdir = crate::golden::exported();
    workdir.ok("stage", &["--phase", "6"]);
    let whole = workdir.fingerprint("stage");
    workdir.ok("stage", &["--phase", "4"]);
    let part = workdir.fingerprint("stage");
    assert_ne!(whole, part);
    let (mut former, mut interrupted) = (part.clone(), 0);
    for turn in 0..24 {
        let (phase, new) = if former == part { ("6", &whole) } else { ("4", &part) };
        let started = workdir.start("stage", &["--phase", phase]);
        std::thread::sleep(Duration::from_millis(5 * turn));
        started.signal(Signal::INT);
        let run = started.end();
        let now = workdir.fingerprint("stage");
        interrupted += usize::from(run.code == 130);
        let is_done = run.code == 0 || run.stderr.contains("data/stage is written");
        assert_eq!(&now, if is_done { new } else { &former }, "exit {}: {}", run.code, run.stderr);
        former = now;
    }
    assert!(interrupted > 3, "{interrupted}");
}

#[test]
fn an_interrupted_load_verify_or_rollback_does_not_change_the_crm() {
    let mut workdir = sources();
    let crm = world::shared().crm();
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for step in world::exporters(6) {
        workdir.ok(step, &[]);
    }
    for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    let stalled_at = |workdir: &mut Workdir, bytes: &'static [u8]| {
        let proxy = Proxy::start(&crm.url, Fault::StallAt(bytes));
        workdir.set("CRM_DATABASE_URL", &proxy.url);
        proxy
    };

    let empty = fingerprint(&crm);
    for (bytes, signal) in [(b"\"CustomerProfile\" (\"".as_slice(), Signal::INT), (b"delete from backfill.kept", Signal::TERM)] {
        let proxy = stalled_at(&mut workdir, bytes);
        signalled(&workdir, "load", &[], signal, || proxy.is_stalled()).says(NOTHING);
        assert_eq!(fingerprint(&crm), empty);
    }
    // While the commit is not answered the first signal waits; the second does not.
    let proxy = stalled_at(&mut workdir, b"commit\0");
    let mut load = workdir.start("load", &[]);
    assert!(load.wait_for(|| proxy.is_stalled()));
    load.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!load.has_ended(), "the first signal waits for the commit to be confirmed");
    load.signal(Signal::INT);
    load.end().exits(130).says("waiting for the commit to be confirmed; press Ctrl-C again to stop now");
    assert_eq!(fingerprint(&crm), empty);
    // After the commit the line says so.
    let proxy = stalled_at(&mut workdir, b"analyze \"");
    signalled(&workdir, "load", &[], Signal::INT, || proxy.is_stalled()).says("the transaction is committed");
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("load", &[]).says("nothing to do");
    let loaded = fingerprint(&crm);
    assert_ne!(loaded, empty);

    let proxy = stalled_at(&mut workdir, b"from \"Activity\"");
    signalled(&workdir, "verify", &[], Signal::INT, || proxy.is_stalled()).says(NOTHING);
    assert!(!workdir.data().join("verify").exists());
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("verify", &[]);
    assert_eq!(drafts(&workdir), [""; 0]);

    let proxy = stalled_at(&mut workdir, b"delete from \"Activity\"");
    signalled(&workdir, "rollback", &["--yes"], Signal::INT, || proxy.is_stalled()).says(NOTHING);
    assert_eq!(fingerprint(&crm), loaded);
    assert!(workdir.data().join("crm").exists() && !workdir.data().join("failed").exists());
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("rollback", &["--yes"]);
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
    assert!(!workdir.data().join("crm").exists());
}

/// Stops the server that an interrupted `local up` may have started.
struct Stopped(std::path::PathBuf);

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Ok(server) = LocalServer::attach(&self.0) {
            let _ = server.stop();
        }
    }
}

#[test]
fn an_interrupted_start_of_the_local_server_starts_the_next_time() {
    let workdir = Workdir::new();
    let postgres = workdir.data().join("postgres");
    let _stopped = Stopped(postgres.clone());
    let up = ["up", "--scale", "0.002"];
    let half_made =
        || names(&postgres).iter().any(|name| name.starts_with("data.tmp-") && postgres.join(name).join("base").exists());
    // The next one starts while the initdb of this one may still be clearing away.
    signalled(&workdir, "local", &up, Signal::INT, half_made).says(NOTHING);
    signalled(&workdir, "local", &up, Signal::TERM, || postgres.join("port").exists()).says(NOTHING);
    assert!(!workdir.data().join(".demo").exists(), "half a population is not taken for a whole one");
    workdir.ok("local", &up).says("invented");
    assert!(workdir.data().join(".demo").exists());
    workdir.ok("local", &["down"]);
}
