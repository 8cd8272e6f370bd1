//! Messaging contacts, evidence of consent, and messages.

use crate::model::date::DateKind;
use crate::model::reference::ChannelWord;
use crate::model::{Channel, MessageKind, Reason, Source, TenantRule, Timestamp};
use crate::sources::messaging::{consent_changes, contacts, messages, preferences};
use crate::sources::staging::{Cell, Desk, Disposition, Entity, Founding, PersonCells, act, row_id, stage_person};
use crate::tables::stage::{self, consents, people};

impl Entity for contacts::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "contacts";
    const DATES: &'static [(&'static str, DateKind)] =
        &[("created_at", DateKind::Time), ("updated_at", DateKind::Time), ("deleted_at", DateKind::Time)];

    fn id<'a>(row: &contacts::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &contacts::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let id = desk.id("id", row.id);
        let mut buffer = String::new();
        let auth_user_id = desk.subject("auth_user_id", row.auth_user_id, &mut buffer);
        let cells = PersonCells {
            tenancy: desk.rules.tenancy(Source::Messaging, row.tenant_id, TenantRule::Row),
            founding: Founding::Contact,
            email: Cell::of("email", row.email),
            phone: Cell::of("phone_number", row.phone_number),
            first: Cell::none(),
            last: Cell::none(),
            gender: Cell::none(),
            born: Cell::none(),
            handicap: Cell::none(),
            golf_rsa_id: Cell::none(),
            cdh_id: Cell::none(),
            created_on: None,
            club: None,
        };
        let staged = people::Row {
            auth_user_id,
            email_opt_in: desk.consent_flag("email_opt_in", row.email_opt_in),
            sms_opt_in: desk.consent_flag("sms_opt_in", row.sms_opt_in),
            created_at: desk.utc("created_at", row.created_at),
            updated_at: desk.utc("updated_at", row.updated_at),
            deleted_at: desk.deleted("deleted_at", row.deleted_at),
            ..people::Row::blank(&id)
        };
        stage_person(desk, cells, staged);
        Disposition::Staged
    }
}

/// One statement about consent, of a preference or of the log.
struct Evidence<'a> {
    contact: &'a str,
    entity: &'static str,
    row_id: &'a str,
    channel: Option<&'a str>,
    scope: Option<&'a str>,
    is_grant: bool,
    origin: Option<&'a str>,
    at: (&'static str, Option<&'a str>),
    changed_at: Option<(&'static str, Option<&'a str>)>,
}

impl Entity for preferences::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "preferences";
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time), ("updated_at", DateKind::Time)];

    fn id<'a>(row: &preferences::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &preferences::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let (id, contact_id) = (desk.id("id", row.id), desk.id("contact_id", row.contact_id));
        let (created, updated) = (("created_at", row.created_at), ("updated_at", row.updated_at));
        let is_grant = desk.consent("opted_in", row.opted_in);
        let evidence = Evidence {
            contact: &contact_id,
            entity: Self::ENTITY,
            row_id: &id,
            channel: row.channel,
            scope: row.scope,
            is_grant,
            origin: None,
            at: if is_grant { created } else { updated },
            changed_at: Some(updated),
        };
        stage_evidence(desk, &evidence)
    }
}

impl Entity for consent_changes::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "consent_changes";
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time)];

    fn id<'a>(row: &consent_changes::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &consent_changes::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let (id, contact_id) = (desk.id("id", row.id), desk.id("contact_id", row.contact_id));
        let evidence = Evidence {
            contact: &contact_id,
            entity: Self::ENTITY,
            row_id: &id,
            channel: row.channel,
            scope: row.scope,
            is_grant: desk.consent("consent_after", row.consent_after),
            origin: row.source,
            at: ("created_at", row.created_at),
            changed_at: None,
        };
        stage_evidence(desk, &evidence)
    }
}

/// One staged row per channel the statement speaks of. A refusal whose channel nobody knows refuses all four; such a grant is left
/// out, since nobody knows what was granted.
fn stage_evidence(desk: &mut Desk<'_>, evidence: &Evidence<'_>) -> Disposition {
    const CHANNEL: &str = "channel";
    let is_grant = evidence.is_grant;
    let raw = evidence.channel.unwrap_or_default();
    let word = match desk.rules.reference.channels.get(raw) {
        Some(word) => *word,
        None if is_grant => {
            desk.tally.note_code(CHANNEL, Reason::ChannelUnmapped, raw);
            return Disposition::RejectedCode(Reason::ChannelUnmapped);
        }
        None => {
            desk.tally.note_code(CHANNEL, Reason::RefusalUnmapped, raw);
            ChannelWord::All
        }
    };
    let mut buffers: [String; 2] = Default::default();
    let [channel_buffer, scope_buffer] = &mut buffers;
    let channel_raw = desk.label(CHANNEL, evidence.channel, channel_buffer).unwrap_or_default();
    let scope = scope(desk, evidence.scope, scope_buffer);
    let (at, is_undated) = dated(desk, evidence.at);
    let changed_at =
        evidence.changed_at.filter(|changed| changed.0 != evidence.at.0).map_or(at, |changed| dated(desk, changed).0);
    let origin = evidence.origin.map(act).filter(|origin| !origin.is_empty());
    let is_act = origin.as_deref().is_some_and(|origin| desk.rules.is_act(origin));
    let row = consents::Row {
        source_id: evidence.contact,
        entity: evidence.entity,
        row_id: evidence.row_id,
        channel: None,
        scope: &scope,
        is_grant,
        is_act,
        at,
        changed_at,
        is_undated,
        origin: origin.as_deref(),
        channel_raw,
    };
    let channels: &[Channel] = word.consent();
    if channels.is_empty() {
        desk.tally.note_code(CHANNEL, Reason::ConsentNoTarget, raw);
        desk.staged.consent(row);
    }
    for channel in channels {
        desk.staged.consent(consents::Row { channel: Some(*channel), ..row });
    }
    Disposition::Staged
}

/// The scope in its one spelling: `all` when blank; unknown ones in lower case.
fn scope(desk: &mut Desk<'_>, raw: Option<&str>, buffer: &mut String) -> String {
    const SCOPE: &str = "scope";
    let Some(text) = desk.label(SCOPE, raw, buffer) else { return "all".to_owned() };
    desk.rules.reference.scopes.get(text).cloned().unwrap_or_else(|| {
        desk.tally.note_code(SCOPE, Reason::ScopeVerbatim, text);
        text.to_lowercase()
    })
}

/// The time of evidence, and whether it has none: nothing counts as later than as_of, and what has no date counts as of then.
fn dated(desk: &mut Desk<'_>, (column, raw): (&'static str, Option<&str>)) -> (Timestamp, bool) {
    let as_of = desk.rules.as_of;
    match desk.utc(column, raw) {
        None => {
            desk.tally.note(column, Reason::ConsentUndated);
            (as_of, true)
        }
        Some(at) if at > as_of => {
            desk.tally.note(column, Reason::ConsentFuture);
            (as_of, false)
        }
        Some(at) => (at, false),
    }
}

impl Entity for messages::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "messages";
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time)];

    fn id<'a>(row: &messages::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &messages::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        const STATUS: &str = "status";
        const CHANNEL: &str = "channel";
        let status = row.status.unwrap_or_default();
        let kind = desk.rules.reference.messages.get(status).copied().unwrap_or_else(|| {
            desk.tally.note_code(STATUS, Reason::MessageStatusUnmapped, status);
            MessageKind::Sent
        });
        let word = row.channel.unwrap_or_default();
        let channel = match desk.rules.reference.channels.get(word) {
            Some(ChannelWord::One(channel)) => Some(*channel),
            Some(ChannelWord::All) | None => {
                desk.tally.note_code(CHANNEL, Reason::MessageChannelUnmapped, word);
                None
            }
        };
        let mut buffers: [String; 3] = Default::default();
        let [status_buffer, channel_buffer, template_buffer] = &mut buffers;
        let (id, contact_id) = (desk.id("id", row.id), desk.id("contact_id", row.contact_id));
        let template_id = row.template_id.map(|id| desk.id("template_id", id));
        let campaign_id = row.campaign_id.map(|id| desk.id("campaign_id", id));
        let staged = stage::messages::Row {
            row_id: &id,
            source_id: &contact_id,
            kind,
            status_raw: desk.label(STATUS, row.status, status_buffer).unwrap_or_default(),
            channel,
            channel_raw: desk.label(CHANNEL, row.channel, channel_buffer).unwrap_or_default(),
            template_id: template_id.as_deref(),
            template_name: desk.label("template_name", row.template_name, template_buffer),
            campaign_id: campaign_id.as_deref(),
            created_at: desk.utc("created_at", row.created_at),
        };
        desk.staged.message(staged);
        Disposition::Staged
    }
}

#[cfg(test)]
mod tests;
