//! The streaming pass: reads timeline and consents, gives one row of `score__profiles` per profile.

use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::model::{Channel, ConsentStatus, Timestamp};
use crate::score::{
    Churn, Engagement, Facts, GatheredFacts, Membership, ScoreOptions, ScoreSummary, ScoredActivity, ScoredEvent, Windows,
    thresholds,
};
use crate::tables::ProfileIndex;
use crate::tables::crm::{activities, customer_profiles, marketing_consents};
use crate::tables::score::profiles;
use crate::tables::{Builder as _, Columns as _};

/// Computes the scores of a run.
pub struct Scoring<'a> {
    windows: Windows,
    options: &'a ScoreOptions,
    index: ProfileIndex,
    facts: Vec<Facts>,
    unknown_tiers: u64,
    strays: u64,
}

/// Profiles are divided into this many parts, independent of the number of threads.
const PARTS: usize = 64;

impl<'a> Scoring<'a> {
    /// Profiles without any activity yet.
    pub fn new(as_of: Timestamp, profiles: &[customer_profiles::Columns], options: &'a ScoreOptions) -> Self {
        Self::of(as_of, ProfileIndex::new(profiles), options)
    }

    /// The same of profiles that are known by number alone.
    pub fn of(as_of: Timestamp, index: ProfileIndex, options: &'a ScoreOptions) -> Self {
        let facts = vec![Facts::default(); index.len()];
        Self { windows: options.windows(as_of), options, index, facts, unknown_tiers: 0, strays: 0 }
    }

    /// The profiles by position.
    pub fn index(&self) -> &ProfileIndex {
        &self.index
    }

    /// Adds some batches of the timeline. Every activity must be added once, in any order.
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
                facts[event.profile.index() - part * size].add(event, &windows);
            }
        });
    }

    /// Adds what was gathered elsewhere of the activities of a profile. Every activity must be gathered once.
    pub fn add_gathered(&mut self, customer_id: &str, gathered: &GatheredFacts) {
        match self.index.position(customer_id) {
            Some(profile) => {
                self.facts[profile.index()].merge(&gathered.facts);
                self.unknown_tiers += gathered.unknown_tiers;
            }
            None => self.strays += gathered.activities,
        }
    }

    /// Adds batches of consents: a recent withdrawal for email is a sign of churn.
    pub fn add_consents(&mut self, batches: &[marketing_consents::Columns]) {
        for batch in batches {
            for row in 0..batch.len() {
                let recent = batch.revoked_at(row).is_some_and(|at| self.windows.in_quarter(at.0));
                if recent && batch.channel(row) == Channel::Email && batch.status(row) == ConsentStatus::OptedOut {
                    match self.index.position(batch.customer_id(row)) {
                        Some(profile) => self.facts[profile.index()].withdrew = true,
                        None => self.strays += 1,
                    }
                }
            }
        }
    }

    /// The rows of `score__profiles`, one batch per batch of profiles and in their order, and the counts for the report.
    pub fn finish(&self, profiles: &[customer_profiles::Columns]) -> (Vec<RecordBatch>, ScoreSummary) {
        let (rows, summary) = self.score_all(0, profiles);
        (rows, self.counts().plus(summary))
    }

    /// The same of some batches, the first of which begins with the profile of this number; of the counts only what the profiles
    /// tell.
    pub fn score_all(&self, first: usize, profiles: &[customer_profiles::Columns]) -> (Vec<RecordBatch>, ScoreSummary) {
        let starts = profiles.iter().scan(first, |next, batch| {
            let start = *next;
            *next += batch.len();
            Some(start)
        });
        let parts: Vec<(usize, &customer_profiles::Columns)> = starts.zip(profiles).collect();
        let scored: Vec<(RecordBatch, ScoreSummary)> =
            parts.par_iter().map(|(start, batch)| self.score(batch, &self.facts[*start..])).collect();
        let summary = scored.iter().fold(ScoreSummary::default(), |sum, (_, part)| sum.plus(*part));
        (scored.into_iter().map(|(batch, _)| batch).collect(), summary)
    }

    /// What was counted of the timeline and the consents.
    pub fn counts(&self) -> ScoreSummary {
        ScoreSummary { unknown_tiers: self.unknown_tiers, strays: self.strays, ..ScoreSummary::default() }
    }

    fn deal(&self, batch: &activities::Columns, size: usize) -> Dealt {
        let mut dealt = Dealt { parts: vec![Vec::new(); PARTS], strays: 0, unknown_tiers: 0 };
        for row in 0..batch.len() {
            let Some(profile) = self.index.position(batch.customer_id(row)) else {
                dealt.strays += 1;
                continue;
            };
            let activity = ScoredActivity {
                activity_type: batch.activity_type(row),
                category: batch.category(row),
                channel: batch.channel(row),
                occurred_at: batch.occurred_at(row),
                metadata: batch.metadata(row),
            };
            let (event, has_unknown_tier) = activity.event(profile, self.options);
            dealt.unknown_tiers += u64::from(has_unknown_tier);
            dealt.parts[profile.index() / size].push(event);
        }
        dealt
    }

    fn score(&self, batch: &customer_profiles::Columns, facts: &[Facts]) -> (RecordBatch, ScoreSummary) {
        let mut rows = profiles::Builder::new(batch.len());
        let mut summary = ScoreSummary::default();
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
                engagement_score: Some(engagement.score(self.options.missing)),
                churn_risk_score: churn.map(|churn| churn.score()),
                activity_count_30d: integer(facts.count_30d),
                activity_count_90d: integer(facts.count_90d),
                booking_count_30d: integer(facts.bookings_30d),
                booking_count_total: integer(facts.bookings),
                booking_count_played: integer(facts.bookings_played),
                last_activity_at: facts.last(),
                last_booking_at: facts.last_booking(),
                last_email_open_at: facts.last_email_open(),
                last_email_click_at: facts.last_email_click(),
                recency: engagement.recency,
                frequency: engagement.frequency,
                monetary: engagement.monetary.unwrap_or(0),
                breadth: engagement.breadth,
                depth: engagement.depth.unwrap_or(0),
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
    parts: Vec<Vec<ScoredEvent>>,
    strays: u64,
    unknown_tiers: u64,
}

fn integer(count: u32) -> i32 {
    i32::try_from(count).expect("fewer than 2^31 activities of one profile")
}

impl ScoreSummary {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ActivityCategory;
    use crate::model::MissingComponent;
    use crate::tables::Table as _;

    const AS_OF: &str = "2026-11-22T08:00:00Z";
    const SOMEBODY: &str = "bf11aaaa-0000-8000-8000-000000000001";
    const NOBODY: &str = "bf11aaaa-0000-8000-8000-000000000002";

    fn as_of() -> Timestamp {
        Timestamp::parse(AS_OF).unwrap()
    }

    fn profile(id: &str) -> customer_profiles::Row<'_> {
        let first_seen_at = as_of().plus_days(-10);
        customer_profiles::Row { first_seen_at, ..customer_profiles::Row::blank(id, "1") }
    }

    fn profiles() -> Vec<customer_profiles::Columns> {
        let mut rows = customer_profiles::Builder::new(2);
        rows.push(profile(SOMEBODY));
        rows.push(profile(NOBODY));
        vec![customer_profiles::Table::columns(&rows.finish()).unwrap()]
    }

    /// Activities of SOMEBODY: type, category, channel, microseconds after as_of.
    fn timeline(events: &[(&str, ActivityCategory, Option<&str>, i64)]) -> activities::Columns {
        let mut rows = activities::Builder::new(events.len());
        for (number, (activity_type, category, channel, offset)) in events.iter().enumerate() {
            rows.push(activities::Row {
                id: &format!("activity {number}"),
                tenant_id: "1",
                customer_id: SOMEBODY,
                activity_type,
                category: *category,
                channel: *channel,
                title: "",
                description: None,
                source_service: "teetime",
                source_id: &number.to_string(),
                club_id: None,
                club_name: None,
                occurred_at: Timestamp(as_of().0 + offset),
                metadata: Some(r#"{"previousTierName":"Gold","newTierName":"silver"}"#),
            });
        }
        activities::Table::columns(&rows.finish()).unwrap()
    }

    fn scored(
        events: &[(&str, ActivityCategory, Option<&str>, i64)],
        options: &ScoreOptions,
    ) -> (profiles::Columns, ScoreSummary) {
        let profiles = profiles();
        let mut scoring = Scoring::new(as_of(), &profiles, options);
        scoring.add_activities(&[timeline(events)]);
        let (batches, summary) = scoring.finish(&profiles);
        (profiles::Table::columns(&batches[0]).unwrap(), summary)
    }

    use ActivityCategory::{Booking, Communication, Membership as Joining};
    const DAY: i64 = Timestamp::DAY;

    #[test]
    fn both_ends_of_a_counted_period_belong_to_it() {
        let at = |offset| ("TEETIME_BOOKED", Booking, None, offset);
        let (rows, summary) = scored(
            &[at(0), at(1), at(-30 * DAY), at(-30 * DAY - 1), at(-90 * DAY), at(-90 * DAY - 1), at(5 * DAY)],
            &ScoreOptions::default(),
        );
        let row = rows.row(0);
        assert_eq!((row.activity_count_30d, row.activity_count_90d, row.booking_count_30d), (2, 4, 2));
        assert_eq!((row.booking_count_total, row.booking_count_played), (7, 0));
        assert_eq!((row.last_activity_at, row.last_booking_at), (Some(as_of()), Some(as_of())));
        assert_eq!((summary.counts_with_future, summary.future_activities, summary.scored_before_counted), (1, 2, 1));
    }

    #[test]
    fn played_are_completed_bookings_up_to_as_of() {
        let at = |kind, offset| (kind, Booking, None, offset);
        let bookings = [
            at("TEETIME_COMPLETED", 0),
            at("TEETIME_COMPLETED", -900 * DAY),
            at("TEETIME_COMPLETED", 1),
            at("TEETIME_BOOKED", -DAY),
            at("TEETIME_NO_SHOW", -DAY),
        ];
        let (rows, _) = scored(&bookings, &ScoreOptions::default());
        assert_eq!((rows.row(0).booking_count_total, rows.row(0).booking_count_played), (5, 2));
    }

    #[test]
    fn somebody_new_without_activity_has_engagement_0_and_no_churn_score() {
        let (rows, summary) = scored(&[], &ScoreOptions::default());
        assert_eq!((rows.engagement_score(1), rows.churn_risk_score(1)), (Some(0), None));
        assert_eq!((summary.profiles, summary.without_churn, summary.active_90d), (2, 2, 0));
    }

    #[test]
    fn received_messages_count_as_activity_but_not_as_surface() {
        let sent = ("MESSAGE_SENT", Communication, Some("EMAIL"), -DAY);
        let (rows, summary) = scored(&[sent], &ScoreOptions::default());
        let row = rows.row(0);
        assert_eq!((row.recency, row.frequency, row.breadth, row.depth), (100, 20, 0, 0));
        assert_eq!((summary.active_90d, summary.outbound_only_90d), (1, 1));
        let (rows, _) = scored(&[sent], &ScoreOptions { engaged_only: true, ..ScoreOptions::default() });
        let row = rows.row(0);
        assert_eq!((row.recency, row.frequency, row.activity_count_30d), (0, 0, 1));
    }

    #[test]
    fn every_setting_that_changes_a_score_changes_its_version() {
        let default = ScoreOptions::default();
        let engaged = ScoreOptions { engaged_only: true, ..default.clone() };
        let renormalised = ScoreOptions { missing: MissingComponent::Renormalise, ..default.clone() };
        let both = ScoreOptions { engaged_only: true, ..renormalised.clone() };
        let versions = [default, engaged, renormalised, both].map(|options| options.version());
        assert_eq!(versions, ["1", "1+engaged", "1+renormalise", "1+engaged+renormalise"]);
    }

    #[test]
    fn surfaces_are_counted_once_and_strictly_within_ninety_days() {
        let events = [
            ("MESSAGE_OPENED", Communication, Some("EMAIL"), -DAY),
            ("MESSAGE_CLICKED", Communication, Some("EMAIL"), -DAY),
            ("MESSAGE_RECEIVED", Communication, Some("SMS"), -DAY),
            ("MESSAGE_OPENED", Communication, Some("PUSH"), -90 * DAY),
            ("MESSAGE_SENT", Communication, Some("WHATSAPP"), -DAY),
            ("CLUB_JOINED", Joining, None, -90 * DAY + 1),
        ];
        let (rows, _) = scored(&events, &ScoreOptions::default());
        assert_eq!(rows.row(0).breadth, 60);
        assert_eq!(rows.row(0).depth, 100);
        assert_eq!(rows.row(0).last_email_click_at, Some(as_of().plus_days(-1)));
    }

    #[test]
    fn a_tier_change_counts_only_downwards_and_between_known_tiers() {
        let event = [("MEMBER_TIER_CHANGED", Joining, None, -DAY)];
        let tiers = |names: &[&str]| ScoreOptions {
            tiers: names.iter().map(|name| (*name).to_owned()).collect(),
            ..ScoreOptions::default()
        };
        let (rows, summary) = scored(&event, &tiers(&["Silver", "Gold"]));
        assert_eq!((rows.row(0).tier_drop, summary.unknown_tiers), (100, 0));
        let (rows, summary) = scored(&event, &tiers(&["gold", "silver"]));
        assert_eq!((rows.row(0).tier_drop, summary.unknown_tiers), (0, 0));
        let (rows, summary) = scored(&event, &tiers(&["Gold"]));
        assert_eq!((rows.row(0).tier_drop, summary.unknown_tiers), (0, 1));
    }

    #[test]
    fn an_activity_without_a_profile_is_counted_as_a_stray() {
        let profiles = &profiles()[..0];
        let options = ScoreOptions::default();
        let mut scoring = Scoring::new(as_of(), profiles, &options);
        scoring.add_activities(&[timeline(&[("TEETIME_BOOKED", Booking, None, 0)])]);
        assert_eq!(scoring.finish(profiles).1.strays, 1);
    }
}
