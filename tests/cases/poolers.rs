//! Poolers (cases 1.2): no setting or lock of ours remains in a pooled session after our transaction.

use std::collections::BTreeSet;

use crate::support::missing::is_missing;
use crate::support::pgbouncer::{PgBouncer, program};
use crate::support::postgres::Database;
use crate::support::workdir::Workdir;
use crate::support::world;

/// The state that the next client of a pooled session would find: settings, prepared statements, advisory locks.
const LEFT_BEHIND: &str = "
    select name || '=' || setting from pg_settings
    where source = 'session' and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'IntervalStyle')
    union all select 'prepared ' || name || ': ' || statement from pg_prepared_statements
    union all select 'lock ' || l.objid from pg_locks l where l.locktype = 'advisory' and l.pid = pg_backend_pid()
    union all select 'temporary ' || c.relname from pg_class c where c.relnamespace = pg_my_temp_schema()
    union all select 'path ' || current_setting('search_path') where current_setting('search_path') <> '\"$user\", public'";

/// The state of all pooled sessions of a database, up to a number of sessions.
fn left_behind(url: &str, connections: usize) -> BTreeSet<String> {
    let mut clients: Vec<_> = (0..connections).map(|_| crm_backfill::pg::local::Client::connect(url).unwrap()).collect();
    let mut found = BTreeSet::new();
    for client in &mut clients {
        // Each keeps its server session until the end, so that the next one gets another.
        client.execute("begin").unwrap();
        for row in client.rows(LEFT_BEHIND).unwrap() {
            found.extend(row.into_iter().flatten());
        }
    }
    for client in &mut clients {
        client.execute("rollback").unwrap();
    }
    found
}

fn by_way_of(pooler: &PgBouncer, crm: &Database) -> Workdir {
    let mut workdir = Workdir::new();
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &pooler.url(&url));
    }
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &pooler.url(&crm.url));
    workdir
}

fn whole_way_leaves_nothing_behind(mode: &str) {
    let pooler = PgBouncer::start(mode, 2);
    let crm = world::shared().crm();
    let workdir = by_way_of(&pooler, &crm);
    for step in world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score", "load", "verify"]) {
        workdir.ok(step, &[]);
    }
    for (_, url) in world::shared().source_urls() {
        assert_eq!(left_behind(&pooler.url(&url), 2), BTreeSet::new(), "{mode}: {url}");
    }
    assert_eq!(left_behind(&pooler.url(&crm.url), 2), BTreeSet::new(), "{mode}: the CRM");
    // No lock remains, so the next run is not refused. A dry run and a rollback leave nothing either.
    workdir.ok("load", &[]).says("nothing");
    workdir.ok("load", &["--dry-run"]);
    workdir.ok("watermarks", &[]);
    workdir.ok("rollback", &["--yes"]);
    assert_eq!(left_behind(&pooler.url(&crm.url), 2), BTreeSet::new(), "{mode}: the CRM after a rollback");
}

/// Case 1.2.
#[test]
fn nothing_stays_in_the_sessions_of_a_pooler_in_transaction_mode() {
    if !is_missing("pgbouncer", program()) {
        whole_way_leaves_nothing_behind("transaction");
    }
}

/// Case 1.2, the other mode.
#[test]
fn nothing_stays_in_the_sessions_of_a_pooler_in_session_mode() {
    if !is_missing("pgbouncer", program()) {
        whole_way_leaves_nothing_behind("session");
    }
}

/// Case 1.2: the settings of a command that fails in the middle end with its transaction.
#[test]
fn a_failed_command_leaves_nothing_behind_a_pooler() {
    if is_missing("pgbouncer", program()) {
        return;
    }
    let pooler = PgBouncer::start("transaction", 2);
    let crm = world::shared().crm();
    let workdir = by_way_of(&pooler, &crm);
    for step in world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score"]) {
        workdir.ok(step, &[]);
    }
    crm.execute("alter table \"Activity\" add constraint odd check (\"title\" <> \"title\") not valid");
    assert_ne!(workdir.run("load", &[]).code, 0);
    assert_eq!(left_behind(&pooler.url(&crm.url), 2), BTreeSet::new());
    crm.execute("alter table \"Activity\" drop constraint odd");
    workdir.ok("load", &[]);
}

/// Case 1.5 behind a pooler: options that it does not pass on are an error, never another schema's tables.
#[test]
fn options_that_a_pooler_refuses_are_an_error() {
    if is_missing("pgbouncer", program()) {
        return;
    }
    let pooler = PgBouncer::start("transaction", 2);
    let (variable, url) = world::shared().source_urls().swap_remove(2);
    let mut workdir = Workdir::new();
    workdir.set(variable, &format!("{}?options=-c%20search_path%3Dlegacy", pooler.url(&url)));
    workdir.run("export-scl", &[]).exits(14).says("options");
}
