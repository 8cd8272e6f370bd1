//! Scores in bands of ten.

use crate::report::numbers::{Counted, Numbers};
use crate::tables::score;

/// NameCounts engagement and churn risk; the last band is that of profiles without a score.
#[derive(Default)]
pub struct ScoreTally {
    engagement: [i64; 11],
    churn: [i64; 11],
}

impl ScoreTally {
    /// Scores.
    pub fn scores(&mut self, columns: &score::profiles::Columns) {
        let band = |score: i32| usize::try_from(score / 10).unwrap_or(0).min(9);
        for row in columns.rows() {
            self.engagement[row.engagement_score.map_or(10, band)] += 1;
            self.churn[row.churn_risk_score.map_or(10, band)] += 1;
        }
    }

    pub(super) fn finish(self, numbers: &mut Numbers) {
        numbers.engagement = bands(&self.engagement);
        numbers.churn = bands(&self.churn);
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
