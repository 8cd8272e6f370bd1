//! Contacts, and all evidence of their consent.

use crate::model::{Source, Timestamp};

use super::files::Making;
use super::hand::Sense;
use super::meaning::{ConsentPlace, ConsentStatement, as_of};

const SOURCE: Source = Source::Messaging;

/// Words for email, and for everything; then words for other channels, and words that no map knows.
const CHANNELS: &[(&str, Reach)] = &[
    ("EMAIL", Reach::Email),
    ("email", Reach::Email),
    ("E-mail", Reach::Email),
    (" Mail", Reach::Email),
    ("ALL", Reach::Email),
    ("*", Reach::Email),
    ("any", Reach::Email),
    ("SMS", Reach::Other),
    ("WhatsApp", Reach::Other),
    ("push", Reach::Other),
    ("FAX", Reach::Unknown),
    ("", Reach::Unknown),
    ("\u{2709}", Reach::Unknown),
    ("EMAIL+SMS", Reach::Unknown),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Email,
    Other,
    /// Unknown: a withdrawal then covers every channel.
    Unknown,
}

/// Scopes; the last ones are of service messages.
const SCOPES: &[(&str, bool)] = &[
    ("", true),
    ("all", true),
    ("Marketing", true),
    ("NEWSLETTER", true),
    ("competitions", true),
    ("something else", true),
    ("transactional", false),
    ("service", false),
];

const ACTS: &[&str] = &["WEB_FORM", "web form", "PREFERENCE_CENTRE", "Double-Opt-In", "APP", "paper form"];
const OTHERS: &[&str] = &["IMPORT", "SYSTEM", "ADMIN", "", "CRM_2019", "UNSUBSCRIBE_LINK", "STOP_REPLY"];

/// Makes contacts, preferences, the log and the messages.
pub(super) fn fill(making: &mut Making) {
    let mut number = 0;
    for person in making.chosen().into_iter().chain([0]) {
        number += 1;
        let contact = if number % 2 == 0 { format!("c{number}") } else { (100 + number).to_string() };
        make_contact(making, &contact, person);
        for row in 0..making.draws.below(4) {
            statement(making, &contact, &format!("p{number}-{row}"), ConsentPlace::Preference);
        }
        for row in 0..making.draws.below(4) {
            statement(making, &contact, &format!("{}", number * 100 + row), ConsentPlace::Log);
        }
        for row in 0..making.draws.below(4) {
            message(making, &contact, &format!("m{number}.{row}"));
        }
    }
}

fn make_contact(making: &mut Making, contact: &str, person: usize) {
    let entity = "contacts";
    let email = making.email(SOURCE, entity, contact, person);
    let number = making.people[person].phone.clone();
    let is_za = number.starts_with("+27");
    let tenant = if is_za { "1" } else { "2" };
    let number = making.phone(SOURCE, entity, "phone_number", contact, person, true);
    let at = making.past();
    let (updated, sense) = making.hand(SOURCE, entity, "updated_at").instant(at);
    let changed = (sense == Sense::Said).then_some(at);
    let flag = making.draws.chance(0.7);
    let (email_flag, sense) = making.hand(SOURCE, entity, "email_opt_in").boolean(flag);
    if sense != Sense::Nothing {
        let is_grant = flag && sense == Sense::Said;
        say(making, contact, ConsentPlace::Flag, true, is_grant, false, changed);
    }
    let text_flag = making.draws.chance(0.7);
    let is_deleted = making.draws.chance(0.2);
    let gone = making.past();
    let hand = making.hand(SOURCE, entity, "deleted_at");
    let (deleted, sense) = if is_deleted { hand.instant(gone) } else { (String::new(), Sense::Nothing) };
    making.fact(SOURCE, contact, "deleted_at", (sense != Sense::Nothing).then(|| "deleted".to_owned()), true);
    let subject = making.draws.uuid();
    let cells = [
        ("id", making.id(SOURCE, entity, "id", contact)),
        ("tenant_id", tenant.to_owned()),
        ("email", email),
        ("phone_number", number),
        ("auth_user_id", making.hand(SOURCE, entity, "auth_user_id").text(&subject)),
        ("email_opt_in", email_flag),
        ("sms_opt_in", making.hand(SOURCE, entity, "sms_opt_in").boolean(text_flag).0),
        ("created_at", making.instant(SOURCE, entity, "created_at", Some(contact))),
        ("updated_at", updated),
        ("deleted_at", deleted),
    ];
    making.row(SOURCE, entity, &cells);
}

fn say(
    making: &mut Making,
    contact: &str,
    place: ConsentPlace,
    is_marketing: bool,
    is_grant: bool,
    is_act: bool,
    at: Option<Timestamp>,
) {
    let contact = contact.to_owned();
    making.chaos.statements.push(ConsentStatement { contact, place, is_marketing, is_grant, is_act, at });
}

/// One preference or logged change.
fn statement(making: &mut Making, contact: &str, row: &str, place: ConsentPlace) {
    let (entity, word) =
        if place == ConsentPlace::Log { ("consent_changes", "consent_after") } else { ("preferences", "opted_in") };
    let (channel, reach) = CHANNELS[making.draws.below(CHANNELS.len())];
    let (scope, is_marketing) = SCOPES[making.draws.below(SCOPES.len())];
    let is_yes = making.draws.chance(0.6);
    let (consent, sense) = making.hand(SOURCE, entity, word).boolean(is_yes);
    let is_grant = is_yes && sense == Sense::Said;
    let (first, second) = (making.past(), making.past());
    let (made, changed) = if place == ConsentPlace::Log || first < second { (first, second) } else { (second, first) };
    let made = if making.draws.chance(0.02) { as_of().plus_days(30) } else { made };
    let (created, made_sense) = making.hand(SOURCE, entity, "created_at").instant(made);
    let is_act = place == ConsentPlace::Log && making.draws.chance(0.5);
    let mut cells = vec![
        ("id", making.id(SOURCE, entity, "id", row)),
        ("channel", channel.to_owned()),
        ("scope", scope.to_owned()),
        (word, consent),
        ("created_at", created),
    ];
    let mut at = (made_sense == Sense::Said).then_some(made.min(as_of()));
    if place == ConsentPlace::Log {
        cells.push(("source", making.draws.pick(if is_act { ACTS } else { OTHERS }).to_owned()));
    } else {
        let (updated, sense) = making.hand(SOURCE, entity, "updated_at").instant(changed);
        cells.push(("updated_at", updated));
        // A withdrawal counts from its last change.
        at = (sense == Sense::Said).then_some(changed).filter(|_| !is_grant).or(at.filter(|_| is_grant));
    }
    let of = if making.draws.chance(0.04) { "999999".to_owned() } else { contact.to_owned() };
    cells.push(("contact_id", making.id(SOURCE, entity, "contact_id", &of)));
    let is_said = match reach {
        Reach::Email => true,
        Reach::Other => false,
        Reach::Unknown => !is_grant,
    };
    if is_said {
        say(making, &of, place, is_marketing, is_grant, is_act, at);
    }
    making.row(SOURCE, entity, &cells);
}

fn message(making: &mut Making, contact: &str, row: &str) {
    let entity = "messages";
    let at = making.past();
    let (created, sense) = making.hand(SOURCE, entity, "created_at").instant(at);
    let status = making.draws.weighted(&[("DELIVERED", 5), ("opened", 5), ("Bounced", 2), ("SPAM", 1), ("abuse", 1), ("eh?", 1)]);
    let channel = making.draws.weighted(&[("EMAIL", 4), ("mail", 1), ("SMS", 2), ("pigeon", 1)]);
    if matches!(status, "SPAM" | "abuse") && channel != "SMS" {
        say(making, contact, ConsentPlace::Complaint, true, false, false, (sense == Sense::Said).then_some(at));
    }
    let cells = [
        ("id", making.id(SOURCE, entity, "id", row)),
        ("contact_id", making.id(SOURCE, entity, "contact_id", contact)),
        ("channel", channel.to_owned()),
        ("status", status.to_owned()),
        ("template_id", making.id(SOURCE, entity, "template_id", "17")),
        ("template_name", making.hand(SOURCE, entity, "template_name").text("welcome")),
        ("campaign_id", making.id(SOURCE, entity, "campaign_id", "4")),
        ("created_at", created),
    ];
    making.row(SOURCE, entity, &cells);
}
