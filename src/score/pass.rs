//! The streaming pass: timeline and consents in, one row of `score__profiles` per profile out.

use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::model::{ActivityChannel, Channel, Code as _, ConsentStatus, Timestamp};
use crate::score::{Churn, Engagement, Event, Facts, Membership, ProfileIndex, Sign, Summary, Windows, sign, thresholds};
use crate::tables::crm::{activities, customer_profiles, marketing_consents};
use crate::tables::score::profiles;
use crate::tables::{Builder as _, Columns as _};

/// What an operator may set.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Membership tiers from the lowest to the highest; a change to or from a tier not named here lowers nobody.
    pub tiers: Vec<String>,
    /// Currency of each tenant; spend is weighed by it.
    pub currencies: Vec<(String, String)>,
}

/// The scores of a run in the making.
pub struct Scoring<'a> {
    windows: Windows,
    options: &'a Options,
    index: ProfileIndex,
    facts: Vec<Facts>,
    unknown_tiers: u64,
    strays: u64,
}

/// Profiles are dealt out to this many parts, whatever the number of threads.
const PARTS: usize = 64;

impl<'a> Scoring<'a> {
    /// Profiles without any activity yet.
    pub fn new(as_of: Timestamp, profiles: &[customer_profiles::Columns], options: &'a Options) -> Self {
        let index = ProfileIndex::new(profiles);
        let facts = vec![Facts::default(); index.len()];
        Self { windows: Windows::new(as_of), options, index, facts, unknown_tiers: 0, strays: 0 }
    }

    /// The profiles by number.
    pub fn index(&self) -> &ProfileIndex {
        &self.index
    }

    /// Takes in a few batches of the timeline; every activity exactly once, in any order.
    pub fn add_activities(&mut self, batches: &[activities::Columns]) {
        let size = self.facts.len().div_ceil(PARTS).max(1);
        let dealt: Vec<Dealt> = batches.par_iter().map(|batch| self.deal(batch, size)).collect();
        for dealt in &dealt {
            self.strays += dealt.strays;
            self.unknown_tiers += dealt.unknown_tiers;
        }
        let windows = self.windows;
        self.facts.par_chunks_mut(size).enumerate().for_each(|(part, facts)| {
            for event in dealt.iter().flat_map(|dealt| &dealt.parts[part]) {
                facts[event.profile as usize - part * size].add(event, &windows);
            }
        });
    }

    /// Takes in batches of consents: a recent withdrawal of e-mail is a sign of leaving.
    pub fn add_consents(&mut self, batches: &[marketing_consents::Columns]) {
        for batch in batches {
            for row in 0..batch.len() {
                let recent = batch.revoked_at(row).is_some_and(|at| self.windows.in_quarter(at.0));
                if recent && batch.channel(row) == Channel::Email && batch.status(row) == ConsentStatus::OptedOut {
                    match self.index.number(batch.customer_id(row)) {
                        Some(number) => self.facts[number as usize].withdrew = true,
                        None => self.strays += 1,
                    }
                }
            }
        }
    }

    /// The rows of `score__profiles`, one batch per batch of profiles and in their order, and the counts for the report.
    pub fn finish(&self, profiles: &[customer_profiles::Columns]) -> (Vec<RecordBatch>, Summary) {
        let starts = profiles.iter().scan(0, |next, batch| {
            let start = *next;
            *next += batch.len();
            Some(start)
        });
        let parts: Vec<(usize, &customer_profiles::Columns)> = starts.zip(profiles).collect();
        let scored: Vec<(RecordBatch, Summary)> =
            parts.par_iter().map(|(start, batch)| self.score(batch, &self.facts[*start..])).collect();
        let start = Summary { unknown_tiers: self.unknown_tiers, strays: self.strays, ..Summary::default() };
        let summary = scored.iter().fold(start, |sum, (_, part)| sum.plus(*part));
        (scored.into_iter().map(|(batch, _)| batch).collect(), summary)
    }

    fn deal(&self, batch: &activities::Columns, size: usize) -> Dealt {
        let mut dealt = Dealt { parts: vec![Vec::new(); PARTS], strays: 0, unknown_tiers: 0 };
        for row in 0..batch.len() {
            let Some(profile) = self.index.number(batch.customer_id(row)) else {
                dealt.strays += 1;
                continue;
            };
            let sign = sign(batch.activity_type(row), || match self.is_lowered(batch.metadata(row)) {
                Some(lowered) => lowered,
                None => {
                    dealt.unknown_tiers += 1;
                    false
                }
            });
            let channel = match sign {
                Sign::Message(_) => batch.channel(row).and_then(ActivityChannel::from_code),
                _ => None,
            };
            let event = Event { profile, category: batch.category(row), sign, channel, at: batch.occurred_at(row).0 };
            dealt.parts[profile as usize / size].push(event);
        }
        dealt
    }

    /// Whether a tier change goes down; `None` when a tier has no rank.
    fn is_lowered(&self, metadata: Option<&str>) -> Option<bool> {
        let metadata: serde_json::Value = serde_json::from_str(metadata?).ok()?;
        let rank = |key: &str| {
            let tier = metadata.get(key)?.as_str()?.trim().to_lowercase();
            self.options.tiers.iter().position(|name| name.trim().to_lowercase() == tier)
        };
        Some(rank("newTierName")? < rank("previousTierName")?)
    }

    fn score(&self, batch: &customer_profiles::Columns, facts: &[Facts]) -> (RecordBatch, Summary) {
        let mut rows = profiles::Builder::new(batch.len());
        let mut summary = Summary::default();
        for (row, facts) in facts.iter().enumerate().take(batch.len()) {
            let profile = batch.row(row);
            let engagement = Engagement::of(facts, self.windows.as_of, None, self.thresholds(profile.tenant_id));
            let mut membership = Membership::of(
                profile.membership_status,
                profile.membership_tier,
                profile.member_since,
                profile.membership_expiry,
                self.windows.as_of,
                profile.first_seen_at,
            );
            membership.in_arrears |= profile.tags.iter().any(|tag| tag == "arrears");
            let churn = Churn::of(facts, membership, &self.windows);
            summary.count(facts, &engagement, churn.as_ref());
            let factors = churn.unwrap_or_default();
            rows.push(profiles::Row {
                id: profile.id,
                engagement_score: Some(engagement.score()),
                churn_risk_score: churn.map(|churn| churn.score()),
                activity_count_30d: integer(facts.count_30d),
                activity_count_90d: integer(facts.count_90d),
                booking_count_30d: integer(facts.bookings_30d),
                booking_count_total: integer(facts.bookings),
                last_activity_at: facts.last(),
                last_booking_at: facts.last_booking(),
                last_email_open_at: facts.last_email_open(),
                last_email_click_at: facts.last_email_click(),
                recency: engagement.recency,
                frequency: engagement.frequency,
                monetary: engagement.monetary,
                breadth: engagement.breadth,
                depth: engagement.depth,
                decline: factors.decline,
                payment: factors.payment,
                email_drop: factors.email_drop,
                tier_drop: factors.tier_drop,
                complaint: factors.complaint,
            });
        }
        (rows.finish(), summary)
    }

    fn thresholds(&self, tenant: &str) -> crate::score::Thresholds {
        let currency = self.options.currencies.iter().find(|(name, _)| name == tenant).map_or("ZAR", |(_, currency)| currency);
        thresholds(currency)
    }
}

struct Dealt {
    parts: Vec<Vec<Event>>,
    strays: u64,
    unknown_tiers: u64,
}

fn integer(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl Summary {
    fn count(&mut self, facts: &Facts, engagement: &Engagement, churn: Option<&Churn>) {
        self.profiles += 1;
        self.counts_with_future += u64::from(facts.future > 0);
        self.future_activities += u64::from(facts.future);
        self.scored_before_counted += u64::from(engagement.recency > 0 || engagement.frequency > 0);
        self.active_90d += u64::from(facts.count_90d > 0);
        self.outbound_only_90d += u64::from(facts.count_90d > 0 && !facts.acted);
        self.without_churn += u64::from(churn.is_none());
    }
}
