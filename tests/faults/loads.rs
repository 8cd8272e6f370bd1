//! Loads that are killed and cut at any byte or moment: the CRM is as it was or complete, and the next run completes it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::pg::load::fingerprint;
use crate::support::postgres::Database;
use crate::support::proxy::{Fault, Proxy};
use crate::support::soak::{self, Random};
use crate::support::workdir::Workdir;
use crate::support::world;

/// The datasets of the invented world, its CRM, the result of a load, its duration and the number of bytes sent.
struct Golden {
    workdir: Workdir,
    empty: Vec<Vec<String>>,
    complete: Vec<Vec<String>>,
    took: Duration,
    bytes: usize,
}

/// The tests work in one data folder, one after the other.
fn golden() -> std::sync::MutexGuard<'static, Golden> {
    static GOLDEN: OnceLock<std::sync::Mutex<Golden>> = OnceLock::new();
    let make = || {
        let mut workdir = Workdir::new();
        for (variable, url) in world::shared().source_urls() {
            workdir.set(variable, &url);
        }
        let crm = world::shared().crm();
        workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
        for step in world::exporters(6) {
            workdir.ok(step, &[]);
        }
        for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
            workdir.ok(step, &[]);
        }
        let empty = fingerprint(&crm);
        let counting = Proxy::start(&crm.url, Fault::None);
        workdir.set("CRM_DATABASE_URL", &counting.url);
        let started = Instant::now();
        workdir.ok("load", &[]);
        let took = started.elapsed();
        std::sync::Mutex::new(Golden { complete: fingerprint(&crm), bytes: counting.bytes(), workdir, empty, took })
    };
    GOLDEN.get_or_init(make).lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Golden {
    /// Whether the CRM is complete; a partial load fails the test.
    fn is_complete(&self, crm: &Database, how: &str) -> bool {
        let found = fingerprint(crm);
        assert!(found == self.empty || found == self.complete, "{how}: the CRM is neither as it was nor complete");
        found == self.complete
    }

    /// The next run completes a CRM; one after it finds nothing to do.
    fn completes(&mut self, crm: &Database, how: &str) {
        self.workdir.set("CRM_DATABASE_URL", &crm.url);
        self.workdir.ok("load", &["--other-crm"]);
        assert_eq!(fingerprint(crm), self.complete, "{how}: the next run");
        self.workdir.ok("load", &["--other-crm"]).says("nothing to do");
        let left = crm.value(
            "select count(*) from pg_stat_activity a where a.datname = current_database() and a.pid <> pg_backend_pid() and a.xact_start is not null",
        );
        assert_eq!(left, "0", "{how}: no transaction of a dead loader is left");
    }
}

#[test]
fn a_load_killed_after_any_byte_leaves_the_crm_whole() {
    let mut golden = golden();
    let (mut unchanged, mut complete) = (0, 0);
    for seed in soak::seeds(4) {
        let limit = Random::new(seed).below(golden.bytes);
        let crm = world::shared().crm();
        let proxy = Proxy::start(&crm.url, Fault::StallAfter(limit));
        golden.workdir.set("CRM_DATABASE_URL", &proxy.url);
        let mut load = golden.workdir.start("load", &["--other-crm"]);
        if load.wait_for(|| proxy.is_stalled()) {
            load.signal(Signal::KILL);
        }
        load.end();
        let how = format!("seed {seed}: killed after {limit} of {} bytes", golden.bytes);
        if golden.is_complete(&crm, &how) {
            complete += 1
        } else {
            unchanged += 1
        }
        golden.completes(&crm, &how);
    }
    assert!(unchanged > 0);
    soak::measured(
        "load-killed",
        &[("kills after a byte", unchanged + complete), ("CRM as it was", unchanged), ("CRM complete", complete)],
    );
}

#[test]
fn a_load_killed_at_any_moment_leaves_the_crm_whole() {
    let mut golden = golden();
    let (mut unchanged, mut complete) = (0, 0);
    for seed in soak::seeds(4) {
        let share = Random::new(seed ^ 0xa5a5).below(110);
        let pause = golden.took * u32::try_from(share).unwrap() / 100;
        let crm = world::shared().crm();
        golden.workdir.set("CRM_DATABASE_URL", &crm.url);
        let load = golden.workdir.start("load", &["--other-crm"]);
        std::thread::sleep(pause);
        load.signal(Signal::KILL);
        load.end();
        let how = format!("seed {seed}: killed after {pause:?}");
        // The server needs a moment to see that the session is gone; a commit that was sent may still be under way.
        std::thread::sleep(Duration::from_millis(300));
        if golden.is_complete(&crm, &how) {
            complete += 1
        } else {
            unchanged += 1
        }
        golden.completes(&crm, &how);
    }
    soak::measured(
        "load-killed",
        &[("kills at a moment", unchanged + complete), ("CRM as it was", unchanged), ("CRM complete", complete)],
    );
}

#[test]
fn a_load_cut_after_any_byte_reports_the_true_outcome() {
    let mut golden = golden();
    let (mut unchanged, mut complete) = (0, 0);
    for seed in soak::seeds(4) {
        let limit = Random::new(seed ^ 0x5a5a).below(golden.bytes + golden.bytes / 20);
        let crm = world::shared().crm();
        let proxy = Proxy::start(&crm.url, Fault::CutAfter(limit));
        golden.workdir.set("CRM_DATABASE_URL", &proxy.url);
        let run = golden.workdir.run("load", &["--other-crm"]);
        let how = format!("seed {seed}: cut after {limit} of {} bytes: exit {}: {}", golden.bytes, run.code, run.stderr);
        let is_complete = golden.is_complete(&crm, &how);
        assert!([0, 14].contains(&run.code), "{how}");
        assert_eq!(run.code == 0, is_complete, "{how}");
        if is_complete {
            complete += 1
        } else {
            unchanged += 1
        }
        golden.completes(&crm, &how);
    }
    soak::measured(
        "load-cut",
        &[("cuts", unchanged + complete), ("CRM as it was, exit 14", unchanged), ("CRM complete, exit 0", complete)],
    );
}

/// The control: a CRM with one row missing is detected.
#[test]
fn a_crm_that_lacks_one_row_is_detected() {
    let mut golden = golden();
    let crm = world::shared().crm();
    golden.completes(&crm, "control");
    crm.execute("delete from \"Activity\" where \"id\" = (select min(\"id\") from \"Activity\")");
    let found = fingerprint(&crm);
    assert!(found != golden.empty && found != golden.complete);
}
