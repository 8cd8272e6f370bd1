//! Facts from the timeline for the golden record: bookings, bounces, complaints.

use crate::consolidate::consent::contact_points::Address;
use crate::consolidate::profile::record_index::Roster;
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

#[derive(Clone, Copy, Default)]
struct Mail {
    bounced_at: Option<Timestamp>,
    hard_bounced_at: Option<Timestamp>,
    reached_at: Option<Timestamp>,
}

/// All signals by record; complaints in the order of the batches.
#[derive(Default)]
pub struct Signals {
    first_player: RecordIx,
    booked: Vec<bool>,
    first_contact: RecordIx,
    mail: Vec<[Mail; 2]>,
    complaints: Vec<Complaint>,
    unknown_complaints: Vec<String>,
}

impl Signals {
    /// Empty.
    pub fn new(roster: &Roster) -> Self {
        let span = |source| (roster.records_of(source).next().unwrap_or_default(), roster.records_of(source).count());
        let (first_player, players) = span(Source::Teetime);
        let (first_contact, contacts) = span(Source::Messaging);
        let mail = vec![[Mail::default(); 2]; contacts];
        Self { first_player, booked: vec![false; players], first_contact, mail, ..Self::default() }
    }

    /// Adds the signals of a batch.
    pub fn take_up(&mut self, signals: &[Signal]) {
        for signal in signals {
            match signal {
                Signal::Booked(player) => self.booked[player.index() - self.first_player.index()] = true,
                Signal::Bounced(contact, address, at, is_hard) => {
                    let mail = self.mail_mut(*contact, *address);
                    mail.bounced_at = mail.bounced_at.max(Some(*at));
                    if *is_hard {
                        mail.hard_bounced_at = mail.hard_bounced_at.max(Some(*at));
                    }
                }
                Signal::Reached(contact, address, at) => {
                    let mail = self.mail_mut(*contact, *address);
                    mail.reached_at = mail.reached_at.max(Some(*at));
                }
                Signal::Complained(complaint) => self.complaints.push(complaint.clone()),
                Signal::UnknownComplained(row_id) => self.unknown_complaints.push(row_id.clone()),
            }
        }
    }

    /// Whether a player has an exported booking.
    pub fn has_booked(&self, player: RecordIx) -> bool {
        self.booked.get(player.index() - self.first_player.index()).copied().unwrap_or(false)
    }

    /// Whether the last message to a contact point bounced.
    pub fn is_bounced(&self, contact: RecordIx, address: Address) -> bool {
        self.bounced_at(contact, address).is_some()
    }

    /// When the last message bounced, unless a later one was delivered.
    pub fn bounced_at(&self, contact: RecordIx, address: Address) -> Option<Timestamp> {
        let mail = self.mail(contact, address);
        mail.bounced_at.filter(|_| mail.bounced_at >= mail.reached_at)
    }

    /// When the last message was a hard bounce, and when the last one was delivered.
    pub fn delivery(&self, contact: RecordIx, address: Address) -> (Option<Timestamp>, Option<Timestamp>) {
        let mail = self.mail(contact, address);
        (mail.hard_bounced_at, mail.reached_at)
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
