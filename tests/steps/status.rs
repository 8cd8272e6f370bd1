//! `status` and `plan`: the state of a migration and the effect of each phase. Both change nothing.

use serde_json::Value;

use crate::golden::exported;
use crate::support::postgres::database;
use crate::support::proxy::{Fault, Proxy};
use crate::support::workdir::Workdir;

const NOBODY: &str = "postgres://postgres@127.0.0.1:1/crm";

fn status(workdir: &Workdir) -> Value {
    workdir.ok("status", &["--json"]).json()["result"].clone()
}

/// The command that continues the migration.
fn next(workdir: &Workdir) -> Value {
    status(workdir)["next"].clone()
}

fn build(workdir: &Workdir, phase: &str) {
    workdir.ok("export-crm", &[]);
    workdir.ok("stage", &["--phase", phase]);
    for step in ["resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
}

#[test]
fn the_status_of_an_empty_data_folder() {
    let workdir = Workdir::new();
    let told = status(&workdir);
    assert!(told["folders"].as_object().unwrap().values().all(Value::is_null), "{told}");
    assert_eq!((&told["crm"], &told["commit"], &told["people"]), (&Value::Null, &Value::Null, &Value::Array(Vec::new())));
    workdir.ok("status", &[]).says("exports/mca_za       –").says("report               –");
    assert_eq!(next(&workdir), "make export");
    workdir.run("plan", &[]).exits(11).says("make export");
    let left: Vec<_> = std::fs::read_dir(workdir.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".tmp-")), "{left:?}");
}

#[test]
fn each_step_moves_its_folder_and_each_load_the_crm() {
    let mut workdir = exported();
    let crm = database(include_str!("../../schemas/crm.sql"));
    let told = status(&workdir);
    assert_eq!(told["folders"]["exports/scl"]["as_of"], crate::support::world::AS_OF.replace('Z', ".000Z"));
    assert_eq!(told["folders"]["stage"], Value::Null);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("status", &[]).says("0 of our profiles, 0 foreign profiles").says("last run             none");

    assert_eq!(next(&workdir), "make stage");
    workdir.ok("status", &[]).says(" old, ");
    let mut profiles = 0;
    for phase in ["1", "2", "3", "4", "5", "6"] {
        build(&workdir, phase);
        let number: u64 = phase.parse().unwrap();
        let before = status(&workdir);
        for folder in ["stage", "resolve", "crm", "score"] {
            assert_eq!(before["folders"][folder]["phase"], number, "{folder}");
        }
        assert_ne!(before["crm"]["last_run"]["phase"], number, "built is not loaded");
        workdir.ok("load", &[]);
        assert_eq!(next(&workdir), "make verify");
        let told = status(&workdir);
        let run = &told["crm"]["last_run"];
        assert_eq!((&run["command"], &run["phase"]), (&"load".into(), &number.into()));
        assert!(told["crm"]["profiles"].as_u64().unwrap() >= profiles, "{told}");
        profiles = told["crm"]["profiles"].as_u64().unwrap();
        assert!(!told["people"].as_array().unwrap().is_empty());
    }
    workdir.ok("status", &[]).says("of scl: tenant").says(&format!("{profiles} of our profiles, 0 foreign profiles"));
    workdir.ok("rollback", &["--yes"]);
    let told = status(&workdir);
    assert_eq!((&told["crm"]["last_run"]["command"], &told["crm"]["profiles"]), (&"rollback".into(), &0.into()));
    assert_eq!(told["folders"]["crm"], Value::Null, "set aside");

    crm.execute("drop schema public cascade; create schema public");
    workdir.ok("status", &[]).says("the CRM's tables do not exist");
}

#[test]
fn the_data_folder_is_shown_even_if_the_crm_does_not_answer() {
    let mut workdir = exported();
    workdir.set("CRM_DATABASE_URL", NOBODY);
    let run = workdir.run("status", &["--json"]).exits(14);
    let line = run.json();
    assert_eq!(line["exit"], 14);
    assert!(line["result"]["folders"]["exports/scl"]["rows"].as_u64() > Some(0), "{line}");
    assert!(line["result"]["crm"]["error"].as_str().unwrap().contains("nothing listens at 127.0.0.1:1"), "{line}");
    workdir.ok("status", &["--offline"]).says("exports/scl");
}

#[test]
fn the_outcome_of_an_unanswered_commit_is_looked_up() {
    let mut workdir = exported();
    let crm = database(include_str!("../../schemas/crm.sql"));
    workdir.set("CRM_DATABASE_URL", &crm.url);
    build(&workdir, "6");
    let proxy = Proxy::start(&crm.url, Fault::LoseCommitAnswer);
    proxy.close_after_first();
    workdir.set("CRM_DATABASE_URL", &proxy.url);
    let run = workdir.run("load", &["--json"]).exits(15).json();
    assert!(run["error"]["help"][0].as_str().unwrap().contains("make status"), "{run}");

    workdir.set("CRM_DATABASE_URL", NOBODY);
    workdir.run("status", &[]).exits(15).says("still not known");
    workdir.run("status", &["--offline"]).exits(15).says("still not known");
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("status", &[]).says(": it committed");
    assert_eq!(status(&workdir)["commit"]["committed"], true);
    workdir.ok("load", &[]).says("nothing to do");
    assert_eq!(status(&workdir)["commit"], Value::Null, "the next load is known");
}

fn counts(tables: &Value, table: &str, kind: &str) -> u64 {
    tables[table][kind].as_u64().unwrap_or_else(|| panic!("{table} {kind}: {tables}"))
}

#[test]
fn the_plan_of_each_phase_is_what_its_load_then_does() {
    let mut workdir = exported();
    let plan = workdir.ok("plan", &["--json"]).json()["result"]["phases"].clone();
    assert_eq!(plan.as_array().unwrap().len(), 6);
    let part = workdir.ok("plan", &["--phase", "2", "--json"]).json()["result"]["phases"].clone();
    assert_eq!(part.as_array().unwrap().as_slice(), &plan.as_array().unwrap()[..2]);
    for folder in ["stage", "resolve", "crm", "score"] {
        assert!(!workdir.data().join(folder).exists(), "a plan leaves nothing behind");
    }
    let crm = database(include_str!("../../schemas/crm.sql"));
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for phase in 1..=6_usize {
        build(&workdir, &phase.to_string());
        let planned = &plan[phase - 1]["tables"];
        // Exact counts beforehand, and the same when it is done.
        let counted = workdir.ok("load", &["--dry-run", "--json"]).json()["result"]["tables"].clone();
        let loaded = workdir.ok("load", &["--json"]).json()["result"]["tables"].clone();
        for table in
            ["CustomerProfile", "IdentityAlias", "MarketingConsent", "Activity", "CampaignInteraction", "DuplicateCandidate"]
        {
            for kind in ["inserted", "updated", "deleted"] {
                let (planned, counted) = (counts(planned, table, kind), counts(&counted, table, kind));
                let loaded = counts(&loaded, table, kind);
                assert_eq!((planned, counted), (loaded, loaded), "phase {phase}: {table} {kind}");
            }
        }
    }
}
