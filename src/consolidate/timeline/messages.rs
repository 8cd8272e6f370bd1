//! Messages and campaign interactions.

use serde::Serialize;

use crate::consolidate::PeopleOfRows;
use crate::consolidate::consent::contact_points::Address;
use crate::consolidate::timeline::{Complaint, Event, EventTimeline, RowsWriter, Scratch, Signal, TimelineRows};
use crate::model::reference::ChannelWord;
use crate::model::text::FoldedCode;
use crate::model::{
    ActivityCategory, ActivityChannel, Code as _, MessageKind, Outcome, RecordIx, SkipReason, Source, Uuid, derived_id,
};
use crate::tables::{Columns as _, crm::campaign_interactions, stage::messages};

const ENTITY: &str = "messages";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageMetadata<'a> {
    template_id: Option<&'a str>,
    template_name: Option<&'a str>,
    campaign_id: Option<&'a str>,
}

impl<P: PeopleOfRows> EventTimeline<'_, P> {
    /// A batch of messages (activities from phase 5, bounces from phase 4 on).
    pub fn messages(&self, columns: &messages::Columns) -> TimelineRows {
        let mut page = RowsWriter::new(self.people, columns.len());
        let mut scratch = Scratch::default();
        for (row, message) in columns.rows().enumerate() {
            let contact = self.people.record_of(row, Source::Messaging, message.source_id);
            signal(&message, contact, &mut page);
            match self.place_message(&message, contact) {
                Err(reason) => page.outcome(Source::Messaging, ENTITY, message.row_id, Outcome::Skipped, Some(reason)),
                Ok(event) => {
                    let words = [message.channel_raw, "message", message.status_raw];
                    let last = words.len() - 1;
                    scratch.title.clear();
                    for (index, word) in words.into_iter().enumerate().filter(|(_, word)| !word.is_empty()) {
                        if !scratch.title.is_empty() {
                            scratch.title.push(' ');
                        }
                        match index {
                            _ if index == last => scratch.title.extend(word.chars().flat_map(char::to_lowercase)),
                            _ => scratch.title.push_str(word),
                        }
                    }
                    let metadata = scratch.json.write(&MessageMetadata {
                        template_id: message.template_id,
                        template_name: message.template_name,
                        campaign_id: message.campaign_id,
                    });
                    page.activity(&Event { title: &scratch.title, metadata: Some(metadata), ..event });
                    page.interaction(&message, &event);
                    page.outcome(Source::Messaging, ENTITY, message.row_id, Outcome::Loaded, None);
                }
            }
        }
        page.finish()
    }

    fn place_message<'b>(&self, message: &messages::Row<'b>, contact: Option<RecordIx>) -> Result<Event<'b>, SkipReason> {
        if !self.options.has_timeline() {
            return Err(SkipReason::LaterPhase);
        }
        let occurred_at = message.created_at.ok_or(SkipReason::NoDate)?;
        if occurred_at < self.options.lookback_from {
            return Err(SkipReason::OutOfWindow);
        }
        let profile = contact.and_then(|contact| self.people.profile_of(contact)).ok_or(SkipReason::Unresolved)?;
        Ok(Event {
            profile,
            activity_type: message.kind.code(),
            category: ActivityCategory::Communication,
            channel: message.channel.map(ActivityChannel::code),
            title: "",
            source: Source::Messaging,
            source_id: message.row_id,
            club_id: None,
            club_name: None,
            occurred_at,
            metadata: None,
        })
    }
}

/// The delivery status of a message for its contact point.
fn signal<P>(message: &messages::Row<'_>, contact: Option<RecordIx>, page: &mut RowsWriter<'_, P>) {
    if message.kind == MessageKind::Complained {
        complained(message, contact, page);
        return;
    }
    let address = match message.channel {
        Some(ActivityChannel::Email) => Address::Email,
        Some(ActivityChannel::Sms | ActivityChannel::Whatsapp) => Address::Phone,
        _ => return,
    };
    let (Some(at), Some(contact)) = (message.created_at, contact) else { return };
    match message.kind {
        MessageKind::Bounced => page.signals.push(Signal::Bounced(contact, address, at, is_hard(message.status_raw))),
        MessageKind::Delivered | MessageKind::Opened | MessageKind::Clicked => {
            page.signals.push(Signal::Reached(contact, address, at));
        }
        _ => {}
    }
}

/// Records a spam complaint. One without a date withdraws, too; one on an unknown channel withdraws on all channels.
fn complained<P>(message: &messages::Row<'_>, contact: Option<RecordIx>, page: &mut RowsWriter<'_, P>) {
    let channels = message.channel.map_or(ChannelWord::All, ChannelWord::One).consent();
    let Some(contact) = contact else {
        if !channels.is_empty() {
            page.signals.push(Signal::UnknownComplained(message.row_id.to_owned()));
        }
        return;
    };
    for &channel in channels {
        let complaint = Complaint { contact, channel, at: message.created_at, row_id: message.row_id.to_owned() };
        page.signals.push(Signal::Complained(complaint));
    }
}

/// Whether a bounce is hard: every bounce except those whose status says soft.
fn is_hard(status: &str) -> bool {
    !FoldedCode::of(status).as_str().contains("soft")
}

impl<P: PeopleOfRows> RowsWriter<'_, P> {
    fn interaction(&mut self, message: &messages::Row<'_>, event: &Event<'_>) {
        let Some(campaign_id) = message.campaign_id else { return };
        let interaction_type = match message.kind {
            MessageKind::Sent => "SENT",
            MessageKind::Delivered => "DELIVERED",
            MessageKind::Opened => "OPENED",
            MessageKind::Clicked => "CLICKED",
            MessageKind::Bounced => "BOUNCED",
            MessageKind::Unsubscribed => "UNSUBSCRIBED",
            MessageKind::Queued | MessageKind::Received | MessageKind::Failed | MessageKind::Complained => return,
        };
        let id = derived_id("interaction", &[message.row_id, interaction_type]);
        let mut buffer = Uuid::encode_buffer();
        self.interactions.push(campaign_interactions::Row {
            id: id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
            tenant_id: self.people.tenant(event.profile),
            campaign_id,
            customer_id: self.people.id(event.profile).hyphenated().encode_lower(&mut buffer),
            channel: event.channel,
            interaction_type,
            message_id: message.row_id,
            occurred_at: event.occurred_at,
        });
    }
}
