//! A loaded CRM passes; each single thing that is then broken in it is found by the check that is meant to find it.

use crm_backfill::demo::{self, Population, Records, Town};
use crm_backfill::model::{Code as _, Source};
use crm_backfill::pg::checks::CHECKS;

use crate::support::postgres::{Database, database, server};
use crate::support::workdir::Workdir;

/// The check that must fail, and what is done to the CRM before it is asked.
const BROKEN: &[(&str, &str)] = &[
    ("record_counts", r#"delete from "Activity" where "id" = (select min("id") from "Activity")"#),
    (
        "same_rows",
        r#"update "Activity" set "occurredAt" = "occurredAt" + interval '1 second' where "id" = (select min("id") from "Activity")"#,
    ),
    ("keys_and_indexes", r#"alter table "IdentityAlias" drop constraint "IdentityAlias_customerId_fkey""#),
    (
        "profile_total",
        r#"insert into "CustomerProfile" ("id", "tenantId", "source", "firstSeenAt", "updatedAt")
           values ('bf110000-0000-8000-8000-000000000001', '1', 'scl', '2020-01-01', '2020-01-01')"#,
    ),
    (
        "profile_fields",
        r#"update "CustomerProfile" set "firstName" = 'Nobody'
           where "id" = (select min("id") from "CustomerProfile" where "firstName" is not null)"#,
    ),
    (
        "profile_fields",
        r#"update "CustomerProfile" set "tags" = array_append("tags", 'vip') where "id" = (select min("id") from "CustomerProfile")"#,
    ),
    (
        "founders",
        r#"update "CustomerProfile" set "source" = 'scl'
           where "id" = (select min("id") from "CustomerProfile" where "source" = 'teetime')"#,
    ),
    ("one_tenant", r#"update "IdentityAlias" set "tenantId" = '9' where "id" = (select min("id") from "IdentityAlias")"#),
    (
        "own_addresses",
        r#"update "CustomerProfile" set "email" = 'stranger@mail.test'
           where "id" = (select min("id") from "CustomerProfile" where "email" is not null)"#,
    ),
    (
        "mca_za_links",
        r#"update "CustomerProfile" set "externalIds" = "externalIds" || '{"mcaV1ZaId": "987654"}'
           where "id" = (select min("id") from "CustomerProfile" where "externalIds" ? 'mcaV1ZaId')"#,
    ),
    (
        "mca_uk_links",
        r#"update "CustomerProfile" set "externalIds" = "externalIds" - 'mcaV1UkId'
           where "id" = (select min("id") from "CustomerProfile" where "externalIds" ? 'mcaV1UkId')"#,
    ),
    (
        "cross_service_links",
        r#"update "CustomerProfile" set "sclMemberId" = null
           where "id" = (select min("id") from "CustomerProfile" where "sclMemberId" is not null)"#,
    ),
    ("sync_log", r#"delete from "SyncLog" where "eventId" like 'backfill:scl:%'"#),
    (
        "scl_member_links",
        r#"update "CustomerProfile" set "sclMemberId" = 987654
           where "id" = (select min("id") from "CustomerProfile" where "sclMemberId" is not null)"#,
    ),
    (
        "scl_member_links",
        r#"update "IdentityAlias" set "value" = '987654'
           where "id" = (select min("id") from "IdentityAlias" where "type" = 'SCL_MEMBER_ID')"#,
    ),
    (
        "teetime_player_links",
        r#"update "CustomerProfile" set "teetimePlayerId" = 'nobody'
           where "id" = (select min("id") from "CustomerProfile" where "teetimePlayerId" is not null)"#,
    ),
    (
        "messaging_contact_links",
        r#"update "CustomerProfile" set "messagingContactId" = null
           where "id" = (select min("id") from "CustomerProfile" where "messagingContactId" is not null)"#,
    ),
    (
        "membership_data",
        r#"update "CustomerProfile" set "membershipStatus" = 'HONORARY'
           where "id" = (select min("id") from "CustomerProfile" where "membershipStatus" is not null)"#,
    ),
    (
        "membership_data",
        r#"update "CustomerProfile" set "membershipTier" = 'Mica'
           where "id" = (select min("id") from "CustomerProfile" where "sclMemberId" is null)"#,
    ),
    (
        "handicap_data",
        r#"update "CustomerProfile" set "handicap" = "handicap" - 0.1
           where "id" = (select min("id") from "CustomerProfile" where "handicap" is not null)"#,
    ),
    (
        "handicap_data",
        r#"update "CustomerProfile" set "handicapUpdatedAt" = '2001-01-01'
           where "id" = (select min("id") from "CustomerProfile" where "handicap" is not null)"#,
    ),
    (
        "consent_flags",
        r#"update "CustomerProfile" set "emailOptIn" = true
           where "id" = (select min("id") from "CustomerProfile" where not "emailOptIn")"#,
    ),
    (
        "consent_flags",
        r#"update "CustomerProfile" set "smsOptIn" = false
           where "id" = (select min("id") from "CustomerProfile" where "smsOptIn")"#,
    ),
    (
        "consent_rows",
        r#"update "MarketingConsent" set "status" = 'OPTED_IN', "consentedAt" = "revokedAt", "revokedAt" = null
           where "id" = (select min("id") from "MarketingConsent" where "status" = 'OPTED_OUT')"#,
    ),
    (
        "consent_rows",
        r#"update "MarketingConsent" set "revokedAt" = "revokedAt" + interval '1 day'
           where "id" = (select min("id") from "MarketingConsent" where "revokedAt" is not null)"#,
    ),
    ("consent_rows", r#"delete from "MarketingConsent" where "id" = (select min("id") from "MarketingConsent")"#),
    ("timeline_counts", r#"delete from "Activity" where "id" = (select min("id") from "Activity" where "category" = 'BOOKING')"#),
    (
        "timeline_kinds",
        r#"update "Activity" set "title" = 'Tee time at the moon'
           where "id" = (select min("id") from "Activity" where "category" = 'BOOKING')"#,
    ),
    ("timeline_tenants", r#"update "Activity" set "tenantId" = '9' where "id" = (select min("id") from "Activity")"#),
    (
        "timeline_people",
        r#"update "Activity" set "customerId" = (select max("customerId") from "Activity")
           where "id" = (select min("id") from "Activity" where "type" = 'MEMBER_CREATED')"#,
    ),
    (
        "timeline_window",
        r#"update "Activity" set "occurredAt" = '2001-01-01'
           where "id" = (select min("id") from "Activity" where "category" = 'COMMUNICATION')"#,
    ),
    (
        "strategy_metrics",
        r#"update "CustomerProfile" set "bookingCountTotal" = "bookingCountTotal" + 1
           where "id" = (select min("id") from "CustomerProfile")"#,
    ),
    (
        "engagement",
        r#"update "CustomerProfile" set "engagementScore" = "engagementScore" + 1
           where "id" = (select min("id") from "CustomerProfile")"#,
    ),
    (
        "churn",
        r#"update "CustomerProfile" set "churnRiskScore" = null
           where "id" = (select min("id") from "CustomerProfile" where "churnRiskScore" > 0)"#,
    ),
    (
        "activity_dates",
        r#"update "CustomerProfile" set "lastBookingAt" = '2001-01-01'
           where "id" = (select min("id") from "CustomerProfile")"#,
    ),
    (
        "segment_members",
        r#"update "CustomerSegment" set "memberCount" = "memberCount" + 1
           where "id" = (select min("segmentId") from "CustomerSegmentMembership" where "source" = 'RULE')"#,
    ),
];

/// Checks that no change of the CRM can break: `tests/verify/evidence.rs` breaks what they look at.
const BY_EVIDENCE: &[&str] =
    &["export_estimates", "ledger_balance", "kept_rows", "link_evidence", "link_confidence", "duplicate_emails"];

fn sources(workdir: &mut Workdir) -> Vec<Database> {
    let records = Records::new(Town::new(&Population::ORDINARY, 7, 0.004, demo::default_as_of()));
    let fill = |source: &Source| {
        let filled = database("");
        demo::fill(&mut filled.client(), *source, &records).unwrap_or_else(|error| panic!("{error:#}"));
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
    for step in ["stage", "resolve", "build", "score", "load"] {
        workdir.ok(step, &[]);
    }
    let passed = workdir.ok("verify", &["--json"]).json();
    assert_eq!(passed["result"]["counts"]["FAILED"], 0, "{passed}");

    let mut tested: Vec<&str> = BY_EVIDENCE.to_vec();
    for (number, (check, sql)) in BROKEN.iter().enumerate() {
        let name = format!("{}_broken_{number}", crm.name);
        server().copy_database(&name, &crm.name).unwrap();
        let broken = Database { url: server().url(&name), name };
        broken.execute(sql);
        workdir.set("CRM_DATABASE_URL", &broken.url);
        let found = workdir.run("verify", &["--json"]).exits(16).json();
        let differing = found["result"]["differing"].as_array().unwrap();
        let names = differing.iter().any(|name| name.as_str().unwrap().starts_with(&format!("{check}: ")));
        assert!(names, "{check} did not see: {sql}\nfound: {differing:?}");
        tested.push(check);
    }
    for check in CHECKS {
        assert!(tested.contains(&check.name), "nothing breaks {}", check.name);
    }

    workdir.set("CRM_DATABASE_URL", &crm.url);
    edited_profiles_are_kept_apart(&workdir, &crm);
    workdir.ok("verify", &[]).says("export_estimates").says("Duplicate email check");
    workdir.ok("report", &[]);
    let page = std::fs::read_to_string(workdir.data().join("report/index.html")).unwrap();
    personal_values_stay_out(&page, &crm);
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
