//! The starter set: common segments, proposed per tenant and created only on request.

use serde::Deserialize;

use crate::model::derived_id;
use crate::segment::Definition;

/// The committed set.
pub const COMMITTED: &str = include_str!("../../data/reference/starter_segments.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Starter {
    name: String,
    #[serde(rename = "description")]
    _description: String,
    criteria: serde_json::Value,
}

/// The starter segments of these tenants, without those whose name a tenant has already.
pub fn starters(text: &str, tenants: &[String], existing: &[Definition]) -> Result<Vec<Definition>, String> {
    let set: Vec<Starter> =
        serde_json::from_str(text).map_err(|error| format!("the starter segments cannot be read: {error}"))?;
    let mut definitions = Vec::new();
    for tenant in tenants {
        for starter in &set {
            if existing.iter().any(|one| one.tenant_id == *tenant && one.name == starter.name) {
                continue;
            }
            definitions.push(Definition {
                id: derived_id("segment", &[tenant, &starter.name]).to_string(),
                tenant_id: tenant.clone(),
                club_id: None,
                name: starter.name.clone(),
                criteria: Some(starter.criteria.to_string()),
                combinator: None,
                is_refreshed: true,
                is_new: true,
            });
        }
    }
    Ok(definitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_set_has_no_warnings_and_is_canonical() {
        for starter in starters(COMMITTED, &["1".to_owned()], &[]).unwrap() {
            let criteria = starter.criteria.unwrap();
            let parsed = crate::segment_rule::parse(&criteria, None).unwrap_or_else(|error| panic!("{}: {error}", starter.name));
            assert_eq!(parsed.lints, Vec::<String>::new(), "{}", starter.name);
            let canonical = crate::segment_rule::canonical(&parsed.rule).to_string();
            assert_eq!(crate::segment_rule::parse(&canonical, None).unwrap().rule, parsed.rule, "{}", starter.name);
        }
    }

    #[test]
    fn a_name_that_a_tenant_has_is_not_proposed_to_it_again() {
        let tenants = ["1".to_owned(), "2".to_owned()];
        let all = starters(COMMITTED, &tenants, &[]).unwrap();
        let some = starters(COMMITTED, &tenants, &all[..1]).unwrap();
        assert_eq!(some.len(), all.len() - 1);
    }
}
