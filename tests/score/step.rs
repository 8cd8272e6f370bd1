//! The step on a data folder: what it writes, when it has nothing to do, and that threads do not show.

use crm_backfill::cli::Session;
use crm_backfill::config::Config;
use crm_backfill::sources::crm::segments;
use crm_backfill::steps::score::{ScoreArgs, make as run};
use crm_backfill::store::{Draft, Folder, Layout, Manifest};
use crm_backfill::tables::score::{memberships, refreshes};

use super::*;

/// A data folder that holds a world as `data/crm` and three segments as `data/exports/crm`.
fn folder(world: &World, phase: u8) -> (tempfile::TempDir, Session) {
    let root = tempfile::tempdir().unwrap();
    let layout = Layout::new(root.path().join("data"));
    let as_of = world.as_of.to_string();
    let draft = Draft::create(&layout.crm(), &as_of).unwrap();
    let mut people = draft.writer::<customer_profiles::Table>(None).unwrap();
    for row in world.profiles().iter().flat_map(|batch| batch.rows()) {
        people.push(row).unwrap();
    }
    draft.close(None, people).unwrap();
    let mut timeline = draft.writer::<activities::Table>(None).unwrap();
    for row in world.timeline(50).iter().flat_map(|batch| batch.rows()) {
        timeline.push(row).unwrap();
    }
    draft.close(None, timeline).unwrap();
    let mut consents = draft.writer::<marketing_consents::Table>(None).unwrap();
    for row in world.consents().rows() {
        consents.push(row).unwrap();
    }
    draft.close(None, consents).unwrap();
    draft.finish(Manifest::new("consolidate", &as_of, Some(phase)), &layout.previous("crm")).unwrap();

    let draft = Draft::create(&layout.exports_crm(), &as_of).unwrap();
    let mut rows = draft.writer::<segments::Table>(None).unwrap();
    let lively = r#"{"field":"activityCount30d","operator":"gte","value":1}"#;
    let definitions = [
        ("s1", "Lively", "DYNAMIC", Some(lively), true),
        ("s2", "Broken", "DYNAMIC", Some(r#"{"field":"emial","operator":"isNull"}"#), true),
        ("s3", "By hand", "STATIC", None, true),
        ("s4", "Asleep", "DYNAMIC", Some(lively), false),
    ];
    for (id, name, segment_type, criteria, is_active) in definitions {
        rows.push(segments::Row {
            id,
            tenant_id: "1",
            club_id: None,
            name,
            segment_type,
            criteria,
            combinator: Some("AND"),
            is_active,
            deleted_at: None,
        })
        .unwrap();
    }
    draft.close(None, rows).unwrap();
    draft.finish(Manifest::new("export", &as_of, None), &layout.previous("exports_crm")).unwrap();
    let session = Session::for_test(layout, Config::default(), world.as_of);
    (root, session)
}

fn refreshed(session: &Session) -> Vec<(String, i32, Option<String>, bool)> {
    let folder = Folder::open(&session.layout.score()).unwrap();
    let batches = folder.read_all::<refreshes::Table>(None).unwrap();
    let rows = batches.iter().flat_map(|batch| batch.rows());
    rows.map(|row| (row.name.to_owned(), row.rule_member_count, row.error.map(str::to_owned), row.is_new)).collect()
}

#[test]
fn scores_everybody_and_refreshes_what_can_be_refreshed() {
    let world = World::new(4, "2026-11-22T08:00:00Z");
    let (_root, session) = folder(&world, 6);
    let first = run(&session, ScoreArgs::default()).unwrap();
    assert_eq!(first.summary["counts"]["profiles"], PEOPLE);
    let rows = refreshed(&session);
    assert_eq!(rows.len(), 2, "only active DYNAMIC segments are refreshed");
    assert!(rows[0].1 > 0 && rows[0].2.is_none());
    assert_eq!(rows[1].2.as_deref(), Some(r#"criteria.field: "emial" is not a field; did you mean "email"?"#));
    let folder = Folder::open(&session.layout.score()).unwrap();
    assert_eq!(folder.rows::<memberships::Table>(None).unwrap(), rows[0].1 as u64);
    let again = run(&session, ScoreArgs::default()).unwrap();
    assert_eq!(again.summary["unchanged"], true);
    assert_eq!(first.summary["facts"]["score_version"], "1");
    let mut session = session;
    session.config.scores.missing = MissingComponent::Renormalise;
    let other = run(&session, ScoreArgs::default()).unwrap();
    assert_eq!(other.summary["facts"]["score_version"], "1+renormalise");
    assert!(other.text.contains("engagement is at most 100"), "{}", other.text);
}

#[test]
fn starter_segments_are_created_only_when_asked_for() {
    let world = World::new(6, "2026-11-22T08:00:00Z");
    let (_root, session) = folder(&world, 6);
    run(&session, ScoreArgs { starter_segments: true, ..ScoreArgs::default() }).unwrap();
    let rows = refreshed(&session);
    let new: Vec<_> = rows.iter().filter(|row| row.3).collect();
    assert_eq!(new.len(), 11);
    assert!(new.iter().all(|row| row.2.is_none()), "{new:?}");
    run(&session, ScoreArgs::default()).unwrap();
    assert!(refreshed(&session).iter().all(|row| !row.3));
}

#[test]
fn before_phase_six_there_are_datasets_without_rows() {
    let world = World::new(4, "2026-11-22T08:00:00Z");
    let (_root, session) = folder(&world, 5);
    run(&session, ScoreArgs { starter_segments: true, ..ScoreArgs::default() }).unwrap();
    let folder = Folder::open(&session.layout.score()).unwrap();
    assert_eq!(folder.rows::<profiles::Table>(None).unwrap(), 0);
    assert_eq!(folder.rows::<refreshes::Table>(None).unwrap(), 0);
}

#[test]
fn files_are_the_same_bytes_whatever_the_number_of_threads() {
    let world = World::new(8, "2026-11-22T08:00:00Z");
    let hashes = |threads| {
        let (_root, session) = folder(&world, 6);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&session, ScoreArgs { starter_segments: true, ..ScoreArgs::default() })).unwrap();
        let folder = Folder::open(&session.layout.score()).unwrap();
        (folder.manifest.content_hash(), folder.manifest.files)
    };
    assert_eq!(hashes(1), hashes(4));
}
