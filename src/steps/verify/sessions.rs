//! Asks the checks in two sessions that see one snapshot: what rests on staged people in one, what rests on rows alone in the other.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cli::Session;
use crate::dsn::Dsn;
use crate::pg::verify::checks::{CHECKS, Check, Finding, QUALITY, SEGMENT_RULES};
use crate::pg::verify::session::{Verifier, needs_people};
use crate::progress::Task;
use crate::report::numbers::Answer;
use crate::steps::verify::folders::Folders;
use crate::steps::verify::{results, segments};

/// A check, what it found, and how long it took.
type Asked = (&'static Check, Vec<Finding>, Duration);

/// All that the CRM said.
pub struct Found {
    /// Where it is.
    pub place: String,
    /// The checks, in the order in which they are reported.
    pub checks: Vec<Asked>,
    /// The strategy's queries, without any value of a person.
    pub answers: Vec<Answer>,
    /// The same in the queries' own columns, for whoever asked to see values; else empty.
    pub revealed: Vec<Answer>,
}

/// Asks every check of the phase and the strategy's queries.
pub fn ask(session: &Session, folders: &Folders, crm: &Dsn, is_shown: bool) -> Result<Found> {
    let phase = folders.phase.number();
    let (of_people, of_rows): (Vec<&Check>, Vec<&Check>) =
        CHECKS.iter().filter(|check| check.from <= phase).partition(|check| needs_people(check));
    let has_segments = SEGMENT_RULES.from <= phase;
    let total = of_people.len() + of_rows.len() + usize::from(has_segments);
    let task = session.progress.task("checks", Some(total as u64)).counted_in("asked");

    let mut first = Verifier::open(crm, of_people, None)?;
    let second = match Verifier::open(crm, of_rows.clone(), Some(&first)) {
        Ok(second) => Some(second),
        Err(error) => {
            session.progress.warn(format!("no second session ({error}): verifying in one, which takes longer"));
            first.take_over(of_rows);
            None
        }
    };
    let first_share = || share(session, folders, &first, &task);
    let last = second.as_ref().unwrap_or(&first);
    let last_share = || -> Result<(Vec<Asked>, Answers)> {
        let mut checks = share(session, folders, last, &task)?;
        if has_segments {
            let started = Instant::now();
            checks.push((&SEGMENT_RULES, segments::compare(session, folders, last)?, started.elapsed()));
            task.advance(1);
        }
        let mut answers = Answers::default();
        for quality in QUALITY {
            let (columns, rows) = last.table(quality.sql)?;
            if is_shown {
                answers.revealed.push(results::revealed(&quality, columns.clone(), rows.clone()));
            }
            answers.safe.push(results::answer(&quality, columns, rows));
        }
        Ok((checks, answers))
    };
    let (mut checks, answers) = both(second.is_some(), first_share, last_share)?;
    task.finish("");
    checks.sort_by_key(|(check, ..)| CHECKS.iter().position(|declared| declared.name == check.name).unwrap_or(CHECKS.len()));
    Ok(Found { place: first.place(), checks, answers: answers.safe, revealed: answers.revealed })
}

/// Answers to the strategy's queries: as they are kept, and as they were given.
#[derive(Default)]
struct Answers {
    safe: Vec<Answer>,
    revealed: Vec<Answer>,
}

/// Both shares at once when there are two, else the last, which then is all.
fn both(
    are_two: bool,
    first: impl FnOnce() -> Result<Vec<Asked>>,
    last: impl FnOnce() -> Result<(Vec<Asked>, Answers)> + Send,
) -> Result<(Vec<Asked>, Answers)> {
    if !are_two {
        return last();
    }
    std::thread::scope(|scope| {
        let beside = scope.spawn(last);
        let mut checks = first()?;
        let (others, answers) = beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        checks.extend(others);
        Ok((checks, answers))
    })
}

/// Lends a session the evidence that its checks name, and asks them.
fn share(session: &Session, folders: &Folders, verifier: &Verifier, task: &Task<'_>) -> Result<Vec<Asked>> {
    folders.lend(session, verifier)?;
    verifier.freeze()?;
    let ask = |check: &&'static Check| {
        let started = Instant::now();
        let findings = verifier.ask(check)?;
        task.advance(1);
        Ok((*check, findings, started.elapsed()))
    };
    verifier.checks().iter().map(ask).collect()
}
