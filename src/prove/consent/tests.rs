//! The proof finds each wrong row and flag, and nothing where consent is right.

use super::*;
use crate::model::{ConsentStatus, LinkRule};
use crate::prove::tests::{A, B, columns, link, person, profile};
use crate::tables::resolution::links;

/// A contact, its profile, and what the datasets say about it.
struct World<'a> {
    profiles: Vec<customer_profiles::Row<'a>>,
    contacts: Vec<(people::Row<'a>, Option<&'a str>)>,
    consents: Vec<consents::Row<'a>>,
    left: Vec<LeftWithdrawal<'a>>,
    rows: Vec<marketing_consents::Row<'a>>,
    is_global: bool,
}

/// One profile with one contact, who gave consent to email by an act at 10.
fn consenting() -> World<'static> {
    let shown = customer_profiles::Row { email_opt_in: true, ..profile(A) };
    World {
        profiles: vec![shown],
        contacts: vec![(contact("a"), Some(A))],
        consents: vec![said("a", true, 10)],
        left: Vec::new(),
        rows: vec![row(A, ConsentStatus::OptedIn, Some(10))],
        is_global: false,
    }
}

fn contact(id: &str) -> people::Row<'_> {
    people::Row { tenant_id: Some("1"), email: Some("naledi@mail.test"), email_opt_in: Some(true), ..person(id) }
}

fn said(contact: &str, is_grant: bool, at: i64) -> consents::Row<'_> {
    consents::Row {
        source_id: contact,
        entity: "consent_changes",
        row_id: "1",
        channel: Some(Channel::Email),
        scope: "newsletter",
        is_grant,
        is_act: is_grant,
        at: Timestamp(at),
        changed_at: Timestamp(at),
        is_undated: false,
        origin: None,
        channel_raw: "EMAIL",
    }
}

fn row(profile: &str, status: ConsentStatus, at: Option<i64>) -> marketing_consents::Row<'_> {
    let at = at.map(Timestamp);
    let is_in = status == ConsentStatus::OptedIn;
    marketing_consents::Row {
        id: "bf110000-0000-8000-8000-0000000000ff",
        tenant_id: "1",
        customer_id: profile,
        channel: Channel::Email,
        scope: "newsletter",
        status,
        consented_at: at.filter(|_| is_in),
        revoked_at: at.filter(|_| !is_in),
        source: "IMPORT",
        evidence: "{}",
    }
}

impl World<'_> {
    /// What is wrong: the items, with the number of wrong rows or flags.
    fn wrong(&self) -> Vec<(String, String)> {
        let mut profiles = Profiles::default();
        let shown = columns::<customer_profiles::Table>(&self.profiles);
        profiles.add(&shown);
        profiles.settle();
        let linked: Vec<links::Row<'_>> = self
            .contacts
            .iter()
            .filter_map(|(contact, profile)| {
                let link = link(contact.source_id, (*profile)?, LinkRule::Founder);
                Some(links::Row { source: Source::Messaging, entity: "contacts", ..link })
            })
            .collect();
        let mut records = RecordProfiles::default();
        records.add(&columns::<links::Table>(&linked), &profiles);
        records.settle();
        let rules = ConsentRules {
            as_of: Timestamp(100),
            default_tenant: "1",
            is_flag_enough: false,
            is_false_flag_withdrawal: true,
            is_suppression_global: self.is_global,
            recorded: HashMap::default(),
        };
        let contacts: Vec<people::Row<'_>> = self.contacts.iter().map(|(contact, _)| *contact).collect();
        let contacts = columns::<people::Table>(&contacts);
        let places = records.places(Source::Messaging, &contacts);
        let mut proof = ConsentProof::new(&profiles, &records, rules, ProfileConsent::each_of(&shown).collect());
        proof.add_consents(&columns::<consents::Table>(&self.consents));
        self.left.iter().for_each(|left| proof.add_left(*left));
        proof.settle_evidence();
        proof.add_contacts(&contacts, &places);
        proof.settle_contacts();
        proof.settle_withdrawals();
        proof.add_people(&contacts, &places);
        proof.settle_people();
        proof.add_rows(&columns::<marketing_consents::Table>(&self.rows));
        let wrong = proof.finish().into_iter().filter(|finding| !finding.holds());
        wrong.map(|finding| (finding.item, finding.observed)).collect()
    }
}

fn one(item: &str) -> Vec<(String, String)> {
    vec![(item.to_owned(), "1".to_owned())]
}

#[test]
fn right_consent_has_no_finding() {
    assert_eq!(consenting().wrong(), []);
}

#[test]
fn a_row_that_is_missing_added_or_other_is_found() {
    let with = |rows| World { rows, ..consenting() }.wrong();
    let right = || row(A, ConsentStatus::OptedIn, Some(10));
    assert_eq!(with(vec![]), one("evidence without its row"));
    assert_eq!(with(vec![right(), right()]), one("rows without evidence"));
    assert_eq!(with(vec![right(), marketing_consents::Row { scope: "events", ..right() }]), one("rows without evidence"));
    assert_eq!(with(vec![row(A, ConsentStatus::OptedOut, Some(10))]), one("rows of another status"));
    assert_eq!(with(vec![row(A, ConsentStatus::OptedIn, Some(11))]), one("rows of another date"));
    let dated_twice = marketing_consents::Row { revoked_at: Some(Timestamp(3)), ..right() };
    assert_eq!(with(vec![dated_twice]), one("rows of another date"));
}

#[test]
fn a_flag_must_be_on_exactly_with_consent_to_the_shown_address() {
    let mut off = consenting();
    off.profiles[0].email_opt_in = false;
    assert_eq!(off.wrong(), one("EMAIL flags that are off and should be on"));
    let mut other = consenting();
    other.contacts[0].0.email = Some("thandi@mail.test");
    assert_eq!(other.wrong(), one("EMAIL flags that are on and should be off"));
    let mut spelled = consenting();
    (spelled.profiles[0].email, spelled.contacts[0].0.email) = (Some("na.ledi@gmail.com"), Some("naledi+golf@googlemail.com"));
    assert_eq!(spelled.wrong(), []);
    let mut dead = consenting();
    dead.contacts[0].0.status_tag = Some(StatusTag::Deceased);
    assert_eq!(dead.wrong(), one("EMAIL flags that are on and should be off"));
    let mut unwanted = consenting();
    (unwanted.contacts[0].0.email_opt_in, unwanted.contacts[0].0.updated_at) = (Some(false), Some(Timestamp(50)));
    assert_eq!(unwanted.wrong().len(), 2, "the flag is on, and the row is not a withdrawal");
}

#[test]
fn a_withdrawal_by_a_stranger_holds_for_the_address_within_its_reach() {
    for (tenant, is_global, holds) in [("1", false, true), ("2", false, false), ("2", true, true)] {
        let mut world = consenting();
        world.is_global = is_global;
        let other = people::Row { tenant_id: Some(tenant), ..contact("b") };
        world.contacts.push((other, None));
        world.consents.push(said("b", false, 5));
        let expected = if holds { vec!["EMAIL flags that are on and should be off", "rows of another status"] } else { vec![] };
        let items: Vec<String> = world.wrong().into_iter().map(|(item, _)| item).collect();
        assert_eq!(items, expected, "tenant {tenant}, global {is_global}");
        if holds {
            world.profiles[0].email_opt_in = false;
            world.rows = vec![row(A, ConsentStatus::OptedOut, Some(5))];
            assert_eq!(world.wrong(), []);
        }
    }
}

#[test]
fn an_earlier_withdrawal_holds_until_the_person_acts_later() {
    for (lifted_after, holds) in [(9, false), (10, true)] {
        let mut world = consenting();
        world.left.push(LeftWithdrawal {
            tenant: "1",
            channel: Channel::Email,
            address: "naledi@mail.test",
            scope: "newsletter",
            revoked_at: Some(Timestamp(3)),
            lifted_after: Some(Timestamp(lifted_after)),
        });
        assert_eq!(!world.wrong().is_empty(), holds, "lifted after {lifted_after}");
    }
}

#[test]
fn rows_of_two_profiles_are_not_mixed() {
    let mut world = consenting();
    world.profiles.push(customer_profiles::Row { email: Some("b@mail.test"), email_opt_in: false, ..profile(B) });
    let other = people::Row { email: Some("b@mail.test"), ..contact("b") };
    world.contacts.push((other, Some(B)));
    world.consents.push(said("b", false, 20));
    world.rows.push(row(B, ConsentStatus::OptedOut, Some(20)));
    assert_eq!(world.wrong(), []);
    world.rows[0].customer_id = B;
    world.rows[1].customer_id = A;
    assert_eq!(world.wrong(), vec![("rows of another status".to_owned(), "2".to_owned())]);
}
