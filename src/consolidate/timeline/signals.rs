//! Facts from the timeline for the golden record: bookings, bounces, complaints.

use crate::consolidate::Directory;
use crate::consolidate::bits::Bits;
use crate::consolidate::consent::contact_points::Address;
use crate::model::{Channel, RecordIx, Source, Timestamp};

/// A spam complaint: a withdrawal of the contact on the message's channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The contact.
    pub contact: RecordIx,
    /// The channel.
    pub channel: Channel,
    /// When; `None` if the message has no date.
    pub at: Option<Timestamp>,
    /// `MessageLog.id`.
    pub row_id: String,
}

/// A fact from the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A player has a booking.
    Booked(RecordIx),
    /// A message to a contact bounced; `true` for a hard bounce.
    Bounced(RecordIx, Address, Timestamp, bool),
    /// A message to a contact was delivered.
    Reached(RecordIx, Address, Timestamp),
    /// A contact reported a message as spam.
    Complained(Complaint),
    /// A contact that is not exported reported this message as spam.
    UnknownComplained(String),
}

/// The latest of some instants, in eight bytes: the oldest possible value means none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LatestSignal(i64);

impl Default for LatestSignal {
    fn default() -> Self {
        Self(i64::MIN)
    }
}

impl LatestSignal {
    fn note(&mut self, at: Timestamp) {
        self.0 = self.0.max(at.0);
    }

    fn at(self) -> Option<Timestamp> {
        (self.0 != i64::MIN).then_some(Timestamp(self.0))
    }
}

#[derive(Clone, Copy, Default)]
struct Mail {
    bounced: LatestSignal,
    hard_bounced: LatestSignal,
    reached: LatestSignal,
}

/// All signals by record; complaints in the order of the batches.
#[derive(Default)]
pub struct Signals {
    first_player: RecordIx,
    booked: Bits,
    first_contact: RecordIx,
    mail: Vec<[Mail; 2]>,
    complaints: Vec<Complaint>,
    unknown_complaints: Vec<String>,
}

impl Signals {
    /// Empty.
    pub fn new(directory: &Directory) -> Self {
        let (players, contacts) = (directory.records_of(Source::Teetime), directory.records_of(Source::Messaging));
        let (first_player, first_contact) = (RecordIx(players.start), RecordIx(contacts.start));
        let mail = vec![[Mail::default(); 2]; contacts.len()];
        Self { first_player, booked: Bits::new(players.len()), first_contact, mail, ..Self::default() }
    }

    /// Adds the signals of a batch.
    pub fn add(&mut self, signals: &[Signal]) {
        for signal in signals {
            match signal {
                Signal::Booked(player) => {
                    self.booked.set(player.index() - self.first_player.index());
                }
                Signal::Bounced(contact, address, at, is_hard) => {
                    let mail = self.mail_mut(*contact, *address);
                    mail.bounced.note(*at);
                    if *is_hard {
                        mail.hard_bounced.note(*at);
                    }
                }
                Signal::Reached(contact, address, at) => {
                    self.mail_mut(*contact, *address).reached.note(*at);
                }
                Signal::Complained(complaint) => self.complaints.push(complaint.clone()),
                Signal::UnknownComplained(row_id) => self.unknown_complaints.push(row_id.clone()),
            }
        }
    }

    /// Whether a player has an exported booking.
    pub fn has_booked(&self, player: RecordIx) -> bool {
        self.booked.has(player.index() - self.first_player.index())
    }

    /// Whether the last message to a contact point bounced.
    pub fn is_bounced(&self, contact: RecordIx, address: Address) -> bool {
        self.bounced_at(contact, address).is_some()
    }

    /// When the last message bounced, unless a later one was delivered.
    pub fn bounced_at(&self, contact: RecordIx, address: Address) -> Option<Timestamp> {
        let mail = self.mail(contact, address);
        mail.bounced.at().filter(|_| mail.bounced >= mail.reached)
    }

    /// When the last message was a hard bounce, and when the last one was delivered.
    pub fn delivery(&self, contact: RecordIx, address: Address) -> (Option<Timestamp>, Option<Timestamp>) {
        let mail = self.mail(contact, address);
        (mail.hard_bounced.at(), mail.reached.at())
    }

    /// The spam complaints.
    pub fn complaints(&self) -> &[Complaint] {
        &self.complaints
    }

    /// Messages that contacts who are not exported reported as spam.
    pub fn unknown_complaints(&self) -> &[String] {
        &self.unknown_complaints
    }

    fn mail(&self, contact: RecordIx, address: Address) -> Mail {
        self.mail.get(contact.index() - self.first_contact.index()).map_or_else(Mail::default, |both| both[address as usize])
    }

    fn mail_mut(&mut self, contact: RecordIx, address: Address) -> &mut Mail {
        &mut self.mail[contact.index() - self.first_contact.index()][address as usize]
    }
}
