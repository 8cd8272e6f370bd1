//! Consent in `explain`: may we contact the person by each channel, what decided it, and what would change it.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::cli::Session;
use crate::model::{Channel, Code as _, ConsentStatus, Phase, StatusTag, TRANSACTIONAL};
use crate::store::Folder;
use crate::tables::crm::{customer_profiles, marketing_consents};

/// The answer for a channel.
#[derive(Serialize)]
pub struct ChannelAnswer {
    channel: &'static str,
    /// The flag that the profile shows for the channel.
    may: bool,
    /// What decided it, in words.
    why: String,
    /// What would turn the answer.
    would_change: String,
    /// Scopes with a row of their own that decided nothing for the channel as a whole.
    other_scopes: Vec<String>,
}

/// What a row's `evidence` says.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DecidedBy {
    evidence_kind: String,
    evidence_key: Option<String>,
    evidence_at: Option<String>,
    evidence_source: Option<String>,
    superseded_count: u32,
}

/// A row of consent.
struct ScopeConsent {
    channel: Channel,
    scope: String,
    status: ConsentStatus,
    decided_by: DecidedBy,
}

/// The answer for each channel, if `consolidate` has run with Messaging.
pub fn of_profile(session: &Session, profile_id: &str) -> Result<Vec<ChannelAnswer>> {
    let Some(crm) = Folder::find(&session.layout.crm())? else { return Ok(Vec::new()) };
    if crm.manifest.phase.is_none_or(|phase| phase < Phase::CONSENT.number()) {
        return Ok(Vec::new());
    }
    let mut shown = None;
    for batch in crm.read::<customer_profiles::Table>(None)? {
        if let Some(row) = batch?.rows().find(|row| row.id == profile_id) {
            let flags = [row.email_opt_in, row.sms_opt_in, row.push_opt_in, row.whatsapp_opt_in];
            shown = Some((flags, row.tags.iter().any(|tag| tag == StatusTag::Deceased.code())));
            break;
        }
    }
    let Some((flags, is_deceased)) = shown else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for batch in crm.read::<marketing_consents::Table>(None)? {
        rows.extend(batch?.rows().filter(|row| row.customer_id == profile_id).map(|row| ScopeConsent {
            channel: row.channel,
            scope: row.scope.to_owned(),
            status: row.status,
            decided_by: serde_json::from_str(row.evidence).unwrap_or_default(),
        }));
    }
    let acts = session.config.consent.act_sources.join(", ");
    let channels = [Channel::Email, Channel::Sms, Channel::Push, Channel::Whatsapp];
    Ok(channels.into_iter().zip(flags).map(|(channel, may)| answer(&acts, channel, may, is_deceased, &rows)).collect())
}

fn answer(acts: &str, channel: Channel, may: bool, is_deceased: bool, rows: &[ScopeConsent]) -> ChannelAnswer {
    let own = || rows.iter().filter(|row| row.channel == channel);
    let deciding = |status: ConsentStatus| {
        let mut fitting: Vec<&ScopeConsent> = own().filter(|row| row.status == status && row.scope != TRANSACTIONAL).collect();
        fitting.sort_by_key(|row| row.scope != "all");
        fitting.first().copied()
    };
    let opt_in = format!("a later opt-in by the person that Messaging logs ({acts}), and a new export");
    let (decider, why, would_change) = match (may, deciding(ConsentStatus::OptedOut), deciding(ConsentStatus::OptedIn)) {
        (true, _, Some(row)) => {
            (Some(row), words(row), "any opt-out: in the log, by preference, by a contact flag, or a spam complaint".to_owned())
        }
        (true, _, None) => {
            let why = "the contact's flag is true, and nothing says otherwise".to_owned();
            (None, why, "any opt-out, or consent.strict_consent = true".to_owned())
        }
        (false, Some(row), _) => {
            let is_flag = row.decided_by.evidence_kind == "CONTACT_FLAG";
            let default = "; or consent.flag_false = \"unset\", if false is only the column's default";
            (Some(row), words(row), if is_flag { opt_in + default } else { opt_in })
        }
        (false, None, _) if is_deceased => {
            (None, "the person has died".to_owned(), "a correction of the record that says so, and a new export".to_owned())
        }
        (false, None, Some(row)) => {
            let why =
                format!("{}, but not for a contact point that the profile shows, or not for advertising in general", words(row));
            (Some(row), why, opt_in)
        }
        (false, None, None) => {
            let why = "no statement of the person counts, or another record with the same contact point withdrew".to_owned();
            (None, why, "an opt-in in the log or by preference, and a new export".to_owned())
        }
    };
    let is_decider = |row: &ScopeConsent| decider.is_some_and(|decider| decider.scope == row.scope);
    let other_scopes = own().filter(|row| !is_decider(row)).map(|row| {
        let word = if row.status == ConsentStatus::OptedIn { "yes" } else { "no" };
        format!("{}: {word}, {}", row.scope, words(row))
    });
    ChannelAnswer { channel: channel.code(), may, why, would_change, other_scopes: other_scopes.collect() }
}

/// What decided a row: the statement, its record, its day, and how many others it overruled.
fn words(row: &ScopeConsent) -> String {
    let DecidedBy { evidence_kind, evidence_key, evidence_at, evidence_source, superseded_count } = &row.decided_by;
    let is_opt_in = row.status == ConsentStatus::OptedIn;
    let what = match (evidence_kind.as_str(), is_opt_in) {
        ("CONSENT_LOG", true) => "a logged opt-in",
        ("CONSENT_LOG", false) => "a logged withdrawal",
        ("PREFERENCE", true) => "an opt-in by preference",
        ("PREFERENCE", false) => "an opt-out by preference",
        ("COMPLAINT", _) => "a spam complaint",
        ("CONTACT_FLAG", _) => "contact flag is false or unreadable",
        ("ADDRESS", _) => "another record with the same contact point withdrew",
        ("EARLIER_LOAD", _) => "a withdrawal that an earlier load recorded",
        (other, _) => other,
    };
    let day = evidence_at.as_deref().map_or("undated", |at| at.get(..10).unwrap_or(at));
    let place = [evidence_key.as_deref(), evidence_source.as_deref(), Some(day)];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    let overruled = match superseded_count {
        0 => String::new(),
        1 => "; 1 weaker statement overruled".to_owned(),
        count => format!("; {count} weaker statements overruled"),
    };
    format!("{what} ({}){overruled}", place.join(", "))
}

/// The section of the page.
pub fn tell(answers: &[ChannelAnswer]) -> String {
    if answers.is_empty() {
        return String::new();
    }
    let mut text = "\nconsent\n".to_owned();
    for answer in answers {
        let question = match answer.channel {
            "EMAIL" => "May we email?",
            "SMS" => "May we text?",
            "PUSH" => "May we push?",
            _ => "May we WhatsApp?",
        };
        let word = if answer.may { "Yes" } else { "No" };
        text.push_str(&format!("  {question:<17} {word}: {}\n", answer.why));
        for scope in &answer.other_scopes {
            text.push_str(&format!("  {:<17} {scope}\n", ""));
        }
        text.push_str(&format!("  {:<17} changed by {}\n", "", answer.would_change));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scope: &str, status: ConsentStatus, evidence: &str) -> ScopeConsent {
        let decided_by = serde_json::from_str(evidence).expect("evidence is JSON");
        ScopeConsent { channel: Channel::Email, scope: scope.to_owned(), status, decided_by }
    }

    #[test]
    fn a_false_contact_flag_names_the_setting_that_would_change_it() {
        let flag =
            r#"{"evidenceKind":"CONTACT_FLAG","evidenceKey":"messaging:contacts:c1","evidenceAt":null,"supersededCount":2}"#;
        let told = answer("APP", Channel::Email, false, false, &[row("all", ConsentStatus::OptedOut, flag)]);
        assert_eq!(
            told.why,
            "contact flag is false or unreadable (messaging:contacts:c1, undated); 2 weaker statements overruled"
        );
        assert!(told.would_change.contains("consent.flag_false") && told.would_change.contains("(APP)"), "{}", told.would_change);
    }

    #[test]
    fn the_answer_follows_the_flag_and_not_a_row_of_another_scope() {
        let grant =
            r#"{"evidenceKind":"PREFERENCE","evidenceKey":"messaging:preferences:p1","evidenceAt":"2024-02-01T12:00:00.000Z"}"#;
        let rows = [row("transactional", ConsentStatus::OptedOut, grant), row("news", ConsentStatus::OptedIn, grant)];
        let told = answer("APP", Channel::Email, true, false, &rows);
        assert_eq!(told.why, "an opt-in by preference (messaging:preferences:p1, 2024-02-01)");
        assert_eq!(told.other_scopes.len(), 1);
        assert!(answer("APP", Channel::Email, false, false, &rows[1..]).why.contains("but not for a contact point"));
        assert!(answer("APP", Channel::Email, false, true, &rows[1..]).why.contains("has died"));
        assert!(answer("APP", Channel::Push, false, false, &rows).why.starts_with("no statement"));
        assert!(answer("APP", Channel::Push, true, false, &rows).would_change.contains("strict_consent"));
    }
}
