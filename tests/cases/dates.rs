//! Instants, dates and time zones in dumps (§2), and unreadable values (§9).

use crm_backfill::fault::Exit;
use crm_backfill::model::Source;
use crm_backfill::model::date::DateOrder;
use crm_backfill::tables::stage::{bookings, club_memberships, consents, handicaps, people};

use super::bench::{Bench, rejected, shown};

fn created(bench: &Bench, source: Source) -> Vec<String> {
    shown::<people::Table>(&bench.stage(), source, |row| row.created_at.map_or("null".to_owned(), |at| at.to_string()))
}

/// 2.2
#[test]
fn an_offset_decides_and_only_naive_values_are_local() {
    let bench = Bench::new();
    let cells = [
        "2015-06-01 09:00:00+02",
        "2015-06-01T09:00:00+0200",
        "2015-06-01 07:00:00+00",
        "2015-06-01 12:30:00+05:30",
        "2015-06-01T07:00:00Z",
        "2015-06-01 09:00:00",
        "2015-06-01T9:00",
    ];
    let ids = ["1", "2", "3", "4", "5", "6", "7"];
    let rows: Vec<[&str; 2]> = ids.into_iter().zip(cells).map(|(id, at)| [id, at]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
    bench.rows(Source::McaZa, "members", &["mca_za_id", "created_at"], &rows);
    let british = [["1", "2015-06-01T09:00:00Z"], ["2", "2015-06-01 09:00:00"], ["3", "2019-10-27T01:30:00Z"]];
    bench.rows(Source::McaUk, "members", &["mca_uk_id", "created_at"], &british.each_ref().map(|row| row.as_slice()));
    assert_eq!(created(&bench, Source::McaZa), ["2015-06-01T07:00:00.000Z"; 7]);
    let expected = ["2015-06-01T09:00:00.000Z", "2015-06-01T08:00:00.000Z", "2019-10-27T01:30:00.000Z"];
    assert_eq!(created(&bench, Source::McaUk), expected);
}

/// 2.3
#[test]
fn the_year_one_becomes_null_and_the_run_continues() {
    let bench = Bench::new();
    let rows = [["1", "0001-01-01 00:00:00"], ["2", "0001-01-01T00:00:00Z"], ["3", "9999-12-31 23:59:59"], ["4", "2015-06-01"]];
    let rows = rows.each_ref().map(|row| row.as_slice());
    bench.rows(Source::McaZa, "members", &["mca_za_id", "created_at"], &rows);
    bench.rows(Source::McaUk, "members", &["mca_uk_id", "created_at"], &rows);
    bench.rows(Source::McaZa, "member_clubs", &["member_id", "club_id", "joined_on"], &[&["1", "7", "0001-01-01"]]);
    let folder = bench.stage();
    for source in [Source::McaZa, Source::McaUk] {
        let at = shown::<people::Table>(&folder, source, |row| row.created_at.is_some().to_string());
        assert_eq!(at, ["false", "false", "false", "true"], "{source}");
    }
    assert_eq!(folder.manifest.count("reason.TIME_OUT_OF_RANGE"), 7);
}

/// 2.4
#[test]
fn an_end_after_as_of_or_without_end_means_open() {
    let bench = Bench::new();
    let ends = ["2026-12-31", "9999-12-31", "infinity", "31/12/2026", "2025-12-02", "2025-11-30", "2019-12-31"];
    let ids = ["1", "2", "3", "4", "5", "6", "7"];
    let rows: Vec<[&str; 4]> = ids.iter().zip(ends).map(|(id, end)| [*id, "5", "7", end]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
    bench.rows(Source::McaUk, "memberships", &["id", "member_id", "club_id", "end_on"], &rows);
    bench.rows(Source::Scl, "member_clubs", &["id", "member_id", "club_id", "left_on"], &rows);
    let folder = bench.stage();
    for source in [Source::McaUk, Source::Scl] {
        let left = shown::<club_memberships::Table>(&folder, source, |row| row.left_at.is_some().to_string());
        assert_eq!(left, ["false", "false", "false", "false", "false", "true", "true"], "{source}");
    }
    assert_eq!(folder.manifest.count("reason.END_OPEN"), 10);
}

/// 2.5, 9.3
#[test]
fn typed_columns_are_read_as_people_and_spreadsheets_write_them() {
    let bench = Bench::new();
    bench.rows(
        Source::McaZa,
        "members",
        &["mca_za_id", "created_at"],
        &[&["1", "01/06/2015 09:00"], &["2", "31/12/2019 9:15 AM"], &["3", "31-Dec-2019 09:15"]],
    );
    bench.rows(
        Source::McaZa,
        "handicaps",
        &["id", "member_id", "handicap_index", "effective_on"],
        &[&["1", "1", "12.3", "31/12/2019"], &["2", "1", "12.1", "31-Dec-19"], &["3", "1", "12.0", "43830"]],
    );
    bench.rows(
        Source::McaZa,
        "member_clubs",
        &["member_id", "club_id", "is_home_club"],
        &[&["1", "1", "-1"], &["1", "2", "WAHR"], &["1", "3", "1.0"], &["1", "4", "0"], &["1", "5", ""]],
    );
    bench.rows(
        Source::Teetime,
        "bookings",
        &["id", "player_id", "player_count", "start_time"],
        &[&["1", "p", "4.0", "2025-06-01T06:00:00Z"], &["2", "p", "4", "1/6/2025 06:00"], &["3", "p", "", "13/6/2025 6:00"]],
    );
    let folder = bench.stage();
    let created = shown::<people::Table>(&folder, Source::McaZa, |row| row.created_at.unwrap().to_string());
    assert_eq!(created, ["2015-06-01T07:00:00.000Z", "2019-12-31T07:15:00.000Z", "2019-12-31T07:15:00.000Z"]);
    let days = shown::<handicaps::Table>(&folder, Source::McaZa, |row| row.effective_on.unwrap().to_string());
    assert_eq!(days, ["2019-12-31"; 3]);
    let home = shown::<club_memberships::Table>(&folder, Source::McaZa, |row| row.is_home.to_string());
    assert_eq!(home, ["true", "true", "true", "false", "false"]);
    let players = shown::<bookings::Table>(&folder, Source::Teetime, |row| {
        format!("{:?} {}", row.player_count, &row.start_at.unwrap().to_string()[..10])
    });
    assert_eq!(players, ["Some(4) 2025-06-01", "Some(4) 2025-06-01", "None 2025-06-13"]);
    assert_eq!(rejected(&folder), [] as [String; 0]);
}

/// 2.6
#[test]
fn the_unit_of_epochs_is_decided_for_the_column() {
    for (cells, days) in [
        (["157766400", "-94694400", "479692800"], ["1975-01-01", "1967-01-01", "1985-03-15"]),
        (["189216000000", "-94694400000", "86400000"], ["1975-12-31", "1967-01-01", "1970-01-02"]),
        (["27394", "31121", "23377.0"], ["1974-12-31", "1985-03-15", "1964-01-01"]),
    ] {
        let bench = Bench::new();
        let rows: Vec<[&str; 2]> = ["1", "2", "3"].into_iter().zip(cells).map(|(id, born)| [id, born]).collect();
        let rows: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
        bench.rows(Source::McaUk, "members", &["mca_uk_id", "date_of_birth"], &rows);
        let born = shown::<people::Table>(&bench.stage(), Source::McaUk, |row| {
            row.born_on.map_or("null".to_owned(), |day| day.to_string())
        });
        assert_eq!(born, days, "{cells:?}");
    }
}

/// 2.7
#[test]
fn a_column_with_two_date_orders_is_reported_with_an_example_of_each() {
    for (column, day_first, month_first) in
        [("date_of_birth", "31/12/1975", "12/31/1975"), ("created_at", "31.12.2015 09:00", "12.31.2015 09:00")]
    {
        let mut bench = Bench::new();
        let columns = ["mca_za_id", "first_name", column];
        let rows: [&[&str]; 4] =
            [&["1", "two\nlines", ""], &["2", "", "04/03/1985"], &["3", "", day_first], &["4", "", month_first]];
        bench.rows(Source::McaZa, "members", &columns, &rows);
        let (fault, told) = bench.fault();
        assert_eq!(fault.exit, Exit::Input);
        for part in [column, "members.csv", "line 5", "line 6", "[dates.order]"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("31"), "no cell: {told}");
        let name = format!("mca_za.members.{column}");
        bench.session.config.dates.order.insert(name, DateOrder::DayFirst);
        let seen = shown::<people::Table>(&bench.stage(), Source::McaZa, |row| {
            let born = row.born_on.map(|day| day.to_string());
            let created = row.created_at.map(|at| at.to_string()[..10].to_owned());
            born.or(created).unwrap_or_default()
        });
        let year = if column == "created_at" { "2015" } else { "1975" };
        // Local midnight of a time is the evening before in UTC.
        let first = if column == "created_at" { "1985-03-03" } else { "1985-03-04" };
        assert_eq!(seen, ["".to_owned(), first.to_owned(), format!("{year}-12-31"), format!("{year}-12-31")]);
    }
    let mut bench = Bench::new();
    bench.session.config.dates.order.insert("mca_za.members.date_of_brith".to_owned(), DateOrder::DayFirst);
    let (fault, told) = bench.fault();
    assert!(fault.exit == Exit::Usage && told.contains("did you mean \"mca_za.members.date_of_birth\"?"), "{told}");
}

/// 9.1, 6.5
#[test]
fn deletions_and_opt_outs_survive_a_typing_error() {
    let bench = Bench::new();
    let deleted = [["1", "2025-03-04 9:15:00"], ["2", "4/3/2025 9:15"], ["3", "13/3/2025"], ["4", "gone"], ["5", ""]];
    let rows = deleted.each_ref().map(|row| row.as_slice());
    bench.rows(Source::Messaging, "contacts", &["id", "deleted_at"], &rows);
    let words = [["1", "1", "email", "nee"], ["2", "1", "sms", "perhaps"], ["3", "1", "push", "JA"], ["4", "1", "sms", "-1"]];
    let rows = words.each_ref().map(|row| row.as_slice());
    bench.rows(Source::Messaging, "preferences", &["id", "contact_id", "channel", "opted_in"], &rows);
    let folder = bench.stage();
    let at = shown::<people::Table>(&folder, Source::Messaging, |row| {
        row.deleted_at.map_or("-".to_owned(), |at| at.to_string()[..10].to_owned())
    });
    assert_eq!(at, ["2025-03-04", "2025-03-04", "2025-03-13", "2025-12-01", "-"]);
    let grants = shown::<consents::Table>(&folder, Source::Messaging, |row| row.is_grant.to_string());
    assert_eq!(grants, ["false", "false", "true", "true"]);
    let listed = rejected(&folder);
    assert!(listed.contains(&"contacts 4 deleted_at DELETED_AT_UNREADABLE".to_owned()), "{listed:?}");
    assert!(listed.contains(&"preferences 2 opted_in CONSENT_UNREADABLE".to_owned()), "{listed:?}");
}

/// 9.2
#[test]
fn a_typed_column_that_cannot_be_read_stops_the_step_with_its_lines() {
    for (source, entity, columns, rows) in [
        (Source::Messaging, "contacts", ["id", "deleted_at"], [["1", "gone"], ["2", "weg"], ["3", ""]]),
        (Source::Messaging, "contacts", ["id", "email_opt_in"], [["1", "perhaps"], ["2", "?"], ["3", "no"]]),
        (Source::Teetime, "players", ["id", "created_at"], [["1", "soon"], ["2", "later"], ["3", "2015-06-01"]]),
        (Source::McaUk, "members", ["mca_uk_id", "updated_at"], [["1", "soon"], ["2", "later"], ["3", "2015-06-01"]]),
    ] {
        let mut bench = Bench::new();
        bench.rows(source, entity, &columns, &rows.each_ref().map(|row| row.as_slice()));
        let (fault, told) = bench.fault();
        assert_eq!(fault.exit, Exit::Rejects, "{told}");
        for part in [columns[1], &format!("{entity}.csv"), "line 2, line 3", "2 of "] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(rows[..2].iter().all(|row| !told.contains(row[1])), "no cell: {told}");
        bench.session.config.load.max_unreadable_ratio = 1.0;
        bench.session.config.load.max_unreadable_decisive = 2;
        bench.stage();
    }
}
