//! Exports during writes: values that must sum to zero over several tables do so in every export.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crm_backfill::store::Folder;

use crate::support::postgres::{Database, database};
use crate::support::soak;
use crate::support::workdir::Workdir;

/// Tokens that are always in exactly one of two tables.
const TOKENS: i64 = 200;

fn source() -> Database {
    let source = database(include_str!("../../schemas/sources/mca_za.sql"));
    source.execute(&format!(
        "insert into clubs select g, 'Club ' || g, null from generate_series(1, {TOKENS}) g;
         insert into members (id, email, first_name, last_name) select g, 'm' || g || '@mail.test', 'Ann', 'Lee' from generate_series(1, 20000) g;
         insert into handicaps select g, 1, 10.0, '2020-01-01' from generate_series(1, {TOKENS}) g;"
    ));
    source
}

/// Moves tokens between the two tables, each move one transaction, until told to stop.
fn writers(source: &Database, stop: &Arc<AtomicBool>, moves: &Arc<AtomicU64>) -> Vec<std::thread::JoinHandle<()>> {
    let work = |first: i64| {
        let (mut client, stop, moves) = (source.client(), stop.clone(), moves.clone());
        std::thread::spawn(move || {
            let mut token = first;
            while !stop.load(Ordering::Relaxed) {
                let there = format!(
                    "with gone as (delete from handicaps where id = {token} returning id)
                     insert into member_clubs (member_id, club_id) select 1, id from gone"
                );
                let back = format!(
                    "with gone as (delete from member_clubs where member_id = 1 and club_id = {token} returning club_id)
                     insert into handicaps select club_id, 1, 10.0, '2020-01-01' from gone"
                );
                client.execute(&there).unwrap();
                client.execute(&back).unwrap();
                moves.fetch_add(2, Ordering::Relaxed);
                token = if token + 2 > TOKENS { first } else { token + 2 };
            }
        })
    };
    [1, 2].into_iter().map(work).collect()
}

#[test]
fn an_export_during_writes_is_consistent() {
    let source = source();
    let (stop, moves) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let threads = writers(&source, &stop, &moves);
    let mut workdir = Workdir::new();
    workdir.set("MCA_ZA_DATABASE_URL", &source.url).set("AS_OF", crate::support::world::AS_OF);
    let mut exports = 0;
    let mut wrong = Vec::new();
    for round in 0..soak::cases(4) {
        workdir.ok("export-mca-za", &[]);
        let folder = Folder::open(&workdir.data().join("exports/mca_za")).unwrap();
        let rows = |entity: &str| folder.manifest.files[&format!("raw_mca_za__{entity}.parquet")].rows;
        let sum = rows("handicaps") + rows("member_clubs");
        if sum != TOKENS.unsigned_abs() {
            wrong.push((round, sum));
        }
        exports += 1;
    }
    // The control: two counts, each of its own moment, do not always agree.
    let mut torn = 0;
    let mut client = source.client();
    for _ in 0..400 {
        let mut count = |table: &str| {
            client.rows(&format!("select count(*)::text from {table}")).unwrap()[0][0].clone().unwrap().parse::<i64>().unwrap()
        };
        let first = count("handicaps");
        std::thread::sleep(std::time::Duration::from_millis(1));
        torn += u64::from(first + count("member_clubs") != TOKENS);
    }
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(wrong, [], "exports whose tables are of different moments");
    let moved = moves.load(Ordering::Relaxed);
    assert!(moved > 100 && torn > 0, "{moved} moves, {torn} torn counts without a snapshot");
    let figures = [("exports", exports), ("moves meanwhile", moved), ("of 400 counts without a snapshot, torn", torn)];
    soak::measured("snapshot", &figures);
}
