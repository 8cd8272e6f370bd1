//! The result of one comparison of a check.

use std::collections::BTreeSet;

/// Ids that are shown for one comparison.
const SHOWN: usize = 5;

/// One comparison of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: &'static str,
    /// The compared item.
    pub item: String,
    /// Rows looked at.
    pub examined: u64,
    /// Expected value.
    pub expected: String,
    /// Observed value.
    pub observed: String,
    /// Ids of up to five differing rows.
    pub examples: Vec<String>,
}

impl Finding {
    /// Two numbers that should be equal.
    pub fn numbers(check: &'static str, item: impl Into<String>, expected: u64, observed: u64) -> Self {
        Self {
            check,
            item: item.into(),
            examined: expected.max(observed),
            expected: expected.to_string(),
            observed: observed.to_string(),
            examples: Vec::new(),
        }
    }

    /// Whether observed and expected are equal.
    pub fn holds(&self) -> bool {
        self.expected == self.observed
    }
}

/// Counts rows, and the wrong ones among them.
#[derive(Clone, Debug, Default)]
pub struct ProofTally {
    examined: u64,
    wrong: u64,
    examples: BTreeSet<String>,
}

impl ProofTally {
    /// Counts a row.
    pub fn look(&mut self, is_right: bool, id: impl FnOnce() -> String) {
        self.examined += 1;
        if !is_right {
            self.wrong += 1;
            self.examples.insert(id());
            if self.examples.len() > SHOWN {
                self.examples.pop_last();
            }
        }
    }

    /// The finding: no row should be wrong.
    pub fn finding(self, check: &'static str, item: impl Into<String>) -> Finding {
        Finding {
            check,
            item: item.into(),
            examined: self.examined,
            expected: "0".to_owned(),
            observed: self.wrong.to_string(),
            examples: self.examples.into_iter().collect(),
        }
    }
}
