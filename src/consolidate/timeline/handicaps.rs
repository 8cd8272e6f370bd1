//! Handicap histories: the latest valid handicap of each member and, if configured, an activity for each row.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::Serialize;

use crate::consolidate::timeline::{Event, RowsWriter, Scratch, Timeline, TimelineRows, set};
use crate::model::{ActivityCategory, Day, Handicap, Outcome, RecordIx, RecordKey, SkipReason, Source, Timestamp, record_order};
use crate::tables::{Columns as _, stage::handicaps};

/// The latest valid handicap of each legacy member, gathered from the streamed history: not after as_of, the latest day, then the
/// highest id.
#[derive(Default)]
pub struct LatestHandicaps {
    latest: HashMap<RecordIx, HandicapAt, FixedState>,
}

#[derive(Serialize)]
struct HandicapMetadata {
    previous: Option<Handicap>,
    new: Handicap,
}

struct HandicapAt {
    on: Option<Day>,
    row_id: String,
    value: Handicap,
    at: Timestamp,
}

impl LatestHandicaps {
    /// Adds a batch; the order of rows and batches does not matter.
    pub fn note(&mut self, timeline: &Timeline<'_>, columns: &handicaps::Columns) {
        for row in columns.rows() {
            let (Some(value), Some(at)) = (row.handicap, row.effective_at) else { continue };
            let Some(record) = timeline.directory.record(Source::McaZa, row.source_id) else { continue };
            if at > timeline.options.as_of {
                continue;
            }
            let key = |id| RecordKey { source: Source::McaZa, id };
            let is_later = self.latest.get(&record).is_none_or(|known| {
                row.effective_on.cmp(&known.on).then_with(|| record_order(key(row.row_id), key(&known.row_id))).is_gt()
            });
            if is_later {
                self.latest.insert(record, HandicapAt { on: row.effective_on, row_id: row.row_id.to_owned(), value, at });
            }
        }
    }

    /// A member's latest valid handicap and the instant it is valid from.
    pub fn of(&self, record: RecordIx) -> Option<(Handicap, Timestamp)> {
        self.latest.get(&record).map(|latest| (latest.value, latest.at))
    }

    /// Converts a batch of the history into timeline rows. `before` is the member and handicap of the last row with one in the
    /// batch before.
    pub fn page(
        &self,
        timeline: &Timeline<'_>,
        columns: &handicaps::Columns,
        before: Option<&(String, Handicap)>,
        used: impl Fn(RecordIx) -> bool,
    ) -> TimelineRows {
        const ENTITY: &str = "handicaps";
        let mut page = RowsWriter::new(timeline.directory, columns.len());
        let mut scratch = Scratch::default();
        let mut previous: Option<(&str, Handicap)> = before.map(|(member, handicap)| (member.as_str(), *handicap));
        for handicap in columns.rows() {
            let former = previous.filter(|(member, _)| *member == handicap.source_id).map(|(_, value)| value);
            if let Some(value) = handicap.handicap {
                previous = Some((handicap.source_id, value));
            }
            let record = timeline.directory.record(Source::McaZa, handicap.source_id);
            let Some((record, profile)) = record.and_then(|record| Some((record, timeline.directory.profile_of(record)?))) else {
                page.settle(Source::McaZa, ENTITY, handicap.row_id, Err(SkipReason::Unresolved));
                continue;
            };
            let (Some(value), Some(occurred_at)) = (handicap.handicap, handicap.effective_at) else {
                let reason = if handicap.effective_at.is_none() { SkipReason::NoDate } else { SkipReason::NoTarget };
                page.settle(Source::McaZa, ENTITY, handicap.row_id, Err(reason));
                continue;
            };
            if occurred_at > timeline.options.as_of {
                page.settle(Source::McaZa, ENTITY, handicap.row_id, Err(SkipReason::OutOfWindow));
                continue;
            }
            if timeline.options.extra_handicap && timeline.options.has_timeline() {
                set(&mut scratch.source_id, &[ENTITY, ":", handicap.row_id]);
                set(&mut scratch.title, &["Handicap ", &value.to_string()]);
                let metadata = scratch.json.write(&HandicapMetadata { previous: former, new: value });
                page.activity(&Event {
                    profile,
                    activity_type: "HANDICAP_UPDATED",
                    category: ActivityCategory::Golf,
                    channel: None,
                    title: &scratch.title,
                    source: Source::McaZa,
                    source_id: &scratch.source_id,
                    club_id: None,
                    club_name: None,
                    occurred_at,
                    metadata: Some(metadata),
                });
                page.settle(Source::McaZa, ENTITY, handicap.row_id, Ok(()));
                continue;
            }
            let is_shown = self.latest.get(&record).is_some_and(|latest| latest.row_id == handicap.row_id) && used(record);
            if is_shown {
                page.outcome(Source::McaZa, ENTITY, handicap.row_id, Outcome::Merged, None);
            } else {
                page.settle(Source::McaZa, ENTITY, handicap.row_id, Err(SkipReason::Superseded));
            }
        }
        page.finish()
    }
}
