//! The messaging service: contacts, their consents and their messages.

use anyhow::Result;

use crate::model::{Source, Timestamp};
use crate::pg::local::Client;

use super::between;
use super::random::{Draws, Weights};
use super::records::{DemoRecord, DemoRecords};
use super::rows::{Filled, Rows};

/// What a contact really wants for a channel. The tables are drawn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stance {
    Yes,
    No,
    /// Opted in and withdrew later.
    Withdrew,
    /// Withdrew and opted in again.
    Returned,
    /// Was never asked.
    Unasked,
}

const STANCES: &[(Stance, u32)] =
    &[(Stance::Yes, 54), (Stance::No, 14), (Stance::Withdrew, 11), (Stance::Returned, 5), (Stance::Unasked, 16)];

/// The four channels of consent, in the order of [`DemoContact::stances`].
const CHANNELS: [&[(&str, u32)]; 4] = [
    &[("EMAIL", 88), ("email", 6), ("Email", 3), ("E-mail", 2), (" EMAIL", 1)],
    &[("SMS", 90), ("sms", 6), ("Text", 3), ("mobile", 1)],
    &[("PUSH", 92), ("push", 4), ("app", 4)],
    &[("WHATSAPP", 90), ("WhatsApp", 6), ("wa", 4)],
];

const ACTS: &[(&str, u32)] =
    &[("WEB_FORM", 50), ("PREFERENCE_CENTRE", 20), ("SMS_KEYWORD", 6), ("APP", 12), ("DOUBLE_OPT_IN", 8), ("PAPER_FORM", 4)];
const OTHERS: &[(&str, u32)] = &[("IMPORT", 60), ("SYSTEM", 15), ("ADMIN", 15), ("MIGRATION", 8), ("CRM_2019", 2)];
const WITHDRAWALS: &[(&str, u32)] =
    &[("UNSUBSCRIBE_LINK", 55), ("STOP_REPLY", 20), ("PREFERENCE_CENTRE", 12), ("AGENT", 8), ("COMPLAINT", 3), ("IMPORT", 2)];

/// The properties of a contact that determine its rows in all four tables.
struct DemoContact {
    stances: [Stance; 4],
    deleted_at: Option<Timestamp>,
    /// How many messages the contact gets and reads: 0 reads none, 2 reads most.
    reads: u8,
    bounces: bool,
}

fn contact(records: &DemoRecords, number: usize, record: &DemoRecord) -> DemoContact {
    let mut draws = Draws::of(records.community.seed, "contact", number as u64);
    let mut stances = [(); 4].map(|()| draws.weighted(STANCES));
    let is_deleted = draws.chance(0.03);
    if is_deleted && draws.chance(0.5) {
        stances[0] = Stance::Withdrew;
    }
    let since = if record.updated_at.is_finite() { record.updated_at } else { records.community.as_of.plus_days(-400) };
    let deleted_at = is_deleted.then(|| between(&mut draws, since, records.community.as_of.plus_days(-1)));
    DemoContact { stances, deleted_at, reads: draws.weighted(&[(0, 35), (1, 40), (2, 25)]), bounces: draws.chance(0.025) }
}

/// Fills Messaging.
pub(super) fn fill(client: &mut Client, records: &DemoRecords) -> Result<Vec<Filled>> {
    Ok(vec![
        fill_contacts(client, records)?,
        fill_preferences(client, records)?,
        fill_changes(client, records)?,
        fill_messages(client, records)?,
    ])
}

fn fill_contacts(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let mut rows = Rows::into(client, "\"Contact\"")?;
    for (number, record) in records.of(Source::Messaging).enumerate() {
        let mut draws = Draws::of(records.community.seed, "flags", number as u64);
        let contact = contact(records, number, &record);
        let mut flag = |stance: Stance| match stance {
            Stance::Yes => draws.chance(0.96),
            Stance::No | Stance::Withdrew => draws.chance(0.06),
            Stance::Returned => draws.chance(0.6),
            Stance::Unasked => draws.chance(0.25),
        };
        let (by_email, by_text) = (flag(contact.stances[0]), flag(contact.stances[1]));
        rows.plain(&record.id).plain(record.tenant.as_deref().unwrap_or("default")).text(record.email.as_deref());
        rows.text(record.phone.as_deref()).text(record.auth_user_id.as_deref()).plain(by_email).plain(by_text);
        rows.at(record.created_at).at(record.updated_at).at_or_null(contact.deleted_at).end()?;
    }
    rows.finish()
}

/// A channel of consent: its position in [`CHANNELS`] and its spelling in the row. A few rows have an unknown channel.
fn channel(draws: &mut Draws) -> (usize, &'static str) {
    let channel = draws.weighted(&[(0, 46), (1, 28), (2, 14), (3, 12)]);
    let spelled = draws.weighted(CHANNELS[channel]);
    match draws.below(400) {
        0 => (channel, "FAX"),
        1 => (channel, "VOICE"),
        2 => (channel, "post"),
        3..6 => (channel, "ALL"),
        _ => (channel, spelled),
    }
}

fn scope(draws: &mut Draws) -> Option<&'static str> {
    draws.weighted(&[
        (None, 560),
        (Some("all"), 140),
        (Some("marketing"), 140),
        (Some("Newsletter"), 70),
        (Some("competitions"), 30),
        (Some("teetime"), 20),
        (Some("transactional"), 20),
        (Some("promo"), 12),
        (Some(""), 5),
        (Some("VIP Draw"), 3),
    ])
}

fn fill_preferences(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let (seed, as_of) = (records.community.seed, records.community.as_of);
    let mut rows = Rows::into(client, "\"ContactPreference\"")?;
    let mut id = 0_u64;
    for (number, record) in records.of(Source::Messaging).enumerate() {
        let mut draws = Draws::of(seed, "preference", number as u64);
        let draws = &mut draws;
        let stances = contact(records, number, &record).stances;
        let since = if record.created_at.is_finite() { record.created_at } else { as_of.plus_days(-800) };
        let mut last = None;
        for _ in 0..draws.weighted(&[(0, 17), (1, 23), (2, 27), (3, 20), (4, 13)]) {
            // Sometimes the same consent is stored twice, and the two rows may contradict each other.
            let ((channel, spelled), scope) = match last {
                Some(last) if draws.chance(0.04) => last,
                _ => (channel(draws), scope(draws)),
            };
            last = Some(((channel, spelled), scope));
            let wanted = match stances[channel] {
                Stance::Yes => true,
                Stance::No | Stance::Withdrew => false,
                Stance::Returned => draws.chance(0.7),
                Stance::Unasked => draws.chance(0.5),
            };
            let opted_in = if draws.chance(0.07) { !wanted } else { wanted };
            let created = between(draws, since, as_of.plus_days(-2).max(since));
            let updated = match draws.below(1000) {
                0 => as_of.plus_days(draws.between(1, 90)),
                1 => Timestamp::INFINITY,
                2..500 => created,
                _ => between(draws, created, as_of.plus_days(-1).max(created)),
            };
            id += 1;
            rows.plain(format_args!("pref-{id:07}")).plain(&record.id).plain(spelled).text(scope).plain(opted_in);
            rows.at(created).at(updated).end()?;
        }
    }
    rows.finish()
}

fn fill_changes(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let (seed, as_of) = (records.community.seed, records.community.as_of);
    let mut rows = Rows::into(client, "\"ConsentChangeLog\"")?;
    let mut id = 0_u64;
    for (number, record) in records.of(Source::Messaging).enumerate() {
        let mut draws = Draws::of(seed, "consent change", number as u64);
        let draws = &mut draws;
        let contact = contact(records, number, &record);
        let count = if contact.deleted_at.is_some() { 2 } else { draws.weighted(&[(0, 67), (1, 18), (2, 11), (4, 4)]) };
        let since = if record.created_at.is_finite() { record.created_at } else { as_of.plus_days(-800) };
        for _ in 0..count {
            let (channel, spelled) = if contact.deleted_at.is_some() { (0, "EMAIL") } else { channel(draws) };
            let scope = if draws.chance(0.75) { None } else { scope(draws) };
            let first = between(draws, since, as_of.plus_days(-30).max(since));
            let second = if draws.chance(0.03) { first } else { between(draws, first, as_of.plus_days(-1).max(first)) };
            let steps: &[(bool, Timestamp)] = match contact.stances[channel] {
                Stance::Yes => &[(true, first)],
                Stance::No => &[(false, first)],
                Stance::Withdrew => &[(true, first), (false, second)],
                Stance::Returned => &[(false, first), (true, second)],
                Stance::Unasked => &[],
            };
            let mut before = None;
            for (agreed, at) in steps {
                // Not every later opt-in is an explicit action: an import does not lift a withdrawal.
                let is_act = draws.chance(if before == Some(false) { 0.7 } else { 0.6 });
                let source = draws.weighted(match (agreed, is_act) {
                    (true, true) => ACTS,
                    (true, false) => OTHERS,
                    (false, _) => WITHDRAWALS,
                });
                let at = match draws.below(1000) {
                    0 => as_of.plus_days(draws.between(1, 90)),
                    // Whole days, as some forms write them, so that entries have equal times.
                    1..100 => at.day().start_utc(),
                    _ => *at,
                };
                id += 1;
                rows.plain(format_args!("chg-{id:07}")).plain(&record.id).plain(spelled).text(scope).plain(source);
                rows.plain_or_null(before.filter(|_| !draws.chance(0.2))).plain(agreed).at(at).end()?;
                before = Some(*agreed);
            }
        }
    }
    rows.finish()
}

/// A mailing to many contacts.
struct Campaign {
    id: String,
    template: &'static str,
    channel: usize,
    sent_at: Timestamp,
}

fn campaigns(records: &DemoRecords, tenant: &str) -> Vec<Campaign> {
    let community = &records.community;
    let template = ["club-news", "summer-offer", "open-day", "renewal", "survey"];
    let month = |number: i64| {
        let mut draws = Draws::of(community.seed, "campaign", number as u64 * 2 + u64::from(tenant == "1"));
        let sent_at = Timestamp(
            community.as_of.plus_days(-15 * number - draws.between(1, 9)).day().start_utc().0
                + draws.between(7, 16) * 3_600_000_000,
        );
        let channel = draws.weighted(&[(0, 62), (1, 26), (2, 6), (3, 6)]);
        Campaign { id: format!("cmp-{tenant}-{number:03}"), template: template[draws.below(template.len())], channel, sent_at }
    };
    (0..57).map(month).collect()
}

fn fill_messages(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let community = &records.community;
    let mut reads = Vec::with_capacity(records.count(Source::Messaging));
    let mut tenants = Vec::with_capacity(reads.capacity());
    let mut weights = Vec::with_capacity(reads.capacity());
    for (number, record) in records.of(Source::Messaging).enumerate() {
        let contact = contact(records, number, &record);
        let is_wanted = matches!(contact.stances[0], Stance::Yes | Stance::Returned | Stance::Unasked);
        let is_left_alone = Draws::of(community.seed, "left alone", number as u64).chance(0.12);
        weights.push(match (contact.deleted_at, contact.bounces) {
            _ if is_left_alone => 0,
            (Some(_), _) => 2,
            (None, true) => 5,
            _ if is_wanted => 10,
            _ => 3,
        });
        reads.push((contact.reads, contact.bounces));
        tenants.push(record.tenant.as_deref() == Some("2"));
    }
    let weights = Weights::new(weights);
    let campaigns = [campaigns(records, "1"), campaigns(records, "2")];
    let within = community.sized(600_000);
    let before = community.sized(50_000);
    let window = community.as_of.minus_years(2);
    let mut rows = Rows::into(client, "\"MessageLog\"")?;
    for number in 0..within + before {
        let mut draws = Draws::of(community.seed, "message", number as u64);
        let draws = &mut draws;
        let Some(contact) = weights.draw(draws) else { break };
        let (reads, bounces) = reads[contact];
        let campaign = draws.chance(0.72).then(|| &campaigns[usize::from(tenants[contact])][draws.below(57)]);
        let transactional =
            draws.weighted(&[("booking-confirmation", 60), ("password-reset", 8), ("invoice", 20), ("welcome", 12)]);
        let mut channel = campaign.map_or_else(|| draws.weighted(&[(0, 70), (1, 25), (2, 5)]), |campaign| campaign.channel);
        let mut created = match campaign {
            Some(campaign) => Timestamp(campaign.sent_at.0 + draws.between(0, 3 * 3_600_000_000)),
            None => between(draws, window, community.as_of),
        };
        let is_in = number < within;
        let mut campaign = campaign;
        if is_in != (created >= window) || created > community.as_of {
            created = if is_in {
                between(draws, window, community.as_of)
            } else {
                between(draws, community.as_of.plus_days(-5 * 365), Timestamp(window.0 - 1))
            };
            campaign = None;
            channel = 0;
        }
        match number {
            // The limits of the exported window.
            0 => created = window,
            _ if number == within => created = Timestamp(window.0 - 1),
            _ => {}
        }
        let spelled = match draws.below(200) {
            0 => "VOICE",
            1 => "in-person",
            2 => "carrier-pigeon",
            _ => draws.weighted(CHANNELS[channel]),
        };
        let status = if bounces && draws.chance(0.8) {
            draws.weighted(&[("BOUNCED", 60), ("hardbounce", 20), ("softbounce", 12), ("UNDELIVERED", 8)])
        } else {
            status(draws, reads, channel)
        };
        let template = campaign.map_or(transactional, |campaign| campaign.template);
        let has_template = !draws.chance(0.02);
        rows.plain(format_args!("m{:016x}{number:07x}", draws.bits())).plain(records.id(Source::Messaging, contact));
        rows.plain(spelled).plain(status).plain_or_null(has_template.then(|| format!("tpl-{template}")));
        rows.plain_or_null(has_template.then_some(template))
            .plain_or_null(campaign.map(|campaign| &campaign.id))
            .at(created)
            .end()?;
    }
    rows.finish()
}

/// The outcome of a message, for a contact who reads none (0) to most (2).
fn status(draws: &mut Draws, reads: u8, channel: usize) -> &'static str {
    let is_rare = draws.below(1000);
    if is_rare < 40 {
        return draws.weighted(&[
            ("QUEUED", 5),
            ("PENDING", 3),
            ("SCHEDULED", 2),
            ("FAILED", 14),
            ("ERROR", 3),
            ("rejected", 3),
            ("expired", 2),
            ("BLOCKED", 1),
            ("UNSUBSCRIBED", 8),
            ("STOP", 3),
            ("COMPLAINED", 3),
            ("spam", 1),
            ("BOUNCED", 6),
            ("LOST_IN_TRANSIT", 1),
            ("", 1),
        ]);
    }
    let unread = [("DELIVERED", 70), ("SENT", 24), ("delivered", 2), ("dlr", 2), ("Submitted", 1), ("ACCEPTED", 1)];
    let read = [("OPENED", 60), ("CLICKED", 18), ("read", 6), ("Seen", 4), ("DELIVERED", 12)];
    let answered = [("REPLIED", 3), ("RECEIVED", 2), ("DELIVERED", 85), ("read", 10)];
    let share = [0.02, 0.28, 0.66][usize::from(reads)];
    match (draws.chance(share), channel) {
        (true, 1) => draws.weighted(&answered),
        (true, _) => draws.weighted(&read),
        (false, _) => draws.weighted(&unread),
    }
}
