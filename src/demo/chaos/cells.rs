//! Cells of all other kinds: yes and no, ids, numbers, words for null, and random text.

use crate::demo::random::Draws;

/// Words for nothing, as databases, libraries and spreadsheets write them into typed columns.
pub(super) const NOTHING: &[&str] =
    &["", "", "", "", "NULL", "\\N", "null", "None", "nan", "NaN", "N/A", "#N/A", "  ", "NaT", "(null)"];

/// Words that consent.
pub(super) const YES: &[&str] = &[
    "true",
    "t",
    "TRUE",
    "True",
    "1",
    "1.0",
    "yes",
    "Y",
    "on",
    "ja",
    "JA",
    "oui",
    "si",
    "wahr",
    "WAHR",
    "opted-in",
    "Opted In",
    "subscribed",
    "-1",
    " true ",
    "\u{ff11}",
    "OPT_IN",
    "granted",
];

/// Words that do not.
pub(super) const NO: &[&str] = &[
    "false",
    "f",
    "FALSE",
    "False",
    "0",
    "0.0",
    "no",
    "N",
    "off",
    "nee",
    "NEE",
    "non",
    "nein",
    "falsch",
    "FALSCH",
    "opted-out",
    "Opted Out",
    "unsubscribed",
    "STOP",
    "revoked",
    " false ",
    "\u{ff10}",
    "OPT_OUT",
    "denied",
];

/// Words whose meaning is uncertain: they count as a withdrawal.
pub(super) const UNSURE: &[&str] = &[
    "perhaps",
    "?",
    "yes?",
    "not yes",
    "no longer",
    "yes no",
    "opted in, then out",
    "2",
    "x",
    "\u{2713}?",
    "TBC",
    "tru",
    "fasle",
    "don't",
    "ask again",
    "withdrew 2024-05-01",
    "\u{274c}",
    "ja/nee",
    "-",
    "neexx",
];

/// Text of random characters, some of them invisible, wild or ill-behaved, without NUL.
pub(super) fn noise(draws: &mut Draws) -> String {
    const RANGES: &[(u32, u32)] = &[
        (0x20, 0x7e),
        (0x20, 0x7e),
        (0x01, 0x1f),
        (0x7f, 0x9f),
        (0xa0, 0x24f),
        (0x300, 0x36f),
        (0x370, 0x5ff),
        (0x600, 0x6ff),
        (0x900, 0x97f),
        (0x1100, 0x11ff),
        (0x2000, 0x206f),
        (0x3040, 0x30ff),
        (0x4e00, 0x4fff),
        (0xac00, 0xacff),
        (0xe000, 0xe010),
        (0xfb00, 0xfb4f),
        (0xfe00, 0xfe0f),
        (0xff00, 0xffef),
        (0xfff0, 0xffff),
        (0x1f300, 0x1f64f),
        (0x1d400, 0x1d4ff),
        (0xe0000, 0xe007f),
        (0x10fff0, 0x10ffff),
    ];
    let length = draws.weighted(&[(1, 3), (3, 3), (8, 3), (20, 2), (60, 1), (300, 1), (1200, 1)]);
    (0..1 + draws.below(length))
        .filter_map(|_| {
            let (first, last) = RANGES[draws.below(RANGES.len())];
            char::from_u32(first + draws.below((last - first + 1) as usize) as u32)
        })
        .collect()
}

/// A whole number or an id of digits, as spreadsheets and libraries write it; other ids stay but for blanks.
pub(super) fn id(draws: &mut Draws, id: &str) -> String {
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    match draws.below(if is_number { 24 } else { 16 }) {
        0..13 => id.to_owned(),
        13 => format!(" {id}"),
        14 => format!("{id}\t"),
        15 => format!("\u{a0}{id} "),
        16 => format!("{id}.0"),
        17 => format!("{id}.00"),
        18 => format!("'{id}"),
        19 => format!("=\"{id}\""),
        20 => id.chars().filter_map(|c| char::from_u32(0xff10 + c.to_digit(10)?)).collect(),
        21 => format!("\u{200b}{id}"),
        22 => format!("{id},0"),
        _ => format!("\u{feff}{id}"),
    }
}

/// One letter case or another, with blanks and invisible characters around it.
pub(super) fn dressed(draws: &mut Draws, text: &str) -> String {
    match draws.below(24) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => format!("  {text} "),
        3 => format!("\u{a0}{text}\u{2009}"),
        4 => format!("\u{feff}{text}"),
        5 => format!("{text}\u{200b}"),
        6 => format!("\u{202a}{text}\u{202c}"),
        7 => format!("\t{text}\r\n"),
        _ => text.to_owned(),
    }
}
