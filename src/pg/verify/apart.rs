//! Rows that are excluded from the comparison one by one: rows that load kept as others changed them, and manual changes since.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::pg::Connection;
use crate::pg::compare::{ComparedRow, HeldRows, IdKey, Map, RowReading, TableForm};
use crate::pg::load::catalog::TableInfo;
use crate::pg::load::target::{FLAGS, SCORE_COLUMNS, camel_case, table};
use crate::pg::load::tombstones::{OTHER_CONSENTS, OTHER_TIMELINE};
use crate::pg::verify::examples::Examples;

/// A bit for each compared column.
type ColumnBits = u128;

/// Reason for which only some columns of a profile are excluded; for other reasons the whole row is.
const FLAG_LOWERED: &str = "FLAG_LOWERED";
const HELD_BY_OTHER: &str = "HELD_BY_OTHER";
/// A profile whose activities in the CRM are not those of the datasets: only its metrics and scores are excluded.
const OTHER_ACTIVITIES: [&str; 2] = ["FOREIGN_ACTIVITY", OTHER_TIMELINE];
/// A profile that others deleted, together with its rows.
const DELETED_BY_OTHERS: &str = "DELETED_BY_OTHERS";
/// A profile that was merged into another one.
const MERGED: &str = "MERGED";
/// A row whose `updatedBy` or `deletedAt` is set.
const CHANGED: &str = "CHANGED";

/// The kept rows that load recorded in `backfill.kept`, by table.
#[derive(Debug, Default)]
pub struct KeptRows(BTreeMap<String, Vec<(String, String)>>);

impl KeptRows {
    /// Reads them; empty if no load was recorded.
    pub fn read(connection: &Connection) -> Result<Self> {
        let mut kept = BTreeMap::<String, Vec<(String, String)>>::new();
        if !connection.query_one("select to_regclass('backfill.kept') is not null", &[])?.get::<_, bool>(0) {
            return Ok(Self(kept));
        }
        for row in connection.query(include_str!("../../../sql/verify/crm/kept.sql"), &[])? {
            kept.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
        }
        Ok(Self(kept))
    }

    /// Ids of a table's rows with their reasons.
    pub fn of(&self, table: &str) -> &[(String, String)] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }
}

#[derive(Clone, Debug, Default)]
struct Noted {
    reasons: BTreeSet<String>,
    /// Columns that are not compared.
    columns: ColumnBits,
    /// Whether the row itself shows that others changed it.
    is_live: bool,
}

/// The excluded rows of one table, with their values on both sides.
pub struct Apart<'a> {
    form: &'a TableForm,
    noted: Map<Noted>,
    filed: HeldRows,
    held: HeldRows,
    /// Our MERGED profiles, with the profile that each was merged into.
    pub merged: Map<Option<IdKey>>,
    /// Rows whose creation time is not that of a load.
    pub odd: Examples,
    /// Rows changed after the last load.
    pub touched: Examples,
}

/// Findings about the excluded rows.
#[derive(Debug, Default)]
pub struct Judged {
    /// By reason.
    pub kept: BTreeMap<String, Examples>,
    /// Kept rows that are equal to the files.
    pub pointless: Examples,
    /// Differences in columns that the reason does not explain: column and row.
    pub other: Vec<(usize, IdKey)>,
    /// Profiles that others deleted.
    pub deleted: Vec<IdKey>,
}

impl<'a> Apart<'a> {
    /// The kept rows of a table.
    pub fn new(form: &'a TableForm, info: &TableInfo, kept: &KeptRows) -> Self {
        let mut noted = Map::<Noted>::default();
        let (flags, unique, scores) = (flags(form), unique(form, info), scores(form));
        for (id, reason) in kept.of(form.loaded.table) {
            let entry = noted.entry(IdKey::of(id.as_bytes())).or_default();
            entry.columns |= match reason.as_str() {
                FLAG_LOWERED => flags,
                HELD_BY_OTHER if form.loaded.table == table::PROFILE => unique,
                reason if OTHER_ACTIVITIES.contains(&reason) => scores,
                // All its columns are loaded; only its churn risk cannot be computed again from the CRM.
                OTHER_CONSENTS => 0,
                _ => ColumnBits::MAX,
            };
            entry.reasons.insert(reason.clone());
        }
        Self {
            form,
            noted,
            filed: HeldRows::default(),
            held: HeldRows::default(),
            merged: Map::default(),
            odd: Examples::default(),
            touched: Examples::default(),
        }
    }

    /// Whether a row is excluded from the comparison. Its values on both sides are remembered.
    pub fn sets_apart(&mut self, row: ComparedRow<'_>, reading: RowReading) -> bool {
        if reading == RowReading::Crm {
            self.odd.count_if(row.marks.is_made_at_odd_time, row.key);
            self.touched.count_if(row.marks.is_touched && !row.marks.is_foreign, row.key);
            if let Some(into) = row.marks.merged_into {
                self.merged.insert(row.key, into);
                return true;
            }
            if row.marks.is_foreign {
                let entry = self.noted.entry(row.key).or_default();
                entry.reasons.insert(CHANGED.to_owned());
                entry.columns = ColumnBits::MAX;
                entry.is_live = true;
            }
        }
        if row.marks.merged_into.is_some() {
            return true;
        }
        if self.noted.contains_key(&row.key) {
            match reading {
                RowReading::Crm => drop(self.held.keep(row)),
                RowReading::Files => drop(self.filed.keep(row)),
                RowReading::Again => {}
            }
            return true;
        }
        // A profile that was merged after the load is in the files, but not among the compared rows of the CRM.
        self.merged.get(&row.key).is_some_and(Option::is_some)
    }

    /// Evaluates the excluded rows.
    pub fn judge(&self) -> Judged {
        let mut judged = Judged::default();
        let width = self.form.columns.len();
        let mut keys: Vec<&IdKey> = self.noted.keys().collect();
        keys.sort_unstable();
        for key in keys {
            let noted = &self.noted[key];
            for reason in &noted.reasons {
                judged.kept.entry(reason.clone()).or_default().count(*key);
            }
            let (filed, held) = (self.filed.get(*key, width), self.held.get(*key, width));
            if noted.reasons.contains(DELETED_BY_OTHERS) && held.is_none() {
                judged.deleted.push(*key);
            }
            match (filed, held) {
                (Some(filed), Some(held)) => {
                    let differing: Vec<usize> = (0..width).filter(|place| filed[*place] != held[*place]).collect();
                    judged
                        .other
                        .extend(differing.iter().filter(|place| noted.columns >> **place & 1 == 0).map(|place| (*place, *key)));
                    let may_equal = noted.reasons.iter().any(|reason| is_of_scores(reason));
                    judged.pointless.count_if(differing.is_empty() && !may_equal && !noted.is_live, *key);
                }
                // In neither the files nor the CRM, so nothing is kept.
                (None, None) => judged.pointless.count(*key),
                (Some(_), None) | (None, Some(_)) => {}
            }
        }
        for key in self.merged.keys() {
            judged.kept.entry(MERGED.to_owned()).or_default().count(*key);
        }
        judged
    }
}

/// Whether a row that load kept for this reason may equal the files: its scores may.
fn is_of_scores(reason: &str) -> bool {
    reason == OTHER_CONSENTS || OTHER_ACTIVITIES.contains(&reason)
}

fn bits(form: &TableForm, targets: impl Iterator<Item = String>) -> ColumnBits {
    targets.filter_map(|target| form.place(&target)).fold(0, |bits, place| bits | 1 << place)
}

fn flags(form: &TableForm) -> ColumnBits {
    bits(form, FLAGS.iter().map(|(flag, _)| (*flag).to_owned()))
}

fn scores(form: &TableForm) -> ColumnBits {
    bits(form, SCORE_COLUMNS.iter().map(|name| camel_case(name)))
}

fn unique(form: &TableForm, info: &TableInfo) -> ColumnBits {
    bits(form, info.unique_keys().flat_map(|key| key.columns.iter().cloned()))
}
