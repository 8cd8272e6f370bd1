//! Updates the statistics of the planner after the commit, in two sessions if possible.

use std::sync::{Mutex, PoisonError};

use crate::dsn::Dsn;
use crate::pg::load::session::Crm;
use crate::pg::load::target::table;
use crate::pg::quote_identifier as quoted;

/// The tables that take longest, the longest last.
const LONGEST: [&str; 3] = [table::CONSENT, table::ACTIVITY, table::PROFILE];

/// Analyzes tables; returns those that failed.
pub(super) fn make<'a>(crm: &Crm, dsn: &Dsn, mut tables: Vec<&'a str>) -> Vec<&'a str> {
    tables.sort_by_key(|name| LONGEST.iter().position(|longest| longest == name).map_or(0, |place| place + 1));
    let has_many = tables.len() > 1;
    let queue = Mutex::new(tables);
    let work = |crm: &Crm| {
        let mut failed = Vec::new();
        while let Some(name) = queue.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            let made = crm.begin().and_then(|()| crm.run(&format!("analyze {}", quoted(name)))).and_then(|()| crm.commit());
            if made.is_err() {
                let _ = crm.end();
                failed.push(name);
            }
        }
        failed
    };
    std::thread::scope(|scope| {
        // The second session is optional.
        let beside = has_many.then(|| scope.spawn(|| Crm::beside(dsn).map(|beside| work(&beside)).unwrap_or_default()));
        let mut failed = work(crm);
        failed.extend(beside.and_then(|beside| beside.join().ok()).unwrap_or_default());
        failed
    })
}
