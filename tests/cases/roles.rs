//! The roles of the runbook: what each must not do, that every privilege is needed, and that the migration works with them.

use crm_backfill::pg::local::Client;

use crate::support::postgres::{Database, bare_database};
use crate::support::workdir::Workdir;
use crate::support::world::{self, Owned};

const CRM: &str = include_str!("../../schemas/crm.sql");

/// Roles belong to the server, so privileges are tested on a separate CRM. `app` owns its tables.
fn crm() -> Database {
    let mut crm = bare_database(CRM);
    crm.grant();
    crm
}

fn attempt(database: &Database, role: &str, sql: &str) -> Result<(), String> {
    Client::connect(&database.url_as(role)).unwrap().execute(sql).map_err(|error| format!("{error:#}"))
}

/// Statements that must fail for all our roles in the CRM.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "bf_verify",
        &[
            "insert into \"CustomerNote\" (\"id\") values ('x')",
            "update \"CustomerProfile\" set \"tags\" = '{}'",
            "delete from \"SyncLog\"",
            "truncate \"Activity\"",
            "begin; lock table \"Activity\" in share row exclusive mode",
            "create table t (n int)",
            "create table backfill.t (n int)",
            "delete from backfill.run",
            "drop table \"CustomerNote\"",
            "create role x",
            "create database x",
            "copy (select 1) to program 'true'",
            "select pg_read_file('postgresql.conf')",
        ],
    ),
    (
        "bf_load",
        &[
            "insert into \"CustomerNote\" (\"id\") values ('x')",
            "delete from \"CustomerNote\"",
            "insert into \"AttributionEvent\" (\"id\") values ('x')",
            "delete from \"AttributionEvent\"",
            "update \"SyncLog\" set \"status\" = 'FAILED'",
            "truncate \"Activity\"",
            "create table t (n int)",
            "create index i on \"Activity\" (\"title\")",
            "drop index \"CustomerProfile_tenantId_email_idx\"",
            "alter table \"Activity\" disable trigger all",
            "drop table \"CustomerNote\"",
            "create schema other",
            "set role bf_load_owner",
            "create role x",
            "create database x",
            "copy \"Activity\" to '/tmp/x'",
            "select pg_read_file('postgresql.conf')",
        ],
    ),
    (
        "bf_load_owner",
        &[
            "create role x",
            "create database x",
            "copy (select 1) to program 'true'",
            "copy \"Activity\" to '/tmp/x'",
            "select pg_read_file('postgresql.conf')",
            "set session_replication_role = replica",
        ],
    ),
];

#[test]
fn each_role_is_refused_what_it_must_not_do() {
    let crm = crm();
    for (role, statements) in FORBIDDEN {
        for statement in *statements {
            // Tables of schema backfill exist only after a load; the other roles may only read them.
            let Err(refusal) = attempt(&crm, role, statement) else { panic!("{role} may {statement}") };
            let words = ["permission denied", "must be owner", "must be superuser", "must be member", "must be able"];
            let is_absent =
                refusal.contains("does not exist") && ["backfill.run", "drop index"].iter().any(|one| statement.contains(one));
            assert!(is_absent || words.iter().any(|words| refusal.contains(words)), "{role} {statement}: {refusal}");
        }
    }
    let source = crate::support::postgres::database(include_str!("../../schemas/sources/scl.sql"));
    source.execute("create table secret (n int)");
    for statement in [
        "select * from secret",
        "insert into \"Sport\" (\"id\", \"name\") values (1, 'x')",
        "update \"Member\" set \"email\" = null",
        "delete from \"Member\"",
        "truncate \"Member\" cascade",
        "create table t (n int)",
        "begin; lock table \"Member\" in exclusive mode",
        "create role x",
        "copy \"Member\" to '/tmp/x'",
    ] {
        let refusal = attempt(&source, "bf_export", statement).expect_err(statement);
        assert!(refusal.contains("permission denied") || refusal.contains("must be"), "{statement}: {refusal}");
    }
}

/// Datasets of a small world, exported with the runbook's role, and the CRM they are for.
fn prepared() -> (Workdir, Owned) {
    let world = Owned::new();
    let mut workdir = Workdir::new();
    for (variable, url) in world.source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF);
    for step in world::exporters(6).chain(["stage", "resolve", "consolidate", "score"]) {
        workdir.ok(step, &[]);
    }
    (workdir, world)
}

#[test]
fn a_migration_works_with_the_roles_of_the_runbook() {
    let (mut workdir, world) = prepared();
    let crm = world.crm();
    // The first load by the owner, everything else by those with fewer rights.
    workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_load_owner")).ok("load", &[]).says("indexes and keys recreated");
    workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_verify"));
    for step in ["verify", "status", "watermarks", "export-crm"] {
        workdir.ok(step, &[]);
    }
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_load")).ok("load", &[]);
    crm.execute("update \"CustomerProfile\" set \"displayName\" = 'x', \"updatedBy\" = null where \"id\" = (select min(\"id\"::text) from \"CustomerProfile\" where \"status\" <> 'MERGED')");
    workdir.ok("load", &[]);
    workdir.ok("rollback", &["--yes"]);
    for step in ["export-crm", "stage", "resolve", "consolidate", "score", "load"] {
        workdir.ok(step, &[]);
    }
    workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_verify")).ok("verify", &[]);
    workdir.run("load", &[]).exits(10);
}

/// The privileges granted by `sql/crm/roles.sql`, from the catalog.
fn granted(crm: &Database, role: &str) -> Vec<(String, String)> {
    let sql = format!(
        "select table_schema || '.\"' || table_name || '\"', privilege_type from information_schema.role_table_grants
         where grantee = '{role}' and table_schema = 'public' order by 1, 2"
    );
    crm.rows(&sql).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

#[test]
fn every_right_of_the_loading_role_is_needed() {
    let crm = crm();
    let grants = granted(&crm, "bf_load");
    assert_eq!(grants.len(), 8 * 4 + 3 + 2 * 2, "{grants:?}");
    let mut workdir = Workdir::new();
    workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_load"));
    workdir.run("rollback", &["--dry-run"]).exits(0);
    for (table, right) in &grants {
        crm.execute(&format!("revoke {right} on {table} from bf_load"));
        workdir.run("rollback", &["--dry-run"]).exits(10).says(&format!("lacks {}", right.to_lowercase()));
        crm.execute(&format!("grant {right} on {table} to bf_load"));
    }
    workdir.run("rollback", &["--dry-run"]).exits(0);
    for (revoke, grant) in [
        ("revoke usage on schema public from bf_load, public", "grant usage on schema public to bf_load, public"),
        ("alter schema backfill owner to postgres", "alter schema backfill owner to bf_load"),
    ] {
        crm.execute(revoke);
        workdir.run("rollback", &["--dry-run"]).exits(10);
        crm.execute(grant);
    }
}

#[test]
fn every_right_of_the_verifying_role_is_needed() {
    let (mut workdir, world) = prepared();
    let crm = world.crm();
    workdir.set("CRM_DATABASE_URL", &crm.url).ok("load", &[]);
    workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_verify")).ok("verify", &[]);
    let mut unused = Vec::new();
    for (table, right) in granted(&crm, "bf_verify") {
        assert_eq!(right, "SELECT");
        crm.execute(&format!("revoke select on {table} from bf_verify"));
        let steps = ["verify", "export-crm", "status", "watermarks"];
        if steps.iter().all(|step| workdir.run(step, &[]).code == 0) {
            unused.push(table.clone());
        }
        crm.execute(&format!("grant select on {table} to bf_verify"));
    }
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn every_right_of_the_exporting_role_is_needed() {
    let world = Owned::new();
    for ((variable, url), (database, exporter)) in world.source_urls().into_iter().zip(world.databases().zip(world::exporters(6)))
    {
        let mut workdir = Workdir::new();
        workdir.set(variable, &url).set("AS_OF", world::AS_OF);
        workdir.ok(exporter, &[]);
        for (table, right) in granted(database, "bf_export") {
            database.execute(&format!("revoke {right} on {table} from bf_export"));
            workdir.run(exporter, &[]).exits(10).says("42501");
            database.execute(&format!("grant {right} on {table} to bf_export"));
        }
    }
}
