//! The owner's expectations of some people, as the last consolidation found them.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::prove::expectations::EXPECTATIONS;
use crate::store::Folder;
use crate::tables::check::proofs;

/// What became of the lines of `expectations.csv` that the phase can tell.
#[derive(Debug, Default)]
pub struct ExpectationResults {
    /// Lines that were checked.
    pub checked: usize,
    /// Those that are not met, in words with ids of records and profiles.
    pub unmet: Vec<String>,
}

impl ExpectationResults {
    /// Reads them from `data/crm`.
    pub fn read(crm: &Folder) -> Result<Self> {
        let mut results = Self::default();
        if !crm.has::<proofs::Table>(None) {
            return Ok(results);
        }
        for columns in crm.read::<proofs::Table>(None)? {
            for row in columns?.rows().filter(|row| row.check == EXPECTATIONS) {
                results.checked += 1;
                if row.expected != row.observed {
                    let ids: Vec<&str> = row.examples.iter().collect();
                    let ids = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
                    results.unmet.push(format!("{}: {} instead of {}{ids}", row.item, row.observed, row.expected));
                }
            }
        }
        Ok(results)
    }

    /// The error of a consolidation whose people are not as the owner knows them; the datasets are in place.
    pub fn fault(&self) -> Option<Fault> {
        if self.unmet.is_empty() {
            return None;
        }
        let what = format!("{} of {} expectations of the owner are not met", self.unmet.len(), self.checked);
        let fault = Fault::new(Exit::Mismatch, what).at("expectations.csv");
        let fault = self.unmet.iter().take(10).fold(fault, |fault, line| fault.help(line.clone()));
        Some(
            fault.help(
                "make explain shows why; correct the decisions, or the expectation. data/crm is complete; nothing is loaded",
            ),
        )
    }
}
