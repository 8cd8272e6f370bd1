//! Compares what the owner knows of some people (`expectations.csv`) with their profiles. Holds only the people that it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Channel, Code as _, ConsentStatus, Expectation, ExpectedState, Phase, RecordKey, SkipReason};
use crate::prove::Finding;
use crate::tables::crm::{customer_profiles, identity_aliases, marketing_consents};
use crate::tables::resolution::links;

/// The name of the check.
pub const EXPECTATIONS: &str = "expectations";

/// The profiles of the people that expectations name.
pub struct ExpectationProof<'a> {
    /// Those that this phase can tell: their sources are in scope, and consent is decided.
    asked: Vec<(&'a Expectation, &'a [String])>,
    /// Record keys with their profile; `None` inside for a skipped record.
    records: BTreeMap<String, Option<Option<String>>>,
    /// Contact points in key form, with whether any profile has them.
    contact_points: BTreeMap<&'a str, bool>,
    profiles: BTreeMap<String, ExpectedProfile>,
    /// Those of the records whose tenant a pilot leaves out.
    left_out: BTreeSet<String>,
    /// Whether a pilot leaves out any record.
    is_pilot: bool,
}

#[derive(Default)]
struct ExpectedProfile {
    tenant: String,
    /// Channels on which it may be contacted, by flag or by a consent of any scope.
    channels: BTreeSet<Channel>,
    /// The email and phone that it shows, as far as they are asked for.
    shown: BTreeSet<String>,
}

impl<'a> ExpectationProof<'a> {
    /// Each expectation with the key forms of its contact point.
    pub fn new(expectations: &'a [(Expectation, Vec<String>)], phase: Phase) -> Self {
        let is_told = |expectation: &Expectation| {
            let is_decided = !matches!(expectation.expected, ExpectedState::OptedOut(_)) || phase >= Phase::CONSENT;
            is_decided && expectation.records().all(|record| record.source.phase() <= phase)
        };
        let asked: Vec<_> = expectations
            .iter()
            .filter(|(expectation, _)| is_told(expectation))
            .map(|(expectation, keys)| (expectation, keys.as_slice()))
            .collect();
        let records = asked.iter().flat_map(|(expectation, _)| expectation.records()).map(|record| (record.to_string(), None));
        let contact_points = asked
            .iter()
            .filter(|(expectation, _)| expectation.is_of_contact_point())
            .flat_map(|(_, keys)| keys.iter().map(|key| (key.as_str(), false)));
        Self {
            records: records.collect(),
            contact_points: contact_points.collect(),
            profiles: BTreeMap::new(),
            left_out: BTreeSet::new(),
            is_pilot: false,
            asked,
        }
    }

    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Takes the profiles of the records.
    pub fn add_links(&mut self, columns: &links::Columns) {
        for row in columns.rows() {
            let key = RecordKey { source: row.source, id: row.source_id }.to_string();
            if row.evidence == SkipReason::OtherTenant.code() && row.profile_id.is_none() {
                self.is_pilot = true;
                if self.records.contains_key(&key) {
                    self.left_out.insert(key.clone());
                }
            }
            if let Some(profile) = self.records.get_mut(&key) {
                *profile = Some(row.profile_id.map(str::to_owned));
                if let Some(id) = row.profile_id {
                    self.profiles.entry(id.to_owned()).or_default();
                }
            }
        }
    }

    /// Takes the profiles; after the links.
    pub fn add_profiles(&mut self, columns: &customer_profiles::Columns) {
        for row in columns.rows() {
            let shown: BTreeSet<String> = [row.email, row.phone_number]
                .into_iter()
                .flatten()
                .filter(|value| self.contact_points.contains_key(value))
                .map(str::to_owned)
                .collect();
            if shown.is_empty() && !self.profiles.contains_key(row.id) {
                continue;
            }
            for value in &shown {
                self.contact_points.get_mut(value.as_str()).into_iter().for_each(|known| *known = true);
            }
            let profile = self.profiles.entry(row.id.to_owned()).or_default();
            row.tenant_id.clone_into(&mut profile.tenant);
            profile.shown = shown;
            let flags = [row.email_opt_in, row.sms_opt_in, row.push_opt_in, row.whatsapp_opt_in];
            let channels = [Channel::Email, Channel::Sms, Channel::Push, Channel::Whatsapp];
            profile.channels.extend(channels.into_iter().zip(flags).filter(|(_, flag)| *flag).map(|(channel, _)| channel));
        }
    }

    /// Takes the aliases: a contact point that no profile shows may be one.
    pub fn add_aliases(&mut self, columns: &identity_aliases::Columns) {
        for row in columns.rows() {
            if let Some(known) = self.contact_points.get_mut(row.value) {
                *known = true;
            }
        }
    }

    /// Takes the consents; after the profiles.
    pub fn add_consents(&mut self, columns: &marketing_consents::Columns) {
        for row in columns.rows().filter(|row| row.status == ConsentStatus::OptedIn) {
            if let Some(profile) = self.profiles.get_mut(row.customer_id) {
                profile.channels.insert(row.channel);
            }
        }
    }

    /// A finding for each line of the file, without those that a pilot cannot tell.
    pub fn finish(self) -> Vec<Finding> {
        let is_told = |(expectation, keys): &&(&Expectation, &[String])| {
            let is_unknown = |key: &String| !self.contact_points.get(key.as_str()).copied().unwrap_or(false);
            let is_elsewhere = self.is_pilot && expectation.is_of_contact_point() && keys.iter().all(is_unknown);
            !is_elsewhere && !expectation.records().any(|record| self.left_out.contains(&record.to_string()))
        };
        let told = self.asked.iter().filter(is_told).map(|(expectation, keys)| {
            let (expected, observed, examples) = self.judge(expectation, keys);
            let item = format!("line {}, {}", expectation.line, expectation.kind);
            Finding { check: EXPECTATIONS, item, examined: 1, expected, observed, examples }
        });
        told.collect()
    }

    /// ExpectedState and observed in words, and the ids of records or profiles.
    fn judge(&self, expectation: &Expectation, keys: &[String]) -> (String, String, Vec<String>) {
        let absent: Vec<String> = expectation
            .records()
            .map(|record| record.to_string())
            .filter(|record| self.records.get(record).is_none_or(Option::is_none))
            .collect();
        let expected = match &expectation.expected {
            ExpectedState::SameAs(_) => "one profile".to_owned(),
            ExpectedState::NotSameAs(_) => "two profiles".to_owned(),
            ExpectedState::OptedOut(channel) => format!("opted out of {channel}"),
            ExpectedState::Tenant(tenant) => format!("tenant {tenant}"),
        };
        if !absent.is_empty() {
            return (expected, "a record that is not exported".to_owned(), absent);
        }
        let who = expectation.records().map(|record| record.to_string()).collect();
        match &expectation.expected {
            ExpectedState::SameAs(other) | ExpectedState::NotSameAs(other) => {
                let observed = match (self.profile_of(&expectation.who), self.profile_of(other)) {
                    (Some(one), Some(two)) if one == two => "one profile",
                    (None, _) | (_, None) if matches!(expectation.expected, ExpectedState::SameAs(_)) => {
                        "a record without a profile"
                    }
                    _ => "two profiles",
                };
                (expected, observed.to_owned(), who)
            }
            ExpectedState::Tenant(_) => {
                let profile = self.profile_of(&expectation.who).and_then(|id| self.profiles.get(id));
                let observed = profile.map_or("no profile".to_owned(), |profile| format!("tenant {}", profile.tenant));
                (expected, observed, who)
            }
            ExpectedState::OptedOut(channel) => {
                let mut wrong: Vec<String> = match expectation.is_of_contact_point() {
                    true => self.profiles_with(keys).map(|(id, _)| id.clone()).collect(),
                    false => self.profile_of(&expectation.who).map(str::to_owned).into_iter().collect(),
                };
                wrong.retain(|id| self.profiles.get(id).is_some_and(|profile| profile.channels.contains(channel)));
                let is_known = |key: &String| self.contact_points.get(key.as_str()).copied().unwrap_or(false);
                let observed = match wrong.is_empty() {
                    false => format!("opted in to {channel}"),
                    true if expectation.is_of_contact_point() && !keys.iter().any(is_known) => {
                        "a contact point that no profile has".to_owned()
                    }
                    true => expected.clone(),
                };
                (expected, observed, wrong)
            }
        }
    }

    fn profile_of(&self, record: &str) -> Option<&str> {
        self.records.get(record)?.as_ref()?.as_deref()
    }

    fn profiles_with(&self, keys: &[String]) -> impl Iterator<Item = (&String, &ExpectedProfile)> {
        self.profiles.iter().filter(|(_, profile)| keys.iter().any(|key| profile.shown.contains(key)))
    }
}
