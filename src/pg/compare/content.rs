//! The record of a row that load wrote: a hash of the columns that datasets fill, and the consent in the datasets.

use crate::model::{Code as _, ConsentStatus};
use crate::pg::compare::TableForm;
use crate::pg::compare::hash::wide;
use crate::pg::compare::value::{Form, yes};
use crate::pg::load::preflight::TablePlan;
use crate::pg::load::target::{FLAGS, table};

/// How the rows of one table are recorded.
#[derive(Debug)]
pub struct RowContent {
    /// Positions of the columns whose changes are detected, in the order of the plan.
    places: Vec<usize>,
    said: Said,
}

#[derive(Debug)]
enum Said {
    /// Nothing about consent.
    Nothing,
    /// The status of a consent, with the hash of each word.
    Status(usize, Form, Vec<(u64, &'static str)>),
    /// The flags of a profile; absent where the target lacks the column.
    Flags([Option<usize>; 4]),
}

/// No consent was recorded.
const UNSAID: u64 = 0;
/// Distinguishes four false flags from no record.
const FLAGGED: u64 = 1 << 8;

impl RowContent {
    /// The content of a planned table's rows.
    pub fn of(plan: &TablePlan, form: &TableForm) -> Self {
        let places = plan.remembered().iter().filter_map(|name| form.place(name)).collect();
        let said = match plan.loaded.table {
            table::CONSENT => form.place("status").map_or(Said::Nothing, |place| {
                let form = form.columns[place].form;
                let words = ConsentStatus::ALL.iter().map(|word| (form.of_text(word.code()), word.code()));
                Said::Status(place, form, words.collect())
            }),
            table::PROFILE => Said::Flags(FLAGS.map(|(flag, _)| form.place(flag))),
            _ => Said::Nothing,
        };
        Self { places, said }
    }

    /// The hash of a row's content.
    pub fn hash(&self, columns: &[u64]) -> u128 {
        wide(51, self.places.iter().map(|place| columns[*place]))
    }

    /// The consent of a row, as a number that can be compared.
    pub fn said(&self, columns: &[u64]) -> u64 {
        match &self.said {
            Said::Nothing => UNSAID,
            Said::Status(place, ..) => columns[*place],
            Said::Flags(places) => FLAGGED | flags(places, columns).fold(0, |bits, flag| bits << 1 | u64::from(flag)),
        }
    }

    /// The same for a recorded text.
    pub fn said_before(&self, said: Option<&[u8]>) -> u64 {
        let Some(said) = said else { return UNSAID };
        match &self.said {
            Said::Nothing => UNSAID,
            Said::Status(_, form, _) => std::str::from_utf8(said).map_or(UNSAID, |said| form.of_text(said)),
            Said::Flags(_) => FLAGGED | said.iter().fold(0, |bits, flag| bits << 1 | u64::from(*flag == b't')),
        }
    }

    /// The text that is recorded for a row.
    pub fn said_text(&self, columns: &[u64]) -> Option<String> {
        match &self.said {
            Said::Nothing => None,
            Said::Status(place, _, words) => {
                words.iter().find(|(hash, _)| *hash == columns[*place]).map(|(_, word)| (*word).to_owned())
            }
            Said::Flags(places) => Some(flags(places, columns).map(|flag| if flag { 't' } else { 'f' }).collect()),
        }
    }
}

fn flags(places: &[Option<usize>; 4], columns: &[u64]) -> impl Iterator<Item = bool> {
    let yes = yes();
    places.iter().map(move |place| place.is_some_and(|place| columns[place] == yes))
}
