//! Engagement, 0 to 100: recency 30 %, frequency 25 %, spend 20 %, breadth 15 %, depth 10 %.

use crate::model::MissingComponent;
use crate::score::Facts;

/// The five components, each 0, 20, 40, 60, 80 or 100, so that the weighted sum is a whole number of hundredths. `None` means no
/// data; without any activity, recency, frequency and breadth are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Engagement {
    /// Days since the last activity.
    pub recency: i32,
    /// Activities in 30 days.
    pub frequency: i32,
    /// Lifetime spend; `None` without known payments.
    pub monetary: Option<i32>,
    /// Distinct surfaces in 90 days.
    pub breadth: i32,
    /// Opens and clicks per message in 90 days; `None` if no message was delivered.
    pub depth: Option<i32>,
}

/// Spend in cents from which the monetary component is 100, 80, 60, 40 and 20.
pub type Thresholds = [i64; 5];

/// The thresholds of a currency: R1000 … R50; for pounds, 5000 … 250 pence.
pub fn thresholds(currency: &str) -> Thresholds {
    match currency {
        "GBP" => [5_000, 2_500, 1_000, 500, 250],
        _ => [100_000, 50_000, 20_000, 10_000, 5_000],
    }
}

impl Engagement {
    /// The components of a profile; no source exports payments, so `lifetime_value` (cents) is absent in a backfill.
    pub fn of(facts: &Facts, as_of: i64, lifetime_value: Option<i64>, thresholds: Thresholds) -> Self {
        let days = facts.counted_last().map(|last| super::whole_days(as_of - last.0));
        Self {
            recency: days.map_or(0, |days| steps(-days, [-7, -14, -30, -60, -90])),
            frequency: steps(i64::from(facts.counted_30d), [20, 10, 5, 2, 1]),
            monetary: lifetime_value.map(|cents| steps(cents, thresholds)),
            breadth: steps(i64::from(facts.surfaces()), [5, 4, 3, 2, 1]),
            depth: (facts.delivered > 0).then(|| depth(facts.delivered, facts.opened, facts.clicked)),
        }
    }

    /// The score; rounded half up if weights are redistributed.
    pub fn score(&self, missing: MissingComponent) -> i32 {
        let weighted = [
            (30, Some(self.recency)),
            (25, Some(self.frequency)),
            (20, self.monetary),
            (15, Some(self.breadth)),
            (10, self.depth),
        ];
        let sum: i32 = weighted.iter().map(|(weight, points)| weight * points.unwrap_or(0)).sum();
        let weights = match missing {
            MissingComponent::Zero => 100,
            MissingComponent::Renormalise => {
                weighted.iter().filter(|(_, points)| points.is_some()).map(|(weight, _)| weight).sum()
            }
        };
        (2 * sum + weights) / (2 * weights)
    }
}

/// 100 from the first bound on, 80 from the second, and so on; 0 below the last.
fn steps(value: i64, bounds: [i64; 5]) -> i32 {
    bounds.iter().zip([100, 80, 60, 40, 20]).find(|(bound, _)| value >= **bound).map_or(0, |(_, points)| points)
}

fn depth(delivered: u32, opened: u32, clicked: u32) -> i32 {
    let (d, x) = (i64::from(delivered), 100 * (i64::from(opened) + 2 * i64::from(clicked)));
    match x {
        0 => 0,
        x if x >= 80 * d => 100,
        x if x >= 50 * d => 80,
        x if x >= 30 * d => 60,
        x if x >= 15 * d => 40,
        _ => 20,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_the_rules_scores_56() {
        let engagement = Engagement { recency: 80, frequency: 60, monetary: None, breadth: 60, depth: Some(depth(10, 4, 1)) };
        assert_eq!(engagement.depth, Some(80));
        assert_eq!(engagement.score(MissingComponent::Zero), 56);
    }

    #[test]
    fn the_weight_of_components_without_data_is_redistributed() {
        let of = |monetary, depth| Engagement { recency: 80, frequency: 60, monetary, breadth: 60, depth };
        let renormalised = |engagement: Engagement| engagement.score(MissingComponent::Renormalise);
        assert_eq!(renormalised(of(None, Some(80))), 70, "5600 / 80");
        assert_eq!(renormalised(of(None, None)), 69, "4800 / 70 = 68.57");
        assert_eq!(renormalised(of(Some(0), Some(0))), 48, "a measured 0 is not missing: 4800 / 100");
        assert_eq!(renormalised(Engagement { recency: 100, frequency: 100, monetary: None, breadth: 100, depth: None }), 100);
        assert_eq!(renormalised(Engagement { recency: 20, ..Engagement::default() }), 9, "600 / 70 = 8.57");
        assert_eq!(renormalised(Engagement::default()), 0, "nothing happened");
    }

    #[test]
    fn everything_at_the_top_is_100_and_nothing_is_0() {
        let top = Engagement { recency: 100, frequency: 100, monetary: Some(100), breadth: 100, depth: Some(100) };
        assert_eq!(top.score(MissingComponent::Zero), 100);
        let nothing = Engagement::of(&Facts::default(), 0, None, thresholds("ZAR"));
        assert_eq!((nothing.score(MissingComponent::Zero), nothing.monetary, nothing.depth), (0, None, None));
    }

    #[test]
    fn every_threshold_of_the_scoring_page_holds_at_its_edge() {
        let recency = |days: i64| steps(-days, [-7, -14, -30, -60, -90]);
        assert_eq!([7, 8, 14, 15, 30, 31, 60, 61, 90, 91].map(recency), [100, 80, 80, 60, 60, 40, 40, 20, 20, 0]);
        let frequency = |count: i64| steps(count, [20, 10, 5, 2, 1]);
        assert_eq!([20, 19, 10, 9, 5, 4, 2, 1, 0].map(frequency), [100, 80, 80, 60, 60, 40, 40, 20, 0]);
        let rand = |cents: i64| steps(cents, thresholds("ZAR"));
        assert_eq!([100_000, 99_999, 50_000, 20_000, 10_000, 5_000, 4_999].map(rand), [100, 80, 80, 60, 40, 20, 0]);
        let pence = |cents: i64| steps(cents, thresholds("GBP"));
        assert_eq!([5_000, 2_500, 1_000, 500, 250, 249].map(pence), [100, 80, 60, 40, 20, 0]);
    }

    #[test]
    fn depth_compares_opens_and_clicks_with_deliveries_in_whole_numbers() {
        assert_eq!(depth(100, 80, 0), 100);
        assert_eq!(depth(100, 79, 0), 80);
        assert_eq!(depth(100, 50, 0), 80);
        assert_eq!(depth(100, 49, 0), 60);
        assert_eq!(depth(100, 30, 0), 60);
        assert_eq!(depth(100, 29, 0), 40);
        assert_eq!(depth(100, 15, 0), 40);
        assert_eq!(depth(100, 14, 0), 20);
        assert_eq!(depth(100, 1, 0), 20);
        assert_eq!(depth(100, 0, 0), 0);
        assert_eq!(depth(10, 3, 3), 100);
    }
}
