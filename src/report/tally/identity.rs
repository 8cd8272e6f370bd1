//! Links: who is one person, by which rule, and what was not linked.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{Code as _, LinkRule, Source};
use crate::report::numbers::{Counted, Numbers, ReportIdentity, ReportOverlap, ReportPeople, Rule, WeightBand};
use crate::tables::resolution;

use super::NameCounts;

/// Profiles that are listed among the largest.
const LARGEST: usize = 10;
/// Number of records from which profiles are counted together.
const MANY: u32 = 10;

#[derive(Clone, Copy, Default)]
struct ProfileTally {
    sources: u8,
    records: u32,
    founder: Option<Source>,
}

impl ProfileTally {
    fn has(sources: u8, source: Source) -> bool {
        sources & (1 << source as u8) != 0
    }
}

#[derive(Clone, Copy)]
struct RuleTally {
    links: i64,
    confidence_sum: i64,
    lowest: i64,
}

/// NameCounts records, profiles, links and pairs for review.
#[derive(Default)]
pub struct IdentityTally {
    profiles: HashMap<String, ProfileTally, FixedState>,
    people: BTreeMap<Source, ReportPeople>,
    /// Profile and source of each linked record. Its seed record may come later.
    linked: Vec<(String, Source)>,
    rules: BTreeMap<&'static str, RuleTally>,
    /// Links and pairs for review by match weight, in whole bits.
    bits: BTreeMap<i32, (i64, i64)>,
    refusals: NameCounts,
    filed: i64,
    hubs: NameCounts,
    hub_records: i64,
}

impl IdentityTally {
    /// Links, in record order.
    pub fn links(&mut self, columns: &resolution::links::Columns) {
        for row in columns.rows() {
            let people = self.people.entry(row.source).or_default();
            people.records += 1;
            let Some(id) = row.profile_id else {
                people.skipped += 1;
                continue;
            };
            let confidence = i64::from(row.confidence);
            let rule = self.rules.entry(row.rule.code()).or_insert(RuleTally { links: 0, confidence_sum: 0, lowest: confidence });
            rule.links += 1;
            rule.confidence_sum += confidence;
            rule.lowest = rule.lowest.min(confidence);
            let profile = self.profiles.entry_ref(id).or_default();
            profile.sources |= 1 << row.source as u8;
            profile.records += 1;
            if row.rule == LinkRule::Founder {
                profile.founder = Some(row.source);
                people.founded += 1;
            } else {
                self.linked.push((id.to_owned(), row.source));
                self.bits.entry(row.bits16.div_euclid(16)).or_default().0 += 1;
            }
        }
    }

    /// Pairs for review.
    pub fn candidates(&mut self, columns: &resolution::candidates::Columns) {
        for row in columns.rows() {
            self.bits.entry(row.bits16.div_euclid(16)).or_default().1 += 1;
            self.refusals.add(row.refusal);
            self.filed += i64::from(row.is_filed);
        }
    }

    /// Over-shared values.
    pub fn hubs(&mut self, columns: &resolution::hubs::Columns) {
        for row in columns.rows() {
            self.hubs.add(&format!("{} {}", row.kind, row.reason));
            self.hub_records += i64::from(row.record_count);
        }
    }

    /// The sources of the records counted so far.
    pub(super) fn sources(&self) -> Vec<Source> {
        self.people.keys().copied().collect()
    }

    pub(super) fn finish(mut self, numbers: &mut Numbers) {
        for (id, source) in &self.linked {
            let founder = self.profiles.get(id).and_then(|profile| profile.founder);
            let people = self.people.entry(*source).or_default();
            if founder == Some(*source) { people.merged += 1 } else { people.linked += 1 }
        }
        self.profiles(numbers);
        numbers.largest = self.largest();
        numbers.rules = self
            .rules
            .into_iter()
            .map(|(rule, RuleTally { links, confidence_sum, lowest })| Rule {
                rule: rule.to_owned(),
                links,
                confidence: confidence_sum / links,
                lowest,
            })
            .collect();
        numbers.identity = ReportIdentity {
            bits: self.bits.into_iter().map(|(bits, (links, candidates))| WeightBand { bits, links, candidates }).collect(),
            refusals: self.refusals.ranked(),
            filed: self.filed,
            queued: 0,
            hubs: self.hubs.ranked(),
            hub_records: self.hub_records,
        };
    }

    /// Profiles by their sources and by their number of records.
    fn profiles(&self, numbers: &mut Numbers) {
        let mut overlaps = BTreeMap::<u8, i64>::new();
        let mut sizes = BTreeMap::<u32, i64>::new();
        for profile in self.profiles.values() {
            *overlaps.entry(profile.sources).or_default() += 1;
            *sizes.entry(profile.records.min(MANY)).or_default() += 1;
        }
        let with = |wanted: &[Source]| -> i64 {
            let held = overlaps.iter().filter(|(held, _)| wanted.iter().all(|source| ProfileTally::has(**held, *source)));
            held.map(|(_, count)| count).sum()
        };
        numbers.six = vec![
            Counted::new("total", with(&[])),
            Counted::new("has_scl", with(&[Source::Scl])),
            Counted::new("has_teetime", with(&[Source::Teetime])),
            Counted::new("has_messaging", with(&[Source::Messaging])),
            Counted::new("scl_and_teetime", with(&[Source::Scl, Source::Teetime])),
            Counted::new("all_three", with(&[Source::Scl, Source::Teetime, Source::Messaging])),
        ];
        let people = self.people.iter().map(|(source, counted)| ReportPeople {
            source: source.code().to_owned(),
            profiles: with(&[*source]),
            ..counted.clone()
        });
        numbers.people = people.collect();
        let named = |held: u8| Source::ALL.iter().filter(move |source| ProfileTally::has(held, **source));
        numbers.overlaps = overlaps
            .iter()
            .map(|(held, count)| ReportOverlap {
                sources: named(*held).map(|source| source.code().to_owned()).collect(),
                count: *count,
            })
            .collect();
        numbers.overlaps.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.sources.cmp(&b.sources)));
        let size = |size: u32| if size == MANY { format!("{MANY}+") } else { size.to_string() };
        numbers.clusters = sizes.into_iter().map(|(records, count)| Counted::new(size(records), count)).collect();
    }

    fn largest(&self) -> Vec<Counted> {
        let mut largest: Vec<(&String, u32)> = self.profiles.iter().map(|(id, profile)| (id, profile.records)).collect();
        largest.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        largest.iter().take(LARGEST).map(|(id, records)| Counted::new(id.as_str(), i64::from(*records))).collect()
    }
}
