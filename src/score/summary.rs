//! What the report says about the scores of a run.

/// Counts over all profiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Profiles scored.
    pub profiles: u64,
    /// Profiles whose counts or last activity the strategy's UPDATE as written would set differently: it has no upper bound, so
    /// bookings after as_of enter the 30-day and 90-day counts and the last activity lies in the future.
    pub counts_with_future: u64,
    /// Activities after as_of.
    pub future_activities: u64,
    /// Profiles that the strategy's order (scores before counts) would give another engagement score: it would read zero counts.
    pub scored_before_counted: u64,
    /// Profiles with an activity in the 90 days up to as_of.
    pub active_90d: u64,
    /// Those of them to whom messages were sent and who did nothing themselves.
    pub outbound_only_90d: u64,
    /// Profiles without a churn score, because nothing is known of them.
    pub without_churn: u64,
    /// Tier changes with a tier whose rank no setting names; they lower nobody.
    pub unknown_tiers: u64,
    /// Activities of profiles that `crm__customer_profiles` does not have.
    pub strays: u64,
}

impl Summary {
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
