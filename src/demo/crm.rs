//! The CRM of the demo before the backfill: its tables, and segments that users have defined.

use anyhow::Result;

use crate::model::Timestamp;
use crate::pg::local::Client;

use super::random::Draws;
use super::rows::{Filled, Rows};

/// Name, type, criteria, combinator, whether it is active, whether it was deleted.
type DemoSegment = (&'static str, &'static str, Option<&'static str>, &'static str, bool, bool);

/// Rules in each of the dialects in use, one with an unknown field, and segments that a refresh must not change.
const SEGMENTS: &[DemoSegment] = &[
    (
        "Lapsing members",
        "DYNAMIC",
        Some(
            r#"{"all": [{"field": "lifecycleStage", "operator": "eq", "value": "MEMBER"}, {"any": [{"field": "lastActivityAt", "operator": "olderThan", "value": "90d"}, {"field": "lastActivityAt", "operator": "isNull"}]}]}"#,
        ),
        "AND",
        true,
        false,
    ),
    (
        "Reachable by e-mail",
        "DYNAMIC",
        Some(
            r#"{"combinator": "AND", "rules": [{"field": "emailOptIn", "operator": "eq", "value": true}, {"field": "email", "operator": "isNotNull"}]}"#,
        ),
        "AND",
        true,
        false,
    ),
    (
        "Keen or gold",
        "DYNAMIC",
        Some(
            r#"[{"field": "bookingCount30d", "operator": "gte", "value": 2}, {"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]}]"#,
        ),
        "OR",
        true,
        false,
    ),
    (
        "At risk, asked in words",
        "DYNAMIC",
        Some(
            r#"{"$and": [{"churnRiskScore": {"$gte": 60}}, {"lastActivityAt": {"$lt": "{{60_DAYS_AGO}}"}}, {"status": "ACTIVE"}]}"#,
        ),
        "AND",
        true,
        false,
    ),
    (
        "Low handicaps",
        "DYNAMIC",
        Some(
            r#"{"all": [{"field": "handicap", "operator": "between", "value": [-5, 9.9]}, {"not": {"field": "status", "operator": "eq", "value": "INACTIVE"}}]}"#,
        ),
        "AND",
        true,
        false,
    ),
    (
        "Never booked",
        "DYNAMIC",
        Some(
            r#"{"all": [{"activity": {"category": ["BOOKING"]}, "aggregate": "count", "operator": "eq", "value": 0}, {"field": "smsOptIn", "operator": "eq", "value": true}]}"#,
        ),
        "AND",
        true,
        false,
    ),
    ("Shoe size", "DYNAMIC", Some(r#"{"all": [{"field": "shoeSize", "operator": "gt", "value": 44}]}"#), "AND", true, false),
    (
        "Retired rule",
        "DYNAMIC",
        Some(r#"{"all": [{"field": "status", "operator": "eq", "value": "ACTIVE"}]}"#),
        "AND",
        false,
        false,
    ),
    (
        "Deleted rule",
        "DYNAMIC",
        Some(r#"{"all": [{"field": "status", "operator": "eq", "value": "ACTIVE"}]}"#),
        "AND",
        true,
        true,
    ),
    ("Captain's table", "STATIC", None, "AND", true, false),
    ("Trade fair list", "IMPORT", None, "AND", true, false),
];

/// Fills the CRM with segments of both tenants.
pub(super) fn fill(client: &mut Client, seed: u64, as_of: Timestamp) -> Result<Vec<Filled>> {
    let columns = r#""CustomerSegment" ("id", "tenantId", "name", "type", "criteria", "combinator", "isActive", "createdAt", "updatedAt", "createdBy", "deletedAt")"#;
    let mut rows = Rows::into(client, columns)?;
    for tenant in 1..=2 {
        for (number, (name, kind, criteria, combinator, is_active, is_deleted)) in SEGMENTS.iter().enumerate() {
            let mut draws = Draws::of(seed, "segment", number as u64 * 2 + tenant);
            let created = as_of.plus_days(-300 + i64::try_from(number).unwrap_or(0));
            rows.plain(draws.uuid()).plain(tenant).plain(name).plain(kind).text(*criteria).plain(combinator).plain(is_active);
            rows.at(created).at(created).plain("marketing").at_or_null(is_deleted.then_some(as_of.plus_days(-9))).end()?;
        }
    }
    Ok(vec![Filled { table: "\"CustomerSegment\"", ..rows.finish()? }])
}
