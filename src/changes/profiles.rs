//! Profiles of two runs that share records: which split, merged, or go by another id. Memory holds only profiles that
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::coded;

coded! {
    /// How the profiles of a group of records changed.
    pub enum GroupChange {
        /// One profile became several.
        Split = "SPLIT",
        /// Several profiles became one.
        Merged = "MERGED",
        /// Several profiles became several others.
        MergedAndSplit = "MERGED_AND_SPLIT",
        /// The same records under another id.
        Renamed = "RENAMED",
    }
}

/// Profiles of both runs that records connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileGroup {
    /// Ids in the former run, sorted.
    pub before: Vec<String>,
    /// Ids in the later run, sorted.
    pub after: Vec<String>,
    /// Pairs of a former and a later profile that have a record in common, as positions.
    pub shared: BTreeSet<(usize, usize)>,
    /// Keys of the records that changed their profile, in the order in which they were given.
    pub moved: Vec<String>,
}

impl ProfileGroup {
    /// How it changed.
    pub fn change(&self) -> GroupChange {
        match (self.before.len(), self.after.len()) {
            (1, 1) => GroupChange::Renamed,
            (1, _) => GroupChange::Split,
            (_, 1) => GroupChange::Merged,
            _ => GroupChange::MergedAndSplit,
        }
    }

    /// The former profiles of a later one, by its position.
    pub fn former_of(&self, after: usize) -> impl Iterator<Item = &str> {
        self.shared.iter().filter(move |(_, of)| *of == after).map(|(before, _)| self.before[*before].as_str())
    }
}

/// Collects the records of the profiles that changed: first those of the former run, then those of the later one.
pub struct Regrouping<'a> {
    changed: &'a BTreeSet<String>,
    former: BTreeMap<String, String>,
    shared: BTreeMap<(String, String), Vec<String>>,
}

impl<'a> Regrouping<'a> {
    /// Profiles, of either run, that gave or received a record.
    pub fn of(changed: &'a BTreeSet<String>) -> Self {
        Self { changed, former: BTreeMap::new(), shared: BTreeMap::new() }
    }

    /// A record and its profile in the former run.
    pub fn before(&mut self, record: impl FnOnce() -> String, profile: &str) {
        if self.changed.contains(profile) {
            self.former.insert(record(), profile.to_owned());
        }
    }

    /// A record and its profile in the later run.
    pub fn after(&mut self, record: impl FnOnce() -> String, profile: &str) {
        if !self.changed.contains(profile) {
            return;
        }
        let record = record();
        let Some(former) = self.former.remove(&record) else { return };
        let is_moved = former != profile;
        let records = self.shared.entry((former, profile.to_owned())).or_default();
        if is_moved {
            records.push(record);
        }
    }

    /// The groups, by the first id of each.
    pub fn finish(self) -> Vec<ProfileGroup> {
        let mut later_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut former_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (before, after) in self.shared.keys() {
            later_of.entry(before).or_default().push(after);
            former_of.entry(after).or_default().push(before);
        }
        let mut seen = BTreeSet::new();
        let mut groups = Vec::new();
        for first in later_of.keys() {
            if !seen.insert(*first) {
                continue;
            }
            let (mut before, mut after) = (vec![*first], BTreeSet::new());
            let mut next = 0;
            while next < before.len() {
                for later in later_of[before[next]].iter().filter(|later| after.insert(**later)) {
                    before.extend(former_of[later].iter().filter(|former| seen.insert(**former)));
                }
                next += 1;
            }
            before.sort_unstable();
            groups.push(self.group(&before, &after.into_iter().collect::<Vec<_>>()));
        }
        groups
    }

    fn group(&self, before: &[&str], after: &[&str]) -> ProfileGroup {
        let (mut shared, mut moved) = (BTreeSet::new(), Vec::new());
        for (at, former) in before.iter().enumerate() {
            for (to, later) in after.iter().enumerate() {
                if let Some(records) = self.shared.get(&((*former).to_owned(), (*later).to_owned())) {
                    shared.insert((at, to));
                    moved.extend(records.iter().cloned());
                }
            }
        }
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        ProfileGroup { before: owned(before), after: owned(after), shared, moved }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each record with its former and its later profile.
    fn groups(records: &[(&str, &str, &str)]) -> Vec<ProfileGroup> {
        let moved = records.iter().filter(|(_, before, after)| before != after);
        let changed = moved.flat_map(|(_, before, after)| [(*before).to_owned(), (*after).to_owned()]).collect();
        let mut regrouping = Regrouping::of(&changed);
        records.iter().for_each(|(record, before, _)| regrouping.before(|| (*record).to_owned(), before));
        records.iter().for_each(|(record, _, after)| regrouping.after(|| (*record).to_owned(), after));
        regrouping.finish()
    }

    #[test]
    fn splits_merges_and_renames_are_told_apart_and_the_rest_is_left_out() {
        let found = groups(&[
            ("1", "a", "a"),
            ("2", "a", "b"),
            ("3", "c", "d"),
            ("4", "e", "d"),
            ("5", "f", "g"),
            ("6", "h", "h"),
            ("7", "i", "j"),
            ("8", "i", "k"),
            ("9", "l", "k"),
        ]);
        let told: Vec<_> = found.iter().map(|group| (group.change(), group.before.join(" "), group.after.join(" "))).collect();
        let told: Vec<_> = told.iter().map(|(change, before, after)| (*change, before.as_str(), after.as_str())).collect();
        assert_eq!(
            told,
            [
                (GroupChange::Split, "a", "a b"),
                (GroupChange::Merged, "c e", "d"),
                (GroupChange::Renamed, "f", "g"),
                (GroupChange::MergedAndSplit, "i l", "j k"),
            ]
        );
        assert_eq!(found[0].moved, ["2"], "a record that stayed did not move");
        assert_eq!(found[3].former_of(1).collect::<Vec<_>>(), ["i", "l"]);
    }

    #[test]
    fn a_record_of_one_run_alone_connects_nothing() {
        let changed = ["a", "b"].map(str::to_owned).into();
        let mut regrouping = Regrouping::of(&changed);
        regrouping.before(|| "1".to_owned(), "a");
        regrouping.after(|| "2".to_owned(), "b");
        assert_eq!(regrouping.finish(), []);
    }
}
