//! A loaded CRM passes; each single thing that is then broken in it is found by the check that is meant to find it.

use std::collections::BTreeSet;

use crm_backfill::demo::{self, Population, Records, Town};
use crm_backfill::model::{Code as _, Source};
use crm_backfill::pg::verify::checks::CHECKS;
use crm_backfill::store::Folder;
use crm_backfill::tables::check::results;

use crate::support::postgres::{Database, database, server};
use crate::support::workdir::Workdir;
use crate::verify::breakages;

/// Comparisons that no change of the CRM can break: `tests/verify/evidence.rs` breaks what they look at.
const ITEMS_BY_EVIDENCE: &[&str] = &[
    "handicap_data: profiles without the handicap that a linked player has",
    "timeline_window: BOOKING made before the look-back",
];

/// Checks of which that is true as a whole.
const BY_EVIDENCE: &[&str] =
    &["export_estimates", "ledger_balance", "kept_rows", "link_evidence", "link_confidence", "duplicate_emails"];

fn sources(workdir: &mut Workdir) -> Vec<Database> {
    let records = Records::new(Town::new(&Population::ORDINARY, 7, 0.004, demo::default_as_of()));
    let fill = |source: &Source| {
        let mut filled = database("");
        demo::fill(&mut filled.client(), *source, &records).unwrap_or_else(|error| panic!("{error:#}"));
        filled.grant();
        workdir.set(source.url_variable(), &filled.url);
        filled
    };
    Source::ALL.iter().map(fill).collect()
}

/// A segment whose members the load brings.
const SEGMENT: &str = r#"
    insert into "CustomerSegment" ("id", "tenantId", "name", "type", "criteria", "updatedAt")
    values ('3a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '1', 'Everybody with an address', 'DYNAMIC',
            '{"field": "email", "operator": "isNotNull"}', '2020-01-01')"#;

#[test]
fn breaking_any_single_rule_makes_the_named_check_fail() {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", &demo::default_as_of().to_string());
    let _sources = sources(&mut workdir);
    let crm = database(include_str!("../../schemas/crm.sql"));
    crm.execute(SEGMENT);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for step in ["export-mca-za", "export-mca-uk", "export-scl", "export-teetime", "export-messaging", "export-crm"] {
        workdir.ok(step, &[]);
    }
    for step in ["stage", "resolve", "consolidate", "score", "load"] {
        workdir.ok(step, &[]);
    }
    let passed = workdir.ok("verify", &["--json"]).json();
    assert_eq!(passed["result"]["counts"]["FAILED"], 0, "{passed}");

    let asked = comparisons(&workdir);
    let (mut broken_items, mut unseen) = (BTreeSet::new(), Vec::new());
    for (number, breakage) in breakages::all().iter().enumerate() {
        let name = format!("{}_broken_{number}", crm.name);
        server().copy_database(&name, &crm.name).unwrap();
        let broken = Database::made(&name).granted();
        broken.execute(&breakage.sql);
        workdir.set("CRM_DATABASE_URL", &broken.url);
        let found = workdir.run("verify", &["--json"]).json();
        let differing: BTreeSet<String> =
            found["result"]["differing"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        let blind: Vec<_> = breakage.seen_by.iter().filter(|name| !differing.contains(*name)).collect();
        if !blind.is_empty() {
            unseen.push(format!("{blind:?} did not see: {}\nfound: {differing:?}", breakage.sql));
        }
        broken_items.extend(differing);
    }
    assert!(unseen.is_empty(), "{}", unseen.join("\n\n"));
    let checks = |name: &String| BY_EVIDENCE.iter().any(|check| name.starts_with(&format!("{check}: ")));
    let unbroken: Vec<_> = asked
        .iter()
        .filter(|name| !broken_items.contains(*name) && !checks(name) && !ITEMS_BY_EVIDENCE.contains(&name.as_str()))
        .collect();
    assert!(unbroken.is_empty(), "nothing breaks {unbroken:#?}");
    for check in CHECKS {
        let is_asked = asked.iter().any(|name| name.starts_with(&format!("{}: ", check.name)));
        assert!(is_asked || BY_EVIDENCE.contains(&check.name), "{} compares nothing", check.name);
    }

    workdir.set("CRM_DATABASE_URL", &crm.url);
    one_session_is_enough(&mut workdir, &crm);
    edited_profiles_are_kept_apart(&workdir, &crm);
    workdir.ok("verify", &[]).says("export_estimates").says("Duplicate email check");
    workdir.ok("report", &[]);
    let page = std::fs::read_to_string(workdir.data().join("report/index.html")).unwrap();
    personal_values_stay_out(&page, &crm);
}

/// Every comparison of the last verification that had something to compare: `check: item`.
fn comparisons(workdir: &Workdir) -> BTreeSet<String> {
    let folder = Folder::open(&workdir.data().join("verify")).unwrap();
    let mut names = BTreeSet::new();
    for batch in folder.read::<results::Table>(None).unwrap() {
        names.extend(batch.unwrap().rows().filter(|row| row.state != "VACUOUS").map(|row| row.name.to_owned()));
    }
    names
}

/// A role that may have one session asks the same in it, and finds the same.
fn one_session_is_enough(workdir: &mut Workdir, crm: &Database) {
    crm.execute(
        "create role verify_alone login connection limit 1;
         grant usage on schema public, backfill to verify_alone;
         grant select on all tables in schema public to verify_alone;
         grant select on all tables in schema backfill to verify_alone",
    );
    let both = workdir.ok("verify", &["--json"]).json();
    workdir.set("CRM_DATABASE_URL", &crm.url.replace("postgres@", "verify_alone@"));
    workdir.ok("verify", &[]).says("no second session (").says("verifying in one");
    let alone = workdir.ok("verify", &["--json"]).json();
    assert_eq!(alone["result"]["counts"], both["result"]["counts"]);
    workdir.set("CRM_DATABASE_URL", &crm.url);
}

/// A profile that somebody changed after the load is listed, not compared.
fn edited_profiles_are_kept_apart(workdir: &Workdir, crm: &Database) {
    crm.execute(
        r#"update "CustomerProfile" set "updatedBy" = 'somebody', "membershipTier" = 'Mica'
           where "id" = (select min("id") from "CustomerProfile" where "sclMemberId" is not null)"#,
    );
    workdir.ok("verify", &[]).says("kept_rows");
}

/// Neither names nor addresses nor numbers of anybody reach the page.
fn personal_values_stay_out(page: &str, crm: &Database) {
    for column in ["email", "phoneNumber", "displayName", "authUserId"] {
        let values = crm.rows(&format!(r#"select distinct "{column}" from "CustomerProfile" where length("{column}") > 5"#));
        assert!(!values.is_empty(), "{column}");
        let found = values.iter().filter(|value| page.contains(value[0].as_str())).count();
        assert_eq!(found, 0, "{column} is on the page");
    }
}
