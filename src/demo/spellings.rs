//! Spellings and typing errors: how a value looks after years of manual entry into different systems.

use super::community::{Club, Country, DemoPerson};
use super::names::other_form;
use super::population::DemoPopulation;
use super::random::Draws;

const PLACEHOLDER_EMAILS: &[&str] = &[
    "noemail@noemail.com",
    "none@none.com",
    "test@test.com",
    "na@na.com",
    "unknown@example.com",
    "no-email@mail.test",
    "noemail@webmail.test",
    "n/a",
    "-",
    "a@a",
];

const PLACEHOLDER_PHONES: &[&str] =
    &["0000000000", "00000000000", "0123456789", "0111111111", "123456789", "0820000000", "07000000000", "n/a", "-", "0"];

const PLACEHOLDER_NAMES: &[(&str, &str)] = &[
    ("Guest", ""),
    ("Visitor", "1"),
    ("Walk-in", "Walk-in"),
    ("Test", "Test"),
    ("Unknown", "Unknown"),
    (".", "."),
    ("Member", "TBC"),
];

/// A placeholder that staff type into a required field. The first of the list is the usual one of the system.
fn placeholder(draws: &mut Draws, from: &'static [&'static str]) -> &'static str {
    if draws.chance(0.4) { from[0] } else { draws.pick(from) }
}

/// One typing error.
pub(super) fn mistype(text: &str, draws: &mut Draws) -> String {
    let letters = text.chars().collect::<Vec<_>>();
    if letters.len() < 4 {
        return text.to_owned();
    }
    let at = 1 + draws.below(letters.len() - 2);
    let mut typed = letters.clone();
    match draws.below(4) {
        0 => {
            typed.remove(at);
        }
        1 => typed.swap(at, at + 1),
        2 => typed.insert(at, letters[at]),
        _ => {
            typed[at] = if letters[at].is_ascii_digit() {
                char::from(b'0' + draws.below(10) as u8)
            } else {
                draws.pick(&["a", "e", "i", "s", "r", "n"]).chars().next().unwrap_or('e')
            }
        }
    }
    typed.into_iter().collect()
}

/// A person's email as stored in a source.
pub(super) fn email(
    draws: &mut Draws,
    person: &DemoPerson,
    club: &Club,
    shares: &DemoPopulation,
    is_typed_by_staff: bool,
) -> Option<String> {
    if is_typed_by_staff && draws.chance(shares.placeholder) {
        return Some(placeholder(draws, PLACEHOLDER_EMAILS).to_owned());
    }
    if is_typed_by_staff && draws.chance(shares.reception) {
        return Some(club.email.clone());
    }
    let outdated = person.emails.len() > 1 && draws.chance(shares.outdated * 1.5);
    let address = &person.emails[usize::from(outdated)];
    let (local, domain) = address.split_once('@')?;
    let mut text = match draws.below(1000) {
        0..8 => format!("{local}+golf@{domain}"),
        8..12 => format!("{local}+{}@{domain}", super::names::plain(person.given)),
        12..16 if domain == "gmail.com" => format!("{}@googlemail.com", local.replace('.', "")),
        _ if domain == "gmail.com" && draws.chance(0.2) => format!("{}@{domain}", local.replacen('.', "", 1)),
        _ => address.to_string(),
    };
    if draws.chance(shares.typo) {
        text = if draws.chance(0.7) {
            format!("{}@{domain}", mistype(local, draws))
        } else {
            format!("{local}@{}", mistype(domain, draws))
        };
    }
    Some(match draws.below(1000) {
        0..60 => text.to_uppercase(),
        60..120 => title_case(&text),
        120..150 => format!(" {text} "),
        150..156 => format!("mailto:{text}"),
        156..160 => format!("{} {} <{text}>", person.given, person.family),
        160..164 => format!("{text}; {}", person.emails[person.emails.len() - 1]),
        164..167 => format!("{text}."),
        167..170 => text.replace('@', " @ "),
        170..173 => format!("\u{200b}{text}"),
        173..174 => format!("\u{202a}{text}\u{202c}"),
        _ => text,
    })
}

/// A person's phone as stored in a source.
pub(super) fn phone(
    draws: &mut Draws,
    person: &DemoPerson,
    club: &Club,
    shares: &DemoPopulation,
    is_typed_by_staff: bool,
    home: Country,
) -> Option<String> {
    if is_typed_by_staff && draws.chance(shares.placeholder) {
        return Some(placeholder(draws, PLACEHOLDER_PHONES).to_owned());
    }
    if is_typed_by_staff && draws.chance(shares.reception) {
        return Some(written(draws, &club.phone, home));
    }
    let outdated = person.phones.len() > 1 && draws.chance(shares.outdated * 1.5);
    let mut number = person.phones[usize::from(outdated)].to_string();
    if draws.chance(shares.typo * 0.6) {
        let last = number.len() - 1;
        let swapped = format!("{}{}{}", &number[..last - 1], &number[last..], &number[last - 1..last]);
        number = swapped;
    }
    let text = written(draws, &number, home);
    Some(match draws.below(1000) {
        0..12 => format!("{text} / {}", written(draws, &person.phones[person.phones.len() - 1], home)),
        12..18 => format!("{text} ({})", if person.is_man { "husband" } else { "wife" }),
        18..24 => format!("{text} after 5pm"),
        24..28 => format!("{text}.0"),
        // Converted by a spreadsheet: the digits are lost.
        28..31 => format!("{}.{}E+{}", &number[1..2], &number[2..7], number.len() - 2),
        31..36 => text.replace(' ', "\u{a0}"),
        36..40 => format!("'{text}"),
        40..43 => format!("{text} or {}", written(draws, &person.phones[0], home)),
        43..46 => format!("\u{202d}{text}\u{202c}"),
        _ => text,
    })
}

/// An E.164 number as people of this country write it.
fn written(draws: &mut Draws, number: &str, home: Country) -> String {
    let (code, national) = number.split_at(3);
    let code = &code[1..];
    let is_national = (code == "27") == home.is_south_africa();
    if !is_national {
        return match draws.below(3) {
            0 => format!("+{code}{national}"),
            1 => format!("00{code}{national}"),
            _ => format!("+{code} {} {}", &national[..3], &national[3..]),
        };
    }
    let (start, end) = if code == "27" { national.split_at(2) } else { national.split_at(4) };
    let (middle, last) = end.split_at(3);
    match draws.below(100) {
        0..26 => format!("0{national}"),
        26..44 => format!("0{start} {middle} {last}"),
        44..54 => format!("+{code}{national}"),
        54..64 => format!("+{code} {start} {middle} {last}"),
        64..70 => format!("{code}{national}"),
        70..75 => format!("00{code}{national}"),
        75..81 => format!("(0{start}) {middle}-{last}"),
        81..88 => format!("0{start}-{middle}-{last}"),
        88..93 => format!("+{code} (0){start} {middle}{last}"),
        93..97 => national.to_owned(),
        97..99 => format!("{code}(0){national}"),
        _ => format!("0{start}.{middle}.{last}"),
    }
}

/// A person's names as stored in a source, given name first.
pub(super) fn names(
    draws: &mut Draws,
    person: &DemoPerson,
    shares: &DemoPopulation,
    is_old_list: bool,
) -> (Option<String>, Option<String>) {
    if draws.chance(shares.nameless) {
        let (given, family) = PLACEHOLDER_NAMES[draws.below(PLACEHOLDER_NAMES.len())];
        return if draws.chance(0.75) { (None, None) } else { (Some(given.to_owned()), Some(family.to_owned())) };
    }
    let mut given = person.given.to_owned();
    let mut family = person.family.to_string();
    if let Some(former) = &person.former_family
        && draws.chance(if is_old_list { 0.35 } else { 0.08 })
    {
        family = if draws.chance(0.15) { format!("{family}-{former}") } else { former.to_string() };
    }
    if draws.chance(shares.short_form)
        && let Some(form) = other_form(person.given, draws)
    {
        given = form.to_owned();
    }
    if draws.chance(shares.typo) {
        given = mistype(&given, draws);
    }
    if draws.chance(shares.typo) {
        family = mistype(&family, draws);
    }
    if draws.chance(shares.initial) {
        given = given.chars().take(1).collect::<String>() + if draws.chance(0.3) { "." } else { "" };
    }
    match draws.below(1000) {
        0..15 => {
            given = format!(
                "{} {given}",
                if person.is_man { draws.pick(&["Mr", "Mnr", "Dr"]) } else { draws.pick(&["Mrs", "Ms", "Mev", "Dr"]) }
            )
        }
        15..35 => given = format!("{given} {}", draws.pick(&["J", "M", "A", "Lee", "Ann"])),
        35..40 => given = format!("{given}\u{200b}"),
        40..43 => family = format!("\u{202e}{family}\u{202c}"),
        43..48 => family = family.replace('\'', "\u{2019}"),
        48..55 => (given, family) = (decomposed(&given), decomposed(&family)),
        55..60 => family = unaccented(&family),
        60..70 => given = format!(" {given}  "),
        70..74 => family.clear(),
        _ => {}
    }
    if draws.chance(shares.swapped) {
        std::mem::swap(&mut given, &mut family);
    }
    match draws.below(100) {
        0..10 => (given, family) = (given.to_uppercase(), family.to_uppercase()),
        10..14 => (given, family) = (given.to_lowercase(), family.to_lowercase()),
        _ => {}
    }
    (Some(given), Some(family).filter(|family| !family.is_empty() || draws.chance(0.5)))
}

/// A date of birth as stored in a member list.
pub(super) fn born_on(draws: &mut Draws, person: &DemoPerson, shares: &DemoPopulation) -> Option<String> {
    if draws.chance(shares.without_birth) {
        return None;
    }
    if draws.chance(shares.placeholder * 1.5) {
        return Some(
            (*draws.pick(&["1900-01-01", "1970-01-01", "2000-01-01", "1899-12-30", "0001-01-01", "9999-12-31", "infinity"]))
                .to_owned(),
        );
    }
    let born = person.born_on.to_string();
    let (day, month) = (&born[8..], &born[5..7]);
    if draws.chance(0.007) && day <= "12" {
        return Some(format!("{}{day}-{month}", &born[..5]));
    }
    if draws.chance(shares.typo * 0.4) {
        let digit = (born.as_bytes()[3] - b'0' + 1) % 10;
        return Some(format!("{}{digit}{}", &born[..3], &born[4..7]) + if day > "28" { "-28" } else { &born[7..] });
    }
    Some(born)
}

/// A gender as member lists write it.
pub(super) fn gender(draws: &mut Draws, is_man: bool) -> Option<&'static str> {
    match draws.below(1000) {
        0..70 => None,
        70..80 => Some(""),
        80..90 => Some("U"),
        90..93 => Some("X"),
        93..95 => Some("?"),
        _ if is_man => {
            Some(draws.weighted(&[("M", 70), ("Male", 15), ("m", 5), ("1", 3), ("Gent", 3), ("Mr", 2), ("Manlik", 1)]))
        }
        _ => Some(draws.weighted(&[("F", 68), ("Female", 15), ("f", 5), ("2", 3), ("Lady", 4), ("Mrs", 3), ("Vroulik", 1)])),
    }
}

/// An association number as copied from a card by hand.
pub(super) fn number(draws: &mut Draws, value: &str, shares: &DemoPopulation) -> String {
    let value = if draws.chance(shares.typo * 0.2) { mistype(value, draws) } else { value.to_owned() };
    match draws.below(100) {
        0..6 => format!("{} {}", &value[..value.len() / 2], &value[value.len() / 2..]),
        6..8 => format!(" {value} "),
        8 if value.len() == 10 => format!("{}.{}E+09", &value[..1], &value[1..6]),
        _ => value,
    }
}

/// A South African identity number: invented, with a valid date and check digit.
pub(super) fn national_id(draws: &mut Draws, person: &DemoPerson) -> String {
    let born = person.born_on.to_string();
    let digits =
        format!("{}{}{}{}{}08", &born[2..4], &born[5..7], &born[8..10], if person.is_man { "5" } else { "0" }, draws.digits(3));
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit * 2) {
                (0, double) if double > 9 => double - 9,
                (0, double) => double,
                _ => digit,
            }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn title_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn decomposed(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfd().collect()
}

fn unaccented(text: &str) -> String {
    decomposed(text).chars().filter(char::is_ascii).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_passes_the_check_that_finds_it() {
        let community = super::super::Community::new(
            &DemoPopulation::ORDINARY,
            1,
            0.001,
            crate::model::Timestamp::parse("2026-11-01").unwrap(),
        );
        let number = national_id(&mut Draws::of(1, "id", 0), &community.people[0]);
        let sum: u32 = number
            .bytes()
            .rev()
            .map(|digit| u32::from(digit - b'0'))
            .enumerate()
            .map(|(place, digit)| if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
            .sum();
        assert!(number.len() == 13 && sum.is_multiple_of(10), "{number}");
    }
}
