//! Contact points and further identifiers of person records: their form for comparison, and which are over-shared.

use std::borrow::Cow;

use hashbrown::HashSet;

use foldhash::fast::FixedState;

use crate::consolidate::BuildError;
use crate::consolidate::profile::record_index::RecordIndex;
use crate::model::email::EmailReader;
use crate::model::reference::Junk;
use crate::model::{AliasType, Channel, Reasons, RecordIx, Source};
use crate::tables::{Columns as _, resolution::hubs, stage::identifiers};

/// The kind of contact point that a channel uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A mailbox.
    Email,
    /// A phone.
    Phone,
}

impl Address {
    /// The kind of contact point of a consent channel; `None` for push, because no source has the device.
    pub fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Email => Some(Self::Email),
            Channel::Sms | Channel::Whatsapp => Some(Self::Phone),
            Channel::Push => None,
        }
    }
}

/// A normalised email in the form for comparison: without `+tag`; for Gmail without dots and alias domain.
///
/// Each mailbox has one form, the same as the staged key: the domain in ASCII, apostrophes in one form.
pub fn email_form(email: &str) -> Cow<'_, str> {
    if !email.is_ascii() || email.contains('`') {
        let mut reader = EmailReader::default();
        let read = reader.read(email, &Junk::default(), &mut Reasons::default());
        if let Some(key) = read.first().and_then(|address| address.key()) {
            return Cow::Owned(key.to_owned());
        }
    }
    let Some((local, domain)) = email.rsplit_once('@') else { return Cow::Borrowed(email) };
    let untagged = local.split('+').next().filter(|name| !name.is_empty()).unwrap_or(local);
    let is_gmail = matches!(domain, "gmail.com" | "googlemail.com");
    if is_gmail {
        return Cow::Owned(format!("{}@gmail.com", untagged.replace('.', "")));
    }
    if untagged.len() == local.len() { Cow::Borrowed(email) } else { Cow::Owned(format!("{untagged}@{domain}")) }
}

/// Further identifiers of every record: second emails and phones, association numbers.
pub struct Identifiers {
    batches: Vec<identifiers::Columns>,
    places: Vec<(RecordIx, u32, u32)>,
}

impl Identifiers {
    /// The identifiers of the records of a partition, each with its record, in staged order.
    pub fn of_partition(distributed: Option<(Vec<RecordIx>, identifiers::Columns)>) -> Self {
        let Some((records, columns)) = distributed else { return Self { batches: Vec::new(), places: Vec::new() } };
        let mut places: Vec<(RecordIx, u32, u32)> = records.into_iter().zip(0..).map(|(record, row)| (record, 0, row)).collect();
        places.sort_unstable();
        Self { batches: vec![columns], places }
    }

    /// Orders the staged identifiers by the record they belong to; those of unknown records are left out.
    pub fn new(staged: Vec<(Source, Vec<identifiers::Columns>)>, record_index: &RecordIndex) -> Result<Self, BuildError> {
        let mut batches = Vec::new();
        let mut places = Vec::new();
        for (source, columns) in staged.into_iter().flat_map(|(source, all)| all.into_iter().map(move |one| (source, one))) {
            let batch = u32::try_from(batches.len()).map_err(|_| BuildError::TooMany)?;
            for row in 0..columns.len() {
                if let Some(record) = record_index.record(source, columns.source_id(row)) {
                    places.push((record, batch, u32::try_from(row).map_err(|_| BuildError::TooMany)?));
                }
            }
            batches.push(columns);
        }
        places.sort_unstable();
        Ok(Self { batches, places })
    }

    /// The further identifiers of a record in staged order.
    pub fn of(&self, record: RecordIx) -> impl Iterator<Item = identifiers::Row<'_>> + '_ {
        let from = self.places.partition_point(|&(owner, _, _)| owner < record);
        let places = self.places[from..].iter().take_while(move |&&(owner, _, _)| owner == record);
        places.map(|&(_, batch, row)| self.batches[batch as usize].row(row as usize))
    }
}

/// Over-shared contact points.
#[derive(Default)]
pub struct Hubs {
    values: HashSet<(Address, String), FixedState>,
}

impl Hubs {
    /// From the hubs of resolution. A value that is a hub in one tenant counts as shared in all.
    pub fn new(hubs: &[hubs::Columns]) -> Self {
        let mut values = HashSet::with_hasher(FixedState::with_seed(0));
        for hub in hubs.iter().flat_map(|columns| columns.rows()) {
            match hub.kind {
                "EMAIL" => values.insert((Address::Email, email_form(hub.value).into_owned())),
                "PHONE" => values.insert((Address::Phone, hub.value.to_owned())),
                // Shared association numbers and subjects are still shown.
                _ => false,
            };
        }
        Self { values }
    }

    /// Whether an email or phone is shared.
    pub fn has(&self, kind: Address, value: &str) -> bool {
        if self.values.is_empty() {
            return false;
        }
        let form = match kind {
            Address::Email => email_form(value),
            Address::Phone => Cow::Borrowed(value),
        };
        self.values.contains(&(kind, form.into_owned()))
    }
}

/// Calls back with every email and phone of a record, its main one first.
pub fn each_address<'a>(
    record_index: &'a RecordIndex,
    identifiers: &'a Identifiers,
    record: RecordIx,
    mut visit: impl FnMut(Address, &'a str),
) {
    let (columns, row) = record_index.at(record);
    if let Some(email) = columns.email(row) {
        visit(Address::Email, email);
    }
    if let Some(phone) = columns.phone(row) {
        visit(Address::Phone, phone);
    }
    for identifier in identifiers.of(record) {
        match identifier.kind {
            Some(AliasType::Email) => visit(Address::Email, identifier.value),
            Some(AliasType::Phone) => visit(Address::Phone, identifier.value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_are_compared_without_tags_and_gmail_dots() {
        assert_eq!(email_form("jane.doe+golf@mail.test"), "jane.doe@mail.test");
        assert_eq!(email_form("jane.doe+golf@googlemail.com"), "janedoe@gmail.com");
        assert_eq!(email_form("jane.doe@mail.test"), "jane.doe@mail.test");
        assert_eq!(email_form("+@mail.test"), "+@mail.test");
        assert_eq!(email_form("ann@m\u{fc}ller.test"), "ann@xn--mller-kva.test");
        assert_eq!(email_form("o\u{2019}brien@mail.test"), email_form("o'brien@mail.test"));
        assert_eq!(email_form("no address"), "no address");
    }

    #[test]
    fn push_has_no_contact_point() {
        assert_eq!(Address::of(Channel::Push), None);
        assert_eq!(Address::of(Channel::Whatsapp), Some(Address::Phone));
    }
}
