//! Numbers that associations give to players: opaque, but never a national identity number.

use crate::model::AliasType;
use crate::model::escapes::unescape_number;
use crate::model::national_id::is_national_id;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::{ascii_digit, exact_digits, is_invisible, is_null_word, is_scientific, whole};

/// The longest association number.
const LONGEST: usize = 20;

/// An association's number, normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationNumber {
    bytes: [u8; LONGEST],
    len: usize,
}

impl AssociationNumber {
    /// Upper-case letters, digits and hyphens; the case is kept where the kind is in no map.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("ASCII")
    }

    /// Reads a number of a kind. `None` when the cell is empty or refused; the reasons tell which.
    pub fn read(raw: &str, kind: Option<AliasType>, junk: &Junk, reasons: &mut Reasons) -> Option<Self> {
        let raw = raw.trim();
        if raw.is_empty() || is_null_word(raw) {
            return None;
        }
        match Self::parse(raw, kind, junk) {
            Ok(number) => {
                if number.as_str() != raw {
                    reasons.insert(Reason::NumberCleaned);
                }
                if kind == Some(AliasType::CdhId) && number.len != 10 {
                    reasons.insert(Reason::CdhLength);
                }
                Some(number)
            }
            Err(reason) => {
                reasons.insert(reason);
                None
            }
        }
    }

    fn parse(raw: &str, kind: Option<AliasType>, junk: &Junk) -> Result<Self, Reason> {
        let plain = unescape_number(raw, &mut Reasons::default());
        let exact = exact_digits(&plain);
        if exact.is_none() && is_scientific(&plain) {
            return Err(Reason::NumberScientific);
        }
        let raw = exact.as_deref().unwrap_or(plain.trim().trim_matches(['\'', '"', '`']));
        // A spreadsheet turns 0012345 into 12345.0 or 12,345. The zeros are lost, but decimals and separators can be removed.
        let number = whole(raw);
        let raw = number.strip_prefix('#').unwrap_or(&number);
        let raw = raw.strip_prefix('{').and_then(|raw| raw.strip_suffix('}')).unwrap_or(raw);
        let raw = raw.strip_suffix(".0").filter(|number| !number.contains('.')).unwrap_or(raw);
        let is_label = raw.contains(". ");
        let mut number = Self { bytes: [0; LONGEST], len: 0 };
        for c in raw.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)) {
            let c = match c {
                '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
                '.' if number.len > 0 && !is_label => '-',
                _ => ascii_digit(c).unwrap_or(c),
            };
            let c = if kind.is_some() { c.to_ascii_uppercase() } else { c };
            if number.len == LONGEST || !(c.is_ascii_alphanumeric() || c == '-') {
                return Err(Reason::NumberInvalid);
            }
            number.bytes[number.len] = c as u8;
            number.len += 1;
        }
        let text = number.as_str();
        let mut digits = [0; 13];
        let mut count = 0;
        for byte in text.bytes().filter(|byte| *byte != b'-') {
            if count < 13 {
                digits[count] = byte;
            }
            count += 1;
        }
        if count == 13 && is_national_id(&digits) {
            return Err(Reason::NationalId);
        }
        // `PENDING`, `PENDING1`, `APPLIED 2024`: a word, perhaps with a number, is not a person's number.
        let word = text.trim_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
        let is_word = junk.has(JunkKind::Id, &text.to_ascii_lowercase()) || (word.len() > 3 && junk.has(JunkKind::Id, &word));
        let first = text.bytes().find(|byte| *byte != b'-');
        let is_repeated = count > 4 && text.bytes().all(|byte| byte == b'-' || Some(byte) == first);
        if text.bytes().all(|byte| matches!(byte, b'0' | b'-')) || is_repeated || is_word {
            return Err(Reason::NumberPlaceholder);
        }
        // A word, such as `PENDING`, is not a number.
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        let fits = match kind {
            Some(AliasType::CdhId) => (8..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
            Some(AliasType::GolfRsaId) => text.len() >= 4 && has_digit,
            Some(_) => has_digit,
            None => !text.is_empty(),
        };
        if fits { Ok(number) } else { Err(Reason::NumberInvalid) }
    }
}

/// The spelling in which two numbers are compared: without separators and leading zeros, letters in upper case. Appends to `out`;
/// appends nothing for a number of only zeros and separators.
pub fn number_key(number: &str, out: &mut String) {
    let start = out.len();
    let kept = number.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase());
    for c in kept {
        if c != '0' || out.len() > start {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reference;

    fn read(raw: &str, kind: AliasType) -> Result<String, Vec<Reason>> {
        let mut reasons = Reasons::default();
        AssociationNumber::read(raw, Some(kind), &Reference::committed().junk, &mut reasons)
            .map(|number| number.as_str().to_owned())
            .ok_or_else(|| reasons.iter().collect())
    }

    #[test]
    fn numbers_are_opaque_capital_and_without_blanks() {
        assert_eq!(read(" rsa-2024-12345 ", AliasType::GolfRsaId).as_deref(), Ok("RSA-2024-12345"));
        assert_eq!(read("00 123 456", AliasType::GolfRsaId).as_deref(), Ok("00123456"));
        assert_eq!(read("1234567.0", AliasType::GolfRsaId).as_deref(), Ok("1234567"));
        assert_eq!(read("100 1234 567", AliasType::CdhId).as_deref(), Ok("1001234567"));
        assert_eq!(read("77", AliasType::McaId).as_deref(), Ok("77"));
    }

    #[test]
    fn what_is_not_a_number_is_rejected_with_its_reason() {
        for (raw, kind, reason) in [
            ("123", AliasType::GolfRsaId, Reason::NumberInvalid),
            ("123/456", AliasType::GolfRsaId, Reason::NumberInvalid),
            ("123456789012345678901", AliasType::GolfRsaId, Reason::NumberInvalid),
            ("12345678901", AliasType::CdhId, Reason::NumberInvalid),
            ("1.00E+09", AliasType::CdhId, Reason::NumberScientific),
            ("0000000000", AliasType::CdhId, Reason::NumberPlaceholder),
            ("none", AliasType::McaId, Reason::NumberPlaceholder),
            ("undefined", AliasType::GolfRsaId, Reason::NumberPlaceholder),
            ("PENDING", AliasType::GolfRsaId, Reason::NumberPlaceholder),
            ("tbc", AliasType::McaId, Reason::NumberPlaceholder),
            ("PENDING1", AliasType::GolfRsaId, Reason::NumberPlaceholder),
            ("applied 2024", AliasType::GolfRsaId, Reason::NumberPlaceholder),
            ("99999999", AliasType::GolfRsaId, Reason::NumberPlaceholder),
            ("No. 2700212320", AliasType::GolfRsaId, Reason::NumberInvalid),
            ("Applied For", AliasType::GolfRsaId, Reason::NumberInvalid),
        ] {
            assert_eq!(read(raw, kind), Err(vec![reason]), "{raw}");
        }
        assert_eq!(read("  ", AliasType::CdhId), Err(vec![]));
    }

    #[test]
    fn a_cdh_number_of_eight_digits_is_kept_and_noted() {
        let mut reasons = Reasons::default();
        let number = AssociationNumber::read("12345678", Some(AliasType::CdhId), &Reference::committed().junk, &mut reasons);
        assert_eq!(number.unwrap().as_str(), "12345678");
        assert!(reasons.contains(Reason::CdhLength));
    }

    #[test]
    fn a_national_identity_number_is_dropped() {
        // Invented; the check digit is computed.
        let mut digits = *b"0002295000080";
        digits[12] = (b'0'..=b'9')
            .find(|check| {
                is_national_id(&{
                    digits[12] = *check;
                    digits
                })
            })
            .unwrap();
        let id = std::str::from_utf8(&digits).unwrap();
        assert_eq!(read(id, AliasType::GolfRsaId), Err(vec![Reason::NationalId]));
        let other = if digits[12] == b'9' { b'0' } else { digits[12] + 1 };
        digits[12] = other;
        assert!(!is_national_id(&digits));
        assert!(!is_national_id(b"0013325000080"), "month 13");
        assert!(!is_national_id(b"0102295000080"), "29 February of a common year");
    }

    #[test]
    fn spellings_of_one_number_have_one_key_and_keep_their_own_value() {
        let key = |raw: &str| {
            let mut key = String::new();
            number_key(&read(raw, AliasType::GolfRsaId).unwrap(), &mut key);
            key
        };
        for (one, other) in [
            ("GR-1808-928", "gr1808928"),
            ("002700212320", "2700212320"),
            ("2700212320.0", "2700212320"),
            ("2.700212320E+09", "2700212320"),
            ("GR 1808 928", "GR\u{2013}1808\u{2013}928"),
            ("=\"2700212320\"", "2700212320"),
            ("2700212320.00", "2700212320"),
            ("2,700,212,320", "2700212320"),
            ("2700212320,0", "2700212320"),
            ("#2700212320", "2700212320"),
            ("GR1808928.0", "GR1808928"),
            ("GR.1808.928", "GR1808928"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_eq!(read("GR-1808-928", AliasType::GolfRsaId).as_deref(), Ok("GR-1808-928"));
        assert_ne!(key("GR-1808-928"), key("GR-1808-929"));
    }

    #[test]
    fn a_benefit_number_is_kept_as_it_is_written() {
        let mut reasons = Reasons::default();
        let number = AssociationNumber::read("ned-1", None, &Reference::committed().junk, &mut reasons);
        assert_eq!((number.unwrap().as_str(), reasons.is_empty()), ("ned-1", true));
    }

    #[test]
    fn a_number_reads_as_itself() {
        for raw in ["rsa-1 2", "00123", "AbCd1"] {
            let once = read(raw, AliasType::GolfRsaId).unwrap();
            assert_eq!(read(&once, AliasType::GolfRsaId).as_ref(), Ok(&once));
        }
    }
}
