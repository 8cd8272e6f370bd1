//! The preflight: every problem of a target at once, with advice, before any change; and `verify --phase 0`.

use std::process::Command;

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Code, Source};
use crm_backfill::pg::load::catalog::Catalog;
use crm_backfill::pg::load::preflight::preflight;
use crm_backfill::pg::load::rollback::rollback;
use crm_backfill::pg::load::session::Crm;
use crm_backfill::pg::load::{Allowed, Loader};

use crate::pg::load::{ALONE, load, load_as};
use crate::support::datasets::{Person, World, first_run};
use crate::support::postgres::{Database, bare_database as database, server};
use crate::support::role::Role;
use crate::support::workdir::Workdir;

const CRM: &str = include_str!("../../../schemas/crm.sql");

fn people() -> World {
    World::of([Person::new("anna", 11), Person::new("bea", 12)]).build()
}

fn refused(crm: &Database, allowed: Allowed) -> Fault {
    let error = load_as(crm, &people(), "run-1", 6, allowed, false).unwrap_err();
    error.downcast::<Fault>().unwrap_or_else(|error| panic!("{error:#}"))
}

/// The preflight errors of a load that leaves the CRM empty.
fn reasons(crm: &Database) -> String {
    let fault = refused(crm, ALONE);
    assert_eq!(fault.exit, Exit::Preflight, "{fault:?}");
    assert!(fault.at.is_some_and(|place| place.contains("127.0.0.1")));
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
    fault.help.join("\n")
}

#[test]
fn triggers_rules_and_views_that_change_rows_are_refused() {
    let crm = database(CRM);
    crm.execute(
        "create function quiet() returns trigger language plpgsql as 'begin return null; end';
         create trigger swallow before insert on \"IdentityAlias\" for each row execute function quiet();
         create rule elsewhere as on update to \"Activity\" do instead nothing;",
    );
    let told = reasons(&crm);
    for part in [
        "table \"IdentityAlias\" has triggers that would fire for every row: swallow; disable them for the load, or --allow-triggers",
        "table \"Activity\" has rules, which COPY ignores and updates obey: elsewhere; drop them",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    crm.execute("alter table \"IdentityAlias\" disable trigger swallow; drop rule elsewhere on \"Activity\"");
    load(&crm, &people(), "run-1");
}

/// With `--allow-triggers` a trigger that drops rows is still noticed: the rows stored are counted.
#[test]
fn a_trigger_that_drops_rows_fails_the_load_even_when_it_is_allowed() {
    let crm = database(CRM);
    crm.execute(
        "create function quiet() returns trigger language plpgsql as 'begin return null; end';
         create trigger swallow before insert on \"IdentityAlias\" for each row execute function quiet();",
    );
    let mut loader = Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), true).unwrap();
    assert!(loader.preflight.findings.iter().any(|finding| !finding.refuses && finding.what.contains("swallow")));
    assert!(loader.preflight.check("here", true).is_err(), "--strict refuses for the warning");
    let world = people();
    let input = first_run(&world);
    let error = loader.load(&input, ALONE, false, &|_, _| {}).unwrap_err().downcast::<Fault>().unwrap();
    assert_eq!(error.exit, Exit::Mismatch, "{error:?}");
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
}

#[test]
fn row_security_that_hides_rows_is_refused() {
    let crm = database(CRM);
    let role = Role::new(&crm, "");
    crm.execute("alter table \"MarketingConsent\" enable row level security");
    let told = reasons_of(&role);
    assert!(told.contains("table \"MarketingConsent\": row security hides rows from the role; it needs bypassrls"), "{told}");
    crm.execute(&format!("alter role {} bypassrls", role.name));
    load(&role.theirs, &people(), "run-1");
}

fn reasons_of(role: &Role<'_>) -> String {
    let fault = refused(&role.theirs, ALONE);
    assert_eq!(fault.exit, Exit::Preflight, "{fault:?}");
    assert_eq!(role.crm.value("select count(*) from \"CustomerProfile\""), "0");
    fault.help.join("\n")
}

#[test]
fn a_missing_privilege_is_named_with_the_grant_statement() {
    let crm = database(CRM);
    let role = Role::new(&crm, "");
    crm.execute(&format!("revoke insert, delete on \"Activity\" from {}", role.name));
    let told = reasons_of(&role);
    let grant = told.lines().find(|line| line.contains("\"Activity\"")).unwrap().split("; ").nth(1).unwrap();
    assert_eq!(grant, format!("grant delete, insert on \"Activity\" to \"{}\";", role.name));
    crm.execute(grant);
    load(&role.theirs, &people(), "run-1");
}

#[test]
fn a_missing_privilege_on_the_schema_is_answered_with_sql() {
    let crm = database(CRM);
    let role = Role::new(&crm, "");
    crm.execute("drop schema backfill");
    let told = reasons_of(&role);
    let sql = told.split("ask an administrator to run: ").nth(1).unwrap();
    assert_eq!(sql, format!("create schema backfill authorization \"{}\";", role.name));
    crm.execute(sql);
    load(&role.theirs, &people(), "run-1");

    // Its tables were created by another role, so this role may not use them.
    let other = database(CRM);
    load(&other, &people(), "run-1");
    let name = role.name.clone();
    other.execute(&format!(
        "grant usage on schema public to {name}; grant select, insert, update, delete on all tables in schema public to {name}"
    ));
    let theirs = Database::by_way_of(other.url_as(&name));
    let told = refused(&theirs, ALONE).help.join("\n");
    let sql = told.split("may not use schema backfill; ask an administrator to run: ").nth(1).unwrap();
    other.execute(sql.lines().next().unwrap());
    assert!(!load(&theirs, &people(), "run-1").changed);
    other.execute(&format!("drop owned by {name}"));
}

#[test]
fn excess_rights_are_warned_of_and_refused_when_strict() {
    let strict = Allowed { strict: true, ..ALONE };
    let crm = database(CRM);
    let fault = refused(&crm, strict);
    assert!(fault.help[0].contains("is a superuser: a role with rights on the CRM's tables is enough"), "{fault:?}");
    let role = Role::new(&crm, "createrole createdb");
    let fault = refused(&role.theirs, strict);
    assert_eq!((fault.exit, fault.what.as_str()), (Exit::Preflight, "the CRM cannot be loaded: one reason"));
    assert!(fault.help[0].ends_with("may also create roles, create databases, which no load needs"), "{fault:?}");
    crm.execute(&format!("alter role {} nocreaterole nocreatedb", role.name));
    assert!(load_as(&role.theirs, &people(), "run-1", 6, strict, false).unwrap().changed);
}

#[test]
fn statistics_that_the_role_may_not_make_are_a_note() {
    let crm = database(CRM);
    let role = Role::new(&crm, "");
    let report = load(&role.theirs, &people(), "run-1");
    let note = report.notes.iter().find(|note| note.contains("no statistics were updated for")).unwrap();
    assert!(note.contains("have the owner run: analyze \"Activity\"") && note.contains("\"CustomerProfile\""), "{note}");
    let mut loader = Loader::open(&Dsn::new(&role.theirs.url, "CRM_DATABASE_URL"), false).unwrap();
    let undone = rollback(&mut loader, "run-2", true, false).unwrap();
    assert!(undone.notes.iter().any(|note| note.contains("no statistics were updated for")), "{:?}", undone.notes);
    drop((loader, undone));
    let report = load(&crm, &people(), "run-3");
    assert!(!report.notes.iter().any(|note| note.contains("statistics")), "{:?}", report.notes);
    let analyzed = "select reltuples::text from pg_class where relname = 'CustomerProfile'";
    assert_eq!(crm.value(analyzed), "2");
}

#[test]
fn columns_that_cannot_hold_the_datasets_are_named_at_once() {
    let narrow = CRM
        .replace("\"handicap\"           DECIMAL(4,1)", "\"handicap\" NUMERIC(2,1)")
        .replace("\"engagementScore\"    INTEGER", "\"engagementScore\" BOOLEAN")
        .replace("\"occurredAt\"    TIMESTAMP(3)", "\"occurredAt\" TEXT")
        .replace("'SCL_MEMBER_ID', ", "")
        .replace("\"sourceId\"      TEXT", "\"sourceId\" TEXT, \"shard\" INTEGER NOT NULL");
    let told = reasons(&database(&narrow));
    for part in [
        "column \"CustomerProfile\".\"handicap\" is numeric(2,1), which cannot hold numeric(4, 1)",
        "column \"CustomerProfile\".\"engagementScore\" is boolean, which cannot hold integer",
        "column \"Activity\".\"occurredAt\" is text, which cannot hold timestamp",
        "enum \"AliasType\" of \"IdentityAlias\".\"type\" lacks SCL_MEMBER_ID; alter type \"AliasType\" add value 'SCL_MEMBER_ID';",
        "column \"Activity\".\"shard\" is required, has no default, and no dataset fills it",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(told.lines().filter(|line| !line.contains("superuser")).count(), 5, "{told}");
}

/// Only the rows tell whether a text is too long for a narrow column: the place is named, the value is not.
#[test]
fn a_value_too_long_for_its_column_stops_the_load_unquoted() {
    let crm = database(&CRM.replace("\"displayName\"        TEXT", "\"displayName\" VARCHAR(2)"));
    let fault = refused(&crm, ALONE);
    assert_eq!(fault.exit, Exit::Preflight, "{fault:?}");
    let told = format!("{fault:?}");
    let is_named = told.contains("displayName") && told.contains("need up to 3 characters");
    assert!(is_named && !told.contains("Zoë"), "{told}");
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
}

#[test]
fn another_encoding_or_a_standby_is_refused() {
    let name = "latin_crm".to_owned();
    server()
        .client("postgres")
        .unwrap()
        .execute("create database latin_crm encoding 'LATIN1' locale 'C' template template0")
        .unwrap();
    let crm = Database::made(name);
    crm.execute(CRM);
    assert!(reasons(&crm).contains("the encoding of the database is LATIN1, not UTF8: it cannot store every name"));

    let crm = database(CRM);
    let session = Crm::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL")).unwrap();
    let mut catalog = Catalog::read(&session).unwrap();
    assert!(!catalog.is_standby && !preflight(&catalog, false).findings.iter().any(|finding| finding.refuses));
    catalog.is_standby = true;
    let found = preflight(&catalog, false).findings;
    let what = "the server is a standby and cannot be written to; name the primary in the URL";
    assert!(found.iter().any(|finding| finding.refuses && finding.what == what), "{found:?}");
}

fn source_tables(source: Source) -> String {
    let path = format!("{}/schemas/sources/{}.sql", env!("CARGO_MANIFEST_DIR"), source.code());
    let path = if std::fs::exists(&path).unwrap() { path } else { path.replace("mca_", "mca_v1_") };
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn phase_0_checks_six_databases_and_the_disk_without_writing() {
    let mut workdir = Workdir::new();
    let mut databases = Vec::new();
    for &source in Source::ALL {
        let made = database(&source_tables(source));
        workdir.set(source.url_variable(), &made.url);
        databases.push(made);
    }
    let crm = database(CRM);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    let fine = workdir.ok("verify", &["--phase", "0"]);
    for part in ["statements are valid and readable", "UTF8", "MiB free", "the role may write", "is a superuser"] {
        assert!(fine.stdout.contains(part), "{part}\n{}", fine.stdout);
    }
    assert_eq!(crm.value("select count(*)::text from pg_namespace where nspname = 'backfill'"), "0");
    workdir.run("verify", &["--phase", "0", "--strict"]).exits(10).says("warnings, which --strict forbids");

    // Everything that is wrong at once, one line each.
    databases[2].execute("alter table \"Member\" drop column \"externalSubject\"");
    let reader = format!("reader_of_{}", crm.name);
    databases[3].execute(&format!("create role {reader} login; grant usage on schema public to {reader}"));
    workdir.set("TEETIME_DATABASE_URL", &databases[3].url_as(&reader));
    workdir.set("MESSAGING_DATABASE_URL", "postgres://postgres@127.0.0.1:1/messaging");
    workdir.unset("MCA_UK_DATABASE_URL");
    crm.execute("drop table \"DuplicateCandidate\"");
    let run = workdir.run("verify", &["--phase", "0"]).exits(10);
    for part in [
        "externalSubject",
        "42501",
        "nothing listens at 127.0.0.1:1",
        "MCA_UK_DATABASE_URL is not set",
        "\"DuplicateCandidate\" is missing",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
    run.says("5 of").says("checks before the migration failed");
    databases[3].execute(&format!("drop owned by {reader}; drop role {reader}"));
}

#[test]
fn phase_0_says_when_the_disk_is_small() {
    let workdir = Workdir::new();
    let verify = workdir.command("verify", &[]);
    let script =
        "mkdir small && mount -t tmpfs -o size=600k,mode=700 none small && exec \"$0\" --phase 0 --data-dir small --json";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "bash", "-c", script])
        .arg(verify.get_program())
        .current_dir(workdir.path())
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("CRM_BACKFILL_NO_DOT_ENV", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(10), "{told} {}", String::from_utf8_lossy(&output.stderr));
    let line: serde_json::Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(line["result"]["counts"]["NEEDS_A_PERSON"], 1, "space alone is for a person: {line}");
}

/// For a database that is not a CRM, or lacks a column, every command says what is missing and where, and writes nothing.
#[test]
fn a_database_that_is_not_a_crm_is_rejected_by_every_command() {
    let mut workdir = crate::golden::exported();
    let crm = database(CRM);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for step in ["export-crm", "stage", "resolve", "consolidate", "score", "load", "verify"] {
        workdir.ok(step, &[]);
    }
    let held = |workdir: &Workdir| ["exports/crm", "verify", "crm", "score"].map(|folder| workdir.fingerprint(folder));
    let saved = held(&workdir);
    let commands: [&[&str]; 7] = [
        &["load"],
        &["load", "--dry-run"],
        &["verify"],
        &["rollback", "--yes"],
        &["rollback", "--emergency", "--confirm", "postgres"],
        &["watermarks"],
        &["export-crm"],
    ];
    let empty = database("");
    let narrow = database(&CRM.replace("\"sclMemberId\"        INTEGER,", "").replace(", \"sclMemberId\")", ")"));
    for (place, lacking, asked) in [(&empty, "CustomerProfile", commands.len()), (&narrow, "sclMemberId", 4)] {
        workdir.set("CRM_DATABASE_URL", &place.url);
        for command in &commands[..asked] {
            let run = workdir.run(command[0], &command[1..]);
            let told = run.stderr.clone();
            // A statement that the committed SQL asks in vain is input that does not match.
            run.exits(if command[0] == "export-crm" { 11 } else { 10 });
            let what = if command[0] == "watermarks" { "SyncLog" } else { lacking };
            assert!(told.contains(what) && told.contains("  where") && told.contains("  help"), "{command:?}\n{told}");
            assert!(!told.contains("\"records\""), "a name that the statement defines is not a table: {told}");
        }
        assert_eq!(place.value("select count(*)::text from pg_namespace where nspname = 'backfill'"), "0");
    }
    assert_eq!(held(&workdir), saved);
}
