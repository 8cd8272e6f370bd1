//! Phone numbers: the strategy's rule first, then libphonenumber's logic, then digits restored that spreadsheets lost.

mod cell;
mod opinion;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

use crate::model::PhoneClass;
use crate::model::escapes::unescape_number;
use crate::model::reason::{Reason, Reasons};
use crate::model::reference::Junk;
use crate::model::text::{exact_digits, is_null_word};

pub use cell::holds_national_id;
use cell::{cuts, has_letters_inside, numbers, refuse, split, visible, without_decimals};
pub use opinion::{SecondOpinion, second_opinion};

/// Numbers kept of one cell.
const KEPT: usize = 4;
/// Longer runs of digits are not searched for several numbers.
const LONGEST_RUN: usize = 96;
/// National numbers of the configured regions have fewer digits than this, without their leading zero.
const SURELY_INTERNATIONAL: usize = 11;
/// Length of a South African number in E.164: a plus, the country code and nine digits. Short codes are shorter.
const SOUTH_AFRICAN: usize = 12;

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
    /// Whether it may be used as evidence for a link.
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

    /// The result of the strategy's `normalizePhone` for a cell's digits; it knows two regions.
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

    /// The numbers of a cell, the one to display first. `home` is the region of the record's tenant; `knows_tenant` says whether
    /// the record has a tenant. The reasons say what was cleaned, or why the result is empty.
    pub fn read(
        &mut self,
        raw: &str,
        home: Option<PhoneRegion>,
        knows_tenant: bool,
        junk: &Junk,
        reasons: &mut Reasons,
    ) -> &[Phone] {
        self.numbers.clear();
        let mut cell = std::mem::take(&mut self.cell);
        visible(&unescape_number(raw, reasons), &mut cell, reasons);
        if let Some(digits) = exact_digits(&cell) {
            cell = digits;
        }
        let asked = AskedRegion { home, knows_tenant };
        self.read_cell(&cell, asked, junk, reasons);
        self.cell = cell;
        &self.numbers
    }

    fn read_cell(&mut self, cell: &str, asked: AskedRegion, junk: &Junk, reasons: &mut Reasons) {
        self.digits.clear();
        self.digits.extend(cell.bytes().filter(u8::is_ascii_digit));
        if self.digits.is_empty() && is_null_word(cell) {
            reasons.insert(Reason::TextNullWord);
            return;
        }
        if let Some(reason) = refuse(cell, &self.digits, junk) {
            reasons.insert(reason);
            return;
        }
        // The strategy takes all digits of the cell; we do so only where no words separate them.
        let inner = cell.trim_matches(|c: char| !c.is_ascii_digit());
        let is_one_number = !inner.contains(|c: char| c.is_alphabetic() || c == '#');
        let by_strategy = asked.home.filter(|_| is_one_number).and_then(|home| home.strategy(&self.digits));
        if let Some((number, class)) = by_strategy.and_then(|candidate| valid(candidate.as_str(), None))
            && !has_letters_inside(cell)
        {
            self.keep(number, class, true, reasons);
            return;
        }
        for part in split(cell).filter(|part| !has_letters_inside(part)) {
            let mut was_cut = false;
            for run in numbers(part) {
                let run = without_decimals(run);
                was_cut |= run.len() < part.len();
                self.read_run(run, asked, junk, reasons);
            }
            if was_cut && part.contains(|c: char| c.is_alphabetic() || c == '#') {
                reasons.insert(Reason::PhoneWordsCut);
            }
        }
        // A slash or comma may be part of a number.
        if self.numbers.is_empty() && !has_letters_inside(cell) {
            numbers(cell).for_each(|run| self.read_run(without_decimals(run), asked, junk, reasons));
        }
        if self.numbers.len() > 1 {
            reasons.insert(Reason::PhoneSplit);
        }
        if self.numbers.is_empty() {
            match by_strategy {
                Some(number) if !has_letters_inside(cell) => {
                    reasons.insert(Reason::PhoneStrategyOnly);
                    self.numbers.push(Phone { number, class: None, is_key: false });
                }
                _ if !cell.is_empty() => reasons.insert(Reason::PhoneInvalid),
                _ => {}
            }
        }
    }

    /// Reads one number, or several in a row where each is complete and all together are not one number.
    fn read_run(&mut self, run: &str, asked: AskedRegion, junk: &Junk, reasons: &mut Reasons) {
        let mut rest = run;
        loop {
            if let Some((number, class, is_key, how)) = self.read_number(rest, asked, junk) {
                reasons.extend(how.map(Reasons::from).unwrap_or_default());
                self.keep(number, class, is_key, reasons);
                return;
            }
            if rest.len() > LONGEST_RUN {
                return;
            }
            let cut = cuts(rest).find_map(|(left, right)| {
                let (number, class, is_key, how) = self.read_number(left, asked, junk).filter(|reading| reading.2)?;
                let is_whole = |text: &str| numbers(text).next().is_some();
                is_whole(right).then_some((number, class, is_key, how, right))
            });
            let Some((number, class, is_key, how, right)) = cut else { return };
            if !self.is_readable(right, asked, junk) {
                return;
            }
            reasons.extend(how.map(Reasons::from).unwrap_or_default());
            self.keep(number, class, is_key, reasons);
            rest = right;
        }
    }

    /// Whether a text is a complete number or a row of such numbers.
    fn is_readable(&mut self, text: &str, asked: AskedRegion, junk: &Junk) -> bool {
        if let Some(reading) = self.read_number(text, asked, junk) {
            return reading.2;
        }
        let is_cut = |(left, right): (&str, &str)| {
            self.read_number(left, asked, junk).is_some_and(|reading| reading.2) && self.is_readable(right, asked, junk)
        };
        cuts(text).any(is_cut)
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

    /// Reads one number by the steps of docs/codes.md: the strategy's rule, libphonenumber's logic, the bare digits, the digits
    /// as an international number, the digits as a national number of the other configured regions.
    fn read_number(&mut self, run: &str, asked: AskedRegion, junk: &Junk) -> Option<PhoneReading> {
        let text = &mut self.part;
        text.clear();
        text.extend(run.chars().map(|c| if c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.') { c } else { ' ' }));
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
            // A number this short may be a mistyped national number.
            let is_key = text.starts_with('+') || digits.len() >= SURELY_INTERNATIONAL;
            return Some((number, class, is_key, (!text.starts_with('+')).then_some(Reason::PhonePlusRestored)));
        }
        if international {
            return None;
        }
        let others = self.regions.iter().filter(|region| Some(**region) != asked.home);
        let mut found = others.filter_map(|region| valid(text, Some(region.0)));
        match (found.next(), found.next()) {
            (Some((number, class)), None) => {
                // A British mobile with one digit missing looks South African, so it is never a key where the tenant has another
                // region.
                let how = if asked.knows_tenant { Reason::PhoneOtherRegion } else { Reason::PhoneRegionGuessed };
                Some((number, class, !asked.knows_tenant, Some(how)))
            }
            _ => None,
        }
    }
}

/// Whether a cell begins with 00 followed by an international number, whatever else its digits could be.
pub fn is_dialled_abroad(raw: &str) -> bool {
    let mut digits = [0_u8; 17];
    let mut len = 0;
    for byte in raw.bytes().filter(u8::is_ascii_digit) {
        let Some(place) = digits.get_mut(len) else { return false };
        *place = byte;
        len += 1;
    }
    let digits = std::str::from_utf8(&digits[..len]).unwrap_or_default();
    digits.strip_prefix("00").is_some_and(|number| valid_international(number).is_some())
}

/// Number, class, whether it is a key, and the reason code for how it was read.
type PhoneReading = (E164, PhoneClass, bool, Option<Reason>);

#[derive(Clone, Copy)]
struct AskedRegion {
    home: Option<PhoneRegion>,
    knows_tenant: bool,
}

fn valid_international(digits: &str) -> Option<(E164, PhoneClass)> {
    let mut text = [b'+'; 24];
    let text = text.get_mut(..=digits.len())?;
    text[1..].copy_from_slice(digits.as_bytes());
    valid(std::str::from_utf8(text).ok()?, None)
}

/// The canonical number and its class, if libphonenumber's logic accepts it.
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
    if canonical.starts_with("+27") && canonical.len() != SOUTH_AFRICAN {
        return None;
    }
    E164::new("", canonical.as_bytes().strip_prefix(b"+")?).map(|number| (number, class))
}

#[cfg(test)]
mod tests;
