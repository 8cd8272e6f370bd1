//! Stages one source: a first pass over the whole of it where a rule needs that, then batch by batch, in parallel and in order.

use anyhow::Result;
use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::cli::Session;
use crate::fault::{Exit, Fault};
use crate::model::{Code, Source};
use crate::progress::Task;
use crate::sources::staging::{
    Entity, FirstPass, FirstPassError, IdVerdict, Rules, StagedBatch, Uniqueness, Visitor, each_entity, stage_batch,
};
use crate::steps::stage::account::StageAccount;
use crate::steps::stage::position::{RowLines, file, place};
use crate::steps::stage::values::ValueFiles;
use crate::store::{Draft, Folder, TableReader, TableWriter};
use crate::tables::stage::{
    bookings, club_memberships, consents, handicaps, identifiers, messages, people, references, sport_memberships,
};
use crate::tables::{Columns as _, TableError};

/// Stages a source into the draft.
pub fn stage(
    session: &Session,
    source: Source,
    export: &Folder,
    draft: &Draft,
    rules: &Rules,
    account: &mut StageAccount,
    values: Option<&mut ValueFiles>,
) -> Result<()> {
    let mut glance = DateFirstPass { export, first_pass: FirstPass::default() };
    each_entity(source, &mut glance)?;
    let mut first_pass = glance.first_pass;
    first_pass.settle_dates(source, rules).map_err(|error| mixed_dates(export, &error))?;
    let mut first_pass = FirstPassVisitor { export, rules, first_pass };
    each_entity(source, &mut first_pass)?;
    let first_pass = first_pass.first_pass;
    let writers = Writers::open(draft, source)?;
    let mut stager = Stager { session, export, rules, first_pass, account, writers, values };
    each_entity(source, &mut stager)?;
    stager.writers.close(draft, source)
}

/// First pass over the date columns.
struct DateFirstPass<'a> {
    export: &'a Folder,
    first_pass: FirstPass,
}

impl Visitor for DateFirstPass<'_> {
    type Error = anyhow::Error;

    fn visit<T: Entity>(&mut self) -> Result<()> {
        if T::DATES.is_empty() {
            return Ok(());
        }
        let columns: Vec<&str> = T::DATES.iter().map(|(column, _)| *column).collect();
        for batch in self.export.glance::<T>(Some(T::SOURCE), &columns)? {
            self.first_pass.see_dates::<T>(&batch?);
        }
        Ok(())
    }
}

fn mixed_dates(export: &Folder, error: &FirstPassError) -> Fault {
    let mixed = error.mixed;
    let lines = RowLines::of(export, error.entity);
    let place = |at: u64| place(export, lines.of_row(i64::try_from(at).expect("counts fit in 63 bits")));
    let what = format!(
        "column {} of {} has dates that prove two orders: {} with the day first (the first in {}), {} with the month first (the first \
         in {})",
        error.column,
        file(export, error.source_name, error.entity),
        mixed.day_first,
        place(mixed.day_first_at),
        mixed.month_first,
        place(mixed.month_first_at)
    );
    Fault::new(Exit::Input, what)
        .at(export.path().display().to_string())
        .help(format!(
            "declare the order of the column:  [dates.order] \"{}.{}.{}\" = \"day_first\" (or \"month_first\") in backfill.toml",
            error.source_name, error.entity, error.column
        ))
        .help("or write the column in one order, best as 1985-03-15, and export again")
}

struct FirstPassVisitor<'a> {
    export: &'a Folder,
    rules: &'a Rules,
    first_pass: FirstPass,
}

impl Visitor for FirstPassVisitor<'_> {
    type Error = anyhow::Error;

    fn visit<T: Entity>(&mut self) -> Result<()> {
        if T::NEEDS_FIRST_PASS {
            for columns in self.export.read::<T>(Some(T::SOURCE))? {
                T::first_pass(&columns?, self.rules, &mut self.first_pass);
            }
        }
        Ok(())
    }
}

macro_rules! writers {
    ($($dataset:ident),+) => {
        /// The open files of one source.
        struct Writers { $($dataset: TableWriter<$dataset::Table>),+ }

        impl Writers {
            fn open(draft: &Draft, source: Source) -> Result<Self> {
                Ok(Self { $($dataset: draft.writer::<$dataset::Table>(Some(source))?),+ })
            }

            fn write(&mut self, staged: StagedBatch) -> Result<()> {
                $(if let Some(batch) = staged.$dataset {
                    self.$dataset.write(batch)?;
                })+
                Ok(())
            }

            /// Completes the files in parallel, because each waits for the disk.
            fn close(self, draft: &Draft, source: Source) -> Result<()> {
                std::thread::scope(|scope| {
                    $(let $dataset = scope.spawn(move || draft.close(Some(source), self.$dataset));)+
                    $($dataset.join().expect("a panic while closing is a bug")?;)+
                    Ok(())
                })
            }
        }
    };
}

writers!(people, identifiers, club_memberships, sport_memberships, handicaps, bookings, messages, consents, references);

struct Stager<'a> {
    session: &'a Session,
    export: &'a Folder,
    rules: &'a Rules,
    first_pass: FirstPass,
    account: &'a mut StageAccount,
    writers: Writers,
    values: Option<&'a mut ValueFiles>,
}

/// A batch that waits to be staged: its rows, the place of the first one in the export, and the rows whose id occurred before.
struct Waiting<C> {
    batch: RecordBatch,
    columns: C,
    first_row: i64,
    duplicates: Vec<usize>,
}

impl Visitor for Stager<'_> {
    type Error = anyhow::Error;

    fn visit<T: Entity>(&mut self) -> Result<()> {
        let rows = self.export.rows::<T>(Some(T::SOURCE))?;
        let task = self.session.progress.task(format!("{} {}", T::SOURCE.code(), T::ENTITY), Some(rows));
        self.account.begin(T::SOURCE, T::ENTITY);
        self.account.add_unread(self.export)?;
        let mut reader = self.export.read::<T>(Some(T::SOURCE))?;
        let lines = RowLines::of(self.export, T::ENTITY);
        let mut ids = Uniqueness::default();
        let mut first_row = 1;
        let in_flight = rayon::current_num_threads() * 2;
        loop {
            let mut waiting = Vec::with_capacity(in_flight);
            while waiting.len() < in_flight {
                let Some(next) = self.next::<T>(&mut reader, &mut ids, first_row)? else { break };
                first_row += i64::try_from(next.columns.len())?;
                waiting.push(next);
            }
            if waiting.is_empty() {
                break;
            }
            self.stage_group::<T>(waiting, &lines, &task)?;
        }
        task.finish("");
        Ok(())
    }
}

impl Stager<'_> {
    fn next<T: Entity>(
        &self,
        reader: &mut TableReader<T>,
        ids: &mut Uniqueness,
        first_row: i64,
    ) -> Result<Option<Waiting<T::Columns>>> {
        let Some(batch) = reader.next_batch() else { return Ok(None) };
        let batch = batch?;
        let columns = T::columns(&batch).map_err(|error| self.misfit(&error))?;
        let mut duplicates = Vec::new();
        let mut buffer = String::new();
        for index in 0..columns.len() {
            let row = T::row(&columns, index);
            buffer.clear();
            let id = T::id(&row, &mut buffer);
            if id.is_empty() {
                continue;
            }
            let verdict = match ids.check(id) {
                IdVerdict::OutOfOrder => {
                    self.remember::<T>(ids, first_row + i64::try_from(index)?)?;
                    ids.check(id)
                }
                verdict => verdict,
            };
            if verdict == IdVerdict::Duplicate {
                duplicates.push(index);
            }
        }
        Ok(Some(Waiting { batch, columns, first_row, duplicates }))
    }

    /// Reads the ids before a row again, because the file is not sorted by id.
    fn remember<T: Entity>(&self, ids: &mut Uniqueness, before: i64) -> Result<()> {
        let mut place = 1;
        let mut buffer = String::new();
        for columns in self.export.read::<T>(Some(T::SOURCE))? {
            let columns = columns?;
            for index in 0..columns.len() {
                if place == before {
                    return Ok(());
                }
                place += 1;
                let row = T::row(&columns, index);
                buffer.clear();
                ids.remember([T::id(&row, &mut buffer)]);
            }
        }
        Ok(())
    }

    fn stage_group<T: Entity>(&mut self, waiting: Vec<Waiting<T::Columns>>, lines: &RowLines, task: &Task<'_>) -> Result<()> {
        let batches: Vec<StagedBatch> = waiting
            .par_iter()
            .map(|next| {
                let line_of = |index: usize| lines.of_row(next.first_row + i64::try_from(index).expect("a batch is short"));
                stage_batch::<T>(&next.columns, &line_of, &next.duplicates, self.rules, &self.first_pass)
            })
            .collect();
        for (mut staged, next) in batches.into_iter().zip(waiting) {
            task.advance(staged.rows as u64);
            if let Some(values) = &mut self.values {
                values.add::<T>(&next.batch, &|line| lines.row_at(line) - next.first_row, &staged.rejects)?;
            }
            self.account.add(&mut staged)?;
            self.writers.write(staged)?;
        }
        Ok(())
    }

    fn misfit(&self, error: &TableError) -> Fault {
        Fault::new(Exit::Input, error.to_string())
            .at(self.export.path().display().to_string())
            .help("the export was written by another version: export the source again")
    }
}
