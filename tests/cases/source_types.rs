//! Databases whose columns have other types than expected (§2, §6).

use crm_backfill::config::Environment;
use crm_backfill::model::{Phase, Source};
use crm_backfill::steps::{export, stage};
use crm_backfill::store::Folder;
use crm_backfill::tables::stage::{club_memberships, handicaps, people};

use super::bench::{Bench, shown};
use crate::support::postgres::{Database, database};

const MCA_ZA: &str = include_str!("../../schemas/sources/mca_za.sql");

/// Exports MCA ZA from a database and stages phase 1.
/// The staged folder, and the bench that holds it.
fn staged(database: &Database) -> (Folder, Bench) {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(1);
    bench.session.environment = Environment::of([(Source::McaZa.url_variable(), database.url.as_str())]);
    bench.export(Source::McaUk, |_| ()).unwrap();
    export::run(&bench.session, Source::McaZa, &export::ExportArgs::default()).unwrap_or_else(|error| panic!("{error:?}"));
    stage::run(&bench.session, stage::StageArgs::default()).unwrap_or_else(|error| panic!("{error:?}"));
    let folder = Folder::open(&bench.session.layout.stage()).unwrap();
    folder.check().unwrap();
    (folder, bench)
}

fn member(folder: &Folder) -> Vec<String> {
    shown::<people::Table>(folder, Source::McaZa, |row| {
        let text = |at: Option<crm_backfill::model::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string()[..16].to_owned());
        let born = row.born_on.map_or("-".to_owned(), |day| day.to_string());
        let handicap = row.handicap.map_or("-".to_owned(), |handicap| handicap.to_string());
        format!(
            "{} {born} {} {handicap} {} {}",
            row.source_id,
            text(row.created_at),
            text(row.handicap_at),
            row.home_club_id.unwrap_or("-")
        )
    })
}

const ROWS: &str = "
    insert into clubs values (7, 'Links', 'L'), (8, 'Oak', 'O');
    insert into members (id, email, date_of_birth, created_at) values (1, 'a@mail.test', '1975-12-31', '2015-06-01 00:30');
    insert into member_clubs values (1, 8, 'Full', true, '2015-06-01', '2019-12-31'), (1, 7, 'Full', true, '2019-12-31', null);
    insert into handicaps values (1, 1, 12.3, '2019-12-31'), (2, 1, 99.9, '2020-01-31')";

/// The expected rows for all column types. The latest handicap is not valid; consolidate takes the one before.
const MEMBER: &str = "1 1975-12-31 2015-05-31T22:30 - - 7";

/// 2.1
#[test]
fn a_zone_aware_column_is_an_instant() {
    let database = database(MCA_ZA);
    database.execute(&format!(
        "set timezone = 'Africa/Johannesburg';
         alter table members alter date_of_birth type timestamptz, alter created_at type timestamptz;
         alter table member_clubs alter joined_at type timestamptz, alter left_at type timestamptz;
         alter table handicaps alter effective_date type timestamptz; {ROWS}"
    ));
    let (folder, _bench) = staged(&database);
    assert_eq!(member(&folder), [MEMBER]);
    let clubs = shown::<club_memberships::Table>(&folder, Source::McaZa, |row| {
        format!("{} {:?}", row.joined_at.unwrap(), row.left_at.map(|at| at.to_string()))
    });
    assert_eq!(
        clubs,
        ["2019-12-30T22:00:00.000Z None", "2015-05-31T22:00:00.000Z Some(\"2019-12-30T22:00:00.000Z\")"],
        "local midnights"
    );
    let days = shown::<handicaps::Table>(&folder, Source::McaZa, |row| row.effective_on.unwrap().to_string());
    assert_eq!(days, ["2019-12-31", "2020-01-31"]);
}

/// 6.1
#[test]
fn columns_of_any_type_that_casts_to_text_are_read() {
    for alter in [
        "alter table member_clubs alter is_home_club drop default, alter is_home_club type numeric(3,1) using is_home_club::int;
         alter table handicaps alter effective_date type text",
        "alter table member_clubs alter is_home_club drop default,
           alter is_home_club type char(1) using case when is_home_club then 'J' else 'N' end, alter left_at type timestamp;
         alter table handicaps alter effective_date type varchar(20), alter handicap_index type float8;
         alter table members alter created_at type text, alter date_of_birth type timestamp",
        "alter table member_clubs alter is_home_club drop default,
           alter is_home_club type text using case when is_home_club then 'yes' else 'no' end, alter joined_at type text;
         alter table handicaps alter effective_date type text using to_char(effective_date, 'DD/MM/YYYY');
         alter table members alter created_at type text using to_char(created_at, 'DD/MM/YYYY HH24:MI'),
           alter date_of_birth type text using to_char(date_of_birth, 'DD-Mon-YYYY'), alter id type numeric(12, 1)",
    ] {
        let database = database(MCA_ZA);
        database.execute("alter table member_clubs drop constraint member_clubs_member_id_fkey; alter table handicaps drop constraint handicaps_member_id_fkey");
        database.execute(ROWS);
        database.execute(alter);
        let (folder, _bench) = staged(&database);
        assert_eq!(member(&folder), [MEMBER], "{alter}");
    }
}

/// 6.1: the statements find the home club by the same words as staging.
#[test]
fn the_statements_know_every_word_for_yes() {
    let words = include_str!("../../data/reference/booleans.csv").lines().filter_map(|line| line.strip_suffix(",true"));
    for word in words.filter(|word| word.is_ascii()) {
        for statement in
            [include_str!("../../sql/exports/mca_za/members.sql"), include_str!("../../sql/exports/mca_uk/members.sql")]
        {
            assert!(statement.contains(&format!("'{word}'")), "{word}");
        }
    }
}
