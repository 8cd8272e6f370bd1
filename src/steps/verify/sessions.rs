//! Runs the checks that need reference data in two sessions on one snapshot: those that use staged person records in one, the
//! others in the other.

use std::time::Instant;

use anyhow::Result;

use crate::cli::Session;
use crate::dsn::Dsn;
use crate::pg::verify::checks::{By, CHECKS, Check};
use crate::pg::verify::evidence_session::{Verifier, needs_people};
use crate::pg::verify::look::Answered;
use crate::progress::Task;
use crate::steps::verify::folders::Folders;

/// Runs every such check of the phase.
pub fn ask(session: &Session, folders: &Folders, crm: &Dsn) -> Result<Vec<Answered>> {
    let phase = folders.phase.number();
    let asked = CHECKS.iter().filter(|check| check.from <= phase && matches!(check.by, By::SqlOnEvidence(_)));
    let (of_people, of_rows): (Vec<&Check>, Vec<&Check>) = asked.partition(|check| needs_people(check));
    let total = of_people.len() + of_rows.len();
    let task = session.progress.task("checks", Some(total as u64)).counted_in("asked");

    let mut first = Verifier::open(crm, of_people, None)?;
    let second = match Verifier::open(crm, of_rows.clone(), Some(&first)) {
        Ok(second) => Some(second),
        Err(_) => {
            first.take_over(of_rows);
            None
        }
    };
    let mut answers = match &second {
        Some(second) => std::thread::scope(|scope| {
            let beside = scope.spawn(|| share(session, folders, second, &task));
            let mut answers = share(session, folders, &first, &task)?;
            answers.extend(beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            anyhow::Ok(answers)
        })?,
        None => share(session, folders, &first, &task)?,
    };
    task.finish("");
    answers.sort_by_key(|answered| CHECKS.iter().position(|check| check.name == answered.check));
    Ok(answers)
}

/// Loads the reference data of a session's checks and runs them.
fn share(session: &Session, folders: &Folders, verifier: &Verifier, task: &Task<'_>) -> Result<Vec<Answered>> {
    folders.load(session, verifier)?;
    verifier.freeze()?;
    let ask = |check: &&'static Check| {
        let started = Instant::now();
        let findings = verifier.ask(check)?;
        task.advance(1);
        Ok(Answered { check: check.name, findings, taken: started.elapsed() })
    };
    verifier.checks().iter().map(ask).collect()
}
