//! Dumps of the five sources, empty but for the rows that a case needs, and what the offline steps make of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crm_backfill::model::{Code, Source};
use crm_backfill::sources::exports;

use crate::support::workdir::Workdir;
use crate::support::world::exporters;

/// A row of a dump: column and text.
type Cells = Vec<(String, String)>;

/// Rows by source and entity, each as column and text; columns that are not named are empty.
#[derive(Clone, Default)]
pub struct Dumps {
    rows: BTreeMap<(Source, &'static str), Vec<Cells>>,
}

impl Dumps {
    /// Adds a row.
    pub fn row(&mut self, source: Source, entity: &'static str, cells: &[(&str, &str)]) -> &mut Self {
        let cells = cells.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect();
        self.rows.entry((source, entity)).or_default().push(cells);
        self
    }

    /// Adds a contact of tenant 1, last changed on 1 January 2024.
    pub fn contact(&mut self, id: &str, cells: &[(&str, &str)]) -> &mut Self {
        let known = [("id", id), ("tenant_id", "1"), ("updated_at", "2024-01-01 00:00:00+00")];
        let cells: Vec<_> = known
            .into_iter()
            .filter(|(name, _)| !cells.iter().any(|(other, _)| other == name))
            .chain(cells.iter().copied())
            .collect();
        self.row(Source::Messaging, "contacts", &cells)
    }

    /// Adds a preference for the scope `all`, created and changed at one time.
    pub fn preference(&mut self, id: &str, contact: &str, channel: &str, word: &str, at: &str) -> &mut Self {
        self.row(
            Source::Messaging,
            "preferences",
            &[
                ("id", id),
                ("contact_id", contact),
                ("channel", channel),
                ("opted_in", word),
                ("created_at", at),
                ("updated_at", at),
            ],
        )
    }

    /// Adds a logged change.
    pub fn change(&mut self, id: &str, contact: &str, channel: &str, word: &str, source: &str, at: &str) -> &mut Self {
        let cells = [
            ("id", id),
            ("contact_id", contact),
            ("channel", channel),
            ("consent_after", word),
            ("source", source),
            ("created_at", at),
        ];
        self.row(Source::Messaging, "consent_changes", &cells)
    }

    /// Adds a message to a contact by email.
    pub fn message(&mut self, id: &str, contact: &str, status: &str, at: &str) -> &mut Self {
        let cells = [("id", id), ("contact_id", contact), ("channel", "EMAIL"), ("status", status), ("created_at", at)];
        self.row(Source::Messaging, "messages", &cells)
    }

    /// Writes the files and exports them.
    pub fn export(&self, workdir: &Workdir) {
        self.export_as(workdir, None);
    }

    /// The same under a new as-of time, which the first export sets.
    pub fn renew(&self, workdir: &Workdir) {
        self.export_as(workdir, Some("--new-as-of"));
    }

    fn export_as(&self, workdir: &Workdir, mut first: Option<&'static str>) {
        for (exporter, source) in exporters(6).zip(Source::ALL) {
            let folder: PathBuf = workdir.path().join("dumps").join(source.code());
            std::fs::create_dir_all(&folder).unwrap();
            for export in exports(*source) {
                let names: Vec<&str> = export.dataset.columns.iter().map(|column| column.name).collect();
                let mut text = names.join(",") + "\n";
                for row in self.rows.get(&(*source, export.entity)).into_iter().flatten() {
                    let cell = |name: &&str| match row.iter().find(|(column, _)| column == name) {
                        Some((_, text)) if !text.is_empty() => format!("\"{}\"", text.replace('"', "\"\"")),
                        _ => String::new(),
                    };
                    text += &(names.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
                }
                std::fs::write(folder.join(format!("{}.csv", export.entity)), text).unwrap();
            }
            let arguments: Vec<&str> = ["--csv", folder.to_str().unwrap()].into_iter().chain(first.take()).collect();
            workdir.ok(exporter, &arguments);
        }
    }
}

/// A folder whose rejects stop nothing: cases are mostly oddities.
pub fn workdir(as_of: &str) -> Workdir {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", as_of);
    workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 1.0");
    workdir
}

/// From dumps to scores.
pub fn offline(dumps: &Dumps, as_of: &str) -> Workdir {
    let workdir = workdir(as_of);
    dumps.export(&workdir);
    workdir.ok("export-crm", &[]);
    steps(&workdir);
    workdir
}

/// Stage to score.
pub fn steps(workdir: &Workdir) {
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
}

/// The rows of a dataset, each by column.
pub fn rows(workdir: &Workdir, dataset: &str) -> Vec<BTreeMap<String, String>> {
    let path = workdir.path().join("rows.csv");
    workdir.ok("inspect", &[dataset, "--show", "--csv", path.to_str().unwrap()]);
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// One column of a dataset, in order.
pub fn column(workdir: &Workdir, dataset: &str, name: &str) -> Vec<String> {
    rows(workdir, dataset)
        .into_iter()
        .map(|mut row| row.remove(name).unwrap_or_else(|| panic!("{dataset} has no {name}")))
        .collect()
}
