//! `inspect`: what columns hold, the words they may have, and rows for programs.

use serde_json::Value;

use crate::golden::exported;
use crate::support::workdir::Workdir;

fn consolidated() -> Workdir {
    let workdir = exported();
    for step in ["stage", "resolve", "consolidate"] {
        workdir.ok(step, &[]);
    }
    workdir
}

fn column<'a>(result: &'a Value, name: &str) -> &'a Value {
    result["columns"].as_array().unwrap().iter().find(|column| column["column"] == name).unwrap()
}

#[test]
fn columns_have_type_nulls_distinct_values_limits_and_words() {
    let workdir = consolidated();
    let result = workdir.ok("inspect", &["crm__customer_profiles", "--json"]).json()["result"].clone();
    let rows = result["rows"].as_u64().unwrap();
    let id = column(&result, "id");
    assert_eq!((id["distinct"].as_u64(), id["nulls"].as_u64(), &id["type"]), (Some(rows), Some(0), &Value::from("text")));
    let status = column(&result, "status");
    assert!(status["words"].as_array().unwrap().contains(&Value::from("ACTIVE")), "{status:#}");
    let handicap = column(&result, "handicap");
    assert_eq!((&handicap["type"], &handicap["min"]), (&Value::from("decimal(4,1)"), &Value::from("-3.5")));
    let tags = column(&result, "tags");
    assert!(tags["min"].is_null() && tags["distinct"].as_u64() > Some(1), "a list has no order: {tags:#}");
    workdir.ok("inspect", &["crm__customer_profiles"]).says("distinct").says("one of: ").says("One profile per person");
}

#[test]
fn personal_values_are_masked_in_limits_top_values_and_rows_unless_shown() {
    let workdir = consolidated();
    for arguments in [&["crm__customer_profiles", "--top", "3", "--json"][..], &["crm__customer_profiles", "--top", "3"]] {
        let run = workdir.ok("inspect", arguments);
        assert!(!run.stdout.to_lowercase().contains("thandi") && !run.stdout.contains("@mail.test"), "{}", run.stdout);
    }
    let shown = workdir.ok("inspect", &["crm__customer_profiles", "--top", "3", "--show", "--json"]).json()["result"].clone();
    assert!(column(&shown, "email")["max"].as_str().unwrap().contains('@'));
    assert_eq!(shown["head"].as_array().unwrap().len(), 10, "as many rows as --head says");
    for entry in std::fs::read_dir(workdir.data().join("runs")).unwrap() {
        let record = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!record.contains("@mail.test"), "a run record has what was shown: {record}");
    }
}

#[test]
fn the_most_frequent_values_come_first_and_are_counted_only_if_asked_for() {
    let workdir = consolidated();
    let asked = workdir.ok("inspect", &["res__links", "--top", "2", "--json"]).json()["result"].clone();
    let rules = column(&asked, "rule")["top"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0]["value"], "FOUNDER");
    assert!(rules[0]["rows"].as_u64() > rules[1]["rows"].as_u64(), "{rules:#?}");
    let plain = workdir.ok("inspect", &["res__links", "--json"]).json()["result"].clone();
    assert_eq!(column(&plain, "rule")["top"], serde_json::json!([]));
}

#[test]
fn rows_pass_the_filters_and_a_mistyped_word_is_corrected() {
    let workdir = consolidated();
    let found =
        workdir.ok("inspect", &["res__links", "--where", "rule=FOUNDER", "--head", "2", "--json"]).json()["result"].clone();
    assert_eq!(found["head"].as_array().unwrap().len(), 2);
    assert!(found["head"].as_array().unwrap().iter().all(|row| row["rule"] == "FOUNDER"));
    assert!(found["matching"].as_u64() > Some(2));
    workdir.run("inspect", &["res__links", "--where", "rule=FUNDER"]).exits(2).says("did you mean \"FOUNDER\"?");
}
