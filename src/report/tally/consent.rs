//! Consent: flags, rows, suppressions, and what is left to manual review.

use std::collections::BTreeMap;

use crate::model::{Code as _, ConsentStatus};
use crate::report::deciders::ConsentDeciders;
use crate::report::numbers::{Numbers, ReportConsent};
use crate::tables::{check, crm};

use super::NameCounts;

/// NameCounts consent by channel.
#[derive(Default)]
pub struct ConsentTally {
    channels: BTreeMap<&'static str, ReportConsent>,
    deciders: ConsentDeciders,
    suppressions: NameCounts,
    manual_review: NameCounts,
}

impl ConsentTally {
    /// Profiles: their flags.
    pub fn profiles(&mut self, columns: &crm::customer_profiles::Columns) {
        for row in columns.rows() {
            let flags = [
                ("EMAIL", row.email_opt_in),
                ("SMS", row.sms_opt_in),
                ("PUSH", row.push_opt_in),
                ("WHATSAPP", row.whatsapp_opt_in),
            ];
            for (channel, is_on) in flags {
                let held = self.channels.entry(channel).or_default();
                if is_on { held.flags_on += 1 } else { held.flags_off += 1 }
            }
        }
    }

    /// Consent rows.
    pub fn consents(&mut self, columns: &crm::marketing_consents::Columns) {
        for row in columns.rows() {
            self.deciders.add(&row);
            let held = self.channels.entry(row.channel.code()).or_default();
            match row.status {
                ConsentStatus::OptedIn => held.opted_in += 1,
                ConsentStatus::OptedOut => held.opted_out += 1,
            }
        }
    }

    /// Suppressed contact points.
    pub fn suppressions(&mut self, columns: &crm::suppressions::Columns) {
        columns.rows().for_each(|row| self.suppressions.add(&format!("{} {}", row.channel, row.reason)));
    }

    /// Rows for manual review.
    pub fn manual_review(&mut self, columns: &check::manual_review::Columns) {
        columns.rows().for_each(|row| self.manual_review.add(&format!("{} {}", row.entity, row.reason)));
    }

    pub(super) fn finish(self, numbers: &mut Numbers) {
        let named = |(channel, counted): (&str, ReportConsent)| ReportConsent { channel: channel.to_owned(), ..counted };
        numbers.consent = self.channels.into_iter().map(named).collect();
        numbers.deciders = self.deciders.finish();
        numbers.suppressions = self.suppressions.ranked();
        numbers.manual_review = self.manual_review.ranked();
    }
}
