//! Counts, for each record without a name, the named people and the other records without a name that use its email and its phone.

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::model::RecordIx;
use crate::resolve::compare::email_local_part::{Mailbox, mailbox};
use crate::resolve::compare::key_frequency::{Ownership, Person, leaders, same_owner};
use crate::resolve::options::Scope;
use crate::resolve::population::intern::{Buckets, NONE, Symbol};
use crate::resolve::population::prefetch::{ABREAST, look};
use crate::resolve::population::{KeyKind, Population};

/// Records of a value that are examined, from either end.
pub(super) const LOOK: usize = 48;

/// The records of each email and of each phone.
pub struct ContactBuckets(pub [Buckets; 2]);

impl ContactBuckets {
    /// The records by email, or by phone.
    pub fn of(&self, kind: KeyKind) -> &Buckets {
        &self.0[usize::from(kind == KeyKind::Phone)]
    }
}

/// Other users of a value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Users {
    /// Named people, at most five.
    pub(super) named: u8,
    /// Records without a name, counted once per login, at most nine.
    pub(super) nameless: u8,
}

/// Facts about the email and phone of a record without a name, independent of the record that it is compared with.
#[derive(Clone, Copy, Default)]
pub struct Contacts {
    pub(super) email: Users,
    pub(super) phone: Users,
    /// Named people who use both.
    pub(super) common: u8,
    /// Whether the email contains the name of one of its users.
    pub(super) names_a_user: bool,
}

/// The same in two bytes, because there is one per record. Counts are capped where the weights do not distinguish them.
#[derive(Clone, Copy, Default)]
pub struct PackedContacts(u16);

impl Contacts {
    fn pack(self) -> PackedContacts {
        let counts = [self.email.named, self.email.nameless, self.phone.named, self.phone.nameless, self.common];
        let packed = counts.into_iter().fold(0, |packed, count| packed << 2 | u16::from(count.min(3)));
        PackedContacts(packed << 1 | u16::from(self.names_a_user))
    }
}

impl PackedContacts {
    pub(super) fn unpack(self) -> Contacts {
        let count = |place: u16| (self.0 >> (1 + 2 * place) & 3) as u8;
        Contacts {
            email: Users { named: count(4), nameless: count(3) },
            phone: Users { named: count(2), nameless: count(1) },
            common: count(0),
            names_a_user: self.0 & 1 == 1,
        }
    }
}

/// The facts by record; empty for records with a name.
pub fn contacts(
    population: &Population,
    buckets: &ContactBuckets,
    ownership: &[Ownership; 6],
    scope: Scope,
) -> Vec<PackedContacts> {
    let survey = ContactCounter { population, buckets, ownership, scope };
    let mut contacts = vec![PackedContacts::default(); population.rows.len()];
    contacts.par_chunks_mut(ABREAST).with_min_len(256).enumerate().for_each(|(group, contacts)| {
        let first = (group * ABREAST) as u32;
        let nameless = (first..).map(RecordIx).take(contacts.len()).filter(|&record| population.is_nameless(record));
        survey.look_ahead(nameless.clone());
        nameless.for_each(|record| contacts[(record.0 - first) as usize] = survey.contacts(record).pack());
    });
    contacts
}

struct ContactCounter<'a> {
    population: &'a Population,
    buckets: &'a ContactBuckets,
    ownership: &'a [Ownership; 6],
    scope: Scope,
}

impl ContactCounter<'_> {
    fn look_ahead(&self, nameless: impl Iterator<Item = RecordIx> + Clone) {
        let values = |kind: KeyKind| nameless.clone().map(move |record| (kind, self.population.value(kind, record)));
        let values = || values(KeyKind::Email).chain(values(KeyKind::Phone));
        look(values().map(|(kind, symbol)| self.buckets.of(kind).peek(symbol) ^ self.ownership[kind as usize].peek(symbol)));
        let users = |(kind, symbol): (KeyKind, Symbol)| if symbol == NONE { &[] } else { self.buckets.of(kind).get(symbol) };
        look(values().filter_map(|value| users(value).first().map(|record| record.0)));
        look(values().flat_map(|value| users(value).iter().take(ABREAST)).map(|&record| self.population.peek(record)));
        look(nameless.map(|record| self.population.peek_text(KeyKind::Email, self.population.value(KeyKind::Email, record))));
    }

    fn contacts(&self, record: RecordIx) -> Contacts {
        let Self { population, buckets, ownership, scope } = *self;
        let values = [KeyKind::Email, KeyKind::Phone].map(|kind| {
            let symbol = population.value(kind, record);
            let tenant = population.at(record).tenant;
            let is_key = symbol != NONE && !ownership[kind as usize].of(symbol, tenant).is_hub();
            if is_key { buckets.of(kind).get(symbol) } else { &[] }
        });
        let here = |other: RecordIx| is_here(population, scope, record, other);
        let people = values.map(|bucket| {
            let group: SmallVec<[RecordIx; 16]> = bucket.iter().take(LOOK).copied().filter(|&other| here(other)).collect();
            leaders(population, &group)
        });
        let nameless = values.map(|bucket| nameless_users(population, bucket, here));
        let named = |people: &[Person]| u8::try_from(people.len()).expect("at most five");
        let common = people[0].iter().filter(|a| people[1].iter().any(|b| same_owner(population, a, b))).count();
        let names_a_user = !people[0].is_empty() && {
            let address = population.text(KeyKind::Email, population.value(KeyKind::Email, record));
            let says = |person: &Person| mailbox(&population.names, &address, person.0, person.1);
            people[0].iter().any(|person| matches!(says(person), Mailbox::First | Mailbox::Initial))
        };
        Contacts {
            email: Users { named: named(&people[0]), nameless: nameless[0] },
            phone: Users { named: named(&people[1]), nameless: nameless[1] },
            common: u8::try_from(common).expect("at most five"),
            names_a_user,
        }
    }
}

/// Whether two records may be of one tenant.
pub(in crate::resolve) fn is_here(population: &Population, scope: Scope, record: RecordIx, other: RecordIx) -> bool {
    let (tenant, of_other) = (population.at(record).tenant, population.at(other).tenant);
    scope == Scope::Global || tenant == 0 || of_other == 0 || tenant == of_other
}

/// At least this many records with one email and phone count as duplicates; two may belong to a couple.
pub const DUPLICATES: usize = 3;

/// Number of records without a name that use a value, counted once per login and once for duplicates. They come last in record
/// order.
fn nameless_users(population: &Population, bucket: &[RecordIx], is_meant: impl Fn(RecordIx) -> bool) -> u8 {
    let mut logins: SmallVec<[Symbol; 9]> = SmallVec::new();
    let mut contacts: SmallVec<[([Symbol; 2], usize); 9]> = SmallVec::new();
    let mut count = 0;
    for &record in bucket.iter().rev().take(LOOK) {
        if !population.is_nameless(record) || !is_meant(record) {
            continue;
        }
        let login = population.value(KeyKind::Auth, record);
        if login != NONE && logins.contains(&login) {
            continue;
        }
        logins.push(login);
        let contact = contact_of(population, record);
        match contacts.iter_mut().find(|known| known.0 == contact) {
            Some(known) => known.1 += 1,
            None if is_whole(contact) => contacts.push((contact, 1)),
            None => count += 1,
        }
    }
    count += contacts.iter().map(|&(_, of_one)| if of_one < DUPLICATES { of_one } else { 1 }).sum::<usize>();
    u8::try_from(count.min(9)).expect("at most nine")
}

/// Email and phone of a record.
pub fn contact_of(population: &Population, record: RecordIx) -> [Symbol; 2] {
    [KeyKind::Email, KeyKind::Phone].map(|kind| population.value(kind, record))
}

/// Whether both are present.
pub fn is_whole(contact: [Symbol; 2]) -> bool {
    contact.iter().all(|&symbol| symbol != NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_contacts_keep_what_the_weights_distinguish() {
        let users = |named, nameless| Users { named, nameless };
        for (email, phone, common, names_a_user) in
            [(users(0, 0), users(0, 0), 0, false), (users(3, 1), users(2, 3), 2, true), (users(1, 2), users(0, 3), 1, false)]
        {
            let unpacked = Contacts { email, phone, common, names_a_user }.pack().unpack();
            assert!(unpacked.email == email && unpacked.phone == phone);
            assert_eq!((unpacked.common, unpacked.names_a_user), (common, names_a_user));
        }
        let crowd = Contacts { email: users(5, 9), phone: users(5, 9), common: 5, names_a_user: true }.pack().unpack();
        assert!(crowd.email == users(3, 3) && crowd.phone == users(3, 3));
        assert_eq!(crowd.common, 3);
    }
}
