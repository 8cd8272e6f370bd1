//! The state of the CRM and the outcome of a run, for `status` and after a lost connection.

use anyhow::Result;

use crate::dsn::Dsn;
use crate::pg::load::lock::wait_for_lock;
use crate::pg::load::run_log::{self, Run};
use crate::pg::load::session::Crm;

/// The state of the CRM.
#[derive(Debug)]
pub struct Standing {
    /// Its location.
    pub place: String,
    /// Whether the tables exist.
    pub has_tables: bool,
    /// Profiles of ours, MERGED ones included.
    pub own_profiles: u64,
    /// Foreign profiles.
    pub other_profiles: u64,
    /// The last load or rollback.
    pub last: Option<Run>,
}

/// Reads the state of a CRM without a lock.
pub fn standing(dsn: &Dsn) -> Result<Standing> {
    let crm = Crm::open(dsn)?;
    crm.doing("looking at the contents of the CRM");
    let has_tables: bool = crm.one("select to_regclass('\"CustomerProfile\"') is not null", &[])?.get(0);
    let (mut own_profiles, mut other_profiles) = (0, 0);
    if has_tables {
        let row = crm.one(include_str!("../../../sql/crm/situation.sql"), &[])?;
        own_profiles = row.get::<_, i64>("own_profiles").unsigned_abs();
        other_profiles = row.get::<_, i64>("other_profiles").unsigned_abs();
    }
    Ok(Standing { place: crm.place(), has_tables, own_profiles, other_profiles, last: run_log::last_run(&crm)? })
}

/// Whether a run committed. Uses a new session, and waits until the lost one has certainly ended.
pub fn outcome_of(dsn: &Dsn, run_id: &str) -> Result<bool> {
    let crm = Crm::open(dsn)?;
    crm.doing("asking for the outcome of a run");
    // The lost session holds the lock until the server has ended it, either way.
    wait_for_lock(&crm)?;
    let committed = run_log::committed(&crm, run_id)?;
    crm.end()?;
    Ok(committed)
}
