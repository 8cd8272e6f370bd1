//! What a CRM holds and whether a run committed, for `status` and for whoever lost the answer.

use anyhow::Result;

use crate::dsn::Dsn;
use crate::pg::load::lock::wait_for_lock;
use crate::pg::load::run_log::{self, Run};
use crate::pg::load::session::Crm;

/// What the CRM holds, for people.
#[derive(Debug)]
pub struct Standing {
    /// Where it is.
    pub place: String,
    /// Whether the tables are there.
    pub has_tables: bool,
    /// Profiles of ours, MERGED ones included.
    pub own_profiles: u64,
    /// Profiles of others.
    pub other_profiles: u64,
    /// The last load or rollback.
    pub last: Option<Run>,
}

/// Looks at a CRM without a lock.
pub fn standing(dsn: &Dsn) -> Result<Standing> {
    let crm = Crm::open(dsn)?;
    crm.doing("look at what the CRM holds");
    let has_tables: bool = crm.one("select to_regclass('\"CustomerProfile\"') is not null", &[])?.get(0);
    let (mut own_profiles, mut other_profiles) = (0, 0);
    if has_tables {
        let row = crm.one(include_str!("../../../sql/crm/situation.sql"), &[])?;
        own_profiles = row.get::<_, i64>("own_profiles").unsigned_abs();
        other_profiles = row.get::<_, i64>("other_profiles").unsigned_abs();
    }
    Ok(Standing { place: crm.place(), has_tables, own_profiles, other_profiles, last: run_log::last_run(&crm)? })
}

/// Whether a run committed, asked in a session of its own, once the lost one is surely over.
pub fn outcome_of(dsn: &Dsn, run_id: &str) -> Result<bool> {
    let crm = Crm::open(dsn)?;
    crm.doing("ask for the outcome of a run");
    // The lost session holds the lock until the server has ended it, either way.
    wait_for_lock(&crm)?;
    let committed = run_log::committed(&crm, run_id)?;
    crm.end()?;
    Ok(committed)
}
