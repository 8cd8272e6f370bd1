//! Profiles of others that may be people of ours: pairs for the review queue, nothing more.

use anyhow::Result;
use serde_json::{Value, json};

use crate::model::derived_id;
use crate::pg::load::session::Crm;

/// Adds a candidate to staging for each profile of others that shares a tenant's address or number with one of ours, best pairs
/// first within the cap of the statement; returns how many.
pub fn stage_pairs(crm: &Crm) -> Result<u64> {
    crm.doing("compare with the profiles of others");
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
