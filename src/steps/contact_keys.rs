//! An email or phone as an operator writes it, in the forms in which datasets hold it.

use crate::cli::Session;
use crate::model::Reference;
use crate::model::email::EmailReader;
use crate::model::phone::{PhoneReader, PhoneRegion};
use crate::model::reason::Reasons;

/// The normalised forms of an email or phone; none for any other text.
pub fn contact_keys(session: &Session, who: &str) -> Vec<String> {
    if who.contains('@') {
        emails(who)
    } else if !who.contains(':') && who.bytes().filter(u8::is_ascii_digit).count() >= 7 {
        phones(session, who)
    } else {
        Vec::new()
    }
}

/// The email and its key form.
fn emails(who: &str) -> Vec<String> {
    let reference = Reference::committed();
    let mut emails = EmailReader::default();
    let read = emails.read(who, &reference.junk, &mut Reasons::default());
    read.iter().flat_map(|address| [Some(address.value.as_str()), address.key()]).flatten().map(str::to_owned).collect()
}

/// The phone as every tenant's region reads it.
fn phones(session: &Session, who: &str) -> Vec<String> {
    let reference = Reference::committed();
    let regions: Vec<PhoneRegion> =
        session.config.tenants.regions.values().filter_map(|region| PhoneRegion::parse(&region.region)).collect();
    let mut phones = PhoneReader::new(regions.iter().copied());
    let mut numbers = Vec::new();
    for region in regions {
        let read = phones.read(who, Some(region), true, &reference.junk, &mut Reasons::default());
        numbers.extend(read.iter().map(|phone| phone.number.as_str().to_owned()));
    }
    numbers
}
