//! Counts the datasets batch by batch into the report's numbers; memory does not grow with bookings and messages.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::model::phone::second_opinion;
use crate::model::{Code, Outcome, Reason, Source, Timestamp};
use crate::report::deciders::ConsentDeciders;
use crate::report::numbers::{
    Counted, Fill, Month, Numbers, ReportConsent, ReportEntity, ReportFinding, ReportIdentity, ReportOverlap, ReportPeople,
    ReportTimeline, Rule, WeightBand,
};
use crate::report::values::{ReportValues, exported_as};
use crate::tables::{check, crm, resolution, score, stage};

/// Months that the timeline shows. The last one is that of as_of, or up to two later for future bookings.
const MONTHS: i32 = 28;
/// Profiles that are listed among the largest.
const LARGEST: usize = 10;

#[derive(Clone, Copy, Default)]
struct Profile {
    sources: u8,
    records: u32,
    founder: Option<Source>,
}

/// Collects the counts.
#[derive(Default)]
pub struct ReportTally {
    entities: BTreeMap<(Source, String), ReportEntity>,
    profiles: HashMap<String, Profile, foldhash::fast::FixedState>,
    people: BTreeMap<Source, ReportPeople>,
    rules: BTreeMap<&'static str, (i64, i64, i64)>,
    bits: BTreeMap<i32, (i64, i64)>,
    refusals: BTreeMap<String, i64>,
    hubs: BTreeMap<String, i64>,
    hub_records: i64,
    fill: BTreeMap<(Source, &'static str), (i64, i64)>,
    findings: Vec<ReportFinding>,
    phones: BTreeMap<Source, BTreeSet<String>>,
    rejects: BTreeMap<String, i64>,
    consent: BTreeMap<&'static str, ReportConsent>,
    deciders: ConsentDeciders,
    suppressions: BTreeMap<String, i64>,
    manual_review: BTreeMap<String, i64>,
    months: BTreeMap<i32, BTreeMap<String, i64>>,
    after_as_of: i64,
    types: BTreeMap<String, i64>,
    engagement: [i64; 11],
    churn: [i64; 11],
    departures: Vec<Counted>,
    links: Vec<(String, Source)>,
}

fn ranked(counts: BTreeMap<String, i64>) -> Vec<Counted> {
    by_count(counts.into_iter().map(|(name, count)| Counted { name, count }).collect())
}

fn by_count(mut counts: Vec<Counted>) -> Vec<Counted> {
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}

/// Months since year 0 of an instant.
fn month_of(at: Timestamp) -> i32 {
    use chrono::Datelike;
    let day = at.utc();
    day.year() * 12 + day.month0().cast_signed()
}

fn month_name(month: i32) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

impl ReportTally {
    /// Adds an exported entity with the rows of its manifest.
    pub fn exported(&mut self, source: Source, entity: &str, rows: i64, estimate: Option<i64>) {
        let held = self.entity(source, entity);
        held.exported = rows;
        held.estimate = estimate;
    }

    fn entity(&mut self, source: Source, entity: &str) -> &mut ReportEntity {
        self.entities.entry((source, entity.to_owned())).or_insert_with(|| ReportEntity {
            source: source.code().to_owned(),
            entity: entity.to_owned(),
            ..ReportEntity::default()
        })
    }

    /// The ledger.
    pub fn ledger(&mut self, columns: &check::ledger::Columns) {
        let mut rows = columns.rows().peekable();
        // Rows of one outcome are adjacent, so each run of them is added at once.
        while let Some(row) = rows.next() {
            let same = |next: &check::ledger::Row<'_>| {
                (next.source, next.entity, next.outcome, next.reason) == (row.source, row.entity, row.outcome, row.reason)
            };
            let mut count = 1;
            while rows.next_if(same).is_some() {
                count += 1;
            }
            self.outcome(row.source, row.entity, row.outcome, row.reason, count);
        }
    }

    fn outcome(&mut self, source: Source, entity: &str, outcome: Outcome, reason: Option<&str>, rows: i64) {
        let held = self.entity(source, entity);
        match outcome {
            Outcome::Loaded => held.loaded += rows,
            Outcome::Merged => held.merged += rows,
            Outcome::Skipped => held.skipped += rows,
            Outcome::Rejected => held.rejected += rows,
        }
        if let Some(reason) = reason {
            match held.reasons.iter_mut().find(|counted| counted.name == reason) {
                Some(counted) => counted.count += rows,
                None => held.reasons.push(Counted::new(reason, rows)),
            }
        }
    }

    /// Links, in record order.
    pub fn links(&mut self, columns: &resolution::links::Columns) {
        for row in columns.rows() {
            let people = self.people.entry(row.source).or_default();
            people.records += 1;
            let Some(id) = row.profile_id else {
                people.skipped += 1;
                continue;
            };
            let rule = self.rules.entry(row.rule.code()).or_insert((0, 0, 100));
            rule.0 += 1;
            rule.1 += i64::from(row.confidence);
            rule.2 = rule.2.min(i64::from(row.confidence));
            let profile = self.profiles.entry_ref(id).or_default();
            profile.sources |= 1 << row.source as u8;
            profile.records += 1;
            if row.rule == crate::model::LinkRule::Founder {
                profile.founder = Some(row.source);
                people.founded += 1;
            } else {
                self.links.push((id.to_owned(), row.source));
                self.bits.entry(row.bits16.div_euclid(16)).or_default().0 += 1;
            }
        }
    }

    /// Pairs for review.
    pub fn candidates(&mut self, columns: &resolution::candidates::Columns) {
        for row in columns.rows() {
            self.bits.entry(row.bits16.div_euclid(16)).or_default().1 += 1;
            *self.refusals.entry(row.refusal.to_owned()).or_default() += 1;
        }
    }

    /// Over-shared values.
    pub fn hubs(&mut self, columns: &resolution::hubs::Columns) {
        for row in columns.rows() {
            *self.hubs.entry(format!("{} {}", row.kind, row.reason)).or_default() += 1;
            self.hub_records += i64::from(row.record_count);
        }
    }

    /// Staged person records: the completeness of their columns.
    pub fn staged(&mut self, source: Source, columns: &stage::people::Columns) {
        let phones = self.phones.entry(source).or_default();
        for row in columns.rows() {
            if let Some(phone) = row.phone_key.filter(|phone| !phones.contains(*phone)) {
                phones.insert(phone.to_owned());
            }
            let mut enter = |column: &'static str, is_filled: bool| {
                let held = self.fill.entry((source, column)).or_default();
                held.0 += 1;
                held.1 += i64::from(is_filled);
            };
            enter("tenant", row.tenant_id.is_some());
            enter("email", row.email.is_some());
            enter("phone", row.phone.is_some());
            enter("first_name", row.first_name.is_some());
            enter("last_name", row.last_name.is_some());
            match source {
                Source::McaZa | Source::McaUk => {
                    enter("born_on", row.born_on.is_some());
                    enter("gender", row.gender != crate::model::Gender::Unknown);
                    enter("handicap", row.handicap.is_some());
                    let number = if source == Source::McaZa { row.golf_rsa_id } else { row.cdh_id };
                    enter("golf_number", number.is_some());
                }
                Source::Scl => enter("auth_user_id", row.auth_user_id.is_some()),
                Source::Teetime => {
                    enter("handicap", row.handicap.is_some());
                    enter("golf_number", row.golf_rsa_id.is_some() || row.cdh_id.is_some() || row.mca_id.is_some());
                }
                Source::Messaging => enter("auth_user_id", row.auth_user_id.is_some()),
            }
        }
    }

    /// Cleanings, defaults and rejections.
    pub fn findings(&mut self, columns: &check::findings::Columns) {
        self.findings.extend(columns.rows().map(|row| ReportFinding {
            source: row.source.code().to_owned(),
            entity: row.entity.to_owned(),
            column: row.column.to_owned(),
            effect: row.effect.to_owned(),
            reason: row.reason.to_owned(),
            value: row.value.map(str::to_owned),
            count: row.value_count,
        }));
    }

    /// Rejects.
    pub fn rejects(&mut self, columns: &check::rejects::Columns) {
        for row in columns.rows() {
            *self.rejects.entry(row.reason.to_owned()).or_default() += 1;
        }
    }

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
                let held = self.consent.entry(channel).or_default();
                if is_on { held.flags_on += 1 } else { held.flags_off += 1 }
            }
        }
    }

    /// Consent rows.
    pub fn consents(&mut self, columns: &crm::marketing_consents::Columns) {
        for row in columns.rows() {
            self.deciders.add(&row);
            let held = self.consent.entry(row.channel.code()).or_default();
            match row.status {
                crate::model::ConsentStatus::OptedIn => held.opted_in += 1,
                crate::model::ConsentStatus::OptedOut => held.opted_out += 1,
            }
        }
    }

    /// Suppressed contact points.
    pub fn suppressions(&mut self, columns: &crm::suppressions::Columns) {
        for row in columns.rows() {
            *self.suppressions.entry(format!("{} {}", row.channel, row.reason)).or_default() += 1;
        }
    }

    /// Rows for manual review.
    pub fn manual_review(&mut self, columns: &check::manual_review::Columns) {
        for row in columns.rows() {
            *self.manual_review.entry(format!("{} {}", row.entity, row.reason)).or_default() += 1;
        }
    }

    /// Activities.
    pub fn activities(&mut self, columns: &crm::activities::Columns, as_of: Timestamp) {
        for row in columns.rows() {
            *self.months.entry(month_of(row.occurred_at)).or_default().entry(row.category.code().to_owned()).or_default() += 1;
            match self.types.get_mut(row.activity_type) {
                Some(count) => *count += 1,
                None => drop(self.types.insert(row.activity_type.to_owned(), 1)),
            }
            self.after_as_of += i64::from(row.occurred_at > as_of);
        }
    }

    /// Scores.
    pub fn scores(&mut self, columns: &score::profiles::Columns) {
        let band = |score: i32| usize::try_from(score / 10).unwrap_or(0).min(9);
        for row in columns.rows() {
            self.engagement[row.engagement_score.map_or(10, band)] += 1;
            self.churn[row.churn_risk_score.map_or(10, band)] += 1;
        }
    }

    /// Deviations.
    pub fn departures(&mut self, columns: &check::departures::Columns) {
        self.departures.extend(columns.rows().map(|row| Counted::new(row.departure, row.row_count)));
    }

    /// Profiles counted so far.
    pub fn profile_count(&self) -> i64 {
        i64::try_from(self.profiles.len()).expect("counts fit in 63 bits")
    }

    /// The counts as the report's numbers; the caller adds what does not come from datasets.
    pub fn finish(mut self, as_of: Timestamp) -> Numbers {
        self.ask_again();
        for (id, source) in &self.links {
            let founder = self.profiles.get(id).and_then(|profile| profile.founder);
            let people = self.people.entry(*source).or_default();
            if founder == Some(*source) { people.merged += 1 } else { people.linked += 1 }
        }
        let mut overlaps = BTreeMap::<u8, i64>::new();
        let mut sizes = BTreeMap::<u32, i64>::new();
        for profile in self.profiles.values() {
            *overlaps.entry(profile.sources).or_default() += 1;
            *sizes.entry(profile.records.min(10)).or_default() += 1;
        }
        let has = |sources: u8, source: Source| sources & (1 << source as u8) != 0;
        let with = |wanted: &[Source]| -> i64 {
            overlaps.iter().filter(|(held, _)| wanted.iter().all(|source| has(**held, *source))).map(|(_, count)| count).sum()
        };
        let six = vec![
            Counted::new("total", with(&[])),
            Counted::new("has_scl", with(&[Source::Scl])),
            Counted::new("has_teetime", with(&[Source::Teetime])),
            Counted::new("has_messaging", with(&[Source::Messaging])),
            Counted::new("scl_and_teetime", with(&[Source::Scl, Source::Teetime])),
            Counted::new("all_three", with(&[Source::Scl, Source::Teetime, Source::Messaging])),
        ];
        let mut people: Vec<ReportPeople> = Vec::new();
        for (source, counted) in &self.people {
            people.push(ReportPeople { source: source.code().to_owned(), profiles: with(&[*source]), ..counted.clone() });
        }
        let mut largest: Vec<(&String, u32)> = self.profiles.iter().map(|(id, profile)| (id, profile.records)).collect();
        largest.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let mut overlaps: Vec<ReportOverlap> = overlaps
            .into_iter()
            .map(|(held, count)| ReportOverlap {
                sources: Source::ALL.iter().filter(|source| has(held, **source)).map(|source| source.code().to_owned()).collect(),
                count,
            })
            .collect();
        overlaps.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.sources.cmp(&b.sources)));
        Numbers {
            format: 1,
            as_of: as_of.to_string(),
            people,
            overlaps,
            six,
            clusters: sizes
                .into_iter()
                .map(|(size, count)| Counted::new(if size == 10 { "10+".to_owned() } else { size.to_string() }, count))
                .collect(),
            largest: largest.iter().take(LARGEST).map(|(id, records)| Counted::new(id.as_str(), i64::from(*records))).collect(),
            identity: ReportIdentity {
                bits: self
                    .bits
                    .iter()
                    .map(|(bits, (links, candidates))| WeightBand { bits: *bits, links: *links, candidates: *candidates })
                    .collect(),
                refusals: ranked(std::mem::take(&mut self.refusals)),
                hubs: ranked(std::mem::take(&mut self.hubs)),
                hub_records: self.hub_records,
            },
            rules: self
                .rules
                .iter()
                .map(|(rule, (links, sum, lowest))| Rule {
                    rule: (*rule).to_owned(),
                    links: *links,
                    confidence: sum / (*links).max(1),
                    lowest: *lowest,
                })
                .collect(),
            fill: self.fill(),
            values: self.values(),
            rejects: ranked(std::mem::take(&mut self.rejects)),
            consent: self
                .consent
                .iter()
                .map(|(channel, counted)| ReportConsent { channel: (*channel).to_owned(), ..counted.clone() })
                .collect(),
            deciders: std::mem::take(&mut self.deciders).finish(),
            suppressions: ranked(std::mem::take(&mut self.suppressions)),
            manual_review: ranked(std::mem::take(&mut self.manual_review)),
            timeline: self.timeline(as_of),
            engagement: bands(&self.engagement),
            churn: bands(&self.churn),
            departures: by_count(self.departures),
            findings: self.findings,
            entities: self
                .entities
                .into_values()
                .map(|mut entity| {
                    entity.reasons.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
                    entity
                })
                .collect(),
            ..Numbers::default()
        }
    }

    /// Checks every distinct phone key with a second library.
    fn ask_again(&mut self) {
        let reason = Reason::PhoneSecondOpinion;
        for (source, phones) in std::mem::take(&mut self.phones) {
            let opinion = second_opinion(phones.iter().map(String::as_str));
            if opinion.asked > 0 {
                self.findings.push(ReportFinding {
                    source: source.code().to_owned(),
                    entity: source.people().to_owned(),
                    column: "phone_key".to_owned(),
                    effect: reason.effect().code().to_owned(),
                    reason: reason.code().to_owned(),
                    value: Some(format!("of {} distinct numbers", opinion.asked)),
                    count: i64::try_from(opinion.disagreed).expect("counts fit in 63 bits"),
                });
            }
        }
    }

    fn values(&self) -> ReportValues {
        let sources: Vec<Source> = self.people.keys().copied().collect();
        let findings = self.findings.iter().filter_map(|finding| {
            Some((Source::from_code(&finding.source)?, Reason::from_code(&finding.reason)?, finding.count))
        });
        ReportValues::count(&sources, findings)
    }

    fn fill(&self) -> Vec<Fill> {
        let of = |source: Source, column: &str, effect: &str| -> i64 {
            self.findings
                .iter()
                .filter(|finding| {
                    finding.source == source.code() && finding.entity == source.people() && finding.effect == effect
                })
                .filter(|finding| exported_as(column).contains(&finding.column.as_str()))
                .map(|finding| finding.count)
                .sum()
        };
        self.fill
            .iter()
            .map(|((source, column), (rows, filled))| Fill {
                source: source.code().to_owned(),
                column: (*column).to_owned(),
                rows: *rows,
                filled: *filled,
                cleaned: of(*source, column, "CLEANED"),
                refused: of(*source, column, "REJECTED"),
            })
            .collect()
    }

    fn timeline(&self, as_of: Timestamp) -> ReportTimeline {
        let last = month_of(as_of) + 2;
        let first = last - MONTHS + 1;
        let mut kinds: Vec<String> = self.months.values().flat_map(|kinds| kinds.keys().cloned()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let count = |month: i32, kind: &String| self.months.get(&month).and_then(|held| held.get(kind)).copied().unwrap_or(0);
        let months = (first..=last)
            .map(|month| Month { month: month_name(month), counts: kinds.iter().map(|kind| count(month, kind)).collect() })
            .collect();
        ReportTimeline {
            months,
            kinds,
            before: self.months.range(..first).flat_map(|(_, kinds)| kinds.values()).sum(),
            after_as_of: self.after_as_of,
            types: ranked(self.types.clone()),
        }
    }
}

/// `0–9` … `90–100` and those without a score.
fn bands(counts: &[i64; 11]) -> Vec<Counted> {
    let name = |band: usize| match band {
        9 => "90–100".to_owned(),
        10 => "none".to_owned(),
        _ => format!("{}–{}", band * 10, band * 10 + 9),
    };
    counts.iter().enumerate().map(|(band, count)| Counted::new(name(band), *count)).collect()
}
