//! Runs the checks of verification on the CRM, in sessions that share one snapshot: tables are streamed in as many sessions as
//! possible, statements run in one.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::model::Phase;
use crate::pg::compare::{Defaults, Instants, TableForm, changed_by_others};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::{Preflight, preflight};
use crate::pg::load::rows::Datasets;
use crate::pg::load::settled;
use crate::pg::load::target::{LOADED, table};
use crate::pg::verify::apart::KeptRows;
use crate::pg::verify::checks::{By, CHECKS, CheckFinding, QUALITY, Quality};
use crate::pg::verify::load_log::{Expected, LoadLog, LoggedWithdrawals};
use crate::pg::verify::rows::{self, Compared, People, Sides};
use crate::pg::verify::segments::{self, Refreshed};
use crate::pg::verify::session::VerifySession;
use crate::pg::verify::written;
use crate::segment_rule::Question;

/// Sessions in addition to the first.
const BESIDE: usize = 2;

/// The input of verification.
pub struct Asked<'a> {
    /// The datasets.
    pub data: &'a (dyn Datasets + Sync),
    /// Their phase.
    pub phase: Phase,
    /// What loads should have recorded.
    pub expected: Expected<'a>,
    /// LoggedWithdrawals that load must have recorded.
    pub withdrawals: LoggedWithdrawals,
    /// Segments that were refreshed.
    pub refreshed: &'a [Refreshed],
    /// Their rules.
    pub questions: &'a [Option<Question<'a>>],
    /// Whether messages sent to a person do not count as activity.
    pub is_engaged_only: bool,
    /// Whether components without data are left out of the engagement score.
    pub is_renormalised: bool,
}

/// The findings of a check, and its duration.
#[derive(Debug)]
pub struct Answered {
    /// The check's name.
    pub check: &'static str,
    /// Its findings.
    pub findings: Vec<CheckFinding>,
    /// Its duration.
    pub taken: Duration,
}

/// The result of a query of the strategy: the query, columns and rows.
pub type AnswerTable = (&'static Quality, Vec<String>, Vec<Vec<String>>);

/// The results of verification on the CRM.
pub struct CrmAnswers {
    /// Its location.
    pub place: String,
    /// The findings, in no particular order.
    pub answers: Vec<Answered>,
    /// The strategy's queries.
    pub tables: Vec<AnswerTable>,
    /// Why there were fewer sessions than planned.
    pub note: Option<String>,
}

/// Callback that records the findings of a check.
type Answer<'a> = dyn FnMut(&mut Vec<Answered>, &'static str, Vec<CheckFinding>) + 'a;

/// The context that all sessions share.
struct Context<'a> {
    asked: &'a Asked<'a>,
    catalog: Catalog,
    preflight: Preflight,
    kept: KeptRows,
    log: Option<LoadLog>,
    forms: Vec<TableForm>,
}

/// Runs everything; calls `advance` after each table and statement.
pub fn look(dsn: &Dsn, asked: &Asked<'_>, advance: &(dyn Fn() + Sync)) -> Result<CrmAnswers> {
    let (first, catalog) = VerifySession::open(dsn)?;
    let mut others = Vec::new();
    let mut note = None;
    while others.len() < BESIDE && note.is_none() {
        match first.beside(dsn) {
            Ok(session) => others.push(session),
            Err(error) => {
                note = Some(format!("{} sessions instead of {} ({error}): verifying takes longer", others.len() + 1, BESIDE + 1))
            }
        }
    }
    if let Some(name) = table::ALL.iter().find(|name| !catalog.tables.contains_key(**name)) {
        let fault = Fault::new(Exit::Preflight, format!("table {name:?} does not exist in schema {:?}", catalog.schema));
        return Err(fault
            .at(first.place())
            .help("is this the database that was loaded? another schema is named in the URL: ?schema=NAME")
            .into());
    }
    let preflight = preflight(&catalog, true);
    let log = LoadLog::read(first.connection())?;
    let instants = Instants(log.as_ref().map(|log| log.instants.clone()).unwrap_or_default());
    let defaults = Defaults::read(first.connection(), &catalog)?;
    let forms = preflight
        .plans
        .iter()
        .map(|plan| TableForm::of(plan, catalog.table(plan.loaded.table), asked.phase, &instants, &defaults))
        .collect();
    let kept = KeptRows::read(first.connection())?;
    let context = Context { asked, catalog, preflight, kept, log, forms };
    let place = first.place();
    let (mut compared, (mut answers, tables)) = if let Some(second) = others.pop() {
        let third = others.pop();
        context.side_by_side(&first, &second, third.as_ref(), advance)?
    } else {
        let compared = context.all_tables(&first, advance)?;
        (compared, context.statements(&first, advance)?)
    };
    if context.log.is_some() {
        let started = Instant::now();
        let written = compared.0.iter_mut().filter_map(|table| table.written.take());
        let findings = written::findings(first.connection(), written, asked.data)?;
        answers.push(Answered { check: "load_log", findings, taken: started.elapsed() });
    }
    answers.extend(comparisons(&compared));
    Ok(CrmAnswers { place, answers, tables, note })
}

/// The compared tables, and the results of the statements.
type Both = (Timed, (Vec<Answered>, Vec<AnswerTable>));
/// The compared tables, and their total duration.
type Timed = (Vec<Compared>, Duration);

impl Context<'_> {
    fn sides(&self) -> Sides<'_> {
        Sides {
            data: self.asked.data,
            phase: self.asked.phase,
            kept: &self.kept,
            catalog: &self.catalog,
            recorded: if self.log.is_some() { &self.preflight.plans } else { &[] },
        }
    }

    fn form(&self, table: &str) -> &TableForm {
        self.forms.iter().find(|form| form.loaded.table == table).expect("every loaded table has a form")
    }

    fn all_tables(&self, session: &VerifySession, advance: &(dyn Fn() + Sync)) -> Result<Timed> {
        let started = Instant::now();
        let (profiles, people) = self.sides().profiles(session.connection(), self.form(table::PROFILE))?;
        advance();
        let mut compared = vec![profiles];
        for loaded in LOADED.iter().filter(|loaded| loaded.table != table::PROFILE) {
            compared.push(self.sides().children(session.connection(), self.form(loaded.table), &people)?);
            advance();
        }
        Ok((compared, started.elapsed()))
    }

    /// Compares the profiles in one session, then their child tables in any free session. Statements run in another session.
    fn side_by_side(
        &self,
        first: &VerifySession,
        second: &VerifySession,
        third: Option<&VerifySession>,
        advance: &(dyn Fn() + Sync),
    ) -> Result<Both> {
        let started = Instant::now();
        let known = OnceLock::<Option<People>>::new();
        // The largest comes first.
        let mut children: Vec<&str> = LOADED.iter().map(|loaded| loaded.table).filter(|name| *name != table::PROFILE).collect();
        children.sort_by_key(|name| *name == table::ACTIVITY);
        let queue = Mutex::new(children);
        let work = |session: &VerifySession| -> Result<Vec<Compared>> {
            let mut compared = Vec::new();
            let Some(people) = known.wait() else { return Ok(compared) };
            while let Some(name) = queue.lock().unwrap_or_else(PoisonError::into_inner).pop() {
                compared.push(self.sides().children(session.connection(), self.form(name), people)?);
                advance();
            }
            Ok(compared)
        };
        std::thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let said = self.statements(first, advance);
                let compared = work(first);
                anyhow::Ok((said?, compared?))
            });
            let further = third.map(|third| scope.spawn(|| work(third)));
            let profiles = self.sides().profiles(second.connection(), self.form(table::PROFILE));
            let mut compared = match profiles {
                Ok((profiles, people)) => {
                    drop(known.set(Some(people)));
                    advance();
                    work(second).map(|rest| std::iter::once(profiles).chain(rest).collect::<Vec<_>>())
                }
                Err(error) => {
                    drop(known.set(None));
                    Err(error)
                }
            };
            let joined = |result: std::thread::Result<_>| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let (said, rest) = joined(beside.join())?;
            if let Some(further) = further {
                let more = further.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                compared = compared.map(|compared| compared.into_iter().chain(more).collect());
            }
            let mut compared = compared?;
            compared.extend(rest);
            compared.sort_by_key(|found| LOADED.iter().position(|loaded| loaded.table == found.table));
            Ok(((compared, started.elapsed()), said))
        })
    }

    fn statements(&self, session: &VerifySession, advance: &(dyn Fn() + Sync)) -> Result<(Vec<Answered>, Vec<AnswerTable>)> {
        let (asked, mut answers) = (self.asked, Vec::new());
        let mut touched = Vec::new();
        let mut started = Instant::now();
        let mut answer = |answers: &mut Vec<Answered>, check: &'static str, findings: Vec<CheckFinding>| {
            answers.push(Answered { check, findings, taken: started.elapsed() });
            started = Instant::now();
            advance();
        };
        self.set_apart(session)?;
        for check in CHECKS.iter().filter(|check| check.from <= asked.phase.number()) {
            if let By::Sql(sql) = check.by {
                answer(&mut answers, check.name, session.ask(check.name, sql)?);
            }
        }
        self.log(session, &mut answers, &mut touched, &mut answer)?;
        if asked.phase >= Phase::SCORES {
            let found = session.ask_several("scores", include_str!("../../../sql/verify/crm/scores.sql"))?;
            for check in CHECKS.iter().filter(|check| check.by == By::Scores) {
                let of_this = found.iter().filter(|(name, _)| name == check.name).map(|(_, finding)| finding.clone());
                answer(&mut answers, check.name, of_this.collect());
            }
            let (differing, doubts) = segments::compare(session, asked.refreshed)?;
            touched.extend(doubts);
            answer(&mut answers, "segment_members", differing);
            answer(&mut answers, "segment_rules", session.ask_segments(asked.questions)?);
        }
        answer(&mut answers, "touched_rows", touched);
        let tables = QUALITY.iter().map(|quality| {
            let (columns, rows) = session.table(quality.sql)?;
            Ok((quality, columns, rows))
        });
        Ok((answers, tables.collect::<Result<_>>()?))
    }

    /// Tells the session which rows the statements must exclude.
    fn set_apart(&self, session: &VerifySession) -> Result<()> {
        let array = |ids: &mut dyn Iterator<Item = &str>| {
            // Our ids contain only hexadecimal digits and hyphens.
            let plain = ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'));
            format!("{{{}}}", plain.collect::<Vec<_>>().join(","))
        };
        let kept = LOADED.iter().flat_map(|loaded| self.kept.of(loaded.table));
        session.set("backfill.kept", &array(&mut kept.map(|(id, _)| id.as_str())))?;
        session.set("backfill.as_of", &self.asked.expected.as_of.to_string())?;
        session.set("backfill.engaged_only", &self.asked.is_engaged_only.to_string())?;
        session.set("backfill.renormalised", &self.asked.is_renormalised.to_string())?;
        let changed = changed_by_others(self.catalog.table(table::PROFILE));
        let statement = include_str!("../../../sql/verify/crm/apart.sql").replace("CHANGED_BY_OTHERS", &changed);
        let rows = session.connection().query(&statement, &[])?;
        let apart: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        session.set("backfill.apart", &array(&mut apart.iter().map(String::as_str)))
    }

    fn log(
        &self,
        session: &VerifySession,
        answers: &mut Vec<Answered>,
        touched: &mut Vec<CheckFinding>,
        answer: &mut Answer<'_>,
    ) -> Result<()> {
        let (expected, connection) = (&self.asked.expected, session.connection());
        let Some(log) = &self.log else {
            let item = "schema backfill, where loads write down what they did".to_owned();
            let lost = CheckFinding {
                item,
                examined: 1,
                expected: "is there".to_owned(),
                observed: "is not".to_owned(),
                examples: Vec::new(),
            };
            answer(answers, "load_log", vec![lost]);
            return Ok(());
        };
        let mut found = log.last_load(expected);
        if connection.query_one("select to_regclass('backfill.settled') is not null", &[])?.get(0) {
            let (tables, broken) = settled::damaged(connection, &self.catalog)?;
            found.push(CheckFinding::listed("sums of settled rows that are not as a load wrote them", tables, &broken));
        }
        let (lost, doubts) = self.asked.withdrawals.compare(connection, expected.as_of)?;
        found.extend(lost);
        touched.extend(doubts);
        touched.extend(log.rewritten(connection, expected)?);
        answer(answers, "load_log", found);
        answer(answers, "sync_log", log.sync_log(connection, expected)?);
        let has_objects = connection.query_one("select to_regclass('backfill.object') is not null", &[])?;
        if has_objects.get::<_, bool>(0) {
            let objects = session.ask_several("schema_objects", include_str!("../../../sql/verify/crm/schema_objects.sql"))?;
            let (ours, doubts): (Vec<_>, Vec<_>) = objects.into_iter().partition(|(check, _)| check == "schema_objects");
            touched.extend(doubts.into_iter().map(|(_, finding)| finding));
            answer(answers, "schema_objects", ours.into_iter().map(|(_, finding)| finding).collect());
        }
        Ok(())
    }
}

/// The findings of the table comparison, by check.
fn comparisons((compared, taken): &Timed) -> Vec<Answered> {
    let answered = [
        ("record_counts", rows::record_counts(compared)),
        ("same_rows", rows::same_rows(compared)),
        ("profile_fields", rows::profile_fields(compared)),
        ("row_fields", rows::row_fields(compared)),
        ("made_by_load", rows::made_by_load(compared)),
        ("kept_rows", rows::kept_rows(compared)),
        ("touched_rows", rows::touched_rows(compared)),
    ];
    let mut taken = Some(*taken);
    answered.map(|(check, findings)| Answered { check, findings, taken: taken.take().unwrap_or_default() }).into()
}
