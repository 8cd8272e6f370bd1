//! `check-connections`: checks all six databases at once.

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::model::{Code, Source};
use crate::pg::url::Target;
use crate::pg::{Checked, check_crm, check_source};
use crate::steps::export::{Job, settle_as_of};

/// The variable that holds the CRM's URL.
const CRM_URL: &str = "CRM_DATABASE_URL";
/// The CRM's name among the databases.
const CRM: &str = "crm";

/// Arguments of `check-connections`.
#[derive(clap::Args, Debug, Default)]
pub struct CheckConnectionsArgs {
    /// Fail for warnings, too: excess rights, unverified or unencrypted connections
    #[arg(long)]
    pub strict: bool,
    /// Check only these: mca_za, mca_uk, scl, teetime, messaging, crm
    #[arg(value_name = "DATABASE", value_parser = names())]
    pub only: Vec<String>,
}

/// The names of the six databases.
fn names() -> PossibleValuesParser {
    Source::ALL.iter().map(|source| source.code()).chain([CRM]).collect::<Vec<_>>().into()
}

enum ConnectionState {
    Unset,
    Failed(Fault),
    Reached(Checked),
}

struct ConnectionLine {
    name: String,
    variable: &'static str,
    url: String,
    state: ConnectionState,
}

/// Connects to all six in parallel.
pub fn run(session: &Session, args: CheckConnectionsArgs) -> Result<StepOutcome> {
    let as_of = settle_as_of(session, false).unwrap_or(session.now);
    let look = |variable: &'static str, name: &str, check: &(dyn Fn(&Dsn) -> Result<Checked> + Sync)| {
        let dsn = session.environment.dsn(variable);
        let state = match &dsn {
            None => ConnectionState::Unset,
            Some(dsn) => match check(dsn) {
                Ok(checked) => ConnectionState::Reached(checked),
                Err(error) => ConnectionState::Failed(match error.downcast::<Fault>() {
                    Ok(fault) => fault,
                    Err(error) => Fault::new(Exit::Failed, error.to_string()),
                }),
            },
        };
        ConnectionLine { name: name.to_owned(), variable, url: dsn.map(|dsn| place(&dsn)).unwrap_or_default(), state }
    };
    let is_asked = |name: &str| args.only.is_empty() || args.only.iter().any(|asked| asked == name);
    let lines: Vec<ConnectionLine> = std::thread::scope(|scope| {
        let sources = Source::ALL.iter().filter(|source| is_asked(source.code())).map(|&source| {
            scope.spawn(move || {
                let job = Job::source(source, &session.layout);
                let queries = job.queries();
                look(job.variable, &job.code, &|dsn| check_source(dsn, &job.title, &queries, as_of))
            })
        });
        let mut threads: Vec<_> = sources.collect();
        if is_asked(CRM) {
            threads.push(scope.spawn(|| look(CRM_URL, CRM, &|dsn| check_crm(dsn, "the CRM"))));
        }
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    Ok(outcome(&lines, args.strict))
}

/// The target of a URL; nothing is shown of a URL that cannot be parsed.
fn place(dsn: &Dsn) -> String {
    Target::parse(dsn).map(|target| target.to_string()).unwrap_or_default()
}

/// How many tables and columns that no export reads are shown; `--json` has all.
const SHOWN: usize = 12;

/// The tables and columns that no export reads, in words; `None` if there are none.
pub(super) fn unread_in_words(unread: &[String]) -> Option<String> {
    let shown = unread.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match unread.len() {
        0 => None,
        count if count <= SHOWN => Some(format!("no export reads {shown}")),
        count => Some(format!("no export reads {shown}, and {} more (--json lists all)", count - SHOWN)),
    }
}

fn outcome(lines: &[ConnectionLine], strict: bool) -> StepOutcome {
    let mut text = String::new();
    let mut rows = Vec::new();
    let (mut unreachable, mut unfit, mut warned) = (0, 0, 0);
    let mut wrong = Vec::new();
    for line in lines {
        let (mut detail, mut unread) = (Vec::new(), &[][..]);
        let (word, place) = match &line.state {
            ConnectionState::Unset => {
                unfit += 1;
                wrong.push(format!("{}: {} is not set", line.name, line.variable));
                ("not set", line.variable.to_owned())
            }
            ConnectionState::Failed(fault) => {
                if fault.exit == Exit::Failed {
                    unreachable += 1;
                } else {
                    unfit += 1;
                }
                detail.push(fault.what.clone());
                wrong.push(format!("{}: {}", line.name, fault.what));
                detail.extend(fault.help.iter().filter(|help| !help.contains("check-connections")).cloned());
                ("failed", format!("{}   {}", line.variable, line.url))
            }
            ConnectionState::Reached(checked) => {
                if !checked.problems.is_empty() {
                    unfit += 1;
                    detail.push(format!("lacks: {}", checked.problems.join(", ")));
                    wrong.push(format!("{}: it lacks what is read", line.name));
                    detail.extend(checked.advice.iter().cloned());
                }
                detail.extend(checked.warnings.iter().map(|warning| format!("! {warning}")));
                warned += usize::from(!checked.warnings.is_empty());
                unread = &checked.unread;
                detail.extend(unread_in_words(unread));
                let how = if checked.is_encrypted { "encrypted" } else { "not encrypted" };
                let place = format!("{}   PostgreSQL {}, {} tables, {how}", checked.target, checked.version, checked.table_count);
                (if checked.problems.is_empty() { "ok" } else { "unfit" }, place)
            }
        };
        text.push_str(&format!("{:<10} {word:<8} {place}\n", line.name));
        for more in &detail {
            text.push_str(&format!("{:<19} {more}\n", ""));
        }
        rows.push(json!({ "database": line.name, "variable": line.variable, "state": word, "detail": detail, "unread": unread }));
    }
    let failed = |exit, what: String| {
        let fault = wrong.iter().fold(Fault::new(exit, what), |fault, wrong| fault.help(wrong.clone()));
        Some(fault.help("the URLs are read from the environment and .env, as in .env.example"))
    };
    let fault = match (unreachable, unfit, warned) {
        (1.., _, _) => failed(Exit::Failed, format!("{unreachable} of {} databases cannot be used", lines.len())),
        (0, 1.., _) => failed(Exit::Preflight, format!("{unfit} of {} databases are not ready", lines.len())),
        (0, 0, 1..) if strict => {
            failed(Exit::Preflight, format!("{warned} of {} databases have warnings (--strict)", lines.len()))
        }
        _ => None,
    };
    StepOutcome::new(text, json!({ "databases": rows })).next("make verify PHASE=0").fault(fault)
}
