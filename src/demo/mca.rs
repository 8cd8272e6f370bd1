//! The two legacy member databases.

use anyhow::Result;

use crate::model::{Day, Source};
use crate::pg::local::Client;

use super::community::Country;
use super::random::Draws;
use super::records::{DemoRecord, DemoRecords};
use super::rows::{Filled, Rows};

const STATUSES: &[(Option<&str>, u32)] = &[
    (Some("Active"), 480),
    (Some("ACTIVE"), 120),
    (Some("A"), 60),
    (Some("1"), 30),
    (Some("Full"), 30),
    (Some("Honorary"), 8),
    (Some("Country"), 12),
    (Some("Student"), 12),
    (Some("Junior"), 20),
    (Some("Paid"), 10),
    (Some("Arrears"), 12),
    (Some("overdue"), 6),
    (Some("Lapsed"), 60),
    (Some("Resigned"), 50),
    (Some("EXPIRED"), 20),
    (Some("I"), 15),
    (Some("0"), 8),
    (Some("Suspended"), 6),
    (Some("On Hold"), 3),
    (Some("Pending"), 6),
    (Some("waiting list"), 3),
    (Some("Deceased"), 10),
    (Some("RIP"), 2),
    (Some(""), 6),
    (None, 8),
    (Some("XFER-2"), 2),
    (Some("Sleeper"), 1),
];

/// The handicap index of a person in tenths. Sources differ only by the years between their dates.
pub(super) fn handicap(records: &DemoRecords, person: u32) -> i32 {
    let mut draws = Draws::of(records.community.seed, "handicap", u64::from(person));
    let (low, high) = draws.weighted(&[((-30, 0), 2), ((0, 90), 14), ((90, 180), 38), ((180, 280), 34), ((280, 540), 12)]);
    i32::try_from(draws.between(low, high)).unwrap_or(180)
}

/// Tenths as text for the numeric column; sometimes one of the values that mean "none".
pub(super) fn written_handicap(draws: &mut Draws, tenths: i32) -> Option<String> {
    match draws.below(1000) {
        0..5 => Some("99.9".to_owned()),
        5..7 => Some("999.0".to_owned()),
        7..9 => Some("54.1".to_owned()),
        9..11 => Some("-1.0".to_owned()),
        11..13 => Some("99.0".to_owned()),
        13..25 => None,
        25..30 => Some("0.0".to_owned()),
        _ => Some(format!("{}{}.{}", if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenths.abs() % 10)),
    }
}

fn day_before(records: &DemoRecords, draws: &mut Draws, least: i64, most: i64) -> Day {
    Day(records.community.as_of.day().0 - i32::try_from(draws.between(least, most)).unwrap_or(0))
}

/// Clubs of a member with the days of joining and leaving. The first is the home club, if there is one.
struct JoinedClub {
    club: usize,
    is_home: bool,
    joined_on: Option<Day>,
    left_on: Option<Day>,
}

fn joined(records: &DemoRecords, record: &DemoRecord, number: usize, country: Country) -> Vec<JoinedClub> {
    let mut draws = Draws::of(records.community.seed, "joined", number as u64 * 2 + u64::from(country.is_south_africa()));
    let Some(home) = record.club else { return Vec::new() };
    let count = draws.weighted(&[(1, 50), (2, 35), (3, 11), (4, 4)]);
    let mut joined: Vec<JoinedClub> = Vec::with_capacity(count);
    for place in 0..count {
        let club = if place == 0 { home } else { records.community.draw_club(&mut draws, country) };
        if joined.iter().any(|other| other.club == club) {
            continue;
        }
        let joined_on = day_before(records, &mut draws, 30, 18 * 365);
        let has_left = draws.chance(if place == 0 { 0.08 } else { 0.35 });
        let left_on = Day(joined_on.0 + i32::try_from(draws.between(90, 3000)).unwrap_or(0));
        joined.push(JoinedClub {
            club,
            is_home: if place == 0 { draws.chance(0.96) } else { draws.chance(0.03) },
            joined_on: (!draws.chance(0.02)).then_some(joined_on),
            left_on: has_left.then_some(if draws.chance(0.004) { Day::INFINITY } else { left_on }),
        });
    }
    joined
}

fn fill_clubs(client: &mut Client, records: &DemoRecords, country: Country) -> Result<Filled> {
    let mut rows = Rows::into(client, "clubs")?;
    for (index, club) in records.community.clubs(country).iter().enumerate() {
        rows.plain(index + 1).text(Some(&club.name)).text(Some(&club.code)).end()?;
    }
    rows.finish()
}

/// Fills MCA v1 ZA.
pub(super) fn fill_za(client: &mut Client, records: &DemoRecords) -> Result<Vec<Filled>> {
    let source = Source::McaZa;
    let seed = records.community.seed;
    let clubs = fill_clubs(client, records, Country::SouthAfrica)?;
    let mut rows = Rows::into(client, "members")?;
    for (number, record) in records.of(source).enumerate() {
        let mut draws = Draws::of(seed, "za status", number as u64);
        rows.plain(&record.id).text(record.email.as_deref()).text(record.phone.as_deref());
        rows.text(record.first_name.as_deref()).text(record.last_name.as_deref()).plain_or_null(record.born_on.as_ref());
        rows.text(record.gender).text(record.golf_rsa_id.as_deref()).text(draws.weighted(STATUSES));
        rows.at_or_null((!draws.chance(0.01)).then_some(record.created_at))
            .at_or_null((!draws.chance(0.02)).then_some(record.updated_at))
            .end()?;
    }
    let members = rows.finish()?;
    let mut rows = Rows::into(client, "member_clubs")?;
    for (number, record) in records.of(source).enumerate() {
        let mut draws = Draws::of(seed, "za member club", number as u64);
        for joined in joined(records, &record, number, Country::SouthAfrica) {
            let status = if joined.left_on.is_some() {
                draws.weighted(&[(Some("Resigned"), 60), (Some("Lapsed"), 30), (Some("Transferred"), 8), (None, 2)])
            } else {
                draws.weighted(&[(Some("Active"), 85), (Some("active "), 6), (Some("Suspended"), 3), (None, 6)])
            };
            rows.plain(&record.id).plain(joined.club + 1).text(status).plain(joined.is_home);
            rows.plain_or_null(joined.joined_on).plain_or_null(joined.left_on).end()?;
        }
    }
    let member_clubs = rows.finish()?;
    let mut rows = Rows::into(client, "handicaps")?;
    let mut id = 0_u64;
    for (number, record) in records.of(source).enumerate() {
        let mut draws = Draws::of(seed, "za handicaps", number as u64);
        let count = draws.weighted(&[(0, 15), (2, 20), (4, 30), (6, 25), (9, 10)]);
        let mut tenths = handicap(records, record.person) + i32::try_from(draws.between(-20, 40)).unwrap_or(0);
        let mut ago = draws.between(200, 3000);
        for _ in 0..count {
            id += 1;
            let effective = day_before(records, &mut draws, ago, ago);
            rows.plain(id).plain(&record.id).plain_or_null(written_handicap(&mut draws, tenths)).plain(effective).end()?;
            tenths += i32::try_from(draws.between(-12, 9)).unwrap_or(0);
            // The last few may be dated after as_of, or on the same day as the one before.
            ago -= if draws.chance(0.01) { 0 } else { draws.between(5, 420) };
            ago = ago.max(if draws.chance(0.05) { -40 } else { 1 });
        }
    }
    Ok(vec![clubs, members, member_clubs, rows.finish()?])
}

/// Fills MCA v1 UK.
pub(super) fn fill_uk(client: &mut Client, records: &DemoRecords) -> Result<Vec<Filled>> {
    let source = Source::McaUk;
    let seed = records.community.seed;
    let clubs = fill_clubs(client, records, Country::Britain)?;
    let mut rows = Rows::into(client, "members")?;
    for (number, record) in records.of(source).enumerate() {
        let mut draws = Draws::of(seed, "uk status", number as u64);
        rows.plain(&record.id).text(record.email.as_deref()).text(record.phone.as_deref());
        rows.text(record.first_name.as_deref()).text(record.last_name.as_deref()).plain_or_null(record.born_on.as_ref());
        rows.text(record.gender).text(record.cdh_id.as_deref()).text(draws.weighted(STATUSES));
        let tenths = handicap(records, record.person);
        let shown = if draws.chance(0.7) { written_handicap(&mut draws, tenths) } else { None };
        rows.plain_or_null(shown).at_or_null((!draws.chance(0.01)).then_some(record.created_at));
        rows.at_or_null((!draws.chance(0.02)).then_some(record.updated_at)).end()?;
    }
    let members = rows.finish()?;
    let mut rows = Rows::into(client, "memberships")?;
    let mut id = 0_u64;
    for (number, record) in records.of(source).enumerate() {
        let mut draws = Draws::of(seed, "uk membership", number as u64);
        for joined in joined(records, &record, number, Country::Britain) {
            id += 1;
            let kind = draws.weighted(&[
                (Some("7 Day"), 45),
                (Some("5 Day"), 18),
                (Some("Country"), 6),
                (Some("Junior"), 8),
                (Some("Social"), 10),
                (Some("Academy"), 5),
                (Some("HONORARY"), 2),
                (None, 6),
            ]);
            rows.plain(id).plain(&record.id).plain(joined.club + 1).text(kind).plain(joined.is_home);
            rows.plain_or_null(joined.joined_on).plain_or_null(joined.left_on).end()?;
        }
    }
    Ok(vec![clubs, members, rows.finish()?])
}
