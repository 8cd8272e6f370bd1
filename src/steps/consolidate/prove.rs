//! Checks the datasets at the end of the step that wrote them, before the CRM is touched: their contents are derived a second time
//! from the staged records.

use anyhow::Result;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::fault::{Exit, Fault};
use crate::model::{Channel, Code as _, FlagFalse, Phase, Reviews, Scope, Source, Timestamp};
use crate::prove::accounts::Accounts;
use crate::prove::consent::{ConsentProof, ConsentRules, LeftWithdrawal, ProfileConsent};
use crate::prove::duplicates::Duplicates;
use crate::prove::expectations::{EXPECTATIONS, ExpectationProof};
use crate::prove::fields::FieldProof;
use crate::prove::links::{LinkEvidence, Links};
use crate::prove::timeline::{TimelineProof, made_members as made_members_of};
use crate::prove::{Finding, ProfilePlace, Profiles, RecordProfiles};
use crate::sources::crm::{undated_withdrawals, withdrawals};
use crate::steps::contact_keys::contact_keys;
use crate::steps::inputs;
use crate::store::{Draft, Folder};
use crate::tables::check::{ledger, proofs, rejects};
use crate::tables::crm::{
    activities, campaign_interactions, customer_profiles, field_provenance, identity_aliases, marketing_consents,
};
use crate::tables::resolution::{candidates, decisions, hubs, links};
use crate::tables::stage::{bookings, consents, handicaps, identifiers, messages, people};
use crate::tables::{Builder as _, Table, TextList};

/// The inputs of the checks.
pub struct ProofInputs<'a> {
    /// The settings.
    pub session: &'a Session,
    /// `data/stage`
    pub stage: &'a Folder,
    /// `data/resolve`
    pub resolved: &'a Folder,
    /// `data/exports/crm`
    pub crm_export: Option<&'a Folder>,
    /// The verdicts on unreadable cells.
    pub reviews: &'a Reviews,
    /// The datasets that were just written.
    pub draft: &'a Draft,
    /// The phase.
    pub phase: Phase,
    /// The as-of time.
    pub as_of: Timestamp,
    /// Exported entities with their rows.
    pub exported: &'a [(Source, &'static str, u64)],
}

/// What is looked at person by person.
struct StagedPeople<'a> {
    evidence: LinkEvidence<'a>,
    joined: Links<'a>,
    fields: FieldProof<'a>,
    duplicates: Duplicates<'a>,
    consent: Option<ConsentProof<'a>>,
    made_members: u64,
}

impl StagedPeople<'_> {
    /// A batch of people with the place of each; each proof looks at it on a thread of its own.
    fn add(&mut self, source: Source, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        let Self { evidence, joined, fields, duplicates, consent, made_members } = self;
        rayon::scope(|scope| {
            if let Some(consent) = consent {
                scope.spawn(|_| consent.add_people(columns, places));
            }
            scope.spawn(|_| evidence.add_people(source, columns, places));
            scope.spawn(|_| joined.add_people(source, columns, places));
            scope.spawn(|_| fields.add_people(source, columns, places));
            duplicates.add_people(columns, places);
        });
        if source == Source::Scl {
            *made_members += made_members_of(columns, places);
        }
    }
}

/// Two things that read files of their own, side by side.
fn both(one: impl FnOnce() -> Result<()> + Send, other: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    let (one, other) = rayon::join(one, other);
    one.and(other)
}

impl ProofInputs<'_> {
    /// Runs all checks, and writes the findings next to the datasets.
    pub fn run(&self) -> Result<()> {
        let findings = self.findings()?;
        let mut rows = proofs::Builder::new(findings.len());
        for finding in &findings {
            let examples: Vec<&str> = finding.examples.iter().map(String::as_str).collect();
            rows.push(proofs::Row {
                check: finding.check,
                item: &finding.item,
                examined: i64::try_from(finding.examined).expect("counts fit in 63 bits"),
                expected: &finding.expected,
                observed: &finding.observed,
                examples: TextList::Slice(&examples),
            });
        }
        self.draft.write::<proofs::Table>(None, [rows.finish()])?;
        refuse(&findings)
    }

    fn findings(&self) -> Result<Vec<Finding>> {
        let config = &self.session.config;
        let mut profiles = Profiles::default();
        let mut shown = Vec::new();
        self.written::<customer_profiles::Table>(|columns| {
            profiles.add(columns);
            shown.extend(ProfileConsent::each_of(columns));
        })?;
        profiles.settle();
        let mut records = RecordProfiles::default();
        self.linked::<links::Table>(|columns| records.add(columns, &profiles))?;
        records.settle();

        let whs_from: Vec<(String, Timestamp)> = config.whs_from().into_iter().collect();
        let is_global = config.identity.scope == crate::model::Scope::Global;
        let window_from = self.as_of.minus_years(config.activities.lookback_years());
        let mut people = StagedPeople {
            evidence: LinkEvidence::new(&records),
            joined: Links::new(&profiles, &records, is_global),
            fields: FieldProof::new(&profiles, &records, self.as_of, &whs_from),
            duplicates: Duplicates::new(&profiles, &records),
            consent: self.consent_of_contacts(&profiles, &records, shown)?,
            made_members: 0,
        };
        let mut timeline = TimelineProof::new(&profiles, &records, window_from);
        let mut accounts = Accounts::default();

        let StagedPeople { evidence, joined, fields, .. } = &mut people;
        both(
            || self.written::<field_provenance::Table>(|columns| fields.add_provenance(columns)),
            || {
                self.linked::<links::Table>(|columns| {
                    joined.add_links(columns);
                    evidence.want(columns);
                })
            },
        )?;
        both(|| self.people(&records, &mut people), || self.made(&mut timeline))?;
        timeline.add_members(people.made_members);
        let StagedPeople { evidence, joined, duplicates, .. } = &mut people;
        both(
            || {
                self.written::<identity_aliases::Table>(|columns| joined.add_aliases(columns))?;
                self.linked::<links::Table>(|columns| joined.judge(columns, evidence))
            },
            || {
                self.written::<ledger::Table>(|columns| {
                    accounts.add_ledger(columns);
                    timeline.add_ledger(columns);
                })?;
                self.written::<activities::Table>(|columns| timeline.add_activities(columns))?;
                self.written::<campaign_interactions::Table>(|columns| timeline.add_interactions(columns))
            },
        )?;
        self.linked::<hubs::Table>(|columns| duplicates.add_hubs(columns))?;
        self.linked::<candidates::Table>(|columns| duplicates.add_candidates(columns))?;
        for (a, b) in self.kept_apart()? {
            duplicates.add_pair(&a, &b);
        }

        if let Some(consent) = &mut people.consent {
            consent.settle_people();
            self.written::<marketing_consents::Table>(|columns| consent.add_rows(columns))?;
        }

        let mut findings = accounts.finish(self.exported);
        findings.extend(people.joined.finish());
        findings.extend(people.fields.finish());
        findings.extend(people.duplicates.finish());
        findings.extend(people.consent.map(ConsentProof::finish).unwrap_or_default());
        findings.extend(timeline.finish());
        findings.extend(self.expectations()?);
        Ok(findings)
    }

    /// What the owner knows of some people.
    fn expectations(&self) -> Result<Vec<Finding>> {
        let (_, expectations) = inputs::expectations(self.session)?;
        let with_keys = expectations.into_iter().map(|expectation| {
            let keys = if expectation.is_of_contact_point() { contact_keys(self.session, &expectation.who) } else { Vec::new() };
            (expectation, keys)
        });
        let with_keys: Vec<_> = with_keys.collect();
        let mut proof = ExpectationProof::new(&with_keys, self.phase);
        if proof.is_empty() {
            return Ok(Vec::new());
        }
        self.linked::<links::Table>(|columns| proof.add_links(columns))?;
        self.written::<customer_profiles::Table>(|columns| proof.add_profiles(columns))?;
        self.written::<identity_aliases::Table>(|columns| proof.add_aliases(columns))?;
        self.written::<marketing_consents::Table>(|columns| proof.add_consents(columns))?;
        Ok(proof.finish())
    }

    /// People with their further identifiers and histories of handicaps, source by source.
    fn people(&self, records: &RecordProfiles, people: &mut StagedPeople<'_>) -> Result<()> {
        for source in self.phase.sources() {
            self.staged::<handicaps::Table>(source, |columns| people.fields.add_handicaps(source, columns))?;
            self.staged::<people::Table>(source, |columns| people.add(source, columns, &records.places(source, columns)))?;
            self.staged::<identifiers::Table>(source, |columns| {
                people.evidence.add_identifiers(source, columns);
                people.joined.add_identifiers(source, columns);
                if let Some(consent) = &mut people.consent {
                    consent.add_identifiers(source, columns);
                }
            })?;
        }
        people.evidence.settle();
        Ok(())
    }

    /// The proof of consent with the evidence of all contacts; `None` in phases without consent.
    fn consent_of_contacts<'p>(
        &'p self,
        profiles: &'p Profiles,
        records: &'p RecordProfiles,
        shown: Vec<ProfileConsent>,
    ) -> Result<Option<ConsentProof<'p>>> {
        if self.phase < Source::Messaging.phase() {
            return Ok(None);
        }
        let (config, source) = (&self.session.config, Source::Messaging);
        let rules = ConsentRules {
            as_of: self.as_of,
            default_tenant: &config.tenants.default,
            is_flag_enough: !config.consent.strict_consent,
            is_false_flag_withdrawal: config.consent.flag_false == FlagFalse::Withdrawal,
            is_suppression_global: config.consent.suppression == Scope::Global,
            recorded: self.first_recorded()?,
        };
        let mut proof = ConsentProof::new(profiles, records, rules, shown);
        self.staged::<consents::Table>(source, |columns| proof.add_consents(columns))?;
        self.staged::<messages::Table>(source, |columns| proof.add_messages(columns))?;
        for columns in self.stage.read::<rejects::Table>(None)? {
            for row in columns?.rows().filter(|row| row.source == source && row.entity == "contacts") {
                let flag = row.column.and_then(|column| Some((column, flag_channel(column)?)));
                let unreviewed = flag.filter(|(column, _)| self.reviews.consent(row.entity, row.source_id, column).is_none());
                if let Some((_, channel)) = unreviewed {
                    proof.add_unreadable_flag(row.source_id, channel);
                }
            }
        }
        self.left_withdrawals(&mut proof)?;
        proof.settle_evidence();
        self.staged::<people::Table>(source, |columns| proof.add_contacts(columns, &records.places(source, columns)))?;
        proof.settle_contacts();
        self.staged::<identifiers::Table>(source, |columns| proof.add_contact_identifiers(columns))?;
        proof.settle_withdrawals();
        Ok(Some(proof))
    }

    /// Adds the withdrawals that earlier loads left in the CRM.
    fn left_withdrawals(&self, proof: &mut ConsentProof<'_>) -> Result<()> {
        let Some(folder) = self.crm_export else { return Ok(()) };
        for columns in folder.read::<withdrawals::Table>(None)? {
            for row in columns?.rows().filter(|row| matches!(row.reason, "WITHDRAWN" | "COMPLAINED")) {
                let Some(channel) = Channel::from_code(row.channel) else { continue };
                proof.add_left(LeftWithdrawal {
                    tenant: row.tenant_id,
                    channel,
                    address: row.address,
                    scope: row.scope,
                    revoked_at: row.revoked_at.map(Timestamp::round_to_millis),
                    lifted_after: row.lifted_after.map(Timestamp::round_to_millis),
                });
            }
        }
        Ok(())
    }

    /// When loads first recorded each withdrawal without a date, by its evidence key.
    fn first_recorded(&self) -> Result<HashMap<String, Timestamp, foldhash::fast::FixedState>> {
        let mut recorded = HashMap::default();
        if let Some(folder) = self.crm_export.filter(|folder| folder.has::<undated_withdrawals::Table>(None)) {
            for columns in folder.read::<undated_withdrawals::Table>(None)? {
                recorded.extend(columns?.rows().map(|row| (row.evidence_key.to_owned(), row.recorded_at.round_to_millis())));
            }
        }
        Ok(recorded)
    }

    /// When bookings and messages were made.
    fn made(&self, timeline: &mut TimelineProof<'_>) -> Result<()> {
        for source in self.phase.sources().filter(|_| self.phase >= Phase::ACTIVITIES) {
            self.staged::<bookings::Table>(source, |columns| {
                columns.rows().for_each(|row| timeline.note_made(source, row.row_id, row.created_at));
            })?;
            self.staged::<messages::Table>(source, |columns| {
                columns.rows().for_each(|row| timeline.note_made(source, row.row_id, row.created_at));
            })?;
        }
        Ok(())
    }

    /// Pairs of profiles with a manual decision that they are two people. They are not in the review queue, but must not be
    /// linked either.
    fn kept_apart(&self) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        self.linked::<decisions::Table>(|columns| {
            let apart = columns.rows().filter(|row| row.kind == "cannot-link");
            pairs.extend(apart.map(|row| (row.a.to_owned(), row.b.to_owned())));
        })?;
        let mut profiles: HashMap<&str, Option<String>, foldhash::fast::FixedState> =
            pairs.iter().flat_map(|(a, b)| [(a.as_str(), None), (b.as_str(), None)]).collect();
        if !profiles.is_empty() {
            self.linked::<links::Table>(|columns| {
                for row in columns.rows() {
                    let key = format!("{}:{}:{}", row.source, row.entity, row.source_id);
                    if let Some(profile) = profiles.get_mut(key.as_str()) {
                        *profile = row.profile_id.map(str::to_owned);
                    }
                }
            })?;
        }
        let profile = |key: &str| profiles.get(key).cloned().flatten();
        Ok(pairs.iter().filter_map(|(a, b)| profile(a).zip(profile(b))).filter(|(a, b)| a != b).collect())
    }

    fn written<T: Table>(&self, mut each: impl FnMut(&T::Columns)) -> Result<()> {
        for columns in self.draft.read::<T>(None)? {
            each(&columns?);
        }
        Ok(())
    }

    fn linked<T: Table>(&self, mut each: impl FnMut(&T::Columns)) -> Result<()> {
        for columns in self.resolved.read::<T>(None)? {
            each(&columns?);
        }
        Ok(())
    }

    fn staged<T: Table>(&self, source: Source, mut each: impl FnMut(&T::Columns)) -> Result<()> {
        if self.stage.has::<T>(Some(source)) {
            for columns in self.stage.read::<T>(Some(source))? {
                each(&columns?);
            }
        }
        Ok(())
    }
}

/// The channel of a contact's flag.
fn flag_channel(column: &str) -> Option<Channel> {
    match column {
        "email_opt_in" => Some(Channel::Email),
        "sms_opt_in" => Some(Channel::Sms),
        _ => None,
    }
}

/// Fails if a check failed. Expectations that are not met do not make the datasets wrong; they are told when these are in place.
fn refuse(findings: &[Finding]) -> Result<()> {
    let broken: Vec<&Finding> = findings.iter().filter(|finding| !finding.holds() && finding.check != EXPECTATIONS).collect();
    let Some(first) = broken.first() else { return Ok(()) };
    let words = |finding: &Finding| {
        let ids = if finding.examples.is_empty() { String::new() } else { format!(" ({})", finding.examples.join(", ")) };
        format!("{}: {}: {} instead of {}{ids}", finding.check, finding.item, finding.observed, finding.expected)
    };
    let what = format!("{} checks of the datasets fail; the first is {}", broken.len(), first.check);
    let mut fault = Fault::new(Exit::Mismatch, what).at("the datasets of data/crm, which stay as they were");
    for finding in broken.iter().take(10) {
        fault = fault.help(words(finding));
    }
    Err(fault.help("what each check compares: docs/checks.md").into())
}
