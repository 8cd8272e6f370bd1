//! The ground truth of the demo: invented people, their households, clubs, emails and phones.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use crate::model::{Day, Timestamp};

use super::names::{self, NAMES, plain};
use super::population::DemoPopulation;
use super::random::{Draws, Weights};

/// Number of people at scale 1.
const PEOPLE: f64 = 114_000.0;

/// The country of a person. It is also the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Country {
    SouthAfrica,
    Britain,
}

impl Country {
    pub(super) fn is_south_africa(self) -> bool {
        self == Self::SouthAfrica
    }

    /// The CRM tenant of the default settings.
    pub(super) fn tenant(self) -> &'static str {
        if self.is_south_africa() { "1" } else { "2" }
    }
}

/// How often a person plays. It determines bookings, messages and membership changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Never plays.
    Silent,
    /// Has played, but not in the last nine months.
    Lapsed,
    /// Plays a few rounds a year.
    Now,
    /// Plays in summer only.
    Seasonal,
    /// Plays every week.
    Keen,
}

/// An invented person.
#[derive(Debug)]
pub(super) struct DemoPerson {
    pub country: Country,
    pub also_abroad: bool,
    pub is_man: bool,
    pub given: &'static str,
    pub family: Box<str>,
    pub former_family: Option<Box<str>>,
    pub born_on: Day,
    /// The current one first.
    pub emails: Vec<Box<str>>,
    /// E.164; the current one first.
    pub phones: Vec<Box<str>>,
    pub golf_rsa: Option<Box<str>>,
    /// More than one for people who changed clubs before 2020.
    pub cdh: Vec<Box<str>>,
    pub subject: Option<Box<str>>,
    /// First person of the household, and the number of its members.
    pub home: (u32, u8),
    /// Index among the clubs of the country.
    pub club: u32,
    pub life: Life,
    /// Known only as a guest in another player's booking, with that player's email and phone.
    pub guest_of: Option<u32>,
}

/// A club. The member databases know it by number, the booking service by name.
#[derive(Debug)]
pub(super) struct Club {
    pub name: String,
    pub code: String,
    pub email: String,
    pub phone: String,
}

/// All people and clubs for one seed.
#[derive(Debug)]
pub struct Community {
    pub(super) seed: u64,
    pub(super) scale: f64,
    pub(super) as_of: Timestamp,
    pub(super) population: DemoPopulation,
    pub(super) people: Vec<DemoPerson>,
    pub(super) clubs_za: Vec<Club>,
    pub(super) clubs_uk: Vec<Club>,
    /// Draws clubs; a few clubs have many members.
    of_clubs_za: Weights,
    of_clubs_uk: Weights,
}

/// Reserved domains, and one real provider that ignores dots, with local parts that do not exist.
const DOMAINS: &[(&str, u32)] = &[
    ("mail.test", 28),
    ("webmail.test", 16),
    ("post.test", 14),
    ("inbox.test", 12),
    ("telkom.test", 8),
    ("btmail.test", 8),
    ("work.test", 4),
    ("gmail.com", 10),
];

impl Community {
    /// Builds the people. `scale` 1 is the size of the strategy's estimates.
    pub fn new(population: &DemoPopulation, seed: u64, scale: f64, as_of: Timestamp) -> Self {
        let sized = |full: f64, least: usize| ((full * scale).round() as usize).max(least);
        let clubs = |country: Country, count: usize| (0..count).map(|number| new_club(seed, country, number)).collect::<Vec<_>>();
        let (clubs_za, clubs_uk) = (clubs(Country::SouthAfrica, sized(500.0, 5)), clubs(Country::Britain, sized(300.0, 4)));
        let (of_clubs_za, of_clubs_uk) = (Weights::falling(clubs_za.len(), 3), Weights::falling(clubs_uk.len(), 3));
        let count = sized(PEOPLE, 60);
        let people = Vec::with_capacity(count + count / 20);
        let population = population.clone();
        let mut community = Self { seed, scale, as_of, population, people, clubs_za, clubs_uk, of_clubs_za, of_clubs_uk };
        let mut taken = Taken::default();
        let mut household = 0;
        while community.people.len() < count {
            community.settle(household, &mut taken);
            household += 1;
        }
        community.invite(count);
        community
    }

    pub(super) fn clubs(&self, country: Country) -> &[Club] {
        if country.is_south_africa() { &self.clubs_za } else { &self.clubs_uk }
    }

    pub(super) fn draw_club(&self, draws: &mut Draws, country: Country) -> usize {
        let weights = if country.is_south_africa() { &self.of_clubs_za } else { &self.of_clubs_uk };
        weights.draw(draws).unwrap_or(0)
    }

    /// A number given for scale 1, at the scale of this population.
    pub(super) fn sized(&self, full: u32) -> usize {
        ((f64::from(full) * self.scale).round() as usize).max(1)
    }

    /// A household: one person, a couple, or a family.
    fn settle(&mut self, household: u64, taken: &mut Taken) {
        let mut draws = Draws::of(self.seed, "household", household);
        let shares = self.population.clone();
        let country = if draws.chance(0.63) { Country::SouthAfrica } else { Country::Britain };
        let size = if draws.chance(1.0 - shares.households) { 1 } else { draws.weighted(&[(2, 55), (3, 20), (4, 18), (5, 7)]) };
        let family: Box<str> = NAMES.family(&mut draws).into();
        let first = u32::try_from(self.people.len()).expect("people are counted in 32 bits");
        let club = u32::try_from(self.draw_club(&mut draws, country)).unwrap_or(0);
        let mailbox = (size > 1 && draws.chance(shares.shared_mailbox)).then(|| taken.family_mailbox(&mut draws, &family));
        let telephone = (size > 1 && draws.chance(shares.shared_phone)).then(|| taken.phone(&mut draws, country, true));
        let has_twins = size > 3 && draws.chance(shares.twins * 2.0);
        for member in 0..size {
            let is_adult = member < 2;
            let is_man = if member == 0 {
                draws.chance(0.74)
            } else if member == 1 {
                !self.people[first as usize].is_man
            } else {
                draws.chance(0.55)
            };
            let twin = (has_twins && member == 3).then(|| self.people[first as usize + 2].born_on);
            let parent = &self.people.get(first as usize).map(|parent| (parent.is_man, parent.given));
            let given = match parent {
                Some((man, given)) if !is_adult && *man == is_man && twin.is_none() && draws.chance(shares.same_name) => given,
                _ => self.new_given(&mut draws, is_man, first as usize),
            };
            let own_family = if member == 1 && draws.chance(0.12) { NAMES.family(&mut draws).into() } else { family.clone() };
            let former_family =
                (!is_man && is_adult && draws.chance(shares.former_name)).then(|| NAMES.family(&mut draws).into());
            let age = if is_adult { draws.between(26 * 365, 80 * 365) } else { draws.between(8 * 365, 22 * 365) };
            let born_on = twin.unwrap_or(Day(self.as_of.day().0 - i32::try_from(age).unwrap_or(0)));
            let mut emails = vec![taken.email(&mut draws, given, &own_family)];
            if draws.chance(0.38) {
                emails.push(taken.email(&mut draws, given, former_family.as_deref().unwrap_or(&own_family)));
            }
            let mut phones = vec![taken.phone(&mut draws, country, false)];
            if draws.chance(0.30) {
                let is_fixed = draws.chance(0.3);
                phones.push(taken.phone(&mut draws, country, is_fixed));
            }
            self.share(&mut draws, first as usize, is_adult, (&mailbox, &telephone), (&mut emails, &mut phones));
            let number = self.people.len() as u64;
            let is_za = country.is_south_africa();
            let golf_rsa = draws.chance(if is_za { 0.95 } else { 0.03 }).then(|| golf_rsa(number));
            let cdh = if draws.chance(if is_za { 0.03 } else { 0.94 }) { vec![cdh(number * 2)] } else { Vec::new() };
            let cdh = if !cdh.is_empty() && draws.chance(0.015) { vec![cdh[0].clone(), self::cdh(number * 2 + 1)] } else { cdh };
            let subject = draws.chance(0.55).then(|| subject(&mut draws));
            let also_abroad = draws.chance(shares.both_countries);
            let life = draws.weighted(&[
                (Life::Silent, 34),
                (Life::Lapsed, 12),
                (Life::Now, 26),
                (Life::Seasonal, 18),
                (Life::Keen, 10),
            ]);
            let home = (first, size as u8);
            self.people.push(DemoPerson {
                country,
                also_abroad,
                is_man,
                given,
                family: own_family,
                former_family,
                born_on,
                emails,
                phones,
                golf_rsa,
                cdh,
                subject,
                home,
                club,
                life,
                guest_of: None,
            });
        }
    }

    /// A given name that is new in this household.
    fn new_given(&self, draws: &mut Draws, is_man: bool, first: usize) -> &'static str {
        loop {
            let given = NAMES.given(draws, is_man);
            if self.people[first..].iter().all(|member| member.given != given) {
                return given;
            }
        }
    }

    /// The emails and phones that this member shares: those of the family, of a parent, or a phone that belonged to somebody else.
    fn share(
        &self,
        draws: &mut Draws,
        first: usize,
        is_adult: bool,
        (mailbox, telephone): (&Option<Box<str>>, &Option<Box<str>>),
        (emails, phones): (&mut Vec<Box<str>>, &mut Vec<Box<str>>),
    ) {
        match mailbox {
            Some(shared) if draws.chance(0.6) => emails[0] = shared.clone(),
            _ if !is_adult && draws.chance(0.6) => emails[0] = self.people[first].emails[0].clone(),
            _ => {}
        }
        match telephone {
            Some(shared) if draws.chance(0.5) => phones[0] = shared.clone(),
            _ if !is_adult && draws.chance(0.65) => phones[0] = self.people[first].phones[0].clone(),
            _ => {}
        }
        if !self.people.is_empty() && draws.chance(self.population.recycled) {
            let former = &self.people[draws.below(self.people.len())];
            *phones.last_mut().expect("every person has a phone") =
                former.phones.last().expect("every person has a phone").clone();
        }
    }

    /// People who are known only from a booking that somebody else made for them.
    fn invite(&mut self, hosts: usize) {
        for number in 0..(hosts as f64 * self.population.guests) as usize {
            let mut draws = Draws::of(self.seed, "guest", number as u64);
            let host = draws.below(hosts);
            let is_man = draws.chance(0.65);
            let (country, emails, phones, club) = (
                self.people[host].country,
                self.people[host].emails.clone(),
                self.people[host].phones.clone(),
                self.people[host].club,
            );
            let home = (u32::try_from(self.people.len()).expect("people are counted in 32 bits"), 1);
            let age = draws.between(18 * 365, 75 * 365);
            self.people.push(DemoPerson {
                country,
                also_abroad: false,
                is_man,
                given: NAMES.given(&mut draws, is_man),
                family: NAMES.family(&mut draws).into(),
                former_family: None,
                born_on: Day(self.as_of.day().0 - i32::try_from(age).unwrap_or(0)),
                emails,
                phones,
                golf_rsa: None,
                cdh: Vec::new(),
                subject: None,
                home,
                club,
                life: if draws.chance(0.7) { Life::Silent } else { Life::Now },
                guest_of: u32::try_from(host).ok(),
            });
        }
    }
}

/// Emails and phones that are already assigned.
#[derive(Default)]
struct Taken(HashSet<Box<str>, FixedState>);

impl Taken {
    fn claim(&mut self, mut make: impl FnMut() -> String) -> Box<str> {
        loop {
            let value: Box<str> = make().into();
            if self.0.insert(value.clone()) {
                return value;
            }
        }
    }

    fn email(&mut self, draws: &mut Draws, given: &str, family: &str) -> Box<str> {
        let (given, family) = (plain(given), plain(family));
        self.claim(|| {
            let initial = &given[..1];
            let local = match draws.below(6) {
                0 => format!("{given}.{family}"),
                1 => format!("{given}{family}"),
                2 => format!("{initial}{family}"),
                3 => format!("{given}{}", draws.between(1, 99)),
                4 => format!("{initial}.{family}{}", draws.between(50, 99)),
                _ => format!("{family}{initial}{}", draws.between(1, 99)),
            };
            let number = if draws.chance(0.5) { draws.between(1, 999).to_string() } else { String::new() };
            address(&format!("{local}{number}"), draws)
        })
    }

    fn family_mailbox(&mut self, draws: &mut Draws, family: &str) -> Box<str> {
        let family = plain(family);
        self.claim(|| {
            let number = draws.between(1, 9999);
            let local = match draws.below(4) {
                0 => format!("the{family}s{number}"),
                1 => format!("{family}family{number}"),
                2 => format!("{family}{number}"),
                _ => format!("golf.{family}{number}"),
            };
            address(&local, draws)
        })
    }

    fn phone(&mut self, draws: &mut Draws, country: Country, is_fixed: bool) -> Box<str> {
        self.claim(|| match (country, is_fixed) {
            (Country::SouthAfrica, false) => {
                format!("+27{}{}", draws.pick(&["71", "72", "73", "76", "78", "79", "82", "83", "84"]), draws.digits(7))
            }
            (Country::SouthAfrica, true) => {
                format!("+27{}{}", draws.pick(&["11", "12", "21", "31", "41"]), 2_000_000 + draws.below(6_000_000))
            }
            (Country::Britain, false) => {
                format!("+447{}{}", draws.pick(&["4", "5", "7", "8", "9"]), 10_000_000 + draws.below(89_000_000))
            }
            (Country::Britain, true) => {
                format!("+44{}{}", draws.pick(&["161", "121", "113", "131", "141"]), 2_000_000 + draws.below(6_000_000))
            }
        })
    }
}

fn address(local: &str, draws: &mut Draws) -> String {
    let domain = draws.weighted(DOMAINS);
    // The suffix ensures that the mailbox does not exist.
    let local = if domain == "gmail.com" { format!("{local}.invented{}", draws.between(1000, 9999)) } else { local.to_owned() };
    format!("{local}@{domain}")
}

// Multipliers that are coprime to ten give distinct numbers, and neighbours differ in many digits.
fn golf_rsa(number: u64) -> Box<str> {
    format!("27{:08}", (number * 73_856_093 + 12_345_678) % 100_000_000).into()
}

fn cdh(number: u64) -> Box<str> {
    format!("10{:08}", (number * 19_349_663 + 87_654_321) % 100_000_000).into()
}

fn subject(draws: &mut Draws) -> Box<str> {
    if draws.chance(0.5) { draws.uuid().into() } else { format!("auth0|{:016x}{:08x}", draws.bits(), draws.bits() >> 32).into() }
}

fn new_club(seed: u64, country: Country, number: usize) -> Club {
    let mut draws = Draws::of(seed, if country.is_south_africa() { "club za" } else { "club uk" }, number as u64);
    let name = names::club(&mut draws, country.is_south_africa());
    let domain = format!("{}{number}.test", plain(&name));
    let local = draws.weighted(&[("info", 3), ("bookings", 3), ("proshop", 2), ("reception", 2), ("welcome", 2), ("thegang", 1)]);
    let phone = match country {
        Country::SouthAfrica => format!("+2711{}", 8_000_000 + draws.below(900_000)),
        Country::Britain => format!("+44161{}", 8_000_000 + draws.below(900_000)),
    };
    let code = format!("{}{number:03}", plain(&name)[..3].to_uppercase());
    Club { name, code, email: format!("{local}@{domain}"), phone }
}
