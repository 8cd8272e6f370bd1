//! The account of staging: rows, rejected rows, and each reason with its count, by entity.

use std::collections::BTreeMap;

use anyhow::Result;
use arrow::array::RecordBatch;

use crate::config::LoadSettings;
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::model::{Code, Effect, Reason, Source};
use crate::report::values::ReportValues;
use crate::sources::staging::{FindingKey, StagedBatch, TypedCells};
use crate::steps::stage::position::{file, place};
use crate::store::{Draft, Folder, Manifest, TableWriter};
use crate::tables::Builder as _;
use crate::tables::check::{findings, rejects};

/// Columns that decide whether a person may be contacted.
const DECISIVE: [&str; 5] = ["deleted_at", "opted_in", "consent_after", "email_opt_in", "sms_opt_in"];
/// Unknown codes that the result lists.
const NAMED_CODES: usize = 10;

/// One entity's sums.
pub struct EntityAccount {
    /// The source.
    pub source: Source,
    /// The entity.
    pub entity: &'static str,
    /// Exported rows.
    pub rows: u64,
    /// Rows left out.
    pub rejected: i64,
}

/// The sums of all entities, and the open file of rejects.
pub struct StageAccount {
    /// By entity, in the order they were staged.
    pub entities: Vec<EntityAccount>,
    counts: BTreeMap<(Source, &'static str, FindingKey), i64>,
    cells: BTreeMap<(Source, &'static str, &'static str), TypedCells>,
    rejects: TableWriter<rejects::Table>,
}

impl StageAccount {
    /// Empty.
    pub fn new(draft: &Draft) -> Result<Self> {
        Ok(Self {
            entities: Vec::new(),
            counts: BTreeMap::new(),
            cells: BTreeMap::new(),
            rejects: draft.writer::<rejects::Table>(None)?,
        })
    }

    /// Starts an entity.
    pub fn begin(&mut self, source: Source, entity: &'static str) {
        self.entities.push(EntityAccount { source, entity, rows: 0, rejected: 0 });
    }

    /// Adds a staged batch of the current entity.
    pub fn add(&mut self, staged: &mut StagedBatch) -> Result<()> {
        let current = self.entities.last_mut().expect("an entity was begun");
        current.rows += staged.rows as u64;
        current.rejected += staged.rejected_rows;
        for (key, count) in std::mem::take(&mut staged.counts) {
            *self.counts.entry((current.source, current.entity, key)).or_default() += count;
        }
        for (column, cells) in std::mem::take(&mut staged.cells) {
            self.cells.entry((current.source, current.entity, column)).or_default().add(&cells);
        }
        if staged.rejects.num_rows() > 0 {
            self.rejects.write(staged.rejects.clone())?;
        }
        Ok(())
    }

    /// Adds the lines of a CSV dump that the export of the current entity could not read.
    pub fn add_unread(&mut self, export: &Folder) -> Result<()> {
        if !export.has::<rejects::Table>(None) {
            return Ok(());
        }
        let current = self.entities.last_mut().expect("an entity was begun");
        for columns in export.read::<rejects::Table>(None)? {
            let columns = columns?;
            for row in columns.rows().filter(|row| row.entity == current.entity) {
                if row.column.is_none() {
                    current.rows += 1;
                    current.rejected += 1;
                }
                if let Some(reason) = Reason::from_code(row.reason) {
                    let of_dataset = |name: &str| {
                        let mut columns =
                            crate::sources::exports(current.source).into_iter().flat_map(|export| export.dataset.columns);
                        columns.find(|column| column.name == name).map(|column| column.name)
                    };
                    let column = row.column.and_then(of_dataset).unwrap_or_default();
                    *self.counts.entry((current.source, current.entity, (column, reason, None))).or_default() += 1;
                }
                self.rejects.push(row)?;
            }
        }
        Ok(())
    }

    /// Takes over the counts and rejects of a source from a staged folder; `false`, without changes, if one of its findings is not known.
    pub fn take_over(&mut self, source: Source, entities: &[&'static str], former: &Folder) -> Result<bool> {
        let columns: Vec<&'static str> = crate::sources::exports(source)
            .into_iter()
            .flat_map(|export| export.dataset.columns)
            .map(|column| column.name)
            .chain([""])
            .collect();
        let mut counts = Vec::new();
        for found in former.read::<findings::Table>(None)? {
            let found = found?;
            for row in found.rows().filter(|row| row.source == source) {
                let entity = entities.iter().find(|entity| **entity == row.entity);
                let column = columns.iter().find(|column| **column == row.column);
                let (Some(entity), Some(column), Some(reason)) = (entity, column, Reason::from_code(row.reason)) else {
                    return Ok(false);
                };
                counts.push(((source, *entity, (*column, reason, row.value.map(str::to_owned))), row.value_count));
            }
        }
        self.counts.extend(counts);
        for entity in entities {
            let count = |what: &str| former.manifest.count(&format!("{what}.{source}.{entity}"));
            let rows = u64::try_from(count("rows")).unwrap_or(0);
            self.entities.push(EntityAccount { source, entity, rows, rejected: count("left_out") });
        }
        for rejected in former.read::<rejects::Table>(None)? {
            for row in rejected?.rows().filter(|row| row.source == source) {
                self.rejects.push(row)?;
            }
        }
        Ok(true)
    }

    /// Fails if entities lost a larger share of their rows than allowed; lists all of them. `shown` says where the rows can be
    /// read.
    pub fn refuse_too_many_rejects(&self, limit: f64, shown: Option<&str>) -> Result<()> {
        let above = |entity: &&EntityAccount| entity.rejected as f64 > limit * entity.rows as f64;
        let refused: Vec<&EntityAccount> = self.entities.iter().filter(above).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let name = |entity: &EntityAccount| format!("{}.{}", entity.source, entity.entity);
        let words = |entity: &EntityAccount| {
            format!(
                "{} of {} rows could not be read, more than the allowed {} %",
                thousands(entity.rejected),
                thousands(entity.rows),
                limit * 100.0
            )
        };
        let names: Vec<String> = refused.iter().map(|entity| name(entity)).collect();
        let mut fault = Fault::new(Exit::Rejects, words(refused[0])).at(names.join(", "));
        for (at, entity) in refused.into_iter().enumerate() {
            if at > 0 {
                fault = fault.help(format!("{}: {}", name(entity), words(entity)));
            }
            for ((source, name, (_, reason, _)), count) in &self.counts {
                if *source == entity.source
                    && *name == entity.entity
                    && reason.effect() == Effect::Rejected
                    && reason.leaves_row_out()
                {
                    fault = fault.help(format!("{} × {}: {}", thousands(*count), reason.code(), reason.meaning()));
                }
            }
        }
        let see = shown.map_or_else(|| "see the rows: make stage ARGS=--with-values".to_owned(), str::to_owned);
        Err(fault.help(see).help("correct the rows at the source or raise load.max_reject_ratio; nothing was replaced").into())
    }

    /// Fails if too many cells of a typed column are unreadable: more than one, and more than the allowed share; in columns of
    /// deletion and consent, more than the allowed number.
    pub fn refuse_unreadable(&self, exports: &[(Source, Folder)], limits: &LoadSettings) -> Result<()> {
        let is_decisive = |column: &str| DECISIVE.contains(&column);
        let above = |(_, _, column): &(Source, &str, &str), cells: &TypedCells| {
            if is_decisive(column) {
                cells.unreadable > limits.max_unreadable_decisive
            } else {
                cells.unreadable > 1 && cells.unreadable as f64 > limits.max_unreadable_ratio * cells.filled as f64
            }
        };
        let mut refused = self.cells.iter().filter(|(place, cells)| above(place, cells));
        let Some(((source, entity, column), cells)) = refused.next() else { return Ok(()) };
        let export = exports.iter().find(|(exported, _)| exported == source).map(|(_, export)| export);
        let lines: Vec<String> = export.iter().flat_map(|export| cells.first.iter().map(|line| place(export, *line))).collect();
        let more = if cells.unreadable as usize > lines.len() { ", …" } else { "" };
        let what = format!(
            "column {column} of {}: {} of {} values cannot be read ({}{more})",
            export.map_or_else(|| (*entity).to_owned(), |export| file(export, *source, entity)),
            thousands(cells.unreadable),
            thousands(cells.filled),
            lines.join(", ")
        );
        let mut fault = Fault::new(Exit::Rejects, what).at(format!("{source}.{entity}"));
        for ((source, entity, column), cells) in refused {
            fault = fault.help(format!("also {source}.{entity}.{column}: {} values", thousands(cells.unreadable)));
        }
        let setting = if is_decisive(column) {
            "load.max_unreadable_decisive; until they are reviewed, such rows count as deleted or opted out"
        } else {
            "load.max_unreadable_ratio"
        };
        Err(fault.help(format!("correct the column at its source or raise {setting}; nothing was replaced")).into())
    }

    /// Cleaned, defaulted and rejected values by reason and source.
    pub fn values(&self) -> ReportValues {
        let mut sources: Vec<Source> = self.entities.iter().map(|entity| entity.source).collect();
        sources.dedup();
        let counts = self.counts.iter();
        ReportValues::count(&sources, counts.map(|((source, _, (_, reason, _)), count)| (*source, *reason, *count)))
    }

    /// Values per effect, and how many kinds of reason.
    pub fn by_effect(&self) -> Vec<(Effect, i64, usize)> {
        let of = |effect: Effect| {
            let matching = self.counts.iter().filter(move |((_, _, (_, reason, _)), _)| reason.effect() == effect);
            let kinds: std::collections::BTreeSet<Reason> = matching.clone().map(|((_, _, (_, reason, _)), _)| *reason).collect();
            (effect, matching.map(|(_, count)| count).sum(), kinds.len())
        };
        Effect::ALL.iter().map(|effect| of(*effect)).filter(|(_, values, _)| *values > 0).collect()
    }

    /// The most frequent unknown codes, as lines of text.
    pub fn unknown_codes(&self) -> Vec<String> {
        let mut unknown: Vec<_> = self
            .counts
            .iter()
            .filter_map(|((source, entity, (column, reason, value)), count)| {
                let value = value.as_ref().filter(|_| reason.is_unknown_code())?;
                Some((*count, format!("{source}.{entity}.{column} {value:?}: {} × {}", thousands(*count), reason.code())))
            })
            .collect();
        unknown.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        unknown.into_iter().take(NAMED_CODES).map(|(_, line)| line).collect()
    }

    /// Writes rejects and findings, and the sums into the manifest: `rows.<source>.<entity>`, `left_out.<source>.<entity>`,
    /// `<effect>.<source>`, `reason.<CODE>`.
    pub fn finish(self, draft: &Draft, manifest: &mut Manifest) -> Result<()> {
        draft.close(None, self.rejects)?;
        draft.write::<findings::Table>(None, [findings(&self.counts)])?;
        for entity in &self.entities {
            let name = format!("{}.{}", entity.source, entity.entity);
            manifest.counts.insert(format!("rows.{name}"), i64::try_from(entity.rows)?);
            manifest.counts.insert(format!("left_out.{name}"), entity.rejected);
        }
        for ((source, _, (_, reason, _)), count) in &self.counts {
            let effect = reason.effect().code().to_lowercase();
            *manifest.counts.entry(format!("{effect}.{source}")).or_default() += count;
            *manifest.counts.entry(format!("reason.{}", reason.code())).or_default() += count;
        }
        Ok(())
    }
}

fn findings(counts: &BTreeMap<(Source, &'static str, FindingKey), i64>) -> RecordBatch {
    let mut builder = findings::Builder::new(counts.len());
    for ((source, entity, (column, reason, value)), count) in counts {
        builder.push(findings::Row {
            source: *source,
            entity,
            column,
            effect: reason.effect().code(),
            reason: reason.code(),
            value: value.as_deref(),
            value_count: *count,
        });
    }
    builder.finish()
}
