//! Which source knows whom, and what it says about them.

use crate::model::{Source, Timestamp};

use super::community::{Community, Country, Person};
use super::random::Draws;
use super::spellings;
use super::teetime;

/// A person as one source's people table has them, before any cleaning. What a source has no column for is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The source.
    pub source: Source,
    /// The id in its people table.
    pub id: String,
    /// The tenant: the country's for the MCA lists, the club's for players; `None` for players without a home club.
    pub tenant: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Date of birth.
    pub born_on: Option<String>,
    /// Gender.
    pub gender: Option<&'static str>,
    /// South African handicap number.
    pub golf_rsa_id: Option<String>,
    /// British and Irish handicap number.
    pub cdh_id: Option<String>,
    /// The MCA member number a player quotes.
    pub mca_id: Option<String>,
    /// Subject of the identity provider, or a legacy code in its place.
    pub auth_user_id: Option<String>,
    /// Index of the home club among the clubs of the record's country.
    pub(super) club: Option<usize>,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The truth: which person of the population it is.
    pub person: u32,
}

/// The person records of all sources.
#[derive(Debug)]
pub struct Records {
    pub(super) community: Community,
    /// Per source: the person behind each record, in id order.
    lists: [Vec<u32>; 5],
    /// Position in the own country's legacy list, per person.
    legacy: Vec<Option<u32>>,
}

impl Records {
    /// Decides who is known where. Sizes follow the strategy's estimates.
    pub fn new(community: Community) -> Self {
        let lists = [
            list(&community, Source::McaZa, 50_000, |person| person.country.is_south_africa() || person.also_abroad),
            list(&community, Source::McaUk, 30_000, |person| !person.country.is_south_africa() || person.also_abroad),
            list(&community, Source::Scl, 10_000, |_| true),
            list(&community, Source::Teetime, 100_000, |_| true),
            list(&community, Source::Messaging, 80_000, |_| true),
        ];
        let mut legacy = vec![None; community.people.len()];
        for (source, country) in [(0, Country::SouthAfrica), (1, Country::Britain)] {
            for (position, person) in lists[source].iter().enumerate() {
                let person = *person as usize;
                if community.people[person].country == country {
                    legacy[person] = legacy[person].or(u32::try_from(position).ok());
                }
            }
        }
        Self { community, lists, legacy }
    }

    /// How many people records a source has.
    pub fn count(&self, source: Source) -> usize {
        self.lists[source as usize].len()
    }

    /// How many people there really are.
    pub fn people(&self) -> usize {
        self.community.people.len()
    }

    /// The household of a person, by its first member.
    pub fn household(&self, person: u32) -> u32 {
        self.community.people[person as usize].home.0
    }

    /// The records of a source in id order. Each is a function of its number, so that any part can be made by itself.
    pub fn of(&self, source: Source) -> impl Iterator<Item = Record> + '_ {
        (0..self.count(source)).map(move |number| self.record(source, number))
    }

    /// The id of a source's n-th record.
    pub fn id(&self, source: Source, number: usize) -> String {
        match source {
            Source::McaZa => (1_001 + number + number / 17).to_string(),
            Source::McaUk => (500_001 + number + number / 23).to_string(),
            Source::Scl => (1 + number + number / 40).to_string(),
            Source::Teetime => Draws::of(self.community.seed, "player id", number as u64).uuid(),
            Source::Messaging => {
                let mut draws = Draws::of(self.community.seed, "contact id", number as u64);
                format!("c{:012x}{:012x}", draws.bits() >> 16, draws.bits() >> 16)
            }
        }
    }

    pub(super) fn person_of(&self, source: Source, number: usize) -> &Person {
        &self.community.people[self.lists[source as usize][number] as usize]
    }

    /// The country whose list, club or tenant the record belongs to.
    pub(super) fn country(&self, source: Source, person: &Person, draws: &mut Draws) -> Country {
        match source {
            Source::McaZa => Country::SouthAfrica,
            Source::McaUk => Country::Britain,
            _ if person.also_abroad && draws.chance(0.25) && person.country.is_south_africa() => Country::Britain,
            _ if person.also_abroad && draws.chance(0.25) => Country::SouthAfrica,
            _ => person.country,
        }
    }

    /// The country of a player's clubs.
    pub(super) fn player_country(&self, number: usize) -> Country {
        let mut draws = self.draws(Source::Teetime, number);
        self.country(Source::Teetime, self.person_of(Source::Teetime, number), &mut draws)
    }

    /// The club where a player plays most, whether or not the record says so.
    pub(super) fn player_club(&self, number: usize) -> Option<usize> {
        let person = self.person_of(Source::Teetime, number);
        (self.player_country(number) == person.country).then_some(person.club as usize)
    }

    fn draws(&self, source: Source, number: usize) -> Draws {
        Draws::of(self.community.seed, source.service(), number as u64)
    }

    /// A source's n-th record.
    pub fn record(&self, source: Source, number: usize) -> Record {
        let community = &self.community;
        let index = self.lists[source as usize][number];
        let person = &community.people[index as usize];
        let draws = &mut self.draws(source, number);
        // Drawn first of all: `player_country` repeats it.
        let country = self.country(source, person, draws);
        let shares = &community.population;
        let is_legacy = source.is_mca();
        let is_typed = source != Source::Messaging;
        let clubs = community.clubs(country);
        let own_club = if country == person.country { person.club as usize } else { community.draw_club(draws, country) };
        let club = if draws.chance(0.1) { community.draw_club(draws, country) } else { own_club };

        // Half of what stands for the club is the head office's, on hundreds of people.
        let reception = &clubs[if draws.chance(0.5) { 0 } else { club }];

        // Messaging sends to what it has; the legacy lists keep people with neither, whom the strategy leaves out.
        let sparse = match source {
            Source::Scl => 0.15,
            Source::Messaging => 0.6,
            _ => 1.0,
        };
        let without_email = draws.chance(shares.without_email * sparse);
        let without_phone = draws.chance(shares.without_phone * sparse);
        let (without_email, without_phone) =
            if source == Source::Messaging && without_email && without_phone && draws.chance(0.97) {
                (false, true)
            } else {
                (without_email, without_phone)
            };
        let mut of_lists = shares.clone();
        of_lists.outdated *= if is_legacy { 1.6 } else { 0.7 };
        let email = (!without_email).then(|| spellings::email(draws, person, reception, &of_lists, is_typed)).flatten();
        let phone = (!without_phone && source != Source::Scl)
            .then(|| spellings::phone(draws, person, reception, &of_lists, is_typed, country))
            .flatten();
        let email = email.or_else(|| draws.chance(0.05).then(String::new));
        let (first_name, last_name) = match source {
            Source::Messaging => (None, None),
            _ => spellings::names(draws, person, shares, is_legacy),
        };
        let (born_on, gender) = match is_legacy {
            true => (spellings::born_on(draws, person, shares), spellings::gender(draws, person.is_man)),
            false => (None, None),
        };
        let golf_rsa_id = match source {
            Source::McaZa => self.golf_rsa(draws, person, 1.0),
            Source::Teetime => self.golf_rsa(draws, person, 0.6),
            _ => None,
        };
        let cdh_id = match source {
            Source::McaUk => self.cdh(draws, person, 1.0),
            Source::Teetime => self.cdh(draws, person, 0.4),
            _ => None,
        };
        let mca_id = match (source, self.legacy[index as usize]) {
            (Source::Teetime, Some(position)) if draws.chance(0.22) => {
                let list = if person.country.is_south_africa() { Source::McaZa } else { Source::McaUk };
                Some(self.id(list, position as usize))
            }
            _ => None,
        };
        let auth_user_id = match source {
            Source::Scl if draws.chance(0.75) => person.subject.as_ref().map(ToString::to_string),
            Source::Scl => draws.chance(0.4).then(|| match draws.below(20) {
                0 => "null".to_owned(),
                1 => "0".to_owned(),
                2 => "anonymous".to_owned(),
                _ => format!("LEG-{:05}", number * 7 % 100_000),
            }),
            Source::Messaging if draws.chance(0.7) => person.subject.as_ref().map(ToString::to_string),
            _ => None,
        };
        let (created_at, updated_at) = self.made(source, draws);
        let id = self.id(source, number);
        let club = draws.chance(if source == Source::Teetime { 0.87 } else { 0.94 }).then_some(club);
        let tenant = match (source, club) {
            (Source::Teetime, Some(club)) => teetime::club_tenant(community.seed, country, club).map(str::to_owned),
            (Source::Teetime, None) => None,
            _ => Some(listed_tenant(source, country, draws).to_owned()),
        };
        Record {
            source,
            id,
            tenant,
            email,
            phone,
            first_name,
            last_name,
            born_on,
            gender,
            golf_rsa_id,
            cdh_id,
            mca_id,
            auth_user_id,
            club,
            created_at,
            updated_at,
            person: index,
        }
    }

    /// The person's South African number, or a member of the family's, or a national identity number in its place.
    fn golf_rsa(&self, draws: &mut Draws, person: &Person, share: f64) -> Option<String> {
        let shares = &self.community.population;
        if draws.chance(0.004) && person.country.is_south_africa() {
            return Some(spellings::national_id(draws, person));
        }
        let holder = if draws.chance(shares.family_number) { self.relative(draws, person) } else { person };
        let number = holder.golf_rsa.as_ref().filter(|_| draws.chance((1.0 - shares.without_number) * share))?;
        Some(spellings::number(draws, number, shares))
    }

    fn cdh(&self, draws: &mut Draws, person: &Person, share: f64) -> Option<String> {
        let shares = &self.community.population;
        let holder = if draws.chance(shares.family_number) { self.relative(draws, person) } else { person };
        let number =
            holder.cdh.get(draws.below(holder.cdh.len())).filter(|_| draws.chance((1.0 - shares.without_number) * share))?;
        Some(spellings::number(draws, number, shares))
    }

    fn relative(&self, draws: &mut Draws, person: &Person) -> &Person {
        let (first, size) = person.home;
        &self.community.people[first as usize + draws.below(usize::from(size))]
    }

    /// When a record was made and last changed, both before as_of but for a few that say `infinity`.
    fn made(&self, source: Source, draws: &mut Draws) -> (Timestamp, Timestamp) {
        let years = match source {
            Source::McaZa | Source::McaUk => (5, 18),
            Source::Scl => (0, 6),
            Source::Teetime => (0, 8),
            Source::Messaging => (0, 7),
        };
        let day = 365 * Timestamp::DAY;
        let created = Timestamp(self.community.as_of.0 - draws.between(years.0 * day + Timestamp::DAY, years.1 * day));
        let changed =
            if draws.chance(0.3) { created.0 } else { draws.between(created.0, self.community.as_of.0 - Timestamp::DAY) };
        match draws.below(4000) {
            0 => (created, Timestamp::INFINITY),
            1 => (Timestamp::NEG_INFINITY, Timestamp(changed)),
            _ => (created, Timestamp(changed)),
        }
    }
}

/// The tenant in the source; sometimes an unknown one.
fn listed_tenant(source: Source, country: Country, draws: &mut Draws) -> &'static str {
    match (source, draws.below(1000)) {
        (Source::Scl, 0..3) => "7",
        (Source::Messaging, 0..20) => "default",
        (Source::Messaging, 20..22) => "9",
        _ => country.tenant(),
    }
}

/// Draws who is on a list of this size: everybody once at most, some twice.
fn list(community: &Community, source: Source, full: u32, is_eligible: impl Fn(&Person) -> bool) -> Vec<u32> {
    let mut draws = Draws::of(community.seed, "list", source as u64);
    let size = community.sized(full);
    let takes_guests = source == Source::Teetime;
    let (guests, mut others): (Vec<u32>, Vec<u32>) = (0..community.people.len() as u32)
        .filter(|person| is_eligible(&community.people[*person as usize]))
        .partition(|person| community.people[*person as usize].guest_of.is_some());
    draws.shuffle(&mut others);
    let mut listed = if takes_guests { guests } else { Vec::new() };
    listed.truncate(size / 2);
    let repeated = (size as f64 * community.population.repeated) as usize;
    let once = (size - repeated - listed.len().min(size - repeated)).min(others.len());
    listed.extend_from_slice(&others[..once]);
    while listed.len() < size {
        listed.push(listed[draws.below(listed.len())]);
    }
    draws.shuffle(&mut listed);
    listed
}
