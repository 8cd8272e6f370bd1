//! Rejected values and rows with their original cells, for correction: `data/rejects/<source>__<entity>.csv`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::cli::Session;
use crate::model::Code;
use crate::model::thousands;
use crate::sources::staging::Entity;
use crate::steps::cells::defused;
use crate::store::{Draft, Manifest};
use crate::tables::check::rejects;
use crate::tables::{Column, Table as _, printable};

/// The files, by name.
#[derive(Default)]
pub struct ValueFiles {
    files: BTreeMap<String, csv::Writer<Vec<u8>>>,
    lines: u64,
}

impl ValueFiles {
    /// Adds the original row of every reject of a batch, one line per reject.
    /// `index_of` gives the place in the batch of the row at a line.
    pub fn add<T: Entity>(&mut self, batch: &RecordBatch, index_of: &dyn Fn(i64) -> i64, refused: &RecordBatch) -> Result<()> {
        let name = format!("rejects_{}__{}.csv", T::SOURCE.code(), T::ENTITY);
        self.add_to(name, T::fields(), batch, index_of, refused)
    }

    fn add_to(
        &mut self,
        name: String,
        fields: &[Column],
        batch: &RecordBatch,
        index_of: &dyn Fn(i64) -> i64,
        refused: &RecordBatch,
    ) -> Result<()> {
        if refused.num_rows() == 0 {
            return Ok(());
        }
        let refused = rejects::Table::columns(refused)?;
        let options = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"));
        let printable: Vec<_> = batch.columns().iter().map(printable).collect();
        let cells: Vec<_> =
            printable.iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options)).collect::<Result<_, _>>()?;
        let writer = self.files.entry(name).or_insert_with(|| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let header =
                ["reject_reason", "reject_column", "reject_line"].into_iter().chain(fields.iter().map(|column| column.name));
            // Writing to memory cannot fail.
            let _ = writer.write_record(header);
            writer
        });
        for reject in refused.rows() {
            let row = usize::try_from(index_of(reject.line)).context("a reject lies in its batch")?;
            let line = reject.line.to_string();
            let start = [reject.reason.to_owned(), reject.column.unwrap_or_default().to_owned(), line];
            writer.write_record(start.into_iter().chain(cells.iter().map(|cell| defused(cell.value(row).to_string()))))?;
            self.lines += 1;
        }
        Ok(())
    }

    /// Writes `data/rejects`, which is not an input of later steps, readable by the owner only. Files of an earlier run are
    /// removed. Returns a message.
    pub fn write(self, session: &Session, staged: &Manifest) -> Result<String> {
        let target = session.layout.rejects();
        let draft = Draft::create(&target, &staged.as_of)?;
        let (files, lines) = (self.files.len(), self.lines);
        for (name, writer) in self.files {
            let bytes = writer.into_inner().ok().context("writing to memory cannot fail")?;
            draft.write_file(&name, &bytes)?;
        }
        let manifest = Manifest { step: "rejects".to_owned(), ..staged.clone() };
        draft.finish_alone(manifest)?;
        let (files, lines) = (thousands(files as u64), thousands(lines));
        Ok(format!(
            "{files} files of rejected rows ({lines} lines), personal data, readable by you only: {}/*.csv; \
             how to correct them: docs/exports.md",
            target.display()
        ))
    }
}
