//! Explains why records are one person, or why two are not: evidence, match weights, constraint violations.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::{Code, LinkRule, RecordIx, RecordKey};
use crate::resolve::cluster::constraints::{ConstraintViolation, Portrait};
use crate::resolve::compare::contact_counts::is_here;
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::key_frequency::Owners;
use crate::resolve::compare::score::PairVerdict;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::{ComparisonLevel, LINK};
use crate::resolve::output::confidence::confidence;
use crate::resolve::population::KeyKind;
use crate::resolve::population::intern::NONE;
use crate::resolve::{Decision, DecisionKind, DecisionState, ProfileChange, Resolution};

/// One piece of evidence on two records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observation {
    /// The comparison level.
    #[serde(skip)]
    pub level: ComparisonLevel,
    /// In words.
    pub words: String,
    /// In bits.
    pub bits: f64,
    /// Why it counts against a link, or corrects other evidence, in a sentence; `None` for evidence that supports a link.
    pub why: Option<&'static str>,
}

impl Observation {
    fn of(piece: ComparisonLevel, weight: Weight) -> Self {
        let correction = if piece.is_correction() { "correction: " } else { "" };
        Self {
            level: piece,
            words: format!("{correction}{}", piece.words()),
            bits: bits(weight),
            why: (weight < Weight::ZERO).then_some(piece.reason()),
        }
    }
}

/// The comparison of two records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairComparison {
    /// `source:entity:id` of the first.
    pub a: String,
    /// `source:entity:id` of the second.
    pub b: String,
    /// The rule it would link by; `None` without a key in common.
    pub rule: Option<&'static str>,
    /// The evidence.
    pub evidence: Vec<Observation>,
    /// Whether the names fit better if given and family name of one record are swapped.
    pub has_swapped_names: bool,
    /// The sum in bits.
    pub bits: f64,
    /// Bits missing for a link; 0 if none are missing.
    pub short: f64,
    /// Code of the reason why the two are not one person; `None` for links.
    pub refusal: Option<&'static str>,
    /// The same in words.
    pub refusal_words: Option<&'static str>,
    /// Confidence of the link, 0 to 100; `None` if the profile does not depend on this link alone.
    pub confidence: Option<i32>,
    /// The profile of the first; `None` when it is skipped.
    pub a_profile_id: Option<String>,
    /// The profile of the second.
    pub b_profile_id: Option<String>,
}

/// A decision on one of a profile's records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// `must-link` or `cannot-link`.
    pub kind: &'static str,
    /// `source:entity:id` of one record.
    pub a: String,
    /// Of the other.
    pub b: String,
    /// `APPLIED`, `CONTRADICTED` or `STALE`.
    pub state: &'static str,
    /// `decisions.csv` or `crm`.
    pub origin: &'static str,
}

/// A hub: a value that too many people share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SharedValue {
    /// The tenant in which it is shared; `None` if none is known.
    pub tenant: Option<String>,
    /// Records that carry it.
    pub records: u32,
    /// Why it is a hub, in words.
    pub why: &'static str,
}

/// The values of a record that are compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KnownRecord {
    /// `source:entity:id`.
    pub record: String,
    /// Tenant; `None` if it is not known.
    pub tenant: Option<String>,
    /// Given name in compared form.
    pub first_name: String,
    /// Family name in compared form.
    pub last_name: String,
    /// Birth date as yyyymmdd.
    pub born_on: Option<u32>,
    /// Email in key form.
    pub email: String,
    /// Phone in key form.
    pub phone: String,
    /// The rule of its link.
    pub rule: &'static str,
}

/// A profile with its records and links.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileStory {
    /// The profile; `None` when its records are skipped.
    pub profile_id: Option<String>,
    /// Its tenant.
    pub tenant: String,
    /// `source:entity:id` of its seed record.
    pub founder: Option<String>,
    /// Its records in record order.
    pub records: Vec<KnownRecord>,
    /// Its links in the order of the tree: parent before child, from the seed record on.
    pub links: Vec<PairComparison>,
    /// Why the records are skipped, if they are.
    pub skipped: Option<&'static str>,
    /// Manual decisions on these records.
    pub decisions: Vec<Told>,
    /// Pairs with other profiles that were not linked, nearest first, at most ten.
    pub near_misses: Vec<PairComparison>,
    /// Number of such pairs.
    pub near_miss_count: usize,
}

/// Near misses that are listed.
const NEAR_MISSES: usize = 10;

fn bits(weight: Weight) -> f64 {
    (f64::from(weight.in_sixteenths()) / 1.6).round() / 10.0
}

impl Resolution {
    /// The records for a question: a profile id, `source:entity:id`, `source:id`, or an email or phone in key form.
    pub fn find(&self, question: &str) -> Vec<RecordIx> {
        let population = &self.population;
        if let Some(record) = RecordKey::parse(question).and_then(|key| population.find(key)) {
            return vec![record];
        }
        if let Some((source, id)) = question.split_once(':') {
            let source = crate::model::Source::from_code(source);
            if let Some(record) = source.and_then(|source| population.find(RecordKey { source, id })) {
                return vec![record];
            }
        }
        if crate::model::is_ours(question) {
            let records = population.records();
            return records
                .filter(|&record| self.founder(record) == Some(record) && self.profile_id(record).as_deref() == Some(question))
                .collect();
        }
        [KeyKind::Email, KeyKind::Phone]
            .into_iter()
            .flat_map(|kind| {
                population
                    .pairs(kind)
                    .filter(move |&(symbol, _)| *population.text(kind, symbol) == *question)
                    .map(|(_, record)| record)
            })
            .collect()
    }

    /// The profile of a record: records, links, near misses.
    pub fn story(&self, record: RecordIx) -> ProfileStory {
        let label = self.labels[record.index()];
        let members: Vec<RecordIx> =
            RecordIx::range(label.0..self.population.len()).filter(|&at| self.labels[at.index()] == label).collect();
        let mut links: Vec<PairComparison> = Vec::new();
        let mut reached = vec![self.founder(record).unwrap_or(label)];
        let mut at = 0;
        while at < reached.len() {
            let parent = reached[at];
            let children: Vec<RecordIx> =
                members.iter().copied().filter(|&member| self.tree.parent(member).is_some_and(|(of, _)| of == parent)).collect();
            links.extend(children.iter().map(|&child| self.compare(parent, child)));
            reached.extend(children);
            at += 1;
        }
        let missed: Vec<_> = self
            .review
            .iter()
            .filter(|candidate| [candidate.edge.a, candidate.edge.b].iter().any(|&of| self.labels[of.index()] == label))
            .collect();
        let near_misses = missed
            .iter()
            .take(NEAR_MISSES)
            .map(|candidate| self.comparison(candidate.edge.a, candidate.edge.b, Some(candidate.why)))
            .collect();
        ProfileStory {
            profile_id: self.profile_id(record),
            tenant: self.profiles.tenant(&self.population, label).to_owned(),
            founder: self.founder(record).map(|founder| self.population.key(founder).to_string()),
            records: members.iter().map(|&member| self.known(member)).collect(),
            links,
            skipped: self.founder(record).is_none().then(|| self.skip_reason(record).code()),
            decisions: self.decisions_on(label),
            near_misses,
            near_miss_count: missed.len(),
        }
    }

    fn decided(&self, decision: &Decision) -> [Option<RecordIx>; 2] {
        [&decision.a, &decision.b].map(|key| RecordKey::parse(key).and_then(|key| self.population.find(key)))
    }

    fn decisions_on(&self, label: RecordIx) -> Vec<Told> {
        let is_of = |record: &Option<RecordIx>| record.is_some_and(|record| self.labels[record.index()] == label);
        let touching = self.decisions.iter().filter(|(decision, _)| self.decided(decision).iter().any(is_of));
        let told = touching.map(|(decision, state)| Told {
            kind: decision.kind.code(),
            a: decision.a.clone(),
            b: decision.b.clone(),
            state: state.code(),
            origin: decision.origin.code(),
        });
        told.collect()
    }

    /// The hubs of a value in key form, by tenant.
    pub fn hubs_of(&self, value: &str) -> Vec<SharedValue> {
        let hubs = self.hubs.iter().filter(|hub| self.population.shown(hub.kind, hub.symbol) == value);
        let told = hubs.map(|hub| SharedValue {
            tenant: self.population.tenant_text(hub.tenant).map(str::to_owned),
            records: hub.records,
            why: if hub.owners == Owners::ManyNameless { "many records without a name" } else { "more than four people" },
        });
        told.collect()
    }

    /// The outcome of a profile of an earlier load that no longer exists or has changed.
    pub fn change_of(&self, profile_id: &str) -> Option<&ProfileChange> {
        self.profiles.changes.iter().find(|change| change.old == profile_id)
    }

    /// Whom a record without a name may belong to instead of the profile of `other`: the named records of further profiles that share
    /// its email or phone, in record order, at most `most`. None if it has a name.
    pub fn competitors(&self, record: RecordIx, other: RecordIx, most: usize) -> Vec<RecordIx> {
        let population = &self.population;
        if !population.is_nameless(record) {
            return Vec::new();
        }
        let own = [record, other].map(|of| self.labels[of.index()]);
        let users = [KeyKind::Email, KeyKind::Phone].into_iter().flat_map(|kind| match population.value(kind, record) {
            NONE => &[],
            symbol => self.buckets.of(kind).get(symbol),
        });
        let is_competitor = |user: &&RecordIx| {
            !population.is_nameless(**user)
                && !own.contains(&self.labels[user.index()])
                && is_here(population, self.options.scope, record, **user)
        };
        let found: BTreeSet<RecordIx> = users.filter(is_competitor).copied().collect();
        found.into_iter().take(most).collect()
    }

    /// Match weight of two records.
    pub fn weight(&self, a: RecordIx, b: RecordIx) -> Weight {
        self.scorer().sum(a.min(b), a.max(b)).0
    }

    /// The direct comparison of two records, with the reason if they are not one person.
    pub fn compare(&self, a: RecordIx, b: RecordIx) -> PairComparison {
        if self.labels[a.index()] == self.labels[b.index()] {
            return self.comparison(a, b, None);
        }
        let known = self.review.iter().find(|candidate| {
            let of = |record: RecordIx| self.labels[record.index()];
            let (x, y) = (of(candidate.edge.a), of(candidate.edge.b));
            (x, y) == (of(a), of(b)) || (x, y) == (of(b), of(a))
        });
        let portrait = |label: RecordIx| {
            let mut portrait = Portrait::default();
            RecordIx::range(label.0..self.population.len())
                .filter(|&record| self.labels[record.index()] == label)
                .for_each(|record| portrait.absorb(Portrait::of(&self.population, record)));
            portrait
        };
        let wholes =
            portrait(self.labels[a.index()]).refuse(&portrait(self.labels[b.index()]), &self.population, self.options.scope);
        let decided =
            self.are_decided_apart(self.labels[a.index()], self.labels[b.index()]).then_some(ConstraintViolation::Decision);
        let why = decided.or(wholes).or(known.map(|candidate| candidate.why)).unwrap_or(ConstraintViolation::BelowThreshold);
        self.comparison(a, b, Some(why))
    }

    fn are_decided_apart(&self, a: RecordIx, b: RecordIx) -> bool {
        self.decisions.iter().any(|(decision, state)| {
            let labels = self.decided(decision).map(|record| record.map(|record| self.labels[record.index()]));
            *state == DecisionState::Applied
                && decision.kind == DecisionKind::CannotLink
                && (labels == [Some(a), Some(b)] || labels == [Some(b), Some(a)])
        })
    }

    fn comparison(&self, a: RecordIx, b: RecordIx, why: Option<ConstraintViolation>) -> PairComparison {
        let mut pieces: Vec<(ComparisonLevel, Weight)> = Vec::new();
        let verdict = self.evidence(a, b, &mut pieces);
        let sum: Weight = pieces.iter().map(|(_, weight)| *weight).sum();
        let link = self.tree_edge(a, b);
        let forced = link.is_some_and(|edge| edge.rule() == Some(LinkRule::Decision));
        PairComparison {
            a: self.population.key(a).to_string(),
            b: self.population.key(b).to_string(),
            rule: if forced { Some(LinkRule::Decision.code()) } else { verdict.rule.map(Code::code) },
            evidence: pieces.iter().map(|&(piece, weight)| Observation::of(piece, weight)).collect(),
            has_swapped_names: self.scorer().names(a.min(b), a.max(b)).is_swapped,
            bits: bits(sum),
            short: bits((LINK - sum).max(Weight::ZERO)),
            refusal: why.map(Code::code),
            refusal_words: why.map(ConstraintViolation::words),
            confidence: link.and_then(|edge| Some(confidence(edge.rule()?, edge.weight()))),
            a_profile_id: self.profile_id(a),
            b_profile_id: self.profile_id(b),
        }
    }

    /// The evidence for and against two records, with what the rest of the household adds to a link.
    pub(in crate::resolve) fn evidence(
        &self,
        a: RecordIx,
        b: RecordIx,
        pieces: &mut Vec<(ComparisonLevel, Weight)>,
    ) -> PairVerdict {
        let verdict = self.scorer().score(a.min(b), a.max(b), pieces);
        let sum: Weight = pieces.iter().map(|(_, weight)| *weight).sum();
        let link = self.tree_edge(a, b).filter(|edge| edge.rule() != Some(LinkRule::Decision));
        match link.map_or(Weight::ZERO, |edge| edge.weight() - sum) {
            Weight::ZERO => {}
            more if more > Weight::ZERO => pieces.push((ComparisonLevel::HouseholdLeaves, more)),
            less => pieces.push((ComparisonLevel::HouseholdClaims, less)),
        }
        verdict
    }

    fn tree_edge(&self, a: RecordIx, b: RecordIx) -> Option<Edge> {
        [(a, b), (b, a)]
            .into_iter()
            .find_map(|(child, parent)| self.tree.parent(child).filter(|(of, _)| *of == parent).map(|(_, edge)| edge))
    }

    fn known(&self, record: RecordIx) -> KnownRecord {
        let population = &self.population;
        let said = population.at(record);
        let rule = match (self.founder(record), self.tree.rule(record)) {
            (None, _) => LinkRule::Skipped,
            (_, None) => LinkRule::Founder,
            (_, Some(rule)) => rule,
        };
        let text = |kind| population.text(kind, population.value(kind, record)).to_owned();
        KnownRecord {
            record: population.key(record).to_string(),
            tenant: population.tenant_text(said.tenant).map(str::to_owned),
            first_name: population.names.text(said.first).to_owned(),
            last_name: population.names.text(said.last).to_owned(),
            born_on: Some(said.born).filter(|&born| born != 0),
            email: text(KeyKind::Email),
            phone: text(KeyKind::Phone),
            rule: rule.code(),
        }
    }
}
