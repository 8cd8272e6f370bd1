//! Checks the values of a dataset against the types of their columns, with the encoder that load uses.

use std::collections::BTreeMap;

use anyhow::Result;
use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::DataType;

use crate::model::Phase;
use crate::pg::copy::encode::{CopyColumn, Encoder, Wire};
use crate::pg::copy::limits::{Limits, Unfit};
use crate::pg::load::Input;
use crate::pg::load::catalog::{ColumnInfo, TableInfo};
use crate::pg::load::preflight::{Content, Planned, PreflightFinding, TablePlan};
use crate::pg::load::rows;
use crate::pg::load::session::Crm;
use crate::pg::quote_identifier as quoted;
use crate::tables::{self, Table as _, score};

use super::Offenders;
use super::shadow::Shadow;

/// Ids that are UUIDs by construction.
const OWN_IDS: [&str; 5] = ["id", "customer_id", "profile_a_id", "profile_b_id", "segment_id"];
/// Characters of a UUID.
const UUID_LENGTH: usize = 36;
/// Values that a finding lists.
const LISTED_WORDS: usize = 40;

/// The columns of one table that must be read to be checked.
pub(super) struct Probe<'a> {
    plan: &'a TablePlan,
    info: &'a TableInfo,
    phase: Phase,
}

/// Rows whose value does not fit a column, for one reason.
#[derive(Default)]
struct Unmet {
    offenders: Offenders,
    words: BTreeMap<String, u64>,
    longest: usize,
    /// Whether a value is not a 64-bit integer.
    needs_text: bool,
}

impl<'a> Probe<'a> {
    pub(super) fn plan(plan: &'a TablePlan, info: &'a TableInfo, phase: Phase) -> Self {
        Self { plan, info, phase }
    }

    /// Reads the dataset if its values may not fit, fills the shadow table, and lists what does not fit.
    pub(super) fn run(&self, crm: &Crm, input: &Input<'_>, shadow: Option<&Shadow<'_>>) -> Result<Vec<PreflightFinding>> {
        let instant: i64 = crm.one("select (extract(epoch from now()) * 1000000)::bigint", &[])?.get(0);
        let mut findings = Vec::new();
        let (mut names, mut columns, mut further) = (Vec::new(), Vec::new(), Vec::new());
        for (target, mut column) in rows::columns(self.plan, self.phase, Some(instant)) {
            let planned = self.plan.columns.iter().find(|planned| planned.target == target).expect("it comes from the plan");
            let found = self.info.column(target).expect("a planned column is in the catalog");
            let limits = self.limits(planned, found);
            let is_doubtful = limits != Limits::default() || self.may_not_fit(planned);
            if is_doubtful || shadow.is_some_and(|shadow| shadow.needs(target)) {
                column.limits = limits;
                names.push(target);
                columns.push(column);
            }
            if is_doubtful {
                further.push(target);
            }
        }
        findings.extend(self.unscored());
        let dataset = (self.plan.loaded.dataset)();
        if let Some(shadow) = shadow {
            shadow.create(crm, &further)?;
        }
        if columns.is_empty() || input.data.rows(dataset.stem).is_none_or(|rows| rows == 0) {
            return Ok(findings);
        }
        let mut unmet: BTreeMap<(usize, Unfit), Unmet> = BTreeMap::new();
        match shadow {
            None => {
                let mut buffer = Vec::new();
                let mut discard = |full: &mut Vec<u8>| {
                    full.clear();
                    Ok(())
                };
                self.read(input, columns.clone(), &mut buffer, &mut discard, &mut unmet)?;
            }
            Some(shadow) => {
                let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                let statement = format!("copy {} ({}) from stdin (format binary)", shadow.name, list.join(", "));
                crm.copy(&statement, |buffer, feed| {
                    self.read(input, columns.clone(), buffer, &mut |full| feed(full), &mut unmet)
                })?;
            }
        }
        findings.extend(unmet.into_iter().map(|((position, reason), unmet)| self.finding(names[position], reason, unmet)));
        Ok(findings)
    }

    fn read(
        &self,
        input: &Input<'_>,
        columns: Vec<CopyColumn>,
        buffer: &mut Vec<u8>,
        feed: &mut dyn FnMut(&mut Vec<u8>) -> Result<()>,
        unmet: &mut BTreeMap<(usize, Unfit), Unmet>,
    ) -> Result<u64> {
        let limits: Vec<(&'static str, Limits)> = columns.iter().map(|column| (column.name, column.limits.clone())).collect();
        let mut encoder = Encoder::new((self.plan.loaded.dataset)().stem, columns);
        rows::each_batch(input.data, self.plan.loaded, self.phase, &mut |count, arrays| {
            let ids = arrays("id");
            encoder.encode_leniently(arrays, count, buffer, &mut *feed, &mut |position, row, reason| {
                let unmet = unmet.entry((position, reason)).or_default();
                unmet.offenders.add(ids.as_ref().and_then(|ids| ids.as_string_opt::<i32>()).map_or("", |ids| ids.value(row)));
                let (name, limits) = &limits[position];
                if let Some(array) = arrays(name) {
                    unmet.note(limits, reason, &array, row);
                }
            })
        })?;
        Ok(encoder.rows())
    }

    fn declared(&self, planned: &Planned) -> Option<&'static tables::Column> {
        let fields = match planned.content {
            Content::Data => (self.plan.loaded.dataset)().columns,
            Content::Score => score::profiles::Table::fields(),
            Content::Stamp(_) => return None,
        };
        fields.iter().find(|column| column.name == planned.name)
    }

    fn is_read(&self, planned: &Planned) -> bool {
        planned.content == Content::Data || (planned.content == Content::Score && self.phase >= Phase::SCORES)
    }

    fn limits(&self, planned: &Planned, found: &ColumnInfo) -> Limits {
        let Some(declared) = self.declared(planned).filter(|_| self.is_read(planned)) else { return Limits::default() };
        let is_closed = self.plan.loaded.words.iter().any(|(name, _)| *name == planned.name);
        let most = match (declared.data_type)() {
            DataType::Decimal128(precision, scale) => Some(i32::from(precision) - i32::from(scale)),
            DataType::Int32 => Some(10),
            DataType::Utf8 => Some(19),
            _ => None,
        };
        let held = found.whole_digits.filter(|held| most.is_some_and(|most| *held < most));
        Limits {
            is_required: found.is_not_null && declared.nullable,
            labels: if is_closed { Vec::new() } else { found.labels.clone() },
            whole_digits: held.map(|digits| digits.unsigned_abs()),
        }
    }

    /// Whether the type of the dataset has values that do not fit the target's type.
    fn may_not_fit(&self, planned: &Planned) -> bool {
        let Some(declared) = self.declared(planned).filter(|_| self.is_read(planned)) else { return false };
        let is_own_id = OWN_IDS.contains(&planned.name);
        match ((declared.data_type)(), planned.wire) {
            (_, Wire::Text(Some(limit))) => !(is_own_id && limit >= UUID_LENGTH),
            (DataType::Utf8, Wire::Uuid) => !is_own_id,
            (DataType::Utf8, Wire::Int2 | Wire::Int4 | Wire::Int8 | Wire::Numeric) | (DataType::Int32, Wire::Int2) => true,
            (_, Wire::TextArray(_, limit)) => limit.is_some(),
            _ => false,
        }
    }

    /// Required columns of scores in phases without scores.
    fn unscored(&self) -> Vec<PreflightFinding> {
        let missing = self.plan.columns.iter().filter(|planned| {
            planned.content == Content::Score
                && self.phase < Phase::SCORES
                && planned.is_not_null
                && !rows::is_zero_before_scores(planned)
        });
        missing
            .map(|planned| {
                let place = format!("column {:?}.{:?}", self.plan.loaded.table, planned.target);
                PreflightFinding::refusal(format!(
                    "{place} is required, and before phase 6 there is no value for it; {}",
                    optional(self.plan.loaded.table, &planned.target)
                ))
            })
            .collect()
    }

    fn finding(&self, target: &str, reason: Unfit, unmet: Unmet) -> PreflightFinding {
        let table = self.plan.loaded.table;
        let found = self.info.column(target);
        let type_name = found.map(|found| found.type_name.clone()).unwrap_or_default();
        let base_name = found.map(|found| found.base_name.clone()).unwrap_or_default();
        let stem = (self.plan.loaded.dataset)().stem;
        let (place, rows) = (format!("column {table:?}.{target:?}"), unmet.offenders.words());
        let retype = |wanted: &str| format!("alter table {} alter column {} type {wanted};", quoted(table), quoted(target));
        let what = match reason {
            Unfit::Null => format!("{place} is required: {rows} of {stem} have no value; {}", optional(table, target)),
            Unfit::Long => {
                let wanted = match type_name.ends_with("[]") {
                    true => "text[]".to_owned(),
                    false => format!("varchar({})", unmet.longest),
                };
                format!("{place} is {type_name}: {rows} of {stem} need up to {} characters; {}", unmet.longest, retype(&wanted))
            }
            Unfit::Uuid => format!("{place} is {type_name}: {rows} of {stem} have no UUID there; {}", retype("text")),
            Unfit::Integer => {
                let wanted = if unmet.needs_text { "text" } else { "bigint" };
                format!("{place} is {type_name}: {rows} of {stem} have a value beyond it; {}", retype(wanted))
            }
            Unfit::Digits => format!("{place} is {type_name}: {rows} of {stem} have more digits; {}", retype("numeric")),
            Unfit::Label => {
                let name = base_name.trim_end_matches("[]").to_owned();
                format!(
                    "enum {name} of {table:?}.{target:?} lacks {} of {rows} of {stem}; {}",
                    unmet.listed(),
                    unmet.additions(&name)
                )
            }
        };
        unmet.offenders.refusal(what)
    }
}

fn optional(table: &str, target: &str) -> String {
    format!("alter table {} alter column {} drop not null;", quoted(table), quoted(target))
}

impl Unmet {
    fn note(&mut self, limits: &Limits, reason: Unfit, array: &ArrayRef, row: usize) {
        if reason == Unfit::Label {
            for word in limits.missing_words(array, row) {
                *self.words.entry(word.to_owned()).or_default() += 1;
            }
        }
        if reason == Unfit::Integer
            && let Some(texts) = array.as_string_opt::<i32>()
        {
            self.needs_text |= texts.value(row).parse::<i64>().is_err();
        }
        if reason == Unfit::Long && !array.is_null(row) {
            let length = match array.as_list_opt::<i32>() {
                Some(list) => {
                    let words = list.value(row);
                    words
                        .as_string_opt::<i32>()
                        .map_or(0, |words| words.iter().flatten().map(|word| word.chars().count()).max().unwrap_or(0))
                }
                None => array.as_string_opt::<i32>().map_or(0, |texts| texts.value(row).chars().count()),
            };
            self.longest = self.longest.max(length);
        }
    }

    /// Values that may be shown: codes, but not text that a person may have entered.
    fn codes(&self) -> Vec<&str> {
        let shown = self.words.iter().filter(|(word, rows)| looks_like_a_code(word, **rows));
        shown.map(|(word, _)| word.as_str()).take(LISTED_WORDS).collect()
    }

    fn listed(&self) -> String {
        let codes = self.codes();
        let hidden = self.words.len() - codes.len();
        match (codes.is_empty(), hidden) {
            (false, 0) => codes.join(", "),
            (false, hidden) => format!("{} and {hidden} further words (not shown)", codes.join(", ")),
            (true, hidden) => format!("{hidden} words (not shown)"),
        }
    }

    fn additions(&self, name: &str) -> String {
        let statements: Vec<String> =
            self.codes().iter().map(|word| format!("alter type {name} add value '{}';", word.replace('\'', "''"))).collect();
        if statements.is_empty() { format!("alter type {name} add value …;") } else { statements.join(" ") }
    }
}

/// Whether a value is a short word without blanks that is not spelt like a name, or a value that several rows share.
fn looks_like_a_code(word: &str, rows: u64) -> bool {
    let is_plain = word.len() <= 32 && word.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-. ".contains(letter));
    let is_uniform = !word.contains(' ')
        && (!word.contains(|letter: char| letter.is_ascii_uppercase())
            || !word.contains(|letter: char| letter.is_ascii_lowercase()));
    is_plain && (is_uniform || rows > 1)
}
