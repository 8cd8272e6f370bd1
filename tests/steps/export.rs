//! Exports against a real PostgreSQL: fidelity, one snapshot for all tables, and one clear message per failure.

mod values;

use std::sync::atomic::{AtomicBool, Ordering};

use crm_backfill::cli::Session;
use crm_backfill::config::{Config, Environment};
use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Code, Source, Timestamp};
use crm_backfill::pg::Connection;
use crm_backfill::sources::{exports, mca, messaging, scl, teetime};
use crm_backfill::steps::export::{ExportArgs, run};
use crm_backfill::store::{Folder, Layout};
use crm_backfill::tables::Columns;
use crm_backfill::tables::check::rejects;

use crate::support::postgres::{Database, database, server};

const SCHEMAS: [(Source, &str); 5] = [
    (Source::McaZa, include_str!("../../schemas/sources/mca_za.sql")),
    (Source::McaUk, include_str!("../../schemas/sources/mca_uk.sql")),
    (Source::Scl, include_str!("../../schemas/sources/scl.sql")),
    (Source::Teetime, include_str!("../../schemas/sources/teetime.sql")),
    (Source::Messaging, include_str!("../../schemas/sources/messaging.sql")),
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
        run(&self.session, source, &ExportArgs::default()).unwrap_or_else(|error| panic!("{error:?}"));
        Folder::open(&self.session.layout.exports(source)).unwrap()
    }

    fn fault(&self, source: Source) -> Fault {
        let error = run(&self.session, source, &ExportArgs::default()).expect_err("the export should fail");
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
    assert_eq!((ten.handicap, ten.later_handicap_count), (Some("11.1"), Some("2")), "the latest at as_of, the highest id of two");
    assert_eq!(ten.handicap_on, Some("2026-06-01"));
    assert_eq!(ten.created_at, Some("2020-01-01 10:00:00"), "as the database has it");
    assert_eq!((rows[0].home_club_id, rows[0].handicap, rows[0].later_handicap_count), (Some("3"), None, Some("1")));
    assert_eq!(rows[2].email, None);
    assert_eq!(folder.manifest.count("members.email.empty"), 1);
}

#[test]
fn missing_tables_and_columns_are_all_listed_with_similar_names() {
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
fn cells_of_any_type_are_exported_as_the_database_writes_them() {
    let database = source_database(Source::Scl);
    database.execute(
        r#"alter table "MemberClub" drop constraint "MemberClub_clubId_fkey", alter "joinedOn" type text;
           alter table "Member" alter "createdAt" type timestamp using "createdAt" at time zone 'UTC';
           insert into "Club" values (1, 1, 'Alder');
           insert into "Member" values (1, 1, 'a@mail.test', 'Ann', 'Alder', null, 'ACTIVE', null, '2020-01-01', '2020-01-02');
           insert into "MemberClub" values (1, 1, 1, '2020-02-03', null), (2, 1, 1, 'soon', '2020-02-04');"#,
    );
    let place = Place::new(Source::Scl, &database.url);
    let folder = place.export(Source::Scl);
    let clubs = folder.read_all::<scl::member_clubs::Table>(None).unwrap();
    let days: Vec<_> = clubs[0].rows().map(|row| (row.joined_on, row.left_on)).collect();
    assert_eq!(days, [(Some("2020-02-03"), None), (Some("soon"), Some("2020-02-04"))]);
    let members = folder.read_all::<scl::members::Table>(None).unwrap();
    let row = members[0].row(0);
    assert_eq!((row.created_at, row.updated_at), (Some("2020-01-01 00:00:00"), Some("2020-01-02 00:00:00+00")));
}

#[test]
fn the_window_is_two_years_and_earlier_rows_are_counted() {
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
    assert_eq!((bookings[0].row(0).id, bookings[0].row(0).start_time), ("in", Some("infinity")));
    assert_eq!(folder.manifest.count("bookings.left_out"), 1);

    place.session.config.activities.lookback = "3y".to_owned();
    let folder = place.export(Source::Teetime);
    assert_eq!((folder.manifest.count("bookings.rows"), folder.manifest.count("bookings.left_out")), (2, 0));
}

#[test]
fn every_connection_failure_has_its_own_message() {
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
    let refused = Connection::open_within(&dsn, "source scl", std::time::Duration::from_millis(700));
    let fault = refused.err().unwrap().downcast::<Fault>().unwrap();
    assert!(told(&fault).contains("nothing listens at 127.0.0.1:1"), "{}", told(&fault));
    assert!(told(&fault).contains("tried 3 times"), "{}", told(&fault));
}

#[test]
fn a_schema_of_the_url_is_where_tables_are_looked_for() {
    let database = database(&format!("create schema golf; set search_path = golf; {}", SCHEMAS[2].1));
    database.execute("insert into golf.\"Sport\" values (1, 'Golf')");
    database.execute(&format!("set search_path = golf; {}", include_str!("../../sql/exports/roles.sql")));
    let fault = Place::new(Source::Scl, &database.url).fault(Source::Scl);
    assert!(told(&fault).contains("table \"Member\"") && told(&fault).contains("?schema=NAME"), "{}", told(&fault));
    let place = Place::new(Source::Scl, &format!("{}?schema=golf&connection_limit=5", database.url));
    assert_eq!(place.export(Source::Scl).manifest.count("sports.rows"), 1);
    let fault = Place::new(Source::Scl, &format!("{}?schema=gulf", database.url)).fault(Source::Scl);
    assert!(told(&fault).contains("schema \"gulf\" does not exist"), "{}", told(&fault));
}

#[test]
fn a_different_as_of_is_refused_unless_a_new_set_begins() {
    let database = source_database(Source::Scl);
    let mut place = Place::new(Source::Scl, &database.url);
    assert_eq!(place.export(Source::Scl).manifest.as_of, "2026-06-01T08:00:00.000Z");
    place.session.as_of = None;
    place.session.now = Timestamp::parse("2026-07-01").unwrap();
    assert_eq!(place.export(Source::Scl).manifest.as_of, "2026-06-01T08:00:00.000Z", "kept by single exports");
    place.session.as_of = Some(place.session.now);
    let error = run(&place.session, Source::Scl, &ExportArgs::default()).unwrap_err();
    assert!(error.to_string().contains("the saved exports are of 2026-06-01"), "{error}");
    run(&place.session, Source::Scl, &ExportArgs { new_as_of: true, ..ExportArgs::default() }).unwrap();
    assert_eq!(place.export(Source::Scl).manifest.as_of, "2026-07-01T00:00:00.000Z");
    assert_eq!(Source::Scl.code(), "scl");
}

#[test]
fn a_dump_made_by_psql_gives_the_same_bytes_as_the_database() {
    let database = source_database(Source::Messaging);
    database.execute(
        r#"insert into "Contact" values
             ('c1', '1', 'a@mail.test', '', 'auth0|1', true, false, '2020-01-01 10:00:00.123456Z', '2021-01-01', null),
             ('c2', '1', E'two\nlines, "quoted"', '07700 900123', null, true, false, '0044-03-15 BC', 'infinity', '2024-01-01'),
             ('C3', '2', 'Zoë@mail.test', null, null, false, true, '-infinity', '1999-12-31 23:59:59.999999Z', null);
           insert into "ContactPreference" values ('p1', 'c1', 'EMAIL', null, true, '2020-01-01', '2020-01-02');
           insert into "ConsentChangeLog" values ('l1', 'c1', 'SMS', 'all', 'WEB_FORM', null, false, '2020-01-01');
           insert into "MessageLog" values ('m1', 'c1', 'EMAIL', 'SENT', null, null, null, '2025-06-01');"#,
    );
    let place = Place::new(Source::Messaging, &database.url);
    let from_database = place.export(Source::Messaging);
    let dumps = tempfile::tempdir().unwrap();
    for export in exports(Source::Messaging) {
        let copy = format!("copy ({}) to stdout csv header", export.sql.trim_end().trim_end_matches(';'));
        let mut psql = std::process::Command::new("psql");
        psql.env("PGTZ", "UTC").env("PGOPTIONS", "-c backfill.as_of=2026-06-01T08:00:00Z");
        let output = psql.args([&database.url, "-X", "-c", &copy]).output().unwrap();
        std::fs::write(dumps.path().join(format!("{}.csv", export.entity)), output.stdout).unwrap();
    }
    let other = Place::new(Source::Messaging, &database.url);
    let mut args = ExportArgs::default();
    args.dumps.csv = Some(dumps.path().to_path_buf());
    run(&other.session, Source::Messaging, &args).unwrap();
    let from_dumps = Folder::open(&other.session.layout.exports(Source::Messaging)).unwrap();
    for (name, entry) in &from_database.manifest.files {
        assert_eq!(Some(entry), from_dumps.manifest.files.get(name), "{name}");
    }
    let contacts = from_dumps.read_all::<messaging::contacts::Table>(None).unwrap();
    let ids: Vec<_> = contacts[0].rows().map(|row| row.id).collect();
    assert_eq!(ids, ["C3", "c1", "c2"]);
    assert_eq!(contacts[0].row(2).created_at, None, "of a deleted contact only addresses and consent");
}

#[test]
fn missing_dumps_and_wrong_headers_are_listed_before_any_output() {
    let place = Place::new(Source::McaUk, "postgres://stranger@127.0.0.1:1/none");
    let dumps = tempfile::tempdir().unwrap();
    let mut args = ExportArgs::default();
    args.dumps.csv = Some(dumps.path().to_path_buf());
    std::fs::write(dumps.path().join("clubs.csv"), "id,name,club_code\n").unwrap();
    std::fs::write(dumps.path().join("member.csv"), "").unwrap();
    let error = run(&place.session, Source::McaUk, &args).unwrap_err().downcast::<Fault>().unwrap();
    assert!(told(&error).contains("lacks members.csv, memberships.csv"), "{}", told(&error));
    assert!(told(&error).contains("members.csv: did you mean member.csv?"), "{}", told(&error));
    std::fs::write(dumps.path().join("members.csv"), "mca_uk_id,mail\n").unwrap();
    std::fs::write(dumps.path().join("memberships.csv"), "id\n").unwrap();
    let error = run(&place.session, Source::McaUk, &args).unwrap_err().downcast::<Fault>().unwrap();
    assert!(told(&error).contains("missing email, phone_number"), "{}", told(&error));
    assert!(!place.session.layout.exports(Source::McaUk).exists());
}

#[test]
fn rejected_lines_of_a_dump_are_listed_and_counted() {
    let place = Place::new(Source::McaUk, "postgres://stranger@127.0.0.1:1/none");
    let dumps = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dumps.path().join(name), text).unwrap();
    let columns: Vec<&str> = exports(Source::McaUk)[0].dataset.columns.iter().map(|column| column.name).collect();
    let row = |id: &str, created: &str| format!("{id},{}{created},,,,,\n", ",".repeat(7));
    let members = format!("{}\n{}{}\"7\n{}", columns.join(","), row("5", "2020-01-01"), row("", "2020-01-01"), row("8", ""));
    write("members.csv", &members);
    write("clubs.csv", "id,name,club_code\n1,Alder,A\n");
    write("memberships.csv", "id,member_id,club_id,club_name,membership_type,is_home,start_on,end_on\n1,5,1,,,,,\n");
    let mut args = ExportArgs::default();
    args.dumps.csv = Some(dumps.path().to_path_buf());
    run(&place.session, Source::McaUk, &args).unwrap();
    let folder = Folder::open(&place.session.layout.exports(Source::McaUk)).unwrap();
    let rejects = folder.read_all::<rejects::Table>(None).unwrap();
    let listed: Vec<_> = rejects[0].rows().map(|row| (row.line, row.source_id, row.column, row.reason)).collect();
    assert_eq!(listed, [(3, "#3", None, "MISSING_ID"), (4, "#4", None, "LINE_UNMATCHED_QUOTE")]);
    assert_eq!((folder.manifest.count("members.rows"), folder.manifest.count("members.rejected_rows")), (2, 2));
}

#[test]
fn all_tables_are_read_at_one_instant_during_other_writes() {
    let database = source_database(Source::McaUk);
    database.execute("insert into members (id) select generate_series(1, 2000)");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Each transaction adds a member and its only membership: the two tables always have as many rows of this kind.
        scope.spawn(|| {
            let mut client = database.client();
            client.execute("insert into clubs values (1, 'Alder', 'A')").unwrap();
            for id in 10_000.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let sql = format!("begin; insert into members (id) values ({id}); insert into memberships (id, member_id, club_id) values ({id}, {id}, 1); commit");
                client.execute(&sql).unwrap();
            }
        });
        let mut seen = Vec::new();
        for _ in 0..12 {
            let place = Place::new(Source::McaUk, &database.url);
            let folder = place.export(Source::McaUk);
            let (members, memberships) = (folder.manifest.count("members.rows"), folder.manifest.count("memberships.rows"));
            assert_eq!(members - 2000, memberships, "one snapshot");
            seen.push(members);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(seen.first() < seen.last(), "somebody did write: {seen:?}");
    });
}

#[test]
fn a_session_ended_by_the_server_leaves_nothing_under_the_final_name() {
    let database = source_database(Source::McaUk);
    database.execute("insert into members (id, email) select n, repeat('x', 2000) from generate_series(1, 60000) n");
    let place = Place::new(Source::McaUk, &database.url);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = database.client();
            for _ in 0..2000 {
                let ended = client.rows(
                    "select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and application_name = 'crm-backfill' and query like 'copy%' and state = 'active'",
                );
                if ended.is_ok_and(|rows| !rows.is_empty()) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let fault = place.fault(Source::McaUk);
        assert_eq!(fault.exit, Exit::Failed);
        assert!(told(&fault).contains("57P01"), "{}", told(&fault));
    });
    let folder = place.session.layout.root().join("exports");
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock-mca_uk"]);
}

#[test]
fn the_watermark_is_the_start_of_the_oldest_open_transaction() {
    let database = source_database(Source::Scl);
    let mut other = database.client();
    other.execute("begin; select 1").unwrap();
    let started = other.rows("select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')").unwrap();
    let place = Place::new(Source::Scl, &database.url);
    let folder = place.export(Source::Scl);
    assert_eq!(Some(&folder.manifest.facts["watermark"]), started[0][0].as_ref());
}

#[test]
fn row_security_that_would_hide_rows_is_an_error() {
    let database = source_database(Source::Scl);
    database.execute(
        r#"insert into "Sport" values (1, 'Golf'), (2, 'Bowls');
           alter table "Sport" enable row level security;
           create policy one on "Sport" using ("id" = 1);
           drop role if exists reader_of_scl; create role reader_of_scl login; grant select on all tables in schema public to reader_of_scl;"#,
    );
    let (before, after) = database.url.split_once('@').unwrap();
    let url = format!("{}reader_of_scl@{after}", &before[..before.rfind('/').unwrap() + 1]);
    let fault = Place::new(Source::Scl, &url).fault(Source::Scl);
    assert_eq!(fault.exit, Exit::Preflight);
    assert!(told(&fault).contains("row-level security") && told(&fault).contains("Sport"), "{}", told(&fault));
    database.execute(r#"drop owned by reader_of_scl; drop role reader_of_scl"#);
}
