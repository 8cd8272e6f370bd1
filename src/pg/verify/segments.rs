//! Compares the members, count, time and rule of refreshed segments with the datasets.

use anyhow::Result;
use serde_json::Value;

use crate::pg::compare::json_hash;
use crate::pg::verify::checks::CheckFinding;
use crate::pg::verify::session::VerifySession;

/// A refreshed segment in the files.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The segment.
    pub id: String,
    /// Its tenant.
    pub tenant_id: String,
    /// Its name.
    pub name: String,
    /// Its rule: as the CRM's export saved it, or of the starter set.
    pub criteria: Option<String>,
    /// How its conditions combine; `None` for the starter set.
    pub combinator: Option<String>,
    /// Its club.
    pub club_id: Option<String>,
    /// Whether load created it.
    pub is_new: bool,
    /// The as-of time, to the millisecond.
    pub refreshed_at: String,
    /// Why it could not be refreshed.
    pub error: Option<String>,
}

/// Compares the segments. Returns failures, then differences for manual review.
pub fn compare(session: &VerifySession, refreshed: &[Refreshed]) -> Result<(Vec<CheckFinding>, Vec<CheckFinding>)> {
    let rows = session.connection().query(include_str!("../../../sql/verify/crm/segments.sql"), &[])?;
    let (mut gone, mut members, mut counts, mut refreshes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut rules, mut later) = (Vec::new(), Vec::new());
    for segment in refreshed {
        let Some(row) = rows.iter().find(|row| row.get::<_, &str>("id") == segment.id) else {
            gone.push(segment.id.clone());
            continue;
        };
        let image: Value = serde_json::from_str(row.get("image")).unwrap_or(Value::Null);
        let last: Option<&str> = row.get("last_refreshed_at");
        // The times have one format and length, so they can be compared as text.
        let is_later = last.is_some_and(|last| last > segment.refreshed_at.as_str());
        let note = |list: &mut Vec<String>, is_wrong: bool| {
            if is_wrong {
                list.push(segment.id.clone());
            }
        };
        note(&mut rules, !has_rule(segment, &image, row.get("criteria"), row.get("deleted_at")));
        note(&mut counts, image["memberCount"].as_i64() != Some(row.get("member_count")));
        note(&mut later, is_later);
        let is_refreshed = segment.error.is_some() || last == Some(segment.refreshed_at.as_str());
        note(&mut refreshes, !is_later && (!is_refreshed || image["refreshError"].as_str() != segment.error.as_deref()));
        if segment.error.is_none() && !is_later {
            // Rows of ours are compared one by one.
            note(&mut members, row.get::<_, i64>("foreign_rule_member_count") > 0);
        }
    }
    let listed = |item: &str, found: &[String]| CheckFinding::listed(item, refreshed.len(), found);
    Ok((
        vec![
            listed("refreshed segments that are gone", &gone),
            listed("segments with members by rule that others added", &members),
            listed("segments whose memberCount is not the number of their members", &counts),
            listed("segments whose last refresh is not that of the load", &refreshes),
        ],
        vec![
            listed("segments whose definition is not the one that was refreshed", &rules),
            listed("segments that were refreshed again since the load", &later),
        ],
    ))
}

fn has_rule(segment: &Refreshed, image: &Value, criteria: Option<&str>, deleted_at: Option<&str>) -> bool {
    let hash = |text: Option<&str>| text.map(|text| json_hash(text.as_bytes()));
    let combines = segment.combinator.is_none() || image["combinator"].as_str() == segment.combinator.as_deref();
    image["tenantId"] == segment.tenant_id.as_str()
        && image["name"] == segment.name.as_str()
        && image["clubId"].as_str() == segment.club_id.as_deref()
        && image["isActive"] == true
        && image["type"] == "DYNAMIC"
        && deleted_at.is_none()
        && combines
        && hash(criteria) == hash(segment.criteria.as_deref())
}
