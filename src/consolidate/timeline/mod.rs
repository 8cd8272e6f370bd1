//! The timeline: each staged row becomes activities, campaign interactions and exactly one line of the ledger.
//!
//! Pure functions of one batch, so that batches may run in parallel and memory does not grow with them.

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
use crate::consolidate::{Departure, Departures, Directory, Options};
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
}

/// Converts staged rows into timeline rows.
#[derive(Clone, Copy)]
pub struct Timeline<'a> {
    /// Who is who.
    pub directory: &'a Directory,
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

pub(in crate::consolidate) struct RowsWriter<'a> {
    pub(in crate::consolidate) directory: &'a Directory,
    pub(in crate::consolidate) activities: activities::Builder,
    pub(in crate::consolidate) interactions: campaign_interactions::Builder,
    pub(in crate::consolidate) ledger: ledger::Builder,
    pub(in crate::consolidate) signals: Vec<Signal>,
    pub(in crate::consolidate) departures: Departures,
}

impl<'a> RowsWriter<'a> {
    pub(in crate::consolidate) fn new(directory: &'a Directory, rows: usize) -> Self {
        Self {
            directory,
            activities: activities::Builder::new(rows),
            interactions: campaign_interactions::Builder::new(0),
            ledger: ledger::Builder::new(rows),
            signals: Vec::new(),
            departures: Departures::default(),
        }
    }

    pub(in crate::consolidate) fn activity(&mut self, event: &Event<'_>) {
        let mut buffer = Uuid::encode_buffer();
        let customer_id = &*self.directory.id(event.profile).hyphenated().encode_lower(&mut buffer);
        let tenant_id = self.directory.tenant(event.profile);
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
    }

    pub(in crate::consolidate) fn finish(mut self) -> TimelineRows {
        TimelineRows {
            activities: self.activities.finish(),
            interactions: self.interactions.finish(),
            ledger: self.ledger.finish(),
            signals: self.signals,
            departures: self.departures,
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
