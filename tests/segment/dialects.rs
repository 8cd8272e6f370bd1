//! A rule in canonical JSON, said in the two other dialects.

use serde_json::{Value, json};

/// As a rule builder saves it: `{combinator, rules}`, numbered nodes, `{{60_DAYS_AGO}}`.
pub fn builder(rule: &Value) -> Value {
    let group = |combinator: &str, rules: &Value, negated: bool| {
        let rules: Vec<Value> = rules.as_array().unwrap().iter().map(builder).collect();
        let mut group = json!({ "id": "node", "combinator": combinator, "rules": rules });
        if negated {
            group["not"] = json!(true);
        }
        group
    };
    if let Some(rules) = rule.get("all") {
        return group("AND", rules, false);
    }
    if let Some(rules) = rule.get("any") {
        return group("or", rules, false);
    }
    if let Some(inner) = rule.get("not") {
        return match (inner.get("all"), inner.get("any")) {
            (Some(rules), _) => group("and", rules, true),
            (_, Some(rules)) => group("OR", rules, true),
            _ => json!({ "not": builder(inner) }),
        };
    }
    let mut leaf = rule.clone();
    leaf["id"] = json!("leaf");
    if let Some(days) = days_ago(&leaf["value"]) {
        leaf["value"] = json!(format!("{{{{{days}_DAYS_AGO}}}}"));
    }
    leaf
}

/// The days of a value such as `{"relative": "-60d"}`.
fn days_ago(value: &Value) -> Option<&str> {
    let keys = value.as_object().filter(|keys| keys.len() == 1)?;
    keys.get("relative")?.as_str()?.strip_prefix('-')?.strip_suffix('d')
}

/// As a document query: `$and`, `$or`, `$not`, `$nor`, `{field: {"$gte": v}}`, `{field: v}`.
pub fn document(rule: &Value) -> Value {
    let rules = |rules: &Value| -> Vec<Value> { rules.as_array().unwrap().iter().map(document).collect() };
    if let Some(all) = rule.get("all") {
        return json!({ "$and": rules(all) });
    }
    if let Some(any) = rule.get("any") {
        return json!({ "$or": rules(any) });
    }
    if let Some(inner) = rule.get("not") {
        return match inner.get("any") {
            Some(any) => json!({ "$nor": rules(any) }),
            None => json!({ "$not": document(inner) }),
        };
    }
    let Some(field) = rule.get("field").and_then(Value::as_str) else { return rule.clone() };
    let value = rule["value"].clone();
    match (rule["operator"].as_str().unwrap(), field) {
        ("isNull", _) => json!({ field: null }),
        ("isNotNull", _) => json!({ field: { "$exists": true } }),
        ("eq", _) => json!({ field: value }),
        ("neq", _) => json!({ field: { "$ne": value } }),
        ("notIn", _) => json!({ field: { "$nin": value } }),
        ("hasAny", "tags") => json!({ field: { "$in": value } }),
        ("hasAll", "tags") => json!({ field: { "$all": value } }),
        (operator, _) => json!({ field: { format!("${operator}"): value } }),
    }
}
