//! Email addresses: the value for display, and the key for linking.

mod cell;
mod idna;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::model::escapes::{undo_mojibake, unescape};
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::{is_apostrophe, is_invisible};

use cell::addresses;
use idna::push_domain;

/// The longest address (RFC 5321).
const EMAIL_BYTES: usize = 254;
/// The longest local part.
const LOCAL_BYTES: usize = 64;
/// Addresses kept of one cell.
const KEPT: usize = 4;

/// One address of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailAddress {
    /// Normal form: composed, lower case, dots and tags kept.
    pub value: String,
    /// The value without `+tag`, dots removed for Gmail only, the domain in ASCII, apostrophes in one form. Empty where the address
    /// does not identify a person.
    pub key: String,
}

impl EmailAddress {
    /// The key; `None` where the address does not identify a person.
    pub fn key(&self) -> Option<&str> {
        (!self.key.is_empty()).then_some(self.key.as_str())
    }
}

/// Reads address cells; keeps its buffers from cell to cell.
#[derive(Default)]
pub struct EmailReader {
    cell: String,
    addresses: [EmailAddress; KEPT],
    count: usize,
}

impl EmailReader {
    /// The addresses of a cell, the one to display first. A cell is split only between whole addresses; a part of a broken
    /// address is never used. The reasons say what was cleaned, or why the result is empty.
    pub fn read(&mut self, raw: &str, junk: &Junk, reasons: &mut Reasons) -> &[EmailAddress] {
        self.count = 0;
        let mut cell = std::mem::take(&mut self.cell);
        normalise(&undo_mojibake(raw, reasons), &mut cell, reasons);
        while let Cow::Owned(plain) = unescape(&cell, reasons) {
            normalise(&plain, &mut cell, reasons);
        }
        let mut refused = Reasons::default();
        match addresses(&cell) {
            _ if cell.is_empty() => {}
            None => refused.insert(Reason::EmailInvalid),
            Some(found) => {
                if found.is_unwrapped {
                    reasons.insert(Reason::EmailUnwrapped);
                }
                for part in found.addresses.iter().take(KEPT) {
                    match self.address(part, junk) {
                        Ok(notes) => reasons.extend(notes),
                        Err(reason) => refused.insert(reason),
                    }
                }
            }
        }
        if self.count == 0 {
            reasons.extend(refused);
        } else if self.count > 1 {
            reasons.insert(Reason::EmailSplit);
        }
        self.cell = cell;
        &self.addresses[..self.count]
    }

    fn address(&mut self, part: &str, junk: &Junk) -> Result<Reasons, Reason> {
        let (local, domain) = part.rsplit_once('@').ok_or(Reason::EmailInvalid)?;
        let is_quoted = local.starts_with('"');
        let base = match local.split_once('+') {
            Some((base, _)) if !is_quoted => base.trim_end_matches('.'),
            _ => local,
        };
        let junk_local = base.is_empty() || junk.has(JunkKind::EmailLocal, base);
        if junk.has(JunkKind::EmailDomain, domain) || (junk_local && junk.has(JunkKind::EmailDomainIfLocal, domain)) {
            return Err(Reason::EmailPlaceholder);
        }
        if !domain.contains('.') {
            return Err(Reason::EmailInvalid);
        }
        if self.addresses[..self.count].iter().any(|known| known.value == part) {
            return Ok(Reasons::default());
        }
        let address = &mut self.addresses[self.count];
        self.count += 1;
        address.value.clear();
        address.value.push_str(part);
        address.key.clear();
        if junk_local {
            return Ok(Reason::EmailJunkLocal.into());
        }
        if junk.has(JunkKind::RoleLocal, base) {
            return Ok(Reason::EmailRole.into());
        }
        let gmail = matches!(domain, "gmail.com" | "googlemail.com");
        let kept = base.chars().filter(|c| !(gmail && *c == '.'));
        address.key.extend(kept.map(|c| if is_apostrophe(c) { '\'' } else { c }));
        address.key.push('@');
        push_domain(if gmail { "gmail.com" } else { domain }, &mut address.key);
        Ok(Reasons::default())
    }
}

/// The ASCII character of a full-width one, which input methods of East Asia write.
fn half_width(c: char) -> char {
    let code = u32::from(c);
    let ascii = (0xff01..=0xff5e).contains(&code).then(|| char::from_u32(code - 0xff01 + 0x21)).flatten();
    ascii.unwrap_or(c)
}

/// Removes invisible characters, composes (NFC), lowers the case, in this order, because an invisible character may be between a
/// letter and its accent. Blanks around `@` and `.` are removed, other blanks become one separator.
fn normalise(raw: &str, out: &mut String, reasons: &mut Reasons) {
    out.clear();
    let raw = raw.trim();
    if raw.bytes().all(|byte| byte.is_ascii_graphic()) {
        if raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            reasons.insert(Reason::EmailLowered);
        }
        out.extend(raw.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        if raw.chars().any(is_invisible) {
            reasons.insert(Reason::TextInvisible);
        }
        let visible = raw.chars().filter(|c| !is_invisible(*c));
        let mut blank = false;
        for c in visible.nfc().flat_map(char::to_lowercase).nfc() {
            if matches!(c, '\n' | '\r') {
                out.push(';');
            } else if c.is_whitespace() {
                blank = true;
            } else {
                let c = match c {
                    '\u{3002}' | '\u{ff61}' => '.',
                    _ => half_width(c),
                };
                if blank && !out.is_empty() && !matches!(c, '@' | '.') && !out.ends_with(['@', '.']) {
                    out.push(' ');
                } else if blank && !out.is_empty() {
                    reasons.insert(Reason::EmailUnwrapped);
                }
                blank = false;
                out.push(c);
            }
        }
    }
    if out == "null" || out == "\\n" {
        out.clear();
        reasons.insert(Reason::TextNullWord);
    }
}

/// Whether a text in lower case is a well-formed address.
pub(in crate::model) fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let letter = |c: char| c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric());
    // A bullet, an arrow or a quote of a typesetter between letters joins what is two, or nothing.
    let mark = |c: char| is_combining_mark(c) || is_apostrophe(c);
    let atom = |c: char| letter(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c) || (!c.is_ascii() && mark(c));
    let local_fits = !local.is_empty()
        && local.len() <= LOCAL_BYTES
        && local.chars().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    address.len() <= EMAIL_BYTES && local_fits && is_domain(domain)
}

/// Whether a text in lower case is a well-formed domain.
fn is_domain(domain: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric());
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| letter(c) || c == '-' || (!c.is_ascii() && !c.is_whitespace()))
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.split('.').all(label_fits) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reference::Reference;
    use proptest::prelude::*;

    fn read(raw: &str) -> (Vec<EmailAddress>, Reasons) {
        let mut reasons = Reasons::default();
        let addresses = EmailReader::default().read(raw, &Reference::committed().junk, &mut reasons).to_vec();
        (addresses, reasons)
    }

    fn value_and_key(raw: &str) -> (Option<String>, Option<String>) {
        let (addresses, _) = read(raw);
        let first = addresses.first();
        (first.map(|address| address.value.clone()), first.and_then(|address| address.key().map(str::to_owned)))
    }

    #[test]
    fn values_keep_dots_and_tags_and_keys_do_not_keep_tags() {
        for (raw, value, key) in [
            ("Ann.Lee@Mail.Test", "ann.lee@mail.test", "ann.lee@mail.test"),
            ("ann.lee+golf@mail.test", "ann.lee+golf@mail.test", "ann.lee@mail.test"),
            ("An.N.Lee+x@googlemail.com", "an.n.lee+x@googlemail.com", "annlee@gmail.com"),
            ("mailto:ann@mail.test", "ann@mail.test", "ann@mail.test"),
            ("Ann Lee <ann@mail.test>", "ann@mail.test", "ann@mail.test"),
            ("ann @ mail . test", "ann@mail.test", "ann@mail.test"),
            ("ann@mail.test.", "ann@mail.test", "ann@mail.test"),
            ("\u{200b}ann@mail.test\u{a0}", "ann@mail.test", "ann@mail.test"),
            ("rene\u{301}@mail.test", "rené@mail.test", "rené@mail.test"),
            ("rene\u{200b}\u{301}@mail.test", "rené@mail.test", "rené@mail.test"),
            ("O'Neil@mail.test", "o'neil@mail.test", "o'neil@mail.test"),
        ] {
            let expected = (Some(value.to_owned()), Some(key.to_owned()));
            assert_eq!(value_and_key(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn the_first_of_two_addresses_is_the_value() {
        for raw in [
            "a.b@mail.test; c@mail.test",
            "a.b@mail.test,c@mail.test",
            "a.b@mail.test / C@mail.test",
            "a.b@mail.test or c@mail.test",
            "a.b@mail.test & c@mail.test",
            "a.b@mail.test and c@mail.test",
            "a.b@mail.test | c@mail.test",
            "a.b@mail.test\nc@mail.test",
            "a.b@mail.test/c@mail.test",
            "home: a.b@mail.test work: c@mail.test",
            "Ann <a.b@mail.test>; Bob <c@mail.test>",
            "mailto:a.b@mail.test,c@mail.test",
        ] {
            let (addresses, reasons) = read(raw);
            let values: Vec<_> = addresses.iter().map(|address| address.value.as_str()).collect();
            assert_eq!(values, ["a.b@mail.test", "c@mail.test"], "{raw}");
            assert!(reasons.contains(Reason::EmailSplit));
        }
        assert_eq!(read("a.b@mail.test;A.B@mail.test").0.len(), 1);
    }

    #[test]
    fn no_part_of_a_broken_address_is_taken() {
        for raw in [
            "john smith@gmail.com",
            "lee,ann@mail.test",
            "lee;ann@mail.test",
            "ann lee ann@mail.test",
            "lee/ ann@mail.test",
            "john smith @ gmail.com",
            "mailto:john smith@gmail.com",
            "e-mail: john smith@gmail.com",
            "ann@mail; bob@mail.test",
            "ann@mail.test@bob@mail.test",
            "john\u{a0}smith@gmail.com",
            "<john smith@gmail.com>",
        ] {
            let (addresses, reasons) = read(raw);
            assert!(addresses.is_empty() && reasons.contains(Reason::EmailInvalid), "{raw}: {addresses:?} {reasons:?}");
        }
    }

    #[test]
    fn links_labels_and_quoted_local_parts_are_read() {
        for raw in [
            "ann@mail.test#mailto:ann@mail.test#",
            "#mailto:ann@mail.test#",
            "mailto:ann@mail.test?subject=Hello%20you&body=x",
            "MAILTO: Ann@mail.test",
            "E-mail: ann@mail.test",
            "E-Mail : ann@mail.test",
            "email = ann@mail.test",
            "e-pos: ann@mail.test",
            "Email ann@mail.test",
            "SMTP:ann@mail.test",
            "work: ann@mail.test",
            "\"ann\"@mail.test",
            "'ann@mail.test'",
            "\"Lee, Ann\" <ann@mail.test>",
            "john smith <ann@mail.test>",
            "<a href=\"mailto:ann@mail.test\">Ann Lee</a>",
            "<a href='mailto:ann@mail.test'>ann@mail.test</a>",
            "=HYPERLINK(\"mailto:ann@mail.test\",\"ann@mail.test\")",
            "[ann@mail.test](mailto:ann@mail.test)",
            "ann@mail.test (work)",
            "ann@mail.test; n/a",
            "ann&#64;mail.test",
            "ann%40mail.test",
            "ann\u{ff20}mail.test",
            "=\"ann@mail.test\"",
        ] {
            let (addresses, _) = read(raw);
            let values: Vec<_> = addresses.iter().map(|address| address.value.as_str()).collect();
            assert_eq!(values, ["ann@mail.test"], "{raw}");
        }
        assert_eq!(value_and_key("\"Ann Lee\"@mail.test").1.as_deref(), Some("\"ann lee\"@mail.test"));
    }

    #[test]
    fn one_mailbox_has_one_key() {
        for (one, other) in [
            ("ann@m\u{fc}ller.test", "ann@xn--mller-kva.test"),
            ("ann@MU\u{308}LLER.test", "ann@xn--mller-kva.test"),
            ("ann@b\u{fc}cher.m\u{fc}ller.test", "ann@xn--bcher-kva.xn--mller-kva.test"),
            ("o\u{2019}brien@mail.test", "o'brien@mail.test"),
            ("o\u{b4}brien@mail.test", "o'brien@mail.test"),
            ("o`brien@mail.test", "o'brien@mail.test"),
            ("O&#039;Brien@mail.test", "o'brien@mail.test"),
        ] {
            let keys = [one, other].map(|raw| value_and_key(raw).1);
            assert!(keys[0].is_some() && keys[0] == keys[1], "{one} {other}: {keys:?}");
        }
    }

    #[test]
    fn only_clear_placeholders_are_dropped() {
        for raw in
            ["ann@example.com", "x@noemail.co.za", "test@email.com", "ann@mailinator.com", "ann@localhost", "none@none.com"]
        {
            let (addresses, reasons) = read(raw);
            assert!(addresses.is_empty() && reasons.contains(Reason::EmailPlaceholder), "{raw}");
        }
        assert_eq!(value_and_key("noreply@mail.test"), (Some("noreply@mail.test".to_owned()), None));
        assert_eq!(value_and_key("proshop@club.test"), (Some("proshop@club.test".to_owned()), None));
        assert_eq!(value_and_key("ann@email.com").1.as_deref(), Some("ann@email.com"));
        assert!(read("golf@club.test").1.contains(Reason::EmailRole));
        assert!(read("test@mail.test").1.contains(Reason::EmailJunkLocal));
    }

    #[test]
    fn what_is_not_an_address_is_rejected_and_counted() {
        let long = format!("{}@mail.test", "a".repeat(300));
        for raw in ["ann", "ann@", "@mail.test", "ann@mail", "a@b@c.test", "ann@-mail.test", "ann@1.2.3.4", "n/a", long.as_str()]
        {
            let (addresses, reasons) = read(raw);
            assert!(addresses.is_empty() && reasons.contains(Reason::EmailInvalid), "{raw}");
        }
        for raw in ["", "  ", "\u{200b}", "NULL"] {
            let (addresses, reasons) = read(raw);
            assert!(addresses.is_empty() && !reasons.contains(Reason::EmailInvalid), "{raw:?}");
        }
    }

    #[test]
    fn look_alikes_stay_apart() {
        assert_ne!(value_and_key("ann@mail.test"), value_and_key("\u{430}nn@mail.test"));
    }

    proptest! {
        #[test]
        fn reading_a_value_again_gives_the_value(raw in "[A-Za-z.+'İßé \u{200b}\u{301};,<>]{0,12}[@]?[A-Za-z.\\-é ]{0,12}[;, ]?\\PC{0,8}") {
            for address in read(&raw).0 {
                let (again, _) = read(&address.value);
                prop_assert_eq!(&again[0], &address);
                prop_assert_eq!(again.len(), 1);
            }
        }

        #[test]
        fn the_key_of_a_key_is_the_key(raw in "[A-Za-z.+]{1,12}@(gmail.com|googlemail.com|mail.test)") {
            if let (_, Some(key)) = value_and_key(&raw) {
                prop_assert_eq!(value_and_key(&key).1, Some(key));
            }
        }
    }
}
