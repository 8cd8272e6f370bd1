//! Which of the people behind an address or a number a record without a name is: what their mailboxes say, how many people and
//! how many nameless records share them, and who uses both.

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::resolve::Scope;
use crate::resolve::population::prefetch::{ABREAST, look};
use crate::resolve::compare::score::{Key, Scorer, Shared, Tally};
use crate::resolve::population::intern::{Buckets, NONE, Symbol};
use crate::resolve::compare::email_local_part::{Mailbox, mailbox};
use crate::resolve::compare::key_frequency::{Ownership, Person, leaders, person_of, same_owner};
use crate::resolve::population::{KeyKind, Population, Record};
use crate::resolve::compare::weights::Piece;

/// So many records of a value are looked at, from either end.
const LOOK: usize = 48;

/// The records of each address and of each number.
pub struct ContactBuckets(pub [Buckets; 2]);

impl ContactBuckets {
    /// Those of addresses or of numbers.
    pub fn of(&self, kind: KeyKind) -> &Buckets {
        &self.0[usize::from(kind == KeyKind::Phone)]
    }
}

/// Who uses a value besides.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Users {
    /// People who are seen by name, at most five.
    named: u8,
    /// Records without a name, those of one login once, at most nine.
    nameless: u8,
}

/// What there is to know of a nameless record's address and number, whoever it is compared with.
#[derive(Clone, Copy, Default)]
pub struct Contacts {
    email: Users,
    phone: Users,
    /// People seen by name who use both.
    common: u8,
    /// Whether the address names one of its users.
    names_a_user: bool,
}

/// The same in two bytes, for there is one for each record: counts beyond what the weights tell apart are cut.
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
    fn unpack(self) -> Contacts {
        let count = |place: u16| (self.0 >> (1 + 2 * place) & 3) as u8;
        Contacts {
            email: Users { named: count(4), nameless: count(3) },
            phone: Users { named: count(2), nameless: count(1) },
            common: count(0),
            names_a_user: self.0 & 1 == 1,
        }
    }
}

/// By record; of records with a name nothing is noted.
pub fn contacts(
    population: &Population,
    buckets: &ContactBuckets,
    ownership: &[Ownership; 6],
    scope: Scope,
) -> Vec<PackedContacts> {
    let survey = Survey { population, buckets, ownership, scope };
    let mut contacts = vec![PackedContacts::default(); population.rows.len()];
    contacts.par_chunks_mut(ABREAST).with_min_len(256).enumerate().for_each(|(group, contacts)| {
        let first = (group * ABREAST) as Record;
        let nameless = (first..).take(contacts.len()).filter(|&record| population.is_nameless(record));
        survey.look_ahead(nameless.clone());
        nameless.for_each(|record| contacts[(record - first) as usize] = survey.contacts(record).pack());
    });
    contacts
}

struct Survey<'a> {
    population: &'a Population,
    buckets: &'a ContactBuckets,
    ownership: &'a [Ownership; 6],
    scope: Scope,
}

impl Survey<'_> {
    fn look_ahead(&self, nameless: impl Iterator<Item = Record> + Clone) {
        let values = |kind: KeyKind| nameless.clone().map(move |record| (kind, self.population.value(kind, record)));
        let values = || values(KeyKind::Email).chain(values(KeyKind::Phone));
        look(values().map(|(kind, symbol)| self.buckets.of(kind).peek(symbol) ^ self.ownership[kind as usize].peek(symbol)));
        let users = |(kind, symbol): (KeyKind, Symbol)| if symbol == NONE { &[] } else { self.buckets.of(kind).get(symbol) };
        look(values().filter_map(|value| users(value).first().copied()));
        look(values().flat_map(|value| users(value).iter().take(ABREAST)).map(|&record| self.population.peek(record)));
        look(nameless.map(|record| self.population.peek_text(KeyKind::Email, self.population.value(KeyKind::Email, record))));
    }

    fn contacts(&self, record: Record) -> Contacts {
        let Self { population, buckets, ownership, scope } = *self;
        let values = [KeyKind::Email, KeyKind::Phone].map(|kind| {
            let symbol = population.value(kind, record);
            let tenant = population.at(record).tenant;
            let is_key = symbol != NONE && !ownership[kind as usize].of(symbol, tenant).is_hub();
            if is_key { buckets.of(kind).get(symbol) } else { &[] }
        });
        let here = |other: Record| is_here(population, scope, record, other);
        let people = values.map(|bucket| {
            let group: SmallVec<[Record; 16]> = bucket.iter().take(LOOK).copied().filter(|&other| here(other)).collect();
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
fn is_here(population: &Population, scope: Scope, record: Record, other: Record) -> bool {
    let (tenant, of_other) = (population.at(record).tenant, population.at(other).tenant);
    scope == Scope::Global || tenant == 0 || of_other == 0 || tenant == of_other
}

/// How many nameless records use a value, those of one login counted once. They come last in record order.
fn nameless_users(population: &Population, bucket: &[Record], is_meant: impl Fn(Record) -> bool) -> u8 {
    let mut logins: SmallVec<[Symbol; 9]> = SmallVec::new();
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
        count += 1;
        if count == 9 {
            break;
        }
    }
    count
}

/// How a value of a nameless record relates to a person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The record has none, or one that proves nothing.
    None,
    /// The person is not seen with it, and has others or none.
    Other(Symbol),
    /// The person uses it.
    Same(Symbol),
}

impl Scorer<'_> {
    /// Scores what a nameless and a named record share; gives how address and number connect the two.
    pub(in crate::resolve) fn household(&self, nameless: Record, named: Record, tenant: u16, tally: &mut impl Tally) -> (Key, Key) {
        let contacts = self.contacts[nameless as usize].unpack();
        let [(email, email_key), (phone, phone_key)] =
            [KeyKind::Email, KeyKind::Phone].map(|kind| self.used(kind, nameless, named, tenant));
        let mut add = |piece: Piece| tally.add(piece, piece.bits16());
        let says = match email {
            Use::Same(address) | Use::Other(address) => Some(self.says(address, named)),
            Use::None => None,
        };
        let is_phone_own =
            matches!(phone, Use::Same(number) if contacts.phone.named < 2 && !self.population.is_fixed_line(number));
        match email {
            Use::Same(_) => {
                add(match contacts.email.named {
                    0 | 1 => Piece::HomeEmailOne,
                    2 => Piece::HomeEmailTwo,
                    _ => Piece::HomeEmailMore,
                });
                on_shared(says.unwrap_or(Mailbox::Silent), contacts.email.named < 2, is_phone_own).into_iter().for_each(&mut add);
                others(contacts.email, EMAIL_OTHERS).into_iter().for_each(&mut add);
            }
            Use::Other(_) => {
                add(Piece::HomeEmailDifferent);
                add(on_own(says.unwrap_or(Mailbox::Silent)));
                if contacts.email.named > 0 {
                    add(Piece::HomeEmailOfAnother);
                }
            }
            Use::None => {}
        }
        match phone {
            Use::Same(number) => {
                add(match contacts.phone.named {
                    0 | 1 if self.population.is_fixed_line(number) => Piece::HomePhoneFixed,
                    0 | 1 => Piece::HomePhoneOne,
                    2 => Piece::HomePhoneTwo,
                    _ => Piece::HomePhoneMore,
                });
                others(contacts.phone, PHONE_OTHERS).into_iter().for_each(&mut add);
            }
            Use::Other(_) => {
                add(Piece::HomePhoneDifferent);
                if contacts.phone.named > 0 {
                    add(Piece::HomePhoneOfAnother);
                }
            }
            Use::None => {}
        }
        let uses_both = matches!((email, phone), (Use::Same(_), Use::Same(_)));
        if uses_both && contacts.email.named < 2 {
            add(if contacts.phone.named < 2 { Piece::HomeBothOwn } else { Piece::HomeBothEmailOwn });
        }
        if email != Use::None && phone != Use::None {
            match (uses_both, contacts.common) {
                (true, 0 | 1) => add(Piece::HomeOnlyUser),
                (true, _) => add(Piece::HomeOneOfUsers),
                (false, 0) => {}
                (false, _) => add(Piece::HomeAnotherUser),
            }
        }
        let names = says.is_some_and(|says| matches!(says, Mailbox::First | Mailbox::Initial | Mailbox::Surname));
        if !names && self.is_perhaps_guest(named) {
            add(as_guest(contacts, email, phone, says));
        }
        (email_key, phone_key)
    }

    /// Whether the person shows no member's number.
    fn is_perhaps_guest(&self, named: Record) -> bool {
        [KeyKind::GolfRsa, KeyKind::Cdh, KeyKind::Mca].into_iter().all(|kind| self.population.value(kind, named) == NONE)
    }

    fn says(&self, address: Symbol, named: Record) -> Mailbox {
        let (first, last) = (self.population.at(named).first, self.population.at(named).last);
        mailbox(&self.population.names, &self.population.text(KeyKind::Email, address), first, last)
    }

    /// How the nameless record's value of a kind relates to the person whom the named record shows.
    fn used(&self, kind: KeyKind, nameless: Record, named: Record, tenant: u16) -> (Use, Key) {
        let population = self.population;
        if let Shared::Same(symbol) = self.shared(kind, nameless, named) {
            if self.ownership[kind as usize].of(symbol, tenant).is_hub() {
                return (Use::None, Key::None);
            }
            return (Use::Same(symbol), Key::Same(symbol));
        }
        let own = population.value(kind, nameless);
        if own == NONE || self.ownership[kind as usize].of(own, tenant).is_hub() {
            return (Use::None, Key::None);
        }
        let person = person_of(population, named);
        let bucket = self.buckets.of(kind).get(own);
        let is_users = |other: Record| {
            !population.is_nameless(other)
                && population.at(other).first != NONE
                && is_here(population, self.scope, nameless, other)
                && same_owner(population, &person, &person_of(population, other))
        };
        let seen = person.0 != NONE && bucket.iter().take(LOOK).any(|&other| is_users(other));
        (if seen { Use::Same(own) } else { Use::Other(own) }, Key::None)
    }
}

/// People whom others book come with the others' address and number. Who has no member's number, and whom the address does not name,
/// may be one of them.
fn as_guest(contacts: Contacts, email: Use, phone: Use, says: Option<Mailbox>) -> Piece {
    match (email, phone) {
        (Use::Other(_), _) if says == Some(Mailbox::OtherFamily) => Piece::GuestOfOtherFamily,
        (Use::Same(_), _) if contacts.names_a_user => Piece::GuestOfNamed,
        (Use::Same(_), Use::Same(_)) if contacts.email.named < 2 && contacts.phone.named < 2 => Piece::GuestAlone,
        (Use::Same(_), _) if contacts.email.named < 2 => Piece::GuestByEmail,
        (Use::Same(_), Use::Same(_)) if contacts.phone.named < 2 => Piece::GuestByPhoneAmongMany,
        (Use::Same(_), _) => Piece::GuestAmongMany,
        _ => Piece::GuestByPhone,
    }
}

/// Other nameless records with the value of one person: one, more; with a value of several: one, more.
type Others = [Piece; 4];
const EMAIL_OTHERS: Others =
    [Piece::HomeEmailSecond, Piece::HomeEmailThird, Piece::HomeEmailSharedSecond, Piece::HomeEmailSharedThird];
const PHONE_OTHERS: Others =
    [Piece::HomePhoneSecond, Piece::HomePhoneThird, Piece::HomePhoneSharedSecond, Piece::HomePhoneSharedThird];

/// What it says that other nameless records have the value too: each person has one, as a rule.
fn others(users: Users, pieces: Others) -> Option<Piece> {
    let shared = if users.named < 2 { 0 } else { 2 };
    (users.nameless > 1).then(|| pieces[shared + usize::from(users.nameless > 2)])
}

/// What a shared address says; nothing where it names nobody in particular.
fn on_shared(says: Mailbox, is_sole: bool, is_phone_own: bool) -> Option<Piece> {
    if is_phone_own {
        return match says {
            Mailbox::First | Mailbox::Initial => None,
            Mailbox::Surname | Mailbox::Silent => Some(Piece::BesidePhoneSilent),
            Mailbox::OtherInitial | Mailbox::Other | Mailbox::OtherFamily => Some(Piece::BesidePhoneOther),
        };
    }
    Some(match (says, is_sole) {
        (Mailbox::First, true) => Piece::SoleFirst,
        (Mailbox::Initial, true) => Piece::SoleInitial,
        (Mailbox::Surname, true) => Piece::SoleSurname,
        (Mailbox::OtherInitial, true) => Piece::SoleOtherInitial,
        (Mailbox::Other, true) => Piece::SoleOther,
        (Mailbox::First, false) => Piece::SharedFirst,
        (Mailbox::Initial, false) => Piece::SharedInitial,
        (Mailbox::Surname, false) => Piece::SharedSurname,
        (Mailbox::OtherInitial, false) => Piece::SharedOtherInitial,
        (Mailbox::Other, false) => Piece::SharedOther,
        (Mailbox::OtherFamily | Mailbox::Silent, _) => return None,
    })
}

/// What an address says that the person is not seen with.
fn on_own(says: Mailbox) -> Piece {
    match says {
        Mailbox::First => Piece::OwnFirst,
        Mailbox::Initial => Piece::OwnInitial,
        Mailbox::Surname => Piece::OwnSurname,
        Mailbox::OtherInitial => Piece::OwnOtherInitial,
        Mailbox::Other => Piece::OwnOther,
        Mailbox::OtherFamily => Piece::OwnOtherFamily,
        Mailbox::Silent => Piece::OwnSilent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_contacts_tell_apart_what_the_weights_do() {
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
