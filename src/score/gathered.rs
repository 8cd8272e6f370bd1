//! What the activities of a profile come to, wherever and in whatever parts they are read.

use serde::{Deserialize, Serialize};

use crate::model::{ActivityCategory, ActivityChannel, Code as _, ProfileIx, Timestamp};
use crate::score::{Facts, ScoreOptions, ScoredEvent, Sign, Windows, sign};

/// The columns of an activity that scores use.
#[derive(Clone, Copy, Debug)]
pub struct ScoredActivity<'a> {
    /// Its type.
    pub activity_type: &'a str,
    /// Its category.
    pub category: ActivityCategory,
    /// Its channel; null if it has none.
    pub channel: Option<&'a str>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its details, a JSON object.
    pub metadata: Option<&'a str>,
}

impl ScoredActivity<'_> {
    /// The activity as an event of a profile, and whether it is a change to or from a tier without a rank.
    pub fn event(&self, profile: ProfileIx, options: &ScoreOptions) -> (ScoredEvent, bool) {
        let mut has_unknown_tier = false;
        let sign = sign(self.activity_type, || {
            let lowered = is_lowered(self.metadata, options);
            has_unknown_tier = lowered.is_none();
            lowered.unwrap_or(false)
        });
        let channel = match sign {
            Sign::Message(_) => self.channel.and_then(ActivityChannel::from_code),
            _ => None,
        };
        (ScoredEvent { profile, category: self.category, sign, channel, at: self.occurred_at.0 }, has_unknown_tier)
    }
}

/// Whether a tier change goes down; `None` when a tier has no rank.
fn is_lowered(metadata: Option<&str>, options: &ScoreOptions) -> Option<bool> {
    let metadata: serde_json::Value = serde_json::from_str(metadata?).ok()?;
    let rank = |key: &str| {
        let tier = metadata.get(key)?.as_str()?.trim().to_lowercase();
        options.tiers.iter().position(|name| name.trim().to_lowercase() == tier)
    };
    Some(rank("newTierName")? < rank("previousTierName")?)
}

/// The facts of a profile, with what is counted of its activities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct GatheredFacts {
    /// The sums.
    pub facts: Facts,
    /// How many activities.
    pub activities: u64,
    /// How many of them change to or from a tier without a rank.
    pub unknown_tiers: u64,
}

impl GatheredFacts {
    /// Adds an activity.
    pub fn add(&mut self, activity: &ScoredActivity<'_>, windows: &Windows, options: &ScoreOptions) {
        let (event, has_unknown_tier) = activity.event(ProfileIx::NONE, options);
        self.facts.add(&event, windows);
        self.activities += 1;
        self.unknown_tiers += u64::from(has_unknown_tier);
    }

    /// Adds what was gathered of other activities of the same profile.
    pub fn merge(&mut self, other: &Self) {
        self.facts.merge(&other.facts);
        self.activities += other.activities;
        self.unknown_tiers += other.unknown_tiers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_gathered_in_parts_are_those_gathered_at_once() {
        use ActivityCategory::{Booking, Communication, Membership};
        let as_of = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
        let options = ScoreOptions { tiers: vec!["Silver".to_owned(), "Gold".to_owned()], ..ScoreOptions::default() };
        let windows = options.windows(as_of);
        let kinds = [
            ("TEETIME_COMPLETED", Booking, None),
            ("MESSAGE_CLICKED", Communication, Some("EMAIL")),
            ("MESSAGE_COMPLAINED", Communication, Some("SMS")),
            ("PAYMENT_FAILED", ActivityCategory::Payment, None),
            ("MEMBER_TIER_CHANGED", Membership, None),
            ("MESSAGE_DELIVERED", Communication, Some("EMAIL")),
        ];
        let tiers = [r#"{"previousTierName":"gold","newTierName":"silver"}"#, r#"{"previousTierName":"x"}"#];
        let activities: Vec<ScoredActivity<'_>> = (0..600)
            .map(|number| {
                let (activity_type, category, channel) = kinds[number % kinds.len()];
                let occurred_at = as_of.plus_days(5 - number as i64);
                ScoredActivity { activity_type, category, channel, occurred_at, metadata: Some(tiers[number % 7 / 4]) }
            })
            .collect();
        let gather = |activities: &[ScoredActivity<'_>]| {
            let mut gathered = GatheredFacts::default();
            activities.iter().for_each(|activity| gathered.add(activity, &windows, &options));
            gathered
        };
        let whole = gather(&activities);
        for cut in [0, 1, 77, 300, 600] {
            let (mut first, second) = (gather(&activities[..cut]), gather(&activities[cut..]));
            first.merge(&second);
            assert_eq!(first, whole, "cut at {cut}");
        }
        assert!(whole.unknown_tiers > 0 && whole.facts.tier_lowered && whole.facts.complaints > 0);
    }
}
