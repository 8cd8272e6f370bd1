//! A pilot of one tenant: loaded, verified and rolled back alone, then extended to all tenants.

use crate::pg::verify::demo_crm;
use crate::support::postgres::Database;
use crate::support::workdir::Workdir;

fn made(workdir: &Workdir, resolve: &[&str]) {
    workdir.ok("resolve", resolve);
    workdir.ok("consolidate", &[]);
    workdir.ok("score", &[]);
}

/// Ids and contents of our rows, without the times of loads.
fn rows(crm: &Database) -> Vec<Vec<String>> {
    let tables = ["CustomerProfile", "IdentityAlias", "MarketingConsent", "Activity", "CampaignInteraction"];
    let of = |table: &str| {
        crm.rows(&format!(
            r#"select '{table}', (to_jsonb(t) - 'createdAt' - 'updatedAt')::text from "{table}" t where t."tenantId" = '1' order by t."id""#
        ))
    };
    tables.into_iter().flat_map(of).collect()
}

fn tenants(crm: &Database) -> String {
    crm.value(r#"select string_agg(distinct "tenantId", ' ' order by "tenantId") from "CustomerProfile""#)
}

#[test]
fn a_pilot_of_one_tenant_is_loaded_verified_extended_and_rolled_back() {
    let (workdir, crm, _sources) = demo_crm::exported();
    workdir.ok("stage", &[]);
    workdir.run("resolve", &["--tenant", "nowhere"]).exits(2).says("no profile belongs to tenant nowhere");

    made(&workdir, &["--tenant", "1"]);
    workdir.ok("load", &["--yes"]).says("pilot    tenant 1 alone");
    assert_eq!(tenants(&crm), "1");
    let pilot = rows(&crm);
    assert!(pilot.len() > 500, "{}", pilot.len());
    workdir.ok("verify", &[]).says("0 failed");
    workdir.ok("report", &[]);
    workdir.ok("overview", &[]).says("tenant 1 alone");
    assert!(std::fs::read_to_string(workdir.data().join("report/index.html")).unwrap().contains("Pilot of tenant 1 alone"));
    workdir.ok("load", &["--yes"]).says("nothing to do");

    // All tenants: what the pilot loaded stays as it is.
    made(&workdir, &[]);
    workdir.ok("load", &["--yes", "--consumers-stopped"]);
    assert!(tenants(&crm).starts_with("1 2"), "{}", tenants(&crm));
    assert_eq!(rows(&crm), pilot);
    workdir.ok("verify", &[]).says("0 failed");

    // The pilot's datasets would remove the others, which is how they are rolled back alone.
    made(&workdir, &["--tenant", "1"]);
    workdir.run("load", &["--yes", "--consumers-stopped"]).exits(10).says("profiles of other tenants are loaded");
    workdir.ok("load", &["--yes", "--consumers-stopped", "--remove-other-tenants"]);
    assert_eq!(tenants(&crm), "1");
    assert_eq!(rows(&crm), pilot);
    workdir.ok("verify", &[]).says("0 failed");

    workdir.ok("rollback", &["--yes", "--consumers-stopped"]);
    assert_eq!(crm.value(r#"select count(*) from "CustomerProfile""#), "0");
    assert_eq!(crm.value("select count(*) from backfill.settled"), "0");
}
