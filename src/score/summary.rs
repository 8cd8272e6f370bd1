//! Counts about the scores of a run, for the report.

/// Counts over all profiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreSummary {
    /// Profiles scored.
    pub profiles: u64,
    /// Profiles for which the strategy's UPDATE would give other counts or another last activity: it has no upper bound, so it
    /// includes bookings after as_of.
    pub counts_with_future: u64,
    /// Activities after as_of.
    pub future_activities: u64,
    /// Profiles that would get another engagement score in the strategy's order (scores before counts), which reads counts of zero.
    pub scored_before_counted: u64,
    /// Profiles with an activity in the 90 days up to as_of.
    pub active_90d: u64,
    /// Those of them who only received messages.
    pub outbound_only_90d: u64,
    /// Profiles without a churn score, because there are no facts about them.
    pub without_churn: u64,
    /// Tier changes with a tier that the settings do not rank; they do not count as downgrades.
    pub unknown_tiers: u64,
    /// Activities of profiles that `crm__customer_profiles` does not have.
    pub strays: u64,
}

impl ScoreSummary {
    /// The sum of two parts.
    pub fn plus(self, other: Self) -> Self {
        Self {
            profiles: self.profiles + other.profiles,
            counts_with_future: self.counts_with_future + other.counts_with_future,
            future_activities: self.future_activities + other.future_activities,
            scored_before_counted: self.scored_before_counted + other.scored_before_counted,
            active_90d: self.active_90d + other.active_90d,
            outbound_only_90d: self.outbound_only_90d + other.outbound_only_90d,
            without_churn: self.without_churn + other.without_churn,
            unknown_tiers: self.unknown_tiers + other.unknown_tiers,
            strays: self.strays + other.strays,
        }
    }
}
