//! The ledger of consent evidence and, if configured, logged changes as activities.

use serde::Serialize;

use crate::consolidate::bits::Bits;
use crate::consolidate::timeline::{Event, RowsWriter, Scratch, Timeline, TimelineRows, set};
use crate::model::{ActivityCategory, Channel, Code as _, RecordIx, SkipReason, Source, Timestamp};
use crate::tables::{Columns as _, stage::consents};

/// Processes staged consents in order. The rows of one preference for several channels are handled together.
pub struct ConsentLog<'a> {
    timeline: Timeline<'a>,
    /// Positions of the staged consents that became the evidence of a CRM row.
    deciding: &'a Bits,
    /// Records that were deleted in their source.
    deleted: &'a Bits,
    next: usize,
    current: Option<Group>,
}

struct Group {
    is_evidence: bool,
    contact: Option<RecordIx>,
    is_preference: bool,
    row_id: String,
    channels: Vec<Channel>,
    channel_raw: String,
    scope: String,
    is_grant: bool,
    at: Timestamp,
    origin: Option<String>,
}

impl<'a> ConsentLog<'a> {
    /// Ready for the first batch; `deciding` tells by place which staged consents became the evidence of a CRM row, `deleted` which
    /// records were deleted in their source.
    pub fn new(timeline: Timeline<'a>, deciding: &'a Bits, deleted: &'a Bits) -> Self {
        Self { timeline, deciding, deleted, next: 0, current: None }
    }

    /// Processes a batch; the last group waits for the next one.
    pub fn push(&mut self, columns: &consents::Columns) -> TimelineRows {
        let mut page = RowsWriter::new(self.timeline.directory, columns.len());
        let mut scratch = Scratch::default();
        for row in columns.rows() {
            let is_preference = row.entity == "preferences";
            let is_evidence = self.deciding.has(self.next);
            self.next += 1;
            if let Some(group) = &mut self.current
                && group.is_preference == is_preference
                && group.row_id == row.row_id
            {
                group.channels.extend(row.channel);
                group.is_evidence |= is_evidence;
                continue;
            }
            let finished = self.current.replace(Group {
                is_evidence,
                contact: self.timeline.directory.record(Source::Messaging, row.source_id),
                is_preference,
                row_id: row.row_id.to_owned(),
                channels: row.channel.into_iter().collect(),
                channel_raw: row.channel_raw.to_owned(),
                scope: row.scope.to_owned(),
                is_grant: row.is_grant,
                at: row.at,
                origin: row.origin.map(str::to_owned),
            });
            if let Some(group) = finished {
                self.settle(&group, &mut page, &mut scratch);
            }
        }
        page.finish()
    }

    /// The last group.
    pub fn finish(mut self) -> TimelineRows {
        let mut page = RowsWriter::new(self.timeline.directory, 1);
        if let Some(group) = self.current.take() {
            self.settle(&group, &mut page, &mut Scratch::default());
        }
        page.finish()
    }

    fn settle(&self, group: &Group, page: &mut RowsWriter<'_>, scratch: &mut Scratch) {
        let entity = if group.is_preference { "preferences" } else { "consent_changes" };
        let is_activity = page_activity(self, group, page, scratch);
        page.settle(Source::Messaging, entity, &group.row_id, self.outcome(group, is_activity));
    }

    fn outcome(&self, group: &Group, is_activity: bool) -> Result<(), SkipReason> {
        let contact = group.contact.ok_or(SkipReason::Unresolved)?;
        if self.timeline.directory.profile_of(contact).is_none() {
            let is_deleted = self.deleted.has(contact.index());
            return Err(if is_deleted { SkipReason::Deleted } else { SkipReason::Unresolved });
        }
        match (is_activity || group.is_evidence, group.channels.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(SkipReason::NoTarget),
            (false, false) => Err(SkipReason::Superseded),
        }
    }
}

#[derive(Serialize)]
struct ConsentMetadata<'a> {
    source: Option<&'a str>,
    scope: &'a str,
}

/// Writes the activity of a logged change, if configured; returns whether it did.
fn page_activity(log: &ConsentLog<'_>, group: &Group, page: &mut RowsWriter<'_>, scratch: &mut Scratch) -> bool {
    let options = log.timeline.options;
    if !options.extra_consent || !options.has_timeline() || group.is_preference {
        return false;
    }
    let Some(profile) = group.contact.and_then(|contact| log.timeline.directory.profile_of(contact)) else { return false };
    // A row for several channels is one action, with the raw name of the channel and no single channel.
    let channel = match group.channels.as_slice() {
        [channel] => Some(channel.code()),
        _ => None,
    };
    let (activity_type, verb) = if group.is_grant { ("CONSENT_OPTED_IN", "given") } else { ("CONSENT_OPTED_OUT", "withdrawn") };
    set(&mut scratch.title, &[channel.unwrap_or(&group.channel_raw), " consent ", verb]);
    set(&mut scratch.source_id, &["consent_changes:", &group.row_id]);
    let metadata = scratch.json.write(&ConsentMetadata { source: group.origin.as_deref(), scope: &group.scope });
    page.activity(&Event {
        profile,
        activity_type,
        category: ActivityCategory::Consent,
        channel,
        title: &scratch.title,
        source: Source::Messaging,
        source_id: &scratch.source_id,
        club_id: None,
        club_name: None,
        occurred_at: group.at,
        metadata: Some(metadata),
    });
    true
}
