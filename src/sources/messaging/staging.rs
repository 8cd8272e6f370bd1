//! Staging of Messaging contacts, evidence of consent, and messages.

use crate::model::date::DateKind;
use crate::model::reference::ChannelWord;
use crate::model::text::{is_missing_word, whole};
use crate::model::{Channel, MessageKind, Reason, ReviewVerdict, Source, TenantRule, Timestamp};
use crate::sources::messaging::{consent_changes, contacts, messages, preferences};
use crate::sources::staging::{
    Disposition, Entity, FirstPass, Founding, NamedCell, PersonCells, Rules, StagingContext, Withheld, act, row_id, stage_person,
};
use crate::tables::stage::{self, consents, people};

impl Entity for contacts::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "contacts";
    const NEEDS_FIRST_PASS: bool = true;
    const DATES: &'static [(&'static str, DateKind)] =
        &[("created_at", DateKind::Time), ("updated_at", DateKind::Time), ("deleted_at", DateKind::Time)];

    fn id<'a>(row: &contacts::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn first_pass(columns: &contacts::Columns, rules: &Rules, first_pass: &mut FirstPass) {
        let mut buffer = String::new();
        for row in columns.rows() {
            let refuses =
                |flag: Option<&str>| flag.is_some_and(|word| !is_missing_word(word) && rules.consent(word) != Some(true));
            let withheld = Withheld {
                is_deleted: row.deleted_at.is_some_and(|at| !is_missing_word(at)),
                refuses_email: refuses(row.email_opt_in),
                refuses_sms: refuses(row.sms_opt_in),
            };
            buffer.clear();
            first_pass.see_withheld(row_id(row.id, &mut buffer), withheld);
        }
    }

    fn stage(row: &contacts::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let id = context.id("id", row.id);
        let mut buffer = String::new();
        let auth_user_id = context.subject("auth_user_id", row.auth_user_id, &mut buffer);
        let cells = PersonCells {
            tenancy: context.rules.tenancy(Source::Messaging, row.tenant_id, TenantRule::Row),
            founding: Founding::Contact,
            email: NamedCell::of("email", row.email),
            phone: NamedCell::of("phone_number", row.phone_number),
            first: NamedCell::none(),
            last: NamedCell::none(),
            gender: NamedCell::none(),
            born: NamedCell::none(),
            handicap: NamedCell::none(),
            golf_rsa_id: NamedCell::none(),
            cdh_id: NamedCell::none(),
            created_on: None,
            club: None,
        };
        let mut staged = people::Row {
            auth_user_id,
            email_opt_in: context.consent_flag("email_opt_in", row.email_opt_in),
            sms_opt_in: context.consent_flag("sms_opt_in", row.sms_opt_in),
            created_at: context.utc("created_at", row.created_at),
            updated_at: context.utc("updated_at", row.updated_at),
            deleted_at: context.deleted("deleted_at", row.deleted_at),
            ..people::Row::blank(&id)
        };
        withhold(context, row, &mut staged);
        stage_person(context, cells, staged);
        Disposition::Staged
    }
}

/// Adds what a later row of the same id takes back. A cell that this row has and a person decided stays as decided.
fn withhold(context: &mut StagingContext<'_>, row: &contacts::Row<'_>, staged: &mut people::Row<'_>) {
    let later = context.first_pass.withheld(staged.source_id);
    let says = |flag: Option<&str>| {
        flag.is_some_and(|word| context.rules.consent(word) == Some(true)) || flag.is_none_or(is_missing_word)
    };
    let refuses_email = later.refuses_email && staged.email_opt_in != Some(false) && says(row.email_opt_in);
    let refuses_sms = later.refuses_sms && staged.sms_opt_in != Some(false) && says(row.sms_opt_in);
    let is_deleted = later.is_deleted
        && staged.deleted_at.is_none()
        && context.verdict("deleted_at") != Some(ReviewVerdict::NotDeleted)
        && row.deleted_at.is_none_or(is_missing_word);
    if refuses_email {
        staged.email_opt_in = Some(false);
        context.tally.note("email_opt_in", Reason::ConsentRepeated);
    }
    if refuses_sms {
        staged.sms_opt_in = Some(false);
        context.tally.note("sms_opt_in", Reason::ConsentRepeated);
    }
    if is_deleted {
        staged.deleted_at = Some(context.rules.as_of);
        context.tally.note("deleted_at", Reason::ConsentRepeated);
    }
}

/// One statement about consent, of a preference or of the log.
struct StagedEvidence<'a> {
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

    fn stage(row: &preferences::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        stage_preference(row, &context.id("id", row.id), context)
    }

    fn stage_repeated(row: &preferences::Row<'_>, line: i64, context: &mut StagingContext<'_>) -> Disposition {
        repeated(row.opted_in, "opted_in", row.id, line, context, |id, context| stage_preference(row, id, context))
    }
}

fn stage_preference(row: &preferences::Row<'_>, id: &str, context: &mut StagingContext<'_>) -> Disposition {
    let contact_id = context.id("contact_id", row.contact_id);
    let (created, updated) = (("created_at", row.created_at), ("updated_at", row.updated_at));
    let is_grant = context.consent("opted_in", row.opted_in);
    let evidence = StagedEvidence {
        contact: &contact_id,
        entity: <preferences::Table as Entity>::ENTITY,
        row_id: id,
        channel: row.channel,
        scope: row.scope,
        is_grant,
        origin: None,
        at: if is_grant { created } else { updated },
        changed_at: Some(updated),
    };
    stage_evidence(context, &evidence)
}

/// A row of evidence whose id came before: left out where it consents; where it does not it counts under its id and line.
fn repeated(
    word: Option<&str>,
    column: &'static str,
    id: &str,
    line: i64,
    context: &mut StagingContext<'_>,
    stage: impl FnOnce(&str, &mut StagingContext<'_>) -> Disposition,
) -> Disposition {
    if word.is_some_and(|word| context.rules.consent(word) == Some(true)) {
        return Disposition::Rejected(Reason::DupSourceId);
    }
    context.tally.note(column, Reason::ConsentRepeated);
    stage(&format!("{}#{line}", whole(id)), context)
}

impl Entity for consent_changes::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "consent_changes";
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time)];

    fn id<'a>(row: &consent_changes::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &consent_changes::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        stage_change(row, &context.id("id", row.id), context)
    }

    fn stage_repeated(row: &consent_changes::Row<'_>, line: i64, context: &mut StagingContext<'_>) -> Disposition {
        repeated(row.consent_after, "consent_after", row.id, line, context, |id, context| stage_change(row, id, context))
    }
}

fn stage_change(row: &consent_changes::Row<'_>, id: &str, context: &mut StagingContext<'_>) -> Disposition {
    let contact_id = context.id("contact_id", row.contact_id);
    let evidence = StagedEvidence {
        contact: &contact_id,
        entity: <consent_changes::Table as Entity>::ENTITY,
        row_id: id,
        channel: row.channel,
        scope: row.scope,
        is_grant: context.consent("consent_after", row.consent_after),
        origin: row.source,
        at: ("created_at", row.created_at),
        changed_at: None,
    };
    stage_evidence(context, &evidence)
}

/// Stages one row per channel of the statement. An opt-out on an unknown channel applies to all four; an opt-in on an unknown
/// channel is rejected, because it is not known what was granted.
fn stage_evidence(context: &mut StagingContext<'_>, evidence: &StagedEvidence<'_>) -> Disposition {
    const CHANNEL: &str = "channel";
    let is_grant = evidence.is_grant;
    let raw = evidence.channel.unwrap_or_default();
    let word = match context.rules.reference.channels.get(raw) {
        Some(word) => *word,
        None if is_grant => {
            context.tally.note_code(CHANNEL, Reason::ChannelUnmapped, raw);
            return Disposition::RejectedCode(Reason::ChannelUnmapped);
        }
        None => {
            context.tally.note_code(CHANNEL, Reason::RefusalUnmapped, raw);
            ChannelWord::All
        }
    };
    let mut buffers: [String; 2] = Default::default();
    let [channel_buffer, scope_buffer] = &mut buffers;
    let channel_raw = context.label(CHANNEL, evidence.channel, channel_buffer).unwrap_or_default();
    let scope = scope(context, evidence.scope, scope_buffer);
    let (at, dating) = dated(context, evidence.at);
    let changed_at =
        evidence.changed_at.filter(|changed| changed.0 != evidence.at.0).map_or(at, |changed| dated(context, changed).0);
    let origin = evidence.origin.map(act).filter(|origin| !origin.is_empty());
    // What is dated after as_of does not prove that the person acted after a withdrawal.
    let is_act = dating != Dating::Future && origin.as_deref().is_some_and(|origin| context.rules.is_act(origin));
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
        is_undated: dating == Dating::Missing,
        origin: origin.as_deref(),
        channel_raw,
    };
    let channels: &[Channel] = word.consent();
    if channels.is_empty() {
        context.tally.note_code(CHANNEL, Reason::ConsentNoTarget, raw);
        context.staged.consent(row);
    }
    for channel in channels {
        context.staged.consent(consents::Row { channel: Some(*channel), ..row });
    }
    Disposition::Staged
}

/// The scope in its one spelling: `all` when blank; unknown ones in lower case.
fn scope(context: &mut StagingContext<'_>, raw: Option<&str>, buffer: &mut String) -> String {
    const SCOPE: &str = "scope";
    let Some(text) = context.label(SCOPE, raw, buffer) else { return "all".to_owned() };
    context.rules.reference.scopes.get(text).cloned().unwrap_or_else(|| {
        context.tally.note_code(SCOPE, Reason::ScopeVerbatim, text);
        text.to_lowercase()
    })
}

/// How a statement is dated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dating {
    Stated,
    /// After as_of: a wrong clock, or a typing error.
    Future,
    Missing,
}

/// The time of the evidence. A later time counts as as_of, a missing one too.
fn dated(context: &mut StagingContext<'_>, (column, raw): (&'static str, Option<&str>)) -> (Timestamp, Dating) {
    let as_of = context.rules.as_of;
    match context.utc(column, raw) {
        None => {
            context.tally.note(column, Reason::ConsentUndated);
            (as_of, Dating::Missing)
        }
        Some(at) if at > as_of => {
            context.tally.note(column, Reason::ConsentFuture);
            (as_of, Dating::Future)
        }
        Some(at) => (at, Dating::Stated),
    }
}

impl Entity for messages::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "messages";
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time)];

    fn id<'a>(row: &messages::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &messages::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        stage_message(row, &context.id("id", row.id), context)
    }

    fn stage_repeated(row: &messages::Row<'_>, line: i64, context: &mut StagingContext<'_>) -> Disposition {
        let kind = context.rules.reference.messages.get(row.status.unwrap_or_default());
        if kind != Some(&MessageKind::Complained) {
            return Disposition::Rejected(Reason::DupSourceId);
        }
        context.tally.note("status", Reason::ConsentRepeated);
        stage_message(row, &format!("{}#{line}", whole(row.id)), context)
    }
}

fn stage_message(row: &messages::Row<'_>, id: &str, context: &mut StagingContext<'_>) -> Disposition {
    const STATUS: &str = "status";
    const CHANNEL: &str = "channel";
    let status = row.status.unwrap_or_default();
    let kind = context.rules.reference.messages.get(status).copied().unwrap_or_else(|| {
        context.tally.note_code(STATUS, Reason::MessageStatusUnmapped, status);
        MessageKind::Sent
    });
    let word = row.channel.unwrap_or_default();
    let channel = match context.rules.reference.channels.get(word) {
        Some(ChannelWord::One(channel)) => Some(*channel),
        Some(ChannelWord::All) | None => {
            context.tally.note_code(CHANNEL, Reason::MessageChannelUnmapped, word);
            None
        }
    };
    let mut buffers: [String; 3] = Default::default();
    let [status_buffer, channel_buffer, template_buffer] = &mut buffers;
    let contact_id = context.id("contact_id", row.contact_id);
    let template_id = row.template_id.map(|id| context.id("template_id", id));
    let campaign_id = row.campaign_id.map(|id| context.id("campaign_id", id));
    let staged = stage::messages::Row {
        row_id: id,
        source_id: &contact_id,
        kind,
        status_raw: context.label(STATUS, row.status, status_buffer).unwrap_or_default(),
        channel,
        channel_raw: context.label(CHANNEL, row.channel, channel_buffer).unwrap_or_default(),
        template_id: template_id.as_deref(),
        template_name: context.label("template_name", row.template_name, template_buffer),
        campaign_id: campaign_id.as_deref(),
        created_at: context.utc("created_at", row.created_at),
    };
    context.staged.message(staged);
    Disposition::Staged
}

#[cfg(test)]
mod tests;
