//! The people that are loaded into each variant, and their changes before the second load.

use crm_backfill::model::{Channel, ConsentStatus};

use crate::support::datasets::{AS_OF, Consent, Person, World};

/// A segment that every variant has.
pub const SEGMENT: &str = "5e9a0001-0000-4000-8000-000000000001";

fn consent(name: &str, channel: Channel, status: ConsentStatus) -> Consent {
    Consent { channel, status, at: Some(AS_OF), kind: "CONSENT_LOG", key: format!("messaging:consent_changes:{name}-{channel}") }
}

fn base() -> Vec<Person> {
    let mut anna = Person::new("anna", 11);
    anna.consents.push(consent("anna", Channel::Sms, ConsentStatus::OptedOut));
    let mut bea = Person::new("bea", 12);
    bea.email = Some("anna@mail.test".to_owned());
    let mut cleo = Person::new("cleo", 133);
    cleo.email = None;
    cleo.email_opt_in = false;
    cleo.tags = vec!["arrears", "pre_whs"];
    let mut dora = Person::new("dora", 70_000);
    dora.handicap = None;
    dora.auth_user_id = Some("auth0|7".to_owned());
    dora.bookings = vec!["booking-d1".to_owned(), "booking-d2".to_owned()];
    vec![anna, bea, cleo, dora]
}

fn world(people: Vec<Person>, members: &[&str]) -> World {
    World {
        candidates: vec![("anna".to_owned(), "bea".to_owned())],
        segments: vec![(SEGMENT.to_owned(), members.iter().map(|name| (*name).to_owned()).collect(), None)],
        withdrawals: vec![("gone@mail.test".to_owned(), None)],
        ..World::of(people)
    }
    .build()
}

/// Four people: two share an email, one has none.
pub fn first() -> World {
    world(base(), &["anna", "dora"])
}

/// Later: values swapped, a person gone, another one new with what the first had.
pub fn second() -> World {
    let mut people = base();
    people.retain(|person| person.name != "cleo");
    let (anna, dora) = (people[0].clone(), people[2].clone());
    (people[0].email, people[2].email) = (dora.email, anna.email.clone());
    (people[0].scl_member_id, people[2].scl_member_id) = (dora.scl_member_id, anna.scl_member_id);
    (people[0].teetime_player_id, people[2].teetime_player_id) = (dora.teetime_player_id, anna.teetime_player_id);
    people[1].bookings.push("booking-b2".to_owned());
    people[2].bookings.remove(0);
    people[1].tags = vec!["arrears", "vip"];
    let mut eva = Person::new("eva", 133);
    eva.email = Some("cleo@mail.test".to_owned());
    people.push(eva);
    world(people, &["bea", "dora", "eva"])
}
