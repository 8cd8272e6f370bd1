//! The ledger of consent evidence and, if configured, logged changes as activities.

use crate::consolidate::consent::decide::EvidenceKind;
use crate::consolidate::consent::units::Units;
use crate::consolidate::timeline::{Event, Page, PageWriter, Scratch, Timeline, set};
use crate::model::{ActivityCategory, Channel, Code as _, RecordIx, SkipReason, Source, Timestamp};
use crate::tables::{Columns as _, stage::consents};

/// Processes staged consents in order. The rows of one preference for several channels are handled together.
pub struct ConsentLog<'a> {
    timeline: Timeline<'a>,
    units: &'a Units,
    is_deciding: &'a [bool],
    current: Option<Group>,
}

struct Group {
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
    /// Ready for the first batch. `is_deciding` says for each unit whether its row became the evidence of a CRM row.
    pub fn new(timeline: Timeline<'a>, units: &'a Units, is_deciding: &'a [bool]) -> Self {
        Self { timeline, units, is_deciding, current: None }
    }

    /// Processes a batch; the last group waits for the next one.
    pub fn push(&mut self, columns: &consents::Columns) -> Page {
        let mut page = PageWriter::new(self.timeline.roster, columns.len());
        let mut scratch = Scratch::default();
        for row in columns.rows() {
            let is_preference = row.entity == "preferences";
            if let Some(group) = &mut self.current
                && group.is_preference == is_preference
                && group.row_id == row.row_id
            {
                group.channels.extend(row.channel);
                continue;
            }
            let finished = self.current.replace(Group {
                contact: self.timeline.roster.record(Source::Messaging, row.source_id),
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
    pub fn finish(mut self) -> Page {
        let mut page = PageWriter::new(self.timeline.roster, 1);
        if let Some(group) = self.current.take() {
            self.settle(&group, &mut page, &mut Scratch::default());
        }
        page.finish()
    }

    fn settle(&self, group: &Group, page: &mut PageWriter<'_>, scratch: &mut Scratch) {
        let entity = if group.is_preference { "preferences" } else { "consent_changes" };
        let is_activity = page_activity(self, group, page, scratch);
        page.settle(Source::Messaging, entity, &group.row_id, self.outcome(group, is_activity));
    }

    fn outcome(&self, group: &Group, is_activity: bool) -> Result<(), SkipReason> {
        let contact = group.contact.ok_or(SkipReason::Unresolved)?;
        if self.timeline.roster.profile_of(contact).is_none() {
            let (columns, row) = self.timeline.roster.at(contact);
            let is_deleted = columns.deleted_at(row).is_some();
            return Err(if is_deleted { SkipReason::Deleted } else { SkipReason::Unresolved });
        }
        let kind = if group.is_preference { EvidenceKind::Preference } else { EvidenceKind::Log };
        let is_evidence = self.units.of(contact).any(|position| {
            let unit = &self.units.all()[position];
            self.is_deciding[position] && unit.kind == Some(kind) && self.units.row_id(unit) == group.row_id
        });
        match (is_activity || is_evidence, group.channels.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(SkipReason::NoTarget),
            (false, false) => Err(SkipReason::Superseded),
        }
    }
}

/// Writes the activity of a logged change, if configured; returns whether it did.
fn page_activity(log: &ConsentLog<'_>, group: &Group, page: &mut PageWriter<'_>, scratch: &mut Scratch) -> bool {
    let options = log.timeline.options;
    if !options.extra_consent || !options.has_timeline() || group.is_preference {
        return false;
    }
    let Some(profile) = group.contact.and_then(|contact| log.timeline.roster.profile_of(contact)) else { return false };
    // A row for several channels is one action, with the raw name of the channel and no single channel.
    let channel = match group.channels.as_slice() {
        [channel] => Some(channel.code()),
        _ => None,
    };
    let (activity_type, verb) = if group.is_grant { ("CONSENT_OPTED_IN", "given") } else { ("CONSENT_OPTED_OUT", "withdrawn") };
    set(&mut scratch.title, &[channel.unwrap_or(&group.channel_raw), " consent ", verb]);
    set(&mut scratch.source_id, &["consent_changes:", &group.row_id]);
    let metadata = scratch.json.begin().text("source", group.origin.as_deref()).text("scope", Some(&group.scope)).end();
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
