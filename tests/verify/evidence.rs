//! Checks that look at evidence more than at the CRM: each is lent something wrong, and says so.

use crm_backfill::dsn::Dsn;
use crm_backfill::model::{Handicap, LinkRule, Outcome, Source};
use crm_backfill::pg::verify::checks::{CHECKS, Finding};
use crm_backfill::pg::verify::session::Verifier;
use crm_backfill::tables::{Builder as _, Table, evidence};

use crate::support::postgres::{Database, database};

const A: &str = "bf110000-0000-8000-8000-00000000000a";
const B: &str = "bf110000-0000-8000-8000-00000000000b";

/// A session on an empty CRM, or one with these rows.
fn verifier(rows: &str) -> (Database, Verifier) {
    verifier_of(rows, &[])
}

/// The same for checks that rest on tables of the session's own.
fn verifier_of(rows: &str, names: &[&str]) -> (Database, Verifier) {
    let crm = database(include_str!("../../schemas/crm.sql"));
    if !rows.is_empty() {
        crm.execute(rows);
    }
    let checks = CHECKS.iter().filter(|check| names.contains(&check.name)).collect();
    let verifier = Verifier::open(&Dsn::new(crm.url.clone(), "test"), checks, None).unwrap();
    (crm, verifier)
}

fn lend<T: Table>(verifier: &Verifier, rows: &[T::Row<'_>]) {
    let mut builder = T::builder(rows.len());
    for row in rows {
        T::push(&mut builder, *row);
    }
    verifier.lend::<T>(|send| send(builder.finish())).unwrap();
}

fn ask(verifier: &Verifier, name: &str) -> Vec<Finding> {
    verifier.ask(CHECKS.iter().find(|check| check.name == name).unwrap()).unwrap()
}

fn differing(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter(|finding| finding.expected != finding.observed).map(|finding| finding.item.as_str()).collect()
}

fn person(source_id: &str) -> evidence::people::Row<'_> {
    evidence::people::Row {
        source: Source::McaZa,
        source_id,
        profile_id: Some(A),
        tenant_id: Some("1"),
        rule: Some(LinkRule::Founder),
        confidence: 100,
        matched_source: None,
        matched_source_id: None,
        own_tenant_id: Some("1"),
        email: Some("naledi@mail.test"),
        email_key: Some("naledi@mail.test"),
        phone: None,
        phone_key: None,
        first_key: Some("naledi"),
        last_key: Some("mokoena"),
        born_on: None,
        golf_rsa_id: None,
        cdh_id: None,
        mca_id: None,
        auth_user_id: None,
        status_tag: None,
        handicap: None,
        handicap_at: None,
        membership_status: None,
        membership_tier: None,
        joined_at: None,
        email_opt_in: None,
        sms_opt_in: None,
        created_at: None,
        updated_at: None,
        deleted_at: None,
    }
}

#[test]
fn a_ledger_that_loses_a_row_does_not_balance() {
    let (_crm, verifier) = verifier("");
    let exported = evidence::entities::Row { source: Source::Scl, entity: "members", row_count: 3, estimate: None };
    let outcome =
        |outcome, row_count| evidence::outcomes::Row { source: Source::Scl, entity: "members", outcome, reason: None, row_count };
    lend::<evidence::entities::Table>(&verifier, &[exported]);
    lend::<evidence::outcomes::Table>(&verifier, &[outcome(Outcome::Loaded, 1), outcome(Outcome::Merged, 1)]);
    assert_eq!(differing(&ask(&verifier, "ledger_balance")), ["scl.members"]);
}

#[test]
fn an_estimate_is_met_within_a_quarter() {
    let (_crm, verifier) = verifier("");
    let entity = |entity, row_count| evidence::entities::Row { source: Source::Scl, entity, row_count, estimate: Some(100) };
    lend::<evidence::entities::Table>(&verifier, &[entity("a", 75), entity("b", 74), entity("c", 125), entity("d", 126)]);
    assert_eq!(differing(&ask(&verifier, "export_estimates")), ["scl.b", "scl.d"]);
}

#[test]
fn a_link_without_what_its_rule_says_is_found() {
    let (_crm, verifier) = verifier("");
    let linked = |source_id, rule, email_key| evidence::people::Row {
        rule: Some(rule),
        confidence: 90,
        matched_source: Some(Source::McaZa),
        matched_source_id: Some("1"),
        email_key,
        ..person(source_id)
    };
    let right = linked("2", LinkRule::Email, Some("naledi@mail.test"));
    let wrong = linked("3", LinkRule::Email, Some("other@mail.test"));
    let no_phone = linked("4", LinkRule::EmailPhone, Some("naledi@mail.test"));
    let no_birth = linked("5", LinkRule::NameDob, None);
    lend::<evidence::people::Table>(&verifier, &[person("1"), right, wrong, no_phone, no_birth]);
    lend::<evidence::identifiers::Table>(&verifier, &[]);
    let findings = ask(&verifier, "link_evidence");
    assert_eq!(findings.len(), 3);
    assert_eq!(differing(&findings).len(), 3);
    let email = findings.iter().find(|finding| finding.item.starts_with("EMAIL links")).unwrap();
    assert_eq!((email.examined, email.observed.as_str()), (2, "1"));
    assert_eq!(email.examples, ["mca_za:3"]);
}

#[test]
fn a_second_address_of_the_same_cell_proves_a_link_too() {
    let (_crm, verifier) = verifier("");
    let linked = evidence::people::Row {
        rule: Some(LinkRule::Email),
        matched_source: Some(Source::McaZa),
        matched_source_id: Some("1"),
        email_key: Some("work@mail.test"),
        ..person("2")
    };
    let second = evidence::identifiers::Row {
        source: Source::McaZa,
        source_id: "1",
        kind: "EMAIL",
        value: "work@mail.test",
        is_key: true,
    };
    lend::<evidence::people::Table>(&verifier, &[person("1"), linked]);
    lend::<evidence::identifiers::Table>(&verifier, &[second]);
    assert!(differing(&ask(&verifier, "link_evidence")).is_empty());
}

#[test]
fn confidence_stays_below_the_ceiling_of_its_rule() {
    let (_crm, verifier) = verifier("");
    let linked = |source_id, confidence| evidence::people::Row { rule: Some(LinkRule::Phone), confidence, ..person(source_id) };
    lend::<evidence::people::Table>(&verifier, &[person("1"), linked("2", 85), linked("3", 86)]);
    let findings = ask(&verifier, "link_confidence");
    assert_eq!(differing(&findings).len(), 1);
    assert_eq!(findings[1].examples, ["mca_za:3"]);
}

/// People and a run, and nothing of what weighs consent.
fn lend_rest(verifier: &Verifier, people: &[evidence::people::Row<'_>]) {
    lend::<evidence::run::Table>(
        verifier,
        &[evidence::run::Row {
            phase: 1,
            as_of: crm_backfill::model::Timestamp(0),
            window_from: crm_backfill::model::Timestamp(0),
            default_tenant_id: "default",
            is_weak_consent_enough: true,
            is_false_flag_withdrawal: true,
            is_identity_global: false,
            is_suppression_global: false,
            is_engaged_only: false,
            is_renormalised: false,
        }],
    );
    lend::<evidence::people::Table>(verifier, people);
    lend::<evidence::identifiers::Table>(verifier, &[]);
    lend::<evidence::consents::Table>(verifier, &[]);
    lend::<evidence::withdrawals::Table>(verifier, &[]);
}

#[test]
fn a_handicap_that_a_linked_player_has_must_be_shown_by_somebody() {
    let (_crm, verifier) = verifier_of("", &["handicap_data"]);
    let player = |source_id| evidence::people::Row { source: Source::Teetime, handicap: Some(Handicap(54)), ..person(source_id) };
    lend_rest(&verifier, &[person("1"), player("p1"), evidence::people::Row { profile_id: Some(B), ..player("p2") }]);
    lend::<evidence::provenance::Table>(
        &verifier,
        &[evidence::provenance::Row { profile_id: A, field: "handicap", source: Source::Teetime, source_id: "p1" }],
    );
    verifier.freeze().unwrap();
    let findings = ask(&verifier, "handicap_data");
    let item = "profiles without the handicap that a linked player has";
    let finding = findings.iter().find(|finding| finding.item == item).unwrap();
    assert_eq!((finding.examined, finding.observed.as_str(), finding.examples.as_slice()), (2, "1", &[B.to_owned()][..]));
}

#[test]
fn a_booking_made_before_the_look_back_has_no_place_on_the_timeline() {
    let activity = |number: u8| {
        format!(
            r#"insert into "Activity" ("id", "tenantId", "customerId", "type", "category", "title", "sourceService", "sourceId", "occurredAt")
               values ('bf110000-0000-8000-8000-00000000001{number}', '1', '{A}', 'TEETIME_BOOKED', 'BOOKING', 't', 'teetime', 'b{number}', now());"#
        )
    };
    let (_crm, verifier) = verifier(&(two_profiles() + &activity(1) + &activity(2)));
    lend_rest(&verifier, &[person("1")]);
    lend::<evidence::early_rows::Table>(&verifier, &[evidence::early_rows::Row { service: "teetime", source_id: "b2" }]);
    verifier.freeze().unwrap();
    let findings = ask(&verifier, "timeline_window");
    assert_eq!(differing(&findings), ["BOOKING made before the look-back"]);
    assert_eq!((findings[0].examined, findings[0].observed.as_str()), (2, "1"));
}

/// Two profiles of one tenant that show one address.
fn two_profiles() -> String {
    let profile = |id: &str| {
        format!(
            r#"insert into "CustomerProfile" ("id", "tenantId", "email", "source", "firstSeenAt", "updatedAt")
               values ('{id}', '1', 'naledi@mail.test', 'mca_v1_za', '2020-01-01', '2020-01-01');"#
        )
    };
    profile(A) + &profile(B)
}

fn classes(
    second: evidence::people::Row<'_>,
    candidates: &[evidence::candidates::Row<'_>],
    hubs: &[evidence::hubs::Row<'_>],
) -> Vec<String> {
    classes_of(&[person("1"), second], candidates, hubs)
}

fn classes_of(
    people: &[evidence::people::Row<'_>],
    candidates: &[evidence::candidates::Row<'_>],
    hubs: &[evidence::hubs::Row<'_>],
) -> Vec<String> {
    let (_crm, verifier) = verifier(&two_profiles());
    lend_rest(&verifier, people);
    lend::<evidence::candidates::Table>(&verifier, candidates);
    lend::<evidence::hubs::Table>(&verifier, hubs);
    verifier.freeze().unwrap();
    let findings = ask(&verifier, "duplicate_emails");
    findings.iter().filter(|finding| finding.observed != "0").map(|finding| finding.item.clone()).collect()
}

#[test]
fn profiles_that_share_an_address_have_a_class_or_fail() {
    let second = evidence::people::Row { profile_id: Some(B), ..person("2") };
    assert_eq!(classes(second, &[], &[]), ["unclassed groups"], "same name, nothing refused");
    let pair = evidence::candidates::Row { a_profile_id: B, b_profile_id: A };
    assert_eq!(classes(second, &[pair], &[]), ["CANDIDATE groups"]);
    let hub = evidence::hubs::Row { kind: "EMAIL", tenant_id: Some("1"), value: "naledi@mail.test" };
    assert_eq!(classes(second, &[pair], &[hub]), ["HUB groups"]);
    let other = evidence::people::Row { first_key: Some("thabo"), ..second };
    assert_eq!(classes(other, &[], &[]), ["HOUSEHOLD groups"]);
    let nameless = evidence::people::Row { first_key: None, ..second };
    assert_eq!(classes(nameless, &[], &[]), ["NAMELESS groups"]);
}

#[test]
fn an_initial_says_nothing_of_a_profile_that_another_record_names_in_full() {
    let initial = evidence::people::Row { first_key: Some("n"), last_key: None, ..person("1") };
    let nomsa = evidence::people::Row { profile_id: Some(B), first_key: Some("nomsa"), last_key: Some("zulu"), ..person("2") };
    assert_eq!(classes_of(&[initial, nomsa], &[], &[]), ["unclassed groups"], "N may be Nomsa");
    assert_eq!(classes_of(&[initial, nomsa, person("3")], &[], &[]), ["HOUSEHOLD groups"], "N is Naledi");
}

#[test]
fn a_surname_counts_for_the_whole_profile() {
    let without = evidence::people::Row { last_key: None, ..person("1") };
    let other = evidence::people::Row { profile_id: Some(B), last_key: Some("zulu"), ..person("2") };
    assert_eq!(classes_of(&[without, other], &[], &[]), ["unclassed groups"]);
    assert_eq!(classes_of(&[without, other, person("3")], &[], &[]), ["HOUSEHOLD groups"]);
}
