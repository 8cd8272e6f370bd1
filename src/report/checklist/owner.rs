//! What is missing at a line of the checklist, in the owner's words: without commands and names of checks.

use super::{AUDIT_VERDICTS, ChecklistFacts, LineProof, checks_of};
use crate::model::thousands;

/// What is missing; empty if nothing is. `proof` is the text for operators.
pub(super) fn missing(line: LineProof, state: &str, proof: &str, facts: &ChecklistFacts) -> String {
    match (line, state) {
        (_, "DONE" | "READY") => String::new(),
        (LineProof::Connection(_) | LineProof::Target, "FAILED") => "The database was examined and is not ready.".to_owned(),
        (LineProof::Connection(_), _) => "No one has examined or read this database yet.".to_owned(),
        (LineProof::Target, _) => "No one has examined the CRM's database yet.".to_owned(),
        (LineProof::Staging, _) => "No rehearsal in another CRM is known here. Confirm it if there was one.".to_owned(),
        (LineProof::Export(_), "NEEDS_A_PERSON") => format!("Much less was exported than the time before. {proof}"),
        (LineProof::Export(_), _) => "Not exported yet.".to_owned(),
        (LineProof::Expectations, _) => format!("What you know of some people is not met: {proof}."),
        (LineProof::ManualReview, _) => {
            let rows = facts.manual_review.unwrap_or(0);
            let rows = if rows == 1 { "One row".to_owned() } else { format!("{} rows", thousands(rows)) };
            format!("{rows} about consent or deletion cannot be read by a program. Say what is meant.")
        }
        (LineProof::Audit, _) => {
            let given = facts.audit.as_ref().map_or(0, |(verdicts, _)| *verdicts);
            format!("Links of a sample judged by people: {given} of {AUDIT_VERDICTS}.")
        }
        (LineProof::Person(_), _) => "Due when the new CRM goes live.".to_owned(),
        (_, "FAILED") => "The CRM does not hold what was computed.".to_owned(),
        (LineProof::Checks(_, names), "NEEDS_A_PERSON") => to_confirm(names, facts).unwrap_or_default(),
        (LineProof::Looked(_, names), "NEEDS_A_PERSON") => to_confirm(names, facts)
            .unwrap_or_else(|| "Every comparison passed. Look at some examples, and confirm that they are right.".to_owned()),
        (LineProof::Loaded(_), _) => "Not loaded yet.".to_owned(),
        _ => "Not verified yet.".to_owned(),
    }
}

/// The question of the first check that passed only if a person confirms it; `None` if there is no such check.
fn to_confirm(names: &[&str], facts: &ChecklistFacts) -> Option<String> {
    names.iter().find_map(|name| {
        let found = checks_of(facts, name);
        if let Some(doubt) = found.iter().find(|check| check.state == "NEEDS_A_PERSON") {
            let item = doubt.name.split_once(": ").map_or(doubt.name.as_str(), |(_, item)| item);
            return Some(format!("{item}: {}, expected {}. Is that right?", doubt.observed, doubt.expected));
        }
        if found.iter().all(|check| check.state == "VACUOUS") {
            return Some("There was nothing to compare. Is that right?".to_owned());
        }
        facts.doubts.iter().find(|(check, _)| check == name).map(|(_, words)| words.clone())
    })
}
