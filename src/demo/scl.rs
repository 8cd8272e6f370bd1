//! The membership service.

use anyhow::Result;

use crate::model::{Day, Source};
use crate::pg::local::Client;

use super::community::Country;
use super::random::Draws;
use super::records::DemoRecords;
use super::rows::{Filled, Rows};

const TIERS: &[&str] = &["Gold", "PLATINUM", "Silver", "Bronze", "Junior", "Country", "Student", "Honorary"];
const SPORTS: &[&str] = &["Golf", "Padel", "Tennis", "Squash", "Bowls"];

const STATUSES: &[(&str, u32)] = &[
    ("ACTIVE", 700),
    ("Active", 20),
    ("LAPSED", 90),
    ("CANCELLED", 60),
    ("SUSPENDED", 15),
    ("PENDING", 30),
    ("EXPIRED", 30),
    ("FROZEN", 8),
    ("OVERDUE", 25),
    (" ACTIVE ", 6),
    ("DECEASED", 6),
    ("MIGRATING", 3),
];

/// Fills SCL.
pub(super) fn fill(client: &mut Client, records: &DemoRecords) -> Result<Vec<Filled>> {
    let community = &records.community;
    let mut filled = Vec::new();
    let mut rows = Rows::into(client, "\"MembershipTier\"")?;
    for tenant in 1..=2 {
        for (index, tier) in TIERS.iter().enumerate() {
            rows.plain((tenant - 1) * TIERS.len() + index + 1).plain(tenant).plain(tier).end()?;
        }
    }
    filled.push(rows.finish()?);

    let clubs_za = community.clubs(Country::SouthAfrica).len();
    let mut rows = Rows::into(client, "\"Club\"")?;
    for (tenant, country) in [(1, Country::SouthAfrica), (2, Country::Britain)] {
        for (index, club) in community.clubs(country).iter().enumerate() {
            rows.plain(club_id(index, country, clubs_za)).plain(tenant).text(Some(&club.name)).end()?;
        }
    }
    filled.push(rows.finish()?);

    let mut rows = Rows::into(client, "\"Sport\"")?;
    for (index, sport) in SPORTS.iter().enumerate() {
        rows.plain(index + 1).plain(sport).end()?;
    }
    filled.push(rows.finish()?);

    let mut rows = Rows::into(client, "\"Member\"")?;
    for (number, record) in records.of(Source::Scl).enumerate() {
        let mut draws = Draws::of(community.seed, "scl member", number as u64);
        let tenant = record.tenant.as_deref().unwrap_or("1");
        let offset = if tenant == "2" { TIERS.len() } else { 0 };
        let tier = draws.weighted(&[(0, 20), (1, 6), (2, 30), (3, 22), (4, 8), (5, 6), (6, 5), (7, 3)]);
        rows.plain(&record.id).plain(tenant).text(record.email.as_deref());
        rows.text(record.first_name.as_deref()).text(record.last_name.as_deref()).text(record.auth_user_id.as_deref());
        rows.text(Some(draws.weighted(STATUSES))).plain_or_null((!draws.chance(0.05)).then_some(offset + tier + 1));
        rows.at(record.created_at).at(record.updated_at).end()?;
    }
    filled.push(rows.finish()?);

    let mut rows = Rows::into(client, "\"MemberClub\"")?;
    let mut id = 0_u64;
    for (number, record) in records.of(Source::Scl).enumerate() {
        let mut draws = Draws::of(community.seed, "scl member club", number as u64);
        let country = records.country(Source::Scl, records.person_of(Source::Scl, number), &mut draws);
        for place in 0..draws.weighted(&[(0, 3), (1, 56), (2, 30), (3, 11)]) {
            id += 1;
            let club = record.club.filter(|_| place == 0).unwrap_or_else(|| community.draw_club(&mut draws, country));
            let club = club_id(club.min(community.clubs(country).len() - 1), country, clubs_za);
            let joined = Day(community.as_of.day().0 - i32::try_from(draws.between(5, 6 * 365)).unwrap_or(0));
            let left = Day(joined.0 + i32::try_from(draws.between(60, 900)).unwrap_or(0));
            rows.plain(id).plain(&record.id).plain(club).plain_or_null((!draws.chance(0.03)).then_some(joined));
            rows.plain_or_null(draws.chance(0.15).then_some(left)).end()?;
        }
    }
    filled.push(rows.finish()?);

    let mut rows = Rows::into(client, "\"SportMembership\"")?;
    let mut id = 0_u64;
    for (number, record) in records.of(Source::Scl).enumerate() {
        let mut draws = Draws::of(community.seed, "scl sport", number as u64);
        for _ in 0..draws.weighted(&[(0, 12), (1, 62), (2, 20), (3, 6)]) {
            id += 1;
            let sport = draws.weighted(&[(1, 70), (2, 12), (3, 8), (4, 5), (5, 5)]);
            let status = draws.weighted(&[("ACTIVE", 75), ("PAUSED", 6), ("CANCELLED", 12), ("PENDING", 5), ("TRIAL", 2)]);
            let began = super::between(&mut draws, community.as_of.plus_days(-6 * 365), community.as_of.plus_days(-1));
            let changed = if draws.chance(0.6) {
                began
            } else {
                super::between(&mut draws, began, community.as_of.plus_days(-1).max(began))
            };
            rows.plain(id).plain(&record.id).plain(sport).plain(status).at(began).at(changed).end()?;
        }
    }
    filled.push(rows.finish()?);
    Ok(filled)
}

fn club_id(index: usize, country: Country, clubs_za: usize) -> usize {
    if country.is_south_africa() { index + 1 } else { clubs_za + index + 1 }
}
