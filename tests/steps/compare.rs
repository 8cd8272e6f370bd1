//! `compare`: two runs of the small world, between which a decision, two consents, a tenant and a record change.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::support::workdir::Workdir;
use crate::support::world;

/// The profile that five records of the small world share.
const THANDI: &str = "bf115517-1d32-85a2-9b9c-f0e846edd49a";
/// Ann, the one person of her tenant.
const ANN: &str = "bf1106b0-ec4e-8caf-bb9d-07089e225a8c";
/// René, who has one record.
const RENE: &str = "bf11f726-c3f3-8f5b-aa58-a854b2a9e793";

/// Contacts with a consent each: Wanda opted in, Dora out.
const CONTACTS: &str = "w1,1,wanda@mail.test,,,true,,2023-01-01T10:00:00Z,2024-01-01T10:00:00Z,\n\
                        d1,1,dora@mail.test,,,true,,2023-01-01T10:00:00Z,2024-01-01T10:00:00Z,\n";
const PREFERENCES: &str = "11,w1,EMAIL,,true,2023-01-01T10:00:00Z,2024-02-01T10:00:00Z\n\
                           12,d1,EMAIL,,false,2023-01-01T10:00:00Z,2024-02-01T10:00:00Z\n";

/// Dumps of the small world, with the contacts.
fn world() -> Workdir {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", world::AS_OF);
    workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 1.0");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for step in world::exporters(6) {
        let source = folder_of(step);
        let dumps = workdir.path().join("dumps").join(&source);
        std::fs::create_dir_all(&dumps).unwrap();
        for entry in std::fs::read_dir(fixtures.join(&source)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), dumps.join(entry.file_name())).unwrap();
        }
    }
    append(&workdir, "messaging/contacts.csv", CONTACTS);
    append(&workdir, "messaging/preferences.csv", PREFERENCES);
    workdir
}

fn folder_of(exporter: &str) -> String {
    exporter.trim_start_matches("export-").replace('-', "_")
}

fn append(workdir: &Workdir, dump: &str, lines: &str) {
    let path = workdir.path().join("dumps").join(dump);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{}\n{lines}", text.trim_end())).unwrap();
}

/// From the dumps to scores, in a data folder of its own.
fn run(workdir: &mut Workdir, folder: &str) {
    workdir.set("DATA_DIR", folder);
    for step in world::exporters(6) {
        let dumps = format!("dumps/{}", folder_of(step));
        workdir.ok(step, &["--csv", &dumps]);
    }
    workdir.ok("export-crm", &[]);
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
}

/// A run before the changes, in `a`, and one after them, in `b`.
fn two_runs() -> Workdir {
    let mut workdir = world();
    run(&mut workdir, "a");
    let decision = "kind,a,b\ncannot-link,mca_za:members:1,mca_za:members:2\n";
    std::fs::write(workdir.path().join("decisions.csv"), decision).unwrap();
    workdir.edit(
        "dumps/messaging/preferences.csv",
        "11,w1,EMAIL,,true,2023-01-01T10:00:00Z,2024",
        "11,w1,EMAIL,,false,2023-01-01T10:00:00Z,2025",
    );
    append(&workdir, "messaging/consent_changes.csv", "9,d1,EMAIL,,WEB_FORM,false,true,2026-05-01T10:00:00Z\n");
    workdir.edit("dumps/scl/members.csv", "12,9,ann.lee", "12,1,ann.lee");
    let members = workdir.path().join("dumps/mca_za/members.csv");
    let kept: Vec<String> =
        std::fs::read_to_string(&members).unwrap().lines().filter(|line| !line.starts_with("5,")).map(str::to_owned).collect();
    std::fs::write(members, kept.join("\n")).unwrap();
    run(&mut workdir, "b");
    workdir
}

fn kind<'a>(people: &'a Value, change: &str) -> &'a Value {
    let kinds = people.as_array().unwrap();
    kinds.iter().find(|kind| kind["change"] == change).unwrap_or_else(|| panic!("no {change} in {people:#}"))
}

#[test]
fn people_come_first_with_the_decision_or_record_that_changed_them() {
    let workdir = two_runs();
    let result = workdir.ok("compare", &["a", "b", "--json"]).json()["result"].clone();
    assert_eq!(result["equal"], false);
    let inputs: Vec<&str> = result["inputs"].as_array().unwrap().iter().map(|input| input.as_str().unwrap()).collect();
    assert_eq!(inputs, ["decisions.csv", "export of mca_za", "export of messaging", "export of scl"]);

    let people = &result["people"];
    assert_eq!(people[0]["change"], "OPT_OUT_TO_OPT_IN", "the dangerous direction is first: {people:#}");
    assert_eq!(people[0]["is_dangerous"], true);
    let dora = &people[0]["first"][0];
    assert_eq!(dora["what"], "EMAIL all");
    assert_eq!(dora["cause"]["why"], "messaging:contacts:d1 changed: consents");
    let wanda = &kind(people, "OPT_IN_TO_OPT_OUT")["first"][0];
    assert_eq!(wanda["cause"]["why"], "messaging:contacts:w1 changed: consents");
    assert_eq!(kind(people, "MAY_TO_MAY_NOT")["people"], 1);

    let split = &kind(people, "SPLIT")["first"][0];
    assert_eq!(split["before"], serde_json::json!([THANDI]));
    assert_eq!(split["after"].as_array().unwrap().len(), 2);
    assert_eq!(split["cause"]["kind"], "DECISION");
    assert_eq!(split["cause"]["why"], "cannot-link mca_za:members:1 mca_za:members:2 added (decisions.csv)");
    let moved = &kind(people, "TENANT")["first"][0];
    assert_eq!((&moved["before"][0], &moved["what"]), (&Value::from(ANN), &Value::from("9 → 1")));
    assert_eq!(moved["cause"]["why"], "scl:members:12 changed: club memberships, tenant_id");
    let gone = &kind(people, "GONE")["first"][0];
    assert_eq!((&gone["before"][0], &gone["cause"]["why"]), (&Value::from(RENE), &Value::from("mca_za:members:5 is gone")));

    // What is advised for each works in that run.
    for advice in split["explain"].as_array().unwrap() {
        let words: Vec<&str> = advice.as_str().unwrap().split(' ').collect();
        workdir.ok(words[0], &words[1..]);
    }
}

#[test]
fn every_dataset_is_counted_by_table_and_column() {
    let workdir = two_runs();
    let result = workdir.ok("compare", &["a", "b", "--json"]).json()["result"].clone();
    let datasets = result["datasets"].as_array().unwrap();
    let dataset = |name: &str| datasets.iter().find(|dataset| dataset["dataset"] == name).unwrap();
    let members = dataset("raw_mca_za__members");
    assert_eq!((&members["rows_a"], &members["rows_b"]), (&Value::from(8), &Value::from(7)));
    assert_eq!((&members["only_a"]["rows"], &members["only_a"]["ids"][0]["id"]), (&Value::from(1), &Value::from("5")));
    let profiles = dataset("crm__customer_profiles");
    assert_eq!(profiles["columns"]["tenant_id"]["rows"], 1);
    assert_eq!(profiles["columns"]["tenant_id"]["ids"][0]["id"], ANN);
    let decisions = dataset("res__decisions");
    assert_eq!(decisions["only_b"]["rows"], 1);
    assert!(datasets.iter().all(|dataset| dataset["dataset"] != "raw_teetime__players"), "an equal dataset is not listed");
    let one = workdir.ok("compare", &["a", "b", "--json", "--dataset", "stg_scl__people"]).json()["result"].clone();
    assert_eq!(one["datasets"].as_array().unwrap().len(), 1);
    assert_eq!(one["people"], result["people"], "people need all datasets, whichever are shown");
    workdir.run("compare", &["a", "b", "--dataset", "crm__customer_profile"]).exits(2).says("did you mean");
}

#[test]
fn the_csv_has_every_difference_masked_and_for_its_owner_alone() {
    let workdir = two_runs();
    workdir.ok("compare", &["a", "b", "--csv", "out.csv"]);
    let path = workdir.path().join("out.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "dataset,change,id,column,a,b,cause,why");
    let tenant = "crm__customer_profiles,DIFFERS,bf1106b0-ec4e-8caf-bb9d-07089e225a8c,tenant_id,9,1,RECORD,\"scl:members:12 changed: club memberships, tenant_id\"";
    assert!(lines.contains(&tenant), "{text}");
    assert!(lines.iter().any(|line| line.starts_with("people,OPT_OUT_TO_OPT_IN,")), "{text}");
    assert!(!text.contains("@mail.test"), "an email is not masked");
    workdir.ok("compare", &["a", "b", "--csv", "again.csv"]);
    assert_eq!(std::fs::read_to_string(workdir.path().join("again.csv")).unwrap(), text);
    workdir.ok("compare", &["a", "b", "--csv", "out.csv", "--show"]);
    assert!(std::fs::read_to_string(&path).unwrap().contains("@mail.test"));
}

#[test]
fn runs_are_compared_with_the_exit_code_that_was_asked_for() {
    let mut workdir = two_runs();
    workdir.ok("compare", &["a", "b"]).says("! OPT_OUT_TO_OPT_IN").says("people");
    workdir.run("compare", &["a", "b", "--exit-code"]).exits(16).says("the runs differ");
    workdir.ok("compare", &["a", "a", "--exit-code"]).says("datasets: 0 of");
    workdir.run("compare", &["a", "nowhere"]).exits(11).says("there are no datasets");
    // A run keeps what it replaced.
    std::fs::remove_file(workdir.path().join("decisions.csv")).unwrap();
    workdir.set("DATA_DIR", "b");
    for step in ["resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    let merged = workdir.ok("compare", &["b/previous", "b", "--json"]).json()["result"].clone();
    assert_eq!(kind(&merged["people"], "MERGED")["people"], 1);
    assert!(merged["not_compared"].as_array().unwrap().contains(&Value::from("exports/scl (only in B)")), "{merged:#}");
}
