//! Survivorship order of a profile's records, and the rule recorded with each surviving value.

use crate::consolidate::profile::record_index::RecordIndex;
use crate::model::{CustomerStatus, ProfileIx, RecordIx, Source, SurvivorshipRule, Timestamp};

/// A surviving value, its record, the rule that chose it, and the number of other values that were discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice<V> {
    /// The value.
    pub value: V,
    /// Its record.
    pub record: RecordIx,
    /// The rule, as in `crm__field_provenance`.
    pub rule: SurvivorshipRule,
    /// Other values that were discarded.
    pub lost: i32,
}

/// The first value in the order of records; `values` lists what a record has, best first.
pub fn first<V: PartialEq + Copy, I: Iterator<Item = V>>(
    rule: SurvivorshipRule,
    records: impl IntoIterator<Item = RecordIx>,
    values: impl Fn(RecordIx) -> I,
) -> Option<Choice<V>> {
    let mut chosen: Option<Choice<V>> = None;
    let mut losers: Vec<V> = Vec::new();
    for record in records {
        for value in values(record) {
            match &mut chosen {
                None => chosen = Some(Choice { value, record, rule, lost: 0 }),
                Some(choice) if choice.value != value && !losers.contains(&value) => {
                    losers.push(value);
                    choice.lost += 1;
                }
                Some(_) => {}
            }
        }
    }
    chosen
}

/// The value of the smallest rank; among equals, the first candidate.
pub fn best<V: PartialEq + Copy, R: Ord>(
    rule: SurvivorshipRule,
    candidates: impl IntoIterator<Item = (R, RecordIx, V)>,
) -> Option<Choice<V>> {
    let mut chosen: Option<(R, Choice<V>)> = None;
    let mut all: Vec<V> = Vec::new();
    for (rank, record, value) in candidates {
        if !all.contains(&value) {
            all.push(value);
        }
        if chosen.as_ref().is_none_or(|(least, _)| rank < *least) {
            chosen = Some((rank, Choice { value, record, rule, lost: 0 }));
        }
    }
    let lost = i32::try_from(all.len()).expect("a profile has few values") - 1;
    chosen.map(|(_, choice)| Choice { lost, ..choice })
}

/// A profile's records by source, in survivorship order. Reused from profile to profile.
#[derive(Default)]
pub struct ProfileRecords {
    /// All, in record order.
    pub all: Vec<RecordIx>,
    /// Legacy members in record order.
    pub mca: Vec<RecordIx>,
    /// Legacy members, current first.
    pub mca_current: Vec<RecordIx>,
    /// SCL members, current first.
    pub scl: Vec<RecordIx>,
    /// Players, current first.
    pub teetime: Vec<RecordIx>,
    /// Contacts, current first.
    pub messaging: Vec<RecordIx>,
}

impl ProfileRecords {
    /// All records by the rank of their sources for email and phone, current ones first.
    pub fn by_source_rank(&self) -> impl Iterator<Item = RecordIx> + '_ {
        [&self.scl, &self.messaging, &self.teetime, &self.mca_current].into_iter().flatten().copied()
    }

    /// Fills it with the records of a profile.
    pub fn fill(&mut self, record_index: &RecordIndex, profile: ProfileIx) {
        for list in [&mut self.all, &mut self.mca, &mut self.mca_current, &mut self.scl, &mut self.teetime, &mut self.messaging] {
            list.clear();
        }
        self.all.extend_from_slice(record_index.members(profile));
        for &record in &self.all {
            match record_index.source(record) {
                Source::McaZa | Source::McaUk => self.mca.push(record),
                Source::Scl => self.scl.push(record),
                Source::Teetime => self.teetime.push(record),
                Source::Messaging => self.messaging.push(record),
            }
        }
        self.mca_current.extend_from_slice(&self.mca);
        for list in [&mut self.mca_current, &mut self.scl, &mut self.teetime, &mut self.messaging] {
            if list.len() > 1 {
                // The sort is stable, so that ties go to the first record, which has the lowest id.
                list.sort_by_key(|&record| currency(record_index, record));
            }
        }
    }
}

/// Rank by currency; smaller is more current: active before inactive, latest update first.
fn currency(record_index: &RecordIndex, record: RecordIx) -> (bool, std::cmp::Reverse<Option<Timestamp>>) {
    let (columns, row) = record_index.at(record);
    let is_inactive = columns.status(row).is_some_and(|status| status != CustomerStatus::Active);
    (is_inactive, std::cmp::Reverse(columns.updated_at(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_wins_and_differing_values_are_counted_once() {
        let values = |record: RecordIx| [Some("a"), None, Some("b"), Some("a"), Some("b"), Some("c")][record.index()].into_iter();
        assert_eq!(
            first(SurvivorshipRule::Union, RecordIx::range(0..6), values),
            Some(Choice { value: "a", record: RecordIx(0), rule: SurvivorshipRule::Union, lost: 2 })
        );
        assert_eq!(first(SurvivorshipRule::Union, RecordIx::range(1..2), values), None);
    }

    #[test]
    fn the_least_rank_wins_and_ties_keep_their_order() {
        let ranked = [(2, "a"), (1, "b"), (1, "c"), (3, "b")];
        let choice =
            best(SurvivorshipRule::Union, RecordIx::range(0..4).zip(ranked).map(|(record, (rank, value))| (rank, record, value)));
        assert_eq!(choice, Some(Choice { value: "b", record: RecordIx(1), rule: SurvivorshipRule::Union, lost: 2 }));
        assert_eq!(best(SurvivorshipRule::Union, Vec::<(u8, RecordIx, &str)>::new()), None);
    }
}
