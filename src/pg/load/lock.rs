//! The advisory lock that allows one load or rollback of a CRM at a time.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::pg::load::session::Crm;

/// Key of the advisory lock.
const LOCK: i64 = 0x6266_3131_6c6f_6164;

/// Takes the lock. Waits a moment, because the server may not have noticed yet that the session of the last run has ended.
pub fn take_lock(crm: &Crm) -> Result<()> {
    for pause in [0, 100, 200, 400, 800, 1600] {
        std::thread::sleep(std::time::Duration::from_millis(pause));
        if crm.one("select pg_try_advisory_xact_lock($1)", &[&LOCK])?.get(0) {
            return Ok(());
        }
    }
    let holder = crm.query(include_str!("../../../sql/crm/lock_holder.sql"), &[])?;
    let fault = |who: &str| Fault::new(Exit::Locked, format!("another run works on this CRM: {who}")).at(crm.place());
    let Some(row) = holder.first() else {
        return Err(fault("it has just ended or is about to").help("run the same command again").into());
    };
    let (pid, from, since, role, state): (i32, &str, &str, &str, &str) =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
    Err(fault(&format!("pid {pid} (role {role}) from {from}, since {since}, {state}"))
        .help(format!("wait for it to end; if its client is gone, end its session:  select pg_terminate_backend({pid});"))
        .into())
}

/// Waits up to a minute for the run that holds the lock, then takes it.
pub fn wait_for_lock(crm: &Crm) -> Result<()> {
    crm.run(&format!("set local lock_timeout = '60s'; select pg_advisory_xact_lock({LOCK})"))
}
