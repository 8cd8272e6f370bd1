//! Lines of the checklist that need manual review although every check passed.

use std::fs;
use std::path::Path;

use crm_backfill::cli::Session;
use crm_backfill::config::Config;
use crm_backfill::consolidate::{Departure, Departures};
use crm_backfill::model::{Source, Timestamp};
use crm_backfill::report::checklist::checklist;
use crm_backfill::steps::checklist::facts;
use crm_backfill::steps::export;
use crm_backfill::store::{Draft, Layout, Manifest};
use crm_backfill::tables::check::departures;

const AS_OF: &str = "2026-11-22T08:00:00Z";

fn session(folder: &Path) -> Session {
    Session::for_test(Layout::new(folder.join("data")), Config::default(), Timestamp::parse(AS_OF).unwrap())
}

/// State and proof of the line with these words.
fn line(session: &Session, words: &str) -> (&'static str, String) {
    let lines = checklist(&facts(session).unwrap());
    let line = lines.into_iter().find(|line| line.words == words).unwrap();
    (line.state, line.proof)
}

#[test]
fn opt_ins_overridden_by_a_flag_alone_need_review_above_two_per_cent() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path());
    let doubts = |silenced: i64| {
        let mut counted = Departures::default();
        counted.add(Departure::ConsentFlag, silenced);
        counted.add(Departure::ConsentGrants, 1_000);
        let draft = Draft::create(&session.layout.crm(), AS_OF).unwrap();
        let mut writer = draft.writer::<departures::Table>(None).unwrap();
        counted.rows().for_each(|row| writer.push(row).unwrap());
        draft.close(None, writer).unwrap();
        draft.finish(Manifest::new("consolidate", AS_OF, Some(6)), &session.layout.previous("crm")).unwrap();
        facts(&session).unwrap().doubts
    };
    assert_eq!(doubts(20), []);
    let asked = doubts(21);
    assert_eq!(asked[0].0, "consent_flags", "the check that proves the line on consent");
    assert!(asked[0].1.contains("21 of 1,000 opt-ins (2.1 %, limit 2 %)"), "{asked:?}");
}

#[test]
fn an_export_that_lost_more_than_a_fifth_needs_review() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path());
    let dumps = folder.path().join("dumps");
    fs::create_dir_all(&dumps).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mca_za");
    for entry in fs::read_dir(fixtures).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dumps.join(entry.file_name())).unwrap();
    }
    let export_again = || {
        let args = export::ExportArgs {
            dumps: export::dumps::DumpArgs { csv: Some(dumps.clone()), ..Default::default() },
            ..Default::default()
        };
        export::run(&session, Source::McaZa, &args).unwrap();
        line(&session, "Export MCA v1 ZA data")
    };
    let keep = |lines: usize| {
        let members = fs::read_to_string(dumps.join("members.csv")).unwrap();
        let kept: Vec<&str> = members.lines().take(lines).collect();
        fs::write(dumps.join("members.csv"), kept.join("\n") + "\n").unwrap();
    };
    assert_eq!(export_again().0, "DONE", "there is none before it");
    keep(1 + 7);
    assert_eq!(export_again().0, "DONE", "one of eight went");
    keep(1 + 5);
    let (state, proof) = export_again();
    assert_eq!((state, proof.as_str()), ("NEEDS_A_PERSON", "members: 5 rows, 7 in the export before; is that right?"));
}
