//! Scores a record without a name against each named user of the same email or phone.

use crate::model::RecordIx;
use crate::resolve::compare::contact_counts::{Contacts, LOOK, Users, is_here};
use crate::resolve::compare::email_local_part::{Mailbox, mailbox};
use crate::resolve::compare::key_frequency::{person_of, same_owner};
use crate::resolve::compare::numbers::numbers_are_near;
use crate::resolve::compare::score::{ContactMatch, EvidenceTally, Scorer, Shared};
use crate::resolve::compare::weights::ComparisonLevel;
use crate::resolve::population::KeyKind;
use crate::resolve::population::intern::{NONE, Symbol};

/// The relation of a value of a record without a name to a person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The record has no value, or only a hub.
    None,
    /// The person is not seen with this value.
    Other(Symbol),
    /// The person uses this value.
    Same(Symbol),
}

impl Scorer<'_> {
    /// Scores the contact points that a record without a name shares with a named record; returns how email and phone connect the
    /// two.
    pub(in crate::resolve) fn household(
        &self,
        nameless: RecordIx,
        named: RecordIx,
        tenant: u16,
        tally: &mut impl EvidenceTally,
    ) -> (ContactMatch, ContactMatch) {
        let contacts = self.contacts[nameless.index()].unpack();
        let [(email, email_key), (phone, phone_key)] =
            [KeyKind::Email, KeyKind::Phone].map(|kind| self.used(kind, nameless, named, tenant));
        let mut add = |piece: ComparisonLevel| tally.add(piece, piece.weight());
        let says = match email {
            Use::Same(address) | Use::Other(address) => Some(self.says(address, named)),
            Use::None => None,
        };
        let is_phone_own =
            matches!(phone, Use::Same(number) if contacts.phone.named < 2 && !self.population.is_fixed_line(number));
        match email {
            Use::Same(_) => {
                add(match contacts.email.named {
                    0 | 1 => ComparisonLevel::HomeEmailOne,
                    2 => ComparisonLevel::HomeEmailTwo,
                    _ => ComparisonLevel::HomeEmailMore,
                });
                on_shared(says.unwrap_or(Mailbox::Silent), contacts.email.named < 2, is_phone_own).into_iter().for_each(&mut add);
                others(contacts.email, EMAIL_OTHERS).into_iter().for_each(&mut add);
            }
            Use::Other(_) => {
                add(ComparisonLevel::HomeEmailDifferent);
                add(on_own(says.unwrap_or(Mailbox::Silent)));
                if contacts.email.named > 0 {
                    add(ComparisonLevel::HomeEmailOfAnother);
                }
            }
            Use::None => {}
        }
        match phone {
            Use::Same(number) => {
                add(match contacts.phone.named {
                    0 | 1 if self.population.is_fixed_line(number) => ComparisonLevel::HomePhoneFixed,
                    0 | 1 => ComparisonLevel::HomePhoneOne,
                    2 => ComparisonLevel::HomePhoneTwo,
                    _ => ComparisonLevel::HomePhoneMore,
                });
                others(contacts.phone, PHONE_OTHERS).into_iter().for_each(&mut add);
            }
            Use::Other(_) => {
                add(ComparisonLevel::HomePhoneDifferent);
                if contacts.phone.named > 0 {
                    add(ComparisonLevel::HomePhoneOfAnother);
                }
            }
            Use::None => {}
        }
        let uses_both = matches!((email, phone), (Use::Same(_), Use::Same(_)));
        if uses_both && contacts.email.named < 2 {
            add(if contacts.phone.named < 2 { ComparisonLevel::HomeBothOwn } else { ComparisonLevel::HomeBothEmailOwn });
        }
        if email != Use::None && phone != Use::None {
            match (uses_both, contacts.common) {
                (true, 0 | 1) => add(ComparisonLevel::HomeOnlyUser),
                (true, _) => add(ComparisonLevel::HomeOneOfUsers),
                (false, 0) => {}
                (false, _) => add(ComparisonLevel::HomeAnotherUser),
            }
        }
        let names = says.is_some_and(|says| matches!(says, Mailbox::First | Mailbox::Initial | Mailbox::Surname));
        if !names && self.is_perhaps_guest(named) {
            add(as_guest(contacts, email, phone, says));
        }
        (email_key, phone_key)
    }

    /// Whether the person has no member number, and so may be a guest.
    fn is_perhaps_guest(&self, named: RecordIx) -> bool {
        [KeyKind::GolfRsa, KeyKind::Cdh, KeyKind::Mca].into_iter().all(|kind| self.population.value(kind, named) == NONE)
    }

    fn says(&self, address: Symbol, named: RecordIx) -> Mailbox {
        let (first, last) = (self.population.at(named).first, self.population.at(named).last);
        mailbox(&self.population.names, &self.population.text(KeyKind::Email, address), first, last)
    }

    /// Whether the handicap numbers of two records allow that both belong to one person.
    fn numbers_may_be_of_one(&self, a: RecordIx, b: RecordIx) -> bool {
        let may = |kind| self.shared(kind, a, b) != Shared::Different || numbers_are_near(self.population, kind, a, b);
        may(KeyKind::GolfRsa) && may(KeyKind::Cdh)
    }

    /// The relation of a value of the record without a name to the person of the named record.
    fn used(&self, kind: KeyKind, nameless: RecordIx, named: RecordIx, tenant: u16) -> (Use, ContactMatch) {
        let population = self.population;
        if let Shared::Same(symbol) = self.shared(kind, nameless, named) {
            if self.ownership[kind as usize].of(symbol, tenant).is_hub() {
                return (Use::None, ContactMatch::None);
            }
            return (Use::Same(symbol), ContactMatch::Same(symbol));
        }
        let own = population.value(kind, nameless);
        if own == NONE || self.ownership[kind as usize].of(own, tenant).is_hub() {
            return (Use::None, ContactMatch::None);
        }
        let person = person_of(population, named);
        let bucket = self.buckets.of(kind).get(own);
        let is_users = |other: RecordIx| {
            !population.is_nameless(other)
                && population.at(other).first != NONE
                && is_here(population, self.scope, nameless, other)
                && same_owner(population, &person, &person_of(population, other))
                && self.numbers_may_be_of_one(named, other)
        };
        let seen = person.0 != NONE && bucket.iter().take(LOOK).any(|&other| is_users(other));
        (if seen { Use::Same(own) } else { Use::Other(own) }, ContactMatch::None)
    }
}

/// The level for possible guests: people who are booked by others have the others' email and phone. A person without a member
/// number whom the email does not name may be one of them.
fn as_guest(contacts: Contacts, email: Use, phone: Use, says: Option<Mailbox>) -> ComparisonLevel {
    match (email, phone) {
        (Use::Other(_), _) if says == Some(Mailbox::OtherFamily) => ComparisonLevel::GuestOfOtherFamily,
        (Use::Same(_), _) if contacts.names_a_user => ComparisonLevel::GuestOfNamed,
        (Use::Same(_), Use::Same(_)) if contacts.email.named < 2 && contacts.phone.named < 2 => ComparisonLevel::GuestAlone,
        (Use::Same(_), _) if contacts.email.named < 2 => ComparisonLevel::GuestByEmail,
        (Use::Same(_), Use::Same(_)) if contacts.phone.named < 2 => ComparisonLevel::GuestByPhoneAmongMany,
        (Use::Same(_), _) => ComparisonLevel::GuestAmongMany,
        _ => ComparisonLevel::GuestByPhone,
    }
}

/// Levels for other records without a name: one or more with the value of one person, one or more with a value of several people.
type Others = [ComparisonLevel; 4];
const EMAIL_OTHERS: Others = [
    ComparisonLevel::HomeEmailSecond,
    ComparisonLevel::HomeEmailThird,
    ComparisonLevel::HomeEmailSharedSecond,
    ComparisonLevel::HomeEmailSharedThird,
];
const PHONE_OTHERS: Others = [
    ComparisonLevel::HomePhoneSecond,
    ComparisonLevel::HomePhoneThird,
    ComparisonLevel::HomePhoneSharedSecond,
    ComparisonLevel::HomePhoneSharedThird,
];

/// The level for other records without a name with the same value: usually each person has one.
fn others(users: Users, pieces: Others) -> Option<ComparisonLevel> {
    let shared = if users.named < 2 { 0 } else { 2 };
    (users.nameless > 1).then(|| pieces[shared + usize::from(users.nameless > 2)])
}

/// The level for the name in a shared email; `None` where it names no known person.
fn on_shared(says: Mailbox, is_sole: bool, is_phone_own: bool) -> Option<ComparisonLevel> {
    if is_phone_own {
        return match says {
            Mailbox::First | Mailbox::Initial => None,
            Mailbox::Surname | Mailbox::Silent => Some(ComparisonLevel::BesidePhoneSilent),
            Mailbox::OtherInitial | Mailbox::Other | Mailbox::OtherFamily => Some(ComparisonLevel::BesidePhoneOther),
        };
    }
    Some(match (says, is_sole) {
        (Mailbox::First, true) => ComparisonLevel::SoleFirst,
        (Mailbox::Initial, true) => ComparisonLevel::SoleInitial,
        (Mailbox::Surname, true) => ComparisonLevel::SoleSurname,
        (Mailbox::OtherInitial, true) => ComparisonLevel::SoleOtherInitial,
        (Mailbox::Other, true) => ComparisonLevel::SoleOther,
        (Mailbox::First, false) => ComparisonLevel::SharedFirst,
        (Mailbox::Initial, false) => ComparisonLevel::SharedInitial,
        (Mailbox::Surname, false) => ComparisonLevel::SharedSurname,
        (Mailbox::OtherInitial, false) => ComparisonLevel::SharedOtherInitial,
        (Mailbox::Other, false) => ComparisonLevel::SharedOther,
        (Mailbox::OtherFamily | Mailbox::Silent, _) => return None,
    })
}

/// The level for the name in an email that the person is not seen with.
fn on_own(says: Mailbox) -> ComparisonLevel {
    match says {
        Mailbox::First => ComparisonLevel::OwnFirst,
        Mailbox::Initial => ComparisonLevel::OwnInitial,
        Mailbox::Surname => ComparisonLevel::OwnSurname,
        Mailbox::OtherInitial => ComparisonLevel::OwnOtherInitial,
        Mailbox::Other => ComparisonLevel::OwnOther,
        Mailbox::OtherFamily => ComparisonLevel::OwnOtherFamily,
        Mailbox::Silent => ComparisonLevel::OwnSilent,
    }
}
