//! Adds pairs of our profiles with foreign profiles to the review queue.

use anyhow::Result;
use serde_json::{Value, json};

use crate::model::derived_id;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
use crate::pg::load::staging::pull;
use crate::pg::load::target::{ours, table};
use crate::pg::quote_identifier as quoted;

/// Stages a pair for each foreign profile that shares an email or phone with one of ours in the same tenant, best pairs first up to the
/// limit of the statement. Returns how many.
pub fn stage_pairs(crm: &Crm, preflight: &Preflight) -> Result<u64> {
    crm.doing("comparing with the foreign profiles");
    let shared = ["email", "phoneNumber"].map(|column| {
        format!(
            "exists (select from \"CustomerProfile\" f where not {1} and f.\"tenantId\" = t.\"tenantId\" and f.{0} = t.{0})",
            quoted(column),
            ours("f")
        )
    });
    pull(crm, preflight.plan(table::PROFILE), &shared.join(" or "))?;
    let pairs = crm.query(include_str!("../../../sql/crm/foreign_pairs.sql"), &[])?;
    if pairs.is_empty() {
        return Ok(0);
    }
    let rows: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            let (a, b, tenant): (&str, &str, &str) = (pair.get("a"), pair.get("b"), pair.get("tenant_id"));
            let (email, phone): (bool, bool) = (pair.get("same_email"), pair.get("same_phone"));
            let mut reasons = vec!["FOREIGN_PROFILE"];
            reasons.extend(email.then_some("EMAIL"));
            reasons.extend(phone.then_some("PHONE"));
            json!({
                "id": derived_id("candidate", &[a, b]).to_string(),
                "tenantId": tenant,
                "profileAId": a,
                "profileBId": b,
                "score": if email && phone { 80 } else if email { 60 } else { 40 },
                "reasons": reasons,
            })
        })
        .collect();
    let rows = Value::from(rows).to_string();
    crm.execute(include_str!("../../../sql/crm/stage_foreign_pairs.sql"), &[&rows])
}
