//! Contacts, evidence of consent and messages as they are staged.

use super::*;
use crate::model::{ActivityChannel, SkipReason};
use crate::sources::staging::FirstPass;
use crate::sources::staging::testing::{as_of, columns, count, rejects, stage, stage_after};
use crate::tables::stage::messages as staged_messages;

fn contact(id: &str) -> contacts::Row<'_> {
    contacts::Row {
        id,
        tenant_id: Some("1"),
        email: Some("ann@mail.test"),
        phone_number: None,
        auth_user_id: Some("auth0|7"),
        email_opt_in: Some("true"),
        sms_opt_in: Some("f"),
        created_at: Some("2024-01-01T00:00:00Z"),
        updated_at: Some("2024-01-02T00:00:00Z"),
        deleted_at: None,
    }
}

#[test]
fn which_contacts_may_seed_a_profile() {
    let rows = [
        contact("a"),
        contacts::Row { email: None, ..contact("b") },
        contacts::Row { email: None, auth_user_id: Some("anonymous"), ..contact("c") },
        contacts::Row { deleted_at: Some("infinity"), ..contact("d") },
        contacts::Row { email: Some("info@mail.test"), auth_user_id: None, ..contact("e") },
    ];
    let result = stage::<contacts::Table>(&rows);
    let people = columns::<people::Table>(&result.people);
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
        opted_in: Some(if opted_in { "true" } else { "false" }),
        created_at: Some("2024-01-01T00:00:00Z"),
        updated_at: Some("2024-02-01T00:00:00Z"),
    }
}

fn consents_of(result: &crate::sources::staging::StagedBatch) -> Vec<(String, Option<Channel>, String, bool, String)> {
    columns::<consents::Table>(&result.consents)
        .rows()
        .map(|row| (row.row_id.to_owned(), row.channel, row.scope.to_owned(), row.is_grant, row.at.to_string()))
        .collect()
}

#[test]
fn an_opt_in_dates_from_its_creation_and_an_opt_out_from_its_change() {
    let result = stage::<preferences::Table>(&[preference("1", "E-Mail", true), preference("2", "text", false)]);
    let (created, updated) = ("2024-01-01T00:00:00.000Z".to_owned(), "2024-02-01T00:00:00.000Z".to_owned());
    assert_eq!(
        consents_of(&result),
        [
            ("1".to_owned(), Some(Channel::Email), "all".to_owned(), true, created),
            ("2".to_owned(), Some(Channel::Sms), "all".to_owned(), false, updated)
        ]
    );
}

#[test]
fn all_means_every_channel_and_voice_none_with_consent() {
    let result = stage::<preferences::Table>(&[preference("1", "ANY", true), preference("2", "voice", false)]);
    let channels: Vec<_> = consents_of(&result).into_iter().map(|(id, channel, ..)| (id, channel)).collect();
    let all = [Channel::Email, Channel::Sms, Channel::Push, Channel::Whatsapp].map(|channel| ("1".to_owned(), Some(channel)));
    assert_eq!(channels[..4], all);
    assert_eq!(channels[4..], [("2".to_owned(), None)]);
    assert_eq!(count(&result, Reason::ConsentNoTarget), 1);
}

#[test]
fn an_opt_out_on_an_unknown_channel_applies_to_all_four() {
    let result = stage::<preferences::Table>(&[preference("1", "pigeon", false), preference("2", "pigeon", true)]);
    assert_eq!(consents_of(&result).len(), 4);
    assert!(consents_of(&result).iter().all(|(id, _, _, is_grant, _)| id == "1" && !is_grant));
    assert_eq!(rejects(&result), ["2 - CHANNEL_UNMAPPED"]);
    assert_eq!(result.counts[&("channel", Reason::RefusalUnmapped, None)], 1);
    assert_eq!(count(&result, Reason::ChannelUnmapped), 1);
}

#[test]
fn scopes_are_folded_and_unknown_ones_kept_in_lower_case() {
    let scopes =
        [("Promotions", "marketing"), ("", "all"), ("Competition", "events"), ("Tee Time", "booking"), ("Pro Shop", "pro shop")];
    let ids = ["1", "2", "3", "4", "5"];
    let rows: Vec<_> = scopes
        .iter()
        .zip(ids)
        .map(|((scope, _), id)| preferences::Row { scope: Some(scope), ..preference(id, "sms", true) })
        .collect();
    let result = stage::<preferences::Table>(&rows);
    let staged: Vec<_> = consents_of(&result).into_iter().map(|(_, _, scope, ..)| scope).collect();
    assert_eq!(staged, scopes.map(|(_, scope)| scope.to_owned()));
    assert_eq!(count(&result, Reason::ScopeVerbatim), 1);
}

#[test]
fn future_and_undated_evidence_is_dated_at_as_of_and_counted() {
    let rows = [
        preferences::Row { created_at: Some("2030-01-01T00:00:00Z"), ..preference("1", "sms", true) },
        preferences::Row { updated_at: None, ..preference("2", "sms", false) },
    ];
    let result = stage::<preferences::Table>(&rows);
    assert!(consents_of(&result).iter().all(|(.., at)| *at == as_of().to_string()));
    assert_eq!((count(&result, Reason::ConsentFuture), count(&result, Reason::ConsentUndated)), (1, 1));
    let undated: Vec<_> = columns::<consents::Table>(&result.consents).rows().map(|row| row.is_undated).collect();
    assert_eq!(undated, [false, true], "a date after as_of is a date");
}

fn decided(reviews: &str) -> crate::sources::staging::StagingOptions {
    let reviews = crate::model::Reviews::parse(&format!("source,entity,id,column,verdict,reason,who,at\n{reviews}")).unwrap();
    crate::sources::staging::StagingOptions { reviews, ..crate::sources::staging::testing::options() }
}

#[test]
fn an_unreadable_opt_in_flag_is_a_withdrawal_until_decided() {
    let rows = [preferences::Row { opted_in: None, ..preference("3", "sms", false) }];
    let result = stage::<preferences::Table>(&rows);
    let updated = "2024-02-01T00:00:00.000Z".to_owned();
    assert_eq!(consents_of(&result), [("3".to_owned(), Some(Channel::Sms), "all".to_owned(), false, updated)]);
    assert_eq!((rejects(&result), result.rejected_rows), (vec!["3 opted_in CONSENT_UNREADABLE".to_owned()], 0));
    let options = decided("messaging,preferences,3,opted_in,opted-in,asked,T. Ester,2026-11-22\n");
    let result = stage_after::<preferences::Table>(&rows, options, FirstPass::default());
    assert_eq!((consents_of(&result)[0].3, rejects(&result)), (true, Vec::new()));
}

#[test]
fn a_contact_stays_deleted_whatever_its_date_unless_a_person_decides() {
    let rows = [contacts::Row { deleted_at: Some("infinity"), ..contact("d") }];
    let person = |options| {
        let result = stage_after::<contacts::Table>(&rows, options, FirstPass::default());
        columns::<people::Table>(&result.people).row(0).deleted_at
    };
    assert_eq!(person(decided("")), Some(as_of()));
    assert_eq!(person(decided("messaging,contacts,d,deleted_at,not-deleted,,,\n")), None);
    assert_eq!(person(decided("messaging,contacts,d,deleted_at,deleted,,,\n")), Some(as_of()));
}

#[test]
fn what_cannot_be_read_counts_on_the_safe_side_and_is_listed() {
    let words = [Some("perhaps"), None, Some("nee"), Some("ja"), Some("-1")];
    let ids = ["1", "2", "3", "4", "5"];
    let rows: Vec<_> =
        words.iter().zip(ids).map(|(word, id)| preferences::Row { opted_in: *word, ..preference(id, "sms", true) }).collect();
    let result = stage::<preferences::Table>(&rows);
    let grants: Vec<_> = consents_of(&result).into_iter().map(|(_, _, _, is_grant, _)| is_grant).collect();
    assert_eq!(grants, [false, false, false, true, true]);
    assert_eq!(rejects(&result), ["1 opted_in CONSENT_UNREADABLE", "2 opted_in CONSENT_UNREADABLE"]);

    let deleted = ["2025-03-04 9:15:00", "04/03/2025", "soon", "0001-01-01", "0000-00-00", "NaT", ""];
    let ids = ["1", "2", "3", "4", "5", "6", "7"];
    let rows: Vec<_> = deleted.iter().zip(ids).map(|(at, id)| contacts::Row { deleted_at: Some(at), ..contact(id) }).collect();
    let result = stage::<contacts::Table>(&rows);
    let people = columns::<people::Table>(&result.people);
    let at: Vec<_> = people.rows().map(|row| row.deleted_at.map(|at| at.to_string()[..10].to_owned())).collect();
    let some = |text: &str| Some(text.to_owned());
    let as_of = some("2026-11-22");
    assert_eq!(at, [some("2025-03-04"), some("2025-03-04"), as_of.clone(), as_of.clone(), as_of, None, None]);
    assert_eq!(count(&result, Reason::DeletedUnreadable), 3);
    let flags = contacts::Row { email_opt_in: Some("?"), sms_opt_in: Some("None"), ..contact("1") };
    let result = stage::<contacts::Table>(&[flags]);
    let people = columns::<people::Table>(&result.people);
    assert_eq!((people.row(0).email_opt_in, people.row(0).sms_opt_in), (Some(false), None));
}

#[test]
fn only_listed_origins_of_the_log_are_explicit_actions() {
    let change = |id, source| consent_changes::Row {
        id,
        contact_id: "a",
        channel: Some("email"),
        scope: None,
        source: Some(source),
        consent_before: None,
        consent_after: Some("t"),
        created_at: Some("2024-01-01T00:00:00Z"),
    };
    let of_2030 = consent_changes::Row { created_at: Some("2030-01-01T00:00:00Z"), ..change("4", "web form") };
    let changes = [change("1", "web form"), change("2", "IMPORT"), change("3", "double-opt-in"), of_2030];
    let result = stage::<consent_changes::Table>(&changes);
    let staged = columns::<consents::Table>(&result.consents);
    let acts: Vec<_> = staged.rows().map(|row| (row.origin.map(str::to_owned), row.is_act, row.changed_at == row.at)).collect();
    let some = |origin: &str| Some(origin.to_owned());
    let expected = [("WEB_FORM", true), ("IMPORT", false), ("DOUBLE_OPT_IN", true), ("WEB_FORM", false)];
    assert_eq!(acts, expected.map(|(origin, is_act)| (some(origin), is_act, true)), "an opt-in of the future proves nothing");
}

#[test]
fn messages_are_staged_with_unknown_words_by_their_fallbacks() {
    let message = |id, channel, status| messages::Row {
        id,
        contact_id: "unknown",
        channel,
        status,
        template_id: Some("t"),
        template_name: Some("Welcome"),
        campaign_id: None,
        created_at: Some("2026-11-22T08:00:00Z"),
    };
    let rows = [
        message("1", Some("WhatsApp"), Some("READ")),
        message("2", Some("pigeon"), Some("vanished")),
        message("3", Some("call"), Some("hard-bounce")),
    ];
    let result = stage::<messages::Table>(&rows);
    let staged = columns::<staged_messages::Table>(&result.messages);
    let kinds: Vec<_> = staged.rows().map(|row| (row.kind, row.channel, row.channel_raw.to_owned())).collect();
    assert_eq!(
        kinds,
        [
            (MessageKind::Opened, Some(ActivityChannel::Whatsapp), "WhatsApp".to_owned()),
            (MessageKind::Sent, None, "pigeon".to_owned()),
            (MessageKind::Bounced, Some(ActivityChannel::Voice), "call".to_owned())
        ]
    );
    assert_eq!(result.counts[&("status", Reason::MessageStatusUnmapped, None)], 1);
    assert_eq!(result.counts[&("channel", Reason::MessageChannelUnmapped, None)], 1);
}
