//! Waits for answers with a watch: where none comes, the server's own views tell whether it is at work, and after a limit the wait ends.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::fault::{Exit, Fault};
use crate::pg::Connection;
use crate::pg::connect::connect;
use crate::progress;

/// How often a silent server is looked at.
const PATROL: Duration = Duration::from_secs(10);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);
/// So many looks in a row that see the server waiting for us mean that its answer, or our question, was lost.
const LOST_AFTER: u32 = 3;
/// How often a person is told that the server is still at work.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The transaction that a session is in, as `pg_stat_activity` names it; behind a pooler the process belongs to us no longer than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    /// Process id.
    pub(super) pid: i32,
    /// Start of the transaction in microseconds since 1970.
    pub(super) began: i64,
}

/// What a look at the server shows.
enum Sight {
    /// It works on our statement.
    Working(String),
    /// It waits: for us, or for a standby to confirm.
    Waiting(String),
    /// Our transaction is not there any more.
    Gone,
}

impl Connection {
    /// Waits for a future of this session's client. The error says that the server did not answer; the session is lost then.
    pub(in crate::pg) async fn attend<F: Future>(&self, future: F) -> Result<F::Output, Fault> {
        let mut future = pin!(future);
        let limit = self.answer_limit();
        let patrol = PATROL.min(limit / 4).max(Duration::from_millis(50));
        let (started, mut last_sign, mut last_told) = (Instant::now(), Instant::now(), Instant::now());
        let (mut watcher, mut waiting, mut last_progress) = (None, 0, String::new());
        loop {
            if let Ok(output) = tokio::time::timeout(patrol, &mut future).await {
                return Ok(output);
            }
            match self.look(&mut watcher).await {
                Some(Sight::Working(progress)) => {
                    (last_sign, waiting) = (Instant::now(), 0);
                    if last_told.elapsed() >= TELL_EVERY {
                        last_told = Instant::now();
                        let minutes = started.elapsed().as_secs() / 60;
                        let what = if progress.is_empty() { "at work" } else { progress.as_str() };
                        progress::note(&format!(" … {}: {what} (for {minutes} min)", self.name()));
                    }
                    last_progress = progress;
                }
                Some(Sight::Waiting(progress)) if progress != last_progress => {
                    (last_sign, waiting, last_progress) = (Instant::now(), 0, progress);
                }
                Some(Sight::Waiting(_) | Sight::Gone) => waiting += 1,
                None => {}
            }
            if waiting >= LOST_AFTER || last_sign.elapsed() >= limit {
                // What arrived while we looked still counts.
                if let Ok(output) = tokio::time::timeout(Duration::ZERO, &mut future).await {
                    return Ok(output);
                }
                self.abandon();
                return Err(self.stalled(started.elapsed(), &mut watcher).await);
            }
        }
    }

    /// Looks at our transaction from a session beside this one. `None` where the server cannot be asked.
    async fn look(&self, watcher: &mut Option<Client>) -> Option<Sight> {
        let backend = self.backend()?;
        let looked = tokio::time::timeout(LOOK, async {
            let client = self.watcher(watcher).await?;
            let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(&backend.pid, Type::INT4), (&backend.began, Type::INT8)];
            client.query_typed(include_str!("../../../sql/session/work_under_way.sql"), &parameters).await.ok()
        });
        let Ok(Some(rows)) = looked.await else {
            *watcher = None;
            return None;
        };
        let Some(row) = rows.first() else { return Some(Sight::Gone) };
        let (is_waiting, progress) = (row.get::<_, Option<bool>>(0).unwrap_or_default(), row.get(1));
        Some(if is_waiting { Sight::Waiting(progress) } else { Sight::Working(progress) })
    }

    async fn watcher<'a>(&self, watcher: &'a mut Option<Client>) -> Option<&'a Client> {
        if watcher.as_ref().is_none_or(Client::is_closed) {
            *watcher = connect(self.target()).await.ok()?.ok();
        }
        watcher.as_ref()
    }

    /// Ends our session at the server, where it can be asked, so that its locks go, and says how things stand.
    async fn stalled(&self, silent: Duration, watcher: &mut Option<Client>) -> Fault {
        let mut fault = Fault::new(Exit::Failed, format!("{} did not answer for {}", self.name(), words(silent)))
            .at(self.target().to_string());
        if let Some(backend) = self.backend() {
            let asked = tokio::time::timeout(LOOK, async {
                let client = self.watcher(watcher).await?;
                let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                    [(&backend.pid, Type::INT4), (&backend.began, Type::INT8)];
                client.query_typed(include_str!("../../../sql/session/end_waiting.sql"), &parameters).await.ok()
            });
            let pid = backend.pid;
            fault = fault.help(match asked.await {
                Ok(Some(rows)) if !rows.is_empty() => {
                    format!("its session (pid {pid}) waited for us; it was ended and gives up its locks")
                }
                Ok(Some(_)) => format!("its session (pid {pid}) is not waiting for us any more"),
                _ => format!("if its session still holds locks, end it there:  select pg_terminate_backend({pid});"),
            });
        }
        fault
            .help("nothing was committed; run the same command again")
            .help("how long an answer may take without a sign of work: answer_limit in [connections] of the settings")
    }
}

/// A duration as people say it.
pub(in crate::pg) fn words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
