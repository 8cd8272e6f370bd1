//! Messaging contacts, evidence of consent, and messages.

use crate::model::reference::ChannelWord;
use crate::model::{Channel, MessageKind, Reason, ReviewVerdict, Source, TenantRule, Timestamp};
use crate::sources::messaging::{consent_changes, contacts, messages, preferences};
use crate::sources::staging::{Cell, Desk, Disposition, Entity, Founding, PersonCells, act, stage_person};
use crate::tables::stage::{self, consents, people};

impl Entity for contacts::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "contacts";

    fn id<'a>(row: &contacts::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(row: &contacts::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let mut buffer = String::new();
        let auth_user_id = desk.subject("auth_user_id", row.auth_user_id, &mut buffer);
        let rules = desk.rules;
        let cells = PersonCells {
            tenancy: rules.tenancy(Source::Messaging, row.tenant_id, TenantRule::Row),
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
            created_local: None,
            club: None,
        };
        let staged = people::Row {
            auth_user_id,
            email_opt_in: row.email_opt_in.or_else(|| rules.reviews.consent(Self::ENTITY, row.id, "email_opt_in")),
            sms_opt_in: row.sms_opt_in.or_else(|| rules.reviews.consent(Self::ENTITY, row.id, "sms_opt_in")),
            created_at: desk.tally.instant("created_at", row.created_at),
            updated_at: desk.tally.instant("updated_at", row.updated_at),
            deleted_at: row.deleted_at.and_then(|at| deleted(desk, row.id, at)),
            ..people::Row::blank(row.id)
        };
        stage_person(desk, cells, staged);
        Disposition::Staged
    }
}

/// When a contact was deleted. It stays deleted, whatever is wrong with the date, unless a person decided that it is not.
fn deleted(desk: &mut Desk<'_>, id: &str, at: Timestamp) -> Option<Timestamp> {
    const DELETED_AT: &str = "deleted_at";
    let is_live = || {
        let verdict = desk.rules.reviews.verdict(Source::Messaging, contacts::Table::ENTITY, id, DELETED_AT);
        verdict == Some(ReviewVerdict::NotDeleted)
    };
    let is_live = is_live();
    desk.tally.instant(DELETED_AT, Some(at)).or_else(|| (!is_live).then_some(desk.rules.as_of))
}

/// One statement about consent, of a preference or of the log.
struct Evidence<'a> {
    contact: &'a str,
    entity: &'static str,
    row_id: &'a str,
    channel: Option<&'a str>,
    scope: Option<&'a str>,
    /// The column and what it says; null says neither yes nor no.
    consents: (&'static str, Option<bool>),
    origin: Option<&'a str>,
    granted_at: (&'static str, Option<Timestamp>),
    refused_at: (&'static str, Option<Timestamp>),
    changed_at: Option<(&'static str, Option<Timestamp>)>,
}

impl Entity for preferences::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "preferences";

    fn id<'a>(row: &preferences::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(row: &preferences::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let (created, updated) = (("created_at", row.created_at), ("updated_at", row.updated_at));
        let evidence = Evidence {
            contact: row.contact_id,
            entity: Self::ENTITY,
            row_id: row.id,
            channel: row.channel,
            scope: row.scope,
            consents: ("opted_in", row.opted_in),
            origin: None,
            granted_at: created,
            refused_at: updated,
            changed_at: Some(updated),
        };
        stage_evidence(desk, &evidence)
    }
}

impl Entity for consent_changes::Table {
    const SOURCE: Source = Source::Messaging;
    const ENTITY: &'static str = "consent_changes";

    fn id<'a>(row: &consent_changes::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(row: &consent_changes::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let evidence = Evidence {
            contact: row.contact_id,
            entity: Self::ENTITY,
            row_id: row.id,
            channel: row.channel,
            scope: row.scope,
            consents: ("consent_after", row.consent_after),
            origin: row.source,
            granted_at: ("created_at", row.created_at),
            refused_at: ("created_at", row.created_at),
            changed_at: None,
        };
        stage_evidence(desk, &evidence)
    }
}

/// One staged row per channel the statement speaks of. A refusal whose channel nobody knows refuses all four; such a grant is left
/// out, since nobody knows what was granted.
fn stage_evidence(desk: &mut Desk<'_>, evidence: &Evidence<'_>) -> Disposition {
    const CHANNEL: &str = "channel";
    let (column, stated) = evidence.consents;
    let decided = || desk.rules.reviews.consent(evidence.entity, evidence.row_id, column);
    // What says neither yes nor no is a withdrawal until a person decides.
    let is_grant = stated.or_else(decided).unwrap_or_else(|| {
        desk.tally.note(column, Reason::ConsentUnreadable);
        false
    });
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
    let stated_at = if is_grant { evidence.granted_at } else { evidence.refused_at };
    let (at, is_undated) = dated(desk, stated_at);
    let changed_at = evidence.changed_at.filter(|changed| changed.0 != stated_at.0).map_or(at, |changed| dated(desk, changed).0);
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
fn dated(desk: &mut Desk<'_>, (column, raw): (&'static str, Option<Timestamp>)) -> (Timestamp, bool) {
    let as_of = desk.rules.as_of;
    match desk.tally.instant(column, raw) {
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

    fn id<'a>(row: &messages::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
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
        let staged = stage::messages::Row {
            row_id: row.id,
            source_id: row.contact_id,
            kind,
            status_raw: desk.label(STATUS, row.status, status_buffer).unwrap_or_default(),
            channel,
            channel_raw: desk.label(CHANNEL, row.channel, channel_buffer).unwrap_or_default(),
            template_id: row.template_id,
            template_name: desk.label("template_name", row.template_name, template_buffer),
            campaign_id: row.campaign_id,
            created_at: desk.tally.instant("created_at", row.created_at),
        };
        desk.staged.message(staged);
        Disposition::Staged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActivityChannel, SkipReason};
    use crate::sources::staging::Survey;
    use crate::sources::staging::lab::{as_of, at, columns, count, rejects, stage, stage_after};
    use crate::tables::stage::messages as staged_messages;

    fn contact(id: &str) -> contacts::Row<'_> {
        contacts::Row {
            id,
            tenant_id: Some("1"),
            email: Some("ann@mail.test"),
            phone_number: None,
            auth_user_id: Some("auth0|7"),
            email_opt_in: Some(true),
            sms_opt_in: Some(false),
            created_at: Some(at("2024-01-01T00:00:00Z")),
            updated_at: Some(at("2024-01-02T00:00:00Z")),
            deleted_at: None,
        }
    }

    #[test]
    fn who_may_found_among_contacts() {
        let rows = [
            contact("a"),
            contacts::Row { email: None, ..contact("b") },
            contacts::Row { email: None, auth_user_id: Some("anonymous"), ..contact("c") },
            contacts::Row { deleted_at: Some(crate::model::Timestamp::INFINITY), ..contact("d") },
            contacts::Row { email: Some("info@mail.test"), auth_user_id: None, ..contact("e") },
        ];
        let sheet = stage::<contacts::Table>(&rows);
        let people = columns::<people::Table>(&sheet.people);
        let reasons: Vec<_> = people.rows().map(|row| row.skip_reason).collect();
        assert_eq!(reasons, [None, None, Some(SkipReason::NoKey), Some(SkipReason::Deleted), None]);
        assert_eq!(people.row(3).deleted_at, Some(as_of()), "deleted, whatever its date");
        assert_eq!((people.row(4).email, people.row(4).email_key), (Some("info@mail.test"), None), "a role address is a value");
    }

    fn preference<'a>(id: &'a str, channel: &'a str, opted_in: bool) -> preferences::Row<'a> {
        preferences::Row {
            id,
            contact_id: "a",
            channel: Some(channel),
            scope: None,
            opted_in: Some(opted_in),
            created_at: Some(at("2024-01-01T00:00:00Z")),
            updated_at: Some(at("2024-02-01T00:00:00Z")),
        }
    }

    fn consents_of(sheet: &crate::sources::staging::Sheet) -> Vec<(String, Option<Channel>, String, bool, String)> {
        columns::<consents::Table>(&sheet.consents)
            .rows()
            .map(|row| (row.row_id.to_owned(), row.channel, row.scope.to_owned(), row.is_grant, row.at.to_string()))
            .collect()
    }

    #[test]
    fn a_grant_dates_from_its_creation_and_a_refusal_from_its_last_change() {
        let sheet = stage::<preferences::Table>(&[preference("1", "E-Mail", true), preference("2", "text", false)]);
        let (created, updated) = ("2024-01-01T00:00:00.000Z".to_owned(), "2024-02-01T00:00:00.000Z".to_owned());
        assert_eq!(
            consents_of(&sheet),
            [
                ("1".to_owned(), Some(Channel::Email), "all".to_owned(), true, created),
                ("2".to_owned(), Some(Channel::Sms), "all".to_owned(), false, updated)
            ]
        );
    }

    #[test]
    fn all_speaks_of_every_channel_and_voice_of_none_that_is_kept() {
        let sheet = stage::<preferences::Table>(&[preference("1", "ANY", true), preference("2", "voice", false)]);
        let channels: Vec<_> = consents_of(&sheet).into_iter().map(|(id, channel, ..)| (id, channel)).collect();
        let all = [Channel::Email, Channel::Sms, Channel::Push, Channel::Whatsapp].map(|channel| ("1".to_owned(), Some(channel)));
        assert_eq!(channels[..4], all);
        assert_eq!(channels[4..], [("2".to_owned(), None)]);
        assert_eq!(count(&sheet, Reason::ConsentNoTarget), 1);
    }

    #[test]
    fn a_refusal_on_an_unknown_channel_refuses_all_four_and_such_a_grant_is_left_out() {
        let sheet = stage::<preferences::Table>(&[preference("1", "pigeon", false), preference("2", "pigeon", true)]);
        assert_eq!(consents_of(&sheet).len(), 4);
        assert!(consents_of(&sheet).iter().all(|(id, _, _, is_grant, _)| id == "1" && !is_grant));
        assert_eq!(rejects(&sheet), ["2 - CHANNEL_UNMAPPED"]);
        assert_eq!(sheet.counts[&("channel", Reason::RefusalUnmapped, None)], 1);
        assert_eq!(count(&sheet, Reason::ChannelUnmapped), 1);
    }

    #[test]
    fn scopes_are_folded_and_unknown_ones_kept_in_lower_case() {
        let scopes = [
            ("Promotions", "marketing"),
            ("", "all"),
            ("Competition", "events"),
            ("Tee Time", "booking"),
            ("Pro Shop", "pro shop"),
        ];
        let ids = ["1", "2", "3", "4", "5"];
        let rows: Vec<_> = scopes
            .iter()
            .zip(ids)
            .map(|((scope, _), id)| preferences::Row { scope: Some(scope), ..preference(id, "sms", true) })
            .collect();
        let sheet = stage::<preferences::Table>(&rows);
        let staged: Vec<_> = consents_of(&sheet).into_iter().map(|(_, _, scope, ..)| scope).collect();
        assert_eq!(staged, scopes.map(|(_, scope)| scope.to_owned()));
        assert_eq!(count(&sheet, Reason::ScopeVerbatim), 1);
    }

    #[test]
    fn future_and_undated_evidence_is_dated_at_as_of_and_counted() {
        let rows = [
            preferences::Row { created_at: Some(at("2030-01-01T00:00:00Z")), ..preference("1", "sms", true) },
            preferences::Row { updated_at: None, ..preference("2", "sms", false) },
        ];
        let sheet = stage::<preferences::Table>(&rows);
        assert!(consents_of(&sheet).iter().all(|(.., at)| *at == as_of().to_string()));
        assert_eq!((count(&sheet, Reason::ConsentFuture), count(&sheet, Reason::ConsentUndated)), (1, 1));
        let undated: Vec<_> = columns::<consents::Table>(&sheet.consents).rows().map(|row| row.is_undated).collect();
        assert_eq!(undated, [false, true], "a date after as_of is a date");
    }

    fn decided(reviews: &str) -> crate::sources::staging::StagingOptions {
        let reviews = crate::model::Reviews::parse(&format!("source,entity,id,column,verdict,reason,who,at\n{reviews}")).unwrap();
        crate::sources::staging::StagingOptions { reviews, ..crate::sources::staging::lab::options() }
    }

    #[test]
    fn a_word_that_says_neither_yes_nor_no_is_a_withdrawal_until_a_person_decides() {
        let rows = [preferences::Row { opted_in: None, ..preference("3", "sms", false) }];
        let sheet = stage::<preferences::Table>(&rows);
        let updated = "2024-02-01T00:00:00.000Z".to_owned();
        assert_eq!(consents_of(&sheet), [("3".to_owned(), Some(Channel::Sms), "all".to_owned(), false, updated)]);
        assert_eq!((rejects(&sheet), sheet.rejected_rows), (vec!["3 opted_in CONSENT_UNREADABLE".to_owned()], 0));
        let options = decided("messaging,preferences,3,opted_in,opted-in,asked,T. Ester,2026-11-22\n");
        let sheet = stage_after::<preferences::Table>(&rows, options, Survey::default());
        assert_eq!((consents_of(&sheet)[0].3, rejects(&sheet)), (true, Vec::new()));
    }

    #[test]
    fn a_contact_stays_deleted_whatever_its_date_unless_a_person_decides() {
        let rows = [contacts::Row { deleted_at: Some(Timestamp::INFINITY), ..contact("d") }];
        let person = |options| {
            let sheet = stage_after::<contacts::Table>(&rows, options, Survey::default());
            columns::<people::Table>(&sheet.people).row(0).deleted_at
        };
        assert_eq!(person(decided("")), Some(as_of()));
        assert_eq!(person(decided("messaging,contacts,d,deleted_at,not-deleted,,,\n")), None);
        assert_eq!(person(decided("messaging,contacts,d,deleted_at,deleted,,,\n")), Some(as_of()));
    }

    #[test]
    fn only_listed_origins_of_the_log_are_acts_of_the_person() {
        let change = |id, source| consent_changes::Row {
            id,
            contact_id: "a",
            channel: Some("email"),
            scope: None,
            source: Some(source),
            consent_before: None,
            consent_after: Some(true),
            created_at: Some(at("2024-01-01T00:00:00Z")),
        };
        let sheet =
            stage::<consent_changes::Table>(&[change("1", "web form"), change("2", "IMPORT"), change("3", "double-opt-in")]);
        let staged = columns::<consents::Table>(&sheet.consents);
        let acts: Vec<_> =
            staged.rows().map(|row| (row.origin.map(str::to_owned), row.is_act, row.changed_at == row.at)).collect();
        let some = |origin: &str| Some(origin.to_owned());
        assert_eq!(acts, [(some("WEB_FORM"), true, true), (some("IMPORT"), false, true), (some("DOUBLE_OPT_IN"), true, true)]);
    }

    #[test]
    fn messages_are_staged_with_unknown_words_by_their_fallbacks() {
        let message = |id, channel, status| messages::Row {
            id,
            contact_id: "nobody",
            channel,
            status,
            template_id: Some("t"),
            template_name: Some("Welcome"),
            campaign_id: None,
            created_at: Some(as_of()),
        };
        let rows = [
            message("1", Some("WhatsApp"), Some("READ")),
            message("2", Some("pigeon"), Some("vanished")),
            message("3", Some("call"), Some("hard-bounce")),
        ];
        let sheet = stage::<messages::Table>(&rows);
        let staged = columns::<staged_messages::Table>(&sheet.messages);
        let kinds: Vec<_> = staged.rows().map(|row| (row.kind, row.channel, row.channel_raw.to_owned())).collect();
        assert_eq!(
            kinds,
            [
                (MessageKind::Opened, Some(ActivityChannel::Whatsapp), "WhatsApp".to_owned()),
                (MessageKind::Sent, None, "pigeon".to_owned()),
                (MessageKind::Bounced, Some(ActivityChannel::Voice), "call".to_owned())
            ]
        );
        assert_eq!(sheet.counts[&("status", Reason::MessageStatusUnmapped, None)], 1);
        assert_eq!(sheet.counts[&("channel", Reason::MessageChannelUnmapped, None)], 1);
    }
}
