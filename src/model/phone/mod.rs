//! Telephone numbers: the strategy's rule first, then Google's logic, then restoration of what spreadsheets lost.

mod cell;
mod opinion;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

use crate::model::PhoneClass;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::Junk;

use cell::{ascii_digit, cut_words, refuse, split, visible};
pub use cell::{holds_national_id, is_scientific};
pub use opinion::{SecondOpinion, second_opinion};

/// Numbers kept of one cell.
const KEPT: usize = 4;

/// A number in E.164: a plus and up to 15 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164 {
    bytes: [u8; 16],
    len: u8,
}

impl E164 {
    fn new(country: &str, national: &[u8]) -> Option<Self> {
        let len = 1 + country.len() + national.len();
        let mut bytes = [0; 16];
        bytes.get_mut(..len)?[0] = b'+';
        bytes[1..=country.len()].copy_from_slice(country.as_bytes());
        bytes[1 + country.len()..len].copy_from_slice(national);
        Some(Self { bytes, len: u8::try_from(len).ok()? })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("a plus and ASCII digits")
    }
}

impl std::fmt::Debug for E164 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One number of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone {
    /// The number.
    pub number: E164,
    /// Its kind; `None` where only the strategy's rule accepts it.
    pub class: Option<PhoneClass>,
    /// Whether it may prove who somebody is.
    pub is_key: bool,
}

/// A country whose national numbers can be read: a configured region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneRegion(Region);

impl PhoneRegion {
    /// The region of an ISO 3166 code; `None` for codes without a numbering plan.
    pub fn parse(code: &str) -> Option<Self> {
        let region = Region::try_from(code).ok()?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Self(region))
    }

    /// What the strategy's `normalizePhone` makes of a cell's digits; it knows two regions.
    fn strategy(self, digits: &[u8]) -> Option<E164> {
        let (country, length) = match self.0 {
            Region::ZA => ("27", 11),
            Region::GB => ("44", 12),
            _ => return None,
        };
        if digits.starts_with(country.as_bytes()) && digits.len() == length {
            E164::new("", digits)
        } else if digits.first() == Some(&b'0') && digits.len() == length - 1 {
            E164::new(country, &digits[1..])
        } else {
            None
        }
    }
}

/// Reads phone cells; keeps its buffers from cell to cell.
pub struct PhoneReader {
    regions: Vec<PhoneRegion>,
    digits: Vec<u8>,
    cell: String,
    part: String,
    numbers: Vec<Phone>,
}

impl PhoneReader {
    /// A reader that knows the configured regions.
    pub fn new(regions: impl IntoIterator<Item = PhoneRegion>) -> Self {
        let mut distinct: Vec<PhoneRegion> = Vec::new();
        for region in regions {
            if !distinct.contains(&region) {
                distinct.push(region);
            }
        }
        Self {
            regions: distinct,
            digits: Vec::new(),
            cell: String::new(),
            part: String::new(),
            numbers: Vec::with_capacity(KEPT),
        }
    }

    /// The numbers of a cell, the value first; empty when there is none. `home` is the region of the record's tenant;
    /// `knows_tenant` whether it has one. Reasons tell what was done and why nothing is left.
    pub fn read(
        &mut self,
        raw: &str,
        home: Option<PhoneRegion>,
        knows_tenant: bool,
        junk: &Junk,
        reasons: &mut Reasons,
    ) -> &[Phone] {
        self.numbers.clear();
        self.digits.clear();
        self.digits.extend(raw.bytes().filter(u8::is_ascii_digit));
        if let Some(reason) = refuse(raw, &self.digits, junk) {
            reasons.insert(reason);
            return &self.numbers;
        }
        let by_strategy = home.and_then(|home| home.strategy(&self.digits));
        if let Some((number, class)) = by_strategy.and_then(|candidate| valid(candidate.as_str(), None)) {
            self.keep(number, class, true, reasons);
            return &self.numbers;
        }
        let mut cell = std::mem::take(&mut self.cell);
        visible(raw, &mut cell, reasons);
        let asked = Asked { home, knows_tenant };
        let mut parts = 0;
        for part in split(&cell) {
            parts += 1;
            if let Some((number, class, is_key, how)) = self.read_part(part, asked, junk, reasons) {
                if let Some(how) = how {
                    reasons.insert(how);
                }
                self.keep(number, class, is_key, reasons);
            }
        }
        if self.numbers.is_empty()
            && parts > 1
            && let Some((number, class)) = valid(&cell, home.map(|home| home.0))
        {
            self.keep(number, class, true, reasons);
        }
        if self.numbers.len() > 1 {
            reasons.insert(Reason::PhoneSplit);
        }
        if self.numbers.is_empty() {
            match by_strategy {
                Some(number) => {
                    reasons.insert(Reason::PhoneStrategyOnly);
                    self.numbers.push(Phone { number, class: None, is_key: false });
                }
                None if !cell.is_empty() => reasons.insert(Reason::PhoneInvalid),
                None => {}
            }
        }
        self.cell = cell;
        &self.numbers
    }

    fn keep(&mut self, number: E164, class: PhoneClass, is_key: bool, reasons: &mut Reasons) {
        let premium = class == PhoneClass::Premium;
        if premium {
            reasons.insert(Reason::PhonePremium);
        }
        if self.numbers.len() < KEPT && self.numbers.iter().all(|known| known.number != number) {
            self.numbers.push(Phone { number, class: Some(class), is_key: is_key && !premium });
        }
    }

    /// One number of a cell by the steps of docs/codes.md: the strategy's rule, Google's logic, the digits alone, the digits
    /// as an international number, and nationally in the other configured regions.
    fn read_part(&mut self, part: &str, asked: Asked, junk: &Junk, reasons: &mut Reasons) -> Option<Reading> {
        let part = cut_words(part, reasons);
        let text = &mut self.part;
        text.clear();
        text.extend(
            part.chars().map(|c| if matches!(c, '+' | '(' | ')' | '-' | '.') { c } else { ascii_digit(c).unwrap_or(' ') }),
        );
        let digits = &mut self.digits;
        digits.clear();
        digits.extend(text.bytes().filter(u8::is_ascii_digit));
        if refuse(text, digits, junk).is_some() {
            return None;
        }
        let text = text.trim();
        let digits = std::str::from_utf8(digits).expect("ASCII digits");
        let international = text.starts_with('+') && !text.starts_with("+0") || digits.starts_with("00");

        if let Some(home) = asked.home {
            let candidate = home.strategy(digits.as_bytes());
            if let Some((number, class)) = candidate.and_then(|candidate| valid(candidate.as_str(), None)) {
                return Some((number, class, true, None));
            }
            if let Some((number, class)) = valid(text, Some(home.0)) {
                let lost_zero = !international && !digits.starts_with('0') && number.as_str().len() > digits.len() + 1;
                return Some((number, class, true, lost_zero.then_some(Reason::PhoneZeroRestored)));
            }
            if home.0 == Region::ZA
                && digits.starts_with("09")
                && let Some((number, class)) = valid_international(&digits[2..])
            {
                return Some((number, class, true, Some(Reason::PhoneOldPrefix)));
            }
            let bare = if international { format!("+{}", digits.trim_start_matches("00")) } else { digits.to_owned() };
            if let Some((number, class)) = valid(&bare, Some(home.0)) {
                return Some((number, class, false, Some(Reason::PhoneDigitsOnly)));
            }
        } else if international && let Some((number, class)) = valid_international(digits.trim_start_matches("00")) {
            return Some((number, class, true, None));
        }
        if !digits.starts_with('0')
            && let Some((number, class)) = valid_international(digits)
        {
            return Some((number, class, true, (!text.starts_with('+')).then_some(Reason::PhonePlusRestored)));
        }
        if international {
            return None;
        }
        let others = self.regions.iter().filter(|region| Some(**region) != asked.home);
        let mut found = others.filter_map(|region| valid(text, Some(region.0)));
        match (found.next(), found.next()) {
            (Some((number, class)), None) => {
                let how = if asked.knows_tenant { Reason::PhoneOtherRegion } else { Reason::PhoneRegionGuessed };
                Some((number, class, asked.knows_tenant, Some(how)))
            }
            _ => None,
        }
    }
}

/// Number, class, whether it is a key, and what had to be done to read it.
type Reading = (E164, PhoneClass, bool, Option<Reason>);

#[derive(Clone, Copy)]
struct Asked {
    home: Option<PhoneRegion>,
    knows_tenant: bool,
}

fn valid_international(digits: &str) -> Option<(E164, PhoneClass)> {
    let mut text = [b'+'; 24];
    let text = text.get_mut(..=digits.len())?;
    text[1..].copy_from_slice(digits.as_bytes());
    valid(std::str::from_utf8(text).ok()?, None)
}

/// The canonical number and its class, if Google's logic calls it valid.
fn valid(text: &str, region: Option<Region>) -> Option<(E164, PhoneClass)> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let class = match PHONE_NUMBER_UTIL.get_number_type(&number) {
        PhoneNumberType::Mobile => PhoneClass::Mobile,
        PhoneNumberType::FixedLine | PhoneNumberType::FixedLineOrMobile => PhoneClass::Fixed,
        PhoneNumberType::PremiumRate => PhoneClass::Premium,
        PhoneNumberType::Unknown => return None,
        _ => PhoneClass::Shared,
    };
    let canonical = PHONE_NUMBER_UTIL.format(&number, rlibphonenumber::PhoneNumberFormat::E164);
    E164::new("", canonical.as_bytes().strip_prefix(b"+")?).map(|number| (number, class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reference;
    use crate::model::association::is_national_id;
    use proptest::prelude::*;

    fn region(code: &str) -> Option<PhoneRegion> {
        PhoneRegion::parse(code)
    }

    fn read_in(raw: &str, home: Option<&str>) -> (Vec<Phone>, Reasons) {
        let mut reader = PhoneReader::new(["ZA", "GB"].into_iter().filter_map(PhoneRegion::parse));
        let mut reasons = Reasons::default();
        let home = home.and_then(region);
        let phones = reader.read(raw, home, home.is_some(), &Reference::committed().junk, &mut reasons).to_vec();
        (phones, reasons)
    }

    fn numbers(raw: &str, home: &str) -> Vec<String> {
        read_in(raw, Some(home)).0.iter().map(|phone| phone.number.as_str().to_owned()).collect()
    }

    #[test]
    fn every_written_form_of_domain_4_1_and_4_2_is_read() {
        for (raw, home, number) in [
            ("082 555 1234", "ZA", "+27825551234"),
            ("082-555-1234", "ZA", "+27825551234"),
            ("082/555/1234", "ZA", "+27825551234"),
            ("(082) 555.1234", "ZA", "+27825551234"),
            ("+27 82 555 1234", "ZA", "+27825551234"),
            ("27825551234", "ZA", "+27825551234"),
            ("0027 82 555 1234", "ZA", "+27825551234"),
            ("27(0)825551234", "ZA", "+27825551234"),
            ("+27 (0) 82 555 1234", "ZA", "+27825551234"),
            ("825551234", "ZA", "+27825551234"),
            ("825551234.0", "ZA", "+27825551234"),
            ("'0825551234", "ZA", "+27825551234"),
            ("082-555 1234 (wife)", "ZA", "+27825551234"),
            ("Tel: 082 555 1234", "ZA", "+27825551234"),
            ("082 555 1234 after 5pm", "ZA", "+27825551234"),
            ("082 555 1234 ext 12", "ZA", "+27825551234"),
            ("082\u{a0}555\u{2009}1234", "ZA", "+27825551234"),
            ("082\u{200b}555\u{2013}1234", "ZA", "+27825551234"),
            ("\u{ff10}\u{ff18}\u{ff12} 555 1234", "ZA", "+27825551234"),
            ("011 884 1234", "ZA", "+27118841234"),
            ("09 44 20 7946 0018", "ZA", "+442079460018"),
            ("+264 81 123 4567", "ZA", "+264811234567"),
            ("264811234567", "ZA", "+264811234567"),
            ("07911 123456", "ZA", "+447911123456"),
            ("07911 123456", "GB", "+447911123456"),
            ("+44 (0)7911 123456", "GB", "+447911123456"),
            ("0044 7911 123456", "GB", "+447911123456"),
            ("440 7911 123456", "GB", "+447911123456"),
            ("7911123456", "GB", "+447911123456"),
            ("+353 85 012 3456", "GB", "+353850123456"),
            ("353850123456", "GB", "+353850123456"),
            ("082 555 1234", "GB", "+27825551234"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("016977 2345", "GB", "+44169772345"),
        ] {
            assert_eq!(numbers(raw, home), [number], "{raw:?} in {home}");
        }
    }

    #[test]
    fn of_several_numbers_the_first_valid_one_is_the_value() {
        for raw in [
            "0825551234 / 0118841234",
            "0825551234;0118841234",
            "082 555 1234 or 011 884 1234",
            "0825551234, 0118841234 (work)",
            "n/a; 0825551234, 0118841234",
        ] {
            assert_eq!(numbers(raw, "ZA"), ["+27825551234", "+27118841234"], "{raw}");
            assert!(read_in(raw, Some("ZA")).1.contains(Reason::PhoneSplit));
        }
        assert_eq!(numbers("0825551234/+27825551234", "ZA").len(), 1);
    }

    #[test]
    fn each_class_is_told_apart() {
        for (raw, home, class) in [
            ("0825551234", "ZA", PhoneClass::Mobile),
            ("0118841234", "ZA", PhoneClass::Fixed),
            ("0860123456", "ZA", PhoneClass::Shared),
            ("0866123456", "ZA", PhoneClass::Premium),
            ("0871234567", "ZA", PhoneClass::Shared),
            ("07911123456", "GB", PhoneClass::Mobile),
            ("02079460018", "GB", PhoneClass::Fixed),
            ("03001234567", "GB", PhoneClass::Shared),
            ("09061234567", "GB", PhoneClass::Premium),
        ] {
            let (phones, _) = read_in(raw, Some(home));
            assert_eq!(phones[0].class, Some(class), "{raw}");
            assert_eq!(phones[0].is_key, class != PhoneClass::Premium, "{raw}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_reason() {
        for (raw, reason) in [
            ("0000000000", Reason::PhoneJunk),
            ("+27000000000", Reason::PhoneJunk),
            ("0111111111", Reason::PhoneJunk),
            ("123456789", Reason::PhoneJunk),
            ("987654321", Reason::PhoneJunk),
            ("9999999999", Reason::PhoneJunk),
            ("12345", Reason::PhoneJunk),
            ("2.78E+10", Reason::PhoneScientific),
            ("2,78255E+10", Reason::PhoneScientific),
            ("no phone", Reason::PhoneInvalid),
            ("08255512345678901234", Reason::PhoneInvalid),
        ] {
            let (phones, reasons) = read_in(raw, Some("ZA"));
            assert!(phones.is_empty() && reasons.contains(reason), "{raw}: {phones:?} {reasons:?}");
        }
        assert_eq!(read_in("", Some("ZA")), (vec![], Reasons::default()));
    }

    #[test]
    fn a_number_only_the_strategy_accepts_is_a_value_and_no_key() {
        // Ofcom's fictional mobiles: right length, no such range.
        let (phones, reasons) = read_in("07700 900123", Some("GB"));
        assert_eq!(phones[0].number.as_str(), "+447700900123");
        assert!(!phones[0].is_key && phones[0].class.is_none());
        assert!(reasons.contains(Reason::PhoneStrategyOnly));
    }

    #[test]
    fn restorations_are_counted() {
        for (raw, home, reason) in [
            ("825551234", "ZA", Reason::PhoneZeroRestored),
            ("353850123456", "GB", Reason::PhonePlusRestored),
            ("09 44 20 7946 0018", "ZA", Reason::PhoneOldPrefix),
            ("07911 123456", "ZA", Reason::PhoneOtherRegion),
            ("0825551234 (wife)", "GB", Reason::PhoneWordsCut),
        ] {
            assert!(read_in(raw, Some(home)).1.contains(reason), "{raw}");
        }
    }

    #[test]
    fn without_a_tenant_a_national_number_is_a_value_in_its_only_region_and_an_international_one_a_key() {
        let (phones, reasons) = read_in("082 555 1234", None);
        assert_eq!((phones[0].number.as_str(), phones[0].is_key), ("+27825551234", false));
        assert!(reasons.contains(Reason::PhoneRegionGuessed));
        let (phones, _) = read_in("+44 7911 123456", None);
        assert_eq!((phones[0].number.as_str(), phones[0].is_key), ("+447911123456", true));
        let (phones, reasons) = read_in("0800 123 456", None);
        assert!(phones.is_empty() && reasons.contains(Reason::PhoneInvalid), "valid in both: {phones:?}");
    }

    #[test]
    fn a_national_identity_number_is_recognised_in_a_phone_cell() {
        let mut digits = *b"0002295000080";
        digits[12] = (b'0'..=b'9')
            .find(|check| {
                is_national_id(&{
                    digits[12] = *check;
                    digits
                })
            })
            .unwrap();
        assert!(holds_national_id(&format!(" {} ", std::str::from_utf8(&digits).unwrap())));
        assert!(!holds_national_id("+27825551234"));
    }

    fn strategy(raw: &str, home: &str) -> Option<String> {
        let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
        let (country, length) = if home == "ZA" { ("27", 11) } else { ("44", 12) };
        if digits.starts_with(country) && digits.len() == length {
            Some(format!("+{digits}"))
        } else if digits.starts_with('0') && digits.len() == length - 1 {
            Some(format!("+{country}{}", &digits[1..]))
        } else {
            None
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn where_the_strategys_answer_is_valid_ours_is_its_canonical_form(
            raw in "[+(]{0,2}(27|44|0)[ -/().]{0,1}[1-9][0-9]{1,3}[ _/,-]{0,2}[0-9]{3}[ -]{0,1}[0-9]{3,4}( work| \\(h\\))?",
            home in prop_oneof![Just("ZA"), Just("GB")],
        ) {
            let Some(answer) = strategy(&raw, home) else { return Ok(()) };
            prop_assume!(!read_in(&raw, Some(home)).1.contains(Reason::PhoneJunk));
            // The oracle is the other library, given what it reads well: E.164.
            let canonical = phonenumber::parse(None, &answer).ok().filter(phonenumber::is_valid);
            if let Some(canonical) = canonical {
                let canonical = canonical.format().mode(phonenumber::Mode::E164).to_string();
                let (phones, _) = read_in(&raw, Some(home));
                prop_assert_eq!(phones.first().map(|phone| phone.number.as_str()), Some(canonical.as_str()));
            }
        }

        #[test]
        fn a_read_number_reads_as_itself(raw in "[+0-9() /x-]{6,16}", home in prop_oneof![Just("ZA"), Just("GB")]) {
            for phone in read_in(&raw, Some(home)).0 {
                let (again, _) = read_in(phone.number.as_str(), Some(home));
                prop_assert_eq!(again.first().map(|again| again.number), Some(phone.number));
            }
        }
    }
}
