//! The rows of all five sources, and what they mean.

use std::collections::BTreeMap;

use crate::demo::random::Draws;
use crate::model::{Code as _, Day, Source, Timestamp};

use super::cells::id;
use super::hand::{Hand, Sense};
use super::meaning::{Chaos, Fact, File, as_of};
use super::points::{broken_email, broken_phone, email, new_email, new_name, new_phone, phone};
use super::shapes::SHAPES;
use super::time::has_two_units;

/// A small table: source, entity, second column with its values, and names.
type LookUp = (Source, &'static str, &'static str, [&'static str; 2], [&'static str; 2]);

/// A person of the truth.
pub(super) struct ChaosPerson {
    name: (&'static str, &'static str),
    pub(super) emails: [String; 2],
    is_south_africa: bool,
    pub(super) phone: String,
    born: Day,
    number: String,
    subject: String,
}

/// Everything that is being made.
pub(super) struct Making {
    pub(super) draws: Draws,
    pub(super) chaos: Chaos,
    hands: BTreeMap<(Source, String), Hand>,
    pub(super) people: Vec<ChaosPerson>,
}

/// The first four sources of a seed.
pub(super) fn begin(seed: u64) -> Making {
    let is_legible = seed.is_multiple_of(3);
    let files = SHAPES.iter().map(|(source, entity, columns)| File { source: *source, entity, columns, rows: Vec::new() });
    let chaos = Chaos { seed, is_legible, files: files.collect(), facts: Vec::new(), statements: Vec::new() };
    let mut making = Making { draws: Draws::of(seed, "chaos", 0), chaos, hands: BTreeMap::new(), people: Vec::new() };
    for _ in 0..3 + making.draws.below(8) {
        let person = making.person();
        making.people.push(person);
    }
    making.look_ups();
    making.members(Source::McaZa);
    making.members(Source::McaUk);
    making.scl();
    making.teetime();
    making
}

impl Making {
    fn person(&mut self) -> ChaosPerson {
        let draws = &mut self.draws;
        let name = new_name(draws);
        let is_south_africa = draws.chance(0.5);
        let mut emails = [new_email(draws, name.0, name.1), new_email(draws, name.0, name.1)];
        if draws.chance(0.2) && !self.people.is_empty() {
            emails[0] = self.people[draws.below(self.people.len())].emails[0].clone();
        }
        ChaosPerson {
            name,
            emails,
            is_south_africa,
            phone: new_phone(draws, is_south_africa),
            born: Day(i32::try_from(draws.between(-14_600, 12_000)).unwrap_or(0)),
            number: format!("27{:08}", draws.below(99_999_999)),
            subject: if draws.chance(0.5) { draws.uuid() } else { format!("auth0|{:016x}", draws.bits()) },
        }
    }

    /// Whoever writes a column.
    pub(super) fn hand(&mut self, source: Source, entity: &str, column: &str) -> &mut Hand {
        let (seed, is_legible) = (self.chaos.seed, self.chaos.is_legible);
        let name = format!("{entity}.{column}");
        self.hands.entry((source, name.clone())).or_insert_with(|| Hand::new(seed, source, &name, is_legible))
    }

    /// Adds a row of which some columns are named; the others are written as free text, or stay empty.
    pub(super) fn row(&mut self, source: Source, entity: &str, cells: &[(&str, String)]) {
        let file = self.chaos.files.iter_mut().find(|file| file.source == source && file.entity == entity);
        let file = file.expect("a known entity");
        debug_assert!(cells.iter().all(|(name, _)| file.columns.contains(name)), "{entity} {cells:?}");
        let cell =
            |name: &&str| cells.iter().find(|(column, _)| column == name).map_or_else(String::new, |(_, text)| text.clone());
        file.rows.push(file.columns.iter().map(cell).collect());
    }

    /// An instant before as_of, of whole seconds, at an hour that no zone repeats.
    pub(super) fn past(&mut self) -> Timestamp {
        let day = as_of().day().0 - i32::try_from(self.draws.between(2, 4_000)).unwrap_or(2);
        let second = self.draws.between(5 * 3_600, 19 * 3_600);
        Timestamp(i64::from(day) * Timestamp::DAY + second * 1_000_000)
    }

    /// A fact about a record.
    pub(super) fn fact(&mut self, source: Source, id: &str, column: &'static str, value: Option<String>, is_sure: bool) {
        self.chaos.facts.push(Fact { source, id: id.to_owned(), column, value, is_sure });
    }

    /// An instant in its cell, with the fact where the staged record has the column.
    pub(super) fn instant(&mut self, source: Source, entity: &str, column: &'static str, of: Option<&str>) -> String {
        let at = self.past();
        let (text, sense) = self.hand(source, entity, column).instant(at);
        if let Some(id) = of {
            self.fact(source, id, column, (sense == Sense::Said).then(|| at.to_string()), true);
        }
        text
    }

    /// A person's email in a cell.
    pub(super) fn email(&mut self, source: Source, entity: &str, id: &str, person: usize) -> String {
        let which = usize::from(self.draws.chance(0.2));
        let address = self.people[person].emails[which].clone();
        let other = self.people[person].emails[1 - which].clone();
        let hand = self.hand(source, entity, "email");
        let (text, value) = match hand.sense() {
            Sense::Said => (email(&mut hand.draws, &address, &other), Some(address)),
            Sense::Nothing => (String::new(), None),
            Sense::Broken => (broken_email(&mut hand.draws, &address), None),
        };
        self.fact(source, id, "email", value, true);
        text
    }

    /// A person's number in a cell of a list of their own country, or of any.
    pub(super) fn phone(&mut self, source: Source, entity: &str, column: &str, id: &str, person: usize, is_home: bool) -> String {
        let number = self.people[person].phone.clone();
        let hand = self.hand(source, entity, column);
        let (text, value, is_sure) = match hand.sense() {
            Sense::Said if is_home => (phone(&mut hand.draws, &number), Some(number), true),
            Sense::Said => (number.clone(), Some(number), true),
            Sense::Nothing => (String::new(), None, true),
            Sense::Broken => (broken_phone(&mut hand.draws, &number), Some(number), false),
        };
        self.fact(source, id, "phone", value, is_sure);
        text
    }

    /// An id, written somehow.
    pub(super) fn id(&mut self, source: Source, entity: &str, column: &str, of: &str) -> String {
        let hand = self.hand(source, entity, column);
        id(&mut hand.draws, of)
    }

    /// Small tables that others look into.
    fn look_ups(&mut self) {
        // Each list has names of its own: a file of one source that another source has as well stops the export.
        let lists: &[LookUp] = &[
            (Source::McaZa, "clubs", "code", ["LNK", "VLD"], ["Links", "Vlei"]),
            (Source::McaUk, "clubs", "club_code", ["HTH", "DWN"], ["Heath", "Down"]),
            (Source::Scl, "membership_tiers", "tenant_id", ["1", "2"], ["Mica", "Onyx"]),
            (Source::Scl, "clubs", "tenant_id", ["1", "2"], ["Strand", "Kloof"]),
            (Source::Scl, "sports", "", ["", ""], ["Golf", "Tennis"]),
            (Source::Teetime, "clubs", "tenant_id", ["1", "2"], ["Dunes", "Poort"]),
            (Source::Teetime, "courses", "club_id", ["1", "2"], ["East", "West"]),
            (Source::Teetime, "associations", "association_type", ["GOLF_RSA", "MCA"], ["Union", "Guild"]),
        ];
        for (source, entity, second, values, names) in lists {
            for (number, value) in values.iter().enumerate() {
                let name = self.hand(*source, entity, "name").text(names[number]);
                let number = self.id(*source, entity, "id", &(number + 1).to_string());
                let mut cells = vec![("id", number), ("name", name)];
                if !second.is_empty() {
                    cells.push((second, (*value).to_owned()));
                }
                self.row(*source, entity, &cells);
            }
        }
    }

    /// One or two records of some people, in random order of people.
    pub(super) fn chosen(&mut self) -> Vec<usize> {
        let mut chosen = Vec::new();
        for person in 0..self.people.len() {
            let records = self.draws.weighted(&[(0, 3), (1, 6), (2, 1)]);
            chosen.extend(std::iter::repeat_n(person, records));
        }
        self.draws.shuffle(&mut chosen);
        chosen
    }

    fn members(&mut self, source: Source) {
        let entity = "members";
        let is_za = source == Source::McaZa;
        let names = if is_za { ("mca_za_id", "golf_rsa_id") } else { ("mca_uk_id", "cdh_id") };
        for (number, person) in self.chosen().into_iter().enumerate() {
            let of = (number + 7 + self.draws.below(2) * 1_000).to_string() + if number.is_multiple_of(5) { "00" } else { "" };
            let is_home = self.people[person].is_south_africa == is_za;
            let email = self.email(source, entity, &of, person);
            let phone = self.phone(source, entity, "phone_number", &of, person, is_home);
            let (first, last) = self.people[person].name;
            let born_on = self.people[person].born;
            let (born, sense) = self.hand(source, entity, "date_of_birth").day(born_on);
            // Days that programs write for an unknown one are dropped where they are frequent.
            let is_sure = !has_two_units(born_on) && !["1970-01-01", "2000-01-01"].contains(&born_on.to_string().as_str());
            self.fact(source, &of, "born_on", (sense == Sense::Said).then(|| born_on.to_string()), is_sure);
            let number = self.people[person].number.clone();
            let cells = [
                (names.0, self.id(source, entity, names.0, &of)),
                ("email", email),
                ("phone_number", phone),
                ("first_name", self.hand(source, entity, "first_name").text(first)),
                ("last_name", self.hand(source, entity, "last_name").text(last)),
                ("date_of_birth", born),
                ("gender", self.hand(source, entity, "gender").word(&["M", "F", "male", "Vroulik", "Mr", "?", "g", "l"])),
                (names.1, self.hand(source, entity, names.1).text(&number)),
                ("created_at", self.instant(source, entity, "created_at", Some(&of))),
                ("updated_at", self.instant(source, entity, "updated_at", None)),
                ("status", self.hand(source, entity, "status").word(&["Active", "Lapsed", "RIP", "zzz", "1", "Overdue"])),
                ("home_club_id", self.id(source, entity, "home_club_id", "1")),
                ("handicap", self.handicap(source, entity, "handicap")),
                ("home_club_name", self.hand(source, entity, "home_club_name").text("Links")),
            ];
            self.row(source, entity, &cells);
            self.clubs_of(source, &of);
        }
    }

    fn handicap(&mut self, source: Source, entity: &str, column: &str) -> String {
        let tenths = self.draws.between(0, 540);
        self.hand(source, entity, column).decimal(tenths)
    }

    /// Club memberships of a member, and the handicaps that the ZA list has.
    fn clubs_of(&mut self, source: Source, member: &str) {
        let (entity, home, from, until) = match source {
            Source::McaZa => ("member_clubs", "is_home_club", "joined_on", "left_on"),
            Source::McaUk => ("memberships", "is_home", "start_on", "end_on"),
            Source::Scl | Source::Teetime | Source::Messaging => ("member_clubs", "", "joined_on", "left_on"),
        };
        for club in 1..=self.draws.below(3) {
            let member = if self.draws.chance(0.05) { "424242" } else { member };
            let (joined, left) = (self.past().day(), self.past().day());
            let mut cells = vec![
                ("member_id", self.id(source, entity, "member_id", member)),
                ("club_id", self.id(source, entity, "club_id", &club.to_string())),
                ("club_name", self.hand(source, entity, "club_name").text("Vlei")),
                (from, self.hand(source, entity, from).day(joined).0),
                (until, self.hand(source, entity, until).day(left).0),
            ];
            if !home.is_empty() {
                let is_home = self.draws.chance(0.5);
                cells.push((home, self.hand(source, entity, home).boolean(is_home).0));
            }
            if source != Source::McaZa {
                let row = format!("{member}{club}");
                cells.push(("id", self.id(source, entity, "id", &row)));
            }
            self.row(source, entity, &cells);
        }
        for number in 0..if source == Source::McaZa { self.draws.below(3) } else { 0 } {
            let entity = "handicaps";
            let on = self.past().day();
            let cells = [
                ("id", self.id(source, entity, "id", &format!("{member}{number}"))),
                ("member_id", self.id(source, entity, "member_id", member)),
                ("handicap_index", self.handicap(source, entity, "handicap_index")),
                ("effective_on", self.hand(source, entity, "effective_on").day(on).0),
            ];
            self.row(source, entity, &cells);
        }
    }

    fn scl(&mut self) {
        let (source, entity) = (Source::Scl, "members");
        for (number, person) in self.chosen().into_iter().enumerate() {
            let of = (number * 10 + 1).to_string();
            let email = self.email(source, entity, &of, person);
            let (first, last) = self.people[person].name;
            let tenant = if self.people[person].is_south_africa { "1" } else { "2" };
            let subject = self.people[person].subject.clone();
            let cells = [
                ("id", self.id(source, entity, "id", &of)),
                ("tenant_id", tenant.to_owned()),
                ("email", email),
                ("first_name", self.hand(source, entity, "first_name").text(first)),
                ("last_name", self.hand(source, entity, "last_name").text(last)),
                ("external_subject", self.hand(source, entity, "external_subject").text(&subject)),
                ("status", self.hand(source, entity, "status").word(&["ACTIVE", "LAPSED", "SUSPENDED", "what?"])),
                ("membership_tier_id", self.id(source, entity, "membership_tier_id", "2")),
                ("membership_tier", self.hand(source, entity, "membership_tier").text("Gold")),
                ("created_at", self.instant(source, entity, "created_at", Some(&of))),
                ("updated_at", self.instant(source, entity, "updated_at", None)),
            ];
            self.row(source, entity, &cells);
            self.clubs_of(source, &of);
            for sport in 1..=self.draws.below(3) {
                let entity = "sport_memberships";
                let cells = [
                    ("id", self.id(source, entity, "id", &format!("{of}{sport}"))),
                    ("member_id", self.id(source, entity, "member_id", &of)),
                    ("sport_id", self.id(source, entity, "sport_id", &sport.to_string())),
                    ("sport_name", self.hand(source, entity, "sport_name").text("Golf")),
                    ("status", self.hand(source, entity, "status").word(&["ACTIVE", "PAUSED"])),
                    ("created_at", self.instant(source, entity, "created_at", None)),
                    ("updated_at", self.instant(source, entity, "updated_at", None)),
                ];
                self.row(source, entity, &cells);
            }
        }
    }

    fn teetime(&mut self) {
        let (source, entity) = (Source::Teetime, "players");
        for (number, person) in self.chosen().into_iter().enumerate() {
            let of = if number.is_multiple_of(2) { self.draws.uuid() } else { (900 + number).to_string() };
            let email = self.email(source, entity, &of, person);
            let phone = self.phone(source, entity, "phone", &of, person, true);
            let (first, last) = self.people[person].name;
            let tenant = if self.people[person].is_south_africa { "1" } else { "2" };
            let cells = [
                ("id", self.id(source, entity, "id", &of)),
                ("email", email),
                ("phone", phone),
                ("name", self.hand(source, entity, "name").text(first)),
                ("surname", self.hand(source, entity, "surname").text(last)),
                ("handicap", self.handicap(source, entity, "handicap")),
                ("handicap_updated_at", self.instant(source, entity, "handicap_updated_at", None)),
                ("home_club_id", self.id(source, entity, "home_club_id", tenant)),
                ("home_club_name", self.hand(source, entity, "home_club_name").text("Links")),
                ("home_club_tenant_id", tenant.to_owned()),
                ("created_at", self.instant(source, entity, "created_at", Some(&of))),
                ("updated_at", self.instant(source, entity, "updated_at", None)),
                ("first_booking_at", self.instant(source, entity, "first_booking_at", None)),
            ];
            self.row(source, entity, &cells);
            self.of_player(&of, person);
        }
    }

    fn of_player(&mut self, player: &str, person: usize) {
        let source = Source::Teetime;
        let number = self.people[person].number.clone();
        for row in 0..self.draws.below(3) {
            let entity = "player_associations";
            let cells = [
                ("id", self.id(source, entity, "id", &format!("{player}-{row}"))),
                ("player_id", self.id(source, entity, "player_id", player)),
                ("association_id", self.id(source, entity, "association_id", "1")),
                (
                    "association_type",
                    self.hand(source, entity, "association_type").word(&["GOLF_RSA", "golfrsa", "MCA", "CONGU", "X"]),
                ),
                ("external_id", self.hand(source, entity, "external_id").text(&number)),
            ];
            self.row(source, entity, &cells);
        }
        for row in 0..self.draws.below(4) {
            let entity = "bookings";
            let count = self.draws.below(5).to_string();
            let player = if self.draws.chance(0.05) { "unknown-player" } else { player };
            let cells = [
                ("id", self.id(source, entity, "id", &format!("{player}-{row}-{}", self.chaos.facts.len()))),
                ("player_id", self.id(source, entity, "player_id", player)),
                ("course_id", self.id(source, entity, "course_id", "1")),
                ("course_name", self.hand(source, entity, "course_name").text("North")),
                ("club_name", self.hand(source, entity, "club_name").text("Links")),
                ("status", self.hand(source, entity, "status").word(&["BOOKED", "played", "No Show", "LIMBO", "cancelled"])),
                ("start_time", self.instant(source, entity, "start_time", None)),
                (
                    "player_count",
                    self.hand(source, entity, "player_count").typed(|hand| id(&mut hand.draws, &count), &["four", "1e40", "-"]).0,
                ),
                ("created_at", self.instant(source, entity, "created_at", None)),
            ];
            self.row(source, entity, &cells);
        }
        let preference = [("id", format!("pp-{player}")), ("player_id", player.to_owned()), ("key", "cart".to_owned())];
        self.row(source, "player_preferences", &preference);
        let membership = [("id", format!("pc-{player}")), ("player_id", player.to_owned()), ("club_id", "1".to_owned())];
        self.row(source, "player_club_memberships", &membership);
    }

    /// Random order; then rows that came before, rows of no id and rows of noise behind them.
    pub(super) fn finish(mut self) -> Chaos {
        let seed = self.chaos.seed;
        let is_legible = self.chaos.is_legible;
        for file in &mut self.chaos.files {
            let mut draws = Draws::of(seed, file.entity, file.source.code().len() as u64);
            if draws.chance(0.8) {
                draws.shuffle(&mut file.rows);
            }
            if is_legible || file.rows.is_empty() || draws.chance(0.6) {
                continue;
            }
            let again = file.rows[draws.below(file.rows.len())].clone();
            let mut nameless = again.clone();
            nameless[0] = draws.pick(&["", " ", "NULL", "\u{200b}"]).to_owned();
            file.rows.extend([again, nameless]);
        }
        self.chaos
    }
}
