//! `explain`: the whole command, with every kind of argument.

use serde_json::Value;

use crate::golden::exported;
use crate::support::workdir::{Run, Workdir};

/// The profile that five records of the small world share.
const THANDI: &str = "bf115517-1d32-85a2-9b9c-f0e846edd49a";
/// Values that must never be printed without `--show`.
const PRIVATE: [&str; 5] = ["thandi", "nkosi", "825551234", "82 555 1234", "0825551234"];

fn resolved() -> Workdir {
    let workdir = exported();
    for step in ["stage", "resolve", "consolidate"] {
        workdir.ok(step, &[]);
    }
    workdir
}

fn story(run: &Run) -> Value {
    let profiles = run.json()["result"]["profiles"].as_array().unwrap().clone();
    assert_eq!(profiles.len(), 1);
    profiles[0].clone()
}

fn records(story: &Value) -> Vec<String> {
    let records = story["story"]["records"].as_array().unwrap();
    records.iter().map(|known| known["record"].as_str().unwrap().to_owned()).collect()
}

fn hides(run: &Run) {
    let told = format!("{}{}", run.stdout, run.stderr).to_lowercase();
    for value in PRIVATE {
        assert!(!told.contains(value), "{value} is shown:\n{told}");
    }
}

#[test]
fn a_profile_is_found_by_id_email_phone_and_source_record() {
    let workdir = resolved();
    let expected = [
        "mca_za:members:1",
        "mca_za:members:2",
        "scl:members:10",
        "teetime:players:0a000000-0000-4000-8000-000000000001",
        "messaging:contacts:t1",
    ];
    for who in [
        THANDI,
        "Thandi.Nkosi@mail.test",
        "+27825551234",
        "082 555 1234",
        "scl:members:10",
        "scl:10",
        "messaging:t1",
        "teetime:0a000000-0000-4000-8000-000000000001",
        "0a000000-0000-4000-8000-000000000001",
    ] {
        let found = story(&workdir.ok("explain", &[who, "--json"]));
        assert_eq!(found["story"]["profile_id"], THANDI, "{who}");
        assert_eq!(records(&found), expected, "{who}");
        // Each record except the seed record has a link, with its rule and evidence.
        let links = found["story"]["links"].as_array().unwrap();
        assert_eq!(links.len(), expected.len() - 1, "{who}");
        assert!(
            links.iter().all(|link| link["rule"].is_string() && !link["evidence"].as_array().unwrap().is_empty()),
            "{links:?}"
        );
        let fields = found["fields"].as_array().unwrap();
        let email = fields.iter().find(|field| field["field"] == "email").unwrap();
        assert_eq!((&email["from"], &email["rule"]), (&"scl:members:10".into(), &"SOURCE_ORDER".into()), "{email}");
        assert_eq!(email["value"], "t•••@m•••", "{email}");
    }
}

#[test]
fn consent_is_answered_by_channel_with_what_decided_it() {
    let workdir = resolved();
    let run = workdir.ok("explain", &["scl:10"]);
    let run = run
        .says("May we email?     No: a logged withdrawal (messaging:consent_changes:1, UNSUBSCRIBE_LINK, 2024-03-01); 2 weaker statements overruled")
        .says("newsletter: no, a logged withdrawal (messaging:consent_changes:1, UNSUBSCRIBE_LINK, 2024-03-01)")
        .says("changed by a later opt-in by the person that Messaging logs (WEB_FORM, ")
        .says("May we text?      No: ");
    hides(&run);
    let consent = &story(&workdir.ok("explain", &["scl:10", "--json"]))["consent"];
    let channels: Vec<&str> = consent.as_array().unwrap().iter().map(|one| one["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["EMAIL", "SMS", "PUSH", "WHATSAPP"]);
    assert_eq!((&consent[0]["may"], &consent[1]["may"]), (&false.into(), &false.into()));
}

#[test]
fn the_output_says_why_and_what_would_change_it() {
    let workdir = resolved();
    let told = workdir.ok("explain", &["scl:10"]);
    for part in [
        &format!(
            "profile {THANDI}   tenant 1 · seed record mca_za:members:1 · 5 records, 4 sources (values masked; --show reveals)"
        ),
        "links, from the seed record on",
        "──GOLF_RSA_ID──",
        "why mca_za:members:2 = mca_za:members:1",
        "same South African handicap number",
        "threshold +3.0 · rule",
        "sources of the values",
        "scl:members:10                                        t•••@m•••   (SOURCE_ORDER",
        " bits, confidence 99",
        "correction: the only person who uses both                     -0.8",
        "\n      Email and phone of one household are not two independent proofs: together they count less than their sum.\n",
        "change it   add to ./decisions.csv:  cannot-link,",
        "then: make resolve",
    ] {
        assert!(told.stdout.contains(part), "{part}\n{}", told.stdout);
    }
}

#[test]
fn values_are_masked_unless_they_are_asked_for() {
    let workdir = resolved();
    for who in [THANDI, "thandi.nkosi@mail.test", "+27825551234", "scl:10"] {
        hides(&workdir.ok("explain", &[who]));
        hides(&workdir.ok("explain", &[who, "--json"]));
    }
    hides(&workdir.ok("explain", &["scl:10", "mca_za:1"]));
    hides(&workdir.ok("explain", &["scl:10", "mca_za:1", "--json"]));
    hides(&workdir.run("explain", &["thandi.nkosi.elsewhere@mail.test"]).exits(2));
    let shown = workdir.ok("explain", &["scl:10", "--show"]).stdout.to_lowercase();
    assert!(shown.contains("thandi.nkosi@mail.test") && shown.contains("+27825551234") && shown.contains("nkosi"), "{shown}");
}

#[test]
fn two_records_are_explained_by_a_chain_or_a_constraint() {
    let workdir = resolved();
    let one = workdir.ok("explain", &["messaging:t1", "teetime:0a000000-0000-4000-8000-000000000001", "--json"]).json();
    assert_eq!(one["result"]["one_person"], true);
    assert!(
        one["result"]["chain"].as_array().unwrap().len() > 1,
        "the contact and the player are linked through other records: {one}"
    );
    workdir
        .ok("explain", &["messaging:t1", "scl:10"])
        .says("are one person")
        .says("threshold +3.0 · rule AUTH_USER_ID")
        .says("cannot-link,");

    // Enough evidence, and two numbers that one person cannot have.
    let two = workdir.ok("explain", &["mca_uk:1", "mca_uk:2", "--json"]).json();
    assert_eq!(two["result"]["one_person"], false);
    assert_eq!(two["result"]["comparison"]["refusal"], "CDH_ID_CONFLICT", "{two}");
    workdir
        .ok("explain", &["mca_uk:1", "mca_uk:2"])
        .says("are two people")
        .says("enough, but forbidden · CDH_ID_CONFLICT: two CDH numbers")
        .says("must-link,");
    // Missing evidence is printed in bits.
    let strangers = workdir.ok("explain", &["mca_za:4", "mca_uk:3", "--json"]).json();
    assert!(strangers["result"]["comparison"]["short"].as_f64() > Some(0.0), "{strangers}");
}

#[test]
fn an_unknown_argument_is_refused_with_advice() {
    exported().run("explain", &["scl:10"]).exits(11).says("make stage");
    let workdir = resolved();
    workdir.run("explain", &["slc:members:10"]).exits(2).says("did you mean source \"scl\"?");
    workdir.run("explain", &["shop:1"]).exits(2).says("sources: mca_za, mca_uk, scl, teetime, messaging");
    workdir.run("explain", &["scl:members:99"]).exits(2).says("no staged record of members of scl has that id");
    workdir
        .run("explain", &["scl:member:10"])
        .exits(2)
        .says("the person records of scl are its members")
        .says("scl:members:<id>");
    workdir.run("explain", &["unknown@mail.test"]).exits(2).says("no staged record has that key, email or phone");
    workdir.run("explain", &["scl:10", "scl:members:10"]).exits(2).says("both name the same record");
    workdir.run("explain", &["scl:10", "scl:99", "--json"]).exits(2).json();
}

#[test]
fn values_that_do_not_link_are_found_and_reported() {
    let workdir = resolved();
    let office = workdir.ok("explain", &["proshop@sandvlei.test"]).says("this value is not a key");
    assert_eq!(records(&story(&workdir.ok("explain", &["ProShop@Sandvlei.test", "--json"]))), ["mca_za:members:5"]);
    hides(&office);
    let skipped = workdir.ok("explain", &["mca_za:3"]).says("skipped (NO_EMAIL_NO_PHONE)");
    assert!(!skipped.stdout.contains("change it"), "{}", skipped.stdout);
}

#[test]
fn a_decision_is_shown_with_its_effect() {
    let workdir = resolved();
    let lines = "kind,a,b,reason,who,at\r\ncannot-link,mca_za:members:6,mca_za:members:7,\"brothers, says Lee\",Lee,2026-11-22\r\n\
                 must-link,scl:members:10,scl:members:99,gone,Lee,2026-11-22\r\n";
    std::fs::write(workdir.path().join("decisions.csv"), lines).unwrap();
    workdir.ok("resolve", &[]).says("decisions: 1 applied, 1 stale").says("must-link scl:members:10 scl:members:99: STALE");
    workdir
        .ok("explain", &["mca_za:6", "mca_za:7"])
        .says("are two people")
        .says("enough, but forbidden · DECISION: decided by hand")
        .says("remove the cannot-link from ./decisions.csv");
    workdir
        .ok("explain", &["mca_za:6"])
        .says("\ndecisions\n")
        .says("cannot-link  mca_za:members:6  mca_za:members:7   APPLIED, from decisions.csv");
    workdir
        .ok("explain", &["scl:10"])
        .says("scl:members:99   STALE, from decisions.csv")
        .says("data/crm was built from another resolution");
    std::fs::write(workdir.path().join("decisions.csv"), "kind,a,b\nmust-link,mca_uk:members:1,mca_uk:members:2\n").unwrap();
    workdir.ok("resolve", &[]);
    workdir
        .ok("explain", &["mca_uk:1"])
        .says("──DECISION──")
        .says("remove from ./decisions.csv: must-link,mca_uk:members:1,mca_uk:members:2");
    workdir.ok("explain", &["mca_uk:1", "scl:12"]).says("records of two tenants are never linked while identity.scope");
}

#[test]
fn files_of_the_owner_that_a_demo_does_not_read_are_named() {
    let workdir = exported();
    workdir.ok("stage", &[]);
    std::fs::write(workdir.data().join(".demo"), "{}").unwrap();
    let names = ["decisions.csv", "reviews.csv", "expectations.csv"];
    let warning = |name: &str| format!("{name} is not read: this data folder's file is data/{name}");
    let resolved = workdir.ok("resolve", &[]);
    names.iter().for_each(|name| assert!(!resolved.stderr.contains(&warning(name)), "{}", resolved.stderr));
    names.iter().for_each(|name| std::fs::write(workdir.path().join(name), "").unwrap());
    for step in ["resolve", "consolidate"] {
        let run = workdir.ok(step, &[]);
        names.iter().for_each(|name| assert!(run.stderr.contains(&warning(name)), "{}", run.stderr));
    }
    workdir.ok("explain", &["scl:10"]).says("change it   add to data/decisions.csv:  cannot-link,");
}

#[test]
fn a_source_of_a_later_phase_is_named_as_such() {
    let workdir = exported();
    workdir.ok("stage", &["--phase", "2"]);
    workdir.ok("resolve", &[]);
    workdir.run("explain", &["messaging:t1"]).exits(2).says("messaging joins in phase 4, and phase 2 is staged");
}
