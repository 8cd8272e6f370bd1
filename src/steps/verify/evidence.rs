//! Loads what the checks need from the data folder into the CRM session.

use anyhow::Result;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::consolidate::consent::earlier::address_form;
use crate::model::{AliasType, Channel, Code, Source, Timestamp};
use crate::pg::verify::checks::{CHECKS, CheckFinding};
use crate::pg::verify::evidence_session::Verifier;
use crate::pg::verify::look::Answered;
use crate::sources;
use crate::steps::verify::folders::{Folders, load_rows};
use crate::steps::verify::{consent, handicaps, settings};
use crate::tables::{Table, check, evidence, resolution, stage};

impl Folders {
    /// Exported entities with their rows and the strategy's estimates.
    pub fn entities(&self, session: &Session) -> Vec<(Source, &'static str, i64, Option<i64>)> {
        let mut entities = Vec::new();
        for (source, folder) in &self.exports {
            for export in sources::exports(*source) {
                let name = format!("raw_{source}__{}.parquet", export.entity);
                let rows = folder.manifest.files.get(&name).map_or(0, |entry| entry.rows);
                let estimate = session.config.expect.get(source.code()).and_then(|expected| expected.get(export.entity));
                let whole = |rows: u64| i64::try_from(rows).expect("counts fit in 63 bits");
                // Lines of a CSV dump that are not records have an outcome, too.
                let unread = folder.manifest.count(&format!("{}.rejected_rows", export.entity));
                entities.push((*source, export.entity, whole(rows) + unread, estimate.copied().map(whole)));
            }
        }
        entities
    }

    /// Compares exported rows with the strategy's estimates; more than 25 % off needs manual review.
    pub fn estimates(&self, session: &Session) -> Answered {
        let estimated = self.entities(session).into_iter().filter_map(|(source, entity, rows, estimate)| {
            let estimate = estimate?;
            let within = format!("within 25 % of {estimate}");
            let is_near = (rows - estimate).abs() * 4 <= estimate;
            let observed = if is_near { within.clone() } else { format!("{rows} rows") };
            Some(CheckFinding {
                item: format!("{source}.{entity}"),
                examined: rows,
                expected: within,
                observed,
                examples: Vec::new(),
            })
        });
        Answered { check: "export_estimates", findings: estimated.collect(), taken: std::time::Duration::ZERO }
    }

    /// The proofs of the datasets from the step that wrote them.
    pub fn proofs(&self) -> Result<Vec<Answered>> {
        let mut answered: Vec<Answered> = Vec::new();
        for columns in self.crm.read::<check::proofs::Table>(None)? {
            for row in columns?.rows() {
                let Some(check) = CHECKS.iter().find(|known| known.name == row.check) else { continue };
                let finding = CheckFinding {
                    item: row.item.to_owned(),
                    examined: row.examined,
                    expected: row.expected.to_owned(),
                    observed: row.observed.to_owned(),
                    examples: row.examples.iter().map(str::to_owned).collect(),
                };
                answered.push(Answered { check: check.name, findings: vec![finding], taken: std::time::Duration::ZERO });
            }
        }
        Ok(answered)
    }

    /// Loads everything that the session's checks name; returns how many rows.
    pub fn load(&self, session: &Session, verifier: &Verifier) -> Result<u64> {
        let mut rows = 0;
        rows += settings::load(session, self, verifier)?;
        rows += self.load_people(verifier)?;
        rows += self.load_consent_evidence(session, verifier)?;
        Ok(rows)
    }

    /// Start of the look-back for bookings and messages.
    pub fn window_from(&self, session: &Session) -> Timestamp {
        self.as_of.minus_years(session.config.activities.lookback_years())
    }

    fn load_people(&self, verifier: &Verifier) -> Result<u64> {
        if !verifier.names(evidence::people::Table::STEM) {
            return Ok(0);
        }
        let links = self.resolve.read_all::<resolution::links::Table>(None)?;
        let mut joined: HashMap<String, Timestamp, foldhash::fast::FixedState> = HashMap::default();
        if self.stage.has::<stage::club_memberships::Table>(Some(Source::Scl)) {
            for columns in self.stage.read::<stage::club_memberships::Table>(Some(Source::Scl))? {
                for row in columns?.rows() {
                    if let Some(at) = row.joined_at {
                        joined.entry_ref(row.source_id).and_modify(|first| *first = at.min(*first)).or_insert(at);
                    }
                }
            }
        }
        let (recorded, latest) = (consent::recorded(self)?, handicaps::latest(self)?);
        load_rows::<evidence::people::Table>(verifier, |push| {
            for source in self.phase.sources() {
                let mut linked: HashMap<&str, resolution::links::Row<'_>, foldhash::fast::FixedState> = HashMap::default();
                linked.extend(
                    links
                        .iter()
                        .flat_map(|batch| batch.rows())
                        .filter(|row| row.source == source)
                        .map(|row| (row.source_id, row)),
                );
                for columns in self.stage.read::<stage::people::Table>(Some(source))? {
                    for row in columns?.rows() {
                        let link = linked.get(row.source_id);
                        let of_history = latest.get(row.source_id).filter(|_| source == Source::McaZa);
                        push(evidence::people::Row {
                            source,
                            source_id: row.source_id,
                            profile_id: link.and_then(|link| link.profile_id),
                            tenant_id: link.and_then(|link| link.tenant_id),
                            rule: link.map(|link| link.rule),
                            confidence: link.map_or(0, |link| link.confidence),
                            matched_source: link.and_then(|link| link.matched_source),
                            matched_source_id: link.and_then(|link| link.matched_source_id),
                            own_tenant_id: row.tenant_id,
                            email: row.email,
                            email_key: row.email_key,
                            phone: row.phone,
                            phone_key: row.phone_key,
                            first_key: row.first_key,
                            last_key: row.last_key,
                            born_on: row.born_on,
                            golf_rsa_id: row.golf_rsa_id,
                            cdh_id: row.cdh_id,
                            mca_id: row.mca_id,
                            auth_user_id: row.auth_user_id,
                            status_tag: row.status_tag.map(Code::code),
                            handicap: of_history.map_or(row.handicap, |(value, _)| Some(*value)),
                            handicap_at: of_history.map_or(row.handicap_at, |(_, at)| Some(*at)),
                            membership_status: row.membership_status,
                            membership_tier: row.membership_tier,
                            joined_at: if source == Source::Scl { joined.get(row.source_id).copied() } else { None },
                            email_opt_in: row.email_opt_in,
                            sms_opt_in: row.sms_opt_in,
                            created_at: row.created_at,
                            updated_at: row.updated_at.or_else(|| consent::undated_flag(&recorded, source, row.source_id)),
                            deleted_at: row.deleted_at,
                        });
                    }
                }
            }
            Ok(())
        })
    }

    fn load_consent_evidence(&self, session: &Session, verifier: &Verifier) -> Result<u64> {
        let mut rows = load_rows::<evidence::identifiers::Table>(verifier, |push| {
            for source in self.phase.sources().filter(|source| self.stage.has::<stage::identifiers::Table>(Some(*source))) {
                for columns in self.stage.read::<stage::identifiers::Table>(Some(source))? {
                    for row in columns?.rows() {
                        if let Some(kind) = row.kind {
                            let kind = AliasType::code(kind);
                            push(evidence::identifiers::Row {
                                source,
                                source_id: row.source_id,
                                kind,
                                value: row.value,
                                is_key: row.is_key,
                            });
                        }
                    }
                }
            }
            Ok(())
        })?;
        rows += load_rows::<evidence::consents::Table>(verifier, |push| consent::evidence(session, self, push))?;
        rows += load_rows::<evidence::withdrawals::Table>(verifier, |push| {
            if let Some(folder) = &self.exports_crm {
                for columns in folder.read::<sources::crm::withdrawals::Table>(None)? {
                    for row in columns?.rows().filter(|row| matches!(row.reason, "WITHDRAWN" | "COMPLAINED")) {
                        let channel = Channel::from_code(row.channel).unwrap_or(Channel::Push);
                        let address = address_form(channel, row.address);
                        push(evidence::withdrawals::Row {
                            tenant_id: row.tenant_id,
                            channel: row.channel,
                            address: &address,
                            scope: row.scope,
                            revoked_at: row.revoked_at,
                            lifted_after: row.lifted_after.unwrap_or(self.as_of),
                        });
                    }
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }
}
