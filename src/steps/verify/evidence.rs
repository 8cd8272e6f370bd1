//! Gathers from the data folder what the checks need and lends it to the CRM session.

use anyhow::Result;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::consolidate::consent::earlier::address_form;
use crate::model::{AliasType, Channel, Code, Outcome, Phase, Source, Timestamp};
use crate::pg::verify::checks::{CHECKS, Finding};
use crate::pg::verify::lent::Verifier;
use crate::pg::verify::look::Answered;
use crate::sources;
use crate::steps::verify::folders::{Folders, lend_rows};
use crate::steps::verify::{consent, handicaps, settings};
use crate::tables::{Table, check, crm, evidence, resolution, score, stage};

/// Columns of a profile whose named source row is compared.
const NAMED: [&str; 3] = ["membership_status", "membership_tier", "handicap"];

/// Activities that count as one: type, category, channel, title.
type Seen = (String, &'static str, Option<String>, String);

/// Rows of the ledger that count as one: source, entity, outcome, reason.
type Kind = (Source, String, Outcome, Option<String>);

impl Folders {
    /// Exported entities with their rows and the strategy's estimates.
    pub fn entities(&self, session: &Session) -> Vec<(Source, &'static str, i64, Option<i64>)> {
        let mut entities = Vec::new();
        for (source, folder) in &self.exports {
            for export in sources::exports(*source) {
                let name = format!("raw_{source}__{}.parquet", export.entity);
                let rows = folder.manifest.files.get(&name).map_or(0, |entry| entry.rows);
                let estimate = session.config.expect.get(source.code()).and_then(|expected| expected.get(export.entity));
                let whole = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
                // Lines of a CSV dump that are no records have an outcome too.
                let unread = folder.manifest.count(&format!("{}.rejected_rows", export.entity));
                entities.push((*source, export.entity, whole(rows) + unread, estimate.copied().map(whole)));
            }
        }
        entities
    }

    /// Exported rows beside the strategy's estimates: more than a quarter off is for a person to judge.
    pub fn estimates(&self, session: &Session) -> Answered {
        let estimated = self.entities(session).into_iter().filter_map(|(source, entity, rows, estimate)| {
            let estimate = estimate?;
            let within = format!("within 25 % of {estimate}");
            let is_near = (rows - estimate).abs() * 4 <= estimate;
            let observed = if is_near { within.clone() } else { format!("{rows} rows") };
            Some(Finding { item: format!("{source}.{entity}"), examined: rows, expected: within, observed, examples: Vec::new() })
        });
        Answered { check: "export_estimates", findings: estimated.collect(), taken: std::time::Duration::ZERO }
    }

    /// What was proved of the datasets when they were written.
    pub fn proofs(&self) -> Result<Vec<Answered>> {
        let mut answered: Vec<Answered> = Vec::new();
        for columns in self.crm.read::<check::proofs::Table>(None)? {
            for row in columns?.rows() {
                let Some(check) = CHECKS.iter().find(|known| known.name == row.check) else { continue };
                let finding = Finding {
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

    /// Lends everything that the session's checks name; returns how many rows.
    pub fn lend(&self, session: &Session, verifier: &Verifier) -> Result<u64> {
        let mut rows = 0;
        rows += settings::lend(session, self, verifier)?;
        rows += lend_rows::<evidence::entities::Table>(verifier, |push| {
            for (source, entity, row_count, estimate) in self.entities(session) {
                push(evidence::entities::Row { source, entity, row_count, estimate });
            }
            Ok(())
        })?;
        rows += self.lend_files(verifier)?;
        rows += lend_rows::<evidence::outcomes::Table>(verifier, |push| {
            for ((source, entity, outcome, reason), row_count) in &self.outcomes()? {
                push(evidence::outcomes::Row {
                    source: *source,
                    entity,
                    outcome: *outcome,
                    reason: reason.as_deref(),
                    row_count: *row_count,
                });
            }
            Ok(())
        })?;
        rows += self.lend_profiles(verifier)?;
        rows += self.lend_kinds(verifier)?;
        rows += self.lend_people(verifier)?;
        rows += self.lend_evidence(session, verifier)?;
        Ok(rows)
    }

    /// Start of the look-back for bookings and messages.
    pub fn window_from(&self, session: &Session) -> Timestamp {
        self.as_of.minus_years(session.config.activities.lookback_years())
    }

    /// The ledger, counted.
    fn outcomes(&self) -> Result<Vec<(Kind, i64)>> {
        let mut counted: Vec<(Kind, i64)> = Vec::new();
        for columns in self.crm.read::<check::ledger::Table>(None)? {
            let columns = columns?;
            for row in columns.rows() {
                // The ledger is sorted by source and entity, so the entry is among the last few.
                let found = counted.iter_mut().rev().find(|((source, entity, outcome, reason), _)| {
                    (*source, entity.as_str(), *outcome, reason.as_deref()) == (row.source, row.entity, row.outcome, row.reason)
                });
                match found {
                    Some((_, count)) => *count += 1,
                    None => counted.push(((row.source, row.entity.to_owned(), row.outcome, row.reason.map(str::to_owned)), 1)),
                }
            }
        }
        counted.sort_unstable();
        Ok(counted)
    }

    /// Pairs of profiles that a person decided are two: they are no candidates any more, and refused all the same.
    fn kept_apart(&self) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        for columns in self.resolve.read::<resolution::decisions::Table>(None)? {
            let columns = columns?;
            let apart = columns.rows().filter(|row| row.kind == "cannot-link");
            pairs.extend(apart.map(|row| (row.a.to_owned(), row.b.to_owned())));
        }
        let mut profiles: HashMap<&str, Option<String>> =
            pairs.iter().flat_map(|(a, b)| [(a.as_str(), None), (b.as_str(), None)]).collect();
        if !profiles.is_empty() {
            for columns in self.resolve.read::<resolution::links::Table>(None)? {
                for row in columns?.rows() {
                    let key = format!("{}:{}:{}", row.source, row.entity, row.source_id);
                    if let Some(profile) = profiles.get_mut(key.as_str()) {
                        *profile = row.profile_id.map(str::to_owned);
                    }
                }
            }
        }
        let profile = |key: &str| profiles.get(key).cloned().flatten();
        Ok(pairs.iter().filter_map(|(a, b)| profile(a).zip(profile(b))).filter(|(a, b)| a != b).collect())
    }

    fn lend_files(&self, verifier: &Verifier) -> Result<u64> {
        if !verifier.names(evidence::files::Table::STEM) {
            return Ok(0);
        }
        macro_rules! file {
            ($folder:expr, $module:path, $row:ident => ($id:expr, $customer:expr, $at:expr)) => {{
                use $module as dataset;
                let kept = verifier.kept(<dataset::Table as Table>::STEM)?;
                let mut sum = 0_u128;
                let mut rows = 0_i64;
                for columns in $folder.read::<dataset::Table>(None)? {
                    for $row in columns?.rows().filter(|row| !kept.contains(row.id)) {
                        sum += u128::from(fingerprint($id, $customer, $at));
                        rows += 1;
                    }
                }
                // SQL takes the sum modulo 2^62, too.
                let fingerprint = i64::try_from(sum % (1_u128 << 62)).expect("a number below 2^62 fits");
                (<dataset::Table as Table>::STEM, rows, fingerprint)
            }};
        }
        let files = [
            file!(self.crm, crm::customer_profiles, row => (row.id, row.id, Some(row.first_seen_at))),
            file!(self.crm, crm::identity_aliases, row => (row.id, row.customer_id, row.first_seen_at)),
            file!(self.crm, crm::marketing_consents, row => (row.id, row.customer_id, row.consented_at.or(row.revoked_at))),
            file!(self.crm, crm::activities, row => (row.id, row.customer_id, Some(row.occurred_at))),
            file!(self.crm, crm::campaign_interactions, row => (row.id, row.customer_id, Some(row.occurred_at))),
            file!(self.crm, crm::duplicate_candidates, row => (row.id, row.profile_a_id, None)),
            file!(self.score, score::memberships, row => (row.id, row.customer_id, None)),
        ];
        lend_rows::<evidence::files::Table>(verifier, |push| {
            for (dataset, row_count, fingerprint) in files {
                push(evidence::files::Row { dataset, row_count, fingerprint });
            }
            Ok(())
        })
    }

    fn lend_profiles(&self, verifier: &Verifier) -> Result<u64> {
        if !verifier.names(crm::customer_profiles::Table::STEM) {
            return Ok(0);
        }
        verifier.lend::<crm::customer_profiles::Table>(|send| {
            let mut reader = self.crm.read::<crm::customer_profiles::Table>(None)?;
            while let Some(batch) = reader.next_batch() {
                send(batch?)?;
            }
            Ok(())
        })
    }

    fn lend_kinds(&self, verifier: &Verifier) -> Result<u64> {
        if !verifier.names(evidence::kinds::Table::STEM) {
            return Ok(0);
        }
        let kinds = self.kinds(verifier)?;
        lend_rows::<evidence::kinds::Table>(verifier, |push| {
            for ((activity_type, category, channel, title), row_count) in &kinds {
                push(evidence::kinds::Row { activity_type, category, channel: channel.as_deref(), title, row_count: *row_count });
            }
            Ok(())
        })
    }

    /// The timeline of the files, counted by what a reader sees of an activity.
    fn kinds(&self, verifier: &Verifier) -> Result<HashMap<Seen, i64, foldhash::fast::FixedState>> {
        let kept = verifier.kept(crm::activities::Table::STEM)?;
        let mut counted: HashMap<Seen, i64, foldhash::fast::FixedState> = HashMap::default();
        let mut kind = Seen::default();
        for columns in self.crm.read::<crm::activities::Table>(None)? {
            for row in columns?.rows().filter(|row| !kept.contains(row.id)) {
                // One key is filled again for every row: a new one for each would cost four allocations a row.
                kind.0.clear();
                kind.0.push_str(row.activity_type);
                kind.1 = row.category.code();
                kind.2 = row.channel.map(str::to_owned);
                kind.3.clear();
                kind.3.push_str(row.title);
                match counted.get_mut(&kind) {
                    Some(count) => *count += 1,
                    None => drop(counted.insert(kind.clone(), 1)),
                }
            }
        }
        Ok(counted)
    }

    fn lend_people(&self, verifier: &Verifier) -> Result<u64> {
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
        lend_rows::<evidence::people::Table>(verifier, |push| {
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

    fn lend_evidence(&self, session: &Session, verifier: &Verifier) -> Result<u64> {
        let mut rows = lend_rows::<evidence::identifiers::Table>(verifier, |push| {
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
        rows += lend_rows::<evidence::provenance::Table>(verifier, |push| {
            for columns in self.crm.read::<crm::field_provenance::Table>(None)? {
                for row in columns?.rows().filter(|row| NAMED.contains(&row.field)) {
                    push(evidence::provenance::Row {
                        profile_id: row.profile_id,
                        field: row.field,
                        source: row.source,
                        source_id: row.source_id,
                    });
                }
            }
            Ok(())
        })?;
        rows += lend_rows::<evidence::consents::Table>(verifier, |push| consent::evidence(session, self, push))?;
        rows += lend_rows::<evidence::withdrawals::Table>(verifier, |push| {
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
        rows += lend_rows::<evidence::early_rows::Table>(verifier, |push| {
            let from = self.window_from(session);
            if self.phase < Phase::ACTIVITIES {
                return Ok(());
            }
            for columns in self.stage.read::<stage::bookings::Table>(Some(Source::Teetime))? {
                for row in columns?.rows().filter(|row| row.created_at.is_some_and(|at| at < from)) {
                    push(evidence::early_rows::Row { service: Source::Teetime.service(), source_id: row.row_id });
                }
            }
            for columns in self.stage.read::<stage::messages::Table>(Some(Source::Messaging))? {
                for row in columns?.rows().filter(|row| row.created_at.is_some_and(|at| at < from)) {
                    push(evidence::early_rows::Row { service: Source::Messaging.service(), source_id: row.row_id });
                }
            }
            Ok(())
        })?;
        rows += lend_rows::<evidence::candidates::Table>(verifier, |push| {
            for columns in self.resolve.read::<resolution::candidates::Table>(None)? {
                for row in columns?.rows() {
                    push(evidence::candidates::Row { a_profile_id: row.a_profile_id, b_profile_id: row.b_profile_id });
                }
            }
            for (a, b) in self.kept_apart()? {
                push(evidence::candidates::Row { a_profile_id: &a, b_profile_id: &b });
            }
            Ok(())
        })?;
        rows += lend_rows::<evidence::hubs::Table>(verifier, |push| {
            for columns in self.resolve.read::<resolution::hubs::Table>(None)? {
                for row in columns?.rows() {
                    push(evidence::hubs::Row { kind: row.kind, tenant_id: row.tenant_id, value: row.value });
                }
            }
            Ok(())
        })?;
        rows += lend_rows::<evidence::segments::Table>(verifier, |push| {
            for columns in self.score.read::<score::refreshes::Table>(None)? {
                for row in columns?.rows() {
                    push(evidence::segments::Row {
                        segment_id: row.segment_id,
                        rule_member_count: row.rule_member_count,
                        is_failed: row.error.is_some(),
                    });
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }
}

/// What `sql/verify/checks/same_rows.sql` computes of a row.
fn fingerprint(id: &str, customer: &str, at: Option<Timestamp>) -> u64 {
    let tail = |id: &str| id.get(28..36).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let millis = at.map_or(0, |at| at.0.div_euclid(1000)).cast_unsigned();
    (tail(id) ^ (tail(customer) * 2) ^ millis) & ((1 << 62) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_moved_to_another_profile_or_hour_has_another_fingerprint() {
        let id = "bf110000-0000-8000-8000-00000000000a";
        let other = "bf110000-0000-8000-8000-00000000000b";
        let at = Timestamp::parse("2026-11-22T08:00:00Z");
        assert_ne!(fingerprint(id, id, at), fingerprint(id, other, at));
        assert_ne!(fingerprint(id, other, at), fingerprint(id, other, at.map(|at| at.plus_days(1))));
        assert!(fingerprint(id, id, Timestamp::parse("1931-01-01")) < 1 << 62);
    }
}
