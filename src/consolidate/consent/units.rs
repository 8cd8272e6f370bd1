//! Consent units: the staged evidence, reduced to one decision per contact, channel and scope.

use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::consent::decide::{Decider, Evidence, EvidenceKind, Flag, decide, is_lifting};
use crate::consolidate::consent::earlier::Recorded;
use crate::consolidate::consent::rule::ConsentRule;
use crate::consolidate::profile::record_index::RecordIndex;
use crate::consolidate::timeline::Complaint;
use crate::consolidate::{BuildError, Departure, Departures, Options};
use crate::model::{Channel, ConsentStatus, RecordIx, Timestamp};
use crate::tables::stage::{consents, people};

/// A decided unit.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// The contact.
    pub contact: RecordIx,
    /// The channel.
    pub channel: Channel,
    /// The scope's number, see [`Units::scope`].
    pub scope: u32,
    /// Opted in or opted out.
    pub status: ConsentStatus,
    /// When; `None` for an opt-out by flag alone.
    pub at: Option<Timestamp>,
    /// For a withdrawal: in later loads only a later action lifts it.
    pub lifted_after: Option<Timestamp>,
    /// The rule that decided.
    pub rule: ConsentRule,
    /// The kind of row that decided; `None` if the contact's flag did.
    pub kind: Option<EvidenceKind>,
    /// Number of pieces of evidence.
    pub evidence_count: u32,
    /// The latest logged action of the person that gives consent.
    pub last_act_at: Option<Timestamp>,
    /// Position of the deciding row among the staged consents; `None` if other evidence decided.
    pub row: Option<u32>,
    row_id: (u32, u32),
    origin: (u32, u32),
}

impl Unit {
    /// Whether the contact's flag decided.
    pub fn is_by_flag(&self) -> bool {
        self.kind.is_none()
    }
}

/// All units, ordered by contact, channel and scope name.
#[derive(Default)]
pub struct Units {
    units: Vec<Unit>,
    texts: String,
    scopes: Vec<String>,
    undated: Vec<String>,
}

/// The scope that covers all others.
pub const ALL_SCOPES: &str = "all";
pub use crate::model::TRANSACTIONAL;

impl Units {
    /// Every unit.
    pub fn all(&self) -> &[Unit] {
        &self.units
    }

    /// The positions of a contact's units.
    pub fn of(&self, contact: RecordIx) -> Range<usize> {
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

    /// The source named in the deciding row; empty if there is none.
    pub fn origin(&self, unit: &Unit) -> &str {
        self.text(unit.origin)
    }

    /// Evidence keys of all withdrawals without a date, sorted.
    pub fn undated(&self) -> &[String] {
        &self.undated
    }

    fn text(&self, (from, until): (u32, u32)) -> &str {
        &self.texts[from as usize..until as usize]
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let end = |texts: &String| u32::try_from(texts.len()).expect("the texts of all evidence take less than 4 GiB");
        let from = end(&self.texts);
        self.texts.push_str(text);
        (from, end(&self.texts))
    }
}

/// A piece of evidence in compact form, with its texts in the shared buffer.
struct Piece {
    contact: RecordIx,
    channel: Channel,
    scope: u32,
    evidence: Evidence,
    is_undated: bool,
    row: Option<u32>,
    row_id: (u32, u32),
    origin: (u32, u32),
}

/// The entity of a staged consent, and its kind of evidence.
fn kind_of(row: &consents::Row<'_>) -> (EvidenceKind, &'static str) {
    match row.entity {
        "preferences" => (EvidenceKind::Preference, "preferences"),
        _ => (EvidenceKind::Log, "consent_changes"),
    }
}

/// The entity and row of a withdrawal whose contact is not exported, if the row is one.
pub fn unknown_withdrawal<'a>(row: &consents::Row<'a>) -> Option<(&'static str, &'a str)> {
    (row.channel.is_some() && !row.is_grant).then(|| (kind_of(row).1, row.row_id))
}

/// Collects staged consents batch by batch, in any order, and keeps what the decisions need.
pub struct UnitsBuilder<'a> {
    record_index: &'a RecordIndex,
    recorded: &'a Recorded,
    options: &'a Options,
    units: Units,
    scopes: HashMap<String, u32, FixedState>,
    origins: HashMap<String, (u32, u32), FixedState>,
    pieces: Vec<Piece>,
}

impl<'a> UnitsBuilder<'a> {
    /// Ready for the first batch.
    pub fn new(record_index: &'a RecordIndex, recorded: &'a Recorded, options: &'a Options) -> Self {
        let (scopes, origins) = (HashMap::with_hasher(FixedState::with_seed(0)), HashMap::with_hasher(FixedState::with_seed(0)));
        Self { record_index, recorded, options, units: Units::default(), scopes, origins, pieces: Vec::new() }
    }

    /// Adds a batch with the contact and position of each row; rows of channels without consent in the CRM are skipped.
    pub fn push(&mut self, columns: &consents::Columns, contacts: &[(RecordIx, u32)]) -> Result<(), BuildError> {
        for (row, &(contact, place)) in columns.rows().zip(contacts) {
            let Some(channel) = row.channel else { continue };
            let (kind, _) = kind_of(&row);
            // An action without a date does not prove that it came after a withdrawal.
            let is_act = row.is_act && !row.is_undated;
            let (is_grant, at, changed_at) = (row.is_grant, row.at, row.changed_at);
            let (scope, origin) = (self.scope(row.scope), self.origin(row.origin.unwrap_or_default()));
            let row_id = self.units.keep(row.row_id);
            self.pieces.push(Piece {
                contact,
                channel,
                scope,
                evidence: Evidence { kind, is_grant, is_act, at, changed_at },
                is_undated: row.is_undated,
                row: Some(place),
                row_id,
                origin,
            });
        }
        if u32::try_from(self.units.texts.len()).is_ok() { Ok(()) } else { Err(BuildError::TooMany) }
    }

    /// Adds the spam complaints of the contacts of the partition: each withdraws the contact's consent on its channel, in every
    /// scope.
    pub fn complaints(&mut self, complaints: &[Complaint]) {
        for complaint in complaints.iter().filter(|complaint| self.record_index.holds(complaint.contact)) {
            let row_id = self.units.keep(&complaint.row_id);
            self.withdraw(complaint.contact, complaint.channel, EvidenceKind::Complaint, complaint.at, row_id);
        }
    }

    /// Adds the unreadable flags of the contacts of the partition: withdrawals of their channel, dated by the contact's last
    /// change.
    pub fn unreadable_flags(&mut self, flags: &[(RecordIx, Channel)]) {
        for &(contact, channel) in flags.iter().filter(|(contact, _)| self.record_index.holds(*contact)) {
            let (columns, row) = self.record_index.at(contact);
            self.withdraw(contact, channel, EvidenceKind::UnreadableFlag, columns.updated_at(row), (0, 0));
        }
    }

    fn withdraw(&mut self, contact: RecordIx, channel: Channel, kind: EvidenceKind, at: Option<Timestamp>, row_id: (u32, u32)) {
        let as_of = self.options.as_of;
        let (is_undated, at) = (at.is_none(), at.map_or(as_of, |at| at.min(as_of)));
        let scope = self.scope(ALL_SCOPES);
        let evidence = Evidence { kind, is_grant: false, is_act: false, at, changed_at: at };
        self.pieces.push(Piece { contact, channel, scope, evidence, is_undated, row: None, row_id, origin: (0, 0) });
    }

    /// Stores an origin once, because many rows share it.
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
        let number = u32::try_from(self.units.scopes.len()).expect("scopes are counted in 32 bits");
        self.units.scopes.push(name.to_owned());
        self.scopes.insert(name.to_owned(), number);
        number
    }

    /// All units, and the deviations counted.
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
        let (mut evidence, mut units, mut undated) = (Vec::new(), Vec::new(), Vec::new());
        for unit in pieces.chunk_by(|a, b| (a.contact, a.channel, a.scope) == (b.contact, b.channel, b.scope)) {
            let (contact, channel, scope) =
                (unit[0].contact, unit[0].channel, self.units.scopes[unit[0].scope as usize].as_str());
            let as_of = self.options.as_of;
            let mut since = |key: String| {
                let at = self.recorded.instant(&key, as_of);
                undated.push(key);
                at
            };
            evidence.clear();
            evidence.extend(unit.iter().map(|piece| match piece.evidence {
                stated if !piece.is_undated || stated.is_grant => stated,
                stated => {
                    let at = since(match stated.kind {
                        EvidenceKind::Log => format!("consent_changes:{}", names.text(piece.row_id)),
                        EvidenceKind::Preference => format!("preferences:{}", names.text(piece.row_id)),
                        EvidenceKind::Complaint => format!("messages:{}", names.text(piece.row_id)),
                        EvidenceKind::UnreadableFlag => flag_key(self.record_index, contact, channel),
                    });
                    Evidence { at, changed_at: at, ..stated }
                }
            }));
            let (columns, row) = self.record_index.at(contact);
            let is_marketing = scope != TRANSACTIONAL;
            let flag = contact_flag(columns, row, channel).filter(|_| is_marketing).map(|is_set| Flag {
                is_set,
                changed_at: match columns.updated_at(row) {
                    Some(at) => at.min(as_of),
                    None if is_set => as_of,
                    None => since(flag_key(self.record_index, contact, channel)),
                },
            });
            let Some(decision) = decide(&evidence, flag, self.options.flag_false) else { continue };
            let decider = match decision.decider {
                Decider::Evidence(position) => Some(&unit[position]),
                Decider::Flag => None,
            };
            let rows = || unit.iter().filter(|piece| piece.evidence.kind != EvidenceKind::UnreadableFlag);
            let is_out = decision.status == ConsentStatus::OptedOut;
            let by_log = decider.is_some_and(|piece| piece.evidence.kind == EvidenceKind::Log);
            departures.note_if(Departure::ConsentLog, by_log);
            departures.note_if(Departure::ConsentLifted, decision.is_lifted);
            let has_grant = evidence.iter().any(|piece| piece.is_grant);
            departures.note_if(Departure::ConsentFlag, decision.rule == ConsentRule::ContactFlag && has_grant);
            departures.note_if(Departure::ConsentGrants, has_grant);
            departures.note_if(Departure::ConsentComplaint, decision.rule == ConsentRule::Complaint);
            departures.note_if(Departure::ConsentConflict, decision.is_conflict);
            departures.note_if(Departure::ConsentDeleted, columns.deleted_at(row).is_some() && is_out);
            units.push(Unit {
                contact,
                channel,
                scope: unit[0].scope,
                status: decision.status,
                at: decision.at,
                lifted_after: decision.lifted_after,
                rule: decision.rule,
                kind: decider.map(|piece| piece.evidence.kind),
                evidence_count: u32::try_from(rows().count()).expect("rows are counted in 32 bits"),
                last_act_at: evidence.iter().filter(|piece| is_lifting(piece)).map(|piece| piece.at).max(),
                row: decider.and_then(|piece| piece.row),
                row_id: decider.map_or((0, 0), |piece| piece.row_id),
                origin: decider.map_or((0, 0), |piece| piece.origin),
            });
        }
        undated.sort_unstable();
        undated.dedup();
        (self.units.units, self.units.undated) = (units, undated);
        (self.units, departures)
    }
}

/// The evidence key of a contact's flag.
fn flag_key(record_index: &RecordIndex, contact: RecordIx, channel: Channel) -> String {
    format!("contacts:{}:{channel}", record_index.source_id(contact))
}

/// A contact's flag for a channel; only e-mail and text messages have one.
pub fn contact_flag(columns: &people::Columns, row: usize, channel: Channel) -> Option<bool> {
    match channel {
        Channel::Email => columns.email_opt_in(row),
        Channel::Sms => columns.sms_opt_in(row),
        Channel::Push | Channel::Whatsapp => None,
    }
}
