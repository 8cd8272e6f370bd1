//! Emails, phones and names in every known form, and texts that no reader may accept as a value.

use crate::demo::random::Draws;

use super::cells::noise;

const DOMAINS: &[&str] = &["mail.test", "club.co.test", "gmail.com", "sub.domain.mail.test", "web-mail.test"];

/// Somebody's email, in lower case.
pub(super) fn new_email(draws: &mut Draws, given: &str, family: &str) -> String {
    let plain = |name: &str| format!("n{}", name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase());
    let local = match draws.below(4) {
        0 => format!("{}.{}{}", plain(given), plain(family), draws.below(90) + 10),
        1 => format!("{}{}", plain(given), draws.below(9_000) + 1_000),
        2 => format!("{}_{}", plain(family), draws.below(9_000) + 1_000),
        _ => format!("x{}-{}", draws.below(900) + 100, plain(family)),
    };
    format!("{local}@{}", draws.pick(DOMAINS))
}

/// An email as a cell has it; another one may stand behind it.
pub(super) fn email(draws: &mut Draws, email: &str, other: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    match draws.below(44) {
        0 => email.to_uppercase(),
        1 => format!(" {email} "),
        2 => format!("mailto:{email}"),
        3 => format!("Mailto:{email}?subject=Hello%20there"),
        4 => format!("Ann Lee <{email}>"),
        5 => format!("\"Lee, Ann\" <{email}>"),
        6 => format!("{email}; {other}"),
        7 => format!("{email}, {other}"),
        8 => format!("{email} / {other}"),
        9 => format!("{email}."),
        10 => format!("<{email}>"),
        11 => format!("{local} @ {domain}"),
        12 => format!("\u{200b}{email}\u{feff}"),
        13 => format!("{email}#mailto:{email}#"),
        14 => format!("E-mail: {email}"),
        15 => format!("'{email}'"),
        16 => format!("\"{local}\"@{domain}"),
        17 => format!("{email} (work)"),
        18 => format!("<a href=\"mailto:{email}\">write</a>"),
        19 => format!("{local}\u{ff20}{domain}"),
        20 => format!("{local}&#64;{domain}"),
        21 => format!("{email};"),
        22 => format!("=HYPERLINK(\"mailto:{email}\",\"{email}\")"),
        23 => format!("[{email}](mailto:{email})"),
        24 => format!("{email}\n{other}"),
        25 => format!("\t{email}\r\n"),
        26 => format!("{local}@{}", domain.to_uppercase()),
        27 => format!("{email} or {other}"),
        28 => format!("\u{202a}{email}\u{202c}"),
        _ => email.to_owned(),
    }
}

/// What holds an email, or nearly, and is none: a part of it would be a stranger's.
pub(super) fn broken_email(draws: &mut Draws, email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    match draws.below(14) {
        0 => format!("john {email}"),
        1 => format!("john,{email}"),
        2 => format!("{local} x@{domain}"),
        3 => format!("{email}@{domain}"),
        4 => format!("{local}@"),
        5 => format!("@{domain}"),
        6 => format!("{local}.{domain}"),
        7 => format!("{local}@@{domain}"),
        8 => format!("{local} at {domain}"),
        9 => format!("jo\u{a0}{email}"),
        10 => format!("{local}\u{2022}{local}@{domain}"),
        11 => format!("{local}@{}", domain.replace('.', "..")),
        12 => format!("{local}@{}", domain.split('.').next().unwrap_or_default()),
        _ => noise(draws).replace(['@', '\u{ff20}', '\u{fe6b}'], ""),
    }
}

/// Somebody's mobile number in E.164.
pub(super) fn new_phone(draws: &mut Draws, is_south_africa: bool) -> String {
    if is_south_africa {
        format!("+27{}{}", draws.pick(&["71", "72", "76", "82", "83", "84"]), draws.below(8_000_000) + 1_500_000)
    } else {
        format!("+447{}{}", draws.pick(&["4", "5", "7", "8"]), draws.below(80_000_000) + 11_000_000)
    }
}

/// A number as a cell of a list of its own country has it.
pub(super) fn phone(draws: &mut Draws, number: &str) -> String {
    let (code, national) = number.split_at(3);
    let code = &code[1..];
    let (start, end) = national.split_at(national.len() - 7);
    let (middle, last) = end.split_at(3);
    match draws.below(44) {
        0 => format!("0{start} {middle} {last}"),
        1 => format!("(0{start}) {middle}-{last}"),
        2 => format!("0{start}-{middle}-{last}"),
        3 => format!("0{start}.{middle}.{last}"),
        4 => format!("+{code} {start} {middle} {last}"),
        5 => format!("+{code} (0){start} {middle} {last}"),
        6 => format!("+{code}(0){national}"),
        7 => format!("00{code}{national}"),
        8 => format!("00 {code} {start} {middle} {last}"),
        9 => format!("{code}{national}"),
        10 => national.to_owned(),
        11 => format!("{code}{national}.0"),
        12 => format!("0{national} x12"),
        13 => format!("0{national} ext. 12"),
        14 => format!("Cell: 0{national}"),
        15 => format!("0{national} (wife)"),
        16 => format!("0{start}\u{a0}{middle}\u{a0}{last}"),
        17 => format!("0{national}").chars().filter_map(|c| char::from_u32(0xff10 + c.to_digit(10)?)).collect(),
        18 => format!("0{national}").chars().filter_map(|c| char::from_u32(0x660 + c.to_digit(10)?)).collect(),
        19 => format!("tel:+{code}-{start}-{middle}-{last}"),
        20 => format!("'0{national}"),
        21 => format!("\u{202d}+{code}{national}\u{202c}"),
        22 => format!("+{code}.{start}.{middle}.{last}"),
        23 => format!("+{code}\u{2011}{start}\u{2011}{middle}\u{2011}{last}"),
        24 => format!("=\"0{national}\""),
        25 => format!("(+{code}) {start} {middle} {last}"),
        26 => format!("0{national} after 5pm"),
        27 => format!("+{code} {start}/{middle}{last}"),
        28 => format!("M: 0{start} {middle} {last}"),
        _ => format!("+{code}{national}"),
    }
}

/// Cells without a certain number: nothing or the right number may be read, never another.
pub(super) fn broken_phone(draws: &mut Draws, number: &str) -> String {
    let national = &number[3..];
    match draws.below(12) {
        0 => format!("0{}O{}", &national[..4], &national[5..]),
        1 => format!("0{}", &national[..6]),
        2 => format!("{}E+10", &national[..2]),
        3 => "0000000000".to_owned(),
        4 => "082 1234".to_owned(),
        5 => "unknown".to_owned(),
        6 => format!("0{}l{}", &national[..3], &national[4..]),
        7 => format!("{}@", &national[..4]),
        8 => format!("0{}???", &national[..5]),
        9 => "1234567890123456789012345".to_owned(),
        10 => "see notes".to_owned(),
        _ => noise(draws).chars().filter(|c| c.to_digit(10).is_none() && !c.is_numeric()).collect(),
    }
}

const GIVEN: &[&str] = &[
    "Ann",
    "John",
    "Pieter",
    "Lerato",
    "Siân",
    "Zoë",
    "José",
    "Sipho",
    "Li",
    "Владимир",
    "محمد",
    "さくら",
    "Renée",
    "J.P.",
    "Mr & Mrs",
    "null",
    "X",
    "Anne-Marie",
    "İlker",
    "ΑΝΝΑ",
    "दीपा",
    "Þór",
    "Ng",
    "O\u{301}scar",
    "Mary\u{200b}Jane",
    "😀 Joy",
    "A\u{300}\u{301}\u{302}",
];
const FAMILY: &[&str] = &[
    "Lee",
    "van der Merwe",
    "O'Brien",
    "O&#039;Neill",
    "D\u{b4}Angelo",
    "Smith-Jones",
    "Müller",
    "Straße",
    "Nel",
    "Иванова",
    "العربي",
    "田中",
    "Dlamini",
    "Lee Snr",
    "Lee, Jr",
    "RenÃ©",
    "de la Cruz III",
    "Guest",
    "Unknown",
    "Null",
    "Őry",
    "Nguyễn",
    "St. John",
];

/// A name of any script.
pub(super) fn new_name(draws: &mut Draws) -> (&'static str, &'static str) {
    (draws.pick(GIVEN), draws.pick(FAMILY))
}
