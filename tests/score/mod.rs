//! Metrics and scores compared with the SQL by which `verify` computes them a second time over the CRM.

mod step;

use std::fmt::Write as _;

use crm_backfill::model::{ActivityCategory, Channel, Code as _, ConsentStatus, MissingComponent, Timestamp};
use crm_backfill::score::{ScoreOptions, Scoring};
use crm_backfill::tables::crm::{activities, customer_profiles, marketing_consents};
use crm_backfill::tables::score::profiles;
use crm_backfill::tables::{Builder as _, Table as _, TextList};

use crate::segment::population::Dice;
use crate::support::postgres::{Database, database};
use crate::support::sql::{at, number, quoted};

const PEOPLE: usize = 300;

struct Person {
    id: String,
    status: Option<&'static str>,
    tier: Option<&'static str>,
    since: Option<Timestamp>,
    tags: Vec<&'static str>,
    first_seen: Timestamp,
}

struct Event {
    person: usize,
    kind: &'static str,
    category: ActivityCategory,
    channel: Option<&'static str>,
    at: Timestamp,
}

struct Consent {
    person: usize,
    channel: Channel,
    status: ConsentStatus,
    revoked: Option<Timestamp>,
}

struct World {
    as_of: Timestamp,
    people: Vec<Person>,
    events: Vec<Event>,
    consents: Vec<Consent>,
}

/// On the limit of a window, a millisecond next to it, or anywhere in three years.
fn instant(dice: &mut Dice, as_of: Timestamp) -> Timestamp {
    let edges = [0, 7, 8, 14, 15, 30, 31, 60, 61, 90, 91, 180, 181, 365, 366, 455, 456, -1];
    match dice.below(3) {
        0 => Timestamp(as_of.plus_days(-edges[dice.below(edges.len())]).0 + [0, 1_000, -1_000][dice.below(3)]),
        1 => Timestamp(as_of.0 - dice.below(100) as i64 * Timestamp::DAY / 2),
        _ => Timestamp(as_of.plus_days(-(dice.below(1100) as i64)).0 + 3_600_000_000),
    }
}

const MESSAGES: &[&str] = &[
    "MESSAGE_QUEUED",
    "MESSAGE_SENT",
    "MESSAGE_DELIVERED",
    "MESSAGE_OPENED",
    "MESSAGE_CLICKED",
    "MESSAGE_RECEIVED",
    "MESSAGE_BOUNCED",
    "MESSAGE_FAILED",
    "MESSAGE_UNSUBSCRIBED",
    "MESSAGE_COMPLAINED",
];

impl World {
    fn new(seed: u64, as_of: &str) -> Self {
        let dice = &mut Dice::new(seed);
        let as_of = Timestamp::parse(as_of).unwrap();
        let people = (0..PEOPLE).map(|number| Person {
            id: format!("bf11{number:04x}-0000-8000-8000-000000000000"),
            status: dice.maybe(|dice| dice.pick(&["ACTIVE", " Lapsed", "re-signed", "EXPIRED", "Over due", "grace", "frozen"])),
            tier: dice.maybe(|dice| dice.pick(&["Gold", "Silver"])).filter(|_| dice.one_in(2)),
            since: dice.maybe(|dice| instant(dice, as_of)).filter(|_| dice.one_in(3)),
            tags: if dice.one_in(5) { vec!["arrears"] } else { vec![] },
            first_seen: instant(dice, as_of),
        });
        let mut people: Vec<Person> = people.collect();
        // A third of the people have as little data as possible.
        for person in people.iter_mut().step_by(3) {
            *person = Person {
                id: person.id.clone(),
                status: None,
                tier: None,
                since: None,
                tags: vec![],
                first_seen: person.first_seen,
            };
        }
        let mut events = Vec::new();
        for person in 0..PEOPLE {
            // From an empty timeline to a busy one.
            for _ in 0..dice.below(4) * dice.below(12) {
                let is_message = dice.one_in(2);
                let (kind, category) = match (is_message, dice.below(5)) {
                    (true, _) => (dice.pick(MESSAGES), ActivityCategory::Communication),
                    (_, 0) => ("CLUB_JOINED", ActivityCategory::Membership),
                    (_, 1) => (dice.pick(&["PAYMENT_FAILED", "PAYMENT_RECEIVED"]), ActivityCategory::Payment),
                    (_, 2) => (dice.pick(&["SUPPORT_COMPLAINT", "FEEDBACK_NEGATIVE"]), ActivityCategory::Support),
                    _ => ("TEETIME_BOOKED", ActivityCategory::Booking),
                };
                let channel = if is_message {
                    Some(dice.pick(&["EMAIL", "EMAIL", "SMS", "PUSH", "WHATSAPP", "VOICE", "IN_PERSON", "fax"]))
                } else {
                    None
                };
                // Every tenth person opens no emails, or no longer does, and every tenth is very active.
                if person % 10 == 2 {
                    let (kind, ago) =
                        if person % 20 == 2 && dice.one_in(4) { ("MESSAGE_OPENED", 100) } else { ("MESSAGE_SENT", 40) };
                    let at = as_of.plus_days(-ago);
                    events.push(Event { person, kind, category: ActivityCategory::Communication, channel: Some("EMAIL"), at });
                    continue;
                }
                let at = if person % 10 == 1 { as_of.plus_days(-(dice.below(30) as i64)) } else { instant(dice, as_of) };
                events.push(Event { person, kind, category, channel, at });
            }
        }
        let consents = (0..PEOPLE).map(|person| Consent {
            person,
            channel: [Channel::Email, Channel::Sms][dice.below(2)],
            status: ConsentStatus::ALL[dice.below(2)],
            revoked: dice.maybe(|dice| instant(dice, as_of)),
        });
        let consents = consents.collect();
        Self { as_of, people, events, consents }
    }

    fn profiles(&self) -> Vec<customer_profiles::Columns> {
        self.people
            .chunks(100)
            .map(|people| {
                let mut rows = customer_profiles::Builder::new(people.len());
                for person in people {
                    rows.push(customer_profiles::Row {
                        tags: TextList::Slice(&person.tags),
                        membership_status: person.status,
                        membership_tier: person.tier,
                        member_since: person.since,
                        first_seen_at: person.first_seen,
                        ..customer_profiles::Row::blank(&person.id, "1")
                    });
                }
                customer_profiles::Table::columns(&rows.finish()).unwrap()
            })
            .collect()
    }

    fn timeline(&self, size: usize) -> Vec<activities::Columns> {
        let batches = self.events.chunks(size).enumerate();
        batches
            .map(|(batch, events)| {
                let mut rows = activities::Builder::new(events.len());
                for (number, event) in events.iter().enumerate() {
                    let id = format!("bf11{:04x}-0000-8000-8000-000000000001", batch * size + number);
                    rows.push(activities::Row {
                        id: &id,
                        tenant_id: "1",
                        customer_id: &self.people[event.person].id,
                        activity_type: event.kind,
                        category: event.category,
                        channel: event.channel,
                        title: "",
                        description: None,
                        source_service: "teetime",
                        source_id: &id,
                        club_id: None,
                        club_name: None,
                        occurred_at: event.at,
                        metadata: None,
                    });
                }
                activities::Table::columns(&rows.finish()).unwrap()
            })
            .collect()
    }

    fn consents(&self) -> marketing_consents::Columns {
        let mut rows = marketing_consents::Builder::new(self.consents.len());
        for consent in &self.consents {
            rows.push(marketing_consents::Row {
                id: "",
                tenant_id: "1",
                customer_id: &self.people[consent.person].id,
                channel: consent.channel,
                scope: "all",
                status: consent.status,
                consented_at: None,
                revoked_at: consent.revoked,
                source: "IMPORT",
                evidence: "{}",
            });
        }
        marketing_consents::Table::columns(&rows.finish()).unwrap()
    }

    fn scored(&self, options: &ScoreOptions, size: usize) -> Vec<profiles::Columns> {
        let people = self.profiles();
        let mut scoring = Scoring::new(self.as_of, &people, options);
        for batches in self.timeline(size).chunks(3) {
            scoring.add_activities(batches);
        }
        scoring.add_consents(&[self.consents()]);
        let (rows, summary) = scoring.finish(&people);
        assert_eq!((summary.profiles, summary.strays), (PEOPLE as u64, 0));
        rows.iter().map(|batch| profiles::Table::columns(batch).unwrap()).collect()
    }

    /// Statements that load this world, with the computed columns, and the reference data of the checks.
    fn sql(&self, scored: &[profiles::Columns]) -> String {
        let mut sql = String::new();
        let scores = scored.iter().flat_map(|batch| batch.rows());
        for (person, score) in self.people.iter().zip(scores) {
            assert_eq!(person.id, score.id);
            let tags: Vec<String> = person.tags.iter().map(|tag| quoted(Some(tag))).collect();
            writeln!(
                sql,
                "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"source\", \"updatedAt\", \"membershipStatus\", \
                 \"membershipTier\", \"memberSince\", \"tags\", \"firstSeenAt\", \"engagementScore\", \"churnRiskScore\", \
                 \"activityCount30d\", \"activityCount90d\", \"bookingCount30d\", \"bookingCountTotal\", \"lastActivityAt\", \
                 \"lastBookingAt\", \"lastEmailOpenAt\", \"lastEmailClickAt\") values ('{}', '1', 'scl', now(), {}, {}, {}, \
                 array[{}]::text[], {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});",
                person.id,
                quoted(person.status),
                quoted(person.tier),
                at(person.since),
                tags.join(", "),
                at(Some(person.first_seen)),
                number(score.engagement_score),
                number(score.churn_risk_score),
                score.activity_count_30d,
                score.activity_count_90d,
                score.booking_count_30d,
                score.booking_count_total,
                at(score.last_activity_at),
                at(score.last_booking_at),
                at(score.last_email_open_at),
                at(score.last_email_click_at),
            )
            .unwrap();
        }
        for (number, event) in self.events.iter().enumerate() {
            let id = format!("bf11{number:04x}-0000-8000-8000-000000000001");
            writeln!(
                sql,
                "insert into \"Activity\" (\"id\", \"tenantId\", \"customerId\", \"type\", \"category\", \"channel\", \"title\", \
                 \"sourceService\", \"sourceId\", \"occurredAt\") values ('{id}', '1', '{}', '{}', '{}', {}, '', 'teetime', '{id}', {});",
                self.people[event.person].id,
                event.kind,
                event.category,
                quoted(event.channel),
                at(Some(event.at)),
            )
            .unwrap();
        }
        for (number, consent) in self.consents.iter().enumerate() {
            writeln!(
                sql,
                "insert into \"MarketingConsent\" (\"id\", \"tenantId\", \"customerId\", \"channel\", \"status\", \"revokedAt\", \
                 \"updatedAt\") values ('bf11{number:04x}-0000-8000-8000-000000000002', '1', '{}', '{}', '{}', {}, now());",
                self.people[consent.person].id,
                consent.channel,
                consent.status,
                at(consent.revoked),
            )
            .unwrap();
        }
        sql
    }
}

/// The settings by which the CRM's session computes scores.
fn settings(world: &World, options: &ScoreOptions) -> String {
    format!(
        "set backfill.as_of = '{}'; set backfill.engaged_only = {}; set backfill.renormalised = {}; set timezone = 'UTC';",
        world.as_of,
        options.engaged_only,
        options.missing == MissingComponent::Renormalise
    )
}

/// What the named check finds: (examined, expected, observed) of each row.
fn findings(database: &Database, name: &str, settings: &str) -> Vec<(String, String, String)> {
    let rows = database.rows(&format!("{settings}{}", include_str!("../../sql/verify/crm/scores.sql")));
    let of_check = rows.into_iter().filter(|row| row[0] == name);
    of_check.map(|row| (row[2].clone(), row[3].clone(), row[4].clone())).collect()
}

const RECOMPUTED: [&str; 4] = ["engagement", "churn", "strategy_metrics", "activity_dates"];

fn assert_agreement(world: &World, options: &ScoreOptions) -> Database {
    let database = database(include_str!("../../schemas/crm.sql"));
    database.execute(&world.sql(&world.scored(options, 97)));
    for name in RECOMPUTED {
        let found = findings(&database, name, &settings(world, options));
        assert_eq!(found[0], (PEOPLE.to_string(), "0 differ".to_owned(), "0 differ".to_owned()), "{name}");
    }
    database
}

#[test]
fn sql_over_the_crm_finds_the_same_metrics_and_scores() {
    for (seed, as_of) in ["2026-11-22T08:00:00Z", "2026-03-01T00:00:00.001Z", "2028-02-29T23:59:59.999Z"].into_iter().enumerate()
    {
        assert_agreement(&World::new(seed as u64, as_of), &ScoreOptions::default());
    }
}

#[test]
fn sql_agrees_when_messages_without_a_reaction_are_left_out() {
    let options = ScoreOptions { engaged_only: true, ..ScoreOptions::default() };
    assert_agreement(&World::new(5, "2026-11-22T08:00:00Z"), &options);
}

#[test]
fn sql_agrees_when_what_cannot_be_measured_is_left_out_of_the_weights() {
    let options = ScoreOptions { missing: MissingComponent::Renormalise, ..ScoreOptions::default() };
    let world = World::new(7, "2026-11-22T08:00:00Z");
    let database = assert_agreement(&world, &options);
    let otherwise = settings(&world, &ScoreOptions::default());
    assert_ne!(findings(&database, "engagement", &otherwise)[0].2, "0 differ", "the setting decides");
}

#[test]
fn a_single_wrong_value_fails_its_check() {
    let world = World::new(9, "2026-11-22T08:00:00Z");
    let database = assert_agreement(&world, &ScoreOptions::default());
    let broken = [
        ("engagement", "\"engagementScore\" = \"engagementScore\" + 1"),
        ("churn", "\"churnRiskScore\" = coalesce(\"churnRiskScore\", 0) + 1"),
        ("strategy_metrics", "\"activityCount90d\" = \"activityCount90d\" + 1"),
        ("activity_dates", "\"lastEmailOpenAt\" = coalesce(\"lastEmailOpenAt\", now()) + interval '1 ms'"),
    ];
    for (name, change) in broken {
        database.execute(&format!("update \"CustomerProfile\" set {change} where \"id\" = '{}'", world.people[1].id));
        assert_eq!(findings(&database, name, &settings(&world, &ScoreOptions::default()))[0].2, "1 differ", "{name}");
    }
}

#[test]
fn scores_do_not_depend_on_batches_or_threads() {
    let world = World::new(2, "2026-11-22T08:00:00Z");
    let run = |size, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let scored = world.scored(&ScoreOptions::default(), size);
            scored.iter().map(|batch| format!("{:?}", batch.rows().collect::<Vec<_>>())).collect::<String>()
        })
    };
    let first = run(10_000, 1);
    assert_eq!(first, run(13, 4));
    assert_eq!(first, run(1, 2));
}

#[test]
fn the_world_reaches_every_step_of_every_component() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..4 {
        for batch in World::new(seed, "2026-11-22T08:00:00Z").scored(&ScoreOptions::default(), 500) {
            for row in batch.rows() {
                let values = [
                    ("recency", row.recency),
                    ("frequency", row.frequency),
                    ("breadth", row.breadth),
                    ("depth", row.depth),
                    ("decline", row.decline),
                    ("payment", row.payment),
                    ("email_drop", row.email_drop),
                    ("tier_drop", row.tier_drop),
                    ("complaint", row.complaint),
                    ("no churn", i32::from(row.churn_risk_score.is_none())),
                ];
                seen.extend(values);
            }
        }
    }
    let steps = |name: &str| seen.iter().filter(|(one, _)| *one == name).map(|(_, value)| *value).collect::<Vec<_>>();
    let all = [0, 20, 40, 60, 80, 100];
    for name in ["recency", "frequency", "breadth", "depth", "decline"] {
        assert_eq!(steps(name), all, "{name}");
    }
    assert_eq!(steps("payment"), [0, 40, 80, 100]);
    assert_eq!(steps("email_drop"), [0, 40, 60, 100]);
    assert_eq!(steps("tier_drop"), [0, 100]);
    assert_eq!(steps("complaint"), [0, 60, 100]);
    assert_eq!(steps("no churn"), [0, 1]);
}
