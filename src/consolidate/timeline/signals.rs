//! What the timeline tells the golden record: who booked, whose address bounced or complained.

use crate::consolidate::consent::contact_points::Address;
use crate::consolidate::profile::record_index::{Record, Roster};
use crate::model::{Source, Timestamp};

/// One thing that the timeline tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A player has a booking on the timeline.
    Booked(Record),
    /// A message to a contact came back.
    Bounced(Record, Address, Timestamp),
    /// A message reached a contact.
    Reached(Record, Address, Timestamp),
    /// A contact called a message spam.
    Complained(Record, Address, Timestamp),
}

#[derive(Clone, Copy, Default)]
struct Mail {
    bounced_at: Option<Timestamp>,
    reached_at: Option<Timestamp>,
    complained_at: Option<Timestamp>,
}

/// All signals, by record. Taking them up is commutative: the order of batches does not matter.
#[derive(Default)]
pub struct Signals {
    first_player: Record,
    booked: Vec<bool>,
    first_contact: Record,
    mail: Vec<[Mail; 2]>,
}

impl Signals {
    /// None yet.
    pub fn new(roster: &Roster) -> Self {
        let span = |source| (roster.records_of(source).next().unwrap_or(0), roster.records_of(source).count());
        let (first_player, players) = span(Source::Teetime);
        let (first_contact, contacts) = span(Source::Messaging);
        Self { first_player, booked: vec![false; players], first_contact, mail: vec![[Mail::default(); 2]; contacts] }
    }

    /// Takes up the signals of a batch.
    pub fn take_up(&mut self, signals: &[Signal]) {
        for &signal in signals {
            match signal {
                Signal::Booked(player) => self.booked[(player - self.first_player) as usize] = true,
                Signal::Bounced(contact, address, at) => {
                    let mail = self.mail_mut(contact, address);
                    mail.bounced_at = mail.bounced_at.max(Some(at));
                }
                Signal::Reached(contact, address, at) => {
                    let mail = self.mail_mut(contact, address);
                    mail.reached_at = mail.reached_at.max(Some(at));
                }
                Signal::Complained(contact, address, at) => {
                    let mail = self.mail_mut(contact, address);
                    mail.complained_at = mail.complained_at.max(Some(at));
                }
            }
        }
    }

    /// Whether a player has a booking on the timeline.
    pub fn has_booked(&self, player: Record) -> bool {
        self.booked.get((player - self.first_player) as usize).copied().unwrap_or(false)
    }

    /// Whether the latest news of a contact's address is that a message came back.
    pub fn is_bounced(&self, contact: Record, address: Address) -> bool {
        self.bounced_at(contact, address).is_some()
    }

    /// When the last message came back, unless a later one arrived.
    pub fn bounced_at(&self, contact: Record, address: Address) -> Option<Timestamp> {
        let mail = self.mail(contact, address);
        mail.bounced_at.filter(|_| mail.bounced_at >= mail.reached_at)
    }

    /// When a contact last called a message spam.
    pub fn complained_at(&self, contact: Record, address: Address) -> Option<Timestamp> {
        self.mail(contact, address).complained_at
    }

    fn mail(&self, contact: Record, address: Address) -> Mail {
        self.mail.get((contact - self.first_contact) as usize).map_or_else(Mail::default, |both| both[address as usize])
    }

    fn mail_mut(&mut self, contact: Record, address: Address) -> &mut Mail {
        &mut self.mail[(contact - self.first_contact) as usize][address as usize]
    }
}
