//! Tests: withdrawals hold over any sequence of loads. Uses a model of what load records, and an oracle that reads only the inputs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::consolidate::Options;
use crate::consolidate::consent::earlier::{EarlierWithdrawal, Recorded};
use crate::consolidate::sample::{Built, World, evidence, logged_act, with_email};
use crate::model::{ActivityChannel, Channel, MessageKind, Source, Timestamp};
use crate::tables::Table as _;
use crate::tables::check::rejects;
use crate::tables::crm::suppressions;
use crate::tables::stage::{consents, messages, people};

/// What a first load at this instant records for a build.
pub fn recorded(built: &Built, as_of: Timestamp) -> Vec<EarlierWithdrawal> {
    let mut memory = Memory::default();
    memory.load(built, as_of);
    memory.earlier()
}

/// Tenant, channel, contact point and scope.
type Key = (String, Channel, String, String);

/// `backfill.withdrawn` and `backfill.undated`, as load keeps them.
#[derive(Default)]
struct Memory {
    withdrawn: BTreeMap<Key, (String, Option<Timestamp>, Timestamp)>,
    undated: BTreeMap<String, Timestamp>,
}

impl Memory {
    fn load(&mut self, built: &Built, as_of: Timestamp) {
        for row in suppressions::Table::columns(&built.suppressions).unwrap().rows().filter(|row| row.reason == "WITHDRAWN") {
            let key = (row.tenant_id.to_owned(), row.channel, row.address.to_owned(), row.scope.to_owned());
            let stands = row.lifted_after.expect("a withdrawal says what lifts it");
            let (since, first) = (row.revoked_at.map_or(as_of, |_| stands), row.revoked_at);
            let known = self.withdrawn.entry(key).or_insert(("WITHDRAWN".to_owned(), first, since));
            (known.1, known.2) = (known.1.max(row.revoked_at), known.2.max(stands));
        }
        for key in &built.undated {
            self.undated.entry(key.clone()).or_insert(as_of);
        }
    }

    fn earlier(&self) -> Vec<EarlierWithdrawal> {
        let row = |(key, value): (&Key, &(String, Option<Timestamp>, Timestamp))| EarlierWithdrawal {
            tenant_id: key.0.clone(),
            channel: key.1,
            address: key.2.clone(),
            scope: key.3.clone(),
            revoked_at: value.1,
            lifted_after: value.2,
            reason: value.0.clone(),
        };
        self.withdrawn.iter().map(row).collect()
    }
}

const CONTACTS: [&str; 3] = ["c", "d", "e"];
const ADDRESSES: [&str; 2] = ["x@mail.test", "y@mail.test"];
const PROFILES: [&str; 2] = ["a", "b"];
const SCOPES: [&str; 2] = ["all", "newsletter"];
const IDS: [&str; 10] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"];

fn day(number: usize) -> Timestamp {
    Timestamp::parse("2024-01-01T00:00:00Z").unwrap().plus_days(i64::try_from(number).unwrap())
}

/// The kind of a statement about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Preference,
    LoggedByAgent,
    Act,
    Complaint,
}

/// A row of a source: contact, kind, grant, day (none: undated), scope. Its position is its id, so rows keep theirs.
#[derive(Clone, Copy, Debug)]
struct Statement {
    contact: usize,
    kind: Kind,
    is_grant: bool,
    day: Option<usize>,
    scope: usize,
}

/// A contact: address, profile (2: deleted), flag (none: unreadable where `is_odd`), day of its last change.
#[derive(Clone, Copy, Debug)]
struct Contact {
    address: usize,
    profile: usize,
    flag: Option<bool>,
    is_odd: bool,
    changed: Option<usize>,
}

/// One export: its day, its contacts, and which of the statements it holds.
#[derive(Clone, Debug)]
struct Round {
    contacts: Vec<Contact>,
    holds: Vec<bool>,
}

fn statement() -> impl Strategy<Value = Statement> {
    let kind = prop::sample::select(vec![Kind::Preference, Kind::LoggedByAgent, Kind::Act, Kind::Act, Kind::Complaint]);
    (0..3_usize, kind, any::<bool>(), prop::option::of(0..30_usize), 0..2_usize).prop_map(
        |(contact, kind, is_grant, day, scope)| {
            let is_complaint = kind == Kind::Complaint;
            Statement { contact, kind, is_grant: is_grant && !is_complaint, day, scope: if is_complaint { 0 } else { scope } }
        },
    )
}

fn contact() -> impl Strategy<Value = Contact> {
    let flag = prop::option::of(any::<bool>());
    (0..2_usize, 0..3_usize, flag, prop::bool::weighted(0.2), prop::option::of(0..30_usize)).prop_map(
        |(address, profile, flag, is_odd, changed)| Contact { address, profile, flag, is_odd: is_odd && flag.is_none(), changed },
    )
}

fn history() -> impl Strategy<Value = (Vec<Statement>, Vec<Round>)> {
    let round = (prop::collection::vec(contact(), 3), prop::collection::vec(prop::bool::weighted(0.7), 10))
        .prop_map(|(contacts, holds)| Round { contacts, holds });
    (prop::collection::vec(statement(), 10), prop::collection::vec(round, 1..4))
}

/// Exports are taken every ten days and contain only what is dated before.
fn as_of(round: usize) -> usize {
    10 * (round + 1)
}

fn is_held(round: &Round, number: usize, position: usize, statement: &Statement) -> bool {
    round.holds[position] && statement.day.is_none_or(|day| day <= as_of(number))
}

fn world(statements: &[Statement], round: &Round, number: usize) -> World {
    let mut world = World::default();
    for (position, contact) in round.contacts.iter().enumerate() {
        let changed = contact.changed.filter(|&changed| changed <= as_of(number));
        let row = people::Row {
            email_opt_in: contact.flag,
            updated_at: changed.map(day),
            ..with_email(CONTACTS[position], ADDRESSES[contact.address])
        };
        match PROFILES.get(contact.profile) {
            Some(name) => world.add(Source::Messaging, row, name),
            None => world.skip(Source::Messaging, people::Row { deleted_at: Some(day(0)), ..row }),
        };
        if contact.is_odd {
            let (source, entity, source_id) = (Source::Messaging, "contacts", CONTACTS[position]);
            world.rejects.push(rejects::Row {
                source,
                entity,
                source_id,
                line: 1,
                column: Some("email_opt_in"),
                reason: "BOOLEAN_INVALID",
            });
        }
    }
    let held = statements.iter().enumerate().filter(|(position, statement)| is_held(round, number, *position, statement));
    for (position, statement) in held {
        let (contact, id, at) = (CONTACTS[statement.contact], IDS[position], statement.day.map_or(day(as_of(number)), day));
        let row = consents::Row {
            scope: SCOPES[statement.scope],
            at,
            changed_at: at,
            is_undated: statement.day.is_none(),
            ..evidence(contact, id, Channel::Email, statement.is_grant, "01-01")
        };
        match statement.kind {
            Kind::Preference => world.consents.push(row),
            Kind::LoggedByAgent => world.consents.push(consents::Row { is_act: false, ..logged_act(row) }),
            Kind::Act => world.consents.push(logged_act(row)),
            Kind::Complaint => world.messages.push(messages::Row {
                row_id: id,
                source_id: contact,
                kind: MessageKind::Complained,
                status_raw: "spam",
                channel: Some(ActivityChannel::Email),
                channel_raw: "EMAIL",
                template_id: None,
                template_name: None,
                campaign_id: None,
                created_at: statement.day.map(day),
            }),
        }
    }
    world
}

/// A withdrawal of an export that nothing in it lifted: contact point, scope, and the time that an action must be later than.
type Standing = (usize, usize, usize);

/// The withdrawals of an export; `seen` holds the day on which each undated one was first exported.
fn standing(statements: &[Statement], round: &Round, number: usize, seen: &mut BTreeMap<String, usize>) -> Vec<Standing> {
    let held: Vec<(usize, &Statement)> =
        statements.iter().enumerate().filter(|(position, statement)| is_held(round, number, *position, statement)).collect();
    let mut since = |key: String, stated: Option<usize>| stated.unwrap_or_else(|| *seen.entry(key).or_insert(as_of(number)));
    let mut all = Vec::new();
    for (position, statement) in held.iter().filter(|(_, statement)| !statement.is_grant) {
        let at = since(format!("statement {position}"), statement.day);
        all.push((statement.contact, statement.scope, at));
    }
    for (position, contact) in round.contacts.iter().enumerate() {
        let changed = contact.changed.filter(|&changed| changed <= as_of(number));
        if contact.is_odd {
            all.push((position, 0, since(format!("flag {position}"), changed)));
        }
        // A false flag withdraws where there is an opt-in. Without a date it counts from the load that first saw it beside any statement.
        for scope in (0..2).filter(|_| contact.flag == Some(false)) {
            let beside: Vec<bool> = held
                .iter()
                .filter(|(_, statement)| statement.contact == position && statement.scope == scope)
                .map(|(_, statement)| statement.is_grant)
                .collect();
            if beside.is_empty() {
                continue;
            }
            let at = since(format!("flag {position}"), changed);
            if beside.contains(&true) {
                all.push((position, scope, at));
            }
        }
    }
    let lifts = |contact: usize, scope: usize, at: usize| {
        held.iter().any(|(_, act)| {
            act.kind == Kind::Act
                && act.is_grant
                && (act.contact, act.scope) == (contact, scope)
                && act.day.is_some_and(|day| day > at)
        })
    };
    all.retain(|&(contact, scope, at)| !lifts(contact, scope, at));
    all.into_iter().map(|(contact, scope, at)| (round.contacts[contact].address, scope, at)).collect()
}

proptest! {
    #[test]
    fn no_sequence_of_loads_opts_anybody_in_without_a_later_explicit_action((statements, rounds) in history()) {
        let mut memory = Memory::default();
        let mut withdrawn: Vec<Standing> = Vec::new();
        let mut seen = BTreeMap::new();
        for (number, round) in rounds.iter().enumerate() {
            let mut world = world(&statements, round, number);
            world.earlier = memory.earlier();
            world.recorded = Recorded::new(memory.undated.clone());
            let options = Options { as_of: day(as_of(number)), ..Options::sample() };
            let built = world.build(&options);
            withdrawn.extend(standing(&statements, round, number, &mut seen));
            for profile in built.profiles.rows().filter(|profile| profile.email_opt_in) {
                let shown = ADDRESSES.iter().position(|address| Some(*address) == profile.email).expect("one of two");
                for &(_, scope, at) in withdrawn.iter().filter(|(address, ..)| *address == shown) {
                    let is_proof = |(position, act): (usize, &Statement)| {
                        let of = &round.contacts[act.contact];
                        is_held(round, number, position, act) && act.kind == Kind::Act && act.is_grant && act.scope == scope
                            && of.address == shown && of.profile < 2 && act.day.is_some_and(|day| day > at)
                    };
                    prop_assert!(statements.iter().enumerate().any(is_proof), "round {}: {:?} of day {}", number, SCOPES[scope], at);
                }
            }
            memory.load(&built, options.as_of);
            // The same export again changes nothing.
            world.earlier = memory.earlier();
            world.recorded = Recorded::new(memory.undated.clone());
            let again = world.build(&options);
            prop_assert_eq!(&built.slice.profiles, &again.slice.profiles);
        }
    }
}
