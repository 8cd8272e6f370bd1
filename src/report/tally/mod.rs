//! Counts the datasets batch by batch for the report, with one counter per section. Memory does not grow with the number of
//! bookings and messages.

mod consent;
mod identity;
mod rows;
mod scores;
mod timeline;
mod values;

use std::collections::BTreeMap;

use crate::model::Timestamp;
use crate::report::numbers::{Counted, Numbers};
use crate::tables::check;

use consent::ConsentTally;
use identity::IdentityTally;
use rows::RowTally;
use scores::ScoreTally;
use timeline::TimelineTally;
use values::ValueTally;

/// The counters.
#[derive(Default)]
pub struct ReportTally {
    /// Exported rows.
    pub rows: RowTally,
    /// Links.
    pub identity: IdentityTally,
    /// Staged values.
    pub values: ValueTally,
    /// Consent.
    pub consent: ConsentTally,
    /// Activities.
    pub timeline: TimelineTally,
    /// Scores.
    pub scores: ScoreTally,
    departures: Vec<Counted>,
}

impl ReportTally {
    /// Deviations.
    pub fn departures(&mut self, columns: &check::departures::Columns) {
        self.departures.extend(columns.rows().map(|row| Counted::new(row.departure, row.row_count)));
    }

    /// The counts as the report's numbers; the caller adds what does not come from datasets.
    pub fn finish(self, as_of: Timestamp) -> Numbers {
        let mut numbers = Numbers {
            format: 2,
            as_of: as_of.to_string(),
            entities: self.rows.finish(),
            timeline: self.timeline.finish(as_of),
            departures: by_count(self.departures),
            ..Numbers::default()
        };
        self.values.finish(&self.identity.sources(), &mut numbers);
        self.identity.finish(&mut numbers);
        self.consent.finish(&mut numbers);
        self.scores.finish(&mut numbers);
        numbers
    }
}

/// How often each name occurs.
#[derive(Default)]
struct NameCounts(BTreeMap<String, i64>);

impl NameCounts {
    fn add(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// Most frequent first.
    fn ranked(self) -> Vec<Counted> {
        by_count(self.0.into_iter().map(|(name, count)| Counted { name, count }).collect())
    }
}

fn by_count(mut counts: Vec<Counted>) -> Vec<Counted> {
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}
