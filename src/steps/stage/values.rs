//! Refused values and rows with their original cells, for people who will correct them: `rejects_<source>__<entity>.csv`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::model::Code;
use crate::sources::staging::Entity;
use crate::store::Draft;
use crate::tables::check::rejects;
use crate::tables::{Table as _, printable};

/// The files in the making, by name.
#[derive(Default)]
pub struct Values(BTreeMap<String, csv::Writer<Vec<u8>>>);

impl Values {
    /// Adds the original row of every reject of a batch, one line per reject.
    pub fn add<T: Entity>(&mut self, batch: &RecordBatch, first_line: i64, refused: &RecordBatch) -> Result<()> {
        if refused.num_rows() == 0 {
            return Ok(());
        }
        let refused = rejects::Table::columns(refused)?;
        let options = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"));
        let printable: Vec<_> = batch.columns().iter().map(printable).collect();
        let cells: Vec<_> =
            printable.iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options)).collect::<Result<_, _>>()?;
        let writer = self.0.entry(format!("rejects_{}__{}.csv", T::SOURCE.code(), T::ENTITY)).or_insert_with(|| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let header =
                ["reject_reason", "reject_column", "reject_line"].into_iter().chain(T::fields().iter().map(|column| column.name));
            // Writing to memory cannot fail.
            let _ = writer.write_record(header);
            writer
        });
        for reject in refused.rows() {
            let row = usize::try_from(reject.line - first_line).context("a reject lies in its batch")?;
            let line = reject.line.to_string();
            let start = [reject.reason.to_owned(), reject.column.unwrap_or_default().to_owned(), line];
            writer.write_record(start.into_iter().chain(cells.iter().map(|cell| cell.value(row).to_string())))?;
        }
        Ok(())
    }

    /// Writes the files into the draft, readable by the owner only.
    pub fn write(self, draft: &Draft) -> Result<()> {
        for (name, writer) in self.0 {
            let bytes = writer.into_inner().ok().context("writing to memory cannot fail")?;
            draft.write_file(&name, &bytes)?;
        }
        Ok(())
    }
}
