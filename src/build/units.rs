//! Units of consent: the staged evidence, streamed contact by contact, reduced to one decision per contact, channel and scope.

use std::ops::Range;

use crate::build::consent::{Decider, Evidence, EvidenceKind, Flag, decide, is_lifting};
use crate::build::roster::{Record, Roster};
use crate::build::{BuildError, Departure, Departures, Options};
use crate::model::{Channel, ConsentStatus, Source, Timestamp};
use crate::tables::stage::{consents, people};

/// A decided unit.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// The contact.
    pub contact: Record,
    /// The channel.
    pub channel: Channel,
    /// The scope's number, see [`Units::scope`].
    pub scope: u32,
    /// Given or refused.
    pub status: ConsentStatus,
    /// When; null for a refusal by flag alone.
    pub at: Option<Timestamp>,
    /// The rule that decided.
    pub rule: u8,
    /// The row that decided; `None` when the contact's flag did.
    pub kind: Option<EvidenceKind>,
    /// How many pieces of evidence there were.
    pub evidence_count: u16,
    /// The latest logged act of the person that gives consent.
    pub last_act_at: Option<Timestamp>,
    row_id: (u32, u32),
    origin: (u32, u32),
}

/// All units, ordered by contact, channel and scope name.
#[derive(Default)]
pub struct Units {
    units: Vec<Unit>,
    texts: String,
    scopes: Vec<String>,
}

/// The scope that covers all others.
pub const ALL_SCOPES: &str = "all";
/// The scope of service messages, which never drives a marketing flag.
pub const TRANSACTIONAL: &str = "transactional";

impl Units {
    /// Every unit.
    pub fn all(&self) -> &[Unit] {
        &self.units
    }

    /// The positions of a contact's units.
    pub fn of(&self, contact: Record) -> Range<usize> {
        let from = self.units.partition_point(|unit| unit.contact < contact);
        let until = from + self.units[from..].partition_point(|unit| unit.contact == contact);
        from..until
    }

    /// The name of a unit's scope.
    pub fn scope(&self, unit: &Unit) -> &str {
        &self.scopes[unit.scope as usize]
    }

    /// The id of the row that decided.
    pub fn row_id(&self, unit: &Unit) -> &str {
        &self.texts[unit.row_id.0 as usize..unit.row_id.1 as usize]
    }

    /// The source that the deciding row names; empty when it names none.
    pub fn origin(&self, unit: &Unit) -> &str {
        &self.texts[unit.origin.0 as usize..unit.origin.1 as usize]
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let end = |texts: &String| u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let from = end(&self.texts);
        self.texts.push_str(text);
        (from, end(&self.texts))
    }

    fn scope_number(&mut self, name: &str) -> u32 {
        let known = self.scopes.iter().position(|scope| scope == name);
        let number = known.unwrap_or_else(|| {
            self.scopes.push(name.to_owned());
            self.scopes.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

struct Piece {
    channel: Channel,
    scope: u32,
    evidence: Evidence,
    row_id: String,
    origin: String,
}

/// Takes staged consents batch by batch and decides each contact as soon as its rows are complete.
pub struct UnitsBuilder<'a> {
    roster: &'a Roster,
    options: &'a Options,
    units: Units,
    current: Option<Record>,
    pieces: Vec<Piece>,
    done: Vec<bool>,
    first: Record,
    departures: Departures,
}

impl<'a> UnitsBuilder<'a> {
    /// Ready for the first batch.
    pub fn new(roster: &'a Roster, options: &'a Options) -> Self {
        let contacts = roster.records_of(Source::Messaging).count();
        let first = roster.records_of(Source::Messaging).next().unwrap_or(0);
        let departures = Departures::default();
        let units = Units::default();
        Self { roster, options, units, current: None, pieces: Vec::new(), done: vec![false; contacts], first, departures }
    }

    /// Takes a batch; all rows of a contact must follow each other.
    pub fn push(&mut self, columns: &consents::Columns) -> Result<(), BuildError> {
        for row in columns.rows() {
            let Some(contact) = self.roster.record(Source::Messaging, row.source_id) else { continue };
            if self.current != Some(contact) {
                self.decide_contact();
                if std::mem::replace(&mut self.done[(contact - self.first) as usize], true) {
                    return Err(BuildError::Unsorted);
                }
                self.current = Some(contact);
            }
            let Some(channel) = row.channel else { continue };
            let kind = if row.entity == "preferences" { EvidenceKind::Preference } else { EvidenceKind::Log };
            let (is_grant, is_act, at, changed_at) = (row.is_grant, row.is_act, row.at, row.changed_at);
            self.pieces.push(Piece {
                channel,
                scope: self.units.scope_number(row.scope),
                evidence: Evidence { kind, is_grant, is_act, at, changed_at },
                row_id: row.row_id.to_owned(),
                origin: row.origin.unwrap_or_default().to_owned(),
            });
        }
        Ok(())
    }

    /// All units, and what was counted on the way.
    pub fn finish(mut self) -> (Units, Departures) {
        self.decide_contact();
        let scopes = std::mem::take(&mut self.units.scopes);
        self.units.units.sort_by(|a, b| {
            let name = |unit: &Unit| scopes[unit.scope as usize].as_str();
            (a.contact, a.channel, name(a)).cmp(&(b.contact, b.channel, name(b)))
        });
        self.units.scopes = scopes;
        (self.units, self.departures)
    }

    fn decide_contact(&mut self) {
        let Some(contact) = self.current.take() else { return };
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.sort_by(|a, b| {
            (a.channel, a.scope, a.evidence.kind, &a.row_id).cmp(&(b.channel, b.scope, b.evidence.kind, &b.row_id))
        });
        let (columns, row) = self.roster.at(contact);
        let mut evidence = Vec::new();
        for unit in pieces.chunk_by(|a, b| (a.channel, a.scope) == (b.channel, b.scope)) {
            evidence.clear();
            evidence.extend(unit.iter().map(|piece| piece.evidence));
            let flag = contact_flag(columns, row, unit[0].channel, self.options.as_of);
            let Some(decision) = decide(&evidence, flag, self.options.flag_false) else { continue };
            let decider = match decision.decider {
                Decider::Evidence(position) => Some(&unit[position]),
                Decider::Flag => None,
            };
            let is_deleted = columns.deleted_at(row).is_some();
            let is_out = decision.status == ConsentStatus::OptedOut;
            let counts = &mut self.departures;
            counts.note_if(Departure::ConsentLog, decider.is_some_and(|piece| piece.evidence.kind == EvidenceKind::Log));
            counts.note_if(Departure::ConsentLifted, decision.is_lifted);
            counts.note_if(Departure::ConsentFlag, decision.rule == 5);
            counts.note_if(Departure::ConsentGrants, evidence.iter().any(|piece| piece.is_grant));
            counts.note_if(Departure::ConsentConflict, decision.is_conflict);
            counts.note_if(Departure::ConsentDeleted, is_deleted && is_out);
            let row_id = self.units.keep(decider.map_or("", |piece| &piece.row_id));
            let origin = self.units.keep(decider.map_or("", |piece| &piece.origin));
            self.units.units.push(Unit {
                contact,
                channel: unit[0].channel,
                scope: unit[0].scope,
                status: decision.status,
                at: decision.at,
                rule: decision.rule,
                kind: decider.map(|piece| piece.evidence.kind),
                evidence_count: u16::try_from(unit.len()).unwrap_or(u16::MAX),
                last_act_at: evidence.iter().filter(|piece| is_lifting(piece)).map(|piece| piece.at).max(),
                row_id,
                origin,
            });
        }
        pieces.clear();
        self.pieces = pieces;
    }
}

/// A contact's flag for a channel; only e-mail and text messages have one.
pub fn contact_flag(columns: &people::Columns, row: usize, channel: Channel, as_of: Timestamp) -> Option<Flag> {
    let is_set = match channel {
        Channel::Email => columns.email_opt_in(row),
        Channel::Sms => columns.sms_opt_in(row),
        Channel::Push | Channel::Whatsapp => None,
    }?;
    Some(Flag { is_set, changed_at: columns.updated_at(row).map_or(as_of, |at| at.min(as_of)) })
}
