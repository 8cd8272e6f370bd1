//! Writes the resolution as rows of the `res__*` datasets.

use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::model::{Code, LinkRule, RecordIx, RecordKey, SkipReason};
use crate::resolve::Resolution;
use crate::resolve::compare::key_frequency::{OWNER_LIMIT, Owners};
use crate::resolve::compare::names::NameMatch;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::ComparisonLevel;
use crate::resolve::output::confidence::confidence;
use crate::resolve::output::review_queue;
use crate::resolve::population::KeyKind;
use crate::resolve::population::prefetch::{ABREAST, look};
use crate::tables::resolution::{candidates, decisions, hubs, links, profile_changes};
use crate::tables::{Builder as _, TextList};

/// Rows of one batch.
const BATCH: u32 = 16_384;
/// Batches that are made in parallel.
const AHEAD: u32 = 4;

impl Resolution {
    /// `res__links` in record order, in batches of 16,384 rows.
    pub fn links(&self) -> impl Iterator<Item = RecordBatch> + '_ {
        let count = self.population.len();
        (0..count.div_ceil(BATCH * AHEAD)).flat_map(move |group| {
            let start = group * BATCH * AHEAD;
            let end = count.min(start + BATCH * AHEAD);
            let batches: Vec<RecordBatch> = (start..end)
                .into_par_iter()
                .step_by(BATCH as usize)
                .map(|first| self.links_of(first..end.min(first + BATCH)))
                .collect();
            batches
        })
    }

    fn links_of(&self, records: std::ops::Range<u32>) -> RecordBatch {
        let mut builder = links::Builder::new(records.len());
        let mut pieces = Vec::new();
        let (mut words, mut profile) = (String::new(), String::new());
        let end = records.end;
        for record in RecordIx::range(records) {
            if record.index().is_multiple_of(ABREAST) {
                self.look_ahead(RecordIx::range(record.0..end.min(record.0 + ABREAST as u32)));
            }
            let key = self.population.key(record);
            let id: &str = &key.id;
            let label = self.labels[record.index()];
            let founder = self.founder(record);
            let of_founder = founder.filter(|&founder| founder != record).map(|founder| self.population.key(founder));
            let founder_id: &str = of_founder.as_ref().map_or(id, |key| &key.id);
            profile.clear();
            if founder.is_some() {
                let source = of_founder.as_ref().map_or(key.source, |key| key.source);
                self.profiles.push_id(label, RecordKey { source, id: founder_id }, &mut profile);
            }
            let linked = self.tree.parent(record).filter(|_| founder.is_some());
            let (rule, weight) = match (founder, &linked) {
                (None, _) => (LinkRule::Skipped, Weight::ZERO),
                (Some(_), None) => (LinkRule::Founder, Weight::ZERO),
                (Some(_), Some((_, edge))) => (edge.rule().unwrap_or(LinkRule::Decision), edge.weight()),
            };
            words.clear();
            match linked {
                _ if rule == LinkRule::Skipped => words.push_str(self.skip_reason(record).code()),
                Some((parent, _)) if rule != LinkRule::Decision => {
                    pieces.clear();
                    self.evidence(record, parent, &mut pieces);
                    describe(&pieces, &mut words);
                }
                Some(_) => words.push_str("a person decided"),
                None => words.push_str("first record of the profile"),
            }
            let parent = linked.map(|(parent, _)| parent);
            let further = parent.filter(|&parent| Some(parent) != founder).map(|parent| self.population.key(parent));
            builder.push(links::Row {
                source: key.source,
                entity: key.source.people(),
                source_id: id,
                tenant_id: founder.map(|_| self.profiles.tenant(&self.population, label)),
                profile_id: founder.map(|_| profile.as_str()),
                rule,
                confidence: confidence(rule, weight),
                matched_source: parent.map(|parent| self.population.source(parent)),
                matched_source_id: parent.map(|_| further.as_ref().map_or(founder_id, |further| &further.id)),
                evidence: &words,
                bits16: weight.in_sixteenths(),
            });
        }
        builder.finish()
    }

    /// Prefetches what the rows of these records need.
    fn look_ahead(&self, records: impl Iterator<Item = RecordIx> + Clone) {
        let parents = records.clone().filter_map(|record| self.parent(record));
        let founders = records.clone().filter_map(|record| self.founder(record));
        look(parents.clone().chain(founders).map(|record| self.population.peek_id(record)));
        let linked = records.filter(|&record| self.parent(record).is_some());
        self.scorer().look_ahead(linked.chain(parents));
    }

    /// `res__candidates`, best first.
    pub fn candidates(&self) -> impl Iterator<Item = RecordBatch> + '_ {
        self.review.chunks(BATCH as usize).map(|chunk| {
            let mut builder = candidates::Builder::new(chunk.len());
            for candidate in chunk {
                self.push_candidate(candidate, &mut builder);
            }
            builder.finish()
        })
    }

    fn push_candidate(&self, candidate: &review_queue::Candidate, builder: &mut candidates::Builder) {
        let edge = candidate.edge;
        let (a, b) = (self.population.key(edge.a), self.population.key(edge.b));
        let (Some(profile_a), Some(profile_b)) = (self.profile_id(edge.a), self.profile_id(edge.b)) else { return };
        let mut pieces = Vec::new();
        let verdict = self.scorer().score(edge.a, edge.b, &mut pieces);
        let mut reasons: Vec<&str> = verdict.rule.map(Code::code).into_iter().collect();
        let named = [
            (ComparisonLevel::AuthSame, "AUTH_USER_ID"),
            (ComparisonLevel::GolfRsaSame, "GOLF_RSA_ID"),
            (ComparisonLevel::CdhSame, "CDH_ID"),
            (ComparisonLevel::McaSame, "MCA_ID"),
            (ComparisonLevel::EmailNear, "NEAR_EMAIL"),
            (ComparisonLevel::PhoneNear, "NEAR_PHONE"),
            (ComparisonLevel::BornEqual, "BIRTH_DATE"),
            (ComparisonLevel::LastEqual, "SURNAME"),
        ];
        for (piece, code) in named {
            if pieces.iter().any(|(found, _)| *found == piece) && !reasons.contains(&code) {
                reasons.push(code);
            }
        }
        if verdict.first == NameMatch::Equal {
            reasons.push("FIRST_NAME");
        }
        builder.push(candidates::Row {
            a_source: a.source,
            a_source_id: &a.id,
            b_source: b.source,
            b_source_id: &b.id,
            a_profile_id: &profile_a,
            b_profile_id: &profile_b,
            tenant_id: self.profiles.tenant(&self.population, self.labels[edge.a.index()]),
            score: candidate.score(),
            bits16: edge.weight().in_sixteenths(),
            reasons: TextList::Slice(&reasons),
            refusal: candidate.why.code(),
            is_filed: candidate.is_filed,
        });
    }

    /// `res__hubs`, sorted by kind, tenant and value.
    pub fn hubs(&self) -> RecordBatch {
        let kind = |kind| match kind {
            KeyKind::Auth => "AUTH_USER_ID",
            KeyKind::GolfRsa => "GOLF_RSA_ID",
            KeyKind::Cdh => "CDH_ID",
            KeyKind::Mca => "MCA_ID",
            KeyKind::Email => "EMAIL",
            KeyKind::Phone => "PHONE",
        };
        let values: Vec<String> = self.hubs.iter().map(|hub| self.population.shown(hub.kind, hub.symbol)).collect();
        let mut rows: Vec<hubs::Row<'_>> = self
            .hubs
            .iter()
            .zip(&values)
            .map(|(hub, value)| {
                let (owner_count, reason) = match hub.owners {
                    Owners::Few(count) => (usize::from(count), "MANY_OWNERS"),
                    Owners::Many => (OWNER_LIMIT + 1, "MANY_OWNERS"),
                    Owners::ManyNameless => (0, "MANY_NAMELESS"),
                };
                hubs::Row {
                    kind: kind(hub.kind),
                    tenant_id: self.population.tenant_text(hub.tenant),
                    value,
                    record_count: i32::try_from(hub.records).expect("fewer than 2^31 records"),
                    owner_count: i32::try_from(owner_count).expect("counted up to the limit"),
                    reason,
                }
            })
            .collect();
        rows.sort_unstable_by(|a, b| (a.kind, a.tenant_id, a.value).cmp(&(b.kind, b.tenant_id, b.value)));
        let mut builder = hubs::Builder::new(rows.len());
        rows.into_iter().for_each(|row| builder.push(row));
        builder.finish()
    }

    /// `res__profile_changes`, sorted by the old id.
    pub fn profile_changes(&self) -> RecordBatch {
        let mut builder = profile_changes::Builder::new(self.profiles.changes.len());
        for change in &self.profiles.changes {
            let new: Vec<&str> = change.new.iter().map(String::as_str).collect();
            builder.push(profile_changes::Row {
                old_profile_id: &change.old,
                new_profile_ids: TextList::Slice(&new),
                change: change.change,
            });
        }
        builder.finish()
    }

    /// `res__decisions` in the order in which they were given.
    pub fn decisions(&self) -> RecordBatch {
        let mut builder = decisions::Builder::new(self.decisions.len());
        for (position, (decision, state)) in (1..).zip(&self.decisions) {
            builder.push(decisions::Row {
                position,
                kind: decision.kind.code(),
                a: &decision.a,
                b: &decision.b,
                state: state.code(),
                origin: decision.origin.code(),
            });
        }
        builder.finish()
    }

    /// The summary for the screen and the report.
    pub fn summary(&self) -> ResolveSummary {
        let mut summary = ResolveSummary {
            records: self.population.len(),
            refused_strong: self.refused_strong,
            bar: self.bar,
            ..ResolveSummary::default()
        };
        let mut sizes = vec![0u32; self.labels.len()];
        for record in self.population.records() {
            if self.founder(record).is_none() {
                summary.skipped += 1;
                continue;
            }
            sizes[self.labels[record.index()].index()] += 1;
            let rule = self.tree.rule(record).unwrap_or(LinkRule::Founder);
            match summary.by_rule.iter_mut().find(|(known, _)| *known == rule) {
                Some((_, count)) => *count += 1,
                None => summary.by_rule.push((rule, 1)),
            }
        }
        summary.by_rule.sort_unstable();
        for size in sizes.into_iter().filter(|&size| size > 0) {
            summary.profiles += 1;
            summary.largest = summary.largest.max(size);
            let slot = size.min(10) as usize - 1;
            if summary.sizes.len() <= slot {
                summary.sizes.resize(slot + 1, 0);
            }
            summary.sizes[slot] += 1;
        }
        summary.candidates = self.review.len();
        summary.filed = self.review.iter().filter(|candidate| candidate.is_filed).count();
        summary.hubs = self.hubs.len();
        summary.profile_changes = self.profiles.changes.len();
        summary
    }

    /// The seed record of a record's profile; `None` when the record is skipped.
    pub fn founder(&self, record: RecordIx) -> Option<RecordIx> {
        let label = self.labels[record.index()];
        self.tree.founder(&self.population, label).filter(|_| !self.profiles.is_left_out(&self.population, label))
    }

    /// Why a record is skipped, if it is.
    pub fn skip_reason(&self, record: RecordIx) -> SkipReason {
        let has_cluster = self.tree.founder(&self.population, self.labels[record.index()]).is_some();
        if has_cluster { SkipReason::OtherTenant } else { self.population.skip_reason(record) }
    }

    /// The record that a record is linked to; `None` for seed records.
    pub fn parent(&self, record: RecordIx) -> Option<RecordIx> {
        self.tree.parent(record).map(|(parent, _)| parent)
    }

    /// The profile id of a record; `None` when it is skipped.
    pub fn profile_id(&self, record: RecordIx) -> Option<String> {
        self.founder(record).map(|founder| self.profiles.id(&self.population, self.labels[record.index()], founder))
    }

    /// Smallest record of each record's cluster.
    pub fn labels(&self) -> &[RecordIx] {
        &self.labels
    }

    /// The state of each decision.
    pub fn decision_states(&self) -> &[(crate::resolve::Decision, crate::resolve::DecisionState)] {
        &self.decisions
    }
}

/// Counts of a resolution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolveSummary {
    /// Person records in scope.
    pub records: u32,
    /// Profiles.
    pub profiles: u32,
    /// Records left out.
    pub skipped: u32,
    /// Records of the largest profile.
    pub largest: u32,
    /// Profiles of 1, 2, … 9 and of 10 or more records.
    pub sizes: Vec<u32>,
    /// Records by the rule of their link.
    pub by_rule: Vec<(LinkRule, u32)>,
    /// Pairs in the review queue.
    pub candidates: usize,
    /// Those of them that go to the CRM's review queue.
    pub filed: usize,
    /// Hubs: values that too many people share.
    pub hubs: usize,
    /// Links by a number that is issued once, forbidden by constraints.
    pub refused_strong: usize,
    /// Profiles of earlier loads that merged, split or vanished.
    pub profile_changes: usize,
    /// Match threshold for contested records without a name.
    pub bar: Weight,
}

/// The evidence in words: `same email, used by one person +5.0; first name equal +4.5`.
pub fn describe(pieces: &[(ComparisonLevel, Weight)], words: &mut String) {
    for (at, (piece, weight)) in pieces.iter().enumerate() {
        if at > 0 {
            words.push_str("; ");
        }
        words.push_str(piece.words());
        words.push(' ');
        weight.push_to(words);
    }
}
