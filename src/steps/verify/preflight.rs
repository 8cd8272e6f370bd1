//! `verify --phase 0`: the strategy's Pre-Migration lines. Reports all findings at once; writes to no database.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::model::{Code, Source};
use crate::pg::verify::checks::CheckFinding;
use crate::pg::verify::session::writable_tables;
use crate::pg::{Connection, Snapshot, unread};
use crate::steps::check_connections::unread_in_words;
use crate::steps::export::Job;
use crate::steps::verify::{CheckState, QUALITY_FILE, Results};
use crate::store::{Draft, Folder, Manifest, RunLock, free_bytes, read_file};

/// How long to wait for a server that does not answer; short, because the operator is waiting.
const PATIENCE: Duration = Duration::from_secs(3);
/// Free space below which a run at the strategy's size may fail.
const SPACE: u64 = 4 << 30;

/// One finding.
pub(super) struct Look {
    place: &'static str,
    what: &'static str,
    observed: String,
    state: CheckState,
}

impl Look {
    pub(super) fn new(place: &'static str, what: &'static str, state: CheckState, observed: impl Into<String>) -> Self {
        Self { place, what, state, observed: observed.into() }
    }
}

/// Checks the six databases and the disk.
pub fn run(session: &Session, is_strict: bool) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "verify")?;
    let mut looks = Vec::new();
    for source in Source::ALL {
        let task = session.progress.task(source.code(), None);
        looks.extend(source_looks(session, *source));
        task.finish("");
    }
    looks.extend(super::target::looks(session));
    let free = free_bytes(&session.layout)?;
    let state = if free < SPACE { CheckState::NeedsAPerson } else { CheckState::Passed };
    let mebibytes = thousands(i128::from(free >> 20));
    looks.push(Look::new("folder", "space", state, format!("{mebibytes} MiB free where {} is", session.layout.root().display())));

    let mut results = Results::new(0);
    for look in &looks {
        let finding = CheckFinding {
            item: look.what.to_owned(),
            examined: 1,
            expected: "ok".to_owned(),
            observed: look.observed.clone(),
            examples: Vec::new(),
        };
        results.enter_look(look.place, "Pre-Migration", finding, look.state);
    }
    // A folder that cannot be written is a finding like the others.
    if let Err(error) = save(session, &results) {
        looks.push(Look::new("folder", "writing", CheckState::Failed, error.to_string()));
    }
    let refused: Vec<&Look> = looks.iter().filter(|look| look.state == CheckState::Failed).collect();
    let doubts = looks.iter().filter(|look| look.state == CheckState::NeedsAPerson).count();
    let summary = json!({ "phase": 0, "counts": results.counts(), "differing": results.differing() });
    let fault = if !refused.is_empty() {
        let what = format!("{} of {} checks before the migration failed", refused.len(), looks.len());
        Some(Fault::new(Exit::Preflight, what).help("what is wrong stands behind each ×; correct it, then: make verify PHASE=0"))
    } else if is_strict && doubts > 0 {
        Some(Fault::new(Exit::Preflight, format!("{doubts} warnings, which --strict forbids")))
    } else {
        None
    };
    Ok(StepOutcome::new(text(&looks), summary).fault(fault).next("make export, then make phase1"))
}

/// Saves the findings next to the results of the last verification, which stay.
fn save(session: &Session, results: &Results) -> Result<()> {
    let former = Folder::find_readable(&session.layout.verify());
    let as_of = former.as_ref().map_or_else(|| session.now.to_string(), |folder| folder.manifest.as_of.clone());
    let mut manifest = Manifest::new("verify", &as_of, former.as_ref().and_then(|folder| folder.manifest.phase));
    let draft = Draft::create(&session.layout.verify(), &as_of)?;
    results.write(&draft, former.as_ref())?;
    if let Some(folder) = &former {
        manifest.inputs.clone_from(&folder.manifest.inputs);
        manifest.counts.clone_from(&folder.manifest.counts);
        manifest.facts.clone_from(&folder.manifest.facts);
        if let Some(answers) = read_file(&folder.path().join(QUALITY_FILE))? {
            draft.write_file(QUALITY_FILE, &answers)?;
        }
    }
    draft.finish(manifest, &session.layout.previous("verify"))?;
    Ok(())
}

fn text(looks: &[Look]) -> String {
    let columns = ["", "where", "what", "found"].map(str::to_owned);
    let rows: Vec<Vec<String>> = looks
        .iter()
        .map(|look| vec![look.state.sign().to_owned(), look.place.to_owned(), look.what.to_owned(), look.observed.clone()])
        .collect();
    super::results::table(&columns, &rows)
}

/// An error as one line: what, where, and the advice that helps.
pub(super) fn words(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Fault>() {
        Some(fault) => [fault.what.clone()].into_iter().chain(fault.help.iter().take(1).cloned()).collect::<Vec<_>>().join("; "),
        None => error.to_string(),
    }
}

fn source_looks(session: &Session, source: Source) -> Vec<Look> {
    let place = source.code();
    let Some(dsn) = session.environment.dsn(source.url_variable()) else {
        let saved = Folder::find(&session.layout.exports(source)).ok().flatten();
        return vec![match saved {
            Some(folder) => {
                let found =
                    format!("{} is not set; the saved export as of {} is used", source.url_variable(), folder.manifest.as_of);
                Look::new(place, "connection", CheckState::NeedsAPerson, found)
            }
            None => Look::new(place, "connection", CheckState::Failed, format!("{} is not set", source.url_variable())),
        }];
    };
    let opened = Connection::open_within(&dsn, &format!("source {place}"), PATIENCE).and_then(|connection| {
        Snapshot::begin(connection, session.as_of.unwrap_or(session.now), session.config.connections.encoding(source.code()))
    });
    let snapshot = match opened {
        Ok(snapshot) => snapshot,
        Err(error) => return vec![Look::new(place, "connection", CheckState::Failed, words(&error))],
    };
    let fact = |name: &str| snapshot.facts.get(name).cloned().unwrap_or_default();
    let server = format!("{}, PostgreSQL {}", snapshot.connection().target(), fact("server_version"));
    let mut looks = vec![Look::new(place, "connection", CheckState::Passed, server)];
    let queries = Job::source(source, &session.layout).queries();
    let unread = snapshot.catalog().map(|catalog| unread(queries.iter().map(|query| query.sql.as_str()), &catalog));
    let counted = snapshot.prepare(queries).and_then(|mut prepared| snapshot.count_rows(&mut prepared).map(|()| prepared));
    looks.push(match counted {
        Ok(prepared) => {
            let rows: u64 = prepared.iter().filter_map(|export| export.rows).sum();
            let found = format!("{} statements are valid and readable, {} rows", prepared.len(), thousands(i128::from(rows)));
            Look::new(place, "tables and rights", CheckState::Passed, found)
        }
        Err(error) => Look::new(place, "tables and rights", CheckState::Failed, words(&error)),
    });
    // Information, not a finding: what is left behind is for the owner to know.
    let read = unread.map_or_else(
        |error| words(&error),
        |unread| unread_in_words(&unread).unwrap_or_else(|| "every table and column is read".to_owned()),
    );
    looks.push(Look::new(place, "left behind", CheckState::Passed, read));
    let encoding = fact("server_encoding");
    let declared = fact("declared_encoding");
    let state = if encoding == "SQL_ASCII" && declared.is_empty() { CheckState::NeedsAPerson } else { CheckState::Passed };
    let encoding = if declared.is_empty() { encoding } else { format!("{encoding}, read as {declared}") };
    looks.push(Look::new(place, "encoding", state, encoding));
    looks.extend(snapshot.notes.iter().map(|note| Look::new(place, "note", CheckState::NeedsAPerson, note.clone())));
    looks.push(match writable_tables(snapshot.connection()) {
        Ok(0) => Look::new(place, "excess rights", CheckState::Passed, "the role may only read"),
        Ok(tables) => {
            let found = format!("the role may write to {tables} tables; a read-only role is enough");
            Look::new(place, "excess rights", CheckState::NeedsAPerson, found)
        }
        Err(error) => Look::new(place, "excess rights", CheckState::NeedsAPerson, words(&error)),
    });
    looks
}
