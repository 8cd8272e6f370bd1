//! The timeline: each staged row becomes activities, campaign interactions and exactly one line of the ledger.
//!
//! These are pure functions of one batch, so that batches can be processed in parallel and memory does not grow with their
//! number.

mod handicaps;
mod members;
mod memberships;
mod messages;
mod signals;
mod teetimes;

pub use handicaps::LatestHandicaps;
pub use memberships::note_joined;
pub use signals::{Complaint, Signal, Signals};

use arrow::array::RecordBatch;

use crate::consolidate::json::JsonBuffer;
use crate::consolidate::{Departure, Departures, Directory, Options, PeopleOfRows};
use crate::model::{ActivityCategory, Code as _, Outcome, ProfileIx, SkipReason, Source, Timestamp, Uuid, derived_id};
use crate::tables::Builder as _;
use crate::tables::check::ledger;
use crate::tables::crm::{activities, campaign_interactions};

/// The timeline rows of a batch.
pub struct TimelineRows {
    /// `crm__activities`.
    pub activities: RecordBatch,
    /// `crm__campaign_interactions`.
    pub interactions: RecordBatch,
    /// `check__ledger`.
    pub ledger: RecordBatch,
    /// Facts that later parts of the step need.
    pub signals: Vec<Signal>,
    /// Counts of deviations from the strategy.
    pub departures: Departures,
    /// Where the rows and facts of each line of the ledger end, in the order of the ledger; empty if an engine handed them on.
    pub ends: Vec<RowEnd>,
}

/// How many rows and facts there are up to a line of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowEnd {
    /// Of `crm__activities`.
    pub activities: usize,
    /// Of `crm__campaign_interactions`.
    pub interactions: usize,
    /// Of the facts.
    pub signals: usize,
}

/// Converts staged rows into timeline rows.
#[derive(Clone, Copy)]
pub struct Timeline<'a> {
    /// Who is who.
    pub directory: &'a Directory,
    /// The settings.
    pub options: &'a Options,
}

/// Converts bookings and messages, which grow without bound: from a join of the rows with their links as well as from the directory.
#[derive(Clone, Copy)]
pub struct EventTimeline<'a, P> {
    /// Who the rows belong to.
    pub people: &'a P,
    /// The settings.
    pub options: &'a Options,
}

/// The contents of an activity, without its profile and time.
pub(in crate::consolidate) struct Event<'a> {
    pub(in crate::consolidate) profile: ProfileIx,
    pub(in crate::consolidate) activity_type: &'a str,
    pub(in crate::consolidate) category: ActivityCategory,
    pub(in crate::consolidate) channel: Option<&'a str>,
    pub(in crate::consolidate) title: &'a str,
    pub(in crate::consolidate) source: Source,
    pub(in crate::consolidate) source_id: &'a str,
    pub(in crate::consolidate) club_id: Option<&'a str>,
    pub(in crate::consolidate) club_name: Option<&'a str>,
    pub(in crate::consolidate) occurred_at: Timestamp,
    pub(in crate::consolidate) metadata: Option<&'a str>,
}

pub(in crate::consolidate) struct RowsWriter<'a, P = Directory> {
    people: &'a P,
    pub(in crate::consolidate) activities: activities::Builder,
    pub(in crate::consolidate) interactions: campaign_interactions::Builder,
    pub(in crate::consolidate) ledger: ledger::Builder,
    pub(in crate::consolidate) signals: Vec<Signal>,
    pub(in crate::consolidate) departures: Departures,
    ends: Vec<RowEnd>,
}

impl<'a, P: PeopleOfRows> RowsWriter<'a, P> {
    pub(in crate::consolidate) fn new(people: &'a P, rows: usize) -> Self {
        Self {
            people,
            activities: activities::Builder::new(rows),
            interactions: campaign_interactions::Builder::new(0),
            ledger: ledger::Builder::new(rows),
            signals: Vec::new(),
            departures: Departures::default(),
            ends: Vec::with_capacity(rows),
        }
    }

    pub(in crate::consolidate) fn activity(&mut self, event: &Event<'_>) {
        let mut buffer = Uuid::encode_buffer();
        let customer_id = &*self.people.id(event.profile).hyphenated().encode_lower(&mut buffer);
        let tenant_id = self.people.tenant(event.profile);
        let service = event.source.service();
        let id = derived_id("activity", &[tenant_id, service, event.source_id, event.activity_type]);
        self.activities.push(activities::Row {
            id: id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
            tenant_id,
            customer_id,
            activity_type: event.activity_type,
            category: event.category,
            channel: event.channel,
            title: event.title,
            description: None,
            source_service: service,
            source_id: event.source_id,
            club_id: event.club_id,
            club_name: event.club_name,
            occurred_at: event.occurred_at,
            metadata: event.metadata,
        });
    }

    /// The outcome of a row, after its activities, interactions and facts.
    pub(in crate::consolidate) fn outcome(
        &mut self,
        source: Source,
        entity: &str,
        source_id: &str,
        outcome: Outcome,
        reason: Option<SkipReason>,
    ) {
        self.departures.note_if(Departure::NoDate, reason == Some(SkipReason::NoDate));
        let reason = reason.map(SkipReason::code);
        self.ledger.push(ledger::Row { source, entity, source_id, outcome, reason });
        let (activities, interactions) = (self.activities.len(), self.interactions.len());
        self.ends.push(RowEnd { activities, interactions, signals: self.signals.len() });
    }

    pub(in crate::consolidate) fn finish(mut self) -> TimelineRows {
        TimelineRows {
            activities: self.activities.finish(),
            interactions: self.interactions.finish(),
            ledger: self.ledger.finish(),
            signals: self.signals,
            departures: self.departures,
            ends: self.ends,
        }
    }
}

/// Text and JSON buffers, reused from row to row.
#[derive(Default)]
pub(in crate::consolidate) struct Scratch {
    pub(in crate::consolidate) title: String,
    pub(in crate::consolidate) source_id: String,
    pub(in crate::consolidate) json: JsonBuffer,
}

/// Sets a buffer to the concatenation of some parts.
pub(in crate::consolidate) fn set(buffer: &mut String, parts: &[&str]) {
    buffer.clear();
    for part in parts {
        buffer.push_str(part);
    }
}

#[cfg(test)]
mod tests;
