//! Extracts email addresses from links, labels, display names and lists; a cell is split only between whole addresses.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use super::{is_address, is_domain};

/// The addresses found in a cell.
pub(super) struct FoundAddresses<'a> {
    /// In the order of the cell.
    pub addresses: SmallVec<[Cow<'a, str>; 2]>,
    /// Whether other text was removed around them.
    pub is_unwrapped: bool,
}

/// Words that join two addresses.
const JOINING: [&str; 9] = ["or", "and", "en", "of", "und", "et", "&", "-", "+"];
/// Words that name an address before a colon, alone or together: `E-mail address (work):`.
const LABELS: [&str; 29] = [
    "e-mail",
    "email",
    "e",
    "mail",
    "e.mail",
    "e-pos",
    "epos",
    "e-posadres",
    "eposadres",
    "adres",
    "address",
    "addr",
    "correo",
    "courriel",
    "contact",
    "work",
    "werk",
    "home",
    "huis",
    "office",
    "business",
    "private",
    "personal",
    "w",
    "h",
    "to",
    "primary",
    "secondary",
    "other",
];
/// Words next to an address that mean "no other address".
const NONE: [&str; 7] = ["none", "n/a", "na", "null", "nil", "unknown", "-"];

/// The whole addresses of a cell in lower case; `None` when it holds none, or anything that may be a part of a broken one.
pub(super) fn addresses(cell: &str) -> Option<FoundAddresses<'_>> {
    let cell = unwrapped(cell);
    let bare = trim(without_label(cell));
    if is_address(bare) && !has_lost_a_quote(bare) {
        return Some(FoundAddresses { addresses: smallvec![Cow::Borrowed(bare)], is_unwrapped: bare.len() != cell.len() });
    }
    let found = linked(cell)
        .or_else(|| quoted(cell))
        .or_else(|| bracketed(cell))
        .or_else(|| beside_its_name(cell))
        .unwrap_or_else(|| listed(cell))?;
    (!found.is_empty()).then_some(FoundAddresses { is_unwrapped: found.len() == 1, addresses: found })
}

type Addresses<'a> = SmallVec<[Cow<'a, str>; 2]>;

/// The targets of `mailto:` links, and whole addresses next to them. `None` when there is no link, `Some(None)`
/// when a target is broken.
fn linked(cell: &str) -> Option<Option<Addresses<'_>>> {
    // Office programs take an address typed into a hyperlink for a page.
    const LINKS: [&str; 4] = ["mailto:", "smtp:", "http://", "https://"];
    // `Ann#ann@mail.test#` is a hyperlink of Access: what is shown, then the address.
    let is_hyperlink = cell.ends_with('#') && cell.contains('@');
    if !is_hyperlink && !LINKS.iter().any(|link| cell.contains(link)) {
        return None;
    }
    let mut found = Addresses::new();
    for segment in cell.split(['<', '>', '"', '#', '(', ')', '[', ']', '|']) {
        let is_link = LINKS.iter().any(|link| segment.contains(link));
        match segment.split_once('?').map_or(segment, |(targets, _)| targets) {
            targets if is_link => {
                for target in targets.split([',', ';']) {
                    let link = LINKS.iter().find_map(|link| target.rfind(link).map(|at| &target[at + link.len()..]));
                    let target = trim(link.unwrap_or(target)).trim_matches('/');
                    if target.is_empty() {
                        continue;
                    }
                    if !is_whole(target) || (segment.contains("://") && target.contains('/')) {
                        return Some(None);
                    }
                    found.push(Cow::Borrowed(target));
                }
            }
            _ if is_address(trim(segment)) => found.push(Cow::Borrowed(trim(segment))),
            _ if is_hyperlink && segment.contains('@') => return Some(None),
            _ => {}
        }
    }
    Some(Some(found))
}

/// `"john smith"@gmail.com`; quotes are removed where they are not needed, also single ones and those of typesetters.
fn quoted(cell: &str) -> Option<Option<Addresses<'_>>> {
    let cell = without_label(cell);
    let (before, domain) = cell.split_once('@')?;
    if let Some(local) = before.strip_prefix(is_quote).and_then(|local| local.strip_suffix(is_quote)) {
        let plain = format!("{local}@{domain}");
        if is_address(&plain) {
            return Some(Some(smallvec![Cow::Owned(plain)]));
        }
    }
    let (local, domain) = cell.strip_prefix('"')?.split_once("\"@")?;
    let plain = format!("{local}@{domain}");
    if is_address(&plain) {
        return Some(Some(smallvec![Cow::Owned(plain)]));
    }
    let is_printable = !local.is_empty() && local.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\\'));
    let fits = is_printable && local.len() + 2 <= super::LOCAL_BYTES && cell.len() <= super::EMAIL_BYTES && is_domain(domain);
    fits.then(|| Some(smallvec![Cow::Borrowed(cell)]))
}

/// `Name <address>`, one or several. `None` when there are no such brackets, `Some(None)` when one of them is broken.
fn bracketed(cell: &str) -> Option<Option<Addresses<'_>>> {
    let mut found = Addresses::new();
    for segment in cell.split('<').skip(1) {
        let Some((inside, _)) = segment.split_once('>') else { continue };
        if inside.contains('@') {
            let inside = trim(inside);
            if !is_address(inside) {
                return Some(None);
            }
            found.push(Cow::Borrowed(inside));
        }
    }
    (!found.is_empty()).then_some(Some(found))
}

/// `Ann Lee (ann@mail.test)`, `Ann Lee [ann@mail.test]`: one address in brackets behind a name.
fn beside_its_name(cell: &str) -> Option<Option<Addresses<'_>>> {
    let inside = cell.strip_suffix([')', ']'])?;
    let (name, address) = inside.rsplit_once(['(', '['])?;
    let is_name = !name.trim().is_empty() && name.chars().all(|c| c.is_alphabetic() || " .,'-".contains(c));
    (is_name && is_whole(address.trim())).then(|| Some(smallvec![Cow::Borrowed(address.trim())]))
}

/// The text out of the braces of a PostgreSQL array.
fn unwrapped(cell: &str) -> &str {
    cell.strip_prefix('{').and_then(|cell| cell.strip_suffix('}')).unwrap_or(cell)
}

/// Whether trimming took the first of a pair of quotes: `'ann'@mail.test`.
fn has_lost_a_quote(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, _)| local.ends_with(is_quote))
}

/// A list of addresses. Everything between two separators must be a whole address, a label or a joining word.
fn listed(cell: &str) -> Option<Addresses<'_>> {
    let mut found = Addresses::new();
    for piece in cell.split([';', ',', '|']) {
        let piece = without_remark(without_label(piece.trim()));
        if piece.is_empty() || NONE.contains(&piece) {
            continue;
        }
        for word in piece.split(' ') {
            let bare = trim(word);
            let is_label = word.strip_suffix(':').is_some_and(|label| LABELS.contains(&label));
            if bare.is_empty() || JOINING.contains(&word) || is_label {
                continue;
            }
            if is_whole(bare) {
                found.push(Cow::Borrowed(bare));
                continue;
            }
            for part in bare.split(['/', '\\', '&']).map(trim).filter(|part| !part.is_empty()) {
                found.push(Cow::Borrowed(Some(part).filter(|part| is_whole(part))?));
            }
        }
    }
    Some(found)
}

/// Whether a text is an address with a public domain.
fn is_whole(text: &str) -> bool {
    is_address(text) && !has_lost_a_quote(text) && text.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'))
}

/// The text after `E-mail:`, `email =` or `email`.
fn without_label(text: &str) -> &str {
    let is_label = |label: &str| {
        let mut words = label.split([' ', '(', ')']).filter(|word| !word.is_empty()).peekable();
        words.peek().is_some() && words.all(|word| LABELS.contains(&word))
    };
    let named = text.split_once([':', '=']).filter(|(label, _)| is_label(label));
    // `w=lee@mail.test` is an address.
    if let Some((_, rest)) = named.filter(|(label, _)| label.trim_end().len() > 1 || text[label.len()..].starts_with(':')) {
        return without_label(rest.trim_start());
    }
    let bare = ["e-mail ", "email "].iter().find_map(|label| text.strip_prefix(label));
    bare.unwrap_or(text)
}

/// The text without a trailing remark such as `(work)`.
fn without_remark(text: &str) -> &str {
    match text.split_once('(') {
        Some((before, remark)) if !before.trim().is_empty() && !remark.contains('@') => before.trim_end(),
        _ => text,
    }
}

fn is_quote(c: char) -> bool {
    const QUOTES: &str = "\"'`\u{ab}\u{bb}\u{2018}\u{2019}\u{201a}\u{201c}\u{201d}\u{201e}\u{2039}\u{203a}\u{ff1c}\u{ff1e}";
    QUOTES.contains(c)
}

/// The text without brackets, quotes and punctuation around it.
fn trim(text: &str) -> &str {
    let wrapping =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ':' | '.' | ',' | ';') || is_quote(c);
    text.trim_matches(wrapping)
}
