//! The checklist: the strategy's lines in its words and order, each proved only by what really happened.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::workdir::Workdir;
use crate::support::world;

/// `section | words`, as the strategy's Execution Checklist and rollback plan have them.
const STRATEGY: &str = include_str!("../../fixtures/strategy_checklist.txt");

fn lines(workdir: &Workdir) -> Vec<Value> {
    workdir.ok("checklist", &["--json"]).json()["result"]["lines"].as_array().unwrap().clone()
}

/// Words of the lines in each state; those that several phases share with their number.
fn states(workdir: &Workdir) -> BTreeMap<String, Vec<u64>> {
    let mut states: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in lines(workdir) {
        assert!(line["proof"].as_str().is_some_and(|proof| !proof.is_empty()), "{line}");
        states.entry(line["state"].as_str().unwrap().to_owned()).or_default().push(line["number"].as_u64().unwrap());
    }
    states
}

fn of(states: &BTreeMap<String, Vec<u64>>, state: &str) -> Vec<u64> {
    states.get(state).cloned().unwrap_or_default()
}

#[test]
fn every_line_of_the_strategy_appears_in_its_words_and_order() {
    let workdir = Workdir::new();
    let held: Vec<String> = lines(&workdir)
        .iter()
        .map(|line| format!("{} | {}", line["section"].as_str().unwrap(), line["words"].as_str().unwrap()))
        .collect();
    assert_eq!(held, STRATEGY.lines().collect::<Vec<_>>());
    let printed = workdir.ok("checklist", &[]).stdout;
    let mut rest = printed.as_str();
    for words in STRATEGY.lines().filter_map(|line| line.split(" | ").nth(1)) {
        rest = rest.split_once(words).unwrap_or_else(|| panic!("{words} is not printed in its order")).1;
    }
    let states = states(&workdir);
    // Nothing happened yet: lines that a command can prove are open, the others need manual review, the rollback plan is ready.
    assert_eq!(of(&states, "READY"), [38, 39, 40, 41]);
    assert_eq!(of(&states, "NEEDS_A_PERSON"), [7, 34, 37]);
    assert!(of(&states, "DONE").is_empty() && of(&states, "FAILED").is_empty());
}

#[test]
fn lines_are_done_by_what_was_run_and_open_again_after_a_rollback() {
    let mut workdir = Workdir::new();
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF);
    let (staging, crm) = (world::shared().crm(), world::shared().crm());
    for step in world::exporters(6) {
        workdir.ok(step, &[]);
    }
    assert_eq!(of(&states(&workdir), "DONE"), [2, 3, 4, 5, 6, 8, 9, 13, 17, 21], "the exports, and the access that they prove");
    workdir.set("CRM_DATABASE_URL", &staging.url);
    workdir.ok("verify", &["--phase", "0"]);
    assert_eq!(of(&states(&workdir), "DONE"), [1, 2, 3, 4, 5, 6, 8, 9, 13, 17, 21], "six databases looked at");

    // A part of the migration proves a part of the list.
    workdir.ok("export-crm", &[]);
    workdir.ok("stage", &["--phase", "2"]);
    let load = |workdir: &Workdir| {
        for step in ["resolve", "consolidate", "score", "load", "verify"] {
            workdir.ok(step, &[]);
        }
    };
    load(&workdir);
    let done = of(&states(&workdir), "DONE");
    assert!([10, 14, 15, 16].iter().all(|line| done.contains(line)), "{done:?}");
    assert!([18, 19, 22, 25, 29, 33].iter().all(|line| !done.contains(line)), "{done:?}");

    // The whole migration in a staging CRM, then in the CRM itself.
    workdir.ok("stage", &["--phase", "6"]);
    load(&workdir);
    assert!(!of(&states(&workdir), "DONE").contains(&7), "one database is not a rehearsal for itself");
    workdir.set("CRM_DATABASE_URL", &crm.url);
    workdir.ok("export-crm", &[]);
    workdir.ok("stage", &["--phase", "6"]);
    load(&workdir);
    let now = states(&workdir);
    // The population is much smaller than the strategy's estimates, and flags alone override 7 % of its opt-ins: somebody
    // confirms that is right. And the links have not been reviewed yet.
    assert_eq!(of(&now, "NEEDS_A_PERSON"), [11, 12, 24, 34, 37], "{now:?}");
    assert!(of(&now, "OPEN").is_empty() && of(&now, "FAILED").is_empty(), "{now:?}");

    workdir.run("checklist", &["--done", "Run import with identity resolution", "--by", "T. Ester"]).exits(2).says("3 lines");
    workdir.run("checklist", &["--done", "99", "--by", "T. Ester"]).exits(2).says("numbered 1 to 43");
    workdir.run("checklist", &["--done", "37"]).exits(2);
    workdir.ok("checklist", &["--done", "Enable real-time event sync", "--by", "T. Ester"]).says("closed by T. Ester, 20");
    workdir.ok("checklist", &["--done", "Spot-check identity resolution", "--by", "T. Ester"]);
    assert_eq!(of(&states(&workdir), "NEEDS_A_PERSON"), [11, 24, 34]);
    workdir.run("checklist", &["--done", "34", "--by", "T. Ester"]).exits(2).says("closed by what a program measures alone");
    workdir.ok("checklist", &["--reopen", "Enable real-time event sync"]);
    assert_eq!(of(&states(&workdir), "NEEDS_A_PERSON"), [11, 24, 34, 37]);
    workdir.run("checklist", &["--reopen", "37"]).exits(2).says("line 37 was not closed by hand");
    workdir.ok("checklist", &["--done", "37", "--by", "T. Ester"]);

    // A line whose check failed cannot be closed.
    crm.execute(r#"update "CustomerProfile" set "sclMemberId" = null where "sclMemberId" is not null"#);
    workdir.run("verify", &[]).exits(16);
    workdir.run("checklist", &["--done", "15", "--by", "T. Ester"]).exits(2).says("it is FAILED");
    assert!(of(&states(&workdir), "FAILED").contains(&15));

    workdir.ok("rollback", &["--yes"]);
    let now = states(&workdir);
    assert_eq!(of(&now, "READY"), [0; 0]);
    assert!([38, 39, 40, 41].iter().all(|line| of(&now, "DONE").contains(line)), "{now:?}");
    assert!([10, 14, 18, 22, 29, 33].iter().all(|line| of(&now, "OPEN").contains(line)), "{now:?}");
}
