//! Invented people and timelines for the segment tests: the same in Arrow and in the CRM, full of edges.

use std::fmt::Write as _;

use crm_backfill::model::{ActivityCategory, Code as _, CustomerStatus, Day, Gender, Handicap, LifecycleStage, Timestamp};
use crm_backfill::tables::crm::{activities, customer_profiles};
use crm_backfill::tables::score::profiles as scores;
use crm_backfill::tables::{Builder as _, Table as _, TextList};

use crate::support::sql::{at, number, quoted};

/// A small generator of numbers: the same seed, the same world.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.one_in(4) { None } else { Some(value(self)) }
    }
}

pub const NAMES: &[&str] =
    &["Anne", "anne ", " ANNE", "Zoë", "ZOË", "O'Brien", "100%_", "ann", "", "Ünal", "x' or 1=1 --", "\tBob\n", "bo\\b", "Łucja"];
pub const CLUBS: &[&str] = &["c1", "C1", "c2", "club 3"];
pub const TIERS: &[&str] = &["Gold", "gold", "SILVER ", "Bronze"];
pub const PHONES: &[&str] = &["+27825551234", "+447911123456"];
pub const STATUSES: &[&str] = &["Active", "LAPSED", "resigned", "Expired "];
pub const TAGS: &[&str] = &["arrears", "VIP", "vip", "suspended", "junior "];
pub const TYPES: &[&str] = &["TEETIME_BOOKED", "TEETIME_COMPLETED", "MESSAGE_OPENED", "MESSAGE_SENT", "CLUB_JOINED"];
pub const CHANNELS: &[&str] = &["EMAIL", "SMS", "carrier pigeon"];
pub const SERVICES: &[&str] = &["teetime", "messaging", "scl"];
pub const METADATA: &[&str] = &[
    r#"{"players":4,"courseId":"A","paid":true,"deep":{"x":1.5}}"#,
    r#"{"players":2,"courseId":"a ","paid":false,"deep":{"x":-0.25}}"#,
    r#"{"players":null,"courseId":"B","deep":{"x":"1.5"}}"#,
    r#"{"players":"4","courseId":7,"deep":{}}"#,
    r#"{"players":3.5,"courseId":"Zoë","deep":{"x":1e3}}"#,
    r#"{"players":[1,2],"courseId":true,"deep":7}"#,
    r#"{"players":0.1234567,"courseId":"","deep":{"x":123456789012345}}"#,
    "{}",
];

pub struct Person {
    pub id: String,
    tenant: &'static str,
    email: Option<&'static str>,
    external: String,
    first: Option<&'static str>,
    last: Option<&'static str>,
    born: Option<Day>,
    gender: Gender,
    status: CustomerStatus,
    stage: LifecycleStage,
    tags: Vec<&'static str>,
    handicap: Option<Handicap>,
    club: Option<&'static str>,
    membership: Option<&'static str>,
    tier: Option<&'static str>,
    since: Option<Timestamp>,
    opt_in: [bool; 4],
    seen: Timestamp,
    scores: [Option<i32>; 2],
    counts: [i32; 4],
    last_at: [Option<Timestamp>; 4],
    phone: Option<&'static str>,
    /// authUserId, teetimePlayerId, messagingContactId: each is one person's at most.
    service_ids: [Option<String>; 3],
    scl_member: Option<String>,
    display: Option<&'static str>,
    handicap_at: Option<Timestamp>,
    club_name: Option<&'static str>,
    expiry: Option<Timestamp>,
    source: &'static str,
}

pub struct Event {
    customer: usize,
    kind: &'static str,
    category: ActivityCategory,
    channel: Option<&'static str>,
    service: &'static str,
    club: Option<&'static str>,
    at: Timestamp,
    metadata: Option<&'static str>,
}

pub struct Population {
    pub people: Vec<Person>,
    pub events: Vec<Event>,
}

/// An instant near a limit: whole days, months and a year around as_of, to the millisecond, and local midnights.
pub fn instant(dice: &mut Dice, as_of: Timestamp) -> Timestamp {
    let days = [0, 1, 7, 29, 30, 31, 60, 89, 90, 91, 180, 365, 366, -1, -10][dice.below(15)];
    let off = [0, 0, 1_000, -1_000, 3_600_000_000, -7_200_000_000][dice.below(6)];
    let at = Timestamp(as_of.plus_days(-days).0 + off);
    if dice.one_in(3) { Timestamp(at.day().start_utc().0 + off) } else { at }
}

fn day(dice: &mut Dice, as_of: Timestamp) -> Day {
    let today = as_of.day().0;
    match dice.below(4) {
        0 => Day(today - dice.below(20_000) as i32),
        1 => Day::from_date("2004-02-29".parse().unwrap()),
        2 => Day(today - 365 * dice.below(60) as i32 + dice.below(40) as i32),
        _ => Day(today - dice.below(3) as i32),
    }
}

impl Population {
    pub fn new(dice: &mut Dice, as_of: Timestamp, size: usize) -> Self {
        let mut people: Vec<Person> = (0..size).map(|number| Self::person(dice, as_of, number)).collect();
        people.sort_by(|a, b| a.id.cmp(&b.id));
        let events = (0..size * 3).map(|_| Self::event(dice, as_of, size)).collect();
        Self { people, events }
    }

    fn person(dice: &mut Dice, as_of: Timestamp, number: usize) -> Person {
        let external = match dice.below(4) {
            0 => "{}".to_owned(),
            1 => format!(r#"{{"mcaId":"M{}"}}"#, dice.below(3)),
            2 => format!(r#"{{"mcaV1ZaId":"m{}","mcaV1UkId":"M{}","cdhId":"m1"}}"#, dice.below(3), dice.below(3)),
            _ => format!(r#"{{"golfRsaId":"{}","mcaId":"m1"}}"#, dice.below(3)),
        };
        Person {
            id: format!("bf11{:04x}-0000-8000-8000-{number:012x}", dice.below(65_536)),
            tenant: ["1", "1", "2"][dice.below(3)],
            email: dice.maybe(|dice| dice.pick(&["a@mail.test", "B@mail.test", "zoë@mail.test"])),
            external,
            first: dice.maybe(|dice| dice.pick(NAMES)),
            last: dice.maybe(|dice| dice.pick(NAMES)),
            born: dice.maybe(|dice| day(dice, as_of)),
            gender: Gender::ALL[dice.below(4)],
            status: CustomerStatus::ALL[dice.below(3)],
            stage: LifecycleStage::ALL[dice.below(7)],
            tags: (0..dice.below(4)).map(|_| dice.pick(TAGS)).collect(),
            handicap: dice.maybe(|dice| Handicap(dice.below(80) as i32 * 5 - 50)),
            club: dice.maybe(|dice| dice.pick(CLUBS)),
            membership: dice.maybe(|dice| dice.pick(STATUSES)),
            tier: dice.maybe(|dice| dice.pick(TIERS)),
            since: dice.maybe(|dice| instant(dice, as_of)),
            opt_in: std::array::from_fn(|_| dice.one_in(2)),
            seen: instant(dice, as_of),
            scores: std::array::from_fn(|_| dice.maybe(|dice| dice.below(6) as i32 * 20)),
            counts: std::array::from_fn(|_| dice.below(6) as i32),
            last_at: std::array::from_fn(|_| dice.maybe(|dice| instant(dice, as_of))),
            phone: dice.maybe(|dice| dice.pick(PHONES)),
            service_ids: std::array::from_fn(|_| dice.maybe(|_| format!("Idp|{number}"))),
            scl_member: dice.maybe(|_| number.to_string()),
            display: dice.maybe(|dice| dice.pick(NAMES)),
            handicap_at: dice.maybe(|dice| instant(dice, as_of)),
            club_name: dice.maybe(|dice| dice.pick(CLUBS)),
            expiry: dice.maybe(|dice| instant(dice, as_of)),
            source: dice.pick(SERVICES),
        }
    }

    fn event(dice: &mut Dice, as_of: Timestamp, size: usize) -> Event {
        Event {
            customer: dice.below(size),
            kind: dice.pick(TYPES),
            category: ActivityCategory::ALL[dice.below(3)],
            channel: dice.maybe(|dice| dice.pick(CHANNELS)),
            service: dice.pick(SERVICES),
            club: dice.maybe(|dice| dice.pick(CLUBS)),
            at: instant(dice, as_of),
            metadata: dice.maybe(|dice| dice.pick(METADATA)),
        }
    }

    /// The people and their scores in batches of this many rows.
    pub fn people(&self, size: usize) -> (Vec<customer_profiles::Columns>, Vec<scores::Columns>) {
        self.people.chunks(size).map(|chunk| (profiles(chunk), scores_of(chunk))).unzip()
    }

    /// The timeline in batches of this many rows.
    pub fn timeline(&self, size: usize) -> Vec<activities::Columns> {
        let batches = self.events.chunks(size).enumerate();
        batches.map(|(batch, events)| self.activities(events, batch * size)).collect()
    }

    fn activities(&self, events: &[Event], first: usize) -> activities::Columns {
        let mut rows = activities::Builder::new(events.len());
        for (number, event) in events.iter().enumerate() {
            let person = &self.people[event.customer];
            rows.push(activities::Row {
                id: &format!("a{}", first + number),
                tenant_id: person.tenant,
                customer_id: &person.id,
                activity_type: event.kind,
                category: event.category,
                channel: event.channel,
                title: "",
                description: None,
                source_service: event.service,
                source_id: &(first + number).to_string(),
                club_id: event.club,
                club_name: None,
                occurred_at: event.at,
                metadata: event.metadata,
            });
        }
        activities::Table::columns(&rows.finish()).unwrap()
    }

    /// Statements that put the same people and timeline into an empty CRM.
    pub fn sql(&self) -> String {
        let mut sql = "truncate \"CustomerProfile\" cascade;\n".to_owned();
        for p in &self.people {
            let tags: Vec<String> = p.tags.iter().map(|tag| quoted(Some(tag))).collect();
            writeln!(
                sql,
                "insert into \"CustomerProfile\" (\"id\", \"tenantId\", \"email\", \"externalIds\", \"firstName\", \
                 \"lastName\", \"dateOfBirth\", \"gender\", \"status\", \"lifecycleStage\", \"tags\", \"handicap\", \"homeClubId\", \
                 \"membershipStatus\", \"membershipTier\", \"memberSince\", \"emailOptIn\", \"smsOptIn\", \"pushOptIn\", \
                 \"whatsappOptIn\", \"source\", \"firstSeenAt\", \"updatedAt\", \"engagementScore\", \"churnRiskScore\", \
                 \"activityCount30d\", \"activityCount90d\", \"bookingCount30d\", \"bookingCountTotal\", \"lastActivityAt\", \
                 \"lastBookingAt\", \"lastEmailOpenAt\", \"lastEmailClickAt\", \"phoneNumber\", \"authUserId\", \"teetimePlayerId\", \
                 \"messagingContactId\", \"sclMemberId\", \"displayName\", \"handicapUpdatedAt\", \"homeClubName\", \
                 \"membershipExpiry\") values ({}, {}, {}, {}, {}, {}, {}, '{}', '{}', \
                 '{}', array[{}]::text[], {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, now(), {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, \
                 {}, {}, {}, {}, {}, {}, {}, {}, {});",
                quoted(Some(&p.id)),
                quoted(Some(p.tenant)),
                quoted(p.email),
                quoted(Some(&p.external)),
                quoted(p.first),
                quoted(p.last),
                quoted(p.born.map(|day| day.to_string()).as_deref()),
                p.gender,
                p.status,
                p.stage,
                tags.join(", "),
                quoted(p.handicap.map(|handicap| handicap.to_string()).as_deref()),
                quoted(p.club),
                quoted(p.membership),
                quoted(p.tier),
                at(p.since),
                p.opt_in[0],
                p.opt_in[1],
                p.opt_in[2],
                p.opt_in[3],
                quoted(Some(p.source)),
                at(Some(p.seen)),
                number(p.scores[0]),
                number(p.scores[1]),
                p.counts[0],
                p.counts[1],
                p.counts[2],
                p.counts[3],
                at(p.last_at[0]),
                at(p.last_at[1]),
                at(p.last_at[2]),
                at(p.last_at[3]),
                quoted(p.phone),
                quoted(p.service_ids[0].as_deref()),
                quoted(p.service_ids[1].as_deref()),
                quoted(p.service_ids[2].as_deref()),
                p.scl_member.clone().unwrap_or_else(|| "null".to_owned()),
                quoted(p.display),
                at(p.handicap_at),
                quoted(p.club_name),
                at(p.expiry),
            )
            .unwrap();
        }
        for (number, event) in self.events.iter().enumerate() {
            writeln!(
                sql,
                "insert into \"Activity\" (\"id\", \"tenantId\", \"customerId\", \"type\", \"category\", \"channel\", \"title\", \
                 \"sourceService\", \"sourceId\", \"clubId\", \"occurredAt\", \"metadata\") \
                 values ('a{number}', '1', {}, '{}', '{}', {}, '', '{}', '{number}', {}, {}, {});",
                quoted(Some(&self.people[event.customer].id)),
                event.kind,
                event.category,
                quoted(event.channel),
                event.service,
                quoted(event.club),
                at(Some(event.at)),
                quoted(event.metadata),
            )
            .unwrap();
        }
        sql
    }
}

fn profiles(people: &[Person]) -> customer_profiles::Columns {
    let mut rows = customer_profiles::Builder::new(people.len());
    for p in people {
        rows.push(customer_profiles::Row {
            id: &p.id,
            tenant_id: p.tenant,
            auth_user_id: p.service_ids[0].as_deref(),
            email: p.email,
            phone_number: p.phone,
            scl_member_id: p.scl_member.as_deref(),
            teetime_player_id: p.service_ids[1].as_deref(),
            messaging_contact_id: p.service_ids[2].as_deref(),
            external_ids: &p.external,
            first_name: p.first,
            last_name: p.last,
            display_name: p.display,
            date_of_birth: p.born,
            gender: p.gender,
            status: p.status,
            lifecycle_stage: p.stage,
            tags: TextList::Slice(&p.tags),
            handicap: p.handicap,
            handicap_updated_at: p.handicap_at,
            home_club_id: p.club,
            home_club_name: p.club_name,
            membership_status: p.membership,
            membership_tier: p.tier,
            member_since: p.since,
            membership_expiry: p.expiry,
            email_opt_in: p.opt_in[0],
            sms_opt_in: p.opt_in[1],
            push_opt_in: p.opt_in[2],
            whatsapp_opt_in: p.opt_in[3],
            source: p.source,
            first_seen_at: p.seen,
        });
    }
    customer_profiles::Table::columns(&rows.finish()).unwrap()
}

fn scores_of(people: &[Person]) -> scores::Columns {
    let mut rows = scores::Builder::new(people.len());
    for p in people {
        rows.push(scores::Row {
            id: &p.id,
            engagement_score: p.scores[0],
            churn_risk_score: p.scores[1],
            activity_count_30d: p.counts[0],
            activity_count_90d: p.counts[1],
            booking_count_30d: p.counts[2],
            booking_count_total: p.counts[3],
            booking_count_played: 0,
            last_activity_at: p.last_at[0],
            last_booking_at: p.last_at[1],
            last_email_open_at: p.last_at[2],
            last_email_click_at: p.last_at[3],
            recency: 0,
            frequency: 0,
            monetary: 0,
            breadth: 0,
            depth: 0,
            decline: 0,
            payment: 0,
            email_drop: 0,
            tier_drop: 0,
            complaint: 0,
        });
    }
    scores::Table::columns(&rows.finish()).unwrap()
}
