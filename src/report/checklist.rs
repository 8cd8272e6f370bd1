//! The strategy's Execution Checklist and rollback plan, in its words and order, each line with its state and proof.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Code, Source};
use crate::report::numbers::ReportCheck;

/// A line of the checklist with its current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChecklistLine {
    /// Number, from 1, by which it can be closed.
    pub number: usize,
    /// The strategy's heading.
    pub section: &'static str,
    /// The strategy's words.
    pub words: &'static str,
    /// `DONE`, `FAILED`, `OPEN`, `NEEDS_A_PERSON` or, in the rollback plan, `READY`.
    pub state: &'static str,
    /// Its proof, or what to do.
    pub proof: String,
}

/// The kind of proof of a line.
#[derive(Clone, Copy, Debug)]
enum LineProof {
    /// The source's preflight.
    Connection(Source),
    /// The target's preflight.
    Target,
    /// A complete run of this version against another database.
    Staging,
    /// The source's saved export.
    Export(Source),
    /// The rows of this phase are in the CRM, and equal the files.
    Loaded(u8),
    /// These checks, from this phase on.
    Checks(u8, &'static [&'static str]),
    /// These checks, from this phase on, and a manual review.
    Looked(u8, &'static [&'static str]),
    /// What the owner knows of some people; only the datasets close the line.
    Expectations,
    /// Rows for manual review; only settling them closes the line.
    ManualReview,
    /// The sample audit.
    Audit,
    /// Only a person can judge it; the advice.
    Person(&'static str),
    /// A step of the rollback plan, and how it is done here.
    Rollback(&'static str),
}

const PRE: &str = "Pre-Migration";
const ONE: &str = "Phase 1: MCA v1";
const TWO: &str = "Phase 2: SCL";
const THREE: &str = "Phase 3: TeeTime";
const FOUR: &str = "Phase 4: Messaging";
const FIVE: &str = "Phase 5: Activities";
const SIX: &str = "Phase 6: Compute";
const POST: &str = "Post-Migration";
const BACK: &str = "Rollback Plan";
const OURS: &str = "Beyond the Strategy";

const LINES: [(&str, &str, LineProof); 43] = [
    (PRE, "CRM database provisioned and schema migrated", LineProof::Target),
    (PRE, "MCA v1 ZA database access confirmed", LineProof::Connection(Source::McaZa)),
    (PRE, "MCA v1 UK database access confirmed", LineProof::Connection(Source::McaUk)),
    (PRE, "SCL database access confirmed", LineProof::Connection(Source::Scl)),
    (PRE, "TeeTime database access confirmed", LineProof::Connection(Source::Teetime)),
    (PRE, "Messaging database access confirmed", LineProof::Connection(Source::Messaging)),
    (PRE, "Backfill scripts tested in staging", LineProof::Staging),
    (ONE, "Export MCA v1 ZA data", LineProof::Export(Source::McaZa)),
    (ONE, "Export MCA v1 UK data", LineProof::Export(Source::McaUk)),
    (ONE, "Run import script", LineProof::Loaded(1)),
    (
        ONE,
        "Verify record counts",
        LineProof::Checks(
            1,
            &["record_counts", "same_rows", "profile_fields", "row_fields", "export_estimates", "ledger_balance"],
        ),
    ),
    (
        ONE,
        "Spot-check identity resolution",
        LineProof::Looked(1, &["founders", "link_evidence", "link_confidence", "one_tenant", "own_addresses"]),
    ),
    (TWO, "Export SCL Members", LineProof::Export(Source::Scl)),
    (TWO, "Run import with identity resolution", LineProof::Loaded(2)),
    (TWO, "Verify sclMemberId links", LineProof::Checks(2, &["scl_member_links", "profile_fields"])),
    (TWO, "Verify membership data sync", LineProof::Checks(2, &["membership_data", "profile_fields", "profile_tags"])),
    (THREE, "Export TeeTime Players", LineProof::Export(Source::Teetime)),
    (THREE, "Run import with identity resolution", LineProof::Loaded(3)),
    (THREE, "Verify teetimePlayerId links", LineProof::Checks(3, &["teetime_player_links", "profile_fields"])),
    (THREE, "Verify handicap data sync", LineProof::Checks(3, &["handicap_data", "profile_fields"])),
    (FOUR, "Export Messaging Contacts", LineProof::Export(Source::Messaging)),
    (FOUR, "Run import with identity resolution", LineProof::Loaded(4)),
    (FOUR, "Verify messagingContactId links", LineProof::Checks(4, &["messaging_contact_links", "profile_fields"])),
    (FOUR, "Verify consent data sync", LineProof::Checks(4, &["consent_flags", "consent_rows"])),
    (FIVE, "Import historical bookings", LineProof::Checks(5, &["timeline_counts"])),
    (FIVE, "Import historical messages", LineProof::Checks(5, &["timeline_counts"])),
    (FIVE, "Import membership changes", LineProof::Checks(5, &["timeline_counts"])),
    (
        FIVE,
        "Verify activity timeline",
        LineProof::Checks(5, &["timeline_counts", "row_fields", "timeline_tenants", "timeline_people", "timeline_window"]),
    ),
    (SIX, "Run batch engagement scoring", LineProof::Checks(6, &["engagement"])),
    (SIX, "Run batch churn risk scoring", LineProof::Checks(6, &["churn"])),
    (SIX, "Update activity metrics", LineProof::Checks(6, &["strategy_metrics", "activity_dates"])),
    (SIX, "Refresh dynamic segments", LineProof::Checks(6, &["segment_members", "segment_rules"])),
    (POST, "Verify total profile count", LineProof::Checks(6, &["profile_total"])),
    (POST, "Verify identity resolution accuracy (sample audit)", LineProof::Audit),
    (POST, "Verify cross-service links", LineProof::Checks(6, &["cross_service_links", "mca_za_links", "mca_uk_links"])),
    (POST, "Run data quality report", LineProof::Checks(6, &["duplicate_emails"])),
    (POST, "Enable real-time event sync", LineProof::Person("start each consumer at its watermark: make watermarks")),
    (
        BACK,
        "Stop event consumers - Prevent new data from coming in",
        LineProof::Rollback("rollback stops if there are concurrent writers"),
    ),
    (
        BACK,
        "Truncate CRM tables - Clear partially migrated data",
        LineProof::Rollback("make rollback removes exactly our rows; ARGS=--emergency truncates"),
    ),
    (
        BACK,
        "Fix issues - Address root cause",
        LineProof::Rollback("rollback writes the failed checks and top rejects; the run's datasets go to data/failed"),
    ),
    (BACK, "Re-run migration - Start fresh", LineProof::Rollback("make backfill, from saved exports or with FRESH=1")),
    (OURS, "Decide the rows of the manual review", LineProof::ManualReview),
    (OURS, "Meet the owner's expectations", LineProof::Expectations),
];

/// The strategy's lines, which may be closed by hand. The lines after them are closed only by what they ask for.
const CLOSABLE: usize = LINES.len() - 2;

/// Verdicts that a complete sample audit needs.
pub const AUDIT_VERDICTS: i64 = 200;

/// The facts from which the checklist is computed.
#[derive(Clone, Debug, Default)]
pub struct ChecklistFacts {
    /// Description of each saved export.
    pub exports: BTreeMap<Source, String>,
    /// The phase of the last load that verification found complete.
    pub verified_phase: u8,
    /// Results of the last verification.
    pub checks: Vec<ReportCheck>,
    /// Questions that need manual review although their check passed: check and text.
    pub doubts: Vec<(&'static str, String)>,
    /// Open rows of `check__manual_review`; `None` before the first consolidation.
    pub manual_review: Option<i64>,
    /// Lines of `expectations.csv` that were checked, and in words those that are not met.
    pub expectations: (usize, Vec<String>),
    /// Exports that are much smaller than the ones before, with a description.
    pub shrunk: BTreeMap<Source, String>,
    /// Results of the last preflight.
    pub preflight: Vec<ReportCheck>,
    /// A complete run of this version against another database, in words.
    pub staging: Option<String>,
    /// Number of verdicts of the sample audit, and their result.
    pub audit: Option<(i64, String)>,
    /// The last rollback, in words.
    pub rollback: Option<String>,
    /// Lines that were closed by hand: number, person and time.
    pub closed: BTreeMap<usize, String>,
}

/// Every line with its state; that of the manual review only while rows are open, that of the expectations only if there are any.
pub fn checklist(facts: &ChecklistFacts) -> Vec<ChecklistLine> {
    let is_shown = |proof: LineProof| match proof {
        LineProof::ManualReview => facts.manual_review.is_some_and(|open| open > 0),
        LineProof::Expectations => facts.expectations.0 > 0,
        _ => true,
    };
    LINES
        .iter()
        .enumerate()
        .filter(|(_, (_, _, proof))| is_shown(*proof))
        .map(|(index, (section, words, proof))| {
            let number = index + 1;
            let line_proof = *proof;
            let (state, proof) = judge(line_proof, facts);
            let closed = facts.closed.get(&number);
            match closed {
                // A line with a failed check, or with open rows, cannot be closed by hand.
                Some(who) if state != "FAILED" && state != "DONE" && index < CLOSABLE => {
                    // How much was judged stays visible when the audit is closed with fewer verdicts.
                    let rest = if matches!(line_proof, LineProof::Audit) { format!("; {proof}") } else { String::new() };
                    ChecklistLine { number, section, words, state: "DONE", proof: format!("closed by {who}{rest}") }
                }
                _ => ChecklistLine { number, section, words, state, proof },
            }
        })
        .collect()
}

/// The number of a line, given by its number, or by its words if only one line has them.
pub fn line_number(asked: &str) -> Result<usize, String> {
    if let Ok(number) = asked.parse::<usize>() {
        return if (1..=CLOSABLE).contains(&number) { Ok(number) } else { Err(format!("lines are numbered 1 to {CLOSABLE}")) };
    }
    let wanted = asked.trim().to_lowercase();
    let found: Vec<usize> = LINES[..CLOSABLE]
        .iter()
        .enumerate()
        .filter(|(_, line)| line.1.to_lowercase().contains(&wanted))
        .map(|(index, _)| index + 1)
        .collect();
    match found.as_slice() {
        [number] => Ok(*number),
        [] => Err("no line has these words".to_owned()),
        several => Err(format!("{} lines have these words: give the number, one of {several:?}", several.len())),
    }
}

/// The names of all checks that prove a line.
pub fn proving_checks() -> Vec<&'static str> {
    let checks = LINES.iter().filter_map(|(_, _, proof)| match proof {
        LineProof::Checks(_, names) | LineProof::Looked(_, names) => Some(*names),
        _ => None,
    });
    let mut names: Vec<&str> = checks.flatten().copied().collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn judge(proof: LineProof, facts: &ChecklistFacts) -> (&'static str, String) {
    match proof {
        LineProof::Connection(source) => preflight(facts, source.code()),
        LineProof::Target => match preflight(facts, "crm") {
            // A verified load proves the schema, even without a preflight.
            ("OPEN", _) if facts.verified_phase > 0 => ("DONE", "a load into it was verified".to_owned()),
            found => found,
        },
        LineProof::Staging => match &facts.staging {
            Some(run) => ("DONE", run.clone()),
            None => {
                ("NEEDS_A_PERSON", "run make backfill against a staging CRM first, from another data folder or URL".to_owned())
            }
        },
        LineProof::Export(source) => match (facts.exports.get(&source), facts.shrunk.get(&source)) {
            (Some(_), Some(shrunk)) => ("NEEDS_A_PERSON", shrunk.clone()),
            (Some(held), None) => ("DONE", held.clone()),
            (None, _) => ("OPEN", format!("make export-{}", source.code().replace('_', "-"))),
        },
        LineProof::Loaded(phase) => {
            let (state, proof) = judge(LineProof::Checks(phase, &["record_counts"]), facts);
            if facts.verified_phase < phase { ("OPEN", format!("make phase{phase}")) } else { (state, proof) }
        }
        LineProof::Checks(phase, names) => {
            if facts.verified_phase < phase {
                return ("OPEN", format!("make phase{phase}"));
            }
            checks(facts, names)
        }
        LineProof::Looked(phase, names) => {
            let (state, proof) = judge(LineProof::Checks(phase, names), facts);
            let audited = facts.audit.as_ref().filter(|(verdicts, _)| *verdicts >= AUDIT_VERDICTS);
            match (state, audited) {
                ("DONE", Some((_, words))) => ("DONE", format!("{proof}; reviewed: {words}")),
                ("DONE", None) => {
                    let how = "links to review: crm-backfill verify --spot-check; to record the review: crm-backfill checklist --done LINE --by NAME";
                    ("NEEDS_A_PERSON", format!("{proof}; {how}"))
                }
                other => (other.0, proof),
            }
        }
        LineProof::ManualReview => {
            let open = facts.manual_review.unwrap_or(0);
            let rows = if open == 1 { "1 row".to_owned() } else { format!("{open} rows") };
            ("NEEDS_A_PERSON", format!("{rows} to settle; each, and what settles it: crm-backfill inspect check__manual_review"))
        }
        LineProof::Expectations => match (facts.expectations.0, facts.expectations.1.as_slice()) {
            (checked, []) => ("DONE", format!("all {checked} lines of expectations.csv are met")),
            (_, unmet) => ("FAILED", unmet.join("; ")),
        },
        LineProof::Audit => match &facts.audit {
            Some((verdicts, words)) if *verdicts >= AUDIT_VERDICTS => ("DONE", words.clone()),
            Some((verdicts, _)) => ("NEEDS_A_PERSON", format!("{verdicts} of {AUDIT_VERDICTS} verdicts on links given")),
            None => (
                "NEEDS_A_PERSON",
                format!("judge a sample with at least {AUDIT_VERDICTS} verdicts on links: crm-backfill audit --html --show"),
            ),
        },
        LineProof::Person(advice) => ("NEEDS_A_PERSON", advice.to_owned()),
        LineProof::Rollback(how) => match &facts.rollback {
            Some(run) => ("DONE", run.clone()),
            None => ("READY", how.to_owned()),
        },
    }
}

fn preflight(facts: &ChecklistFacts, place: &str) -> (&'static str, String) {
    let found: Vec<&ReportCheck> = facts.preflight.iter().filter(|check| check.name.starts_with(&format!("{place}: "))).collect();
    match (found.len(), found.iter().find(|check| check.state == "FAILED")) {
        (0, _) => ("OPEN", "crm-backfill verify --phase 0".to_owned()),
        (_, Some(failed)) => ("FAILED", format!("{}: {}", failed.name, failed.observed)),
        (count, None) => ("DONE", format!("{count} things examined by crm-backfill verify --phase 0")),
    }
}

fn checks(facts: &ChecklistFacts, names: &[&str]) -> (&'static str, String) {
    let of = |name: &str| -> Vec<&ReportCheck> {
        facts.checks.iter().filter(|check| check.name == *name || check.name.starts_with(&format!("{name}: "))).collect()
    };
    let (mut passed, mut compared) = (0, 0);
    let mut worst = ("DONE", String::new());
    for name in names {
        let found = of(name);
        if found.is_empty() {
            worst = worse(worst, ("OPEN", format!("check {name} was not run: make verify")));
            continue;
        }
        compared += found.len();
        passed += found.iter().filter(|check| check.state == "PASSED").count();
        if let Some(failed) = found.iter().find(|check| check.state == "FAILED") {
            worst = worse(worst, ("FAILED", format!("{}: {} instead of {}", failed.name, failed.observed, failed.expected)));
        } else if let Some(doubt) = found.iter().find(|check| check.state == "NEEDS_A_PERSON") {
            worst = worse(worst, ("NEEDS_A_PERSON", format!("{}: {}, expected {}", doubt.name, doubt.observed, doubt.expected)));
        } else if found.iter().all(|check| check.state == "VACUOUS") {
            worst = worse(worst, ("NEEDS_A_PERSON", format!("{name} had nothing to check")));
        }
        if let Some((_, words)) = facts.doubts.iter().find(|(check, _)| check == name) {
            worst = worse(worst, ("NEEDS_A_PERSON", words.clone()));
        }
    }
    if worst.0 == "DONE" {
        worst.1 =
            format!("{}: {passed} of {compared} comparisons passed, the rest were skipped: nothing to check", names.join(", "));
        if passed == compared {
            worst.1 = format!("{}: all {compared} comparisons passed", names.join(", "));
        }
    }
    worst
}

fn worse(a: (&'static str, String), b: (&'static str, String)) -> (&'static str, String) {
    let rank = |state: &str| ["DONE", "NEEDS_A_PERSON", "OPEN", "FAILED"].iter().position(|known| *known == state);
    if rank(b.0) > rank(a.0) { b } else { a }
}

#[cfg(test)]
mod tests {
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
        assert!(line_number(words).is_err());
        facts.closed.insert(CLOSABLE + 1, "T. Ester, 2026-11-22".to_owned());
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
        facts.closed.insert(LINES.len(), "T. Ester, 2026-11-22".to_owned());
        assert!(line_number(words).is_err());
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
        assert!(line_number("42").is_err());
    }
}
