//! Reads the datasets for load: batches by dataset name, scores joined to their profiles.

use anyhow::Result;
use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter};

use crate::fault::{Exit, Fault};
use crate::model::Phase;
use crate::pg::copy::encode::CopyColumn;
use crate::pg::copy::wire::Wire;
use crate::pg::load::preflight::{Content, Planned, TablePlan};
use crate::pg::load::target::Stamp;
use crate::pg::load::target::{Loaded, table};
use crate::tables::{Table, score};

/// Batches of one dataset in file order.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>;

/// The source of the rows to load.
pub trait Datasets {
    /// Rows of a dataset; `None` where its phase has none.
    fn rows(&self, stem: &str) -> Option<u64>;
    /// Hash of its content, if it is known.
    fn content_hash(&self, stem: &str) -> Option<&str>;
    /// Its batches.
    fn batches(&self, stem: &str) -> Result<Batches<'_>>;
    /// Rows of each exported entity that the datasets were made from.
    fn entities(&self) -> &[(String, u64)] {
        &[]
    }
}

/// Names of the columns in copy order, and their encoders. `stamped` adds the columns that load fills itself, with this instant.
pub fn columns(plan: &TablePlan, phase: Phase, stamped: Option<i64>) -> Vec<(&str, CopyColumn)> {
    let scored = phase >= Phase::SCORES;
    plan.columns.iter().filter_map(|planned| Some((planned.target.as_str(), encoded(planned, scored, stamped)?))).collect()
}

fn encoded(planned: &Planned, scored: bool, stamped: Option<i64>) -> Option<CopyColumn> {
    match (planned.content, stamped) {
        (Content::Score, _) if !scored => Some(unscored(planned)),
        (Content::Data | Content::Score, _) => planned.copy.clone(),
        (Content::Stamp(Stamp::Created | Stamp::Updated), Some(instant)) => Some(CopyColumn::instant(planned.name, instant)),
        (Content::Stamp(Stamp::Text(text)), Some(_)) => Some(CopyColumn::text(planned.name, text)),
        (Content::Stamp(_), _) => None,
    }
}

/// Whether a column of scores is 0 in phases without scores: counts, and numbers that must not be null.
pub fn is_zero_before_scores(planned: &Planned) -> bool {
    let is_number = matches!(planned.wire, Wire::Int2 | Wire::Int4 | Wire::Int8 | Wire::Numeric);
    is_number && (planned.is_not_null || planned.name.contains("_count_"))
}

/// A column of scores before phase 6: counts are 0, other columns are null, as in a CRM that has never scored.
fn unscored(planned: &Planned) -> CopyColumn {
    if is_zero_before_scores(planned) { CopyColumn::zero(planned.name, planned.wire) } else { CopyColumn::null(planned.name) }
}

/// Callback for a batch: the number of its rows, and its columns by name.
pub type OnBatch<'a> = dyn FnMut(usize, &dyn Fn(&str) -> Option<ArrayRef>) -> Result<()> + 'a;

/// Reads the batches of a table's dataset in file order; profiles of phase 6 have the columns of their scores, too.
pub fn each_batch(data: &dyn Datasets, loaded: &Loaded, phase: Phase, on: &mut OnBatch<'_>) -> Result<()> {
    let mut scores = match loaded.table == table::PROFILE && phase >= Phase::SCORES {
        true => Some(ScoreRows { batches: data.batches(score::profiles::Table::STEM)?, rest: None }),
        false => None,
    };
    for batch in data.batches((loaded.dataset)().stem)? {
        let batch = batch?;
        let scored = scores.as_mut().map(|scores| scores.beside(&batch)).transpose()?;
        on(batch.num_rows(), &|name| {
            batch.column_by_name(name).or_else(|| scored.as_ref().and_then(|scored| scored.column_by_name(name))).cloned()
        })?;
    }
    match &mut scores {
        Some(scores) => scores.end(),
        None => Ok(()),
    }
}

/// The same for the rows whose id `is_asked` accepts; batches without such rows are skipped.
pub fn each_batch_of(
    data: &dyn Datasets,
    loaded: &Loaded,
    phase: Phase,
    is_asked: Option<&dyn Fn(&str) -> bool>,
    on: &mut OnBatch<'_>,
) -> Result<()> {
    let Some(is_asked) = is_asked else { return each_batch(data, loaded, phase, on) };
    each_batch(data, loaded, phase, &mut |_, array| {
        let ids = array("id");
        let Some(ids) = ids.as_ref().and_then(|ids| ids.as_string_opt::<i32>()) else {
            let what = format!("dataset {:?} has no column of ids", (loaded.dataset)().stem);
            return Err(Fault::new(Exit::Input, what).help("run the step that wrote the dataset again").into());
        };
        let mask: BooleanArray = ids.iter().map(|id| Some(id.is_some_and(is_asked))).collect();
        match mask.true_count() {
            0 => Ok(()),
            asked => on(asked, &|name| array(name).and_then(|values| filter(&values, &mask).ok())),
        }
    })
}

/// Reads `score__profiles` in step with `crm__customer_profiles`: both are sorted by id and hold the same profiles.
struct ScoreRows<'a> {
    batches: Batches<'a>,
    rest: Option<RecordBatch>,
}

impl ScoreRows<'_> {
    fn beside(&mut self, profiles: &RecordBatch) -> Result<RecordBatch> {
        let mut parts = Vec::new();
        let mut wanted = profiles.num_rows();
        while wanted > 0 {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None => self.batches.next().ok_or_else(|| unequal("ends early"))??,
            };
            let taken = wanted.min(batch.num_rows());
            parts.push(batch.slice(0, taken));
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            wanted -= taken;
        }
        let schema = score::profiles::Table::schema();
        let scores = match parts.len() {
            1 => parts.remove(0),
            _ => concat_batches(parts.first().map_or(&schema, RecordBatch::schema_ref), &parts)
                .map_err(|_| unequal("has batches of different schemas"))?,
        };
        let ids = |batch: &RecordBatch| batch.column_by_name("id").and_then(|ids| ids.as_string_opt::<i32>().cloned());
        if ids(&scores) != ids(profiles) {
            return Err(unequal("lists other profiles, or in another order").into());
        }
        Ok(scores)
    }

    fn end(&mut self) -> Result<()> {
        let left = self.rest.take().map_or(0, |batch| batch.num_rows());
        let next = self.batches.next().transpose()?.map_or(0, |batch| batch.num_rows());
        if left + next > 0 { Err(unequal("has more profiles").into()) } else { Ok(()) }
    }
}

fn unequal(how: &str) -> Fault {
    Fault::new(Exit::Input, format!("score__profiles {how} than crm__customer_profiles")).help("make score, then load again")
}
