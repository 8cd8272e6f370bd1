//! Telephone numbers: the strategy's rule first, then Google's logic, then restoration of what spreadsheets lost.

mod cell;
mod opinion;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

use crate::model::PhoneClass;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::Junk;
use crate::model::text::is_null_word;

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
        if self.digits.is_empty() && is_null_word(raw.trim()) {
            reasons.insert(Reason::TextNullWord);
            return &self.numbers;
        }
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
mod tests;
