//! `--to-csv DIR`: writes the saved export as dumps, to be corrected and read again with `--csv DIR`.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::steps::export::Job;
use crate::store::{Destination, DumpWriter, Folder, create_private};

/// Writes one file for each entity of the saved export; needs no database.
pub fn write(session: &Session, job: &Job, folder: &Path) -> Result<StepOutcome> {
    let saved = Folder::open(&job.target)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        let fault = Fault::new(Exit::Usage, "the folder of the dumps cannot be created: its parent is missing");
        return Err(fault.at(folder.display().to_string()).help(format!("mkdir -p {}", parent.display())).into());
    }
    create_private(folder)?;
    let mut rows = 0;
    for export in &job.exports {
        let path = folder.join(format!("{}.csv", export.entity));
        let task = session.progress.task(format!("{}.{}", job.code, export.entity), None);
        let names = export.dataset.columns.iter().map(|column| column.name);
        let mut writer = DumpWriter::new(Destination::create(&path)?, names)?;
        for batch in saved.read_stem(export.dataset.stem)? {
            let batch = batch?;
            writer.write(&batch, |_| true)?;
            task.advance(batch.num_rows() as u64);
        }
        rows += writer.rows;
        if writer.null_words > 0 {
            session.progress.warn(format!(
                "{}: {} cells hold the word NULL or \\N, which --csv reads as null",
                path.display(),
                thousands(writer.null_words)
            ));
        }
        writer.finish()?.finish()?;
        task.finish("");
    }
    let text = format!(
        "{} dumps, {} rows, personal data, readable by you only: {}/*.csv\n",
        job.exports.len(),
        thousands(rows),
        folder.display()
    );
    let summary = json!({ "source": job.code, "dumps": job.exports.len(), "rows": rows, "folder": folder.display().to_string() });
    let next = format!("correct them, then: make export-{} ARGS=\"--csv {}\"", job.code.replace('_', "-"), folder.display());
    Ok(StepOutcome::new(text, summary).next(next))
}
