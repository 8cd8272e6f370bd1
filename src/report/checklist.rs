//! The strategy's Execution Checklist and rollback plan, in its words and order, each line with its state and proof.

mod owner;

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
    /// What is missing, in the owner's words; empty for lines that are `DONE` or `READY`.
    pub missing: String,
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
            let (state, proof) = judge(*proof, facts);
            let signed = facts.closed.get(&number).filter(|_| is_signed_by_hand(LINES[index].2, state));
            match signed {
                Some(who) => {
                    let missing = String::new();
                    ChecklistLine { number, section, words, state: "DONE", proof: format!("closed by {who}"), missing }
                }
                None => {
                    let missing = owner::missing(LINES[index].2, state, &proof, facts);
                    ChecklistLine { number, section, words, state, proof, missing }
                }
            }
        })
        .collect()
}

/// Whether a person closes a line in this state: what a program can measure is closed by the measurement alone.
fn is_signed_by_hand(proof: LineProof, state: &str) -> bool {
    let is_measured = matches!(proof, LineProof::Audit | LineProof::ManualReview | LineProof::Expectations);
    state == "NEEDS_A_PERSON" && !is_measured
}

/// Why a line cannot be closed by hand now, in words; `None` if it can.
pub fn why_not_signed(number: usize, facts: &ChecklistFacts) -> Option<String> {
    let (_, words, proof) = LINES[number - 1];
    let (state, measured) = judge(proof, facts);
    let why = || format!("line {number}, {words}, is closed by what a program measures alone; it is {state}: {measured}");
    (!is_signed_by_hand(proof, state)).then(why)
}

/// The number of a line, given by its number, or by its words if only one line has them.
pub fn line_number(asked: &str) -> Result<usize, String> {
    if let Ok(number) = asked.parse::<usize>() {
        let last = LINES.len();
        return if (1..=last).contains(&number) { Ok(number) } else { Err(format!("lines are numbered 1 to {last}")) };
    }
    let wanted = asked.trim().to_lowercase();
    let found: Vec<usize> = LINES
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
        LineProof::Connection(source) => match (preflight(facts, source.code()), facts.exports.get(&source)) {
            // Rows that were exported prove the access, even without a preflight, and a dump needs none.
            (("OPEN", _), Some(held)) => ("DONE", format!("its rows were exported: {held}")),
            (found, _) => found,
        },
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

/// The results of a check.
fn checks_of<'f>(facts: &'f ChecklistFacts, name: &str) -> Vec<&'f ReportCheck> {
    facts.checks.iter().filter(|check| check.name == name || check.name.starts_with(&format!("{name}: "))).collect()
}

fn checks(facts: &ChecklistFacts, names: &[&str]) -> (&'static str, String) {
    let (mut passed, mut compared) = (0, 0);
    let mut worst = ("DONE", String::new());
    for name in names {
        let found = checks_of(facts, name);
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
            let all = if compared == 1 { "its comparison".to_owned() } else { format!("all {compared} comparisons") };
            worst.1 = format!("{}: {all} passed", names.join(", "));
        }
    }
    worst
}

fn worse(a: (&'static str, String), b: (&'static str, String)) -> (&'static str, String) {
    let rank = |state: &str| ["DONE", "NEEDS_A_PERSON", "OPEN", "FAILED"].iter().position(|known| *known == state);
    if rank(b.0) > rank(a.0) { b } else { a }
}

#[cfg(test)]
mod tests;
