//! Confirmation before a load, a rollback and an emergency rollback, at a terminal and without one.

use crate::golden::exported;
use crate::support::postgres::{Database, database};
use crate::support::workdir::Workdir;

/// The small world built, and a CRM with a segment and a profile of somebody else.
fn built() -> (Workdir, Database) {
    let mut workdir = exported();
    let crm = database(include_str!("../../schemas/crm.sql"));
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    (workdir, crm)
}

fn profiles(crm: &Database) -> u64 {
    crm.value("select count(*) from \"CustomerProfile\"").parse().unwrap()
}

#[test]
fn a_load_asks_for_confirmation_only_at_a_terminal() {
    let (workdir, crm) = built();
    for answer in ["n\n", "\n", "yes please\n"] {
        let run = workdir.attended("load", &[], answer).exits(10).says("Load? [y/N]").says("not confirmed: nothing was changed");
        let place = crm.url.trim_start_matches("postgres://");
        assert!(run.stderr.contains(place) && run.stderr.contains("CustomerProfile"), "where and how much: {}", run.stderr);
        assert_eq!(profiles(&crm), 0);
    }
    assert!(!workdir.attended("load", &["--dry-run"], "").exits(0).stderr.contains("[y/N]"), "a count changes nothing");
    workdir.attended("load", &[], "y\n").exits(0).says("Load? [y/N]");
    let loaded = profiles(&crm);
    assert!(loaded > 0);

    workdir.attended("rollback", &[], "no\n").exits(10).says("not confirmed");
    assert_eq!(profiles(&crm), loaded);
    assert!(!workdir.attended("rollback", &["--yes"], "").exits(0).stderr.contains("[y/N]"));
    assert_eq!(profiles(&crm), 0);
}

#[test]
fn an_unattended_load_needs_no_confirmation() {
    let (workdir, crm) = built();
    assert!(!workdir.ok("load", &[]).stderr.contains("[y/N]"));
    assert!(profiles(&crm) > 0);
}

#[test]
fn an_unattended_rollback_or_purge_needs_a_yes() {
    let (workdir, crm) = built();
    workdir.ok("load", &[]);
    let loaded = profiles(&crm);
    for binary in ["rollback", "purge"] {
        workdir
            .run(binary, &[])
            .exits(2)
            .says("there is no terminal to ask on: nothing was changed")
            .says(&format!("make {binary} ARGS=--yes"));
    }
    assert_eq!(profiles(&crm), loaded);
    workdir.ok("rollback", &["--dry-run"]);
    assert!(!workdir.ok("rollback", &["--yes"]).stderr.contains("[y/N]"));
    assert_eq!(profiles(&crm), 0);
}

#[test]
fn an_emergency_rollback_always_needs_the_name_of_the_database() {
    let (workdir, crm) = built();
    workdir.ok("load", &[]);
    crm.execute(
        "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"source\", \"firstSeenAt\", \"createdAt\", \"updatedAt\")
         values ('p1', '1', 'app', '2020-01-01', '2020-01-01', '2020-01-01');
         insert into \"CustomerNote\" (\"id\", \"tenantId\", \"customerId\", \"body\", \"createdAt\", \"updatedAt\")
         values ('n1', '1', 'p1', 'prefers mornings', '2020-01-01', '2020-01-01')",
    );
    let loaded = profiles(&crm);
    let refuse = format!("crm-backfill rollback --emergency --confirm {}", crm.name);
    for arguments in [&["--emergency"][..], &["--emergency", "--yes"], &["--emergency", "--confirm", "postgres"]] {
        workdir.run("rollback", arguments).exits(10).says("the database's name was not given: nothing was changed").says(&refuse);
    }
    for answer in ["y\n", "\n", "CRM\n"] {
        workdir.attended("rollback", &["--emergency", "--yes"], answer).exits(10).says("Type the database's name");
    }
    workdir.run("rollback", &["--confirm", &crm.name]).exits(2);
    assert_eq!(profiles(&crm), loaded);
    assert!(!workdir.data().join("backup").exists() && workdir.data().join("crm").exists());

    let run = workdir.attended("rollback", &["--emergency"], &format!("{}\n", crm.name)).exits(0);
    let line = run.stderr.lines().find(|line| line.contains("CustomerProfile")).unwrap();
    assert!(line.contains(&format!("{loaded} rows,")) && line.contains(" 1 not ours"), "rows not ours come first: {line}");
    for table in ["CustomerProfile", "CustomerNote", "Activity", "SyncLog", "DuplicateCandidate"] {
        assert_eq!(crm.value(&format!("select count(*) from \"{table}\"")), "0", "{table}");
    }
    let saved = std::fs::read_dir(workdir.data().join("backup")).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(saved.join("CustomerNote.jsonl")).unwrap().contains("prefers mornings"));
    assert!(!workdir.data().join("crm").exists(), "the datasets are set aside");
    for step in ["consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    workdir.ok("load", &[]);
    assert_eq!(profiles(&crm), loaded - 1, "the saved exports give the same CRM again");
    workdir.ok("rollback", &["--emergency", "--confirm", &crm.name]);
    assert_eq!(profiles(&crm), 0);
}
