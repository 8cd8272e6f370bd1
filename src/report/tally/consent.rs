//! Consent: flags, rows, suppressions, and what is left to manual review.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{Channel, Code as _, ConsentStatus, TRANSACTIONAL};
use crate::report::deciders::ConsentDeciders;
use crate::report::numbers::{Numbers, ReportConsent};
use crate::tables::{check, crm};

use super::NameCounts;

/// NameCounts consent by channel.
#[derive(Default)]
pub struct ConsentTally {
    /// Of each profile that may be contacted: the channels that no consent row has proved so far, a bit each.
    unproved: HashMap<String, u8, FixedState>,
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
                (Channel::Email, row.email_opt_in),
                (Channel::Sms, row.sms_opt_in),
                (Channel::Push, row.push_opt_in),
                (Channel::Whatsapp, row.whatsapp_opt_in),
            ];
            let mut unproved = 0;
            for (channel, is_on) in flags {
                let held = self.channels.entry(channel.code()).or_default();
                if is_on {
                    held.flags_on += 1
                } else {
                    held.flags_off += 1
                }
                unproved |= u8::from(is_on) << channel as u8;
            }
            if unproved != 0 {
                self.unproved.insert(row.id.to_owned(), unproved);
            }
        }
    }

    /// Consent rows, after all profiles.
    pub fn consents(&mut self, columns: &crm::marketing_consents::Columns) {
        for row in columns.rows() {
            self.deciders.add(&row);
            let held = self.channels.entry(row.channel.code()).or_default();
            match row.status {
                ConsentStatus::OptedIn => {
                    held.opted_in += 1;
                    let unproved = self.unproved.get_mut(row.customer_id).filter(|_| row.scope != TRANSACTIONAL);
                    if let Some(unproved) = unproved.filter(|unproved| **unproved & 1 << row.channel as u8 != 0) {
                        *unproved &= !(1 << row.channel as u8);
                        held.flags_with_row += 1;
                    }
                }
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
        let named = |(channel, counted): (&str, ReportConsent)| {
            let flags_alone = counted.flags_on - counted.flags_with_row;
            ReportConsent { channel: channel.to_owned(), flags_alone, ..counted }
        };
        numbers.consent = self.channels.into_iter().map(named).collect();
        numbers.deciders = self.deciders.finish();
        numbers.suppressions = self.suppressions.ranked();
        numbers.manual_review = self.manual_review.ranked();
    }
}
