//! `audit`: a sample for review, precision with its interval from the verdicts, and decisions for the next run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::golden::exported;
use crate::support::workdir::Workdir;

fn resolved() -> Workdir {
    let workdir = exported();
    for step in ["stage", "resolve"] {
        workdir.ok(step, &[]);
    }
    workdir
}

type Row = BTreeMap<String, String>;

fn table(path: &std::path::Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let row =
        |record: csv::StringRecord| header.iter().zip(&record).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn dataset(workdir: &Workdir, name: &str) -> Vec<Row> {
    workdir.ok("inspect", &[name, "--show", "--csv", "out.csv"]);
    table(&workdir.path().join("out.csv"))
}

/// Draws a sample and fills in a verdict on each pair.
fn judged(workdir: &Workdir, file: &str, verdict: impl Fn(&Row) -> &'static str) -> usize {
    workdir.ok("audit", &["--sample", "300", "--out", file]);
    let path = workdir.path().join(file);
    let rows = table(&path);
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(rows[0].keys()).unwrap();
    for row in &rows {
        let cells = row.iter().map(|(name, value)| if name == "verdict" { verdict(row) } else { value.as_str() });
        writer.write_record(cells).unwrap();
    }
    writer.flush().unwrap();
    rows.len()
}

/// Profile of each record.
fn profiles(workdir: &Workdir) -> BTreeMap<String, String> {
    let key = |row: &Row| format!("{}:{}:{}", row["source"], row["entity"], row["source_id"]);
    dataset(workdir, "res__links").iter().map(|row| (key(row), row["profile_id"].clone())).collect()
}

#[test]
fn a_sample_is_masked_and_reproducible() {
    let workdir = resolved();
    let drawn = workdir.ok("audit", &["--sample", "300", "--json"]).json();
    assert_eq!(drawn["result"]["pairs"], 10, "six links and four candidates: {drawn}");
    let written = workdir.data().join("audit/sample.csv");
    let rows = table(&written);
    let linked = rows.iter().filter(|row| row["linked"] == "yes").count();
    assert_eq!((linked, rows.len()), (6, 10));
    assert!(rows.iter().all(|row| row["verdict"].is_empty() && !row["evidence"].is_empty() && !row["bits"].is_empty()));
    let text = std::fs::read_to_string(&written).unwrap().to_lowercase();
    assert!(!text.contains("nkosi") && !text.contains("mail.test") && text.contains("t•••@m•••"), "{text}");

    workdir.ok("audit", &["--sample", "300", "--out", "again.csv"]);
    assert_eq!(text, std::fs::read_to_string(workdir.path().join("again.csv")).unwrap().to_lowercase());
    workdir.ok("audit", &["--sample", "300", "--out", "shown.csv", "--show"]);
    let shown = std::fs::read_to_string(workdir.path().join("shown.csv")).unwrap().to_lowercase();
    assert!(shown.contains("nkosi") && shown.contains("thandi.nkosi@mail.test"), "{shown}");
    workdir.run("audit", &[]).exits(2);
    workdir.ok("audit", &["--sample", "2", "--out", "few.csv"]).says("more than 2, because at least 5 of each of 5 strata");
}

#[test]
fn a_dry_run_shows_the_lines_and_writes_nothing() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |row| if row["linked"] == "yes" { "different" } else { "" });
    let shown = workdir.ok("audit", &["--verdicts", "audit.csv", "--by", "Lee", "--dry-run"]);
    assert_eq!(shown.stdout.matches("   cannot-link,").count(), 6, "{}", shown.stdout);
    assert!(!workdir.path().join("decisions.csv").exists() && !workdir.data().join("audit").exists());
    let line = workdir.ok("checklist", &["--json"]).json()["result"]["lines"][33].clone();
    assert!(line["proof"].as_str().unwrap().contains("audit --html"), "a dry run does not count: {line}");
    workdir.run("audit", &["--verdicts", "audit.csv"]).exits(2).says("--by");
}

#[test]
fn a_reviewer_at_a_terminal_sees_the_lines_and_is_asked() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |row| if row["linked"] == "yes" { "different" } else { "" });
    let arguments = ["--verdicts", "audit.csv", "--by", "Lee"];
    let declined = workdir.attended("audit", &arguments, "n\n").exits(10);
    assert!(declined.stderr.contains("cannot-link,") && declined.stderr.contains("[y/N]"), "{}", declined.stderr);
    assert!(declined.stdout.contains("6 links judged"), "the shares are shown all the same: {}", declined.stdout);
    assert!(!workdir.path().join("decisions.csv").exists());
    workdir.attended("audit", &arguments, "y\n").exits(0).says("6 decisions added");
    let line = workdir.ok("checklist", &["--json"]).json()["result"]["lines"][33].clone();
    assert_eq!(line["proof"], "6 of 200 verdicts on links given");
    let refused = workdir.run("checklist", &["--done", "34", "--by", "Eve"]).exits(2);
    refused.says("closed by what a program measures alone").says("6 of 200 verdicts on links given");
}

#[test]
fn unattended_verdicts_write_no_decision_without_a_yes() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |row| if row["linked"] == "yes" { "different" } else { "" });
    let arguments = ["--verdicts", "audit.csv", "--by", "Lee"];
    let refused = workdir.run("audit", &arguments).exits(2).says("there is no terminal to ask on: nothing was changed");
    refused.says("6 links judged").says("make audit ARGS='--verdicts audit.csv --by \"Lee\" --yes'");
    assert!(!workdir.path().join("decisions.csv").exists() && !workdir.data().join("audit/verdicts.csv").exists());
    workdir.ok("audit", &[&arguments[..], &["--yes"]].concat()).says("6 decisions added");
    assert!(workdir.data().join("audit/verdicts.csv").exists());
}

#[test]
fn verdicts_give_precision_and_decisions_for_the_next_run() {
    let workdir = resolved();
    let before = profiles(&workdir);
    assert_eq!(before["mca_za:members:6"], before["mca_za:members:7"]);
    // One link of six is wrong, one candidate is one person after all, and one candidate is undecided.
    let is_wrong = |row: &Row| row["a"].ends_with("mca_za:members:7") || row["b"].ends_with("mca_za:members:7");
    let is_missed = |row: &Row| row["linked"] == "no" && row["a"] == "mca_uk:members:1" && row["b"] == "mca_uk:members:2";
    judged(&workdir, "audit.csv", |row| match (row["linked"].as_str(), is_wrong(row), is_missed(row)) {
        ("yes", true, _) | ("no", _, false) if row["b"] != "scl:members:12" || row["a"] != "mca_uk:members:1" => "different",
        ("yes", ..) | (_, _, true) => "same",
        _ => "unsure",
    });
    let read = workdir.ok("audit", &["--verdicts", "audit.csv", "--by", "Lee", "--yes", "--json"]).json();
    let result = &read["result"];
    // By hand: 4 of 4 weighs four sixths, 1 of 1 and 0 of 1 one sixth each.
    assert_eq!(result["precision"], "83.3 % (95 % interval 48.1 to 96.6 %)", "{read}");
    assert_eq!((&result["verdicts"], &result["decisions"]), (&6.into(), &4.into()));
    let strata: Vec<_> =
        result["strata"].as_array().unwrap().iter().map(|of| (&of["stratum"], &of["judged"], &of["same"])).collect();
    let counted = |name: &str, judged: u64, same: u64| (Value::from(name), Value::from(judged), Value::from(same));
    let expected = [
        counted("EMAIL, confidence 77, near the threshold", 1, 0),
        counted("PHONE, confidence 85", 1, 1),
        counted("candidate, CDH_ID_CONFLICT", 1, 1),
        counted("candidate, CROSS_TENANT", 2, 0),
        counted("largest profiles", 4, 4),
    ];
    assert_eq!(strata, expected.iter().map(|of| (&of.0, &of.1, &of.2)).collect::<Vec<_>>());

    let decisions = table(&workdir.path().join("decisions.csv"));
    let lines: Vec<_> = decisions
        .iter()
        .map(|row| [&row["kind"], &row["a"], &row["b"], &row["reason"], &row["who"]].map(String::as_str))
        .collect();
    let mut expected = [
        ["cannot-link", "mca_za:members:7", "mca_za:members:6", "sample audit", "Lee"],
        ["cannot-link", "mca_uk:members:2", "scl:members:12", "sample audit", "Lee"],
        ["cannot-link", "mca_za:members:8", "mca_uk:members:2", "sample audit", "Lee"],
        ["must-link", "mca_uk:members:1", "mca_uk:members:2", "sample audit", "Lee"],
    ];
    expected.sort_unstable();
    let mut sorted = lines.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(decisions.iter().all(|row| row["at"].starts_with("20")));

    workdir.ok("resolve", &[]);
    let echoed = dataset(&workdir, "res__decisions");
    assert_eq!(echoed.len(), 4);
    assert!(echoed.iter().all(|row| row["state"] == "APPLIED" && row["origin"] == "decisions.csv"), "{echoed:?}");
    let after = profiles(&workdir);
    assert_ne!(after["mca_za:members:6"], after["mca_za:members:7"], "a cannot-link splits");
    assert_eq!(after["mca_uk:members:1"], after["mca_uk:members:2"], "a must-link joins");
    let moved: Vec<_> = before.iter().filter(|(key, profile)| after[*key] != **profile).map(|(key, _)| key.as_str()).collect();
    assert_eq!(moved, ["mca_uk:members:2", "mca_za:members:7"], "nothing else moves");

    // Read again: a corrected link is no longer a link, so it does not count; no decision is written twice.
    let again = workdir.ok("audit", &["--verdicts", "audit.csv", "--by", "Lee", "--yes"]);
    again.says("4 no longer a pair").says("the sample is of another resolution: draw a new one for the current links");
    assert_eq!(table(&workdir.path().join("decisions.csv")).len(), 4);
    let line = workdir.ok("checklist", &["--json"]).json()["result"]["lines"][33].clone();
    assert_eq!(
        (&line["state"], &line["proof"]),
        (&"NEEDS_A_PERSON".into(), &"6 of 200 verdicts on links given".into()),
        "{line}"
    );
}

#[test]
fn verdicts_that_cannot_be_read_change_nothing() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |_| "maybe");
    workdir
        .run("audit", &["--verdicts", "audit.csv", "--by", "Lee"])
        .exits(11)
        .says("line 2: a verdict is same, different or unsure, or nothing yet");
    std::fs::write(workdir.path().join("other.csv"), "a,b\nscl:members:1,scl:members:2\n").unwrap();
    workdir.run("audit", &["--verdicts", "other.csv", "--by", "Lee"]).exits(11).says("line 1: there is no column \"verdict\"");
    workdir.run("audit", &["--verdicts", "absent.csv", "--by", "Lee"]).exits(11).says("absent.csv");
    assert!(!workdir.path().join("decisions.csv").exists());
    exported().run("audit", &["--sample", "10"]).exits(11).says("make resolve");
    let none: Value = {
        std::fs::remove_file(workdir.path().join("audit.csv")).unwrap();
        judged(&workdir, "audit.csv", |_| "unsure");
        workdir.ok("audit", &["--verdicts", "audit.csv", "--by", "Lee", "--json"]).json()
    };
    assert_eq!(none["result"]["precision"], "nothing judged");
}

#[test]
fn a_sample_that_somebody_judged_is_not_overwritten() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |row| if row["linked"] == "yes" { "same" } else { "" });
    let before = std::fs::read_to_string(workdir.path().join("audit.csv")).unwrap();
    let refused = workdir.run("audit", &["--sample", "300", "--out", "audit.csv"]).exits(2);
    refused.says("contains 6 verdicts").says("make audit ARGS=\"--verdicts audit.csv --by NAME\"");
    assert_eq!(std::fs::read_to_string(workdir.path().join("audit.csv")).unwrap(), before);
    workdir
        .ok("audit", &["--verdicts", "audit.csv", "--by", "Lee"])
        .says("6 links judged")
        .says("4 without a verdict yet, 0 unsure");
}

#[test]
fn a_judged_sample_with_an_invalid_line_is_not_overwritten() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |row| if row["linked"] == "yes" { "same" } else { "smae" });
    let path = workdir.path().join("audit.csv");
    let before = std::fs::read(&path).unwrap();
    let refused = workdir.run("audit", &["--sample", "300", "--out", "audit.csv"]).exits(2);
    refused.says("a verdict is same, different or unsure").says("write elsewhere");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, "\n").unwrap();
    workdir.ok("audit", &["--sample", "300", "--out", "audit.csv"]);
    assert_eq!(table(&path).len(), 10);
}

#[test]
fn one_person_in_two_tenants_is_counted_and_not_decided() {
    let workdir = resolved();
    let verdict = |row: &Row| if row["stratum"] == "candidate, CROSS_TENANT" { "same" } else { "" };
    judged(&workdir, "audit.csv", verdict);
    workdir.ok("audit", &["--verdicts", "audit.csv", "--by", "Lee"]).says("3 judged to be one person in two tenants");
    assert!(!workdir.path().join("decisions.csv").exists());
    workdir.ok("resolve", &[]);
}

#[test]
fn verdicts_saved_by_a_spreadsheet_are_read() {
    let workdir = resolved();
    judged(&workdir, "audit.csv", |row| if row["linked"] == "yes" { "Different" } else { "" });
    let rows = table(&workdir.path().join("audit.csv"));
    let mut text = "\u{feff}verdict;b;a;remark\r\n".to_owned();
    rows.iter().for_each(|row| text.push_str(&format!("{};{};{};\r\n", row["verdict"], row["b"], row["a"])));
    let mut bytes = text.into_bytes();
    // Letters of another encoding, in a column that is not read.
    bytes.splice(bytes.len() - 2..bytes.len() - 2, *b"caf\xe9");
    std::fs::write(workdir.path().join("saved.csv"), bytes).unwrap();

    let broken = "kind,a,b,reason\nmust-link,scl:members:1,scl:members:2,\"oops\n";
    std::fs::write(workdir.path().join("decisions.csv"), broken).unwrap();
    workdir
        .run("audit", &["--verdicts", "saved.csv", "--by", "Lee"])
        .exits(2)
        .says("line 2: a quotation mark is opened and never closed");
    assert_eq!(std::fs::read_to_string(workdir.path().join("decisions.csv")).unwrap(), broken);
    std::fs::remove_file(workdir.path().join("decisions.csv")).unwrap();
    workdir.ok("audit", &["--verdicts", "saved.csv", "--by", "Lee", "--yes"]).says("6 decisions added");
}
