//! Why rows differ: the decision, the changed record or the changed link behind a difference, as far as the datasets tell it. Memory
//! grows with the changes, not with the datasets.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::changes::ProfileGroup;
use crate::coded;
use crate::model::{Code as _, RecordKey, Source};
use crate::steps::compare::rows::RowDifference;
use crate::steps::compare::runs::ComparedRun;
use crate::tables::Table as _;
use crate::tables::resolution::{decisions, links};

coded! {
    /// The kind of a cause.
    pub enum CauseKind {
        /// A line of `decisions.csv`, or a merge or review in the CRM.
        Decision = "DECISION",
        /// A staged record that differs, is new or is gone.
        Record = "RECORD",
        /// A record that changed its profile although it did not change itself.
        Link = "LINK",
        /// The inputs that differ between the runs: none of the above was found.
        Inputs = "INPUTS",
    }
}

/// What caused a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its kind.
    pub kind: CauseKind,
    /// In words, without personal values.
    pub why: String,
}

/// Records of a profile that are kept as its causes.
const RECORDS: usize = 4;

/// What became of a staged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    New,
    Gone,
    Changed,
}

#[derive(Debug)]
struct RecordChange {
    fate: Fate,
    /// Columns of the person, and entities with rows that differ.
    parts: BTreeSet<String>,
}

/// Everything that may have caused a difference.
pub struct Causes {
    /// The inputs that differ, in words.
    pub inputs: Vec<String>,
    records: BTreeMap<String, RecordChange>,
    /// Each decision that differs, in words.
    decided: Vec<String>,
    /// By record key.
    decision_of: BTreeMap<String, usize>,
    /// By profile: the changed or decided records that it has in either run.
    records_of: BTreeMap<String, Vec<String>>,
    groups: BTreeMap<String, Cause>,
}

impl Causes {
    /// Compares the inputs and the decisions of two runs.
    pub fn of(before: &ComparedRun, after: &ComparedRun) -> Result<Self> {
        let mut causes = Self {
            inputs: before.inputs_that_differ(after),
            records: BTreeMap::new(),
            decided: Vec::new(),
            decision_of: BTreeMap::new(),
            records_of: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        let (former, later) = (applied(before)?, applied(after)?);
        let one_sided = former.symmetric_difference(&later);
        for line @ (kind, a, b, origin) in one_sided {
            let what = if later.contains(line) { "added" } else { "removed" };
            causes.decided.push(format!("{kind} {a} {b} {what} ({origin})"));
            for record in [a, b] {
                causes.decision_of.entry(record.clone()).or_insert(causes.decided.len() - 1);
            }
        }
        Ok(causes)
    }

    /// Takes a staged row that differs.
    pub fn staged(&mut self, source: Source, entity: &str, row: &RowDifference<'_>) -> Result<()> {
        let Some(id) = row.either("source_id")? else { return Ok(()) };
        let key = RecordKey { source, id: &id }.to_string();
        let change = self.records.entry(key).or_insert(RecordChange { fate: Fate::Changed, parts: BTreeSet::new() });
        if entity == "people" {
            change.fate = match (row.before, row.after) {
                (None, _) => Fate::New,
                (_, None) => Fate::Gone,
                _ => Fate::Changed,
            };
            change.parts.extend(row.columns.iter().map(|column| (*column).to_owned()));
        } else {
            change.parts.insert(entity.replace('_', " "));
        }
        Ok(())
    }

    /// Finds the profiles of the changed and decided records, in both runs.
    pub fn find_profiles(&mut self, runs: [&ComparedRun; 2]) -> Result<()> {
        for run in runs {
            let Some(folder) = run.holder(links::Table::STEM) else { continue };
            for batch in folder.read::<links::Table>(None)? {
                for row in batch?.rows() {
                    let Some(profile) = row.profile_id else { continue };
                    let key = RecordKey { source: row.source, id: row.source_id }.to_string();
                    if !self.records.contains_key(&key) && !self.decision_of.contains_key(&key) {
                        continue;
                    }
                    let records = self.records_of.entry(profile.to_owned()).or_default();
                    if records.len() < RECORDS && !records.contains(&key) {
                        records.push(key);
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds the cause of a group of profiles that changed, which is also the cause of the differences of its profiles.
    pub fn of_group(&mut self, group: &ProfileGroup) -> Option<Cause> {
        let profiles = || group.before.iter().chain(&group.after);
        let known: Vec<&String> = profiles().filter_map(|profile| self.records_of.get(profile)).flatten().collect();
        let records = || group.moved.iter().chain(known.iter().copied());
        let cause =
            records().find_map(|record| self.decision(record)).or_else(|| records().find_map(|record| self.change(record)));
        let cause = cause.or_else(|| {
            let moved = group.moved.first()?;
            let why = format!("{moved} changed its profile: the evidence of its links changed");
            Some(Cause { kind: CauseKind::Link, why })
        })?;
        for profile in profiles() {
            self.groups.insert(profile.clone(), cause.clone());
        }
        Some(cause)
    }

    /// The cause of a difference of a profile.
    pub fn of_profile(&self, profile: &str) -> Option<Cause> {
        self.groups.get(profile).cloned().or_else(|| {
            let records = self.records_of.get(profile)?;
            let decision = records.iter().find_map(|record| self.decision(record));
            decision.or_else(|| records.iter().find_map(|record| self.change(record)))
        })
    }

    /// The cause of a row's difference.
    pub fn of_row(&self, stem: &str, row: &RowDifference<'_>) -> Result<Option<Cause>> {
        if !stem.starts_with("raw_") && !stem.starts_with("stg_") {
            for column in profile_columns(stem) {
                let [before, after] = row.both(column)?;
                if let Some(cause) = [after, before].into_iter().flatten().find_map(|profile| self.of_profile(&profile)) {
                    return Ok(Some(cause));
                }
            }
            if let Some(cause) = self.of_record_row(row)? {
                return Ok(Some(cause));
            }
        }
        Ok(self.inputs())
    }

    /// The inputs that differ, as a cause.
    pub fn inputs(&self) -> Option<Cause> {
        (!self.inputs.is_empty()).then(|| Cause { kind: CauseKind::Inputs, why: format!("{} differ", self.inputs.join(", ")) })
    }

    /// Of a row about one record of a person.
    fn of_record_row(&self, row: &RowDifference<'_>) -> Result<Option<Cause>> {
        let (source, id) = (row.either("source")?, row.either("source_id")?);
        let Some((source, id)) = source.and_then(|source| Source::from_code(&source)).zip(id) else { return Ok(None) };
        if row.either("entity")?.is_some_and(|entity| entity != source.people()) {
            return Ok(None);
        }
        let key = RecordKey { source, id: &id }.to_string();
        Ok(self.decision(&key).or_else(|| self.change(&key)))
    }

    fn decision(&self, record: &str) -> Option<Cause> {
        let why = self.decided[*self.decision_of.get(record)?].clone();
        Some(Cause { kind: CauseKind::Decision, why })
    }

    fn change(&self, record: &str) -> Option<Cause> {
        let change = self.records.get(record)?;
        let why = match change.fate {
            Fate::New => format!("{record} is new"),
            Fate::Gone => format!("{record} is gone"),
            Fate::Changed => {
                format!("{record} changed: {}", change.parts.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
        };
        Some(Cause { kind: CauseKind::Record, why })
    }
}

/// Decisions that were applied: kind, records, origin.
fn applied(run: &ComparedRun) -> Result<BTreeSet<(String, String, String, String)>> {
    let mut found = BTreeSet::new();
    let Some(folder) = run.holder(decisions::Table::STEM) else { return Ok(found) };
    for batch in folder.read::<decisions::Table>(None)? {
        let rows = batch?;
        found.extend(rows.rows().filter(|row| row.state == "APPLIED").map(|row| {
            let (a, b) = (row.a.min(row.b), row.a.max(row.b));
            (row.kind.to_owned(), a.to_owned(), b.to_owned(), row.origin.to_owned())
        }));
    }
    Ok(found)
}

/// The columns of a dataset that name a profile.
fn profile_columns(stem: &str) -> &'static [&'static str] {
    match stem {
        "crm__customer_profiles" | "score__profiles" => &["id"],
        "res__candidates" => &["a_profile_id", "b_profile_id"],
        "crm__duplicate_candidates" => &["profile_a_id", "profile_b_id"],
        "res__links" | "crm__field_provenance" => &["profile_id"],
        _ if stem.starts_with("crm__") || stem.starts_with("seg__") => &["customer_id"],
        _ => &[],
    }
}
