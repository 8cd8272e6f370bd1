//! Checks the records of loads in the CRM (`SyncLog` and schema `backfill`) against each other, the files and the tables.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;

use anyhow::Result;
use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};
use serde_json::Value;

use crate::model::{Code as _, Source, Timestamp, derived_id};
use crate::pg::Connection;
use crate::pg::load::run_log::{ExportMark, OURSELVES};
use crate::pg::verify::checks::CheckFinding;

/// A run of `backfill.run`.
struct LoggedRun {
    id: String,
    command: String,
    phase: Option<i32>,
    as_of: Option<Timestamp>,
    inputs: Option<String>,
    counts: Value,
    is_as_written: bool,
}

/// The records of loads.
pub struct LoadLog {
    runs: Vec<LoggedRun>,
    /// The times of loads, as text in UTC.
    pub instants: Vec<String>,
}

/// What the last load should have recorded, according to the files.
pub struct Expected<'a> {
    /// The phase.
    pub phase: i32,
    /// The as-of time.
    pub as_of: Timestamp,
    /// Hash of all datasets.
    pub inputs: &'a str,
    /// The exports that the datasets were made from.
    pub exports: &'a [ExportMark],
    /// Segments of the CRM that were refreshed.
    pub refreshed: &'a [String],
}

impl LoadLog {
    /// Reads the runs; `None` if there are none.
    pub fn read(connection: &Connection) -> Result<Option<Self>> {
        if !connection.query_one("select to_regclass('backfill.run') is not null", &[])?.get::<_, bool>(0) {
            return Ok(None);
        }
        let rows = connection.query(include_str!("../../../sql/verify/crm/runs.sql"), &[])?;
        let instants = rows.iter().map(|row| row.get("started_at")).collect();
        let runs = rows.iter().map(|row| LoggedRun {
            id: row.get("id"),
            command: row.get("command"),
            phase: row.get("phase"),
            as_of: row.get::<_, Option<i64>>("as_of").map(Timestamp),
            inputs: row.get("inputs"),
            counts: serde_json::from_str(row.get("counts")).unwrap_or(Value::Null),
            is_as_written: row.get("is_as_written"),
        });
        Ok(Some(Self { runs: runs.collect(), instants }))
    }

    /// Checks the rows of loads in `SyncLog`: one for each source and run, each unchanged.
    pub fn sync_log(&self, connection: &Connection, expected: &Expected<'_>) -> Result<Vec<CheckFinding>> {
        let rows = connection.query(include_str!("../../../sql/verify/crm/sync_log.sql"), &[])?;
        let (mut wrong, mut logged, mut runs) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            let image: Value = serde_json::from_str(row.get("image")).unwrap_or(Value::Null);
            let text = |name: &str| image[name].as_str().unwrap_or_default();
            let is_sound = row.get::<_, bool>("is_of_one_instant")
                && self.is_sound(&image, expected)
                && text("id") == derived_id("sync_log", &[text("sourceService"), text("eventId")]).to_string();
            if is_sound {
                let mut parts = text("eventId").splitn(3, ':').skip(1);
                match (parts.next(), parts.next()) {
                    (Some("run"), Some(run)) => drop(runs.insert(run.to_owned())),
                    (Some(source), Some(_)) => drop(logged.insert(source.to_owned())),
                    _ => {}
                }
            } else {
                wrong.push(text("id").to_owned());
            }
        }
        let sources = expected.exports.iter().map(|mark| mark.source.code());
        let lacking: Vec<String> = sources.filter(|source| !logged.contains(*source)).map(str::to_owned).collect();
        // A rollback removes the rows of the loads before it.
        let since = self.runs.iter().rposition(|run| run.command != "load").map_or(0, |rollback| rollback + 1);
        let writing = self.runs[since..].iter().filter(|run| has_changes(&run.counts));
        let silent: Vec<String> = writing.filter(|run| !runs.contains(&run.id)).map(|run| run.id.clone()).collect();
        Ok(vec![
            CheckFinding::listed("sources without their SUCCESS row", expected.exports.len(), &lacking),
            CheckFinding::listed("rows of loads that are not as a load writes them", rows.len(), &wrong),
            CheckFinding::listed("loads without their SUCCESS row", self.runs.len(), &silent),
        ])
    }

    fn is_sound(&self, image: &Value, expected: &Expected<'_>) -> bool {
        let is_null = |name: &str| image.get(name).is_none_or(Value::is_null);
        let common = image["tenantId"] == "default"
            && image["eventType"] == "backfill.load"
            && image["status"] == "SUCCESS"
            && image["attempts"] == 1
            && ["error", "customerId", "activityId"].iter().all(|name| is_null(name));
        let (service, payload) = (image["sourceService"].as_str().unwrap_or_default(), &image["eventPayload"]);
        let mut parts = image["eventId"].as_str().unwrap_or_default().splitn(3, ':').skip(1);
        let (kind, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        common
            && if kind == "run" {
                service == OURSELVES && payload["run"] == rest && self.runs.iter().any(|run| run.id == rest && run.says(payload))
            } else {
                let mark = expected.exports.iter().find(|mark| mark.source.code() == kind && mark.manifest == rest);
                let is_of_source = Source::from_code(kind).is_some_and(|source| source.service() == service);
                let is_of_export = mark.is_none_or(|mark| {
                    payload["watermark"].as_str() == mark.watermark.as_deref() && payload["asOf"].as_str() == Some(&mark.as_of)
                });
                is_of_source && is_of_export && payload["manifest"] == rest
            }
    }

    /// Checks the last load against the files: a load of the same files has their phase and as-of time.
    pub fn last_load(&self, expected: &Expected<'_>) -> Vec<CheckFinding> {
        let loads: Vec<&LoggedRun> = self.runs.iter().filter(|run| run.command == "load").collect();
        let of_these = loads.iter().filter(|run| run.inputs.as_deref() == Some(expected.inputs));
        let odd: Vec<String> = of_these
            .filter(|run| run.phase != Some(expected.phase) || run.as_of != Some(expected.as_of))
            .map(|run| run.id.clone())
            .collect();
        let known = ["load", "rollback", "emergency"];
        let strange: Vec<String> =
            self.runs.iter().filter(|run| !known.contains(&run.command.as_str())).map(|run| run.id.clone()).collect();
        vec![
            CheckFinding {
                item: "loads that are written down".to_owned(),
                examined: whole(self.runs.len()),
                expected: "at least one".to_owned(),
                observed: if loads.is_empty() { "none".to_owned() } else { "at least one".to_owned() },
                examples: Vec::new(),
            },
            CheckFinding::listed("loads of these files under another phase or as-of time", loads.len(), &odd),
            CheckFinding::listed("runs of no known command", self.runs.len(), &strange),
        ]
    }

    /// Rows of the log that were changed after the load wrote them.
    pub fn rewritten(&self, connection: &Connection, expected: &Expected<'_>) -> Result<Vec<CheckFinding>> {
        let runs: Vec<String> = self.runs.iter().filter(|run| !run.is_as_written).map(|run| run.id.clone()).collect();
        let images = connection.query(include_str!("../../../sql/verify/crm/images.sql"), &[])?;
        let is_whole = |row: &&tokio_postgres::Row| row.get::<_, Option<bool>>("is_as_written") == Some(true);
        let id = |row: &tokio_postgres::Row| row.get::<_, String>("id");
        let altered: Vec<String> = images.iter().filter(|row| !is_whole(row)).map(id).collect();
        let saved: BTreeSet<String> =
            images.iter().filter(|row| row.get::<_, &str>("table_name") == "CustomerSegment").map(id).collect();
        let lacking: Vec<String> = expected.refreshed.iter().filter(|id| !saved.contains(*id)).cloned().collect();
        Ok(vec![
            CheckFinding::listed("runs written down that something wrote again", self.runs.len(), &runs),
            CheckFinding::listed("images for rollback that something wrote again", images.len(), &altered),
            CheckFinding::listed("refreshed segments without an image for rollback", expected.refreshed.len(), &lacking),
        ])
    }
}

impl LoggedRun {
    /// Whether the payload of the run's row in `SyncLog` agrees with it.
    fn says(&self, payload: &Value) -> bool {
        payload["phase"].as_i64() == self.phase.map(i64::from)
            && payload["inputs"].as_str() == self.inputs.as_deref()
            && payload["counts"] == self.counts
    }
}

/// Whether a run wrote rows, according to its counts.
fn has_changes(counts: &Value) -> bool {
    let tables = counts.as_object().into_iter().flat_map(|tables| tables.values());
    let of = |table: &Value, kind: &str| table[kind].as_u64().unwrap_or(0);
    tables.map(|table| of(table, "inserted") + of(table, "updated") + of(table, "deleted")).sum::<u64>() > 0
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).expect("counts fit in 63 bits")
}

/// Withdrawals and suppressions that load must remember, by what identifies one.
#[derive(Default)]
pub struct LoggedWithdrawals {
    known: HashMap<u128, LoggedWithdrawal, FastState>,
    /// Withdrawals without a date, with the time at which an earlier load recorded them.
    undated: HashMap<String, Option<Timestamp>, FastState>,
}

type FastState = foldhash::fast::FixedState;

#[derive(Clone, Copy, Default)]
struct LoggedWithdrawal {
    /// Rank of the reason and time in the files of this load.
    filed: Option<(usize, Option<Timestamp>)>,
    /// The same for earlier loads.
    earlier: Option<(usize, Option<Timestamp>)>,
    lifted_after: Option<Timestamp>,
}

/// Reasons, the strongest first. The first two concern consent.
const REASONS: [&str; 4] = ["WITHDRAWN", "COMPLAINED", "BOUNCED", "DECEASED"];

fn bears_on_consent(reason: usize) -> bool {
    reason < 2
}

impl LoggedWithdrawal {
    /// The time and reason that should be recorded in the CRM.
    fn due(self) -> Option<(usize, Option<Timestamp>)> {
        match (self.filed, self.earlier) {
            (Some((reason, at)), Some((before, known))) if bears_on_consent(reason) == bears_on_consent(before) => {
                Some((reason.min(before), at.max(known)))
            }
            (Some(filed), Some(earlier)) => Some(if bears_on_consent(earlier.0) { earlier } else { filed }),
            (filed, earlier) => filed.or(earlier),
        }
    }
}

/// A suppression from the files, or one of earlier loads from the CRM's export.
#[derive(Clone, Copy, Debug)]
pub struct LoggedSuppression<'a> {
    /// Tenant, channel, contact point, scope.
    pub key: [&'a str; 4],
    /// Why.
    pub reason: &'a str,
    /// When.
    pub revoked_at: Option<Timestamp>,
    /// Only a later explicit action lifts it.
    pub lifted_after: Option<Timestamp>,
}

impl LoggedWithdrawals {
    /// Adds one; `is_filed` if it is of this load.
    pub fn add(&mut self, suppression: LoggedSuppression<'_>, is_filed: bool) {
        let Some(reason) = REASONS.iter().position(|reason| *reason == suppression.reason) else { return };
        let entry = self.known.entry(key_of(suppression.key)).or_default();
        let known = if is_filed { &mut entry.filed } else { &mut entry.earlier };
        let at = suppression.revoked_at;
        *known = match *known {
            Some((before, held)) if before < reason => Some((before, held)),
            Some((before, held)) if before == reason => Some((before, held.max(at))),
            _ => Some((reason, at)),
        };
        if bears_on_consent(reason) {
            entry.lifted_after = entry.lifted_after.max(suppression.lifted_after);
        }
    }

    /// Adds a withdrawal without a date.
    pub fn add_undated(&mut self, evidence_key: &str, recorded_at: Option<Timestamp>) {
        let entry = self.undated.entry(evidence_key.to_owned()).or_default();
        *entry = (*entry).max(recorded_at);
    }

    /// Compares with the records in the CRM. Returns failures, then differences for manual review.
    pub fn compare(&self, connection: &Connection, as_of: Timestamp) -> Result<(Vec<CheckFinding>, Vec<CheckFinding>)> {
        let (mut weaker, mut later, mut unknown, mut held) = (0_u64, 0_u64, 0_u64, 0_u64);
        let mut seen = HashSet::<u128, FastState>::default();
        for row in connection.query(include_str!("../../../sql/verify/crm/withdrawn.sql"), &[])? {
            let text = |name: &str| row.get::<_, String>(name);
            let instant = |name: &str| row.get::<_, Option<i64>>(name).map(|at| Timestamp(at).round_to_millis());
            held += 1;
            let key = key_of([&text("tenant_id"), &text("channel"), &text("address"), &text("scope")]);
            let Some(known) = self.known.get(&key) else {
                unknown += 1;
                continue;
            };
            seen.insert(key);
            let Some((reason, at)) = known.due() else { continue };
            let (at, lifted_after) = (at.map(Timestamp::round_to_millis), known.lifted_after.map(Timestamp::round_to_millis));
            let written = REASONS.iter().position(|reason| *reason == text("reason"));
            let is_weaker = written.is_none_or(|written| written > reason)
                || instant("revoked_at") < at
                || instant("lifted_after") < lifted_after;
            weaker += u64::from(is_weaker);
            later += u64::from(!is_weaker && (instant("revoked_at") > at || written != Some(reason)));
        }
        let lost = |is_filed: bool| {
            let lost = self.known.iter().filter(|(key, known)| known.filed.is_some() == is_filed && !seen.contains(*key));
            lost.count() as u64
        };
        let filed = self.known.len() as u64;
        let counted = |item: &str, examined: u64, count: u64| CheckFinding::counted(item.to_owned(), examined, count, Vec::new());
        let (undated, odd_undated) = self.compare_undated(connection, as_of)?;
        Ok((
            vec![
                counted("withdrawals that the CRM no longer remembers", filed, lost(true)),
                counted("withdrawals that the CRM remembers as weaker or earlier than they are", held, weaker),
                undated,
            ],
            vec![
                counted("withdrawals of earlier loads that the CRM no longer remembers", filed, lost(false)),
                counted("withdrawals that the CRM remembers as later than the files say", held, later),
                counted("withdrawals that the CRM remembers and the files do not say", held, unknown),
                odd_undated,
            ],
        ))
    }

    fn compare_undated(&self, connection: &Connection, as_of: Timestamp) -> Result<(CheckFinding, CheckFinding)> {
        let (mut found, mut odd) = (0_u64, 0_u64);
        if connection.query_one("select to_regclass('backfill.undated') is not null", &[])?.get::<_, bool>(0) {
            for row in connection.query(include_str!("../../../sql/verify/crm/undated.sql"), &[])? {
                let (key, at): (&str, Option<i64>) = (row.get(0), row.get(1));
                let at = at.map(|at| Timestamp(at).round_to_millis());
                let is_known = self.undated.contains_key(key);
                found += u64::from(is_known);
                // Recorded by this load, or when an earlier one did.
                let due = self.undated.get(key).copied().flatten().unwrap_or(as_of).round_to_millis();
                odd += u64::from(!is_known || at != Some(due));
            }
        }
        let count = self.undated.len() as u64;
        let lost = count.saturating_sub(found);
        Ok((
            CheckFinding::counted(
                "withdrawals without a date that the CRM no longer remembers".to_owned(),
                count,
                lost,
                Vec::new(),
            ),
            CheckFinding::counted("withdrawals without a date recorded at another time".to_owned(), count, odd, Vec::new()),
        ))
    }
}

fn key_of(parts: [&str; 4]) -> u128 {
    let half = |seed: u64| u128::from(FixedState::with_seed(seed).hash_one(parts));
    half(41) << 64 | half(42)
}
