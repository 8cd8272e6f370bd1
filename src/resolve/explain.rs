//! Why records are one person, or why two are not: from the evidence, in words, with what was short.

use serde::Serialize;

use crate::model::{Code, LinkRule, RecordKey};
use crate::resolve::Resolution;
use crate::resolve::candidates::Edge;
use crate::resolve::population::{KeyKind, Record};
use crate::resolve::refusal::{Portrait, Refusal};
use crate::resolve::weights::{LINK16, Piece};

/// One observation on two records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observation {
    /// In words.
    pub words: &'static str,
    /// In bits.
    pub bits: f64,
}

/// The comparison of two records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `source:entity:id` of the first.
    pub a: String,
    /// `source:entity:id` of the second.
    pub b: String,
    /// The rule it would link by; `None` without a key in common.
    pub rule: Option<&'static str>,
    /// What was seen.
    pub evidence: Vec<Observation>,
    /// The sum in bits.
    pub bits: f64,
    /// How many bits are short of a link; 0 when none are.
    pub short: f64,
    /// Why the two are not one person; `None` for links.
    pub refusal: Option<&'static str>,
}

/// What a source says of the person, as far as it served to compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Known {
    /// `source:entity:id`.
    pub record: String,
    /// Tenant; `None` when nothing tells.
    pub tenant: Option<String>,
    /// Given name in compared form.
    pub first_name: String,
    /// Family name in compared form.
    pub last_name: String,
    /// Birth date as yyyymmdd.
    pub born_on: Option<u32>,
    /// Address in key form.
    pub email: String,
    /// Number in key form.
    pub phone: String,
    /// Why it is in the profile.
    pub rule: &'static str,
}

/// A profile and what holds it together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileStory {
    /// The profile; `None` when its records are skipped.
    pub profile_id: Option<String>,
    /// Its tenant.
    pub tenant: String,
    /// `source:entity:id` of the record that names it.
    pub founder: Option<String>,
    /// Its records in record order.
    pub records: Vec<Known>,
    /// Its links, parent first, as the tree grows from the founder.
    pub links: Vec<Comparison>,
    /// Pairs with other profiles that were not linked, nearest first.
    pub near_misses: Vec<Comparison>,
}

/// Near misses that are told.
const NEAR_MISSES: usize = 10;

fn bits(bits16: i32) -> f64 {
    (f64::from(bits16) / 1.6).round() / 10.0
}

impl Resolution {
    /// The records that a question means: a profile id, `source:entity:id`, `source:id`, or an address or number in key form.
    pub fn find(&self, question: &str) -> Vec<Record> {
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
            return (0..population.len())
                .filter(|&record| self.founder(record) == Some(record) && self.profile_id(record).as_deref() == Some(question))
                .collect();
        }
        [KeyKind::Email, KeyKind::Phone]
            .into_iter()
            .flat_map(|kind| {
                population
                    .pairs(kind)
                    .filter(move |&(symbol, _)| population.text(kind, symbol) == question)
                    .map(|(_, record)| record)
            })
            .collect()
    }

    /// The profile of a record: records, links, near misses.
    pub fn story(&self, record: Record) -> ProfileStory {
        let label = self.labels[record as usize];
        let members: Vec<Record> = (label..self.population.len()).filter(|&at| self.labels[at as usize] == label).collect();
        let mut links: Vec<Comparison> = Vec::new();
        let mut reached = vec![self.founder(record).unwrap_or(label)];
        let mut at = 0;
        while at < reached.len() {
            let parent = reached[at];
            let children: Vec<Record> =
                members.iter().copied().filter(|&member| self.tree.parent(member).is_some_and(|(of, _)| of == parent)).collect();
            links.extend(children.iter().map(|&child| self.compare(parent, child)));
            reached.extend(children);
            at += 1;
        }
        let near_misses = self
            .review
            .iter()
            .filter(|candidate| [candidate.edge.a, candidate.edge.b].iter().any(|&of| self.labels[of as usize] == label))
            .take(NEAR_MISSES)
            .map(|candidate| self.comparison(candidate.edge.a, candidate.edge.b, Some(candidate.why)))
            .collect();
        ProfileStory {
            profile_id: self.profile_id(record),
            tenant: self.profiles.tenant(&self.population, label).to_owned(),
            founder: self.founder(record).map(|founder| self.population.key(founder).to_string()),
            records: members.iter().map(|&member| self.known(member)).collect(),
            links,
            near_misses,
        }
    }

    /// Two records: the direct comparison, and why they are not one person where they are not.
    pub fn compare(&self, a: Record, b: Record) -> Comparison {
        if self.labels[a as usize] == self.labels[b as usize] {
            return self.comparison(a, b, None);
        }
        let known = self.review.iter().find(|candidate| {
            let of = |record: Record| self.labels[record as usize];
            let (x, y) = (of(candidate.edge.a), of(candidate.edge.b));
            (x, y) == (of(a), of(b)) || (x, y) == (of(b), of(a))
        });
        let portrait = |label: Record| {
            let mut portrait = Portrait::default();
            (label..self.population.len())
                .filter(|&record| self.labels[record as usize] == label)
                .for_each(|record| portrait.absorb(Portrait::of(&self.population, record)));
            portrait
        };
        let wholes =
            portrait(self.labels[a as usize]).refuse(&portrait(self.labels[b as usize]), &self.population, self.options.scope);
        let decided = self.is_decided_apart(a, b).then_some(Refusal::Decision);
        let why = decided.or(wholes).or(known.map(|candidate| candidate.why)).unwrap_or(Refusal::BelowThreshold);
        self.comparison(a, b, Some(why))
    }

    fn is_decided_apart(&self, a: Record, b: Record) -> bool {
        let keys = [self.population.key(a).to_string(), self.population.key(b).to_string()];
        self.decisions.iter().any(|(decision, state)| {
            *state == crate::resolve::DecisionState::Applied
                && decision.kind == crate::resolve::DecisionKind::CannotLink
                && keys.contains(&decision.a)
                && keys.contains(&decision.b)
        })
    }

    fn comparison(&self, a: Record, b: Record, why: Option<Refusal>) -> Comparison {
        let mut pieces: Vec<(Piece, i32)> = Vec::new();
        let verdict = self.scorer().score(a.min(b), a.max(b), &mut pieces);
        let sum: i32 = pieces.iter().map(|(_, bits16)| bits16).sum();
        let forced = self.tree_edge(a, b).is_some_and(|edge| edge.rule() == Some(LinkRule::Decision));
        Comparison {
            a: self.population.key(a).to_string(),
            b: self.population.key(b).to_string(),
            rule: if forced { Some(LinkRule::Decision.code()) } else { verdict.rule.map(Code::code) },
            evidence: pieces.iter().map(|(piece, bits16)| Observation { words: piece.words(), bits: bits(*bits16) }).collect(),
            bits: bits(sum),
            short: bits((LINK16 - sum).max(0)),
            refusal: why.map(Code::code),
        }
    }

    fn tree_edge(&self, a: Record, b: Record) -> Option<Edge> {
        [(a, b), (b, a)]
            .into_iter()
            .find_map(|(child, parent)| self.tree.parent(child).filter(|(of, _)| *of == parent).map(|(_, edge)| edge))
    }

    fn known(&self, record: Record) -> Known {
        let population = &self.population;
        let said = population.at(record);
        let rule = match (self.founder(record), self.tree.rule(record)) {
            (None, _) => LinkRule::Skipped,
            (_, None) => LinkRule::Founder,
            (_, Some(rule)) => rule,
        };
        let text = |kind| population.text(kind, population.value(kind, record)).to_owned();
        Known {
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
