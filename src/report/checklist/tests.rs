//! States of the lines, their sign-offs, and their words for the owner.

use super::*;

fn check(name: &str, state: &str) -> ReportCheck {
    ReportCheck { name: name.to_owned(), state: state.to_owned(), ..ReportCheck::default() }
}

fn state_of(facts: &ChecklistFacts, words: &str) -> &'static str {
    checklist(facts).into_iter().find(|line| line.words == words).unwrap().state
}

#[test]
fn a_line_is_done_only_when_all_its_checks_ran() {
    let mut facts = ChecklistFacts { verified_phase: 6, ..ChecklistFacts::default() };
    facts.checks = vec![check("consent_flags: EMAIL", "PASSED")];
    assert_eq!(state_of(&facts, "Verify consent data sync"), "OPEN");
    facts.checks.push(check("consent_rows: rows", "PASSED"));
    assert_eq!(state_of(&facts, "Verify consent data sync"), "DONE");
    facts.checks.push(check("consent_rows: more", "FAILED"));
    assert_eq!(state_of(&facts, "Verify consent data sync"), "FAILED");
}

#[test]
fn a_doubt_needs_review_although_the_checks_passed() {
    let checks = ["consent_flags: EMAIL", "consent_rows: rows"].map(|name| check(name, "PASSED")).to_vec();
    let mut facts = ChecklistFacts { verified_phase: 6, checks, ..ChecklistFacts::default() };
    facts.doubts.push(("consent_flags", "too many".to_owned()));
    facts.exports.insert(Source::Scl, "10 rows".to_owned());
    facts.shrunk.insert(Source::Scl, "members: 10 rows, 100 before".to_owned());
    let lines = ["Verify consent data sync", "Export SCL Members"];
    assert_eq!(lines.map(|words| state_of(&facts, words)), ["NEEDS_A_PERSON"; 2]);
    for words in lines {
        facts.closed.insert(line_number(words).unwrap(), "T. Ester, 2026-11-22".to_owned());
    }
    assert_eq!(lines.map(|words| state_of(&facts, words)), ["DONE"; 2]);
}

#[test]
fn a_check_without_rows_proves_nothing() {
    let checks = ["segment_members: members", "segment_rules: members"].map(|name| check(name, "VACUOUS"));
    let facts = ChecklistFacts { verified_phase: 6, checks: checks.into(), ..ChecklistFacts::default() };
    assert_eq!(state_of(&facts, "Refresh dynamic segments"), "NEEDS_A_PERSON");
}

#[test]
fn a_person_closes_what_no_check_can_but_not_what_failed() {
    let mut facts = ChecklistFacts {
        verified_phase: 6,
        checks: vec![check("segment_members: members", "FAILED")],
        ..ChecklistFacts::default()
    };
    for words in ["Enable real-time event sync", "Refresh dynamic segments"] {
        facts.closed.insert(line_number(words).unwrap(), "T. Ester, 2026-11-22".to_owned());
    }
    assert_eq!(state_of(&facts, "Enable real-time event sync"), "DONE");
    assert_eq!(state_of(&facts, "Refresh dynamic segments"), "FAILED");
}

#[test]
fn the_spot_check_needs_review_although_its_checks_passed() {
    let names = ["founders", "link_evidence", "link_confidence", "one_tenant", "own_addresses"];
    let mut facts = ChecklistFacts {
        verified_phase: 1,
        checks: names.map(|name| check(name, "PASSED")).to_vec(),
        ..ChecklistFacts::default()
    };
    let words = "Spot-check identity resolution";
    assert_eq!(state_of(&facts, words), "NEEDS_A_PERSON");
    facts.audit = Some((AUDIT_VERDICTS - 1, "too few".to_owned()));
    assert_eq!(state_of(&facts, words), "NEEDS_A_PERSON");
    facts.audit = Some((AUDIT_VERDICTS, "199 right".to_owned()));
    assert_eq!(state_of(&facts, words), "DONE", "an audit counts as a review");
    facts.audit = None;
    facts.closed.insert(line_number(words).unwrap(), "T. Ester, 2026-11-22".to_owned());
    assert_eq!(state_of(&facts, words), "DONE");
    facts.checks[1].state = "FAILED".to_owned();
    assert_eq!(state_of(&facts, words), "FAILED");
}

#[test]
fn open_rows_of_the_manual_review_are_closed_by_deciding_them_alone() {
    let words = "Decide the rows of the manual review";
    let mut facts = ChecklistFacts::default();
    facts.closed.insert(line_number(words).unwrap(), "T. Ester, 2026-11-22".to_owned());
    for (open, state) in [(None, None), (Some(3), Some("NEEDS_A_PERSON")), (Some(0), None)] {
        facts.manual_review = open;
        let lines = checklist(&facts);
        assert_eq!(lines.iter().find(|line| line.words == words).map(|line| line.state), state);
        assert_eq!(lines.len(), 41 + usize::from(state.is_some()), "the strategy's lines are always there");
    }
}

#[test]
fn expectations_are_met_by_the_datasets_alone() {
    let words = "Meet the owner's expectations";
    let mut facts = ChecklistFacts::default();
    facts.closed.insert(line_number(words).unwrap(), "T. Ester, 2026-11-22".to_owned());
    assert!(checklist(&facts).iter().all(|line| line.words != words), "without a file there is no line");
    facts.expectations = (2, vec!["line 3, same-person: two profiles instead of one profile".to_owned()]);
    assert_eq!(state_of(&facts, words), "FAILED");
    facts.expectations.1.clear();
    assert_eq!(state_of(&facts, words), "DONE");
}

#[test]
fn words_that_three_phases_share_need_a_number() {
    assert!(line_number("Run import with identity resolution").unwrap_err().contains("3 lines"));
    assert_eq!(line_number("Verify sclMemberId links"), Ok(15));
    assert_eq!(line_number("44"), Err("lines are numbered 1 to 43".to_owned()));
}

#[test]
fn a_line_that_a_program_measures_is_not_closed_by_hand() {
    let mut facts = ChecklistFacts { verified_phase: 6, audit: Some((16, "16 right".to_owned())), ..ChecklistFacts::default() };
    let audit = "Verify identity resolution accuracy (sample audit)";
    for words in [audit, "Verify sclMemberId links", "MCA v1 ZA database access confirmed", "Export SCL Members"] {
        let number = line_number(words).unwrap();
        let why = why_not_signed(number, &facts).unwrap();
        assert!(why.contains("is closed by what a program measures alone"), "{why}");
        facts.closed.insert(number, "T. Ester, 2026-11-22".to_owned());
        assert_ne!(state_of(&facts, words), "DONE", "a sign-off of an earlier version does not count: {words}");
    }
    for words in ["Enable real-time event sync", "Backfill scripts tested in staging"] {
        assert_eq!(why_not_signed(line_number(words).unwrap(), &facts), None);
    }
}

#[test]
fn an_export_proves_the_access_to_its_database() {
    let words = "SCL database access confirmed";
    let mut facts = ChecklistFacts::default();
    assert_eq!(state_of(&facts, words), "OPEN");
    facts.exports.insert(Source::Scl, "10 rows".to_owned());
    assert_eq!(state_of(&facts, words), "DONE");
    facts.preflight = vec![check("scl: reachable", "FAILED")];
    assert_eq!(state_of(&facts, words), "FAILED");
}

#[test]
fn the_owner_reads_what_is_missing_without_commands_and_names_of_checks() {
    let mut facts = ChecklistFacts { verified_phase: 6, manual_review: Some(1), ..ChecklistFacts::default() };
    let looked = ["founders", "link_evidence", "link_confidence", "one_tenant", "own_addresses"];
    facts.checks = looked.map(|name| check(name, "PASSED")).to_vec();
    facts.checks.push(ReportCheck {
        observed: "90".to_owned(),
        expected: "10,000".to_owned(),
        ..check("record_counts: mca_za.members", "NEEDS_A_PERSON")
    });
    let lines = checklist(&facts);
    for line in &lines {
        assert_eq!(line.missing.is_empty(), ["DONE", "READY"].contains(&line.state), "{line:?}");
        let names = proving_checks();
        let technical = names.into_iter().chain(["make ", "--", "verify ", "checklist", "inspect", "check__"]);
        technical.for_each(|word| assert!(!line.missing.contains(word), "{}", line.missing));
    }
    let missing = |words: &str| lines.iter().find(|line| line.words == words).unwrap().missing.clone();
    assert_eq!(
        missing("Spot-check identity resolution"),
        "Every comparison passed. Look at some examples, and confirm that they are right."
    );
    let audit = missing("Verify identity resolution accuracy (sample audit)");
    assert_eq!(audit, "Links of a sample judged by people: 0 of 200.");
}
