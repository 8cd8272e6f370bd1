//! The language itself: dialects, limits, errors that name the node, missing values, references.

use crm_backfill::model::{Day, Timestamp};
use crm_backfill::pg::verify::segment_sql::{self, Bind};
use crm_backfill::segment::{Definition, Refresh};
use crm_backfill::segment_rule::{canonical, parse};
use crm_backfill::tables::ProfileIndex;
use crm_backfill::tables::Table as _;
use crm_backfill::tables::score::refreshes;
use serde_json::json;

use super::population::{Dice, Population};
use super::{definition, found, zone};

fn as_of() -> Timestamp {
    Timestamp::parse("2026-11-22T08:00:00Z").unwrap()
}

fn refused(criteria: &str) -> String {
    parse(criteria, None).unwrap_err().to_string()
}

fn read(criteria: serde_json::Value) -> serde_json::Value {
    canonical(&parse(&criteria.to_string(), None).unwrap().rule)
}

#[test]
fn three_dialects_say_the_same_and_are_written_alike() {
    let canonical = read(json!({ "all": [
        { "field": "engagementScore", "operator": "gte", "value": 60 },
        { "any": [
            { "field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"] },
            { "field": "lastActivityAt", "operator": "before", "value": { "relative": "-60d" } },
        ] },
    ] }));
    let builder = read(json!({ "combinator": "AND", "rules": [
        { "id": "r1", "field": "engagementScore", "operator": "gte", "value": "60" },
        { "combinator": "or", "rules": [
            { "field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"] },
            { "field": "lastActivityAt", "operator": "lt", "value": "{{60_DAYS_AGO}}" },
        ] },
    ] }));
    let document = read(json!({ "$and": [
        { "engagementScore": { "$gte": 60 } },
        { "$or": [{ "membershipTier": { "$in": ["Gold", "Platinum"] } }, { "lastActivityAt": { "$lt": "{{60_DAYS_AGO}}" } }] },
    ] }));
    assert_eq!(canonical, builder);
    assert_eq!(canonical, document);
    assert_eq!(read(canonical.clone()), canonical);
}

#[test]
fn a_bare_list_is_joined_by_the_column_beside_it() {
    let list = r#"[{"field":"emailOptIn","operator":"eq","value":true},{"field":"smsOptIn","operator":"eq","value":true}]"#;
    assert!(canonical(&parse(list, Some("AND")).unwrap().rule).get("all").is_some());
    assert!(canonical(&parse(list, Some("or")).unwrap().rule).get("any").is_some());
    assert!(canonical(&parse(list, None).unwrap().rule).get("all").is_some());
    assert!(parse(list, Some("XOR")).unwrap_err().to_string().starts_with("criteria.combinator"));
    let rules = format!(r#"{{"rules":{list}}}"#);
    assert!(canonical(&parse(&rules, Some("OR")).unwrap().rule).get("any").is_some());
}

#[test]
fn documents_know_null_existence_ranges_and_negation() {
    assert_eq!(read(json!({ "email": null })), json!({ "field": "email", "operator": "isNull" }));
    assert_eq!(read(json!({ "email": { "$ne": null } })), json!({ "field": "email", "operator": "isNotNull" }));
    assert_eq!(read(json!({ "email": { "$exists": false } })), json!({ "field": "email", "operator": "isNull" }));
    assert_eq!(
        read(json!({ "handicap": { "$gte": 0, "$lt": 10.5 } })),
        json!({ "all": [
            { "field": "handicap", "operator": "gte", "value": 0 },
            { "field": "handicap", "operator": "lt", "value": 10.5 },
        ] })
    );
    assert_eq!(
        read(json!({ "gender": { "$not": { "$eq": "MALE" } } })),
        json!({ "not": { "field": "gender", "operator": "eq", "value": "MALE" } })
    );
    assert_eq!(read(json!({ "tags": { "$in": ["vip"] } })), json!({ "field": "tags", "operator": "hasAny", "value": ["vip"] }));
    assert_eq!(
        read(json!({ "combinator": "AND", "not": true, "rules": [{ "field": "email", "operator": "isNull" }] })),
        json!({ "not": { "all": [{ "field": "email", "operator": "isNull" }] } })
    );
}

/// What the editors of react-querybuilder save, with their own words.
#[test]
fn rules_are_read_as_common_builders_save_them() {
    let rule =
        |field: &str, operator: &str, value: serde_json::Value| json!({ "field": field, "operator": operator, "value": value });
    let react = json!({ "id": "g1", "combinator": "and", "not": false, "rules": [
        { "id": "r1", "field": "engagementScore", "operator": ">=", "valueSource": "value", "value": "60" },
        { "id": "r2", "field": "lastName", "operator": "beginsWith", "valueSource": "value", "value": "Mok" },
        { "id": "r3", "field": "email", "operator": "doesNotContain", "valueSource": "value", "value": "@golf.test" },
        { "id": "r4", "field": "membershipTier", "operator": "in", "valueSource": "value", "value": "Gold,Platinum" },
        { "id": "r5", "field": "gender", "operator": "!=", "valueSource": "value", "value": "MALE" },
        { "id": "r6", "field": "phoneNumber", "operator": "null", "valueSource": "value", "value": "" },
        { "id": "r7", "field": "handicap", "operator": "notBetween", "valueSource": "value", "value": "0,18" },
        { "id": "r8", "field": "firstName", "operator": "doesNotEndWith", "valueSource": "value", "value": "a" },
    ] });
    let not =
        |field: &str, rule: serde_json::Value| json!({ "all": [{ "field": field, "operator": "isNotNull" }, { "not": rule }] });
    let expected = json!({ "all": [
        rule("engagementScore", "gte", json!(60)),
        rule("lastName", "startsWith", json!("Mok")),
        rule("email", "notContains", json!("@golf.test")),
        rule("membershipTier", "in", json!(["Gold", "Platinum"])),
        rule("gender", "neq", json!("MALE")),
        json!({ "field": "phoneNumber", "operator": "isNull" }),
        not("handicap", rule("handicap", "between", json!([0, 18]))),
        not("firstName", rule("firstName", "endsWith", json!("a"))),
    ] });
    assert_eq!(read(react), read(expected));
    // As documents for MongoDB, and with the words of other builders.
    assert_eq!(
        read(
            json!({ "$and": [{ "gender": { "$ne": "MALE" } }, { "$or": [{ "email": { "$eq": null } }, { "status": { "$nin": ["MERGED"] } }] }] })
        ),
        read(json!({ "and": [
            { "field": "gender", "operator": "not_equals", "value": "MALE" },
            { "or": [{ "field": "email", "operator": "is_empty" }, { "field": "status", "operator": "nin", "value": ["MERGED"] }] },
        ] }))
    );
    for (iso, ours) in [("P30D", "30d"), ("P6M", "6mo"), ("PT12H", "12h"), ("P2W", "2w"), ("P1Y", "1y")] {
        let read_as = |span: &str| read(rule("lastActivityAt", "withinLast", json!(span)));
        assert_eq!(read_as(iso), read_as(ours));
    }
}

#[test]
fn what_a_builder_saves_and_no_rule_can_say_is_refused_by_name() {
    let error = refused(r#"{"lastName":{"$options":"i","$regex":"^Mok"}}"#);
    assert!(error.starts_with("criteria.lastName.$regex: regular expressions are not supported"), "{error}");
    let error = refused(r#"{"field":"firstName","operator":"=","valueSource":"field","value":"lastName"}"#);
    assert_eq!(error, r#"criteria.valueSource: must be "value": two fields cannot be compared"#);
    let error = refused(r#"{"activity":{},"operator":"notBetween","value":[1,2]}"#);
    assert_eq!(error, r#"criteria.operator: the opposite of "between" is written {"not": …} here"#);
    assert!(refused(r#"{"field":"lastActivityAt","operator":"withinLast","value":"P1Y6M"}"#).contains("P30D"));
}

#[test]
fn errors_name_the_node_and_what_would_be_right() {
    let error = refused(r#"{"all":[{"field":"email","operator":"isNotNull"},{"field":"emial","operator":"eq","value":"x"}]}"#);
    assert_eq!(error, r#"criteria.all[1].field: "emial" is not a field; did you mean "email"?"#);
    let error = refused(r#"{"combinator":"AND","rules":[{"field":"engagementScore","operator":"gtx","value":1}]}"#);
    assert_eq!(error, r#"criteria.rules[0].operator: "gtx" is not an operator; did you mean "gt"?"#);
    let error = refused(r#"{"not":{"field":"emailOptIn","operator":"gte","value":true}}"#);
    assert_eq!(error, r#"criteria.not.operator: "gte" does not fit yes or no, which takes eq, neq, isNull, isNotNull"#);
    let error = refused(r#"{"activity":{"tpye":["X"]},"operator":"gte","value":1}"#);
    assert_eq!(error, r#"criteria.activity.tpye: is not an allowed key; did you mean "type"?"#);
    let error = refused(r#"{"activity":{},"aggregate":"sums:players","operator":"gte","value":1}"#);
    assert_eq!(error, r#"criteria.aggregate: "sums" is not an aggregate; did you mean "sum"?"#);
    assert!(refused(r#"{"field":"email","operator":"eq","value":null}"#).contains("isNull"));
    assert!(refused(r#"{"field":"lastActivityAt","operator":"withinLast","value":"3 weeks"}"#).starts_with("criteria.value"));
    assert!(refused(r#"{"field":"lastActivityAt","operator":"gte","value":{"relative":"-9999999y"}}"#).contains("relative"));
    assert!(refused(r#"{"all":[],"any":[]}"#).contains("both"));
    assert!(refused("{}").contains("empty"));
    assert!(refused("{\"all\":").contains("not valid JSON"));
}

#[test]
fn a_rule_has_limits() {
    let nested = |depth: usize| {
        format!("{}{}{}", "{\"not\":".repeat(depth), r#"{"field":"email","operator":"isNull"}"#, "}".repeat(depth))
    };
    assert!(parse(&nested(15), None).is_ok());
    assert!(refused(&nested(16)).contains("deeper than 16"));
    assert!(refused(&nested(10_000)).contains("deeper than 16"));
    let leaves = |count: usize| json!({ "any": vec![json!({ "field": "email", "operator": "isNull" }); count] }).to_string();
    assert!(parse(&leaves(500), None).is_ok());
    assert!(refused(&leaves(501)).contains("maximum of 500"));
    let values = |count: usize| json!({ "field": "email", "operator": "in", "value": vec!["x"; count] }).to_string();
    assert!(parse(&values(10_000), None).is_ok());
    assert!(refused(&values(10_001)).contains("maximum is 10000"));
    assert!(refused(&format!("\"{}\"", "x".repeat(2 << 20))).contains("longer than"));
}

#[test]
fn doubts_are_told_and_do_not_stop_a_rule() {
    let lints = |criteria: &str| parse(criteria, None).unwrap().lints;
    assert_eq!(lints(r#"{"all":[]}"#), ["criteria.all is empty: matches every profile"]);
    assert_eq!(lints(r#"{"any":[]}"#), ["criteria.any is empty: matches no profile"]);
    assert_eq!(lints("[]"), ["criteria is empty: matches every profile"]);
    assert!(lints(r#"{"field":"status","operator":"eq","value":"Actve"}"#)[0].contains("ACTIVE, INACTIVE, MERGED"));
    assert!(lints(r#"{"field":"engagementScore","operator":"between","value":[80,20]}"#)[0].contains("matches no profile"));
    assert!(lints(r#"{"field":"lifetimeValue","operator":"gte","value":1}"#)[0].contains("no exported source"));
    assert_eq!(lints(r#"{"field":"status","operator":"eq","value":" active "}"#), Vec::<String>::new());
    assert!(lints(r#"{"activity":{"category":"BOOKINGS"},"operator":"gte","value":1}"#)[0].contains("BOOKING, COMMUNICATION"));
    assert!(lints(r#"{"field":"tags","operator":"isNull"}"#)[0].contains("matches no profile"));
}

fn outcome(definitions: Vec<Definition>) -> Vec<(String, i32, Option<String>)> {
    let mut dice = Dice::new(7);
    let population = Population::new(&mut dice, as_of(), 30);
    let (people, scores) = population.people(30);
    let mut refresh = Refresh::new(definitions, as_of(), zone, population.people.len());
    refresh.add_activities(&population.timeline(1000), &ProfileIndex::new(&people));
    let members = refresh.members(&people, &scores);
    let rows = refreshes::Table::columns(&refresh.refreshes(&members)).unwrap();
    rows.rows().map(|row| (row.name.to_owned(), row.rule_member_count, row.error.map(str::to_owned))).collect()
}

#[test]
fn a_bad_segment_fails_alone_with_those_that_hang_on_it() {
    let everyone = r#"{"all":[]}"#;
    let member = |name: &str| format!(r#"{{"segment":"{name}","operator":"memberOf"}}"#);
    let mut closed = definition(8, "1", None, everyone.to_owned());
    closed.is_refreshed = false;
    let rows = outcome(vec![
        definition(0, "1", None, everyone.to_owned()),
        definition(1, "1", None, r#"{"field":"nope","operator":"eq","value":1}"#.to_owned()),
        definition(2, "1", None, member("S1")),
        definition(3, "1", None, member("S4")),
        definition(4, "1", None, member("S3")),
        definition(5, "1", None, member("S5")),
        definition(6, "1", None, member("S0")),
        definition(7, "1", None, member("S8")),
        closed,
        definition(9, "2", None, member("S0")),
    ]);
    let error = |number: usize| rows[number].2.clone().unwrap_or_default();
    assert_eq!(rows.len(), 9, "segments that are not refreshed have no row");
    assert!(rows[0].1 > 0 && rows[0].2.is_none());
    assert_eq!(error(1), r#"criteria.field: "nope" is not a field"#);
    assert_eq!(error(2), r#"criteria: depends on "S1", which cannot be refreshed"#);
    assert_eq!(error(3), r#"criteria: refers to itself through "S4""#);
    assert_eq!(error(5), "criteria: refers to itself");
    assert_eq!((rows[6].1, &rows[6].2), (rows[0].1, &None));
    assert_eq!(error(7), r#"criteria: "S8" is not an active DYNAMIC segment: only the CRM knows its members"#);
    assert!(error(8).starts_with(r#"criteria: no segment of this tenant is named "S0""#));
}

#[test]
fn a_missing_value_fails_every_comparison_and_not_brings_it_back() {
    let mut dice = Dice::new(3);
    let population = Population::new(&mut dice, as_of(), 60);
    let count = |criteria: &str| {
        let definitions = vec![definition(0, "1", None, criteria.to_owned())];
        let mut refresh = Refresh::new(definitions, as_of(), zone, population.people.len());
        found(&mut refresh, &population, 60, 60).remove("segment-000").map_or(0, |members| members.len())
    };
    let everyone = count(r#"{"all":[]}"#);
    let missing = count(r#"{"field":"handicap","operator":"isNull"}"#);
    assert!(missing > 0 && missing < everyone);
    let (equal, different) =
        (count(r#"{"field":"handicap","operator":"eq","value":5}"#), count(r#"{"field":"handicap","operator":"neq","value":5}"#));
    assert_eq!(equal + different + missing, everyone);
    assert_eq!(count(r#"{"not":{"field":"handicap","operator":"eq","value":5}}"#), everyone - equal);
    let recent = count(r#"{"field":"lastBookingAt","operator":"withinLast","value":"90d"}"#);
    assert_eq!(count(r#"{"field":"lastBookingAt","operator":"notWithinLast","value":"90d"}"#), everyone - recent);
    let none = count(r#"{"activity":{"type":["NEVER"]},"aggregate":"count","operator":"eq","value":0}"#);
    assert_eq!(none, everyone, "counting over nothing gives 0");
    assert_eq!(count(r#"{"activity":{"type":["NEVER"]},"aggregate":"daysSinceLast","operator":"gte","value":0}"#), 0);
}

#[test]
fn members_do_not_depend_on_batches_or_threads() {
    let mut dice = Dice::new(11);
    let population = Population::new(&mut dice, as_of(), 80);
    let definitions: Vec<Definition> =
        (0..60).map(|number| definition(number, "1", None, super::rules::rule(&mut dice, number, 3).to_string())).collect();
    let run = |rows, events, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut refresh = Refresh::new(definitions.clone(), as_of(), zone, population.people.len());
            found(&mut refresh, &population, rows, events)
        })
    };
    let first = run(80, 240, 1);
    assert_eq!(first, run(7, 13, 4));
    assert_eq!(first, run(1, 1, 2));
}

#[test]
fn no_value_of_a_rule_is_part_of_a_statement() {
    let hostile = ["x' or 1=1 --", "\"; drop table \"activity\"; --", "{a,b}", "$1", "%s", "\\"];
    let shape = |value: &str| {
        let criteria = json!({ "all": [
            { "field": "firstName", "operator": "contains", "value": value },
            { "field": "tags", "operator": "hasAny", "value": [value, value] },
            { "activity": { "type": [value], "clubId": value, "where": [{ "path": ["a", value], "operator": "eq", "value": value }] },
              "aggregate": "count", "operator": "gte", "value": 1 },
        ] });
        let mut owned = definition(0, value, Some(value), criteria.to_string());
        owned.name = value.to_owned();
        let refresh = Refresh::new(vec![owned], as_of(), zone, 0);
        segment_sql::members(&refresh.questions(), 0, None).unwrap()
    };
    let plain = shape("plain");
    for value in hostile {
        let statement = shape(value);
        assert_eq!(statement.sql, plain.sql, "{value}");
        let bound = statement.binds.iter().filter(|bind| match bind {
            Bind::Text(text) => text == value,
            Bind::Texts(texts) => texts.iter().any(|text| text == value),
        });
        assert!(bound.count() >= 6, "{value}");
    }
}

#[test]
fn birthdays_and_local_days_follow_the_tenants_clock() {
    // 22:30 UTC on the 22nd is the 23rd in Johannesburg.
    let late = Timestamp::parse("2026-11-22T22:30:00Z").unwrap();
    let clock = crm_backfill::segment_rule::Clock { as_of: late, zone: zone("1") };
    assert_eq!(clock.today(), Day::from_date("2026-11-23".parse().unwrap()));
    let clock = crm_backfill::segment_rule::Clock { as_of: late, zone: zone("2") };
    assert_eq!(clock.today(), Day::from_date("2026-11-22".parse().unwrap()));
}

/// Puts something that does not belong there at a random place of a rule.
fn damaged(dice: &mut Dice, value: &mut serde_json::Value) {
    let junk = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!("9999-12-31"),
        json!("0001-01-01"),
        json!({ "relative": "-1000y", "snap": "week" }),
        json!("2147483647s"),
        json!(true),
        json!([[[]]]),
    ];
    match value {
        serde_json::Value::Object(keys) if !keys.is_empty() && !dice.one_in(4) => {
            let key = keys.keys().nth(dice.below(keys.len())).unwrap().clone();
            if dice.one_in(8) {
                keys.remove(&key);
            } else {
                damaged(dice, keys.get_mut(&key).unwrap());
            }
        }
        serde_json::Value::Array(values) if !values.is_empty() && !dice.one_in(4) => {
            let index = dice.below(values.len());
            damaged(dice, &mut values[index]);
        }
        other => *other = junk[dice.below(junk.len())].clone(),
    }
}

#[test]
fn a_hundred_thousand_damaged_rules_are_read_or_refused_and_never_break() {
    let mut dice = Dice::new(99);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..100_000 {
        let mut rule = super::rules::rule(&mut dice, 3, 3);
        damaged(&mut dice, &mut rule);
        match parse(&rule.to_string(), None) {
            Err(error) => {
                assert!(error.place.starts_with("criteria"), "{error}");
                refused += 1;
            }
            Ok(parsed) => {
                let clock = crm_backfill::segment_rule::Clock { as_of: as_of(), zone: zone("2") };
                let plan = crm_backfill::segment_rule::plan(&parsed.rule, &clock, &|_| Ok(0)).unwrap();
                let question = crm_backfill::segment_rule::Question { id: "s", tenant_id: "1", club_id: None, plan: &plan };
                assert_eq!(parse(&canonical(&parsed.rule).to_string(), None).unwrap().rule, parsed.rule);
                if plan.references().is_empty() {
                    assert!(segment_sql::members(&[Some(question)], 0, None).is_some());
                }
                read += 1;
            }
        }
    }
    assert!(read > 5_000 && refused > 50_000, "{read} read, {refused} refused");
}
