//! Exports against a real PostgreSQL: fidelity, one snapshot for all tables, and one clear message per failure.

use crm_backfill::cli::Session;
use crm_backfill::config::{Config, Dsn, Environment};
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Code, Source, Timestamp};
use crm_backfill::sources::{exports, mca, scl, teetime};
use crm_backfill::steps::export::{Args, run};
use crm_backfill::store::{Folder, Layout};
use crm_backfill::tables::Columns;

use crate::support::postgres::{Database, database, server};

const SCHEMAS: [(Source, &str); 5] = [
    (Source::McaZa, include_str!("../schemas/sources/mca_za.sql")),
    (Source::McaUk, include_str!("../schemas/sources/mca_uk.sql")),
    (Source::Scl, include_str!("../schemas/sources/scl.sql")),
    (Source::Teetime, include_str!("../schemas/sources/teetime.sql")),
    (Source::Messaging, include_str!("../schemas/sources/messaging.sql")),
];

fn as_of() -> Timestamp {
    Timestamp::parse("2026-06-01T08:00:00Z").unwrap()
}

fn source_database(source: Source) -> Database {
    database(SCHEMAS.iter().find(|(other, _)| *other == source).unwrap().1)
}

struct Place {
    _folder: tempfile::TempDir,
    session: Session,
}

impl Place {
    fn new(source: Source, url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut session = Session::for_test(Layout::new(folder.path().join("data")), Config::default(), as_of());
        session.environment = Environment::of([(source.url_variable(), url)]);
        Self { _folder: folder, session }
    }

    fn export(&self, source: Source) -> Folder {
        run(&self.session, source, &Args::default()).unwrap_or_else(|error| panic!("{error:?}"));
        Folder::open(&self.session.layout.exports(source)).unwrap()
    }

    fn fault(&self, source: Source) -> Fault {
        let error = run(&self.session, source, &Args::default()).err().expect("the export should fail");
        assert!(!self.session.layout.exports(source).exists(), "nothing under the final name");
        error.downcast::<Fault>().unwrap_or_else(|error| panic!("not a fault: {error:?}"))
    }
}

fn told(fault: &Fault) -> String {
    format!("{} | {} | {}", fault.what, fault.at.clone().unwrap_or_default(), fault.help.join(" | "))
}

#[test]
fn every_statement_runs_in_psql_and_has_the_declared_columns() {
    for (source, _) in SCHEMAS {
        let place = source_database(source);
        for export in exports(source) {
            let sql = export.sql.trim_end().trim_end_matches(';');
            let mut psql = std::process::Command::new("psql");
            let output = psql.args([&place.url, "-X", "-c", &format!("copy ({sql}) to stdout csv header")]).output().unwrap();
            assert!(output.status.success(), "{source} {}: {}", export.entity, String::from_utf8_lossy(&output.stderr));
            let declared: Vec<&str> = export.dataset.columns.iter().map(|column| column.name).collect();
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), declared.join(","), "{source} {}", export.entity);
            if let Some(sql) = export.left_out {
                assert_eq!(place.value(sql), "0");
            }
        }
    }
}

#[test]
fn empty_tables_export_as_empty_datasets() {
    for (source, _) in SCHEMAS {
        let database = source_database(source);
        let place = Place::new(source, &database.url);
        let folder = place.export(source);
        assert_eq!(folder.manifest.files.len(), exports(source).len());
        assert!(folder.manifest.files.values().all(|file| file.rows == 0));
        for fact in ["server_version", "snapshot", "watermark", "server_timezone"] {
            assert!(!folder.manifest.facts[fact].is_empty(), "{fact}");
        }
        folder.check().unwrap();
    }
}

#[test]
fn home_club_and_handicap_are_chosen_as_documented() {
    let database = source_database(Source::McaZa);
    database.execute(
        "insert into clubs values (1, 'Alder', 'A'), (2, 'Birch', 'B'), (3, 'Cedar', 'C');
         insert into members (id, email, created_at) values
           (10, 'a@mail.test', '2020-01-01 10:00'), (2, 'b@mail.test', null), (30, '', null);
         insert into member_clubs values
           (10, 1, 'L', true, '2001-01-01', '2010-01-01'), (10, 3, 'A', true, '2011-01-01', null),
           (10, 2, 'A', true, '2012-01-01', '2030-01-01'), (2, 3, 'L', true, null, '2010-01-01'), (2, 1, 'A', false, null, null);
         insert into handicaps values
           (1, 10, 12.3, '2026-05-01'), (2, 10, -1.4, '2026-06-01'), (3, 10, null, '2026-06-01'), (4, 10, 9.9, '2026-06-02'),
           (5, 10, 8.8, 'infinity'), (6, 10, 11.1, '2026-06-01'), (7, 2, 20.0, '2026-06-02');",
    );
    let place = Place::new(Source::McaZa, &database.url);
    let folder = place.export(Source::McaZa);
    let members = folder.read_all::<mca::za_members::Table>(None).unwrap();
    let rows: Vec<_> = members.iter().flat_map(|columns| columns.rows()).collect();
    assert_eq!(rows.iter().map(|row| row.mca_za_id).collect::<Vec<_>>(), ["2", "10", "30"]);
    let ten = rows[1];
    assert_eq!((ten.home_club_id, ten.home_club_name), (Some("2"), Some("Birch")), "lowest of the open ones");
    assert_eq!((ten.handicap, ten.later_handicap_count), (Some("11.1"), Some(2)), "the latest at as_of, the highest id of two");
    assert_eq!(ten.handicap_on.unwrap().to_string(), "2026-06-01");
    assert_eq!(ten.created_at.unwrap().to_string(), "2020-01-01T10:00:00.000Z", "local time as if it were UTC");
    assert_eq!((rows[0].home_club_id, rows[0].handicap, rows[0].later_handicap_count), (Some("3"), None, Some(1)));
    assert_eq!(rows[2].email, None);
    assert_eq!(folder.manifest.count("members.email.empty"), 1);
    assert_eq!(folder.manifest.count("handicaps.effective_on.infinite"), 1);
}

#[test]
fn a_missing_table_and_columns_are_all_told_with_near_names() {
    let database = source_database(Source::Scl);
    database.execute(
        r#"drop table "MemberClub"; alter table "Member" rename "externalSubject" to "externalSubjct";
           alter table "Sport" drop column "name""#,
    );
    let fault = Place::new(Source::Scl, &database.url).fault(Source::Scl);
    let told = told(&fault);
    assert_eq!(fault.exit, Exit::Input);
    for part in [
        r#"table "MemberClub""#,
        r#"column "Member"."externalSubject""#,
        r#"column "Sport"."name""#,
        r#"did you mean "externalSubjct""#,
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn types_that_cast_are_accepted_and_those_that_do_not_are_named_without_the_value() {
    let database = source_database(Source::Scl);
    database.execute(
        r#"alter table "MemberClub" drop constraint "MemberClub_clubId_fkey", alter "joinedOn" type text;
           alter table "Member" alter "createdAt" type timestamp using "createdAt" at time zone 'UTC';
           insert into "Club" values (1, 1, 'Alder');
           insert into "Member" values (1, 1, 'a@mail.test', 'Ann', 'Alder', null, 'ACTIVE', null, '2020-01-01', '2020-01-02');
           insert into "MemberClub" values (1, 1, 1, '2020-02-03', null);"#,
    );
    let place = Place::new(Source::Scl, &database.url);
    let folder = place.export(Source::Scl);
    let clubs = folder.read_all::<scl::member_clubs::Table>(None).unwrap();
    assert_eq!(clubs[0].row(0).joined_on.unwrap().to_string(), "2020-02-03");
    assert_eq!(folder.manifest.facts["member_clubs.casts"], "joined_on (text → date)");

    database.execute(r#"insert into "MemberClub" values (2, 1, 1, 's3cret', null)"#);
    let fault = Place::new(Source::Scl, &database.url).fault(Source::Scl);
    let told = told(&fault);
    assert!(told.contains("scl.member_clubs") && told.contains("joined_on (text → date)") && told.contains("22007"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn the_window_is_two_years_and_what_lies_before_it_is_counted() {
    let database = source_database(Source::Teetime);
    database.execute(
        r#"insert into "Player" ("id", "createdAt", "updatedAt") values ('p', now(), now());
           insert into "TeeTime" ("id", "playerId", "status", "startTime", "createdAt") values
             ('in', 'p', 'BOOKED', 'infinity', '2024-06-01 08:00Z'), ('out', 'p', 'BOOKED', '2024-06-02', '2024-06-01 07:59:59.999999Z');"#,
    );
    let mut place = Place::new(Source::Teetime, &database.url);
    let folder = place.export(Source::Teetime);
    let bookings = folder.read_all::<teetime::bookings::Table>(None).unwrap();
    assert_eq!(bookings[0].len(), 1);
    assert_eq!((bookings[0].row(0).id, bookings[0].row(0).start_time), ("in", Some(Timestamp::INFINITY)));
    assert_eq!(folder.manifest.count("bookings.left_out"), 1);

    place.session.config.activities.lookback = "3y".to_owned();
    let folder = place.export(Source::Teetime);
    assert_eq!((folder.manifest.count("bookings.rows"), folder.manifest.count("bookings.left_out")), (2, 0));
}

#[test]
fn a_wrong_database_a_closed_port_and_a_missing_socket_have_a_message_each() {
    let server = server();
    let missing = server.url("no_such_database");
    for (url, words) in [
        (missing.as_str(), "there is no database \"no_such_database\" (3D000)"),
        ("postgres://me@/db?host=/nowhere", "there is no socket /nowhere/.s.PGSQL.5432"),
    ] {
        let fault = Place::new(Source::Scl, url).fault(Source::Scl);
        assert_eq!(fault.exit, Exit::Failed);
        assert!(told(&fault).contains(words), "{}", told(&fault));
    }
    let dsn = Dsn::new("postgres://me@127.0.0.1:1/db", "SCL_DATABASE_URL");
    let refused = crm_backfill::pg::Connection::open_within(&dsn, "source scl", std::time::Duration::from_millis(700));
    let fault = refused.err().unwrap().downcast::<Fault>().unwrap();
    assert!(told(&fault).contains("nothing listens at 127.0.0.1:1"), "{}", told(&fault));
    assert!(told(&fault).contains("tried 3 times"), "{}", told(&fault));
}

#[test]
fn another_as_of_than_that_of_the_folder_is_refused_unless_a_new_set_begins() {
    let database = source_database(Source::Scl);
    let mut place = Place::new(Source::Scl, &database.url);
    assert_eq!(place.export(Source::Scl).manifest.as_of, "2026-06-01T08:00:00.000Z");
    place.session.as_of = None;
    place.session.now = Timestamp::parse("2026-07-01").unwrap();
    assert_eq!(place.export(Source::Scl).manifest.as_of, "2026-06-01T08:00:00.000Z", "kept by single exports");
    place.session.as_of = Some(place.session.now);
    let error = run(&place.session, Source::Scl, &Args::default()).unwrap_err();
    assert!(error.to_string().contains("the saved exports are of 2026-06-01"), "{error}");
    run(&place.session, Source::Scl, &Args { new_as_of: true, ..Args::default() }).unwrap();
    assert_eq!(place.export(Source::Scl).manifest.as_of, "2026-07-01T00:00:00.000Z");
    assert_eq!(Source::Scl.code(), "scl");
}
