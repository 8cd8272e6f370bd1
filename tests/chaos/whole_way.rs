//! A few populations of chaos on a real PostgreSQL: from dumps and from tables, loaded, verified, loaded again.

use crm_backfill::demo::chaos;
use crm_backfill::model::{Code, Source};

use crate::support::postgres::{Database, bare_database, database};
use crate::support::soak;
use crate::support::workdir::Workdir;
use crate::support::world::exporters;

/// A folder whose settings stop at nothing that cannot be read.
fn workdir() -> Workdir {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", &chaos::as_of().to_string());
    workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 1.0");
    workdir.edit("backfill.toml", "max_unreadable_ratio = 0.01", "max_unreadable_ratio = 1.0");
    workdir.edit("backfill.toml", "max_unreadable_decisive = 1 ", "max_unreadable_decisive = 1000000 ");
    workdir
}

/// From exports to a verified CRM; what a dry run tells is what the load does, and a second load does nothing.
fn load(workdir: &mut Workdir, place: &str) {
    let crm = database(include_str!("../../schemas/crm.sql"));
    // Ids of chaos need not be integers. Load refuses them and names this remedy.
    crm.execute(r#"alter table "CustomerProfile" alter column "sclMemberId" type text"#);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
        ok(workdir, step, &[], place);
    }
    let planned = ok(workdir, "load", &["--dry-run", "--json"], place);
    let loaded = ok(workdir, "load", &["--json"], place);
    assert_eq!(planned["result"]["tables"], loaded["result"]["tables"], "{place}: the dry run told otherwise");
    ok(workdir, "verify", &["--json"], place);
    let again = ok(workdir, "load", &["--json"], place);
    assert_eq!(again["result"]["changed"], false, "{place}: a second load changes something");
    // What the load itself put into the CRM changes nothing either.
    for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
        ok(workdir, step, &[], place);
    }
    let again = ok(workdir, "load", &["--json"], place);
    assert_eq!(again["result"]["changed"], false, "{place}: a load after an export of the CRM changes something");
    ok(workdir, "verify", &[], place);
}

fn ok(workdir: &Workdir, step: &str, arguments: &[&str], place: &str) -> serde_json::Value {
    let run = workdir.run(step, arguments);
    assert_eq!(run.code, 0, "{place}: {step} {arguments:?}\n{}\n{}", run.stdout, run.stderr);
    if arguments.contains(&"--json") { run.json() } else { serde_json::Value::Null }
}

#[test]
fn dumps_of_chaos_are_loaded_and_verified() {
    for seed in soak::seeds(4) {
        let chaos = chaos::make(seed);
        let mut workdir = workdir();
        chaos::write_dumps(&chaos, &workdir.path().join("dumps")).unwrap();
        let place = format!("CRM_BACKFILL_SEED={seed}, dumps");
        for (exporter, source) in exporters(6).zip(Source::ALL) {
            ok(&workdir, exporter, &["--csv", &format!("dumps/{}", source.code())], &place);
        }
        load(&mut workdir, &place);
    }
}

#[test]
fn tables_of_chaos_whatever_their_types_are_loaded_and_verified() {
    for seed in soak::seeds(4) {
        let chaos = chaos::make(seed);
        let mut workdir = workdir();
        let place = format!("CRM_BACKFILL_SEED={seed}, tables");
        let sources: Vec<Database> = Source::ALL.iter().map(|&source| source_of(&chaos, source)).collect();
        for ((exporter, source), tables) in exporters(6).zip(Source::ALL).zip(&sources) {
            workdir.set(source.url_variable(), &tables.url);
            ok(&workdir, exporter, &[], &place);
        }
        load(&mut workdir, &place);
    }
}

fn source_of(chaos: &chaos::Chaos, source: Source) -> Database {
    let mut tables = bare_database("select");
    let mut client = tables.client();
    for statement in chaos::statements(chaos, source) {
        client.execute(&statement).unwrap_or_else(|error| panic!("{error:#}: {statement}"));
    }
    tables.grant();
    tables
}
