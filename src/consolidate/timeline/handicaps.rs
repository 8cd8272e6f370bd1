//! Handicap histories: which row the member's handicap comes from, and, when asked for, an activity for each.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::profile::record_index::Record;
use crate::consolidate::timeline::{Event, Page, PageWriter, Scratch, Timeline, set};
use crate::model::{ActivityCategory, Day, Handicap, Outcome, SkipReason, Source};
use crate::tables::{Columns as _, stage::handicaps};

/// A member's latest handicap row and the one before each batch, gathered while the history streams by.
#[derive(Default)]
pub struct HandicapHistory {
    latest: HashMap<Record, (Option<Day>, u64), FixedState>,
    rows: u64,
}

impl HandicapHistory {
    /// Takes note of a batch, in staged order (member, day, row).
    pub fn note(&mut self, timeline: &Timeline<'_>, columns: &handicaps::Columns) {
        for handicap in columns.rows() {
            let position = self.rows;
            self.rows += 1;
            let is_valid = handicap.handicap.is_some()
                && handicap.effective_at.is_some_and(|effective_at| effective_at <= timeline.options.as_of);
            if let Some(record) = timeline.roster.record(Source::McaZa, handicap.source_id)
                && is_valid
            {
                let latest = self.latest.entry(record).or_insert((handicap.effective_on, position));
                if handicap.effective_on >= latest.0 {
                    *latest = (handicap.effective_on, position);
                }
            }
        }
    }

    /// Turns a batch, the `first`-th row of the history being its first, into its page. `before` is the member and handicap of
    /// the last row of the batch before it that had one.
    pub fn page(
        &self,
        timeline: &Timeline<'_>,
        columns: &handicaps::Columns,
        first: u64,
        before: Option<&(String, Handicap)>,
        used: impl Fn(Record) -> bool,
    ) -> Page {
        const ENTITY: &str = "handicaps";
        let mut page = PageWriter::new(timeline.roster, columns.len());
        let mut scratch = Scratch::default();
        let mut previous: Option<(&str, Handicap)> = before.map(|(member, handicap)| (member.as_str(), *handicap));
        for (position, handicap) in (first..).zip(columns.rows()) {
            let former = previous.filter(|(member, _)| *member == handicap.source_id).map(|(_, value)| value);
            if let Some(value) = handicap.handicap {
                previous = Some((handicap.source_id, value));
            }
            let record = timeline.roster.record(Source::McaZa, handicap.source_id);
            let Some((record, profile)) = record.and_then(|record| Some((record, timeline.roster.profile_of(record)?))) else {
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
                let metadata = scratch.json.begin().number("previous", former).number("new", Some(value)).end();
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
            let is_shown = self.latest.get(&record).is_some_and(|latest| latest.1 == position) && used(record);
            if is_shown {
                page.outcome(Source::McaZa, ENTITY, handicap.row_id, Outcome::Merged, None);
            } else {
                page.settle(Source::McaZa, ENTITY, handicap.row_id, Err(SkipReason::Superseded));
            }
        }
        page.finish()
    }
}
