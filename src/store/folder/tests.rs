//! Tests of complete folders.

use super::*;
use crate::store::{Draft, Layout};
use crate::tables::check::findings;
use crate::tables::{Builder as _, Columns as _};

fn written(layout: &Layout, rows: usize) -> Folder {
    let mut builder = findings::Builder::new(rows);
    for _ in 0..rows {
        builder.push(findings::Row {
            source: Source::Scl,
            entity: "members",
            column: "email",
            effect: "CLEANED",
            reason: "TEXT_BLANKS",
            value: None,
            value_count: 1,
        });
    }
    let draft = Draft::create(&layout.stage(), "2026-11-01T08:00:00.000Z").unwrap();
    draft.write::<findings::Table>(None, [builder.finish()]).unwrap();
    draft.finish(Manifest::new("stage", "2026-11-01T08:00:00.000Z", Some(6)), &layout.previous("stage")).unwrap()
}

#[test]
fn the_hashed_file_is_read_even_if_its_name_is_reused() {
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::new(place.path().join("data"));
    let folder = written(&layout, 3);
    let reader = folder.read::<findings::Table>(None).unwrap();
    let file = layout.stage().join("check__findings.parquet");
    std::fs::rename(&file, place.path().join("former")).unwrap();
    std::fs::write(&file, "another").unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().len()).sum::<usize>(), 3);
    assert!(folder.read::<findings::Table>(None).is_err());
}

#[test]
fn a_folder_lists_exactly_the_datasets_that_belong_to_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = written(&Layout::new(place.path().join("data")), 1);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    folder.require(&names(&["check__findings"])).unwrap();
    let missing = folder.require(&names(&["check__findings", "check__rejects"])).unwrap_err().to_string();
    assert!(missing.contains("it does not list check__rejects"), "{missing}");
    let more = folder.require(&names(&[])).unwrap_err().to_string();
    assert!(more.contains("check__findings, which does not belong there"), "{more}");
}
