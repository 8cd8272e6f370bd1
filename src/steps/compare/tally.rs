//! The counts of a comparison with some ids of each kind, as text and as data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::thousands;
use crate::steps::compare::causes::Cause;
use crate::steps::compare::people::PersonChange;

/// A number of rows and the first of them, with their causes.
#[derive(Default)]
pub struct Sampled {
    /// How many there are.
    pub rows: u64,
    first: Vec<(String, Option<Cause>)>,
}

impl Sampled {
    /// Counts a row; its id is kept while there are fewer than `limit`.
    pub fn add(&mut self, limit: usize, id: impl FnOnce() -> String, cause: Option<&Cause>) {
        self.rows += 1;
        if self.first.len() < limit {
            self.first.push((id(), cause.cloned()));
        }
    }

    fn ids(&self) -> String {
        let ids: Vec<&str> = self.first.iter().map(|(id, _)| id.as_str()).collect();
        let more = if self.rows > ids.len() as u64 { ", …" } else { "" };
        format!("{}{more}", ids.join(", "))
    }

    fn data(&self) -> Value {
        let of = |(id, cause): &(String, Option<Cause>)| {
            let cause = cause.as_ref().map(|cause| json!({ "kind": cause.kind.to_string(), "why": cause.why }));
            json!({ "id": id, "cause": cause })
        };
        json!({ "rows": self.rows, "ids": self.first.iter().map(of).collect::<Vec<_>>() })
    }
}

/// One dataset of both runs.
#[derive(Default)]
pub struct DatasetTally {
    /// Its name.
    pub stem: String,
    /// Its rows in either run; `None` where the run does not have it.
    pub held: [Option<u64>; 2],
    /// Rows that only the former run has.
    pub only_before: Sampled,
    /// Rows that only the later run has.
    pub only_after: Sampled,
    /// Rows that both have, with different values.
    pub differ: Sampled,
    /// Of these, by column.
    pub columns: BTreeMap<&'static str, Sampled>,
}

impl DatasetTally {
    /// Whether it is the same in both runs.
    pub fn is_equal(&self) -> bool {
        self.held[0].is_some() == self.held[1].is_some()
            && [&self.only_before, &self.only_after, &self.differ].iter().all(|sampled| sampled.rows == 0)
    }

    /// Its lines on the screen.
    pub fn text(&self) -> String {
        let [before, after] = self.held.map(|rows| rows.map_or_else(|| "none".to_owned(), thousands));
        let mut text = format!("  {:<34} {before} → {after} rows\n", self.stem);
        let mut line = |what: &str, sampled: &Sampled| {
            if sampled.rows > 0 {
                text.push_str(&format!("      {what:<24} {:>10}   {}\n", thousands(sampled.rows), sampled.ids()));
            }
        };
        line("only in A", &self.only_before);
        line("only in B", &self.only_after);
        line("differ", &self.differ);
        for (column, sampled) in &self.columns {
            line(&format!("  {column}"), sampled);
        }
        text
    }

    /// The same as data.
    pub fn data(&self) -> Value {
        let columns: serde_json::Map<String, Value> =
            self.columns.iter().map(|(column, sampled)| ((*column).to_owned(), sampled.data())).collect();
        json!({
            "dataset": self.stem,
            "rows_a": self.held[0],
            "rows_b": self.held[1],
            "only_a": self.only_before.data(),
            "only_b": self.only_after.data(),
            "differ": self.differ.data(),
            "columns": columns,
        })
    }
}

/// The people that changed, by kind.
pub struct PeopleTally {
    kinds: Vec<(&'static str, u64, Vec<PersonChange>)>,
}

impl PeopleTally {
    /// None yet.
    pub fn new() -> Self {
        Self { kinds: PersonChange::kinds().map(|kind| (kind, 0, Vec::new())).collect() }
    }

    /// Counts a person; the first of each kind are kept.
    pub fn add(&mut self, limit: usize, person: PersonChange) {
        if let Some((_, count, first)) = self.kinds.iter_mut().find(|(kind, ..)| *kind == person.change) {
            *count += 1;
            if first.len() < limit {
                first.push(person);
            }
        }
    }

    /// Whether no person changed.
    pub fn is_empty(&self) -> bool {
        self.kinds.iter().all(|(_, count, _)| *count == 0)
    }

    /// The lines on the screen, and how to have one of them explained; `runs` are the data folders.
    pub fn text(&self, runs: [&str; 2]) -> String {
        let mut text = String::new();
        for (kind, count, first) in self.kinds.iter().filter(|(_, count, _)| *count > 0) {
            let is_dangerous = first.iter().any(|person| person.is_dangerous);
            text.push_str(&format!("  {} {kind:<20} {:>8}\n", if is_dangerous { '!' } else { ' ' }, thousands(*count)));
            for person in first {
                let what = if person.what.is_empty() { String::new() } else { format!("   {}", person.what) };
                text.push_str(&format!("      {}{what}\n", profiles(person)));
                if let Some(cause) = &person.cause {
                    text.push_str(&format!("          {}: {}\n", cause.kind.to_string().to_lowercase(), cause.why));
                }
            }
            if *count > first.len() as u64 {
                text.push_str(&format!("      … and {} more\n", thousands(*count - first.len() as u64)));
            }
        }
        let shown = self.kinds.iter().flat_map(|(_, _, first)| first).next();
        for (label, advice) in ["why", ""].iter().zip(shown.map(|person| explained(person, runs)).unwrap_or_default()) {
            text.push_str(&format!("  {label:<4} {advice}\n"));
        }
        text
    }

    /// The same as data.
    pub fn data(&self, runs: [&str; 2]) -> Value {
        let of = |person: &PersonChange| {
            json!({
                "before": person.before,
                "after": person.after,
                "what": person.what,
                "cause": person.cause.as_ref().map(|cause| json!({ "kind": cause.kind.to_string(), "why": cause.why })),
                "explain": explained(person, runs),
            })
        };
        let kinds = self.kinds.iter().filter(|(_, count, _)| *count > 0).map(|(kind, count, first)| {
            let is_dangerous = first.iter().any(|person| person.is_dangerous);
            json!({ "change": kind, "people": count, "is_dangerous": is_dangerous, "first": first.iter().map(of).collect::<Vec<_>>() })
        });
        kinds.collect()
    }
}

fn profiles(person: &PersonChange) -> String {
    match (person.before.as_slice(), person.after.as_slice()) {
        (before, after) if before == after => before.join(", "),
        (before, []) => before.join(", "),
        ([], after) => after.join(", "),
        (before, after) => format!("{} → {}", before.join(", "), after.join(", ")),
    }
}

/// The commands that explain a person in either run.
fn explained(person: &PersonChange, runs: [&str; 2]) -> Vec<String> {
    let sides = [&person.before, &person.after].into_iter().zip(runs);
    let of = sides.filter_map(|(profiles, run)| Some((profiles.first()?, run)));
    of.map(|(profile, run)| format!("crm-backfill {verb} {profile} --data-dir {run}", verb = "explain")).collect()
}
