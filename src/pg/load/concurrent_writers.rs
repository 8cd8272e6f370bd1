//! Detects concurrent writers before the CRM is loaded or rolled back.

use std::time::Duration;

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::pg::connect::watch::words;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::run_log::Run;
use crate::pg::load::session::Crm;
use crate::pg::load::settled::Totals;
use crate::pg::load::target::{ours, table};
use crate::pg::quote_identifier as quoted;

/// Locks the tables against concurrent writers. Readers are not blocked.
pub fn lock_tables(crm: &Crm) -> Result<()> {
    crm.doing("locking the tables against concurrent writers");
    let names: Vec<String> = table::ALL.iter().map(|name| quoted(name)).collect();
    crm.run(&format!("lock table {} in share row exclusive mode", names.join(", ")))
}

/// Sessions that write now, and events that wait to be applied, in words.
pub fn sessions(crm: &Crm, catalog: &Catalog) -> Result<Vec<String>> {
    crm.doing("looking for concurrent writers");
    let mut signs = Vec::new();
    // Within a transaction the server keeps its first snapshot of the sessions.
    crm.execute("select pg_stat_clear_snapshot()", &[])?;
    let oids: Vec<u32> = catalog.tables.values().map(|info| info.oid).collect();
    for row in crm.query(include_str!("../../../sql/crm/concurrent_writers.sql"), &[&oids])? {
        let (application, role, tables): (&str, &str, &str) = (row.get(0), row.get(1), row.get(3));
        let Some(pid) = row.get::<_, Option<i32>>(2) else {
            signs.push(format!("a prepared transaction is open on {tables}"));
            continue;
        };
        let application = if application.is_empty() { "an unnamed application" } else { application };
        let age = row.get::<_, Option<i64>>(4).map(|seconds| words(Duration::from_secs(seconds.unsigned_abs())));
        let age = age.map_or_else(String::new, |age| format!(", open for {age}"));
        signs.push(format!("{application} (role {role}, pid {pid}{age}) is in a transaction on {tables}"));
    }
    for row in crm.query(include_str!("../../../sql/crm/pending_events.sql"), &[])? {
        signs.push(format!("{} events of {} wait in SyncLog", row.get::<_, i64>(1), row.get::<_, &str>(0)));
    }
    Ok(signs)
}

/// Tables with foreign rows that are newer than the last run, in words. Tables without totals are counted here.
pub fn newer_rows(crm: &Crm, catalog: &Catalog, last: Option<&Run>, totals: &Totals) -> Result<Vec<String>> {
    crm.doing("looking for rows of concurrent writers");
    let mut signs = Vec::new();
    let Some(last) = last else { return Ok(signs) };
    for name in table::ALL {
        let rows = match (totals.get(name), catalog.table(name).newer_than(&last.started_at)) {
            (Some(totals), _) => totals.newer,
            (None, Some(newer)) => {
                crm.count(&format!("select count(*) from {} t where {newer} and not {}", quoted(name), ours("t")))?
            }
            (None, None) => 0,
        };
        if rows > 0 {
            signs.push(format!("{rows} foreign rows in {name} are newer than run {}", last.id));
        }
    }
    Ok(signs)
}

/// All signs of concurrent writers, in words.
pub fn writers(crm: &Crm, catalog: &Catalog, last: Option<&Run>) -> Result<Vec<String>> {
    let mut signs = sessions(crm, catalog)?;
    signs.extend(newer_rows(crm, catalog, last, &Totals::new())?);
    Ok(signs)
}

/// Sessions that write now, in words. Fails if there are any and the operator did not vouch for them, with all other signs.
pub fn refuse_sessions(crm: &Crm, catalog: &Catalog, last: Option<&Run>, vouched: bool) -> Result<Vec<String>> {
    let mut signs = sessions(crm, catalog)?;
    if !signs.is_empty() && !vouched {
        signs.extend(newer_rows(crm, catalog, last, &Totals::new())?);
        require(crm, &signs, vouched)?;
    }
    Ok(signs)
}

/// Sessions whose state this role cannot see, in words. Only their locks are visible, not the age of their transactions.
pub fn hidden(crm: &Crm) -> Result<Option<String>> {
    let count = crm.count(include_str!("../../../sql/crm/hidden_sessions.sql"))?;
    Ok((count > 0).then(|| {
        format!(
            "{count} sessions of other roles hide their state from this role, only their locks are seen: grant pg_read_all_stats"
        )
    }))
}

/// Fails if there are signs of concurrent writers, unless the operator confirmed that consumers are stopped.
pub fn require(crm: &Crm, signs: &[String], vouched: bool) -> Result<()> {
    if signs.is_empty() || vouched {
        return Ok(());
    }
    let mut fault = Fault::new(Exit::Preflight, "concurrent writers seem to be active in the CRM").at(crm.place());
    for sign in signs {
        fault = fault.help(sign.clone());
    }
    Err(fault.help("stop the event consumers; if they are stopped: --consumers-stopped").into())
}
