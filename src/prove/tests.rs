//! Tests: each check finds the one thing that is wrong, and nothing if everything is right.

use crate::model::{AliasType, Handicap, LinkRule, Outcome, Source, Timestamp};
use crate::prove::accounts::Accounts;
use crate::prove::duplicates::Duplicates;
use crate::prove::fields::FieldProof;
use crate::prove::links::{LinkEvidence, Links};
use crate::prove::{Finding, Profiles, RecordProfiles};
use crate::tables::check::ledger;
use crate::tables::crm::{customer_profiles, field_provenance, identity_aliases};
use crate::tables::resolution::{candidates, links};
use crate::tables::stage::people;
use crate::tables::{Builder as _, Table, TextList};

pub(super) const A: &str = "bf110000-0000-8000-8000-00000000000a";
pub(super) const B: &str = "bf110000-0000-8000-8000-00000000000b";

pub(super) fn columns<T: Table>(rows: &[T::Row<'_>]) -> T::Columns {
    let mut builder = T::builder(rows.len());
    for row in rows {
        T::push(&mut builder, *row);
    }
    T::columns(&builder.finish()).unwrap()
}

pub(super) fn profile(id: &str) -> customer_profiles::Row<'_> {
    customer_profiles::Row {
        email: Some("naledi@mail.test"),
        external_ids: r#"{"mcaV1ZaId":"1"}"#,
        source: "mca_v1_za",
        ..customer_profiles::Row::blank(id, "1")
    }
}

pub(super) fn link<'a>(source_id: &'a str, profile_id: &'a str, rule: LinkRule) -> links::Row<'a> {
    let matched = (rule != LinkRule::Founder).then_some((Source::McaZa, "1"));
    links::Row {
        source: Source::McaZa,
        entity: "members",
        source_id,
        tenant_id: Some("1"),
        profile_id: Some(profile_id),
        rule,
        confidence: 85,
        matched_source: matched.map(|(source, _)| source),
        matched_source_id: matched.map(|(_, id)| id),
        evidence: "",
        bits16: 0,
    }
}

pub(super) fn person(source_id: &str) -> people::Row<'_> {
    people::Row {
        tenant_id: Some("1"),
        email: Some("naledi@mail.test"),
        email_key: Some("naledi@mail.test"),
        first_key: Some("naledi"),
        last_key: Some("mokoena"),
        ..people::Row::blank(source_id)
    }
}

fn alias<'a>(alias_type: AliasType, value: &'a str) -> identity_aliases::Row<'a> {
    identity_aliases::Row {
        id: value,
        tenant_id: "1",
        customer_id: A,
        alias_type,
        value,
        source: "mca_v1_za",
        is_primary: alias_type == AliasType::Email,
        confidence: 100,
        first_seen_at: None,
        last_seen_at: None,
    }
}

/// The names of the comparisons that fail.
fn failing(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| !finding.holds()).map(|finding| format!("{}: {}", finding.check, finding.item)).collect()
}

fn judged(links: &[links::Row<'_>], people: &[people::Row<'_>], aliases: &[identity_aliases::Row<'_>]) -> Vec<Finding> {
    let mut profiles = Profiles::default();
    profiles.add(&columns::<customer_profiles::Table>(&[profile(A)]));
    profiles.settle();
    let links = columns::<links::Table>(links);
    let mut records = RecordProfiles::default();
    records.add(&links, &profiles);
    records.settle();
    let people = columns::<people::Table>(people);
    let places = records.places(Source::McaZa, &people);
    let mut evidence = LinkEvidence::new(&records);
    evidence.want(&links);
    evidence.add_people(Source::McaZa, &people, &places);
    evidence.settle();
    let mut joined = Links::new(&profiles, &records, false);
    joined.add_links(&links);
    joined.add_people(Source::McaZa, &people, &places);
    joined.add_aliases(&columns::<identity_aliases::Table>(aliases));
    joined.judge(&links, &evidence);
    joined.finish()
}

fn own_aliases() -> Vec<identity_aliases::Row<'static>> {
    vec![alias(AliasType::Email, "naledi@mail.test"), alias(AliasType::McaV1ZaId, "1"), alias(AliasType::McaV1ZaId, "2")]
}

#[test]
fn a_sound_profile_passes_every_check_of_links() {
    let links = [link("1", A, LinkRule::Founder), link("2", A, LinkRule::Email)];
    assert_eq!(failing(&judged(&links, &[person("1"), person("2")], &own_aliases())), Vec::<String>::new());
}

#[test]
fn a_link_without_what_its_rule_says_is_found_with_its_record() {
    let links = [link("1", A, LinkRule::Founder), link("2", A, LinkRule::Email)];
    let other = people::Row { email_key: Some("other@mail.test"), ..person("2") };
    let found = judged(&links, &[person("1"), other], &own_aliases());
    assert_eq!(failing(&found), ["link_evidence: EMAIL links whose two records do not share it"]);
    let finding = found.iter().find(|finding| !finding.holds()).unwrap();
    assert_eq!((finding.examined, finding.examples.as_slice()), (1, &["mca_za:2".to_owned()][..]));
}

#[test]
fn names_are_compared_without_blanks_and_punctuation() {
    let born = crate::model::Day(5_000);
    let links = [link("1", A, LinkRule::Founder), link("2", A, LinkRule::NameDob)];
    let of = |last: &'static str, id: &'static str| people::Row { last_key: Some(last), born_on: Some(born), ..person(id) };
    let people = [of("roberts lloyd", "1"), of("robertslloyd", "2")];
    assert!(failing(&judged(&links, &people, &own_aliases())).is_empty());
}

#[test]
fn a_name_needs_half_of_the_date_and_a_misspelled_one_all_of_it() {
    let links = [link("1", A, LinkRule::Founder), link("2", A, LinkRule::NameDob)];
    let of = |last: &'static str, born: &str, id: &'static str| people::Row {
        first_key: None,
        last_key: Some(last),
        born_on: born.parse().ok().map(crate::model::Day::from_date),
        ..person(id)
    };
    let holds = |last, born| failing(&judged(&links, &[of("lanyon", "1968-07-12", "1"), of(last, born, "2")], &own_aliases()));
    for (last, born) in [("lanyon", "1968-07-21"), ("lanyon", "1986-07-12"), ("lanyln", "1968-07-12")] {
        assert!(holds(last, born).is_empty(), "{last} {born}");
    }
    for (last, born) in [("lanyln", "1968-07-21"), ("lanyon", "1986-07-21")] {
        assert_eq!(holds(last, born).len(), 1, "{last} {born}");
    }
}

#[test]
fn foreign_ids_wrong_primaries_and_missing_aliases_are_found() {
    let links = [link("1", A, LinkRule::Founder), link("2", A, LinkRule::Email)];
    let aliases =
        [alias(AliasType::Email, "other@mail.test"), alias(AliasType::McaV1ZaId, "1"), alias(AliasType::McaV1ZaId, "7")];
    let found = judged(&links, &[person("1"), person("2")], &aliases);
    assert_eq!(
        failing(&found),
        [
            "mca_za_links: linked rows without an alias",
            "mca_za_links: aliases that are not a linked row",
            "own_addresses: EMAIL shown that is not the primary alias",
        ]
    );
}

#[test]
fn seed_records_confidence_and_tenants_are_counted() {
    let steep = links::Row { confidence: 96, tenant_id: Some("2"), ..link("2", A, LinkRule::Email) };
    let found = judged(&[link("1", A, LinkRule::Email), steep], &[person("1"), person("2")], &own_aliases());
    let failing = failing(&found);
    for name in [
        "founders: profiles without exactly one seed record",
        "link_confidence: EMAIL links above the ceiling of their rule",
        "one_tenant: records linked to a profile of another tenant",
    ] {
        assert!(failing.iter().any(|found| found == name), "{name}: {failing:?}");
    }
}

/// The classes of two profiles that share an email.
fn classes(second: &[people::Row<'_>], is_candidate: bool) -> Vec<String> {
    let mut profiles = Profiles::default();
    profiles.add(&columns::<customer_profiles::Table>(&[profile(A), profile(B)]));
    profiles.settle();
    let mut records = RecordProfiles::default();
    records.add(
        &columns::<links::Table>(&["1", "2", "3"].map(|id| link(id, if id == "1" { A } else { B }, LinkRule::Founder))),
        &profiles,
    );
    records.settle();
    let mut duplicates = Duplicates::new(&profiles, &records);
    let people = columns::<people::Table>(&[&[person("1")], second].concat());
    duplicates.add_people(&people, &records.places(Source::McaZa, &people));
    if is_candidate {
        duplicates.add_candidates(&columns::<candidates::Table>(&[candidates::Row {
            a_source: Source::McaZa,
            a_source_id: "1",
            b_source: Source::McaZa,
            b_source_id: "2",
            a_profile_id: B,
            b_profile_id: A,
            tenant_id: "1",
            score: 50,
            bits16: 0,
            reasons: TextList::Slice(&[]),
            refusal: "BELOW_THRESHOLD",
            is_filed: true,
        }]));
    }
    let found = duplicates.finish();
    found.into_iter().filter(|finding| finding.observed != "0").map(|finding| finding.item).collect()
}

#[test]
fn profiles_that_share_an_email_have_a_class_or_fail() {
    let second = person("2");
    assert_eq!(classes(&[second], false), ["unclassed groups"], "same name, no constraint");
    assert_eq!(classes(&[second], true), ["CANDIDATE groups"]);
    assert_eq!(classes(&[people::Row { first_key: Some("thabo"), ..second }], false), ["HOUSEHOLD groups"]);
    assert_eq!(classes(&[people::Row { first_key: Some("n"), ..second }], false), ["unclassed groups"], "N may be Naledi");
    let nameless = people::Row { first_key: None, ..second };
    assert_eq!(classes(&[nameless], false), ["NAMELESS groups"]);
    let elsewhere = people::Row { email: Some("naledi@elsewhere.test"), ..person("3") };
    assert_eq!(classes(&[nameless, elsewhere], false), ["NAMELESS groups"], "its phone led to another person of that name");
    assert_eq!(classes(&[second, elsewhere], false), ["unclassed groups"]);
    let other_name = people::Row { first_key: Some("thabo"), ..second };
    assert_eq!(classes(&[other_name, elsewhere], false), ["HOUSEHOLD groups"], "the record with the email has another name");
}

#[test]
fn a_handicap_that_is_not_its_source_rows_is_found() {
    let mut profiles = Profiles::default();
    let shown = customer_profiles::Row { handicap: Some(Handicap(54)), ..profile(A) };
    profiles.add(&columns::<customer_profiles::Table>(&[shown]));
    profiles.settle();
    let mut records = RecordProfiles::default();
    records.add(&columns::<links::Table>(&[link("1", A, LinkRule::Founder)]), &profiles);
    records.settle();
    let judge = |handicap: i32| {
        let mut fields = FieldProof::new(&profiles, &records, Timestamp(0), &[]);
        fields.add_provenance(&columns::<field_provenance::Table>(&[field_provenance::Row {
            profile_id: A,
            field: "handicap",
            source: Source::McaZa,
            source_id: "1",
            rule: "SOURCE_ORDER",
            lost_count: 0,
        }]));
        let people = columns::<people::Table>(&[people::Row { handicap: Some(Handicap(handicap)), ..person("1") }]);
        fields.add_people(Source::McaZa, &people, &records.places(Source::McaZa, &people));
        failing(&fields.finish())
    };
    assert!(judge(54).is_empty());
    assert_eq!(judge(53), ["handicap_data: handicap that is not its source row's"]);
}

#[test]
fn a_ledger_that_loses_a_row_does_not_balance() {
    let outcome =
        |source_id| ledger::Row { source: Source::Scl, entity: "members", source_id, outcome: Outcome::Loaded, reason: None };
    let mut accounts = Accounts::default();
    accounts.add_ledger(&columns::<ledger::Table>(&[outcome("1"), outcome("2")]));
    assert_eq!(failing(&accounts.finish(&[(Source::Scl, "members", 3)])), ["ledger_balance: scl.members"]);
}
