//! A load reads only the buckets in which something changed since the last one, and finds the same as if it had read everything.

use crm_backfill::dsn::Dsn;
use crm_backfill::model::Phase;
use crm_backfill::pg::load::catalog::Catalog;
use crm_backfill::pg::load::preflight::preflight;
use crm_backfill::pg::load::session::Crm;
use crm_backfill::pg::load::{delta, settled};

use crate::pg::verify::{demo_crm, mutations};
use crate::support::postgres::{Database, server};
use crate::support::workdir::Workdir;

/// Corruptions that are applied to one copy of the CRM.
const TOGETHER: usize = 60;

/// The tables that a load would read, with the number of their buckets.
fn unsettled(crm: &Database) -> Vec<(&'static str, usize)> {
    let crm = Crm::open(&Dsn::new(&crm.url, "test")).unwrap();
    crm.begin().unwrap();
    let catalog = Catalog::read(&crm).unwrap();
    let forms = delta::forms(&catalog, &preflight(&catalog, false), Phase::LAST);
    let (all, _) = settled::read(&crm, &catalog, &forms, None).unwrap();
    crm.end().unwrap();
    forms
        .iter()
        .map(|form| {
            let buckets = all.get(form.loaded.table).and_then(|settled| settled.unsettled.as_ref().map(Vec::len));
            (form.loaded.table, buckets.unwrap_or(usize::MAX))
        })
        .filter(|(_, buckets)| *buckets > 0)
        .collect()
}

/// The findings of a dry run, without what differs between two runs of the same input.
fn dry_run(workdir: &mut Workdir, crm: &Database) -> serde_json::Value {
    workdir.set("CRM_DATABASE_URL", &crm.url);
    let run = workdir.run("load", &["--dry-run", "--json", "--consumers-stopped", "--other-crm"]);
    let mut found = run.json();
    for key in ["seconds", "run"] {
        found["result"].as_object_mut().map(|result| result.remove(key));
    }
    assert_eq!(run.code, 0, "{}", run.stderr);
    found
}

fn copied(crm: &Database, number: usize) -> Database {
    let name = format!("{}_settled_{number}", crm.name);
    server().copy_database(&name, &crm.name).unwrap();
    Database::made(&name).granted()
}

#[test]
fn only_buckets_that_others_changed_are_read() {
    let (_workdir, crm, _sources) = demo_crm::loaded();
    assert_eq!(unsettled(&crm), []);
    crm.execute("vacuum (full, freeze)");
    assert_eq!(unsettled(&crm), [], "a frozen row keeps the transaction that wrote it");
    let one = r#"where "id" = (select min("id") from "Activity")"#;
    crm.execute(&format!(r#"update "Activity" set "title" = "title" {one}"#));
    assert_eq!(unsettled(&crm), [("Activity", 1)]);
    crm.execute(r#"delete from "IdentityAlias" where "id" in (select "id" from "IdentityAlias" order by "id" desc limit 1)"#);
    assert_eq!(unsettled(&crm), [("IdentityAlias", 1), ("Activity", 1)]);
    // As many rows as before, but some of them by another writer.
    crm.execute(r#"update "CampaignInteraction" set "id" = 'bf11ffff' || substr("id", 9) where "id" like 'bf1100%'"#);
    assert!(unsettled(&crm).iter().any(|(table, buckets)| *table == "CampaignInteraction" && *buckets > 1));
    crm.execute("update backfill.settled set buckets = buckets || buckets where table_name = 'CampaignInteraction'");
    assert!(unsettled(&crm).contains(&("CampaignInteraction", usize::MAX)), "damaged sums are not used");
    crm.execute("update backfill.settled set transactions = '{3}'");
    assert!(unsettled(&crm).iter().all(|(_, buckets)| *buckets == usize::MAX));
}

#[test]
fn a_load_finds_the_same_with_and_without_settled_rows() {
    let (mut workdir, crm, _sources) = demo_crm::loaded();
    let all = mutations::all(&crm, 5);
    // Those of rows that a load compares, and of their records.
    let is_compared = |name: &str| {
        !name.starts_with("CustomerSegment.")
            && !name.starts_with("SyncLog")
            && (!name.starts_with("backfill.") || name.starts_with("backfill.written"))
    };
    let rows: Vec<_> = all.iter().filter(|one| one.sql.starts_with("set session") && is_compared(&one.name)).collect();
    for (number, some) in rows.chunks(rows.len().div_ceil(rows.len() / TOGETHER)).enumerate() {
        let copy = copied(&crm, number);
        let names: Vec<&str> = some.iter().map(|one| one.name.as_str()).collect();
        // The database refuses some of them after others.
        let applied = some.iter().filter(|one| copy.client().execute(&one.sql).is_ok()).count();
        assert!(applied * 2 > some.len(), "{names:?}");
        let with = dry_run(&mut workdir, &copy);
        copy.execute("delete from backfill.settled");
        assert_eq!(with, dry_run(&mut workdir, &copy), "{names:?}");
    }

    // A load that changes rows records what it leaves.
    let copy = copied(&crm, rows.len());
    copy.execute(r#"update "CustomerProfile" set "membershipTier" = 'Mica' where "id" < 'bf114'"#);
    copy.execute(r#"update "Activity" set "title" = 'other' where "id" < 'bf112'"#);
    copy.execute(r#"delete from "IdentityAlias" where "id" < 'bf1101'"#);
    workdir.set("CRM_DATABASE_URL", &copy.url);
    workdir.ok("load", &["--consumers-stopped", "--other-crm"]);
    let left = unsettled(&copy);
    assert!(
        left.iter().all(|(_, buckets)| *buckets < usize::MAX) && !left.iter().any(|(table, _)| *table == "MarketingConsent"),
        "{left:?}"
    );
    let with = dry_run(&mut workdir, &copy);
    copy.execute("delete from backfill.settled");
    assert_eq!(with, dry_run(&mut workdir, &copy));
}
