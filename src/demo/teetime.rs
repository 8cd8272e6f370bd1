//! The booking service.

use anyhow::Result;

use crate::model::{Source, Timestamp};
use crate::pg::local::Client;

use super::community::{Country, Life};
use super::mca::{handicap, written_handicap};
use super::random::{Draws, Weights};
use super::records::DemoRecords;
use super::rows::{Filled, Rows};

/// Type and name of each association. Its id is `assoc-` and the position in this list.
const ASSOCIATIONS: &[(&str, &str)] = &[
    ("GOLF_RSA", "Golf RSA"),
    ("GOLFRSA", "GolfRSA (old spelling)"),
    ("SAGA_NETWORK", "South African Golf Association"),
    ("ENGLAND_GOLF", "England Golf"),
    ("DOTGOLF", "DotGolf"),
    ("CONGU", "Council of National Golf Unions"),
    ("MCA", "MyClubAccount"),
    ("NEDBANK_GREENTIME", "Nedbank Greentime"),
    ("DISCOVERY_VITALITY", "Discovery Vitality"),
    ("PLAYMORE", "Play More"),
];

/// Ids in the form of this service.
pub(super) fn club_id(seed: u64, country: Country, club: usize) -> String {
    Draws::of(seed, if country.is_south_africa() { "teetime club za" } else { "teetime club uk" }, club as u64).uuid()
}

/// The tenant of a club; a few have none, or an unknown one.
pub(super) fn club_tenant(seed: u64, country: Country, club: usize) -> Option<&'static str> {
    match Draws::of(seed, "teetime tenant", club as u64 * 2 + u64::from(country.is_south_africa())).below(200) {
        // The largest clubs always have a tenant. The next ones have none, so that this case occurs in the smallest population,
        // too.
        _ if club < 5 => Some(country.tenant()),
        _ if club == 5 => None,
        0..7 => None,
        7 => Some("5"),
        _ => Some(country.tenant()),
    }
}

fn courses(club: usize) -> usize {
    1 + usize::from(club.is_multiple_of(3))
}

/// Fills TeeTime.
pub(super) fn fill(client: &mut Client, records: &DemoRecords) -> Result<Vec<Filled>> {
    Ok(vec![
        fill_clubs(client, records)?,
        fill_courses(client, records)?,
        fill_players(client, records)?,
        fill_memberships(client, records)?,
        fill_associations(client)?,
        fill_association_numbers(client, records)?,
        fill_preferences(client, records)?,
        fill_bookings(client, records)?,
    ])
}

fn fill_clubs(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let community = &records.community;
    let mut rows = Rows::into(client, "\"Club\"")?;
    for country in [Country::SouthAfrica, Country::Britain] {
        for (index, club) in community.clubs(country).iter().enumerate() {
            rows.plain(club_id(community.seed, country, index))
                .plain_or_null(club_tenant(community.seed, country, index))
                .text(Some(&club.name))
                .end()?;
        }
    }
    rows.finish()
}

fn fill_courses(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let community = &records.community;
    let mut rows = Rows::into(client, "\"Course\"")?;
    for country in [Country::SouthAfrica, Country::Britain] {
        for club in 0..community.clubs(country).len() {
            for course in 0..courses(club) {
                let id = club_id(community.seed, country, club);
                rows.plain(format_args!("{id}:{course}")).plain(&id).plain(["Championship", "Parkland"][course]).end()?;
            }
        }
    }
    rows.finish()
}

fn fill_players(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let community = &records.community;
    let mut rows = Rows::into(client, "\"Player\"")?;
    for (number, record) in records.of(Source::Teetime).enumerate() {
        let mut draws = Draws::of(community.seed, "player", number as u64);
        let tenths = handicap(records, record.person);
        let shown = if draws.chance(0.62) { written_handicap(&mut draws, tenths) } else { None };
        let dated = (shown.is_some() || draws.chance(0.03)).then(|| match draws.below(500) {
            0 => Timestamp::INFINITY,
            1..4 => community.as_of.plus_days(draws.between(1, 60)),
            _ => super::between(&mut draws, community.as_of.plus_days(-900), community.as_of.plus_days(-1)),
        });
        let country = records.player_country(number);
        rows.plain(&record.id).text(record.email.as_deref()).text(record.phone.as_deref());
        rows.text(record.first_name.as_deref()).text(record.last_name.as_deref()).plain_or_null(shown);
        rows.at_or_null(dated).plain_or_null(record.club.map(|club| club_id(community.seed, country, club)));
        rows.at(record.created_at).at(record.updated_at).end()?;
    }
    rows.finish()
}

fn fill_memberships(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let community = &records.community;
    let mut rows = Rows::into(client, "\"PlayerClubMembership\"")?;
    let mut id = 0;
    for (number, record) in records.of(Source::Teetime).enumerate() {
        let mut draws = Draws::of(community.seed, "player club", number as u64);
        let country = records.player_country(number);
        for place in 0..draws.weighted(&[(0, 42), (1, 40), (2, 14), (3, 4)]) {
            let club = record.club.filter(|_| place == 0).unwrap_or_else(|| community.draw_club(&mut draws, country));
            rows.plain(numbered(community.seed, "player club id", &mut id))
                .plain(&record.id)
                .plain(club_id(community.seed, country, club))
                .end()?;
        }
    }
    rows.finish()
}

fn fill_associations(client: &mut Client) -> Result<Filled> {
    let mut rows = Rows::into(client, "\"Association\"")?;
    for (index, (kind, name)) in ASSOCIATIONS.iter().enumerate() {
        rows.plain(format_args!("assoc-{index}")).plain(kind).plain(name).end()?;
    }
    rows.finish()
}

fn fill_preferences(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let seed = records.community.seed;
    let mut rows = Rows::into(client, "\"PlayerPreference\"")?;
    let mut id = 0;
    for (number, record) in records.of(Source::Teetime).enumerate() {
        let mut draws = Draws::of(seed, "player preference", number as u64);
        for _ in 0..draws.weighted(&[(0, 65), (1, 25), (2, 10)]) {
            let (key, value) = draws.weighted(&[
                (("language", Some("en")), 40),
                (("language", Some("af")), 15),
                (("holes", Some("9")), 10),
                (("cart", Some("yes")), 20),
                (("tee", Some("yellow")), 10),
                (("note", None), 5),
            ]);
            rows.plain(numbered(seed, "preference id", &mut id)).plain(&record.id).plain(key).text(value).end()?;
        }
    }
    rows.finish()
}

fn numbered(seed: u64, what: &str, id: &mut u64) -> String {
    *id += 1;
    Draws::of(seed, what, *id).uuid()
}

fn fill_association_numbers(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let seed = records.community.seed;
    let mut rows = Rows::into(client, "\"PlayerAssociation\"")?;
    let mut id = 0;
    for (number, record) in records.of(Source::Teetime).enumerate() {
        let mut draws = Draws::of(seed, "association", number as u64);
        let south_african = draws.weighted(&[(0, 90), (1, 5), (2, 5)]);
        let british = draws.weighted(&[(3, 75), (4, 15), (5, 10)]);
        let benefit = draws.chance(0.05).then(|| {
            let number = if draws.chance(0.1) { String::new() } else { draws.digits(9) };
            (draws.weighted(&[(7, 45), (8, 45), (9, 10)]), number)
        });
        let quoted = [(south_african, record.golf_rsa_id), (british, record.cdh_id), (6, record.mca_id)];
        let quoted = quoted.into_iter().filter_map(|(association, number)| Some((association, number?)));
        for (association, value) in quoted.chain(benefit) {
            let value = Some(value.as_str()).filter(|value| !value.is_empty());
            rows.plain(numbered(seed, "association id", &mut id)).plain(&record.id);
            rows.plain(format_args!("assoc-{association}")).text(value).end()?;
        }
    }
    rows.finish()
}

fn fill_bookings(client: &mut Client, records: &DemoRecords) -> Result<Filled> {
    let community = &records.community;
    let lives = (0..records.count(Source::Teetime)).map(|number| match records.person_of(Source::Teetime, number).life {
        Life::Silent => 0,
        Life::Lapsed => 4,
        Life::Now => 6,
        Life::Seasonal => 16,
        Life::Keen => 52,
    });
    let weights = Weights::new(lives);
    let within = community.sized(400_000);
    let before = community.sized(40_000);
    let window = community.as_of.minus_years(2);
    let mut rows = Rows::into(client, "\"TeeTime\"")?;
    for number in 0..within + before {
        let mut draws = Draws::of(community.seed, "booking", number as u64);
        let draws = &mut draws;
        let Some(player) = weights.draw(draws) else { break };
        let life = records.person_of(Source::Teetime, player).life;
        let country = records.player_country(player);
        let (mut starts, mut created) = if number < within {
            let last = if life == Life::Lapsed { community.as_of.plus_days(-270) } else { community.as_of.plus_days(14) };
            played(draws, window.plus_days(1), last, life, country)
        } else {
            played(draws, community.as_of.plus_days(-5 * 365), window.plus_days(-1), life, country)
        };
        if number < within && (created < window || created > community.as_of) {
            created = super::between(draws, window, starts.min(community.as_of));
        }
        match number {
            // The limits of the exported window, and a start at infinity.
            0 => created = window,
            1 => starts = Timestamp::INFINITY,
            _ if number == within => created = Timestamp(window.0 - 1),
            _ => {}
        }
        let status = status(draws, starts > community.as_of);
        let club =
            records.player_club(player).filter(|_| draws.chance(0.8)).unwrap_or_else(|| community.draw_club(draws, country));
        let course = draws.below(courses(club));
        let course = (!draws.chance(0.01)).then(|| format!("{}:{course}", club_id(community.seed, country, club)));
        let players = draws.weighted(&[(Some(4), 45), (Some(3), 15), (Some(2), 22), (Some(1), 12), (Some(5), 2), (None, 4)]);
        rows.plain(draws.uuid()).plain(records.id(Source::Teetime, player)).plain_or_null(course).plain(status);
        rows.at(starts).plain_or_null(players).at(created).end()?;
    }
    rows.finish()
}

fn status(draws: &mut Draws, is_ahead: bool) -> &'static str {
    let ahead = [("BOOKED", 50), ("CONFIRMED", 30), ("PENDING", 6), ("CANCELLED", 8), ("Paid", 4), ("HELD", 2)];
    let past = [
        ("COMPLETED", 600),
        ("Played", 20),
        ("finished", 5),
        ("BOOKED", 90),
        ("CONFIRMED", 60),
        ("checked-in", 10),
        ("Reserved", 10),
        ("CANCELLED", 110),
        ("Canceled", 10),
        ("REFUNDED", 10),
        ("NO_SHOW", 40),
        ("no show", 5),
        ("WX", 4),
        ("", 1),
    ];
    draws.weighted(if is_ahead { &ahead } else { &past })
}

/// A start between two instants in the months when this player plays, and the time of booking.
fn played(draws: &mut Draws, first: Timestamp, last: Timestamp, life: Life, country: Country) -> (Timestamp, Timestamp) {
    use chrono::Datelike as _;
    let mut day = super::between(draws, first, last).day();
    for _ in 0..8 {
        let month = day.date().map_or(6, |date| date.month());
        let is_summer = if country.is_south_africa() { !(5..=8).contains(&month) } else { (4..=10).contains(&month) };
        if is_summer || !draws.chance(if life == Life::Seasonal { 0.97 } else { 0.4 }) {
            break;
        }
        day = super::between(draws, first, last).day();
    }
    let starts = Timestamp(day.start_utc().0 + draws.between(6 * 60, 16 * 60) / 8 * 8 * 60_000_000);
    let ahead = draws.between(10, 21 * 24 * 60) * draws.between(1, 100) / 100;
    let created = Timestamp(starts.0 - ahead * 60_000_000 - draws.between(0, 59_999_999));
    (starts, created)
}
