//! Tests: each violation of a requirement of the target is reported alone.

use super::*;
use crate::consolidate::Options;
use crate::consolidate::sample::{Built, World, at, evidence, person, with_email};
use crate::model::{Channel, Handicap, derived_id};
use crate::tables::stage::people;
use crate::tables::{Builder as _, Table as _, TextList};

fn world() -> World {
    let mut world = World::default();
    world
        .add(Source::Scl, people::Row { created_at: Some(at("01-01")), ..with_email("7", "jo@mail.test") }, "a")
        .add(Source::Messaging, with_email("c", "jo@mail.test"), "a")
        .add(Source::Messaging, person("d"), "b");
    world.consents = vec![evidence("c", "p1", Channel::Email, true, "02-01")];
    world
}

fn batch<T: crate::tables::Table>(rows: &[T::Row<'_>]) -> RecordBatch {
    let mut builder = T::builder(rows.len());
    for &row in rows {
        T::push(&mut builder, row);
    }
    builder.finish()
}

/// The checks that fail for a changed row after correct ones.
fn profile(change: impl FnOnce(&mut customer_profiles::Row<'_>)) -> Vec<Proof> {
    with(|proofs, built| {
        let mut rows: Vec<_> = built.profiles.rows().collect();
        change(rows.last_mut().unwrap());
        let batch = batch::<customer_profiles::Table>(&rows);
        proofs.profiles(&batch, &customer_profiles::Table::columns(&batch).unwrap());
    })
}

fn with(examine: impl FnOnce(&mut Proofs<'_>, &Built)) -> Vec<Proof> {
    let world = world();
    let built = world.build(&Options::sample());
    let record_index = world.record_index();
    let mut proofs = Proofs::new(&record_index);
    examine(&mut proofs, &built);
    proofs.finish().into_iter().map(|(proof, _)| proof).collect()
}

#[test]
fn all_proofs_hold_of_what_is_built() {
    let broken = with(|proofs, built| {
        proofs.profiles(&built.slice.profiles, &built.profiles);
        proofs.aliases(&built.slice.aliases, &built.aliases);
        proofs.consents(&built.slice.consents, &built.consents);
        for columns in &built.activities {
            let batch = batch::<activities::Table>(&columns.rows().collect::<Vec<_>>());
            proofs.activities(&batch, columns);
        }
    });
    assert_eq!(broken, []);
    assert_eq!(Proof::ALL.len(), 18);
}

#[test]
fn each_violated_requirement_of_profiles_is_reported_alone() {
    let world = world();
    let (a, b) = (world.id("a"), world.id("b"));
    let last_id = a.clone().max(b.clone());
    let first_id = a.min(b);
    assert_eq!(profile(|_| {}), []);
    assert_eq!(profile(|row| row.source = "elsewhere"), [Proof::Service]);
    assert_eq!(profile(|row| row.external_ids = "[]"), [Proof::Json]);
    assert_eq!(profile(|row| row.first_name = Some("a\0b")), [Proof::NoNul]);
    assert_eq!(profile(|row| row.first_seen_at = Timestamp(1)), [Proof::Millis]);
    assert_eq!(profile(|row| row.first_seen_at = Timestamp::INFINITY), [Proof::Millis]);
    assert_eq!(profile(|row| row.handicap = Some(Handicap(10_000))), [Proof::Handicap]);
    assert_eq!(profile(|row| row.tenant_id = "2"), [Proof::Customer]);
    assert_eq!(profile(|row| row.tenant_id = ""), [Proof::Present, Proof::Customer]);
    assert_eq!(profile(|row| row.id = "9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"), [Proof::OwnIds, Proof::Customer]);
    let twin = first_id.clone();
    let repeated = with(|proofs, built| {
        let mut rows: Vec<_> = built.profiles.rows().collect();
        assert_eq!(rows[1].id, last_id);
        rows[1].id = &twin;
        let batch = batch::<customer_profiles::Table>(&rows);
        proofs.profiles(&batch, &customer_profiles::Table::columns(&batch).unwrap());
    });
    assert_eq!(repeated, [Proof::ProfileId]);
}

#[test]
fn unique_columns_of_profiles_may_not_repeat_and_nulls_may() {
    let twice = |change: fn(&mut customer_profiles::Row<'_>)| {
        with(|proofs, built| {
            let mut rows: Vec<_> = built.profiles.rows().collect();
            for row in &mut rows {
                (row.auth_user_id, row.scl_member_id, row.teetime_player_id, row.messaging_contact_id) = (None, None, None, None);
                change(row);
            }
            let batch = batch::<customer_profiles::Table>(&rows);
            proofs.profiles(&batch, &customer_profiles::Table::columns(&batch).unwrap());
        })
    };
    assert_eq!(twice(|_| {}), []);
    assert_eq!(twice(|row| row.auth_user_id = Some("idp|1")), [Proof::AuthUserId]);
    assert_eq!(twice(|row| row.scl_member_id = Some("7")), [Proof::SclMemberId]);
    assert_eq!(twice(|row| row.teetime_player_id = Some("p")), [Proof::TeetimePlayerId]);
    assert_eq!(twice(|row| row.messaging_contact_id = Some("c")), [Proof::MessagingContactId]);
}

#[test]
fn each_violated_requirement_of_child_rows_is_reported() {
    let stranger = derived_id("profile", &["unknown"]).to_string();
    let alias = |change: &dyn Fn(&mut identity_aliases::Row<'_>)| {
        with(|proofs, built| {
            let mut row = built.aliases.row(0);
            change(&mut row);
            let batch = batch::<identity_aliases::Table>(&[row]);
            proofs.aliases(&batch, &identity_aliases::Table::columns(&batch).unwrap());
        })
    };
    assert_eq!(alias(&|row| row.confidence = 101), [Proof::Alias]);
    assert_eq!(alias(&|row| row.value = ""), [Proof::Present]);
    let consent = |change: &dyn Fn(&mut marketing_consents::Row<'_>)| {
        with(|proofs, built| {
            let mut row = built.consents.row(0);
            change(&mut row);
            let batch = batch::<marketing_consents::Table>(&[row]);
            proofs.consents(&batch, &marketing_consents::Table::columns(&batch).unwrap());
        })
    };
    assert_eq!(consent(&|row| row.status = ConsentStatus::OptedOut), [Proof::Consent]);
    assert_eq!(consent(&|row| row.consented_at = None), [Proof::Consent]);
    let foreign = with(|proofs, built| {
        let rows = [activities::Row { customer_id: &stranger, ..built.all_activities()[0] }];
        let batch = batch::<activities::Table>(&rows);
        proofs.activities(&batch, &activities::Table::columns(&batch).unwrap());
    });
    assert_eq!(foreign, [Proof::Customer]);
    let repeated = with(|proofs, built| {
        let batch = batch::<activities::Table>(&[built.all_activities()[0]; 2]);
        proofs.activities(&batch, &activities::Table::columns(&batch).unwrap());
    });
    assert_eq!(repeated, [Proof::Activity]);
}

#[test]
fn interactions_and_candidates_are_unique_and_candidates_ordered() {
    let world = world();
    let (a, b) = (world.id("a"), world.id("b"));
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let id = derived_id("x", &[]).to_string();
    let interaction = campaign_interactions::Row {
        id: &id,
        tenant_id: "1",
        campaign_id: "k",
        customer_id: &low,
        channel: None,
        interaction_type: "SENT",
        message_id: "m",
        occurred_at: at("01-01"),
    };
    let repeated = with(|proofs, _| {
        let batch = batch::<campaign_interactions::Table>(&[interaction; 2]);
        proofs.interactions(&batch, &campaign_interactions::Table::columns(&batch).unwrap());
    });
    assert_eq!(repeated, [Proof::Interaction]);
    let pair = duplicate_candidates::Row {
        id: &id,
        tenant_id: "1",
        profile_a_id: &low,
        profile_b_id: &high,
        score: 50,
        reasons: TextList::Slice(&["EMAIL"]),
    };
    let candidates = |rows: &[duplicate_candidates::Row<'_>]| {
        let batch = batch::<duplicate_candidates::Table>(rows);
        with(|proofs, _| proofs.candidates(&batch, &duplicate_candidates::Table::columns(&batch).unwrap()))
    };
    assert_eq!(candidates(&[pair]), []);
    assert_eq!(candidates(&[pair, pair]), [Proof::Candidate]);
    let turned = duplicate_candidates::Row { profile_a_id: &high, profile_b_id: &low, ..pair };
    assert_eq!(candidates(&[turned]), [Proof::Candidate]);
    assert_eq!(candidates(&[duplicate_candidates::Row { score: 101, ..pair }]), [Proof::Candidate]);
}
