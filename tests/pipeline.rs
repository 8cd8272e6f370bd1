//! The whole migration on a real PostgreSQL: five databases in, one CRM out, by phases and at once, online and offline.

use crm_backfill::demo::DemoPopulation;

use crate::support::postgres::Database;
use crate::support::workdir::Workdir;
use crate::support::world::{self, World};

/// Columns that differ between loads by design.
const STAMPED: &[(&str, &str)] = &[
    ("CustomerProfile", r#"- 'createdAt' - 'updatedAt'"#),
    ("IdentityAlias", r#"- 'createdAt'"#),
    ("Activity", r#"- 'createdAt'"#),
    ("MarketingConsent", r#"- 'createdAt' - 'updatedAt'"#),
    ("CampaignInteraction", r#"- ''"#),
    ("CustomerSegment", r#"- 'createdAt' - 'updatedAt'"#),
    ("CustomerSegmentMembership", r#"- ''"#),
    ("DuplicateCandidate", r#"- 'createdAt'"#),
    ("CustomerNote", r#"- ''"#),
    ("AttributionEvent", r#"- ''"#),
];

/// Rows and content hash of each table, stamped columns left out.
fn content(crm: &Database) -> Vec<(String, String, String)> {
    let of = |(table, without): &(&str, &str)| {
        let sql = format!(
            r#"select count(*), coalesce(md5(string_agg(row_text, e'\n' order by row_text)), '-')
               from (select (to_jsonb(t) {without})::text as row_text from "{table}" t) rows"#
        );
        let row = crm.rows(&sql).remove(0);
        ((*table).to_owned(), row[0].clone(), row[1].clone())
    };
    STAMPED.iter().map(of).collect()
}

fn phase(workdir: &Workdir, number: u8) {
    let number = number.to_string();
    for step in world::exporters(number.parse().unwrap()) {
        workdir.ok(step, &["--if-missing"]);
    }
    workdir.ok("export-crm", &[]);
    workdir.ok("stage", &["--phase", &number]);
    for step in ["resolve", "consolidate", "score", "load", "verify"] {
        workdir.ok(step, &[]);
    }
}

fn workdir(world: &World, crm: Option<&Database>) -> Workdir {
    let mut workdir = Workdir::new();
    for (variable, url) in world.source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF);
    if let Some(crm) = crm {
        workdir.set("CRM_DATABASE_URL", &crm.url);
    }
    workdir
}

#[test]
fn six_phases_in_turn_and_one_backfill_end_in_the_same_crm() {
    let world = world::shared();
    let (by_phases, at_once) = (world.crm(), world.crm());
    let first = workdir(world, Some(&by_phases));
    for number in 1..=6 {
        phase(&first, number);
    }
    let second = workdir(world, Some(&at_once));
    phase(&second, 6);
    let (a, b) = (content(&by_phases), content(&at_once));
    assert_eq!(a, b);
    for (table, rows, _) in &a {
        let expected_empty = ["CustomerNote", "AttributionEvent"].contains(&table.as_str());
        assert_eq!(rows == "0", expected_empty, "{table} has {rows} rows");
    }
    second.ok("load", &[]).says("nothing");
    assert_eq!(content(&at_once), b, "a second load of the same data changes nothing");
    second.ok("report", &[]);
    assert!(numbers(&second)["comparison"].is_null(), "the strategy's rule was not requested");
    second.ok("resolve", &["--method", "strategy"]);
    second.ok("report", &[]);
    let comparison = &numbers(&second)["comparison"];
    for method in ["ours", "strategy"] {
        assert!(comparison[method]["profiles"].as_i64() > Some(0), "{comparison}");
        assert!(comparison[method]["largest"].as_i64() > Some(1), "{comparison}");
    }
    // Its rule puts a household that shares a mailbox into one profile; ours joins records that it does not see.
    assert!(comparison["strategy"]["pairs_alone"].as_i64() > Some(0), "{comparison}");
    assert!(comparison["ours"]["pairs_alone"].as_i64() > Some(0), "{comparison}");
}

/// The numbers of the last report.
fn numbers(workdir: &Workdir) -> serde_json::Value {
    let path = workdir.data().join("report").join("report.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Owners, hubs and rarity are not monotone: a later phase may merge and split what an earlier one loaded, and ids are kept.
#[test]
fn loading_by_phases_equals_one_backfill_of_any_population() {
    for (population, seed) in [(&DemoPopulation::FAMILIES, 101), (&DemoPopulation::ROUGH, 102), (&DemoPopulation::ORDINARY, 103)]
    {
        let world = World::of(population, seed, 0.001);
        let (by_phases, at_once) = (world.crm(), world.crm());
        let first = workdir(&world, Some(&by_phases));
        for number in [1, 2, 4, 6] {
            phase(&first, number);
        }
        let second = workdir(&world, Some(&at_once));
        phase(&second, 6);
        let expected = content(&at_once);
        assert_eq!(content(&by_phases), expected, "{} {seed}", population.name);
        // What the load put into the CRM comes back with its export, and changes nothing.
        second.ok("export-crm", &[]);
        for step in ["stage", "resolve", "consolidate", "score"] {
            second.ok(step, &[]);
        }
        second.ok("load", &[]).says("nothing to do");
        assert_eq!(content(&at_once), expected, "{} {seed}", population.name);
    }
}

#[test]
fn saved_exports_give_the_same_bytes_on_any_number_of_threads() {
    let world = world::shared();
    let mut workdir = workdir(world, None);
    for step in world::exporters(6) {
        workdir.ok(step, &["--if-missing"]);
    }
    for (variable, _) in world.source_urls() {
        workdir.unset(variable);
    }
    workdir.ok("export-crm", &[]);
    let mut runs = Vec::new();
    for threads in ["1", "4"] {
        for folder in ["stage", "resolve", "crm", "score"] {
            let _ = std::fs::remove_dir_all(workdir.data().join(folder));
        }
        workdir.set("RAYON_NUM_THREADS", threads);
        workdir.ok("stage", &[]);
        for step in ["resolve", "consolidate", "score"] {
            workdir.ok(step, &[]);
        }
        runs.push(["stage", "resolve", "crm", "score"].map(|folder| workdir.fingerprint(folder)));
        for step in ["stage", "resolve", "consolidate", "score"] {
            workdir.ok(step, &[]).says("nothing to do");
        }
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].iter().all(|folder| folder.len() > 2), "{:?}", runs[0]);
}

#[test]
fn foreign_data_survives_a_second_load_and_a_rollback() {
    let world = world::shared();
    let crm = world.crm();
    let workdir = workdir(world, Some(&crm));
    phase(&workdir, 6);
    let ours = crm.value(r#"select min("id") from "CustomerProfile" where "id" like 'bf11%'"#);
    crm.execute(&format!(
        r#"insert into "CustomerProfile" ("id", "tenantId", "email", "source", "firstSeenAt", "updatedAt", "createdAt")
               values ('9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '1', 'walkin@foreign.test', 'crm', '2020-01-01', '2020-01-01', '2020-01-01');
           insert into "CustomerNote" ("id", "tenantId", "customerId", "body", "updatedAt", "createdAt")
               values ('0a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '1', '{ours}', 'prefers mornings', '2020-01-01', '2020-01-01');
           insert into "CustomerSegment" ("id", "tenantId", "name", "type", "updatedAt", "createdAt", "memberCount")
               values ('1a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '1', 'Captain''s guests', 'STATIC', '2020-01-01', '2020-01-01', 1);
           insert into "CustomerSegmentMembership" ("id", "tenantId", "segmentId", "customerId", "source", "addedAt")
               values ('2a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '1', '1a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '{ours}', 'MANUAL', '2020-01-01')"#
    ));
    let foreign = || {
        [
            r#"select to_jsonb(t)::text from "CustomerProfile" t where "id" not like 'bf11%'"#,
            r#"select to_jsonb(t)::text from "CustomerNote" t"#,
            r#"select to_jsonb(t)::text from "CustomerSegment" t where "type" = 'STATIC' and "createdBy" is distinct from 'crm-backfill' order by "id""#,
            r#"select to_jsonb(t)::text from "CustomerSegmentMembership" t where "source" = 'MANUAL'"#,
        ]
        .map(|sql| crm.rows(sql))
    };
    let before = foreign();
    workdir.ok("export-crm", &[]);
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    workdir.ok("load", &[]);
    assert_eq!(foreign(), before, "after a second load");
    workdir.ok("rollback", &["--yes"]);
    assert_eq!(foreign(), before, "after a rollback");
    let left = crm.rows(r#"select "id" from "CustomerProfile" where "id" like 'bf11%'"#);
    assert_eq!(left, [[ours]], "only the profile that a note hangs on is kept");
    assert_eq!(crm.value(r#"select count(*) from "Activity""#), "0");
}
