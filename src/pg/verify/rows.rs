//! Compares every table that load fills with its dataset, and reports the findings by check.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::model::Phase;
use crate::pg::Connection;
use crate::pg::compare::{ComparedRow, CrmRows, Difference, FileRows, IdKey, Map, RowReading, Seen, TableComparison, TableForm};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::TablePlan;
use crate::pg::load::rows::Datasets;
use crate::pg::load::target::table;
use crate::pg::verify::apart::{Apart, Judged, KeptRows};
use crate::pg::verify::checks::CheckFinding;
use crate::pg::verify::examples::Examples;
use crate::pg::verify::written::{TableContents, WrittenRows};

/// Memory budget for rows that are compared one by one, in bytes.
const BUDGET: usize = 64 << 20;

/// The result for one table.
pub struct Compared {
    /// Its name.
    pub table: &'static str,
    /// Its dataset.
    pub stem: &'static str,
    seen: Seen,
    missing: Examples,
    extra: Examples,
    /// By compared column, in the plan's order.
    other: Vec<(String, Examples)>,
    unfit: Vec<String>,
    odd: Examples,
    touched: Examples,
    judged: Judged,
    /// The comparison with the records of loads; `None` for tables without records.
    pub written: Option<WrittenRows>,
}

/// Facts about profiles that the comparison of their child tables needs.
#[derive(Default)]
pub struct People {
    merged: Map<Option<IdKey>>,
    deleted: Vec<IdKey>,
}

/// The two sides of the comparison.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// The files.
    pub data: &'a (dyn Datasets + Sync),
    /// Their phase.
    pub phase: Phase,
    /// The rows that load kept.
    pub kept: &'a KeptRows,
    /// The CRM's catalog.
    pub catalog: &'a Catalog,
    /// How load writes the tables whose records are compared, too; empty if the CRM has no records.
    pub recorded: &'a [TablePlan],
}

impl Sides<'_> {
    /// Compares the profiles, which must come before their child tables.
    pub fn profiles(&self, connection: &Connection, form: &TableForm) -> Result<(Compared, People)> {
        let mut apart = self.apart(form);
        let found = self.compare(connection, form, &mut apart, &People::default())?;
        let people = People { merged: std::mem::take(&mut apart.merged), deleted: found.judged.deleted.clone() };
        Ok((found, people))
    }

    /// Compares a child table.
    pub fn children(&self, connection: &Connection, form: &TableForm, people: &People) -> Result<Compared> {
        self.compare(connection, form, &mut self.apart(form), people)
    }

    fn apart<'a>(&self, form: &'a TableForm) -> Apart<'a> {
        Apart::new(form, self.catalog.table(form.loaded.table), self.kept)
    }

    fn compare(&self, connection: &Connection, form: &TableForm, apart: &mut Apart<'_>, people: &People) -> Result<Compared> {
        let families = Families::new(form, people);
        let (mut missing, mut extra) = (Examples::default(), Examples::default());
        let mut other: Vec<(String, Examples)> =
            form.columns.iter().map(|column| (column.target.clone(), Examples::default())).collect();
        let mut followed = BTreeMap::<&'static str, Examples>::new();
        let comparison = TableComparison {
            files: &FileRows { data: self.data, form, phase: self.phase },
            crm: &CrmRows { connection, form },
            width: form.columns.len(),
            budget: BUDGET,
        };
        let plan = self.recorded.iter().find(|plan| plan.loaded.table == form.loaded.table);
        let mut contents = plan.and_then(|plan| TableContents::of(plan, form, self.kept));
        let mut sets_apart = |row: ComparedRow<'_>, reading| {
            if let Some(contents) = contents.as_mut().filter(|_| reading == RowReading::Crm) {
                contents.add(row);
            }
            apart.sets_apart(row, reading)
        };
        let mut seen = comparison.run(&mut sets_apart, &mut |key, difference| {
            if let Some(reason) = families.reason(difference) {
                followed.entry(reason).or_default().count(key);
                return Ok(());
            }
            match difference {
                Difference::Missing { .. } => missing.count(key),
                Difference::Extra { .. } => extra.count(key),
                Difference::Other { filed, held } => {
                    for (place, (_, examples)) in other.iter_mut().enumerate() {
                        examples.count_if(filed[place] != held[place], key);
                    }
                }
            }
            Ok(())
        })?;
        let written = contents.map(|contents| contents.compare(connection)).transpose()?;
        let mut judged = apart.judge();
        for (place, key) in &judged.other {
            other[*place].1.count(*key);
        }
        for (reason, examples) in followed {
            // Deleted with their profile, so neither side counts them.
            if reason == Families::GONE {
                seen.filed -= examples.count;
            }
            judged.kept.insert(reason.to_owned(), examples);
        }
        Ok(Compared {
            table: form.loaded.table,
            stem: (form.loaded.dataset)().stem,
            seen,
            missing,
            extra,
            other,
            unfit: form.unfit.clone(),
            odd: std::mem::take(&mut apart.odd),
            touched: std::mem::take(&mut apart.touched),
            judged,
            written,
        })
    }
}

/// Rows whose profile was merged or deleted by others since the load, so that they were moved or deleted with it.
struct Families {
    /// Positions of the columns that refer to a profile.
    owners: Vec<usize>,
    /// Positions of the columns that may change when a row moves to another profile.
    moving: Vec<usize>,
    /// Hash of a merged profile's id, and of the one it was merged into.
    merged: BTreeMap<u64, u64>,
    deleted: std::collections::BTreeSet<u64>,
}

impl Families {
    const MOVED: &'static str = "MOVED_BY_A_MERGE";
    const GONE: &'static str = "GONE_WITH_ITS_PROFILE";

    fn new(form: &TableForm, people: &People) -> Self {
        let places = |names: &[&str]| names.iter().filter_map(|name| form.place(name)).collect::<Vec<_>>();
        let owners = places(&["customerId", "profileAId", "profileBId"]);
        let hash = |key: IdKey| owners.first().map(|place| form.columns[*place].form.of_text(&key.to_string()));
        let merged = people.merged.iter().filter_map(|(gone, into)| Some((hash(*gone)?, hash((*into)?)?))).collect();
        let deleted = people.deleted.iter().filter_map(|key| hash(*key)).collect();
        Self { moving: places(&["customerId", "tenantId", "isPrimary"]), owners, merged, deleted }
    }

    /// The reason for a difference, if the merge or deletion of the profile explains it.
    fn reason(&self, difference: Difference<'_>) -> Option<&'static str> {
        if self.merged.is_empty() && self.deleted.is_empty() {
            return None;
        }
        match difference {
            Difference::Missing { filed } => {
                let is_gone = |place: &usize| self.deleted.contains(&filed[*place]) || self.merged.contains_key(&filed[*place]);
                self.owners.iter().any(is_gone).then_some(Self::GONE)
            }
            Difference::Other { filed, held } => {
                let owner = *self.owners.first()?;
                let moves_only = (0..filed.len()).all(|place| filed[place] == held[place] || self.moving.contains(&place));
                (moves_only && self.survivor(filed[owner])? == held[owner]).then_some(Self::MOVED)
            }
            Difference::Extra { .. } => None,
        }
    }

    /// The profile that holds the rows of a merged profile, across any number of merges.
    fn survivor(&self, gone: u64) -> Option<u64> {
        let mut survivor = *self.merged.get(&gone)?;
        for _ in 0..self.merged.len() {
            match self.merged.get(&survivor) {
                Some(next) => survivor = *next,
                None => break,
            }
        }
        Some(survivor)
    }
}

fn none_differs(item: String, examined: u64, found: &Examples) -> CheckFinding {
    CheckFinding::counted(item, examined, found.count, found.ids())
}

/// Compares the number of rows per table; excluded rows are not counted.
pub fn record_counts(tables: &[Compared]) -> Vec<CheckFinding> {
    let finding = |found: &Compared| CheckFinding {
        item: found.stem.to_owned(),
        examined: whole(found.seen.filed),
        expected: found.seen.filed.to_string(),
        observed: found.seen.held.to_string(),
        examples: Vec::new(),
    };
    tables.iter().map(finding).collect()
}

/// Rows that only one side has.
pub fn same_rows(tables: &[Compared]) -> Vec<CheckFinding> {
    let both = |found: &Compared| {
        [
            none_differs(format!("{}: rows that the CRM lacks", found.table), found.seen.filed, &found.missing),
            none_differs(format!("{}: rows of ours that the files lack", found.table), found.seen.held, &found.extra),
        ]
    };
    tables.iter().flat_map(both).collect()
}

/// Columns of profiles that differ from the file.
pub fn profile_fields(tables: &[Compared]) -> Vec<CheckFinding> {
    fields(tables, |name| name == table::PROFILE, |_, column| format!("{column} that is not the file's"))
}

/// Columns of all other tables.
pub fn row_fields(tables: &[Compared]) -> Vec<CheckFinding> {
    fields(tables, |name| name != table::PROFILE, |name, column| format!("{name}.{column} that is not the file's"))
}

fn fields(tables: &[Compared], is_meant: impl Fn(&str) -> bool, item: impl Fn(&str, &str) -> String) -> Vec<CheckFinding> {
    let mut findings = Vec::new();
    for found in tables.iter().filter(|found| is_meant(found.table)) {
        findings.extend(
            found.other.iter().map(|(column, examples)| none_differs(item(found.table, column), found.seen.held, examples)),
        );
        findings.extend(found.unfit.iter().map(|column| CheckFinding {
            item: item(found.table, column),
            examined: whole(found.seen.held),
            expected: "a type that compares".to_owned(),
            observed: "another type".to_owned(),
            examples: Vec::new(),
        }));
    }
    findings
}

/// Rows that were not created by a load although they have one of our ids.
pub fn made_by_load(tables: &[Compared]) -> Vec<CheckFinding> {
    let item = |found: &Compared| format!("{} rows whose createdAt is not the time of a load", found.table);
    tables.iter().map(|found| none_differs(item(found), found.seen.held, &found.odd)).collect()
}

/// Excluded rows by table and reason; they are listed, not compared.
pub fn kept_rows(tables: &[Compared]) -> Vec<CheckFinding> {
    let of = |found: &Compared| {
        let table = found.table;
        found
            .judged
            .kept
            .iter()
            .map(move |(reason, examples)| CheckFinding {
                item: format!("{table} {reason}"),
                examined: whole(examples.count),
                expected: examples.count.to_string(),
                observed: examples.count.to_string(),
                examples: examples.ids(),
            })
            .collect::<Vec<_>>()
    };
    tables.iter().flat_map(of).collect()
}

/// Findings for manual review: rows changed since the load, and kept rows without a visible reason.
pub fn touched_rows(tables: &[Compared]) -> Vec<CheckFinding> {
    let both = |found: &Compared| {
        let (table, judged) = (found.table, &found.judged);
        let kept = judged.kept.values().map(|examples| examples.count).sum();
        [
            none_differs(format!("{table} rows changed outside the columns of the load"), found.seen.held, &found.touched),
            none_differs(format!("{table} rows kept as others made them that equal the file"), kept, &judged.pointless),
        ]
    };
    tables.iter().flat_map(both).collect()
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).expect("counts fit in 63 bits")
}
