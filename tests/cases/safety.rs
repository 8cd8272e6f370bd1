//! Cases of §13: outdated datasets, emptied sources, other CRMs, damaged and missing datasets.

use std::fs;

use crm_backfill::demo::DemoPopulation;
use crm_backfill::pg::local::Client;

use crate::support::postgres::Database;
use crate::support::workdir::Workdir;
use crate::support::world::{self, World};

const STEPS: [&str; 4] = ["stage", "resolve", "consolidate", "score"];

/// A separate world whose sources a test may change: exported and consolidated, not loaded.
fn prepared() -> (World, Workdir, Database) {
    let world = World::of(&DemoPopulation::ORDINARY, 9, 0.001);
    let crm = world.crm();
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
    for (variable, url) in world.source_urls() {
        workdir.set(variable, &url);
    }
    for step in world::exporters(6) {
        workdir.ok(step, &[]);
    }
    workdir.ok("export-crm", &[]);
    remake(&workdir);
    (world, workdir, crm)
}

fn remake(workdir: &Workdir) {
    for step in STEPS {
        workdir.ok(step, &[]);
    }
}

fn source(world: &World, variable: &str) -> Client {
    let owned = world.databases().find(|(source, _)| source.url_variable() == variable);
    owned.unwrap().1.client()
}

/// Case 13.1.
#[test]
fn nothing_is_loaded_verified_or_reported_after_an_export_was_renewed() {
    let (world, workdir, crm) = prepared();
    source(&world, "TEETIME_DATABASE_URL")
        .execute("update \"Player\" set \"email\" = 'moved.' || \"email\" where \"email\" like '%@%'")
        .unwrap();
    workdir.ok("export-teetime", &[]);
    for binary in ["load", "verify", "report", "watermarks"] {
        let run = workdir.run(binary, &[]).exits(11);
        run.says("the export of teetime was renewed since its rows were staged").says("make stage resolve consolidate score");
    }
    assert_eq!(crm.value("select count(*) from \"SyncLog\""), "0", "no watermark of data that is not loaded");
    remake(&workdir);
    workdir.ok("load", &[]);
    workdir.ok("verify", &[]);
    workdir.ok("watermarks", &[]);
    // A new export of the same rows has another snapshot and watermark.
    workdir.ok("export-scl", &[]);
    workdir.run("load", &[]).exits(11).says("the export of scl was renewed");
}

/// Case 13.1 for other inputs: settings, decisions and reference files.
#[test]
fn settings_decisions_and_reference_files_are_compared_too() {
    let (_world, workdir, _crm) = prepared();
    workdir.edit("backfill.toml", "contact = \"current\"", "contact = \"founding\"");
    workdir
        .run("load", &[])
        .exits(11)
        .says("the settings changed since the links were made")
        .says("make resolve consolidate score");
    workdir.edit("backfill.toml", "contact = \"founding\"", "contact = \"current\"");
    let decisions = workdir.path().join("decisions.csv");
    fs::write(&decisions, "kind,a,b,reason,who,at\nmust-link,scl:members:1,scl:members:2,one person,eve,2026-01-01\n").unwrap();
    workdir.run("load", &[]).exits(11).says("decisions.csv changed since the links were made");
    fs::remove_file(&decisions).unwrap();
    let nicknames = workdir.data().join("reference/nicknames.csv");
    let text = fs::read_to_string(&nicknames).unwrap();
    fs::write(&nicknames, text.replacen('\n', "\n\n", 1)).unwrap();
    workdir.run("load", &[]).exits(11).says("nicknames.csv changed since the links were made");
    fs::write(&nicknames, text).unwrap();
    let genders = workdir.data().join("reference/genders.csv");
    let text = fs::read_to_string(&genders).unwrap();
    fs::write(&genders, format!("{text}\n")).unwrap();
    workdir
        .run("verify", &[])
        .exits(11)
        .says("genders.csv changed since its rows were staged")
        .says("make stage resolve consolidate score");
    fs::write(&genders, text).unwrap();
    workdir.ok("stage", &["--phase", "5"]);
    workdir.run("load", &[]).exits(11).says("make resolve consolidate score");
    workdir.ok("stage", &["--phase", "6"]);
    workdir.ok("load", &["--dry-run"]);
    fs::remove_dir_all(workdir.data().join("exports/scl")).unwrap();
    workdir.run("load", &[]).exits(11).says("make export-scl");
}

/// Case 13.2.
#[test]
fn members_of_an_outdated_segment_rule_are_not_loaded() {
    let (_world, workdir, crm) = prepared();
    workdir.ok("load", &[]);
    workdir.ok("export-crm", &[]);
    workdir.run("load", &[]).exits(11).says("the CRM export was renewed since the links were made");
    remake(&workdir);
    workdir.ok("load", &[]);
    workdir.ok("export-crm", &[]);
    workdir.ok("load", &[]).says("nothing to do");
    crm.execute("update \"CustomerSegment\" set \"criteria\" = '{\"field\": \"bookingCount30d\", \"operator\": \"gte\", \"value\": 2}' where \"name\" = 'Booked lately'");
    workdir.run("load", &[]).exits(10);
    workdir.ok("export-crm", &[]);
    workdir.run("load", &[]).exits(11).says("the segment definitions in");
    remake(&workdir);
    workdir.ok("load", &[]);
}

/// Case 13.3.
#[test]
fn an_emptied_or_shrunken_entity_is_refused_until_it_is_allowed_by_name() {
    let (world, workdir, crm) = prepared();
    workdir.ok("load", &[]);
    let rows = || crm.value("select count(*) from \"CustomerProfile\"");
    let loaded = rows();
    source(&world, "TEETIME_DATABASE_URL").execute("truncate \"Player\" cascade").unwrap();
    source(&world, "SCL_DATABASE_URL").execute("delete from \"SportMembership\" where \"id\" % 3 = 0").unwrap();
    for step in ["export-teetime", "export-scl", "export-crm"] {
        workdir.ok(step, &[]);
    }
    remake(&workdir);
    for arguments in [&[][..], &["--dry-run"], &["--allow-shrink", "teetime.players"]] {
        let run = workdir.run("load", arguments).exits(10);
        let run = run
            .says("if that is right: --allow-shrink teetime.bookings")
            .says("if that is right: --allow-shrink scl.sport_memberships");
        assert_eq!(run.stderr.contains("teetime.players: 0 rows"), !arguments.contains(&"teetime.players"), "{}", run.stderr);
        assert!(run.stderr.contains("are loaded (−100 %)"), "{}", run.stderr);
    }
    assert_eq!(rows(), loaded, "nothing is deleted");
    workdir.run("load", &["--allow-shrink", "teetime.player"]).exits(2).says("did you mean \"teetime.players\"?");
    let refused = workdir.run("load", &[]).exits(10).stderr;
    let named = refused.lines().filter_map(|line| line.split_once("--allow-shrink ")).map(|(_, entity)| entity.trim());
    let allowed: Vec<&str> = named.flat_map(|entity| ["--allow-shrink", entity]).collect();
    workdir.ok("load", &allowed);
    assert_ne!(rows(), loaded);
    workdir.ok("verify", &[]);
}

/// Of §11: guards before anything changes. The CRM export belongs to one database.
#[test]
fn datasets_built_for_one_crm_are_not_loaded_into_another() {
    let (world, mut workdir, _crm) = prepared();
    let other = world.crm();
    workdir.set("CRM_DATABASE_URL", &other.url);
    workdir.run("load", &[]).exits(10).says("the CRM export was read from another database than this one").says("--other-crm");
    assert_eq!(other.value("select count(*) from \"CustomerProfile\""), "0");
    workdir.ok("load", &["--other-crm"]);
}

/// Of §11: guards before anything changes. Tables that changed since the saved export, and tables of another source.
#[test]
fn a_source_that_changed_its_tables_or_is_another_sources_is_not_exported() {
    let (world, mut workdir, _crm) = prepared();
    let before = workdir.fingerprint("exports");
    let mut scl = source(&world, "SCL_DATABASE_URL");
    scl.execute("alter table \"Member\" add column \"shoeSize\" int").unwrap();
    workdir.ok("export-scl", &[]).says("Member.shoeSize (integer) is new since the saved export");
    scl.execute("alter table \"Member\" alter column \"firstName\" type varchar(80), drop column \"shoeSize\"").unwrap();
    let run = workdir.run("export-scl", &[]).exits(10).says("2 reasons").says("--allow-drift");
    run.says("Member.firstName was text, is character varying(80)").says("Member.shoeSize (integer) is missing");
    workdir.ok("export-scl", &["--allow-drift"]);
    let urls = world.source_urls();
    let za = &urls.iter().find(|(name, _)| *name == "MCA_ZA_DATABASE_URL").unwrap().1;
    workdir.set("MCA_UK_DATABASE_URL", za);
    let run = workdir.run("export-mca-uk", &[]);
    assert!([10, 11].contains(&run.code), "{}", run.stderr);
    assert_eq!(
        workdir.fingerprint("exports/mca_uk"),
        before.iter().filter(|(name, _)| name.starts_with("exports/mca_uk")).cloned().collect::<Vec<_>>()
    );
}

/// Case 13.13 for load: a manifest that does not list all datasets.
#[test]
fn a_folder_that_leaves_a_dataset_out_is_not_loaded_as_if_it_were_empty() {
    let (_world, workdir, crm) = prepared();
    for (folder, name) in
        [("crm", "crm__activities.parquet"), ("score", "seg__memberships.parquet"), ("exports/scl", "raw_scl__clubs.parquet")]
    {
        let path = workdir.data().join(folder);
        let text = fs::read(path.join("manifest.json")).unwrap();
        let mut manifest = crm_backfill::store::Folder::open(&path).unwrap().manifest;
        manifest.files.remove(name).unwrap();
        fs::write(path.join("manifest.json"), manifest.sealed().unwrap()).unwrap();
        workdir.run("load", &[]).exits(11);
        fs::write(path.join("manifest.json"), text).unwrap();
    }
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
    workdir.ok("load", &[]);
}
