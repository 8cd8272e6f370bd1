//! What decided each consent row: the kind of evidence, counted by channel and status.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Code, ConsentStatus};
use crate::report::numbers::ConsentDecider;
use crate::tables::crm::marketing_consents;

/// The part of a row's evidence that is counted.
#[derive(Deserialize)]
struct DecidingEvidence<'a> {
    #[serde(rename = "evidenceKind")]
    kind: &'a str,
}

/// Collects the counts.
#[derive(Default)]
pub(super) struct ConsentDeciders(BTreeMap<(&'static str, &'static str, String), i64>);

impl ConsentDeciders {
    /// Counts a row.
    pub fn add(&mut self, row: &marketing_consents::Row<'_>) {
        let kind = serde_json::from_str::<DecidingEvidence<'_>>(row.evidence).map_or("", |evidence| evidence.kind);
        *self.0.entry((row.channel.code(), row.status.code(), words(kind).to_owned())).or_default() += 1;
    }

    /// The counts, by channel, opt-ins first, and most frequent first.
    pub fn finish(self) -> Vec<ConsentDecider> {
        let mut found: Vec<ConsentDecider> = self
            .0
            .into_iter()
            .map(|((channel, status, decided_by), rows)| ConsentDecider {
                channel: channel.to_owned(),
                status: status.to_owned(),
                decided_by,
                rows,
            })
            .collect();
        let is_out = |of: &ConsentDecider| of.status == ConsentStatus::OptedOut.code();
        found.sort_by(|a, b| (&a.channel, is_out(a), -a.rows).cmp(&(&b.channel, is_out(b), -b.rows)));
        found
    }
}

/// A kind of evidence in words; a kind without words stays as it is.
fn words(kind: &str) -> &str {
    match kind {
        "CONSENT_LOG" => "logged change of consent",
        "PREFERENCE" => "preference",
        "COMPLAINT" => "spam complaint",
        "CONTACT_FLAG" => "contact flag alone",
        "ADDRESS" => "withdrawal by another record with the same contact point",
        "EARLIER_LOAD" => "withdrawal that an earlier load recorded",
        other => other,
    }
}
