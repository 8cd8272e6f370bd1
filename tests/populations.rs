//! Populations made by hand with other data errors than the demo's: one kept in spreadsheets, one by a web service.

use crm_backfill::model::Source;

use crate::cases::dumps::{Dumps, steps, workdir};
use crate::support::postgres::database;
use crate::support::soak::{self, Random};

const AS_OF: &str = "2025-12-01T00:00:00Z";

/// People of a population, unless `CRM_BACKFILL_SOAK` asks for more.
const PEOPLE: u32 = 120;

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len())]
}

fn chance(random: &mut Random, percent: usize) -> bool {
    random.below(100) < percent
}

const GIVEN: &[&str] = &[
    "Liezl", "Kobus", "Nomvula", "Tariq", "Gwen", "Osian", "Moira", "Hamza", "Sanele", "Elna", "Ruan", "Prudence", "Iain",
    "Ffion", "Zanele", "Deshni", "Xolani", "Bronagh", "Jean-Luc", "Marié",
];
const FAMILY: &[&str] = &[
    "Bezuidenhout",
    "Oosthuizen",
    "Mabena",
    "Cele",
    "Parker",
    "Llewellyn",
    "Pugh",
    "Sinclair",
    "du Preez",
    "van Zyl",
    "O'Hara",
    "Kaur",
    "Chetty",
    "Pennington-Hughes",
    "Ngcobo",
    "Achterberg",
    "de Lange",
    "Buthelezi",
];

/// A person as the makers know them.
struct Person {
    number: usize,
    given: &'static str,
    family: &'static str,
    email: String,
    mobile: String,
    is_za: bool,
    born: (usize, usize, usize),
}

/// Families of one to four who share a surname, often a mailbox, sometimes a telephone.
fn people(random: &mut Random, count: usize) -> Vec<Person> {
    let mut all: Vec<Person> = Vec::new();
    while all.len() < count {
        let family = pick(random, FAMILY);
        let (is_za, first) = (chance(random, 60), all.len());
        for member in 0..1 + random.below(4) {
            let number = all.len();
            let given = pick(random, GIVEN);
            let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
            let own_email = format!("{}.{}{number}@post.test", plain(given), plain(family));
            let own_mobile = if is_za {
                format!("+2782{:07}", 2_000_000 + number * 37)
            } else {
                format!("+4477{:08}", 20_000_000 + number * 41)
            };
            let shares = member > 0 && chance(random, 45);
            all.push(Person {
                number,
                given,
                family,
                email: if shares { all[first].email.clone() } else { own_email },
                mobile: if member > 0 && chance(random, 25) { all[first].mobile.clone() } else { own_mobile },
                is_za,
                born: (1_940 + random.below(70), 1 + random.below(12), 1 + random.below(28)),
            });
        }
    }
    all
}

/// Everything went through a spreadsheet of a South African office: day first, decimal commas, lost zeros, `.0`, capitals, `Ja` and `Nee`.
fn spreadsheets(random: &mut Random, count: usize) -> Dumps {
    let mut dumps = Dumps::default();
    for club in 1..=3 {
        dumps.row(Source::McaZa, "clubs", &[("id", &format!("{club}.0")), ("name", "VELDSIG")]);
        dumps.row(Source::McaUk, "clubs", &[("id", &club.to_string()), ("name", "Heathside")]);
    }
    let people = people(random, count);
    let day =
        |random: &mut Random| format!("{:02}/{:02}/{}", 1 + random.below(28), 1 + random.below(12), 2_012 + random.below(13));
    for person in &people {
        let (year, month, date) = person.born;
        let born = if chance(random, 20) { String::new() } else { format!("{date:02}/{month:02}/{year}") };
        let number = person.number + 1;
        let id = format!("{number}.0");
        let national = &person.mobile[3..];
        let phone = match random.below(5) {
            0 => national.to_owned(),
            1 => format!("0{national}"),
            2 => format!("{}.0", &person.mobile[1..]),
            3 => format!("0{} {}", &national[..2], &national[2..]),
            _ => String::new(),
        };
        let (first, last) = match random.below(4) {
            0 => (String::new(), format!("{}, {}", person.family.to_uppercase(), person.given)),
            1 => (format!("Mev {}", person.given), person.family.to_uppercase()),
            2 => (person.given.chars().take(1).collect::<String>() + ".", person.family.to_owned()),
            _ => (person.given.to_owned(), person.family.to_owned()),
        };
        let email = if chance(random, 25) { String::new() } else { person.email.to_uppercase() };
        let made = format!("{} 0:00", day(random));
        let member = [
            (if person.is_za { "mca_za_id" } else { "mca_uk_id" }, id.as_str()),
            ("email", &email),
            ("phone_number", &phone),
            ("first_name", &first),
            ("last_name", &last),
            ("date_of_birth", &born),
            ("gender", pick(random, &["M", "V", "v", "", "Onbekend"])),
            ("created_at", &made),
            ("updated_at", &made),
            ("status", pick(random, &["Aktief", "ACTIVE", "Lapsed", "Bedank", "Oorlede", ""])),
            ("handicap", pick(random, &["12,4", "7", "+1,2", "36,0", "geen", ""])),
        ];
        let source = if person.is_za { Source::McaZa } else { Source::McaUk };
        if chance(random, 80) {
            dumps.row(source, "members", &member);
        }
        if person.is_za {
            let left = if chance(random, 20) { day(random) } else { "31/12/9999".to_owned() };
            dumps.row(
                Source::McaZa,
                "member_clubs",
                &[
                    ("member_id", &id),
                    ("club_id", "1"),
                    ("is_home_club", pick(random, &["WAAR", "ONWAAR"])),
                    ("joined_on", &day(random)),
                    ("left_on", &left),
                ],
            );
        }
        if chance(random, 55) {
            let made = format!("{} 14:30", day(random));
            let flag = pick(random, &["Ja", "Nee", "JA", "nee", ""]);
            let deleted = if chance(random, 6) { format!("{} 9:05", day(random)) } else { String::new() };
            dumps.row(
                Source::Messaging,
                "contacts",
                &[
                    ("id", &id),
                    ("tenant_id", if person.is_za { "1.0" } else { "2.0" }),
                    ("email", &format!("{} {} <{}>", person.given, person.family, person.email)),
                    ("phone_number", &phone),
                    ("email_opt_in", flag),
                    ("sms_opt_in", pick(random, &["Ja", "Nee"])),
                    ("created_at", &made),
                    ("updated_at", &made),
                    ("deleted_at", &deleted),
                ],
            );
            for channel in ["E-pos", "epos", "SMS", "Email"] {
                if chance(random, 40) {
                    let (row, at) = (format!("{number}{}.0", channel.len()), format!("{} 8:00", day(random)));
                    dumps.preference(&row, &number.to_string(), channel, pick(random, &["Ja", "Nee"]), &at);
                }
            }
        }
    }
    dumps
}

/// A service that writes JSON: epochs in milliseconds, UUIDs, `null` as a word, tags in addresses, names of everywhere, half of all people
/// twice.
fn web_service(random: &mut Random, count: usize) -> Dumps {
    let mut dumps = Dumps::default();
    let people = people(random, count);
    let uuid = |random: &mut Random| {
        let (high, low) = (random.any(), random.any());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    };
    let at = |random: &mut Random| (1_400_000_000_000 + random.below(360_000_000) as u64 * 1_000).to_string();
    dumps.row(Source::Teetime, "clubs", &[("id", "c1"), ("tenant_id", "1"), ("name", "Links\u{2014}Oos")]);
    dumps.row(Source::Teetime, "courses", &[("id", "k1"), ("club_id", "c1"), ("name", "\u{1f3cc} North")]);
    for person in &people {
        for _ in 0..1 + random.below(2) {
            let player = uuid(random);
            let (local, domain) = person.email.split_once('@').unwrap();
            let email = match random.below(5) {
                0 => format!("{local}+golf@{domain}"),
                1 => "null".to_owned(),
                2 => format!("{local}@{}", domain.to_uppercase()),
                _ => person.email.clone(),
            };
            let name = match random.below(6) {
                0 => format!("{}\u{200d}", person.given),
                1 => person.given.to_uppercase(),
                2 => "undefined".to_owned(),
                _ => person.given.to_owned(),
            };
            let made = at(random);
            dumps.row(
                Source::Teetime,
                "players",
                &[
                    ("id", &player),
                    ("email", &email),
                    ("phone", if chance(random, 60) { &person.mobile } else { "null" }),
                    ("name", &name),
                    ("surname", person.family),
                    ("handicap", pick(random, &["18.2", "null", "-1.5", "54"])),
                    ("handicap_updated_at", &made),
                    ("home_club_tenant_id", if chance(random, 70) { if person.is_za { "1" } else { "2" } } else { "" }),
                    ("created_at", &made),
                    ("updated_at", &made),
                ],
            );
            for booking in 0..random.below(4) {
                let at = at(random);
                dumps.row(
                    Source::Teetime,
                    "bookings",
                    &[
                        ("id", &format!("{player}:{booking}")),
                        ("player_id", &player),
                        ("course_id", "k1"),
                        ("status", pick(random, &["BOOKED", "COMPLETED", "checked-in", "NO_SHOW"])),
                        ("start_time", &at),
                        ("player_count", pick(random, &["1", "4", "null"])),
                        ("created_at", &at),
                    ],
                );
            }
        }
        if chance(random, 70) {
            let contact = uuid(random);
            let made = at(random);
            dumps.row(
                Source::Messaging,
                "contacts",
                &[
                    ("id", &contact),
                    ("tenant_id", if person.is_za { "1" } else { "2" }),
                    ("email", &person.email),
                    ("phone_number", &person.mobile.replacen('+', "00", 1)),
                    ("auth_user_id", &format!("auth0|{:024x}", random.any())),
                    ("email_opt_in", pick(random, &["granted", "denied", "null"])),
                    ("sms_opt_in", pick(random, &["granted", "denied"])),
                    ("created_at", &made),
                    ("updated_at", &made),
                    ("deleted_at", if chance(random, 8) { &made } else { "null" }),
                ],
            );
            for row in 0..random.below(4) {
                let channel = pick(random, &["email", "sms", "push", "whatsapp", "ALL"]);
                let word = pick(random, &["opted_in", "opted_out", "true", "false"]);
                let id = uuid(random);
                if row.is_multiple_of(2) {
                    dumps.preference(&id, &contact, channel, word, &at(random));
                } else {
                    let origin = pick(random, &["APP", "web-form", "import", "unsubscribe_link"]);
                    dumps.change(&id, &contact, channel, word, origin, &at(random));
                }
            }
            for row in 0..random.below(3) {
                let status = pick(random, &["delivered", "opened", "hard_bounce", "spam_report", "clicked"]);
                dumps.message(&format!("{contact}/{row}"), &contact, status, &at(random));
            }
        }
    }
    dumps
}

/// From dumps to a CRM in which every check passes, and which a second load leaves as it is.
fn goes_the_whole_way(dumps: &Dumps, what: &str) {
    let crm = database(include_str!("../schemas/crm.sql"));
    let mut workdir = workdir(AS_OF);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    dumps.export(&workdir);
    workdir.ok("export-crm", &[]);
    steps(&workdir);
    let planned = workdir.ok("load", &["--dry-run", "--json"]).json();
    let loaded = workdir.ok("load", &["--json"]).json();
    assert_eq!(planned["result"]["tables"], loaded["result"]["tables"], "{what}");
    workdir.ok("verify", &[]);
    workdir.ok("load", &[]).says("nothing to do");
    workdir.ok("report", &[]);
    let profiles: usize = crm.value(r#"select count(*) from "CustomerProfile""#).parse().unwrap();
    let contacted: usize = crm.value(r#"select count(*) from "CustomerProfile" where "emailOptIn""#).parse().unwrap();
    assert!(profiles > 40 && contacted > 3, "{what}: {profiles} profiles, {contacted} may be sent email");
}

#[test]
fn a_population_kept_in_spreadsheets_goes_the_whole_way() {
    let count = usize::try_from(soak::cases(PEOPLE)).unwrap();
    goes_the_whole_way(&spreadsheets(&mut Random::new(soak::seeds(1).start), count), "spreadsheets");
}

#[test]
fn a_population_of_a_web_service_goes_the_whole_way() {
    let count = usize::try_from(soak::cases(PEOPLE)).unwrap();
    goes_the_whole_way(&web_service(&mut Random::new(soak::seeds(1).start), count), "web service");
}
