//! The settings of the scores, and their version.

use serde::{Deserialize, Serialize};

use crate::model::{MissingComponent, Timestamp};
use crate::score::Windows;

/// Settings of the scores.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ScoreOptions {
    /// Membership tiers from the lowest to the highest; a change to or from another tier is not a downgrade.
    pub tiers: Vec<String>,
    /// Currency of each tenant, for the thresholds of spend.
    pub currencies: Vec<(String, String)>,
    /// Whether messages that the person did not react to are left out of recency, frequency and decline (never of the counts).
    pub engaged_only: bool,
    /// How a component of engagement without data counts.
    pub missing: MissingComponent,
}

/// The version of the formulas of engagement and churn.
const FORMULAS: &str = "1";

impl ScoreOptions {
    /// The version of the scores: scores of different versions are not comparable. It consists of the version of the formulas and
    /// every setting that affects the scores.
    pub fn version(&self) -> String {
        let engaged = if self.engaged_only { "+engaged" } else { "" };
        let renormalised = if self.missing == MissingComponent::Renormalise { "+renormalise" } else { "" };
        format!("{FORMULAS}{engaged}{renormalised}")
    }

    /// The windows of a run.
    pub fn windows(&self, as_of: Timestamp) -> Windows {
        Windows { engaged_only: self.engaged_only, ..Windows::new(as_of) }
    }
}
