//! Rules drawn at random over the whole language, in canonical JSON.

use serde_json::{Value, json};

use super::population::{CHANNELS, CLUBS, Dice, METADATA, NAMES, PHONES, SERVICES, STATUSES, TAGS, TIERS, TYPES};

const UNITS: &[&str] = &["h", "d", "w", "mo", "y", "s"];
const SNAPS: &[&str] = &["day", "week", "month", "year"];

/// A rule that may refer to the segments `S0` to `S<known>`.
pub fn rule(dice: &mut Dice, known: usize, depth: usize) -> Value {
    match dice.below(if depth == 0 { 6 } else { 10 }) {
        0..=3 => field(dice),
        4 => activity(dice),
        5 if known > 0 && dice.one_in(3) => {
            json!({ "segment": format!("S{}", dice.below(known)), "operator": dice.pick(&["memberOf", "notMemberOf"]) })
        }
        5 => field(dice),
        6 => json!({ "not": rule(dice, known, depth - 1) }),
        7 => json!({ "any": rules(dice, known, depth - 1) }),
        _ => json!({ "all": rules(dice, known, depth - 1) }),
    }
}

fn rules(dice: &mut Dice, known: usize, depth: usize) -> Vec<Value> {
    (0..dice.below(4)).map(|_| rule(dice, known, depth)).collect()
}

fn some_of(dice: &mut Dice, from: &[&str]) -> Vec<String> {
    (0..dice.below(4)).map(|_| dice.pick(from).to_owned()).collect()
}

fn field(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => {
            let name = dice.pick(&["firstName", "lastName", "displayName"]);
            text(dice, name, NAMES)
        }
        1 => text(dice, "homeClubId", CLUBS),
        2 => match dice.below(8) {
            0 => text(dice, "membershipTier", TIERS),
            1 => text(dice, "membershipStatus", STATUSES),
            2 => {
                let number = dice.pick(&["mcaId", "mcaV1ZaId", "mcaV1UkId", "golfRsaId", "cdhId"]);
                text(dice, &format!("externalIds.{number}"), &["m1", "M2", "m", "1"])
            }
            3 => text(dice, "phoneNumber", PHONES),
            4 => {
                let id = dice.pick(&["authUserId", "teetimePlayerId", "messagingContactId"]);
                text(dice, id, &["idp|1", "IDP|2", "idp|30"])
            }
            5 => text(dice, "homeClubName", CLUBS),
            6 => text(dice, "source", SERVICES),
            _ => text(dice, "email", &["A@MAIL.TEST", "@mail", "ZOË@mail.test"]),
        },
        3 => {
            let name = dice.pick(&["gender", "status", "lifecycleStage"]);
            text(dice, name, &["male", "ACTIVE", "inactive ", "member", "LEAD", "unknown"])
        }
        4 => number(dice),
        5 => {
            let name = dice.pick(&["emailOptIn", "smsOptIn", "pushOptIn", "whatsappOptIn"]);
            json!({ "field": name, "operator": dice.pick(&["eq", "neq"]), "value": dice.one_in(2) })
        }
        6 => list(dice),
        7 => date(dice, "dateOfBirth"),
        _ => {
            let name = dice.pick(&[
                "lastActivityAt",
                "lastBookingAt",
                "memberSince",
                "firstSeenAt",
                "lastEmailOpenAt",
                "lastEmailClickAt",
                "membershipExpiry",
                "handicapUpdatedAt",
            ]);
            date(dice, name)
        }
    }
}

fn null(dice: &mut Dice, name: &str) -> Value {
    json!({ "field": name, "operator": dice.pick(&["isNull", "isNotNull"]) })
}

fn text(dice: &mut Dice, name: &str, values: &[&str]) -> Value {
    match dice.below(5) {
        0 => null(dice, name),
        1 => json!({ "field": name, "operator": dice.pick(&["in", "notIn"]), "value": some_of(dice, values) }),
        2 => {
            let value = dice.pick(values);
            let part: String = value.chars().skip(dice.below(2)).take(1 + dice.below(3)).collect();
            json!({ "field": name, "operator": dice.pick(&["contains", "notContains", "startsWith", "endsWith"]), "value": part })
        }
        _ => json!({ "field": name, "operator": dice.pick(&["eq", "neq"]), "value": dice.pick(values) }),
    }
}

fn comparison(dice: &mut Dice, value: impl Fn(&mut Dice) -> Value) -> (&'static str, Value) {
    match dice.below(4) {
        0 => ("between", json!([value(dice), value(dice)])),
        1 => (dice.pick(&["in", "notIn"]), (0..dice.below(4)).map(|_| value(dice)).collect()),
        _ => (dice.pick(&["eq", "neq", "gt", "gte", "lt", "lte"]), value(dice)),
    }
}

fn number(dice: &mut Dice) -> Value {
    let name = dice.pick(&[
        "engagementScore",
        "churnRiskScore",
        "handicap",
        "activityCount30d",
        "activityCount90d",
        "bookingCount30d",
        "bookingCountTotal",
        "lifetimeValue",
        "sclMemberId",
    ]);
    if dice.one_in(6) {
        return null(dice, name);
    }
    let (operator, value) = comparison(dice, |dice| match name {
        "handicap" => json!(dice.below(80) as f64 / 2.0 - 5.0),
        _ => json!(dice.pick(&["0", "1", "2", "5", "20", "60", "100", "2.5", "-1"])),
    });
    json!({ "field": name, "operator": operator, "value": value })
}

fn list(dice: &mut Dice) -> Value {
    if dice.one_in(3) {
        return json!({ "field": "tags", "operator": dice.pick(&["contains", "notContains"]), "value": dice.pick(TAGS) });
    }
    json!({ "field": "tags", "operator": dice.pick(&["hasAny", "hasAll", "hasNone"]), "value": some_of(dice, TAGS) })
}

fn span(dice: &mut Dice) -> String {
    let amount = dice.pick(&["0", "1", "2", "7", "30", "90", "91", "365"]);
    format!("{amount}{}", dice.pick(UNITS))
}

fn when(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 => json!("2026-10-25"),
        1 => json!("2026-10-24T23:00:00Z"),
        2 => json!("2026-10-25T01:30:00"),
        3 => json!({ "relative": format!("-{}", span(dice)), "snap": dice.pick(SNAPS) }),
        4 => json!({ "relative": span(dice) }),
        _ => json!({ "relative": format!("-{}", span(dice)) }),
    }
}

fn date(dice: &mut Dice, name: &str) -> Value {
    let (operator, value) = match dice.below(6) {
        0 => return null(dice, name),
        1 => (dice.pick(&["withinLast", "notWithinLast", "olderThan"]), json!(span(dice))),
        2 => (dice.pick(&["withinNext", "anniversaryWithin"]), json!(span(dice))),
        3 => ("between", json!([when(dice), when(dice)])),
        4 => (
            dice.pick(&["withinLast", "notWithinLast", "olderThan"]),
            json!({ "relative": format!("-{}", span(dice)), "snap": dice.pick(SNAPS) }),
        ),
        _ => (dice.pick(&["eq", "neq", "gt", "gte", "lt", "lte", "before", "after", "on"]), when(dice)),
    };
    json!({ "field": name, "operator": operator, "value": value })
}

fn condition(dice: &mut Dice) -> Value {
    let path = dice.pick(&["players", "courseId", "paid", "deep.x", "deep", "missing"]);
    match dice.below(4) {
        0 => json!({ "path": path, "operator": dice.pick(&["isNull", "isNotNull"]) }),
        1 => {
            let (operator, value) = comparison(dice, |dice| json!([4, 2, 0, 1000][dice.below(4)]));
            json!({ "path": path, "operator": operator, "value": value })
        }
        2 => json!({ "path": path, "operator": dice.pick(&["eq", "neq"]), "value": dice.one_in(2) }),
        _ => {
            let values = ["a", "A ", "B", "zoë", "4", ""];
            json!({ "path": path, "operator": dice.pick(&["eq", "neq", "contains", "startsWith", "endsWith"]), "value": dice.pick(&values) })
        }
    }
}

fn activity(dice: &mut Dice) -> Value {
    assert!(METADATA.len() > 4, "conditions need something to find");
    let mut filter = json!({});
    let lists = [
        ("type", TYPES),
        ("category", &["booking", "MEMBERSHIP", "communication"]),
        ("channel", CHANNELS),
        ("sourceService", SERVICES),
        ("clubId", CLUBS),
    ];
    for (key, values) in lists {
        if dice.one_in(4) {
            filter[key] = json!(some_of(dice, values));
        }
    }
    if dice.one_in(2) {
        filter["where"] = (0..dice.below(3)).map(|_| condition(dice)).collect();
    }
    match dice.below(4) {
        0 => filter["window"] = json!({ "withinLast": span(dice) }),
        1 => filter["window"] = json!({ "from": when(dice), "to": when(dice) }),
        2 => filter["window"] = json!({ "from": when(dice) }),
        _ => {}
    }
    if dice.one_in(4) {
        filter["includeFuture"] = json!(true);
    }
    let aggregate = dice.pick(&[
        "count",
        "count",
        "distinctDays",
        "daysSinceLast",
        "daysSinceFirst",
        "countDistinct:courseId",
        "countDistinct:players",
        "sum:players",
        "avg:players",
        "avg:deep.x",
        "min:deep.x",
        "max:players",
    ]);
    let (operator, value) = if dice.one_in(8) {
        (dice.pick(&["isNull", "isNotNull"]), Value::Null)
    } else {
        comparison(dice, |dice| json!(dice.pick(&["0", "1", "2", "3", "3.5", "30", "90", "-0.25", "0.625"])))
    };
    json!({ "activity": filter, "aggregate": aggregate, "operator": operator, "value": value })
}
