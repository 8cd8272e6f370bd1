//! From CSV dumps to `data/crm` without a database: the ledger balances, or the build stops.

use std::collections::BTreeMap;

use crm_backfill::model::{Code as _, Source};
use crm_backfill::sources::exports;
use crm_backfill::store::{Draft, Folder, Layout, Manifest};
use crm_backfill::tables::stage::references;
use crm_backfill::tables::{Columns as _, check};

use crate::support::workdir::Workdir;

type Cells = &'static [(&'static str, &'static str)];

/// Rows of each entity; columns not named stay empty.
fn rows(source: Source) -> Vec<(&'static str, Vec<Cells>)> {
    const MADE: (&str, &str) = ("created_at", "2020-01-01T08:00:00Z");
    const CHANGED: (&str, &str) = ("updated_at", "2024-01-01T08:00:00Z");
    match source {
        Source::McaZa => vec![
            (
                "members",
                vec![
                    &[
                        ("mca_za_id", "1"),
                        ("email", "thandi@mail.test"),
                        ("first_name", "Thandi"),
                        ("last_name", "Nkosi"),
                        ("status", "active"),
                    ],
                    &[("mca_za_id", "2"), ("first_name", "Piet"), ("last_name", "Botha")],
                ],
            ),
            ("clubs", vec![&[("id", "9"), ("name", "Royal Test")]]),
            (
                "member_clubs",
                vec![&[
                    ("member_id", "1"),
                    ("club_id", "9"),
                    ("club_name", "Royal Test"),
                    ("is_home_club", "true"),
                    ("joined_on", "2019-05-01"),
                ]],
            ),
            ("handicaps", vec![&[("id", "5"), ("member_id", "1"), ("handicap_index", "12.4"), ("effective_on", "2024-03-01")]]),
        ],
        Source::McaUk => vec![(
            "members",
            vec![&[("mca_uk_id", "1"), ("email", "rhys@mail.test"), ("first_name", "Rhys"), ("last_name", "Evans"), MADE]],
        )],
        Source::Scl => vec![
            (
                "members",
                vec![&[
                    ("id", "7"),
                    ("tenant_id", "1"),
                    ("email", "thandi@mail.test"),
                    ("first_name", "Thandi"),
                    ("last_name", "Nkosi"),
                    ("status", "ACTIVE"),
                    MADE,
                    CHANGED,
                ]],
            ),
            (
                "clubs",
                vec![
                    &[("id", "3"), ("tenant_id", "1"), ("name", "Royal Test")],
                    &[("id", "4"), ("tenant_id", "1"), ("name", "New Test")],
                ],
            ),
        ],
        Source::Teetime => vec![
            (
                "players",
                vec![&[
                    ("id", "p"),
                    ("email", "thandi@mail.test"),
                    ("name", "Thandi"),
                    ("surname", "Nkosi"),
                    ("home_club_tenant_id", "1"),
                    MADE,
                    CHANGED,
                ]],
            ),
            (
                "bookings",
                vec![
                    &[
                        ("id", "b1"),
                        ("player_id", "p"),
                        ("status", "COMPLETED"),
                        ("start_time", "2026-05-01T08:00:00Z"),
                        ("created_at", "2026-04-01T08:00:00Z"),
                    ],
                    &[
                        ("id", "b2"),
                        ("player_id", "unknown"),
                        ("status", "BOOKED"),
                        ("start_time", "2026-05-01T08:00:00Z"),
                        ("created_at", "2026-04-01T08:00:00Z"),
                    ],
                ],
            ),
        ],
        Source::Messaging => vec![
            (
                "contacts",
                vec![&[
                    ("id", "c"),
                    ("tenant_id", "1"),
                    ("email", "thandi@mail.test"),
                    ("email_opt_in", "true"),
                    ("sms_opt_in", "false"),
                    MADE,
                    CHANGED,
                ]],
            ),
            (
                "preferences",
                vec![&[("id", "f1"), ("contact_id", "c"), ("channel", "EMAIL"), ("opted_in", "true"), MADE, CHANGED]],
            ),
            (
                "messages",
                vec![&[
                    ("id", "m1"),
                    ("contact_id", "c"),
                    ("channel", "EMAIL"),
                    ("status", "OPENED"),
                    ("campaign_id", "k"),
                    ("created_at", "2026-04-01T08:00:00Z"),
                ]],
            ),
        ],
    }
}

/// A folder with the exports of all five sources, read from dumps.
fn exported() -> Workdir {
    exported_with(|source| {
        let owned = |cells: Cells| cells.iter().map(|(column, value)| (*column, (*value).to_owned())).collect();
        rows(source).into_iter().map(|(entity, rows)| (entity, rows.into_iter().map(owned).collect())).collect()
    })
}

/// Rows of each entity.
type Rows = BTreeMap<&'static str, Vec<Vec<(&'static str, String)>>>;

fn exported_with(rows: impl Fn(Source) -> Rows) -> Workdir {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", "2026-11-01T08:00:00Z");
    for &source in Source::ALL {
        let folder = workdir.path().join("dumps").join(source.code());
        std::fs::create_dir_all(&folder).unwrap();
        let given = rows(source);
        for export in exports(source) {
            let names: Vec<&str> = export.dataset.columns.iter().map(|column| column.name).collect();
            let mut text = names.join(",") + "\n";
            for cells in given.get(export.entity).into_iter().flatten() {
                let cell = |name: &&str| cells.iter().find(|(column, _)| column == name).map_or("", |(_, value)| value.as_str());
                text += &(names.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
            }
            std::fs::write(folder.join(format!("{}.csv", export.entity)), text).unwrap();
        }
        workdir.ok(&format!("export-{}", source.code().replace('_', "-")), &["--csv", folder.to_str().unwrap()]);
    }
    workdir
}

fn up_to_links(phase: &str) -> Workdir {
    let workdir = exported();
    workdir.ok("stage", &["--phase", phase]);
    workdir.ok("resolve", &[]);
    workdir
}

#[test]
fn dumps_become_a_balanced_crm_and_a_second_build_changes_nothing() {
    let workdir = up_to_links("6");
    workdir.ok("consolidate", &[]).says("the ledger balances").says("18 proofs hold");
    let crm = Folder::open(&Layout::new(workdir.data()).crm()).unwrap();
    let ledger = crm.read_all::<check::ledger::Table>(None).unwrap();
    let mut lines: Vec<String> = ledger
        .iter()
        .flat_map(|columns| columns.rows())
        .map(|row| format!("{}.{}/{} {} {}", row.source, row.entity, row.source_id, row.outcome, row.reason.unwrap_or("-")))
        .collect();
    lines.sort();
    let expected = [
        "mca_uk.members/1 LOADED -",
        "mca_za.clubs/9 SKIPPED REFERENCE",
        "mca_za.handicaps/5 MERGED -",
        "mca_za.member_clubs/1:9 LOADED -",
        "mca_za.members/1 LOADED -",
        "mca_za.members/2 SKIPPED NO_EMAIL_NO_PHONE",
        "messaging.contacts/c MERGED -",
        "messaging.messages/m1 LOADED -",
        "messaging.preferences/f1 LOADED -",
        "scl.clubs/3 SKIPPED REFERENCE",
        "scl.clubs/4 SKIPPED REFERENCE",
        "scl.members/7 LOADED -",
        "teetime.bookings/b1 LOADED -",
        "teetime.bookings/b2 SKIPPED UNRESOLVED",
        "teetime.players/p MERGED -",
    ];
    assert_eq!(lines, expected);
    workdir.ok("consolidate", &[]).says("nothing to do");
}

#[test]
fn one_and_four_threads_build_the_same_bytes() {
    let mut workdir = up_to_links("6");
    workdir.set("RAYON_NUM_THREADS", "1").ok("consolidate", &[]);
    let one = workdir.fingerprint("crm");
    std::fs::remove_dir_all(workdir.data().join("crm")).unwrap();
    workdir.set("RAYON_NUM_THREADS", "4").ok("consolidate", &[]);
    assert_eq!(workdir.fingerprint("crm"), one);
}

/// Five thousand members, as many contacts in another order, some of whom share an address and withdrew.
fn many(source: Source) -> Rows {
    const MANY: u32 = 5_000;
    let cells = |cells: &[(&'static str, String)]| cells.to_vec();
    let email = |number: u32| format!("person{number}@mail.test");
    match source {
        Source::McaZa => {
            let member = |number: u32| {
                cells(&[
                    ("mca_za_id", (number + 1).to_string()),
                    ("email", email(number)),
                    ("first_name", format!("Given{}", number % 70)),
                    ("last_name", format!("Family{}", number % 90)),
                    ("status", if number.is_multiple_of(50) { "deceased" } else { "active" }.to_owned()),
                ])
            };
            [("members", (0..MANY).map(member).collect())].into()
        }
        Source::Messaging => {
            let contact = |number: u32| {
                let of = number * 7 % MANY;
                let deleted = if number.is_multiple_of(40) { "2025-01-01T08:00:00Z" } else { "" };
                cells(&[
                    ("id", format!("c{number:05}")),
                    ("tenant_id", "1".to_owned()),
                    ("email", email(if of.is_multiple_of(9) { of / 2 } else { of })),
                    ("email_opt_in", (!number.is_multiple_of(3)).to_string()),
                    ("updated_at", "2024-01-01T08:00:00Z".to_owned()),
                    ("deleted_at", deleted.to_owned()),
                ])
            };
            let preference = |number: u32| {
                cells(&[
                    ("id", format!("f{number:05}")),
                    ("contact_id", format!("c{:05}", number * 3 % MANY)),
                    ("channel", "EMAIL".to_owned()),
                    ("opted_in", (!number.is_multiple_of(4)).to_string()),
                    ("created_at", "2023-01-01T08:00:00Z".to_owned()),
                    ("updated_at", "2023-02-01T08:00:00Z".to_owned()),
                ])
            };
            [("contacts", (0..MANY).map(contact).collect()), ("preferences", (0..MANY).map(preference).collect())].into()
        }
        _ => Rows::new(),
    }
}

#[test]
fn the_number_of_partitions_decides_no_byte() {
    let workdir = exported_with(many);
    workdir.ok("stage", &[]);
    workdir.ok("resolve", &[]);
    let files = |batches: &str| {
        workdir.ok("consolidate", &["--force", "--partition", batches]);
        Folder::open(&Layout::new(workdir.data()).crm()).unwrap().manifest.files
    };
    let one = files("100");
    let rows = |name: &str| one[&format!("{name}.parquet")].rows;
    assert!(rows("crm__customer_profiles") > 2 * 2048 && rows("crm__suppressions") > 0 && rows("crm__marketing_consents") > 0);
    assert_eq!(files("1"), one);
}

#[test]
fn every_phase_builds_and_balances() {
    let workdir = exported();
    for phase in ["1", "2", "3", "4", "5", "6"] {
        workdir.ok("stage", &["--phase", phase]);
        workdir.ok("resolve", &[]);
        workdir.ok("consolidate", &[]).says("the ledger balances");
    }
}

#[test]
fn a_row_that_vanishes_in_staging_stops_the_build_and_nothing_is_written() {
    let workdir = up_to_links("6");
    drop_a_reference(&workdir, Source::Scl);
    workdir.ok("resolve", &[]);
    let run = workdir.run("consolidate", &[]).exits(16).says("the ledger does not balance");
    run.says("scl.clubs: 2 rows exported, 1 accounted for");
    assert!(!workdir.data().join("crm").exists());
}

#[test]
fn links_of_another_phase_are_refused() {
    let workdir = up_to_links("2");
    workdir.ok("stage", &["--phase", "3"]);
    workdir.run("consolidate", &[]).exits(11).says("is of another phase").says("make resolve");
}

/// Rewrites the staged references of a source without their last row, manifest and hash included.
fn drop_a_reference(workdir: &Workdir, source: Source) {
    let layout = Layout::new(workdir.data());
    let stage = Folder::open(&layout.stage()).unwrap();
    let target = workdir.path().join("tampered").join("stage");
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    let draft = Draft::create(&target, &stage.manifest.as_of).unwrap();
    let mut writer = draft.writer::<references::Table>(Some(source)).unwrap();
    let columns = stage.read_all::<references::Table>(Some(source)).unwrap().remove(0);
    for row in columns.rows().take(columns.len() - 1) {
        writer.push(row).unwrap();
    }
    draft.close(Some(source), writer).unwrap();
    let tampered = draft.finish(Manifest::new("stage", &stage.manifest.as_of, Some(6)), &workdir.path().join("former")).unwrap();
    let mut manifest = stage.manifest.clone();
    for (name, entry) in &tampered.manifest.files {
        std::fs::copy(target.join(name), layout.stage().join(name)).unwrap();
        manifest.files.insert(name.clone(), entry.clone());
    }
    std::fs::write(layout.stage().join("manifest.json"), manifest.sealed().unwrap()).unwrap();
}
