//! Units of consent: the staged evidence, reduced to one decision per contact, channel and scope.

use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::consent::decide::{Decider, Evidence, EvidenceKind, Flag, decide, is_lifting};
use crate::consolidate::profile::record_index::{Record, Roster};
use crate::consolidate::{BuildError, Departure, Departures, Options};
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
        self.text(unit.row_id)
    }

    /// The source that the deciding row names; empty when it names none.
    pub fn origin(&self, unit: &Unit) -> &str {
        self.text(unit.origin)
    }

    fn text(&self, (from, until): (u32, u32)) -> &str {
        &self.texts[from as usize..until as usize]
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let end = |texts: &String| u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let from = end(&self.texts);
        self.texts.push_str(text);
        (from, end(&self.texts))
    }
}

/// A piece of evidence in compact form: its texts lie in the shared buffer.
struct Piece {
    contact: Record,
    channel: Channel,
    scope: u32,
    evidence: Evidence,
    row_id: (u32, u32),
    origin: (u32, u32),
}

/// Takes staged consents batch by batch, in any order, and keeps of each row what the decision needs.
pub struct UnitsBuilder<'a> {
    roster: &'a Roster,
    options: &'a Options,
    units: Units,
    scopes: HashMap<String, u32, FixedState>,
    origins: HashMap<String, (u32, u32), FixedState>,
    pieces: Vec<Piece>,
}

impl<'a> UnitsBuilder<'a> {
    /// Ready for the first batch.
    pub fn new(roster: &'a Roster, options: &'a Options) -> Self {
        let (scopes, origins) = (HashMap::with_hasher(FixedState::with_seed(0)), HashMap::with_hasher(FixedState::with_seed(0)));
        Self { roster, options, units: Units::default(), scopes, origins, pieces: Vec::new() }
    }

    /// Takes a batch; rows of unknown contacts and of channels that no consent is kept for say nothing here.
    pub fn push(&mut self, columns: &consents::Columns) -> Result<(), BuildError> {
        for row in columns.rows() {
            let Some((contact, channel)) = self.roster.record(Source::Messaging, row.source_id).zip(row.channel) else {
                continue;
            };
            let kind = if row.entity == "preferences" { EvidenceKind::Preference } else { EvidenceKind::Log };
            let (is_grant, is_act, at, changed_at) = (row.is_grant, row.is_act, row.at, row.changed_at);
            let (scope, origin) = (self.scope(row.scope), self.origin(row.origin.unwrap_or_default()));
            let row_id = self.units.keep(row.row_id);
            self.pieces.push(Piece {
                contact,
                channel,
                scope,
                evidence: Evidence { kind, is_grant, is_act, at, changed_at },
                row_id,
                origin,
            });
        }
        if u32::try_from(self.units.texts.len()).is_ok() { Ok(()) } else { Err(BuildError::TooMany) }
    }

    /// Words that many rows name are kept once.
    fn origin(&mut self, name: &str) -> (u32, u32) {
        if let Some(&place) = self.origins.get(name) {
            return place;
        }
        let place = self.units.keep(name);
        self.origins.insert(name.to_owned(), place);
        place
    }

    fn scope(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.scopes.get(name) {
            return number;
        }
        let number = u32::try_from(self.units.scopes.len()).unwrap_or(u32::MAX);
        self.units.scopes.push(name.to_owned());
        self.scopes.insert(name.to_owned(), number);
        number
    }

    /// All units, and what was counted on the way.
    pub fn finish(mut self) -> (Units, Departures) {
        let mut departures = Departures::default();
        let mut pieces = std::mem::take(&mut self.pieces);
        let names = &self.units;
        pieces.sort_unstable_by(|a, b| {
            let order = |piece: &Piece| (piece.contact, piece.channel);
            let scope = |piece: &Piece| names.scopes[piece.scope as usize].as_str();
            let row = |piece: &Piece| (piece.evidence.kind, names.text(piece.row_id));
            order(a).cmp(&order(b)).then_with(|| scope(a).cmp(scope(b))).then_with(|| row(a).cmp(&row(b)))
        });
        let mut evidence = Vec::new();
        for unit in pieces.chunk_by(|a, b| (a.contact, a.channel, a.scope) == (b.contact, b.channel, b.scope)) {
            evidence.clear();
            evidence.extend(unit.iter().map(|piece| piece.evidence));
            let (columns, row) = self.roster.at(unit[0].contact);
            let flag = contact_flag(columns, row, unit[0].channel, self.options.as_of);
            let Some(decision) = decide(&evidence, flag, self.options.flag_false) else { continue };
            let decider = match decision.decider {
                Decider::Evidence(position) => Some(&unit[position]),
                Decider::Flag => None,
            };
            let is_out = decision.status == ConsentStatus::OptedOut;
            let by_log = decider.is_some_and(|piece| piece.evidence.kind == EvidenceKind::Log);
            departures.note_if(Departure::ConsentLog, by_log);
            departures.note_if(Departure::ConsentLifted, decision.is_lifted);
            departures.note_if(Departure::ConsentFlag, decision.rule == 5);
            departures.note_if(Departure::ConsentGrants, evidence.iter().any(|piece| piece.is_grant));
            departures.note_if(Departure::ConsentConflict, decision.is_conflict);
            departures.note_if(Departure::ConsentDeleted, columns.deleted_at(row).is_some() && is_out);
            self.units.units.push(Unit {
                contact: unit[0].contact,
                channel: unit[0].channel,
                scope: unit[0].scope,
                status: decision.status,
                at: decision.at,
                rule: decision.rule,
                kind: decider.map(|piece| piece.evidence.kind),
                evidence_count: u16::try_from(unit.len()).unwrap_or(u16::MAX),
                last_act_at: evidence.iter().filter(|piece| is_lifting(piece)).map(|piece| piece.at).max(),
                row_id: decider.map_or((0, 0), |piece| piece.row_id),
                origin: decider.map_or((0, 0), |piece| piece.origin),
            });
        }
        (self.units, departures)
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
