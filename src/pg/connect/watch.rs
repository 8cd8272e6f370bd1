//! Waits for answers with a watchdog: if none comes, it checks in the server's views whether the server still works, and gives up
//! after a limit.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::fault::{Exit, Fault};
use crate::pg::Connection;
use crate::pg::connect::connect;
use crate::progress;

/// How often a silent server is checked.
const PATROL: Duration = Duration::from_secs(10);
/// Timeout of one check.
const LOOK: Duration = Duration::from_secs(5);
/// After this many checks in a row in which the server waits for us, a message must have been lost.
const LOST_AFTER: u32 = 3;
/// How often a note says that the server still works.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The transaction of a session in `pg_stat_activity`. Behind a pooler the process is ours only during the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    /// Process id.
    pub(super) pid: i32,
    /// Start of the transaction in microseconds since 1970.
    pub(super) began: i64,
}

/// The result of a check.
enum Sight {
    /// The server works on our statement.
    Working(String),
    /// The server waits for us, or for a standby to confirm.
    Waiting(String),
    /// Our transaction no longer exists.
    Gone,
}

impl Connection {
    /// Waits for a future of this session's client. Fails if the server does not answer; the session is lost then.
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
                // An answer that arrived during the check still counts.
                if let Ok(output) = tokio::time::timeout(Duration::ZERO, &mut future).await {
                    return Ok(output);
                }
                self.abandon();
                return Err(self.stalled(started.elapsed(), &mut watcher).await);
            }
        }
    }

    /// Checks our transaction from a second session. `None` if the server cannot be asked.
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

    /// Terminates our session at the server, if it can be asked, so that its locks are released. Returns the error to report.
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
                    format!("its session (pid {pid}) waited for us; it was terminated, which releases its locks")
                }
                Ok(Some(_)) => format!("its session (pid {pid}) no longer waits for us"),
                _ => format!("if its session still holds locks, terminate it:  select pg_terminate_backend({pid});"),
            });
        }
        fault
            .help("nothing was committed; run the same command again")
            .help("the limit for servers that do not answer: answer_limit in [connections] of the settings")
    }
}

/// A duration in words.
pub(in crate::pg) fn words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
