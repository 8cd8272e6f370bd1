//! Cells per second and core of the parsers of person records, on invented cells with realistic errors.

use crm_backfill::model::date::{Birth, DateProfile};
use crm_backfill::model::email::EmailReader;
use crm_backfill::model::name::NameReader;
use crm_backfill::model::phone::{PhoneReader, PhoneRegion};
use crm_backfill::model::zone::Zone;
use crm_backfill::model::{Day, Reasons, Reference, handicap};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const CELLS: usize = 20_000;

/// Digits derived from the cell's number.
fn digits(cell: usize, count: usize) -> String {
    let mut state = cell as u64 * 0x9e37_79b9_7f4a_7c15 + 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state % 10) as u8)
    };
    (0..count).map(next).collect()
}

/// Four of five are national mobile numbers in various spellings, the others are damaged by spreadsheets or typing errors.
fn phones() -> Vec<String> {
    let of = |cell: usize| {
        let number = digits(cell, 7);
        let (a, b) = number.split_at(3);
        match cell % 20 {
            0 => format!("+27 (0) 82 {a} {b}"),
            1 => format!("082{number} / 011 884 {b}"),
            2 => format!("82{number}"),
            3 => format!("082 {a} {b} (wife)"),
            4..8 => format!("+2782{number}"),
            8..14 => format!("082 {a} {b}"),
            14..16 => format!("082-{a}-{b}"),
            _ => format!("082{number}"),
        }
    };
    (0..CELLS).map(of).collect()
}

#[divan::bench]
fn phone(bencher: Bencher) {
    let junk = Reference::committed().junk;
    let home = PhoneRegion::parse("ZA");
    let mut reader = PhoneReader::new(["ZA", "GB"].into_iter().filter_map(PhoneRegion::parse));
    let cells = phones();
    bencher.counter(ItemsCount::new(CELLS)).bench_local(|| {
        let mut reasons = Reasons::default();
        cells.iter().map(|cell| reader.read(cell, home, true, &junk, &mut reasons).len()).sum::<usize>()
    });
}

#[divan::bench]
fn email(bencher: Bencher) {
    let junk = Reference::committed().junk;
    let mut reader = EmailReader::default();
    let of = |cell: usize| match cell % 10 {
        0 => format!("First.Last{cell}+golf@gmail.com"),
        1 => format!("First Last <f{cell}@mail.test>"),
        _ => format!("First.Last{cell}@Mail.test"),
    };
    let cells: Vec<String> = (0..CELLS).map(of).collect();
    bencher.counter(ItemsCount::new(CELLS)).bench_local(|| {
        let mut reasons = Reasons::default();
        cells.iter().map(|cell| reader.read(cell, &junk, &mut reasons).len()).sum::<usize>()
    });
}

#[divan::bench]
fn name(bencher: Bencher) {
    let junk = Reference::committed().junk;
    let mut reader = NameReader::default();
    let given = ["Thandi", "Siân", "J.P.", "Mrs Ann", " Pieter ", "Anne-Marie"];
    let family = ["Nkosi", "van der Merwe", "O’Neil", "HUGHES", "Botha", "Lee"];
    bencher.counter(ItemsCount::new(CELLS)).bench_local(|| {
        let mut reasons = [Reasons::default(); 2];
        (0..CELLS)
            .filter(|cell| {
                let (first, last) = (given[cell % 6], family[cell / 6 % 6]);
                reader.read(Some(first), Some(last), Some("Sandvlei Links"), &junk, &mut reasons).first.is_some()
            })
            .count()
    });
}

#[divan::bench]
fn birth_date(bencher: Bencher) {
    let junk = Reference::committed().junk;
    let rules = DateProfile::default().rules(None).expect("an empty column proves nothing");
    let birth = Birth { zone: Zone::UTC, as_of: Day(20_779), created_on: None };
    let cells: Vec<String> = (0..CELLS).map(|cell| format!("19{}-0{}-1{}", 40 + cell % 60, 1 + cell % 9, cell % 10)).collect();
    bencher.counter(ItemsCount::new(CELLS)).bench_local(|| {
        let mut reasons = Reasons::default();
        cells.iter().filter(|cell| rules.birth(cell, birth, &junk, &mut reasons).is_some()).count()
    });
}

#[divan::bench]
fn handicap_index(bencher: Bencher) {
    let cells: Vec<String> = (0..CELLS).map(|cell| format!("{}.{}", cell % 50, cell % 10)).collect();
    bencher.counter(ItemsCount::new(CELLS)).bench_local(|| {
        let mut reasons = Reasons::default();
        cells.iter().filter(|cell| handicap::read(cell, &mut reasons).is_some()).count()
    });
}
