//! Segments: the evaluator over files against its oracle, the statement that PostgreSQL runs over the same people.

mod dialects;
mod language;
pub mod population;
mod rules;

use std::collections::BTreeMap;

use chrono_tz::Tz;
use crm_backfill::dsn::Dsn;
use crm_backfill::model::{Code as _, Timestamp};
use crm_backfill::pg::Connection;
use crm_backfill::pg::verify::segment_sql;
use crm_backfill::segment::{Definition, Refresh};
use crm_backfill::segment_rule::{Field, Operator, canonical, parse};
use crm_backfill::tables::ProfileIndex;
use crm_backfill::tables::Table as _;
use crm_backfill::tables::score::memberships;

use serde_json::Value;

use crate::support::postgres::database;
use population::{Dice, Population};

const POPULATIONS: u64 = 100;
const RULES: usize = 100;

fn definition(number: usize, tenant: &str, club: Option<&str>, criteria: String) -> Definition {
    Definition {
        id: format!("segment-{number:03}"),
        tenant_id: tenant.to_owned(),
        club_id: club.map(str::to_owned),
        name: format!("S{number}"),
        criteria: Some(criteria),
        combinator: None,
        is_refreshed: true,
        is_new: false,
    }
}

fn zone(tenant: &str) -> Tz {
    if tenant == "1" { Tz::Africa__Johannesburg } else { Tz::Europe__London }
}

/// Members by segment, as the evaluator over files finds them with batches of these sizes.
fn found(refresh: &mut Refresh, population: &Population, rows: usize, events: usize) -> BTreeMap<String, Vec<String>> {
    let (people, scores) = population.people(rows);
    let index = ProfileIndex::new(&people);
    refresh.add_activities(&population.timeline(events), &index);
    let members = refresh.members(&people, &scores);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    refresh
        .memberships(&members, &index, |batch| {
            for row in memberships::Table::columns(&batch).unwrap().rows() {
                found.entry(row.segment_id.to_owned()).or_default().push(row.customer_id.to_owned());
            }
            Ok::<(), ()>(())
        })
        .unwrap();
    found
}

/// Every key of a rule, and every text that is one word of the language, parts of `sum:players` and `externalIds.mcaId` included.
fn words_of(rule: &Value, found: &mut impl FnMut(&str)) {
    match rule {
        Value::Object(keys) => {
            for (key, value) in keys {
                found(key);
                words_of(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| words_of(value, found)),
        Value::String(text) => {
            found(text);
            if let Some((aggregate, _)) = text.split_once(':') {
                found(aggregate);
            }
        }
        _ => {}
    }
}

#[test]
fn both_evaluators_agree_on_ten_thousand_rules() {
    let database = database(include_str!("../../schemas/crm.sql"));
    let connection = Connection::open(&Dsn::new(&database.url, "test"), "the CRM").unwrap();
    connection.batch("set jit = off").unwrap();
    let collation = segment_sql::case_collation(&connection).unwrap();
    assert!(collation.is_some(), "the server can fold the case of letters beyond ASCII");
    let instants = ["2026-11-22T08:00:00Z", "2026-10-25T00:30:00Z", "2028-02-29T22:30:00Z", "2027-03-28T01:15:00.123Z"];
    let (mut compared, mut members, mut empty) = (0, 0, 0);
    let mut drawn: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for seed in 0..POPULATIONS {
        let mut dice = Dice::new(seed);
        let as_of = Timestamp::parse(instants[seed as usize % instants.len()]).unwrap();
        let population = Population::new(&mut dice, as_of, 40);
        connection.batch(&population.sql()).unwrap();
        // References stay within a tenant: one tenant per population.
        let tenant = ["1", "2"][dice.below(2)];
        let definitions: Vec<Definition> = (0..RULES)
            .map(|number| {
                let club = if dice.one_in(20) { Some("c1") } else { None };
                definition(number, tenant, club, rules::rule(&mut dice, number, 3).to_string())
            })
            .collect();
        let mut refresh = Refresh::new(definitions.clone(), as_of, zone, population.people.len());
        let found = found(&mut refresh, &population, 16, 50);
        let questions = refresh.questions();
        for (position, definition) in definitions.iter().enumerate() {
            let criteria = definition.criteria.as_deref().unwrap();
            let parsed = parse(criteria, None).unwrap_or_else(|error| panic!("seed {seed}, {criteria}: {error}"));
            let written = canonical(&parsed.rule);
            for said in [written.clone(), dialects::builder(&written), dialects::document(&written)] {
                let read = parse(&said.to_string(), None).unwrap_or_else(|error| panic!("{said}: {error}"));
                assert_eq!(read.rule, parsed.rule, "{said}");
            }
            let statement = segment_sql::members(&questions, position, collation).expect("every generated rule can be evaluated");
            let rows = connection.query(&statement.sql, &statement.parameters());
            let rows = rows.unwrap_or_else(|error| panic!("seed {seed}, {criteria}: {error:?}\n{}", statement.sql));
            let expected: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let observed = found.get(&definition.id).cloned().unwrap_or_default();
            assert_eq!(observed, expected, "seed {seed}, {criteria}\n{}", statement.sql);
            compared += 1;
            words_of(&written, &mut |word| {
                let seen: &mut (usize, usize) = drawn.entry(word.to_owned()).or_default();
                seen.0 += 1;
                seen.1 += usize::from(!expected.is_empty());
            });
            members += expected.len();
            empty += usize::from(expected.is_empty());
        }
    }
    assert_eq!(compared, POPULATIONS as usize * RULES);
    let operators = Operator::ALL.iter().map(|operator| operator.code());
    let fields = Field::ALL.iter().map(|field| field.code());
    let others =
        ["memberOf", "notMemberOf", "all", "any", "not", "type", "category", "channel", "sourceService", "clubId", "where"];
    let aggregates = ["count", "countDistinct", "distinctDays", "sum", "avg", "min", "max", "daysSinceLast", "daysSinceFirst"];
    let windows = ["window", "from", "to", "includeFuture", "relative", "snap", "day", "week", "month", "year"];
    for word in operators.chain(fields).chain(others).chain(aggregates).chain(windows) {
        let (rules, with_members) = drawn.get(word).copied().unwrap_or_default();
        assert!(rules >= 20 && with_members > 0, "{word}: in {rules} rules, {with_members} of them with members");
    }
    assert!(members > 30_000 && empty < compared / 2, "the rules tell people apart: {members} members, {empty} empty");
}

#[test]
fn verification_finds_missing_and_extra_segment_members() {
    let database = database(include_str!("../../schemas/crm.sql"));
    let connection = Connection::open(&Dsn::new(&database.url, "test"), "the CRM").unwrap();
    let as_of = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
    let population = Population::new(&mut Dice::new(21), as_of, 60);
    connection.batch(&population.sql()).unwrap();
    let rule = r#"{"field":"engagementScore","operator":"gte","value":40}"#;
    let mut refresh = Refresh::new(vec![definition(0, "1", None, rule.to_owned())], as_of, zone, 60);
    let members = found(&mut refresh, &population, 60, 60).remove("segment-000").unwrap();
    connection
        .batch("insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"updatedAt\") values ('segment-000', '1', 'S0', now())")
        .unwrap();
    let add = |id: &str, source: &str| {
        let sql = "insert into \"CustomerSegmentMembership\" (\"id\", \"tenantId\", \"segmentId\", \"customerId\", \"source\") \
                   values ($1, '1', 'segment-000', $1, $2)";
        connection.execute(sql, &[&id, &source]).unwrap();
    };
    let differing = || -> (i64, i64) {
        let statement = segment_sql::comparison(&refresh.questions(), 0..1, None).unwrap();
        let row = connection.query_one(&statement.sql, &statement.parameters()).unwrap();
        (row.get(1), row.get(2))
    };
    let count = members.len() as i64;
    assert_eq!(differing(), (count, count));
    for (number, member) in members.iter().enumerate() {
        add(member, if number == 0 { "MANUAL" } else { "RULE" });
    }
    assert_eq!(differing(), (count, 0));
    let outsiders: Vec<&str> = population
        .people
        .iter()
        .map(|person| person.id.as_str())
        .filter(|id| !members.iter().any(|member| member == id))
        .collect();
    let sql = "select \"id\" from \"CustomerProfile\" where \"id\" = any($1) and \"status\" <> 'MERGED' order by 1";
    let outsiders: Vec<String> = connection.query(sql, &[&outsiders]).unwrap().iter().map(|row| row.get(0)).collect();
    add(&outsiders[0], "MANUAL");
    assert_eq!(differing(), (count, 0));
    add(&outsiders[1], "RULE");
    assert_eq!(differing(), (count + 1, 1));
    connection.batch(&format!("delete from \"CustomerSegmentMembership\" where \"id\" = '{}'", members[1])).unwrap();
    assert_eq!(differing(), (count + 1, 2));
}
